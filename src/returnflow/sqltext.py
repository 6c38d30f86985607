"""Text columns that hold the same in every database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_MARK = "\x1a"
"""SUBSTITUTE, a control character that no text of people holds."""


def escaped(text: str) -> str:
    """`text` without the character NUL, which PostgreSQL cannot store; see `unescaped`."""
    if "\x00" not in text and _MARK not in text:
        return text
    return text.replace(_MARK, _MARK + "1").replace("\x00", _MARK + "0")


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    if _MARK not in text:
        return text
    return text.replace(_MARK + "0", "\x00").replace(_MARK + "1", _MARK)


class PlainText(TypeDecorator[str]):
    """Text that is stored unchanged and compared by its code points.

    SQLite does both anyway. PostgreSQL cannot hold NUL, so there it is escaped, and it sorts by
    the language of the database unless it is told otherwise.
    """

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TEXT(collation="C"))
        return self.impl_instance

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Escapes what is written or compared with."""
        if dialect.name != "postgresql":
            return None
        return lambda value: value if value is None else escaped(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Brings back what was escaped."""
        if dialect.name != "postgresql":
            return None
        return lambda value: value if value is None else unescaped(value)


class LongText(PlainText):
    """The same, declared TEXT."""

    impl = sa.Text
    cache_ok = True
