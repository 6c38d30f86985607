"""The definition's executable form: a `transitions.Machine`, and a flat table compiled from it.

This is the only module that imports transitions. Its traps are closed here: the machine is fired
by name, never through methods on a model; states and destinations are checked before anything
is built; there are no shortcuts round the procedure (`auto_transitions`), no queue, no callbacks;
every row has one condition, a closure that returns a real bool and records its verdicts. A row
that refuses is an internal transition, which is tried in its turn and never fired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transitions import Machine

from returnflow.engine.definition import Definition, Row
from returnflow.engine.vocabulary import Event, Verdict, event_name
from returnflow.errors import EngineError, GuardError, RefusedError


@dataclass(frozen=True, slots=True)
class Tried:
    """A row that was tried, and what its guards answered, as far as they were asked."""

    row: Row
    verdicts: tuple[tuple[str, Verdict], ...]

    @property
    def held(self) -> bool:
        """Whether every guard answered True."""
        return all(verdict is True for _, verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Step:
    """What the machine makes of one event; nothing has changed yet.

    Args:
        row: the row that is taken, or that refuses; None where no row is about the event.
        tried: every row tried, in order, with its verdicts.
        candidate: the facts as they would be.
    """

    event: Event
    source: str
    row: Row | None
    tried: tuple[Tried, ...]
    candidate: Any

    @property
    def accepted(self) -> bool:
        """Whether the machine takes the event."""
        return self.row is not None and self.row.to is not None

    @property
    def target(self) -> str:
        """The state it leads to; the present one where it is refused."""
        return self.source if self.row is None or self.row.to is None else self.row.to

    @property
    def uncertain(self) -> bool:
        """Whether a guard could not tell."""
        return any(verdict is None for tried in self.tried for _, verdict in tried.verdicts)

    def reasons(self) -> list[str]:
        """Why the rows before the last did not hold: one sentence for each guard that failed."""
        found: dict[str, None] = {}
        for tried in self.tried:
            guards = {guard.name: guard for guard in tried.row.guards}
            for name, verdict in tried.verdicts:
                if verdict is not True:
                    found[guards[name].explain(self.candidate, self.event)] = None
        return list(found)


def try_row(row: Row, candidate: Any, event: Event) -> tuple[tuple[str, Verdict], ...]:
    """Asks the row's guards in order, until one does not hold.

    Raises:
        GuardError: a guard raised, or answered something that is no verdict.
    """
    verdicts: list[tuple[str, Verdict]] = []
    for guard in row.guards:
        try:
            verdict = guard.test(candidate, event)
        except Exception as error:
            raise GuardError(
                f"the guard {guard.name} failed on {event_name(event)} in {row.state}: {error!r}; "
                "nothing has changed. This is a fault in the vocabulary: please report it"
            ) from error
        if verdict is not True and verdict is not False and verdict is not None:
            raise GuardError(
                f"the guard {guard.name} answered {verdict!r} on {event_name(event)} in "
                f"{row.state}; only True, False and None are verdicts. Nothing has changed"
            )
        verdicts.append((guard.name, verdict))
        if verdict is not True:
            break
    return tuple(verdicts)


class _Model:
    """What transitions moves; it carries the state and nothing of ours."""

    state: str


class LiveMachine:
    """One call's machine: built from the definition, at its initial state.

    `propose` says what an event would do; `fire` does it. Between the two, nothing moves.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._model = _Model()
        self._firing: _Firing | None = None
        self.machine = build(definition, self._model, self._condition)

    @property
    def state(self) -> str:
        """The state in which the machine is."""
        return self._model.state

    def propose(self, event: Event, candidate: Any) -> Step:
        """What `event` would do, given the facts as they would be after it.

        Raises:
            GuardError: see `try_row`; nothing has changed.
        """
        firing = self._firing = _Firing(event, candidate)
        about = self.machine.events.get(event_name(event))
        try:
            # Asks the conditions in order and stops at the first row that holds, as the model's
            # own may_… does; that one first goes through all events of the machine, each time.
            for transition in about.transitions.get(self.state, ()) if about is not None else ():
                if all(condition.func() is True for condition in transition.conditions):  # type: ignore[operator]  # put there by `build`
                    break
        finally:
            self._firing = None
        row = firing.tried[-1].row if firing.tried and firing.tried[-1].held else None
        return Step(event, self.state, row, tuple(firing.tried), candidate)

    def fire(self, step: Step) -> None:
        """Moves the machine as `step` says.

        Raises:
            RefusedError: the step was refused.
            EngineError: the machine did not end where the step says; a fault in here.
        """
        if not step.accepted or step.row is None:
            raise RefusedError(f"{event_name(step.event)} is not accepted in {step.source}")
        firing = self._firing = _Firing(step.event, step.candidate)
        try:
            moved = self.machine.events[event_name(step.event)].trigger(self._model)
        finally:
            self._firing = None
        # transitions asked the conditions anew and chose by itself; it must have come to the same.
        if moved is not True or firing.tried[-1].row is not step.row or self.state != step.target:
            raise EngineError(f"{step.row} was proposed, but the machine went to {self.state}")

    def _condition(self, row: Row) -> Callable[[], bool]:
        def holds() -> bool:
            firing = self._firing
            if firing is None:
                return False
            verdicts = try_row(row, firing.candidate, firing.event)
            tried = Tried(row, verdicts)
            firing.tried.append(tried)
            return tried.held

        return holds


class _Firing:
    """What the conditions need to know while the machine asks them."""

    __slots__ = ("candidate", "event", "tried")

    def __init__(self, event: Event, candidate: Any) -> None:
        self.event = event
        self.candidate = candidate
        self.tried: list[Tried] = []


def build(
    definition: Definition, model: object, condition: Callable[[Row], Callable[[], bool]]
) -> Machine:
    """A `transitions.Machine` with a transition for each row, in order.

    Args:
        condition: makes the one condition of a row; it must return exactly True or False.

    Raises:
        EngineError: a row names a state or a beginning that does not exist.
    """
    names = list(definition.states)
    if definition.initial not in definition.states:
        raise EngineError(f"there is no state {definition.initial!r} to begin in")
    for row in definition.all_rows():
        for name in (row.state, row.to or row.state):
            if name not in definition.states:
                raise EngineError(f"{row} names a state that does not exist: {name!r}")
    machine = Machine(
        model=model,
        states=names,
        initial=definition.initial,
        auto_transitions=False,
        send_event=False,
        queued=False,
    )
    for row in definition.all_rows():
        holds = condition(row)
        holds.row = row  # type: ignore[attr-defined]  # the table is compiled back from it
        machine.add_transition(row.event, row.state, row.to, conditions=[holds])
    return machine


Table = Mapping[tuple[str, str], tuple[Row, ...]]
"""The rows of each (state, event), in the order in which the machine tries them."""


def compile_table(machine: Machine) -> Table:
    """The flat table of a built machine: its own transitions, read back in their order.

    Raises:
        EngineError: the machine holds something that `build` does not put there.
    """
    table: dict[tuple[str, str], tuple[Row, ...]] = {}
    for name, event in machine.events.items():
        for source, transitions in event.transitions.items():
            rows = []
            for transition in transitions:
                if len(transition.conditions) != 1:
                    raise EngineError(f"{name} in {source} has a transition without its condition")
                row: Row = transition.conditions[0].func.row  # type: ignore[union-attr]  # set by `build`
                if (row.event, row.state, row.to) != (name, source, transition.dest):
                    raise EngineError(f"{row} stands in the machine as {name} in {source}")
                rows.append(row)
            if rows:
                table[source, name] = tuple(rows)
    return table


def propose(table: Table, state: str, event: Event, candidate: Any) -> Step:
    """The same answer as `LiveMachine.propose`, from the table alone.

    Raises:
        GuardError: see `try_row`.
    """
    tried: list[Tried] = []
    for row in table.get((state, event_name(event)), ()):
        attempt = Tried(row, try_row(row, candidate, event))
        tried.append(attempt)
        if attempt.held:
            return Step(event, state, row, tuple(tried), candidate)
    return Step(event, state, None, tuple(tried), candidate)
