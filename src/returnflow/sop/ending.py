"""How a call that stands somewhere can be led to an end: what is owed is said, what is under way is
settled, and the call is closed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

from returnflow.engine.definition import Definition
from returnflow.engine.machine import Step, propose
from returnflow.engine.vocabulary import event_name
from returnflow.testing.sampler import Sampler, Situation

MOST_NODES = 2_000
"""Points that are looked at on the way to an end before it is tried with all events."""


class Ending:
    """Ends of calls to one shop, each looked for once."""

    def __init__(self, definition: Definition, sampler: Sampler, shop: Any) -> None:
        self._definition, self._sampler, self._shop = definition, sampler, shop
        self._known: dict[Hashable, list[Step]] = {}
        vocabulary = definition.vocabulary
        # These end a call wherever it stands; an end of its own says more.
        self._lesser = {
            event_name(cls) for cls in (vocabulary.dropped, vocabulary.human, vocabulary.resumed)
        }
        self._far = {
            lesser: _distances(definition, set() if lesser else self._lesser)
            for lesser in (False, True)
        }
        self._names: dict[str, list[str]] = {}
        for state, event in definition.rows:
            self._names.setdefault(state, []).append(event)

    def of(self, state: str, case: Any) -> list[Step]:
        """A short way to an end; empty where the call is at one, or none was found."""
        key = (state, case.outline())
        if key not in self._known:
            self._known[key] = self._found(state, case)
        return self._known[key]

    def _found(self, state: str, case: Any) -> list[Step]:
        for lesser in (False, True):
            way = self._search(state, case, lesser=lesser)
            if way is not None:
                return way
        return []

    def _search(self, state: str, case: Any, *, lesser: bool) -> list[Step] | None:
        """Best first: by the events so far and the least number that must follow (A*)."""
        far = self._far[lesser]
        if state not in far:
            return None
        order = count()
        queue: list[tuple[int, int, str, Any, list[Step]]] = [
            (far[state], next(order), state, case, [])
        ]
        known = {(state, case.outline())}
        while queue and len(known) < MOST_NODES:
            _, _, state, case, way = heappop(queue)
            if self._definition.states[state].kind == "end":
                return way
            for step in self._steps(state, case, lesser=lesser):
                after = case if step.row is None or step.row.discard else step.candidate
                key = (step.target, after.outline())
                if key not in known and step.target in far:
                    known.add(key)
                    least = len(way) + 1 + far[step.target]
                    heappush(queue, (least, next(order), step.target, after, [*way, step]))
        return None

    def _steps(self, state: str, case: Any, *, lesser: bool) -> Iterator[Step]:
        at = Situation(self._definition.states[state], case, self._shop, in_order=True)
        for name in self._names.get(state, ()):
            if name in self._lesser and not lesser:
                continue
            for event in self._sampler.good(name, at):
                after = case.copy()
                after.apply(event)
                step = propose(self._definition.rows, state, event, after)
                if step.accepted:
                    yield step


def _distances(definition: Definition, without: set[str]) -> dict[str, int]:
    """By state, the least number of events to an end, whatever the guards say."""
    back: dict[str, set[str]] = {}
    for row in definition.all_rows():
        if row.to is not None and row.event not in without:
            back.setdefault(row.to, set()).add(row.state)
    far = {name: 0 for name, state in definition.states.items() if state.kind == "end"}
    frontier = list(far)
    while frontier:
        following = []
        for name in frontier:
            for source in sorted(back.get(name, set()) - far.keys()):
                far[source] = far[name] + 1
                following.append(source)
        frontier = following
    return far
