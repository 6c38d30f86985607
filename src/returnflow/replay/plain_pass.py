"""The plain pass: the step function of a live call, over all events of a recorded one.

This is what most calls cost, so the table is laid out for it once: by state and by the class of
an event, with the conditions of each row at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import Table
from returnflow.engine.vocabulary import Verdict
from returnflow.replay.trace import Trace, Tracer

Test = Callable[[Any, Any], Verdict]


@dataclass(slots=True)
class Walked:
    """How far the plain pass came.

    Attributes:
        accepted: every event was.
        doubtful: a condition could not be told.
        remarks: rows taken that carry a remark, with the position of the event.
        state, case: at the end of it.
    """

    accepted: bool
    doubtful: bool
    remarks: list[tuple[int, Row]]
    state: str
    case: Any


class _Ways(NamedTuple):
    """What an event can lead to in a state.

    Attributes:
        rows: in order, each with its conditions.
        discards: a row may keep the facts out.
        told: the event names something as said.
    """

    rows: tuple[tuple[tuple[Test, ...], Row], ...]
    discards: bool
    told: bool


class PlainPass:
    """The plain pass by one definition."""

    def __init__(self, definition: Definition, table: Table, tracer: Tracer) -> None:
        self._initial = definition.initial
        self._tracer = tracer
        vocabulary = definition.vocabulary
        self._by_state: dict[str, dict[type, _Ways]] = {name: {} for name in definition.states}
        for (state, name), rows in table.items():
            event = vocabulary.by_name[name]
            self._by_state[state][event] = _Ways(
                tuple((tuple(guard.test for guard in row.guards), row) for row in rows),
                any(row.discard for row in rows),
                event is vocabulary.told,
            )

    def walk(self, trace: Trace, case: Any) -> Walked:
        """Tells the events to the table, one by one; `case` is at the beginning and is changed."""
        state, doubtful = self._initial, False
        remarks: list[tuple[int, Row]] = []
        by_state, said = self._by_state, trace.said
        for at, event in enumerate(trace.events):
            if said and at in said:
                for each in said[at]:
                    case.apply(each.event)
            ways = by_state[state].get(type(event))
            if ways is None:
                return Walked(False, doubtful, remarks, state, case)
            rows, discards, told = ways
            if told:
                self._tracer.see_told(trace, at, event, state, case)
            before = case.copy() if discards else None
            case.apply(event)
            for tests, row in rows:  # noqa: B007 (the row that was reached is wanted)
                for test in tests:
                    verdict = test(case, event)
                    if verdict is not True:
                        if verdict is None:
                            doubtful = True
                        break
                else:
                    break
            else:
                return Walked(False, doubtful, remarks, state, case)
            if row.to is None:
                return Walked(False, doubtful, remarks, state, case)
            if row.discard:
                case = before
            if row.remark is not None:
                remarks.append((at, row))
            state = row.to
        for each in said.get(len(trace.events), ()):
            case.apply(each.event)
        return Walked(True, doubtful, remarks, state, case)
