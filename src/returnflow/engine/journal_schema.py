"""The format of a journal: looked at, made, and brought up to date."""

from __future__ import annotations

import sqlalchemy as sa

from returnflow.engine.journal_database import JournalDatabase
from returnflow.engine.journal_tables import META, METADATA, SCHEMA_VERSION, VERSIONS
from returnflow.errors import JournalDamagedError, JournalError
from returnflow.sqlversions import Version, climb, steps_from


def version_of(database: JournalDatabase) -> int | None:
    """The format of the journal in it; None where there is none.

    Raises:
        JournalDamagedError: it has no readable number.
    """
    return database.read(lambda connection: _version(connection, database))


def make(database: JournalDatabase) -> bool:
    """Makes a journal where there is none; False: there is one already.

    Raises:
        JournalError: a file holds something else, or one of the tables is somebody else's.
    """

    def work(connection: sa.Connection) -> bool:
        if _version(connection, database) is not None:
            return False
        tables = sa.inspect(connection).get_table_names()
        if tables and not database.shared:
            raise JournalError(
                f"journal {database.name}: this is a database, but no journal (it has the tables "
                f"{', '.join(sorted(tables)[:5])}); it is left as it is: choose another file"
            )
        METADATA.create_all(connection, checkfirst=False)
        for statement in database.append_only():
            connection.exec_driver_sql(statement)
        connection.execute(META.insert(), {"key": "schema_version", "value": str(SCHEMA_VERSION)})
        return True

    return database.change(work)


def upgrade(database: JournalDatabase) -> list[Version]:
    """Brings an older journal up to date; the versions that it has become meanwhile.

    Raises:
        JournalError: there is none, or it is newer than this program.
    """

    def work(connection: sa.Connection) -> list[Version]:
        found = _version(connection, database)
        if found is None:
            raise JournalError(_missing(database))
        _refuse_newer(found, database)
        steps = steps_from(found, VERSIONS)
        if steps:
            climb(connection, steps)
            connection.execute(
                META.update().where(META.c.key == "schema_version"), {"value": str(SCHEMA_VERSION)}
            )
        return steps

    return database.change(work)


def make_ready(database: JournalDatabase) -> None:
    """Sees to it that a journal of this program's format is there.

    Raises:
        JournalError: it is not, and is not to be made or changed in passing.
    """
    found = version_of(database)
    if found is None:
        if database.shared:
            raise JournalError(_missing(database))
        make(database)
        found = version_of(database)
    if found is None:
        raise JournalError(_missing(database))
    _refuse_newer(found, database)
    if found < SCHEMA_VERSION:
        if database.shared:
            raise JournalError(
                f"journal {database.name}: of format {found}, and this returnflow writes format "
                f"{SCHEMA_VERSION}; have it brought up to date with `returnflow database upgrade`"
            )
        upgrade(database)


def _version(connection: sa.Connection, database: JournalDatabase) -> int | None:
    if not database.has_table(connection, META.name):
        return None
    value = connection.execute(
        sa.select(META.c.value).where(META.c.key == "schema_version")
    ).scalar()
    if value is None or not str(value).isdecimal():
        raise JournalDamagedError(
            f"journal {database.name}: its format has no readable number; "
            "bring it back from a backup"
        )
    return int(value)


def _refuse_newer(found: int, database: JournalDatabase) -> None:
    if found > SCHEMA_VERSION:
        raise JournalError(
            f"journal {database.name}: written by a newer returnflow (journal format {found}, "
            f"this one knows up to {SCHEMA_VERSION}); update returnflow"
        )


def _missing(database: JournalDatabase) -> str:
    return (
        f"journal {database.name}: there is none in this database; "
        "make it with `returnflow database create`"
    )
