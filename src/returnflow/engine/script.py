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
_GAP_LENGTH = 200
_GAP = rf"(?:(?![.!?;](?:\s|$))[^\n]){{0,{_GAP_LENGTH}}}?"
_LIST = "\x00{}\x00"
"""What stands for a list in a text while it is compared; no text has it, see `Script.says`."""


@dataclass(frozen=True, slots=True)
class Script:
    """The pattern of a script; a gap that stands for a value of the due bears its name.

    Args:
        longest: characters that a text may have and still be it, lists apart.
        lists: the names of values that are lists of texts, each with what stands between two.
    """

    pattern: re.Pattern[str]
    longest: int
    lists: tuple[tuple[str, str], ...] = ()

    def says(self, text: str, values: Mapping[str, Any], needs: Collection[str]) -> bool:
        """Whether a text is the script, with those values of the due that matter, and with no
        other than the due's where one is told."""
        text = text.strip()
        if self.lists and "\x00" in text:
            return False
        for name, between in self.lists:
            texts = values.get(name)
            joined = between.join(map(str, texts)) if isinstance(texts, list | tuple) else ""
            if not joined or joined not in text:
                return False
            text = text.replace(joined, _LIST.format(name), 1)
        # What is longer need not be looked at, however many ways there are to divide it.
        found = self.pattern.fullmatch(text) if len(text) <= self.longest else None
        if found is None:
            return False
        filled = found.groupdict()
        told = [name for name, value in filled.items() if value is not None and name in values]
        return all(filled[name] == str(values[name]) for name in told) and all(
            filled.get(name) is not None and name in values for name in needs
        )


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
        piece = text[end : block.start()].strip()
        end = block.end()
        begins, turns, ends = block.groups()
        # With a way that is empty nothing at all could be the script.
        if within != {"if": "", "else": "if", "endif": "else"}[begins or turns or ends]:
            return None
        if within and not piece:
            return None
        pieces.add(piece)
        within = "" if ends else turns or begins
        pieces.parts.append(r"\s*(?:" if begins else "|" if turns else r")\s*")
    pieces.add(text[end:].strip())
    if within or pieces.more:
        return None
    pattern = "".join(pieces.parts)
    while r"\s*\s*" in pattern:
        pattern = pattern.replace(r"\s*\s*", r"\s*")
    longest = len(text) + _GAP_LENGTH * (pieces.gaps + 1)
    return Script(re.compile(pattern), longest, tuple(pieces.lists))


class _Pieces:
    """The parts of a pattern, put together from pieces of a template between its conditions.

    Attributes:
        gaps: how many gaps there are.
        more: there is more than values in a piece, or one list twice.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.lists: list[tuple[str, str]] = []
        self.gaps = 0
        self.more = False
        self._seen: set[str] = set()

    def add(self, text: str) -> None:
        """A piece without conditions."""
        end = 0
        for match in _VALUE.finditer(text):
            self._literal(text[end : match.start()])
            self.parts.append(self._gap(match[1], match[2]))
            end = match.end()
        self._literal(text[end:])

    def _literal(self, text: str) -> None:
        self.more = self.more or "{%" in text or "{#" in text
        self.parts.append(re.escape(text))

    def _gap(self, name: str | None, more: str) -> str:
        self.gaps += 1
        joined = _JOINED.fullmatch(more)
        if name is not None and joined is not None:
            self.more = self.more or name in self._seen
            self._seen.add(name)
            self.lists.append((name, joined[2]))
            return re.escape(_LIST.format(name))
        if name is None or name in self._seen or more.strip():
            return _GAP
        self._seen.add(name)
        return f"(?P<{name}>{_GAP})"
