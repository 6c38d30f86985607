"""What an entry is: one way of answering, below the words to say. It knows no terminal.

An entry shows rows, takes keys by name, and hands a result over. Where text is typed, a line of
the terminal holds it; the entry sees it as a `Line`. What is entered is tried on the machine by
`accept`; what that refuses stays on the screen beside the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from string import ascii_lowercase
from typing import Protocol

from returnflow.engine.definition import Question
from returnflow.wizard import commands
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import Row, fit, row, wide, wrapped
from returnflow.wizard.texts import WORD

Action = Callable[[], object]
Hint = tuple[str, str]
"""A key as people call it, and what it does now."""


class Line(Protocol):
    """The line in which text is typed."""

    @property
    def text(self) -> str:
        """What stands in it."""

    def set(self, text: str) -> None:
        """Puts another text in it, with the cursor at its end."""


class NoLine:
    """The line of an entry that is not shown yet."""

    text = ""

    def set(self, text: str) -> None:
        """See `Line`."""


@dataclass(frozen=True, slots=True)
class Part:
    """A row of an entry, and what a click on it does."""

    cells: Row
    click: Action | None = None


class Entry:
    """See the module. The base shows nothing and takes no answer.

    Attributes:
        label: what stands before the line; "" where no text is typed.
        tall: the line may take several rows.
        error: why the last attempt was not accepted.
        cursor: which row of a list the keys are about; None: none.
    """

    label = ""
    tall = False
    default = ""

    def __init__(self) -> None:
        self.line: Line = NoLine()
        self.error = ""
        self.info = ""
        self.cursor: int | None = None
        self.finish: Callable[[object], object] = lambda result: None

    # -- for the painter ------------------------------------------------------------------

    def say(self) -> str | None:
        """The words to say, where they depend on the cursor; None: those of the turn."""
        return None

    def parts(self, width: int, height: int) -> list[Part]:
        """At most `height` rows of `width` columns."""
        return []

    def wanted(self, width: int) -> int:
        """How many rows it would take."""
        return len(self.parts(width, 10_000))

    def least(self, width: int) -> int:
        """How many rows it needs, whatever else there is to be shown; the rest scrolls."""
        return 3

    def hints(self) -> Sequence[Hint]:
        """The keys that work now, the most useful first."""
        return ()

    # -- for the keys ---------------------------------------------------------------------

    def keys(self) -> Mapping[str, Action]:
        """What keys do, by the terminal's names for them; others type into the line."""
        return {}

    def typed(self) -> None:
        """The text of the line has changed."""
        self.error = self.info = ""

    def attempt(self, accept: Callable[[], object]) -> None:
        """Finishes with what `accept` returns; where it raises, shows why."""
        try:
            result = accept()
        except BadAnswer as error:
            self.error = str(error)
        else:
            self.error = ""
            self.finish(result)


class Ways(Entry):
    """An entry with other answers below it, reached by Tab or by their slash words.

    Args:
        options: the answers chosen by a key.
        way: which of them is chosen at present; None: none, the keys are about the entry.
    """

    def __init__(self, options: Sequence[Question]) -> None:
        super().__init__()
        self.options = options
        self.way: int | None = None

    def ways(self, width: int) -> list[Part]:
        """A row for each other answer."""
        wide_key = max((wide(option.key or "") for option in self.options), default=0)
        shown = []
        for number, option in enumerate(self.options):
            mark = "▸" if number == self.way else " "
            text = f"{mark} /{(option.key or '').ljust(wide_key)}  {option.label}"
            chosen = style.PICKED if number == self.way else ""
            shown += [
                Part(row(fit(line, width), chosen), partial(self._take, number))
                for line in wrapped(text, width, wide_key + 5)
            ]
        return shown

    def keys(self) -> Mapping[str, Action]:
        """Tab goes through the other answers, Enter takes the one chosen."""
        found: dict[str, Action] = {"tab": lambda: self._turn(1), "s-tab": lambda: self._turn(-1)}
        if self.way is not None:
            found |= {
                "enter": lambda: self._take(self.way or 0),
                "up": lambda: self._turn(-1),
                "down": lambda: self._turn(1),
            }
        return found

    def typed(self) -> None:
        """See `Entry`; typing leaves the other answers."""
        super().typed()
        self.way = None

    def slash(self) -> bool:
        """Takes the line as a slash word, where it is one."""
        if not self.line.text.lstrip().startswith("/"):
            return False
        self.attempt(lambda: commands.parse(self.line.text, self.options))
        return True

    def _turn(self, by: int) -> None:
        stops: list[int | None] = [None, *range(len(self.options))]
        self.way = stops[(stops.index(self.way) + by) % len(stops)]

    def _take(self, number: int) -> None:
        self.finish(commands.Typed("", self.options[number], ""))


WORD_HINTS: Sequence[Hint] = (("Enter", "take the word"), ("Esc", "leave it"))


class Worded(Entry):
    """An entry that is answered by keys. A slash opens a line for a slash word, and until that is
    closed no character does anything but stand in it: a word is never taken for a choice."""

    def word(self, line: str) -> object:
        """What a slash word comes to; raises `BadAnswer`."""
        raise NotImplementedError

    @property
    def opened(self) -> bool:
        """Whether a slash word is being typed."""
        return bool(self.label)

    def word_keys(self) -> Mapping[str, Action]:
        """While a slash word is typed, all keys that there are; else what opens its line."""
        if self.opened:
            return {"enter": self._take_word, "escape": self._close_word}
        return {"/": partial(self.open_word, "/")}

    def letter_keys(self) -> Mapping[str, Action]:
        """What opens the line where no letter is a key: a letter begins a word, too."""
        return {letter: partial(self.open_word, f"/{letter}") for letter in ascii_lowercase}

    def open_word(self, text: str) -> None:
        """Opens the line, with the beginning of a word in it."""
        self.label = WORD
        self.line.set(text)

    def typed(self) -> None:
        """See `Entry`; the line closes when nothing is left in it."""
        super().typed()
        if self.opened and not self.line.text:
            self.label = ""

    def _take_word(self) -> None:
        try:
            result = self.word(self.line.text)
        except BadAnswer as error:
            self.error = str(error)
        else:
            self._close_word()
            self.finish(result)

    def _close_word(self) -> None:
        self.line.set("")
        self.label = ""


def text_parts(lines: Sequence[str], width: int, look: str = "", hang: int = 2) -> list[Part]:
    """Lines of text, wrapped."""
    return [Part(row(part, look)) for line in lines for part in wrapped(line, width, hang)]
