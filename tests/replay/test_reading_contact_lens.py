"""Contact Lens files, voice and chat, with and without a log of the backend's calls."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from returnflow.engine.transcript import ToolCall, Transcript, Turn
from returnflow.errors import UsageError
from returnflow.replay.transcripts import reader
from returnflow.replay.transcripts.reader import Options

from .reading import transcripts, written


def said(who: str, text: str, begin: int, end: int) -> dict[str, Any]:
    """A turn of a voice file."""
    return {
        "Id": f"t{begin}",
        "ParticipantId": who,
        "Content": text,
        "BeginOffsetMillis": begin,
        "EndOffsetMillis": end,
    }


def voice(*turns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A voice file."""
    return {
        "Version": "1.1.0",
        "Channel": "VOICE",
        "LanguageCode": "en-US",
        "CustomerMetadata": {"ContactId": "V1"},
        "Participants": [
            {"ParticipantId": "p-1", "ParticipantRole": "AGENT"},
            {"ParticipantId": "p-2", "ParticipantRole": "CUSTOMER"},
        ],
        "Transcript": list(turns),
        **changes,
    }


def wrote(role: str, text: str, at: str, kind: str = "MESSAGE") -> dict[str, Any]:
    """An entry of a chat file."""
    entry = {"Id": at, "AbsoluteTime": at, "Type": kind, "ParticipantRole": role}
    return entry | ({"Content": text, "DisplayName": f"{role} X"} if kind == "MESSAGE" else {})


CHAT = {
    "Version": "CHAT-1.1.0",
    "Channel": "CHAT",
    "ContactId": "K1",
    "Transcript": [
        wrote("CUSTOMER", "", "2025-03-01T23:30:00.000Z", "EVENT"),
        wrote("CUSTOMER", "My address is [EMAIL]", "2025-03-01T23:30:01.000Z"),
        wrote("SYSTEM", "An agent joined", "2025-03-01T23:30:02.000Z"),
        wrote("AGENT", "Thank you", "2025-03-01T23:30:03.000Z"),
    ],
}


def one(tmp_path: Path, value: Any, options: Options | None = None) -> Transcript:
    """The transcript of a file."""
    (found,) = transcripts(
        written(tmp_path / "call.json", json.dumps(value, indent=2).encode()), options=options
    )
    assert found.format == "contact-lens"
    return found


def test_a_voice_file(tmp_path: Path) -> None:
    """Roles come from the participants; turns are in the order in which they begin."""
    found = one(
        tmp_path,
        voice(
            said("p-2", "Hello", 0, 900),
            said("p-1", "Wait [PII]", 2_000, 3_000),
            said("p-2", "It is", 1_500, 2_500),
        ),
    )
    assert found.case_id == "V1"
    assert found.members == [
        Turn(index=0, role="customer", text="Hello"),
        Turn(index=2, role="customer", text="It is"),
        Turn(index=1, role="agent", text="Wait [PII]"),
    ]
    assert found.policy_date is None
    assert {"order_found", "return_requested", "email_given"} <= found.unobservable
    assert not {"told", "call_dropped"} & found.unobservable


def test_participants_named_by_their_roles(tmp_path: Path) -> None:
    """The ids are the literals at times, and then the participants may be missing."""
    found = one(tmp_path, voice(said("AGENT", "Hi", 0, 1), said("X", "…", 2, 3), Participants=[]))
    assert [each.role for each in found.members if isinstance(each, Turn)] == ["agent", "other"]


def test_a_chat_file(tmp_path: Path) -> None:
    """Events are nothing said; times are kept, and the first one is the day."""
    found = one(tmp_path, CHAT, Options(zone="Asia/Kolkata"))
    assert (found.case_id, found.agent, found.policy_date) == ("K1", "AGENT X", date(2025, 3, 2))
    assert [(each.index, each.role) for each in found.members if isinstance(each, Turn)] == [
        (1, "customer"),
        (2, "other"),
        (3, "agent"),
    ]
    first = found.members[0]
    assert isinstance(first, Turn)
    assert first.at == datetime(2025, 3, 1, 23, 30, 1, tzinfo=UTC)


def test_without_an_id_the_file_names_the_call(tmp_path: Path) -> None:
    """With the number of the record in it."""
    assert one(tmp_path, voice(CustomerMetadata=None)).case_id == "call#1"


def test_many_contacts_in_one_file(tmp_path: Path) -> None:
    """JSON Lines, or a list."""
    lines = [json.dumps(each).encode() for each in (CHAT, voice(), CHAT)]
    by_line = transcripts(written(tmp_path / "many.jsonl", *lines))
    listed = transcripts(written(tmp_path / "many.json", b"[" + b",\n".join(lines) + b"]"))
    assert [each.case_id for each in by_line] == ["K1", "V1", "K1"]
    assert [each.case_id for each in listed] == ["K1", "V1", "K1"]


@pytest.mark.parametrize("entry", ["hello", {"Id": "1"}, {"Content": 7}])
def test_a_broken_turn_is_named(tmp_path: Path, entry: Any) -> None:
    """And the rest is read."""
    found = one(tmp_path, voice(entry, said("AGENT", "Hi", 0, 1)))
    assert [each.index for each in found.damage] == [0]
    assert len(found.members) == 1


# -- with a log of calls ----------------------------------------------------------------------


def logged(case_id: str, operation: str, **more: Any) -> bytes:
    """A line of a log of calls."""
    return json.dumps({"case_id": case_id, "operation": operation, **more}).encode()


def shape(found: Transcript) -> list[str]:
    """Texts and tools in their order."""
    return [each.tool if isinstance(each, ToolCall) else each.text for each in found.members]  # type: ignore[union-attr]


def test_calls_beside_a_voice_file(tmp_path: Path) -> None:
    """They stand among the turns by their offsets, a call before a turn that begins with it."""
    calls = written(
        tmp_path / "calls.jsonl",
        logged("V1", "get_order_details", offset_millis=20, arguments={"order_number": "W1"}),
        logged("V2", "get_order_details", offset_millis=20, arguments={"order_id": "W9"}),
        logged("V1", "get_customer_by_email", offset_millis=5, result={"customer_id": "C1"}),
        logged("V1", "get_item_details", offset_millis=20, error="no such item"),
    )
    options = Options(calls=str(calls))
    assert reader.check(options) == []
    found = one(tmp_path, voice(said("AGENT", "a", 0, 9), said("AGENT", "b", 20, 30)), options)
    assert shape(found) == [
        "a",
        "get_customer_by_email",
        "get_order_details",
        "get_item_details",
        "b",
    ]
    assert [each.index for each in found.members] == [0, 1, 2, 3, 4]
    done = [each for each in found.members if isinstance(each, ToolCall)]
    assert [each.group for each in done] == [1, 2, 2]
    assert [each.outcome for each in done] == ["answered", "not_recorded", "failed"]
    assert done[1].arguments == {"order_id": "W1"}
    assert "order_found" not in found.unobservable
    assert "email_given" in found.unobservable


def test_calls_beside_a_chat_file(tmp_path: Path) -> None:
    """They stand among the messages by their times."""
    calls = written(
        tmp_path / "calls.jsonl",
        logged("K1", "get_order_details", time="2025-03-01T23:30:01.500+00:00"),
    )
    found = one(tmp_path, CHAT, Options(calls=str(calls)))
    assert shape(found) == [
        "My address is [EMAIL]",
        "get_order_details",
        "An agent joined",
        "Thank you",
    ]


@pytest.mark.parametrize("time", [None, "2025-03-01T23:30:01", "2025-03-01T23:30:01Z"])
def test_where_the_order_cannot_be_told_calls_come_first(tmp_path: Path, time: str | None) -> None:
    """A voice file has offsets only; nothing that was said seems said too early."""
    calls = written(tmp_path / "calls.jsonl", logged("V1", "get_order_details", time=time))
    found = one(tmp_path, voice(said("AGENT", "a", 0, 9)), Options(calls=str(calls)))
    assert shape(found) == ["get_order_details", "a"]
    assert found.policy_date == (None if time is None else date(2025, 3, 1))


def test_a_case_without_logged_calls_is_not_observable(tmp_path: Path) -> None:
    """Nobody knows whether the log is whole."""
    calls = written(tmp_path / "calls.jsonl", logged("other", "get_order_details"))
    assert "order_found" in one(tmp_path, voice(), Options(calls=str(calls))).unobservable


def test_broken_lines_of_the_log_are_named(tmp_path: Path) -> None:
    """Each becomes an unreadable unit with its line; the others are used."""
    calls = written(
        tmp_path / "calls.jsonl",
        b"not json",
        logged("V1", "get_order_details"),
        b'{"operation": "get_order_details"}',
        b'{"case_id": "V1", "operation": "x", "arguments": "[1]"}',
    )
    options = Options(calls=str(calls))
    found = [each for unit in reader.check(options) for each in reader.read(unit, options)]
    assert [(each.line, bool(each.damage)) for each in found] == [(1, True), (3, True), (4, True)]
    assert {each.source for each in found} == {str(calls)}
    assert shape(one(tmp_path, voice(), options)) == ["get_order_details"]


def test_a_log_of_calls_that_is_not_there(tmp_path: Path) -> None:
    """An error before anything is read."""
    with pytest.raises(UsageError, match=r"absent\.jsonl"):
        reader.check(Options(calls=str(tmp_path / "absent.jsonl")))
