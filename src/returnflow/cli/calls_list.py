"""What ``returnflow calls list`` shows."""

from __future__ import annotations

import difflib
import shutil
import sys
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import click
import wcwidth

from returnflow.bundled import bundled
from returnflow.cli import opening
from returnflow.cli.masks import masker
from returnflow.engine.journal import Words, email_fields
from returnflow.engine.vocabulary import installed_vocabularies
from returnflow.errors import UsageError
from returnflow.inert import inert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from returnflow.engine.journal import CaseLine
    from returnflow.engine.journal_sql import SqlJournal
    from returnflow.masking import Masker


def listed(given: dict[str, Any]) -> None:
    """Lists the calls that pass every filter.

    Raises:
        UsageError: no procedure has the state that is asked for.
        click.UsageError: one filter contradicts another.
        JournalError: the journal cannot be read.
    """
    check_filters(given)
    hide = None if given["unmask"] else masker(installed_vocabularies())
    addresses: dict[str, str] = {}
    for vocabulary in installed_vocabularies():
        addresses |= email_fields(vocabulary, Words.of(vocabulary))
    with ExitStack() as stack:
        opened = opening.open_journal(stack, given["journal"])
        rows = [
            (
                line.header.case_id,
                f"{line.header.started_at.astimezone():%Y-%m-%d %H:%M}",
                inert(line.header.agent),
                line.state + ("" if line.ended else " (open)"),
                inert(_masked(line.email, hide)),
            )
            for line in chosen(opened, given, addresses)
        ]
    if not rows:
        click.echo("No calls.", err=True)
        return
    heads = ("CASE", "BEGUN", "AGENT", "STATE", "E-MAIL")
    widths = [max(wcwidth.wcswidth(row[i]) for row in [heads, *rows]) for i in range(5)]
    if sys.stdout.isatty():
        # A pipe gets everything; in a window a long name or address is cut, never a case id.
        for i in (4, 2):
            over = sum(widths) + 2 * 4 - shutil.get_terminal_size().columns
            widths[i] = max(min(widths[i], _NARROWEST), widths[i] - max(0, over))
    for row in [heads, *rows]:
        click.echo("  ".join(map(_fitted, row, widths)).rstrip())


def filtered(given: dict[str, Any]) -> bool:
    """Whether any filter is given."""
    names = ("state", "agent", "since", "until", "only_open", "only_ended")
    return any(given[name] not in (None, False) for name in names)


def check_filters(given: dict[str, Any]) -> None:
    """That the filters fit each other; asked before anything is opened or made.

    Raises:
        click.UsageError: one contradicts another.
    """
    since, until = given["since"], given["until"]
    if since and until and since > until:
        raise click.UsageError(f"--since {since} is after --until {until}.")
    if given["only_open"] and given["only_ended"]:
        raise click.UsageError("Give --open or --ended, not both.")


def chosen(
    journal: SqlJournal, given: dict[str, Any], email_fields: Mapping[str, str] | None = None
) -> Collection[CaseLine]:
    """The calls of the journal that pass every filter, the oldest first.

    Raises:
        UsageError: there is none, and no procedure has the state that is asked for.
        JournalError: the journal cannot be read.
    """
    since, until = given["since"], given["until"]
    lines = journal.cases(
        state=given["state"],
        agent=given["agent"],
        since=_midnight(since) if since else None,
        until=_midnight(until + timedelta(days=1)) if until else None,
        ended=given["only_ended"] or (False if given["only_open"] else None),
        email_fields=email_fields,
    )
    if given["state"] is not None and not lines:
        _check_state(given["state"], journal)
    return lines


_NARROWEST = 10
"""Cells that are left to a name or an address at least."""


def _fitted(text: str, width: int) -> str:
    if wcwidth.wcswidth(text) > width:
        while wcwidth.wcswidth(text) > width - 1:
            text = text[:-1]
        text += "…"
    return wcwidth.ljust(text, width)


def _midnight(day: date) -> datetime:
    """When the day begins where this runs."""
    return datetime.combine(day, time()).astimezone()


def _check_state(state: str, journal: SqlJournal) -> None:
    """That a state in which there is no call is one at all.

    Raises:
        UsageError: neither a shipped procedure nor a call of the journal has it.
    """
    known = {line.state for line in journal.cases()}
    for path in bundled("states").glob("*.yaml"):
        known |= set(opening.procedure(path).states)
    if state not in known:
        close = difflib.get_close_matches(state, sorted(known), 1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"no call is in a state {state!r}, and no procedure of the program has it{meant}"
        )


def _masked(email: str | None, hide: Masker | None) -> str:
    if email is None:
        return ""
    return email if hide is None else hide.mask_email(email)
