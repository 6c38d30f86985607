"""Shows what of the procedure the wizard's tests have covered, at the end of every run."""

from __future__ import annotations

import pytest
from driver import SUMMARY


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Writes the lines that tests have left."""
    for line in config.stash.get(SUMMARY, []):
        terminalreporter.write_line(line)
