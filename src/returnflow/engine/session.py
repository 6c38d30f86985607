"""One call: what it waits for, what an event would do, and the step that does it.

A session performs no I/O. The rule of use is ``propose`` → append to the journal → ``accept``:
whoever drives it writes the event down in between, so that a full disk moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from returnflow.engine import words
from returnflow.engine.definition import Definition, State
from returnflow.engine.machine import LiveMachine, Step
from returnflow.engine.vocabulary import Call, Due, Event, event_name
from returnflow.errors import EngineError, RefusedError


@dataclass(frozen=True, slots=True)
class Ask:
    """The session waits for an answer of the agent. `dues` are to be said first."""

    state: State
    dues: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Await:
    """The session waits for the backend. `calls` are all that are owed, the next one first."""

    state: State
    calls: tuple[Call, ...]

    @property
    def next_call(self) -> Call:
        """The call suggested next."""
        return self.calls[0]


@dataclass(frozen=True, slots=True)
class End:
    """The call is over."""

    state: State


class Session:
    """A call under one definition. See the module for how it is driven.

    Args:
        tracer: called with every step proposed, accepted or not; for coverage and debugging.
    """

    def __init__(
        self,
        definition: Definition,
        policy_date: date,
        zone: str,
        *,
        tracer: Callable[[Step], None] | None = None,
    ) -> None:
        self.definition = definition
        self.case: Any = definition.vocabulary.new_case(policy_date, zone)
        self.last: Step | None = None
        self._machine = LiveMachine(definition)
        self._tracer = tracer
        # What was proposed since the session last moved: only that can be accepted.
        self._open: list[Step] = []

    @classmethod
    def folded(
        cls,
        definition: Definition,
        policy_date: date,
        zone: str,
        events: Iterable[Event],
        *,
        tracer: Callable[[Step], None] | None = None,
    ) -> Session:
        """The session after `events`.

        Raises:
            RefusedError: one of them is not accepted where it stands.
        """
        session = cls(definition, policy_date, zone, tracer=tracer)
        for number, event in enumerate(events, 1):
            step = session.propose(event)
            if not step.accepted:
                raise RefusedError(
                    f"event {number}, {event_name(event)}, is not accepted in {session.state.name}"
                )
            session.accept(step)
        return session

    def refolded(self, policy_date: date, zone: str, events: Iterable[Event]) -> Session:
        """Another session of the same definition and tracer, after `events`; as `folded`."""
        return Session.folded(self.definition, policy_date, zone, events, tracer=self._tracer)

    @property
    def state(self) -> State:
        """The state in which the call is."""
        return self.definition.states[self._machine.state]

    @property
    def waiting(self) -> Ask | Await | End:
        """What the session waits for.

        Raises:
            EngineError: a calling state owes no call; a fault in the procedure.
        """
        state = self.state
        if state.kind == "end":
            return End(state)
        if state.operation is None:
            return Ask(state, self.dues())
        calls: Sequence[Call] = state.operation.pending(self.case)
        if not calls:
            raise EngineError(
                f"{state.name} calls {state.operation.name}, but nothing is left to be called"
            )
        return Await(state, tuple(calls))

    def dues(self) -> tuple[Due, ...]:
        """What must be said before this state's question is answered."""
        owes = self.state.owes
        return tuple(self.definition.vocabulary.dues[owes](self.case)) if owes else ()

    def propose(self, event: Event) -> Step:
        """What `event` would do. Changes nothing, whatever happens.

        Raises:
            GuardError: a guard failed.
        """
        candidate = self.case.copy()
        candidate.apply(event)
        step = self._machine.propose(event, candidate)
        if step.accepted:
            self._open.append(step)
        if self._tracer is not None:
            self._tracer(step)
        return step

    def accept(self, step: Step) -> None:
        """Takes a step that was proposed since the session last moved.

        Raises:
            RefusedError: the step was refused.
            EngineError: the session has moved since it was proposed.
        """
        if step.accepted and not any(step is known for known in self._open):
            raise EngineError(
                f"this step was proposed in {step.source}, and the call has moved since; "
                "propose the event again"
            )
        self._machine.fire(step)
        self._open.clear()
        if step.row is None or not step.row.discard:
            self.case = step.candidate
        self.last = step

    def handles(self, event: type[Event]) -> bool:
        """Whether any row of the present state is about such an event."""
        return (self._machine.state, event_name(event)) in self.definition.rows

    # -- words --------------------------------------------------------------------------------

    def words(self, text: str, **more: Any) -> str:
        """A text of the definition with this call's facts filled in."""
        return words.render(text, {**self.definition.vocabulary.scope(self.case), **more})

    def refusal(self, step: Step) -> str:
        """Why a step was refused, in one or more sentences for the agent."""
        return refusal(self.definition, step)

    def tell(self) -> str:
        """What the last step has to tell, or ""."""
        row = self.last.row if self.last is not None else None
        return self.words(self.definition.words[row.words]) if row and row.words else ""

    def due_words(self, due: Due) -> str:
        """The sentence that a due asks to be said."""
        return self.words(self.definition.notices[due.notice], due=dict(due.values))


def refusal(definition: Definition, step: Step) -> str:
    """Why a step was refused under a definition, in one or more sentences for the agent."""
    why = " ".join(_sentence(reason) for reason in step.reasons())
    if step.row is not None and step.row.words:
        scope = {**definition.vocabulary.scope(step.candidate), "why": why}
        return words.render(definition.words[step.row.words], scope)
    return why or f"{event_name(step.event)} is not expected here."


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
