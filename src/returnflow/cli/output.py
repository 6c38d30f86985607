"""What commands write: new files that only their owner may read, and how far something has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from returnflow.errors import UsageError


def new_file(path: Path) -> BinaryIO:
    """Makes a file that only its owner may read, as in the journal: customers speak in it.

    Raises:
        UsageError: there is one already, or it cannot be written.
    """
    try:
        path.touch(mode=0o600, exist_ok=False)
        return path.open("wb")
    except FileExistsError:
        raise UsageError(f"{path} exists already; name a new file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def bar(label: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal; nothing where the output goes into a file.

    Yields:
        What is told of each step: how much was done, and how much there is, if that was not known.
    """
    if not sys.stderr.isatty():
        yield lambda done, total=None: None
        return
    shown: Any
    with click.progressbar(length=total or 1, label=label, file=sys.stderr) as shown:

        def step(done: int, total: int | None = None) -> None:
            if total is not None:
                shown.length = total
            shown.update(done)

        yield step


def progress(words: str) -> None:
    """Tells on a terminal how far something has come; "" takes it away."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{words}", err=True, nl=False)
