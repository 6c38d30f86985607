"""The program started on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from faults.child import Spec
from terminal.pseudo import Start, Terminal

CHILD = Path(__file__).parent.parent / "faults" / "child.py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("RETURNFLOW_HOME", str(folder))
    return folder


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Starts ``returnflow`` on a terminal; with a spec, in the child of the fault tests."""
    open_ones: list[Terminal] = []

    def started(
        *arguments: str, columns: int = 80, lines: int = 50, spec: Spec | None = None, **env: str
    ) -> Terminal:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "COLUMNS", "LINES", "PROMPT_TOOLKIT_COLOR_DEPTH")
            and not name.startswith("RETURNFLOW_")
        }
        settings = {"TERM": "xterm-256color", "RETURNFLOW_HOME": str(home), "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "returnflow", *arguments]
        if spec is not None:
            command = [sys.executable, str(CHILD), "--here", msgspec.json.encode(spec).decode()]
        open_ones.append(Terminal(command, {**kept, **settings, **env}, columns, lines))
        return open_ones[-1]

    yield started
    for terminal in open_ones:
        terminal.close()
