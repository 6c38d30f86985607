"""A real Tryton server for the tests: installed, initialised, loaded and started from nothing.

The server and its database go into a folder that is kept between runs: installing takes about 15
seconds and initialising 35, of one core. What a test changes is changed in a copy of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs
from filelock import FileLock

from returnflow.backends.shopdata import ShopData

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
SEED = HERE / "seed.py"

USER, PASSWORD = "returnflow", "a long enough password 17"
"""Who logs in, as `seed.py` makes them; a member of Sales Administrator."""

ADMIN, ADMIN_PASSWORD = "admin", "another long password 18"

_SETTINGS = """\
[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
authentications = password
"""


@dataclass(frozen=True)
class Server:
    """A running server.

    Args:
        port: on loopback.
        database: the SQLite file, to be looked into; the server holds it open.
    """

    port: int
    database: Path

    def url(self, *, port: int | None = None, user: str = USER) -> str:
        """The URL for `returnflow`, through another port where one is given."""
        return f"tryton+http://{user}@127.0.0.1:{port or self.port}/shop"


def cache() -> Path:
    """Where the server is kept between runs; made anew when what it is made of changes."""
    made_of = REQUIREMENTS.read_bytes() + sys.version.encode()
    name = f"tryton-{hashlib.sha256(made_of).hexdigest()[:16]}"
    moved = os.environ.get("RETURNFLOW_TEST_CACHE")
    own = platformdirs.user_cache_path("returnflow-tests", appauthor=False)
    folder = (Path(moved) if moved else own) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # A home that cannot be written, as on some build machines.
        folder = Path(tempfile.gettempdir()) / f"returnflow-tests-{name}"
        folder.mkdir(exist_ok=True)
    return folder


def installed(folder: Path) -> Path:
    """The Python of the server's environment."""
    home = folder / "venv"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "installed"
    if not done.exists():
        venv.create(home, with_pip=True, clear=True)
        _run([python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS])
        done.touch()
    return python


def initialised(folder: Path, python: Path) -> Path:
    """A database in which the modules are activated and nothing is loaded yet."""
    fresh = folder / "initialised.sqlite"
    if not fresh.exists():
        work = folder / "initialising"
        shutil.rmtree(work, ignore_errors=True)
        settings = _settings(work, port=0)
        (work / "shop.sqlite").touch()
        (work / "password").write_text(ADMIN_PASSWORD)
        admin = "import sys; from trytond.cli.admin import main; sys.exit(main())"
        activate = ["-u", "sale_complaint", "--activate-dependencies", "--email", "a@example.test"]
        _run(
            [python, "-c", admin, "-c", settings, "-d", "shop", *activate],
            TRYTONPASSFILE=str(work / "password"),
        )
        (work / "shop.sqlite").replace(fresh)
    return fresh


def loaded(folder: Path, python: Path, data: ShopData) -> Path:
    """A database with a shop in it."""
    text = msgspec.json.encode(data)
    name = hashlib.sha256(text + SEED.read_bytes()).hexdigest()[:16]
    kept = folder / f"shop-{name}.sqlite"
    if not kept.exists():
        work = folder / f"loading-{name}"
        shutil.rmtree(work, ignore_errors=True)
        settings = _settings(work, port=0)
        shutil.copy(initialised(folder, python), work / "shop.sqlite")
        (work / "shop.json").write_bytes(text)
        _run([python, SEED, settings, work / "shop.json"])
        (work / "shop.sqlite").replace(kept)
    return kept


@contextmanager
def running(work: Path, data: ShopData) -> Iterator[Server]:
    """A server on a shop of its own, in the folder `work`."""
    folder = cache()
    # Several test runs on one machine share what is kept.
    with FileLock(folder / "lock"):
        python = installed(folder)
        shop = loaded(folder, python, data)
    port = _free_port()
    settings = _settings(work, port)
    shutil.copy(shop, work / "shop.sqlite")
    serve = "import sys; from trytond.cli import main; sys.exit(main())"
    with (
        (work / "server.log").open("wb") as log,
        subprocess.Popen(
            [python, "-c", serve, "-v", "-c", settings, "-d", "shop"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line.decode(errors="replace"))
                if b"Running on" in line:
                    break
            else:
                raise RuntimeError("the Tryton server did not start:\n" + "".join(said))
            # It writes a line for each call; with nobody reading them it would stand still.
            drain = threading.Thread(target=shutil.copyfileobj, args=(process.stderr, log))
            drain.start()
            try:
                yield Server(port, work / "shop.sqlite")
            finally:
                process.kill()
                drain.join()
        finally:
            process.kill()


def _settings(folder: Path, port: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "trytond.conf"
    file.write_text(_SETTINGS.format(folder=folder, port=port))
    return file


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _run(command: list[str | Path], **environment: str) -> None:
    """Runs a step of the setting-up; what it said is shown only if it fails."""
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed while Tryton was set up:\n{done.stdout[-4000:]}")
