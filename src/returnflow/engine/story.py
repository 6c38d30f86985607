"""A call as a story: one line for each thing that happened, in plain words.

It reads any call, also one whose words this program no longer knows: an event without a
sentence of its own is told by its name and its members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from returnflow.engine.journal import Entry, Header, RecordedEvent, visible
from returnflow.engine.vocabulary import Event, event_name

if TYPE_CHECKING:
    from returnflow.masking import Masker

Body = Mapping[str, Any]
Sentences = Mapping[str, Callable[[Body], str]]


def story(
    header: Header,
    entries: Sequence[Entry],
    masker: Masker | None,
    sentences: Sentences | None = None,
) -> Iterator[str]:
    """The lines of the story.

    Args:
        entries: all rows, read with a vocabulary or without one.
        masker: hides addresses and phone numbers (rule 38); None where they were asked for.
        sentences: those of the call's vocabulary, by event; they go before the common ones.
    """
    known = {**_SENTENCES, **(sentences or {})}
    begun = header.started_at.astimezone()
    yield f"Case {header.case_id}: {header.sop}, version {header.version}"
    yield f"Begun {begun:%Y-%m-%d %H:%M %Z} by {header.agent}, shop {header.backend}"
    yield f"Decided under {header.policy_date}, {header.zone}"
    yield ""
    shown = {entry.seq for entry in visible(entries)}
    customer = ""
    for entry in map(_plain, entries):
        body = entry.event.body if isinstance(entry.event, RecordedEvent) else {}
        customer = _part(body, "customer").get("customer_id", customer)
        if _part(body, "order").get("customer_id", customer) != customer:
            # The call discarded its facts, and nobody who reads it needs them (rule 21).
            yield f"{entry.at.astimezone():%H:%M:%S}  The order belongs to another customer."
            continue
        gone = entry.kind == "event" and entry.seq not in shown
        yield f"{entry.at.astimezone():%H:%M:%S}  {'(taken back) ' if gone else ''}" + _line(
            entry, masker, known
        )
    yield ""
    last = entries[-1] if entries else None
    if last is None:
        yield "Nothing happened."
    elif last.ended:
        yield f"The call ended: {last.state}."
    else:
        yield f"The call is open, in {last.state}. Go on: returnflow calls resume {header.case_id}"


def _part(body: Body, name: str) -> Body:
    """A member that is an object; of another vocabulary it may be anything, or missing."""
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _plain(entry: Entry) -> Entry:
    """The row with its event as plain data, as it is read without a vocabulary."""
    event = entry.event
    if event is None or isinstance(event, RecordedEvent):
        return entry
    body: dict[str, Any] = msgspec.to_builtins(event)
    return msgspec.structs.replace(entry, event=RecordedEvent(name=event_name(event), body=body))


def _line(entry: Entry, masker: Masker | None, sentences: Sentences) -> str:
    if entry.kind == "rewound":
        return f"The agent went back; the events from {entry.to} on were taken back."
    if entry.kind == "noted":
        return f"Note: {masker.mask_text(entry.text) if masker else entry.text}"
    event = entry.event
    if not isinstance(event, RecordedEvent):
        return str(event)
    body: Body = event.body if masker is None else masker.mask_event(event.body)
    return _told(event.name, body, sentences)


def sentence(event: Event, sentences: Sentences | None = None) -> str:
    """An event in one sentence; nothing in it is masked.

    Args:
        sentences: those of the event's vocabulary; they go before the common ones.
    """
    known = {**_SENTENCES, **(sentences or {})}
    return _told(event_name(event), msgspec.to_builtins(event), known)


def _told(name: str, body: Body, sentences: Sentences) -> str:
    tell = sentences.get(name)
    try:
        words = tell(body) if tell else None
    except (KeyError, TypeError, AttributeError):
        # Another version's event, with other members.
        words = None
    return words or _by_members(name, body)


def _by_members(name: str, body: Body) -> str:
    members = ", ".join(
        f"{key} {value}"
        for key, value in body.items()
        if key not in ("event", "at", "inferred") and not isinstance(value, dict | list)
    )
    return f"{name.replace('_', ' ').capitalize()}{': ' + members if members else ''}"


_SENTENCES: dict[str, Callable[[Body], str]] = {
    "told": lambda b: f"Said: {b['notice'].replace('_', ' ')} ({b['subject']}).",
    "satisfied": lambda b: "The customer is satisfied.",
    "retry_requested": lambda b: "The agent tried again.",
    "left_unconfirmed": lambda b: "The agent left it open and went on.",
    "callback_promised": lambda b: "The agent promised a call back.",
    "human_requested": lambda b: (
        f"Transfer wanted ({b.get('reason', 'asked').replace('_', ' ')}): {b['summary']}"
    ),
    "transfer_requested": lambda b: (
        f"Sent: transfer of {b.get('customer_id') or 'an unknown caller'}, "
        f"key {b.get('key') or 'none'}."
    ),
    "transfer_accepted": lambda b: (
        f"A human representative took over. {b.get('receipt', {}).get('reference', '')}".rstrip()
    ),
    "transfer_refused": lambda b: f"The transfer was declined: {b.get('message', '')}",
    "backend_failed": lambda b: (
        f"No usable answer to {b['operation']} (outcome {b.get('outcome', 'unknown')}): "
        f"{b.get('message') or 'no reason given'}."
    ),
    "call_dropped": lambda b: "The customer hung up.",
    "resumed": lambda b: f"The call went on under {b['policy_date']}.",
}
"""What every call can hold, whatever it is about."""
