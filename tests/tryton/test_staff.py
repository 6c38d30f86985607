"""What people enter in Tryton itself counts, and what the shop lacks is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from returnflow.backends import tryton
from returnflow.backends.tryton import TrytonShop
from returnflow.backends.tryton_policy import Orders, Policy, Prices, Rule, Transfers
from returnflow.errors import NotFoundError, RefusedByBackendError, UnavailableError, UsageError
from returnflow.records import Order, ReturnPolicy
from tryton import shop as live
from tryton.server import Server
from tryton.staff import Staff


def returned(shop: TrytonShop) -> int | None:
    """Units of the order STAFF that are in a return."""
    [line] = shop.get_order_details("STAFF").lines
    return line.returned


def asking(units: float | None, line: int | None = None) -> list[Any]:
    """The actions of a complaint: a return of so many units, or of all."""
    wanted: dict[str, Any] = {"action": "sale_return"}
    if line is not None:
        wanted["sale_lines"] = [("create", [{"line": line, "quantity": units}])]
    else:
        wanted["quantity"] = units
    return [("create", [wanted])]


def test_a_complaint_of_staff_holds_its_units_until_it_is_cancelled(
    shop: TrytonShop, staff: Staff
) -> None:
    """Rule 17: in draft, submitted, approved, with a return; not when that is cancelled."""
    before = returned(shop)
    assert before is not None
    [line] = staff.sale("STAFF")["lines"]
    complaint = staff.complain("STAFF", actions=asking(3, line))
    seen = [returned(shop)]
    for step in ("wait", "approve"):
        staff.call("sale.complaint", step, [complaint])
        seen.append(returned(shop))
    [action] = staff.search("sale.complaint.action", [("complaint", "=", complaint)], "result")
    made = int(action["result"].split(",")[1])
    for step in ("quote", "confirm"):
        staff.call("sale.sale", step, [made])
        seen.append(returned(shop))
    assert seen == [before + 3] * 5
    [parcel] = staff.search(
        "stock.shipment.out.return", [("moves.origin.sale", "=", made, "sale.line")]
    )
    staff.call("stock.shipment.out.return", "cancel", [parcel["id"]])
    assert returned(shop) == before


def test_a_complaint_about_a_line_counts_too(shop: TrytonShop, staff: Staff) -> None:
    """Rule 17: as Tryton's client makes one from a line; without a number it is about all."""
    before = returned(shop)
    [line] = staff.sale("STAFF")["lines"]
    [model] = staff.search("ir.model", [("name", "=", "sale.line")])
    [kind] = staff.call(
        "sale.complaint.type", "create", [{"name": "About a line", "origin": model["id"]}]
    )
    about = {"type": kind, "origin": f"sale.line,{line}"}
    some = staff.complain("STAFF", actions=asking(2), **about)
    assert returned(shop) == (before or 0) + 2
    whole = staff.complain("STAFF", actions=asking(None), **about)
    assert returned(shop) == 20
    for complaint in (some, whole):
        staff.call("sale.complaint", "cancel", [complaint])
    assert returned(shop) == before


def test_a_return_without_a_complaint_counts_too(shop: TrytonShop, staff: Staff) -> None:
    """Rule 17: as Tryton's own assistant makes one from an order."""
    before = returned(shop)
    sale = staff.sale("STAFF")["id"]
    [made] = staff.call("sale.sale", "copy", [sale], {"origin": f"sale.sale,{sale}"})
    [line] = staff.search("sale.line", [("sale", "=", made)])
    staff.call("sale.line", "write", [line["id"]], {"quantity": -4.0})
    assert returned(shop) == (before or 0) + 4
    staff.call("sale.sale", "cancel", [made])
    assert returned(shop) == before


def test_more_taken_back_than_was_ordered(shop: TrytonShop, staff: Staff) -> None:
    """Rule 17: Tryton takes 99 of 20; there is nothing left then, and no less than nothing."""
    [line] = staff.sale("STAFF")["lines"]
    complaint = staff.complain("STAFF", actions=asking(99, line))
    for step in ("wait", "approve"):
        staff.call("sale.complaint", step, [complaint])
    assert returned(shop) == 20
    with pytest.raises(RefusedByBackendError) as caught:
        shop.initiate_return("STAFF", "KETTLE", 1, "OTHER", idempotency_key="after-99")
    assert caught.value.code == "already_returned"
    [action] = staff.search("sale.complaint.action", [("complaint", "=", complaint)], "result")
    staff.call("sale.sale", "cancel", [int(action["result"].split(",")[1])])


def test_a_return_is_no_order(shop: TrytonShop, staff: Staff) -> None:
    """Rule 21: nor is a quotation; neither is listed or found."""
    receipt = shop.initiate_return("LIMITS", "KETTLE", 1, "OTHER", idempotency_key="no-order")
    [complaint] = staff.search("sale.complaint", [("number", "=", receipt.return_id)])
    [made] = staff.search(
        "sale.sale", [("origin", "=", f"sale.complaint,{complaint['id']}")], "number", "state"
    )
    dora = shop.get_customer_by_email("dora@example.com")
    assert made["state"] == "processing"
    assert made["number"] not in dora.active_orders
    with pytest.raises(NotFoundError):
        shop.get_order_details(made["number"])
    assert receipt.return_id in dora.active_returns
    parcel = shop.get_package_details(receipt.tracking_id)
    assert (parcel.type, parcel.current_status) == ("RETURN", "RETURN_INITIATED")
    [quotation] = staff.call("sale.sale", "copy", [staff.sale("LIMITS")["id"]], {})
    staff.call("sale.sale", "quote", [quotation])
    [offer] = staff.search("sale.sale", [("id", "=", quotation)], "number")
    assert offer["number"] not in shop.get_customer_by_email("dora@example.com").active_orders
    with pytest.raises(NotFoundError):
        shop.get_order_details(offer["number"])


def _taxed(staff: Staff) -> str:
    """An order of two kettles at 24.90, with 19 % of one tax and 0.07 of another on each, and of
    shipping for 4.90."""
    [account] = staff.search("account.account", [("code", "=", "6.3.6")])
    common = {
        "description": "Tax",
        "invoice_account": account["id"],
        "credit_note_account": account["id"],
    }
    taxes = staff.call(
        "account.tax",
        "create",
        [
            {"name": "19 %", "type": "percentage", "rate": Decimal("0.19"), **common},
            {"name": "Recycling", "type": "fixed", "amount": Decimal("0.07"), **common},
        ],
    )
    [kettle] = staff.search("product.product", [("code", "=", "KETTLE")], "default_uom")
    [shipping] = staff.call(
        "product.template",
        "create",
        [
            {
                "name": "Shipping",
                "type": "service",
                "salable": True,
                "default_uom": kettle["default_uom"],
                "sale_uom": kettle["default_uom"],
                "list_price": Decimal("4.90"),
                "account_category": staff.search("product.category", [("accounting", "=", True)])[
                    0
                ]["id"],
                "products": [("create", [{}])],
            }
        ],
    )
    [service] = staff.search("product.product", [("template", "=", shipping)])
    party = staff.sale("TAXED")["party"]
    [address] = staff.search("party.address", [("party", "=", party)]) or [{"id": None}]
    unit = kettle["default_uom"]
    lines = [
        {"product": kettle["id"], "quantity": 2.0, "unit": unit, "unit_price": Decimal("24.90")},
        {"product": service["id"], "quantity": 1.0, "unit": unit, "unit_price": Decimal("4.90")},
    ]
    lines[0]["taxes"] = [("add", taxes)]
    [sale] = staff.call(
        "sale.sale",
        "create",
        [
            {
                "party": party,
                "invoice_address": address["id"],
                "shipment_address": address["id"],
                "invoice_method": "manual",
                "lines": [("create", lines)],
            }
        ],
    )
    for step in ("quote", "confirm"):
        staff.call("sale.sale", step, [sale])
    [made] = staff.search("sale.sale", [("id", "=", sale)], "number")
    return str(made["number"])


def test_the_refund_is_what_the_customer_paid(server: Server, staff: Staff) -> None:
    """Rule 31: with the taxes, unless the shop says otherwise; shipping is no item."""
    number = _taxed(staff)

    def order(taxes: Any) -> Order:
        policy = Policy(prices=Prices(taxes=taxes))
        with closing(tryton.connect(server.url(), policy=policy)) as shop:
            return shop.get_order_details(number)

    [line] = order("included").lines
    # 24.90 × 1.19 + 0.07
    assert (line.item_id, line.unit_price, line.currency) == ("KETTLE", Decimal("29.70"), "EUR")
    assert line.parcels[0].package_id
    [line] = order("excluded").lines
    assert line.unit_price == Decimal("24.90")


def test_two_products_with_one_code(server: Server, shop: TrytonShop, staff: Staff) -> None:
    """Rule 21: neither is guessed; each has an id of its own."""
    [kettle] = staff.search("product.product", [("code", "=", "KETTLE")], "template", "code")
    [twin] = staff.call("product.product", "create", [{"template": kettle["template"]}])
    staff.change("UPDATE product_product SET code = 'KETTLE' WHERE id = ?", twin)
    try:
        own = f"product-{kettle['id']}"
        with closing(tryton.connect(server.url(), policy=live.POLICY)) as fresh:
            assert [line.item_id for line in fresh.get_order_details("TAXED").lines] == [own]
            assert fresh.get_item_details(own).description == "Electric kettle"
            with pytest.raises(NotFoundError):
                fresh.get_item_details("KETTLE")
    finally:
        staff.change("UPDATE product_product SET code = NULL WHERE id = ?", twin)
    assert shop.get_item_details("KETTLE").category == "Kitchen"


def test_only_recent_orders_are_listed_where_the_shop_wants_it(server: Server) -> None:
    """Rule 23: an order that is not listed is still found by its id."""
    policy = Policy(orders=Orders(listed_days=1))
    with closing(tryton.connect(server.url(), policy=policy)) as shop:
        listed = shop.get_customer_by_email("dora@example.com").active_orders
        assert not set(listed) & set(live.OURS)
        assert shop.get_order_details("TAXED").order_date == "2026-03-02"


def test_a_rule_of_a_category(server: Server) -> None:
    """Rule 9: by the name of the category that the product is in."""
    policy = Policy(categories={"kitchen": Rule(eligible=False)}, default=Rule(window="30"))
    with closing(tryton.connect(server.url(), policy=policy)) as shop:
        assert shop.get_item_details("KETTLE").policy == ReturnPolicy(
            return_eligible=False, return_window="30"
        )


def test_a_caller_whom_nobody_has_identified(server: Server, staff: Staff) -> None:
    """Rule 35: handed over where the shop has named a party for that."""
    policy = Policy(transfers=Transfers(unidentified="IDLE-T"))
    with closing(tryton.connect(server.url(), policy=policy)) as shop:
        receipt = shop.transfer_to_human_representative(None, "Who?", idempotency_key="nobody")
    [found] = staff.search(
        "sale.complaint",
        [("number", "=", receipt.reference)],
        "customer.code",
        "state",
        "description",
        "type.name",
    )
    assert found["customer."]["code"] == "IDLE-T"
    assert (found["state"], found["description"]) == ("draft", "Who?")
    assert found["type."]["name"] == "Call back"


@pytest.mark.parametrize(
    ("connect", "words"),
    [
        (lambda url: tryton.connect(url(user="nobody"), policy=Policy()), "does not let nobody in"),
        (
            lambda url: tryton.connect(url().replace("/shop", "/other"), policy=Policy()),
            "there is no database",
        ),
        (
            lambda url: tryton.connect(url(), policy=Policy(complaint_types={"OTHER": "Odd"})),
            "lacks the complaint types Odd",
        ),
    ],
)
def test_what_is_missing_is_told_before_the_call(
    server: Server, connect: Callable[[Callable[..., str]], object], words: str
) -> None:
    """Rule 40: in words for whoever has to mend it."""
    with pytest.raises(UsageError, match=words):
        connect(server.url)


def test_a_user_without_rights(server: Server, staff: Staff) -> None:
    """Rule 40: which group is wanting."""
    [company] = staff.search("company.company", [])
    user = {"name": "weak", "login": "weak", "password": "a weak but long password"}
    mine = {"companies": [("add", [company["id"]])], "company": company["id"]}
    staff.call("res.user", "create", [{**user, **mine}])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETURNFLOW_TRYTON_PASSWORD", user["password"])
        with closing(tryton.connect(server.url(user="weak"), policy=live.POLICY)) as shop:
            with pytest.raises(UnavailableError, match="Tryton: ") as caught:
                shop.get_order_details("TAXED")
            assert caught.value.outcome == "known"
