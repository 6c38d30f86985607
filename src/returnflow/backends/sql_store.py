"""What a shop in SQL needs of the database that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Store(Protocol):
    """A database, with its connections and transactions, and what their failures mean.

    May be used by many threads. All methods may raise `UnavailableError`.
    """

    @property
    def name(self) -> str:
        """How messages call it: a path, or a URL without the password."""

    @property
    def shared(self) -> bool:
        """Whether it is somebody's to look after, and so is upgraded on demand only."""

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view of the shop, in which nothing can be changed."""

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction.

        Raises:
            RefusedByBackendError: a constraint of the shop stood against it (`constraint`).
        """

    def keyed(self, work: Callable[[Connection], T]) -> T:
        """One transaction that may be tried more than once, since a key says what was done.

        Args:
            work: finds what was done under the key already, and then changes nothing.

        Raises:
            RefusedByBackendError: as for `writing`, and what `work` raises.
        """

    def is_none(self, error: BaseException) -> bool:
        """Whether it says that there is no shop here at all."""

    def close(self) -> None:
        """Ends the use of it; running operations end undisturbed."""
