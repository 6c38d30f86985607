"""Journals in SQL, through SQLAlchemy Core: in an SQLite file, or on a PostgreSQL server.

Every row is one transaction of its own, durable before the session moves. Triggers refuse to
change what is written. What each database does in its own way stands in
`returnflow.engine.journal_sqlite` and `returnflow.engine.journal_postgresql`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
import sqlalchemy as sa

from returnflow.engine import journal_schema
from returnflow.engine.case_log import StoredCaseLog
from returnflow.engine.journal import (
    CaseLine,
    Entry,
    Header,
    RecordedEvent,
    new_case_id,
    typed_case_id,
    visible,
)
from returnflow.engine.journal_database import Beginning, Claim, JournalDatabase
from returnflow.engine.journal_rows import (
    aware,
    case_row_of,
    entry_of,
    header_of,
    row_of,
    stored_time,
    time_of,
)
from returnflow.engine.journal_tables import CASES, ENTRIES, SOP_TEXTS
from returnflow.errors import (
    CaseNotFoundError,
    CaseTakenError,
    EngineError,
    JournalDamagedError,
    UsageError,
)

if TYPE_CHECKING:
    from random import Random

_SAFE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}")

_ENTRIES_OF = (
    sa.select(ENTRIES).where(ENTRIES.c.case_id == sa.bindparam("id")).order_by(ENTRIES.c.seq)
)
_CASE_OF = (
    sa.select(CASES, SOP_TEXTS.c.text)
    .join(SOP_TEXTS, CASES.c.digest == SOP_TEXTS.c.digest)
    .where(CASES.c.case_id == sa.bindparam("id"))
)


def _now() -> datetime:
    return datetime.now(UTC)


def open_database(url: str, *, busy_timeout: float = 5.0) -> JournalDatabase:
    """The database behind a journal's URL, whatever it holds.

    Raises:
        UsageError: the URL is of no kind that can hold a journal.
        JournalError: it cannot be used.
    """
    from returnflow.postgresql import is_postgresql

    if is_postgresql(url):
        from returnflow.engine.journal_postgresql import PostgresDatabase

        return PostgresDatabase(url)
    from returnflow.engine import journal_sqlite

    return journal_sqlite.SqliteDatabase(journal_sqlite.file_of(url), busy_timeout)


def open_journal(
    url: str,
    *,
    busy_timeout: float = 5.0,
    clock: Callable[[], datetime] = _now,
    rng: Random | None = None,
) -> SqlJournal:
    """The journal behind `url`. A file is made when there is none yet; in a database on a server
    a journal is made by `journal_schema.make`, and by nothing in passing.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``, see `returnflow.postgresql.Server`.
        busy_timeout: how long to wait for another program that writes a file, in seconds.
        clock: gives the time of rows that have none; with a zone.
        rng: for case ids; by default the system's own.

    Raises:
        UsageError: the URL is of no kind that can hold a journal.
        JournalError: there is no journal, it is of a newer format, or it cannot be written.
        JournalBusyError: another program holds it.
        JournalDamagedError: it cannot be read as a journal.
    """
    database = open_database(url, busy_timeout=busy_timeout)
    try:
        journal_schema.make_ready(database)
    except BaseException:
        database.close()
        raise
    return SqlJournal(database, clock, rng or secrets.SystemRandom())


class SqlJournal:
    """A `Journal` in a database. Made by `open_journal`."""

    def __init__(
        self, database: JournalDatabase, clock: Callable[[], datetime], rng: Random
    ) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng
        self._logs: set[StoredCaseLog] = set()

    @property
    def name(self) -> str:
        """How messages call it: a path, or a URL without the password."""
        return self._database.name

    # -- the door -------------------------------------------------------------------------

    def begin(self, header: Header, sop_text: str) -> StoredCaseLog:
        """See `Journal.begin`."""
        if hashlib.sha256(sop_text.encode()).hexdigest() != header.digest:
            raise EngineError("the header's digest is not that of the procedure's text")
        aware(header.started_at)
        if header.case_id:
            if not _SAFE_ID.fullmatch(header.case_id):
                raise UsageError(
                    f"{header.case_id!r} cannot be a case id: up to 40 letters, digits and hyphens"
                )
            if self._exists(header.case_id):
                raise CaseTakenError(f"there is a case {header.case_id} already; resume it")
        else:
            case_id = new_case_id(header.started_at, self._rng)
            while self._exists(case_id):
                case_id = new_case_id(header.started_at, self._rng)
            header = msgspec.structs.replace(header, case_id=case_id)
        return self._log(StoredCaseLog(self, header, sop_text, (), None, self._clock))

    def open(self, case_id: str, decoder: msgspec.json.Decoder[Any] | None) -> StoredCaseLog:
        """See `Journal.open`."""
        case_id = self._find(case_id)
        agent = self._read_header(case_id)[0].agent
        claim = self.claim(case_id, agent)
        try:
            # Read under the claim: whoever held it before may have written until then.
            header, sop_text, entries = self.read(case_id, decoder)
        except BaseException:
            claim.release()
            raise
        return self._log(StoredCaseLog(self, header, sop_text, entries, claim, self._clock))

    def read(
        self, case_id: str, decoder: msgspec.json.Decoder[Any] | None = None
    ) -> tuple[Header, str, tuple[Entry, ...]]:
        """See `Journal.read`."""
        case_id = self._find(case_id)
        header, sop_text = self._read_header(case_id)
        rows = self._database.read(
            lambda connection: connection.execute(_ENTRIES_OF, {"id": case_id}).all(), case_id
        )
        entries = tuple(entry_of(row, decoder) for row in rows)
        for number, entry in enumerate(entries, start=1):
            if entry.seq != number:
                raise JournalDamagedError(f"case {case_id}: row {number} is missing")
        return header, sop_text, entries

    def cases(
        self,
        *,
        state: str | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        ended: bool | None = None,
        email_fields: Mapping[str, str] | None = None,
    ) -> list[CaseLine]:
        """See `Journal.cases`."""
        # Rows are numbered without gaps, so the number of the last one is how many there are. It
        # is looked up for the calls that are listed, not counted for all that there ever were.
        others, final = ENTRIES.alias("others"), ENTRIES.alias("final")
        last = (
            sa.select(sa.func.max(others.c.seq))
            .where(others.c.case_id == CASES.c.case_id)
            .correlate(CASES)
            .scalar_subquery()
        )
        query = (
            sa.select(CASES, final.c.seq, final.c.state, final.c.ended, final.c.at)
            .select_from(CASES)
            .join(final, sa.and_(final.c.case_id == CASES.c.case_id, final.c.seq == last))
            .order_by(CASES.c.started_at, CASES.c.case_id)
        )
        if state is not None:
            query = query.where(final.c.state == state)
        if agent is not None:
            query = query.where(CASES.c.agent == agent)
        if since is not None:
            query = query.where(CASES.c.started_at >= stored_time(since))
        if until is not None:
            query = query.where(CASES.c.started_at < stored_time(until))
        if ended is not None:
            query = query.where(final.c.ended if ended else sa.not_(final.c.ended))
        rows, emails = self._database.read(
            lambda connection: (
                connection.execute(query).all(),
                _emails(connection, email_fields or {}, query),
            )
        )
        return [
            CaseLine(
                header=header_of(row),
                state=row.state,
                ended=row.ended,
                last_at=time_of(row.at, f"case {row.case_id}"),
                entries=row.seq,
                email=emails.get(row.case_id),
            )
            for row in rows
        ]

    def close(self) -> None:
        """See `Journal.close`."""
        for log in list(self._logs):
            log.release()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- inside ---------------------------------------------------------------------------

    def _log(self, log: StoredCaseLog) -> StoredCaseLog:
        self._logs.add(log)
        return log

    def _exists(self, case_id: str) -> bool:
        query = sa.select(CASES.c.case_id).where(CASES.c.case_id == case_id)
        return self._database.read(
            lambda connection: connection.execute(query).first() is not None, case_id
        )

    def _find(self, case_id: str) -> str:
        for candidate in (case_id, typed_case_id(case_id)):
            if self._exists(candidate):
                return candidate
        raise CaseNotFoundError(
            f"no case {case_id!r} in the journal {self.name}; see `returnflow calls list`"
        )

    def _read_header(self, case_id: str) -> tuple[Header, str]:
        row = self._database.read(
            lambda connection: connection.execute(_CASE_OF, {"id": case_id}).first(), case_id
        )
        if row is None:
            raise JournalDamagedError(f"case {case_id}: the text of its procedure is missing")
        if hashlib.sha256(row.text.encode()).hexdigest() != row.digest:
            raise JournalDamagedError(f"case {case_id}: the text of its procedure was changed")
        return header_of(row), row.text

    # -- for its case logs ----------------------------------------------------------------

    def write(self, log: StoredCaseLog, entry: Entry) -> None:
        """See `Store.write`."""
        header = log.header
        first = Beginning(case_row_of(header), header.digest, log.sop_text)
        self._database.append(row_of(header.case_id, entry), first if entry.seq == 1 else None)

    def claim(self, case_id: str, agent: str) -> Claim:
        """See `Store.claim`."""
        return self._database.claim(case_id, agent)

    def forget(self, log: StoredCaseLog) -> None:
        """See `Store.forget`."""
        self._logs.discard(log)


def _emails(
    connection: sa.Connection, fields: Mapping[str, str], listed: sa.Select[Any]
) -> dict[str, str]:
    """By case of those listed, the address that was given last and not taken back."""
    if not fields:
        return {}
    query = (
        sa.select(ENTRIES)
        .where(sa.or_(ENTRIES.c.event.in_(list(fields)), ENTRIES.c.kind == "rewound"))
        .where(ENTRIES.c.case_id.in_(listed.with_only_columns(CASES.c.case_id).order_by(None)))
        .order_by(ENTRIES.c.case_id, ENTRIES.c.seq)
    )
    by_case: dict[str, list[Entry]] = {}
    for row in connection.execute(query):
        by_case.setdefault(row.case_id, []).append(entry_of(row, None))
    found = {}
    for case_id, entries in by_case.items():
        for entry in visible(entries):
            assert isinstance(entry.event, RecordedEvent)  # noqa: S101 (read without a decoder)
            given = entry.event.body.get(fields[entry.event.name])
            if isinstance(given, str):
                found[case_id] = given
    return found
