"""The live shop, started once for all its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from returnflow.backends import tryton
from returnflow.backends.tryton import TrytonShop
from tryton import shop as live
from tryton.relay import Relay, relaying
from tryton.server import PASSWORD, Server, running
from tryton.staff import Staff, at_work

HERE = Path(__file__).parent

Connect = Callable[..., TrytonShop]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the server bears the mark by which a developer can leave it out."""
    for item in items:
        if HERE in item.path.parents and "server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.tryton)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Tryton server with the shop of the contract and ours in it."""
    with running(tmp_path_factory.mktemp("tryton"), live.DATA) as started:
        yield started


@pytest.fixture(scope="session", autouse=True)
def _password() -> Iterator[None]:
    """The password, and no proxy on the way to loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETURNFLOW_TRYTON_PASSWORD", PASSWORD)
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    """A network that fails as planned."""
    with relaying(server.port) as between:
        yield between


@pytest.fixture
def shop(server: Server) -> Iterator[TrytonShop]:
    """The shop, through a network that works; what another one left is taken over at once."""
    with closing(tryton.connect(server.url(), policy=live.POLICY, patience=0)) as connected:
        yield connected


@pytest.fixture
def unlucky(server: Server, relay: Relay) -> Iterator[TrytonShop]:
    """The shop, through the relay."""
    with closing(tryton.connect(server.url(port=relay.port), policy=live.POLICY)) as connected:
        yield connected


@pytest.fixture(scope="session")
def staff(server: Server) -> Iterator[Staff]:
    """Somebody who works in Tryton itself."""
    with at_work(server) as somebody:
        yield somebody
