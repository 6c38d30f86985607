"""The journal: what happened in a call, one durable row at a time.

The rows of a call are numbered from 1 without gaps and never changed. A row is an **event**; or
it says that the call was **rewound**, which hides the events from a given one on; or it is a
**note**, which the machine does not see. What the machine, a replay and a report see is
`visible`: the events that no rewinding hid. They always are a call that could have been made
straight through.

This module knows no database. `returnflow.engine.journal_sql` keeps journals in one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import msgspec

from returnflow.engine.vocabulary import Event, event_name

if TYPE_CHECKING:
    from random import Random
    from types import TracebackType

    from returnflow.engine.vocabulary import Vocabulary

# Crockford's alphabet: no I, L, O or U, so that an id can be read out on the phone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a whole call.

    Args:
        case_id: empty for a call that `Journal.begin` is to name.
        sop, version: the procedure's name and version.
        digest: SHA-256 of the procedure's text, in hex.
        agent: who leads the call.
        policy_date: the day on which the call decides (rule 4).
        zone: the policy time zone, an IANA name (rule 2).
        backend: the URL of the shop, without the password.
        started_at: with a zone.
    """

    case_id: str
    sop: str
    version: int
    digest: str
    agent: str
    policy_date: date
    zone: str
    backend: str
    started_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of a call.

    Args:
        seq: its number, from 1, without gaps.
        kind: ``event``, ``rewound`` or ``noted``.
        at: when it was written, with a zone; for an event, when that happened.
        state: the machine's state after it.
        ended: the call is at an end after it.
        event: of an ``event``; its `at` equals the row's.
        to: of a ``rewound``: the number of the first event that it hides. Hidden are the
            events from `to` up to this row.
        text: of a ``noted``.
    """

    seq: int
    kind: Literal["event", "rewound", "noted"]
    at: datetime
    state: str
    ended: bool = False
    event: Event | None = None
    to: int | None = None
    text: str = ""


class RecordedEvent(Event, frozen=True, kw_only=True):
    """An event read without a vocabulary: to be shown, not to be fed to a machine.

    Args:
        name: as the log spells it.
        body: all of it, as plain data, the name under ``event``.
    """

    name: str
    body: dict[str, Any]


class CaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """A call in a list of calls.

    Args:
        state, ended, last_at: of its last row.
        entries: how many rows it has.
        email: the address that the customer last gave, unmasked; None if none was.
    """

    header: Header
    state: str
    ended: bool
    last_at: datetime
    entries: int
    email: str | None = None


# -- rewinding --------------------------------------------------------------------------------


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """The names of events that rewinding must know; all others come from the agent.

    Args:
        requests: the events journaled before a write is sent.
        outcomes: the answers of backends.
        writes: the operations that change something.
        settlements: the answers that only they give.
        resumed: the event that begins a later policy date.
    """

    requests: frozenset[str]
    outcomes: frozenset[str]
    writes: frozenset[str]
    settlements: frozenset[str]
    resumed: str

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        """The names, from a vocabulary."""
        operations = vocabulary.operations.values()
        looked_up = {name for op in operations if op.request is None for name in op.outcomes}
        outcomes = frozenset(name for op in operations for name in op.outcomes)
        return cls(
            requests=frozenset(op.request for op in operations if op.request is not None),
            outcomes=outcomes,
            writes=frozenset(op.name for op in operations if op.request is not None),
            settlements=outcomes - looked_up,
            resumed=event_name(vocabulary.resumed),
        )

    def is_fence(self, event: Event) -> bool:
        """Whether going back must stop at it: a write was sent, or a day began (rule 32)."""
        name = event_name(event)
        return name in self.requests or name == self.resumed

    def is_settlement(self, event: Event) -> bool:
        """Whether it is what came of a write, a failure included."""
        return (
            event_name(event) in self.settlements
            or getattr(event, "operation", None) in self.writes
        )


def visible(entries: Iterable[Entry]) -> list[Entry]:
    """The event rows that remain after every rewinding, in order."""
    kept: list[Entry] = []
    for entry in entries:
        if entry.kind == "event":
            kept.append(entry)
        elif entry.kind == "rewound" and entry.to is not None:
            while kept and kept[-1].seq >= entry.to:
                kept.pop()
    return kept


def commit_horizon(entries: Iterable[Entry], words: Words) -> int:
    """The number of the last request or new day, which going back cannot cross; 0: there is none.

    See `back_to` for what stays after it.
    """
    for entry in reversed(visible(entries)):
        if entry.event is not None and words.is_fence(entry.event):
            return entry.seq
    return 0


def back_to(entries: Iterable[Entry], words: Words) -> int | None:
    """The `to` of a rewinding that takes the agent's last event back, with what followed it.

    None where there is no such event after the commit horizon. What came of a write is never
    hidden either: a request that was sent again has its answer after an event of the agent.
    """
    for entry in reversed(visible(entries)):
        if entry.event is None or words.is_fence(entry.event) or words.is_settlement(entry.event):
            return None
        if event_name(entry.event) not in words.outcomes:
            return entry.seq
    return None


def email_fields(vocabulary: Vocabulary, words: Words) -> dict[str, str]:
    """The agent's events that hold an e-mail address, by name, and the field that does."""
    skipped = words.requests | words.outcomes
    return {
        name: field
        for name, cls in vocabulary.by_name.items()
        for field in cls.__struct_fields__
        if name not in skipped and vocabulary.personal.get(field) == "email"
    }


# -- ids --------------------------------------------------------------------------------------


def new_case_id(day: date, rng: Random) -> str:
    """A fresh id, as ``20261123-7K3Q-X4MD``: sorted by day, easy to read out.

    It has 40 random bits. Agents on several machines keep journals that do not know of each
    other, and the shop must never see one idempotency key from two calls.
    """
    tail = "".join(rng.choice(_ALPHABET) for _ in range(8))
    return f"{day:%Y%m%d}-{tail[:4]}-{tail[4:]}"


def typed_case_id(text: str) -> str:
    """The id that someone meant who typed `text`: in capitals, I and L read as 1, O as 0."""
    return text.strip().upper().translate(_MISREAD)


def idempotency_key(case_id: str, seq: int) -> str:
    """The key of the write whose request is row `seq` of the case; the same at every resume.

    Two requests of one case are two rows and have two keys (rules 28, 29).
    """
    return f"rf-{case_id}-{seq}"


# -- the doors --------------------------------------------------------------------------------


class CaseLog(Protocol):
    """One call's rows, claimed by this process until `release`.

    What fails leaves everything as it was: the same row can be tried again.
    """

    @property
    def header(self) -> Header:
        """What holds for the whole call."""

    @property
    def sop_text(self) -> str:
        """The text of the procedure under which the call was begun."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All rows so far, hidden ones too."""

    @property
    def next_seq(self) -> int:
        """The number that the next row will have."""

    def append(self, event: Event, state: str, *, ended: bool = False) -> Entry:
        """Writes an event, durably, before it returns.

        An event without a time is given the present one: go on with the entry's event.

        Args:
            state: the machine's state after it.
            ended: whether that state is an end.

        Raises:
            EngineError: the call has ended, or the event's time has no zone.
            JournalBusyError, CaseTakenError, JournalError
        """

    def rewind(self, to: int, state: str) -> Entry:
        """Writes that the events from number `to` on are hidden; see `back_to`.

        Args:
            state: the machine's state after the events that remain.

        Raises:
            EngineError: `to` is not the number of a visible event.
            JournalBusyError, CaseTakenError, JournalError
        """

    def note(self, text: str, state: str) -> Entry:
        """Writes a note; the machine never sees it. A call that has ended takes notes too.

        Raises:
            JournalBusyError, CaseTakenError, JournalError
        """

    def release(self) -> None:
        """Gives the case up, so that others can go on with it. Twice is harmless."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Journal(Protocol):
    """Many calls, durable and append-only. Used by one thread at a time."""

    def begin(self, header: Header, sop_text: str) -> CaseLog:
        """A new call. It is written with its first row: a call in which nothing happened leaves
        nothing behind. Where the header has no case id, one is made.

        Raises:
            UsageError: the header's case id cannot be one.
            EngineError: the digest is not that of the text.
            CaseTakenError: the id is another call's.
            JournalBusyError, JournalError
        """

    def open(self, case_id: str, decoder: msgspec.json.Decoder[Any] | None) -> CaseLog:
        """Claims a call that was begun, to go on with it.

        Args:
            decoder: of events, as `Vocabulary.decoder`; None as in `read`.

        Raises:
            CaseNotFoundError: there is none of that id.
            CaseTakenError: another agent works on it.
            JournalDamagedError: a row cannot be read; it is named.
            JournalBusyError, JournalError
        """

    def read(
        self, case_id: str, decoder: msgspec.json.Decoder[Any] | None = None
    ) -> tuple[Header, str, Sequence[Entry]]:
        """A call's header, the text of its procedure and its rows, without claiming it.

        Args:
            decoder: of events; without one each is a `RecordedEvent`, so that a call can be
                shown whose words the program no longer knows.

        Raises:
            CaseNotFoundError, JournalDamagedError, JournalBusyError, JournalError
        """

    def cases(
        self,
        *,
        state: str | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        ended: bool | None = None,
        email_fields: Mapping[str, str] | None = None,
    ) -> Collection[CaseLine]:
        """The calls that pass every filter, the oldest first.

        Args:
            since, until: begun at or after the one and before the other, with zones.
            ended: only those that are at an end, or with False only those that are not.
            email_fields: where an address stands, see `email_fields`; without it none is told.

        Raises:
            JournalDamagedError, JournalBusyError, JournalError
        """

    def close(self) -> None:
        """Releases every case and the database. Twice is harmless."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
