"""What ``returnflow replay`` writes, and the exit status that it comes to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from returnflow.cli import status
from returnflow.cli.output import new_file
from returnflow.errors import ReturnflowError, UsageError
from returnflow.replay.reports import compare, csv, junit
from returnflow.replay.reports.table import paragraph
from returnflow.replay.work import MAX_NEAR, Done

if TYPE_CHECKING:
    from returnflow.replay.second_opinion import Differing
    from returnflow.replay.work import Fault, Job, Procedure

MAX_TOLD = 10
"""So many faults are told one by one, and kept with their details."""

MAX_DIFFERING = 50
"""So many differences between records and the shop are listed."""

MACHINE = ("json", "csv", "junit")


class Outlet:
    """Takes what comes of the parts of a log, in order, and writes it.

    Args:
        output: a new file for the result; None: standard output.
        fail_on: the mildest verdict that fails: ``violates`` or ``inconclusive``.
        tell: writes a line to standard error.

    Raises:
        UsageError: the file is there already.
    """

    def __init__(
        self,
        job: Job,
        *,
        output: Path | None,
        quiet: bool,
        fail_on: str,
        tell: Callable[[str], None],
    ) -> None:
        if output is not None and output.exists():
            raise UsageError(f"{output} exists already; name a new file")
        self.interrupted = False
        self._job = job
        self._output = output
        self._quiet = quiet
        self._fail_on = fail_on
        self._tell = tell
        self._file: BinaryIO | None = None
        self._junit: junit.Writer | None = None
        self._begun = False
        self._all = Done()
        self._faults: list[Fault] = []
        self._number_of_faults = 0
        self._differing: list[Differing] = []
        self._number_differing = 0

    @property
    def calls(self) -> int:
        """The calls judged so far."""
        return self._all.tally.calls

    def speaks(self, done: Done) -> bool:
        """Whether taking it in writes something to the terminal."""
        return self._output is None and bool(done.text or done.cases)

    def take(self, done: Done) -> None:
        """Writes what came of the next part, and counts it."""
        if done.text:
            self._stream().write(done.text)
        if done.cases:
            stream = self._stream()
            if self._junit is None:
                self._junit = junit.Writer(stream)
            for case in done.cases:
                self._junit.add(*case)
        if self._begun:
            # Whoever reads it at the other end of a pipe gets each part as it is judged.
            self._stream().flush()
        for fault in done.faults:
            self._number_of_faults += 1
            if len(self._faults) < MAX_TOLD:
                self._faults.append(fault)
                self._tell(self._masked(f"{fault.place}, case {fault.case}: {fault.message}"))
        self._number_differing += len(done.differing)
        self._differing += done.differing[: MAX_DIFFERING - len(self._differing)]
        # Only what stays small is kept.
        done.text, done.cases, done.faults, done.differing = b"", [], [], []
        self._all.add(done)

    def end(self) -> int:
        """Writes the rest; the exit status."""
        done = self._all
        if self._job.case is not None and not self.calls and not self.interrupted:
            raise UsageError(self._not_found())
        stream = self._stream()
        if self._job.form == "junit":
            (self._junit or junit.Writer(stream)).end()
        stream.flush()
        if done.stopped:
            self._tell(f"stopped (--strict) at {self._masked(done.stopped)}")
        if self.interrupted:
            self._tell(f"stopped after {self.calls:,} calls; what follows was not judged")
        self._close_with_words()
        self._keep_faults()
        return self._status()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    # -- where to ---------------------------------------------------------------------------

    def _stream(self) -> BinaryIO:
        """Where the result goes, with its head written."""
        if self._output is None:
            # Not ours to close: whoever called may go on writing to it.
            stream: BinaryIO = sys.stdout.buffer
        elif self._file is None:
            stream = self._file = new_file(self._output)
        else:
            stream = self._file
        if not self._begun:
            self._begun = True
            if self._job.form == "csv":
                stream.write(csv.head())
        return stream

    def _close_with_words(self) -> None:
        """The summary, the counts of flips, and what the shop says otherwise."""
        machine = self._job.form in MACHINE or self._job.form == "json-flips"
        lines: list[str] = [] if self._quiet else list(self._words())
        aside = list(self._second_opinion())
        if self._output is not None and not machine:
            text = "".join(f"{each}\n" for each in (*lines, *aside))
            self._stream().write(text.encode("utf-8", "replace"))
            self._stream().flush()
            return
        if machine and self._output is None:
            lines = []
        for each in lines:
            click.echo(each)
        for each in aside:
            click.echo(each, err=machine and self._output is None)

    # -- words ------------------------------------------------------------------------------

    def _words(self) -> Iterator[str]:
        job = self._job
        if job.form in ("flips", "json-flips"):
            assert job.other is not None  # noqa: S101 (the form is chosen by it)
            yield from compare.counts(self._all.flips, _title(job.procedure), _title(job.other))
        elif job.form != "story":
            from returnflow.replay.reports.summary import summary

            yield from summary(self._all.tally, job.title, job.procedure.definition.steps)

    def _second_opinion(self) -> Iterator[str]:
        if self._job.backend is None:
            return
        yield ""
        if not self._differing:
            yield "Second opinion: nothing that the calls recorded differs from the shop."
            return
        yield from paragraph(
            f"Second opinion: {self._number_differing:,} recorded "
            f"{'fact differs' if self._number_differing == 1 else 'facts differ'} from what the "
            "shop says now. No verdict depends on it."
        )
        call = ("", "")
        for each in self._differing:
            if (each.case, each.place) != call:
                call = (each.case, each.place)
                yield from paragraph(f"{each.case} · {each.place}", indent=2)
            yield from paragraph(
                f"{each.about}: recorded {each.recorded}; the shop: {each.shop}", indent=4
            )
        if self._number_differing > len(self._differing):
            yield f"  and {self._number_differing - len(self._differing):,} more"

    def _not_found(self) -> str:
        case = self._masked(self._job.case or "")
        near = [self._masked(each) for each in dict.fromkeys(self._all.near[:MAX_NEAR])]
        hint = f"; did you mean {', '.join(near)}?" if near else "; check the id"
        return f"no call {case} is in the log{hint}"

    def _masked(self, text: str) -> str:
        masker = self._job.masker
        return masker.mask_text(text) if masker else text

    # -- what it came to --------------------------------------------------------------------

    def _keep_faults(self) -> None:
        """Tells how many faults there were; their details go to a file."""
        if not self._number_of_faults:
            return
        kept = [fault for fault in self._faults if fault.details]
        where = f" The details are in {_fault_file(kept)}: please report them." if kept else ""
        number = self._number_of_faults
        self._tell(
            f"{number:,} {'call' if number == 1 else 'calls'} could not be judged, or asked about, "
            f"as they should.{where}"
        )

    def _status(self) -> int:
        if self.interrupted:
            return status.INTERRUPTED
        tally, flips = self._all.tally, self._all.flips
        bad = tally.outcomes["unreadable"] + tally.partly + self._number_of_faults
        if self._job.other is not None:
            bad += flips.differing
        else:
            bad += tally.outcomes["violates"]
            if self._fail_on == "inconclusive":
                bad += tally.outcomes["inconclusive"]
        return status.FAILED if bad or self._all.stopped else status.ENDED


def _title(procedure: Procedure) -> str:
    definition = procedure.definition
    return f"{definition.sop}, version {definition.version}, {Path(definition.name).name}"


def _fault_file(faults: list[Fault]) -> str:
    """Keeps the details for their mender; personal data are masked (rule 38)."""
    from datetime import UTC, datetime

    from returnflow import masking
    from returnflow.home import data_dir

    folder = data_dir()
    mask = masking.Masker(masking.MaskKey.load(folder)).mask_text
    path = folder / f"fault-{datetime.now(UTC):%Y%m%d-%H%M%S}.txt"
    text = "\n".join(f"{fault.place}\n{fault.details}" for fault in faults)
    try:
        path.write_text(mask(text), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ReturnflowError(f"{path} cannot be written: {error.strerror}") from error
    return str(path)
