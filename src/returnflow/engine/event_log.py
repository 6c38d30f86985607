"""The event log: calls as JSON Lines, one call a line; the transcript that replay reads.

The format is described in ``docs/event-log.md`` and by the JSON Schema beside it, which
`event_log_schema` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Union

import msgspec

from returnflow.engine.journal import Entry, Header, RecordedEvent, visible
from returnflow.engine.vocabulary import Event
from returnflow.errors import JournalDamagedError

if TYPE_CHECKING:
    from returnflow.masking import Masker

FORMAT: Literal[1] = 1
MAX_LINE = 16 * 1024 * 1024
"""The longest line that is read, in bytes (rule 40)."""


class _Aside(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row that the machine does not see."""

    seq: int
    kind: Literal["event", "rewound", "noted"]
    at: datetime
    state: str
    ended: bool = False
    event: Any = None
    to: int | None = None
    text: str = ""


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    returnflow: Literal[1]
    masked: bool
    case: Header
    events: list[Any]
    states: list[str]
    ended: bool = False
    asides: list[_Aside] = []


def export_case(header: Header, entries: Sequence[Entry], *, mask: Masker | None) -> bytes:
    """One call as one line of JSON, without the line's end.

    Args:
        entries: all rows; those that were hidden, rewindings and notes stand apart.
        mask: hides e-mail addresses and phone numbers; None only where they were asked for
            (rule 38).
    """
    if mask is not None:
        keep = mask.ids_of([header, [_plain(each.event) for each in entries]])
        header = mask.mask_event(header, keep)
        entries = [_masked(each, mask, keep) for each in entries]
    shown = visible(entries)
    numbers = {each.seq for each in shown}
    call = _Call(
        returnflow=FORMAT,
        masked=mask is not None,
        case=header,
        events=[_plain(each.event) for each in shown],
        states=[each.state for each in shown],
        ended=bool(shown) and shown[-1].ended,
        asides=[
            _Aside(
                seq=each.seq,
                kind=each.kind,
                at=each.at,
                state=each.state,
                ended=each.ended,
                event=_plain(each.event),
                to=each.to,
                text=each.text,
            )
            for each in entries
            if each.seq not in numbers
        ],
    )
    return msgspec.json.encode(call)


def import_case(line: bytes, events: tuple[type[Event], ...]) -> tuple[Header, list[Entry]]:
    """The header and all rows of an exported call.

    Args:
        line: one line of a log.
        events: the classes of events, as `Vocabulary.events`.

    Raises:
        JournalDamagedError: the line is no call in this format; says where it departs.
    """
    if len(line) > MAX_LINE:
        raise JournalDamagedError(f"the line has {len(line)} bytes; at most {MAX_LINE} are read")
    try:
        call = _decoder(events).decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JournalDamagedError(f"this is no call of the event log: {error}") from error
    if len(call.states) != len(call.events):
        raise JournalDamagedError(
            f"`events` has {len(call.events)} members, `states` has {len(call.states)}"
        )
    return call.case, _rows(call)


def event_log_schema(events: tuple[type[Event], ...]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of the log, for a vocabulary's events."""
    # Through JSON once, so that it equals what a file of it is read as.
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(_call_type(events))))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:returnflow:event-log:{FORMAT}",
        "title": "A call in returnflow's event log",
        "description": "One line of the log; see docs/event-log.md for what the members mean.",
        **schema,
    }


@lru_cache(maxsize=8)
def _call_type(events: tuple[type[Event], ...]) -> Any:
    """`_Call` with its events typed."""
    event: Any = Union[events]  # noqa: UP007 (a run-time union)
    aside: Any = msgspec.defstruct(
        "Aside",
        [("event", event | None, None)],
        bases=(_Aside,),
        frozen=True,
        kw_only=True,
    )
    return msgspec.defstruct(
        "Call",
        [
            ("events", list[event]),
            ("asides", list[aside], msgspec.field(default_factory=list)),
        ],
        bases=(_Call,),
        frozen=True,
        kw_only=True,
    )


@lru_cache(maxsize=8)
def _decoder(events: tuple[type[Event], ...]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_call_type(events))


def _plain(event: Event | None) -> Any:
    """What is written for an event: itself, or the body it was read with."""
    return event.body if isinstance(event, RecordedEvent) else event


def _masked(entry: Entry, mask: Masker, keep: frozenset[str]) -> Entry:
    event = entry.event
    if isinstance(event, RecordedEvent):
        event = msgspec.structs.replace(event, body=mask.mask_event(event.body, keep))
    elif event is not None:
        event = mask.mask_event(event, keep)
    return msgspec.structs.replace(entry, event=event, text=mask.mask_text(entry.text, keep))


def _rows(call: Any) -> list[Entry]:
    """The rows of a call in their order: asides have numbers, the rest fill the gaps."""
    rows = {
        each.seq: Entry(
            seq=each.seq,
            kind=each.kind,
            at=each.at,
            state=each.state,
            ended=each.ended,
            event=each.event,
            to=each.to,
            text=each.text,
        )
        for each in call.asides
    }
    total = len(call.events) + len(call.asides)
    if len(rows) != len(call.asides) or any(not 1 <= seq <= total for seq in rows):
        raise JournalDamagedError("`asides`: each `seq` stands once, from 1, without gaps")
    shown = zip(call.events, call.states, strict=True)
    for seq in range(1, total + 1):
        if seq in rows:
            continue
        event, state = next(shown)
        if event.at is None:
            raise JournalDamagedError(f"the event of row {seq} has no `at`")
        rows[seq] = Entry(seq=seq, kind="event", at=event.at, state=state, event=event)
    entries = [rows[seq] for seq in range(1, total + 1)]
    kept = [each.seq for each in visible(entries)]
    asides = {each.seq for each in call.asides}
    if kept != [each.seq for each in entries if each.seq not in asides]:
        raise JournalDamagedError("`asides`: the rewindings do not hide what stands there")
    if call.ended and kept:
        last = kept[-1] - 1
        entries[last] = msgspec.structs.replace(entries[last], ended=True)
    return entries
