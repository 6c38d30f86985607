"""``returnflow database``: what a database holds, and making and upgrading it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import click

from returnflow.errors import BackendError, UsageError
from returnflow.inert import inert
from returnflow.urls import without_password

if TYPE_CHECKING:
    from returnflow.sqlversions import Version

_URL = click.argument("url", metavar="URL")


@click.group("database")
def command() -> None:
    """Make and upgrade journals and shops in a database, sqlite:///FILE or postgresql://….

    A file is made and upgraded by whatever opens it. A database on a server is not: many use it,
    so somebody decides when.
    """


@command.command("show")
@_URL
def show(url: str) -> None:
    """Show what is in a database: a journal, a shop, and of which format."""
    journal, shop = _journal_version(url), _shop_version(url)
    click.echo(inert(without_password(url)))
    click.echo(f"  journal  {_described(journal, _newest_journal())}")
    click.echo(f"  shop     {_described(shop, _newest_shop())}")
    behind = [
        found
        for found, newest in ((journal, _newest_journal()), (shop, _newest_shop()))
        if found is not None and found < newest
    ]
    if behind:
        click.echo("To bring it up to date: returnflow database upgrade URL")


@command.command("create")
@_URL
@click.option("--demo-shop", is_flag=True, help="Make the demo shop there too, to try things out.")
def create(url: str, demo_shop: bool) -> None:
    """Make an empty journal in a database. What is there already is left as it is."""
    from returnflow.engine import journal_schema
    from returnflow.engine.journal_sql import open_database
    from returnflow.postgresql import is_postgresql

    shown = inert(without_password(url))
    if demo_shop and not is_postgresql(url):
        raise UsageError(
            "a file holds a journal or a shop, not both; --demo-shop is for a database on a server"
        )
    with closing(open_database(url)) as database:
        made = journal_schema.make(database)
    said = "made" if made else "there already, and left as it is"
    click.echo(f"Journal {said}: {shown}")
    if demo_shop:
        from returnflow.backends import demo, sql

        with sql.create(url, demo.data()) as shop:
            click.echo(f"Demo shop made: {inert(shop.name)}")
    click.echo("Use it with --journal URL" + (" and --backend URL" if demo_shop else ""))


@command.command("upgrade")
@_URL
def upgrade(url: str) -> None:
    """Bring the journal and the shop in a database up to the format of this program.

    Each is changed in one transaction: it is upgraded, or as it was. Make a backup first, and
    upgrade the programs of all agents: an older program refuses a newer format.
    """
    from returnflow.backends import sql
    from returnflow.engine import journal_schema
    from returnflow.engine.journal_sql import open_database

    journal, shop = _journal_version(url), _shop_version(url)
    if journal is None and shop is None:
        raise UsageError(f"{without_password(url)} holds neither a journal nor a shop")
    if journal is not None:
        with closing(open_database(url)) as database:
            _told("journal", journal, journal_schema.upgrade(database))
    if shop is not None:
        _told("shop", shop, sql.upgrade(url))


def _told(what: str, found: int, steps: Sequence[Version]) -> None:
    if not steps:
        click.echo(f"{what}: of format {found}, which is the newest")
    for step in steps:
        click.echo(f"{what}: now of format {step.number}: {step.says}")


def _described(found: int | None, newest: int) -> str:
    if found is None:
        return "none"
    if found == newest:
        return f"format {found}, the newest"
    return f"format {found}, {'behind' if found < newest else 'ahead of'} this program's {newest}"


def _newest_journal() -> int:
    from returnflow.engine.journal_tables import SCHEMA_VERSION

    return SCHEMA_VERSION


def _newest_shop() -> int:
    from returnflow.backends.sql_schema import VERSION

    return VERSION


def _journal_version(url: str) -> int | None:
    """Of the journal in it; None: there is none."""
    from returnflow.engine import journal_schema
    from returnflow.engine.journal_sql import open_database
    from returnflow.postgresql import is_postgresql

    if not is_postgresql(url):
        from returnflow.engine.journal_sqlite import file_of

        # Looking must not make one.
        if not file_of(url).exists():
            raise UsageError(f"there is no file {file_of(url)}")
    with closing(open_database(url)) as database:
        return journal_schema.version_of(database)


def _shop_version(url: str) -> int | None:
    from returnflow.backends import sql

    try:
        return sql.version(url)
    except BackendError as error:
        raise UsageError(str(error)) from error
