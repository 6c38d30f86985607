"""Calls of functions that a replayed event costs: a measure that no other work on a machine sways.

``python -m benchmarks.replay_budget`` writes the log that is counted on anew, from the benchmark's
own calls; ``tests/replay/test_budget.py`` counts on it and compares with the budget beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.replay_log import procedure, templates, write
from benchmarks.replay_subjects import job
from returnflow.replay import driver
from returnflow.replay.transcripts import reader
from returnflow.replay.work import Bench

FOLDER = Path(__file__).parents[1] / "tests" / "replay" / "budget"

CALLS = {"conforming": 16, "deviating": 12}
"""So many calls of each kind are in the logs."""


def log(kind: str) -> Path:
    """The log of that kind of calls."""
    return FOLDER / f"{kind}.jsonl"


def calls_per_event(path: Path) -> float:
    """Functions called, of Python and of C, for each event of a log that is replayed.

    Building the judge is not counted, and what is kept for the whole process is there already;
    what one judge keeps is not.
    """
    parts = list(driver.cut(reader.units([str(path)])))
    for part in parts:
        Bench(job(procedure())).work(part)
    bench = Bench(job(procedure()))
    called = events = 0

    def count(frame: FrameType, kind: str, argument: Any) -> None:
        nonlocal called
        if kind in ("call", "c_call"):
            called += 1

    for part in parts:
        sys.setprofile(count)
        try:
            done = bench.work(part)
        finally:
            sys.setprofile(None)
        events += done.tally.events
    return called / events


def main() -> None:
    """Writes the logs."""
    FOLDER.mkdir(exist_ok=True)
    known = templates(max(CALLS.values()))
    for kind, group in (("conforming", known.legal), ("deviating", known.deviating)):
        write(log(kind), [(each, number) for number, each in enumerate(group[: CALLS[kind]])])


if __name__ == "__main__":
    main()
