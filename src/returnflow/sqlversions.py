"""Versions of a schema, and how an older store is brought up to the newest.

A store says its version in a table of its own, and knows nothing else of its past. The way up is
a list of statements for each version, run in one transaction that holds the store: what fails
leaves it as it was, and a second program that wanted to do the same finds it done. (Alembic was
weighed: it brings an environment, a template engine and a version table of its own for each
store, and takes no lock; a straight line of versions needs none of that.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a schema.

    Args:
        number: counted from 1, without gaps.
        says: what is better since, for whoever upgrades.
        statements: lead from the version before to this one, in every database. ``{text}``
            stands for the type of text as `sqltext.PlainText` declares it there.
    """

    number: int
    says: str
    statements: tuple[str, ...] = ()


_TEXT = {"postgresql": 'VARCHAR COLLATE "C"'}


def steps_from(version: int, versions: Sequence[Version]) -> list[Version]:
    """The versions that a store of `version` has yet to become, in order."""
    return [each for each in versions if each.number > version]


def climb(connection: Connection, steps: Sequence[Version]) -> None:
    """Runs their statements, in the caller's transaction."""
    for step in steps:
        for statement in step.statements:
            text = _TEXT.get(connection.dialect.name, "VARCHAR")
            connection.exec_driver_sql(statement.replace("{text}", text))
