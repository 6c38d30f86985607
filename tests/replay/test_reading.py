"""Files, folders and streams become units, and lines of the event log become transcripts."""

from __future__ import annotations

import copy
import gzip
import io
import json
import pickle
import re
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import zstandard

from returnflow.engine.transcript import Recorded, ToolCall, Transcript
from returnflow.errors import UsageError
from returnflow.records import Order, Parcel
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS
from returnflow.replay.transcripts import reader, splitting
from returnflow.replay.transcripts.reader import Options, Unit
from returnflow.replay.transcripts.shared import MAX_PROBLEMS
from returnflow.replay.transcripts.sources import Progress
from returnflow.returns import events as ev
from returnflow.returns.missing import HIDDEN_POLICY
from returnflow.testing import generate_shop, random_call

from .logs import definition, exported
from .reading import EMAIL, ids, native, transcripts, written

HIDDEN_PARCELS = (Parcel(package_id=NOT_RECORDED, quantity=NOT_RECORDED_UNITS),)

# -- the event log ----------------------------------------------------------------------------


def test_a_line_of_the_event_log_is_a_call(tmp_path: Path) -> None:
    """Header and events are those of the line; it is the machine's own record."""
    (call,) = transcripts(written(tmp_path / "log.jsonl", native()))
    assert (call.case_id, call.agent, call.format, call.line) == ("A1", "bea", "native", 1)
    assert (call.policy_date, call.zone) == (date(2025, 3, 2), "Europe/Berlin")
    assert call.source == str(tmp_path / "log.jsonl")
    assert [type(each) for each in call.events] == [ev.EmailGiven]
    assert call.complete
    assert not call.damage
    assert not call.members


def test_a_redacted_line_is_not_complete(tmp_path: Path) -> None:
    """What somebody took out was there in the shop (rule 41)."""
    event = {**EMAIL, "email": "[EMAIL]"}
    (call,) = transcripts(written(tmp_path / "log.jsonl", native(events=[event])))
    assert not call.complete
    assert not call.damage


@pytest.mark.parametrize(
    ("options", "day"),
    [
        (Options(), date(2025, 3, 1)),
        (Options(zone="Asia/Kolkata"), date(2025, 3, 2)),
        (Options(date=date(2025, 4, 4)), date(2025, 4, 4)),
    ],
)
def test_a_line_made_by_hand_needs_case_id_and_events(
    tmp_path: Path, options: Options, day: date
) -> None:
    """The day is the one given, else that of the first event in the zone."""
    line = native(case={"case_id": "H"}, returnflow=None, masked=None, states=None)
    (call,) = transcripts(written(tmp_path / "log.jsonl", line), options=options)
    assert (call.case_id, call.policy_date, call.zone) == ("H", day, options.zone)
    assert not call.damage


def test_the_header_wins_over_the_options(tmp_path: Path) -> None:
    """A recorded policy date and zone are what the call decided by (rule 4)."""
    options = Options(date=date(2030, 1, 1), zone="UTC")
    (call,) = transcripts(written(tmp_path / "log.jsonl", native()), options=options)
    assert (call.policy_date, call.zone) == (date(2025, 3, 2), "Europe/Berlin")


def test_an_unknown_event_is_kept_and_a_broken_one_named(tmp_path: Path) -> None:
    """The rest of the line is read; every member keeps its place."""
    events = [
        {"event": "coffee_offered", "at": "2025-03-01T22:30:00Z"},
        {"event": "email_given", "email": 7},
        EMAIL,
        "nothing",
    ]
    (call,) = transcripts(written(tmp_path / "log.jsonl", native(events=events)))
    unknown, broken, known = call.members
    assert isinstance(unknown, ToolCall)
    assert (unknown.tool, unknown.operation, unknown.neutral) == ("coffee_offered", None, False)
    assert isinstance(broken, Recorded)
    assert broken.event == ev.EmailGiven(email=NOT_RECORDED)
    assert isinstance(known, Recorded)
    assert known.index == 2
    assert [each.index for each in call.damage] == [1, 3]
    assert "`email_given`: `email`: Expected `str`, got `int`" in call.damage[0].reason
    assert not call.complete
    assert not call.events


LINE = {"item_id": "I1", "quantity": 2, "unit_price": "9.90", "returned": 0}
ORDER = {"order_id": "W1", "customer_id": "C1", "lines": [LINE]}
POLICY = {"return_eligible": True, "return_window": "30 days"}


@pytest.mark.parametrize(
    ("event", "path", "stands"),
    [
        ({"event": "order_found", "order": ORDER}, "order.lines.0.unit_price", None),
        ({"event": "order_found", "order": ORDER}, "order.lines.0.returned", None),
        ({"event": "order_found", "order": ORDER}, "order.lines.0.quantity", NOT_RECORDED_UNITS),
        ({"event": "order_found", "order": ORDER}, "order.lines.0.item_id", NOT_RECORDED),
        ({"event": "order_found", "order": ORDER}, "order.lines.0.parcels", HIDDEN_PARCELS),
        ({"event": "item_found", "item": {"item_id": "I1"}}, "item.cost", None),
        ({"event": "item_found", "item": {"item_id": "I1"}}, "item.policy", HIDDEN_POLICY),
        (
            {"event": "item_found", "item": {"item_id": "I1", "policy": POLICY}},
            "item.policy.return_eligible",
            None,
        ),
        (
            {"event": "items_picked", "picks": []},
            "picks",
            (ev.Pick(NOT_RECORDED, NOT_RECORDED_UNITS),),
        ),
        ({"event": "backend_failed", "operation": "get_item_details"}, "outcome", "unknown"),
        ({"event": "satisfied"}, "at", None),
        ({"event": "satisfied"}, "inferred", False),
    ],
)
@pytest.mark.parametrize("value", ["[PII]", " [NOT RECORDED] ", {"of": "no"}, 1.5])
def test_a_field_that_cannot_be_read_is_hidden_and_its_event_kept(
    tmp_path: Path, event: dict[str, Any], path: str, stands: Any, value: Any
) -> None:
    """A redaction is no damage (rule 41); a value of a wrong type is, and is hidden as well."""
    names: list[str | int] = [int(each) if each.isdigit() else each for each in path.split(".")]
    broken = copy.deepcopy(event)
    at: Any = broken
    for name in names[:-1]:
        at = at[name]
    at[names[-1]] = value
    fits = names[-1] in ("unit_price", "cost") and value == 1.5  # an amount may be a number
    log = written(tmp_path / "log.jsonl", native(events=[EMAIL, broken]))
    (call,) = transcripts(log)
    assert not call.members
    found: Any = call.events[1]
    for name in names:
        found = found[name] if isinstance(name, int) else getattr(found, name)
    if isinstance(value, str):
        assert not call.damage
        assert found == (value if stands == NOT_RECORDED else stands)
    elif fits:
        assert found == Decimal("1.5")
    elif isinstance(value, dict) and names[-1] == "policy":
        assert not call.damage  # it is a block that says nothing
    else:
        assert found == stands
        (damage,) = call.damage
        assert damage.index == 1
        spelt = re.sub(r"\.(\d+)", r"[\1]", path)
        assert f"`{event['event']}`: `{spelt}`: " in damage.reason
    assert call.complete is (fits or (isinstance(value, dict) and names[-1] == "policy"))


def test_what_cannot_be_hidden_leaves_the_trace(tmp_path: Path) -> None:
    """Nothing stands for a later policy date: the event is out, and its place is named."""
    for given in ({"policy_date": "[DATE]"}, {"policy_date": 7}, {}):
        events = [EMAIL, {"event": "resumed", **given}, {"event": "satisfied"}]
        (call,) = transcripts(written(tmp_path / "log.jsonl", native(events=events)))
        assert [each.index for each in call.members] == [0, 2], given
        (damage,) = call.damage
        assert damage.index == 1
        assert "`policy_date`" in damage.reason


def test_a_field_that_is_required_and_missing_is_hidden_and_named(tmp_path: Path) -> None:
    """What may be missing has its default: the log is the machine's own record."""
    events = [{"event": "order_found", "order": {"order_id": "W1"}}]
    (call,) = transcripts(written(tmp_path / "log.jsonl", native(events=events)))
    (found,) = call.events
    assert found == ev.OrderFound(order=Order(order_id="W1", customer_id=NOT_RECORDED))
    assert "`order.customer_id`: missing" in call.damage[0].reason


def test_an_event_of_a_redacted_name_is_held_against_nobody(tmp_path: Path) -> None:
    """It was one, and nobody can see which (rule 41)."""
    events = [EMAIL, {"event": "[REDACTED]", "at": "2025-03-01T22:31:00Z"}]
    (call,) = transcripts(written(tmp_path / "log.jsonl", native(events=events)))
    _, unseen = call.members
    assert isinstance(unseen, ToolCall)
    assert unseen.neutral
    assert not call.damage
    assert not call.complete


def test_fields_that_do_not_fit_are_named_up_to_a_number(tmp_path: Path) -> None:
    """A long list of wrong values is no long list of damage (rule 40)."""
    customer = {"customer_id": "C1", "active_orders": [7] * 5000}
    events = [{"event": "customer_found", "customer": customer}]
    (call,) = transcripts(written(tmp_path / "log.jsonl", native(events=events)))
    (found,) = call.events
    assert isinstance(found, ev.CustomerFound)
    assert found.customer.active_orders == (NOT_RECORDED,) * 5000
    assert len(call.damage) == MAX_PROBLEMS + 1
    assert f"{5000 - MAX_PROBLEMS} more" in call.damage[-1].reason


def scalars(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where there is one, by path."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from scalars(each, *path, key)
    else:
        yield path


def flat(value: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Everything in an event, by path, with what has its default."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from flat(getattr(value, name), *path, name)
    elif isinstance(value, tuple | list):
        for number, each in enumerate(value):
            yield from flat(each, *path, number)
    else:
        yield path, value


@pytest.mark.parametrize("seed", range(12))
def test_one_value_that_cannot_be_read_changes_nothing_else(seed: int) -> None:
    """Wherever in the events of a legal call it stands, redacted or of a wrong type."""
    rng = Random(seed)
    shop = generate_shop(rng)
    made = random_call(definition(), rng, shop, max_events=40)
    whole = json.loads(exported(made, "A1", shop.today, shop.zone, "bea"))
    before = read_line(whole)
    assert before.complete
    places = list(scalars(whole["events"]))
    for path in rng.sample(places, min(60, len(places))):
        for value in ("[PII]", rng.choice([[], {}, [7], {"a": "b"}, 7, 1.5, True])):
            line = copy.deepcopy(whole)
            at: Any = line["events"]
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            label = f"seed {seed}: {path} = {value!r} in {whole['events'][path[0]]}"
            same_but_for(path, value, line, before, label)


def read_line(line: Any) -> Transcript:
    """The one transcript of a line."""
    unit = Unit("x.jsonl", 1, json.dumps(line).encode(), "native")
    (found,) = reader.read(unit, Options())
    return found


def same_but_for(
    path: tuple[str | int, ...], value: Any, line: Any, before: Transcript, label: str
) -> None:
    """Whether the line is read as before, but for what stands there."""
    after = read_line(line)
    at = int(path[0])
    body = line["events"][at]
    index = [each.index for each in after.damage]
    for name in ("case_id", "agent", "policy_date", "zone", "line", "unobservable"):
        assert getattr(after, name) == getattr(before, name), label
    if path[1:] in (("event",), ("policy_date",)):  # no event can be made
        members = [each for each in after.members if isinstance(each, Recorded)]
        rest = [(n, each) for n, each in enumerate(before.events) if n != at]
        assert [(each.index, each.event) for each in members] == rest, label
        unseen = [each.index for each in after.members if isinstance(each, ToolCall)]
        assert unseen == ([at] if path[1:] == ("event",) and value == "[PII]" else []), label
        assert index == ([] if unseen else [at]), label
        assert not after.complete, label
        return
    assert not after.members, label
    assert len(after.events) == len(before.events), label
    old, new = dict(flat(before.events)), dict(flat(after.events))
    assert {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} <= {path}, label
    try:
        fits = definition().vocabulary.decoder.decode(json.dumps(body)) == after.events[at]
    except msgspec.ValidationError:
        fits = False
        assert new[path] in (NOT_RECORDED, NOT_RECORDED_UNITS, None, False, "unknown"), label
    assert index == ([] if fits or value == "[PII]" else [at]), label
    assert after.complete is (fits and value != "[PII]"), label


def test_a_broken_header_does_not_lose_the_events(tmp_path: Path) -> None:
    """A zone that is none and a date that is none are named; the call is still read."""
    case = {"case_id": "B", "zone": "Mars/Base", "policy_date": "soon", "agent": None}
    (call,) = transcripts(written(tmp_path / "log.jsonl", native(case=case)))
    assert (call.case_id, call.zone, call.policy_date) == ("B", None, date(2025, 3, 1))
    assert len(call.events) == 1
    assert {"zone", "policy_date"} == {
        each.reason.split("`")[1].removeprefix("case.") for each in call.damage
    }


# -- sources ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: data,
        gzip.compress,
        zstandard.compress,
        lambda data: gzip.compress(data[:200]) + gzip.compress(data[200:]) + b"\0" * 512,
        lambda data: zstandard.compress(data[:200]) + zstandard.compress(data[200:]),
        lambda data: b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstandard.compress(data),
        lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n\r\n"),
        lambda data: data.decode().encode("utf-16"),
    ],
    ids=["plain", "gzip", "zstd", "members", "frames", "skipped", "bom-crlf", "utf-16"],
)
def test_compression_is_told_by_the_bytes(tmp_path: Path, pack: Any) -> None:
    """The name says nothing; two members, a byte-order mark and blank lines are no matter."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(pack(native("one") + b"\n" + native("two") + b"\n"))
    found = transcripts(path)
    assert ids(found) == ["one", "two"]
    assert not any(each.damage for each in found)


def test_folders_patterns_and_names(tmp_path: Path) -> None:
    """A folder is walked in the order of its names; other files in it are left alone."""
    (tmp_path / "b" / "deep").mkdir(parents=True)
    written(tmp_path / "b" / "deep" / "2.jsonl", native("deep"))
    (tmp_path / "b" / "1.jsonl.gz").write_bytes(gzip.compress(native("packed")))
    written(tmp_path / "b" / "notes.txt", b"not a transcript")
    written(tmp_path / "b" / ".hidden.jsonl", b"nor this")
    written(tmp_path / "a.jsonl", native("a"))
    assert ids(transcripts(tmp_path)) == ["a", "packed", "deep"]
    assert ids(transcripts(tmp_path / "*.jsonl")) == ["a"]
    assert ids(transcripts(tmp_path / "**" / "*.jsonl")) == ["a", "deep"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash is standard input; its size is not known beforehand."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(native("in") + b"\n")))
    (call,) = transcripts("-")
    assert (call.case_id, call.source) == ("in", "-")
    assert reader.total_size(["-"]) is None


def test_progress_counts_the_bytes_as_stored(tmp_path: Path) -> None:
    """At the end as much is consumed as was known to come."""
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(gzip.compress(native(name) * 50))
    progress = Progress()
    list(reader.units([str(tmp_path)], progress=progress))
    assert progress.consumed == reader.total_size([str(tmp_path)])
    assert progress.consumed > 0
    assert progress.source == str(tmp_path / "b.jsonl")


@pytest.mark.parametrize(
    ("path", "format", "words"),
    [
        ("absent.jsonl", None, "no such file"),
        ("*.absent", None, "no file matches"),
        ("empty", None, "holds no transcripts"),
        ("strange.txt", None, "not recognised"),
        ("strange.txt", "klingon", "installed: native, contact-lens, chat, csv"),
        ("strange.txt", "csv", "no column names the case"),
    ],
)
def test_what_cannot_be_asked_for(
    tmp_path: Path, path: str, format: str | None, words: str
) -> None:
    """Wrong names are errors that say what to do."""
    (tmp_path / "empty").mkdir()
    written(tmp_path / "strange.txt", b"dear diary")
    with pytest.raises(UsageError, match=words) as caught:
        transcripts(tmp_path / path, format=format)
    if words == "not recognised":
        assert "--format" in str(caught.value)
        assert "strange.txt" in str(caught.value)


def test_a_strange_file_in_a_folder_does_not_stop_the_rest(tmp_path: Path) -> None:
    """It is named, and what comes after it is read."""
    written(tmp_path / "1.json", b'{"expected": []}')
    written(tmp_path / "2.jsonl", native())
    strange, call = transcripts(tmp_path)
    assert "not recognised" in strange.damage[0].reason
    assert strange.source.endswith("1.json")
    assert call.case_id == "A1"


def test_units_and_options_go_to_other_processes() -> None:
    """Both can be pickled."""
    unit = Unit("x.jsonl", 3, b"{}", "native")
    options = Options(date=date(2025, 1, 1), zone="UTC", tools="t.yaml")
    assert pickle.loads(pickle.dumps((unit, options))) == (unit, options)  # noqa: S301 (our own)


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc", ""])
def test_options_are_checked_beforehand(zone: str) -> None:
    """A zone that is none is an error before anything is read."""
    with pytest.raises(UsageError, match="IANA"):
        reader.check(Options(zone=zone))


# -- cutting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_values_are_cut_wherever_the_chunks_end(size: int) -> None:
    """Strings with brackets, quotes and escapes do not mislead, however the bytes arrive."""
    entries = [{"a": '}]"\\', "b": [1, {"c": "[{"}]}, [], ["x"], {"role ": "\\\\"}]
    other = [{"role": "user"}, {"content": "]"}]
    text = json.dumps(entries, indent=1).encode() + b"\n" + json.dumps(other).encode() + b' {"z":1}'
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    pieces = list(splitting.values(chunks, lambda head: b"role" in set(splitting.top_keys(head))))
    assert [json.loads(piece.data) for piece in pieces] == [*entries, other, {"z": 1}]
    assert [piece.number for piece in pieces] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "by_line"),
    [
        (b'{"a": 1}\n{"a": 2}\n', True),
        (b'{"a": 1}', False),
        (b'[{"a": 1}, {"a": 2}]\n', False),
        (b'{\n "a": 1\n}\n', False),
        (b'[\n{"a": 1},\n{"a": 2}\n]\n', False),
        (b'[{"a": 1},\n{"a": 2}]\n', False),
        (b'{"a": 1, "b\n{"a": 2}\n', True),
        (b'{"a": nan}\n\n{"a": 2}\n', True),
    ],
)
def test_lines_and_laid_out_json_are_told_apart(text: bytes, by_line: bool) -> None:
    """Also where the first line is broken."""
    assert splitting.one_value_a_line(text) is by_line


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_long_line_is_passed_over(size: int) -> None:
    """It is named with its length; the lines round it are read."""
    text = b"one\r\n\n" + b"x" * 50 + b"\ntwo\n" + b"y" * 60
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    pieces = list(splitting.lines(chunks, limit=20))
    assert [(piece.number, piece.data) for piece in pieces] == [
        (1, b"one"),
        (3, b""),
        (4, b"two"),
        (5, b""),
    ]
    assert "50 bytes" in pieces[1].problem
    assert "60 bytes" in pieces[3].problem
