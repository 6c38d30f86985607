"""The table of items with quantities, and the reasons for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from returnflow.engine.definition import Question
from returnflow.engine.front import Choice, Listed
from returnflow.returns.events import Pick
from returnflow.wizard import commands
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.lines import LinesForm, reasons_lines
from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import fit, row, steady, wide, wrapped
from returnflow.wizard.screen.entries import View, narrowed
from returnflow.wizard.screen.entry import Action, Hint, Part, Ways, text_parts
from returnflow.wizard.screen.keys import shown
from returnflow.wizard.texts import CHOOSE_ITEMS, NOTHING_FOUND, SEARCH, items_chosen

MOST_DIGITS = 6


class Items(Ways):
    """Items with quantities: Space chooses, digits say how many, letters search.

    Args:
        accept: what the picks come to; raises `BadAnswer`.
        check_key: looks the item under the cursor up; "" where that is not possible.
    """

    label = SEARCH

    def __init__(
        self,
        choices: Sequence[Choice],
        listing: Sequence[Listed],
        accept: Callable[[tuple[Pick, ...]], object],
        options: Sequence[Question],
        *,
        check_key: str,
    ) -> None:
        super().__init__(options)
        self._all = list(zip(choices, listing, strict=True))
        self._accept = accept
        self._check_key = check_key
        self._typing = self._searching = False
        self._view = View()
        self.cursor = 0
        self.wanted_units: dict[str, int] = {}

    @property
    def found(self) -> list[tuple[Choice, Listed]]:
        """What the text of the line leaves of the table."""
        return narrowed(self._all, self.line.text)

    @property
    def at(self) -> Choice | None:
        """The item that the keys are about."""
        found = self.found
        return found[min(self.cursor or 0, len(found) - 1)][0] if found else None

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        blocks = [] if self.found else [text_parts([NOTHING_FOUND], width)]
        for number, (choice, listed) in enumerate(self.found):
            here = number == self.cursor and self.way is None
            units = self.wanted_units.get(choice.ident, 0)
            box = f"[{units}]" if units else "[ ]"
            tail = f" {units or '–'} of {choice.available}"
            head = f"{'▸' if here else ' '} {box} "
            name = fit(listed.title, max(4, width - wide(head) - len(tail)))
            look = style.PICKED if here else style.LABEL if units else ""
            click = self._clicked(number)
            block = [Part(row(fit(head + name + tail, width), look), click)]
            # The rest is shown of the row under the cursor, and of what a look-up has told.
            details = listed.details if here else listed.details[1:]
            block += [
                Part(row(fit(f"      {line}", width)), click)
                for detail in details
                for line in wrapped(detail, width - 6, 2)
            ]
            blocks.append(block)
        if not self.wanted_units:
            return self._view.parts(blocks, self.cursor, height, width)
        seen = {choice.ident for choice, _ in self.found}
        unseen = [
            listed.title
            for choice, listed in self._all
            if choice.ident in self.wanted_units and choice.ident not in seen
        ]
        chosen = row(fit(items_chosen(len(self.wanted_units), len(self._all), unseen), width))
        return [*self._view.parts(blocks, self.cursor, max(1, height - 1), width), Part(chosen)][
            :height
        ]

    def wanted(self, width: int) -> int:
        """See `Entry`."""
        return len(self.found) + sum(len(listed.details) for _, listed in self.found) // 2 + 3

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        own: dict[str, Action] = {
            "enter": self._enter,
            "space": self._toggle,
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "pageup": lambda: self._move(-8),
            "pagedown": lambda: self._move(8),
            "home": lambda: self._move(-len(self._all)),
            "end": lambda: self._move(len(self._all)),
            "*": self._everything,
            "+": lambda: self._count(1),
            "-": lambda: self._count(-1),
        }
        if self.line.text:
            own["escape"] = lambda: self.line.set("")
            # A hyphen belongs to ids; while something is searched for, it is typed.
            del own["-"], own["+"]
        if self._searching and len(self.found) != 1:
            # Another word is to follow: nothing is chosen that was not looked at.
            del own["space"]
        if self.line.text.startswith("/"):
            return {"enter": self._enter, **super().keys()}
        if self._check_key:
            own[self._check_key] = self._check
        own |= {digit: partial(self._digit, digit) for digit in "0123456789"}
        if self._typing:
            own["backspace"] = self._rub
        found = {**own, **super().keys()}
        if self.way is not None:
            found["space"] = found["enter"]
        return found

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        check = ((shown(self._check_key), "check it"),) if self._check_key else ()
        if self._searching and len(self.found) > 1:
            return (("↑↓", "which, then Space"), ("letters", "search on"), ("Enter", "go on"))
        return (
            ("Space", "choose"),
            ("1-9", "how many"),
            ("Enter", "go on"),
            ("letters", "search"),
            *check,
            ("*", "all"),
        )

    def typed(self) -> None:
        """See `Entry`."""
        super().typed()
        self.cursor, self._typing = 0, False
        self._searching = bool(self.line.text.strip())

    def _toggle(self) -> None:
        choice = self.at
        self.error, self._typing = "", False
        if choice is None:
            return
        if choice.ident not in self.wanted_units and not choice.available:
            self._tell_of(choice, 1)
        else:
            self._put(choice, 0 if choice.ident in self.wanted_units else choice.available)

    def _digit(self, digit: str) -> None:
        choice = self.at
        self.error = ""
        if choice is None:
            return
        before = str(self.wanted_units.get(choice.ident, "")) if self._typing else ""
        self._put(choice, int((before + digit)[:MOST_DIGITS]))
        self._typing = True
        self._tell_of(choice, self.wanted_units.get(choice.ident, 0))

    def _rub(self) -> None:
        choice = self.at
        self.error = ""
        if choice is not None:
            left = str(self.wanted_units.get(choice.ident, ""))[:-1]
            self._put(choice, int(left or "0"))
            self._typing = bool(left)
            self._tell_of(choice, int(left or "0"))

    def _count(self, by: int) -> None:
        choice = self.at
        self.error, self._typing = "", False
        if choice is not None:
            self._put(choice, max(0, self.wanted_units.get(choice.ident, 0) + by))
            self._tell_of(choice, self.wanted_units.get(choice.ident, 0))

    def _tell_of(self, choice: Choice, units: int) -> None:
        """Why so many units cannot be chosen, where they cannot: here, and not only at the end."""
        if units > choice.available:
            try:
                self._accept((Pick(choice.ident, units),))
            except BadAnswer as error:
                self.error = str(error)

    def _put(self, choice: Choice, units: int) -> None:
        if units:
            self.wanted_units[choice.ident] = units
        else:
            self.wanted_units.pop(choice.ident, None)

    def _everything(self) -> None:
        self.error, self._typing = "", False
        for choice, _ in self.found:
            self._put(choice, choice.available)

    def _move(self, by: int) -> None:
        count, at = len(self.found), (self.cursor or 0) + by
        self._typing = self._searching = False
        if at >= count and by == 1 and self.options:
            self.way = 0
        self.cursor = max(0, min(count - 1, at))

    def _enter(self) -> None:
        if self.slash():
            return
        # In the order of the table, whatever the order of choosing.
        picks = tuple(
            Pick(choice.ident, self.wanted_units[choice.ident])
            for choice, _ in self._all
            if choice.ident in self.wanted_units
        )
        if not picks:
            self.error = CHOOSE_ITEMS
        else:
            self.attempt(lambda: self._accept(picks))

    def _check(self) -> None:
        choice = self.at
        if choice is not None:
            number = next(n for n, (each, _) in enumerate(self._all, 1) if each is choice)
            self.finish(commands.Typed("check", None, str(number)))

    def _clicked(self, number: int) -> Action:
        def click() -> None:
            if self.cursor == number and self.way is None:
                self._toggle()
            self.way, self.cursor = None, number

        return click


class Reasons(Ways):
    """A reason for each eligible item: an answer for each row, in the words of the plain form.

    Args:
        label: what is typed.
        make: a fresh form.
        labels: what the rows are about.
    """

    def __init__(
        self,
        label: str,
        make: Callable[[], LinesForm],
        labels: Sequence[str],
        options: Sequence[Question],
    ) -> None:
        super().__init__(options)
        self.label = label
        self._make = make
        self._labels = labels
        self._given: list[str] = [""] * len(labels)
        self._view = View()
        self.cursor = 0

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        blocks = []
        for number, label in enumerate(self._labels):
            here = number == self.cursor and self.way is None
            said = steady(self._given[number]) or ("…" if here else "–")
            tail = f"  {said}"
            name = fit(label, max(8, width - 2 - min(wide(tail), width // 2)))
            text = f"{'▸' if here else ' '} {name}{tail}"
            look = style.PICKED if here else ""
            blocks.append([Part(row(fit(text, width), look), partial(self._go, number))])
        about = text_parts(reasons_lines(), width)
        room = height - len(about)
        if room < 1:
            return self._view.parts(blocks, self.cursor, height, width)
        return self._view.parts(blocks, self.cursor, room, width) + about

    def least(self, width: int) -> int:
        """A row and the reasons: without them nobody knows what to type."""
        return 1 + len(text_parts(reasons_lines(), width))

    def keys(self) -> Mapping[str, Action]:
        """See `Entry`."""
        own: dict[str, Action] = {
            "enter": self._enter,
            "up": lambda: self._go((self.cursor or 0) - 1),
            "down": lambda: self._go((self.cursor or 0) + 1),
        }
        return {**own, **super().keys()}

    def hints(self) -> Sequence[Hint]:
        """See `Entry`."""
        return (("1-5", "reason"), ("Enter", "next"), ("↑↓", "another item"), ("0", "leave it out"))

    def _go(self, to: int) -> None:
        self.error, self.way = "", None
        if to >= len(self._labels) and self.options:
            self.way = 0
            return
        self.cursor = max(0, min(len(self._labels) - 1, to))
        self.line.set(self._given[self.cursor])

    def _enter(self) -> None:
        if self.slash():
            return
        at = self.cursor or 0
        form = self._make()
        answer, for_all = form.split(self.line.text)
        rows = range(at, len(self._labels)) if for_all else (at,)
        try:
            for number in rows:
                form.shares(number, answer)
        except BadAnswer as error:
            self.error = str(error)
            return
        for number in rows:
            self._given[number] = answer.strip()
        empty = next((n for n, answered in enumerate(self._given) if not answered), None)
        if empty is not None:
            self._go(empty)
        else:
            self.attempt(self._filled)

    def _filled(self) -> tuple[str, ...]:
        """The answers, tried on the machine all together."""
        form = self._make()
        for answer in self._given:
            form.validate(answer)
            form.take(answer)
        return tuple(self._given)
