"""What is the same for the search of every call by one definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import Table
from returnflow.engine.transcript import Transcription
from returnflow.replay.alignment import ControlFlow
from returnflow.replay.moves import leading


@dataclass
class Net:
    """The rows of a definition as a search goes along them.

    Args:
        table: the rows, as compiled from the machine.
        transcription: what the vocabulary can supply; None: nothing.
        answers: events that only the agent can name.
        unlikely: events that are assumed only where nothing else explains a call.

    Attributes:
        onward: by the number of a state, its rows that lead elsewhere: the event, the rows about
            it, which of them it is, and where it leads.
    """

    definition: Definition
    table: Table
    transcription: Transcription | None
    answers: frozenset[str]
    unlikely: frozenset[str]
    _flows: dict[frozenset[str], ControlFlow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.leading = leading(self.definition)
        self.ends = frozenset(s.name for s in self.definition.states.values() if s.kind == "end")
        index = self.flow(frozenset()).index
        self.onward: list[list[tuple[str, Sequence[Row], int, int]]] = [[] for _ in index]
        for (state, name), rows in self.table.items():
            for place, row in enumerate(rows):
                if row.to is not None and row.to != state:
                    self.onward[index[state]].append((name, rows, place, index[row.to]))

    def flow(self, silent: frozenset[str]) -> ControlFlow:
        """The control flow for a format that cannot show those events."""
        if silent not in self._flows:
            self._flows[silent] = ControlFlow(
                self.table, self.definition.initial, silent, self.ends
            )
        return self._flows[silent]
