"""A prescribed sentence, recognised word for word.

Most logs that hold words hold the very words of the script. To see that needs no reading of the
sentence: the template is its own pattern, with a gap for each value, and with both ways of a
condition. A list of texts, such as the reasons of a refusal, may say anything; it is the script
only where it is the list of the due itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_VALUE = re.compile(r"\{\{\s*(?:due\.([a-z][a-z0-9_]*))?([^{}]*)\}\}")
_JOINED = re.compile(r"""\s*\|\s*join\(\s*(["'])([^"'\\]*)\1\s*\)\s*""")
_BLOCK = re.compile(r"\{%-?\s*(?:(if)\s[^%]*|(else)|(endif))\s*-?%\}")
# Within one sentence: whatever fills a gap cannot add a statement of its own.
_GAP = r"(?:(?![.!?;](?:\s|$))[^\n]){0,200}?"
_LIST = "\x00{}\x00"
"""What stands for a list in a text while it is compared; no text has it, see `Script.says`."""


@dataclass(frozen=True, slots=True)
class Script:
    """The pattern of a script; a gap that stands for a value of the due bears its name.

    Args:
        lists: the names of values that are lists of texts, each with what stands between two.
    """

    pattern: re.Pattern[str]
    lists: tuple[tuple[str, str], ...] = ()

    def says(self, text: str, values: Mapping[str, Any], needs: Collection[str]) -> bool:
        """Whether a text is the script, with those values of the due that matter."""
        if self.lists and "\x00" in text:
            return False
        for name, between in self.lists:
            texts = values.get(name)
            if not texts:
                return False
            text = text.replace(between.join(map(str, texts)), _LIST.format(name), 1)
        found = self.pattern.fullmatch(text)
        if found is None:
            return False
        filled = found.groupdict()
        return all(name in filled and filled[name] == str(values.get(name)) for name in needs)


def as_pattern(template: str) -> Script | None:
    """A template as a pattern; None where it has more in it than values, and conditions with an
    else that stand in no other.

    >>> as_pattern("Your number is {{ due.id }}.").says("Your number is 7.", {"id": 7}, ["id"])
    True
    """
    pieces = _Pieces()
    end, within = 0, ""
    text = " ".join(template.split())
    for block in _BLOCK.finditer(text):
        pieces.add(text[end : block.start()])
        end = block.end()
        begins, turns, ends = block.groups()
        # Without an else nothing at all would be the script where that is all there is.
        if within != {"if": "", "else": "if", "endif": "else"}[begins or turns or ends]:
            return None
        within = "" if ends else turns or begins
        pieces.parts.append("(?:" if begins else "|" if turns else ")")
    pieces.add(text[end:])
    if within or any("{%" in each or "{#" in each for each in pieces.literal):
        return None
    return Script(re.compile(r"\s*" + "".join(pieces.parts)), tuple(pieces.lists))


class _Pieces:
    """The parts of a pattern, put together from pieces of a template between its conditions."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.literal: list[str] = []
        self.lists: list[tuple[str, str]] = []
        self._seen: set[str] = set()

    def add(self, text: str) -> None:
        """A piece without conditions; whatever space stands at its ends is free."""
        text = text.strip()
        end = 0
        for match in _VALUE.finditer(text):
            self._literal(text[end : match.start()])
            self.parts.append(self._gap(match[1], match[2]))
            end = match.end()
        self._literal(text[end:])
        self.parts.append(r"\s*")

    def _literal(self, text: str) -> None:
        self.literal.append(text)
        self.parts.append(re.escape(text))

    def _gap(self, name: str | None, more: str) -> str:
        if name is None or name in self._seen:
            return _GAP
        joined = _JOINED.fullmatch(more)
        if joined is not None:
            self._seen.add(name)
            self.lists.append((name, joined[2]))
            return re.escape(_LIST.format(name))
        if more.strip():
            return _GAP
        self._seen.add(name)
        return f"(?P<{name}>{_GAP})"
