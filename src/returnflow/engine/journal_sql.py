"""Journals in SQLite, through SQLAlchemy Core.

Every row is one transaction of its own. SQLite runs with a write-ahead log and
``synchronous=FULL``: a commit returns when the log has reached the disk, at the price of one
flush, and readers do not block the writer. Triggers refuse to change what is written. What is
particular to SQLite stands in `returnflow.engine.journal_sqlite`, but for the statement that
writes an event: it goes straight to the driver, which takes half the time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError

from returnflow.engine import journal_sqlite as sqlite
from returnflow.engine.case_log import StoredCaseLog
from returnflow.engine.claims import Claim
from returnflow.engine.journal import (
    CaseLine,
    Entry,
    Header,
    RecordedEvent,
    new_case_id,
    typed_case_id,
    visible,
)
from returnflow.engine.journal_rows import (
    aware,
    case_row_of,
    entry_of,
    header_of,
    row_of,
    stored_time,
    time_of,
)
from returnflow.errors import (
    CaseNotFoundError,
    CaseTakenError,
    EngineError,
    JournalDamagedError,
    JournalError,
    UsageError,
)

if TYPE_CHECKING:
    from random import Random

SCHEMA_VERSION = 1

_SAFE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}")

_metadata = sa.MetaData()
_meta = sa.Table(
    sqlite.META,
    _metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
_sop_texts = sa.Table(
    "sop_texts",
    _metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)
_cases = sa.Table(
    "cases",
    _metadata,
    sa.Column("case_id", sa.String(40), primary_key=True),
    sa.Column("sop", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.ForeignKey(_sop_texts.c.digest), nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("policy_date", sa.String(10), nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("backend", sa.Text, nullable=False),
    sa.Column("started_at", sa.String(32), nullable=False),
)
_entries = sa.Table(
    "entries",
    _metadata,
    sa.Column("case_id", sa.ForeignKey(_cases.c.case_id), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("event", sa.Text),  # its name, for queries; the payload says it too
    sa.Column("payload", sa.Text),
    sa.Column("hides_from", sa.Integer),
    sa.Column("note", sa.Text),
)

# Built once: what a row costs is mostly the disk's time, and should stay so. The statement of
# every event even goes straight to the driver, past SQLAlchemy's own preparing and reporting.
_INSERT_ENTRY = str(_entries.insert().compile(dialect=sqlite_dialect.dialect(paramstyle="named")))
_ENTRIES_OF = (
    sa.select(_entries).where(_entries.c.case_id == sa.bindparam("id")).order_by(_entries.c.seq)
)
_CASE_OF = (
    sa.select(_cases, _sop_texts.c.text)
    .join(_sop_texts, _cases.c.digest == _sop_texts.c.digest)
    .where(_cases.c.case_id == sa.bindparam("id"))
)


def _now() -> datetime:
    return datetime.now(UTC)


def open_journal(
    url: str,
    *,
    busy_timeout: float = 5.0,
    clock: Callable[[], datetime] = _now,
    rng: Random | None = None,
) -> SqlJournal:
    """The journal behind `url`, made when there is none yet.

    Args:
        url: ``sqlite:///PATH``.
        busy_timeout: how long to wait for another program that writes, in seconds.
        clock: gives the time of rows that have none; with a zone.
        rng: for case ids; by default the system's own.

    Raises:
        UsageError: the URL is of no kind that can hold a journal.
        JournalError: the file is no journal, is of a newer format, or cannot be written.
        JournalBusyError: another program holds it.
        JournalDamagedError: it cannot be read as a journal.
    """
    path = sqlite.file_of(url)
    sqlite.prepare_file(path)
    return SqlJournal(path, busy_timeout, clock, rng or secrets.SystemRandom())


class SqlJournal:
    """A `Journal` in a database file. Made by `open_journal`."""

    def __init__(
        self, path: Path, busy_timeout: float, clock: Callable[[], datetime], rng: Random
    ) -> None:
        self.path = path
        self._clock = clock
        self._rng = rng
        self._logs: set[StoredCaseLog] = set()
        # Parameters are customers' data and must not stand in messages (rule 38).
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            poolclass=sa.NullPool,
            connect_args={"timeout": busy_timeout},
            hide_parameters=True,
        )
        sa.event.listen(self._engine, "connect", lambda raw, _record: sqlite.configure(raw))
        try:
            with self._faults():
                self._connection = self._engine.connect()
        except BaseException:
            self._engine.dispose()
            raise
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    # -- transactions ---------------------------------------------------------------------

    @contextmanager
    def _faults(self, case_id: str = "") -> Iterator[None]:
        """Turns the database's errors into ours."""
        try:
            yield
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error) or not sqlite.is_fault(error.orig):
                raise
            raise sqlite.translated(error.orig, self.path, case_id) from error
        except sqlite3.Error as error:
            if not sqlite.is_fault(error):
                raise
            raise sqlite.translated(error, self.path, case_id) from error

    @contextmanager
    def _transaction(self, begin: str, case_id: str = "") -> Iterator[sa.Connection]:
        if self._connection.closed:
            raise JournalError(f"journal {self.path}: it was closed; open it again")
        with self._faults(case_id), self._connection.begin():
            self._driver().execute(begin)
            yield self._connection

    def _driver(self) -> sqlite3.Connection:
        """The connection beneath SQLAlchemy's, for the two statements of every row."""
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 (narrows for the type checker)
        return driver

    def _reading(self, case_id: str = "") -> Any:
        return self._transaction("BEGIN", case_id)

    def _writing(self, case_id: str = "") -> Any:
        return self._transaction(sqlite.BEGIN_WRITE, case_id)

    def _check_schema(self) -> None:
        with self._reading() as connection:
            tables = sa.inspect(connection).get_table_names()
        if not tables:
            with self._writing() as connection:
                # Another process may have been faster: then everything is there.
                if not sa.inspect(connection).has_table(_meta.name):
                    self._create(connection)
        elif _meta.name not in tables:
            raise JournalError(
                f"journal {self.path}: this is a database, but no journal (it has the tables "
                f"{', '.join(sorted(tables)[:5])}); it is left as it is: choose another file"
            )
        with self._reading() as connection:
            found = connection.execute(
                sa.select(_meta.c.value).where(_meta.c.key == "schema_version")
            ).scalar()
        if found is None or not str(found).isdecimal():
            raise JournalDamagedError(
                f"journal {self.path}: its format has no readable number; "
                "bring it back from a backup"
            )
        if int(found) > SCHEMA_VERSION:
            raise JournalError(
                f"journal {self.path}: written by a newer returnflow (journal format {found}, "
                f"this one knows up to {SCHEMA_VERSION}); update returnflow"
            )

    def _create(self, connection: sa.Connection) -> None:
        _metadata.create_all(connection)
        for statement in sqlite.append_only_triggers():
            connection.exec_driver_sql(statement)
        connection.execute(_meta.insert(), {"key": "schema_version", "value": str(SCHEMA_VERSION)})

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
        with self._reading(case_id) as connection:
            rows = connection.execute(_ENTRIES_OF, {"id": case_id}).all()
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
        open_only: bool = False,
        email_fields: Mapping[str, str] | None = None,
    ) -> list[CaseLine]:
        """See `Journal.cases`."""
        last = (
            sa.select(
                _entries.c.case_id,
                sa.func.max(_entries.c.seq).label("seq"),
                sa.func.count().label("count"),
            )
            .group_by(_entries.c.case_id)
            .subquery()
        )
        query = (
            sa.select(_cases, _entries.c.state, _entries.c.ended, _entries.c.at, last.c.count)
            .join(last, last.c.case_id == _cases.c.case_id)
            .join(
                _entries,
                sa.and_(_entries.c.case_id == last.c.case_id, _entries.c.seq == last.c.seq),
            )
            .order_by(_cases.c.started_at, _cases.c.case_id)
        )
        if state is not None:
            query = query.where(_entries.c.state == state)
        if agent is not None:
            query = query.where(_cases.c.agent == agent)
        if since is not None:
            query = query.where(_cases.c.started_at >= stored_time(since))
        if until is not None:
            query = query.where(_cases.c.started_at < stored_time(until))
        if open_only:
            query = query.where(sa.not_(_entries.c.ended))
        with self._reading() as connection:
            rows = connection.execute(query).all()
            emails = _emails(connection, email_fields or {})
        return [
            CaseLine(
                header=header_of(row),
                state=row.state,
                ended=row.ended,
                last_at=time_of(row.at, f"case {row.case_id}"),
                entries=row.count,
                email=emails.get(row.case_id),
            )
            for row in rows
        ]

    def close(self) -> None:
        """See `Journal.close`."""
        for log in list(self._logs):
            log.release()
        self._connection.close()
        self._engine.dispose()

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
        query = sa.select(_cases.c.case_id).where(_cases.c.case_id == case_id)
        with self._reading(case_id) as connection:
            return connection.execute(query).first() is not None

    def _find(self, case_id: str) -> str:
        for candidate in (case_id, typed_case_id(case_id)):
            if self._exists(candidate):
                return candidate
        raise CaseNotFoundError(
            f"no case {case_id!r} in the journal {self.path}; see `returnflow calls list`"
        )

    def _read_header(self, case_id: str) -> tuple[Header, str]:
        with self._reading(case_id) as connection:
            row = connection.execute(_CASE_OF, {"id": case_id}).first()
        if row is None:
            raise JournalDamagedError(f"case {case_id}: the text of its procedure is missing")
        if hashlib.sha256(row.text.encode()).hexdigest() != row.digest:
            raise JournalDamagedError(f"case {case_id}: the text of its procedure was changed")
        return header_of(row), row.text

    # -- for its case logs ----------------------------------------------------------------

    def write(self, log: StoredCaseLog, entry: Entry) -> None:
        """See `Store.write`."""
        header = log.header
        with self._writing(header.case_id) as connection:
            if entry.seq == 1:
                known = sa.select(_sop_texts.c.digest).where(_sop_texts.c.digest == header.digest)
                if connection.execute(known).first() is None:
                    connection.execute(
                        _sop_texts.insert(), {"digest": header.digest, "text": log.sop_text}
                    )
                connection.execute(_cases.insert(), case_row_of(header))
            self._driver().execute(_INSERT_ENTRY, row_of(header.case_id, entry))

    def claim(self, case_id: str, agent: str) -> Claim:
        """See `Store.claim`."""
        return Claim(self.path.with_name(f"{self.path.name}.locks"), case_id, agent)

    def forget(self, log: StoredCaseLog) -> None:
        """See `Store.forget`."""
        self._logs.discard(log)


def _emails(connection: sa.Connection, fields: Mapping[str, str]) -> dict[str, str]:
    """By case, the address that was given last and not taken back."""
    if not fields:
        return {}
    query = (
        sa.select(_entries)
        .where(sa.or_(_entries.c.event.in_(list(fields)), _entries.c.kind == "rewound"))
        .order_by(_entries.c.case_id, _entries.c.seq)
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
