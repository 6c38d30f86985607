"""What is seen of a call: the scene of each turn, its panels, and the customer behind a veil."""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.engine.front import Fact
from returnflow.engine.run import Run
from returnflow.engine.session import Session
from returnflow.engine.story import story
from returnflow.masking import veiled_name, veiled_text
from returnflow.settings import Settings
from returnflow.wizard import overview, texts
from returnflow.wizard.commands import COMMANDS, Typed
from returnflow.wizard.screen import keys, panes
from returnflow.wizard.screen.entry import Entry
from returnflow.wizard.screen.panel import Menu, Scroll
from returnflow.wizard.screen.scene import Scene
from returnflow.wizard.turn import Turn, trouble

UNVEIL = "unveil"
"""What the menu finishes with where the customer is to be shown, or hidden."""

AT_A_QUESTION = ("back", "transfer", "note", "hangup")
"""The commands whose keys are told at every question."""


class Sight:
    """See the module.

    Args:
        bar: of the top row: shop and agent.
        settings: keys and veil.

    Attributes:
        run, turn: of the call that is shown; no turn while it waits or once it is over.
        scene: None before anything is shown.
        keys: by what it does, the key.
    """

    def __init__(self, bar: Sequence[str], settings: Settings) -> None:
        self._bar = bar
        self._settings = settings
        self._unveiled = False
        self.keys = settings.all_keys()
        self.run: Run | None = None
        self.turn: Turn | None = None
        self.scene: Scene | None = None

    def begin(self, run: Run, turn: Turn | None) -> Scene:
        """What a whole turn shows, but for the entry; made once, not at every painting."""
        if self.run is not run:
            self._unveiled = not self._settings.veil
        self.run, self.turn = run, turn
        session = run.session
        self.scene = Scene(
            bar=(*self._bar, run.log.header.case_id),
            journey=overview.journey(run),
            heading=turn.step if turn is not None else session.state.title,
            entry=Entry(),
            say=(turn.tell or turn.say) if turn is not None else "",
            do=turn.do if turn is not None and turn.due is None else "",
            known=self._known(turn, session),
            trouble=trouble(session) if turn is not None else (),
            sections=overview.sections(session, unveiled=self._unveiled),
            hints=[(self.key(word), word) for word in AT_A_QUESTION],
            facts_key=self.key("facts"),
        )
        return self.scene

    def _known(self, turn: Turn | None, session: Session) -> Sequence[Fact]:
        if turn is None:
            return ()
        return overview.matters(turn, session, unveiled=self._unveiled)

    def key(self, does: str) -> str:
        """A key as people call it, by what it does."""
        return keys.shown(self.keys[does])

    def unveil(self, *, known: bool) -> None:
        """Shows the customer in full, or hides them again.

        Args:
            known: whether the facts of the turn are seen, too.
        """
        self._unveiled = not self._unveiled
        if self.run is not None and self.scene is not None:
            session = self.run.session
            self.scene.sections = overview.sections(session, unveiled=self._unveiled)
            if known:
                self.scene.known = self._known(self.turn, session)

    # -- panels -------------------------------------------------------------------------------

    def facts(self) -> Scroll:
        """All facts, with the words to say above them."""
        return Scroll(texts.FACTS, self._facts, (self.keys["facts"],))

    def _facts(self) -> list[str]:
        lines: list[str] = []
        turn, scene = self.turn, self.scene
        if turn is not None and (words := turn.due_words or turn.tell or turn.say):
            lines += [*(f"“{line}”" for line in words.split("\n")), ""]
        if self.run is not None:
            lines += [f"{label}: {text}" for label, text in trouble(self.run.session)]
        return [*lines, *panes.facts_text(scene.sections if scene is not None else ())]

    def story(self) -> Scroll:
        """The call so far."""
        return Scroll(texts.STORY, self._story, (self.keys["story"],))

    def _story(self) -> list[str]:
        if self.run is None:
            return []
        sentences = self.run.session.definition.vocabulary.sentences
        lines = list(story(self.run.log.header, self.run.log.entries, None, sentences))
        if self._unveiled:
            return lines
        customer = getattr(self.run.session.case, "customer", None)
        if customer is not None:
            name = f"{customer.first_name} {customer.last_name}".strip()
            veiled = veiled_name(customer.first_name, customer.last_name)
            lines = [line.replace(name, veiled) if name else line for line in lines]
        return [veiled_text(line) for line in lines]

    def menu(self, *, options: bool) -> Menu:
        """Everything that can be done now; it finishes with a `Typed`, or with `UNVEIL`.

        Args:
            options: whether the other answers to the question are among it.
        """
        turn = self.turn
        things: list[tuple[str, str, str, object]] = [
            (f"/{option.key}", option.label, option.key or "", Typed("", option, ""))
            for option in (turn.options if turn is not None and options else ())
        ]
        for command, does in COMMANDS.items():
            if command not in ("help", "check"):
                key = keys.LEAVE if command == "leave" else self.key(command)
                things.append((key, f"{does} (/{command})", command, Typed(command, None, "")))
        things.append((self.key(UNVEIL), texts.UNVEIL, "", UNVEIL))
        helps = [
            f"{field.prompt}: {field.help}"
            for field in (turn.typed.fields.values() if turn is not None and turn.typed else ())
            if field.help
        ]
        return Menu(texts.MENU, things, [*helps, texts.KEYS_ABOUT])
