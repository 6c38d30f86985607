"""A shop in an SQL database: ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``.

Opened, made, upgraded; what it then does is in `returnflow.backends.sql_shop`.
"""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from returnflow.backends import sql_load, sql_versions
from returnflow.backends.shopdata import ShopData
from returnflow.backends.sql_shop import SqlShop
from returnflow.backends.sql_sqlite import BUSY_TIMEOUT, SqliteStore, path_of
from returnflow.backends.sql_store import Store
from returnflow.errors import (
    RefusedByBackendError,
    UnavailableError,
    UsageError,
)
from returnflow.postgresql import is_postgresql
from returnflow.sqlversions import Version

__all__ = [
    "SqlShop",
    "connect",
    "create",
    "create_file",
    "open_file",
    "upgrade",
    "version",
]


def connect(url: str, *, busy_timeout: float = BUSY_TIMEOUT) -> SqlShop:
    """The shop in an existing file, or in a database on a server.

    Args:
        url: ``sqlite:///relative/path``, ``sqlite:////absolute/path``, or ``postgresql://…``, see
            `returnflow.postgresql.Server`.
        busy_timeout: seconds to wait for a file that another program holds.

    Raises:
        UsageError: there is no shop, or none that this program can read.
        UnavailableError: it is there but cannot be read now.
    """
    if is_postgresql(url):
        return _opened(_on_server(url))
    return open_file(path_of(url), busy_timeout=busy_timeout)


def open_file(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> SqlShop:
    """As `connect`, by path: for files whose names do not fit into a URL."""
    return _opened(_in_file(path, busy_timeout))


def create(
    url: str,
    data: ShopData,
    *,
    busy_timeout: float = BUSY_TIMEOUT,
    progress: sql_load.Progress | None = None,
) -> SqlShop:
    """Makes a new shop that holds `data`: a new file, or new tables in a database.

    Args:
        progress: see `sql_load.load`.

    Raises:
        UsageError: there is one already, there is no place for it, or the data contradict
            themselves.
        UnavailableError: it cannot be written.
    """
    if is_postgresql(url):
        store = _on_server(url)
        try:
            sql_versions.refuse_present(store)
            _fill(store, data, progress)
        except BaseException:
            store.close()
            raise
        return _opened(store)
    return create_file(path_of(url), data, busy_timeout=busy_timeout, progress=progress)


def create_file(
    path: Path,
    data: ShopData,
    *,
    busy_timeout: float = BUSY_TIMEOUT,
    progress: sql_load.Progress | None = None,
) -> SqlShop:
    """As `create`, by path."""
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it, or name another")
    try:
        # Of two who make it at once, one does.
        path.open("xb").close()
    except FileExistsError:
        raise UsageError(f"{path} is there already: name a new file") from None
    except OSError as error:
        raise UnavailableError(
            f"cannot write to the shop {path}: {error.strerror or error}", outcome="known"
        ) from error
    try:
        with closing(SqliteStore(path, busy_timeout=busy_timeout)) as store:
            _fill(store, data, progress)
        return open_file(path, busy_timeout=busy_timeout)
    except BaseException:
        # Half a shop is none: what was begun here is taken away, whatever stopped it.
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        raise


def version(url: str) -> int | None:
    """The version of the shop behind a URL, and `sql_schema.VERSION` is the newest; None where
    the database is there and holds no shop.

    Raises:
        UsageError, UnavailableError: as `connect`.
    """
    store = _store(url)
    try:
        return sql_versions.version_of(store)
    finally:
        store.close()


def upgrade(url: str) -> list[Version]:
    """Brings an older shop up to date; the versions that it has become meanwhile.

    Raises:
        UsageError: there is no shop, or it is newer than this program.
        UnavailableError: it cannot be written; it is as it was.
    """
    store = _store(url)
    try:
        return sql_versions.upgrade(store)
    finally:
        store.close()


def _store(url: str) -> Store:
    return _on_server(url) if is_postgresql(url) else _in_file(path_of(url), BUSY_TIMEOUT)


def _on_server(url: str) -> Store:
    from returnflow.backends.sql_postgresql import PostgresStore

    return PostgresStore(url)


def _in_file(path: Path, busy_timeout: float) -> Store:
    if not path.exists():
        raise UsageError(f"there is no shop at {path}: check the path")
    if not path.is_file():
        raise UsageError(f"{path} is not a file: name the file of a shop")
    return SqliteStore(path, busy_timeout=busy_timeout)


def _fill(store: Store, data: ShopData, progress: sql_load.Progress | None) -> None:
    try:
        with store.writing() as connection:
            sql_load.create_tables(connection)
            sql_load.load(connection, data, progress)
    except RefusedByBackendError as error:
        raise UsageError(f"the data for {store.name} contradict themselves: {error}") from error


def _opened(store: Store) -> SqlShop:
    try:
        return SqlShop(store, sql_versions.make_ready(store))
    except BaseException:
        store.close()
        raise
