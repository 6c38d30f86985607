"""A call of one procedure is not judged by another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from returnflow.cli import run

EVENTS = [
    {"event": "email_given", "at": "2026-05-10T09:00:00Z", "email": "ann@example.com"},
    {"event": "important_stressed", "at": "2026-05-10T09:01:00Z"},
]


def call(sop: str) -> str:
    case = {"case_id": "late", "policy_date": "2026-05-10", "zone": "UTC", "sop": sop}
    return json.dumps({"returnflow": 1, "masked": False, "case": case, "events": EVENTS})


def report(tmp_path: Path, sop: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    log = tmp_path / "late.jsonl"
    log.write_text(call(sop) + "\n", encoding="utf-8")
    assert run(["replay", str(log), "--json"]) == 1
    made: dict[str, object] = json.loads(capsys.readouterr().out)
    return made


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, used_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the data folder of whoever runs the tests."""
    shutil.copytree(used_home, tmp_path / "home")
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))


def test_nobody_is_blamed_for_the_events_of_another_procedure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told which procedure to judge it by; with no other name the event is unknown."""
    made = report(tmp_path, "delayed-package", capsys)
    assert made["verdict"] == "inconclusive"
    assert "give its --sop" in json.dumps(made["findings"])
    assert report(tmp_path, "handling-returns", capsys)["verdict"] == "violates"


def test_a_call_of_another_procedure_is_not_judged_whatever_its_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both procedures know a caller who hangs up; only one was to be kept to."""
    case = {"case_id": "gone", "policy_date": "2026-05-10", "zone": "UTC"}
    events = [{"event": "email_given", "email": "ann@example.com"}, {"event": "call_dropped"}]
    log = tmp_path / "gone.jsonl"
    for sop, words in (("handling-returns", "give its --sop"), ("delayed-package", "conforms")):
        body = {"returnflow": 1, "masked": False, "case": {**case, "sop": sop}, "events": events}
        log.write_text(json.dumps(body) + "\n", encoding="utf-8")
        run(["replay", str(log), "--json", "--sop", "delayed-package"])
        assert words in capsys.readouterr().out
