"""Every error that returnflow raises on purpose, as one tree.

A message says what happened, where, and what to do. What is not in this tree is a bug
and propagates.
"""

from __future__ import annotations

from typing import Literal


class ReturnflowError(Exception):
    """The root: catch this to catch everything that returnflow raises on purpose."""


class UsageError(ReturnflowError):
    """The user asked for something that cannot be done as asked (an unknown URL, case, option)."""


# -- definitions ------------------------------------------------------------------------------


class DefinitionError(ReturnflowError):
    """A procedure's YAML cannot be used. `problems` holds every one found, in file order."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


# -- the machine ------------------------------------------------------------------------------


class EngineError(ReturnflowError):
    """The machine was used, or behaved, in a way that its rules do not allow."""


class RefusedError(EngineError):
    """An event that the machine does not accept here was forced on it; nothing has changed."""


class GuardError(EngineError):
    """A guard raised, or answered something other than True, False or None; nothing changed."""


# -- the journal ------------------------------------------------------------------------------


class JournalError(ReturnflowError):
    """The journal could not be read or written; what it already holds is untouched."""


class JournalBusyError(JournalError):
    """Another process holds the journal; try again."""


class CaseNotFoundError(JournalError):
    """No case of that id is in the journal."""


class CaseTakenError(JournalError):
    """Another agent is working on this case, or went on with it in the meantime."""


class JournalDamagedError(JournalError):
    """What the journal holds cannot be read back as the call that was written."""


# -- backends ---------------------------------------------------------------------------------


class BackendError(ReturnflowError):
    """The three ways in which a backend may fail; everything else is a bug in the adapter."""


class NotFoundError(BackendError):
    """The thing asked for does not exist. An answer, not a fault."""


class AmbiguousError(BackendError):
    """Several customers match where one was asked for; none is guessed (rule 20)."""

    def __init__(self, message: str, *, count: int) -> None:
        self.count = count
        super().__init__(message)


class RefusedByBackendError(BackendError):
    """The backend understood a write and plainly declined it; nothing was done there.

    Args:
        message: the backend's words, for the agent.
        code: a short machine-readable reason, e.g. ``already_returned``.
    """

    def __init__(self, message: str, *, code: str = "refused") -> None:
        self.code = code
        super().__init__(message)


class UnavailableError(BackendError):
    """The backend did not answer, or not usably.

    Args:
        message: what was seen, for the agent.
        outcome: ``"known"`` when nothing can have happened there (no connection was made),
            ``"unknown"`` when a write may have been done (rules 29, 30).
        lasting: the same call will fail again, others need not (one record is damaged): it is
            not tried again, and does not count against the backend.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Literal["known", "unknown"] = "unknown",
        lasting: bool = False,
    ) -> None:
        self.outcome: Literal["known", "unknown"] = outcome
        self.lasting = lasting
        super().__init__(message)
