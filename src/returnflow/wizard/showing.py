"""A turn in plain lines: what an agent reads before a question."""

from __future__ import annotations

from returnflow.wizard.commands import COMMANDS
from returnflow.wizard.console import Console
from returnflow.wizard.lines import reasons_lines
from returnflow.wizard.turn import Turn


def show_turn(console: Console, turn: Turn) -> None:
    """All of a turn: its step, what the last answer led to, what is known, the question."""
    console.show()
    console.show(f"── {turn.step} ".ljust(min(console.width, 72), "─"), hang=3, bold=True)
    if turn.tell:
        speak(console, turn.tell)
    width = max((len(label) for label, _ in turn.known), default=0)
    for label, text in turn.known:
        console.show(f"{label.ljust(width)}  {text}", indent=2, hang=width + 2)
    show_question(console, turn)


def show_question(console: Console, turn: Turn) -> None:
    """What is to be said or asked now, what can be chosen, and the other ways of answering."""
    if turn.due is not None:
        speak(console, turn.due_words)
        return
    if turn.do:
        console.show(f"Note   {turn.do}", indent=2, hang=7)
    for number, entry in enumerate(turn.listing, 1):
        console.show(f"{number:>3}  {entry.title}", indent=2, hang=5)
        for detail in entry.details:
            console.show(detail, indent=7, hang=2)
    if turn.say:
        speak(console, turn.say)
    if turn.typed is not None and turn.kind == "return_lines":
        for line in reasons_lines():
            console.show(line, indent=9, hang=2)
    width = max((len(option.key or "") for option in turn.options), default=0)
    for number, option in enumerate(turn.options):
        lead = "or" if turn.typed is not None and not number else ""
        key = (option.key or "").ljust(width)
        console.show(f"{lead:<5}  /{key}  {option.label}", indent=2, hang=10)


def speak(console: Console, words: str) -> None:
    """Words to be read aloud, set apart by a label and quotation marks."""
    for number, line in enumerate(words.split("\n")):
        console.show(f"{'Say' if not number else '':<5}  “{line}”", indent=2, hang=8)


def show_help(console: Console, turn: Turn) -> None:
    """Every way of answering this question, and the words that work at all questions."""
    if turn.typed is not None:
        for field in turn.typed.fields.values():
            console.show(f"Type: {turn.typed.label}. {field.help or ''}", indent=2, hang=2)
    for option in turn.options:
        console.show(f"/{option.key}: {option.label}", indent=2, hang=2)
    for word, about in COMMANDS.items():
        console.show(f"/{word}: {about}", indent=2, hang=2)
