"""How grave a finding of replay is, and what it costs: the `scorecard` of a procedure's YAML.

The YAML need not have one; what it leaves out has the defaults below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

import msgspec

Kind = Literal[
    "skipped_step",
    "unexpected_event",
    "unknown_event",
    "guard_failed",
    "notice_missing",
    "wrong_argument",
    "unfinished",
    "rule_broken",
    "unreadable",
    "early_lookup",
    "repeated_lookup",
    "not_observable",
]
"""What is the matter; the last three are only ever remarks, and so is what cannot be read."""

Severity = Literal["critical", "major", "minor", "remark"]
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor", "remark")
"""The gravest first. A remark is no violation."""

REMARKS: frozenset[Kind] = frozenset(
    {"early_lookup", "repeated_lookup", "not_observable", "unreadable"}
)
"""Kinds that are never held against anyone: the fault, if any, is the record's."""

_SEVERITY: Mapping[Kind, Severity] = {
    "skipped_step": "major",
    "unexpected_event": "minor",
    "unknown_event": "minor",
    "guard_failed": "major",
    "notice_missing": "major",
    "wrong_argument": "major",
    "unfinished": "minor",
    "rule_broken": "major",
}
_WEIGHT: Mapping[Kind, int] = {
    "skipped_step": 20,
    "unexpected_event": 5,
    "unknown_event": 5,
    "guard_failed": 30,
    "notice_missing": 10,
    "wrong_argument": 20,
    "unfinished": 5,
    "rule_broken": 10,
}


class AutoFail(msgspec.Struct, frozen=True):
    """A call in which there is such a finding has failed, whatever else is in it.

    All that is given must fit: the kind of the finding, the guard, the notice or the event that
    it is about, its severity, its step.
    """

    label: str
    kind: Kind | None = None
    guard: str | None = None
    notice: str | None = None
    event: str | None = None
    severity: Severity | None = None
    step: str | None = None


class Scorecard(msgspec.Struct, frozen=True):
    """The `scorecard` block of a procedure.

    Args:
        pass_mark: the least score, 0 to 100, with which a call passes.
        severities: by kind of finding.
        guards: by guard, for a finding about one; goes before its kind's.
        notices: by notice, for one that was looked for in recorded text and not heard; goes
            before its kind's.
        presenting: of orders or items that were not presented in recorded text.
        weights: points that a finding costs, by kind.
        steps: a factor for the points, by step.
    """

    pass_mark: int
    severities: Mapping[Kind, Severity]
    guards: Mapping[str, Severity]
    notices: Mapping[str, Severity]
    presenting: Severity
    weights: Mapping[Kind, int]
    steps: Mapping[str, float]
    auto_fail: tuple[AutoFail, ...]


class Scored(Protocol):
    """What a finding must show to be scored."""

    @property
    def kind(self) -> Kind: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def guard(self) -> str: ...
    @property
    def notice(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def step(self) -> str: ...


def severity_of(card: Scorecard, kind: Kind, *, guard: str = "", notice: str = "") -> Severity:
    """How grave a finding of that kind is, about that guard or that unheard notice."""
    if kind in REMARKS:
        return "remark"
    if notice in card.notices:
        return card.notices[notice]
    if guard in card.guards:
        return card.guards[guard]
    return card.severities.get(kind, _SEVERITY[kind])


def failed_at_once(card: Scorecard, findings: Iterable[Scored]) -> list[str]:
    """The labels of the auto-fail rules that apply, each once."""
    found = list(findings)
    return [rule.label for rule in card.auto_fail if any(_fits(rule, each) for each in found)]


def _fits(rule: AutoFail, found: Scored) -> bool:
    wanted = (rule.kind, rule.guard, rule.notice, rule.event, rule.severity, rule.step)
    have = (found.kind, found.guard, found.notice, found.event, found.severity, found.step)
    return found.severity != "remark" and all(
        want is None or want == has for want, has in zip(wanted, have, strict=True)
    )


def score(card: Scorecard, findings: Iterable[Scored]) -> int:
    """100 less the points of every finding above a remark; 0 where an auto-fail rule applies."""
    found = [each for each in findings if each.severity != "remark"]
    if failed_at_once(card, found):
        return 0
    lost = sum(
        card.weights.get(each.kind, _WEIGHT.get(each.kind, 0)) * card.steps.get(each.step, 1.0)
        for each in found
    )
    return max(0, round(100 - lost))
