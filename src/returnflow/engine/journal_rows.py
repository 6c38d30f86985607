"""Headers and entries as rows of a database, and back; knows no database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from returnflow.engine.journal import Entry, Header, RecordedEvent
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import EngineError, JournalDamagedError

_encode = msgspec.json.Encoder().encode


def row_of(case_id: str, entry: Entry) -> dict[str, Any]:
    """The values of an entry by column."""
    event = entry.event
    return {
        "case_id": case_id,
        "seq": entry.seq,
        "kind": entry.kind,
        "at": stored_time(entry.at),
        "state": entry.state,
        "ended": entry.ended,
        "event": None if event is None else event_name(event),
        "payload": None if event is None else _encode(event).decode(),
        "hides_from": entry.to,
        "note": entry.text or None,
    }


def case_row_of(header: Header) -> dict[str, Any]:
    """The values of a header by column."""
    values = {each: getattr(header, each) for each in header.__struct_fields__}
    values["policy_date"] = header.policy_date.isoformat()
    values["started_at"] = stored_time(header.started_at)
    return values


def aware(at: datetime) -> None:
    """Raises `EngineError` for a time without a zone."""
    if at.utcoffset() is None:
        raise EngineError(f"a time in the journal needs a zone; {at} has none")


def stored_time(at: datetime) -> str:
    """UTC with microseconds always, so that texts sort as times do."""
    aware(at)
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(text: str, where: str) -> datetime:
    """Reads such a text; `where` is for the message of `JournalDamagedError`."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise JournalDamagedError(f"{where}: the time {text!r} cannot be read") from error


def header_of(row: Any) -> Header:
    """The header in a row of the table of cases."""
    where = f"case {row.case_id}"
    try:
        policy_date = date.fromisoformat(row.policy_date)
    except ValueError as error:
        raise JournalDamagedError(f"{where}: its policy date cannot be read") from error
    return Header(
        case_id=row.case_id,
        sop=row.sop,
        version=row.version,
        digest=row.digest,
        agent=row.agent,
        policy_date=policy_date,
        zone=row.zone,
        backend=row.backend,
        started_at=time_of(row.started_at, where),
    )


def entry_of(row: Any, decoder: msgspec.json.Decoder[Any] | None) -> Entry:
    """The entry in a row of the table of entries; without a decoder, with a `RecordedEvent`."""
    where = f"case {row.case_id}, row {row.seq}"
    kind: Literal["event", "rewound", "noted"] = row.kind
    if kind not in ("event", "rewound", "noted"):
        raise JournalDamagedError(f"{where}: {row.kind!r} is no kind of row")
    if kind == "rewound" and row.hides_from is None:
        raise JournalDamagedError(f"{where}: it does not say what it hides")
    return Entry(
        seq=row.seq,
        kind=kind,
        at=time_of(row.at, where),
        state=row.state,
        ended=row.ended,
        event=_event(row.payload, decoder, where) if kind == "event" else None,
        to=row.hides_from,
        text=row.note or "",
    )


def _event(payload: str | None, decoder: msgspec.json.Decoder[Any] | None, where: str) -> Event:
    try:
        if decoder is not None:
            event: Event = decoder.decode(payload or "")
            return event
        body = msgspec.json.decode(payload or "", type=dict[str, Any])
        at = msgspec.convert(body.get("at"), datetime | None)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise JournalDamagedError(
            f"{where}: its event cannot be read as one that this program knows ({error}); "
            "the other rows are whole"
        ) from error
    return RecordedEvent(at=at, name=str(body.get("event", "")), body=body)
