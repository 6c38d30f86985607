"""A backend that fails as planned, call by call, round any other backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from returnflow.backends.around import Around, Result
from returnflow.backends.protocol import Backend
from returnflow.errors import RefusedByBackendError, UnavailableError

FaultKind = Literal[
    "timeout_before", "timeout_after", "no_connection", "refusal", "error_text", "slow", "wrong"
]


@dataclass(eq=False)
class Fault:
    """What goes wrong in one call of an operation.

    Args:
        kind: ``timeout_before`` and ``timeout_after``: no answer, outcome unknown, without and
            with the work done; ``no_connection``: nothing can have happened; ``refusal``: a plain
            no to a write; ``error_text``: the work is done and the reply is an error text all
            the same, outcome unknown (rule 30); ``slow``: the work is done once `release` is
            set; ``wrong``: `record` comes back instead of the answer, the work done.
        message: the backend's words.
        code: the code of a refusal.
        record: what ``wrong`` answers.
        release: for ``slow``: set it to let the call go on.
        begun: set by the call as soon as it is made.
    """

    kind: FaultKind
    message: str = ""
    code: str = "refused"
    record: Any = None
    release: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)


class FaultyBackend(Around):
    """Any backend, but the calls named in `plan` fail.

    Args:
        inner: does the work.
        plan: by operation and the number of its call, counted from 1, what goes wrong.

    Attributes:
        calls: the names of the operations called, in order; failed calls too.
    """

    def __init__(self, inner: Backend, plan: Mapping[tuple[str, int], Fault]) -> None:
        super().__init__(inner)
        self.plan = dict(plan)
        self.calls: list[str] = []
        self._lock = threading.Lock()

    def _do(self, operation: str, work: Callable[[], Result]) -> Result:
        with self._lock:
            self.calls.append(operation)
            fault = self.plan.get((operation, self.calls.count(operation)))
        if fault is None:
            return work()
        fault.begun.set()
        match fault.kind:
            case "timeout_before":
                raise UnavailableError(fault.message or "no answer in time", outcome="unknown")
            case "timeout_after":
                work()
                raise UnavailableError(fault.message or "no answer in time", outcome="unknown")
            case "no_connection":
                raise UnavailableError(fault.message or "connection refused", outcome="known")
            case "refusal":
                raise RefusedByBackendError(fault.message or "declined", code=fault.code)
            case "error_text":
                work()
                raise UnavailableError(
                    fault.message or "<error> internal </error>", outcome="unknown"
                )
            case "slow":
                fault.release.wait()
                return work()
            case "wrong":
                work()
                answer: Result = fault.record
                return answer
