"""Reports as JUnit XML, so that a CI shows them: a suite for each file, a case for each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, BinaryIO

from returnflow.inert import inert, inert_lines
from returnflow.replay.findings import Finding, Report
from returnflow.replay.reports.tally import Outcome, gravest, outcome, place, unread

_SPOOL = 1 << 20


def case(report: Report) -> bytes:
    """The element of one report."""
    # The name is what tells two cases apart in a CI's list; the same id may stand in two lines.
    head = (
        f"    <testcase classname={_attribute(report.agent or '(not recorded)')} "
        f"name={_attribute(report.id)}"
        f" file={_attribute(report.source)}"
        + (f' line="{report.line}"' if report.line is not None else "")
    )
    inner = _inner(report, outcome(report))
    return (f"{head}/>\n" if not inner else f"{head}>\n{inner}    </testcase>\n").encode()


def _inner(report: Report, came_to: Outcome) -> str:
    if came_to == "unreadable":
        broken = unread(report)
        return _element("error", "unreadable", broken.reason if broken else "", report)
    if came_to == "violates":
        first = gravest(report.findings)
        return _element(
            "failure",
            first.kind if first else "",
            first.reason if first else "",
            report,
        )
    if came_to == "inconclusive":
        message = " | ".join(report.unobservable)
        return f"      <skipped message={_attribute(f'inconclusive: {message}')}/>\n"
    return ""


def _element(name: str, kind: str, message: str, report: Report) -> str:
    lines = [f"{place(report.source, report.line)}  score {report.score}"]
    for finding in report.findings:
        lines += _lines(finding)
    return (
        f"      <{name} type={_attribute(kind)} message={_attribute(message)}>"
        f"{_text(chr(10).join(lines))}</{name}>\n"
    )


def _lines(finding: Finding) -> list[str]:
    where = "".join(
        f", {word} {inert(str(value))}"
        for word, value in (
            ("step", finding.step),
            ("state", finding.state),
            ("event", finding.event),
            ("member", finding.index),
        )
        if value not in ("", None)
    )
    lines = [f"{finding.severity}: {finding.kind}{where}: {inert(finding.reason)}"]
    if finding.quote:
        lines.append(f"  quote, turn {finding.quote.turn}: {inert(finding.quote.text)}")
    if finding.repair:
        lines.append(f"  repair: {inert(finding.repair)}")
    return lines


@dataclass(slots=True)
class _Suite:
    name: str
    cases: IO[bytes]
    number: int = 0
    violates: int = 0
    inconclusive: int = 0
    unreadable: int = 0


class Writer:
    """Writes suites to a stream; a suite's cases wait in a temporary file for its counts."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._suite: _Suite | None = None
        stream.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="returnflow">\n')

    def add(self, source: str, came_to: Outcome, element: bytes) -> None:
        """The next case, as made by `case`."""
        suite = self._suite
        if suite is None or suite.name != source:
            self._close()
            import tempfile

            spool = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 (closed with the suite)
            suite = self._suite = _Suite(source, spool)
        suite.number += 1
        suite.violates += came_to == "violates"
        suite.inconclusive += came_to == "inconclusive"
        suite.unreadable += came_to == "unreadable"
        suite.cases.write(element)

    def end(self) -> None:
        """Writes what is left and the end of the document."""
        self._close()
        self._stream.write(b"</testsuites>\n")

    def _close(self) -> None:
        suite, self._suite = self._suite, None
        if suite is None:
            return
        head = (
            f'  <testsuite name={_attribute(suite.name)} tests="{suite.number}" '
            f'failures="{suite.violates}" errors="{suite.unreadable}" '
            f'skipped="{suite.inconclusive}">\n'
        )
        self._stream.write(head.encode())
        with suite.cases as cases:
            cases.seek(0)
            while block := cases.read(_SPOOL):
                self._stream.write(block)
        self._stream.write(b"  </testsuite>\n")


# Not xml.sax.saxutils: it imports all that is needed to fetch pages.
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\ufffe": "·", "\uffff": "·"}
)
"""What has a meaning in XML; and the last characters that XML cannot hold and `inert` leaves."""


def _attribute(text: str) -> str:
    return f'"{inert(text).translate(_ENTITIES)}"'


def _text(text: str) -> str:
    return inert_lines(text).translate(_ENTITIES)
