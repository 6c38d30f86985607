"""A journal's database in an SQLite file: the file, its settings, its errors.

SQLite runs with a write-ahead log and ``synchronous=FULL``: a commit returns when the log has
reached the disk, at the price of one flush, and readers do not block the writer. The statement
that writes an event goes straight to the driver, which takes half the time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError

from returnflow.engine.claims import FileClaim
from returnflow.engine.journal_database import Beginning
from returnflow.engine.journal_tables import APPEND_ONLY, CASES, ENTRIES, META, SOP_TEXTS
from returnflow.errors import (
    CaseTakenError,
    JournalBusyError,
    JournalDamagedError,
    JournalError,
    UsageError,
)
from returnflow.urls import without_password

PREFIX = "sqlite:///"
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that waiting for it is bounded by the busy timeout."""

_MAGIC = b"SQLite format 3\x00"
_KNOWN_STARTS = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"{", "JSON text"),
    (b"[", "JSON text"),
)

# Built once: what a row costs is mostly the disk's time, and should stay so. The statement of
# every event even goes straight to the driver, past SQLAlchemy's own preparing and reporting.
_INSERT_ENTRY = str(ENTRIES.insert().compile(dialect=sqlite_dialect.dialect(paramstyle="named")))

T = TypeVar("T")


class SqliteDatabase:
    """A `JournalDatabase` in a file, made when there is none yet.

    Args:
        busy_timeout: how long to wait for another program that writes, in seconds.

    Raises:
        JournalError: the file cannot be used.
    """

    shared = False

    def __init__(self, path: Path, busy_timeout: float) -> None:
        prepare_file(path)
        self.path = path
        # Parameters are customers' data and must not stand in messages (rule 38).
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            poolclass=sa.NullPool,
            connect_args={"timeout": busy_timeout},
            hide_parameters=True,
        )
        sa.event.listen(self._engine, "connect", lambda raw, _record: configure(raw))
        try:
            with self._faults():
                self._connection = self._engine.connect()
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def name(self) -> str:
        """See `JournalDatabase.name`."""
        return str(self.path)

    def has_table(self, connection: sa.Connection, name: str) -> bool:
        """See `JournalDatabase.has_table`."""
        query = sa.text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")
        return connection.execute(query, {"name": name}).first() is not None

    def read(self, query: Callable[[sa.Connection], T], case_id: str = "") -> T:
        """See `JournalDatabase.read`."""
        with self._transaction("BEGIN", case_id) as connection:
            return query(connection)

    def change(self, work: Callable[[sa.Connection], T]) -> T:
        """See `JournalDatabase.change`."""
        with self._transaction(BEGIN_WRITE) as connection:
            return work(connection)

    def append(self, row: Mapping[str, Any], begins: Beginning | None) -> None:
        """See `JournalDatabase.append`."""
        with self._transaction(BEGIN_WRITE, row["case_id"]) as connection:
            if begins is not None:
                known = sa.select(SOP_TEXTS.c.digest).where(SOP_TEXTS.c.digest == begins.digest)
                if connection.execute(known).first() is None:
                    connection.execute(
                        SOP_TEXTS.insert(), {"digest": begins.digest, "text": begins.text}
                    )
                connection.execute(CASES.insert(), dict(begins.case))
            self._driver().execute(_INSERT_ENTRY, row)

    def claim(self, case_id: str, agent: str) -> FileClaim:
        """See `JournalDatabase.claim`."""
        return FileClaim(self.path.with_name(f"{self.path.name}.locks"), case_id, agent)

    def append_only(self) -> list[str]:
        """See `JournalDatabase.append_only`."""
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END"
            for table in APPEND_ONLY
            for verb in ("UPDATE", "DELETE")
        ]

    def close(self) -> None:
        """See `JournalDatabase.close`."""
        self._connection.close()
        self._engine.dispose()

    @contextmanager
    def _faults(self, case_id: str = "") -> Iterator[None]:
        """Turns the database's errors into ours."""
        try:
            yield
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error) or not is_fault(error.orig):
                raise
            raise translated(error.orig, self.path, case_id) from error
        except sqlite3.Error as error:
            if not is_fault(error):
                raise
            raise translated(error, self.path, case_id) from error

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


def file_of(url: str) -> Path:
    """The file behind a journal's URL.

    Raises:
        UsageError: it is no ``sqlite:///PATH``.
    """
    path = url.removeprefix(PREFIX)
    if path == url or path in ("", ":memory:"):
        raise UsageError(
            f"a journal's URL is {PREFIX}PATH, the path of a file, or "
            f"postgresql://USER@HOST/DATABASE; got {without_password(url)!r}"
        )
    return Path(path).expanduser().absolute()


def prepare_file(path: Path) -> None:
    """Sees to it that `path` is a file that SQLite can open, new or its own.

    Raises:
        JournalError: it is something else, or cannot be read or written; says what to do.
    """
    folder = path.parent
    if not folder.is_dir():
        raise JournalError(
            f"journal {path}: there is no folder {folder}; make it, or choose another"
        )
    if path.is_dir():
        raise JournalError(f"journal {path}: this is a folder; name a file in it")
    try:
        # Made here and not by SQLite: only the owner may read what customers said.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "rb") as file:
            start = file.read(len(_MAGIC))
        _flush_folder(folder)
    except OSError as error:
        raise JournalError(
            f"journal {path}: cannot be opened for writing ({error.strerror}); "
            "check the permissions of the file and its folder, or choose another"
        ) from error
    if not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise JournalError(f"journal {path}: its folder cannot be written; change its permissions")
    if start and start != _MAGIC:
        named = (f"but {name}" for mark, name in _KNOWN_STARTS if start.startswith(mark))
        what = next(named, "nor any file of SQLite's")
        raise JournalError(
            f"journal {path}: this is no journal, {what}; it is left as it is: choose another file"
        )


def _flush_folder(folder: Path) -> None:
    """Makes a new file's name durable; SQLite does so only for its logs."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def configure(connection: sqlite3.Connection) -> None:
    """Sets a fresh connection up; see the settings' reasons above."""
    # The driver is to begin no transactions of its own.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    # The mode is written into the file, so somebody else's database is asked first. On a file
    # system that cannot do it the mode stays another one, which is durable too.
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if not names or (META.name,) in names:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def translated(error: sqlite3.Error, path: Path, case_id: str) -> JournalError:
    """The error of ours that says what `error` means for someone with a call on the line."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    kept = "nothing was written and nothing is lost"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalBusyError(
            f"journal {path}: another program holds it; {kept}: try again, or close that program"
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return CaseTakenError(
            f"case {case_id} was gone on with elsewhere in the meantime; resume it to see how"
        )
    if code == sqlite3.SQLITE_FULL:
        return JournalError(f"journal {path}: the disk is full; {kept}: make room and try again")
    if code == sqlite3.SQLITE_IOERR:
        return JournalError(
            f"journal {path}: the disk did not take it ({error}); {kept}: "
            "check the disk, its free space and any limit on the size of files, and try again"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return JournalError(
            f"journal {path}: cannot be written ({error}); "
            "check the permissions of the file and its folder"
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return JournalDamagedError(
            f"journal {path}: the file is damaged ({error}); keep a copy, and bring it back from "
            "a backup or begin another with --journal"
        )
    return JournalError(f"journal {path}: {error}")


def is_fault(error: sqlite3.Error) -> bool:
    """Whether `error` comes from the file or its neighbours, and not from a bug of ours."""
    return not isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError)
