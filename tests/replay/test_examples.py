"""The example transcripts, judged as somebody at a terminal would have them judged.

`EXPECTED`, written by hand, is the specification. The files under ``examples/`` are the whole
reports, for reading; ``RETURNFLOW_UPDATE_GOLDEN=1`` writes them anew, and the difference is to be
looked at before it is kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from returnflow.cli import run
from returnflow.masking import KEY_BYTES, KEY_FILE

TRANSCRIPTS = Path(__file__).parents[2] / "fixtures" / "transcripts"
GOLDEN = Path(__file__).parent / "examples"
UPDATE = os.environ.get("RETURNFLOW_UPDATE_GOLDEN") == "1"
CALLS = "contact-lens/calls.log"

Wrong = tuple[str, str, int | None]
"""The kind, the step and the index of a finding above a remark."""


class Call(NamedTuple):
    """What is to be said of one call of a file.

    Args:
        verdict: as tables have it: of what cannot be read at all, ``unreadable``.
        damaged: a part of it, or all of it, cannot be read.
    """

    id: str
    verdict: str
    wrong: tuple[Wrong, ...] = ()
    damaged: bool = False


def conforms(case: str) -> Call:
    return Call(case, "conforms")


def inconclusive(case: str, *, damaged: bool = False) -> Call:
    return Call(case, "inconclusive", damaged=damaged)


def violates(case: str, *wrong: Wrong) -> Call:
    return Call(case, "violates", wrong)


def unreadable(case: str) -> Call:
    """Of such a call nothing can be told, and nothing is held against anyone."""
    return Call(case, "unreadable", damaged=True)


def unsaid(end: int, notices: int) -> tuple[Wrong, ...]:
    """Each notice that is missing at the end, and that the call ended too early."""
    return (("unfinished", "5", end), *[("notice_missing", "5", end)] * notices)


EXPECTED: dict[str, tuple[Call, ...]] = {
    # -- chats: a message is a member, and the index of a call is that of the message making it
    "chat/full-return.json": (conforms("full-return"),),
    "chat/refused-still-in-transit.json": (conforms("refused-in-transit"),),
    "chat/refused-window-closed.json": (conforms("refused-window-closed"),),
    "chat/mixed-order.json": (conforms("mixed-order"),),
    "chat/transferred-not-satisfied.json": (conforms("transferred"),),
    "chat/two-returns.json": (conforms("two-returns"),),
    "chat/time-out-and-again.json": (conforms("timed-out-once"),),
    "chat/parallel-calls.json": (conforms("parallel-calls"),),
    "chat/repeated-and-early-look-ups.json": (conforms("repeated-look-ups"),),
    "chat/somebody-elses-order.json": (conforms("somebody-elses-order"),),
    # The order is shown at 5, and everything behind it is about it.
    "chat/somebody-elses-order-acted-on.json": (
        violates("acted-on-anothers-order", ("guard_failed", "5", 14)),
    ),
    # `initiate_return` is called at 11, the package looked up nowhere.
    "chat/initiated-without-package-check.json": (
        violates("skipped-package-check", ("skipped_step", "4b", 11)),
    ),
    # `initiate_return` is called at 7; two steps are missing before it.
    "chat/initiated-without-look-ups.json": (
        # Whether the package mattered hangs on the item, so it is the item that was left out.
        violates("nothing-looked-up", ("skipped_step", "4a", 7)),
    ),
    # The item is looked up at 8, and what it shows leads to no return.
    "chat/not-returnable-but-initiated.json": (
        violates("not-eligible", ("guard_failed", "5", 14)),
    ),
    # Three units are sent at 14; neither the look-ups nor the customer said three.
    "chat/more-than-ordered.json": (violates("wrong-quantity", ("guard_failed", "4b", 14)),),
    # The second `initiate_return`.
    "chat/double-return.json": (violates("double-return", ("guard_failed", "4a", 16)),),
    "chat/notices-missing.json": (violates("notices-missing", *unsaid(18, notices=3)),),
    "chat/shipping-will-be-refunded.json": (violates("shipping-promised", *unsaid(18, notices=1)),),
    "chat/unknown-tool.json": (violates("unknown-tool", ("unknown_event", "", 20)),),
    "chat/redacted.json": (inconclusive("redacted"),),
    "chat/invalid-arguments.json": (inconclusive("invalid-arguments", damaged=True),),
    "chat/cut-off.json": (conforms("before-the-cut"), unreadable("cut-off#2")),
    # The package that is out for delivery is looked up at 8.
    "chat/dialect-traj.json": (violates("41.0", ("guard_failed", "5", 12)), conforms("41.1")),
    # -- the event log: an event is a member
    "native/lamp-returned.jsonl": (conforms("lamp-returned"),),
    "native/in-transit-explained.jsonl": (conforms("in-transit-explained"),),
    "native/transferred.jsonl": (conforms("transferred-native"),),
    "native/closed-before-a-notice.jsonl": (
        violates("closed-before-a-notice", ("notice_missing", "5", 14)),
    ),
    "native/sent-other-than-agreed.jsonl": (
        violates("sent-other-than-agreed", ("wrong_argument", "5", 10)),
    ),
    "native/request-without-answer.jsonl": (
        violates("request-without-answer", ("unfinished", "5", 11)),
    ),
    "native/hung-up-and-cut-off.jsonl": (conforms("hung-up"), unreadable("hung-up-and-cut-off#2")),
    # -- Contact Lens: turns and calls together, by their times
    "contact-lens/voice-full-return.json": (conforms("voice-full-return"),),
    "contact-lens/voice-shipping-promised.json": (
        violates("voice-shipping-promised", ("skipped_step", "4b", 9), *unsaid(end=12, notices=1)),
    ),
    "contact-lens/chat-not-shipped-yet.json": (conforms("chat-not-shipped-yet"),),
    "contact-lens/chat-without-calls.json": (inconclusive("chat-without-calls"),),
    # -- tables: a row is a member, in the order of the times
    "csv/events.csv": (
        conforms("T-1"),
        violates("T-2", ("skipped_step", "1", 0)),
        violates("T-3", ("guard_failed", "5", 8)),
    ),
    "csv/operations.csv": (inconclusive("S-1"), violates("S-2", ("guard_failed", "5", 4))),
    "csv/begun-and-complete.tsv": (violates("U-1", ("unknown_event", "", 5)),),
}
"""What is right, call by call."""

Replay = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def replay(
    tmp_path: Path,
    used_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Replay:
    """Runs ``returnflow replay --json`` in the folder of the transcripts, with one and the same
    key for masking, so that a golden file is the same everywhere."""
    for name in [name for name in os.environ if name.startswith("RETURNFLOW_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    shutil.copytree(used_home, home)
    (home / KEY_FILE).write_bytes(bytes(range(KEY_BYTES)))
    monkeypatch.setenv("RETURNFLOW_HOME", str(home))
    monkeypatch.chdir(TRANSCRIPTS)

    def replay(log: str) -> tuple[int, list[dict[str, Any]]]:
        status = run(["replay", "--json", "--jobs", "1", "--calls", CALLS, "--", log])
        out, err = capsysbinary.readouterr()
        assert err == b"", err.decode()
        return status, [json.loads(line) for line in out.splitlines()]

    return replay


def said(report: dict[str, Any]) -> Call:
    """What a report says of a call, as the table has it."""
    findings = report.get("findings", [])
    damage = [each.get("index") for each in findings if each["kind"] == "unreadable"]
    return Call(
        id=report["id"],
        verdict="unreadable" if None in damage else report["verdict"],
        wrong=tuple(
            sorted(
                (each["kind"], each.get("step", ""), each.get("index"))
                for each in findings
                if each["severity"] != "remark"
            )
        ),
        damaged=bool(damage),
    )


def right(call: Call) -> Call:
    return call._replace(wrong=tuple(sorted(call.wrong)))


@pytest.mark.parametrize("log", EXPECTED)
def test_an_example_has_the_verdict_and_the_findings_of_the_table(log: str, replay: Replay) -> None:
    """Whatever is above a remark, and nothing else; and the exit status that goes with it."""
    status, reports = replay(log)
    assert [said(each) for each in reports] == [right(each) for each in EXPECTED[log]]
    bad = any(each.verdict == "violates" or each.damaged for each in EXPECTED[log])
    assert status == (1 if bad else 0)


@pytest.mark.parametrize("log", EXPECTED)
def test_the_report_on_an_example_in_full(log: str, replay: Replay) -> None:
    """Reasons, repairs, quotes and remarks, as an analyst reads them."""
    _, reports = replay(log)
    text = json.dumps(reports, indent=2, ensure_ascii=False) + "\n"
    path = GOLDEN / Path(log).with_suffix(".json")
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("log", EXPECTED)
def test_what_is_wrong_comes_with_what_to_do(log: str, replay: Replay) -> None:
    """A finding above a remark has a reason and a repair, both in words, and names no
    placeholder; and what is inconclusive says why."""
    for report in replay(log)[1]:
        for each in report.get("findings", []):
            assert "[NOT RECORDED]" not in each["reason"] + each.get("repair", "")
            if each["severity"] != "remark":
                assert each["reason"], each
                assert each["repair"], each
        if report["verdict"] == "inconclusive":
            reasons = [each["reason"] for each in report.get("findings", [])]
            assert reasons + report.get("unobservable", []), report["id"]


def test_the_whole_folder_at_once(replay: Replay) -> None:
    """As the README has it: every call of every file, and the log of calls is none of them."""
    status, reports = replay(".")
    calls = sorted(each.id for calls in EXPECTED.values() for each in calls)
    assert sorted(each["id"] for each in reports) == calls
    assert len(set(calls)) == len(calls)
    assert status == 1


def files() -> set[str]:
    """The files of the folder, but for its README."""
    found = (path for path in TRANSCRIPTS.rglob("*") if path.is_file())
    return {path.relative_to(TRANSCRIPTS).as_posix() for path in found} - {"README.md"}


def test_every_file_is_in_the_table() -> None:
    assert files() == {*EXPECTED, CALLS}


def test_every_golden_file_belongs_to_an_example() -> None:
    kept = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file()}
    assert kept == {Path(log).with_suffix(".json").as_posix() for log in EXPECTED}


def test_the_readme_names_every_file_and_says_the_same_of_every_call() -> None:
    text = (TRANSCRIPTS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:`(\S+)`)? ?\| `(\S+)` \| .+ \| (\w+) \|$", text, re.MULTILINE)
    told: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for file, case, verdict in rows:
        name = file or name
        told.setdefault(name, []).append((case, verdict))
    assert told == {
        log: [(each.id, each.verdict) for each in calls] for log, calls in EXPECTED.items()
    }
    assert f"`{CALLS}`" in text
