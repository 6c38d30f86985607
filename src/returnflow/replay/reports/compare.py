"""Two texts of a procedure compared by the calls whose verdict flips, or that pass by one only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import msgspec

from returnflow.replay.findings import Finding, Report, Verdict
from returnflow.replay.reports.table import paragraph
from returnflow.replay.reports.tally import OUTCOMES, Outcome, outcome, place

_REASONS_SHOWN = 3


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """A call on which two texts of the procedure disagree.

    Args:
        before, after: the verdict by the text in use, and by the other one.
        passed_before, passed_after: whether the score reaches the pass mark, by each.
        gone, new: the findings that only one of the two has.
        gone_unobservable, new_unobservable: likewise, what could not be told.
    """

    id: str
    source: str
    line: int | None
    agent: str
    before: Verdict
    after: Verdict
    score_before: int
    score_after: int
    passed_before: bool
    passed_after: bool
    gone: tuple[Finding, ...]
    new: tuple[Finding, ...]
    gone_unobservable: tuple[str, ...]
    new_unobservable: tuple[str, ...]


@dataclass(slots=True)
class FlipTally:
    """How many calls went from which verdict to which, how many scores changed, and how many calls
    pass by one text only."""

    outcomes: dict[tuple[Outcome, Outcome], int] = field(default_factory=dict)
    scores: int = 0
    passes: int = 0
    differing: int = 0
    """Calls of which the verdict or the passing differs: those that `flip` tells of."""

    @property
    def flipped(self) -> int:
        """The calls whose verdict flips."""
        return sum(number for (one, two), number in self.outcomes.items() if one != two)

    def count(self, before: Report, after: Report) -> None:
        """Takes the two reports on one call in."""
        key = (outcome(before), outcome(after))
        self.outcomes[key] = self.outcomes.get(key, 0) + 1
        self.scores += before.score != after.score
        self.passes += before.passed != after.passed
        self.differing += flip(before, after) is not None

    def add(self, other: FlipTally) -> None:
        """Takes in the counts of the part of the log that follows."""
        for key, number in other.outcomes.items():
            self.outcomes[key] = self.outcomes.get(key, 0) + number
        self.scores += other.scores
        self.passes += other.passes
        self.differing += other.differing


def flip(before: Report, after: Report) -> Flip | None:
    """What differs, where the verdict or the passing does; None where both are the same."""
    if (before.verdict, before.passed) == (after.verdict, after.passed):
        return None
    return Flip(
        id=before.id,
        source=before.source,
        line=before.line,
        agent=before.agent,
        before=before.verdict,
        after=after.verdict,
        score_before=before.score,
        score_after=after.score,
        passed_before=before.passed,
        passed_after=after.passed,
        gone=_only(before.findings, after.findings),
        new=_only(after.findings, before.findings),
        gone_unobservable=_words_only(before.unobservable, after.unobservable),
        new_unobservable=_words_only(after.unobservable, before.unobservable),
    )


def _only(mine: tuple[Finding, ...], theirs: tuple[Finding, ...]) -> tuple[Finding, ...]:
    # The words of a finding may differ between two texts though it is the same one.
    known = {_key(each) for each in theirs}
    return tuple(each for each in mine if _key(each) not in known)


def _key(finding: Finding) -> tuple[object, ...]:
    return (
        finding.kind,
        finding.severity,
        finding.event,
        finding.index,
        finding.guard,
        finding.notice,
    )


def _words_only(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in mine if each not in theirs)


def told(flip: Flip) -> Iterator[str]:
    """A flip in lines."""
    verdict = flip.before if flip.before == flip.after else f"{flip.before} → {flip.after}"
    marks = {True: "passed", False: "failed"}
    mark = marks[flip.passed_after]
    if flip.passed_before != flip.passed_after:
        mark = f"{marks[flip.passed_before]} → {mark}"
    yield from paragraph(
        f"{flip.id} · {place(flip.source, flip.line)}: {verdict}, score "
        f"{flip.score_before} → {flip.score_after} ({mark})"
    )
    for label, findings in (("gone  ", flip.gone), ("new   ", flip.new)):
        for finding in findings[:_REASONS_SHOWN]:
            about = finding.guard or finding.notice or finding.event
            name = f"{finding.kind}, {finding.severity}" + (f": {about}" if about else "")
            yield from paragraph(f"{name}: {finding.reason}", label, 2)
        if len(findings) > _REASONS_SHOWN:
            yield f"  {label}and {len(findings) - _REASONS_SHOWN:,} more findings"
    for label, words in (
        ("now told      ", flip.gone_unobservable),
        ("no longer told", flip.new_unobservable),
    ):
        for reason in words[:_REASONS_SHOWN]:
            yield from paragraph(reason, f"{label}  ", 2)


def counts(tally: FlipTally, before: str, after: str) -> Iterator[str]:
    """How many calls flip, from which verdict to which."""
    total = sum(tally.outcomes.values())
    yield from paragraph(before, "before  ")
    yield from paragraph(after, "after   ")
    yield ""
    yield (
        f"{tally.flipped:,} of {total:,} {'call' if total == 1 else 'calls'} "
        f"{'flips' if tally.flipped == 1 else 'flip'}; {tally.scores:,} "
        f"{'score changes' if tally.scores == 1 else 'scores change'}, "
        f"{tally.passes:,} of them past the pass mark."
    )
    for one, two in product(OUTCOMES, OUTCOMES):
        number = tally.outcomes.get((one, two), 0)
        if number and one != two:
            yield f"  {one:<12} → {two:<12}  {number:>12,}"
