"""Reports made by hand, for tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime

from returnflow.masking import Masker, MaskKey
from returnflow.replay.findings import Finding, Quote, Report
from returnflow.replay.reports.tally import Tally

HOSTILE = "Kettle \x1b[31mRED\x1b[0m \u202egnp.exe\u2069 \x9b2J\r\n<b>&\"'</b> \x00 \ufffe \ud800"
MASKER = Masker(MaskKey(b"k" * 32), {"email": "email"})

WINDOW = Finding(
    kind="guard_failed",
    severity="critical",
    step="4b",
    state="eligibility_checked",
    event="return_requested",
    index=9,
    at=datetime(2026, 3, 30, 9, 5, tzinfo=UTC),
    reason="ordered 42 days ago; the window of 30 days closed on 18 March 2026",
    repair="before initiating: tell the customer that the window has closed",
    guard="line_eligible",
)
NOTICE = Finding(
    kind="notice_missing",
    severity="major",
    step="5",
    state="return_initiated",
    event="told",
    index=14,
    reason="nothing was said about shipping fees for return RT-1",
    quote=Quote(text="I will write to ann@example.com or call 030 1234567", turn=12, offset=4),
    repair="say that shipping fees are not refunded",
    notice="shipping_not_refunded",
)
REMARK = Finding(
    kind="early_lookup",
    severity="remark",
    step="2",
    state="identified",
    event="item_found",
    index=3,
    reason="item I-1 was looked up before it was chosen",
)
STRANGE = Finding(
    kind="unknown_event",
    severity="minor",
    event=HOSTILE,
    index=2,
    reason=HOSTILE,
    quote=Quote(text=HOSTILE, turn=2, offset=0),
)


def report(case: str, *findings: Finding, **changes: object) -> Report:
    """A report; it violates where a finding is above a remark."""
    graver = any(each.severity != "remark" for each in findings)
    made = Report(
        id=case,
        source="march.jsonl",
        line=1,
        format="native",
        agent="kim",
        verdict="violates" if graver else "conforms",
        score=100,
        passed=True,
        fitness=1.0,
        cost=0,
        events=15,
        state="closed",
        findings=findings,
    )
    return replaced(made, **changes)


def replaced(made: Report, **changes: object) -> Report:
    """The report with other members."""
    from msgspec.structs import replace

    return replace(made, **changes)


def lost(source: str, line: int, reason: str) -> Report:
    """A report on a line that could not be read."""
    return report(
        f"{source}#{line}",
        Finding(kind="unreadable", severity="remark", reason=reason),
        source=source,
        line=line,
        agent="",
        score=0,
        passed=False,
        fitness=0.0,
        events=0,
        state="",
    )


def reports() -> list[Report]:
    """A log's worth, masked as the command masks them."""
    made = [
        report("C-1"),
        report("C-2", REMARK, line=2, agent="渡辺 久美子"),
        report(
            "C-3",
            REMARK,
            WINDOW,
            NOTICE,
            line=3,
            agent="渡辺 久美子",
            score=20,
            passed=False,
            fitness=0.9375,
            cost=1,
            state="return_initiated",
        ),
        report("=C-4", STRANGE, line=4, agent="@sum(A1)", score=95, fitness=0.97),
        report(
            "C-5",
            line=5,
            agent="bob@example.com",
            verdict="inconclusive",
            unobservable=(
                "on which day the call decided, so nothing can be said about the window",
                "what was said about shipping fees: the text is redacted",
            ),
        ),
        lost("march.jsonl", 6, "this is no call of the event log: a brace is missing"),
        report(
            "急須の返品 - a very long case id that somebody made of a whole sentence, as one does",
            NOTICE,
            source="april/calls.jsonl",
            line=None,
            score=80,
        ),
    ]
    return [MASKER.mask_event(each) for each in made]


def tally(of: list[Report]) -> Tally:
    """The reports counted."""
    counts = Tally()
    for each in of:
        counts.count(each)
    return counts
