"""``returnflow import``: a folder of JSON files moved into SQL, with a report."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from returnflow.backends import sql, sql_load
from returnflow.backends.json_shop import open_folder
from returnflow.backends.shopdata import ShopData
from returnflow.cli import cli, run
from returnflow.errors import UnavailableError, UsageError
from returnflow.records import Order
from returnflow.testing import contract_shop
from shop_folder import write_shop
from test_json_shop import CUSTOMERS, ORDERS, RETURNS, changed, copy, make


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))


def move(folder: Path, *options: str) -> tuple[Result, Path]:
    target = folder.parent / "shop.sqlite3"
    result = CliRunner().invoke(
        cli, ["import", f"json:{folder}", f"sqlite:///{target}", *options], catch_exceptions=False
    )
    return result, target


def whole(order: Order) -> Order:
    """Returns of one day stand in either order."""
    return replace(order, associated_returns=tuple(sorted(order.associated_returns)))


def test_a_clean_shop_is_moved_whole(tmp_path: Path) -> None:
    """Every look-up answers the same in both shops."""
    data = contract_shop(crowd=30)
    folder = write_shop(tmp_path / "json", data)
    result, target = move(folder)
    assert result.exit_code == 0
    assert result.output == (
        f"Moved to sqlite:///{target}: 7 customers, 56 orders, 7 items, 3 packages, 7 returns, "
        "0 transfers.\n"
    )
    with sql.open_file(target) as new:
        assert_same(data, folder, new)


def assert_same(data: ShopData, folder: Path, new: sql.SqlShop) -> None:
    old = open_folder(folder)
    assert new.zone == old.zone == "Europe/Berlin"
    for customer in data.customers:
        if not customer.customer_id.startswith("TWIN"):
            assert new.get_customer_by_email(customer.email) == (
                old.get_customer_by_email(customer.email)
            )
    for order in data.orders:
        assert whole(new.get_order_details(order.order_id)) == (
            whole(old.get_order_details(order.order_id))
        )
    for item in data.items:
        assert new.get_item_details(item.item_id) == old.get_item_details(item.item_id)


def test_a_shop_is_moved_to_a_server_too(tmp_path: Path, postgres_url: str) -> None:
    """Rule 38: the password is shown nowhere."""
    data = contract_shop(crowd=30)
    folder = write_shop(tmp_path / "json", data)
    command = ["import", f"json:{folder}", postgres_url]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.startswith("Moved to postgresql://returnflow@127.0.0.1:")
    assert "secret" not in result.output
    with sql.connect(postgres_url) as new:
        assert_same(data, folder, new)
    with pytest.raises(UsageError, match="a shop is there already"):
        CliRunner().invoke(cli, command, catch_exceptions=False)


def test_what_was_mended_and_what_is_unclear_is_told(tmp_path: Path) -> None:
    """The shop of the tests of json:, as dirty as they come."""
    result, target = move(make(tmp_path / "json"))
    assert result.exit_code == 0
    told = result.output.splitlines()[1:]
    assert told == [
        "Mended on the way; nothing is lost (5):",
        "  - customers.json: CUST001001: the id inside is 'CUST0001001'; both lead here, the key "
        "counts",
        "  - items.json: IT-1: the id inside is 'IT-01'; both lead here, the key counts",
        "  - customers.json: CUST001001: the open order 'ord-02' is taken for 'ORD-2'",
        "  - returns.json: RET-2: the status 'ON ITS WAY' is not known and becomes INITIATED",
        "  - orders.json: ORD-2: the customer 'cust-001001' is taken for 'CUST001001'",
        "Unclear, and taken over as it is (3):",
        "  - customers.json: CUST001001: the open order 'ORD-404' is not in orders.json",
        "  - orders.json: ORD-1: the package 'P-404' is not in packages.json",
        "  - orders.json: ORD-2: the item 'IT-9' is not in items.json",
    ]
    with sql.open_file(target) as shop:
        order = shop.get_order_details("ORD-1")
        assert [line.returned for line in order.lines] == [1, 1, 0]
        assert order.lines[0].unit_price == Decimal("19.99")


def _left_out() -> dict[str, tuple[dict[str, Any], list[str], str]]:
    """What is wrong, and what is told of it; the last: the orders that are not there afterwards."""
    twice = copy(RETURNS)
    twice["RET-3"] = {
        "order_id": "ORD-1",
        "return_status": "INITIATED",
        "return_tracking_id": "RET-1",
        "items_returned": [{"item_number": "IT-1", "qty": 9}, {"item_number": "NO", "qty": 1}],
    }
    return {
        "a record": (
            {"orders": changed(ORDERS, "ORD-2", "items_ordered", to="none")},
            ["orders.json: ORD-2: items_ordered: there is no list"],
            "ORD-2",
        ),
        "a member": (
            {"orders": changed(ORDERS, "ORD-2", "items_ordered", 0, "item_final_cost", to="free")},
            [
                "orders.json: ORD-2: items_ordered[0].item_final_cost: 'free' is not an amount; "
                "taken as not given"
            ],
            "",
        ),
        "a file": (
            {"packages": "{"},
            ["packages.json: not JSON: Expecting property name"],
            "",
        ),
        "an owner": (
            {"customers": {"CUST2": CUSTOMERS["CUST2"]}},
            [
                "orders.json: ORD-1: the customer 'CUST0001001' is not in customers.json",
                "orders.json: ORD-1: its customer is not there",
            ],
            "ORD-1 ORD-2",
        ),
        "a return that cannot be read": (
            {"returns": changed(RETURNS, "RET-2", to="<error>gone</error>")},
            [
                "returns.json: RET-2: there is a text and no record: 'gone'",
                "orders.json: ORD-1: one of its returns cannot be read, so nobody knows what is "
                "left of it",
            ],
            "ORD-1",
        ),
        "a return that is not there": (
            {"returns": {"RET-1": RETURNS["RET-1"], "RET-9": RETURNS["RET-2"]}},
            [
                "orders.json: ORD-1: its return 'RET-2' is not there, so nobody knows",
                "returns.json: RET-9: no order lists it, and it names none that is there",
            ],
            "ORD-1",
        ),
        "too many returned": (
            {"returns": twice},
            [
                "returns.json: RET-3: it is about 2 items and becomes as many returns",
                "returns.json: RET-3: 9 units of 'IT-1' become 2: there are no more to return",
                "returns.json: RET-3: no unit of 'NO' is left for it in order 'ORD-1'",
                "returns.json: RET-3: its tracking id 'RET-1' is that of another return; its own",
            ],
            "",
        ),
        "an empty id": (
            {"orders": {**ORDERS, " ": ORDERS["ORD-2"]}},
            ["orders.json:  : an empty id is none"],
            "",
        ),
        "one id in two spellings": (
            {"orders": {**ORDERS, "ord-1": ORDERS["ORD-2"]}},
            [
                "orders.json: ord-1: differs from 'ORD-1' in case alone; typed so it is not found",
                "orders.json: ord-1: another order has this id in other letters",
            ],
            "",
        ),
    }


@pytest.mark.parametrize("what", list(_left_out()))
def test_what_cannot_be_moved_is_named_and_the_rest_is_moved(tmp_path: Path, what: str) -> None:
    """Rules 17, 40: and an order of which nobody knows what is left is not made returnable."""
    files, told, gone = _left_out()[what]
    result, target = move(make(tmp_path / "json", **files))
    assert result.exit_code == 1
    for words in told:
        assert f"  - {words}" in result.output
    with sql.open_file(target) as shop:
        assert shop.get_item_details("IT-1").description == "Lamp"
        found = {order.order_id for order in shop.summarize_orders(["ORD-1", "ORD-2", "7"]).orders}
    assert {"ORD-1", "ORD-2", "7"} - found == set(gone.split())


def test_returns_and_transfers_of_calls_keep_their_keys(tmp_path: Path) -> None:
    """Rule 28: a call that was cut off and is resumed on the new shop does nothing twice."""
    folder = make(tmp_path / "json")
    old = open_folder(folder)
    receipt = old.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k", note="n")
    transfer = old.transfer_to_human_representative("CUST2", "Help.", idempotency_key="t")
    _, target = move(folder)
    with sql.open_file(target) as new:
        again = new.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k", note="n")
        assert again == receipt
        assert (
            new.transfer_to_human_representative("CUST2", "Help.", idempotency_key="t") == transfer
        )


def test_it_is_moved_to_a_server_as_well(tmp_path: Path, postgres_url: str) -> None:
    """Rule 37: with text that PostgreSQL cannot store by itself; a second time it is refused."""
    data = contract_shop(crowd=30, hostile="\x00 \x1a '; DROP TABLE orders; -- \u202e")
    folder = write_shop(tmp_path / "json", data)
    arguments = ["import", f"json:{folder}", postgres_url]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "7 customers, 56 orders, 7 items, 3 packages, 7 returns" in result.output
    old = open_folder(folder)
    with closing(sql.connect(postgres_url)) as new:
        for order in data.orders:
            assert whole(new.get_order_details(order.order_id)) == (
                whole(old.get_order_details(order.order_id))
            )
        evil = new.get_customer_by_email("evil@example.com")
        assert evil == old.get_customer_by_email("evil@example.com")
        assert evil.first_name.startswith("\x00")
    assert run(arguments) == 2


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    result, target = move(make(tmp_path / "json"), "--dry-run")
    assert result.exit_code == 0
    assert result.output.startswith("Would be moved: 2 customers, 3 orders, 2 items, 1 package, ")
    assert not target.exists()


def test_the_report_holds_everything(tmp_path: Path) -> None:
    """Rule 37: inert, whatever is in the data."""
    orders = {f"O\x1b{n}": {"customer_id": f"NO{n}", "items_ordered": []} for n in range(30)}
    report = tmp_path / "report.tsv"
    result, _ = move(make(tmp_path / "json", orders=orders, returns={}), "--report", str(report))
    assert result.exit_code == 1
    assert "… and 10 more; --all shows them, --report keeps them." in result.output
    lines = report.read_text().splitlines()
    assert "refused\torders.json: O·29\tits customer is not there" in lines
    assert len([line for line in lines if line.startswith("refused")]) == 30
    (tmp_path / "shop.sqlite3").unlink()
    whole, _ = move(tmp_path / "json", "--all")
    assert "more; --all" not in whole.output


def test_what_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path / "json")
    for source, target, words in (
        (f"json:{folder}", f"json:{tmp_path}", "a shop is moved into an SQL shop"),
        (f"json:{folder}", f"sqlite:///{folder / 'items.json'}", "is there already"),
        (f"json:{folder}", f"sqlite:///{tmp_path}/no/file", "there is no folder"),
        ("demo:", f"sqlite:///{tmp_path}/file", "only json:DIR can"),
        (f"json:{tmp_path}/no", f"sqlite:///{tmp_path}/file", "there is no folder"),
    ):
        assert run(["import", source, target]) == 2
        assert words in capsys.readouterr().err
    assert (folder / "items.json").read_text().startswith("{")


def test_what_was_begun_and_not_ended_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk in the middle, or Ctrl-C, leaves no file that the next attempt would stumble
    over."""
    folder = make(tmp_path / "json")
    target = tmp_path / "shop.sqlite3"

    for stopped, words in (
        (UnavailableError("the disk is full", outcome="known"), "the disk is full"),
        (KeyboardInterrupt(), ""),
    ):

        def fail(*arguments: Any, stopped: BaseException = stopped) -> None:
            assert target.exists()
            raise stopped

        with monkeypatch.context() as patch:
            patch.setattr(sql_load, "load", fail)
            assert run(["import", f"json:{folder}", f"sqlite:///{target}"]) != 0
        assert words in capsys.readouterr().err
        assert not target.exists()
    assert run(["import", f"json:{folder}", f"sqlite:///{target}"]) == 0


def test_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    """A bar for reading and one for writing, and neither where the output goes into a file."""
    folder = write_shop(tmp_path / "json", contract_shop(crowd=500))
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "returnflow", "import", f"json:{folder}", "sqlite:///shop.db"],
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=tmp_path,
        check=True,
        text=True,
    )
    os.close(follower)
    shown = os.read(leader, 65536).decode()
    os.close(leader)
    assert "Reading  [" in shown
    assert "Writing  [" in shown
    assert shown.count("100%") >= 2
    assert "526 orders" in done.stdout
    assert "%" not in done.stdout
