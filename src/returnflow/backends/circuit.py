"""A circuit breaker: a backend that keeps failing is said to be down at once.

Its state can be kept in a file, so that what one call has found out spares the others the wait:
each call of an agent is a process of its own. The file holds counts and times, nothing of what
was asked or answered. That it cannot be read or written is no reason to refuse anything.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
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

    def admit(self) -> None:
        """Lets a call through, or says that the backend is down.

        After the cool-down one call passes; whoever comes meanwhile waits for its outcome.

        Raises:
            UnavailableError: it is down; nothing was sent, so the outcome is known.
        """
        state = self._load()
        now = self._clock()
        # A time further off than any that we write: the clock was set back since.
        if not 0 < state.until - now <= self._cool_down:
            if state.until:
                self._save(_State(state.failures, now + self._cool_down))
            return
        raise UnavailableError(
            f"the shop is down, {state.failures} failures in a row; next try in "
            f"{state.until - now:.0f} s",
            outcome="known",
        )

    def succeeded(self) -> None:
        """The backend answered."""
        if self._load().failures:
            self._save(_State())

    def failed(self, weight: int = 1) -> None:
        """It did not; `weight` counts a failure that made somebody wait as several."""
        count = self._load().failures + weight
        down = count >= self._failures
        self._save(_State(count, self._clock() + self._cool_down if down else 0.0))

    def _load(self) -> _State:
        if self._path is None:
            return self._state
        try:
            found = json.loads(self._path.read_text(encoding="ascii"))
            return _State(int(found["failures"]), float(found["until"]))
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return _State()

    def _save(self, state: _State) -> None:
        self._state = state
        if self._path is None:
            return
        with suppress(OSError):
            if not state.failures:
                self._path.unlink(missing_ok=True)
                return
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            draft.write_text(json.dumps(asdict(state)), encoding="ascii")
            draft.replace(self._path)
