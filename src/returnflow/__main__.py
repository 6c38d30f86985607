"""The door: ``returnflow`` and ``python -m returnflow``."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with its status."""
    if sys.argv[1:] == ["--version"]:
        # Answered before anything is imported: scripts ask for it.
        from returnflow import __version__

        print(f"returnflow {__version__}")  # noqa: T201
        return
    from returnflow.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
