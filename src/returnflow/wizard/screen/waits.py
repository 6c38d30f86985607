"""Waiting for the shop: how long it takes already, and what can be done meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import row, wrapped
from returnflow.wizard.screen.entry import Action, Part
from returnflow.wizard.screen.letters import Answers

SPINNER = "|/-\\"


class Slow(Answers):
    """Shows that the shop is being waited for, and takes a choice.

    Args:
        title: what is being done.
        seconds: since when.
        words: what can be chosen, by word, and what it means.
        long: whether it takes longer than the agent's patience.
        no_answer: what is told then, from the seconds and the operation.
    """

    def __init__(
        self,
        title: str,
        seconds: Callable[[], float],
        words: Mapping[str, str],
        long: Callable[[], bool],
        no_answer: Callable[[float, str], str],
        operation: str,
    ) -> None:
        super().__init__(words)
        self._title = title
        self._seconds = seconds
        self._long = long
        self._no_answer = no_answer
        self._operation = operation

    def parts(self, width: int, height: int) -> list[Part]:
        """See `Entry`."""
        seconds = self._seconds()
        turning = SPINNER[int(seconds * 4) % len(SPINNER)]
        lines = wrapped(f"{turning} {self._title}: {seconds:.0f} s", width, 2)
        if self._long():
            lines += wrapped(self._no_answer(seconds, self._operation), width, 2)
        head = [Part(row(line, style.LABEL)) for line in lines]
        return [*head, *super().parts(width, height - len(head))]

    def keys(self) -> Mapping[str, Action]:
        """Escape and Ctrl-C stop waiting, where nothing is chosen yet."""
        return {
            **super().keys(),
            "escape": lambda: self.finish("stop"),
            "c-c": lambda: self.finish("stop"),
        }
