"""A shortest call that goes two ways under two texts of a procedure, and a shortest one that hears
other words.

The two machines are run side by side over the same facts, among the events that the vocabulary's
sampler makes up, breadth first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from returnflow.engine.definition import Definition, State
from returnflow.engine.machine import Step, propose
from returnflow.engine.session import refusal
from returnflow.engine.vocabulary import Event
from returnflow.engine.words import render
from returnflow.errors import UsageError
from returnflow.testing.sampler import Sampler, Situation, samplers

MOST_NODES = 30_000
"""Points of calls that are looked at in the fixed shop."""

MORE_NODES = 3_000
"""Points that are looked at in each random shop."""

SHOPS = 3
"""Random shops that are tried after the fixed one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is said under the one text, and what under the other, with the facts filled in."""

    what: str
    one: str
    other: str


@dataclass(frozen=True)
class Parting:
    """A shortest call, of those tried, on which two texts differ.

    Args:
        events: the call; the last event is the one at which they do. None at all where they
            differ as soon as the call begins.
        steps: what the two make of that event; None where there is none.
        heard: what is said otherwise there; empty where the ways part.
    """

    events: tuple[Event, ...]
    steps: tuple[Step, Step] | None
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True)
class Partings:
    """What was found.

    Args:
        way: a call that goes two ways.
        words: a call that goes one way, and hears other words.
    """

    way: Parting | None = None
    words: Parting | None = None


def partings(one: Definition, other: Definition, *, way: bool, words: bool) -> Partings:
    """Shortest calls on which `one` and `other` differ.

    None where none of the calls that were tried does; that is no proof that none does.

    Args:
        way, words: which of the two are looked for.

    Raises:
        UsageError: the two speak different vocabularies.
    """
    name = one.vocabulary.name
    if other.vocabulary.name != name:
        raise UsageError(
            f"{one.name} speaks the vocabulary {name}, {other.name} {other.vocabulary.name}; no "
            "call can go both ways"
        )
    sampler = samplers.get(name)
    if sampler is None or one.initial != other.initial:
        return Partings()  # they part before anything happens; `changes` says so
    search = _Search(one, other, sampler, way=way, words=words)
    search.run(sampler.curated(), MOST_NODES)
    for seed in range(SHOPS):
        if not search.done:
            search.run(sampler.generate(Random(seed)), MORE_NODES)  # noqa: S311 (not for secrets)
    return Partings(search.way, search.words)


@dataclass(frozen=True, slots=True)
class _Point:
    state: str
    case: Any
    events: tuple[Event, ...]


class _Search:
    def __init__(
        self, one: Definition, other: Definition, sampler: Sampler, *, way: bool, words: bool
    ) -> None:
        self.way: Parting | None = None
        self.words: Parting | None = None
        self._both = (one, other)
        self._sampler = sampler
        self._wanted = (way, words)
        self._notices = {
            name
            for name in one.notices.keys() | other.notices.keys()
            if one.notices.get(name) != other.notices.get(name)
        }
        self._shown = {
            name: tuple(_shown(one.states[name], other.states[name]))
            for name in one.states.keys() & other.states.keys()
        }

    @property
    def done(self) -> bool:
        """Whether all that was wanted is found."""
        way, words = self._wanted
        return not ((way and self.way is None) or (words and self.words is None))

    def run(self, shop: Any, most: int) -> None:
        """Looks among the calls to one shop."""
        one, other = self._both
        day, zone = self._sampler.beginning(shop)
        start = _Point(one.initial, one.vocabulary.new_case(day, zone), ())
        if heard := self._heard(start.state, start.case):
            self._found_words(Parting((), None, heard))
        known: set[Hashable] = {(start.state, start.case.outline())}
        queue = deque([start])
        while queue and not self.done and len(known) < most:
            point = queue.popleft()
            at = Situation(one.states[point.state], point.case, shop)
            for event in self._events(at):
                following = self._try(point, event)
                if following is None:
                    continue
                key = (following.state, following.case.outline())
                if key not in known and following.state in other.states:
                    known.add(key)
                    queue.append(following)

    def _events(self, at: Situation) -> Iterator[Event]:
        names = dict.fromkeys(
            event for each in self._both for state, event in each.rows if state == at.state.name
        )
        for name in names:
            yield from self._sampler.good(name, at)
            yield from self._sampler.slips(name, at)

    def _try(self, point: _Point, event: Event) -> _Point | None:
        one, other = self._both
        after = point.case.copy()
        after.apply(event)
        steps = (
            propose(one.rows, point.state, event, after),
            propose(other.rows, point.state, event, after),
        )
        events = (*point.events, event)
        if _way(one, steps[0]) != _way(other, steps[1]):
            if self.way is None and self._wanted[0]:
                self.way = Parting(events, steps)
            return None
        row = steps[0].row
        case = point.case if row is None or row.discard or not steps[0].accepted else after
        if self._wanted[1] and self.words is None:
            heard = (*self._told(steps, case), *self._heard(steps[0].target, case))
            if heard:
                self._found_words(Parting(events, steps, heard))
        return _Point(steps[0].target, case, events) if steps[0].accepted else None

    def _found_words(self, parting: Parting) -> None:
        if self.words is None and self._wanted[1]:
            self.words = parting

    def _told(self, steps: tuple[Step, Step], case: Any) -> Iterator[Heard]:
        """What the rows that were taken say."""
        said = []
        for definition, step in zip(self._both, steps, strict=True):
            key = step.row.words if step.row is not None else None
            said.append(definition.words[key] if key else "")
        if said[0] == said[1]:
            return
        if steps[0].accepted:
            yield from self._rendered("told", said[0], said[1], case)
            return
        one, other = (
            refusal(definition, step) for definition, step in zip(self._both, steps, strict=True)
        )
        if one != other:
            yield Heard("refused", one, other)

    def _heard(self, state: str, case: Any) -> tuple[Heard, ...]:
        """What is said and shown in a state."""
        found = [
            heard
            for what, one, other in self._shown.get(state, ())
            for heard in self._rendered(what, one, other, case)
        ]
        owes = self._both[0].states[state].owes
        if owes and self._notices:
            one, other = self._both
            for due in one.vocabulary.dues[owes](case):
                if due.notice in self._notices:
                    said, said_too = (each.notices.get(due.notice, "") for each in (one, other))
                    values = dict(due.values)
                    what = f"notice {due.notice}"
                    found += self._rendered(what, said, said_too, case, due=values)
        return tuple(found)

    def _rendered(self, what: str, one: str, other: str, case: Any, **more: Any) -> Iterator[Heard]:
        """The two texts with the facts filled in, where they then differ."""
        scope = {**self._both[0].vocabulary.scope(case), **more}
        texts = [" ".join(render(text, scope).split()) if text else "" for text in (one, other)]
        if texts[0] != texts[1]:
            yield Heard(what, *texts)


def _shown(one: State, other: State) -> Iterator[tuple[str, str, str]]:
    """The texts of a state that differ: which, and both."""
    for what, (said, said_too) in _texts(one, other).items():
        if said != said_too:
            yield what, said, said_too


def _texts(*states: State) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}

    def add(what: str, number: int, text: str | None) -> None:
        found.setdefault(what, ["", ""])[number] = text or ""

    for number, state in enumerate(states):
        for what in ("say", "do", "end"):
            add(what, number, getattr(state, what))
        for question in state.questions:
            name = question.event
            add(f"label of {name}", number, question.label)
            add(f"before {name} is sent", number, question.confirm)
            for field, wanted in question.fields.items():
                add(f"prompt for {field} of {name}", number, wanted.prompt)
                add(f"help with {field} of {name}", number, wanted.help)
    return found


def _way(definition: Definition, step: Step) -> tuple[object, ...]:
    """What decides how a call goes on: taken or not, the state, what it owes, asks and calls."""
    row = step.row
    state = definition.states[step.target]
    questions = tuple(
        (
            question.event,
            question.key,
            tuple((name, field.type) for name, field in question.fields.items()),
            question.confirm is not None,
        )
        for question in state.questions
    )
    return (
        step.accepted,
        step.target,
        row.discard if row is not None else False,
        state.owes,
        state.operation.name if state.operation else "",
        questions,
    )
