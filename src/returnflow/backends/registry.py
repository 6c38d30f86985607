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
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def open_backend(url: str) -> Backend:
    """The backend behind `url`, chosen by the scheme before the first colon.

    Raises:
        UsageError: no adapter for that scheme, several, or one that cannot be loaded; the message
            lists those installed.
        UnavailableError: the adapter could not reach its shop.
    """
    scheme = url.partition(":")[0].lower() if ":" in url else ""
    entries = entry_points(group=GROUP)
    found = {entry.value: entry for entry in entries if entry.name == scheme}
    if not found:
        raise UsageError(
            f"no backend for {scheme + ':' if scheme else url!r}; installed: "
            + ", ".join(f"{name}:" for name in sorted({entry.name for entry in entries}))
        )
    if len(found) > 1:
        raise UsageError(
            f"several adapters are installed for {scheme}: {', '.join(sorted(found))}; uninstall "
            "all but one"
        )
    (entry,) = found.values()
    try:
        connect: Connect = entry.load()
    except (ImportError, AttributeError) as error:
        again = "install its package again"
        if isinstance(error, ModuleNotFoundError) and entry.extras:
            package = entry.dist.name if entry.dist else "returnflow"
            again = f"pip install '{package}[{','.join(entry.extras)}]' brings what it needs"
        raise UsageError(
            f"the adapter for {scheme}:, {entry.value}, cannot be loaded: {error}; {again}"
        ) from error
    return connect(url)
