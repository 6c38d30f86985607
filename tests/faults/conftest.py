"""The fork server for the fault tests, and a fresh shop for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.shop import DATA, Scene, Server
from returnflow.backends import sql


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(scope="session")
def new_scene(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Scene]:
    """Makes a scene in a folder: a fresh copy of the shop, no journal yet."""
    shop = tmp_path_factory.mktemp("shop") / "shop.sqlite3"
    sql.create_file(shop, DATA).close()

    def make(folder: Path) -> Scene:
        scene = Scene(folder, server)
        shutil.copyfile(shop, folder / "shop.sqlite3")
        return scene

    return make


@pytest.fixture
def scene(new_scene: Callable[[Path], Scene], tmp_path: Path) -> Scene:
    return new_scene(tmp_path)
