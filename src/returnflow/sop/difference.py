"""What a change of a procedure changes: its states, its rows, its words, its rules; and a shortest
call that goes one way under the one text and another way under the other.

The two machines are run side by side over the same facts, among the events that the vocabulary's
sampler makes up, breadth first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from returnflow.engine.definition import Definition, Row, State
from returnflow.engine.machine import Step, propose
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import UsageError
from returnflow.testing.sampler import Sampler, Situation, samplers

MOST_NODES = 30_000
"""Points of calls that are looked at in the fixed shop."""

MORE_NODES = 3_000
"""Points that are looked at in each random shop."""

SHOPS = 3
"""Random shops that are tried after the fixed one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Args:
        sort: ``state``, ``row``, ``question``, ``words``, ``notice``, ``rule``, ``head``.
        name: which.
        before, after: how it reads; "" where it is not there.
        line: where it stands in the second text, or else in the first.
    """

    sort: str
    name: str
    before: str
    after: str
    line: int


@dataclass(frozen=True)
class Parting:
    """A shortest call, of those tried, that goes two ways.

    Args:
        events: the call; the last event is the one at which the ways part.
        one, other: what the two procedures make of that event.
        words: the ways are the same, but the words that are said there are not.
    """

    events: tuple[Event, ...]
    one: Step
    other: Step
    words: tuple[str, str] | None = None


def changes(one: Definition, other: Definition) -> list[Change]:
    """What differs between two texts, in the order of the second."""
    found = [
        *_head(one, other),
        *_pairs("state", _states(one), _states(other)),
        *_pairs("row", _rows(one), _rows(other)),
        *_pairs("question", _questions(one), _questions(other)),
        *_pairs("words", _words(one), _words(other)),
        *_pairs("rule", _rules(one), _rules(other)),
    ]
    return sorted(found, key=lambda change: (_SORTS.index(change.sort), change.line))


_SORTS = ("head", "state", "row", "question", "words", "rule")

_Items = Mapping[str, tuple[str, int]]


def _pairs(sort: str, one: _Items, other: _Items) -> Iterator[Change]:
    for name in {**one, **other}:
        before, after = one.get(name, ("", 0)), other.get(name, ("", 0))
        if before[0] != after[0]:
            yield Change(sort, name, before[0], after[0], after[1] or before[1])


def _head(one: Definition, other: Definition) -> Iterator[Change]:
    for name in ("sop", "version", "title", "initial"):
        before, after = str(getattr(one, name)), str(getattr(other, name))
        if before != after:
            yield Change("head", name, before, after, 1)


def _states(definition: Definition) -> _Items:
    return {state.name: (_state(state), state.place.line) for state in definition.states.values()}


def _state(state: State) -> str:
    what = f"calls {state.operation.name}" if state.operation else f"{state.kind}s"
    owes = f", owes {state.owes}" if state.owes else ""
    return f"step {state.step}, {what}{owes}: {state.title}"


def _rows(definition: Definition) -> _Items:
    return {
        f"{state}/{event}": ("; ".join(_row(row) for row in rows), rows[0].place.line)
        for (state, event), rows in definition.rows.items()
    }


def _row(row: Row) -> str:
    when = " and ".join(guard.name for guard in row.guards) or "otherwise"
    more = [
        f"tells {row.words}" if row.words and row.to else "",
        f"in the words {row.words}" if row.words and not row.to else "",
        "its facts not kept" if row.discard else "",
        f"remarked as {row.remark}" if row.remark else "",
    ]
    notes = "".join(f", {each}" for each in more if each)
    return f"[{when}] → {row.to or 'refused'}{notes}"


def _questions(definition: Definition) -> _Items:
    return {
        f"{state.name}/{question.event}": (
            ", ".join(
                [
                    question.label,
                    f"key {question.key}" if question.key else "typed",
                    *(f"{name}: {field.type}" for name, field in question.fields.items()),
                    *([f"confirmed: {question.confirm}"] if question.confirm else []),
                ]
            ),
            state.place.line,
        )
        for state in definition.states.values()
        for question in state.questions
    }


def _words(definition: Definition) -> _Items:
    found = {name: (" ".join(text.split()), 0) for name, text in definition.words.items()}
    for name, text in definition.notices.items():
        found[f"notice {name}"] = (" ".join(text.split()), 0)
    for state in definition.states.values():
        for kind in ("say", "do", "end"):
            text = getattr(state, kind)
            if text:
                found[f"{kind} in {state.name}"] = (" ".join(text.split()), state.place.line)
    return found


def _rules(definition: Definition) -> _Items:
    return {
        name: (f"{rule.template} {rule.first} {rule.then or ''}: {rule.says}", rule.line)
        for name, rule in definition.rules.items()
    }


# -- a call that goes two ways ----------------------------------------------------------------


def parting(one: Definition, other: Definition) -> Parting | None:
    """A shortest call that goes one way under `one` and another under `other`.

    None where none of the calls that were tried does; that is no proof that none does. Steps are
    compared by what can be seen of them: taken or refused, the state, the words.

    Raises:
        UsageError: the two speak different vocabularies, or theirs has no sampler.
    """
    name = one.vocabulary.name
    if other.vocabulary.name != name:
        raise UsageError(
            f"{one.name} speaks the vocabulary {name}, {other.name} {other.vocabulary.name}; no "
            "call can go both ways"
        )
    sampler = samplers.get(name)
    if sampler is None:
        return None
    found = _part(one, other, sampler, sampler.curated(), MOST_NODES)
    for seed in range(SHOPS):
        if found is None:
            shop = sampler.generate(Random(seed))  # noqa: S311 (not for secrets)
            found = _part(one, other, sampler, shop, MORE_NODES)
    return found


@dataclass(frozen=True, slots=True)
class _Point:
    state: str
    case: Any
    events: tuple[Event, ...]


def _part(
    one: Definition, other: Definition, sampler: Sampler, shop: Any, most: int
) -> Parting | None:
    day, zone = sampler.beginning(shop)
    start = _Point(one.initial, one.vocabulary.new_case(day, zone), ())
    if other.initial != one.initial:
        return None  # they part before anything happens; `changes` says so
    known: set[Hashable] = {(start.state, start.case.outline())}
    queue = deque([start])
    while queue and len(known) < most:
        point = queue.popleft()
        state = one.states[point.state]
        at = Situation(state, point.case, shop)
        for event in _events(sampler, at, (one, other)):
            after = point.case.copy()
            after.apply(event)
            steps = [propose(each.rows, point.state, event, after) for each in (one, other)]
            if _seen(one, steps[0]) != _seen(other, steps[1]):
                return Parting((*point.events, event), steps[0], steps[1])
            row = steps[0].row
            if not steps[0].accepted or row is None:
                continue
            following = _Point(
                steps[0].target, point.case if row.discard else after, (*point.events, event)
            )
            key = (following.state, following.case.outline())
            if key not in known and following.state in other.states:
                known.add(key)
                queue.append(following)
    return None


def _events(sampler: Sampler, at: Situation, both: Iterable[Definition]) -> Iterator[Event]:
    names = dict.fromkeys(
        event for each in both for state, event in each.rows if state == at.state.name
    )
    for name in names:
        yield from sampler.good(name, at)
        yield from sampler.slips(name, at)


def _seen(definition: Definition, step: Step) -> tuple[object, ...]:
    """What can be seen of a step: taken or not, the state and all that is said, asked and owed."""
    row = step.row
    words = definition.words[row.words] if row is not None and row.words else ""
    state = definition.states[step.target]
    questions = tuple(
        (question.event, question.label, question.key, tuple(question.fields))
        for question in state.questions
    )
    told = tuple(definition.notices.items()) if state.owes else ()
    return (
        step.accepted,
        step.target,
        words,
        row.discard if row is not None else False,
        state.say,
        state.do,
        state.end,
        state.owes,
        state.operation.name if state.operation else "",
        questions,
        told,
    )


def same_way(parted: Parting) -> bool:
    """Whether the two only say something else, and go the same way."""
    one, other = parted.one, parted.other
    return one.accepted == other.accepted and one.target == other.target


def last_event(parted: Parting) -> str:
    """The name of the event at which the ways part."""
    return event_name(parted.events[-1])
