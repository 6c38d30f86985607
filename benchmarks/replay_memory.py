"""The peak of memory of ``returnflow replay`` as a process of its own, by the system's account."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Figure, Table, Target

MOST = 100.0
"""MiB that a process may take."""

GROWTH = 1.1
"""How much more a log of ten times the length may take."""


def table_of(logs: dict[int, Path]) -> Table | None:
    """The peaks for logs by their number of calls; None where the system does not tell."""
    if not hasattr(os, "wait4"):
        return None
    figures = []
    for jobs in (1, 2):
        for calls, path in logs.items():
            peak = peak_of(path, jobs)
            figures.append(Figure(f"--jobs {jobs}, {calls:,} calls", None, peak, None, 1))
    by_name = {each.name: each.median for each in figures}
    targets = [Target(f"{name}, peak", peak, MOST, "MiB") for name, peak in by_name.items()]
    short, *longer = logs
    for jobs in (1, 2):
        base = by_name[f"--jobs {jobs}, {short:,} calls"]
        for calls in longer:
            grown = by_name[f"--jobs {jobs}, {calls:,} calls"] / base
            name = f"--jobs {jobs}, {calls:,} calls ÷ {short:,} calls"
            targets.append(Target(name, grown, GROWTH, "times"))
    return Table(
        "Peak of memory, the largest process of a whole run, MiB",
        "MiB",
        figures,
        figures[0].name,
        targets,
        digits=2,
    )


# A process begins as a copy of the one that starts it, and the system counts that, too; so it is
# started by a small one.
_SMALL = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
# Its own peak, or that of a process that it waited for, if that is larger.
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, usage.ru_maxrss)
"""


def peak_of(path: Path, jobs: int) -> float:
    """MiB that the largest process of a run takes."""
    command = [sys.executable, "-m", "returnflow", "replay", "--jobs", str(jobs), str(path)]
    with tempfile.TemporaryDirectory() as home:
        ran = subprocess.run(
            [sys.executable, "-c", _SMALL, *command],
            env={**os.environ, "RETURNFLOW_HOME": home},
            stdout=subprocess.PIPE,
            check=True,
        )
    code, peak = map(int, ran.stdout.split())
    if code not in (0, 1):
        raise SystemExit(f"returnflow replay ended with {code}")
    return peak * (1 if sys.platform == "darwin" else 1024) / (1024 * 1024)
