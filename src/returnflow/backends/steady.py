"""What stands between us and any backend: a time limit, repeats, "down", one log line per call.

An adapter need not know of it. Look-ups are repeated, with growing pauses, when the backend is
unavailable. Writes never are: whether to send one again is the agent's decision (rule 29), and
the procedure has a state for it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from returnflow.backends.around import Around, Result
from returnflow.backends.circuit import Circuit
from returnflow.backends.protocol import LOOK_UPS, Backend
from returnflow.errors import (
    AmbiguousError,
    BackendError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
)

CALLS = logging.getLogger("returnflow.backends.calls")
"""One line per call, at level INFO: operation, outcome, milliseconds, attempts. What was asked
and what was answered is not in it (rule 38)."""

TIMED_OUT = 3
"""A call that ran into the time limit counts as so many failures: somebody waited for it."""


class Clock(Protocol):
    """Time, so that tests need none."""

    def now(self) -> float:
        """Seconds, never going back."""

    def sleep(self, seconds: float) -> None:
        """Lets so many seconds pass."""

    def wait(self, done: threading.Event, seconds: float) -> bool:
        """Waits for an event, up to so many seconds; whether it came."""


class RealClock:
    """The clock of the machine."""

    def now(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        time.sleep(seconds)

    def wait(self, done: threading.Event, seconds: float) -> bool:
        """See `Clock`."""
        return done.wait(seconds)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long and how often.

    Args:
        timeout: seconds for a call, its repeats and pauses included.
        attempts: how often a look-up is tried.
        pause: seconds before the second attempt, doubled before each further one; up to half as
            much again is added by chance, so that many agents do not come back at one moment.
    """

    timeout: float = 60.0
    attempts: int = 3
    pause: float = 0.25


class Steady(Around):
    """Any backend, behind limits. Fulfils the protocol; may be used from many threads.

    Args:
        inner: does the work.
        name: what the log calls it; no secrets.
        circuit: says when it is down; by default one of its own.

    Attributes:
        case_id: the call that is being led, for the log.
    """

    def __init__(
        self,
        inner: Backend,
        *,
        name: str = "",
        limits: Limits | None = None,
        circuit: Circuit | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(inner)
        self.case_id = ""
        self._name = name
        self._limits = limits or Limits()
        self._circuit = circuit or Circuit()
        self._clock = clock or RealClock()

    def _do(self, operation: str, work: Callable[[], Result]) -> Result:
        repeatable = operation in LOOK_UPS
        return self._call(operation, work, self._limits.attempts if repeatable else 1)

    def _call(self, operation: str, work: Callable[[], Result], attempts: int) -> Result:
        began = self._clock.now()
        attempt = 0
        outcome = "ok"
        try:
            admitted = self._circuit.admit()
            while True:
                attempt += 1
                left = began + self._limits.timeout - self._clock.now()
                try:
                    result = self._attempt(work, left)
                except UnavailableError as error:
                    if error.lasting:
                        self._circuit.succeeded(admitted)
                        raise
                    weight = TIMED_OUT if isinstance(error, TimedOutError) else 1
                    self._circuit.failed(weight, admitted)
                    pause = self._pause(attempt)
                    spent = self._clock.now() - began + pause
                    if attempt >= attempts or spent >= self._limits.timeout:
                        raise
                    self._clock.sleep(pause)
                    admitted = self._circuit.now()
                except BackendError:
                    self._circuit.succeeded(admitted)
                    raise
                else:
                    self._circuit.succeeded(admitted)
                    return result
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            CALLS.info(
                "case=%s backend=%s operation=%s outcome=%s ms=%.0f attempts=%d",
                self.case_id or "-",
                self._name or "-",
                operation,
                outcome,
                (self._clock.now() - began) * 1000,
                attempt,
            )

    def _pause(self, attempt: int) -> float:
        chance = 1 + random.random() / 2  # noqa: S311 (no secret)
        return float(self._limits.pause * 2 ** (attempt - 1) * chance)

    def _attempt(self, work: Callable[[], Result], seconds: float) -> Result:
        """Does the work in a thread, which is left to itself when the time is over.

        Should it still do a write, the write's key keeps a repeat from doing it twice.
        """
        done = threading.Event()
        results: list[Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as error:  # handed over to whoever waits
                errors.append(error)
            finally:
                done.set()

        threading.Thread(target=run, daemon=True, name="backend call").start()
        if not self._clock.wait(done, max(0.0, seconds)):
            raise TimedOutError(
                f"no answer from the shop within {self._limits.timeout:g} s", outcome="unknown"
            )
        if errors:
            raise errors[0]
        return results[0]


class TimedOutError(UnavailableError):
    """The time for a call is over; what becomes of it is not known."""


def _outcome(error: BaseException) -> str:
    """A word for the log; a message may hold personal data, so none is in it (rule 38)."""
    match error:
        case TimedOutError():
            return "timed_out"
        case UnavailableError():
            return "damaged_record" if error.lasting else f"unavailable:{error.outcome}"
        case RefusedByBackendError():
            return f"refused:{error.code}" if error.code.isidentifier() else "refused"
        case NotFoundError():
            return "not_found"
        case AmbiguousError():
            return "ambiguous"
    return f"bug:{type(error).__name__}"
