"""A shop in a folder of JSON files: dirt met at the border, and returns written back whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from returnflow.backends import json_shop, registry
from returnflow.backends.json_ids import Ids
from returnflow.backends.json_shop import JsonShop, open_folder
from returnflow.backends.json_store import LOCK_FILE
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
    UsageError,
)
from returnflow.records import ReturnPolicy
from shop_folder import write

CUSTOMERS: dict[str, Any] = {
    "CUST001001": {
        "customer_id": "CUST0001001",
        "first_name": "Ana",
        "email": " Ana@Example.com",
        "active_orders": ["ORD-1", "ord-02", "ORD-404"],
        "active_returns": ["RET-1", "RET-2"],
        "is_fraud_flag": "yes",
        "loyalty": {"tier": "gold"},
    },
    "CUST2": {
        "customer_id": "CUST2",
        "email": "bo@example.com",
        "active_orders": [{"order_id": 7}],
    },
}
ORDERS: dict[str, Any] = {
    "ORD-1": {
        "order_id": "ORD-1",
        "order_date": "2026-11-01T10:00:00",
        "customer_id": "CUST0001001",
        "payment_status": "SUCCESS",
        "items_ordered": [
            {"item_number": "IT-01", "qty": 2, "item_final_cost": 19.99, "package_id": "P1"},
            {"item_number": "IT-2", "qty": "3", "item_final_cost": "0.333", "package_id": ""},
            {"item_number": "it-1", "qty": 1.0, "item_final_cost": 15, "package_id": "P-404"},
        ],
        "associated_returns": ["RET-1", "RET-2"],
        "shipping_cost": 4.99,
    },
    "ORD-2": {
        "customer_id": "cust-001001",
        "items_ordered": [{"item_number": "IT-9", "qty": 1, "package_id": None}],
    },
    "7": {"customer_id": "CUST2", "items_ordered": []},
}
ITEMS: dict[str, Any] = {
    "IT-1": {
        "item_id": "IT-01",
        "item_description": "Lamp",
        "item_cost": 19.99,
        "item_category": "home",
        "return_eligiblity_details": {"return_eligible": True, "return_window": 30},
    },
    "IT-2": {"item_description": "Rug"},
}
PACKAGES: dict[str, Any] = {
    "P1": {"package_id": "P1", "type": "ORDER_DELIVERY", "current_status": "DELIVERED"}
}
RETURNS: dict[str, Any] = {
    "RET-1": {
        "return_id": "RET-1",
        "items_returned": [{"item_number": "IT-1", "qty": 1, "refundable_amount": 19.99}],
        "return_status": "COMPLETED",
    },
    "RET-2": {
        "items_returned": [{"item_number": "IT-2", "qty": 1}],
        "return_status": "on its way",
    },
}


def copy(data: Any) -> Any:
    return json.loads(json.dumps(data))


def make(folder: Path, **files: Any) -> Path:
    """The shop above, some files replaced."""
    whole = {
        "customers": CUSTOMERS,
        "orders": ORDERS,
        "items": ITEMS,
        "packages": PACKAGES,
        "returns": RETURNS,
        **files,
    }
    return write(folder, **{name: content for name, content in whole.items() if content != ""})


def changed(data: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """A copy of `data` with another value at `path`."""
    made = copy(data)
    place = made
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = to
    return made  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "shop")


@pytest.fixture
def shop(folder: Path) -> JsonShop:
    return open_folder(folder)


def fails(operation: Callable[[], object], words: str) -> UnavailableError:
    with pytest.raises(UnavailableError, match=words) as caught:
        operation()
    assert caught.value.outcome == "known"
    return caught.value


def code_of(operation: Callable[[], object]) -> str:
    with pytest.raises(RefusedByBackendError) as caught:
        operation()
    return caught.value.code


# -- ids ----------------------------------------------------------------------------------------


def test_a_customer_and_their_orders_are_one_under_every_spelling(shop: JsonShop) -> None:
    """Rule 21: the key counts, and whoever points at the id inside, or spells it with other
    zeros, means the same record."""
    customer = shop.get_customer_by_email("ana@example.com")
    assert customer.customer_id == "CUST001001"
    assert customer.active_orders == ("ORD-1", "ORD-2", "ORD-404")
    assert customer.is_fraud_flag
    for order_id in ("ORD-1", "ORD-2"):
        assert shop.get_order_details(order_id).customer_id == "CUST001001"
    other = shop.get_customer_by_email("BO@example.com")
    assert other.active_orders == ("7",)


def test_items_and_packages_are_named_as_their_own_records_are(shop: JsonShop) -> None:
    order = shop.get_order_details(" ord-1 ")
    assert [line.item_id for line in order.lines] == ["IT-1", "IT-2", "IT-1"]
    assert shop.get_item_details("IT-01").item_id == "IT-1"
    assert [line.parcels[0].package_id for line in order.lines] == ["P1", "", "P-404"]
    assert [line.description for line in order.lines] == ["Lamp", "Rug", "Lamp"]
    with pytest.raises(NotFoundError):
        shop.get_package_details("P-404")


def test_what_is_typed_is_no_pointer(shop: JsonShop) -> None:
    """Rule 22: a customer's order id is compared trimmed and folded, not guessed at."""
    with pytest.raises(NotFoundError):
        shop.get_order_details("ORD-01")


def test_an_id_that_leads_to_two_records_leads_to_neither(tmp_path: Path) -> None:
    """Rule 20: nothing is guessed."""
    customers = {
        "A1": {"customer_id": "X-1", "email": "a@example.com"},
        "B1": {"customer_id": "X-01", "email": "b@example.com", "active_orders": ["O"]},
        "C1": {"customer_id": "A1", "email": "c@example.com"},
    }
    orders = {"O": {"customer_id": "X1", "items_ordered": []}}
    shop = open_folder(make(tmp_path / "shop", customers=customers, orders=orders, returns={}))
    assert shop.get_order_details("O").customer_id == "X1"
    assert shop.get_customer_by_email("c@example.com").customer_id == "C1"
    assert shop.get_customer_by_email("a@example.com").customer_id == "A1"


def test_two_customers_with_one_address(tmp_path: Path) -> None:
    """Rule 20: also where they are the same person under two keys."""
    customers = {**CUSTOMERS, "CUST0001001": CUSTOMERS["CUST001001"]}
    shop = open_folder(make(tmp_path / "shop", customers=customers))
    with pytest.raises(AmbiguousError):
        shop.get_customer_by_email("ana@example.com")


@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 30)), max_size=8, unique=True),
    st.randoms(use_true_random=False),
)
def test_a_pointer_leads_to_its_record_or_nowhere(
    things: list[tuple[str, int]], rng: random.Random
) -> None:
    """Whatever the spellings: never to another record."""

    def spelt(letter: str, number: int) -> str:
        zeros = "0" * rng.randint(0, 3)
        text = f"{letter}{rng.choice(['', '-', '_'])}{zeros}{number}"
        return rng.choice([text, text.lower(), f" {text} "])

    # A record is what its letter and number are; some stand there twice, under two keys.
    inner: dict[str, str] = {}
    meant: dict[str, tuple[str, int]] = {}
    for thing in things:
        for _ in range(rng.choice([1, 1, 2])):
            key = spelt(*thing)
            inner[key] = rng.choice(["", spelt(*thing)])
            meant[key] = thing
    ids = Ids(inner)
    for thing in [("A", 31), *things]:
        pointer = spelt(*thing)
        found = ids.resolve(pointer)
        assert found is None or meant[found] == thing
        mine = [key for key in meant if meant[key] == thing]
        if len(mine) == 1:
            assert found == mine[0]
    assert {key for key, _, _ in ids.doubts()} <= set(inner)


# -- values -------------------------------------------------------------------------------------


def test_prices_are_read_exactly(shop: JsonShop) -> None:
    """Rule 31: 19.99 in JSON is 19.99."""
    prices = [line.unit_price for line in shop.get_order_details("ORD-1").lines]
    assert prices == [Decimal("19.99"), Decimal("0.333"), Decimal(15)]
    assert [line.quantity for line in shop.get_order_details("ORD-1").lines] == [2, 3, 1]


def test_windows_are_text_and_a_missing_block_stays_missing(shop: JsonShop) -> None:
    """Rules 5, 10."""
    assert shop.get_item_details("IT-1").policy == ReturnPolicy(
        return_eligible=True, return_window="30"
    )
    assert shop.get_item_details("IT-2").policy is None


@pytest.mark.parametrize(
    ("block", "policy"),
    [
        ({}, ReturnPolicy()),
        (None, None),
        ("n/a", None),
        ({"return_eligible": "no", "return_window": None}, ReturnPolicy(return_eligible=False)),
        ({"return_eligible": "maybe"}, ReturnPolicy()),
        ({"return_eligible": True, "return_window": ["30"]}, ReturnPolicy(return_eligible=True)),
        ({"return_eligible": 1, "return_window": "30 days"}, ReturnPolicy(return_window="30 days")),
    ],
)  # fmt: skip
def test_what_cannot_be_read_of_a_block_is_unknown(
    tmp_path: Path, block: Any, policy: ReturnPolicy | None
) -> None:
    """Rule 5: unknown is never eligible, and never a reason to refuse the rest of the item."""
    items = changed(ITEMS, "IT-1", "return_eligiblity_details", to=block)
    item = open_folder(make(tmp_path / "shop", items=items)).get_item_details("IT-1")
    assert item.policy == policy
    assert item.description == "Lamp"


# -- returns that are there -------------------------------------------------------------------


def test_units_in_returns_are_counted_in_the_order_of_the_lines(shop: JsonShop) -> None:
    """Rules 17, 18: a return names no order, the order lists it; an unknown state holds units."""
    order = shop.get_order_details("ORD-1")
    assert [line.returned for line in order.lines] == [1, 1, 0]
    assert order.associated_returns == ("RET-1", "RET-2")
    assert shop.get_customer_by_email("ana@example.com").active_returns == ("RET-2",)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("RET-2",), "<error>no such return</error>"),
        (("RET-2", "items_returned"), "IT-2"),
        (("RET-2", "items_returned", 0, "qty"), "some"),
    ],
)
def test_where_a_return_cannot_be_read_nobody_knows_what_is_left(
    tmp_path: Path, path: tuple[Any, ...], value: Any
) -> None:
    """Rule 17: so nothing of that order goes back; other orders do."""
    shop = open_folder(make(tmp_path / "shop", returns=changed(RETURNS, *path, to=value)))
    assert {line.returned for line in shop.get_order_details("ORD-1").lines} == {None}
    assert code_of(
        lambda: shop.initiate_return("ORD-1", "IT-1", 1, "OTHER", idempotency_key="k")
    ) == ("returns_unknown")
    assert shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k").tracking_id


def test_a_return_whose_own_order_is_nowhere_counts_for_the_one_that_lists_it(
    tmp_path: Path,
) -> None:
    """Rule 17: its units are in a return, whatever its own word is worth."""
    returns = changed(RETURNS, "RET-1", "order_id", to="ORD-TYPO")
    typo = open_folder(make(tmp_path / "shop", returns=returns)).get_order_details("ORD-1")
    assert typo == open_folder(make(tmp_path / "whole")).get_order_details("ORD-1")
    elsewhere = changed(RETURNS, "RET-1", "order_id", to="ORD-2")
    other = open_folder(make(tmp_path / "other", returns=elsewhere)).get_order_details("ORD-1")
    assert other.lines[0].returned == 0


def test_a_return_that_is_listed_and_not_there(tmp_path: Path) -> None:
    """Rule 17: somebody opened it; how many units are in it nobody knows."""
    shop = open_folder(make(tmp_path / "shop", returns={}))
    assert {line.returned for line in shop.get_order_details("ORD-1").lines} == {None}
    assert shop.get_order_details("ORD-1").associated_returns == ("RET-1", "RET-2")


# -- what cannot be read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("ORD-1", "items_ordered", 1, "qty"), 1.5, r"ORD-1: items_ordered\[1\]\.qty: .*1\.5"),
        (("ORD-1", "items_ordered", 0, "qty"), 0, r"ORD-1: items_ordered\[0\]\.qty: 0 is not"),
        (("ORD-1", "items_ordered", 0, "item_number"), "", r"ORD-1: items_ordered\[0\]\.item_n"),
        (("ORD-1", "items_ordered"), {}, "ORD-1: items_ordered: there is no list"),
        (("ORD-1", "customer_id"), None, "ORD-1: customer_id"),
        (("ORD-1",), "<error>Order not found</error>", "ORD-1: there is a text.*'Order not found'"),
        (("ORD-1",), [1], "ORD-1: there is list and no record"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_named_and_spoils_no_other(
    tmp_path: Path, path: tuple[Any, ...], value: Any, words: str
) -> None:
    """Rules 24, 40: file, record and place."""
    shop = open_folder(make(tmp_path / "shop", orders=changed(ORDERS, *path, to=value)))
    error = fails(lambda: shop.get_order_details("ORD-1"), f"orders.json: {words}")
    assert error.lasting
    answer = shop.summarize_orders(["ORD-1", "ORD-2", "ord-2"])
    assert [order.order_id for order in answer.orders] == ["ORD-2"]
    assert [failed.order_id for failed in answer.failed] == ["ORD-1"]
    assert answer.failed[0].reason.startswith("orders.json: ORD-1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "orders.json: not JSON: .* \\(character 2\\)"),
        ("[]", "orders.json: there is no object keyed by id"),
        (b"\xff{}".decode("latin-1"), "orders.json: not JSON"),
        ("[" * 100_000, "orders.json: nested deeper"),
    ],
)
def test_a_file_that_cannot_be_read_spoils_no_other(tmp_path: Path, text: str, words: str) -> None:
    """Rule 40."""
    shop = open_folder(make(tmp_path / "shop", orders=text))
    fails(lambda: shop.get_order_details("ORD-1"), words)
    fails(lambda: shop.summarize_orders(["ORD-1"]), words)
    assert shop.get_item_details("IT-1").description == "Lamp"
    assert shop.get_customer_by_email("ana@example.com").active_orders[0] == "ORD-1"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """But a shop without returns has none yet."""
    shop = open_folder(make(tmp_path / "shop", packages="", returns=""))
    fails(lambda: shop.get_package_details("P1"), "packages.json: No such file")
    assert shop.get_order_details("ORD-2").lines[0].returned == 0
    assert shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k").tracking_id
    assert shop.get_order_details("ORD-2").lines[0].returned == 1


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"R": {}, "R": {}}',
        '{"R": {"refund": NaN}}',
        '{"R": "\\ud800"}',
        f'{{"R": {"9" * 500}}}',
    ],
)
def test_a_file_that_would_lose_something_is_not_written(tmp_path: Path, text: str) -> None:
    """What is in it stays as it is, until somebody has mended it."""
    orders = changed(ORDERS, "ORD-1", "associated_returns", to=[])
    folder = make(tmp_path / "shop", orders=orders, returns=text)
    shop = open_folder(folder)
    fails(
        lambda: shop.initiate_return("ORD-1", "IT-1", 1, "OTHER", idempotency_key="k"),
        "nothing can be written without loss: returns.json: ",
    )
    assert (folder / "returns.json").read_text() == text


def test_a_url_that_names_no_shop(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for url, words in {
        "json:": "names no folder",
        f"json:{tmp_path / 'no'}": "there is no folder",
        f"json:{tmp_path / 'empty'}": "is no shop: none of customers.json",
    }.items():
        with pytest.raises(UsageError, match=words):
            registry.open_backend(url)


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"zone": "Mars/Base"}', "'Mars/Base' is no IANA time zone"), ("{", "shop.json: not JSON")],
)
def test_a_zone_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_folder(make(tmp_path / "shop", shop=text))


def test_what_the_files_have_no_place_for_stands_in_another(tmp_path: Path) -> None:
    """Rules 2, 31."""
    shop = open_folder(make(tmp_path / "shop", shop={"zone": "Asia/Kolkata", "currency": "INR"}))
    assert shop.zone == "Asia/Kolkata"
    assert {line.currency for line in shop.get_order_details("ORD-1").lines} == {"INR"}
    assert shop.get_item_details("IT-1").currency == "INR"


# -- writing --------------------------------------------------------------------------------------


def test_a_return_is_written_in_the_form_and_all_else_stays(shop: JsonShop, folder: Path) -> None:
    """Rules 17, 18, 31: units and refunds line by line; what others wrote is as it was."""
    before = {name: (folder / name).read_bytes() for name in ("orders.json", "customers.json")}
    receipt = shop.initiate_return(
        "ord-1", "IT-01", 2, "DAMAGED", idempotency_key="k", note="a\x1b dent"
    )
    written = json.loads((folder / "returns.json").read_text(), parse_float=Decimal)
    entry = written.pop(receipt.return_id)
    assert written == json.loads(json.dumps(RETURNS), parse_float=Decimal)
    assert entry.pop("created_at")
    assert entry == {
        "return_id": receipt.return_id,
        "return_tracking_id": receipt.tracking_id,
        "order_id": "ORD-1",
        "return_reason": "DAMAGED",
        "note": "a\x1b dent",
        "return_status": "INITIATED",
        "idempotency_key": "k",
        "items_returned": [
            {
                "item_number": "IT-1",
                "qty": 1,
                "refundable_amount": Decimal("19.99"),
                "package_id": "P1",
            },
            {"item_number": "IT-1", "qty": 1, "refundable_amount": 15, "package_id": "P-404"},
        ],
    }
    assert before == {name: (folder / name).read_bytes() for name in before}
    assert [line.returned for line in shop.get_order_details("ORD-1").lines] == [2, 1, 1]


def test_a_transfer_is_kept(shop: JsonShop, folder: Path) -> None:
    """Rules 34, 35."""
    receipt = shop.transfer_to_human_representative(None, "Wants a person.", idempotency_key="t")
    kept = json.loads((folder / "transfers.json").read_text())[receipt.reference]
    assert (kept["customer_id"], kept["summary"]) == (None, "Wants a person.")


def test_what_others_write_is_seen(shop: JsonShop, folder: Path) -> None:
    """The files are read anew when they change: a colleague's editor, a nightly export."""
    write(folder, orders=changed(ORDERS, "ORD-1", "payment_status", to="FAILED"))
    assert shop.get_order_details("ORD-1").payment_status == "FAILED"
    write(folder, returns=changed(RETURNS, "RET-1", "return_status", to="REJECTED"))
    assert [line.returned for line in shop.get_order_details("ORD-1").lines] == [0, 1, 0]


def test_the_mode_of_a_file_stays(shop: JsonShop, folder: Path) -> None:
    (folder / "returns.json").chmod(0o640)
    shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")
    assert (folder / "returns.json").stat().st_mode & 0o777 == 0o640


def test_the_lock_is_for_all_who_may_write_to_the_folder(shop: JsonShop, folder: Path) -> None:
    """Agents have users of their own, and share the folder by its group."""
    folder.chmod(0o770)
    shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")
    assert (folder / LOCK_FILE).stat().st_mode & 0o777 == 0o660


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    folder = make(tmp_path / "shop")
    (tmp_path / "data").mkdir()
    real = (folder / "returns.json").rename(tmp_path / "data" / "real.json")
    (folder / "returns.json").symlink_to(real)
    shop = open_folder(folder)
    receipt = shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")
    assert (folder / "returns.json").is_symlink()
    assert receipt.return_id in json.loads(real.read_text())


def test_another_program_that_writes_is_waited_for_and_then_told(folder: Path) -> None:
    """Rule 29: nothing was done, and the same key works afterwards."""
    hasty = open_folder(folder, lock_timeout=0)

    def opened() -> Any:
        return hasty.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")

    with FileLock(folder / LOCK_FILE):
        fails(opened, "another program has been writing")
    assert opened().tracking_id == opened().tracking_id


def test_a_folder_that_may_not_be_written(shop: JsonShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, or a folder of somebody else: told, and nothing was done."""

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    fails(
        lambda: shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k"),
        "returns.json cannot be written: No space left on device",
    )
    assert not list(shop.path.glob("*.draft"))
    monkeypatch.undo()
    assert shop.get_order_details("ORD-2").lines[0].returned == 0


def test_a_file_in_its_place_that_may_not_have_reached_the_disk_is_of_unknown_outcome(
    shop: JsonShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 29: and the same key then names the return that was opened."""
    real, calls = os.fsync, []

    def second_fails(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(UnavailableError) as caught:
        shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")
    assert caught.value.outcome == "unknown"
    monkeypatch.undo()
    assert shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k").tracking_id
    assert shop.get_order_details("ORD-2").lines[0].returned == 1


_KILLED = """
import os, signal, sys
from pathlib import Path
from returnflow.backends import json_store
from returnflow.backends.json_shop import open_folder
folder, point = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if point == "half written":
    class Half:
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *_): pass
        def write(self, text): self.file.write(text[:40]); self.file.flush(); die()
    opened = Path.open
    Path.open = lambda path, mode="r", *a, **k: (
        Half(opened(path, mode, *a, **k)) if mode == "wb" else opened(path, mode, *a, **k)
    )
elif point == "before the disk":
    os.fsync = die
elif point == "before its place":
    Path.replace = die
elif point == "in its place":
    json_store._sync_folder = die
open_folder(Path(folder)).initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")
"""


@pytest.mark.parametrize(
    "point", ["half written", "before the disk", "before its place", "in its place"]
)
def test_killed_in_the_middle_the_file_is_the_old_one_or_the_new_one(
    folder: Path, point: str
) -> None:
    """Rule 28: whatever the moment, every file can be read, nobody is locked out, and asking
    again with the same key leaves one return."""
    done = subprocess.run([sys.executable, "-c", _KILLED, str(folder), point], check=False)
    assert done.returncode == -signal.SIGKILL
    kept = json.loads((folder / "returns.json").read_text())
    assert len(kept) == len(RETURNS) + (point == "in its place")
    shop = open_folder(folder, lock_timeout=0)
    receipt = shop.initiate_return("ORD-2", "IT-9", 1, "OTHER", idempotency_key="k")
    assert shop.get_order_details("ORD-2").associated_returns == (receipt.return_id,)
    assert len(json.loads((folder / "returns.json").read_text())) == len(RETURNS) + 1
    assert not list(folder.glob("*.draft"))


_RACER = """
import sys
from pathlib import Path
from returnflow.backends.json_shop import open_folder
from returnflow.errors import RefusedByBackendError
folder, mine, shared = sys.argv[1], sys.argv[2], "shared"
shop = open_folder(Path(folder), lock_timeout=60)
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    for key in (f"{mine}-{number}", f"{shared}-{number}"):
        try:
            print(shop.initiate_return("BIG", "IT-1", 1, "OTHER", idempotency_key=key).tracking_id)
        except RefusedByBackendError as error:
            print(error.code)
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Rules 17, 28: 25 units; ten returns wanted by each alone and ten by both under one key.
    None is lost, none is opened twice, and no unit goes back twice."""
    orders = {
        "BIG": {
            "customer_id": "CUST2",
            "items_ordered": [{"item_number": "IT-1", "qty": 25, "package_id": "P1"}],
        }
    }
    folder = make(tmp_path / "shop", orders=orders, returns={})
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        answers = [racer.communicate(timeout=120)[0].split() for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
    kept = json.loads((folder / "returns.json").read_text())
    tracking = {entry["return_tracking_id"]: entry for entry in kept.values()}
    assert len(kept) == len(tracking) == 25
    told = {answer for each in answers for answer in each} - {"already_returned"}
    assert told == set(tracking)
    shared = [entry for entry in kept.values() if entry["idempotency_key"].startswith("shared")]
    assert len(shared) == len({entry["idempotency_key"] for entry in shared})
    order = json_shop.connect(f"json:{folder}").get_order_details("BIG")
    assert order.lines[0].returned == 25
