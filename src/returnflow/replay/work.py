"""What is done with a part of a log, in whichever process: read, judge, mask, count, write.

What comes of a part is small and can be sent to another process: a tally, and the text that the
chosen form makes of its calls. Memory does not depend on the length of the log.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from returnflow.engine.transcript import ToolCall, Transcript
from returnflow.errors import ReturnflowError
from returnflow.inert import inert
from returnflow.replay import second_opinion
from returnflow.replay.findings import Finding, Report
from returnflow.replay.reports import compare, csv, jsonl, junit
from returnflow.replay.reports.tally import Outcome, Tally, damaged, outcome, place

if TYPE_CHECKING:
    from returnflow.engine.definition import Definition
    from returnflow.masking import Masker
    from returnflow.replay.transcripts.reader import Options, Unit

Form = Literal["summary", "story", "json", "csv", "junit", "flips", "json-flips"]

MAX_NEAR = 5
"""So many ids that resemble the one looked for are remembered."""

MAX_CLEAN = 4096
"""So many texts are remembered as having nothing to be masked,"""

MAX_CLEAN_TEXT = 500
"""if they have so many characters at most."""


class Judging(Protocol):
    """What judges a transcript."""

    def judge(self, transcript: Transcript) -> Report:
        """The report on it."""


@dataclass(frozen=True)
class Procedure:
    """A procedure as text, so that any process can build it; and which of its rules a call may
    break although the procedure takes every event of it."""

    name: str
    text: str
    unproved: frozenset[str] = frozenset()

    @cached_property
    def definition(self) -> Definition:
        """The definition, built once; raises `DefinitionError`."""
        from returnflow.engine import definition

        return definition.loads(self.text, self.name)

    @classmethod
    def of(cls, definition: Definition, unproved: frozenset[str] = frozenset()) -> Procedure:
        """The procedure of a definition that is there already."""
        made = cls(definition.name, definition.text, unproved)
        vars(made)["definition"] = definition
        return made

    def __getstate__(self) -> dict[str, object]:
        # A definition cannot be pickled; a forked process has it already.
        return {"name": self.name, "text": self.text, "unproved": self.unproved}


def judge_by(procedure: Procedure, zone: str, day: date | None) -> Judging:
    """What judges by a procedure."""
    from returnflow.replay.judge import Judge

    return Judge(procedure.definition, zone=zone, date=day, unproved=procedure.unproved)


def read_unit(unit: Unit, options: Options) -> Iterator[Transcript]:
    """The transcripts in a unit."""
    from returnflow.replay.transcripts import reader

    return reader.read(unit, options)


@dataclass(frozen=True)
class Job:
    """All that a process needs to know; it can be pickled.

    Args:
        options: of the reader.
        masker: None where personal data were asked for (rule 38).
        case: only the calls of this id.
        other: a second text of the procedure, to compare verdicts.
        backend: the URL of a shop that is asked for a second opinion.
        strict: stop at the first call that cannot be read in full.
        judging, reading: what judges and reads; they can be named from any process.
    """

    procedure: Procedure
    options: Options
    zone: str = "UTC"
    day: date | None = None
    masker: Masker | None = None
    form: Form = "summary"
    title: str = ""
    case: str | None = None
    other: Procedure | None = None
    backend: str | None = None
    strict: bool = False
    judging: Callable[[Procedure, str, date | None], Judging] = judge_by
    reading: Callable[[Unit, Options], Iterator[Transcript]] = read_unit


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in the program that kept a call from being judged. `details`: the traceback,
    not masked."""

    case: str
    place: str
    message: str
    details: str


@dataclass(slots=True)
class Done:
    """What came of a part of a log.

    Args:
        text: of the calls, in order, in the chosen form.
        cases: for JUnit, by call: the file, what it came to, and its element.
        differing: where the record and the shop disagree.
        near: ids that resemble the one looked for.
        stopped: where reading stopped, and why; the rest was not looked at.
        units: how many units of the log went into it.
    """

    tally: Tally = field(default_factory=Tally)
    flips: compare.FlipTally = field(default_factory=compare.FlipTally)
    text: bytes = b""
    cases: list[tuple[str, Outcome, bytes]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    differing: list[second_opinion.Differing] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    stopped: str = ""
    units: int = 0

    def add(self, other: Done) -> None:
        """Takes in what came of the part that follows."""
        self.tally.add(other.tally)
        self.flips.add(other.flips)
        self.text += other.text
        self.cases += other.cases
        self.faults += other.faults
        self.differing += other.differing
        self.near = (self.near + other.near)[:MAX_NEAR]
        self.stopped = self.stopped or other.stopped
        self.units += other.units


class Bench:
    """Does the work of one process. Building it loads the procedure."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._judge = job.judging(job.procedure, job.zone, job.day)
        self._other = job.judging(job.other, job.zone, job.day) if job.other else None
        self._known_clean: set[str] = set()
        self._second: second_opinion.SecondOpinion | None = None
        if job.backend:
            transcription = job.procedure.definition.vocabulary.transcription
            self._second = second_opinion.SecondOpinion(
                second_opinion.connected(job.backend), transcription() if transcription else None
            )

    def work(self, units: Sequence[Unit]) -> Done:
        """What comes of a part of the log."""
        done = Done(units=len(units))
        texts: list[bytes] = []
        for unit in units:
            for transcript in self._transcripts(unit, done, texts):
                self._one(transcript, done, texts)
                if done.stopped:
                    break
            if done.stopped:
                break
        done.text = b"".join(texts)
        return done

    def _transcripts(self, unit: Unit, done: Done, texts: list[bytes]) -> Iterator[Transcript]:
        """A fault of a reader, ours or a stranger's, ends the unit and nothing else."""
        transcripts = self._job.reading(unit, self._job.options)
        while True:
            try:
                transcript = next(transcripts, None)
            except Exception as error:
                known = Transcript(
                    case_id=place(unit.source, unit.line),
                    format=unit.format,
                    source=unit.source,
                    line=unit.line,
                )
                self._faulty(error, known, _fault_words(error, "read"), done, texts)
                return
            if transcript is None:
                return
            yield transcript

    def _as_shown(self, transcript: Transcript) -> str:
        """The id of a call as reports show it; whoever sees only those can ask for it."""
        masker = self._job.masker
        return masker.mask_text(transcript.case_id) if masker is not None else transcript.case_id

    def _one(self, transcript: Transcript, done: Done, texts: list[bytes]) -> None:
        wanted = self._job.case
        if wanted is not None and wanted not in (transcript.case_id, self._as_shown(transcript)):
            if len(done.near) < MAX_NEAR and resembles(transcript.case_id, wanted):
                done.near.append(transcript.case_id)
            return
        try:
            report = self._judge.judge(transcript)
            other = self._other.judge(transcript) if self._other else None
        except Exception as error:
            self._faulty(error, transcript, _fault_words(error, "judged"), done, texts)
            return
        if self._second is not None:
            try:
                done.differing += self._second.on(transcript, self._job.masker)
            except Exception as error:
                self._fault(error, transcript, done)
        report = self._masked(report, transcript)
        if other is not None:
            self._compare(report, self._masked(other, transcript), done, texts)
        self._write(report, transcript, done, texts)
        broken = damaged(report)
        if self._job.strict and broken is not None:
            done.stopped = f"{place(report.source, report.line)}: {broken.reason}"

    def _faulty(
        self,
        error: Exception,
        transcript: Transcript,
        reason: str,
        done: Done,
        texts: list[bytes],
    ) -> None:
        """Names a call as unreadable for `reason`."""
        self._fault(error, transcript, done)
        self._write(self._masked(_lost(transcript, reason), None), None, done, texts)

    def _fault(self, error: Exception, transcript: Transcript, done: Done) -> None:
        """Keeps what the fault's mender needs. An error of ours is told in its own words."""
        ours = isinstance(error, ReturnflowError)
        done.faults.append(
            Fault(
                transcript.case_id,
                place(transcript.source, transcript.line),
                str(error) if ours else f"{type(error).__name__}: {error}",
                "" if ours else "".join(traceback.format_exception(error)),
            )
        )

    def _write(
        self, report: Report, transcript: Transcript | None, done: Done, texts: list[bytes]
    ) -> None:
        """Counts a masked report and writes it in the chosen form."""
        done.tally.count(report)
        form = self._job.form
        if form == "json":
            texts.append(jsonl.line(report))
        elif form == "csv":
            texts.append(csv.rows(report))
        elif form == "junit":
            done.cases.append((report.source, outcome(report), junit.case(report)))
        elif form == "story":
            texts.append(self._told(report, transcript))

    def _told(self, report: Report, transcript: Transcript | None) -> bytes:
        from returnflow.replay.reports.story import story

        if transcript is None:
            transcript = Transcript(case_id=report.id, format=report.format)
        masker = self._job.masker
        if masker is not None:
            transcript = masker.mask_event(transcript, _ids(transcript, masker))
        lines = story(report, transcript, self._job.title)
        return "".join(f"{inert(each)}\n" for each in (*lines, "")).encode()

    def _compare(self, report: Report, other: Report, done: Done, texts: list[bytes]) -> None:
        flip = compare.flip(report, other)
        done.flips.count(report, other)
        if flip is None:
            return
        if self._job.form == "flips":
            texts.append("".join(f"{each}\n" for each in compare.told(flip)).encode())
        elif self._job.form == "json-flips":
            texts.append(jsonl.line(flip))

    def _masked(self, report: Report, transcript: Transcript | None) -> Report:
        masker = self._job.masker
        if masker is None:
            return report
        if "@" not in report.id and all(self._clean(text, masker) for text in _texts(report)):
            return report
        masked = masker.mask_event(report)
        if transcript is None or not any("tel-" in text for text in _texts(masked)):
            return masked
        # An id that looks like a number is to stay. Looking for the ids of a call takes longer
        # than all the rest, so it is done only where a number was found.
        return masker.mask_event(report, _ids(transcript, masker))

    def _clean(self, text: str, masker: Masker) -> bool:
        """Whether masking leaves a text as it is. Most texts come again and again."""
        if text in self._known_clean:
            return True
        if masker.mask_text(text) != text:
            return False
        if len(text) <= MAX_CLEAN_TEXT:
            if len(self._known_clean) >= MAX_CLEAN:
                self._known_clean.clear()
            self._known_clean.add(text)
        return True


def _texts(report: Report) -> Iterator[str]:
    """Every text of a report but its id."""
    yield report.source
    yield report.agent
    yield report.state
    yield from report.unobservable
    for each in report.findings:
        yield from (each.reason, each.repair, each.event, each.state, each.step)
        yield from (each.guard, each.notice)
        if each.quote is not None:
            yield each.quote.text


def _lost(transcript: Transcript, reason: str) -> Report:
    """The report on a call that a fault kept from being judged: nothing is said of the agent."""
    return Report(
        id=transcript.case_id,
        source=transcript.source,
        line=transcript.line,
        format=transcript.format,
        agent=transcript.agent,
        verdict="inconclusive",
        score=0,
        passed=False,
        fitness=0.0,
        cost=0,
        events=0,
        findings=(Finding(kind="unreadable", severity="remark", reason=reason),),
        unobservable=(reason,),
    )


def _fault_words(error: Exception, what: str) -> str:
    if isinstance(error, ReturnflowError):
        return f"it could not be {what}: {error}"
    return f"a fault in the program kept it from being {what} ({type(error).__name__})"


def _ids(transcript: Transcript, masker: Masker) -> frozenset[str]:
    """The ids in a call: they may look like phone numbers and are none."""
    calls = [each for each in transcript.members if isinstance(each, ToolCall)]
    return masker.ids_of(
        [
            {"case_id": transcript.case_id},
            transcript.events,
            transcript.members,
            [call.arguments for call in calls],
            [call.result for call in calls],
        ]
    )


def resembles(case: str, wanted: str) -> bool:
    """Whether somebody who typed `wanted` may have meant `case`."""
    one, two = case.casefold(), wanted.casefold()
    if one == two or (len(two) >= 4 and (two in one or one in two)):
        return True
    from difflib import SequenceMatcher

    match = SequenceMatcher(None, two, one)
    return match.real_quick_ratio() >= 0.8 and match.quick_ratio() >= 0.8 and match.ratio() >= 0.85
