"""Text from outside made harmless before it reaches a terminal (rule 37).

Escape sequences, control characters and bidirectional overrides can rewrite what an agent
sees. They are replaced by a visible stand-in, so that nothing is hidden and nothing acts.
"""

from __future__ import annotations

import re
import unicodedata

# C0 without nothing spared, DEL, C1, line and paragraph separators, the Arabic letter mark, marks
# and isolates that change direction, deprecated formatting, interlinear marks, tags, lone halves.
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def inert(text: str) -> str:
    """One line of `text` with every acting character shown as ``·`` or a space.

    Tabs and line ends become spaces; everything else that a terminal would obey, or that
    would reorder the line, becomes a middle dot. Accents, CJK, emoji and their joiners stay.
    """
    return _HOSTILE.sub(_stand_in, text)


def inert_lines(text: str) -> str:
    """Like `inert`, but line feeds stay: for text of several lines that we lay out ourselves."""
    return "\n".join(inert(line) for line in text.split("\n"))


def fold(text: str) -> str:
    """A form of `text` for comparing what people type: trimmed, case-folded, composed."""
    return unicodedata.normalize("NFC", text).casefold().strip()


def _stand_in(match: re.Match[str]) -> str:
    return " " if match.group() in "\t\n\r\x0b\x0c\u2028\u2029" else "·"
