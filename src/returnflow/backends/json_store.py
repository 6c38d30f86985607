"""A folder of JSON files: read when they change, replaced as a whole, never half.

A file is written under another name, brought to the disk, and then put in its place in one
step; so whoever reads it, and whenever the power fails, it is the old one or the new one. One
lock per folder keeps two writers apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from filelock import FileLock, Timeout

from returnflow import jsontext
from returnflow.errors import UnavailableError

LOCK_FILE = ".returnflow.lock"

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another program that writes to the folder."""

MOST_BYTES = 1_000_000_000
"""A file of more bytes is not read: it would not fit into the memory of an agent's machine."""

_DRAFT = ".draft"

Stamp = tuple[int, int, int] | None
"""What changes when a file is replaced or written to; None: it is not there."""


class FileError(Exception):
    """A file cannot be read; the message says which, and why."""


@dataclass(frozen=True)
class Folder:
    """The folder at an absolute path.

    Args:
        lock_timeout: seconds to wait for another writer.
    """

    path: Path
    lock_timeout: float = LOCK_TIMEOUT

    def stamp(self, name: str) -> Stamp:
        """Tells one version of a file from another."""
        try:
            found = (self.path / name).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self, name: str) -> tuple[dict[str, Any], list[str]]:
        """What is in a file, an object keyed by id, and what is odd about its text.

        Raises:
            FileError: it cannot be read, or holds something else.
        """
        path = self.path / name
        try:
            if path.stat().st_size > MOST_BYTES:
                raise FileError(f"{name}: more than {MOST_BYTES:,} bytes; use an SQL shop")
            text = path.read_bytes()
        except OSError as error:
            raise FileError(f"{name}: {error.strerror or error}") from error
        try:
            value, odd = jsontext.decode(text)
        except ValueError as error:
            raise FileError(f"{name}: {error}") from None
        if not isinstance(value, dict):
            raise FileError(f"{name}: there is no object keyed by id")
        return value, odd

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the lock of the folder.

        Raises:
            UnavailableError: another program holds it, or there may be none; nothing was done.
        """
        try:
            # Whoever may write to the folder may take its lock.
            mode = self.path.stat().st_mode & 0o666
            with FileLock(self.path / LOCK_FILE, timeout=self.lock_timeout, mode=mode):
                yield
        except Timeout:
            raise self._unavailable(
                f"another program has been writing for {self.lock_timeout:g} s; try again"
            ) from None
        except OSError as error:
            raise self._unavailable(error.strerror or str(error)) from error

    def replace(self, name: str, content: dict[str, Any]) -> None:
        """Puts a new file in the place of an old one; the caller holds the lock.

        Raises:
            UnavailableError: it failed. The outcome is unknown only if the file is in its place
                already and the folder did not reach the disk.
        """
        # Where the file is a link, what it leads to is replaced.
        path = (self.path / name).resolve()
        draft = path.with_name(f"{path.name}{_DRAFT}")
        outcome: Literal["known", "unknown"] = "known"
        text = msgspec.json.format(_ENCODER.encode(content), indent=2)
        try:
            # What a writer left here that was cut off is of no use to anybody.
            with draft.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            with suppress(OSError):
                draft.chmod(path.stat().st_mode & 0o777)
            draft.replace(path)
            outcome = "unknown"
            _sync_folder(path.parent)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise self._unavailable(
                f"{name} cannot be written: {error.strerror or error}", outcome
            ) from error

    def _unavailable(
        self, words: str, outcome: Literal["known", "unknown"] = "known"
    ) -> UnavailableError:
        return UnavailableError(f"cannot write to the shop {self.path}: {words}", outcome=outcome)


# Decimals go back as the numbers that they were read from, digit for digit.
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def _sync_folder(path: Path) -> None:
    """Brings the names in a folder to the disk; where the system knows no such thing, nothing."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
