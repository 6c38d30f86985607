"""SVG of a drawing, laid out by graphviz-pure: Graphviz as one program in a wheel.

It is an extra (``pip install 'returnflow[diagrams]'``), run as a program of its own, and writes
the same bytes on every platform. Where only a system Graphviz is there, that is taken.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

from returnflow.errors import ReturnflowError, UsageError

PROGRAM = "graphviz-pure"

PATIENCE = 120
"""Seconds after which the layout is given up."""


def svg(dot: str) -> str:
    """The SVG of a text in the DOT language.

    Raises:
        UsageError: there is no program that can lay it out.
        ReturnflowError: it failed.
    """
    program = _program()
    try:
        done = subprocess.run(  # noqa: S603 (a program found beside ours, with fixed arguments)
            [program, "-Tsvg"],
            input=dot.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReturnflowError(f"the diagram cannot be laid out by {program}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise ReturnflowError(f"the diagram cannot be laid out by {program}: {said}")
    return done.stdout.decode()


def _program() -> str:
    scripts = Path(sysconfig.get_path("scripts"))
    for name in (PROGRAM, f"{PROGRAM}.exe"):
        if (scripts / name).is_file():
            return str(scripts / name)
    found = shutil.which(PROGRAM) or shutil.which("dot")
    if found is None:
        raise UsageError(
            "an SVG needs the extra 'diagrams': pip install 'returnflow[diagrams]'; "
            "--format dot and --format mermaid need nothing"
        )
    return found
