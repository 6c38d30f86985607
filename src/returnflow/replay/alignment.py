"""Optimal alignment of a recorded call with the machine's control flow, guards ignored.

The control flow is an automaton: the states of the table, and an edge for every row that leads
somewhere. It may be nondeterministic, since the rows of one (state, event) can lead to several
states and only their guards choose. Every state is final, for a log may end anywhere.

An alignment walks the events of a call and the edges of the automaton side by side. A
*synchronous* move takes an event and an edge of its name and costs nothing. A *log move* takes
an event alone and costs 1. A *model move* takes an edge alone and costs 1, or nothing where the
format of the log can never show the event (a silent move). The cost of a call is the least that
any alignment of it costs, as in the literature on conformance checking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from returnflow.engine.definition import Row

Costs = tuple[int, ...]
"""Costs by state, in the order of `ControlFlow.states`."""

Edge = tuple[int, str, int]
Matrix = list[list[int]]

KEPT = 16_384
"""Steps of the computation that a `ControlFlow` remembers, some 400 bytes each."""

LONGEST = 256
"""Events of a sequence whose steps are remembered; in longer ones they seldom occur again."""

_NEVER = 1 << 40
"""Model moves to a state that cannot be reached: more than any log has events."""


class ControlFlow:
    """The automaton of a table, and what it costs to align calls with it.

    Args:
        rows: the table, by (state, event); rows that refuse lead nowhere and are no edges.
        initial: the state in which a call begins.
        silent: names of events that a model move may assume at no cost. Where such an event is
            in a sequence all the same, it is aligned as any other.
        resting: states in which a log move need be no slip; see `slips_to_go`.

    Attributes:
        states: the names of the states, the initial one first.
        index: the place of each state in `states`.
    """

    def __init__(
        self,
        rows: Mapping[tuple[str, str], tuple[Row, ...]],
        initial: str,
        silent: frozenset[str] = frozenset(),
        resting: frozenset[str] = frozenset(),
    ) -> None:
        names = {initial: None}
        for state, _ in rows:
            names[state] = None
        for group in rows.values():
            names.update((row.to, None) for row in group if row.to is not None)
        self.states: tuple[str, ...] = tuple(names)
        self.index: dict[str, int] = {name: place for place, name in enumerate(self.states)}
        edges = {
            (self.index[state], event, self.index[row.to])
            for (state, event), group in rows.items()
            for row in group
            if row.to is not None
        }
        self._initial = self.index[initial]
        away = _distances(len(self.states), edges, silent)
        self._ways = _ways(edges, away)
        self._at_end: Costs = (0,) * len(self.states)
        self._kept: dict[tuple[str, Costs], Costs] = {}
        self._resting = [
            (place, tuple(row[place] for row in away))
            for name, place in self.index.items()
            if name in resting
        ]
        self._slips: dict[tuple[str, bool, Costs], Costs] = {}

    def cost(self, names: Sequence[str]) -> int:
        """The cost of an optimal alignment of the whole sequence, from the initial state."""
        costs = self._at_end
        for costs in self._backwards(names):  # noqa: B007 (the last is wanted)
            pass
        return costs[self._initial]

    def to_go(self, names: Sequence[str]) -> tuple[Costs, ...]:
        """``to_go[i][s]``: the least cost of aligning ``names[i:]`` from state `s` to the end.

        Whoever stands in state `s` before event `i` is on an optimal path if what the way there
        cost and ``to_go[i][s]`` add up to ``to_go[0]`` of the initial state. There are
        ``len(names) + 1`` of them, the last all 0.
        """
        return (self._at_end, *self._backwards(names))[::-1]

    def slips_to_go(self, names: Sequence[str], harmless: Sequence[bool]) -> tuple[Costs, ...]:
        """As `to_go`, of the moves alone that are slips at the best: a log move of an event that
        may be harmless, and any in a resting state, costs nothing.

        Args:
            harmless: of each event, whether its log move may be.
        """
        kept = self._slips if len(names) <= LONGEST else {}
        costs = self._at_end
        found = [costs]
        for name, free in zip(reversed(names), reversed(harmless), strict=True):
            key = (name, free, costs)
            before = kept.get(key)
            if before is None:
                before = self._before(name, costs, 0 if free else 1)
                before = _nearer(before, costs, self._resting)
                if len(kept) >= KEPT:
                    kept.clear()
                kept[key] = before
            costs = before
            found.append(costs)
        return tuple(found[::-1])

    def cheapest(self) -> int:
        """The cost of a call in which nothing is recorded: 0, as every state is final.

        A part of the formula of fitness, 1 - cost / (events + cheapest).
        """
        return self._at_end[self._initial]

    def _backwards(self, names: Sequence[str]) -> Iterator[Costs]:
        """The costs before each event, from the last event to the first.

        What is behind an event decides what is before it, so calls that end alike share their
        steps, and a sequence seen before is only looked up.
        """
        kept: dict[tuple[str, Costs], Costs] = self._kept if len(names) <= LONGEST else {}
        costs = self._at_end
        for name in reversed(names):
            key = (name, costs)
            found = kept.get(key)
            if found is None:
                found = self._before(name, costs)
                if len(kept) >= KEPT:
                    kept.clear()
                kept[key] = found
            costs = found
            yield costs

    def _before(self, name: str, after: Costs, log_move: int = 1) -> Costs:
        """The costs before an event of that name; `after` holds those behind it.

        Either the event is a log move, or model moves lead to an edge of its name and it is
        taken there. More need not be tried: model moves before a log move can as well follow
        it, and those are in `after` already.
        """
        costs = tuple([cost + log_move for cost in after])
        return _nearer(costs, after, self._ways.get(name, ()))


def _nearer(costs: Costs, after: Costs, ways: Iterable[tuple[int, Costs]]) -> Costs:
    """The costs, or less where a way leads on for less: to a state behind the event, with what it
    costs every state to go that way."""
    for target, away in ways:
        behind = after[target]
        costs = tuple(
            [
                cost if cost <= far + behind else far + behind
                for cost, far in zip(costs, away, strict=True)
            ]
        )
    return costs


def _distances(size: int, edges: Iterable[Edge], silent: frozenset[str]) -> Matrix:
    """By state and state, the least cost of going from one to the other by model moves."""
    away = [[_NEVER] * size for _ in range(size)]
    for state in range(size):
        away[state][state] = 0
    for source, event, target in edges:
        step = 0 if event in silent else 1
        away[source][target] = min(away[source][target], step)
    for via in range(size):
        onward = away[via]
        for row in away:
            first = row[via]
            if first < _NEVER:
                row[:] = [min(far, first + on) for far, on in zip(row, onward, strict=True)]
    return away


def _ways(edges: Iterable[Edge], away: Matrix) -> dict[str, list[tuple[int, Costs]]]:
    """By event, the states that its edges lead to; with each, what it costs every state to get
    to the nearest of the edges that lead there."""
    sources: dict[str, dict[int, list[int]]] = {}
    for source, event, target in sorted(edges):
        sources.setdefault(event, {}).setdefault(target, []).append(source)
    return {
        event: [
            (target, tuple(min(row[source] for source in there) for row in away))
            for target, there in by_target.items()
        ]
        for event, by_target in sources.items()
    }
