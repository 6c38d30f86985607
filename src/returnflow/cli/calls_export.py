"""What ``returnflow calls export`` writes."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from returnflow.cli import opening, status
from returnflow.cli.calls_list import check_filters, chosen, filtered
from returnflow.cli.masks import masker
from returnflow.cli.output import bar, new_file
from returnflow.engine.event_log import export_case
from returnflow.engine.vocabulary import installed_vocabularies, vocabulary_of
from returnflow.errors import JournalDamagedError
from returnflow.inert import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from returnflow.engine.journal import Entry, Header
    from returnflow.engine.journal_sql import SqlJournal


def exported(given: dict[str, Any]) -> int:
    """Writes one call or all; the exit status.

    Raises:
        UsageError: the file is there already, or no procedure has the state that is asked for.
        click.UsageError: no call or too many are named, or one filter contradicts another.
        JournalError: the journal cannot be read, or the call is not in it or damaged.
    """
    case = given["case"]
    several = given["everything"] or filtered(given)
    if case is None and not several:
        raise click.UsageError("Name a case, or give --all or what to choose by, as --ended.")
    if case is not None and several:
        raise click.UsageError(f"Give {case} or what chooses several, as --all, not both.")
    check_filters(given)
    hide = None if given["unmask"] else masker(installed_vocabularies())
    with ExitStack() as stack:
        opened = opening.open_journal(stack, given["journal"])
        if case is not None:
            # Read before there is a file: a mistyped case leaves none behind.
            header, entries = _whole(opened, case)
            target = stack.enter_context(_target(given["output"]))
            target.write(export_case(header, entries, mask=hide) + b"\n")
            target.flush()
            return status.ENDED
        lines = chosen(opened, given)
        target = stack.enter_context(_target(given["output"]))
        damaged: list[str] = []
        try:
            with _progress(given["output"], len(lines)) as step:
                for line in lines:
                    try:
                        header, entries = _whole(opened, line.header.case_id)
                        target.write(export_case(header, entries, mask=hide) + b"\n")
                    except JournalDamagedError as error:
                        # The other calls are whole (rule 40); the exit status tells of this one.
                        damaged.append(inert(str(error)))
                    step(1)
            target.flush()
        finally:
            # After the bar, which they would run through, and whatever else went wrong.
            for words in damaged:
                click.echo(f"returnflow: {words}", err=True)
    if not lines:
        click.echo("No calls.", err=True)
    return status.FAILED if damaged else status.ENDED


def _whole(opened: SqlJournal, case: str) -> tuple[Header, tuple[Entry, ...]]:
    """A call with its events in the words of its own procedure; as plain data where those words
    are not known here."""
    header, text, entries = opened.read(case)
    vocabulary = vocabulary_of(text)
    if vocabulary is not None:
        header, _, entries = opened.read(header.case_id, vocabulary.decoder)
    return header, entries


@contextmanager
def _target(output: Path | None) -> Iterator[BinaryIO]:
    """Where the log goes. A new file is taken away again where something goes wrong, or Ctrl-C is
    pressed: the next attempt would stumble over it."""
    if output is None:
        # Not ours to close: whoever called may go on writing to it.
        yield sys.stdout.buffer
        return
    file = new_file(output)
    try:
        with file:
            yield file
    except BaseException:
        # What went wrong is to be told, and not that there was more.
        with suppress(OSError):
            output.unlink()
        raise


def _progress(output: Path | None, calls: int) -> AbstractContextManager[Callable[[int], None]]:
    # On standard output the log may run over the same terminal, or into a program that does.
    return bar("Writing", calls) if output is not None and calls else nullcontext(lambda done: None)
