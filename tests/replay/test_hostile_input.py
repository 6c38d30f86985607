"""Broken and hostile files: each ends in damage or a usage error, within bounded memory."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from returnflow.engine.event_log import MAX_LINE
from returnflow.engine.transcript import ToolCall, Transcript
from returnflow.errors import UsageError
from returnflow.replay.transcripts import reader
from returnflow.replay.transcripts.reader import Options, Unit
from returnflow.replay.transcripts.shared import MAX_MEMBERS

from .reading import EMAIL, native, transcripts, written

FORMATS = ("native", "chat", "contact-lens", "csv")
CHAT = json.dumps({"id": "K", "messages": [{"role": "user", "content": "hello"}]}).encode()
LENS = json.dumps(
    {
        "Version": "CHAT-1.1.0",
        "Channel": "CHAT",
        "ContactId": "L",
        "Transcript": [
            {"Type": "MESSAGE", "ParticipantRole": "AGENT", "Content": "Hi", "AbsoluteTime": ""}
        ],
    }
).encode()
TABLE = b"case_id,activity,email\nA,email_given,a@example.com\nB,email_given,b@example.com\n"
GOOD = {"native": native(), "chat": CHAT, "contact-lens": LENS, "csv": TABLE}


def deep(depth: int) -> bytes:
    """Lists within lists."""
    return b"[" * depth + b"]" * depth


def outcome(path: Path, format: str | None) -> tuple[list[Transcript], str]:
    """The transcripts of a file, and the words of a usage error."""
    try:
        return transcripts(path, format=format), ""
    except UsageError as error:
        return [], str(error)


HOSTILE = {
    "empty": b"",
    "blank": b"\n\n \r\n",
    "binary": bytes(range(256)) * 40,
    "null bytes": b"\0" * 5000,
    "cut object": GOOD["chat"][:-20],
    "cut list": b"[" + CHAT + b"," + CHAT[:30],
    "only brackets": b"}}}]]]{{{[[[",
    "deep list": deep(100_000),
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "latin-1": '{"messages": [{"role": "user", "content": "Käse"}]}'.encode("latin-1"),
    "surrogate bytes": b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}]}',
    "big number": b'{"messages": [], "n": ' + b"9" * 100_000 + b"}",
    "number": b"17",
    "text": b'"just text"',
    "null": b"null",
    "open string": b'{"messages": "' + b"x" * 10_000,
    "open quote": b'case_id,activity\nA,"open\nB,x\n',
    "escapes": b'["' + b"\\" * 9_999,
}


@pytest.mark.parametrize("format", [None, *FORMATS])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_gets_through(tmp_path: Path, name: str, format: str | None) -> None:
    """It is named, as damage of its file or as an error, and never as anything else."""
    path = tmp_path / "x.json"
    path.write_bytes(HOSTILE[name])
    found, error = outcome(path, format)
    assert error or any(each.damage for each in found)
    assert all(each.source == str(path) for each in found)


@pytest.mark.parametrize("format", FORMATS)
def test_broken_bytes_at_random(tmp_path: Path, format: str) -> None:
    """Whatever is changed in a good file, reading it ends in one of the two ways."""
    rng = random.Random(20)
    path = tmp_path / "x"
    for round_ in range(300):
        data = bytearray(GOOD[format])
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data) or 1)
            match rng.randrange(3):
                case 0:
                    data[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    del data[at : at + rng.randrange(1, 40)]
                case 2:
                    data[at:at] = rng.choice([b'"', b"{", b"]", b"\\", b"\xff", b"\0", b"\n", b","])
        path.write_bytes(bytes(data))
        try:
            outcome(path, format)
        except Exception as error:
            raise AssertionError(f"seed 20, round {round_}: {bytes(data)!r}") from error


@pytest.mark.parametrize("format", ["native", "chat", "contact-lens"])
@pytest.mark.parametrize(
    "bad", [b"{", b"\xff\xfe\xfd", deep(100_000), b"17", b"nul", b'{"a": "\xed\xa0\x80"}']
)
def test_a_bad_line_does_not_hide_those_round_it(tmp_path: Path, format: str, bad: bytes) -> None:
    """It is named with its number."""
    good = GOOD[format]
    first, broken, last = transcripts(written(tmp_path / "x.jsonl", good, bad, good), format=format)
    assert not first.damage
    assert not last.damage
    assert (broken.line, last.line) == (2, 3)
    assert broken.damage[0].index is None


def test_the_first_line_may_be_the_bad_one(tmp_path: Path) -> None:
    """The format is still recognised by what follows."""
    broken, good = transcripts(written(tmp_path / "x.jsonl", b'{"id": "cut', CHAT))
    assert broken.damage
    assert good.case_id == "K"


# -- JSON's traps -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        native().replace(b'"events"', b'"events": [], "events"'),
        native().replace(b'"case"', b'"case": {"case_id": "X"}, "case"'),
        native(events=[{"event": "email_given", "email": float("nan")}]),
        native(events=[{"event": "email_given", "email": "\ud800"}]),
        CHAT.replace(b'"role"', b'"role": "assistant", "role"'),
        CHAT.replace(b'"hello"', b"NaN"),
        CHAT.replace(b'"hello"', b"-Infinity"),
        CHAT.replace(b"hello", b"\\ud800 hello"),
        LENS.replace(b'"ContactId"', b'"ContactId": "M", "ContactId"'),
    ],
)
def test_traps_of_json_are_named(tmp_path: Path, line: bytes) -> None:
    """Duplicate keys, numbers that are none, halves of characters: the call is read and named."""
    (found,) = transcripts(written(tmp_path / "x.jsonl", line))
    assert found.damage
    assert found.case_id in ("A1", "K", "L")
    assert not found.complete
    repr(found).encode("utf-8")


def test_halves_of_characters_in_results(tmp_path: Path) -> None:
    """Also where JSON stands in a text within JSON."""
    messages = [
        {"role": "assistant", "tool_calls": [{"id": "1", "name": "think", "arguments": "{}"}]},
        {"role": "tool", "tool_call_id": "1", "content": '{"a": "\\udc00"}'},
    ]
    (found,) = transcripts(written(tmp_path / "x.json", json.dumps(messages).encode()))
    (call,) = found.members
    assert isinstance(call, ToolCall)
    assert call.result == {"a": "\ufffd"}


def test_deep_arguments_are_named(tmp_path: Path) -> None:
    """And the call is kept."""
    call = {"id": "1", "name": "think", "arguments": deep(100_000).decode()}
    messages = [{"role": "assistant", "tool_calls": [call]}]
    (found,) = transcripts(written(tmp_path / "x.json", json.dumps(messages).encode()))
    assert len(found.members) == 1
    assert "deep" in found.damage[0].reason


@pytest.mark.parametrize(
    "line",
    [
        native(events=[EMAIL] * (MAX_MEMBERS + 5)),
        json.dumps([{"role": "user", "content": "x"}] * (MAX_MEMBERS + 5)).encode(),
        json.dumps(
            {**json.loads(LENS), "Transcript": json.loads(LENS)["Transcript"] * (MAX_MEMBERS + 5)}
        ).encode(),
        b"case_id,activity\n" + b"A,satisfied\n" * (MAX_MEMBERS + 5),
    ],
    ids=FORMATS,
)
def test_too_many_members(tmp_path: Path, line: bytes) -> None:
    """The first ones are read, and it is said how many there are."""
    (found,) = transcripts(written(tmp_path / "x", line))
    assert len(found.events or found.members) == MAX_MEMBERS
    assert str(MAX_MEMBERS + 5) in found.damage[0].reason


def test_mixed_encodings_in_a_table(tmp_path: Path) -> None:
    """A row in another encoding is named with its line; it and the rest are read."""
    bad, *calls = transcripts(
        written(tmp_path / "x.csv", TABLE + b"C,email_given,caf\xe9@x.example")
    )
    assert (bad.line, "not UTF-8" in bad.damage[0].reason) == (4, True)
    assert [each.case_id for each in calls] == ["A", "B", "C"]


# -- compression ------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.999])
def test_a_cut_file_is_used_up_to_the_cut(tmp_path: Path, pack: object, kept: float) -> None:
    """What came before is read; the cut is named."""
    rng = random.Random(7)
    lines = b"".join(
        native(f"{number}-{rng.randbytes(200).hex()}") + b"\n" for number in range(3000)
    )
    packed = pack(lines)  # type: ignore[operator]
    path = tmp_path / "x.jsonl"
    path.write_bytes(packed[: int(len(packed) * kept)])
    found = transcripts(path)
    good = [each for each in found if not each.damage]
    assert [each.case_id.split("-")[0] for each in good] == [str(n) for n in range(len(good))]
    assert "cut off" in found[-1].damage[0].reason
    assert len(good) > 3000 * (kept - 0.25)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_damaged_and_tiny_compressed_files(tmp_path: Path, pack: object) -> None:
    """Also one that ends in its head, and one with a changed byte in the middle."""
    packed = bytearray(pack(native() * 2000))  # type: ignore[operator]
    path = tmp_path / "x.jsonl"
    for size in range(1, 24):
        path.write_bytes(packed[:size])
        found, error = outcome(path, None)
        assert error or found[-1].damage
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed + b"rest")
    found, error = outcome(path, "native")
    assert found[-1].damage


def test_what_follows_the_compressed_data(tmp_path: Path) -> None:
    """Is named; the data themselves are read."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(gzip.compress(native() + b"\n") + b"trailing rubbish")
    good, bad = transcripts(path)
    assert not good.damage
    assert "gzip" in bad.damage[0].reason


# -- memory -----------------------------------------------------------------------------------

CHILD = """
import json, resource, sys
from returnflow.replay.transcripts import reader
from returnflow.replay.transcripts.reader import Options

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

for format in reader.formats():
    reader.reader(format)
for unit in reader.units([sys.argv[2]], sys.argv[1]):
    for each in reader.read(unit, Options()):
        pass
before = peak()
found = []
for unit in reader.units(["-"], sys.argv[1]):
    for each in reader.read(unit, Options()):
        found.append((each.line, each.damage[0].reason if each.damage else ""))
        del found[:-5]
print(json.dumps([peak() - before, found]))
"""
LONG = 100 * 1024 * 1024


def fed(format: str, small: Path, parts: list[bytes | int]) -> tuple[int, list[tuple[int, str]]]:
    """What a child process reads from its standard input, and by how many MiB it grew.

    Args:
        parts: bytes; or how many bytes of padding.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, format, str(small)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin as to:
        for part in parts:
            if isinstance(part, bytes):
                to.write(part)
                continue
            for _ in range(part // 2**20):
                to.write(b"x" * 2**20)
    with child.stdout as out:
        text = out.read().decode()
    assert child.wait() == 0
    grown, found = json.loads(text)
    return grown, [(line, reason) for line, reason in found]


@pytest.mark.parametrize("format", FORMATS)
def test_a_line_of_100_mb_is_passed_over(tmp_path: Path, format: str) -> None:
    """At most the longest line that is read is kept of it; the lines round it are read."""
    small = written(tmp_path / "small", GOOD[format])
    good = GOOD[format]
    grown, found = fed(
        format, small, [good, b"\n", b'{"', LONG, b'"}\n', good.split(b"\n")[-1], b"\n"]
    )
    bad = [reason for _, reason in found if reason]
    assert any(str(LONG)[:3] in reason and "bytes" in reason for reason in bad)
    assert any(not reason for _, reason in found)
    assert grown < 4 * MAX_LINE // 2**20


def test_a_value_of_100_mb_in_a_list_is_passed_over(tmp_path: Path) -> None:
    """The other entries are read."""
    small = written(tmp_path / "small", CHAT)
    parts: list[bytes | int] = [b"[\n", CHAT, b',\n{"a": "', LONG, b'"},\n', CHAT, b"\n]\n"]
    grown, found = fed("chat", small, parts)
    assert [(line, bool(reason)) for line, reason in found] == [(1, False), (2, True), (3, False)]
    assert grown < 4 * MAX_LINE // 2**20


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_small_file_that_expands_to_a_long_line(tmp_path: Path, pack: str) -> None:
    """However small the file is, no more than a line is kept."""
    small = written(tmp_path / "small", native())
    text = native() + b"\n" + b"x" * LONG + b"\n" + native() + b"\n"
    packed = gzip.compress(text, 9) if pack == "gzip" else zstandard.compress(text, 19)
    assert len(packed) < 200_000
    grown, found = fed("native", small, [packed])
    assert [(line, bool(reason)) for line, reason in found] == [(1, False), (2, True), (3, False)]
    assert grown < 6 * MAX_LINE // 2**20


@pytest.mark.parametrize("format", ["native", "chat", "csv"])
def test_memory_does_not_grow_with_the_log(tmp_path: Path, format: str) -> None:
    """Ten times as many calls take no more."""
    small = written(tmp_path / "small", GOOD[format])
    rows = GOOD[format].split(b"\n", 1) if format == "csv" else [b"", GOOD[format]]
    head = [rows[0] + b"\n"] if format == "csv" else []
    block = (rows[1].strip() + b"\n") * 5000
    sizes = []
    for times in (2, 20):
        parts: list[bytes | int] = [*head, *([block] * times)]
        sizes.append(fed(format, small, parts)[0])
    assert sizes[1] < sizes[0] + 8


# -- files ------------------------------------------------------------------------------------


def test_a_folder_that_names_itself_ends(tmp_path: Path) -> None:
    """A link back up is not followed."""
    written(tmp_path / "a.jsonl", native())
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert len(transcripts(tmp_path)) == 1


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    """In a folder as damage, by name as an error."""
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "absent")
    (found,) = transcripts(tmp_path)
    assert "cannot be read" in found.damage[0].reason
    with pytest.raises(UsageError, match="no such file"):
        transcripts(tmp_path / "a.jsonl")


def test_a_unit_with_a_problem_is_read_as_damage() -> None:
    """Whatever its format."""
    (found,) = reader.read(Unit("a/b.csv.gz", 4, b"", "", "too long"), Options())
    assert (found.case_id, found.source, found.line) == ("b#4", "a/b.csv.gz", 4)
    assert found.damage[0].reason == "too long"
