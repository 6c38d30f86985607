"""What holds for all tests: Hypothesis, and lines that tests add to the summary of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from returnflow.bundled import bundled
from returnflow.engine.definition import load
from returnflow.home import KeptProcedures
from returnflow.sop.kept import unproved
from returnflow.testing.postgresql import PostgresServer

REPORT = "report"

REPORT = "report"
"""The property of a test under which it leaves a line."""

# No test depends on how fast the machine is; a failure prints what repeats it.
settings.register_profile(
    "returnflow", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("returnflow")


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a first replay leaves it: the procedures of the program are compiled and
    proved, which takes half a second each. To be copied."""
    home = tmp_path_factory.mktemp("used") / "home"
    home.mkdir(mode=0o700)
    keeper = KeptProcedures(home)
    for path in bundled("states").glob("*.yaml"):
        unproved(load(path, keeper), keeper)
    return home


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real server, for all tests that do not kill it. Started when first asked for."""
    with PostgresServer(durable=False) as server:
        server.create("tests")
        yield server


@pytest.fixture(scope="session")
def postgres_space(postgres: PostgresServer) -> Callable[[], str]:
    """Gives the URL of an empty place in the server: a schema of its own, which is quickly made."""
    numbers = count(1)

    def made() -> str:
        name = f"test_{next(numbers)}"
        with postgres.connection("tests") as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{postgres.url('tests')}?options=-csearch_path%3D{name}"

    return made


@pytest.fixture
def postgres_url(postgres_space: Callable[[], str]) -> str:
    """The URL of an empty place in a real server."""
    return postgres_space()


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Adds a line to the summary at the end of the run; a property of the test, so that it comes
    from whichever process ran it."""
    return lambda line: record_property(REPORT, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Writes the lines that tests have left."""
    for outcome in ("passed", "failed"):
        for each in terminalreporter.getreports(outcome):
            if each.when == "call":
                for name, line in each.user_properties:
                    if name == REPORT:
                        terminalreporter.write_line(str(line))
