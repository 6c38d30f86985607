"""The form for what is sent: a reason and a quantity for each eligible item, then the review."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event
from returnflow.inert import fold
from returnflow.returns.case import Case
from returnflow.returns.events import ReturnLine
from returnflow.returns.telling import money
from returnflow.wizard import answers
from returnflow.wizard.answers import REASON_LABELS, BadAnswer
from returnflow.wizard.console import Completion
from returnflow.wizard.texts import REVIEW_ANSWERS

FOR_ALL = " for all"
"""Behind a reason: it holds for all items that are still to come."""


def reasons_lines() -> tuple[str, str]:
    """The five reasons with their numbers, and how an answer is put."""
    # A space that is not broken at keeps a number with its reason.
    reasons = " · ".join(
        f"{n}\u00a0{label.replace(' ', chr(160))}"
        for n, label in enumerate(REASON_LABELS.values(), 1)
    )
    return reasons, "Also: 1 x damaged: cracked, 2 x other; damaged for all; 0 for none."


class LinesForm:
    """Takes one answer per eligible item, in the order of choice. Nothing is sent by it.

    Args:
        check: raises `BadAnswer` where the machine would refuse these lines, all answered.
    """

    def __init__(self, session: Session, check: Callable[[tuple[ReturnLine, ...]], object]) -> None:
        self._case: Case = session.case
        self._open = [decision for decision in self._case.decisions() if decision.granted]
        self._check = check
        self._lines: list[ReturnLine] = []
        self._last: list[ReturnLine] = []

    @property
    def complete(self) -> bool:
        """Whether every item has its answer."""
        return not self._open

    @property
    def lines(self) -> tuple[ReturnLine, ...]:
        """What was answered."""
        return tuple(self._lines)

    def label(self) -> str:
        """The question about the next item."""
        decision = self._open[0]
        name = decision.description
        return f"Reason for {decision.granted} × {name if len(name) < 41 else name[:40] + '…'}"

    def completions(self) -> list[Completion]:
        """The reasons, by name."""
        return [Completion(label) for label in REASON_LABELS.values()]

    def validate(self, typed: str) -> None:
        """Raises `BadAnswer` where the line is no answer for the next item."""
        answered, lines = self._read(typed)
        if answered == len(self._open):
            self._check((*self._lines, *lines))

    def take(self, typed: str) -> None:
        """Takes an answer that `validate` let pass."""
        answered, self._last = self._read(typed)
        del self._open[:answered]
        self._lines += self._last

    def _read(self, typed: str) -> tuple[int, list[ReturnLine]]:
        """To how many items the line is an answer, and what it says of them."""
        line, for_all = self.split(typed)
        asked = self._open if for_all else self._open[:1]
        lines: list[ReturnLine] = []
        for decision in asked:
            try:
                lines += answers.shares(line, decision.item_id, decision.granted)
            except BadAnswer as error:
                if len(asked) == 1:
                    raise
                raise BadAnswer(f"{decision.description}: {error}") from None
        return len(asked), lines

    @property
    def wants_note(self) -> bool:
        """Whether the last answer has an ``OTHER`` without a note (rule 26)."""
        return any(line.reason == "OTHER" and not line.note for line in self._last)

    def take_note(self, note: str) -> None:
        """Adds a note to the lines of the last answer that want one; an empty one is fine."""
        kept = self._lines[: len(self._lines) - len(self._last)]
        self._last = [
            msgspec.structs.replace(line, note=answers.text(note))
            if line.reason == "OTHER" and not line.note
            else line
            for line in self._last
        ]
        self._lines = kept + self._last

    def review(self, event: Event) -> list[tuple[str, str]]:
        """Exactly what will be sent, line by line, and what it means (rules 19, 31)."""
        candidate = self._case.copy()
        candidate.apply(event)
        shown = []
        for line in candidate.lines:
            refund = money(*candidate.refund_of(line))
            note = f", note “{line.note}”" if line.note else ""
            shown.append(
                (
                    f"initiate_return: order {line.order_id}, item {line.item_id}, "
                    f"quantity {line.quantity}, reason {line.reason}{note}",
                    f"{candidate.name_of(line.item_id)}; refund {refund}, without shipping",
                )
            )
        return shown

    def left_out(self) -> list[str]:
        """What could go back and is in no line, item by item."""
        used: dict[str, int] = {}
        for line in self._lines:
            used[line.item_id] = used.get(line.item_id, 0) + line.quantity
        return [
            f"{decision.granted - used.get(decision.item_id, 0)} × {decision.description}"
            for decision in self._case.decisions()
            if decision.granted > used.get(decision.item_id, 0)
        ]

    def validate_yes(self, typed: str) -> None:
        """Raises `BadAnswer` where the line is neither yes, no nor change."""
        if answers.yes(typed) is None and fold(typed) != "change":
            meant = "; ".join(f"{word}: {means}" for word, means in REVIEW_ANSWERS.items())
            raise BadAnswer(f"{meant}.")

    def split(self, typed: str) -> tuple[str, bool]:
        """An answer without the words that make it hold for all items to come, and whether it
        had them."""
        line = typed.rstrip()
        if line.casefold().endswith(FOR_ALL):
            return line[: -len(FOR_ALL)], True
        return line, False

    def shares(self, number: int, typed: str) -> tuple[ReturnLine, ...]:
        """What an answer says of the item of that number, of those still open.

        Raises:
            BadAnswer: it is no answer for it.
        """
        decision = self._open[number]
        try:
            return answers.shares(typed, decision.item_id, decision.granted)
        except BadAnswer as error:
            if len(self._open) == 1:
                raise
            raise BadAnswer(f"{decision.description}: {error}") from None

    def labels(self) -> list[str]:
        """What is asked about each item still open."""
        return [f"{d.granted} × {d.description}" for d in self._open]
