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
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Another procedure than the one that comes with the program.",
)
@click.pass_context
def command(
    ctx: click.Context,
    backend: str,
    journal: str | None,
    agent: str | None,
    patience: float,
    timeout: float,
    zone: str | None,
    sop: Path | None,
) -> None:
    """Lead a call, from the customer's e-mail address to the end.

    On a terminal it asks and completes; with its input piped it reads answers line by line.
    Every answer is written to the journal before the call goes on.
    """
    from returnflow.engine.journal import Header
    from returnflow.engine.session import Session

    definition = opening.procedure(sop)
    with ExitStack() as stack:
        opened = opening.open_journal(stack, journal)
        place = opening.open_place(stack, opened, backend, agent, patience, timeout)
        zone = opening.zone_of(place, zone)
        started = opening.now()
        day = opening.today(zone)
        header = Header(
            case_id="",
            sop=definition.sop,
            version=definition.version,
            digest=definition.digest,
            agent=place.agent,
            policy_date=day,
            zone=zone,
            backend=place.backend_url,
            started_at=started,
        )
        log = stack.enter_context(place.journal.begin(header, definition.text))
        _greet(place, day.isoformat(), log.header.case_id)
        code = opening.lead(
            place, Session(definition, day, zone), log, journal=journal, resume=False
        )
    ctx.exit(code)


def _greet(place: opening.Place, day: str, case_id: str) -> None:
    click.echo(f"returnflow · {place.backend_url} · agent {place.agent} · case {case_id}")
    if place.backend_url == "demo:":
        from returnflow.backends.sql import SqlShop

        # The open shop is asked: to open it once more would make the agent wait for nothing.
        shop = place.backend.inner
        loaded = shop.loaded_on() if isinstance(shop, SqlShop) else ""
        if loaded not in ("", day):
            click.echo(f"The demo shop is of {loaded}; `returnflow demo reset` makes it of today.")
    click.echo("Type an answer and press Enter. /help lists the words that always work.")
