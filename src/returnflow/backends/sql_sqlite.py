"""A shop in an SQLite file: connections, transactions, and what their failures mean.

All that is peculiar to SQLite is in this module. Each operation opens a connection of its own,
so threads share nothing (an abandoned one included), and a file that was moved or deleted is
noticed, rather than written to where nobody will ever read it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from returnflow.errors import RefusedByBackendError, UnavailableError, UsageError

BUSY_TIMEOUT = 5.0
"""Seconds to wait for a file that another program holds."""

_WRITE = "returnflow_write"

_NO_SUCH_TABLE = 1
_NOT_A_DATABASE = 26

T = TypeVar("T")

# A COMMIT that fails in one of these ways has surely not happened: SQLite takes it back, if
# need be when the file is next opened.
_NOT_COMMITTED = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CONSTRAINT,
}

_WORDS = {
    sqlite3.SQLITE_BUSY: "another program holds it; try again in a moment",
    sqlite3.SQLITE_LOCKED: "another program holds it; try again in a moment",
    sqlite3.SQLITE_FULL: "the disk is full; make room, then try again",
    sqlite3.SQLITE_CANTOPEN: "the file is gone or may not be opened; put it back, then try again",
    sqlite3.SQLITE_READONLY: "the file may not be written; ask whoever looks after it",
    sqlite3.SQLITE_NOTADB: "the file is damaged; restore it from a copy",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore it from a copy",
}


def error_code(error: DBAPIError) -> int:
    """SQLite's primary result code, or 0 where there is none."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF


def path_of(url: str) -> Path:
    """The file that a URL names.

    Raises:
        UsageError: it names none.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername != "sqlite" or parsed.query or parsed.host:
        raise UsageError(f"{url!r} names no shop: write sqlite:///FILE")
    if not parsed.database or parsed.database == ":memory:":
        raise UsageError(f"{url!r} names no file: write sqlite:///FILE")
    return Path(parsed.database)


class SqliteStore:
    """The file at `path`, opened anew for each transaction.

    Args:
        busy_timeout: seconds to wait for a lock.
    """

    shared = False

    def __init__(self, path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.path = path.absolute()
        self._busy_timeout = busy_timeout
        self._closed = False
        self._engine = self._make_engine()

    def _make_engine(self) -> Engine:
        engine = create_engine("sqlite://", creator=self._open, poolclass=NullPool)
        event.listen(engine, "begin", _begin)
        return engine

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            # A return is durable before its tracking id is said to anyone.
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def name(self) -> str:
        """See `Store.name`."""
        return str(self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the shop.

        Raises:
            UnavailableError: it cannot be read; the outcome is known, since nothing changes.
        """
        self._check_open()
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise self._unavailable(error, "read") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, which holds the shop's only write lock from its beginning.

        Raises:
            RefusedByBackendError: a constraint of the shop stood against it (`constraint`).
            UnavailableError: it failed; the outcome is unknown only if COMMIT itself failed
                in a way that does not tell.
        """
        self._check_open()
        try:
            with self._engine.connect() as plain:
                connection = plain.execution_options(**{_WRITE: True})
                transaction = connection.begin()
                # Whatever goes wrong before COMMIT, closing the connection rolls back.
                yield connection
                try:
                    transaction.commit()
                except DBAPIError as error:
                    known = error_code(error) in _NOT_COMMITTED
                    raise self._unavailable(
                        error, "write to", "known" if known else "unknown"
                    ) from error
        except IntegrityError as error:
            raise RefusedByBackendError(
                f"the shop's own constraints stand against it: {error.orig}", code="constraint"
            ) from error
        except DBAPIError as error:
            raise self._unavailable(error, "write to") from error

    def keyed(self, work: Callable[[Connection], T]) -> T:
        """See `Store.keyed`. Nobody else writes meanwhile, so there is nothing to try again."""
        with self.writing() as connection:
            return work(connection)

    def is_none(self, error: BaseException) -> bool:
        """See `Store.is_none`."""
        cause = error.__cause__
        return isinstance(cause, DBAPIError) and error_code(cause) in (
            _NO_SUCH_TABLE,
            _NOT_A_DATABASE,
        )

    def close(self) -> None:
        """Ends the use of the file; running operations end undisturbed."""
        self._closed = True
        self._engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError(f"the shop {self.path} was closed", outcome="known")

    def _unavailable(
        self, error: DBAPIError, doing: str, outcome: Literal["known", "unknown"] = "known"
    ) -> UnavailableError:
        words = _WORDS.get(error_code(error), str(error.orig))
        return UnavailableError(f"cannot {doing} the shop {self.path}: {words}", outcome=outcome)


def _begin(connection: Connection) -> None:
    # A write takes the lock at once: two that began as readers could only fail each other.
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
