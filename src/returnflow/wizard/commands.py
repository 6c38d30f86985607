"""The words that mean the same at every question, and how a typed line is told from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from returnflow.engine.definition import Question
from returnflow.inert import inert
from returnflow.wizard.answers import BadAnswer, nearest
from returnflow.wizard.console import Completion

COMMANDS = {
    "back": "take the last answer back; never across what was sent to the shop",
    "note": "keep a note with the call: /note customer sounds upset",
    "transfer": "transfer the customer to a human representative",
    "hangup": "the customer hung up",
    "help": "these words",
    "facts": "everything known in this call so far",
    "story": "the call so far, as it is written down",
    "copy": "copy the ids of what was done, or else the case id, to the clipboard",
    "check": "look an item up before it is chosen: /check 2",
    "leave": "leave the call open; it can be resumed",
}
"""By word, what it does. They stand in `returnflow.engine.definition.RESERVED_KEYS`."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A line as it was meant.

    Args:
        command: a word of `COMMANDS`, or "".
        option: an answer of the question chosen by its key, or None.
        text: the rest of the line; the whole line where it is neither.
    """

    command: str
    option: Question | None
    text: str


def parse(line: str, options: Sequence[Question]) -> Typed:
    """Tells commands, options and plain answers apart: only the first two begin with a slash.

    Raises:
        BadAnswer: a word after a slash that is neither.
    """
    stripped = line.strip()
    if not stripped.startswith("/"):
        return Typed("", None, line)
    word, _, rest = stripped[1:].partition(" ")
    word = word.casefold()
    if word in COMMANDS:
        return Typed(word, None, rest.strip())
    for option in options:
        if option.key == word:
            return Typed("", option, rest.strip())
    known = [option.key for option in options if option.key] + list(COMMANDS)
    raise BadAnswer(f"There is no /{inert(word[:20])} here; /help lists.{nearest(word, known)}")


def completions(options: Sequence[Question]) -> list[Completion]:
    """The slash words that can be typed now."""
    own = [Completion(f"/{option.key}", option.label) for option in options]
    return own + [Completion(f"/{word}", about) for word, about in COMMANDS.items()]
