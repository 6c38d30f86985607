"""The table that returnflow compiles from its `transitions.Machine`, walked and nothing else.

No findings, no words, no notices: what replay itself builds upon, and what it adds to this.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from returnflow.engine.definition import Definition
from returnflow.engine.machine import LiveMachine, compile_table
from returnflow.engine.vocabulary import Event


class CompiledTable:
    """The peer."""

    name = "the compiled table alone"
    about = "control flow, facts and guards"

    def __init__(self, definition: Definition) -> None:
        self._new_case = definition.vocabulary.new_case
        self._initial = definition.initial
        self._table = {
            key: (
                [([guard.test for guard in row.guards], row) for row in rows],
                any(row.discard for row in rows),
            )
            for key, rows in compile_table(LiveMachine(definition).machine).items()
        }

    def accepts(self, day: date | None, zone: str, events: Sequence[Event]) -> bool:
        """See `Peer`."""
        case: Any = self._new_case(day, zone)
        state = self._initial
        for event in events:
            found = self._table.get((state, event.__struct_config__.tag))
            if found is None:
                return False
            ways, discarding = found
            kept = case.copy() if discarding else None
            case.apply(event)
            for tests, row in ways:
                for test in tests:
                    if test(case, event) is not True:
                        break
                else:
                    break
            else:
                return False
            if row.to is None:
                return False
            if row.discard:
                case = kept
            state = row.to
        return True


def make(definition: Definition) -> CompiledTable:
    """The peer for a procedure."""
    return CompiledTable(definition)
