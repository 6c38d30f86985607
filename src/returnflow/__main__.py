"""The door: ``returnflow`` and ``python -m returnflow``."""

from __future__ import annotations

import gc
import sys

COLLECT_EVERY = 50_000
"""New objects between two looks for garbage; Python's own default is 700."""


def main() -> None:
    """Runs the command line and exits with its status."""
    if sys.argv[1:] == ["--version"]:
        # Answered before anything is imported: scripts ask for it.
        from returnflow import __version__

        print(f"returnflow {__version__}")  # noqa: T201
        return
    # Importing makes hundreds of thousands of objects, of which none is garbage. Looking for
    # some after every 700 takes about a tenth of the time to the first question.
    gc.set_threshold(COLLECT_EVERY)
    from returnflow.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
