"""A few words of which one is chosen by a letter: yes or no, the review, the wrap-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from returnflow.wizard import commands
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import fit, row, wrapped
from returnflow.wizard.screen.entry import (
    WORD_HINTS,
    Action,
    Hint,
    Part,
    Worded,
    text_parts,
)


class Answers(Worded):
    """A few words of which one is chosen by its first letter; none is chosen beforehand.

    Args:
        words: by word, what it means.
        about: lines above.
        final: there is nothing behind these words, so no command works either.
        among: all the words that there can be, so that a letter means the same wherever some of
            them are missing.
    """

    def __init__(
        self,
        words: Mapping[str, str],
        about: Sequence[str] = (),
        *,
        escape: str = "",
        final: bool = False,
        among: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._final = final
        self._words = dict(words)
        every = letters(among or words)
        self._letters = {word: every[word] for word in words}
        self._first, self._page = 0, 1
        self._about = about
        self._escape = escape

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        offered = []
        for number, (word, means) in enumerate(self._words.items()):
            here = number == self.cursor
            text = f"{'▸' if here else ' '} {self._letters[word]}  {word}"
            text += f": {means}" if means else ""
            look = style.PICKED if here else style.LABEL
            click = partial(self.finish, word)
            lines = wrapped(text, width, 5)
            offered += [Part(row(fit(line, width), look), click) for line in lines]
        above = text_parts(self._about, width)
        room = max(0, height - len(offered))
        if len(above) > room:
            above = self._scrolled(above, room)
        elif above and len(above) < room:
            above.append(Part(row("")))
        return above + offered[:height]

    def _scrolled(self, above: list[Part], room: int) -> list[Part]:
        """What is seen of lines that do not fit, and how much is not."""
        if room < 2:
            return above[:room]
        self._page = room - 1
        self._first = max(0, min(self._first, len(above) - self._page))
        last = self._first + self._page
        left = len(above) - self._page
        told = f"… {left} more rows: PgUp, PgDn ({last} of {len(above)})"
        return [*above[self._first : last], Part(row(told, style.LABEL))]

    def _scroll(self, by: int) -> None:
        self._first = max(0, self._first + by * self._page)

    def word(self, line: str) -> object:
        """See `Worded`."""
        said = line.strip().removeprefix("/").casefold()
        if said in self._words:
            return said
        if self._final:
            raise BadAnswer(self._choose())
        return commands.parse(line, ())

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        if self.opened:
            return self.word_keys()
        found: dict[str, Action] = {
            letter: partial(self.finish, word) for word, letter in self._letters.items()
        }
        if self._escape:
            found["escape"] = lambda: self.finish(self._escape)
        return found | {
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "tab": lambda: self._move(1),
            "pageup": lambda: self._scroll(-1),
            "pagedown": lambda: self._scroll(1),
            "enter": self._enter,
            **self.word_keys(),
        }

    def least(self, width: int) -> int:
        """All of it: nobody says yes to what they do not see."""
        return self.wanted(width)

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        if self.opened:
            return WORD_HINTS
        return tuple((letter, word) for word, letter in self._letters.items())

    def _move(self, by: int) -> None:
        start = -1 if by > 0 else 0
        self.cursor = ((start if self.cursor is None else self.cursor) + by) % len(self._words)

    def _enter(self) -> None:
        if self.cursor is None:
            self.error = self._choose()
        else:
            self.finish(list(self._words)[self.cursor])

    def _choose(self) -> str:
        listed = ", ".join(f"{letter} ({word})" for word, letter in self._letters.items())
        return f"Please choose: {listed}."


def letters(words: Iterable[str]) -> dict[str, str]:
    """A letter of its own for each word: the first of its letters that no other has."""
    found: dict[str, str] = {}
    for word in words:
        taken = found.values()
        found[word] = next(letter for letter in word if letter not in taken)
    return found
