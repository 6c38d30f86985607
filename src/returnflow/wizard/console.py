"""Lines out and lines in. Here: what a console is, and the one for pipes.

Everything shown is made inert (rule 37) and wrapped to the window.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TextIO

import wcwidth

from returnflow.inert import inert
from returnflow.wizard.answers import BadAnswer

MAX_LINE = 10_000
"""Characters of a typed line; no answer is longer (rule 40)."""

Validate = Callable[[str], object]
"""Raises `BadAnswer` where a typed line is not accepted."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A word offered on Tab, and what is shown beside it."""

    word: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line to be typed.

    Args:
        label: what stands before the cursor.
        validate: checks the line while it can still be mended.
        completions: offered on Tab.
        default: the line as it begins, to be edited; on a pipe an empty line stands for it.
    """

    label: str
    validate: Validate
    completions: Sequence[Completion] = field(default=())
    default: str = ""


class Console(Protocol):
    """Where a desk shows and reads lines."""

    interactive: bool

    def show(
        self,
        line: str = "",
        *,
        indent: int = 0,
        hang: int = 0,
        bold: bool = False,
        whole: bool = False,
    ) -> None:
        """Shows a line, wrapped to the window; continuation lines are indented by `hang` more.

        Args:
            whole: not wrapped, so that it can be copied as it stands.
        """

    def read(self, prompt: Prompt) -> str:
        """A line that `prompt.validate` accepts.

        Raises:
            EOFError: there is no more input, or Ctrl-D was pressed.
            KeyboardInterrupt: Ctrl-C was pressed.
        """

    def progress(self, line: str) -> None:
        """Shows a line that the next one replaces; nothing where that is not possible."""

    def copy(self, text: str) -> bool:
        """Puts a text into the clipboard; False where that is not possible."""

    @property
    def width(self) -> int:
        """Columns that a line may take."""


LEAST_COLUMNS, LEAST_ROWS = 50, 16
"""The smallest window of a full screen."""


def large_enough() -> bool:
    """Whether the terminal's window is large enough for a full screen."""
    size = shutil.get_terminal_size((0, 0))
    return size.columns >= LEAST_COLUMNS and size.lines >= LEAST_ROWS


def columns(out: TextIO) -> int:
    """Columns of the window, between 20 and 100: longer lines are hard to read aloud.

    ``COLUMNS`` counts everywhere; without it what is no window has 80.
    """
    known = out.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    found = shutil.get_terminal_size().columns if known else 80
    return max(20, min(found, 100))


def clipboard(text: str) -> str:
    """The sequence that asks a terminal to put a text into the clipboard (OSC 52)."""
    import base64

    return f"\x1b]52;c;{base64.b64encode(inert(text).encode()).decode()}\x07"


def rows(
    line: str, width: int, indent: int = 0, hang: int = 0, *, whole: bool = False
) -> list[str]:
    """`line`, made inert, in rows of at most `width` columns, by how wide characters are shown.

    Args:
        whole: in one row, however long.
    """
    if whole:
        return [" " * indent + inert(line)]
    return wcwidth.wrap(
        inert(line),
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_on_hyphens=False,
    ) or [""]


class PipeConsole:
    """A script: answers are read line by line; each is shown after its prompt."""

    interactive = False

    def __init__(self, source: TextIO | None = None, out: TextIO | None = None) -> None:
        self._in = source or sys.stdin
        self._out = out or sys.stdout

    @property
    def width(self) -> int:
        return columns(self._out)

    def show(
        self,
        line: str = "",
        *,
        indent: int = 0,
        hang: int = 0,
        bold: bool = False,
        whole: bool = False,
    ) -> None:
        for row in rows(line, self.width, indent, hang, whole=whole):
            self._out.write(row + "\n")
        self._out.flush()

    def read(self, prompt: Prompt) -> str:
        return read_line(self, self._in, prompt, echo=True)

    def progress(self, line: str) -> None:
        """A pipe has no line that could be replaced."""

    def copy(self, text: str) -> bool:
        """A pipe has no clipboard."""
        return False


def read_line(console: Console, source: TextIO, prompt: Prompt, *, echo: bool) -> str:
    """A whole line from `source`; one that is not accepted is answered with the reason."""
    while True:
        try:
            typed = source.readline(MAX_LINE)
        except UnicodeDecodeError:
            console.show("! That line is not UTF-8 text; it was passed over.", indent=2, hang=2)
            continue
        if not typed:
            raise EOFError
        if len(typed) == MAX_LINE and not typed.endswith("\n"):
            while typed and not typed.endswith("\n"):
                typed = source.readline(MAX_LINE)
            console.show(f"! A line of more than {MAX_LINE} characters was passed over.", indent=2)
            continue
        line = typed.rstrip("\r\n") or prompt.default
        if echo:
            console.show(f"{prompt.label}: {line}")
        try:
            prompt.validate(line)
        except BadAnswer as error:
            console.show(f"! {error}", indent=2, hang=2)
            continue
        return line
