"""Panels over the question: text to scroll through, and the menu of everything that can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import fit, row, wide, wrapped
from returnflow.wizard.screen.entry import Action, Entry, Hint, Part

LAST = 10_000


class Scroll(Entry):
    """A text to scroll through.

    Args:
        title: what it is.
        lines: makes its lines, at every painting: what is shown may change meanwhile.
        closing: the keys that close it besides Escape.
    """

    def __init__(
        self, title: str, lines: Callable[[], Sequence[str]], closing: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.title = title
        self._lines = lines
        self._closing = closing
        self._first = 0
        self._height = 10

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        rows = [part for line in self._lines() for part in wrapped(line, width, 2)]
        room = max(1, height - 2)
        self._height = room
        self._first = max(0, min(self._first, len(rows) - room))
        shown = rows[self._first : self._first + room]
        left = len(rows) - self._first - len(shown)
        foot = f"… {left} more below" if left else "the end" if self._first else ""
        head = [Part(row(fit(self.title, width), style.HEAD))]
        return [*head, *(Part(row(line)) for line in shown), Part(row(foot, style.DIM))]

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        found: dict[str, Action] = {
            "up": lambda: self._by(-1),
            "down": lambda: self._by(1),
            "pageup": lambda: self._by(-self._height),
            "pagedown": lambda: self._by(self._height),
            "space": lambda: self._by(self._height),
            "home": lambda: self._by(-LAST),
            "end": lambda: self._by(LAST),
        }
        for key in ("escape", "enter", "q", "c-c", "c-d", *self._closing):
            found[key] = lambda: self.finish(None)
        return found

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return (("↑↓ PgUp PgDn", "scroll"), ("Esc", "close"))

    def _by(self, rows: int) -> None:
        self._first = max(0, self._first + rows)


class Menu(Entry):
    """Everything that can be done now: other answers, commands, and the keys of both.

    Args:
        things: what can be done: its key as people call it, its words, and what it finishes with.
        about: lines below, to be read.
    """

    def __init__(
        self,
        title: str,
        things: Sequence[tuple[str, str, object]],
        about: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.title = title
        self._things = things
        self._about = about
        self.cursor = 0

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        widest = max((wide(key) for key, _, _ in self._things), default=0)
        rows, at = [Part(row(fit(self.title, width), style.HEAD))], 0
        for number, (key, words, result) in enumerate(self._things):
            here = number == self.cursor
            text = f"{'▸' if here else ' '} {key.ljust(widest)}  {words}"
            look = style.PICKED if here else ""
            if number == self.cursor:
                at = len(rows)
            rows += [
                Part(row(fit(line, width), look), partial(self.finish, result))
                for line in wrapped(text, width, widest + 4)
            ]
        rows += [Part(row(part)) for line in self._about for part in wrapped(line, width, 2)]
        if len(rows) <= height:
            return rows
        first = max(0, min(at - height // 2, len(rows) - height))
        return rows[first : first + height]

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        named = {
            key.lower(): partial(self.finish, result)
            for key, _, result in self._things
            if key[0] == "F"
        }
        return named | {
            "up": lambda: self._by(-1),
            "down": lambda: self._by(1),
            "tab": lambda: self._by(1),
            "pageup": lambda: self._by(-8),
            "pagedown": lambda: self._by(8),
            "enter": lambda: self.finish(self._things[self.cursor or 0][2]),
            "escape": lambda: self.finish(None),
            "?": lambda: self.finish(None),
            "c-c": lambda: self.finish(None),
            "c-d": lambda: self.finish(None),
        }

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return (("↑↓", "choose"), ("Enter", "do it"), ("Esc", "close"))

    def _by(self, by: int) -> None:
        self.cursor = max(0, min(len(self._things) - 1, (self.cursor or 0) + by))
