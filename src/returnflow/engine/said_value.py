"""Values in what was said: an id written, spelled letter by letter, or read out as words.

Only letters and digits count: ``RT-42``, ``rt 42`` and "R T dash four two" are one id. It must
be whole: ``RT-42`` is not in ``RT-421`` and not in "R T four two seven".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from returnflow.engine import english
from returnflow.engine.phrases import Occurrence
from returnflow.engine.spoken import fold
from returnflow.redacted import redacted

MAX_VALUE: Final = 100
"""Characters of a value that is looked for."""

_DIGITS: Final = {
    "zero": "0", "oh": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
_TENS: Final = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_TIMES: Final = {"double": 2, "triple": 3, "treble": 3}
_SIGNS: Final = english.words("dash hyphen minus slash stroke underscore dot point")
_FILLERS: Final = english.words("uh um er")
_JOINED = re.compile(r"[-_/.]")
_NO_PART: Final = english.words("a i")
_COUNTED: Final = english.words("moment second minute more item items day days business")


def squashed(value: Any) -> str:
    """The letters and digits of a value, folded."""
    folded, _ = fold(str(value)[:MAX_VALUE])
    return "".join(c for c in folded if c.isalnum())


def bare(value: Any) -> bool:
    """Whether a value is telling enough to stand without a word that says what it is."""
    text = squashed(value)
    digits = sum(c.isdigit() for c in text)
    return (len(text) >= 3 and 0 < digits < len(text)) or digits >= 5


class Spelled:
    """The words of a text as one run of letters and digits, in which values are looked for."""

    def __init__(self, text: str, words: Sequence[str], at: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._words = words
        self._at = at
        pieces = _pieces(words)
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        length = 0
        for i, piece in enumerate(pieces):
            if piece:
                self._starts[length] = i
                length += len(piece)
                self._ends[length] = i
        self._pieces = pieces
        self._run = "".join(pieces)

    def occurrences(self, value: Any) -> list[Occurrence]:
        """Where a value stands, whole."""
        wanted = squashed(value)
        found: list[Occurrence] = []
        place = self._run.find(wanted) if wanted else -1
        while place >= 0:
            first, last = self._starts.get(place), self._ends.get(place + len(wanted))
            if first is not None and last is not None and self._whole(first, last):
                found.append(Occurrence(first, last, tuple(range(first, last + 1))))
            place = self._run.find(wanted, place + 1)
        return found

    def anything(self) -> list[Occurrence]:
        """Where some id stands, or one that is redacted."""
        found = []
        for i, piece in enumerate(self._pieces):
            start, end = self._at[i]
            if any(c.isdigit() for c in piece) or (
                self._text[start - 1 : start] == "[" and redacted(self._text[start - 1 : end + 40])
            ):
                found.append(Occurrence(i, i, (i,)))
        return found

    def _whole(self, first: int, last: int) -> bool:
        """Whether nothing before or after it belongs to the same id."""
        text, begin, end = self._text, self._at[first][0], self._at[last][1]
        if _JOINED.match(text[begin - 1 : begin]) and text[begin - 2 : begin - 1].isalnum():
            return False
        if _JOINED.match(text[end : end + 1]) and text[end + 1 : end + 2].isalnum():
            return False
        then = self._words[last + 1] if last + 1 < len(self._words) else ""
        if last > first and then in _COUNTED and self._spaced(last):
            return False  # "RT-4 2 items"
        return not (self._spelled(last) and self._goes_on(last))

    def _spaced(self, word: int) -> bool:
        """Whether a space stands before a word."""
        begin = self._at[word][0]
        return self._text[begin - 1 : begin].isspace()

    def _spelled(self, last: int) -> bool:
        """Whether the id ends in a digit or letter said on its own."""
        return last > 0 and (len(self._pieces[last]) == 1 or self._words[last] in _DIGITS)

    def _goes_on(self, last: int) -> bool:
        follows = last + 1
        while follows < len(self._words) and self._words[follows] in _SIGNS:
            follows += 1
        if follows >= len(self._words):
            return False
        between = self._text[self._at[last][1] : self._at[last + 1][0]]
        if between.strip(" \t-–—"):
            return False
        piece, word = self._pieces[follows], self._words[follows]
        then = self._words[follows + 1] if follows + 1 < len(self._words) else ""
        if then in _COUNTED or word in _NO_PART:
            return False
        return len(piece) == 1 or piece.isdigit()


def _pieces(words: Sequence[str]) -> list[str]:
    """What each word is within an id: itself, its digits, or nothing."""
    pieces: list[str] = []
    times = 1
    named = 0  # words of "as in Romeo" that are still to come
    for i, word in enumerate(words):
        if named:
            named -= 1
            pieces.append("")
            continue
        named = _named(words, i)
        then = words[i + 1] if i + 1 < len(words) else ""
        if word in _SIGNS or word in _FILLERS:
            pieces.append("")
            continue
        if word in _TIMES and (then in _DIGITS or len(then) == 1):
            times = _TIMES[word]
            pieces.append("")
            continue
        if word in _TENS:
            ones = len(_DIGITS.get(then, "")) == 1 and then != "oh"
            piece = _TENS[word] + ("" if ones else "0")
        else:
            piece = _DIGITS.get(word, word)
        pieces.append(piece * times)
        times = 1
    return pieces


def _named(words: Sequence[str], i: int) -> int:
    """How many words after a letter only say which letter it is: "R as in Romeo", "T for Tango"."""
    if len(words[i]) != 1:
        return 0
    for size, between in ((3, ["as", "in"]), (2, ["for"]), (2, ["like"])):
        name = words[i + size] if i + size < len(words) else ""
        if list(words[i + 1 : i + size]) == between and name.startswith(words[i]):
            return size
    return 0
