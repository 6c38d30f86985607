"""A log of the backend's calls that belongs to transcripts which hold none.

JSON Lines, one call a line: `case_id`, `time` or `offset_millis`, `operation`, `arguments`, and
`result` or `error`. It is read once in each process and looked up by case id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from returnflow import jsontext
from returnflow.engine.transcript import Recorded, ToolCall, Turn
from returnflow.replay.transcripts.shared import Outcome, answer, moment
from returnflow.replay.transcripts.sources import STDIN, Stream, open_raw
from returnflow.replay.transcripts.splitting import lines
from returnflow.replay.transcripts.tools import ToolMapping, mapping_for

_CASES = ("case_id", "contact_id", "ContactId")
_TIMES = ("time", "at", "timestamp")
_NAMES = ("operation", "tool", "name")


class Logged(msgspec.Struct, frozen=True):
    """A call of the log, and when it was.

    Args:
        offset: milliseconds from the beginning of the contact.
    """

    call: ToolCall
    offset: int | None


class CallLog(msgspec.Struct, frozen=True):
    """The calls of a log by case id, in the order of the log.

    Args:
        problems: the lines that cannot be read, and why; None for what is of no line.
    """

    calls: dict[str, list[Logged]]
    problems: list[tuple[int | None, str]]


@lru_cache(maxsize=4)
def call_log(path: str, tools: str | None, words: str = "returns") -> CallLog:
    """The log at `path`.

    Args:
        tools, words: as for `mapping_for`.

    Raises:
        UsageError: the log or the mapping of tools cannot be read.
    """
    mapping = mapping_for(tools, words)
    log = CallLog({}, [])
    answered: dict[str, Counter[str]] = {}
    raw = open_raw(path)
    try:
        stream = Stream(path, raw)
        for piece in lines(stream):
            if piece.problem:
                log.problems.append((piece.number, piece.problem))
                continue
            try:
                case_id, logged = _logged(piece.data, mapping)
            except ValueError as error:
                log.problems.append((piece.number, f"in the log of calls: {error}"))
            else:
                log.calls.setdefault(case_id, []).append(
                    _settled(logged, mapping, answered.setdefault(case_id, Counter()))
                )
        if stream.problem:
            log.problems.append((None, stream.problem))
    finally:
        if path != STDIN:
            raw.close()
    return log


def _logged(line: bytes, mapping: ToolMapping) -> tuple[str, Logged]:
    value, odd = jsontext.decode(line)
    if odd:
        raise ValueError(odd[0])
    if not isinstance(value, dict):
        raise ValueError("a call is an object")
    case_id, tool = _text(value, _CASES), _text(value, _NAMES)
    arguments = value.get("arguments")
    if isinstance(arguments, str) and arguments.strip():
        arguments, _ = jsontext.decode(arguments)
    if arguments in (None, ""):
        arguments = {}
    if not isinstance(arguments, dict):
        raise ValueError("`arguments` is no object")
    operation, renamed = mapping.operation(tool, arguments)
    error = value.get("error")
    outcome: Outcome = "not_recorded"
    result = None
    if error:
        outcome, result = answer(error, failed=True)
    elif value.get("result") is not None:
        outcome, result = answer(value["result"])
    at = next(filter(None, (moment(value.get(key)) for key in _TIMES)), None)
    offset = value.get("offset_millis")
    call = ToolCall(
        index=0,
        group=0,
        tool=tool,
        operation=operation,
        arguments=renamed,
        outcome=outcome,
        result=result,
        at=at,
    )
    return case_id, Logged(call, offset if type(offset) is int else None)


def _settled(logged: Logged, mapping: ToolMapping, answered: Counter[str]) -> Logged:
    """The call with what the calls before it in the same case say about it."""
    call = logged.call
    if call.operation is None and mapping.is_neutral(call.tool, answered):
        return Logged(msgspec.structs.replace(call, neutral=True), logged.offset)
    if call.operation is not None and call.outcome != "failed":
        answered[call.operation] += 1
    return logged


def _text(value: dict[str, Any], keys: Sequence[str]) -> str:
    for key in keys:
        found = value.get(key)
        if isinstance(found, str | int) and not isinstance(found, bool) and str(found).strip():
            return str(found).strip()
    raise ValueError(f"`{keys[0]}` is missing")


# -- calls among turns ------------------------------------------------------------------------


def merged(
    turns: list[tuple[int | None, Turn]], calls: list[Logged], zone: str | None
) -> list[Turn | ToolCall | Recorded]:
    """Turns and calls in the order of their times, numbered anew; a call before a turn.

    Where that order cannot be told, the calls come first, so that nothing that was said about
    an answer seems to have been said before it.

    Args:
        turns: each with its offset in milliseconds; None where it has none.
        zone: in which times without a zone are read.
    """
    by_offset = [offset for offset, _ in turns], [each.offset for each in calls]
    by_time = (
        _instants([turn.at for _, turn in turns], zone),
        _instants([each.call.at for each in calls], zone),
    )
    for said, done in (by_offset, by_time):
        if None not in said and None not in done:
            order: list[tuple[Any, int, int]] = [
                *((key, 1, place) for place, key in enumerate(said)),
                *((key, 0, place) for place, key in enumerate(done)),
            ]
            return _numbered(sorted(order), turns, calls)
    order = [*((place, 0, place) for place in range(len(calls)))]
    order += [(len(calls) + place, 1, place) for place in range(len(turns))]
    return _numbered(order, turns, calls)


def _instants(times: list[datetime | None], zone: str | None) -> list[float | None]:
    """The times as seconds; None for what has no time, or none that can be compared."""
    where: tzinfo | None = ZoneInfo(zone) if zone is not None else None
    known: list[float | None] = []
    for at in times:
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=where) if where is not None else None
        known.append(None if at is None else at.timestamp())
    return known


def _numbered(
    order: list[tuple[Any, int, int]], turns: list[tuple[int | None, Turn]], calls: list[Logged]
) -> list[Turn | ToolCall | Recorded]:
    members: list[Turn | ToolCall | Recorded] = []
    last: Any = None
    group = 0
    for index, (key, said, place) in enumerate(order):
        if said:
            members.append(msgspec.structs.replace(turns[place][1], index=index))
            last = None
        else:
            group = group if key == last else index
            members.append(msgspec.structs.replace(calls[place].call, index=index, group=group))
            last = key
    return members
