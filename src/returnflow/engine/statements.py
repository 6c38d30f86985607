"""The statements of a text that say what a wording says, and whether they stand.

A statement is made where the terms of a wording come together, in one clause or in a few
sentences. It counts where it says that something is so, is denied or not as the wording has it,
and is not taken back.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from returnflow.engine.compiled import VALUE, Wording
from returnflow.engine.phrases import DENIAL, NOTHING, Lexicon, Occurrence
from returnflow.engine.said_value import Spelled, bare
from returnflow.engine.spoken import Utterance

Span = tuple[int, int]
"""Where in a text something was said: from, and up to before; in characters."""

_NEAR: Final = 40
"""Words that the parts of one statement may span within a clause, and in each sentence."""

_BACK: Final = 2
"""Clauses back to which one that leans on what was said before may reach."""

_QUOTED: Final = 400
"""Characters of a sentence that are quoted whole."""


class Claim(NamedTuple):
    """A statement found: in which clause, whether as the wording has it, and its words."""

    clause: int
    right: bool
    first: int
    last: int


class Said:
    """A text, read, with where the terms of the procedure occur in it."""

    __slots__ = ("_spelled", "_text", "at", "spared", "utterance")

    def __init__(self, text: str, folded: str, places: list[int] | None, lexicon: Lexicon) -> None:
        self.utterance = Utterance(folded, places)
        self.at = lexicon.occurrences(self.utterance.words, self.utterance.breaks)
        for term, found in self.at.items():
            # "the return, and the item cost": nothing reaches from one statement into another.
            self.at[term] = [o for o in found if self._within(o)]
        denials = [occurrence.used for occurrence in self.at.get(DENIAL, ())]
        self.utterance.deny(denials)
        # A denial counts once, at its first word; what means nothing denies nothing.
        self.spared = {i for used in denials for i in used[1:]}
        self.spared |= {i for occurrence in self.at.pop(NOTHING, ()) for i in occurrence.used}
        self._text = text
        self._spelled: Spelled | None = None

    def _within(self, occurrence: Occurrence) -> bool:
        """Whether the words of a phrase stand in a row, or in one clause."""
        first, last, used = occurrence
        clause_of = self.utterance.clause_of
        return last - first < len(used) or clause_of(first) == clause_of(last)

    @property
    def spelled(self) -> Spelled:
        """The text as values can be found in it."""
        if self._spelled is None:
            self._spelled = Spelled(self._text, self.utterance.words, self.utterance.at)
        return self._spelled


def claims(wording: Wording, said: Said, values: Mapping[str, Any] | None) -> Iterator[Claim]:
    """Every statement about what a wording is about; without values, any id will do."""
    at = _parts(wording, said, values)
    if at is None:
        return iter(())
    if wording.sentences is None:
        return _in_clauses(wording, at, said)
    return _in_sentences(wording, at, said)


def standing(claims: Iterable[Claim], said: Said) -> Span | None:
    """Where the first statement is that has what the wording asks for and is not taken back."""
    claim = _standing(list(claims), said.utterance)
    return None if claim is None else quoted(claim, said.utterance)


def _parts(
    wording: Wording, said: Said, values: Mapping[str, Any] | None
) -> dict[str, list[Occurrence]] | None:
    """Where each part of a wording occurs; None where one is nowhere."""
    at: dict[str, list[Occurrence]] = {}
    for part in wording.parts:
        match = VALUE.fullmatch(part) if part.startswith("{") else None
        if match is None:
            at[part] = said.at.get(part, [])
        elif values is None:
            at[part] = said.spelled.anything()
        else:
            value = values.get(match[1])
            if len(wording.parts) == 1 and not bare(value):
                return None
            at[part] = said.spelled.occurrences(value)
        if not at[part]:
            return None
    return at


# -- statements -------------------------------------------------------------------------------


def _in_clauses(
    wording: Wording, at: Mapping[str, list[Occurrence]], said: Said
) -> Iterator[Claim]:
    """The statements of a wording that lie within one clause, or lean on the one before."""
    utterance = said.utterance
    here: dict[int, dict[str, list[Occurrence]]] = {}
    for part, occurrences in at.items():
        for occurrence in occurrences:
            group = here.setdefault(utterance.clause_of(occurrence.first), {})
            group.setdefault(part, []).append(occurrence)
    light = {
        follows
        for number in here
        for follows in range(number + 1, min(number + _BACK, len(utterance.clauses) - 1) + 1)
        if follows not in here and utterance.clauses[follows].light
    }
    for number in sorted(here.keys() | light):
        group = here.get(number, {})
        if len(group) == len(at):
            for window in _windows(wording, group):
                yield from _claim(wording, number, window, said)
        elif (
            not wording.ordered
            and not wording.values
            # One clause that leans on another holds few words; a long one is no such clause.
            and sum(map(len, group.values())) <= 2 * len(at)
            and _leans(wording, number, group, here, utterance)
        ):
            some = {part: found[-1] for part, found in group.items()}
            yield from _claim(wording, number, some, said)


def _leans(
    wording: Wording,
    number: int,
    group: Mapping[str, list[Occurrence]],
    here: Mapping[int, Mapping[str, list[Occurrence]]],
    utterance: Utterance,
) -> bool:
    """Whether what a clause leaves out was said just before it."""
    clause = utterance.clauses[number]
    if not (clause.open if group else clause.light):
        return False
    missing = set(wording.parts) - group.keys()
    for before in range(number - 1, max(number - 1 - _BACK, -1), -1):
        near = utterance.clauses[before]
        if near.sentence < clause.sentence - 1:
            break
        if near.sentence < clause.sentence and not clause.leads:
            break
        missing -= here.get(before, {}).keys()
    return not missing


def _in_sentences(
    wording: Wording, at: Mapping[str, list[Occurrence]], said: Said
) -> Iterator[Claim]:
    """The statements of a wording that may stretch over clauses and sentences."""
    utterance = said.utterance
    reach = wording.sentences or 1
    for window in _windows(wording, at):
        first = min(occurrence.first for occurrence in window.values())
        last = max(occurrence.last for occurrence in window.values())
        if utterance.sentence_of(last) - utterance.sentence_of(first) < reach:
            yield from _claim(wording, utterance.clause_of(first), window, said)


def _claim(
    wording: Wording, number: int, window: Mapping[str, Occurrence], said: Said
) -> Iterator[Claim]:
    """The statement that some occurrences make, if they make one; none: a clause that leans."""
    utterance = said.utterance
    clause = utterance.clauses[number]
    used = frozenset(i for occurrence in window.values() for i in occurrence.used)
    words = used or frozenset(range(clause.first, clause.end))
    first, last = min(words), max(words)
    if last - first > _NEAR * (wording.sentences or 1):
        return
    begins: dict[int, int] = {}
    for i in sorted(words):
        begins.setdefault(utterance.clause_of(i), i)
    for touched, begin in begins.items():
        clause = utterance.clauses[touched]
        # "if it is approved": the condition may be what the wording asks for.
        if not clause.stated or (begin < clause.begins and clause.first not in used):
            return
    if wording.unless and _excluded(wording, first, last, said):
        return
    if wording.values:
        denials = _value_denied(window, utterance)
    else:
        denials = utterance.denials(first, last, words, used, said.spared)
    yield Claim(number, denials % 2 == int(wording.denied), first, last)


def _value_denied(window: Mapping[str, Occurrence], utterance: Utterance) -> int:
    """Whether a value is named only to say that it is not the one: "not RT-1"."""
    first = min(found.first for part, found in window.items() if VALUE.fullmatch(part))
    before = utterance.words[max(first - 2, 0) : first]
    return int("not" in before or "never" in before or before[-1:] == ["no"])


def _excluded(wording: Wording, first: int, last: int, said: Said) -> bool:
    """Whether a term stands beside a statement that makes it another one."""
    utterance = said.utterance
    if wording.sentences is None:
        clause = utterance.clauses[utterance.clause_of(first)]
        low, high = clause.first, clause.end
    else:
        low = utterance.sentences[utterance.sentence_of(first)][0]
        high = utterance.sentences[utterance.sentence_of(last)][1]
    low, high = max(low, first - _NEAR), min(high, last + _NEAR)
    for term in wording.unless:
        found = said.at.get(term, [])
        place = bisect_left(found, (low,))
        if place < len(found) and found[place].first < high:
            return True
    return False


def _windows(
    wording: Wording, at: Mapping[str, list[Occurrence]]
) -> Iterator[Mapping[str, Occurrence]]:
    """The shortest runs in which every part occurs, as the occurrence of each part."""
    if wording.ordered:
        yield from _ordered(wording.parts, at)
        return
    merged = sorted((occurrence, part) for part, found in at.items() for occurrence in found)
    newest: dict[str, Occurrence] = {}
    for occurrence, part in merged:
        newest[part] = occurrence
        if len(newest) == len(at):
            yield dict(newest)


def _ordered(
    parts: Sequence[str], at: Mapping[str, list[Occurrence]]
) -> Iterator[Mapping[str, Occurrence]]:
    firsts = {part: [occurrence.first for occurrence in at[part]] for part in parts}
    for begin in at[parts[0]]:
        window = {parts[0]: begin}
        last = begin.last
        for part in parts[1:]:
            place = bisect_right(firsts[part], last)
            if place == len(firsts[part]):
                return
            window[part] = at[part][place]
            last = window[part].last
        yield window


# -- what stands ------------------------------------------------------------------------------


def _standing(claims: Sequence[Claim], utterance: Utterance) -> Claim | None:
    """The first statement that is not taken back: "it isn't refunded, but in your case it is"."""
    right = sorted({claim for claim in claims if claim.right})
    stated = {claim.clause for claim in right}
    wrong = sorted({claim.clause for claim in claims if not claim.right} - stated)
    for claim in right:
        place = bisect_right(wrong, claim.clause)
        later = wrong[place] if place < len(wrong) else None
        if later is None or not _taken_back(claim.clause, later, utterance):
            return claim
    return None


def _taken_back(clause: int, later: int, utterance: Utterance) -> bool:
    if later > clause + 3:
        return False
    return any(utterance.clauses[i].contrast for i in range(clause + 1, later + 1))


def quoted(claim: Claim, utterance: Utterance) -> Span:
    """The sentences of a statement; of one without end only the words round it."""
    begin = utterance.sentences[utterance.sentence_of(claim.first)][0]
    end = utterance.sentences[utterance.sentence_of(claim.last)][1] - 1
    if utterance.at[end][1] - utterance.at[begin][0] > _QUOTED:
        begin, end = max(begin, claim.first - 10), min(end, claim.last + 10)
    return utterance.at[begin][0], utterance.at[end][1]
