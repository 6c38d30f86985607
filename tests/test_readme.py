"""README says what is true: its screens, its table of dependencies, its commands and links."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_screens_are_what_the_wizard_shows(tmp_path: Path) -> None:
    typed = "marta.lindqvist@example.com\nORD-7301\nkettle x 3\nkettle\ndefective\n"
    shown = subprocess.run(
        [sys.executable, "-m", "returnflow", "wizard"],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RETURNFLOW_HOME": str(tmp_path), "COLUMNS": "80"},
    ).stdout
    screens = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[:2]
    assert len(screens) == 2
    for screen in screens:
        assert screen in shown


def test_the_screen_of_replay_is_what_replay_shows(tmp_path: Path) -> None:
    (command,) = re.findall(r"`\.venv/bin/returnflow (replay [^`]+)`", README)
    shown = subprocess.run(
        [sys.executable, "-m", "returnflow", *command.split()],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "RETURNFLOW_HOME": str(tmp_path), "COLUMNS": "80"},
    )
    assert shown.returncode == 1, shown.stderr
    screen = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[2]
    assert "repair" in screen
    assert screen in shown.stdout


def test_the_picture_is_what_the_wizard_paints() -> None:
    """docs/screen.svg is what ``python docs/screen.py`` draws now, and README shows it."""
    spec = importlib.util.spec_from_file_location("screen", ROOT / "docs" / "screen.py")
    assert spec is not None
    assert spec.loader is not None
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.svg(drawing.picture()) == (ROOT / "docs" / "screen.svg").read_text("utf-8")
    assert "(docs/screen.svg)" in README


def test_the_table_of_dependencies_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[><=;\[]", one)[0].casefold() for one in project["dependencies"]}
    assert all(">=" in one for one in project["dependencies"])
    table = README.partition("## Dependencies")[2].partition("With the extra")[0]
    assert set(re.findall(r"^\| ([a-z0-9_]+) \|", table, re.MULTILINE)) - {"package"} == needed


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize(
    "command",
    sorted(set(re.findall(r"^\| `returnflow ([a-z ]+?)(?: CASE| URL)?` \|", README, re.M))),
)
def test_every_command_is_there(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "returnflow", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: returnflow {command}")
