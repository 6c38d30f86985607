"""The keys, by the names that entries use for them.

None that common terminals, tmux, screen or a shell keep for themselves: no Ctrl-S, Ctrl-Q, Ctrl-Z
and Ctrl-B, no F1, F10 and F11. Every key that is no character has a slash word or a row of the
menu beside it.
"""

from __future__ import annotations

NAMED = {
    "enter": "enter",
    "escape": "escape",
    "tab": "tab",
    "s-tab": "s-tab",
    "up": "up",
    "down": "down",
    "pageup": "pageup",
    "pagedown": "pagedown",
    "home": "home",
    "end": "end",
    "space": " ",
    "backspace": "c-h",
    "c-c": "c-c",
    "c-d": "c-d",
    "f2": "f2",
    "f3": "f3",
    "f4": "f4",
    "f5": "f5",
    "f6": "f6",
    "f7": "f7",
    "f8": "f8",
    "f9": "f9",
    "f12": "f12",
}
"""By our name, prompt_toolkit's."""

TYPED = "0123456789*+-/?abcdefghijklmnopqrstuvwxyz"
"""Characters that an entry may take instead of a line."""

LEAVE = "Ctrl-C"


def shown(key: str) -> str:
    """A key as people call it."""
    return key.upper() if key[0] == "f" and key[1:].isdecimal() else key.capitalize()
