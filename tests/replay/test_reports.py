"""What is shown of reports, in every form; the files under `golden_reports/` are for reading.

``RETURNFLOW_UPDATE_GOLDEN=1`` writes them anew; look at the difference before you keep it.
"""

from __future__ import annotations

import csv as reading
import io
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any, get_args
from xml.etree import ElementTree

import jsonschema
import pytest
import wcwidth
from msgspec.structs import replace

from replay.report_samples import (
    HOSTILE,
    MASKER,
    NOTICE,
    REMARK,
    STRANGE,
    WINDOW,
    lost,
    report,
    reports,
    tally,
)
from returnflow.cli.status import CANNOT_START, ENDED, FAILED, INTERRUPTED
from returnflow.engine.transcript import Recorded, ToolCall, Transcript, Turn
from returnflow.engine.vocabulary import Event
from returnflow.records import Customer, Order
from returnflow.replay.findings import SEVERITIES, Kind, Report, Verdict
from returnflow.replay.reports import compare, csv, jsonl, junit
from returnflow.replay.reports.progress import ProgressLine, line
from returnflow.replay.reports.story import story
from returnflow.replay.reports.summary import summary
from returnflow.replay.reports.tally import MAX_LISTED, MAX_NAMES, OTHERS, Tally, outcome
from returnflow.returns.events import CustomerFound, EmailGiven, OrderFound, OrderIdUnknown

GOLDEN = Path(__file__).parent / "golden_reports"
DOCS = Path(__file__).parents[2] / "docs"
UPDATE = os.environ.get("RETURNFLOW_UPDATE_GOLDEN") == "1"
STEPS = {
    "1": "Identify the customer",
    "2": "Retrieve the order",
    "4b": "Check whether they may be returned",
    "5": "Initiate the return",
}


def same(name: str, text: str) -> None:
    """The text is that of the golden file."""
    path = GOLDEN / name
    if UPDATE:
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode("utf-8")


def fits(lines: Iterable[str]) -> str:
    """The lines as text; each is inert and at most 80 columns wide."""
    kept = list(lines)
    for each in kept:
        assert 0 <= wcwidth.wcswidth(each) <= 80, each
    return "".join(f"{each}\n" for each in kept)


def called(index: int, tool: str, operation: str | None, **of: Any) -> ToolCall:
    return ToolCall(
        index=index, group=index, tool=tool, operation=operation, **{"arguments": {}, **of}
    )


MEMBERS: list[Turn | ToolCall | Recorded] = [
    Turn(
        index=0,
        role="customer",
        text="I am ann@example.com 🍵",
        at=datetime(2026, 3, 30, 9, 0, tzinfo=UTC),
    ),
    called(
        1,
        "lookup",
        "get_customer_by_email",
        arguments={"email": "ann@example.com"},
        result={"customer_id": "C-1", "active_orders": ["O-1"], "phone": ""},
    ),
    called(3, "get_item_details", "get_item_details", result="x" * 1000),
    called(3, HOSTILE, None, outcome="failed", result=HOSTILE),
    Recorded(index=4, event=OrderIdUnknown(inferred=True)),
    Recorded(index=5, event=EmailGiven(email="ann@example.com")),
    called(
        9,
        "initiate_return",
        "initiate_return",
        arguments={"order_id": "O-1", "quantity": 1},
        outcome="not_recorded",
    ),
    Turn(
        index=12,
        role="agent",
        text="Now I will write to ann@example.com or call 030 1234567, and " + "so on " * 30,
    ),
]
"""Something of everything that a transcript can hold."""


def call() -> Transcript:
    return MASKER.mask_event(
        Transcript(
            case_id="C-3",
            format="chat",
            source="march.jsonl",
            line=3,
            agent="渡辺 久美子",
            policy_date=date(2026, 3, 30),
            zone="Europe/Berlin",
            members=MEMBERS,
        )
    )


# -- golden files -----------------------------------------------------------------------------


def test_the_summary() -> None:
    """It fits 80 columns, wide characters line up, and nothing in it acts (rules 37, 38)."""
    text = fits(summary(tally(reports()), "handling-returns, version 1", STEPS))
    same("summary.txt", text)


def test_calls_of_which_nothing_can_be_seen_have_earned_no_score() -> None:
    """Nor do they raise the average of the others."""
    dark = [report("D", verdict="inconclusive", events=0, agent="bea")]
    text = fits(summary(tally(dark), "p", STEPS))
    assert "Average score" not in text
    assert "Of 1 call the record shows nothing" in text
    assert re.search(r"bea +1 +0 +1 +0 +0 +-\n", text)
    both = fits(summary(tally([*dark, report("E", score=60)]), "p", STEPS))
    assert "Average score 60.0; 1 of 1 pass." in both


def test_the_summary_of_nothing() -> None:
    assert list(summary(Tally(), "p", {})) == ["0 calls judged by p."]


def test_the_story() -> None:
    """Each finding stands where it happened; what was not observable stands at the end."""
    made = report(
        "C-3",
        REMARK,
        STRANGE,
        WINDOW,
        NOTICE,
        line=3,
        score=20,
        passed=False,
        cost=2,
        fitness=0.9,
        format="chat",
        unobservable=("whether the customer said yes: redacted",),
    )
    text = fits(story(MASKER.mask_event(made), call(), "handling-returns, version 1"))
    same("story.txt", text)


def test_the_story_of_a_call_that_conforms() -> None:
    text = fits(story(report("C-1"), Transcript(case_id="C-1", format="native"), "p"))
    assert "Nothing was found." in text
    assert "could not be told" not in text


def test_the_story_keeps_the_facts_of_another_customers_order_out() -> None:
    """Rule 21."""
    found = CustomerFound(customer=Customer(customer_id="C-1"))
    other = Order(order_id="O-2", customer_id="C-2", order_date="2026-03-01")
    own = Order(order_id="O-1", customer_id="C-1", order_date="2026-03-02")
    events: list[Event] = [found, OrderFound(order=other), OrderFound(order=own)]
    made = Transcript(case_id="C-1", format="native", events=events)
    text = fits(story(report("C-1"), made, "p"))
    assert "O-2, which belongs to another customer" in text
    assert "2026-03-01" not in text
    assert "2026-03-02" in text


def test_the_story_of_what_could_not_be_read() -> None:
    made = lost("march.jsonl", 6, "a brace is missing")
    text = fits(story(made, Transcript(case_id="x", format="native"), "p"))
    assert "unreadable" in text
    assert "a brace is missing" in text


def test_csv() -> None:
    """Rule 37: no cell is a formula."""
    text = (csv.head() + b"".join(csv.rows(each) for each in reports())).decode()
    same("report.csv", text)
    rows = list(reading.DictReader(io.StringIO(text)))
    assert len(rows) == sum(max(1, len(each.findings)) for each in reports())
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert wcwidth.wcswidth(cell) >= 0


def test_junit(tmp_path: Path) -> None:
    """A suite for each file with its counts, and XML that any parser reads."""
    text = written(reports())
    same("report.xml", text)
    root = ElementTree.fromstring(text)  # noqa: S314 (made here)
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["march.jsonl", "april/calls.jsonl"]
    for suite in suites:
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        for count, element in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert suite.get(count) == str(len(suite.findall(f"testcase/{element}")))


def written(of: list[Report]) -> str:
    stream = io.BytesIO()
    writer = junit.Writer(stream)
    for each in of:
        writer.add(each.source, outcome(each), junit.case(each))
    writer.end()
    return stream.getvalue().decode()


def test_junit_of_nothing() -> None:
    assert list(ElementTree.fromstring(written([]))) == []  # noqa: S314 (made here)


# -- JSON -------------------------------------------------------------------------------------


def test_the_published_schema_is_fresh() -> None:
    """Write it anew as docs/replay.md says."""
    text = (DOCS / "replay-report.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == jsonl.report_schema()


@pytest.mark.parametrize("made", [*reports(), report("x", STRANGE)])
def test_a_json_line_is_as_the_schema_says(made: Report) -> None:
    data = jsonl.line(made)
    jsonschema.Draft202012Validator(jsonl.report_schema()).validate(json.loads(data))
    assert set(json.loads(data)) == set(Report.__struct_fields__)
    assert data.endswith(b"}\n")
    assert data.count(b"\n") == 1


def test_json_loses_nothing_but_halves_of_characters() -> None:
    """What would act on a terminal is an escape there, and itself again when it is read."""
    data = jsonl.line(report("x", STRANGE))
    text = data.decode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert json.loads(data)["findings"][0]["reason"] == HOSTILE.replace("\ud800", "\ufffd")
    assert json.loads(jsonl.line({"a": "\U000e0041é\x7f"})) == {"a": "\U000e0041é\x7f"}


# -- counting ---------------------------------------------------------------------------------


def test_tallies_of_parts_add_up_to_that_of_the_whole() -> None:
    """However a log is cut, as long as the parts stay in order."""
    of = reports() * 5
    whole = tally(of)
    for seed in range(20):
        rng = Random(seed)
        cuts = sorted(rng.sample(range(1, len(of)), rng.randint(1, 6)))
        total = Tally()
        for start, stop in zip([0, *cuts], [*cuts, len(of)], strict=True):
            total.add(tally(of[start:stop]))
        total.fitness = whole.fitness if abs(total.fitness - whole.fitness) < 1e-9 else -1
        assert total == whole, seed


def test_a_tally_stays_small() -> None:
    """A log in which nothing repeats: names are counted together, lists end."""
    counts = Tally()
    number = 3 * MAX_NAMES
    for n in range(number):
        finding = replace(STRANGE, event=f"e{n}", reason="r" * 10_000)
        part = Tally()
        part.count(report(f"C-{n}", finding, agent=f"a{n}", score=n % 100))
        counts.add(part)
    assert len(counts.agents) == len(counts.findings) == MAX_NAMES + 1
    assert sum(each.calls for each in counts.agents.values()) == number
    assert sum(each.findings for each in counts.findings.values()) == number
    assert counts.agents[OTHERS].calls == number - MAX_NAMES
    assert [each.id for each in counts.worst] == [f"C-{100 * n}" for n in range(MAX_LISTED)]
    assert max(len(each.reason) for each in counts.worst) < 1000
    text = fits(summary(counts, "p", STEPS))
    assert f"and {number - MAX_LISTED:,} more" in text
    assert text.count("\n") < 200


def test_the_reason_named_is_the_gravest() -> None:
    [worst] = tally([report("C", NOTICE, WINDOW)]).worst
    assert worst.reason == WINDOW.reason


def test_one_call_is_counted_once_for_a_step_however_often_it_slips() -> None:
    counts = tally([report("C", NOTICE, NOTICE, REMARK)])
    assert {step: (each.findings, each.calls) for step, each in counts.steps.items()} == {
        "5": (2, 1)
    }


def test_a_call_of_which_a_part_is_unreadable_is_named_too() -> None:
    part = replace(lost("f", 1, "bad").findings[0], index=4)
    counts = tally([report("C", part)])
    assert counts.outcomes["conforms"] == 1
    assert counts.partly == 1
    assert [each.reason for each in counts.unreadable] == ["member 4: bad"]


# -- comparing --------------------------------------------------------------------------------


def test_a_flip_names_what_only_one_text_finds() -> None:
    before = report("C", NOTICE, WINDOW, score=10)
    after = report("C", score=90, verdict="inconclusive", unobservable=("the day",))
    flip = compare.flip(before, after)
    assert flip is not None
    assert (flip.gone, flip.new) == ((NOTICE, WINDOW), ())
    text = fits(compare.told(flip))
    assert "C · march.jsonl:1: violates → inconclusive, score 10 → 90" in text
    told = " ".join(text.split())
    assert f"gone guard_failed, critical: line_eligible: {WINDOW.reason}" in told
    assert "gone notice_missing, major: shipping_not_refunded: " in told
    assert "the day" in text
    assert compare.flip(before, before) is None


def test_a_call_that_passes_by_one_text_only_is_told_of() -> None:
    before, after = report("C", NOTICE, score=90), report("C", NOTICE, score=50, passed=False)
    flip = compare.flip(before, after)
    assert flip is not None
    text = fits(compare.told(flip))
    assert "violates, score 90 → 50 (passed → failed)" in text
    counts = compare.FlipTally()
    counts.count(before, after)
    assert (counts.flipped, counts.differing) == (0, 1)
    assert "1 score changes, 1 of them past the pass mark" in fits(compare.counts(counts, "1", "2"))


def test_flips_are_counted() -> None:
    counts = compare.FlipTally()
    part = compare.FlipTally()
    counts.count(report("C"), report("C", NOTICE, score=50))
    part.count(report("D"), report("D", score=99))
    counts.add(part)
    assert (counts.flipped, counts.scores) == (1, 2)
    text = fits(compare.counts(counts, "one", "two"))
    assert "1 of 2 calls flips; 2 scores change, 0 of them past the pass mark." in text
    assert re.search(r"conforms +→ violates +1\n", text)


# -- progress ---------------------------------------------------------------------------------


def test_the_progress_line() -> None:
    assert (
        line(1200, 50, 200, 10.0)
        == "[#####...............]  25 % · 1,200 calls · 120/s · 0:30 left"
    )
    assert line(5, 10, None, 0.0) == "5 calls"
    assert "1:00:00 left" in line(1, 1, 2, 3600.0)


def test_the_progress_line_leaves_nothing_behind() -> None:
    stream, now = io.StringIO(), iter([0.0, 1.0, 1.05, 2.0])
    shown = ProgressLine(stream, 100, lambda: next(now))
    shown.show(1, 10)
    shown.show(2, 20)  # too soon
    shown.show(3, 30)
    shown.clear()
    shown.clear()
    writes = stream.getvalue().split("\r")
    assert [each.split(" · ")[1] for each in writes if "calls" in each] == ["1 calls", "3 calls"]
    assert writes[-1] == ""
    assert writes[-2].strip() == ""
    assert len(writes[-2]) >= len(writes[-3].rstrip())


# -- the page ---------------------------------------------------------------------------------


def test_the_page_names_every_kind_every_member_and_every_status() -> None:
    page = (DOCS / "replay.md").read_text(encoding="utf-8")
    words = [
        *get_args(Kind),
        *get_args(Verdict),
        *SEVERITIES,
        *Report.__struct_fields__,
        *compare.Flip.__struct_fields__,
    ]
    assert [word for word in words if f"`{word}`" not in page] == []
    for status in (ENDED, FAILED, CANNOT_START, INTERRUPTED):
        assert f"\n| {status} |" in page
