"""Calls made up: random ones, arbitrary events, and a shortest call for each row of a table.

All are deterministic: the same definition, shop and seed give the same events.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec.structs import replace

from returnflow.engine.definition import Definition, Row, State
from returnflow.engine.machine import Step, propose
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.testing.sampler import Sampler, Situation, sampler_for


def handled(definition: Definition) -> Mapping[str, tuple[str, ...]]:
    """By state, the names of the events that any of its rows is about, in the table's order."""
    found: dict[str, list[str]] = {name: [] for name in definition.states}
    for state, event in definition.rows:
        found[state].append(event)
    return {name: tuple(events) for name, events in found.items()}


def candidates(session: Session, shop: Any, rng: Random) -> list[Event]:
    """The events that could be tried now: sensible ones and some that ought to be refused.

    Args:
        shop: the shop that the call is about. Writes that are tried are done on it.
    """
    sampler = sampler_for(session.definition.vocabulary.name)
    at = Situation(session.state, session.case, shop, rng)
    return [
        event
        for name in handled(session.definition)[session.state.name]
        for make in (sampler.good, sampler.slips)
        for event in make(name, at)
    ]


def random_events(definition: Definition, rng: Random, n: int, shop: Any = None) -> list[Event]:
    """`n` arbitrary events of the definition's vocabulary, legal or not.

    Args:
        shop: whose things they are about; None: a random one.
    """
    sampler = sampler_for(definition.vocabulary.name)
    about = sampler.generate(rng) if shop is None else shop
    return [sampler.anything(rng, about) for _ in range(n)]


def random_call(
    definition: Definition,
    rng: Random,
    shop: Any = None,
    max_events: int = 60,
    goals: Sequence[str] = (),
) -> list[Event]:
    """A legal call of at most `max_events` events, with rising times.

    It wanders at first and makes for an end when the events run out; only where `max_events`
    is too small for the way there does it stop in the middle.

    Args:
        shop: is left as it is; None: a random one.
        goals: states that it makes for, one after the other, the last of them an end; it may
            miss them. Empty: some that are drawn.
    """
    return walk(definition, rng, shop, max_events, goals)[0]


def walk(
    definition: Definition,
    rng: Random,
    shop: Any = None,
    max_events: int = 60,
    goals: Sequence[str] = (),
) -> tuple[list[Event], Session]:
    """As `random_call`, with the session as the call leaves it."""
    walker = _Walker(definition, rng, shop, goals)
    while walker.goes_on(max_events - len(walker.events)):
        pass
    return walker.events, walker.session


class _Walker:
    """A random walk that makes for a few states, one after the other, and then for an end.

    It leans towards its goal and towards rows that it has not taken yet, but goes astray too.
    """

    def __init__(
        self, definition: Definition, rng: Random, shop: Any, goals: Sequence[str]
    ) -> None:
        self.rng = rng
        self.sampler = sampler_for(definition.vocabulary.name)
        self.shop = self.sampler.generate(rng) if shop is None else self.sampler.copy(shop)
        day, zone = self.sampler.beginning(self.shop)
        self.session = Session(definition, day, zone)
        self.events: list[Event] = []
        self._names = handled(definition)
        self._home = distances(definition)
        self._clock = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        self._taken: Counter[str] = Counter()
        waits = [name for name, state in definition.states.items() if state.kind != "end"]
        ends = [name for name, state in definition.states.items() if state.kind == "end"]
        drawn = [rng.choice(ends), *rng.sample(waits, min(5, len(waits)))]
        self._goals = [*reversed(goals)] or drawn
        self._away = distances(definition, self._goals[-1])
        vocabulary = definition.vocabulary
        self._failed = event_name(type(vocabulary.build_failed("", "known", "")))
        # What can happen nearly anywhere happens seldom, else no call would get anywhere.
        self._rare = {
            event_name(cls) for cls in (vocabulary.dropped, vocabulary.human, vocabulary.resumed)
        }

    def goes_on(self, left: int) -> bool:
        """Takes a step, with so many left to take; whether there was one."""
        state = self.session.state
        if state.kind == "end" or left <= 0:
            return False
        self._clock += timedelta(seconds=self.rng.randint(1, 90))
        ways = self._ways(state)
        if not ways:
            return False
        if left <= self._home[state.name] + 2:
            step = min(ways, key=lambda way: (self._home[way.target], way.target == state.name))
        else:
            step = self.rng.choices(ways, [self._weight(way) for way in ways])[0]
        assert step.row is not None
        self._taken[step.row.id] += 1
        self.session.accept(step)
        self.events.append(step.event)
        return True

    def _ways(self, state: State) -> list[Step]:
        """An accepted step for each event that the state handles, where one is found."""
        at = Situation(state, self.session.case, self.shop, self.rng)
        ways: list[Step] = []
        for name in self._names[state.name]:
            events = list(self.sampler.good(name, at))
            self.rng.shuffle(events)
            for event in events:
                step = self.session.propose(replace(event, at=self._clock))
                if step.accepted:
                    ways.append(step)
                    break
        return ways

    def _weight(self, way: Step) -> float:
        assert way.row is not None
        while len(self._goals) > 1 and self._away.get(way.source, 0) == 0:
            # Reached, or out of reach from here.
            self._goals.pop()
            self._away = distances(self.session.definition, self._goals[-1])
        weight = 1 / (1 + self._taken[way.row.id])
        write = self.session.state.is_write
        rare = way.row.event in self._rare or (way.row.event == self._failed and not write)
        if rare and way.target != self._goals[-1]:
            weight /= 60
        if way.target not in self._away:
            return weight / 1000
        return float(weight * 3.0 ** -self._away[way.target])


def distances(definition: Definition, goal: str | None = None) -> dict[str, int]:
    """By state, how many rows away `goal`, or else the nearest end, is, whatever the guards say.

    A state from which there is no way is not in the answer.
    """
    if goal is not None:
        away = {goal: 0}
    else:
        away = {name: 0 for name, state in definition.states.items() if state.kind == "end"}
    found = deque(away)
    sources: dict[str, set[str]] = {}
    for row in definition.all_rows():
        if row.to is not None:
            sources.setdefault(row.to, set()).add(row.state)
    while found:
        name = found.popleft()
        for source in sorted(sources.get(name, ())):
            if source not in away:
                away[source] = away[name] + 1
                found.append(source)
    return away


def _rows_ahead(definition: Definition) -> dict[str, set[str]]:
    """By state, the ids of the rows that a call in it may still take, whatever the guards say."""
    own: dict[str, set[str]] = {name: set() for name in definition.states}
    after: dict[str, set[str]] = {name: set() for name in definition.states}
    for row in definition.all_rows():
        own[row.state].add(row.id)
        if row.to is not None:
            after[row.state].add(row.to)
    ahead: dict[str, set[str]] = {}
    for name in definition.states:
        reached, frontier = {name}, [name]
        while frontier:
            new = after[frontier.pop()] - reached
            reached |= new
            frontier += sorted(new)
        ahead[name] = set().union(*(own[state] for state in reached))
    return ahead


# -- shortest calls ---------------------------------------------------------------------------


class _Node:
    """A call in the search: its facts, and how it came about."""

    __slots__ = ("before", "case", "event", "state")

    def __init__(self, state: State, case: Any, before: _Node | None, event: Event | None) -> None:
        self.state, self.case, self.before, self.event = state, case, before, event

    def events(self) -> list[Event]:
        """The call from its beginning."""
        found: list[Event] = []
        node: _Node | None = self
        while node is not None and node.event is not None:
            found.append(node.event)
            node = node.before
        return found[::-1]


def shortest_calls(
    definition: Definition, shop: Any = None, *, max_nodes: int = 200_000
) -> dict[str, list[Event]]:
    """By row id, a shortest call whose last event takes that row.

    For a row that refuses, the last event is the one refused. A breadth-first search over the
    states and the outlines of their facts, among the events that the vocabulary's sampler makes
    up without a random generator. A row that is not in the answer was not reached.

    Args:
        shop: None: the sampler's curated one. It is left as it is.
        max_nodes: where the search gives up.
    """
    sampler = sampler_for(definition.vocabulary.name)
    shop = sampler.curated() if shop is None else shop
    return _Search(definition, sampler, shop).run(max_nodes)


class _Search:
    def __init__(self, definition: Definition, sampler: Sampler, shop: Any) -> None:
        self.definition, self.sampler, self.shop = definition, sampler, shop
        self.table = definition.rows
        self.names = handled(definition)
        self.found: dict[str, list[Event]] = {}
        self.missing = {row.id for row in definition.all_rows()}
        self.refusing = {
            name: {row.id for row in definition.all_rows() if row.to is None and row.state == name}
            for name in definition.states
        }
        self.ahead = _rows_ahead(definition)
        self.promising = set(definition.states)
        self.seen: set[object] = set()
        self.queue: deque[_Node] = deque()

    def run(self, max_nodes: int) -> dict[str, list[Event]]:
        day, zone = self.sampler.beginning(self.shop)
        case = self.definition.vocabulary.new_case(day, zone)
        self._add(_Node(self.definition.states[self.definition.initial], case, None, None))
        while self.queue and self.missing and len(self.seen) < max_nodes:
            node = self.queue.popleft()
            if node.state.name in self.promising:
                self._expand(node)
        return self.found

    def _add(self, node: _Node) -> None:
        if node.state.name in self.promising:
            key = (node.state.name, node.case.outline())
            if key not in self.seen:
                self.seen.add(key)
                self.queue.append(node)

    def _reached(self, row: Row, events: list[Event]) -> None:
        self.found[row.id] = events
        self.missing.discard(row.id)
        # Where no missing row lies ahead there is nothing left to look for.
        self.promising = {name for name in self.promising if self.ahead[name] & self.missing}

    def _expand(self, node: _Node) -> None:
        at = Situation(node.state, node.case, self.shop)
        # Slips lead nowhere, so they are tried only while they can show something new.
        slips = bool(self.refusing[node.state.name] & self.missing)
        for name in self.names[node.state.name]:
            for event in self.sampler.good(name, at):
                self._try(node, event)
            if slips:
                for event in self.sampler.slips(name, at):
                    self._try(node, event)

    def _try(self, node: _Node, event: Event) -> None:
        candidate = node.case.copy()
        candidate.apply(event)
        row: Row | None = propose(self.table, node.state.name, event, candidate).row
        if row is None:
            return
        if row.id in self.missing:
            self._reached(row, [*node.events(), event])
        if row.to is not None:
            case = node.case if row.discard else candidate
            self._add(_Node(self.definition.states[row.to], case, node, event))
