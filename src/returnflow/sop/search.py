"""A real call that breaks a rule: searched on the machine itself, and checked by running it.

The proof's way says where to look: first only among the states and events on it, then among all.
The shops are the small fixed one of the vocabulary's sampler, and a few random ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from returnflow.engine.abstraction import Kind
from returnflow.engine.definition import Definition
from returnflow.engine.machine import Step, propose
from returnflow.engine.rules import Monitor, Rule, Seen, notice_of
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.sop.proof import Way
from returnflow.testing.sampler import Sampler, Situation, samplers

MOST_NODES = 6_000
"""Calls that are tried in one shop before the search gives up."""

SHOPS = 3
"""Random shops that are tried after the fixed one."""


@dataclass(frozen=True)
class Counterexample:
    """A real call that breaks a rule.

    Args:
        events: the call; the last one breaks the rule, by happening or by ending the call.
        shop: the shop that it is about.
        subject: in words, what it breaks the rule about; "" for a rule about whole calls.
        refused: the last event is refused, which is what the rule forbids.
    """

    events: tuple[Event, ...]
    shop: Any
    subject: str
    refused: bool


def counterexample(
    definition: Definition, rule: Rule, way: Way | None, states: frozenset[str] = frozenset()
) -> Counterexample | None:
    """A shortest call of those tried that breaks `rule`; None where none was found.

    Args:
        way: as the proof gave it; None for a `can_reach`.
        states: for a `can_reach`, the states from which nothing leads on.
    """
    sampler = samplers.get(definition.vocabulary.name)
    if sampler is None:
        return None
    for number, shop in enumerate(_shops(sampler)):
        for narrow in (True, False) if way is not None else (False,):
            search = _Search(definition, rule, sampler, shop, way if narrow else None, states)
            found = search.run(MOST_NODES if not number else MOST_NODES // 3)
            if found is not None:
                return found
    return None


def along(definition: Definition, way: Way) -> frozenset[tuple[str, str]]:
    """The states and events of an abstract call, with those that a real one may need besides:
    the abstract facts do not tell that something is still to be looked up, sent, or said."""
    vocabulary = definition.vocabulary
    failed = event_name(type(vocabulary.build_failed("", "known", "")))
    lesser = {event_name(vocabulary.told)}
    for operation in vocabulary.operations.values():
        lesser |= {*operation.outcomes, *([operation.request] if operation.request else [])}
    lesser -= {failed}
    early = {(row.state, row.event) for row in definition.all_rows() if row.remark}
    pairs = {pair for pair in definition.rows if pair[1] in lesser} - early
    return frozenset({*pairs, *((taken.row.state, taken.event) for taken in way.steps)})


def _shops(sampler: Sampler) -> Iterator[Any]:
    yield sampler.curated()
    for seed in range(SHOPS):
        yield sampler.generate(Random(seed))  # noqa: S311 (not for secrets)


@dataclass(frozen=True)
class Happened:
    """One event of a real call: the facts before and after it, and what the machine made of it."""

    before: Any
    event: Event
    after: Any
    step: Step


def seen(happened: Happened, definition: Definition) -> Seen:
    """The event as a rule sees it."""
    vocabulary = definition.vocabulary
    event, after = happened.event, happened.after
    return Seen(
        name=event_name(event),
        notice=notice_of(event, vocabulary.told),
        state=happened.step.source,
        target=happened.step.target,
        accepted=happened.step.accepted,
        # Live, what cannot be told counts as not held.
        holds=lambda guard: vocabulary.guards[guard].test(after, event) is True,
    )


def breaks(
    definition: Definition, rule: Rule, kind: Kind | None, call: list[Happened]
) -> tuple[bool, Any]:
    """Whether a call breaks a rule with its last event, and about which subject."""
    subjects: dict[Hashable, None] = {}
    for each in call:
        if kind is not None:
            subjects.update(dict.fromkeys(kind.subjects(each.before, each.event, each.after)))
    last = call[-1].step if call else None
    over = last is not None and last.accepted and definition.states[last.target].kind == "end"
    for subject in subjects if kind is not None else (None,):
        monitor = Monitor(rule)
        for number, each in enumerate(call):
            about = True
            if kind is not None and event_name(each.event) in kind.events:
                about = kind.about(subject, each.before, each.event, each.after) is True
            broken = monitor.see(seen(each, definition), about)
            if broken:
                return number == len(call) - 1, subject
        if over and monitor.end():
            return True, subject
    return False, None


class _Node:
    __slots__ = ("call", "case", "state")

    def __init__(self, state: str, case: Any, call: list[Happened]) -> None:
        self.state, self.case, self.call = state, case, call


class _Search:
    def __init__(
        self,
        definition: Definition,
        rule: Rule,
        sampler: Sampler,
        shop: Any,
        way: Way | None,
        states: frozenset[str],
    ) -> None:
        self._definition, self._rule, self._sampler, self._shop = definition, rule, sampler, shop
        self._goals = states
        vocabulary = definition.vocabulary
        abstraction = vocabulary.abstraction() if vocabulary.abstraction else None
        self._kind = abstraction.kinds[rule.about] if rule.about and abstraction else None
        self._names: dict[str, list[str]] = {}
        on_way = along(definition, way) if way is not None else None
        for state, event in definition.rows:
            if on_way is None or (state, event) in on_way:
                self._names.setdefault(state, []).append(event)
        self._activities = frozenset().union(*(each.events for each in rule.activities()))
        self._refusals = rule.first.refused

    def run(self, most: int) -> Counterexample | None:
        definition = self._definition
        day, zone = self._sampler.beginning(self._shop)
        start = _Node(definition.initial, definition.vocabulary.new_case(day, zone), [])
        known = {self._key(start)}
        queue = deque([start])
        while queue and len(known) < most:
            node = queue.popleft()
            at = Situation(definition.states[node.state], node.case, self._shop)
            for event in self._events(node.state, at):
                found = self._try(node, event, known, queue)
                if found is not None:
                    return found
        return None

    def _events(self, state: str, at: Situation) -> Iterator[Event]:
        for name in self._names.get(state, ()):
            yield from self._sampler.good(name, at)
            yield from self._sampler.slips(name, at)

    def _try(
        self, node: _Node, event: Event, known: set[Any], queue: deque[_Node]
    ) -> Counterexample | None:
        after = node.case.copy()
        after.apply(event)
        step = propose(self._definition.rows, node.state, event, after)
        if not step.accepted and not self._refusals:
            return None
        call = [*node.call, Happened(node.case, event, after, step)]
        if self._goals:
            broken, subject = step.target in self._goals, None
        else:
            broken, subject = breaks(self._definition, self._rule, self._kind, call)
        if broken:
            return self._confirmed(call, subject)
        if step.accepted and step.row is not None:
            following = _Node(step.target, node.case if step.row.discard else after, call)
            key = self._key(following)
            if key not in known:
                known.add(key)
                queue.append(following)
        return None

    def _key(self, node: _Node) -> Hashable:
        # Two calls that stand alike may have come there with or without what the rule asks for.
        marks = frozenset(
            (event_name(each.event), *self._mark(each))
            for each in node.call
            if event_name(each.event) in self._activities
        )
        return node.state, node.case.outline(), marks

    def _mark(self, each: Happened) -> tuple[Hashable, ...]:
        if self._kind is None:
            return ()
        return (frozenset(self._kind.subjects(each.before, each.event, each.after)),)

    def _confirmed(self, call: list[Happened], subject: Any) -> Counterexample | None:
        """The call, once a session of the definition has gone through it as well."""
        day, zone = self._sampler.beginning(self._shop)
        session = Session(self._definition, day, zone)
        for each in call:
            step = session.propose(each.event)
            if step.accepted != each.step.accepted or step.target != each.step.target:
                return None
            if step.accepted:
                session.accept(step)
        words: Callable[[Any], str] | None = self._kind.words if self._kind else None
        return Counterexample(
            events=tuple(each.event for each in call),
            shop=self._shop,
            subject=words(subject) if words is not None and subject is not None else "",
            refused=not call[-1].step.accepted,
        )
