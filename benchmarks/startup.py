"""How long the program takes to start, against ``python -c pass`` in the same rounds.

Whole processes, from the moment they are spawned: to their exit, or to the first bytes of the
wizard's first question. The demo shop is loaded before. The rounds are interleaved, and the
order turns from round to round, so that a slow moment of the machine meets all alike.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.measure import Figure, Table, Target, figure, positive
from returnflow.bundled import bundled

ABOUT = "start-up of --version, the wizard's first question, calls list, replay and sop check"

FLOOR = "python -c pass"
VERSION = "returnflow --version"
TERMINAL = "wizard, first question (terminal)"
PIPED = "wizard, first question (piped)"
CALLS = "returnflow calls list"
REPLAY = "returnflow replay, one small file"

PROOFS = "returnflow sop check, all rules proved"

SMALL = Path(__file__).parents[1] / "fixtures" / "transcripts" / "chat" / "full-return.json"
"""What is replayed: a chat of an AI agent in which nothing is wrong."""

QUESTION = b"E-mail:"
"""The first bytes of the first question; nothing before it is spelled so."""

PATIENCE = 60.0
"""Seconds after which a question that did not come is a fault."""

# A question within 700 ms where an empty program takes 15.
QUESTION_LIMIT = 700 / 15
VERSION_LIMIT = 4.0
# A small file within 300 ms where an empty program takes 15.
REPLAY_LIMIT = 300 / 15
PROOFS_LIMIT = 60.0

_FOREIGN = ("RETURNFLOW_", "PYTHON", "COVERAGE_")


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--rounds", type=positive, default=21, help="rounds measured (default: 21)")
    parser.add_argument(
        "--imports",
        action="store_true",
        help="also show to which packages the time of importing goes",
    )


def measure(options: Namespace) -> list[Table]:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as home:
        environment = _environment(Path(home))
        script = str(console_script())
        wizard = [script, "wizard"]
        shipped = str(bundled("states") / "handling_returns.yaml")
        subjects: dict[str, Callable[[], float]] = {
            FLOOR: lambda: _to_exit([sys.executable, "-c", "pass"], environment),
            VERSION: lambda: _to_exit([script, "--version"], environment),
            PIPED: lambda: _to_question_piped(wizard, environment),
            CALLS: lambda: _to_exit([script, "calls", "list"], environment),
            REPLAY: lambda: _to_exit([script, "replay", str(SMALL)], environment),
            PROOFS: lambda: _to_exit([script, "sop", "check", shipped], environment),
        }
        if os.name == "posix":
            subjects[TERMINAL] = lambda: _to_question_terminal(wizard, environment)
        # The first round loads the demo shop and fills the caches; it is not counted.
        for subject in subjects.values():
            subject()
        taken: dict[str, list[float]] = {name: [] for name in subjects}
        names = list(subjects)
        for number in range(options.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                taken[name].append(subjects[name]() * 1000)
        tables = [_compared([figure(name, taken[name]) for name in subjects])]
        if options.imports:
            tables += [
                _imports(VERSION, ["--version"], environment),
                _imports(CALLS, ["calls", "list"], environment),
                _imports(REPLAY, ["replay", str(SMALL)], environment),
                _imports(PIPED, ["wizard"], environment),
            ]
    return tables


def console_script() -> Path:
    """The ``returnflow`` that is installed beside the running interpreter."""
    folder = Path(sys.executable).parent
    for name in ("returnflow", "returnflow.exe"):
        if (folder / name).is_file():
            return folder / name
    raise SystemExit(f"there is no returnflow in {folder}: install the project there first")


def _compared(figures: list[Figure]) -> Table:
    by_name = {each.name: each.median for each in figures}
    targets = [
        Target(f"{name} ÷ {FLOOR}", by_name[name] / by_name[FLOOR], round(limit, 1), "times")
        for name, limit in (
            (VERSION, VERSION_LIMIT),
            (TERMINAL, QUESTION_LIMIT),
            (PIPED, QUESTION_LIMIT),
            (REPLAY, REPLAY_LIMIT),
            (PROOFS, PROOFS_LIMIT),
        )
        if name in by_name
    ]
    return Table("Start-up, whole process", "ms", figures, FLOOR, targets)


def _environment(home: Path) -> dict[str, str]:
    """The caller's environment without what would change the program, and a data folder of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "RETURNFLOW_HOME": str(home), "TERM": "xterm-256color"}


# -- three ways to time a process -------------------------------------------------------------


def _to_exit(command: list[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def _to_question_piped(command: list[str], environment: Mapping[str, str]) -> float:
    # On a pipe the question is written with its answer, so one waits there already; it is no
    # address, so that nothing is journaled.
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x\n")
        process.stdin.close()
        descriptor = process.stdout.fileno()
        taken = _until_question(descriptor, started)
        while os.read(descriptor, 65536):
            pass
    return taken


def _to_question_terminal(command: list[str], environment: Mapping[str, str]) -> float:
    import pty
    import termios

    ours, theirs = pty.openpty()
    try:
        termios.tcsetwinsize(theirs, (24, 80))
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        try:
            return _until_question(ours, started)
        finally:
            # Nothing was answered, so nothing is kept that could be lost.
            process.kill()
            process.wait()
    finally:
        os.close(theirs)
        os.close(ours)


def _until_question(descriptor: int, started: float) -> float:
    seen = b""
    while QUESTION not in seen:
        ready, _, _ = select.select([descriptor], [], [], PATIENCE)
        read = os.read(descriptor, 65536) if ready else b""
        if not read:
            raise SystemExit(f"the wizard did not ask its first question; it wrote: {seen!r}")
        seen += read
    return time.perf_counter() - started


# -- where it goes ----------------------------------------------------------------------------


def _imports(name: str, command: list[str], environment: Mapping[str, str]) -> Table:
    """Import time by top-level package, each module's own, from one run of ``-X importtime``."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "returnflow", *command],
        env=environment,
        input=b"x\n",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    spent: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for line in run.stderr.decode(errors="replace").splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and own.strip().isdecimal():
            package = rest.rpartition("|")[2].strip().partition(".")[0]
            spent[package] += int(own)
            modules[package] += 1
    figures = [Figure("all", None, sum(spent.values()) / 1000, None, sum(modules.values()))]
    figures += [
        Figure(package, None, time_taken / 1000, None, modules[package])
        for package, time_taken in spent.most_common(15)
    ]
    return Table(f"Imports by package (measured: modules), {name}", "ms", figures, "all")
