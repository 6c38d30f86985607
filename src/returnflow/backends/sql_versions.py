"""The version of a shop's schema: looked at, and brought up to date."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, update

from returnflow.backends import sql_schema as schema
from returnflow.backends.sql_store import Store
from returnflow.errors import UnavailableError, UsageError
from returnflow.sqlversions import Version, climb, steps_from


def meta(connection: Connection) -> dict[str, str]:
    """What the shop says of itself."""
    return {row.name: row.value for row in connection.execute(select(schema.META))}


def version_of(store: Store) -> int | None:
    """The version of the shop in it; None where there is none.

    Raises:
        UsageError: the version cannot be read.
        UnavailableError
    """
    found = _meta_of(store)
    return None if found is None else _version(store, found)


def refuse_present(store: Store) -> None:
    """Raises `UsageError` where a shop is there already."""
    if _meta_of(store) is not None:
        raise UsageError(f"a shop is there already: {store.name}; name another database")


def make_ready(store: Store) -> str | None:
    """Makes sure that it is a shop of this version; answers its zone.

    An older one in a file is brought up to date. A newer one, or one that is somebody's to look
    after, is not touched.

    Raises:
        UsageError: it is none.
        UnavailableError
    """
    found = _meta_of(store)
    if found is None:
        raise UsageError(_none(store))
    number = _version(store, found)
    _refuse_newer(store, number)
    if number < schema.VERSION:
        if store.shared:
            raise UsageError(
                f"the shop {store.name} is of version {number}; this program reads version "
                f"{schema.VERSION}: have it brought up to date with `returnflow database upgrade`"
            )
        upgrade(store)
    zone = found.get("zone", "")
    try:
        return ZoneInfo(zone).key if zone else None
    except (KeyError, ValueError, OSError):
        raise UsageError(f"the shop {store.name} has the unknown time zone {zone!r}") from None


def upgrade(store: Store) -> list[Version]:
    """Brings an older shop up to date; the versions that it has become meanwhile.

    Raises:
        UsageError: there is no shop, or it is newer than this program.
        UnavailableError: it cannot be written; it is as it was.
    """
    found = _meta_of(store)
    if found is None:
        raise UsageError(_none(store))
    if _version(store, found) == schema.VERSION:
        return []
    with store.writing() as connection:
        # Read again under the lock: another program may have been faster.
        row = connection.execute(
            select(schema.META).where(schema.META.c.name == "version").with_for_update()
        ).one_or_none()
        number = _version(store, {"version": row.value} if row else {})
        _refuse_newer(store, number)
        steps = steps_from(number, schema.VERSIONS)
        climb(connection, steps)
        connection.execute(
            update(schema.META)
            .where(schema.META.c.name == "version")
            .values(value=str(schema.VERSION))
        )
    return steps


def _meta_of(store: Store) -> dict[str, str] | None:
    try:
        with store.reading() as connection:
            found = meta(connection)
    except UnavailableError as error:
        if store.is_none(error):
            return None
        raise
    return found if found.get("kind") == schema.KIND else None


def _version(store: Store, found: dict[str, str]) -> int:
    text = found.get("version", "")
    if not text.isdecimal():
        raise UsageError(f"the shop {store.name} has no readable version: restore it from a copy")
    return int(text)


def _refuse_newer(store: Store, number: int) -> None:
    if number > schema.VERSION:
        raise UsageError(
            f"the shop {store.name} is of version {number}; this program reads version "
            f"{schema.VERSION}: use the program that it was made with, or a newer one"
        )


def _none(store: Store) -> str:
    return f"{store.name} is not a shop: check the {'URL' if store.shared else 'path'}"
