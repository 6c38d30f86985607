"""How things look: few styles, all of them legible on light and on dark terminals.

No information is told by them alone: what is chosen, done or wrong has a mark or a word as well.
Only weight, reversal and the terminal's own sixteen colours are used; ``NO_COLOR`` leaves the
first two.
"""

from __future__ import annotations

TITLE = "class:title"
KEYS = "class:keys"
KEY = "class:key"
HEAD = "class:head"
SAY = "class:say"
BAR = "class:bar"
NOTE = "class:note"
LABEL = "class:label"
PICKED = "class:picked"
DIM = "class:dim"
WRONG = "class:wrong"
GOOD = "class:good"
LINE = "class:line"

THEMES = {
    "plain": {
        "title": "reverse",
        "keys": "",
        "key": "bold",
        "head": "bold",
        "say": "bold",
        "bar": "bold",
        "note": "italic",
        "label": "bold",
        "picked": "reverse",
        "dim": "",
        "wrong": "bold",
        "good": "",
        "line": "",
    },
    "colour": {
        "title": "reverse",
        "keys": "",
        "key": "bold",
        "head": "bold",
        "say": "bold",
        "bar": "ansigreen bold",
        "note": "italic",
        "label": "bold",
        "picked": "reverse",
        "dim": "",
        "wrong": "ansired bold",
        "good": "ansigreen",
        "line": "",
    },
}
"""By name, the styles of one look."""
