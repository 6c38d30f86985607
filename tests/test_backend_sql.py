"""The shop in SQL, through the operations that the procedure calls."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from returnflow.backends import registry, sql
from returnflow.backends.protocol import Backend
from returnflow.backends.shopdata import PastReturn, ShopData
from returnflow.backends.sql_schema import FREED, METADATA, STATUSES
from returnflow.backends.sql_sqlite import SqliteStore
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
    UsageError,
)
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderLine,
    Package,
    Parcel,
    ReturnPolicy,
)

HOSTILE = (
    "\x1b[31mred\x1b[0m \u202eevil\u202c '; DROP TABLE orders; -- \x00 \ufeff é 茶 🦊 =1+1\r\n"
)


def line(item: str, quantity: int, price: str = "10.00", **more: Any) -> OrderLine:
    return OrderLine(
        item_id=item,
        description=f"Thing {item}",
        quantity=quantity,
        unit_price=Decimal(price),
        currency="EUR",
        **more,
    )


DATA = ShopData(
    zone="Europe/Berlin",
    loaded_on="2026-11-23",
    customers=(
        Customer(
            customer_id="C1",
            first_name="Ann",
            email="Ann.Lee@Example.com",
            active_orders=("Ord-1", "GONE", "O2"),
        ),
        Customer(customer_id="C2", first_name="Bo", email="bo@example.com", is_fraud_flag=True),
        Customer(customer_id="C3", email="twin@example.com"),
        Customer(customer_id="C4", email=" TWIN@example.com"),
        Customer(customer_id="C5", email=""),
    ),
    orders=(
        Order(
            order_id="Ord-1",
            customer_id="C1",
            order_date="2026-11-01",
            payment_status="SUCCESS",
            lines=(
                line("A", 1, "19.99", parcels=(Parcel(package_id="P1", quantity=1),)),
                line("B", 2, "0.333", parcels=(Parcel(package_id="P1", quantity=2),)),
                line(
                    "A",
                    2,
                    "14.99",
                    parcels=(
                        Parcel(package_id="P2", quantity=1),
                        Parcel(package_id="", quantity=1),
                    ),
                ),
            ),
        ),
        Order(order_id="O2", customer_id="C1", lines=(line("A", 1), line("X", 3))),
        Order(order_id="O3", customer_id="C2", lines=(line("A", 5),)),
    ),
    items=(
        Item(
            item_id="A",
            description="Thing A",
            category="things",
            cost=Decimal("1250"),
            currency="JPY",
            policy=ReturnPolicy(return_eligible=True, return_window="30 days"),
        ),
        Item(item_id="B", description="No block"),
        Item(item_id="D", policy=ReturnPolicy(return_window="")),
    ),
    packages=(
        Package(
            package_id="P1",
            type="ORDER_DELIVERY",
            current_status="DELIVERED",
            estimated_delivery_date="2026-11-03",
            final_delivery_date="2026-11-04T10:00:00",
        ),
        Package(package_id="P2", type="ORDER_DELIVERY", current_status="IN_TRANSIT"),
    ),
    returns=(
        PastReturn(
            return_id="R1",
            tracking_id="T1",
            order_id="O3",
            item_id="A",
            quantity=2,
            status="COMPLETED",
            created_at="2026-11-05",
        ),
        PastReturn(
            return_id="R2",
            tracking_id="T2",
            order_id="o3",
            item_id="A",
            quantity=1,
            status="APPROVED",
            created_at="2026-11-06",
        ),
        PastReturn(
            return_id="R3",
            tracking_id="T3",
            order_id="O3",
            item_id="A",
            quantity=5,
            status="REJECTED",
            created_at="2026-11-07",
        ),
    ),
)


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shop.sqlite3'}"


@pytest.fixture
def file_shop(file_url: str) -> Iterator[sql.SqlShop]:
    with sql.create(file_url, DATA, busy_timeout=5.0) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives URLs where there is nothing yet, of either database."""
    if request.param == "postgresql":
        space: Callable[[], str] = request.getfixturevalue("postgres_space")
        return space
    numbers = count(1)
    return lambda: f"sqlite:///{tmp_path / f'shop{next(numbers)}.sqlite3'}"


@pytest.fixture
def url(place: Callable[[], str]) -> str:
    return place()


@pytest.fixture
def shop(url: str) -> Iterator[sql.SqlShop]:
    with sql.create(url, DATA) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shop for tests after which it is as it was."""
    made = f"sqlite:///{tmp_path_factory.mktemp('kept') / 'shop.sqlite3'}"
    if request.param == "postgresql":
        made = request.getfixturevalue("postgres_space")()
    sql.create(made, DATA).close()
    return made


@pytest.fixture
def kept_shop(kept_url: str) -> Iterator[sql.SqlShop]:
    with sql.connect(kept_url) as shop:
        yield shop


def file_of(shop: sql.SqlShop) -> Path:
    return Path(shop.name)


def raw(shop: sql.SqlShop) -> closing[sqlite3.Connection]:
    """A connection of a foreign program: what it writes, it commits."""
    connection = sqlite3.connect(file_of(shop), isolation_level=None, timeout=0)
    connection.execute("PRAGMA foreign_keys = ON")
    return closing(connection)


def foreign(url: str, *statements: str) -> list[list[Any]]:
    """What a foreign program reads with each statement; what they write, it commits."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda made, _: made.execute("PRAGMA foreign_keys = ON"))
    with engine.begin() as connection:
        found = [connection.exec_driver_sql(statement) for statement in statements]
        return [list(each) if each.returns_rows else [] for each in found]


def everything(url: str) -> list[list[Any]]:
    """All rows of all tables."""
    tables = foreign(url, *(f"SELECT * FROM {table}" for table in METADATA.tables))  # noqa: S608
    return [sorted(table, key=repr) for table in tables]


def code_of(operation: Callable[[], object]) -> str:
    with pytest.raises(RefusedByBackendError) as caught:
        operation()
    return caught.value.code


# -- looking up -------------------------------------------------------------------------------


def test_the_registry_opens_it_and_it_can_do_all_operations(shop: sql.SqlShop, url: str) -> None:
    found = registry.open_backend(url)
    assert isinstance(found, Backend)
    assert found.zone == "Europe/Berlin"
    assert found.capabilities() == shop.capabilities()
    assert all(callable(getattr(found, name)) for name in found.capabilities())
    found.close()
    found.close()
    with pytest.raises(UnavailableError) as caught:
        found.get_item_details("A")
    assert caught.value.outcome == "known"


@pytest.mark.parametrize("typed", ["ann.lee@example.com", "  ANN.LEE@EXAMPLE.COM\n"])
def test_an_address_is_trimmed_and_its_case_does_not_matter(shop: sql.SqlShop, typed: str) -> None:
    """Rule 20: real shops store mixed case; what is stored comes back as it is."""
    customer = shop.get_customer_by_email(typed)
    assert customer == DATA.customers[0]


def test_no_match_and_several_are_different_answers(shop: sql.SqlShop) -> None:
    """Rule 20: of several none is guessed. Messages leave the address out (rule 38)."""
    with pytest.raises(NotFoundError) as missing:
        shop.get_customer_by_email("nobody@example.com")
    assert "nobody" not in str(missing.value)
    with pytest.raises(AmbiguousError) as several:
        shop.get_customer_by_email("Twin@example.com")
    assert several.value.count == 2
    assert "win@" not in str(several.value)


@pytest.mark.parametrize("typed", ["", "  ", "\ud800@example.com"])
def test_an_address_that_nobody_can_have_is_not_found(shop: sql.SqlShop, typed: str) -> None:
    with pytest.raises(NotFoundError):
        shop.get_customer_by_email(typed)


def test_the_flag_and_the_active_returns_come_along(shop: sql.SqlShop) -> None:
    """Rule 15: the flag is data for the agent; nothing here depends on it."""
    customer = shop.get_customer_by_email("bo@example.com")
    assert customer.is_fraud_flag
    assert customer.active_returns == ("R2",)


@pytest.mark.parametrize("typed", ["Ord-1", " ord-1 ", "ORD-1\t"])
def test_an_order_is_found_however_its_id_is_typed(shop: sql.SqlShop, typed: str) -> None:
    """Rule 22: the id as stored is what comes back."""
    assert shop.get_order_details(typed).order_id == "Ord-1"


def test_an_order_comes_with_lines_parcels_and_exact_prices(shop: sql.SqlShop) -> None:
    """Rules 18, 31: lines stay apart, parcels are many to many, decimals are exact."""
    order = shop.get_order_details("Ord-1")
    expected = DATA.orders[0]
    assert [str(found.unit_price) for found in order.lines] == ["19.99", "0.333", "14.99"]
    assert [found.parcels for found in order.lines] == [found.parcels for found in expected.lines]
    assert [found.returned for found in order.lines] == [0, 0, 0]
    assert order.order_date == "2026-11-01"
    assert order.payment_status == "SUCCESS"


def test_anothers_order_is_answered_with_whose_it_is(shop: sql.SqlShop) -> None:
    """Rule 21: the adapter gives the customer id; whose order it is, a guard decides."""
    assert shop.get_order_details("O3").customer_id == "C2"


def test_returned_counts_what_holds_units(shop: sql.SqlShop) -> None:
    """Rule 17: whatever the state, but for cancelled and rejected returns."""
    order = shop.get_order_details("O3")
    assert [found.returned for found in order.lines] == [3]
    assert order.associated_returns == ("R1", "R2", "R3")


def test_what_does_not_exist_is_not_found(shop: sql.SqlShop) -> None:
    for operation in (shop.get_order_details, shop.get_item_details, shop.get_package_details):
        for missing in ("nope", "", "\udfff", "' OR 1=1 --"):
            with pytest.raises(NotFoundError):
                operation(missing)


def test_items_with_and_without_an_eligibility_block(shop: sql.SqlShop) -> None:
    """Rule 10: a missing block stays missing, an empty one stays empty."""
    assert shop.get_item_details(" A ") == DATA.items[0]
    assert shop.get_item_details("B").policy is None
    assert shop.get_item_details("D").policy == ReturnPolicy(return_window="")


def test_packages_come_as_recorded(shop: sql.SqlShop) -> None:
    assert shop.get_package_details("P1") == DATA.packages[0]
    assert shop.get_package_details("P2").final_delivery_date == ""


def test_an_order_that_fails_is_named_and_hides_no_other(shop: sql.SqlShop, url: str) -> None:
    """Rule 24: a missing order and a damaged one are named; the rest is there."""
    foreign(url, "UPDATE order_lines SET unit_price = 'n/a' WHERE order_id = 'O2'")
    answer = shop.summarize_orders(["Ord-1", "GONE", "O2", "ord-1", "\ud800"])
    assert [order.order_id for order in answer.orders] == ["Ord-1"]
    assert [failed.order_id for failed in answer.failed] == ["GONE", "O2", "\ud800"]
    assert "no such order" in answer.failed[0].reason
    assert "'n/a'" in answer.failed[1].reason
    with pytest.raises(UnavailableError) as caught:
        shop.get_order_details("O2")
    assert caught.value.outcome == "known"


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1,5", ""])
def test_a_price_that_is_no_amount_is_never_counted_with(
    shop: sql.SqlShop, url: str, price: str
) -> None:
    """Rule 31: exact decimals or none at all."""
    foreign(url, f"UPDATE items SET cost = '{price}' WHERE item_id = 'A'")  # noqa: S608
    with pytest.raises(UnavailableError, match="its cost"):
        shop.get_item_details("A")


def test_the_summary_names_the_shipment_of_each_line(shop: sql.SqlShop) -> None:
    (order,) = shop.summarize_orders([" ord-1 "]).orders
    assert [item.current_shipment_status for item in order.items] == [
        "DELIVERED",
        "DELIVERED",
        "IN_TRANSIT, NOT_YET_SHIPPED",
    ]
    assert [item.quantity for item in order.items] == [1, 2, 2]
    (other,) = shop.summarize_orders(["O2"]).orders
    assert {item.current_shipment_status for item in other.items} == {"NOT_YET_SHIPPED"}


def test_thousands_of_orders_are_summarized(url: str) -> None:
    """Rule 24: more orders than a statement takes parameters, one of them missing."""
    ids = tuple(f"N{number}" for number in range(2500))
    data = ShopData(
        zone="",
        customers=(Customer(customer_id="C", email="c@example.com", active_orders=ids),),
        orders=tuple(
            Order(order_id=i, customer_id="C", lines=(line("A", 1),)) for i in ids if i != "N1700"
        ),
    )
    with sql.create(url, data) as shop:
        assert shop.zone is None
        active = shop.get_customer_by_email("c@example.com").active_orders
        answer = shop.summarize_orders(active)
    assert active == ids
    assert [order.order_id for order in answer.orders] == [i for i in ids if i != "N1700"]
    assert [failed.order_id for failed in answer.failed] == ["N1700"]


def test_looking_up_writes_nothing(shop: sql.SqlShop, url: str) -> None:
    before = everything(url)
    shop.get_customer_by_email("ann.lee@example.com")
    shop.summarize_orders(["Ord-1", "GONE"])
    shop.get_order_details("Ord-1")
    shop.get_item_details("A")
    shop.get_package_details("P1")
    assert everything(url) == before


def test_hostile_texts_are_stored_unchanged(shop: sql.SqlShop, place: Callable[[], str]) -> None:
    """Rule 37: the shop keeps what it was given; harmless it is made where it is shown."""
    data = ShopData(
        zone="UTC",
        customers=(
            Customer(customer_id=HOSTILE, email="h@example.com", first_name=HOSTILE),
            Customer(customer_id="other"),
        ),
        orders=(
            Order(order_id="H", customer_id=HOSTILE, order_date=HOSTILE, lines=(line(HOSTILE, 2),)),
        ),
        items=(Item(item_id="H", description=HOSTILE, category=HOSTILE),),
    )
    with sql.create(place(), data) as hostile:
        customer = hostile.get_customer_by_email("h@example.com")
        assert customer.customer_id == customer.first_name == HOSTILE
        order = hostile.get_order_details("H")
        assert order.order_date == HOSTILE
        assert hostile.get_item_details("H").description == HOSTILE
        hostile.transfer_to_human_representative(HOSTILE, HOSTILE, idempotency_key=HOSTILE)
        assert [found[1:] for found in hostile.transfers()] == [(HOSTILE, HOSTILE)]
    shop.initiate_return("O3", "A", 1, "OTHER", idempotency_key=HOSTILE, note=HOSTILE)
    assert HOSTILE in [found.note for found in shop.returns()]


# -- returns ----------------------------------------------------------------------------------


def test_a_return_is_opened_and_stands_in_the_shop(shop: sql.SqlShop) -> None:
    """Rules 17, 27: it has a tracking id of its own, and its units count as returned."""
    first = shop.initiate_return(" ord-1", "B", 1, "DAMAGED", idempotency_key="k1", note="dent")
    second = shop.initiate_return("Ord-1", "B", 1, "OTHER", idempotency_key="k2")
    assert re.fullmatch(r"RT-[0-9A-HJKMNP-TV-Z]{6}-[0-9A-HJKMNP-TV-Z]{6}", first.tracking_id)
    assert first.status == "INITIATED"
    assert first.tracking_id != second.tracking_id
    order = shop.get_order_details("Ord-1")
    assert [found.returned for found in order.lines] == [0, 2, 0]
    assert order.associated_returns == (first.return_id, second.return_id)
    assert shop.get_customer_by_email("ann.lee@example.com").active_returns == (
        first.return_id,
        second.return_id,
    )
    kept = {found.tracking_id: found for found in shop.returns()}[first.tracking_id]
    assert (kept.order_id, kept.item_id, kept.quantity) == ("Ord-1", "B", 1)
    assert (kept.reason, kept.note) == ("DAMAGED", "dent")


def test_units_of_one_item_on_two_lines_add_up(shop: sql.SqlShop) -> None:
    """Rule 18: the lines are used up in order."""
    shop.initiate_return("Ord-1", "A", 2, "OTHER", idempotency_key="k1")
    assert [found.returned for found in shop.get_order_details("Ord-1").lines] == [1, 0, 1]
    shop.initiate_return("Ord-1", "A", 1, "OTHER", idempotency_key="k2")
    assert [found.returned for found in shop.get_order_details("Ord-1").lines] == [1, 0, 2]


@pytest.mark.parametrize(
    ("order", "item", "quantity", "reason", "key", "note", "code"),
    [
        ("nope", "A", 1, "OTHER", "k", "", "unknown_order"),
        ("", "A", 1, "OTHER", "k", "", "unknown_order"),
        ("O3", "B", 1, "OTHER", "k", "", "unknown_item"),
        ("O3", "A", 3, "OTHER", "k", "", "already_returned"),
        ("O3", "A", 6, "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", 0, "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", -1, "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", 1.5, "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", True, "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", "1", "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", 10**30, "OTHER", "k", "", "bad_quantity"),
        ("O3", "A", 1, "BROKEN", "k", "", "bad_reason"),
        ("O3", "A", 1, "other", "k", "", "bad_reason"),
        ("O3", "A", 1, "OTHER", "", "", "bad_key"),
        ("O3", "A", 1, "OTHER", "k", "\ud800", "bad_text"),
    ],
)
def test_what_the_shop_refuses_it_does_not_do(
    kept_shop: sql.SqlShop,
    kept_url: str,
    order: str,
    item: str,
    quantity: Any,
    reason: str,
    key: str,
    note: str,
    code: str,
) -> None:
    """Rules 16, 26, 30: a plain refusal has a reason in code, and nothing was done."""
    before = everything(kept_url)
    assert code == code_of(
        lambda: kept_shop.initiate_return(
            order, item, quantity, reason, idempotency_key=key, note=note
        )
    )
    assert everything(kept_url) == before


def test_a_refusal_says_how_many_are_left(shop: sql.SqlShop) -> None:
    """Rule 17: 5 ordered, 3 in a return, 3 asked for."""
    with pytest.raises(RefusedByBackendError, match="only 2 of this item"):
        shop.initiate_return("O3", "A", 3, "OTHER", idempotency_key="k")


def test_the_same_key_opens_one_return(shop: sql.SqlShop) -> None:
    """Rules 28, 29: asked again with the same key, also when nothing is left, the same receipt."""
    first = shop.initiate_return("O3", "A", 2, "DAMAGED", idempotency_key="k", note="n")
    again = shop.initiate_return(" o3", " A", 2, "DAMAGED", idempotency_key="k", note="n")
    assert again == first
    assert len(shop.returns()) == len(DATA.returns) + 1
    shop.set_return_status(first.tracking_id, "APPROVED")
    later = shop.initiate_return("O3", "A", 2, "DAMAGED", idempotency_key="k", note="n")
    assert (later.tracking_id, later.status) == (first.tracking_id, "APPROVED")


@pytest.mark.parametrize(
    "other",
    [
        ("Ord-1", "A", 1, "OTHER", ""),
        ("nope", "A", 1, "OTHER", ""),
        ("O3", "B", 1, "OTHER", ""),
        ("O3", "A", 2, "OTHER", ""),
        ("O3", "A", 1, "DAMAGED", ""),
        ("O3", "A", 1, "OTHER", "a note"),
    ],
)
def test_the_same_key_for_something_else_is_refused(
    shop: sql.SqlShop, other: tuple[str, str, int, str, str]
) -> None:
    """Rule 28: one key, one request."""
    shop.initiate_return("O3", "A", 1, "OTHER", idempotency_key="k")
    *arguments, note = other
    assert (
        code_of(
            lambda: shop.initiate_return(*arguments, idempotency_key="k", note=note)  # type: ignore[arg-type]
        )
        == "key_reused"
    )
    assert len(shop.returns()) == len(DATA.returns) + 1


@pytest.mark.parametrize("status", FREED)
def test_cancelled_and_rejected_returns_free_their_units(shop: sql.SqlShop, status: str) -> None:
    """Rule 17: freed units may be returned anew, and are not freed twice."""
    opened = shop.initiate_return("Ord-1", "A", 3, "OTHER", idempotency_key="k1")
    for _ in range(2):
        shop.set_return_status(opened.tracking_id, status)
        assert [found.returned for found in shop.get_order_details("Ord-1").lines] == [0, 0, 0]
    shop.initiate_return("Ord-1", "A", 2, "OTHER", idempotency_key="k2")
    assert code_of(lambda: shop.set_return_status(opened.tracking_id, "INITIATED")) == (
        "already_returned"
    )
    # Refused as a whole: the first line's unit was not taken either.
    assert [found.returned for found in shop.get_order_details("Ord-1").lines] == [1, 0, 1]
    assert {found.status for found in shop.returns() if found.order_id == "Ord-1"} == {
        status,
        "INITIATED",
    }


def test_the_back_office_is_told_what_it_gets_wrong(shop: sql.SqlShop) -> None:
    with pytest.raises(NotFoundError):
        shop.set_return_status("T9", "APPROVED")
    assert code_of(lambda: shop.set_return_status("T1", "LOST")) == "bad_status"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("return"), st.integers(1, 4)),
            st.tuples(st.integers(0, 5), st.sampled_from(STATUSES)),
        ),
        max_size=12,
    )
)
def test_no_sequence_returns_more_than_was_ordered(steps: list[tuple[Any, Any]]) -> None:
    """Rule 17: whatever is returned, cancelled and taken up again, the count is right."""
    data = ShopData(
        zone="",
        customers=(Customer(customer_id="C"),),
        orders=(
            Order(order_id="O", customer_id="C", lines=(line("A", 1), line("B", 9), line("A", 3))),
        ),
    )
    held: dict[str, int] = {}
    freed: dict[str, int] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        sql.create(f"sqlite:///{folder}/shop", data) as shop,
    ):
        for number, (what, value) in enumerate(steps):
            known = [found.tracking_id for found in shop.returns()]
            if what == "return":
                fits = sum(held.values()) + value <= 4
                try:
                    receipt = shop.initiate_return(
                        "O", "A", value, "OTHER", idempotency_key=str(number)
                    )
                    held[receipt.tracking_id] = value
                except RefusedByBackendError:
                    assert not fits
                else:
                    assert fits
            elif what < len(known):
                tracking_id = known[what]
                try:
                    shop.set_return_status(tracking_id, value)
                except RefusedByBackendError:
                    assert tracking_id in freed
                    continue
                units = held.pop(tracking_id, 0) or freed.pop(tracking_id)
                (freed if value in FREED else held)[tracking_id] = units
            lines = shop.get_order_details("O").lines
            assert [found.returned for found in lines][1] == 0
            assert sum(found.returned or 0 for found in lines) == sum(held.values()) <= 4


# -- transfers --------------------------------------------------------------------------------


def test_a_transfer_is_kept_once_per_key(shop: sql.SqlShop) -> None:
    """Rules 28, 34: the summary as it was sent, and one transfer however often it is asked."""
    first = shop.transfer_to_human_representative("C1", "Wants a person.", idempotency_key="t")
    again = shop.transfer_to_human_representative("C1", "Wants a person.", idempotency_key="t")
    assert first == again
    assert shop.transfers() == [(first.reference, "C1", "Wants a person.")]
    assert (
        code_of(lambda: shop.transfer_to_human_representative("C1", "Other.", idempotency_key="t"))
        == "key_reused"
    )


def test_a_transfer_before_anyone_is_identified(shop: sql.SqlShop) -> None:
    """Rule 35: without a customer id."""
    receipt = shop.transfer_to_human_representative(None, "Asks for a human.", idempotency_key="t")
    assert shop.transfers() == [(receipt.reference, None, "Asks for a human.")]


@pytest.mark.parametrize(
    ("customer", "summary", "key", "code"),
    [
        ("C1", " \n", "t", "empty_summary"),
        ("C9", "x", "t", "unknown_customer"),
        ("", "x", "t", "unknown_customer"),
        ("C1", "x", "", "bad_key"),
        ("C1", "\udead", "t", "bad_text"),
    ],
)
def test_a_transfer_is_refused_plainly(
    kept_shop: sql.SqlShop, customer: str, summary: str, key: str, code: str
) -> None:
    """Rules 30, 34: refused in code, and nothing was done."""
    assert code == code_of(
        lambda: kept_shop.transfer_to_human_representative(customer, summary, idempotency_key=key)
    )
    assert kept_shop.transfers() == []


# -- many at once -----------------------------------------------------------------------------

_RACER = """
import sys
from returnflow.backends import sql
from returnflow.errors import RefusedByBackendError
url, key = sys.argv[1:]
shop = sql.connect(url, busy_timeout=30.0)
print("ready", flush=True)
sys.stdin.readline()
try:
    print(shop.initiate_return("O2", "A", 1, "OTHER", idempotency_key=key).tracking_id)
except RefusedByBackendError as error:
    print(error.code)
"""


def race(url: str, keys: list[str]) -> list[str]:
    """Lets a process for each key try to return the last unit at the same moment."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, url, key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for key in keys
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        return [racer.communicate(timeout=60)[0].strip() for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def test_two_processes_fight_for_the_last_unit(shop: sql.SqlShop, url: str) -> None:
    """Rule 17: exactly one gets it; the other is told why not."""
    answers = race(url, ["k1", "k2"])
    assert answers.count("already_returned") == 1
    (opened,) = [found.tracking_id for found in shop.returns() if found.order_id == "O2"]
    assert opened in answers


def test_two_processes_with_one_key(shop: sql.SqlShop, url: str) -> None:
    """Rule 28: both get the same return."""
    first, second = race(url, ["k", "k"])
    assert first == second
    assert [found.tracking_id for found in shop.returns() if found.order_id == "O2"] == [first]


def test_many_threads_with_one_key_and_many_with_their_own(shop: sql.SqlShop) -> None:
    """Rules 17, 28: one return for the shared key; of the others as many as units are left."""
    start = threading.Barrier(16)

    def attempt(number: int) -> str:
        start.wait()
        key = "shared" if number < 8 else f"own-{number}"
        try:
            return shop.initiate_return("O3", "A", 1, "OTHER", idempotency_key=key).tracking_id
        except RefusedByBackendError as error:
            return error.code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(attempt, range(16)))
    opened = [found.tracking_id for found in shop.returns()][3:]
    assert sum(found.returned or 0 for found in shop.get_order_details("O3").lines) == 5
    assert len(opened) == 2
    assert len(set(answers[:8])) == 1
    assert set(answers) == {*opened, "already_returned"}


# -- faults -----------------------------------------------------------------------------------


def impatient(shop: sql.SqlShop) -> sql.SqlShop:
    return sql.open_file(file_of(shop), busy_timeout=0.0)


def outcome_of(operation: Callable[[], object], words: str) -> str:
    with pytest.raises(UnavailableError, match=words) as caught:
        operation()
    return caught.value.outcome


def test_a_locked_shop_has_surely_done_nothing(file_shop: sql.SqlShop) -> None:
    """Rule 29: an outcome is called known only where it is; later the same key succeeds."""
    other = impatient(file_shop)
    with raw(file_shop) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        write = partial(other.initiate_return, "O3", "A", 1, "OTHER", idempotency_key="k")
        assert outcome_of(write, "another program holds it") == "known"
        assert outcome_of(lambda: other.get_item_details("A"), "another program") == "known"
        assert outcome_of(lambda: impatient(file_shop), "another program") == "known"
        connection.execute("ROLLBACK")
    assert len(file_shop.returns()) == len(DATA.returns)
    assert write().status == "INITIATED"


def test_a_commit_that_a_reader_blocks_has_not_happened(file_shop: sql.SqlShop) -> None:
    """Rule 29: nothing is left of it, and the same key opens one return afterwards."""
    other = impatient(file_shop)
    write = partial(other.initiate_return, "O3", "A", 1, "OTHER", idempotency_key="k")
    with raw(file_shop) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM orders").fetchone()
        assert outcome_of(write, "another program holds it") == "known"
        connection.execute("ROLLBACK")
    assert len(file_shop.returns()) == len(DATA.returns)
    assert write() == write()
    assert len(file_shop.returns()) == len(DATA.returns) + 1


class SmallDisk(SqliteStore):
    """A store whose file may not grow: SQLite itself answers that the disk is full."""

    def _open(self) -> sqlite3.Connection:
        connection = super()._open()
        connection.execute("PRAGMA max_page_count = 1")
        return connection


def test_a_full_disk_has_surely_done_nothing(file_shop: sql.SqlShop) -> None:
    """Rule 29: a note too large for what is left of the disk."""
    small = sql.SqlShop(SmallDisk(file_of(file_shop)), "UTC")
    note = "x" * 1_000_000
    write = partial(small.initiate_return, "O3", "A", 1, "OTHER", idempotency_key="k", note=note)
    assert outcome_of(write, "disk is full") == "known"
    assert len(file_shop.returns()) == len(DATA.returns)
    assert [found.returned for found in file_shop.get_order_details("O3").lines] == [3]


_LIMITED = """
import pathlib, resource, signal, sys
from returnflow.backends import sql
from returnflow.errors import UnavailableError
shop = sql.connect(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (pathlib.Path(shop.name).stat().st_size, hard))
write = lambda: shop.initiate_return(
    "O3", "A", 1, "OTHER", idempotency_key="k", note="x" * 100_000
)
try:
    write()
except UnavailableError as error:
    print(error.outcome)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(write().tracking_id)
"""


@pytest.mark.parametrize("times", [1, 2])
def test_a_file_that_may_not_grow(file_shop: sql.SqlShop, file_url: str, times: int) -> None:
    """Rule 29: whatever the failed COMMIT did, asking again with the key gives one return."""
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", _LIMITED, file_url], capture_output=True, text=True, check=True
        )
    *outcomes, tracking_id = done.stdout.split()
    assert set(outcomes) <= {"known", "unknown"}
    assert len(outcomes) == (1 if times == 1 else 0)
    assert [found.tracking_id for found in file_shop.returns()][3:] == [tracking_id]


def test_a_file_that_is_gone_is_not_written_to(file_shop: sql.SqlShop) -> None:
    """Rule 29: nothing goes into a file that no name leads to any more."""
    elsewhere = file_of(file_shop).rename(file_of(file_shop).with_name("elsewhere"))
    write = partial(file_shop.initiate_return, "O3", "A", 1, "OTHER", idempotency_key="k")
    assert outcome_of(write, "gone") == "known"
    assert outcome_of(lambda: file_shop.get_item_details("A"), "gone") == "known"
    assert not file_of(file_shop).exists()
    elsewhere.rename(file_of(file_shop))
    assert write().status == "INITIATED"


def test_a_damaged_file_is_called_so(file_shop: sql.SqlShop) -> None:
    file_of(file_shop).write_bytes(b"\x00" * 8192)
    assert outcome_of(lambda: file_shop.get_item_details("A"), "damaged") == "known"


# -- constraints ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_lines SET returned = quantity + 1",
        "UPDATE order_lines SET returned = -1",
        "UPDATE order_lines SET returned = 'many'",
        "UPDATE order_lines SET quantity = 0 WHERE order_id = 'O2'",
        "UPDATE order_lines SET quantity = 'x'",
        "UPDATE line_parcels SET quantity = 0",
        "UPDATE returns SET quantity = 0",
        "UPDATE returns SET quantity = -1",
        "UPDATE returns SET idempotency_key = 'same'",
        "UPDATE returns SET idempotency_key = NULL",
        "UPDATE returns SET idempotency_key = ''",
        "UPDATE returns SET tracking_id = 'same'",
        "UPDATE returns SET status = 'LOST'",
        "UPDATE returns SET reason = 'BROKEN'",
        "UPDATE returns SET order_id = 'nope'",
        "UPDATE return_lines SET quantity = 0",
        "UPDATE return_lines SET line_no = 9",
        "UPDATE orders SET customer_id = 'nope'",
        "UPDATE orders SET order_key = 'same'",
        "UPDATE items SET has_policy = (1 = 0)",
        "DELETE FROM orders",
        "DELETE FROM returns",
        "DELETE FROM customers",
        "INSERT INTO transfers VALUES ('r', 'k', NULL, '', '')",
        "INSERT INTO transfers VALUES ('r', 'k', NULL, '  ', '')",
        "INSERT INTO transfers VALUES ('r', NULL, NULL, 'x', '')",
        "INSERT INTO transfers VALUES ('r', 'k', 'nope', 'x', '')",
        "INSERT INTO transfers VALUES ('a', 'k', NULL, 'x', ''), ('b', 'k', NULL, 'x', '')",
    ],
)
def test_the_tables_themselves_refuse(kept_url: str, statement: str) -> None:
    """Rules 16, 17, 28: what must not be cannot be, whichever program writes."""
    before = everything(kept_url)
    # Where a column has a type, PostgreSQL does not even get as far as the constraint.
    with pytest.raises((IntegrityError, DataError, ProgrammingError)) as caught:
        foreign(kept_url, statement)
    assert getattr(caught.value.orig, "sqlstate", "23")[:2] in ("23", "22", "42")
    assert everything(kept_url) == before


# -- opening and making -----------------------------------------------------------------------


def test_an_url_that_names_no_shop(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to look at" * 50)
    (tmp_path / "empty").touch()
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE meta (schema INTEGER)")
        other.commit()
    with closing(sqlite3.connect(tmp_path / "kind")) as other:
        other.execute("CREATE TABLE meta (name TEXT, value TEXT)")
        other.commit()
    cases = {
        f"sqlite:///{tmp_path / 'missing'}": "there is no shop at",
        f"sqlite:///{tmp_path}": "is not a file",
        f"sqlite:///{tmp_path / 'text'}": "is not a shop",
        f"sqlite:///{tmp_path / 'empty'}": "is not a shop",
        f"sqlite:///{tmp_path / 'other'}": "is not a shop",
        f"sqlite:///{tmp_path / 'kind'}": "is not a shop",
        "sqlite://": "names no file",
        "sqlite:///:memory:": "names no file",
        "sqlite://host/file": "names no shop",
        "sqlite:///file?mode=ro": "names no shop",
        "sqlite:file": "names no shop",
    }
    for url, words in cases.items():
        with pytest.raises(UsageError, match=words):
            sql.connect(url)
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("version", "999", "of version 999"),
        ("version", "old", "no readable version"),
        ("zone", "Mars/Base", "'Mars/Base'"),
    ],
)
def test_a_shop_that_this_program_cannot_read(
    file_shop: sql.SqlShop, name: str, value: str, words: str
) -> None:
    with raw(file_shop) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = ?", [value, name])
    with pytest.raises(UsageError, match=words):
        sql.open_file(file_of(file_shop))


def test_a_new_shop_overwrites_nothing(
    file_shop: sql.SqlShop, file_url: str, tmp_path: Path
) -> None:
    before = file_of(file_shop).read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        sql.create(file_url, DATA)
    assert file_of(file_shop).read_bytes() == before
    with pytest.raises(UsageError, match="there is no folder"):
        sql.create(f"sqlite:///{tmp_path}/no/shop", DATA)


def _contradictions() -> dict[str, ShopData]:
    past = PastReturn(return_id="R", tracking_id="T", order_id="O", item_id="A", quantity=9)
    order = Order(order_id="O", customer_id="C", lines=(line("A", 1),))
    customers = (Customer(customer_id="C"),)
    return {
        "constraints": ShopData(zone="", orders=(order,)),
        "only 1": ShopData(zone="", customers=customers, orders=(order,), returns=(past,)),
        "does not have": ShopData(zone="", customers=customers, returns=(past,)),
    }


@pytest.mark.parametrize("words", list(_contradictions()))
def test_data_that_contradict_themselves(
    shop: sql.SqlShop, place: Callable[[], str], words: str
) -> None:
    data = _contradictions()[words]
    with pytest.raises(UsageError, match=words):
        sql.create(place(), data)
    with pytest.raises(UsageError, match=words):
        shop.replace(data)
    assert shop.get_order_details("O3").lines[0].returned == 3


def test_replacing_is_seen_by_those_who_have_the_shop_open(shop: sql.SqlShop, url: str) -> None:
    with sql.connect(url) as other:
        opened = other.initiate_return("O3", "A", 1, "OTHER", idempotency_key="k")
        shop.replace(DATA)
        assert opened.tracking_id not in [found.tracking_id for found in other.returns()]
        assert other.get_order_details("O3").lines[0].returned == 3
        assert other.loaded_on() == "2026-11-23"


def test_a_path_with_awkward_characters(tmp_path: Path) -> None:
    folder = tmp_path / "an odd # % folder & ü"
    folder.mkdir()
    with sql.create(f"sqlite:///{folder}/shop", DATA) as shop:
        assert shop.get_item_details("A").item_id == "A"
    with sql.create_file(folder / "a?b", DATA) as shop:
        assert file_of(shop).name == "a?b"
