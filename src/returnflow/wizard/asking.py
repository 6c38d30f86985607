"""Asking for a line within an answer: the words that always work do so here, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from returnflow.engine.definition import Question
from returnflow.wizard import answers, commands, texts
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Completion, Console, Prompt

ASIDE = ("help", "facts", "story", "copy", "note")
"""Commands that are carried out without leaving the question at hand."""


class Cancelled(Exception):  # noqa: N818 (a change of mind, not a failure)
    """The agent went back from a question within an answer."""


class Instead(Exception):  # noqa: N818 (a change of mind, not a failure)
    """The agent dropped the answer at hand for a command, or for another answer."""

    def __init__(self, typed: commands.Typed) -> None:
        self.typed = typed
        super().__init__(typed.command)


class Left(Exception):  # noqa: N818 (a decision, not a failure)
    """The agent leaves the call open."""


class Asker:
    """Reads lines within an answer.

    Args:
        options: the other answers to the question at hand.
        aside: carries out a command of `ASIDE`, given its word and the text behind it.
        kept: whether something was answered or noted, so that the call is kept.
    """

    def __init__(
        self,
        console: Console,
        options: Sequence[Question],
        aside: Callable[[str, str], object],
        kept: Callable[[], bool],
    ) -> None:
        self._console = console
        self._options = options
        self._aside = aside
        self._kept = kept

    def line(
        self,
        label: str,
        validate: Callable[[str], object],
        offered: Sequence[Completion] = (),
        default: str = "",
    ) -> str:
        """A line that `validate` lets pass; one with a slash is always a command.

        Raises:
            Cancelled: ``/back``.
            Instead: another command, or another answer, that ends this one.
            Left: the agent leaves the call; where not, what was answered stands.
            EOFError: a pipe has no more lines.
        """

        def check(line: str) -> None:
            typed = commands.parse(line, self._options)
            if not typed.command and typed.option is None:
                word = line.rpartition("/")[2].strip()
                if default and "/" in line and word in commands.COMMANDS:
                    # Typed behind a draft, where the cursor stands; it is not meant to be sent.
                    raise BadAnswer(f"/{word} stands behind other words: for it, type it alone.")
                validate(line)
            elif typed.command == "note" and not answers.text(typed.text, answers.MAX_NOTE):
                raise BadAnswer("Type the note behind the word: /note customer sounds upset.")

        words = commands.completions(self._options)
        prompt = Prompt(label, check, [*offered, *words], default)
        while True:
            try:
                line = self._console.read(prompt)
            except (KeyboardInterrupt, EOFError) as stop:
                self.stopped(stop)
                continue
            typed = commands.parse(line, self._options)
            if typed.command == "back":
                raise Cancelled
            if typed.command in ASIDE:
                self._aside(typed.command, typed.text)
                continue
            if typed.command == "leave":
                if self.leaves():
                    raise Left
                continue
            if typed.command or typed.option is not None:
                raise Instead(typed)
            return line

    def stopped(self, stop: BaseException) -> None:
        """After Ctrl-C or Ctrl-D: returns where the agent stays.

        Raises:
            Left: the agent means to leave; pressing it a second time is a yes.
            EOFError: a pipe has no more lines.
        """
        if isinstance(stop, EOFError) and not self._console.interactive:
            raise stop
        if self.leaves():
            raise Left

    def leaves(self) -> bool:
        """Whether the agent means to leave."""
        try:
            return self.yes(texts.yes_no(texts.leaving(self._kept())))
        except (EOFError, KeyboardInterrupt):
            return True

    def yes(self, label: str) -> bool:
        """The answer to a question of yes or no."""

        def validate(line: str) -> None:
            if answers.yes(line) is None:
                raise BadAnswer(texts.YES_OR_NO)

        return answers.yes(self._console.read(Prompt(label, validate))) is True
