"""``returnflow replay``: judge recorded calls by the procedure."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from returnflow.cli import opening, status
from returnflow.cli.days import day
from returnflow.cli.masks import UNMASK, masker
from returnflow.errors import ReturnflowError, UsageError
from returnflow.inert import inert
from returnflow.urls import without_password

if TYPE_CHECKING:
    from returnflow.cli.replay_output import Outlet
    from returnflow.engine.definition import Definition
    from returnflow.replay.reports.progress import ProgressLine
    from returnflow.replay.transcripts.sources import Progress
    from returnflow.replay.work import Done, Form, Job

_FILE = click.Path(path_type=Path)


@click.command("replay", epilog=status.REPLAY_EPILOG)
@click.argument("log", nargs=-1, required=True)
@click.option(
    "--sop",
    type=_FILE,
    metavar="FILE|NAME",
    help=opening.SOP_HELP,
)
@click.option(
    "--format", metavar="NAME", help="The format of the logs; without it, it is recognised."
)
@click.option(
    "--date",
    metavar="DATE",
    type=day,
    help="The day on which calls decided that do not record it.",
)
@click.option(
    "--zone",
    metavar="ZONE",
    help="The policy time zone of calls that do not record it; by default UTC.",
)
@click.option(
    "--tools",
    metavar="FILE",
    help="A YAML file that maps the tools of a log to the procedure's operations.",
)
@click.option(
    "--calls", metavar="FILE", help="A log of the backend's calls, for transcripts without any."
)
@click.option("--case", metavar="ID", help="Only the call of this id, told in full.")
@click.option("--json", is_flag=True, help="Write JSON Lines: an object for each call.")
@click.option("--csv", is_flag=True, help="Write CSV: a row for each finding.")
@click.option("--junit", is_flag=True, help="Write JUnit XML: a test case for each call.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A new file for the result; beside JSON, CSV or JUnit the summary is then shown.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["violates", "inconclusive"]),
    metavar="VERDICT",
    default="violates",
    show_default=True,
    help="The mildest verdict that makes the exit status 1: violates or inconclusive.",
)
@click.option(
    "--strict", is_flag=True, help="Stop at the first call that cannot be read, and say where."
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    help="How many processes judge; by default one for each core.",
)
@click.option(
    "--backend",
    metavar="URL",
    help="A shop, as sqlite:///FILE, for a second opinion: where a call's record and the shop "
    "disagree. It changes no verdict.",
)
@click.option(
    "--compare",
    type=_FILE,
    metavar="FILE",
    help="Another text of the procedure: list the calls that it judges otherwise, and why.",
)
@UNMASK
@click.option("--quiet", is_flag=True, help="Show no summary and no progress.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Show how far the work has come; by default on a terminal.",
)
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Judge recorded calls by the procedure, and tell where they left it.

    LOG is a file, a folder or a pattern, plain or compressed with gzip or zstd; - is standard
    input. The result is a summary, or what --json, --csv, --junit or --case ask for.
    """
    ctx.exit(replay(given))


def replay(given: dict[str, Any]) -> int:
    """Judges logs and shows the result; the exit status.

    Args:
        given: the options by name, as the command takes them.

    Raises:
        UsageError, DefinitionError: something given cannot be used.
    """
    from returnflow.cli.replay_output import Outlet
    from returnflow.replay import driver
    from returnflow.replay.transcripts import reader
    from returnflow.replay.transcripts.sources import Progress

    _agree(given)
    job = _job(given)
    # What the options name is opened first, so that it fails before anything is read.
    problems = reader.check(job.options)
    if job.backend is not None:
        _reached(job.backend)
    read = Progress()
    units = chain(problems, reader.units(given["log"], given["format"], progress=read))
    outlet = Outlet(
        job, output=given["output"], quiet=given["quiet"], fail_on=given["fail_on"], tell=_tell
    )
    line = _progress_line(given)
    with ExitStack() as stack:
        stack.callback(outlet.close)
        parts = stack.enter_context(closing(driver.run(job, units, _jobs(given), _tell)))
        try:
            with _CtrlC() as ctrl_c:
                for done in parts:
                    with ctrl_c.held():
                        _take(done, outlet, line, read)
        except KeyboardInterrupt:
            outlet.interrupted = True
        finally:
            if line is not None:
                line.clear()
        return outlet.end()


def _take(done: Done, outlet: Outlet, line: ProgressLine | None, read: Progress) -> None:
    if line is not None and (outlet.speaks(done) or done.faults):
        line.clear()
    outlet.take(done)
    if line is not None:
        line.show(outlet.calls, read.consumed)


class _CtrlC:
    """Ctrl-C ends the work between two parts, so that none is written by half.

    Pressed once more, it ends it at once.
    """

    def __init__(self) -> None:
        self._holding = False
        self._pressed = False

    def __enter__(self) -> _CtrlC:
        self._before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Until the end of the block it waits."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._pressed:
            raise KeyboardInterrupt

    def _press(self, *_: object) -> None:
        if not self._holding or self._pressed:
            raise KeyboardInterrupt
        self._pressed = True


def _agree(given: dict[str, Any]) -> None:
    """Options that exclude each other."""
    forms = [f"--{name}" for name in ("json", "csv", "junit") if given[name]]
    if len(forms) > 1:
        raise click.UsageError(f"{' and '.join(forms)} are two forms; give one of them.")
    if given["compare"] is not None:
        for name in ("csv", "junit", "case", "backend"):
            if given[name]:
                raise click.UsageError(
                    f"--compare lists what flips, and cannot be had with --{name}."
                )


def _job(given: dict[str, Any]) -> Job:
    from returnflow.replay.transcripts.reader import Options
    from returnflow.replay.work import Job, Procedure

    definition = opening.procedure(given["sop"])
    day = given["date"]
    return Job(
        procedure=Procedure.of(definition, _unproved(definition)),
        options=Options(
            vocabulary=definition.vocabulary.name,
            sop=definition.sop,
            date=day,
            zone=given["zone"],
            tools=given["tools"],
            calls=given["calls"],
        ),
        zone=given["zone"] or "UTC",
        day=day,
        masker=None if given["unmask"] else masker([definition.vocabulary]),
        form=_form(given),
        title=f"{definition.sop}, version {definition.version}",
        case=given["case"],
        other=_other(given["compare"], definition),
        backend=given["backend"],
        strict=given["strict"],
    )


def _form(given: dict[str, Any]) -> Form:
    if given["compare"] is not None:
        return "json-flips" if given["json"] else "flips"
    if given["json"]:
        return "json"
    if given["csv"]:
        return "csv"
    if given["junit"]:
        return "junit"
    return "story" if given["case"] is not None else "summary"


def _other(file: Path | None, mine: Definition) -> Any:
    from returnflow.replay.work import Procedure

    if file is None:
        return None
    other = opening.procedure(file)
    if other.vocabulary.name != mine.vocabulary.name:
        raise UsageError(
            f"{file} is a procedure of {other.vocabulary.name} and not of "
            f"{mine.vocabulary.name}; calls of one cannot be judged by the other"
        )
    return Procedure.of(other, _unproved(other))


def _unproved(definition: Definition) -> frozenset[str]:
    """The rules that a call may break although the procedure takes every event of it."""
    from returnflow.home import KeptProcedures, data_dir
    from returnflow.sop.kept import unproved

    return unproved(definition, KeptProcedures(data_dir()))


def _reached(backend: str) -> None:
    """Tries the shop; the processes that judge open it again for themselves."""
    from returnflow.replay.second_opinion import connected

    try:
        connected(backend).close()
    except ReturnflowError as error:
        raise UsageError(str(error).replace(backend, without_password(backend))) from None


def _jobs(given: dict[str, Any]) -> int:
    if given["jobs"]:
        return int(given["jobs"])
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _progress_line(given: dict[str, Any]) -> ProgressLine | None:
    wanted = given["progress"]
    if wanted is None:
        wanted = sys.stderr.isatty() and not given["quiet"]
    if not wanted:
        return None
    from returnflow.replay.reports.progress import ProgressLine
    from returnflow.replay.transcripts.reader import total_size

    return ProgressLine(sys.stderr, total_size(given["log"], given["format"]))


def _tell(words: str) -> None:
    click.echo(f"returnflow: {inert(words)}", err=True)
