"""Where the time of a replay goes, by sampling.

A timer that counts the processor's time interrupts the run about every millisecond, and the frames
that are active then tell what the program was at. Unlike a profiler that is told of every call
it costs next to nothing, and small functions are not made to look dear.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from benchmarks.measure import Figure, Table

EVERY = 0.001
"""Seconds of processor time between two samples; many systems count in steps of 4 ms."""

REST = "the rest"

FINDINGS = "findings: the way that fits best, its slips, their words"

# The first group of which a file is anywhere among the active frames is what the time went to.
# What is in none of them and directly in `replay` belongs to the findings.
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "rules of whole calls",
        ("engine/rules.", "replay/rulebook.", "replay/activities.", "/abstraction."),
    ),
    (FINDINGS, ()),
    (
        "notices: what was said, against what was due",
        (
            "engine/hearing",
            "engine/phrases.",
            "engine/spoken.",
            "engine/statements.",
            "engine/claims.",
            "engine/contrary.",
            "engine/said_value.",
            "engine/script.",
            "engine/words.",
            "replay/trace.",
        ),
    ),
    ("guards", ("returns/guards",)),
    ("facts", ("returns/",)),
    ("decode", ("transcripts/native.", "transcripts/jsontext.", "transcripts/shared.")),
    ("reading and splitting", ("replay/transcripts/",)),
    ("masking and counting", ("returnflow/masking.", "replay/reports/")),
    ("table", ("replay/plain_pass.", "replay/judge.", "engine/machine.")),
    ("report and the parts of the log", ("replay/work.", "replay/driver.", "replay/pool.")),
)

_FINDINGS = next(place for place, (name, _) in enumerate(PARTS) if name == FINDINGS)


def table_of(title: str, run: Callable[[], object], events: int, times: int) -> Table | None:
    """What `run` spends its time on, per event; None where the system has no such timer.

    Args:
        events: that one run replays.
        times: how often it is run.
    """
    if not hasattr(signal, "setitimer"):
        return None
    seen: Counter[str] = Counter()
    with _sampled(seen):
        started = time.process_time()
        for _ in range(times):
            run()
        spent = (time.process_time() - started) * 1e6 / (events * times)
    samples = max(1, seen.total())
    figures = [Figure("all", None, spent, None, samples)]
    figures += [
        Figure(name, None, spent * seen[name] / samples, None, seen[name])
        for name in (*(part for part, _ in PARTS), REST)
    ]
    return Table(
        f"{title} (measured: samples), µs of processor per event", "µs", figures, "all", digits=3
    )


@contextmanager
def _sampled(seen: Counter[str]) -> Iterator[None]:
    known: dict[str, int] = {}

    def sample(number: int, frame: FrameType | None) -> None:
        best = len(PARTS)
        while frame is not None and best:
            name = frame.f_code.co_filename
            place = known.get(name)
            if place is None:
                place = known[name] = _place(name)
            best = min(best, place)
            frame = frame.f_back
        seen[PARTS[best][0] if best < len(PARTS) else REST] += 1

    before = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(filename: str) -> int:
    """The place in `PARTS` of a file; the number of parts where it is in none."""
    name = filename.replace("\\", "/")
    if "/returnflow/" not in name:
        return len(PARTS)
    for place, (_, files) in enumerate(PARTS):
        if any(each in name for each in files):
            return place
    return _FINDINGS if "/returnflow/replay/" in name else len(PARTS)
