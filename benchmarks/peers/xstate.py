"""xstate on node, where both are there.

``npm install --no-save xstate@5`` at the root of a checkout puts it there. It walks the control
flow. It cannot check guards, which are Python functions, nor keep the facts: it is told which row
the guards chose. Its time is taken inside node, after a warm-up.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from returnflow.engine.definition import Definition

_SCRIPT = Path(__file__).with_suffix(".cjs")


class Ran(msgspec.Struct):
    """What came of it: calls accepted, seconds by the clock and of the processor."""

    accepted: int
    seconds: float
    cpu: float


def why_not() -> str:
    """Why it cannot be run here; empty: it can."""
    node = shutil.which("node")
    if node is None:
        return "there is no node"
    try:
        found = subprocess.run(
            [node, "-e", "require('xstate')"],
            cwd=_SCRIPT.parent,
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"node does not run: {error}"
    return "" if found.returncode == 0 else "node has no package xstate"


def replay(definition: Definition, log: Path, rows: Sequence[Sequence[int]], folder: Path) -> Ran:
    """Replays a log.

    Args:
        rows: for each event of each call the number of the row taken, -1 where none is.
        folder: for the files that node reads.
    """
    states: dict[str, dict[str, list[str]]] = {name: {} for name in definition.states}
    for (state, event), group in definition.rows.items():
        # A row that refuses is never told, as no call goes on behind it.
        states[state][event] = [row.to or state for row in group]
    machine = folder / "machine.json"
    machine.write_text(json.dumps({"initial": definition.initial, "states": states}))
    chosen = folder / "rows.json"
    chosen.write_text(json.dumps(rows))
    ran = subprocess.run(
        [shutil.which("node") or "node", str(_SCRIPT), str(machine), str(log), str(chosen)],
        capture_output=True,
        check=True,
    )
    return msgspec.json.decode(ran.stdout, type=Ran)
