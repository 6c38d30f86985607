"""docs/adapters.md is true: the adapter on the page is built as a package of its own, installed,
keeps the contract, and carries a call."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from corner_trial import trial_shop
from returnflow.testing import MemoryShop, contract_shop

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")

FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the package was installed, as its author would, but offline."""
    source = tmp_path_factory.mktemp("corner")
    for name in ("pyproject.toml", "corner_shop.py"):
        (source / name).write_text(FILES[name], encoding="utf-8")
    target = tmp_path_factory.mktemp("site")
    offline = ("--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", target, source],
        check=True,
    )
    return target


@pytest.fixture(scope="module")
def trial() -> Iterator[tuple[str, MemoryShop]]:
    with trial_shop(contract_shop(crowd=1)) as started:
        yield started


def run(installed: Path, home: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    """``returnflow`` in a process that finds the package as any other; its status and words."""
    done = subprocess.run(
        [sys.executable, "-m", "returnflow", *arguments],
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(installed), "RETURNFLOW_HOME": str(home)},
    )
    return done.returncode, " ".join(done.stdout.split())


def test_the_adapter_has_less_than_a_hundred_lines() -> None:
    assert len(FILES["corner_shop.py"].splitlines()) < 100
    assert max(map(len, FILES["corner_shop.py"].splitlines())) <= 100


def test_ping_and_check_find_it_by_its_scheme(
    installed: Path, trial: tuple[str, MemoryShop], tmp_path: Path
) -> None:
    url = f"corner:{trial[0]}"
    status, words = run(installed, tmp_path, "backend", "ping", url)
    assert (status, f"{url} answers: opened in" in words) == (0, True), words
    status, words = run(
        installed, tmp_path, "backend", "check", url, "--email", "ann.lee@example.com"
    )
    assert (status, "20 promises: 20 kept, 0 broken, 0 not checked." in words) == (0, True), words


def test_a_shop_that_is_not_there(installed: Path, tmp_path: Path) -> None:
    status, words = run(installed, tmp_path, "backend", "ping", "corner:http://127.0.0.1:9")
    assert status == 1
    assert "does not answer: <urlopen error" in words


def test_a_call_is_led_through_it(
    installed: Path, trial: tuple[str, MemoryShop], tmp_path: Path
) -> None:
    """From the address to the tracking id, in a process that knows the package by its entry
    point alone."""
    address, shop = trial
    today = datetime.now(UTC).date().isoformat()
    shop.orders["Plain"] = replace(shop.orders["Plain"], order_date=today)
    lines = ["ann.lee@example.com", "PLAIN", "LAMP x 2", "damaged: cracked", "yes"]
    status, words = run(
        installed,
        tmp_path,
        "wizard",
        "--backend",
        f"corner:{address}",
        typed="\n".join([*lines, *[""] * 6, "/done", ""]),
    )
    assert status == 0, words
    (opened,) = shop.returns
    assert (opened.order_id, opened.item_id, opened.quantity) == ("Plain", "LAMP", 2)
    assert (opened.reason, opened.note) == ("DAMAGED", "cracked")
    assert opened.receipt.tracking_id in words


def passes(installed: Path, folder: Path, *names: str) -> str:
    """Pytest's last words on files of the page, run as the author runs them."""
    for name in names:
        (folder / name).write_text(FILES[name], encoding="utf-8")
    paths = os.pathsep.join([str(installed), str(ROOT / "tests")])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            folder,
            folder,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout.splitlines()[-1]


def test_it_keeps_the_whole_contract(installed: Path, tmp_path: Path) -> None:
    """With the test file on the page."""
    assert re.search(r"\b8[0-9] passed", passes(installed, tmp_path, "test_corner_shop.py"))


def test_a_shop_without_gift_cards_is_told_of_before_the_call(
    installed: Path, trial: tuple[str, MemoryShop], tmp_path: Path
) -> None:
    status, words = run(
        installed, tmp_path, "wizard", "--sop", "delayed-package", "--backend", f"corner:{trial[0]}"
    )
    assert status == 2
    assert "calls issue_gift_card, which the backend corner:" in words


def test_gift_cards_are_one_method_more(installed: Path, tmp_path: Path) -> None:
    last = passes(installed, tmp_path, "corner_cards.py", "test_corner_cards.py")
    assert re.search(r"\b[1-9]\d* passed", last)
