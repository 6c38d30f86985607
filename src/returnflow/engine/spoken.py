"""What was said, cut into words, sentences and clauses; the English that replay has to know.

A text is read once, from left to right, whatever it holds: the time that it takes grows with its
length and with nothing else. Punctuation helps where it is there; speech written down without any
is cut at words such as ``but``, ``because`` and ``if``.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from returnflow.engine import english

_CONDITION = 5
_FAR_BEFORE = 9
_FAR_AFTER = 4
"""How many words a negation may stand before and after what it denies."""

NO_BREAK, COMMA, CLAUSE_END, SENTENCE_END = range(4)
"""What the signs between two words end, the weakest first."""

_MAY_DENY = re.compile(
    rf"\b(?:{'|'.join(sorted(english.NEGATIVE))}|cannot|nonref\w*|nonret\w*)\b|n't|nt\b"
)

_NUMBERED = re.compile(r"\n[ \t\r]*0*([1-9]\d{0,2})[.)]")
_NEXT = "then"
"""What each number of a list but the first stands for: the line "2. We pick it up"."""


def glance(folded: str) -> str:
    """A folded text as a quick look has to see it: with what its list numbers stand for."""
    return f"{folded} {_NEXT}" if "\n" in folded and _NUMBERED.search(folded) else folded


def may_deny(folded: str) -> bool:
    """Whether a folded text could hold a negation; a quick look that may say yes in vain."""
    return _MAY_DENY.search(folded) is not None


# -- words ------------------------------------------------------------------------------------

_PIECE = re.compile(
    r"[^\W_]+(?:'[^\W_]+)*"
    r"|\n[ \t\r]*(?:\n|[-*+•·>#|](?=[ \t*_|#>])|\d{1,3}[.)](?=[ \t])|\*\*)?"
    r"|[.!?…]+|[,;:()\[\]{}]|—|(?<=[ \t])--?(?=[ \t])"
)
_SPLIT: dict[str, tuple[str, ...]] = {
    "won't": ("will", "not"),
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "nonrefundable": ("non", "refundable"),
    "nonreturnable": ("non", "returnable"),
}
_BARE = (
    "don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't couldn't shouldn't"
    " hasn't haven't hadn't ain't needn't that's you're they're you'll they'll"
)
_ENDINGS = {"ll": "will", "re": "are", "ve": "have", "d": "would", "m": "am"}
_IS = english.words("it that he she there here what who how where this")
_NO_STOP = english.words("mr mrs ms dr approx vs etc excl incl")
_FOLDS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": " ", "‐": "-", "‑": "-"})


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    if character in "–—―":
        return "—"
    plain = unicodedata.normalize("NFKD", character.translate(_FOLDS)).casefold()
    return "".join(
        c for c in plain if not unicodedata.combining(c) and unicodedata.category(c) != "Cf"
    )


def fold(text: str) -> tuple[str, list[int] | None]:
    """A text without case, accents and typography, and where each of its characters stood.

    The places are None where each character stands where it stood.
    """
    if text.isascii():
        return text.lower(), None
    parts = [_folded(character) for character in text]
    joined = "".join(parts)
    if len(joined) == len(text) and all(parts):
        return joined, None
    return joined, [i for i, part in enumerate(parts) for _ in part]


def expanded(word: str) -> tuple[str, ...]:
    """The words that a folded word stands for: ``isn't`` is ``is not``."""
    if word in _SPLIT:
        return _SPLIT[word]
    if "'" not in word:
        return (word,)
    head, tail = word.rsplit("'", 1)
    if tail == "t" and head.endswith("n"):
        return (head[:-1], "not") if len(head) > 1 else ("not",)
    if tail in _ENDINGS:
        return head, _ENDINGS[tail]
    if tail == "s":
        return (head, "is") if head in _IS else (head,)
    return tuple(word.split("'"))


_SPLIT.update({word.replace("'", ""): expanded(word) for word in _BARE.split()})


# -- what was said ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clause:
    """A run of words with one statement in it.

    Args:
        first, end: its words, by their places; `end` is one past the last.
        stated: it says that something is so: no question and no guess.
        begins: where its statement begins at the earliest: after an "if" there first comes the
            condition, "if you send it back shipping is not refunded".
        open: it leans on what was said before it: "that isn't", "not the postage".
        light: it has no subject of its own: "no, sorry, it isn't".
        leads: it opens with what it points at, or with a denial: "that isn't", "not the postage".
        contrast: it takes something back, or may: "but", "sorry", "I mean".
    """

    first: int
    end: int
    sentence: int
    stated: bool
    begins: int
    open: bool
    light: bool
    leads: bool
    contrast: bool


class Utterance:
    """A text as words, each with its place, its sentence, its clause and its fragment.

    Args:
        words: folded, contractions written out; the number of a list, but for 1, is a ``then``.
        at: where each word begins and ends in the text as it was given.
        breaks: what stands before each word: `NO_BREAK`, `COMMA`, `CLAUSE_END` or `SENTENCE_END`.
        fragments: for each word the number of the run between two commas in which it stands.
    """

    __slots__ = ("at", "breaks", "clauses", "fragments", "negatives", "sentences", "starts",
                 "words")  # fmt: skip

    def __init__(self, folded: str, places: list[int] | None) -> None:
        self.words: list[str] = []
        self.at: list[tuple[int, int]] = []
        self.breaks: list[int] = []
        self.fragments: list[int] = []
        self.clauses: list[Clause] = []
        self.sentences: list[tuple[int, int]] = []
        """For each sentence its first word and one past its last."""
        self.negatives: list[int] = []
        self._read(folded, places)
        self.starts = [clause.first for clause in self.clauses]

    def clause_of(self, word: int) -> int:
        """The number of the clause in which a word stands."""
        return bisect_right(self.starts, word) - 1

    def sentence_of(self, word: int) -> int:
        """The number of the sentence in which a word stands."""
        return self.clauses[self.clause_of(word)].sentence

    # -- reading ------------------------------------------------------------------------------

    def _read(self, folded: str, places: list[int] | None) -> None:
        breaks = self.breaks
        begin, pending, listed, previous = 0, NO_BREAK, False, ""
        for match in _PIECE.finditer(folded):
            piece = match.group()
            if piece[0].isalnum():
                start, end = match.span()
                if places is not None:
                    start, end = places[start], places[end - 1] + 1
                for word in (_NEXT, *expanded(piece)) if listed else expanded(piece):
                    self.words.append(word)
                    self.at.append((start, end))
                    breaks.append(pending)
                    pending = NO_BREAK
                listed = False
                previous = piece
                continue
            kind = self._kind(piece, previous, folded, match.end())
            if kind == SENTENCE_END and len(self.words) > begin:
                self._sentence(begin, "?" in piece)
                begin = len(self.words)
            pending = max(pending, kind)
            previous = piece if kind else previous
            if number := _NUMBERED.match(piece):
                listed = number[1] != "1"
        if len(self.words) > begin:
            self._sentence(begin, False)

    @staticmethod
    def _kind(piece: str, previous: str, folded: str, end: int) -> int:
        """What a piece that is no word ends."""
        if piece[0] == "\n":
            if piece.strip(" \t\r\n") or piece.count("\n") > 1:
                return CLAUSE_END if previous == ":" else SENTENCE_END
            return NO_BREAK
        if piece[0] in ".!?…":
            if piece == "." and (len(previous) == 1 or previous in _NO_STOP):
                return NO_BREAK
            if piece == "." and folded[end : end + 1].isalnum():
                return NO_BREAK
            return SENTENCE_END
        return COMMA if piece == "," else CLAUSE_END

    def _sentence(self, begin: int, asked: bool) -> None:
        words, end = self.words, len(self.words)
        number = len(self.sentences)
        self.sentences.append((begin, end))
        cuts = self._cuts(begin, end)
        fragment = self.fragments[-1] if self.fragments else 0
        starts = set(cuts)
        for i in range(begin, end):
            if self.breaks[i] or i in starts:
                fragment += 1
            self.fragments.append(fragment)
        last = len(cuts) - 1
        while last and words[cuts[last]] in english.LEANING:
            last -= 1
        for i, (first, after) in enumerate(zip(cuts, [*cuts[1:], end], strict=True)):
            self._clause(first, after, number, asked and i == last)
            if i > last and not self.clauses[-2].stated:
                self.clauses[-1] = replace(self.clauses[-1], stated=False)
        for i in range(begin, end):
            if words[i] in english.NEGATIVE:
                self.negatives.append(i)

    def _cuts(self, begin: int, end: int) -> list[int]:
        """Where the clauses of a sentence begin."""
        words, breaks = self.words, self.breaks
        cuts = [begin]
        soft: list[int] = []  # commas and "and" since the last cut
        for i in range(begin + 1, end):
            word = words[i]
            if breaks[i] == CLAUSE_END or (
                word in english.BREAKS and words[i - 1] not in ("not", "only")
            ):
                cuts += self._soft(cuts[-1], i, soft)
                cuts.append(i)
                soft = []
            elif breaks[i] or word in ("and", "or"):
                soft.append(i)
        return cuts + self._soft(cuts[-1], end, soft)

    def _soft(self, begin: int, end: int, soft: list[int]) -> list[int]:
        """Those commas and "and" on both sides of which there is a verb."""
        if not soft:
            return []
        cuts = []
        since = self._finite(begin, soft[0])
        for i, after in zip(soft, [*soft[1:], end], strict=True):
            finite = self._finite(i, after)
            if since and finite:
                cuts.append(i)
            since = since or finite
        return cuts

    def _finite(self, first: int, end: int) -> bool:
        return not english.FINITE.isdisjoint(self.words[first:end])

    def _clause(self, first: int, end: int, sentence: int, asked: bool) -> None:
        words = self.words[first:end]
        some = set(words)
        lead = 0
        while lead < len(words) - 1 and words[lead] in english.OPENERS:
            lead += 1
        finite = not english.FINITE.isdisjoint(some)
        stated = not (
            some & english.HEDGES or self._unsure(words) or self._asks(words, lead, asked, first)
        )
        tail = words[-1] if words[-1] not in english.TAGS or len(words) == 1 else words[-2]
        pointing = not some.isdisjoint(english.POINTING)
        self.clauses.append(
            Clause(
                first=first,
                end=end,
                sentence=sentence,
                stated=stated,
                begins=self._after_condition(words, first),
                open=not finite
                or words[lead] in english.AUX
                or tail in english.AUX
                or tail in english.NEGATIVE
                or pointing,
                light=finite and (pointing or "we" in some) and some <= english.LIGHT,
                leads=not finite
                or words[lead] in english.POINTING
                or words[lead] in english.NEGATIVE
                or tail in english.AUX
                or tail in english.NEGATIVE
                or not some.isdisjoint(english.CONTRASTS),
                contrast=not some.isdisjoint(english.CONTRASTS),
            )
        )

    def _after_condition(self, words: list[str], first: int) -> int:
        if words[0] not in english.CONDITIONS:
            return first
        verb = next((i for i, word in enumerate(words) if word in english.FINITE), len(words))
        return first + max(verb + 1, _CONDITION)

    def _unsure(self, words: list[str]) -> bool:
        pairs = pairwise(words)
        return any(
            (a == "not" and b in ("sure", "certain", "know")) or (a in english.ASKED and b == "if")
            for a, b in pairs
        )

    def _asks(self, words: list[str], lead: int, asked: bool, first: int) -> bool:
        head = words[lead]
        after = words[lead + 1] if lead + 1 < len(words) else ""
        if after == "not":
            after = words[lead + 2] if lead + 2 < len(words) else ""
        turned = head in english.AUX and (after in english.SUBJECTS or asked)
        if turned or asked:
            if not english.REMINDERS.isdisjoint(words):
                return False
            for i, word in enumerate(words[:-1]):
                if word in english.FRAMES and words[i + 1] == "that":
                    return False
        if turned:
            return True
        if not asked:
            return False
        last = len(words) - 1
        # "…, right?" asks whether it was heard, not whether it is so.
        before = last - (2 if words[last - 1 : last] == ["all"] else 1)
        tagged = words[last] in english.TAGS and (
            before >= 0 and self.fragments[first + last] != self.fragments[first + before]
        )
        # "What you get back is the price, okay?" asks nothing either.
        return not tagged or (head in english.ASKING and after not in english.SUBJECTS)

    # -- negation -----------------------------------------------------------------------------

    def deny(self, phrases: Iterable[tuple[int, ...]]) -> None:
        """Takes phrases, each by its words, for negations too."""
        more = [used[0] for used in phrases]
        if more:
            self.negatives = sorted({*self.negatives, *more})

    def denials(
        self, first: int, last: int, bearing: frozenset[int], used: frozenset[int], spared: set[int]
    ) -> int:
        """How many negations bear on the words from `first` to `last`.

        Args:
            bearing: the words that make the statement.
            used: words of a phrase; a negation among them is part of its meaning.
            spared: negations that deny nothing.
        """
        low, high = first - _FAR_BEFORE, last + _FAR_AFTER
        begin = bisect_right(self.negatives, low - 1)
        own = {self.fragments[i] for i in bearing}
        clauses = {self.clause_of(i) for i in bearing}
        found = 0
        for i in self.negatives[begin : bisect_right(self.negatives, high)]:
            if i in used or i in spared or self._spared(i):
                continue
            here = self.fragments[i] in own
            # "we do not, under any circumstances, refund postage"
            hanging = (
                i + 1 < len(self.fragments)
                and self.fragments[i + 1] != self.fragments[i]
                and i
                and self.fragments[i - 1] == self.fragments[i]
                and i < last
                and self.clause_of(i) in clauses
            )
            found += here or bool(hanging)
        return found

    def _spared(self, i: int) -> bool:
        """Whether a negation only repeats another: "no, we don't", "neither … nor"."""
        clause = self.clauses[self.clause_of(i)]
        if self.words[i] == "no" and (i == clause.first or self.words[i - 1] in english.OPENERS):
            follows = bisect_right(self.negatives, i)
            return follows < len(self.negatives) and self.negatives[follows] < min(
                clause.end, i + _FAR_BEFORE + 3
            )
        if self.words[i] in ("nor", "neither"):
            before = bisect_right(self.negatives, i) - 2
            return before >= 0 and self.negatives[before] >= max(clause.first, i - _FAR_BEFORE)
        return False
