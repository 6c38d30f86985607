"""Chats with calls of tools, in every container and dialect that is read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from returnflow.engine.transcript import ToolCall, Transcript, Turn
from returnflow.errors import UsageError
from returnflow.replay.transcripts import reader
from returnflow.replay.transcripts.reader import Options

from .reading import ids, transcripts, written

SYSTEM = {"role": "system", "content": "You handle returns."}
HELLO = {"role": "user", "content": "I want to return a kettle, ann@example.com"}


def call(name: str, arguments: Any, call_id: str | None = "c1") -> dict[str, Any]:
    """A call in the chat-completions form; arguments as JSON text unless they are text."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    body = {"type": "function", "function": {"name": name, "arguments": given}}
    return body if call_id is None else {"id": call_id, **body}


def asks(*calls: dict[str, Any], content: Any = None, **more: Any) -> dict[str, Any]:
    """An agent's message that calls tools."""
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def reply(content: Any, call_id: str | None = "c1", **more: Any) -> dict[str, Any]:
    """A tool's reply."""
    given = {} if call_id is None else {"tool_call_id": call_id}
    return {"role": "tool", **given, "content": content, **more}


CUSTOMER = '{"customer_id": "C1", "active_orders": ["W1"]}'
MESSAGES = [
    SYSTEM,
    HELLO,
    asks(call("get_customer_by_email", {"email": "ann@example.com"}), content="One moment."),
    reply(CUSTOMER),
    {"role": "assistant", "content": [{"type": "text", "text": "Hello"}, "Ann"]},
]


def read(tmp_path: Path, value: Any, options: Options | None = None) -> list[Transcript]:
    """What one JSON value in a file is read as."""
    path = written(tmp_path / "chat.json", json.dumps(value).encode())
    return transcripts(path, format="chat", options=options)


def one(tmp_path: Path, *messages: Any, options: Options | None = None) -> Transcript:
    """The transcript of those messages."""
    (found,) = read(tmp_path, list(messages), options)
    return found


def calls_of(found: Transcript) -> list[ToolCall]:
    """Its calls of tools."""
    return [each for each in found.members if isinstance(each, ToolCall)]


def test_turns_and_calls_in_their_order(tmp_path: Path) -> None:
    """Text before the calls of the same message; the system's words are kept out."""
    found = one(tmp_path, *MESSAGES)
    assert found.case_id == "chat#1"
    assert found.members == [
        Turn(index=1, role="customer", text=HELLO["content"]),
        Turn(index=2, role="agent", text="One moment."),
        ToolCall(
            index=2,
            group=2,
            tool="get_customer_by_email",
            operation="get_customer_by_email",
            arguments={"email": "ann@example.com"},
            outcome="answered",
            result={"customer_id": "C1", "active_orders": ["W1"]},
        ),
        Turn(index=4, role="agent", text="Hello\nAnn"),
    ]
    assert not found.damage


def test_what_a_chat_cannot_show(tmp_path: Path) -> None:
    """Answers of the agent as such; never what was said, a hang-up, or the backend's part."""
    unseen = one(tmp_path, *MESSAGES).unobservable
    assert {"email_given", "items_picked", "return_confirmed", "human_requested"} <= unseen
    assert not {"told", "call_dropped", "return_requested", "return_opened"} & unseen


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (MESSAGES, ["chat#1"]),
        ([MESSAGES, MESSAGES], ["chat#1", "chat#2"]),
        ({"messages": MESSAGES}, ["chat#1"]),
        ({"id": "A", "date": "2025-01-01", "messages": MESSAGES}, ["A"]),
        ([{"task_id": 7, "trial": 2, "traj": MESSAGES}, {"traj": MESSAGES}], ["7.2", "chat#2"]),
        ({"session_id": 12, "conversation": MESSAGES}, ["12"]),
        ({"case_id": "T", "trajectory": MESSAGES}, ["T"]),
        ({"case_id": "T", "whatever": MESSAGES}, ["T"]),
        ({"first": MESSAGES, "second": MESSAGES}, ["first", "second"]),
        (
            {"id": "run", "simulations": [{"id": "s1", "messages": MESSAGES}, {"traj": MESSAGES}]},
            ["s1", "chat#1.2"],
        ),
    ],
)
def test_containers(tmp_path: Path, value: Any, found: list[str]) -> None:
    """The same conversation is found in all of them, laid out or not, and as JSON Lines."""
    for number, text in enumerate(
        [
            json.dumps(value),
            json.dumps(value, indent=2),
            json.dumps(value) + "\n" + json.dumps({"id": "last", "messages": MESSAGES}),
        ]
    ):
        (tmp_path / "chat.json").write_text(text + "\n", encoding="utf-8")
        calls = transcripts(tmp_path / "chat.json")
        assert {each.format for each in calls} == {"chat"}
        assert all(len(each.members) == 4 and not each.damage for each in calls)
        expected = found if number < 2 else [*_by_line(found), "last"]
        assert ids(calls) == expected


def _by_line(found: list[str]) -> list[str]:
    """In JSON Lines a list of conversations is one line."""
    if len(found) == 2 and found[1] == "chat#2":
        return [
            f"chat#1.{n}" if name.startswith("chat") else name for n, name in enumerate(found, 1)
        ]
    return found


def test_agent_and_zone_stand_beside_the_messages(tmp_path: Path) -> None:
    """Also those of the objects round the nearest one."""
    (found,) = read(
        tmp_path, {"model": "bot-3", "runs": [{"timezone": "Asia/Kolkata", "messages": MESSAGES}]}
    )
    assert (found.agent, found.zone) == ("bot-3", "Asia/Kolkata")


# -- the two halves of a call -----------------------------------------------------------------


def test_several_calls_of_one_message_are_one_group(tmp_path: Path) -> None:
    """Their replies are matched by id, in whatever order they come."""
    found = one(
        tmp_path,
        asks(
            call("get_item_details", {"item_id": "I1"}, "a"),
            call("get_item_details", {"item_id": "I2"}, "b"),
        ),
        reply('{"item_id": "I2"}', "b"),
        reply('{"item_id": "I1"}', "a"),
    )
    assert [(each.arguments["item_id"], each.result["item_id"]) for each in calls_of(found)] == [
        ("I1", "I1"),
        ("I2", "I2"),
    ]
    assert {each.group for each in calls_of(found)} == {0}


@pytest.mark.parametrize(
    ("asked", "replied"),
    [
        (asks(call("think", {}, None)), {"role": "tool", "content": "ok"}),
        (asks(call("think", {}, None)), {"role": "tool", "name": "think", "content": "ok"}),
        (asks(call("think", {}, "x")), {"role": "tool", "id": "x", "content": "ok"}),
        (
            asks(call("think", {}, "x")),
            {"role": "tool", "content": [{"type": "text", "text": "ok"}]},
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "x", "name": "think", "arguments": {}}]},
            {"role": "tool", "id": "x", "content": "ok", "error": False},
        ),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "think"}},
            {"role": "function", "name": "think", "content": "ok"},
        ),
    ],
)
def test_dialects_of_replies(tmp_path: Path, asked: Any, replied: Any) -> None:
    """By id under either key, by name, by position; flat calls; the legacy form."""
    found = one(tmp_path, HELLO, asked, replied)
    (done,) = calls_of(found)
    assert (done.tool, done.outcome, done.result) == ("think", "answered", "ok")
    assert not found.damage


def test_an_id_used_again_means_the_latest_call(tmp_path: Path) -> None:
    """Some agents number their calls anew in every message."""
    found = one(
        tmp_path,
        asks(call("get_order_details", {"order_id": "W1"})),
        reply("<error> order W1 not found </error>"),
        asks(call("get_order_details", {"order_id": "W2"})),
        reply('{"order_id": "W2"}'),
    )
    assert [each.outcome for each in calls_of(found)] == ["failed", "answered"]
    assert calls_of(found)[0].result == "order W1 not found"


def test_a_call_without_reply_is_not_recorded(tmp_path: Path) -> None:
    """And a reply without a call, or with another's id, is damage."""
    found = one(
        tmp_path, asks(call("get_order_details", {"order_id": "W1"}, "a")), HELLO, reply("x", "zzz")
    )
    (open_call,) = calls_of(found)
    assert (open_call.outcome, open_call.result) == ("not_recorded", None)
    assert [(each.index, "no call" in each.reason) for each in found.damage] == [(2, True)]


def test_a_late_reply_without_id_is_not_given_to_an_old_call(tmp_path: Path) -> None:
    """Only the calls made last can be meant."""
    found = one(
        tmp_path,
        asks(call("get_order_details", {"order_id": "W1"}, None)),
        asks(call("get_item_details", {"item_id": "I1"}, None)),
        reply('{"item_id": "I1"}', None),
    )
    assert [each.outcome for each in calls_of(found)] == ["not_recorded", "answered"]


@pytest.mark.parametrize(
    ("content", "more", "outcome", "result"),
    [
        ("<error> no luck </error>", {}, "failed", "no luck"),
        ("Error: user not found", {}, "failed", "Error: user not found"),
        ('{"error": "timeout"}', {}, "failed", "timeout"),
        ('{"error": {"message": "timeout", "code": 5}}', {}, "failed", "timeout"),
        ("gone", {"error": True}, "failed", "gone"),
        (None, {"error": "gone"}, "failed", "gone"),
        (
            '{"error": null, "customer_id": "C1"}',
            {},
            "answered",
            {"error": None, "customer_id": "C1"},
        ),
        ("[1, 2.50]", {}, "answered", [1, Decimal("2.50")]),
        ("{not json", {}, "answered", "{not json"),
        ({"order_id": "W"}, {}, "answered", {"order_id": "W"}),
        ("", {}, "answered", ""),
    ],
)
def test_what_a_tool_answered(
    tmp_path: Path, content: Any, more: dict[str, Any], outcome: str, result: Any
) -> None:
    """JSON is decoded with exact decimals; errors are told from answers."""
    found = one(tmp_path, asks(call("get_order_details", {})), reply(content, **more))
    (done,) = calls_of(found)
    assert (done.outcome, done.result) == (outcome, result)


# -- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ['{"order_id": ', "[1]", '"W1"', '{"a": NaN}'])
def test_arguments_that_cannot_be_read(tmp_path: Path, arguments: str) -> None:
    """The call is kept, and its arguments are named at its place."""
    found = one(tmp_path, HELLO, asks(call("get_order_details", arguments)), reply("{}"))
    (done,) = calls_of(found)
    assert done.operation == "get_order_details"
    assert "order_id" not in done.arguments
    assert [each.index for each in found.damage] == [1]
    assert "get_order_details" in found.damage[0].reason


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        None,
        {"content": "x"},
        {"role": "user", "content": 7},
        {"role": "user", "content": [7]},
        {"role": "assistant", "content": "", "tool_calls": "all"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "x"}]},
        {"role": "assistant", "content": "", "tool_calls": [7]},
    ],
)
def test_a_broken_message_is_named_and_the_rest_is_read(tmp_path: Path, message: Any) -> None:
    """With its place among the messages."""
    found = one(tmp_path, HELLO, message, {"role": "assistant", "content": "Bye"})
    assert [each.index for each in found.members] == [0, 2]
    assert [each.index for each in found.damage] == [1]


def test_no_messages_at_all(tmp_path: Path) -> None:
    """An object without a list of messages is unreadable, with its line."""
    path = written(tmp_path / "a.jsonl", json.dumps({"messages": MESSAGES}).encode(), b'{"a": 1}')
    good, bad = transcripts(path)
    assert not good.damage
    assert (bad.line, bad.case_id) == (2, "a#2")
    assert "no list of messages" in bad.damage[0].reason


# -- dates ------------------------------------------------------------------------------------

CLOCK = [
    asks(call("get_current_date_and_time", {})),
    reply('{"now": "2025-05-05T23:30:00+00:00"}'),
]


@pytest.mark.parametrize(
    ("beside", "messages", "options", "day"),
    [
        ({}, MESSAGES, Options(), None),
        ({}, MESSAGES, Options(date=date(2025, 1, 9)), date(2025, 1, 9)),
        ({"date": "2025-02-02"}, MESSAGES, Options(), date(2025, 2, 2)),
        ({"created_at": 1735689600}, MESSAGES, Options(), date(2025, 1, 1)),
        ({"created_at": "2025-02-02T23:30:00Z"}, MESSAGES, Options(), date(2025, 2, 2)),
        (
            {"created_at": "2025-02-02T23:30:00Z"},
            MESSAGES,
            Options(zone="Asia/Kolkata"),
            date(2025, 2, 3),
        ),
        ({"date": "tomorrow"}, MESSAGES, Options(), None),
        (
            {"date": "2025-02-02"},
            [{**HELLO, "timestamp": "2025-03-03T10:00:00"}],
            Options(),
            date(2025, 3, 3),
        ),
        ({}, [HELLO, *CLOCK], Options(), date(2025, 5, 5)),
        ({}, [HELLO, *CLOCK], Options(zone="Asia/Kolkata"), date(2025, 5, 6)),
        ({"date": "2025-02-02"}, [HELLO, *CLOCK], Options(), date(2025, 5, 5)),
        ({"date": "2025-02-02"}, MESSAGES, Options(date=date(2025, 1, 9)), date(2025, 1, 9)),
    ],
)
def test_the_day_of_a_call(
    tmp_path: Path, beside: dict[str, Any], messages: Any, options: Options, day: date | None
) -> None:
    """What is said by option wins; then a clock in the call; then times; then what is beside."""
    (found,) = read(tmp_path, {**beside, "messages": messages}, options)
    assert found.policy_date == day


def test_times_of_messages(tmp_path: Path) -> None:
    """Text and numbers; a time without a zone gets none (rule 3)."""
    found = one(
        tmp_path,
        {**HELLO, "timestamp": "2025-03-03T10:00:00"},
        {**HELLO, "created_at": 1735689600000},
    )
    assert [each.at for each in found.members if isinstance(each, Turn)] == [
        datetime(2025, 3, 3, 10),  # noqa: DTZ001 (the log has no zone)
        datetime(2025, 1, 1, tzinfo=UTC),
    ]


# -- tools ------------------------------------------------------------------------------------


def test_names_of_arguments(tmp_path: Path) -> None:
    """What the shop's data call them is understood; what is unknown is kept."""
    given = {"order_id": "W1", "item_number": "I1", "qty": 2, "reason": "OTHER", "extra": 1}
    (done,) = calls_of(one(tmp_path, asks(call("initiate_return", given))))
    assert done.arguments == {
        "order_id": "W1",
        "item_id": "I1",
        "quantity": 2,
        "return_reason": "OTHER",
        "extra": 1,
    }


def test_neutral_tools(tmp_path: Path) -> None:
    """`get_customer_by_id` belongs to no procedure once a customer has been looked up."""
    by_id = asks(call("get_customer_by_id", {"customer_id": "C1"}, "i"))
    found = one(
        tmp_path,
        by_id,
        asks(call("get_customer_by_email", {"email": "a@example.com"})),
        reply("<error> not found </error>"),
        by_id,
        *MESSAGES,
        by_id,
        asks(call("think", {}, "t"), call("calculate_date_difference", {}, "d")),
        asks(call("cancel_order", {}, "o")),
    )
    assert [(each.tool, each.neutral) for each in calls_of(found) if each.operation is None] == [
        ("get_customer_by_id", False),
        ("get_customer_by_id", False),
        ("get_customer_by_id", True),
        ("think", True),
        ("calculate_date_difference", True),
        ("cancel_order", False),
    ]


MAPPING = """\
tools:
  fetchOrder: {operation: get_order_details, arguments: {number: order_id}}
neutral: [play_music]
clocks: [what_day]
"""


def test_a_mapping_of_tools(tmp_path: Path) -> None:
    """It adds to what is built in."""
    (tmp_path / "tools.yaml").write_text(MAPPING, encoding="utf-8")
    found = one(
        tmp_path,
        asks(call("fetchOrder", {"number": "W1"}, "a"), call("play_music", {}, "b")),
        asks(call("what_day", {}, "c"), call("get_item_details", {"item": "I"}, "d")),
        reply("Today is 2025-06-07.", "c"),
        options=Options(tools=str(tmp_path / "tools.yaml")),
    )
    order, music, clock, item = calls_of(found)
    assert (order.operation, order.arguments) == ("get_order_details", {"order_id": "W1"})
    assert (music.operation, music.neutral, clock.neutral) == (None, True, True)
    assert item.arguments == {"item_id": "I"}
    assert found.policy_date == date(2025, 6, 7)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tool:\n  a: {}\n", "1:1: unknown key 'tool'; did you mean 'tools'?"),
        ("tools:\n  a: {operation: get_order}\n", "2:7: unknown operation 'get_order'; did you"),
        (
            "tools:\n  a:\n    operation: get_order_details\n    arguments: {n: order}\n",
            "4:17: get_order_details has no argument 'order'; did you mean 'order_id'?",
        ),
        ("tools:\n  a: {arguments: {}}\n", "2:3: the key 'operation' is missing"),
        ("neutral: think\n", "1:1: 'neutral' must be a list"),
        ("neutral: [a]\nneutral: [b]\n", "2:1: the key 'neutral' is given twice"),
        ("neutral: [a\n", "not YAML"),
    ],
)
def test_a_mapping_that_cannot_be_used(tmp_path: Path, text: str, problem: str) -> None:
    """It is named with file, line and column, before anything is read."""
    path = tmp_path / "tools.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        reader.check(Options(tools=str(path)))
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)
