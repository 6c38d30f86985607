"""The way of a call through the procedure: of all optimal alignments, the one that fits best.

What an alignment costs, the control flow alone says (`alignment`). It does not say what went
wrong: an answer given twice can also be read as one after which two look-ups were left out. So
the way is chosen that explains the call with the fewest slips, a failed condition counting as
much as a move, with the facts that the call had on that way. Among ways with equally many slips
the cheapest alignment goes first, then what is the least grave, then the order of the table. Ways
that cost more than an optimal alignment are followed only a little way (`DETOUR`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from returnflow.engine.definition import Definition
from returnflow.engine.machine import Table
from returnflow.engine.transcript import Transcription
from returnflow.engine.vocabulary import event_name
from returnflow.errors import EngineError
from returnflow.replay.alignment import ControlFlow
from returnflow.replay.moves import Way
from returnflow.replay.net import Net
from returnflow.replay.search import Search
from returnflow.replay.trace import Trace

DETOUR = 2
"""How much dearer than an optimal alignment a way may be that explains the call better."""


class PathFinder:
    """Finds ways through one definition; see `Net` for the arguments."""

    def __init__(
        self,
        definition: Definition,
        table: Table,
        transcription: Transcription | None,
        answers: frozenset[str],
        unlikely: frozenset[str],
    ) -> None:
        self.net = Net(definition, table, transcription, answers, unlikely)

    def flow(self, silent: frozenset[str]) -> ControlFlow:
        """The control flow for a format that cannot show those events."""
        return self.net.flow(silent)

    def find(self, trace: Trace, new_case: Callable[[], Any]) -> Way:
        """The way of a trace."""
        flow = self.net.flow(trace.silent)
        names = [event_name(event) for event in trace.events]
        # A little dearer ways are looked at in the same search. Where it had to leave some out, or
        # gave up, the cheapest alignments are searched by themselves as well: the lightest can be
        # among them. Where that gives up, too, one way is followed to each point.
        wider = Search(self.net, flow, trace, names, detour=DETOUR)
        wide = wider.run(new_case())
        if wide is not None and not (wide.weight and wider.followed.left_out):
            return wide
        narrow = Search(self.net, flow, trace, names).run(new_case())
        ways = [each for each in (narrow, wide) if each is not None]
        found = (
            min(ways, key=lambda each: each.weight)
            if ways
            else Search(self.net, flow, trace, names, kept=1).run(new_case(), True)
        )
        if found is None:
            raise EngineError(f"no way was found through a call of {len(names)} events")
        return found
