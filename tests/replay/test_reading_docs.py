"""docs/transcripts.md says what the readers do: its examples are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from returnflow import jsontext
from returnflow.engine.event_log import MAX_LINE
from returnflow.engine.transcript import Recorded, ToolCall
from returnflow.replay.transcripts import csv_log, reader, shared, splitting
from returnflow.replay.transcripts.reader import Options, Reader, Unit
from returnflow.replay.transcripts.sidecar import call_log
from returnflow.replay.transcripts.tools import mapping_for
from returnflow.returns import events as ev

from .reading import transcripts

TEXT = (Path(__file__).parents[2] / "docs" / "transcripts.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    """A fenced block of the page."""
    return str(re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[number])


def test_every_format_is_in_the_table() -> None:
    """With the endings of its files."""
    assert set(re.findall(r"^\| `(\w[a-z-]+)` \|", TEXT, re.MULTILINE)) == set(reader.formats())
    assert all(reader.reader(name).about for name in reader.formats())
    suffixes = {suffix for name in reader.formats() for suffix in reader.reader(name).suffixes}
    assert all(f"`{suffix}`" in TEXT for suffix in suffixes)


def test_the_limits_are_those() -> None:
    """As the page has them."""
    words = " ".join(TEXT.split())
    mib = 1024 * 1024
    assert f"entry of a list, of {MAX_LINE // mib} MiB" in words
    assert f"any other JSON value, {splitting.MAX_VALUE // mib} MiB" in words
    assert f"{jsontext.MAX_DEPTH} levels" in words
    assert f"{shared.MAX_MEMBERS:,} messages" in words
    assert f"CSV cell of {csv_log.MAX_CELL // mib} MiB" in words


def test_the_line_made_by_hand(tmp_path: Path) -> None:
    """It is a call."""
    (tmp_path / "a.jsonl").write_text(block("json"), encoding="utf-8")
    (call,) = transcripts(tmp_path / "a.jsonl")
    assert call.events == [ev.EmailGiven(email="ann@example.com")]
    assert not call.damage


def test_the_mapping(tmp_path: Path) -> None:
    """It is one."""
    (tmp_path / "t.yaml").write_text(block("yaml"), encoding="utf-8")
    mapping = mapping_for(str(tmp_path / "t.yaml"))
    assert mapping.operation("fetch_order", {"number": "W1"}) == (
        "get_order_details",
        {"order_id": "W1"},
    )
    assert {"play_music", "what_day_is_it", "think"} <= mapping.neutral


def test_the_log_of_calls(tmp_path: Path) -> None:
    """Its line is one."""
    (tmp_path / "c.jsonl").write_text(block("json", 1), encoding="utf-8")
    log = call_log(str(tmp_path / "c.jsonl"), None)
    assert not log.problems
    (logged,) = log.calls["V1"]
    assert (logged.offset, logged.call.operation) == (61500, "get_order_details")


def test_the_table(tmp_path: Path) -> None:
    """Three rows, one call."""
    (tmp_path / "t.csv").write_text(block("csv"), encoding="utf-8")
    (call,) = transcripts(tmp_path / "t.csv")
    given, found, item = call.members
    assert isinstance(given, Recorded)
    assert isinstance(found, Recorded)
    assert isinstance(found.event, ev.OrderFound)
    assert (found.event.order.order_id, found.event.order.customer_id) == ("W1", "C1")
    assert isinstance(item, ToolCall)
    assert (item.outcome, call.agent, call.damage) == ("failed", "bea", [])


def test_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class made as the page says is a reader, and is used for its files."""
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 (the page's own example)
    plain: Reader = names["PlainReader"]()
    known = reader.reader
    monkeypatch.setattr(reader, "formats", lambda: [*reader._installed(), "plain"])
    monkeypatch.setattr(reader, "reader", lambda name: plain if name == "plain" else known(name))
    (tmp_path / "calls.txt").write_text("Hello|Good day\nalone\n", encoding="utf-8")
    good, bad = transcripts(tmp_path / "calls.txt")
    assert [each.index for each in good.members] == [0, 1]
    assert (good.case_id, good.format, bool(bad.damage)) == ("call 1", "plain", True)
    assert list(plain.read(Unit("x", 1, b"a|b", "plain"), Options()))
