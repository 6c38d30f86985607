"""Panels over the question: text to scroll through, and the menu of everything that can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from string import ascii_lowercase

from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import fit, row, wide, wrapped
from returnflow.wizard.screen.entry import Action, Entry, Hint, Part
from returnflow.wizard.texts import NO_SUCH_WORD

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

    Nothing is chosen beforehand, since one of them may end the call. The beginning of a word
    chooses it, where it is the beginning of one only.

    Args:
        things: what can be done: its key as people call it, what it is in words, the word that is
            typed for it ("": none), and what it finishes with.
        about: lines below, to be read.
    """

    def __init__(
        self,
        title: str,
        things: Sequence[tuple[str, str, str, object]],
        about: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.title = title
        self._things = things
        self._about = about
        self._word = ""

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        widest = max((wide(key) for key, *_ in self._things), default=0)
        head = f"{self.title}: /{self._word}" if self._word else self.title
        if self._word and not self._meant():
            head += f" ({NO_SUCH_WORD})"
        rows, at = [Part(row(fit(head, width), style.HEAD))], 0
        for number, (key, words, _, result) in enumerate(self._things):
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
        # The head stays: what is typed stands in it.
        first = max(1, min(at - height // 2, len(rows) - height + 1))
        return [rows[0], *rows[first : first + height - 1]]

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        named = {
            key.lower(): partial(self.finish, result)
            for key, _, _, result in self._things
            if key[0] == "F"
        }
        letters = {letter: partial(self._spell, self._word + letter) for letter in ascii_lowercase}
        return {
            **named,
            **letters,
            "/": lambda: self._spell(""),
            "backspace": lambda: self._spell(self._word[:-1]),
            "up": lambda: self._by(-1),
            "down": lambda: self._by(1),
            "tab": lambda: self._by(1),
            "pageup": lambda: self._by(-8),
            "pagedown": lambda: self._by(8),
            "enter": self._enter,
            "escape": lambda: self.finish(None),
            "?": lambda: self.finish(None),
            "c-c": lambda: self.finish(None),
            "c-d": lambda: self.finish(None),
        }

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return (("↑↓", "choose"), ("letters", "a word"), ("Enter", "do it"), ("Esc", "close"))

    def _meant(self) -> list[int]:
        """Which of the things the word typed may mean: the one that it is, or all that it
        begins."""
        words = [word for _, _, word, _ in self._things]
        whole = [number for number, word in enumerate(words) if word == self._word]
        return whole or [n for n, word in enumerate(words) if word.startswith(self._word)]

    def _spell(self, word: str) -> None:
        self._word = word
        meant = self._meant() if word else []
        self.cursor = meant[0] if len(meant) == 1 else None

    def _enter(self) -> None:
        if self.cursor is not None:
            self.finish(self._things[self.cursor][3])

    def _by(self, by: int) -> None:
        self._word = ""
        last = len(self._things) - 1
        start = (-1 if by > 0 else 0) if self.cursor is None else self.cursor
        self.cursor = max(0, min(last, start + by))
