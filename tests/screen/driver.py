"""Calls led on the full screen by keystrokes, in this process.

Everything is real but the terminal: keys go through prompt_toolkit's pipe input, what is painted
goes to a buffer that pyte reads. Keys are sent when the screen asks for something, so that no test
waits for a clock.
"""

from __future__ import annotations

import asyncio
import io
import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyte
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.output.vt100 import Vt100_Output

from returnflow.backends.answer import performer
from returnflow.backends.protocol import Backend
from returnflow.cli.calls import session_of
from returnflow.engine.journal import Entry, visible
from returnflow.engine.run import Job, Leave, Run
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.settings import Settings
from returnflow.wizard.screen.desk import ScreenDesk
from returnflow.wizard.screen.entry import Entry as ScreenEntry
from returnflow.wizard.screen.terminal import Terminal
from wizard.driver import Stage, _replays

ENTER, TAB, SPACE, ESC = "\r", "\t", " ", "\x1b"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, PAGE_UP, PAGE_DOWN = "\x1b[H", "\x1b[F", "\x1b[5~", "\x1b[6~"
SHIFT_TAB, BACKSPACE = "\x1b[Z", "\x7f"
CTRL_C, CTRL_D, CTRL_A, CTRL_U = "\x03", "\x04", "\x01", "\x15"
F2, F3, F4 = "\x1bOQ", "\x1bOR", "\x1bOS"
F5, F6, F7, F8, F9 = "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~"

PATIENT = 20.0


def pasted(text: str) -> str:
    """What a terminal sends when text is pasted."""
    return f"\x1b[200~{text}\x1b[201~"


def clicked(column: int, row: int) -> str:
    """What a terminal sends for a click, from the first column and row, which are 0."""
    return f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{column + 1};{row + 1}m"


Action = Callable[["Played"], object]
Keys = str | Action
"""Keys to be sent; or something to be done once those before it were taken, which may return
keys."""


@dataclass
class Played:
    """A call, or calls, as they go.

    Args:
        size: of the window; may be changed while the call goes on.
        screens: what was seen, by the name given to `see`.
        measures: whether to keep in `sent` how many bytes each of the keys made the screen write.
    """

    size: Size
    raw: io.StringIO = field(default_factory=io.StringIO)
    entries: tuple[Entry, ...] = ()
    ended: bool = False
    case_id: str = ""
    desk: ScreenDesk | None = None
    run: Run | None = None
    screens: dict[str, str] = field(default_factory=dict)
    measures: bool = False
    sent: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._screen = pyte.Screen(self.size.columns, self.size.rows)
        self._stream = pyte.Stream(self._screen)
        self._fed = 0

    @property
    def terminal(self) -> FedTerminal:
        """The terminal on which it is led."""
        assert self.desk is not None
        assert isinstance(self.desk.terminal, FedTerminal)
        return self.desk.terminal

    @property
    def events(self) -> list[Event]:
        """The events that no going back hid."""
        return [entry.event for entry in visible(self.entries) if entry.event is not None]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [event_name(event) for event in self.events]

    @property
    def state(self) -> str:
        """The state after the last row; "" where nothing happened."""
        return self.entries[-1].state if self.entries else ""

    @property
    def rows(self) -> list[str]:
        """What the terminal shows now."""
        self.terminal.app._redraw()
        self._stream.feed(self.raw.getvalue()[self._fed :])
        self._fed = self.raw.tell()
        return [line.rstrip() for line in self._screen.display]

    @property
    def screen(self) -> str:
        """The same as one text."""
        return "\n".join(self.rows)

    @property
    def words(self) -> str:
        """The same, pane by pane, without the breaks of lines."""
        panes: dict[int, list[str]] = {}
        for row in self.rows:
            for number, part in enumerate(row.split("│")):
                panes.setdefault(number, []).append(part.replace("┃", " "))
        return " ".join(" ".join(part for pane in panes.values() for part in pane).split())

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window larger or smaller."""
        self.rows  # noqa: B018 (what was written for the old size is read at that size)
        self.size = Size(rows=rows, columns=columns)
        self._screen.resize(rows, columns)
        self.terminal.app._on_resize()


def see(name: str) -> Action:
    """Keeps what the screen shows under a name."""

    def look(played: Played) -> None:
        played.screens[name] = played.screen

    return look


def shows(*words: str) -> Action:
    """Checks that words stand on the screen."""

    def check(played: Played) -> None:
        for each in words:
            found = each in played.screen or each in played.words
            assert found, f"no {each!r} in:\n{played.screen}"

    return check


def lacks(*words: str) -> Action:
    """Checks that words do not stand on the screen."""

    def check(played: Played) -> None:
        for each in words:
            found = each in played.screen or each in played.words
            assert not found, f"{each!r} in:\n{played.screen}"

    return check


def resized(columns: int, rows: int) -> Action:
    """Resizes the window."""
    return lambda played: played.resize(columns, rows)


class FedTerminal(Terminal):
    """A terminal to which keys are sent when it asks for something."""

    def feed(self, pipe: PipeInput, script: Iterator[Keys], played: Played) -> None:
        """Sends the keys of `script`, and closes the input after the last of them."""
        self.app.ttimeoutlen = self.app.timeoutlen = 0.001
        self._script, self._pipe, self._played = script, pipe, played
        self._feeder: asyncio.Task[None] | None = None

    def asked(self, entry: ScreenEntry) -> None:
        """See `Terminal`."""
        if self._feeder is None:
            self._feeder = self._loop.create_task(self._send())
            self._feeder.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._failed(self._loop, {"exception": task.exception()})

    async def _send(self) -> None:
        for keys in self._script:
            await self._quiet()
            before = self._played.raw.tell()
            if callable(keys):
                made = keys(self._played)
                if not isinstance(made, str):
                    continue
                keys = made
            self._pipe.send_text(keys)
            await self._taken()
            if keys.endswith(ESC):
                await self._escaped()
            await self._taken()
            if self._played.measures:
                await self._quiet()
                self.app._redraw()
                wrote = self._played.raw.getvalue()[before:]
                self._played.sent.append(len(wrote.encode()))
        await self._quiet()
        self._pipe.close()

    async def _quiet(self) -> None:
        """Until something is asked, and all that was typed is taken."""
        while self._result is None or self._keys.held:
            await asyncio.sleep(0.0005)
        await asyncio.sleep(0)

    async def _escaped(self) -> None:
        """Until it is certain that Escape is a key of its own and begins no other."""
        flushed = self.app.input.flush_keys()
        assert self.app.context is not None
        self.app.context.copy().run(self._flush, flushed)
        while self._keys.key_buffer or self._keys.input_queue:
            await asyncio.sleep(0.0005)

    def _flush(self, keys: list[KeyPress]) -> None:
        self._keys.feed_multiple(keys)
        self._keys.process_keys()

    async def _taken(self) -> None:
        while select.select([self._pipe.fileno()], [], [], 0)[0]:
            await asyncio.sleep(0)
        await asyncio.sleep(0)


class _PatientDesk(ScreenDesk):
    """Looks at its patience only once the shop hangs on purpose, as the plain driver's does."""

    shop: object = None
    known = 0

    def wait(self, run: Run, job: Job) -> Event | Leave:
        """See `ScreenDesk`."""
        while not job.wait(0.01) and getattr(self.shop, "hanging", 0) == self.known:
            pass
        self.known = getattr(self.shop, "hanging", 0)
        return super().wait(run, job)


def play(stage: Stage, *script: Keys, **how: Any) -> Played:
    """Leads a call, or goes on with one, by keys; see `lead`."""
    return lead(stage, iter(script), **how)


def lead(
    stage: Stage,
    script: Iterator[Keys],
    columns: int = 80,
    rows: int = 24,
    shop: Backend | None = None,
    case_id: str | None = None,
    patience: float = PATIENT,
    calls: int = 1,
    notice: str = "",
    measures: bool = False,
    settings: Settings | None = None,
) -> Played:
    """Leads a call, or goes on with one, by keys.

    Args:
        case_id: of the call that is to go on.
        patience: see `ScreenDesk`.
        calls: how many are led, for as long as the agent wants another.
        notice, settings: see `ScreenDesk`.
        measures: see `Played`.
    """
    played = Played(Size(rows=rows, columns=columns), measures=measures)
    with create_pipe_input() as pipe:
        output = Vt100_Output(
            played.raw,
            lambda: played.size,
            term="xterm-256color",
            enable_cpr=False,
        )

        def terminal(*given: Any, **named: Any) -> Terminal:
            return FedTerminal(*given, **named, source=pipe, sink=output)

        desk = _PatientDesk(
            ("returnflow", "memory:", "kim"),
            patience,
            stage.clock,
            notice=notice,
            settings=settings,
            terminal=terminal,
        )
        desk.shop = shop or stage.shop
        desk.known = getattr(desk.shop, "hanging", 0)
        played.desk = desk
        played.terminal.feed(pipe, script, played)
        try:
            for _ in range(calls):
                _call(stage, played, case_id)
                if not played.ended or not desk.goes_on:
                    break
        finally:
            desk.close()
    return played


def _call(stage: Stage, played: Played, case_id: str | None) -> None:
    desk = played.desk
    assert isinstance(desk, _PatientDesk)
    with stage._log(case_id) as log:
        session = (
            Session(stage.definition, log.header.policy_date, stage.zone)
            if case_id is None
            else session_of(stage.definition, log)
        )
        backend: Any = desk.shop
        run = Run(session, log, desk, performer(backend), stage.clock)
        played.run, played.case_id = run, log.header.case_id
        today = stage.clock.moment.date()
        played.ended = run.go() if case_id is None else run.resume(today)
        played.entries = log.entries
        _replays(stage.definition, log, played.ended)


@contextmanager
def written(played: Played) -> Iterator[Callable[[], str]]:
    """What is written to the terminal from here on."""
    start = played.raw.tell()
    yield lambda: played.raw.getvalue()[start:]


def typed(*answers: str) -> list[str]:
    """Answers, each followed by Enter."""
    return [f"{answer}{ENTER}" for answer in answers]


def joined(parts: Sequence[str]) -> str:
    """Text without the breaks of lines."""
    return " ".join(" ".join(parts).split())
