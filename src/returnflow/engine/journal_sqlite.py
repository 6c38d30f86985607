"""What is particular to SQLite about a journal: the file, its settings, its errors."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from returnflow.errors import (
    CaseTakenError,
    JournalBusyError,
    JournalDamagedError,
    JournalError,
    UsageError,
)

PREFIX = "sqlite:///"
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that waiting for it is bounded by the busy timeout."""

META = "journal_meta"
"""The table by which a journal is known."""

_MAGIC = b"SQLite format 3\x00"
_KNOWN_STARTS = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"{", "JSON text"),
    (b"[", "JSON text"),
)
_APPEND_ONLY = ("entries", "cases", "sop_texts")


def file_of(url: str) -> Path:
    """The file behind a journal's URL.

    Raises:
        UsageError: it is no ``sqlite:///PATH``.
    """
    path = url.removeprefix(PREFIX)
    if path == url or path in ("", ":memory:"):
        raise UsageError(f"a journal's URL is {PREFIX}PATH, the path of a file; got {url!r}")
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
    """Sets a fresh connection up; see the settings' reasons in `journal_sql`."""
    # The driver is to begin no transactions of its own.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    # The mode is written into the file, so somebody else's database is asked first. On a file
    # system that cannot do it the mode stays another one, which is durable too.
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if not names or (META,) in names:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def append_only_triggers() -> list[str]:
    """The statements that make the database itself refuse to change what is written."""
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END"
        for table in _APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
    ]


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
