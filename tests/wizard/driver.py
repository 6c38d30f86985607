"""Calls led through the wizard by keystrokes, or by lines, in this process and without threads.

A `Stage` is a desk with everything real about it: a procedure, a journal on disk, a shop, the
wizard's own desk and consoles. Keys go through prompt_toolkit's pipe input, all at once; when
they run out the input is closed, so that a call that still asks is left, never hung. The clock
and the random generator are set, so that a call looks the same every time.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from unittest import mock
from zoneinfo import ZoneInfo

import pyte
from msgspec.structs import replace as record_with
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from returnflow.backends.answer import performer
from returnflow.backends.protocol import Backend
from returnflow.bundled import bundled
from returnflow.cli.calls import session_of
from returnflow.engine.case_log import StoredCaseLog
from returnflow.engine.definition import Definition, load
from returnflow.engine.event_log import export_case
from returnflow.engine.journal import Entry, Header, visible
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.machine import Step
from returnflow.engine.run import Job, Leave, Run
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import ReturnflowError
from returnflow.replay.judge import Judge
from returnflow.replay.transcripts.reader import Options, Unit, read
from returnflow.testing import MemoryShop, curated_shop
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Console, PipeConsole, Prompt, Validate
from returnflow.wizard.plain import PlainDesk
from returnflow.wizard.prompting import TerminalConsole

ENTER, TAB = "\r", "\t"
CTRL_A, CTRL_C, CTRL_D, CTRL_U = "\x01", "\x03", "\x04", "\x15"

PATIENT = 20.0
"""Seconds to wait for a shop that answers at once."""

Tracer = Callable[[Step], None]


@cache
def shipped() -> Definition:
    """The procedure that comes with the program."""
    return load(bundled("states") / "handling_returns.yaml")


class Window(io.StringIO):
    """What a program writes to a terminal of so many columns."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def isatty(self) -> bool:
        """A window is a terminal."""
        return True


class _Output(Vt100_Output):
    """A terminal that tells where its cursor is, as nearly all do; else there is no toolbar."""

    def get_rows_below_cursor_position(self) -> int:
        return 20


def _recorded(validate: Validate, complaints: list[str]) -> Validate:
    def check(line: str) -> object:
        try:
            return validate(line)
        except BadAnswer as error:
            complaints.append(str(error))
            raise

    return check


class _Listening:
    """What a console was asked, and what it complained of."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.complaints: list[str] = []

    def heard(self, prompt: Prompt) -> Prompt:
        self.prompts.append(prompt)
        return Prompt(
            prompt.label,
            _recorded(prompt.validate, self.complaints),
            prompt.completions,
            prompt.default,
        )


class _Terminal(TerminalConsole):
    """The wizard's terminal console, listened to."""

    def __init__(self, ear: _Listening) -> None:
        super().__init__()
        self._ear = ear

    def read(self, prompt: Prompt) -> str:
        return super().read(self._ear.heard(prompt))


class _Pipe(PipeConsole):
    """The wizard's console for pipes, listened to."""

    def __init__(self, ear: _Listening, typed: str, out: Window) -> None:
        super().__init__(io.StringIO(typed), out)
        self._ear = ear

    def read(self, prompt: Prompt) -> str:
        return super().read(self._ear.heard(prompt))


class _Desk(PlainDesk):
    """The wizard's desk, which looks at its patience only once the shop hangs on purpose.

    Else an agent without patience would be asked whenever the machine that runs the tests is slow,
    and what was typed for the next question would be taken for the answer.
    """

    def __init__(self, console: Console, patience: float, shop: object) -> None:
        super().__init__(console, patience)
        self._shop = shop
        self._known = self._hanging

    @property
    def _hanging(self) -> int:
        """How many calls the shop has let hang."""
        return getattr(self._shop, "hanging", 0)

    def wait(self, run: Run, job: Job) -> Event | Leave:
        """See `PlainDesk.wait`."""
        while not job.wait(0.01) and self._hanging == self._known:
            pass
        self._known = self._hanging
        return super().wait(run, job)


@dataclass
class Played:
    """A call as it went.

    Args:
        ended: it came to an end; else it was left open.
        error: what stopped it.
        steps: every step proposed while it went on, refused ones too.
        raw: what was written to the terminal.
    """

    case_id: str
    ended: bool
    error: ReturnflowError | None
    entries: tuple[Entry, ...]
    steps: list[Step]
    raw: str
    columns: int
    prompts: list[Prompt] = field(repr=False)
    complaints: list[str]

    @property
    def events(self) -> list[Event]:
        """The events that no going back hid."""
        return [entry.event for entry in visible(self.entries) if entry.event is not None]

    @property
    def names(self) -> list[str]:
        """The names of `events`."""
        return [event_name(event) for event in self.events]

    @property
    def state(self) -> str:
        """The state after the last row; "" where nothing happened."""
        return self.entries[-1].state if self.entries else ""

    @property
    def labels(self) -> list[str]:
        """What was asked, in order."""
        return [prompt.label for prompt in self.prompts]

    @property
    def screen(self) -> str:
        """What the terminal shows at last, from the first line on, without trailing space."""
        lines = self.raw.count("\n") + 200
        screen = pyte.Screen(self.columns, lines)
        # A StringIO has no line discipline that would return the carriage.
        screen.set_mode(pyte.modes.LNM)
        pyte.Stream(screen).feed(self.raw)
        return "\n".join(line.rstrip() for line in screen.display).strip("\n")


class Clock:
    """A clock that goes on by a second each time someone looks at it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


class Stage:
    """See the module.

    Args:
        folder: for the journal.
        shop: answers; a fresh curated one where none is given. Any backend will do.
        day: the policy date of calls that begin here; by default the curated shop's day.
    """

    def __init__(
        self,
        folder: Path,
        shop: Backend | None = None,
        *,
        definition: Definition | None = None,
        seed: int = 1,
    ) -> None:
        self.shop: Backend = shop or curated_shop()
        self.definition = definition or shipped()
        self.zone = self.shop.zone or "UTC"
        day = curated_shop().today
        morning = datetime(day.year, day.month, day.day, 9, tzinfo=ZoneInfo(self.zone))
        self.clock = Clock(morning)
        self.path = folder / "journal.sqlite3"
        self.journal = open_journal(
            f"sqlite:///{self.path}", busy_timeout=0.05, clock=self.clock, rng=Random(seed)
        )

    def close(self) -> None:
        """Closes the journal."""
        self.journal.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def later(self, days: int = 1) -> None:
        """Goes on by whole days."""
        self.clock.moment += timedelta(days=days)

    # -- calls ----------------------------------------------------------------------------

    def keys(
        self,
        typed: str,
        *,
        case_id: str | None = None,
        shop: Backend | None = None,
        patience: float = PATIENT,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        tracer: Tracer | None = None,
    ) -> Played:
        """A call on a terminal: keystrokes. With a `case_id`, that call is resumed."""
        window, ear = Window(columns), _Listening()
        with _terminal(window, typed, env or {}):
            return self._play(_Terminal(ear), ear, window, case_id, shop, patience, tracer)

    def lines(
        self,
        *typed: str,
        case_id: str | None = None,
        shop: Backend | None = None,
        patience: float = PATIENT,
        columns: int = 80,
    ) -> Played:
        """A call on a pipe, one answer a line, shown in a window of so many columns."""
        window, ear = Window(columns), _Listening()
        console = _Pipe(ear, "".join(f"{line}\n" for line in typed), window)
        with mock.patch.dict(os.environ, {"COLUMNS": str(columns)}):
            return self._play(console, ear, window, case_id, shop, patience, None)

    def _play(
        self,
        console: Console,
        ear: _Listening,
        window: Window,
        case_id: str | None,
        shop: Backend | None,
        patience: float,
        tracer: Tracer | None,
    ) -> Played:
        steps: list[Step] = []

        def trace(step: Step) -> None:
            steps.append(step)
            if tracer is not None:
                tracer(step)

        error: ReturnflowError | None = None
        ended = False
        with self._log(case_id) as log:
            session = (
                Session(self.definition, log.header.policy_date, self.zone, tracer=trace)
                if case_id is None
                else session_of(self.definition, log, trace)
            )
            steps.clear()
            desk = _Desk(console, patience, shop)
            run = Run(session, log, desk, performer(shop or self.shop), self.clock)
            try:
                ended = run.go() if case_id is None else run.resume(self.clock.moment.date())
            except ReturnflowError as raised:
                error = raised
            _replays(self.definition, log, ended)
            return Played(
                case_id=log.header.case_id,
                ended=ended,
                error=error,
                entries=log.entries,
                steps=steps,
                raw=window.getvalue(),
                columns=window.columns,
                prompts=ear.prompts,
                complaints=ear.complaints,
            )

    def _log(self, case_id: str | None) -> StoredCaseLog:
        if case_id is not None:
            return self.journal.open(case_id, self.definition.vocabulary.decoder)
        now = self.clock()
        header = Header(
            case_id="",
            sop=self.definition.sop,
            version=self.definition.version,
            digest=self.definition.digest,
            agent="kim",
            policy_date=now.date(),
            zone=self.zone,
            backend="memory:",
            started_at=now,
        )
        return self.journal.begin(header, self.definition.text)


def _replays(definition: Definition, log: StoredCaseLog, ended: bool) -> None:
    """What the wizard kept of a call replays as conforming; what was left in the middle may at
    most be unfinished. So every call of these tests is a test of replay as well."""
    if not log.entries:
        return
    line = export_case(log.header, log.entries, mask=None)
    unit = Unit(source="journal", line=1, data=line, format="native")
    (transcript,) = read(unit, Options(definition.vocabulary.name))
    report = _judge(definition).judge(transcript)
    wrong = [each for each in report.findings if each.severity != "remark"]
    if ended:
        assert report.verdict == "conforms", report
    assert {each.kind for each in wrong} <= {"unfinished", "notice_missing"}, wrong


@cache
def _judge(definition: Definition) -> Judge:
    return Judge(definition)


@contextmanager
def _terminal(window: Window, typed: str, env: Mapping[str, str]) -> Iterator[None]:
    """A terminal that shows on `window` and on which `typed` was typed ahead."""
    around = {"TERM": "xterm", "COLUMNS": str(window.columns), "LINES": "50", **env}
    dumb: AbstractContextManager[object] = mock.patch("sys.stdin", io.StringIO(typed))
    with mock.patch.dict(os.environ, around), redirect_stdout(window), dumb:
        output = _Output(
            window, lambda: Size(50, window.columns), term=around["TERM"], enable_cpr=False
        )
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=output):
            pipe.send_text(typed)
            pipe.close()
            yield


def same_day(events: Sequence[Event]) -> list[Event]:
    """Events without their times, for comparing."""
    return [record_with(event, at=None) for event in events]


def memory(stage: Stage) -> MemoryShop:
    """The stage's shop, where it lives in memory."""
    assert isinstance(stage.shop, MemoryShop)
    return stage.shop


class Door:
    """A way of typing: keys on a terminal, or lines on a pipe."""

    def __init__(self, stage: Stage, way: str) -> None:
        self.stage = stage
        self._way = way

    def type(
        self,
        *answers: str,
        shop: Backend | None = None,
        case_id: str | None = None,
        patience: float = PATIENT,
    ) -> Played:
        """A call, or the rest of one, in which these answers are given."""
        if self._way == "pipe":
            return self.stage.lines(*answers, shop=shop, case_id=case_id, patience=patience)
        # What is drafted is cleared first, so that an answer means the same at both doors.
        keys = "".join((CTRL_U if answer else "") + answer + "\r" for answer in answers)
        return self.stage.keys(keys, shop=shop, case_id=case_id, patience=patience)


def told(played: Played, words: str) -> bool:
    """Whether the agent read these words, however they were wrapped."""
    return " ".join(words.split()) in " ".join(played.screen.split())
