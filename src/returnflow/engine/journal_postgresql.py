"""A journal's database on a PostgreSQL server, for many agents on many machines.

A row is one statement and one round trip, committed with ``synchronous_commit`` on. A case is
claimed by an advisory lock of the session that also writes: a process that is killed loses it as
soon as the server has seen its line close, and one whose machine is gone or cut off loses it when
the server notices, after about `postgresql.SILENCE_SECONDS`. Should a claim ever be lost
unnoticed, the primary key of the rows still lets only one of two go on: every row has a number,
and each number one row.

A connection that broke is made anew, and the claims with it. Whether a row whose answer was lost
is there already, its number tells: the same row again is no conflict.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa

from returnflow.engine.journal_database import Beginning
from returnflow.engine.journal_tables import APPEND_ONLY, CASES, ENTRIES, META, SOP_TEXTS
from returnflow.errors import CaseTakenError, JournalBusyError, JournalDamagedError, JournalError
from returnflow.postgresql import Server
from returnflow.sqltext import escaped

T = TypeVar("T")

_PROGRAM = "returnflow"
_PATIENCE_MS = 5000
"""How long the end of a former session is waited for."""
_CLAIM_PATIENCE_S = 1.0
"""How long a claim is tried: who takes up the case of a wizard that was killed just now may be
quicker than the server, which has yet to see that the line is closed."""
_DEAD_CLAIM_PATIENCE_S = 20.0
"""The same, where the holder was a process of this machine that is no more: nobody is to be told
that a dead one works on it, and a server without a moment to spare notices late."""
_CLAIM_PAUSE_S = 0.02


def _insert(table: sa.Table, more: str = "") -> str:
    columns = [column.name for column in table.columns]
    values = ", ".join(f"%({table.name}_{name})s" for name in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values}){more}"  # noqa: S608


def _values(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{table.name}_{name}": escaped(value) if isinstance(value, str) else value
        for name, value in row.items()
    }


# They go straight to the driver: SQLAlchemy's own preparing would cost more than the row.
_ROW = _insert(ENTRIES)
_FIRST_ROW = (
    f"WITH the_text AS ({_insert(SOP_TEXTS, ' ON CONFLICT (digest) DO NOTHING')}), "
    f"the_case AS ({_insert(CASES)}) {_ROW}"
)
# The time of a note or a rewinding is that of the attempt, and says nothing of which it is.
_SAME = ("kind", "state", "ended", "payload", "hides_from", "note")

_HELLO = sa.text(
    "SELECT pg_backend_pid() AS pid, current_schema() AS space, "
    "current_setting('server_encoding') AS encoding, "
    "(SELECT CAST(backend_start AS text) FROM pg_stat_activity WHERE pid = pg_backend_pid()) "
    "AS born, "
    # Another level than off is the administrator's choice, off is not durable.
    "CASE WHEN current_setting('synchronous_commit') = 'off' "
    "THEN set_config('synchronous_commit', 'on', false) END AS durable, "
    "set_config('application_name', :name, false) AS named"
)
_END_SESSION = sa.text(
    "SELECT pg_terminate_backend(pid, :patience) FROM pg_stat_activity "
    "WHERE pid = :pid AND CAST(backend_start AS text) = :born AND pid <> pg_backend_pid()"
)
_HAS_TABLE = sa.text("SELECT to_regclass(:name) IS NOT NULL")
_LOCK = sa.text("SELECT pg_try_advisory_lock(:key)")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(:key)")
_HOLDER = sa.text(
    "SELECT a.application_name AS name, host(a.client_addr) AS host FROM pg_locks AS l "
    "JOIN pg_stat_activity AS a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (CAST(CAST(l.classid AS bigint) << 32 AS bigint) | CAST(l.objid AS bigint)) = :key"
)
_CHANGING = 0x72657475726E666C
"""The advisory lock of whoever changes the schema."""


class PostgresDatabase:
    """A `JournalDatabase` on a server.

    Raises:
        UsageError: the URL names no database, or the driver is not installed.
        JournalError: it cannot be reached.
    """

    shared = True

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._engine = self._server.engine()
        self._connection: sa.Connection | None = None
        self._closed = False
        self._session: tuple[int, str] | None = None
        self._space = ""
        self._held: dict[str, int] = {}
        self._lost: set[str] = set()
        try:
            self._again(self._connected)
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def name(self) -> str:
        """See `JournalDatabase.name`."""
        return self._server.name

    def has_table(self, connection: sa.Connection, name: str) -> bool:
        """See `JournalDatabase.has_table`."""
        return bool(connection.execute(_HAS_TABLE, {"name": name}).scalar())

    # -- what a journal does ------------------------------------------------------------------

    def read(self, query: Callable[[sa.Connection], T], case_id: str = "") -> T:
        """See `JournalDatabase.read`."""
        return self._again(lambda: self._read(query))

    def change(self, work: Callable[[sa.Connection], T]) -> T:
        """See `JournalDatabase.change`."""
        try:
            # On a connection of its own: the other commits each statement by itself.
            with self._engine.connect() as own, own.begin():
                own.execute(sa.text("SET LOCAL statement_timeout = 0"))
                own.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHANGING})
                return work(own)
        except Exception as error:
            if not self._server.is_ours(error):
                raise
            self._refuse(error)

    def append(self, row: Mapping[str, Any], begins: Beginning | None) -> None:
        """See `JournalDatabase.append`."""
        values = _values(ENTRIES, row)
        statement = _ROW
        if begins is not None:
            statement = _FIRST_ROW
            values |= _values(CASES, begins.case)
            values |= _values(SOP_TEXTS, {"digest": begins.digest, "text": begins.text})
        self._again(lambda: self._insert(statement, values, row))

    def claim(self, case_id: str, agent: str) -> SessionClaim:
        """See `JournalDatabase.claim`."""
        if case_id in self._held:
            raise _taken(case_id, f" by {agent} (process {os.getpid()})")
        key = self._key(case_id)
        holder = self._again(lambda: self._take(key))
        if holder is not None:
            raise _taken(case_id, f" by {agent} ({holder})")
        self._held[case_id] = key
        return SessionClaim(self, case_id)

    def append_only(self) -> list[str]:
        """See `JournalDatabase.append_only`."""
        return [
            "CREATE OR REPLACE FUNCTION journal_is_append_only() RETURNS trigger "
            "LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'a journal is append-only'; END $$",
            *(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()"
                for table in APPEND_ONLY
            ),
        ]

    def close(self) -> None:
        """See `JournalDatabase.close`."""
        self._closed = True
        self._held.clear()
        self._drop()
        self._engine.dispose()

    def give_up(self, case_id: str) -> None:
        """Ends a claim. Where the server cannot be told, the session's end has ended it."""
        key = self._held.pop(case_id, None)
        self._lost.discard(case_id)
        if key is None or self._connection is None:
            return
        try:
            self._read(lambda connection: connection.execute(_UNLOCK, {"key": key}).scalar())
        except Exception as error:
            if not self._server.is_ours(error):
                raise
            self._drop()

    # -- statements ---------------------------------------------------------------------------

    def _again(self, work: Callable[[], T]) -> T:
        """Does it, and once more on a new connection where the line broke.

        All that a journal does may be done twice: a look changes nothing, a lock is taken or
        it is not, and a row is known by its number.
        """
        for last in (False, True):
            try:
                return work()
            except Exception as error:
                if not self._server.is_ours(error):
                    raise
                broken = self._server.kind(error) == "lost"
                if broken:
                    self._drop()
                if last or not broken:
                    self._refuse(error)
        raise AssertionError

    def _read(self, query: Callable[[sa.Connection], T]) -> T:
        connection = self._connected()
        with connection.begin():
            return query(connection)

    def _insert(self, statement: str, values: dict[str, Any], row: Mapping[str, Any]) -> None:
        connection = self._connected()
        case_id = row["case_id"]
        if case_id in self._lost:
            raise CaseTakenError(
                f"case {case_id} was taken over while the line to the journal was cut; "
                "resume it to see how it went on"
            )
        try:
            connection.connection.cursor().execute(statement, values)
        except Exception as error:
            if not self._server.is_ours(error) or self._server.kind(error) != "duplicate":
                raise
            if not self._is_there(row):
                raise CaseTakenError(
                    f"case {case_id} was gone on with elsewhere in the meantime; "
                    "resume it to see how"
                ) from error

    def _is_there(self, row: Mapping[str, Any]) -> bool:
        """Whether the row of this number is this very row: an attempt whose answer was lost."""
        query = sa.select(ENTRIES).where(
            ENTRIES.c.case_id == row["case_id"], ENTRIES.c.seq == row["seq"]
        )
        found = self._read(lambda connection: connection.execute(query).one_or_none())
        return found is not None and all(getattr(found, name) == row[name] for name in _SAME)

    def _take(self, key: int) -> str | None:
        """Locks; who holds it where that cannot be."""

        def work(connection: sa.Connection) -> str | None:
            began = time.monotonic()
            while not connection.execute(_LOCK, {"key": key}).scalar():
                waited = time.monotonic() - began
                if waited > _CLAIM_PATIENCE_S:
                    holder = self._holder(connection, key)
                    # Nobody: it was released between the two questions.
                    gone = holder is None or holder.is_gone
                    if waited > _DEAD_CLAIM_PATIENCE_S or not gone:
                        return str(holder or "another session")
                _pause(_CLAIM_PAUSE_S)
            return None

        return self._read(work)

    def _holder(self, connection: sa.Connection, key: int) -> _Holder | None:
        found = connection.execute(_HOLDER, {"key": key}).first()
        return _Holder(found.name or "", found.host) if found is not None else None

    # -- the session --------------------------------------------------------------------------

    def _connected(self) -> sa.Connection:
        """The session, made anew where it broke, with every claim that can be had again."""
        if self._closed:
            raise JournalError(f"journal {self.name}: it was closed; open it again")
        if self._connection is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                self._greet(connection)
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _greet(self, connection: sa.Connection) -> None:
        with connection.begin():
            hello = connection.execute(_HELLO, {"name": _name()}).one()
            self._space = hello.space or ""
            if hello.encoding != "UTF8":
                raise JournalError(
                    f"journal {self.name}: the database is encoded in {hello.encoding}, which "
                    "cannot hold every text; make one with ENCODING 'UTF8'"
                )
            if self._session is not None:
                # The server may not know yet that its former partner is gone.
                pid, born = self._session
                connection.execute(
                    _END_SESSION, {"pid": pid, "born": born, "patience": _PATIENCE_MS}
                )
            self._session = (hello.pid, hello.born)
            for case_id, key in self._held.items():
                if not connection.execute(_LOCK, {"key": key}).scalar():
                    self._lost.add(case_id)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _key(self, case_id: str) -> int:
        text = f"returnflow case {self._space}.{case_id}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)

    def _refuse(self, error: Exception) -> NoReturn:
        """Says what an error means for someone with a call on the line."""
        kind, words = self._server.kind(error), self._server.words(error)
        if isinstance(error, JournalError):
            raise error
        place = f"journal {self.name}"
        if kind in ("busy", "conflict"):
            raise JournalBusyError(f"{place}: {words}; nothing is lost") from error
        if kind == "lost":
            raise JournalError(
                f"{place}: no connection to the server ({words}); nothing is lost: try again"
            ) from error
        if kind == "missing":
            raise JournalDamagedError(
                f"{place}: its tables are not as they should be ({words})"
            ) from error
        raise JournalError(f"{place}: {words}") from error


def _pause(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True)
class _Holder:
    """Whose session holds a claim: what the program called itself, and the host of its line."""

    name: str
    host: str | None

    def __str__(self) -> str:
        if not self.name:
            return "another session"
        name = self.name.removeprefix(f"{_PROGRAM} ")
        return f"{name}, at {self.host}" if self.host else name

    @property
    def is_gone(self) -> bool:
        """Whether it was a process of this machine that has ended; False where nobody can tell.

        It only decides how long to wait: a claim ends with its session and never before.
        """
        own = re.fullmatch(rf"{_PROGRAM} process (\d+) on (.*)", self.name)
        # The address says nothing: through a tunnel every line seems to come from the server.
        # On Windows to ask after a process by its number would end it.
        if own is None or own[2] != _machine() or os.name == "nt":
            return False
        try:
            os.kill(int(own[1]), 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            return False
        return False


def _name() -> str:
    """What this process calls itself at the server, so that others can tell who holds a case."""
    return f"{_PROGRAM} process {os.getpid()} on {_machine()}"


def _machine() -> str:
    # The server keeps 63 bytes of a name, and of those that are not ASCII it makes others.
    return ascii(socket.gethostname())[1:-1][:30]


class SessionClaim:
    """A `Claim` that lasts as long as its session, or until it is released."""

    def __init__(self, database: PostgresDatabase, case_id: str) -> None:
        self._database = database
        self._case_id = case_id
        self._released = False

    def release(self) -> None:
        """See `Claim.release`."""
        if not self._released:
            self._released = True
            self._database.give_up(self._case_id)


def _taken(case_id: str, by_whom: str) -> CaseTakenError:
    return CaseTakenError(
        f"case {case_id} is being worked on{by_whom}; wait until it is released, or take another"
    )


assert set(_SAME) <= {column.name for column in ENTRIES.columns}  # noqa: S101
assert META.name not in APPEND_ONLY  # noqa: S101 (its version is written anew)
