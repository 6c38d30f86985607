"""What journal and shop share of PostgreSQL: how it is reached, and what its errors mean.

The driver is psycopg 3, which is in the extra ``postgresql`` and imported when a URL asks for it.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool, QueuePool

from returnflow.errors import UsageError
from returnflow.urls import without_password

SCHEMES = ("postgresql", "postgres")

LOCK_SECONDS = 5
"""How long a statement waits for a row or a table that another transaction holds."""

STATEMENT_SECONDS = 15
"""How long a statement may take."""

CONNECT_SECONDS = 5
"""How long each address of the server is tried."""

SILENCE_SECONDS = 30
"""So long a broken line may go unnoticed, from either end. It bounds how long the claims of a
machine that lost its power outlive it."""

_SETTINGS = {
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}

FaultKind = Literal[
    "lost",
    "conflict",
    "duplicate",
    "constraint",
    "busy",
    "full",
    "denied",
    "missing",
    "present",
    "other",
]
"""What an error means.

- ``lost``: no connection, or one that broke; whether a COMMIT under way was done is not known;
- ``conflict``: two transactions stood against each other; the same again may succeed;
- ``duplicate``, ``constraint``: a unique key, any other constraint;
- ``busy``: somebody held something for longer than `LOCK_SECONDS` or `STATEMENT_SECONDS`;
- ``full``: disk, memory or connections are used up; ``denied``: no right, or read only;
- ``missing``: a table that is not there; ``present``: one that is there already.
"""

_BY_STATE: dict[str, FaultKind] = {
    "08": "lost",
    "57P01": "lost",
    "57P02": "lost",
    "57P03": "lost",
    "25P03": "lost",
    "40": "conflict",
    "23505": "duplicate",
    "23": "constraint",
    "55P03": "busy",
    "57014": "busy",
    "53": "full",
    "42501": "denied",
    "25006": "denied",
    "42P01": "missing",
    "42P07": "present",
}

_WORDS: dict[FaultKind, str] = {
    "busy": "another program holds it; try again in a moment",
    "conflict": "another program was faster; try again",
    "denied": "the database refused it ({}); ask whoever looks after it",
    "present": "{}; it is somebody else's: name an empty database, or give the URL another schema, "
    "?options=-csearch_path%3DNAME",
    "full": "the database is out of room or connections ({}); ask whoever looks after it",
}


_WHERE = re.compile(r"^connection to server (at|on) .*? failed: (FATAL: +)?")


def is_postgresql(url: str) -> bool:
    """Whether a URL's scheme is PostgreSQL's."""
    return url.partition(":")[0].lower() in SCHEMES


class Server:
    """A database on a server, by URL.

    Args:
        url: ``postgresql://[USER[:PASSWORD]@][HOST][:PORT]/DATABASE[?PARAMETERS]``; the parameters
            are libpq's. What the URL leaves out, libpq takes from its environment variables,
            its service file and its password file.

    Raises:
        UsageError: the URL names no database, or the driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.name = without_password(url)
        """The URL as it may be shown."""
        self._url = self._parsed(url)
        try:
            import psycopg
        except ImportError as error:
            raise UsageError(
                f"{self.name}: PostgreSQL needs a driver; install it with "
                "pip install 'returnflow[postgresql]'"
            ) from error
        self._driver_error = psycopg.Error

    def _parsed(self, url: str) -> sa.URL:
        advice = "write postgresql://USER@HOST:PORT/DATABASE, percent-encoding what is special"
        scheme, _, rest = url.partition(":")
        if scheme.lower() not in SCHEMES:
            raise UsageError(f"{self.name!r} names no database: {advice}")
        try:
            parsed = sa.make_url(f"postgresql+psycopg:{rest}")
        except (ArgumentError, ValueError):
            raise UsageError(f"{self.name!r} cannot be read as a URL: {advice}") from None
        if not parsed.database and "service" not in parsed.query:
            raise UsageError(f"{self.name!r} names no database: {advice}")
        return parsed

    def engine(self, *, pooled: int = 0) -> sa.Engine:
        """Connections to it.

        Args:
            pooled: how many are kept open; twice as many more are opened under load. 0: a
                connection ends when it is given back.
        """
        given = self._url.query
        settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        own = given.get("options", "")
        connect: dict[str, Any] = {
            "application_name": "returnflow",
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "tcp_user_timeout": SILENCE_SECONDS * 1000,
        }
        connect = {name: value for name, value in connect.items() if name not in given}
        connect["options"] = f"{settings} {own if isinstance(own, str) else ' '.join(own)}".strip()
        options: dict[str, Any] = {
            "connect_args": connect,
            # Parameters are customers' data and must not stand in messages (rule 38).
            "hide_parameters": True,
            "use_native_hstore": False,
        }
        if pooled:
            # What waited in the pool while the server restarted is replaced before it is used.
            options |= {
                "poolclass": QueuePool,
                "pool_size": pooled,
                "max_overflow": 2 * pooled,
                "pool_timeout": STATEMENT_SECONDS,
                "pool_pre_ping": True,
            }
        else:
            options["poolclass"] = NullPool
        return sa.create_engine(self._url.difference_update_query(["options"]), **options)

    def is_ours(self, error: BaseException) -> bool:
        """Whether `error` comes from the database and not from a bug of ours."""
        return isinstance(error, DBAPIError | PoolTimeoutError | self._driver_error)

    def kind(self, error: BaseException) -> FaultKind:
        """What an error of the database means."""
        if isinstance(error, PoolTimeoutError):
            return "full"
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "sqlstate", None)
        if state is None:
            # The server never said anything: the line is cut, or there was none.
            import psycopg

            cut = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
            return "lost" if cut else "other"
        return _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or "other"

    def words(self, error: BaseException) -> str:
        """What happened and what to do, without any value of a row."""
        if isinstance(error, PoolTimeoutError):
            return "all connections of this program are in use; try again in a moment"
        cause = error.orig if isinstance(error, DBAPIError) else error
        diagnosis = getattr(cause, "diag", None)
        # The primary message alone: the others quote rows.
        said = getattr(diagnosis, "message_primary", None) or str(cause)
        # libpq puts its guesses at the cause on lines of their own, indented.
        lines = [line for line in said.splitlines() if line and not line[0].isspace()]
        said = "; ".join(lines).removeprefix("connection failed: ")
        if len(lines) == 1:
            # Of one server the URL says where it is; of several it matters which.
            said = _WHERE.sub("", said)
        return _WORDS.get(self.kind(error), "{}").format(said)


assert set(_BY_STATE.values()) | {"other"} == set(get_args(FaultKind))  # noqa: S101
