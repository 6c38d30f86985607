"""A control flow as pm4py sees it, and pm4py's cost of aligning a sequence with it.

Importing this imports pm4py, which takes a second: so it is imported where it is used. The tests
of the alignment use it, too.

The net is that of a state machine: a place for each state with one token on its way through
them, a transition for each edge, a silent twin beside it where the event is silent, and a silent
transition from every place to the sink, as every state is final.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pm4py.algo.conformance.alignments.petri_net import algorithm
from pm4py.objects.log.obj import Event, Trace
from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

UNIT = 10_000
"""What pm4py counts for a log move and a visible model move. A silent move counts 1, so that
the cost is a whole number of these and a small rest."""

EXACT = algorithm.Variants.VERSION_DIJKSTRA_NO_HEURISTICS
"""The cheapest of its exact variants. DIJKSTRA_LESS_MEMORY, several times as fast, is not always
optimal: it gives up a state that it has left before with more of the trace behind it."""

A_STAR = algorithm.Variants.VERSION_STATE_EQUATION_A_STAR
"""Its default."""


class Net:
    """The net of the edges (state, event, target), from `initial`.

    Attributes:
        net, begin, end: as pm4py's own functions take them.
    """

    def __init__(
        self, edges: Iterable[tuple[str, str, str]], initial: str, silent: frozenset[str]
    ) -> None:
        self.net = PetriNet("control flow")
        self._places: dict[str, Any] = {}
        self._sink = PetriNet.Place("after the end")
        self.net.places.add(self._sink)
        self.begin = Marking({self._place(initial): 1})
        self.end = Marking({self._sink: 1})
        for state, event, target in sorted(set(edges)):
            name = f"{state}/{event}/{target}"
            self._transition(name, event, self._place(state), self._place(target))
            if event in silent:
                self._transition(f"{name}, silent", None, self._place(state), self._place(target))
        for state, place in self._places.items():
            self._transition(f"{state}, end", None, place, self._sink)

    def cost(self, names: Sequence[str], variant: Any = EXACT) -> int:
        """The cost of pm4py's alignment of the sequence."""
        found = self._align(names, variant, {"enable_best_worst_cost": False})
        return int(found["cost"]) // UNIT

    def fitness(self, names: Sequence[str]) -> float:
        """The fitness that pm4py gives to the sequence."""
        return float(self._align(names, EXACT, {})["fitness"])

    def _align(self, names: Sequence[str], variant: Any, parameters: dict[str, Any]) -> Any:
        trace = Trace([Event({"concept:name": name}) for name in names])
        return algorithm.apply(
            trace, self.net, self.begin, self.end, variant=variant, parameters=parameters
        )

    def _place(self, state: str) -> Any:
        if state not in self._places:
            self._places[state] = PetriNet.Place(state)
            self.net.places.add(self._places[state])
        return self._places[state]

    def _transition(self, name: str, label: str | None, source: Any, target: Any) -> None:
        transition = PetriNet.Transition(name, label)
        self.net.transitions.add(transition)
        add_arc_from_to(source, transition, self.net)
        add_arc_from_to(transition, target, self.net)
