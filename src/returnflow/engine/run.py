"""The loop that carries a call: a session, its journal, who answers, and the backend.

Nothing in here prints. A `Desk` stands for the agent at whatever screen; `perform` stands for
the backend. Every event takes one way: propose, append to the journal, accept. So the disk knows
of it before the session moves, and a call that is cut off anywhere goes on from its last row.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import msgspec

from returnflow.engine.journal import (
    CaseLog,
    Words,
    back_to,
    commit_horizon,
    idempotency_key,
    visible,
)
from returnflow.engine.machine import Step
from returnflow.engine.session import Ask, Await, End, Session
from returnflow.engine.vocabulary import Call, Event
from returnflow.errors import CaseTakenError, EngineError, JournalError

Perform = Callable[[Call], Event]
"""Performs a call on the backend and says what came of it; runs in a worker thread."""

Clock = Callable[[], datetime]
"""The present moment, with a zone."""


@dataclass(frozen=True, slots=True)
class Said:
    """The answer is an event."""

    event: Event


@dataclass(frozen=True, slots=True)
class Back:
    """Take the last answer back."""


@dataclass(frozen=True, slots=True)
class LookAhead:
    """Make a look-up that the present state accepts ahead of its step."""

    call: Call


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the call open; it can be resumed."""


Answer = Said | Back | LookAhead | Leave


class Job:
    """A backend call under way in a thread of its own.

    The thread cannot be killed. A job that nobody waits for any more ends by itself; should it
    still do its write, the write's key keeps a repeat from doing it twice.
    """

    def __init__(self, call: Call, perform: Perform) -> None:
        self.call = call
        self._done = threading.Event()
        self._then: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._event: Event | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(perform,), daemon=True).start()

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return time.monotonic() - self._started

    def wait(self, seconds: float | None = None) -> bool:
        """Waits up to so many seconds; whether it is done."""
        return self._done.wait(seconds)

    def then(self, call_back: Callable[[], object]) -> None:
        """Calls back once it is done, in whatever thread that is; at once where it is already."""
        with self._lock:
            if not self._done.is_set():
                self._then.append(call_back)
                return
        call_back()

    def result(self) -> Event:
        """The outcome of a job that is done; raises what the backend raised by mistake."""
        if self._error is not None:
            raise self._error
        if self._event is None:
            raise EngineError("the result was asked for before the job was done")
        return self._event

    def _run(self, perform: Perform) -> None:
        try:
            self._event = perform(self.call)
        except BaseException as error:  # handed over to whoever asks for the result
            self._error = error
        finally:
            with self._lock:
                self._done.set()
                waiting = list(self._then)
            for call_back in waiting:
                call_back()


class Desk(Protocol):
    """Who answers: an agent at a screen, or a script."""

    def ask(self, run: Run, ask: Ask) -> Answer:
        """An answer to the present question. Called again after a refusal."""

    def wait(self, run: Run, job: Job) -> Event | Leave:
        """Waits for a job: its result, or `run.given_up(call)`, or an event that the state
        accepts instead (a hang-up), or `Leave`."""

    def refused(self, run: Run, step: Step) -> None:
        """The machine did not accept the answer; `run.session.refusal(step)` says why."""

    def journal_failed(self, run: Run, error: JournalError) -> bool:
        """The journal did not take an event, so nothing has moved. Whether to try again."""

    def ended(self, run: Run, end: End) -> None:
        """The call is over."""


class Run:
    """One call under way.

    Args:
        log: the call's journal, claimed.
        perform: performs backend calls.
        clock: the present moment.
    """

    def __init__(
        self, session: Session, log: CaseLog, desk: Desk, perform: Perform, clock: Clock
    ) -> None:
        self.session = session
        self.log = log
        self._desk = desk
        self._perform = perform
        self._clock = clock
        self._words = Words.of(session.definition.vocabulary)

    # -- the loop -----------------------------------------------------------------------------

    def go(self) -> bool:
        """Carries the call on. Whether it came to an end; False: it was left open.

        Raises:
            JournalError: the journal failed and the desk did not want to try again.
            EngineError: a fault in the procedure or in here.
        """
        while True:
            waiting = self.session.waiting
            if isinstance(waiting, End):
                self._desk.ended(self, waiting)
                return True
            goes_on = (
                self._ask(waiting) if isinstance(waiting, Ask) else self._call(waiting.next_call)
            )
            if not goes_on:
                return False

    def resume(self, today: date) -> bool:
        """Carries on a call that was left: first settles a write that was sent (under its own
        date), then begins the new policy date if it is a later one (rule 4).

        Returns and raises as `go`.
        """
        waiting = self.session.waiting
        if isinstance(waiting, Await) and waiting.next_call.key is not None:
            # Whoever led the call before may have sent it, and been cut off from the outcome.
            resent = dataclasses.replace(waiting.next_call, resent=True)
            if not self._call(resent):
                return False
        vocabulary = self.session.definition.vocabulary
        if today > self.session.case.policy_date and self.session.handles(vocabulary.resumed):
            step = self.take(vocabulary.build_resumed(today))
            if not step.accepted:
                raise EngineError(f"cannot resume: {self.session.refusal(step)}")
        return self.go()

    def take(self, event: Event) -> Step:
        """Proposes an event and, where it is accepted, journals and accepts it.

        Raises:
            JournalError: it could not be written and the desk gave up; nothing has moved.
        """
        step = self.session.propose(msgspec.structs.replace(event, at=self._clock()))
        if step.accepted:
            ended = self.session.definition.states[step.target].kind == "end"
            self._durably(lambda: self.log.append(step.event, step.target, ended=ended))
            self.session.accept(step)
        return step

    def _durably(self, write: Callable[[], object]) -> None:
        """Writes a row; where the journal fails, tries again for as long as the desk wants."""
        while True:
            try:
                write()
                return
            except CaseTakenError:
                raise
            except JournalError as error:
                if not self._desk.journal_failed(self, error):
                    raise

    # -- what a desk may ask ------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Keeps a note with the call; the machine does not see it.

        Raises:
            JournalError: as `take`.
        """
        self._durably(lambda: self.log.note(text, self.session.state.name))

    @property
    def can_go_back(self) -> bool:
        """Whether an answer can be taken back; never across a write (rule 32)."""
        return back_to(self.log.entries, self._words) is not None

    @property
    def horizon(self) -> Event | None:
        """The last event that going back cannot cross; None where everything can be taken back."""
        seq = commit_horizon(self.log.entries, self._words)
        return self.log.entries[seq - 1].event if seq else None

    def given_up(self, call: Call) -> Event:
        """The event of a call that nobody waits for any longer (rule 29)."""
        message = "stopped waiting for the answer"
        outcome = "unknown" if call.write else "cancelled"
        return self.session.definition.vocabulary.build_failed(call.operation, outcome, message)

    # -- steps --------------------------------------------------------------------------------

    def _ask(self, ask: Ask) -> bool:
        answer = self._desk.ask(self, ask)
        match answer:
            case Leave():
                return False
            case Back():
                self._back()
            case LookAhead(call):
                return self._call(call)
            case Said(event):
                step = self.take(event)
                if not step.accepted:
                    self._desk.refused(self, step)
        return True

    def _call(self, call: Call) -> bool:
        if call.request is not None:
            call = self._request(call)
        outcome = self._desk.wait(self, Job(call, self._perform))
        if isinstance(outcome, Leave):
            return False
        step = self.take(outcome)
        waiting = self.session.waiting
        if not step.accepted:
            # The backend answered something that was not asked: no answer at all.
            self._no_answer(call, self.session.refusal(step))
        elif not call.write and isinstance(waiting, Await) and waiting.next_call == call:
            # What it answered is accepted here, but was not asked; asked again it would go on so.
            self._no_answer(call, "the shop did not answer what was asked")
        return True

    def _no_answer(self, call: Call, why: str) -> None:
        failed = self.session.definition.vocabulary.build_failed(
            call.operation, "unknown" if call.write else "known", why
        )
        if not self.take(failed).accepted:
            raise EngineError(f"{call.operation}: {why}")

    def _request(self, call: Call) -> Call:
        """Journals the request of a write, with the key that its row gives it (rule 28)."""
        operation = self.session.definition.vocabulary.operations[call.operation]
        if operation.build_request is None:
            raise EngineError(f"{call.operation} is a write without a request event")
        key = idempotency_key(self.log.header.case_id, self.log.next_seq)
        step = self.take(operation.build_request(call, key))
        if not step.accepted:
            raise EngineError(f"cannot request: {self.session.refusal(step)}")
        waiting = self.session.waiting
        if not isinstance(waiting, Await) or waiting.next_call.key != key:
            raise EngineError(f"{call.operation}: the request did not become the next call")
        return waiting.next_call

    def _back(self) -> None:
        to = back_to(self.log.entries, self._words)
        if to is None:
            return
        kept = [
            entry.event
            for entry in visible(self.log.entries)
            if entry.seq < to and entry.event is not None
        ]
        earlier = self.session.refolded(self.log.header.policy_date, self.log.header.zone, kept)
        self._durably(lambda: self.log.rewind(to, earlier.state.name))
        self.session = earlier
