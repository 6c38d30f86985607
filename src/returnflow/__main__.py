"""The door: ``returnflow`` and ``python -m returnflow``."""

from __future__ import annotations

import gc
import sys

COLLECT_EVERY = 200_000
"""New objects between two looks for garbage; Python's own default is 700.

The wizard makes some 130,000 until its first question.
"""


def main() -> None:
    """Runs the command line and exits with its status."""
    if sys.argv[1:] == ["--version"]:
        # Answered before anything is imported: scripts ask for it.
        from returnflow import __version__

        print(f"returnflow {__version__}")  # noqa: T201
        return
    # Importing makes a great many objects, of which hardly any is garbage. Looking for some
    # meanwhile takes about a tenth of the time to the first question.
    gc.set_threshold(COLLECT_EVERY)
    from returnflow.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
