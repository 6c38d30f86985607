"""A desk for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wizard.driver import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A desk with a curated shop."""
    with Stage(tmp_path) as made:
        yield made
