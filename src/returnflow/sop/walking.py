"""Calls that together cover a procedure, the shortest first.

A breadth-first search over states and facts, among the events that the vocabulary's sampler makes
up, finds a shortest call for each state, row and answer of a guard. Of those calls a few are
chosen that cover everything which any of them does; each is then led to an end, so that nothing
is owed. What no call can reach, whatever the customer says and the shop answers, is proved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import Step, propose
from returnflow.engine.rules import Activity, never
from returnflow.engine.vocabulary import Event
from returnflow.sop.coverage import Goal, covered, goals, goals_of
from returnflow.sop.ending import Ending
from returnflow.sop.proof import Prover
from returnflow.sop.search import along
from returnflow.testing.sampler import Sampler, Situation, sampler_for

FIRST_NODES = 16_000
"""Points of calls that are looked at before the abstract machine is asked for the way."""

NARROW_NODES = 4_000
"""Points that are looked at along one such way."""

MOST_NODES = 200_000
"""Points that are looked at before what is still missing is given up."""


@dataclass(frozen=True)
class Call:
    """A call of a walk.

    Args:
        events: its events, all of them accepted; the last one ends the call.
        refused: an event that is tried and refused; None where none is.
        after: after how many events it is tried.
        covers: the keys of what this call covers and no call before it.
    """

    events: tuple[Event, ...]
    refused: Event | None
    after: int
    covers: tuple[str, ...]


@dataclass(frozen=True)
class Walk:
    """Calls about one shop.

    Args:
        missing: what none of them covers, and nothing that was tried.
        impossible: what is proved that no call can cover.
    """

    shop: Any
    calls: tuple[Call, ...]
    missing: tuple[Goal, ...]
    impossible: tuple[Goal, ...] = ()


def walk(definition: Definition, told: Callable[[int, int], None] | None = None) -> Walk:
    """Calls that cover what can be covered in the small fixed shop of the vocabulary's sampler.

    Args:
        told: told from time to time how much was found, of how much.

    Raises:
        UsageError: the vocabulary has no sampler.
    """
    sampler = sampler_for(definition.vocabulary.name)
    shop = sampler.curated()
    search = _Search(definition, sampler, shop)
    search.run(FIRST_NODES, told)
    barred = impossible(definition, search.missing.values())
    for goal in barred:
        search.give_up(goal.key)
    for goal in [goal for goal in search.missing.values() if goal.sort == "row"]:
        if goal.key not in search.missing or not (pairs := _pairs(definition, goal)):
            continue
        # What is missing lies deep, and often on from where another one was found.
        for deep in (search.deep, None):
            if goal.key in search.missing:
                search.run(NARROW_NODES, told, pairs, deep)
        if goal.key in search.found:
            node = search.found[goal.key][0]
            search.deep = [*search.deep, *([node.before] if node.before is not None else [])]
    if search.missing:
        search.run(MOST_NODES, told)
    return Walk(shop, tuple(_chosen(search)), tuple(search.missing.values()), tuple(barred))


def impossible(definition: Definition, wanted: Iterable[Goal]) -> list[Goal]:
    """Those of the goals that no call can cover, as the proof of rules shows."""
    prover = Prover(definition)
    found = []
    rows = {row.id: row for row in definition.all_rows()}
    for goal in wanted:
        if goal.sort == "state":
            activities = [Activity(to=frozenset({goal.key.removeprefix("state ")}))]
        elif goal.sort == "row":
            activities = [_taking(rows[goal.key.removeprefix("row ")])]
        else:
            _, row_id, guard, answer = goal.key.split(" ")
            row = rows[row_id]
            asked = Activity(
                events=frozenset({row.event}),
                at=frozenset({row.state}),
                when=(guard,) if answer == "yes" else (),
                unless=() if answer == "yes" else (guard,),
            )
            activities = [asked, replace(asked, refused=True)]
        if all(prover.prove(never(each)).way is None for each in activities):
            found.append(goal)
    return found


def _taking(row: Row) -> Activity:
    return Activity(
        events=frozenset({row.event}),
        at=frozenset({row.state}),
        to=frozenset({row.to or row.state}),
        when=tuple(guard.name for guard in row.guards),
        refused=row.to is None,
    )


def _pairs(definition: Definition, goal: Goal) -> frozenset[tuple[str, str]]:
    """The states and events of an abstract call that takes a row: where to look for a real one."""
    row = next(row for row in definition.all_rows() if f"row {row.id}" == goal.key)
    way = Prover(definition).prove(never(_taking(row))).way
    return along(definition, way) if way is not None else frozenset()


class _Node:
    __slots__ = ("before", "case", "depth", "event", "state", "step")

    def __init__(
        self, state: str, case: Any, before: _Node | None, event: Event | None, step: Step | None
    ) -> None:
        self.state, self.case, self.before, self.event, self.step = state, case, before, event, step
        self.depth: int = 0 if before is None else before.depth + 1

    def steps(self) -> list[Step]:
        found: list[Step] = []
        node: _Node | None = self
        while node is not None and node.step is not None:
            found.append(node.step)
            node = node.before
        return found[::-1]


class _Search:
    def __init__(self, definition: Definition, sampler: Sampler, shop: Any) -> None:
        self.definition, self.sampler, self.shop = definition, sampler, shop
        self.missing = goals(definition)
        self.found: dict[str, tuple[_Node, Step | None]] = {}
        self.deep: list[_Node] = []
        self.names: dict[str, list[str]] = {}
        self.open: dict[str, int] = dict.fromkeys(definition.states, 0)
        self.ahead = {name: _ahead(definition, name) for name in definition.states}
        for state, event in definition.rows:
            self.names.setdefault(state, []).append(event)
        self.home: dict[str, str] = {}
        for row in definition.all_rows():
            for key in goals_of(row):
                self.home[key] = row.state
                self.open[row.state] += 1

    def run(
        self,
        most: int,
        told: Callable[[int, int], None] | None,
        pairs: frozenset[tuple[str, str]] | None = None,
        roots: list[_Node] | None = None,
    ) -> None:
        """Looks for what is missing, breadth first.

        Args:
            pairs: only at these states and events.
            roots: from where these calls stand; None: from the beginning.
        """
        definition = self.definition
        day, zone = self.sampler.beginning(self.shop)
        case = definition.vocabulary.new_case(day, zone)
        start = _Node(definition.initial, case, None, None, None)
        if f"state {definition.initial}" in self.missing:
            self._reach(f"state {definition.initial}", start, None)
        every = len(self.missing) + len(self.found)
        begin = [start] if roots is None else roots
        known = {self._outline(node) for node in begin}
        queue = deque(begin)
        while queue and self.missing and len(known) < most:
            node = queue.popleft()
            if not any(self.open[name] for name in self.ahead[node.state]):
                continue
            at = Situation(definition.states[node.state], node.case, self.shop, in_order=True)
            for event in self._events(node.state, at, pairs):
                self._try(node, event, known, queue)
            if told is not None and not len(known) % 50:
                told(len(self.found), every)

    def _events(
        self, state: str, at: Situation, pairs: frozenset[tuple[str, str]] | None
    ) -> Iterator[Event]:
        for name in self.names.get(state, ()):
            if pairs is not None and (state, name) not in pairs:
                continue
            yield from self.sampler.good(name, at)
            # Slips lead nowhere, so they are tried only while they can show something new.
            if self.open[state]:
                yield from self.sampler.slips(name, at)

    def _try(self, node: _Node, event: Event, known: set[Any], queue: deque[_Node]) -> None:
        after = node.case.copy()
        after.apply(event)
        step = propose(self.definition.rows, node.state, event, after)
        following = None
        if step.accepted and step.row is not None:
            case = node.case if step.row.discard else after
            following = _Node(step.target, case, node, event, step)
        for key in covered(step):
            if key in self.missing:
                self._reach(key, following or node, None if following else step)
        if following is not None:
            outline = self._outline(following)
            if outline not in known:
                known.add(outline)
                queue.append(following)

    def _outline(self, node: _Node) -> Hashable:
        """Points with equal outlines have the same ways on."""
        state = self.definition.states[node.state]
        pending = state.operation.pending(node.case) if state.operation is not None else ()
        following = tuple(pending[0].arguments.items()) if pending else ()
        return node.state, node.case.outline(), following if not state.is_write else ()

    def give_up(self, key: str) -> None:
        """Looks no more for what cannot be found."""
        del self.missing[key]
        if key in self.home:
            self.open[self.home[key]] -= 1

    def _reach(self, key: str, node: _Node, refused: Step | None) -> None:
        self.found[key] = (node, refused)
        del self.missing[key]
        if key in self.home:
            self.open[self.home[key]] -= 1


def _ahead(definition: Definition, state: str) -> frozenset[str]:
    """The states that a call may still come to, whatever the guards say; the one it is in, too."""
    found, frontier = {state}, [state]
    while frontier:
        name = frontier.pop()
        for (source, _), rows in definition.rows.items():
            new = {row.to for row in rows if row.to and source == name} - found
            found |= new
            frontier += sorted(new)
    return frozenset(found)


def _chosen(search: _Search) -> Iterator[Call]:
    """Few of the calls that were found, led to an end, which cover all that any of them does.

    The longest are chosen first, since they cover what lies on their way; what they make
    superfluous is then left out, and the shortest is shown first.
    """
    initial = f"state {search.definition.initial}"
    ends: dict[tuple[int, int], tuple[_Node, Step | None]] = {
        (id(node), id(refused)): (node, refused) for node, refused in search.found.values()
    }
    calls = []
    for node, refused in ends.values():
        steps = [*node.steps(), *([refused] if refused is not None else [])]
        calls.append((node, refused, {initial, *(key for step in steps for key in covered(step))}))
    calls.sort(key=lambda call: (-call[0].depth, call[1] is None))
    left = set(search.found)
    ending = Ending(search.definition, search.sampler, search.shop)
    kept = []
    for node, refused, keys in calls:
        if keys & left:
            left -= keys
            more = ending.of(node.state, node.case)
            keys = keys | {key for step in more for key in covered(step)}
            kept.append((node, refused, more, keys))
    # From the end: a call all of which later ones cover as well is not needed.
    needed = list(kept)
    for call in sorted(kept, key=lambda call: len(call[3])):
        others = set().union(*(other[3] for other in needed if other is not call))
        if call[3] & set(search.found) <= others:
            needed.remove(call)
    seen: set[str] = set()
    for node, refused, more, keys in sorted(needed, key=lambda call: call[0].depth + len(call[2])):
        new = tuple(key for key in search.found if key in keys - seen)
        seen |= keys
        yield Call(
            events=tuple(step.event for step in (*node.steps(), *more)),
            refused=refused.event if refused is not None else None,
            after=node.depth,
            covers=new,
        )
