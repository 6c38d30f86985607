"""The rows of a procedure that recorded calls took, with what their guards answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from returnflow.engine.definition import Definition
from returnflow.engine.hearing import Hearing
from returnflow.engine.machine import LiveMachine, Step, compile_table, propose
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import event_name
from returnflow.replay.moves import Sync
from returnflow.replay.path import PathFinder
from returnflow.replay.trace import Trace, Tracer


class Taker:
    """Tells which rows calls took, for one definition.

    Args:
        zone, date: as `Judge`.
    """

    def __init__(
        self, definition: Definition, *, zone: str = "UTC", date: date | None = None
    ) -> None:
        self._definition = definition
        self._table = compile_table(LiveMachine(definition).machine)
        self._tracer = Tracer(definition, Hearing.of(definition), zone)
        self._date = date
        vocabulary = definition.vocabulary
        reading = vocabulary.transcription() if vocabulary.transcription else None
        self._paths = PathFinder(
            definition, self._table, reading, self._tracer.answers, self._tracer.unlikely
        )

    def steps(self, transcript: Transcript) -> list[Step]:
        """The steps of a call, as far as the procedure has a place for them.

        Of a call that the procedure takes whole they are those of the machine. Of another they
        are those on the way that explains it best; a row that it took against a condition is in
        them, with that condition's answer.
        """
        if transcript.policy_date is None:
            transcript.policy_date = self._date
        trace = self._tracer.trace(transcript)
        taken = self._plainly(trace, transcript)
        return taken if taken is not None else list(self._along(trace, transcript))

    def beginning(self, transcript: Transcript) -> Any:
        """The facts of a call in which nothing has happened."""
        return self._tracer.new_case(transcript)

    def _plainly(self, trace: Trace, transcript: Transcript) -> list[Step] | None:
        case = self._tracer.new_case(transcript)
        state = self._definition.initial
        found: list[Step] = []
        for at, event in enumerate(trace.events):
            for each in trace.said.get(at, ()):
                case.apply(each.event)
            after = case.copy()
            after.apply(event)
            step = propose(self._table, state, event, after)
            if not step.accepted or step.row is None:
                return None
            found.append(step)
            state, case = step.target, (case if step.row.discard else after)
        return found

    def _along(self, trace: Trace, transcript: Transcript) -> Iterator[Step]:
        def new_case() -> Any:
            return self._tracer.new_case(transcript)

        if not trace.events:
            return
        for move in self._paths.find(trace, new_case).moves:
            if isinstance(move, Sync):
                rows = self._table[move.row.state, event_name(move.event)]
                tried = propose(
                    {(move.row.state, event_name(move.event)): rows},
                    move.row.state,
                    move.event,
                    move.case,
                )
                yield Step(move.event, move.row.state, move.row, tried.tried, move.case)
