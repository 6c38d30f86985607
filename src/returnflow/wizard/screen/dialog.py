"""Asking for one thing on the screen: what is entered, and what is only looked at meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from returnflow.engine.run import Run
from returnflow.wizard import flow, texts
from returnflow.wizard.commands import COMMANDS, Typed
from returnflow.wizard.console import clipboard
from returnflow.wizard.screen.entry import Action, Entry
from returnflow.wizard.screen.letters import Answers
from returnflow.wizard.screen.sight import UNVEIL, Sight
from returnflow.wizard.screen.terminal import Terminal
from returnflow.wizard.screen.waits import Slow

PASSING = ("facts", "story", "help", "copy")
"""Commands that only show something; whatever is asked stays as it is."""

WITHIN = (("Esc", "back"),)
"""The key that works within every answer."""


class Cancelled(Exception):  # noqa: N818 (a change of mind, not a failure)
    """The agent went back from a question within an answer."""


class Instead(Exception):  # noqa: N818 (a change of mind, not a failure)
    """The agent dropped the answer at hand for a command, or for another answer."""

    def __init__(self, typed: Typed) -> None:
        self.typed = typed
        super().__init__(typed.command)


class Left(Exception):  # noqa: N818 (a decision, not a failure)
    """The agent leaves the call open."""


def _over(run: Run) -> bool:
    """Whether the call has ended; then there is nothing to be left open."""
    return bool(run.log.entries) and run.log.entries[-1].ended


class Dialog:
    """See the module.

    Attributes:
        terminal: where it is asked; set by whoever makes both.
    """

    terminal: Terminal

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._panel = False
        self._inner = False

    async def answer_of(self, entry: Entry) -> Any:
        """The result of an entry; what only shows something is shown, and the entry goes on."""
        while True:
            self.show(entry)
            got = await self.terminal.ask(entry)
            text = self.terminal.text
            if isinstance(got, Typed) and got.command in PASSING:
                if text.lstrip().startswith("/"):
                    text = ""
                got = await self._pass(got.command)
                if got is None:
                    entry.default, entry.error = text, ""
                    continue
            return got

    async def within(self, entry: Entry, say: str | None = None) -> Any:
        """The result of an entry within an answer.

        Raises:
            Cancelled: Escape, or /back.
            Instead: another command, or another answer.
        """
        outer, self._inner = self._inner, True
        if self._sight.scene is not None:
            # Another thing is asked than what the instruction is about. The next turn makes all
            # of it anew; until then what was asked stays to be seen.
            self._sight.scene.do, self._sight.scene.known = "", ()
            self._sight.scene.hints = WITHIN
            asked = self._sight.scene.entry
            # In a checklist the words to say are those of the row, and the turn's come later.
            words = say if say is not None else asked.say()
            if words is not None:
                self._sight.scene.say = words
        try:
            while True:
                got = await self.answer_of(entry)
                if not isinstance(got, Typed):
                    return got
                if got.command == "back":
                    raise Cancelled
                run = self._sight.run
                if got.command == "leave" and run is not None and not _over(run):
                    await self.leave(run)
                    continue
                raise Instead(got)
        finally:
            self._inner = outer

    async def over(self, panel: Entry) -> Any:
        """The result of a panel over whatever is shown."""
        shown = self._sight.scene.entry if self._sight.scene is not None else None
        self._panel = True
        self.show(panel)
        try:
            return await self.terminal.ask(panel)
        finally:
            self._panel = False
            if shown is not None:
                self.show(shown)

    async def leave(self, run: Run) -> None:
        """Raises `Left` where the agent means to leave the call."""
        if await self.yes(texts.leaving(bool(run.log.entries))):
            raise Left

    async def yes(self, question: str, about: Sequence[str] = ()) -> bool:
        """The answer to a question of yes or no; raises as `within`."""
        words = Answers({"yes": "", "no": ""}, [*about, question], escape="no")
        return bool(await self.within(words) == "yes")

    async def _pass(self, command: str) -> Typed | None:
        """Shows something over the question; what is chosen in the menu, if anything was."""
        match command:
            case "facts":
                await self.over(self._sight.facts())
            case "story":
                await self.over(self._sight.story())
            case "copy":
                self._copy()
            case _:
                chosen = await self.over(self._sight.menu(options=not self._inner))
                if chosen == UNVEIL:
                    self._unveil()
                elif isinstance(chosen, Typed):
                    passing = chosen.command in PASSING
                    return await self._pass(chosen.command) if passing else chosen
        return None

    def _copy(self) -> None:
        """Puts the tracking ids, or the case id, into the clipboard."""
        entry, run = self.terminal.entry, self._sight.run
        if run is not None and entry is not None:
            text = flow.to_copy(run)
            self.terminal.write(clipboard(text))
            entry.info = texts.copied(text, done=True)
            self.terminal.repaint()

    def _unveil(self) -> None:
        self._sight.unveil(known=not self._inner)

    def show(self, entry: Entry) -> None:
        """Shows an entry below what the turn says."""
        if self._sight.scene is not None:
            self._sight.scene.entry = entry
        self.terminal.repaint()

    # -- keys ---------------------------------------------------------------------------------

    def everywhere(self) -> Mapping[str, Action]:
        """The keys that work whatever is asked, but for panels."""
        entry = self.terminal.entry
        if self._panel or entry is None or self._sight.run is None or isinstance(entry, Slow):
            return {}

        def command(word: str) -> Action:
            return lambda: entry.finish(Typed(word, None, ""))

        if self._sight.turn is None:
            found = {"c-c": command("leave"), "c-d": command("leave")}
            found |= {
                self._sight.keys["unveil"]: self._unveil,
                self._sight.keys["copy"]: self._copy,
            }
            return found | ({"escape": command("back")} if self._inner else {})
        found = {key: command(word) for word, key in self._sight.keys.items() if word in COMMANDS}
        # Looking an item up is about the one under the cursor; the table of items knows it.
        del found[self._sight.keys["check"]]
        found |= {
            "escape": command("back" if self._inner else "help"),
            "?": command("help"),
            "c-c": command("leave"),
            "c-d": command("leave"),
            self._sight.keys["unveil"]: self._unveil,
            self._sight.keys["copy"]: self._copy,
        }
        return found
