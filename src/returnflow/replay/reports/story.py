"""One call told in full: what the log shows of it, with each finding at its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from returnflow.engine.transcript import Recorded, ToolCall, Transcript, Turn
from returnflow.engine.vocabulary import Event, event_name
from returnflow.replay.findings import Finding, Report
from returnflow.replay.reports.table import paragraph
from returnflow.replay.reports.tally import outcome, place

MAX_VALUE = 300
"""So many characters of an argument or a result are shown."""

MISSING = ("skipped_step", "notice_missing")
"""Findings of what is not there: their place is before the member that they name."""

MAX_DEPTH = 4
MAX_MEMBERS = 12

_EMPTY: tuple[Any, ...] = ("", None, (), [], {})


def story(report: Report, transcript: Transcript, title: str) -> Iterator[str]:
    """The lines, each inert and at most as wide as the terminal of the summary.

    Args:
        report, transcript: masked already, where they are to be.
        title: what the call was judged by.
    """
    yield from paragraph(f"Case {report.id}")
    yield from _head(report, transcript, title)
    yield ""
    members: list[Any] = list(transcript.events or transcript.members)
    indices = [_index(each, number) for number, each in enumerate(members)]
    waiting = list(report.findings)
    customer = ""
    for number, member in enumerate(members):
        index = indices[number]
        for finding in _reached(waiting, index, before=True):
            yield from _finding(finding)
        customer = _customer(member) or customer
        yield from _member(index, member, customer)
        if indices[number + 1 : number + 2] == [index]:
            continue  # one message with several calls: what was found stands after the last
        for finding in _reached(waiting, index, before=False):
            yield from _finding(finding)
    if waiting and members:
        yield from paragraph("At the end, or about all of it:")
    for finding in waiting:
        yield from _finding(finding)
    if not report.findings:
        yield from paragraph("Nothing was found.")
    if report.unobservable:
        yield ""
        yield from paragraph("What could not be told, and why:")
        for reason in report.unobservable:
            yield from paragraph(reason, "- ", 2)


def _reached(waiting: list[Finding], index: int, *, before: bool) -> list[Finding]:
    """Takes out the findings that belong before the member at `index`, or right behind it."""
    found = [
        finding
        for finding in waiting
        if finding.index is not None
        and (
            finding.index <= index
            if not before or finding.kind in MISSING
            else finding.index < index
        )
    ]
    for finding in found:
        waiting.remove(finding)
    return found


def _head(report: Report, transcript: Transcript, title: str) -> Iterator[str]:
    lines = [
        ("Read from", f"{place(report.source, report.line)} ({report.format})"),
        ("Judged by", title),
        ("Agent", report.agent or "not recorded"),
        ("Decided", _decided(transcript)),
        ("Verdict", outcome(report)),
        ("Score", f"{report.score} of 100, {'passed' if report.passed else 'not passed'}"),
        (
            "Fitness",
            f"{report.fitness:.3f} (cost {report.cost}, {report.events} "
            f"{'event' if report.events == 1 else 'events'})",
        ),
        ("Ended in", report.state),
    ]
    for label, text in lines:
        if text:
            yield from paragraph(text, f"{label:<11}")


def _decided(transcript: Transcript) -> str:
    day = str(transcript.policy_date) if transcript.policy_date else "on a day not recorded"
    return day + (f", {transcript.zone}" if transcript.zone else "")


def _index(member: Any, number: int) -> int:
    return number if isinstance(member, Event) else int(member.index)


def _event(member: Any) -> Any:
    """The event that the log names as such."""
    return member.event if isinstance(member, Recorded) else member


def _customer(member: Any) -> str:
    """The id of the customer that the shop found, where the member is that."""
    customer = getattr(_event(member), "customer", None)
    return str(getattr(customer, "customer_id", ""))


def _member(index: int, member: Any, customer: str) -> Iterator[str]:
    if isinstance(member, Turn):
        at, text = member.at, f"{member.role}: “{member.text}”"
    elif isinstance(member, ToolCall):
        at, text = member.at, _called(member)
    else:
        event = _event(member)
        at, text = event.at, _told(event, customer) + (" (inferred)" if event.inferred else "")
    yield from paragraph(text, f"{index:>4}  {_clock(at)}")


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M:%S}  " if at else ""


def _called(call: ToolCall) -> str:
    arguments = ", ".join(f"{key}={_value(each)}" for key, each in call.arguments.items())
    operation = "" if call.operation in (None, call.tool) else f" = {call.operation}"
    result = {
        "answered": f"→ {_value(call.result)}",
        "failed": f"failed: {_value(call.result)}",
        "not_recorded": "(result not recorded)",
    }[call.outcome]
    return f"{call.tool}{operation}({arguments}) {result}"


def _told(event: Event, customer: str) -> str:
    """An event by its name and members."""
    name = event_name(event).replace("_", " ")
    order = getattr(event, "order", None)
    if customer and getattr(order, "customer_id", customer) != customer:
        # The call discarded its facts, and nobody who reads it needs them (rule 21).
        return f"{name}: {getattr(order, 'order_id', '')}, which belongs to another customer"
    shown = [
        f"{key}={_value(value)}"
        for key in event.__struct_fields__
        if key not in ("at", "inferred") and (value := getattr(event, key)) not in _EMPTY
    ]
    return f"{name}: {', '.join(shown)}" if shown else name


def _value(value: Any) -> str:
    text = _plain(value, 0)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _plain(value: Any, depth: int) -> str:
    """A value in few words: records by their members, empty ones left out."""
    if isinstance(value, msgspec.Struct):
        value = {key: getattr(value, key) for key in value.__struct_fields__}
    if depth >= MAX_DEPTH and isinstance(value, dict | list | tuple):
        return "…"
    if isinstance(value, dict):
        shown = [
            f"{key} {_plain(each, depth + 1)}"
            for key, each in list(value.items())[:MAX_MEMBERS]
            if each not in _EMPTY
        ]
        more = ", …" if len(value) > MAX_MEMBERS else ""
        return "{" + ", ".join(shown) + more + "}"
    if isinstance(value, list | tuple):
        shown = [_plain(each, depth + 1) for each in value[:MAX_MEMBERS]]
        more = ", …" if len(value) > MAX_MEMBERS else ""
        return "[" + ", ".join(shown) + more + "]"
    return str(value)[: MAX_VALUE + 1]


def _finding(finding: Finding) -> Iterator[str]:
    about = finding.guard or finding.notice or finding.event or " ".join(finding.rules)
    where = ", ".join(
        each
        for each in (
            f"step {finding.step}" if finding.step else "",
            f"in {finding.state}" if finding.state else "",
        )
        if each
    )
    name = finding.kind + (f": {about}" if about else "")
    yield from paragraph(name + (f" ({where})" if where else ""), f"{finding.severity}  ", 6)
    yield from paragraph(finding.reason, "why     ", 8)
    if finding.quote:
        quote = finding.quote
        yield from paragraph(
            f"“{quote.text}” (turn {quote.turn}, from character {quote.offset})", "quote   ", 8
        )
    if finding.rules:
        yield from paragraph(", ".join(finding.rules), "rules   ", 8)
    if finding.repair:
        yield from paragraph(finding.repair, "repair  ", 8)
