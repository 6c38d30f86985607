"""``returnflow calls``: list, show, resume and export calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from returnflow.cli import opening, status
from returnflow.cli.days import day
from returnflow.cli.masks import UNMASK, masker
from returnflow.errors import (
    DefinitionError,
    JournalDamagedError,
    JournalError,
    RefusedError,
    UsageError,
)
from returnflow.inert import inert
from returnflow.urls import without_password

if TYPE_CHECKING:
    from returnflow.cli.screen import Begin
    from returnflow.engine.definition import Definition
    from returnflow.engine.journal import CaseLog, Header
    from returnflow.engine.machine import Step
    from returnflow.engine.session import Session


@click.group("calls")
def command() -> None:
    """List, show, resume and export calls."""


_FILTERS = (
    click.option("--state", metavar="STATE", help="Only calls in this state."),
    click.option("--agent", metavar="NAME", help="Only calls of this agent."),
    click.option(
        "--since",
        metavar="DATE",
        type=day,
        help="Only calls begun on this day, as the clock here tells it, or after.",
    ),
    click.option(
        "--until", metavar="DATE", type=day, help="Only calls begun on this day or before."
    ),
    click.option("--open", "only_open", is_flag=True, help="Only calls that can be resumed."),
    click.option("--ended", "only_ended", is_flag=True, help="Only calls that are at an end."),
)


def _filters(function: opening.F) -> opening.F:
    """Adds the options that say which calls of the journal are meant."""
    for option in reversed(_FILTERS):
        function = option(function)
    return function


# -- list -------------------------------------------------------------------------------------


@command.command("list")
@opening.JOURNAL
@_filters
@UNMASK
def list_calls(**given: Any) -> None:
    """List the calls in the journal, the oldest first."""
    from returnflow.cli.calls_list import listed

    listed(given)


# -- show -------------------------------------------------------------------------------------


@command.command("show")
@click.argument("case")
@opening.JOURNAL
@UNMASK
def show(case: str, journal: str | None, unmask: bool) -> None:
    """Show the call CASE as a story: what was said, asked, looked up and done."""
    from returnflow.engine.story import story
    from returnflow.engine.vocabulary import installed_vocabularies, vocabulary_of

    with ExitStack() as stack:
        opened = opening.open_journal(stack, journal)
        header, text, entries = opened.read(case)
    vocabulary = vocabulary_of(text)
    sentences = vocabulary.sentences if vocabulary is not None else {}
    hide = None if unmask else masker(installed_vocabularies())
    for line in story(header, entries, hide, sentences):
        click.echo(inert(line))


# -- resume -----------------------------------------------------------------------------------


@command.command("resume", epilog=status.EPILOG)
@click.argument("case")
@opening.call_options
@click.pass_context
def resume(
    ctx: click.Context,
    case: str,
    backend: str | None,
    journal: str | None,
    agent: str | None,
    patience: float,
    timeout: float,
    plain: bool,
) -> None:
    """Go on with the call CASE where it was left.

    A write that was sent is settled first. The call goes on under the text of the procedure
    with which it was begun, and in the shop with which it was begun unless --backend names
    another here; the environment does not move it.
    """
    with ExitStack() as stack:
        opened = opening.open_journal(stack, journal)
        with _starting():
            header, text, _ = opened.read(case)
        url = _shop_of(header, backend, ctx.get_parameter_source("backend"))
        definition = _definition(header.case_id, text)
        place = opening.open_place(stack, opened, url, agent, patience, timeout)
        if definition is None:
            ctx.exit(_hand_over(stack, place, header.case_id, text))
        with _starting():
            log = stack.enter_context(opened.open(header.case_id, definition.vocabulary.decoder))
            session = session_of(definition, log)
        opening.check(place, definition)
        greeting = f"returnflow · {place.backend_url} · agent {place.agent} · case {header.case_id}"
        if session.state.kind == "end":
            click.echo(greeting)
            click.echo(f"The call has ended: {session.state.title}. Read it with: calls show")
            return
        with _starting():
            log.note(f"Resumed by {place.agent}.", session.state.name)
        again = opening.again(journal)
        if opening.full_screen(plain):
            from returnflow.cli.screen import Shift

            notice = f"Going on where the call was left: {session.state.title}."
            shift = Shift(place, again, notice, ctx.obj)
            code = shift.resume(session, log, _next_call(place, header))
        else:
            from returnflow.wizard.plain import PlainDesk

            click.echo(greeting)
            click.echo(f"Going on where the call was left: {session.state.title}.")
            desk = PlainDesk(opening.console(), place.patience, again)
            code = opening.lead(place, session, log, desk, again, resume=True)
    ctx.exit(code)


def _next_call(place: opening.Place, header: Header) -> Begin | None:
    """What begins the call after a resumed one, under the same text.

    None where that text is not one that comes with the program: which file it was in, and what
    stands in that file by now, the journal does not say.
    """
    current = opening.shipped_as(header.digest)
    if current is None:
        return None
    return lambda: opening.begin(place, current, header.zone)


def _shop_of(header: Header, given: str | None, source: ParameterSource | None) -> str:
    """The URL of the shop in which the call goes on.

    A write may be pending, and its key protects it in the shop it was sent to and in no other. So
    what the environment names for new calls does not move a call that was begun elsewhere; for
    the same shop it may have the password, which the journal has not.
    """
    if given and source is ParameterSource.COMMANDLINE:
        return given
    same = given is not None and without_password(given) == header.backend
    return given if given is not None and same else header.backend


@contextmanager
def _starting() -> Iterator[None]:
    """Until the call is led on, whatever the journal cannot do means that it could not start."""
    try:
        yield
    except JournalError as error:
        raise UsageError(str(error)) from error


def _definition(case_id: str, text: str) -> Definition | None:
    """The procedure as it was when the call began; None, told, where it is not understood."""
    from returnflow.engine import definition
    from returnflow.home import KeptProcedures, data_dir

    keeper = KeptProcedures(data_dir())
    try:
        return definition.loads(text, f"the procedure of case {case_id}", keeper)
    except DefinitionError as error:
        click.echo(
            f"returnflow: case {case_id} was begun under a procedure that this version no longer "
            f"understands:\n{error.problems[0]}\nThe call can be read (calls show {case_id}) and "
            "the customer transferred, but it cannot be continued.",
            err=True,
        )
        return None


def _hand_over(stack: ExitStack, place: opening.Place, case_id: str, text: str) -> int:
    """Offers a transfer for a call that cannot be continued; the exit status."""
    from returnflow.backends.answer import performer
    from returnflow.engine.handover import HandOver
    from returnflow.engine.vocabulary import load_vocabulary, vocabulary_of
    from returnflow.wizard.handover import offer

    log = stack.enter_context(place.journal.open(case_id, None))
    if log.entries and log.entries[-1].ended:
        click.echo(f"The call has ended: {log.entries[-1].state}.")
        return status.ENDED
    try:
        words = vocabulary_of(text) or load_vocabulary(opening.FALLBACK)
        transfer = HandOver(log, words, opening.now)
        done = offer(transfer, opening.console(), performer(place.backend))
        return status.ENDED if done else status.LEFT_OPEN
    except (EOFError, KeyboardInterrupt):
        return status.LEFT_OPEN


def session_of(
    definition: Definition, log: CaseLog, tracer: Callable[[Step], None] | None = None
) -> Session:
    """The call as its journal says it stands.

    Raises:
        JournalDamagedError: the procedure does not allow what the journal holds.
    """
    from returnflow.engine.journal import visible
    from returnflow.engine.session import Session

    header = log.header
    events = [entry.event for entry in visible(log.entries) if entry.event is not None]
    try:
        session = Session.folded(definition, header.policy_date, header.zone, events, tracer=tracer)
    except RefusedError as error:
        raise JournalDamagedError(
            f"case {header.case_id} cannot be resumed: {error}. Read it with: calls show"
        ) from error
    if log.entries and log.entries[-1].state != session.state.name:
        raise JournalDamagedError(
            f"case {header.case_id} cannot be resumed: its last row says {log.entries[-1].state}, "
            f"its events lead to {session.state.name}. Read it with: calls show"
        )
    return session


# -- export -----------------------------------------------------------------------------------


@command.command("export")
@click.argument("case", required=False)
@click.option("--all", "everything", is_flag=True, help="Every call in the journal.")
@_filters
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file; by default standard output.",
)
@opening.JOURNAL
@UNMASK
@click.pass_context
def export(ctx: click.Context, /, **given: Any) -> None:
    """Write the call CASE, or all, as an event log: JSON Lines, one call a line.

    With --state, --agent, --since, --until, --open or --ended, those calls and no others. Of
    several, one that is damaged is named and left out; the exit status is then 1.
    """
    from returnflow.cli.calls_export import exported

    ctx.exit(exported(given))
