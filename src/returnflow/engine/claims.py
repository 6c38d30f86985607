"""Who works on a case of a journal in a file: one process, known by a lock that the kernel keeps.

A process that is killed loses its lock at once, so no claim outlives its holder.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from returnflow.errors import CaseTakenError, JournalError

if TYPE_CHECKING:
    from filelock import BaseFileLock


class FileClaim:
    """A claim on one case, held until `release`.

    Args:
        folder: where the locks are; made when missing.
        case_id: must be a safe file name.
        agent: told to whoever comes second.

    Raises:
        CaseTakenError: another holds it; says who.
        JournalError: the lock cannot be made.
    """

    def __init__(self, folder: Path, case_id: str, agent: str) -> None:
        # Imported late: it takes longer to import than all else that a first question needs.
        from filelock import FileLock, Timeout

        self._holder = folder / f"{case_id}.who"
        self._lock: BaseFileLock | None = None
        lock = FileLock(folder / f"{case_id}.lock", timeout=0)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise CaseTakenError(
                f"case {case_id} is being worked on{self._by_whom()}; "
                "wait until it is released, or take another"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise JournalError(
                f"case {case_id} cannot be claimed: {folder}: {error}; "
                "check that the folder can be written"
            ) from error
        self._lock = lock
        # Only for the words of the message above; the lock alone decides.
        with suppress(OSError):
            self._holder.write_text(f"{agent} (process {os.getpid()})", encoding="utf-8")

    def _by_whom(self) -> str:
        with suppress(OSError, UnicodeDecodeError):
            who = self._holder.read_text(encoding="utf-8").strip()
            return f" by {who}" if who else ""
        return ""

    def release(self) -> None:
        """Gives the claim up and removes its files. Twice is harmless."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        with suppress(OSError):
            self._holder.unlink(missing_ok=True)
        # Removed while it is still held: whoever opened it before sees that it has no name any
        # more and starts over. Where an open file cannot be removed, an empty one stays.
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
