"""Where the files that travel with the program are: procedures and the demo shop."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from returnflow.errors import UsageError


def bundled(kind: Literal["states", "fixtures"]) -> Path:
    """The folder of that name: inside the installed package, or at the root of a checkout.

    Raises:
        UsageError: it is in neither place, so the installation is not whole.
    """
    package = Path(__file__).resolve().parent
    checkout = package.parents[1]
    for folder in (package / kind, checkout / kind):
        if folder.is_dir():
            return folder
    raise UsageError(
        f"the folder {kind!r} is neither in {package} nor in {checkout}: "
        "the installation is not whole; install returnflow again"
    )
