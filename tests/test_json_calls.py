"""Whole calls on a shop in JSON files, as an agent leads them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from returnflow.backends.json_shop import open_folder
from shop_folder import write_shop
from test_json_shop import ORDERS, changed, make

WHO = ["ana@example.com", "ord-1"]
REST = ["Lamp x 1", "damaged: cracked", "yes", "", "", "", "/done"]


class Desk:
    """A folder in which an agent starts the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    def run(self, *arguments: str, typed: list[str], cwd: Path | None = None) -> tuple[int, str]:
        """The status and the words of a run, with these lines typed."""
        done = subprocess.run(
            [sys.executable, "-m", "returnflow", *arguments],
            input="".join(f"{line}\n" for line in typed),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd or self.folder,
            env={**os.environ, "RETURNFLOW_HOME": str(self.home)},
        )
        return done.returncode, " ".join(done.stdout.split())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With the dirty shop of the tests of json:, ordered today."""
    today = datetime.now(UTC).date().isoformat()
    make(tmp_path / "shop", orders=changed(ORDERS, "ORD-1", "order_date", to=today))
    return Desk(tmp_path)


def test_a_call_from_the_address_to_the_tracking_id(desk: Desk) -> None:
    """Rules 17, 21, 31, 38: of three lamps one is in a return, and one lies in a package that
    nobody knows; the ids differ in every place. The log has nothing of what was said."""
    status, words = desk.run("wizard", "--backend", "json:shop", typed=[*WHO, *REST])
    assert status == 0, words
    assert "1 × Lamp: 1 of 1 may go back" in words
    assert "1 in a return already" in words
    shop = open_folder(desk.folder / "shop")
    assert [line.returned for line in shop.get_order_details("ORD-1").lines] == [2, 1, 0]
    log = (desk.home / "backend.log").read_text()
    assert log.count("operation=initiate_return outcome=ok") == 1
    assert "ana@" not in log
    assert "ORD" not in log


def test_a_call_that_was_left_goes_on_from_another_folder(desk: Desk, tmp_path: Path) -> None:
    """The journal keeps the folder's whole path."""
    status, words = desk.run("wizard", "--backend", "json:shop", typed=WHO)
    assert status == 3
    case = words.partition("· case ")[2].split()[0]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    status, words = desk.run("calls", "resume", case, typed=REST, cwd=elsewhere)
    assert status == 0, words
    assert len(open_folder(desk.folder / "shop").view().returns.table.raw) == 3


def test_a_shop_that_is_damaged_is_told_to_the_agent(desk: Desk) -> None:
    """Rule 40: the place in the file, so that somebody can mend it; the call is not lost."""
    make(desk.folder / "shop", orders=changed(ORDERS, "ORD-1", "items_ordered", 0, "qty", to="x"))
    status, words = desk.run("wizard", "--backend", "json:shop", typed=WHO)
    assert status == 3
    assert "orders.json: ORD-1: items_ordered[0].qty: 'x' is not a whole number" in words


def test_the_contract_shop_written_and_led(tmp_path: Path) -> None:
    """A folder without anything but the five files: no zone, no currency."""
    from returnflow.testing import contract_shop

    folder = write_shop(tmp_path / "shop", contract_shop(crowd=1))
    (folder / "shop.json").unlink()
    status, words = Desk(tmp_path).run(
        "wizard", "--backend", "json:shop", typed=["ann.lee@example.com", "plain", "/close"]
    )
    assert status in (0, 3)
    assert "Thing LAMP" in words
