"""Backends by URL: ``sqlite:///shop.db``, ``demo:``, or whatever else is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from returnflow.backends.protocol import Backend
from returnflow.errors import UsageError

GROUP = "returnflow.backends"

Connect = Callable[[str], Backend]
"""What an entry point names: it takes the whole URL and returns a ready backend."""


def installed() -> list[str]:
    """The URL schemes for which an adapter is installed, sorted."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def open_backend(url: str) -> Backend:
    """The backend behind `url`, chosen by the scheme before the first colon.

    Raises:
        UsageError: no adapter for that scheme; the message lists those installed.
        UnavailableError: the adapter could not reach its shop.
    """
    scheme = url.partition(":")[0].lower() if ":" in url else ""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if scheme not in found:
        raise UsageError(
            f"no backend for {scheme + ':' if scheme else url!r}; installed: "
            + ", ".join(f"{name}:" for name in sorted(found))
        )
    connect: Connect = found[scheme].load()
    return connect(url)
