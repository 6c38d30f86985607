"""transitions, as its documentation has it: one machine, one model, conditions and callbacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from transitions import EventData, Machine

from benchmarks.peers import tag
from returnflow.engine.definition import Definition, Row
from returnflow.engine.vocabulary import Event, Guard


class Model:
    """What the machine moves. The machine puts a method for each event onto it."""

    state: str

    def __init__(self, definition: Definition) -> None:
        self.case: Any = None
        self.kept: Any = None
        self.refused = False
        self._discarding = {
            key for key, rows in definition.rows.items() if any(row.discard for row in rows)
        }

    def take_in(self, event: EventData) -> None:
        """Before any condition is asked: the facts, as they are with the event."""
        if (self.state, event.event.name) in self._discarding:
            self.kept = self.case.copy()
        self.case.apply(event.kwargs["event"])

    def discard(self, event: EventData) -> None:
        """The facts of the event are not kept."""
        self.case = self.kept

    def refuse(self, event: EventData) -> None:
        """The row refuses."""
        self.refused = True


class Transitions:
    """The peer."""

    name = "transitions, one shared machine"
    about = "control flow, facts and guards"

    def __init__(self, definition: Definition) -> None:
        self._new_case = definition.vocabulary.new_case
        self._initial = definition.initial
        self._model = Model(definition)
        self._machine = Machine(
            self._model,
            states=list(definition.states),
            initial=definition.initial,
            auto_transitions=False,
            send_event=True,
            ignore_invalid_triggers=True,
            prepare_event="take_in",
        )
        for row in definition.all_rows():
            self._machine.add_transition(
                row.event,
                row.state,
                row.to,
                conditions=[self._condition(guard) for guard in row.guards],
                before=_before(row),
            )

    def _condition(self, guard: Guard) -> Callable[[EventData], bool | None]:
        # What is not True counts as not held there, so None needs no care.
        model, test = self._model, guard.test
        return lambda data: test(model.case, data.kwargs["event"])

    def accepts(self, day: date | None, zone: str, events: Sequence[Event]) -> bool:
        """See `Peer`."""
        model: Any = self._model
        self._machine.set_state(self._initial)
        model.case = self._new_case(day, zone)
        model.refused = False
        for event in events:
            trigger = getattr(model, tag(event), None)
            if trigger is None or not trigger(event=event) or model.refused:
                return False
        return True


def _before(row: Row) -> str | None:
    if row.to is None:
        return "refuse"
    return "discard" if row.discard else None


def make(definition: Definition) -> Transitions:
    """The peer for a procedure."""
    return Transitions(definition)
