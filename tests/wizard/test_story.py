"""``calls show``: a call as a story, as a file for reading.

``RETURNFLOW_UPDATE_GOLDEN=1`` writes it anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from returnflow.cli import run
from returnflow.home import JOURNAL_FILE
from returnflow.testing import Fault, FaultyBackend, curated_shop
from wizard.driver import Stage

GOLDEN = Path(__file__).parent / "golden" / "story.txt"

CALL = [
    "nobody@example.com",
    "ann@example.com",
    "/unknown",
    "/back",
    "/note call back on 030 1234567, or at ann@example.com",
    "O-BEA",
    "o-ann",
    "/check rug",
    "lamp, rug x 1, cosy",
    "",
    "",
    "1 x damaged: cracked, 1 x other",
    "hums",
    "yes",
    "/again",
    "",
    "",
    "",
    "/transfer",
    "not satisfied",
    "",
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with a known key for masking, in a known zone."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    # Spelled out, so that no file of time zones is needed on the machine.
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    (tmp_path / "mask.key").write_bytes(b"k" * 32)
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


def test_the_story_of_a_call(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules 27, 38: each outcome is told; addresses and numbers are masked, in notes too."""
    plan = {
        ("initiate_return", 1): Fault("timeout_after", "no answer within 20 s"),
        ("initiate_return", 3): Fault("refusal", "only one a day"),
    }
    shop = FaultyBackend(curated_shop(), plan)
    with Stage(home) as stage:
        played = stage.lines(*CALL, shop=shop)
        assert played.state == "transferred", played.raw
        assert played.complaints == []
        stage.path.rename(home / JOURNAL_FILE)
    capsys.readouterr()
    assert run(["calls", "show", played.case_id]) == 0
    story = capsys.readouterr().out
    if os.environ.get("RETURNFLOW_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(story, encoding="utf-8")
    assert story == GOLDEN.read_text(encoding="utf-8")
    assert "ann@example.com" not in story
    assert "1234567" not in story
