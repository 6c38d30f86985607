"""A console on a terminal, through prompt_toolkit.

Tab completes, a wrong answer is told in place, a line at the bottom names the keys. Nothing
typed is kept as history, since it is personal data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.application import get_app
from prompt_toolkit.application.current import get_app_session
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Offer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import shift_selection_mode
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.selection import SelectionState
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.validation import ValidationError, Validator

from returnflow.inert import inert
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Prompt, clipboard, columns, read_line, rows

KEYS = "Enter accepts · Tab completes · /help · /back · /facts · Ctrl-D leaves"
KEYS_NARROW = "Tab · /help · /back · Ctrl-D leaves"


class TerminalConsole:
    """See the module. A terminal that can move no cursor (``TERM=dumb``) is read in whole lines."""

    interactive = True

    def __init__(self) -> None:
        self._out = sys.stdout
        self._dumb = os.environ.get("TERM", "") in ("dumb", "unknown", "")
        self._shown_progress = 0
        self._session: PromptSession[str] | None = None

    @property
    def width(self) -> int:
        return columns(self._out)

    def show(
        self,
        line: str = "",
        *,
        indent: int = 0,
        hang: int = 0,
        bold: bool = False,
        whole: bool = False,
    ) -> None:
        self._clear_progress()
        for row in rows(line, self.width, indent, hang, whole=whole):
            if self._dumb:
                self._out.write(row + "\n")
            elif bold:
                print_formatted_text(FormattedText([("bold", row)]))
            else:
                # Formatting costs some milliseconds a row; plain text needs none.
                get_app_session().output.write(row + "\n")
        if self._dumb:
            self._out.flush()
        else:
            get_app_session().output.flush()

    def read(self, prompt: Prompt) -> str:
        self._clear_progress()
        if self._dumb:
            hint = f" [{inert(prompt.default)}]" if prompt.default else ""
            self._out.write(f"{inert(prompt.label)}{hint}: ")
            self._out.flush()
            return read_line(self, sys.stdin, prompt, echo=False)
        if self._session is None:
            self._session = PromptSession(
                history=DummyHistory(),
                complete_style=CompleteStyle.READLINE_LIKE,
                complete_while_typing=False,
                key_bindings=_at_a_refused_line(),
            )
        in_place = _InPlace(prompt)
        return self._session.prompt(
            f"{inert(prompt.label)}: ",
            default=prompt.default,
            completer=_Words(prompt),
            validator=in_place,
            validate_while_typing=False,
            bottom_toolbar=lambda: in_place.toolbar(self.width),
            enable_suspend=True,
            reserve_space_for_menu=0,
        )

    def progress(self, line: str) -> None:
        if self._dumb or not self._out.isatty():
            return
        shown = rows(line, self.width - 1)[0]
        self._out.write("\r\x1b[K" + shown)
        self._out.flush()
        self._shown_progress = 1

    def copy(self, text: str) -> bool:
        """See `Console`. Whether the terminal obeys, it does not say."""
        if self._dumb:
            return False
        output = get_app_session().output
        output.write_raw(clipboard(text))
        output.flush()
        return True

    def _clear_progress(self) -> None:
        if self._shown_progress:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._shown_progress = 0


def _at_a_refused_line() -> KeyBindings:
    """The keys of a line that was refused, where the library has them for none that is selected."""
    keys = KeyBindings()

    @keys.add(Keys.BracketedPaste, filter=shift_selection_mode)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.cut_selection()
        event.current_buffer.insert_text(" ".join(event.data.splitlines()))

    @keys.add("c-u", filter=shift_selection_mode)
    @keys.add("c-w", filter=shift_selection_mode)
    @keys.add("c-k", filter=shift_selection_mode)
    @keys.add("delete", filter=shift_selection_mode)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.cut_selection()

    # Eager: with a selection the library waits for a second key, as > that would indent it.
    @keys.add("c-c", filter=shift_selection_mode, eager=True)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt(), style="class:aborting")

    return keys


class _InPlace(Validator):
    """Keeps a wrong answer on its line; the whole reason stands in the toolbar, which has room."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._error = ""

    def validate(self, document: Document) -> None:
        try:
            self._prompt.validate(document.text)
        except BadAnswer as error:
            self._error = str(error)
            # As if it were selected: what is typed next replaces it, an arrow key keeps it.
            selected = SelectionState(0)
            selected.enter_shift_mode()
            get_app().current_buffer.selection_state = selected
            # A terminal that does not tell where its cursor is gets no toolbar.
            seen = get_app().renderer.height_is_known
            raise ValidationError(
                len(document.text), "Not accepted:" if seen else inert(str(error))
            ) from None

    def toolbar(self, width: int) -> str:
        if self._error:
            return "\n".join(rows(f"! {self._error}", width, 0, 2))
        return KEYS if len(KEYS) <= width else KEYS_NARROW


class _Words(Completer):
    """Offers the words of a prompt; after a comma, those of the next part."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Offer]:
        typed = document.text_before_cursor.rpartition(",")[2].lstrip()
        for offer in self._prompt.completions:
            if offer.word.casefold().startswith(typed.casefold()):
                shown = inert(f"{offer.word}  {offer.about}".strip())
                yield Offer(offer.word, -len(typed), display=shown)
