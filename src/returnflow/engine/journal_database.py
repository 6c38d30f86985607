"""What a journal needs of the database that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Beginning(NamedTuple):
    """What is written with the first row of a call: the call, and its procedure's text."""

    case: Mapping[str, Any]
    digest: str
    text: str


class Claim(Protocol):
    """A case that is held; nobody else can go on with it."""

    def release(self) -> None:
        """Gives it up. Twice is harmless."""


class JournalDatabase(Protocol):
    """A database, with what it does in its own way. Used by one thread at a time.

    Every method may raise `JournalError` and those below it.
    """

    @property
    def name(self) -> str:
        """How messages call it: a path, or a URL without the password."""

    @property
    def shared(self) -> bool:
        """Whether it is somebody's to look after: then it is made and upgraded on demand only,
        and may hold other tables beside. A file of one's own is made and upgraded by opening."""

    def has_table(self, connection: Connection, name: str) -> bool:
        """Whether a table of that name is there. Asked at every start, so it must be quick."""

    def read(self, query: Callable[[Connection], T], case_id: str = "") -> T:
        """What `query` answers, in one transaction. It may be asked twice."""

    def change(self, work: Callable[[Connection], T]) -> T:
        """Changes the schema, alone and in one transaction."""

    def append(self, row: Mapping[str, Any], begins: Beginning | None) -> None:
        """Commits one row durably before it returns.

        Raises:
            CaseTakenError: another row of that number is there.
        """

    def claim(self, case_id: str, agent: str) -> Claim:
        """Claims a case, until it is released or this process ends.

        Raises:
            CaseTakenError: another holds it; says who.
        """

    def append_only(self) -> list[str]:
        """The statements that make the database itself refuse to change what is written."""

    def close(self) -> None:
        """Gives up every claim and the connection. Twice is harmless."""
