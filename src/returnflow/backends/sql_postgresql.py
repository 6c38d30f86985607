"""A shop on a PostgreSQL server: connections, transactions, and what their failures mean.

Reads see one snapshot. Writes lock the order that they are about, so that those about one order
come one after the other, each of which sees what the one before has done; others go on beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NoReturn, TypeVar

from sqlalchemy import Connection

from returnflow.errors import RefusedByBackendError, UnavailableError
from returnflow.postgresql import FaultKind, Server

T = TypeVar("T")

POOLED = 5
"""Connections kept open by one program; an agent's program uses one at a time."""

_ATTEMPTS = 4


class PostgresStore:
    """A database on a server, with a pool of connections.

    Raises:
        UsageError: the URL names no database, or the driver is not installed.
    """

    shared = True

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._engine = self._server.engine(pooled=POOLED)
        self._closed = False

    @property
    def name(self) -> str:
        """See `Store.name`."""
        return self._server.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Store.reading`."""
        self._check_open()
        try:
            with self._engine.connect() as plain:
                connection = plain.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                with connection.begin():
                    yield connection
        except Exception as error:
            self._unavailable(error, "read")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `Store.writing`. The outcome is unknown if the line broke during COMMIT."""
        self._check_open()
        committing = False
        try:
            with self._engine.connect() as connection:
                transaction = connection.begin()
                yield connection
                committing = True
                transaction.commit()
        except Exception as error:
            doubt = committing and self._kind(error) == "lost"
            self._unavailable(error, "write to", "unknown" if doubt else "known")

    def keyed(self, work: Callable[[Connection], T]) -> T:
        """See `Store.keyed`.

        Tried again is what another transaction stood against, and what the line broke in, even
        during COMMIT: if that was done after all, `work` finds it by its key.
        """
        doubt = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.writing() as connection:
                    return work(connection)
            except (UnavailableError, RefusedByBackendError) as error:
                cause = error.__cause__
                kind = self._kind(cause)
                doubt |= isinstance(error, UnavailableError) and error.outcome == "unknown"
                again = kind in ("conflict", "duplicate", "lost") and attempt < _ATTEMPTS
                if again and not self._closed:
                    continue
                if doubt and isinstance(error, UnavailableError):
                    error.outcome = "unknown"
                raise
        raise AssertionError

    def is_none(self, error: BaseException) -> bool:
        """See `Store.is_none`."""
        return self._kind(error.__cause__) == "missing"

    def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        self._engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError(f"the shop {self.name} was closed", outcome="known")

    def _kind(self, error: BaseException | None) -> FaultKind | None:
        return self._server.kind(error) if error and self._server.is_ours(error) else None

    def _unavailable(
        self, error: Exception, doing: str, outcome: Literal["known", "unknown"] = "known"
    ) -> NoReturn:
        """Raises what an error of the database means to the caller; another error as it is."""
        if not self._server.is_ours(error):
            raise error
        words = self._server.words(error)
        if self._server.kind(error) in ("constraint", "duplicate"):
            raise RefusedByBackendError(
                f"the shop's own constraints stand against it: {words}", code="constraint"
            ) from error
        message = f"cannot {doing} the shop {self.name}: {words}"
        raise UnavailableError(message, outcome=outcome) from error
