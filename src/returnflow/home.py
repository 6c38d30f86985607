"""Where returnflow keeps its data: the journal, the demo shop, the key for masking."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from returnflow.errors import UsageError

HOME_VARIABLE = "RETURNFLOW_HOME"
JOURNAL_FILE = "journal.sqlite3"
KEPT_FOLDER = "procedures"
MOST_KEPT = 50
"""So many checked procedures are kept in their compiled form."""


def data_dir() -> Path:
    """The data folder, absolute; created for its owner alone (mode 0700) when it is missing.

    It is the user's data folder of the platform, or what ``RETURNFLOW_HOME`` names.

    Raises:
        UsageError: the folder cannot be made, is no folder, or cannot be written.
    """
    moved = os.environ.get(HOME_VARIABLE, "")
    if moved:
        folder = Path(os.path.abspath(os.path.expanduser(moved)))  # noqa: PTH100, PTH111 (no error for ~nobody)
    else:
        # Imported late: whoever moves the folder need not pay for looking for it.
        from platformdirs import user_data_path

        folder = user_data_path("returnflow", appauthor=False)
    advice = f"set {HOME_VARIABLE} to a folder that you may write"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"the data folder {folder} is not a folder; {advice}") from None
    except OSError as error:
        raise UsageError(
            f"the data folder {folder} cannot be made ({error.strerror}); {advice}"
        ) from error
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        raise UsageError(f"the data folder {folder} cannot be written; {advice}")
    return folder


class KeptProcedures:
    """The compiled forms of procedures that passed every check, as files in the data folder.

    Where the folder cannot be used, nothing is kept and everything is checked again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / KEPT_FOLDER

    def get(self, key: str) -> bytes | None:
        """What is kept under a key; None where nothing is, or it cannot be read."""
        try:
            return (self._folder / key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keeps it whole or not at all; the oldest go where there are many."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            kept = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime)
            for old in kept[: max(0, len(kept) - MOST_KEPT + 1)]:
                old.unlink(missing_ok=True)
            # Another process may be keeping the same, or reading it.
            part = self._folder / f"{key}.{os.getpid()}"
            part.write_bytes(data)
            part.replace(self._folder / key)


def default_journal_url() -> str:
    """The URL of the journal in the data folder.

    Raises:
        UsageError: as `data_dir`.
    """
    return f"sqlite:///{data_dir() / JOURNAL_FILE}"
