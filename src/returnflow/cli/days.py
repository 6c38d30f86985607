"""A day, as an option takes it."""

from __future__ import annotations

from datetime import date

import click

YEARS = range(1970, 9999)
"""Those that every platform can tell the local time of, up to the end of their last day."""


def day(text: str) -> date:
    """Reads a day as ISO 8601 has it, ``2026-03-01``. To be given to an option as its type.

    Raises:
        click.BadParameter: it is not written so, there is no such day, or no call can have it.
    """
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a day; write year, month and day, as 2026-03-01"
        ) from None
    if found.year not in YEARS:
        raise click.BadParameter(f"{text!r} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return found
