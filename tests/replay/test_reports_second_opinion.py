"""Where what a call recorded and what the shop says now disagree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from replay.report_samples import MASKER
from returnflow.engine.transcript import ToolCall, Transcript
from returnflow.engine.vocabulary import Event
from returnflow.errors import UnavailableError
from returnflow.records import Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS
from returnflow.replay.second_opinion import MAX_SILENT, SecondOpinion
from returnflow.returns import VOCABULARY
from returnflow.returns.events import (
    ItemFound,
    ItemMissing,
    OrderFound,
    OrderMissing,
    PackageFound,
)
from returnflow.testing import MemoryShop, curated_shop

LINES = (
    OrderLine(
        item_id="I-1",
        quantity=2,
        unit_price=Decimal("7.35"),
        currency="EUR",
        returned=0,
        parcels=(Parcel(package_id="P-1", quantity=2),),
    ),
    OrderLine(item_id="I-2", quantity=1),
)
ORDER = Order(order_id="O-1", customer_id="C-1", order_date="2026-03-20", lines=LINES)
ITEM = Item(item_id="I-1", policy=ReturnPolicy(return_eligible=True, return_window="30"))
PACKAGE = Package(package_id="P-1", type="ORDER_DELIVERY", current_status="DELIVERED")


def shop() -> MemoryShop:
    return MemoryShop(
        today=curated_shop().today,
        customers=[],
        orders=[ORDER],
        items=[ITEM],
        packages=[PACKAGE],
    )


def call(*events: Event, **of: Any) -> Transcript:
    made = {"case_id": "C", "format": "native", "source": "log", "line": 1, **of}
    return Transcript(**{"events": list(events), **made})


def differing(*events: Event, backend: Any = None) -> list[tuple[str, str, str]]:
    second = SecondOpinion(backend or shop(), None)
    return [(each.about, each.recorded, each.shop) for each in second.on(call(*events), None)]


def test_what_is_the_same_is_not_told() -> None:
    order = replace(ORDER, order_id="o-1", lines=LINES[::-1])
    assert (
        differing(OrderFound(order=order), ItemFound(item=ITEM), PackageFound(package=PACKAGE))
        == []
    )


def test_each_member_that_differs_is_told_once() -> None:
    order = replace(
        ORDER,
        order_date="2026-03-01",
        lines=(replace(LINES[0], quantity=3, unit_price=Decimal("1.00")), LINES[1]),
    )
    package = replace(PACKAGE, current_status="IN_TRANSIT")
    item = replace(ITEM, policy=ReturnPolicy(return_eligible=False, return_window="30"))
    assert differing(
        OrderFound(order=order),
        OrderFound(order=order),
        ItemFound(item=item),
        PackageFound(package=package),
    ) == [
        ("order O-1: order_date", "2026-03-01", "2026-03-20"),
        ("order O-1: lines[I-1].quantity", "3", "2"),
        ("order O-1: lines[I-1].unit_price", "1.00", "7.35"),
        ("item I-1: policy.return_eligible", "False", "True"),
        ("package P-1: current_status", "IN_TRANSIT", "DELIVERED"),
    ]


def test_other_lines_are_told_as_a_whole() -> None:
    order = replace(ORDER, lines=LINES[:1])
    assert differing(OrderFound(order=order)) == [("order O-1: lines", "I-1", "I-1, I-2")]


def test_what_was_not_recorded_is_not_compared() -> None:
    """Rule 41."""
    line = OrderLine(item_id="I-1", quantity=NOT_RECORDED_UNITS)
    order = replace(ORDER, order_date="[DATE]", customer_id=NOT_RECORDED, lines=(line, LINES[1]))
    hidden = Item(item_id="[PII]")
    assert differing(OrderFound(order=order), ItemFound(item=hidden)) == []


def test_what_the_shop_does_not_know_and_what_the_call_did_not() -> None:
    gone = replace(ORDER, order_id="O-9")
    assert differing(
        OrderFound(order=gone), OrderMissing(order_id="O-1"), ItemMissing(item_id="x")
    ) == [
        ("order O-9", "as known", "unknown to it"),
        ("order O-1", "unknown to the shop", "known"),
    ]


def test_recorded_tool_calls_are_compared_too() -> None:
    assert VOCABULARY.transcription is not None
    second = SecondOpinion(shop(), VOCABULARY.transcription())
    tool = ToolCall(
        index=0,
        group=0,
        tool="get_package_details",
        operation="get_package_details",
        arguments={"package_id": "P-1"},
        result={"package_id": "P-1", "type": "ORDER_DELIVERY", "current_status": "IN_TRANSIT"},
    )
    [one] = second.on(call(events=[], members=[tool]), None)
    assert (one.about, one.recorded, one.shop) == (
        "package P-1: current_status",
        "IN_TRANSIT",
        "DELIVERED",
    )


def test_a_shop_that_does_not_answer_is_left_alone() -> None:
    class Silent:
        asked = 0

        def get_item_details(self, item_id: str) -> Item:
            self.asked += 1
            raise UnavailableError("no route")

    silent = Silent()
    items = [ItemFound(item=Item(item_id=f"I-{n}")) for n in range(10)]
    told = differing(*items, backend=silent)
    assert silent.asked == MAX_SILENT
    assert len(told) == 10
    assert told[0] == ("item I-0", "as known", "no answer: no route")
    assert told[-1] == (
        "item I-9",
        "as known",
        "not asked; it gave no answer several times in a row",
    )


def test_it_is_masked_and_inert() -> None:
    """Rules 37, 38."""
    item = replace(ITEM, description="for ann@example.com \x1b[31m")
    backend = MemoryShop(
        today=curated_shop().today,
        customers=[],
        orders=[],
        items=[replace(ITEM, description="a kettle")],
        packages=[],
    )
    transcript = call(ItemFound(item=item), case_id="of bo@example.com")
    [one] = SecondOpinion(backend, None).on(transcript, MASKER)
    assert "@example.com" not in f"{one}"
    assert one.recorded.startswith("for m-")
    assert "\x1b" not in one.recorded
