"""A desk for each test; and at the end of every run, what of the procedure was covered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wizard.driver import SUMMARY, Door, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A desk with a curated shop."""
    with Stage(tmp_path) as made:
        yield made


@pytest.fixture(params=["terminal", "pipe"])
def door(request: pytest.FixtureRequest, stage: Stage) -> Door:
    """The same desk, on a terminal and on a pipe."""
    return Door(stage, request.param)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Writes the lines that tests have left."""
    for line in config.stash.get(SUMMARY, []):
        terminalreporter.write_line(line)
