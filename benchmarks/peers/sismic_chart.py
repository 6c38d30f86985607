"""sismic: a statechart whose guards are strings of Python, evaluated in the interpreter's context.

A statechart is made once; each call has an interpreter of its own, as its documentation does it.
The order of rows is their priority.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sismic.interpreter import Interpreter
from sismic.model import BasicState, CompoundState, Statechart, Transition

from benchmarks.peers import tag
from returnflow.engine.definition import Definition, Row
from returnflow.engine.vocabulary import Event


class Facts:
    """What guards and actions see as ``facts``."""

    def __init__(self, case: Any, guards: dict[str, Any]) -> None:
        self.case = case
        self.kept: Any = None
        self.refused = False
        self._guards = guards

    def holds(self, names: Sequence[str], event: Any) -> bool:
        """Whether all guards hold."""
        return all(self._guards[name](self.case, event) is True for name in names)


class Sismic:
    """The peer."""

    name = "sismic"
    about = "control flow, facts and guards"

    def __init__(self, definition: Definition) -> None:
        self._new_case = definition.vocabulary.new_case
        self._initial = definition.initial
        self._discarding = {
            key for key, rows in definition.rows.items() if any(row.discard for row in rows)
        }
        self._guards = {
            guard.name: guard.test for row in definition.all_rows() for guard in row.guards
        }
        self._chart: Any = Statechart("procedure")
        self._chart.add_state(CompoundState("all", initial=definition.initial), None)
        for name in definition.states:
            self._chart.add_state(BasicState(name), "all")
        for row in definition.all_rows():
            self._chart.add_transition(_transition(row))

    def accepts(self, day: date | None, zone: str, events: Sequence[Event]) -> bool:
        """See `Peer`."""
        facts = Facts(self._new_case(day, zone), self._guards)
        interpreter: Any = Interpreter(self._chart, initial_context={"facts": facts})
        interpreter.execute_once()
        state = self._initial
        for event in events:
            name = tag(event)
            if (state, name) in self._discarding:
                facts.kept = facts.case.copy()
            facts.case.apply(event)
            step = interpreter.queue(name, fact=event).execute_once()
            if step is None or not step.transitions or facts.refused:
                return False
            state = step.transitions[0].target or state
        return True


def _transition(row: Row) -> Any:
    guards = tuple(guard.name for guard in row.guards)
    action = "facts.case = facts.kept" if row.discard else None
    return Transition(
        row.state,
        row.to,
        event=row.event,
        guard=f"facts.holds({guards!r}, event.fact)" if guards else None,
        action="facts.refused = True" if row.to is None else action,
        priority=-row.number,
    )


def make(definition: Definition) -> Sismic:
    """The peer for a procedure."""
    return Sismic(definition)
