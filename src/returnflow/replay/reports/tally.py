"""Reports counted: by verdict, agent, step and finding, with the worst calls by name.

A tally is small however many calls went into it: names beyond a limit are counted together, and
lists keep their first lines only. Tallies of consecutive parts of a log add up to that of the
whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal, TypeVar

from returnflow.inert import inert
from returnflow.replay.findings import SEVERITIES, Finding, Report, Severity

Outcome = Literal["conforms", "inconclusive", "violates", "unreadable"]
"""The verdict; or that there is none, because nothing of the call could be read."""

OUTCOMES: tuple[Outcome, ...] = ("conforms", "inconclusive", "violates", "unreadable")

N = TypeVar("N", "AgentLine", "Count")

MAX_NAMES = 1000
"""So many agents, steps or findings are counted by name."""

MAX_LISTED = 10
"""So many calls of a kind are named in the summary."""

MAX_REASON = 500
"""So many characters of a reason are kept for a list."""

OTHERS = "(others)"
"""Under this name everything beyond `MAX_NAMES` is counted."""


def unread(report: Report) -> Finding | None:
    """The finding that says that nothing of the call could be read; None where it was read."""
    for finding in report.findings:
        if finding.kind == "unreadable" and finding.index is None:
            return finding
    return None


def damaged(report: Report) -> Finding | None:
    """The first finding that says that the call, or a part of it, could not be read."""
    for finding in report.findings:
        if finding.kind == "unreadable":
            return finding
    return None


def outcome(report: Report) -> Outcome:
    """The verdict, or ``unreadable``."""
    return "unreadable" if unread(report) else report.verdict


def place(source: str, line: int | None) -> str:
    """Where a call was read from, as ``file:line``."""
    return source if line is None else f"{source}:{line}"


def gravest(findings: Iterable[Finding]) -> Finding | None:
    """The first of the gravest findings."""
    return min(findings, key=lambda each: SEVERITIES.index(each.severity), default=None)


@dataclass(slots=True)
class AgentLine:
    """What came of one agent's calls. `seen`: those in which anything that was done can be seen;
    `passed` and `score` are of those."""

    calls: int = 0
    seen: int = 0
    violates: int = 0
    inconclusive: int = 0
    unreadable: int = 0
    passed: int = 0
    score: int = 0

    def add(self, other: AgentLine) -> None:
        self.calls += other.calls
        self.seen += other.seen
        self.violates += other.violates
        self.inconclusive += other.inconclusive
        self.unreadable += other.unreadable
        self.passed += other.passed
        self.score += other.score


@dataclass(slots=True)
class Count:
    """How many findings, and in how many calls."""

    findings: int = 0
    calls: int = 0

    def add(self, other: Count) -> None:
        self.findings += other.findings
        self.calls += other.calls


@dataclass(frozen=True, slots=True)
class About:
    """What a finding is about: its kind, and the condition, notice or event."""

    kind: str
    severity: Severity
    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A call that the summary names, with one reason."""

    id: str
    place: str
    score: int
    reason: str


@dataclass(slots=True)
class Tally:
    """The counts. `seen`: the calls in which anything that was done can be seen; `score`,
    `fitness` and `passed` are of those. Where nothing can be seen nobody has earned anything."""

    calls: int = 0
    seen: int = 0
    events: int = 0
    score: int = 0
    fitness: float = 0.0
    passed: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    partly: int = 0
    agents: dict[str, AgentLine] = field(default_factory=dict)
    steps: dict[str, Count] = field(default_factory=dict)
    findings: dict[About, Count] = field(default_factory=dict)
    worst: list[Listed] = field(default_factory=list)
    inconclusive: list[Listed] = field(default_factory=list)
    unreadable: list[Listed] = field(default_factory=list)

    def count(self, report: Report) -> None:
        """Takes a report in."""
        came_to = outcome(report)
        self.calls += 1
        self.outcomes[came_to] += 1
        line = _under(self.agents, report.agent, AgentLine)
        line.calls += 1
        if came_to == "unreadable":
            line.unreadable += 1
        else:
            self._read(report, line)
        if report.findings or report.unobservable:
            self._reasons(report, came_to)

    def _read(self, report: Report, line: AgentLine) -> None:
        if report.events:
            self.seen += 1
            self.events += report.events
            self.score += report.score
            self.fitness += report.fitness
            self.passed += report.passed
            line.seen += 1
            line.score += report.score
            line.passed += report.passed
        line.violates += report.verdict == "violates"
        line.inconclusive += report.verdict == "inconclusive"

    def _reasons(self, report: Report, came_to: Outcome) -> None:
        steps: set[str] = set()
        kinds: set[About] = set()
        for finding in report.findings:
            about = About(
                finding.kind, finding.severity, finding.notice or finding.guard or finding.event
            )
            _of(self.findings, about).add(Count(1, about not in kinds))
            kinds.add(about)
            if finding.severity != "remark" and finding.kind != "unreadable":
                step = _under(self.steps, finding.step, Count)
                step.add(Count(1, finding.step not in steps))
                steps.add(finding.step)
        broken = damaged(report)
        if broken is not None:
            self.partly += came_to != "unreadable"
            _list(self.unreadable, report, _at(broken))
        if came_to == "violates":
            first = gravest(report.findings)
            self.worst.append(_listed(report, first.reason if first else ""))
            self._keep_worst()
        elif came_to == "inconclusive":
            _list(self.inconclusive, report, _why(report))

    def add(self, other: Tally) -> None:
        """Takes in the tally of the part of the log that follows."""
        self.calls += other.calls
        self.seen += other.seen
        self.events += other.events
        self.score += other.score
        self.fitness += other.fitness
        self.passed += other.passed
        self.partly += other.partly
        for came_to, number in other.outcomes.items():
            self.outcomes[came_to] += number
        for agent, line in other.agents.items():
            _under(self.agents, agent, AgentLine).add(line)
        for step, number_of in other.steps.items():
            _under(self.steps, step, Count).add(number_of)
        for about, number_of in other.findings.items():
            _of(self.findings, about).add(number_of)
        self.worst.extend(other.worst)
        self._keep_worst()
        for mine, theirs in (
            (self.inconclusive, other.inconclusive),
            (self.unreadable, other.unreadable),
        ):
            mine.extend(theirs[: MAX_LISTED - len(mine)])

    def _keep_worst(self) -> None:
        # The sort is stable, so of equal scores the first in the log stay.
        self.worst.sort(key=attrgetter("score"))
        del self.worst[MAX_LISTED:]


def _under(names: dict[str, N], name: str, new: type[N]) -> N:
    if name not in names and len(names) >= MAX_NAMES:
        name = OTHERS
    return names.setdefault(name, new())


def _of(counts: dict[About, Count], about: About) -> Count:
    if about not in counts and len(counts) >= MAX_NAMES:
        about = About(about.kind, about.severity, OTHERS)
    return counts.setdefault(about, Count())


def _why(report: Report) -> str:
    """The first reason why nothing can be said, and how many there are besides."""
    if not report.unobservable:
        return ""
    more = len(report.unobservable) - 1
    return report.unobservable[0] + (f" (and {more} more)" if more else "")


def _at(finding: Finding) -> str:
    if finding.index is None:
        return finding.reason
    return f"member {finding.index}: {finding.reason}"


def _list(lines: list[Listed], report: Report, reason: str) -> None:
    if len(lines) < MAX_LISTED:
        lines.append(_listed(report, reason))


def _listed(report: Report, reason: str) -> Listed:
    return Listed(
        inert(report.id),
        inert(place(report.source, report.line)),
        report.score,
        inert(reason[:MAX_REASON]),
    )
