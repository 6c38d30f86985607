"""What recorded calls answered, as events: every shape of a result, and every kind of error."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest

from returnflow.engine.transcript import ToolCall
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderFailure,
    OrderLine,
    OrderSummary,
    Package,
    Parcel,
    ReturnPolicy,
    ReturnReceipt,
    SummaryLine,
    TransferReceipt,
)
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS
from returnflow.returns import events as ev
from returnflow.returns.recorded import outcome

ARGUMENTS: dict[str, dict[str, Any]] = {
    "get_customer_by_email": {"email": "ann@example.com"},
    "summarize_orders": {"order_ids": ["W1", "W2"]},
    "get_order_details": {"order_id": "W1"},
    "get_item_details": {"item_id": "I1"},
    "get_package_details": {"package_id": "P1"},
    "initiate_return": {"order_id": "W1000", "item_id": "ITEM2000", "quantity": 1},
    "transfer_to_human_representative": {"customer_id": "C1", "summary_of_issues": "x"},
}
LOOK_UPS = tuple(ARGUMENTS)[:5]
WRITES = tuple(ARGUMENTS)[5:]


def came(
    operation: str,
    result: Any,
    how: Literal["answered", "failed", "not_recorded"] = "answered",
    **arguments: Any,
) -> Any:
    """The event of a call that came back with that."""
    return outcome(
        ToolCall(
            index=0,
            group=0,
            tool=operation,
            operation=operation,
            arguments=arguments or ARGUMENTS[operation],
            outcome=how,
            result=result,
        )
    )


HIDDEN_LINE = OrderLine(
    item_id=NOT_RECORDED,
    quantity=NOT_RECORDED_UNITS,
    parcels=(Parcel(package_id=NOT_RECORDED, quantity=NOT_RECORDED_UNITS),),
)
HIDDEN = {
    "get_customer_by_email": ev.CustomerFound(
        customer=Customer(
            customer_id=NOT_RECORDED, email=NOT_RECORDED, active_orders=(NOT_RECORDED,)
        )
    ),
    "summarize_orders": ev.OrdersSummarized(
        orders=tuple(OrderSummary(order_id=each, order_date=NOT_RECORDED) for each in ("W1", "W2"))
    ),
    "get_order_details": ev.OrderFound(
        order=Order(
            order_id="W1",
            customer_id=NOT_RECORDED,
            order_date=NOT_RECORDED,
            payment_status=NOT_RECORDED,
            lines=(HIDDEN_LINE,),
        )
    ),
    "get_item_details": ev.ItemFound(
        item=Item(item_id="I1", policy=ReturnPolicy(return_window=NOT_RECORDED))
    ),
    "get_package_details": ev.PackageFound(
        package=Package(
            package_id="P1",
            type=NOT_RECORDED,
            current_status=NOT_RECORDED,
            estimated_delivery_date=NOT_RECORDED,
            final_delivery_date=NOT_RECORDED,
        )
    ),
}


@pytest.mark.parametrize("operation", LOOK_UPS)
@pytest.mark.parametrize(
    ("result", "how"),
    [
        ("All done.", "answered"),
        (17, "answered"),
        ("[PII]", "answered"),
        ("{broken", "answered"),
        ([1], "answered"),
        (None, "not_recorded"),
    ],
)
def test_a_look_up_not_recognised_is_found_and_hidden(
    operation: str, result: Any, how: Any
) -> None:
    """Its ids are those that were asked for; nothing else can be told."""
    assert came(operation, result, how) == HIDDEN[operation]


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(("result", "how"), [(None, "not_recorded"), ("[PII]", "answered")])
def test_a_write_not_recorded_has_no_outcome(operation: str, result: Any, how: Any) -> None:
    """What became of it nobody can tell."""
    assert came(operation, result, how) is None


def test_other_tools_have_no_outcome() -> None:
    """They are no operation of the procedure."""
    assert came("think", "ok", x=1) is None


def test_the_time_of_the_call_is_that_of_its_event() -> None:
    """Where it is recorded."""
    at = datetime(2025, 1, 1, tzinfo=UTC)
    call = ToolCall(
        index=0, group=0, tool="x", operation="get_item_details", arguments={}, result=None, at=at
    )
    event = outcome(call)
    assert event is not None
    assert event.at == at


# -- the shop-data form -----------------------------------------------------------------------

CUSTOMER = {
    "customer_id": "CUST0001001",
    "first_name": "Ann",
    "last_name": "Lee",
    "email": "ann@example.com",
    "phone_number": "",
    "active_orders": ["W1", "W2"],
    "active_returns": [],
    "is_fraud_flag": True,
    "loyalty": 7,
}


@pytest.mark.parametrize(
    "result", [CUSTOMER, {"CUST001001": CUSTOMER}, {"customer": CUSTOMER}, [CUSTOMER]]
)
def test_a_customer(result: Any) -> None:
    """Also inside another object; unknown members are ignored."""
    assert came("get_customer_by_email", result) == ev.CustomerFound(
        customer=Customer(
            customer_id="CUST0001001",
            first_name="Ann",
            last_name="Lee",
            email="ann@example.com",
            active_orders=("W1", "W2"),
            is_fraud_flag=True,
        )
    )


@pytest.mark.parametrize(
    ("orders", "seen"),
    [([], ()), (None, ()), ("W1", (NOT_RECORDED,)), (["W1", None], ("W1", NOT_RECORDED))],
)
def test_active_orders(orders: Any, seen: tuple[str, ...]) -> None:
    """Empty means none; of the wrong type means not known."""
    event = came("get_customer_by_email", {**CUSTOMER, "active_orders": orders})
    assert event.customer.active_orders == seen


ORDER = """{
  "order_id": "W1", "customer_id": "C1", "order_date": "2025-01-05T10:00:00",
  "payment_status": "SUCCESS", "currency": "EUR", "associated_returns": [],
  "items_ordered": [
    {"item_number": "I1", "qty": 2, "item_final_cost": 19.90, "package_id": "P1"},
    {"item_number": "I2", "qty": 1, "item_final_cost": "5", "package_id": ""}
  ]
}"""


def test_an_order() -> None:
    """As JSON text: amounts stay exact; an empty package id is an item not shipped yet."""
    assert came("get_order_details", ORDER) == ev.OrderFound(
        order=Order(
            order_id="W1",
            customer_id="C1",
            order_date="2025-01-05T10:00:00",
            payment_status="SUCCESS",
            lines=(
                OrderLine(
                    item_id="I1",
                    quantity=2,
                    unit_price=Decimal("19.90"),
                    currency="EUR",
                    returned=0,
                    parcels=(Parcel(package_id="P1", quantity=2),),
                ),
                OrderLine(
                    item_id="I2",
                    quantity=1,
                    unit_price=Decimal(5),
                    currency="EUR",
                    returned=0,
                    parcels=(Parcel(quantity=1),),
                ),
            ),
        )
    )


@pytest.mark.parametrize(
    ("returns", "returned"), [([], 0), (None, 0), (["R1"], None), ("none", None), (..., None)]
)
def test_units_in_a_return_are_known_only_where_there_is_none(returns: Any, returned: Any) -> None:
    """An order names its returns, not how many units are in them (rule 17)."""
    data = {"order_id": "W1", "items_ordered": [{"item_number": "I1", "qty": 2}]}
    if returns is not ...:
        data["associated_returns"] = returns
    assert came("get_order_details", data).order.lines[0].returned == returned


@pytest.mark.parametrize(
    "qty", [None, "two", -3, 1.5, True, Decimal("1e999999"), Decimal("1.5"), [], 10**30]
)
def test_units_that_are_none(qty: Any) -> None:
    """A wrong type loses this member and nothing else."""
    data = {"order_id": "W1", "customer_id": "C1", "items_ordered": [{"item_number": "I1"}]}
    data["items_ordered"][0]["qty"] = qty  # type: ignore[index]
    order = came("get_order_details", data).order
    assert order.customer_id == "C1"
    assert order.lines[0].item_id == "I1"
    assert order.lines[0].quantity == NOT_RECORDED_UNITS


def test_members_that_are_missing_or_redacted() -> None:
    """Missing is not observable, empty is empty, and a redaction stays what it is."""
    data = {"order_date": "", "customer_id": "[PII]", "items_ordered": [{"qty": 1}]}
    order = came("get_order_details", data).order
    assert (order.order_id, order.order_date, order.customer_id) == ("W1", "", "[PII]")
    assert order.lines[0].item_id == NOT_RECORDED
    assert order.lines[0].parcels == (Parcel(package_id=NOT_RECORDED, quantity=1),)


@pytest.mark.parametrize("key", ["return_eligiblity_details", "return_eligibility_details"])
@pytest.mark.parametrize(
    ("block", "policy"),
    [
        (
            {"return_eligible": True, "return_window": "30 days"},
            ReturnPolicy(return_eligible=True, return_window="30 days"),
        ),
        (
            {"return_eligible": "false", "return_window": 30},
            ReturnPolicy(return_eligible=False, return_window="30"),
        ),
        ({"return_window": None}, ReturnPolicy()),
        ({"return_window": ""}, ReturnPolicy(return_window="")),
        ({}, ReturnPolicy(return_window=NOT_RECORDED)),
        ("yes", ReturnPolicy(return_window=NOT_RECORDED)),
        (None, None),
    ],
)
def test_the_eligibility_block(key: str, block: Any, policy: Any) -> None:
    """In both spellings; missing members are hidden, null ones are none."""
    item = came("get_item_details", {"item_id": "I1", "item_cost": 2, key: block}).item
    assert item.policy == policy
    assert item.cost == 2


def test_a_package() -> None:
    """Empty dates mean none."""
    data = {
        "package_id": "P1",
        "type": "ORDER_DELIVERY",
        "current_status": "DELIVERED",
        "estimated_delivery_date": "",
        "final_delivery_date": "2025-01-08",
    }
    assert came("get_package_details", data).package == Package(
        package_id="P1",
        type="ORDER_DELIVERY",
        current_status="DELIVERED",
        final_delivery_date="2025-01-08",
    )


def test_orders_summarized() -> None:
    """Keyed by order id; an error text for one order hides none of the others (rule 24)."""
    line = {
        "item_id": "I1",
        "description": "Kettle",
        "quantity": 1,
        "current_shipment_status": "NOT_YET_SHIPPED",
    }
    data = {
        "W1": {"order_date": "2025-01-05", "items_ordered": [line]},
        "W2": "<error> Order not found </error>",
    }
    assert came("summarize_orders", data) == ev.OrdersSummarized(
        orders=(
            OrderSummary(
                order_id="W1",
                order_date="2025-01-05",
                items=(
                    SummaryLine(
                        item_id="I1",
                        description="Kettle",
                        quantity=1,
                        current_shipment_status="NOT_YET_SHIPPED",
                    ),
                ),
            ),
        ),
        failed=(OrderFailure(order_id="W2", reason="Order not found"),),
    )
    assert came("summarize_orders", {}) == ev.OrdersSummarized()


def test_ids_spelled_in_two_ways() -> None:
    """The id that was asked for counts, since the order points at it; another's does not."""
    assert came("get_item_details", {"item_id": "ITEM0001"}, item_id="ITEM001").item.item_id == (
        "ITEM001"
    )
    assert came("get_item_details", {"item_id": "OTHER9"}, item_id="ITEM001").item.item_id == (
        "OTHER9"
    )
    assert came("get_order_details", {"order_id": "W1"}, order_id=" w1 ").order.order_id == "W1"


def test_our_own_records_are_read_as_they_are() -> None:
    """What our own backends answer, encoded, comes back the same."""
    order = Order(
        order_id="W1",
        customer_id="C1",
        order_date="2025-01-05",
        payment_status="SUCCESS",
        lines=(
            OrderLine(
                item_id="I1",
                description="Kettle",
                quantity=3,
                unit_price=Decimal("1.10"),
                currency="EUR",
                returned=1,
                parcels=(Parcel(package_id="P1", quantity=2), Parcel(package_id="", quantity=1)),
            ),
        ),
    )
    text = msgspec.json.encode(order).decode()
    assert came("get_order_details", text).order == order
    item = Item(
        item_id="I1",
        description="Kettle",
        cost=Decimal("1.10"),
        policy=ReturnPolicy(return_eligible=True, return_window="30"),
    )
    assert came("get_item_details", msgspec.to_builtins(item)).item == item
    summary = {"orders": [{"order_id": "W1", "order_date": "", "items": []}], "failed": []}
    assert came("summarize_orders", summary) == ev.OrdersSummarized(
        orders=(OrderSummary(order_id="W1"),)
    )


# -- errors of look-ups -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ("get_customer_by_email", ev.CustomerMissing(email="ann@example.com")),
        ("get_order_details", ev.OrderMissing(order_id="W1")),
        ("get_item_details", ev.ItemMissing(item_id="I1")),
        ("get_package_details", ev.PackageMissing(package_id="P1")),
    ],
)
@pytest.mark.parametrize(
    ("result", "how"),
    [
        ("<error> not found </error>", "answered"),
        ("it does not exist", "failed"),
        ({"error": "No such record"}, "answered"),
        ({"success": False, "message": "nothing: no match was found"}, "answered"),
        ("Could not find it.", "answered"),
        (None, "answered"),
        ({}, "answered"),
        ("null", "answered"),
    ],
)
def test_not_found(operation: str, missing: Any, result: Any, how: Any) -> None:
    """An answer and no fault, however it is put."""
    assert came(operation, result, how) == missing


@pytest.mark.parametrize("operation", LOOK_UPS)
@pytest.mark.parametrize(
    "error", ["request timed out", "internal error", "host not found: network down", "whatever"]
)
def test_any_other_error_of_a_look_up(operation: str, error: str) -> None:
    """It changed nothing, so nothing about it is unknown."""
    assert came(operation, f"<error> {error} </error>") == ev.BackendFailed(
        operation=operation, outcome="known", message=error
    )


@pytest.mark.parametrize(
    ("result", "count"),
    [
        ("<error> several customers match </error>", 2),
        ({"error": "3 accounts found for this e-mail"}, 3),
        ([CUSTOMER, CUSTOMER, CUSTOMER, CUSTOMER], 4),
    ],
)
def test_several_customers(result: Any, count: int) -> None:
    """None is guessed (rule 20)."""
    assert came("get_customer_by_email", result) == ev.CustomerAmbiguous(
        email="ann@example.com", count=count
    )


def test_a_summary_of_orders_that_are_all_unknown() -> None:
    """Each of those asked for failed to load."""
    assert came("summarize_orders", "<error> orders not found </error>") == ev.OrdersSummarized(
        failed=tuple(OrderFailure(order_id=x, reason="orders not found") for x in ("W1", "W2"))
    )


# -- writes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "tracking_id"),
    [
        ({"return_tracking_id": "T1", "tracking_id": "T2", "return_id": "T3"}, "T1"),
        ({"return_tracking_id": "", "tracking_id": "T2", "return_id": "T3"}, "T2"),
        ({"return_id": "T3", "status": "INITIATED"}, "T3"),
        ({"return": {"tracking_id": 77}}, "77"),
        ('{"tracking_id": "[PII]"}', "[PII]"),
        ("<success> Return initiated. The tracking id is RT-2025-0007. </success>", "RT-2025-0007"),
        ("<success> RET12345 created for ITEM2000 of W1000 on 2025-01-05 </success>", "RET12345"),
        ("Return initiated, it cannot be undone. Return tracking id: 9Z88", "9Z88"),
        ("<success> tracking id: [PII] </success>", "[PII]"),
    ],
)
def test_a_return_opened(result: Any, tracking_id: str) -> None:
    """The tracking id is in one of three members, or in a sentence."""
    event = came("initiate_return", result)
    assert isinstance(event, ev.ReturnOpened)
    assert event.receipt.tracking_id == tracking_id


def test_a_receipt_is_kept_whole() -> None:
    """The return's own id and status, where they are told."""
    data = {"tracking_id": "T2", "return_id": "R3", "status": "INITIATED"}
    assert came("initiate_return", data).receipt == ReturnReceipt(
        tracking_id="T2", return_id="R3", status="INITIATED"
    )


PLAIN = [
    "item is not eligible for return",
    "order not found",
    "invalid reason",
    "not allowed",
    "units already returned",
    "rejected by policy",
    "quantity exceeds the order",
    "this item cannot be returned",
]
DOUBTFUL = [
    "request timed out",
    "internal error",
    "cannot connect to the server",
    "invalid response from upstream",
    "unknown error",
    "",
]


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("error", PLAIN)
def test_a_write_plainly_refused(operation: str, error: str) -> None:
    """Nothing was done."""
    event = came(operation, f"<error> {error} </error>")
    assert isinstance(event, ev.ReturnRefused | ev.TransferRefused)
    assert event.message == error


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("error", DOUBTFUL)
def test_a_write_of_unknown_outcome(operation: str, error: str) -> None:
    """After these words the shop may have acted (rule 30)."""
    assert came(operation, error, "failed") == ev.BackendFailed(
        operation=operation, outcome="unknown", message=error
    )


@pytest.mark.parametrize(
    "result", [{"status": "ok"}, {"tracking_id": None}, {}, [], "<success> done </success>", "ok"]
)
def test_a_reply_without_a_tracking_id(result: Any) -> None:
    """Neither success nor failure (rule 30)."""
    event = came("initiate_return", result)
    assert isinstance(event, ev.BackendFailed)
    assert event.outcome == "unknown"


@pytest.mark.parametrize(
    ("result", "refused"),
    [
        ({"status": "REJECTED", "return_id": "R1"}, True),
        ("The item is not eligible for return.", True),
        ("Return was not successful: already returned", True),
        ({"success": False, "message": "already returned"}, True),
    ],
)
def test_refusals_without_an_error_mark(result: Any, refused: bool) -> None:
    """Words and statuses are understood, too."""
    assert isinstance(came("initiate_return", result), ev.ReturnRefused) is refused


@pytest.mark.parametrize(
    ("result", "reference"),
    [
        ("<success> Transferred </success>", ""),
        ("Transfer successful", ""),
        ({"status": "ok", "ticket_id": "T9"}, "T9"),
        ({"ok": True}, ""),
        (None, ""),
    ],
)
def test_a_transfer_accepted(result: Any, reference: str) -> None:
    """Whatever is no error."""
    assert came("transfer_to_human_representative", result) == ev.TransferAccepted(
        receipt=TransferReceipt(reference=reference)
    )


def test_a_transfer_that_failed_without_an_error_mark() -> None:
    """A sentence that says so is enough."""
    event = came("transfer_to_human_representative", "Unable to transfer: the line is closed")
    assert event == ev.TransferRefused(message="Unable to transfer: the line is closed")
