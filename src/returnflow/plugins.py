"""What other packages add to the program, found through their entry points."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any


@lru_cache(maxsize=1)
def _all() -> Any:
    # Finding them reads a file of every package that is installed; and they do not change in a run.
    return entry_points()


def installed(group: str) -> list[EntryPoint]:
    """The entry points of a group."""
    return list(_all().select(group=group))
