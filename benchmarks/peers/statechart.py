"""python-statemachine: a `StateChart` made from the table, conditions as `cond`.

One machine is used for all calls and set back to its beginning, since making one takes longer
than a call. For that no state of it is marked as final: a machine that has ended stays ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from statemachine import State, StateChart
from statemachine.exceptions import TransitionNotAllowed

from benchmarks.peers import tag
from returnflow.engine.definition import Definition, Row
from returnflow.engine.vocabulary import Event


class Model:
    """What the machine keeps its state in, and the facts."""

    def __init__(self) -> None:
        self.state: Any = None
        self.case: Any = None
        self.kept: Any = None
        self.refused = False


class PythonStateMachine:
    """The peer."""

    name = "python-statemachine"
    about = "control flow, facts and guards"

    def __init__(self, definition: Definition) -> None:
        self._new_case = definition.vocabulary.new_case
        self._initial = definition.initial
        self._discarding = {
            key for key, rows in definition.rows.items() if any(row.discard for row in rows)
        }
        self._model = Model()
        states = {
            name: State(name, value=name, initial=name == definition.initial)
            for name in definition.states
        }
        attributes: dict[str, Any] = {
            "allow_event_without_transition": False,
            "catch_errors_as_events": False,
            "validate_trap_states": False,
        }
        attributes |= {f"in_{name}": state for name, state in states.items()}
        events: dict[str, Any] = {}
        for row in definition.all_rows():
            source = states[row.state]
            cond = self._condition(row) if row.guards else None
            # A row that refuses is a loop that marks the call as refused.
            way = source.to(states[row.to or row.state], cond=cond, on=self._after(row))
            events[row.event] = events[row.event] | way if row.event in events else way
        kind: Any = type(StateChart)
        self._machine: Any = kind("Chart", (StateChart,), attributes | events)(self._model)
        self._events = frozenset(events)

    def _condition(self, row: Row) -> Callable[..., bool]:
        # One function for all guards of a row, since each is looked up and called anew.
        model, tests = self._model, [guard.test for guard in row.guards]

        def holds(fact: Any) -> bool:
            return all(test(model.case, fact) is True for test in tests)

        return holds

    def _after(self, row: Row) -> Callable[[], None] | None:
        model = self._model

        def refuse() -> None:
            model.refused = True

        def discard() -> None:
            model.case = model.kept

        if row.to is None:
            return refuse
        return discard if row.discard else None

    def accepts(self, day: date | None, zone: str, events: Sequence[Event]) -> bool:
        """See `Peer`."""
        model, machine = self._model, self._machine
        machine.current_state_value = self._initial
        model.case = self._new_case(day, zone)
        model.refused = False
        for event in events:
            name = tag(event)
            if name not in self._events:
                return False
            if (model.state, name) in self._discarding:
                model.kept = model.case.copy()
            model.case.apply(event)
            try:
                machine.send(name, fact=event)
            except TransitionNotAllowed:
                return False
            if model.refused:
                return False
        return True


def make(definition: Definition) -> PythonStateMachine:
    """The peer for a procedure."""
    return PythonStateMachine(definition)
