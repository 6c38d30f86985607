"""Reports as CSV for a spreadsheet: a row for each finding, and one for a call without any."""

from __future__ import annotations

import csv
import io

from returnflow.inert import inert
from returnflow.replay.findings import Finding, Report
from returnflow.replay.reports.tally import outcome

CALL = (
    "id",
    "source",
    "line",
    "format",
    "agent",
    "verdict",
    "score",
    "passed",
    "fitness",
    "ended_in",
    "not_observable",
)
FINDING = (
    "kind",
    "severity",
    "step",
    "state",
    "event",
    "index",
    "at",
    "reason",
    "quote",
    "quote_turn",
    "quote_offset",
    "repair",
    "guard",
    "notice",
    "rules",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def head() -> bytes:
    """The row of column names."""
    return _written([(*CALL, *FINDING)])


def rows(report: Report) -> bytes:
    """The rows of one report."""
    call = (
        report.id,
        report.source,
        report.line,
        report.format,
        report.agent,
        outcome(report),
        report.score,
        "yes" if report.passed else "no",
        f"{report.fitness:.4f}",
        report.state,
        " | ".join(report.unobservable),
    )
    findings = [_finding(each) for each in report.findings] or [("",) * len(FINDING)]
    return _written([(*call, *each) for each in findings])


def cell(value: object) -> str:
    """A text that no spreadsheet takes for a formula and no terminal obeys (rule 37)."""
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and text.startswith(_FORMULA):
        text = f"'{text}"
    return inert(text)


def _finding(finding: Finding) -> tuple[object, ...]:
    quote = finding.quote
    return (
        finding.kind,
        finding.severity,
        finding.step,
        finding.state,
        finding.event,
        finding.index,
        finding.at.isoformat() if finding.at else "",
        finding.reason,
        quote.text if quote else "",
        quote.turn if quote else "",
        quote.offset if quote else "",
        finding.repair,
        finding.guard,
        finding.notice,
        " ".join(finding.rules),
    )


def _written(lines: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([cell(each) for each in line] for line in lines)
    return text.getvalue().encode()
