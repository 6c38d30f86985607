"""One call's rows as a driver sees them, whatever keeps the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

import msgspec

from returnflow.engine.journal import Entry, Header, visible
from returnflow.engine.journal_database import Claim
from returnflow.engine.journal_rows import aware
from returnflow.engine.vocabulary import Event
from returnflow.errors import EngineError


class Store(Protocol):
    """What keeps the rows."""

    def write(self, log: StoredCaseLog, entry: Entry) -> None:
        """Commits one row of `log`; with the first, the call itself."""

    def claim(self, case_id: str, agent: str) -> Claim:
        """A claim on the case."""

    def forget(self, log: StoredCaseLog) -> None:
        """Told when `log` is released."""


class StoredCaseLog:
    """A `CaseLog` over a store of rows. Made by the `begin` and `open` of a journal."""

    def __init__(
        self,
        store: Store,
        header: Header,
        sop_text: str,
        entries: tuple[Entry, ...],
        claim: Claim | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.header = header
        self.sop_text = sop_text
        self._store = store
        self._entries = entries
        self._claim = claim
        self._clock = clock
        self._released = False

    @property
    def entries(self) -> tuple[Entry, ...]:
        """See `CaseLog.entries`."""
        return self._entries

    @property
    def next_seq(self) -> int:
        """See `CaseLog.next_seq`."""
        return len(self._entries) + 1

    def append(self, event: Event, state: str, *, ended: bool = False) -> Entry:
        """See `CaseLog.append`."""
        if self._ended:
            raise EngineError(f"case {self.header.case_id} is at an end and takes no more events")
        if event.at is None:
            event = msgspec.structs.replace(event, at=self._clock())
        assert event.at is not None  # noqa: S101 (narrows for the type checker)
        return self._write(
            Entry(
                seq=self.next_seq, kind="event", at=event.at, state=state, ended=ended, event=event
            )
        )

    def rewind(self, to: int, state: str) -> Entry:
        """See `CaseLog.rewind`."""
        if all(entry.seq != to for entry in visible(self._entries)):
            raise EngineError(f"case {self.header.case_id}: row {to} is no event to go back to")
        return self._write(
            Entry(seq=self.next_seq, kind="rewound", at=self._clock(), state=state, to=to)
        )

    def note(self, text: str, state: str) -> Entry:
        """See `CaseLog.note`."""
        return self._write(
            Entry(
                seq=self.next_seq,
                kind="noted",
                at=self._clock(),
                state=state,
                ended=self._ended,
                text=text,
            )
        )

    def release(self) -> None:
        """See `CaseLog.release`."""
        self._released = True
        self._store.forget(self)
        if self._claim is not None:
            self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def _ended(self) -> bool:
        return bool(self._entries) and self._entries[-1].ended

    def _write(self, entry: Entry) -> Entry:
        case_id = self.header.case_id
        if self._released:
            raise EngineError(f"case {case_id} was released; open it again to go on")
        aware(entry.at)
        if self._claim is None:
            self._claim = self._store.claim(case_id, self.header.agent)
        self._store.write(self, entry)
        # Only now: whatever failed above has left the log as it was.
        self._entries = (*self._entries, entry)
        return entry
