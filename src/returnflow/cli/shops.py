"""A shop opened for use: behind its limits, with the log of its calls, shared among processes."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from returnflow.errors import BackendError, UsageError
from returnflow.urls import without_password

if TYPE_CHECKING:
    import logging

    from returnflow.backends.circuit import Circuit
    from returnflow.backends.protocol import Backend
    from returnflow.backends.steady import Steady

LOG_FILE = "backend.log"
MOST_LOG = 5_000_000
"""A log file of so many bytes is put aside, as ``backend.log.1``, when the next call begins."""

FOLDER = "backends"

TIMEOUT = 60.0
"""Seconds that a call of the shop may take."""


def open_adapter(url: str) -> Backend:
    """The adapter for `url`.

    Raises:
        UsageError: there is none, or its shop cannot be reached; the URL is shown without its
            password.
    """
    from returnflow.backends.registry import open_backend

    try:
        return open_backend(url)
    except BackendError as error:
        raise UsageError(
            f"the shop {without_password(url)} cannot be reached: {error}; "
            "`returnflow backend ping` tells when it is back"
        ) from error


def steadied(stack: ExitStack, adapter: Backend, url: str, timeout: float) -> Steady:
    """The adapter behind limits; its calls go into the log file, whether it is down is shared.

    Args:
        url: what the shop is called in messages: without a password.
        timeout: seconds that a call may take.
    """
    from returnflow.backends.steady import Limits, Steady

    _log_calls(stack)
    return Steady(
        adapter,
        name=url.partition(":")[0].lower(),
        limits=Limits(timeout=timeout),
        circuit=circuit(url),
    )


def circuit(url: str) -> Circuit:
    """Whether this shop is down, as far as calls of other processes have found out."""
    from returnflow.backends.circuit import Circuit
    from returnflow.home import data_dir

    folder = data_dir() / FOLDER
    # Where it cannot be made, each process finds out for itself.
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    return Circuit(folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.json")


def log_path() -> Path:
    """Where one line is written per call of a shop."""
    from returnflow.home import data_dir

    return data_dir() / LOG_FILE


def _log_calls(stack: ExitStack) -> None:
    import logging

    from returnflow.backends.steady import CALLS

    path = log_path()
    try:
        if path.exists() and path.stat().st_size > MOST_LOG:
            path.replace(path.with_name(f"{path.name}.1"))
        # Opened for appending: lines of several processes do not mix.
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError:
        # A log that cannot be written is no reason to lead no calls.
        return
    # Nor is one that fails later, on a full disk, a reason to write over the agent's screen.
    handler.handleError = lambda record: None  # type: ignore[method-assign]
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    before = CALLS.level
    CALLS.setLevel(logging.INFO)
    CALLS.addHandler(handler)
    stack.callback(_close, handler)
    stack.callback(CALLS.removeHandler, handler)
    stack.callback(CALLS.setLevel, before)


def _close(handler: logging.Handler) -> None:
    # What did not get onto a full disk is lost; it was a line of a log.
    with suppress(OSError):
        handler.close()
