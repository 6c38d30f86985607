"""Automat. It has no conditions: an input leads to one state, whatever else is known.

So what chooses is told from inside, as its documentation does it: the output of an input asks the
guards and gives the machine a second, private input, which is the row taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Protocol

from automat import NoTransition, TypeMachineBuilder

from benchmarks.peers import tag
from returnflow.engine.definition import Definition, Row
from returnflow.engine.vocabulary import Event


class Core:
    """What the outputs work on."""

    def __init__(self) -> None:
        self.case: Any = None
        self.refused = False


class AutomatMachine:
    """The peer."""

    name = "Automat"
    about = "control flow; facts and guards through outputs, as it has no conditions"

    def __init__(self, definition: Definition) -> None:
        self._new_case = definition.vocabulary.new_case
        names = dict.fromkeys(event for _, event in definition.rows)
        taken = {row: f"row_{number}" for number, row in enumerate(definition.all_rows())}
        inputs = {name: _input(name, ", event: object") for name in names}
        inputs |= {name: _input(name, "") for name in taken.values()}
        protocol: Any = type("Inputs", (Protocol,), dict(inputs))
        builder: Any = TypeMachineBuilder(protocol, Core)
        # The first that is made is the initial one.
        others = (name for name in definition.states if name != definition.initial)
        states = {name: builder.state(name) for name in (definition.initial, *others)}
        for (state, event), rows in definition.rows.items():
            states[state].upon(getattr(protocol, event)).loop()(
                _deciding(rows, [taken[row] for row in rows])
            )
            for row in rows:
                way = states[state].upon(getattr(protocol, taken[row])).to(states[row.to or state])
                way.returns(None)
        self._machine = builder.build()

    def accepts(self, day: date | None, zone: str, events: Sequence[Event]) -> bool:
        """See `Peer`."""
        core = Core()
        core.case = self._new_case(day, zone)
        machine = self._machine(core)
        for event in events:
            take = getattr(machine, tag(event), None)
            if take is None:
                return False
            try:
                take(event)
            except NoTransition:
                return False
            if core.refused:
                return False
        return True


def _input(name: str, arguments: str) -> Callable[..., None]:
    """A method of a protocol; Automat reads its signature."""
    space: dict[str, Any] = {}
    exec(f"def {name}(self{arguments}) -> None:\n    'An input.'", space)  # noqa: S102
    made: Callable[..., None] = space[name]
    return made


def _deciding(rows: Sequence[Row], names: Sequence[str]) -> Callable[..., None]:
    ways = [([guard.test for guard in row.guards], row, name) for row, name in zip(rows, names)]  # noqa: B905
    discarding = any(row.discard for row in rows)

    def decide(inputs: Any, core: Core, event: Any) -> None:
        kept = core.case.copy() if discarding else None
        core.case.apply(event)
        for tests, row, name in ways:
            if all(test(core.case, event) is True for test in tests):
                if row.to is None:
                    core.refused = True
                elif row.discard:
                    core.case = kept
                getattr(inputs, name)()
                return
        core.refused = True

    return decide


def make(definition: Definition) -> AutomatMachine:
    """The peer for a procedure."""
    return AutomatMachine(definition)
