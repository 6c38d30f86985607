"""How far a replay has come: one line on a terminal, gone when the work is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

EVERY = 0.1
"""Seconds between two looks."""


class ProgressLine:
    """A line that is written over and over.

    Args:
        stream: a terminal.
        total: bytes to be read; None where that is not known.
        clock: seconds, never going back.
    """

    def __init__(
        self, stream: TextIO, total: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._total = total
        self._clock = clock
        self._began = clock()
        self._last = self._began - EVERY
        self._shown = 0

    def show(self, calls: int, consumed: int) -> None:
        """So many calls were judged, and so many bytes read."""
        now = self._clock()
        if now - self._last < EVERY:
            return
        self._last = now
        self._write(line(calls, consumed, self._total, now - self._began))

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()
            self._shown = 0

    def _write(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._shown))
        self._stream.flush()
        self._shown = len(text)


def line(calls: int, consumed: int, total: int | None, seconds: float) -> str:
    """The words: calls, rate, and, where the total is known, the share and the time left."""
    parts = [f"{calls:,} calls"]
    if seconds > 0:
        parts.append(f"{calls / seconds:,.0f}/s")
    if total and consumed:
        share = min(1.0, consumed / total)
        parts.insert(0, f"[{'#' * round(20 * share):.<20}] {100 * share:3.0f} %")
        parts.append(f"{_clock(seconds * (1 - share) / share)} left")
    return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
