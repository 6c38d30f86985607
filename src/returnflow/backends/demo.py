"""The demo shop, ``demo:``: loaded into the user's data folder when it is first used.

It is an ordinary SQLite shop. Its dates are relative to the day of loading; `reset` loads it
anew. SQLAlchemy and pydantic are imported when a shop is opened or loaded, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from returnflow.backends.shopdata import Scenario, Waiting
from returnflow.bundled import bundled
from returnflow.errors import UsageError
from returnflow.home import data_dir

if TYPE_CHECKING:
    from returnflow.backends.shopdata import ShopData
    from returnflow.backends.sql import SqlShop

FILE_NAME = "demo-shop.sqlite3"


def shop_file() -> Path:
    """Where the demo shop is, or will be.

    Raises:
        UsageError: there is no usable data folder.
    """
    return data_dir() / FILE_NAME


def connect(url: str = "demo:", *, today: date | None = None) -> SqlShop:
    """The demo shop, loaded first where it is not there yet.

    Args:
        url: ``demo:`` and nothing more.
        today: the day of loading; by default the current one in the shop's zone.

    Raises:
        UsageError: the URL says more, or the file is there and is not a shop.
        UnavailableError: the file cannot be read or written now.
    """
    if url.strip().lower() != "demo:":
        raise UsageError(f"{url!r}: the demo shop is {'demo:'!r} and takes nothing after it")
    from returnflow.backends import sql

    path = shop_file()
    if not path.exists():
        _build(path, today)
    try:
        return sql.open_file(path)
    except UsageError as error:
        raise UsageError(f"{error}; `returnflow demo reset` makes a new demo shop") from error


def reset(*, today: date | None = None) -> date:
    """Loads the demo shop anew, in one step that programs which use it see whole or not at all.

    Returns:
        The day that its dates count from.

    Raises:
        UsageError: the demo's files or the data folder cannot be used.
        UnavailableError: the file cannot be written now; the shop is as it was.
    """
    from returnflow.backends import sql

    path = shop_file()
    new = data(today=today)
    if path.exists():
        try:
            shop = sql.open_file(path)
        except UsageError:
            # Not a shop of this version: nothing in it could be read by this program anyway.
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        else:
            with shop:
                shop.replace(new)
    if not path.exists():
        _build(path, today)
    return date.fromisoformat(new.loaded_on)


def loaded_on() -> date | None:
    """The day that the demo shop's dates count from; None where it is not loaded yet.

    Raises:
        UsageError: the file is there and is not a shop.
        UnavailableError: it cannot be read now.
    """
    if not shop_file().exists():
        return None
    with connect() as shop:
        text = shop.loaded_on()
    return date.fromisoformat(text) if text else None


def data(*, today: date | None = None) -> ShopData:
    """What the demo shop holds when it is new, for making one elsewhere.

    Raises:
        UsageError: the demo's files cannot be used.
    """
    return _read(today)[0]


def scenarios() -> list[Scenario]:
    """Who to try in the demo shop and what to expect, in the order of the files.

    Raises:
        UsageError: the demo's files cannot be used.
    """
    return _read(None)[1]


def waiting() -> list[Waiting]:
    """Who waits for a package in the demo shop, in the order of the files.

    Raises:
        UsageError: the demo's files cannot be used.
    """
    from returnflow.backends.shopfile import read_waiting

    return read_waiting(bundled("fixtures") / "shop")


def _read(today: date | None) -> tuple[ShopData, list[Scenario]]:
    from returnflow.backends.shopfile import read_shop

    day: Callable[[str], date] = lambda zone: today or datetime.now(ZoneInfo(zone)).date()  # noqa: E731
    return read_shop(bundled("fixtures") / "shop", day)


def _build(path: Path, today: date | None) -> None:
    """Makes the shop beside its place, then moves it there, whole."""
    from filelock import FileLock

    from returnflow.backends import sql

    # Held by one program at a time, so a half-made file under this name is nobody's.
    with FileLock(f"{path}.lock"):
        if path.exists():
            return
        draft = path.with_name(f"{path.name}.new")
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)
        sql.create_file(draft, data(today=today)).close()
        draft.replace(path)
