"""Where returnflow keeps its data: the journal, the demo shop, the key for masking."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from returnflow.errors import UsageError

HOME_VARIABLE = "RETURNFLOW_HOME"
JOURNAL_FILE = "journal.sqlite3"
CHECKED_FOLDER = "checked"
MOST_CHECKED = 50
"""So many checked procedures are remembered."""


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


class CheckedTexts:
    """The procedures that passed every check, remembered in the data folder as empty files.

    Where the folder cannot be used, nothing is remembered and everything is checked again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / CHECKED_FOLDER

    def __contains__(self, key: str) -> bool:
        return (self._folder / key).is_file()

    def add(self, key: str) -> None:
        """Remembers a text; the oldest go where there are many."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            known = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime)
            for old in known[: max(0, len(known) - MOST_CHECKED)]:
                old.unlink(missing_ok=True)
            (self._folder / key).touch(mode=0o600)


def default_journal_url() -> str:
    """The URL of the journal in the data folder.

    Raises:
        UsageError: as `data_dir`.
    """
    return f"sqlite:///{data_dir() / JOURNAL_FILE}"
