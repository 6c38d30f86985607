"""A program on a pseudo-terminal: pexpect types and reads, pyte is the screen."""

from __future__ import annotations

from collections.abc import Callable

import pexpect
import pyte

BOUND = 30
"""Seconds that nothing takes unless it hangs."""


class Screen(pyte.HistoryScreen):
    """A screen with history that answers when it is asked where its cursor stands."""

    def __init__(self, columns: int, lines: int, reply: Callable[[str], object]) -> None:
        self._reply = reply
        super().__init__(columns, lines, history=5000, ratio=1)

    def write_process_input(self, data: str) -> None:
        self._reply(data)


class Terminal:
    """A program on a pseudo-terminal: what it wrote, and the screen that this makes."""

    def __init__(self, command: list[str], env: dict[str, str], columns: int, lines: int) -> None:
        self.raw = ""
        self._child = pexpect.spawn(
            command[0],
            command[1:],
            env=env,
            encoding="utf-8",
            timeout=BOUND,
            dimensions=(lines, columns),
        )
        self._child.delaybeforesend = None
        self._screen = Screen(columns, lines, self._child.send)
        self._stream = pyte.Stream(self._screen)
        self._before = ""

    def expect(self, text: str) -> None:
        """Reads until `text` stands on the screen once more than when keys were last sent."""
        had = self._before.count(text)
        while self.words.count(text) <= had:
            self._read_on(text)

    def stands(self, text: str) -> None:
        """Reads until `text` stands on the screen, whether or not it stood there before.

        For what is drawn anew with every question: whether the last one's was still there when
        keys were sent depends on how fast either side was.
        """
        while text not in self.words:
            self._read_on(text)

    def answer(self, prompt: str, *keys: str) -> None:
        """Types once the prompt stands there."""
        self.expect(prompt)
        for key in keys:
            self.send(key)

    def send(self, keys: str) -> None:
        self._before = self.words
        self._child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        self._screen.resize(lines, columns)
        self._child.setwinsize(lines, columns)

    def ended(self) -> int | None:
        """The exit status, once the program has come to its end."""
        self._child.expect(pexpect.EOF)
        self._take(f"{self._child.before}")
        self._child.wait()
        return self._child.exitstatus

    def close(self) -> None:
        self._child.close(force=True)

    @property
    def display(self) -> list[str]:
        """All lines shown so far, those that scrolled away first."""
        gone = [
            "".join(line[column].data for column in range(self._screen.columns)).rstrip()
            for line in self._screen.history.top
        ]
        return gone + [line.rstrip() for line in self._screen.display]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.display).split())

    def read(self) -> None:
        """Reads what is written next, and waits for it."""
        self._take(self._child.read_nonblocking(65536, timeout=BOUND))

    def silent(self, seconds: float) -> bool:
        """Whether nothing is written for so long."""
        try:
            self._take(self._child.read_nonblocking(65536, timeout=seconds))
        except pexpect.TIMEOUT:
            return True
        return False

    @property
    def window(self) -> list[str]:
        """The rows that are seen now."""
        return list(self._screen.display)

    def _read_on(self, wanted: str) -> None:
        try:
            self.read()
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"no {wanted!r} in:\n" + "\n".join(self.display)) from None

    def _take(self, written: str) -> None:
        self.raw += written
        self._stream.feed(written)


Start = Callable[..., Terminal]


class FullScreen:
    """The same program where it takes the whole screen: only what stands there now counts."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def until(self, *texts: str) -> FullScreen:
        """Reads until all of the texts stand on the screen."""
        while not all(text in self.screen or text in self.words for text in texts):
            try:
                self.terminal.read()
            except (pexpect.TIMEOUT, pexpect.EOF):
                raise AssertionError(f"no {texts!r} in:\n{self.screen}") from None
        return self

    def keys(self, keys: str, *texts: str) -> FullScreen:
        """Types, and reads until the texts stand there."""
        self.terminal.send(keys)
        return self.until(*texts)

    @property
    def rows(self) -> list[str]:
        """The rows of the window as they are seen."""
        return self.terminal.window

    @property
    def screen(self) -> str:
        """The same as one text."""
        return "\n".join(row.rstrip() for row in self.rows)

    @property
    def words(self) -> str:
        """The same, pane by pane, without the breaks of lines."""
        panes: dict[int, list[str]] = {}
        for row in self.rows:
            for number, part in enumerate(row.split("│")):
                panes.setdefault(number, []).append(part.replace("┃", " "))
        return " ".join(" ".join(part for pane in panes.values() for part in pane).split())
