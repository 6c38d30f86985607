"""The ways of answering: a field, a list, other answers, a checklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from returnflow.engine.definition import Question
from returnflow.engine.front import Choice, Listed
from returnflow.inert import fold
from returnflow.wizard import commands
from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import fit, row, wrapped
from returnflow.wizard.screen.entry import (
    WORD_HINTS,
    Action,
    Hint,
    Part,
    Ways,
    Worded,
    text_parts,
)
from returnflow.wizard.texts import CHOOSE_ONE, NOTHING_FOUND, SAY_HERE
from returnflow.wizard.turn import Tick


class Field(Ways):
    """One line, or a text of several rows, to be typed.

    Args:
        accept: what a line comes to; raises `BadAnswer`.
        about: lines that stand above the field.
    """

    def __init__(
        self,
        label: str,
        accept: Callable[[str], object],
        options: Sequence[Question] = (),
        *,
        about: Sequence[str] = (),
        default: str = "",
        tall: bool = False,
    ) -> None:
        super().__init__(options)
        self.label, self.default, self.tall = label, default, tall
        self._accept = accept
        self._about = about

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        return text_parts(self._about, width)[:height]

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        own: dict[str, Action] = {"enter": self._enter}
        if not self.tall:
            own |= {"down": lambda: self._turn(1), "up": lambda: self._turn(-1)}
        return {**own, **super().keys()}

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return (("Enter", "go on"), *((("Tab", "other answers"),) if self.options else ()))

    def _enter(self) -> None:
        if not self.default and self.slash():
            return
        self.attempt(lambda: self._accept(self.line.text))


class Listing(Ways):
    """A list to pick from; what is typed narrows it down, or is an answer that is not listed.

    Args:
        accept: what a line comes to; raises `BadAnswer`.
    """

    def __init__(
        self,
        label: str,
        choices: Sequence[Choice],
        listing: Sequence[Listed],
        accept: Callable[[str], object],
        options: Sequence[Question],
    ) -> None:
        super().__init__(options)
        self.label = label
        self._all = list(zip(choices, listing, strict=True))
        self._accept = accept
        self._view = View()
        self.cursor = 0

    @property
    def found(self) -> list[tuple[Choice, Listed]]:
        """What the text of the line leaves of the list."""
        return narrowed(self._all, self.line.text)

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        if not self.found:
            return text_parts([NOTHING_FOUND], width)
        blocks: list[list[Part]] = []
        for number, (_, listed) in enumerate(self.found):
            here = number == self.cursor and self.way is None
            look = style.PICKED if here else style.LABEL
            head = f"{'▸' if here else ' '} {listed.title}"
            click = self._clicked(number)
            block = [Part(row(fit(head, width), look), click)]
            block += [
                Part(row(fit(f"    {line}", width)), click)
                for detail in listed.details
                for line in wrapped(detail, width - 4, 2)
            ]
            blocks.append(block)
        return self._view.parts(blocks, self.cursor, height, width)

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        own: dict[str, Action] = {
            "enter": self._enter,
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "pageup": lambda: self._move(-5),
            "pagedown": lambda: self._move(5),
        }
        if self.line.text:
            own["escape"] = lambda: self.line.set("")
        return {**own, **super().keys()}

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return (("↑↓", "choose"), ("Enter", "take it"), ("type", "search, or an id"))

    def typed(self) -> None:
        """See `Entry`."""
        super().typed()
        self.cursor = 0

    def _move(self, by: int) -> None:
        count = len(self.found)
        at = (self.cursor or 0) + by
        if at >= count and by == 1 and self.options:
            self.way = 0
        self.cursor = max(0, min(count - 1, at))

    def _enter(self) -> None:
        if self.slash():
            return
        found = self.found
        if found and self.cursor is not None:
            # By its id, so that it means the row and nothing else.
            self.attempt(lambda: self._accept(found[self.cursor or 0][0].ident))
        else:
            self.attempt(lambda: self._accept(self.line.text))

    def _clicked(self, number: int) -> Action:
        def click() -> None:
            self.way = None
            if self.cursor == number:
                self._enter()
            self.cursor = number

        return click


def narrowed(rows: Sequence[tuple[Choice, Listed]], typed: str) -> list[tuple[Choice, Listed]]:
    """The rows in which every word of what was typed is found; all where nothing was."""
    words = fold(typed).split()
    if not words or typed.startswith("/"):
        return list(rows)
    return [
        (choice, listed)
        for choice, listed in rows
        if all(word in fold(f"{choice.ident} {choice.words}") for word in words)
    ]


class View:
    """Which rows of a long list are seen: they stay in place until the cursor leaves them."""

    def __init__(self) -> None:
        self._first = 0

    def parts(
        self, blocks: Sequence[Sequence[Part]], cursor: int | None, height: int, width: int
    ) -> list[Part]:
        """Blocks of rows in at most `height`, the one under the cursor among them; where some
        are left out, a row tells how many are above and below."""
        if sum(map(len, blocks)) <= height:
            self._first = 0
            return [part for block in blocks for part in block]
        room = max(1, height - 1)
        at = min(cursor or 0, len(blocks) - 1)
        if not self._first <= at < self._last(blocks, room):
            # Half a page further, so that not every step moves everything.
            self._first = at
            while self._first > 0 and self._rows(blocks, self._first - 1, at) <= room // 2 + 1:
                self._first -= 1
        while self._first > 0 and self._rows(blocks, self._first - 1, len(blocks) - 1) <= room:
            self._first -= 1
        last = self._last(blocks, room)
        shown = [part for block in blocks[self._first : last] for part in block][:room]
        above, below = self._first, len(blocks) - last
        more = [f"{above} above"] * bool(above) + [f"{below} below"] * bool(below)
        if height < 2:
            return shown
        return [*shown, Part(row(fit(f"    … {' · '.join(more)}", width)))]

    @staticmethod
    def _rows(blocks: Sequence[Sequence[Part]], first: int, last: int) -> int:
        return sum(len(block) for block in blocks[first : last + 1])

    def _last(self, blocks: Sequence[Sequence[Part]], room: int) -> int:
        """One past the last block that is seen whole from `_first` on; always one at least."""
        last, taken = self._first, 0
        while last < len(blocks) and taken + len(blocks[last]) <= room:
            taken += len(blocks[last])
            last += 1
        return max(last, self._first + 1)


class Options(Worded, Ways):
    """Only the answers chosen by a key: a list of them. A letter begins the word of one.

    None is chosen beforehand: one of them may end the call, and nothing opens it again.
    """

    def word(self, line: str) -> object:
        """See `Worded`; the beginning of a word is enough where no other begins like it."""
        said, _, rest = line.strip().removeprefix("/").partition(" ")
        said = said.casefold()
        known = [option.key for option in self.options if option.key] + list(commands.COMMANDS)
        meant = [word for word in known if said and word.startswith(said)]
        if len(meant) == 1 and said not in known:
            line = f"/{meant[0]} {rest}"
        return commands.parse(line, self.options)

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        if self.opened:
            return self.word_keys()
        own: dict[str, Action] = {
            "enter": self._none_chosen,
            "up": lambda: self._turn(-1),
            "down": lambda: self._turn(1),
        }
        return {**own, **super().keys(), **self.letter_keys(), **self.word_keys()}

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return WORD_HINTS if self.opened else (("↑↓", "choose"), ("Enter", "take it"))

    def _none_chosen(self) -> None:
        self.error = CHOOSE_ONE

    def _turn(self, by: int) -> None:
        start = -1 if by > 0 else 0
        self.error = ""
        self.way = ((start if self.way is None else self.way) + by) % len(self.options)


class Checklist(Worded, Ways):
    """Sentences that have to be said, ticked one by one as they are.

    Only Space ticks: a second press of Enter never says what nobody said.

    Args:
        accept: what a tick comes to.
    """

    def __init__(
        self,
        ticks: Sequence[Tick],
        accept: Callable[[Tick], object],
        options: Sequence[Question],
    ) -> None:
        super().__init__(options)
        self._ticks = ticks
        self._accept = accept
        self._view = View()
        self.cursor = next((n for n, tick in enumerate(ticks) if not tick.said), 0)

    def word(self, line: str) -> object:
        """See `Worded`."""
        return commands.parse(line, self.options)

    def say(self) -> str | None:
        """See `Entry`."""
        return self._ticks[self.cursor or 0].words

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        blocks = []
        for number, tick in enumerate(self._ticks):
            here = number == self.cursor and self.way is None
            box = "[✓]" if tick.said else "[ ]"
            text = f"{'▸' if here else ' '} {box} {tick.words}"
            look = style.PICKED if here else ""
            blocks.append([Part(row(fit(text, width), look), self._clicked(number))])
        return self._view.parts(blocks, self.cursor, height, width)

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        if self.opened:
            return self.word_keys()
        own: dict[str, Action] = {
            "enter": self._not_yet,
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
        }
        found = {**own, **super().keys()}
        return {**found, "space": self._tick, **self.letter_keys(), **self.word_keys()}

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        if self.opened:
            return WORD_HINTS
        return (("Space", "it is said"), ("↑↓", "which"), ("Tab", "other answers"))

    def _tick(self) -> None:
        self.way = None
        tick = self._ticks[self.cursor or 0]
        if tick.said:
            self.error = "That is said already."
        else:
            self.attempt(lambda: self._accept(tick))

    def _not_yet(self) -> None:
        self.error = SAY_HERE

    def _move(self, by: int) -> None:
        self.error = ""
        self.cursor = ((self.cursor or 0) + by) % len(self._ticks)

    def _clicked(self, number: int) -> Action:
        def click() -> None:
            if self.cursor == number and self.way is None:
                self._tick()
            self.way, self.cursor = None, number

        return click
