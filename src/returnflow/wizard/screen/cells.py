"""Rows of cells: text wrapped, cut and padded by how wide a terminal shows it.

Everything that comes from outside is made inert here (rule 37), and steady: terminals disagree
on how wide joined emoji, variation selectors and flags are, and a pane beside such a text would
be torn. So of a joined emoji the first part is shown, and of a flag its letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import wcwidth

from returnflow.inert import inert

Fragment = tuple[str, str]
"""A style and a text."""

Row = tuple[Fragment, ...]

_JOINED = re.compile("(?:\u200d.)+")
_UNSTEADY = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef\u200c\u200d]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")


@lru_cache(maxsize=4096)
def steady(text: str) -> str:
    """One line of `text` that does nothing and takes the same cells on every terminal."""
    shown = inert(text)
    if shown.isascii():
        return shown
    shown = _UNSTEADY.sub("", _JOINED.sub("", shown))
    return _FLAG.sub(lambda match: chr(ord(match.group()) - 0x1F1E6 + ord("A")), shown)


@lru_cache(maxsize=8192)
def wide(text: str) -> int:
    """How many columns a steady text takes."""
    return len(text) if text.isascii() else max(0, wcwidth.wcswidth(text))


@lru_cache(maxsize=4096)
def wrapped(text: str, width: int, hang: int = 0) -> tuple[str, ...]:
    """`text` in lines of at most `width` columns; those that go on are indented by `hang`."""
    width = max(1, width)
    hang = min(hang, width // 2)
    lines: list[str] = []
    for part in text.split("\n"):
        lines += wcwidth.wrap(
            steady(part), width, subsequent_indent=" " * hang, break_on_hyphens=False
        ) or [""]
    return tuple(cut(line, width) for line in lines)


@lru_cache(maxsize=64)
def word_rows(text: str, width: int) -> tuple[int, ...]:
    """Where the rows of a text begin that is edited in `width` columns: at the word that does
    not fit any more, the space behind it included, or within one that is longer than a row.

    Nothing is left out and nothing made steady: the cursor has to find every character.
    """
    starts, used = [0], 0
    for word in _WORDS.finditer(text):
        takes = sum(cells_of(char) for char in word.group())
        if used and used + takes > width:
            starts.append(word.start())
            used = 0
        for at, char in enumerate(word.group(), word.start()):
            cells = cells_of(char)
            if used + cells > width:
                starts.append(at)
                used = 0
            used += cells
    return tuple(starts)


_WORDS = re.compile(r"\S* |\S+|\s")


def cells_of(char: str) -> int:
    """How many columns a character takes in the line that is edited, which shows a control
    character as ``^[`` or ``<80>``."""
    columns = wcwidth.wcwidth(char)
    return columns if columns >= 0 else 2 if char < "\x80" else 4


@lru_cache(maxsize=8192)
def cut(text: str, width: int) -> str:
    """A steady text in at most `width` columns; what does not fit is told by ``…``."""
    if wide(text) <= width:
        return text
    if width < 1:
        return ""
    kept, room = [], width - 1
    for char in text:
        room -= max(0, wcwidth.wcwidth(char))
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "…"


def fit(text: str, width: int) -> str:
    """A text in exactly `width` columns."""
    shown = cut(steady(text), width)
    return shown + " " * max(0, width - wide(shown))


def row(text: str, style: str = "") -> Row:
    """A row of one style."""
    return ((style, text),)


def width_of(cells: Iterable[Fragment]) -> int:
    """How many columns a row takes."""
    return sum(wide(text) for _, text in cells)


def filled(cells: Row, width: int) -> Row:
    """A row in exactly `width` columns: cut, or padded with spaces."""
    room, kept = width, []
    for style, text in cells:
        shown = cut(text, room)
        room -= wide(shown)
        kept.append((style, shown))
        if room <= 0:
            break
    if room > 0:
        kept.append(("", " " * room))
    return tuple(kept)
