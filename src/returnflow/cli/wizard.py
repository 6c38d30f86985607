"""``returnflow wizard``: leads a call."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from returnflow.cli import opening, status


@click.command("wizard", epilog=status.EPILOG)
@opening.call_options
@click.option("--zone", metavar="ZONE", help="The policy time zone; by default the shop's.")
@click.option(
    "--sop",
    metavar="FILE|NAME",
    type=click.Path(path_type=Path),
    help=opening.SOP_HELP,
)
@click.pass_context
def command(
    ctx: click.Context,
    backend: str,
    journal: str | None,
    agent: str | None,
    patience: float,
    timeout: float,
    plain: bool,
    zone: str | None,
    sop: Path | None,
) -> None:
    """Lead a call, from the customer's e-mail address to the end.

    On a terminal it opens full screen, or with --plain asks line by line and completes; with its
    input piped it reads answers line by line. Every answer is written to the journal before the
    call goes on.
    """
    definition = opening.procedure(sop)
    with ExitStack() as stack:
        opened = opening.open_journal(stack, journal)
        place = opening.open_place(stack, opened, backend, agent, patience, timeout)
        opening.check(place, definition)
        zone = opening.zone_of(place, zone)
        if opening.full_screen(plain):
            from returnflow.cli.screen import Shift

            shift = Shift(place, opening.again(journal), _old_shop(place, zone), ctx.obj)
            code = shift.lead_calls(lambda: opening.begin(place, definition, zone))
        else:
            from returnflow.wizard.plain import PlainDesk

            with opening.begin(place, definition, zone) as (session, log):
                _greet(place, zone, log.header.case_id)
                again = opening.again(journal)
                desk = PlainDesk(opening.console(), place.patience, again)
                code = opening.lead(place, session, log, desk, again, resume=False)
    ctx.exit(code)


def _greet(place: opening.Place, zone: str, case_id: str) -> None:
    click.echo(f"returnflow · {place.backend_url} · agent {place.agent} · case {case_id}")
    if old := _old_shop(place, zone):
        click.echo(old)
    click.echo("Type an answer and press Enter. /help lists the words that always work.")


def _old_shop(place: opening.Place, zone: str) -> str:
    """Says so where the demo shop is of another day; else ""."""
    if place.backend_url == "demo:":
        from returnflow.backends.sql import SqlShop

        # The open shop is asked: to open it once more would make the agent wait for nothing.
        shop = place.backend.inner
        loaded = shop.loaded_on() if isinstance(shop, SqlShop) else ""
        if loaded not in ("", opening.today(zone).isoformat()):
            return f"The demo shop is of {loaded}; `returnflow demo reset` makes it of today."
    return ""
