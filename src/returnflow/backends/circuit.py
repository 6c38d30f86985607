"""A circuit breaker: a backend that keeps failing is said to be down at once.

Its state can be kept in a file, so that what one call has found out spares the others the wait:
each call of an agent is a process of its own. The file holds counts and times, nothing of what
was asked or answered. That it cannot be read or written is no reason to refuse anything.

Calls end in another order than they began, and what counts is when one began: an answer to a call
from before the failures does not say that the shop is back, nor does a time-out of one that was
sent while it was down say, once it is back, that it is down again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from returnflow.errors import UnavailableError

FAILURES = 5
"""Failures in a row after which a backend counts as down."""

COOL_DOWN = 15.0
"""Seconds until one call is let through again, to see whether it is back."""


@dataclass(frozen=True)
class _State:
    failures: int = 0
    """In a row."""
    until: float = 0.0
    """No call is let through before, in seconds since the epoch; 0: it does not count as down."""
    since: float = 0.0
    """When it was last found to be down, or to be back: how calls that began before end, says
    nothing new."""


class Circuit:
    """Counts failures in a row, and refuses calls while the backend counts as down.

    Args:
        path: where the state is shared with other processes; None: it is this object's alone.
        clock: the time in seconds since the epoch.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        failures: int = FAILURES,
        cool_down: float = COOL_DOWN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._failures = failures
        self._cool_down = cool_down
        self._clock = clock
        self._state = _State()

    def now(self) -> float:
        """When a call that begins now begins."""
        return self._clock()

    def admit(self) -> float:
        """Lets a call through, or says that the backend is down; when the call begins.

        After the cool-down one call passes; whoever comes meanwhile waits for its outcome.

        Raises:
            UnavailableError: it is down; nothing was sent, so the outcome is known.
        """
        state = self._load()
        now = self._clock()
        # A time further off than any that we write: the clock was set back since.
        if not 0 < state.until - now <= self._cool_down:
            if state.until:
                self._save(replace(state, until=now + self._cool_down))
            return now
        raise UnavailableError(
            f"the shop is down, {state.failures} failures in a row; next try in "
            f"{state.until - now:.0f} s",
            outcome="known",
        )

    def succeeded(self, began: float | None = None) -> None:
        """The backend answered.

        Args:
            began: what `admit` or `now` gave when the call began; by default it began now.
        """
        state = self._load()
        if state.failures and not self._old(state, began):
            self._save(_State(since=self._clock() if state.until else state.since))

    def failed(self, weight: int = 1, began: float | None = None) -> None:
        """It did not; `weight` counts a failure that made somebody wait as several.

        Args:
            began: as in `succeeded`.
        """
        state = self._load()
        if self._old(state, began):
            return
        count, now = state.failures + weight, self._clock()
        if count >= self._failures:
            self._save(_State(count, now + self._cool_down, now))
        else:
            self._save(replace(state, failures=count))

    def _old(self, state: _State, began: float | None) -> bool:
        # A time that is still to come was written before the clock was set back.
        return began is not None and began < state.since <= self._clock()

    def _load(self) -> _State:
        if self._path is None:
            return self._state
        try:
            found = json.loads(self._path.read_text(encoding="ascii"))
            return _State(
                int(found["failures"]), float(found["until"]), float(found.get("since", 0))
            )
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return _State()

    def _save(self, state: _State) -> None:
        self._state = state
        if self._path is None:
            return
        with suppress(OSError):
            if state == _State():
                self._path.unlink(missing_ok=True)
                return
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            draft.write_text(json.dumps(asdict(state)), encoding="ascii")
            draft.replace(self._path)
