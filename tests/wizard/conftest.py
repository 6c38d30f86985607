"""A desk for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wizard.driver import Door, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A desk with a curated shop."""
    with Stage(tmp_path) as made:
        yield made


@pytest.fixture(params=["terminal", "pipe"])
def door(request: pytest.FixtureRequest, stage: Stage) -> Door:
    """The same desk, on a terminal and on a pipe."""
    return Door(stage, request.param)
