"""The phrases of a procedure's `terms`, and where they occur in what was said.

A phrase is words in a row. ``refund*`` is every word that begins so, ``fee|charge*`` is either of
them, and ``..`` lets up to six words stand between. No phrase goes on beyond the end of a
sentence, and no sign but a hyphen stands between words in a row. Of phrases that overlap the
longer one wins, so that one which means something else can be listed under `NOTHING`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from returnflow.engine import english, spoken

NOTHING: Final = "nothing"
"""The term whose phrases mean none of the others, and whose negations deny nothing."""

DENIAL: Final = "denial"
"""The term whose phrases deny what is said as "not" does: "excluding", "apart from"."""

MAX_WORDS: Final = 8
"""Of one phrase."""

GAP: Final = 6
"""How many words ``..`` stands for at most."""

MIN_STEM: Final = 3
"""Letters before a ``*``."""

# Words that a text may hold without their letters: "won't" is "will not".
_CONTRACTED = english.words("not will is are have would am shall us")
_WORD = re.compile(r"[a-z0-9]+(?:['&-][a-z0-9]+)*\*?")


class Occurrence(NamedTuple):
    """The words, by their places, at which a phrase begins and ends, and those that it takes."""

    first: int
    last: int
    used: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    """One place of a phrase: the words that fit, the stems that fit, and a gap before it."""

    exact: frozenset[str]
    stems: tuple[str, ...]
    gap: bool

    def fits(self, word: str) -> bool:
        return word in self.exact or (bool(self.stems) and word.startswith(self.stems))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, ready to be looked for."""

    words: tuple[_Word, ...]

    @property
    def solid(self) -> bool:
        """Whether its words stand in a row."""
        return not any(word.gap for word in self.words)

    def needs(self) -> tuple[str, ...]:
        """Letters of which some are in every text in which the phrase occurs."""
        choices = [(*word.exact, *word.stems) for word in self.words]
        kept = [choice for choice in choices if _CONTRACTED.isdisjoint(choice)]
        return max(kept, key=lambda c: (min(map(len, c)), -len(c)), default=("",))

    def at(self, words: Sequence[str], breaks: Sequence[int], first: int) -> Occurrence | None:
        """Its occurrence that begins at a word which fits its own first word.

        Args:
            breaks: what ends before each word, as `Utterance` has it.
        """
        used = [first]
        here = first
        for word in self.words[1:]:
            reach = here + 2 + (GAP if word.gap else 0)
            bound = spoken.SENTENCE_END if word.gap else spoken.COMMA
            for i in range(here + 1, min(reach, len(words))):
                if breaks[i] >= bound:
                    return None
                if word.fits(words[i]):
                    here = i
                    used.append(i)
                    break
            else:
                return None
        return Occurrence(first, here, tuple(used))


def problem(text: str) -> str | None:
    """What is wrong with a phrase, and how to mend it; None where nothing is."""
    parts = text.split()
    if not parts:
        return "a phrase is empty; write some words"
    if len(parts) > MAX_WORDS:
        return f"a phrase has at most {MAX_WORDS} words; {text!r} has {len(parts)}"
    if parts[0] == ".." or parts[-1] == "..":
        return f"'..' stands between words; {text!r} begins or ends with it"
    if any(a == b == ".." for a, b in pairwise(parts)):
        return f"one '..' is enough in {text!r}; it stands for up to {GAP} words"
    for part in parts:
        if part == "..":
            continue
        for choice in part.split("|"):
            if wrong := _word_problem(choice, part):
                return f"{wrong} (in {text!r})"
    return None


def _word_problem(choice: str, part: str) -> str | None:
    if not _WORD.fullmatch(choice):
        if choice != choice.lower() and _WORD.fullmatch(choice.lower()):
            return f"capitals do not matter; write {choice.lower()!r}"
        return (
            f"{choice!r} is no word of a phrase: small letters and digits, with '*' at the end "
            "for any ending and '|' between two words that both fit"
        )
    if choice.endswith("*") and len(choice) - 1 < MIN_STEM:
        return f"{choice!r} would fit too much; write at least {MIN_STEM} letters before '*'"
    if "|" in part and len(_words(choice)) > 1:
        return f"{choice!r} is several words; with '|' write it as a phrase of its own"
    return None


def parse(text: str) -> Phrase:
    """A phrase in which `problem` finds nothing wrong."""
    words: list[_Word] = []
    gap = False
    for part in text.split():
        if part == "..":
            gap = True
            continue
        choices = part.split("|")
        if len(choices) == 1:
            for word in _words(choices[0]):
                words.append(_choice([word], gap))
                gap = False
            continue
        words.append(_choice([_words(choice)[0] for choice in choices], gap))
        gap = False
    return Phrase(tuple(words))


def _choice(words: list[str], gap: bool) -> _Word:
    return _Word(
        frozenset(word for word in words if not word.endswith("*")),
        tuple(word[:-1] for word in words if word.endswith("*")),
        gap,
    )


def _words(choice: str) -> tuple[str, ...]:
    stem = choice.endswith("*")
    parts = [w for part in re.split("[&-]", choice.rstrip("*")) for w in spoken.expanded(part)]
    return (*parts[:-1], parts[-1] + ("*" if stem else ""))


class Lexicon:
    """All phrases of a procedure, by the words with which they begin."""

    def __init__(self, terms: Mapping[str, Sequence[str]]) -> None:
        self._exact: dict[str, list[tuple[str, Phrase]]] = {}
        self._stems: dict[str, list[tuple[str, Phrase]]] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        for term, phrases in terms.items():
            parsed = [parse(phrase) for phrase in phrases]
            needs = {need for phrase in parsed for need in phrase.needs()}
            self._needs[term] = tuple(
                sorted(n for n in needs if not any(m in n and m != n for m in needs))
            )
            for phrase in parsed:
                self._add(term, phrase)
        for idiom in english.IDIOMS:
            self._add(NOTHING, parse(idiom))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._starts: dict[str, tuple[tuple[str, Phrase], ...]] = {}

    def _add(self, term: str, phrase: Phrase) -> None:
        first = phrase.words[0]
        for word in first.exact:
            self._exact.setdefault(word, []).append((term, phrase))
        for stem in first.stems:
            self._stems.setdefault(stem, []).append((term, phrase))

    def rarest_first(self, terms: Iterable[str]) -> tuple[str, ...]:
        """Terms in the order in which it pays to ask `maybe` about them."""
        return tuple(sorted(terms, key=lambda term: len(self._needs[term])))

    def maybe(self, term: str, folded: str) -> bool:
        """Whether a folded text could hold a term; a quick look that may say yes in vain."""
        for need in self._needs.get(term, ()):  # noqa: SIM110 (any() costs three times as much)
            if need in folded:
                return True
        return False

    def occurrences(
        self, words: Sequence[str], breaks: Sequence[int]
    ) -> dict[str, list[Occurrence]]:
        """Where each term occurs, in order, without those that lie in a longer phrase."""
        found: list[tuple[str, Phrase, Occurrence]] = []
        for i, word in enumerate(words):
            for term, phrase in self._starting(word):
                occurrence = phrase.at(words, breaks, i)
                if occurrence is not None:
                    found.append((term, phrase, occurrence))
        kept: dict[str, list[Occurrence]] = {}
        for term, occurrence in _longest(found):
            kept.setdefault(term, []).append(occurrence)
        return kept

    def _starting(self, word: str) -> tuple[tuple[str, Phrase], ...]:
        known = self._starts.get(word)
        if known is None:
            known = (*self._exact.get(word, ()), *self._stemmed(word))
            if len(self._starts) >= 20_000:
                self._starts.clear()
            self._starts[word] = known
        return known

    def _stemmed(self, word: str) -> Iterator[tuple[str, Phrase]]:
        for length in self._lengths:
            if length > len(word):
                return
            yield from self._stems.get(word[:length], ())


def _longest(
    found: list[tuple[str, Phrase, Occurrence]],
) -> Iterator[tuple[str, Occurrence]]:
    """What does not lie within a longer phrase; `found` is in the order of the first words."""
    solid: dict[int, int] = {}
    for _, phrase, (first, last, _used) in found:
        if phrase.solid:
            solid[first] = max(last, solid.get(first, -1))
    starts = list(solid)
    point, reach = 0, -1  # how far the phrases reach that begin earlier
    for term, _, occurrence in found:
        while point < len(starts) and starts[point] < occurrence.first:
            reach = max(reach, solid[starts[point]])
            point += 1
        if reach < occurrence.last and solid.get(occurrence.first, -1) <= occurrence.last:
            yield term, occurrence
