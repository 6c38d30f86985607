"""A log cut into parts, and each part judged, here or by several processes.

Only a few parts are in memory however long the log is, and what came of them is given in the
order of the log. A small log is judged in this process: starting another takes longer than that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import TYPE_CHECKING

from returnflow.replay.work import Bench, Done, Job

if TYPE_CHECKING:
    from returnflow.replay.transcripts.reader import Unit

PART_BYTES = 256 * 1024
"""A part of the log is sent when it holds so many bytes,"""

PART_UNITS = 256
"""or so many units."""

SMALL = 2
"""Of so many parts at most no other process is started."""


def run(
    job: Job,
    units: Iterable[Unit],
    jobs: int,
    tell: Callable[[str], None] = lambda words: None,
) -> Generator[Done, None, None]:
    """What came of each part of the log, in order. Closing it ends the workers.

    Args:
        jobs: how many processes may work; 1: this one alone.
        tell: is told, in a sentence, of a worker that ended unexpectedly.

    Raises:
        UsageError: what the job names cannot be used, or as `units` raises.
        ReturnflowError: the workers end again and again.
    """
    parts = cut(units)
    first = list(islice(parts, SMALL + 1)) if jobs > 1 else []
    parts = chain(first, parts)
    if jobs > 1 and len(first) > SMALL:
        # Imported late: a small log does without.
        from returnflow.replay.pool import Pool

        with closing(Pool(job, jobs, tell)) as pool:
            yield from pool.run(parts)
    else:
        bench = Bench(job)
        for part in parts:
            done = bench.work(part)
            yield done
            if done.stopped:
                return


def cut(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    """The units in parts of about the same size, whatever the number of workers."""
    part: list[Unit] = []
    size = 0
    for unit in units:
        part.append(unit)
        size += len(unit.data)
        if size >= PART_BYTES or len(part) >= PART_UNITS:
            yield part
            part, size = [], 0
    if part:
        yield part
