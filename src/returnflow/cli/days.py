"""A day, as an option takes it."""

from __future__ import annotations

import re
from datetime import date

import click

YEARS = range(1971, 3000)
"""Those of which every platform can tell the local time, up to the end of the last day."""

_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def day(text: str) -> date:
    """Reads a day written as ``2026-03-01``. To be given to an option as its type.

    Raises:
        click.BadParameter: it is not written so, there is no such day, or no call can have it.
    """
    written = text.strip()
    try:
        # fromisoformat takes weeks, too: 2026-W09-7.
        found = date.fromisoformat(written if _WRITTEN.fullmatch(written) else "")
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a day; write year, month and day, as 2026-03-01"
        ) from None
    if found.year not in YEARS:
        raise click.BadParameter(f"{text!r} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return found
