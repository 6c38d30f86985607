"""Where a text says the contrary of a notice: not that it is silent, but that it says otherwise.

Only what can hardly be meant differently is taken, and only of the wording that stands first:

- a denied one, such as `shipping` and `refund`: the same terms in a plain clause, nothing denied;
- one in order, such as `approval`, then `pickup`: the first is not needed, or comes after the last.

A guess, a condition, a report of what somebody said, or a second negation, and it is not certain.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from returnflow.engine import english
from returnflow.engine.compiled import Wording
from returnflow.engine.phrases import Occurrence
from returnflow.engine.spoken import CLAUSE_END, COMMA, NO_BREAK, SENTENCE_END
from returnflow.engine.statements import Claim, Said, Span, claims, quoted

_ROUND: Final = 15
"""Words before and after that are looked at for what makes it uncertain."""

_APART: Final = 8
"""Words that may stand between two terms that belong together."""

_BESIDE: Final = 4
"""Words on each side among which what another notice is about must not stand."""

_FOREIGN: Final = "§x"
_SIGNS: Final = {COMMA: ", ", CLAUSE_END: "; ", SENTENCE_END: ". "}

# Every pattern ends somewhere: the time it takes grows with the length of the text alone.
_SOME = r"(?:(?!(?:that|this|which|then|and|or|not|no|never|without)\b)[a-z0-9'&-]+ ){0,5}"
_FEW = r"(?:(?:wait\w*|need\w*|for|any|an|a|the|your|our|prior|further|first) ){0,4}"
# Who or what it is that is done: in speech without signs, more words may belong elsewhere.
_SUBJECT = (
    r"(?:(?:we|they|it|(?:the|your|our) \w+) )?"
    r"(?:(?:is|are|has|have|been|gets|any|an|a|the|your|our) ){0,3}"
)
_NEED = "(?:needed|necessary|required)"
_NEEDLESS: Final = (
    rf"(?:not|no) (?:\w+ )?(?:need|have|wait|require|depend)\w* {_SOME}§a (?!of |by |from )",
    rf"no (?:\w+ )?§a (?!of |by |from ){_SOME}{_NEED} ",
    rf"§a {_SOME}not (?:\w+ )?{_NEED} ",
    rf"without {_FEW}§a ",
)
_TURNED: Final = (
    rf"§b {_SOME}(?:before|prior to|ahead of) {_SUBJECT}§a ",
    rf"§a {_SOME}(?:after|once) {_SUBJECT}§b ",
    rf"(?<!only )(?:after|once|as soon as) {_SUBJECT}§b {_SOME}(?:, )?{_SOME}§a ",
)
_NEEDLESS_RE: Final = re.compile(r"(?<!\S)(?:" + "|".join(_NEEDLESS) + ")")
_TURNED_RE: Final = re.compile(r"(?<!\S)(?:" + "|".join(_TURNED) + ")")


def contrary(wording: Wording, said: Said, foreign: frozenset[str]) -> Span | None:
    """Where the contrary of a wording is certain to be said; None where it is not.

    Args:
        foreign: terms that other notices are about; beside one, something else may be meant.
    """
    if wording.values:
        return None
    if wording.denied and wording.sentences is None and not wording.ordered:
        return _plain(wording, said)
    if wording.ordered and not wording.denied and len(wording.parts) > 1:
        return _otherwise(wording, said, foreign)
    return None


def _plain(wording: Wording, said: Said) -> Span | None:
    utterance = said.utterance
    for claim in claims(wording, said, None):
        if claim.right or utterance.clause_of(claim.last) != utterance.clause_of(claim.first):
            continue
        clause = utterance.clauses[claim.clause]
        words = utterance.words[clause.first : clause.end]
        between = utterance.words[claim.first : claim.last]
        if (
            claim.last - claim.first <= _APART + 2
            and not english.FINITE.isdisjoint(words)
            and english.DETACHING.isdisjoint(between)
            # "refund and shipping details" joins two names of something else.
            and not {"and", "or"} >= set(between[1:]) - {"the", "your"} != set()
            and not _negations(said, claim.first, claim.last)
            and _certain(said, claim.first, claim.last)
        ):
            return quoted(claim, utterance)
    return None


def _otherwise(wording: Wording, said: Said, foreign: frozenset[str]) -> Span | None:
    a, b = said.at.get(wording.parts[0], ()), said.at.get(wording.parts[-1], ())
    if not a or not b:
        return None
    marks: dict[int, tuple[str, int]] = {}
    for term in sorted(foreign):
        marks.update({found.first: (_FOREIGN, found.last) for found in said.at.get(term, ())})
    marks.update({found.first: ("§b", found.last) for found in b})
    marks.update({found.first: ("§a", found.last) for found in a})
    line, starts, ranges = _line(said, marks)
    for pattern, denied in ((_NEEDLESS_RE, 1), (_TURNED_RE, 0)):
        for match in pattern.finditer(line):
            first = ranges[bisect_right(starts, match.start()) - 1][0]
            last = ranges[bisect_right(starts, match.end() - 2) - 1][1]
            low, high = _with(said, first, last, b) if denied else (first, last)
            around = range(max(low - _BESIDE, 0), high + _BESIDE + 1)
            if (
                low >= 0
                and all(marks.get(i, ("", 0))[0] != _FOREIGN for i in around)
                and _negations(said, low, high) == denied
                and _certain(said, low, high)
            ):
                number = said.utterance.clause_of(low)
                return quoted(Claim(number, False, low, high), said.utterance)
    return None


def _line(
    said: Said, marks: dict[int, tuple[str, int]]
) -> tuple[str, list[int], list[tuple[int, int]]]:
    """The words as one line, terms as marks; where each begins in it, and the words it is."""
    words, breaks = said.utterance.words, said.utterance.breaks
    parts: list[str] = []
    starts: list[int] = []
    ranges: list[tuple[int, int]] = []
    length = i = 0
    while i < len(words):
        if breaks[i] > NO_BREAK:
            sign = _SIGNS[breaks[i]]
            parts.append(sign)
            length += len(sign)
        text, last = marks.get(i, (words[i], i))
        starts.append(length)
        ranges.append((i, last))
        parts.append(f"{text} ")
        length += len(text) + 1
        i = last + 1
    return "".join(parts), starts, ranges


def _with(said: Said, first: int, last: int, ends: Sequence[Occurrence]) -> tuple[int, int]:
    """From what is needless to the nearest last term, in the same sentence or the one beside it."""
    utterance = said.utterance
    place = bisect_right(ends, (first,))
    for end in ends[max(place - 1, 0) : place + 1]:
        low, high = min(first, end.first), max(last, end.last)
        near = utterance.sentence_of(high) - utterance.sentence_of(low) <= 1
        if near and high - low <= _ROUND + (last - first):
            return low, high
    return -1, -1


def _window(said: Said, first: int, last: int) -> range:
    """The words round a statement that can bear on it: those of its own sentences."""
    utterance = said.utterance
    low = utterance.sentences[utterance.sentence_of(first)][0]
    high = utterance.sentences[utterance.sentence_of(last)][1]
    return range(max(low, first - _ROUND), min(high, last + 1 + _ROUND))


def _negations(said: Said, first: int, last: int) -> int:
    """How many negations stand round a statement, but for those that deny nothing."""
    window, negatives = _window(said, first, last), said.utterance.negatives
    low = bisect_left(negatives, window.start)
    return sum(i not in said.spared for i in negatives[low : bisect_left(negatives, window.stop)])


def _certain(said: Said, first: int, last: int) -> bool:
    """Whether a statement is plain: no question, no guess, no condition, nobody else's words."""
    utterance, window = said.utterance, _window(said, first, last)
    # "not only" is no "only".
    if any(utterance.words[i] in english.UNCERTAIN for i in window if i not in said.spared):
        return False
    numbers = range(utterance.clause_of(first), utterance.clause_of(last) + 1)
    return all(utterance.clauses[number].stated for number in numbers)
