"""The table that returnflow compiles from its `transitions.Machine`, walked and nothing else.

No findings, no words, no notices: what replay itself builds upon, and what it adds to this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from benchmarks.peers import tag
from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import LiveMachine, compile_table
from returnflow.engine.vocabulary import Event

_Way = tuple[Sequence[Callable[[Any, Any], bool | None]], Row]


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
            found = self._table.get((state, tag(event)))
            if found is None:
                return False
            ways, discarding = found
            kept = case.copy() if discarding else None
            case.apply(event)
            row = _first(ways, case, event)
            if row is None or row.to is None:
                return False
            if row.discard:
                case = kept
            state = row.to
        return True


def _first(ways: Sequence[_Way], case: Any, event: Event) -> Row | None:
    for tests, row in ways:
        for test in tests:
            if test(case, event) is not True:
                break
        else:
            return row
    return None


def make(definition: Definition) -> CompiledTable:
    """The peer for a procedure."""
    return CompiledTable(definition)
