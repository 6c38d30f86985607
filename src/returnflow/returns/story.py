"""The sentences that tell the events of handling returns in the story of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

Body = Mapping[str, Any]


def _items(lines: Sequence[Body]) -> str:
    return ", ".join(
        f"{line['quantity']} × {line['item_id']}"
        + (
            f" ({line['reason']}{': ' + line['note'] if line.get('note') else ''})"
            if "reason" in line
            else ""
        )
        for line in lines
    )


def _customer(body: Body) -> str:
    customer = body["customer"]
    name = f"{customer.get('first_name', '')} {customer.get('last_name', '')}".strip()
    return f"The shop knows the customer: {name} ({customer['customer_id']})."


def _order(body: Body) -> str:
    order = body["order"]
    what = ", ".join(
        f"{line['quantity']} × {line.get('description') or line['item_id']}"
        for line in order.get("lines", ())
    )
    return f"Order {order['order_id']} of {_moment(order.get('order_date'))}: {what}."


def _moment(text: object) -> str:
    """A moment as people read it, in the zone in which the shop wrote it."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text or "no date")
    if len(str(text)) <= len("2026-01-31"):
        return f"{moment:%Y-%m-%d}"
    return moment.isoformat(" ", "minutes")


def _item(body: Body) -> str:
    policy = body["item"].get("policy")
    if not policy:
        words = "nothing is said about returns"
    else:
        may = {True: "may be returned", False: "excluded from returns"}
        words = (
            f"{may.get(policy.get('return_eligible'), 'eligibility not given')}, "
            f"window {policy.get('return_window') or 'not given'}"
        )
    return f"Item {body['item']['item_id']}: {words}."


def _package(body: Body) -> str:
    package = body["package"]
    due = package.get("estimated_delivery_date")
    expected = f", expected {due}" if due and package.get("current_status") != "DELIVERED" else ""
    return f"Package {package['package_id']}: {package.get('current_status') or '?'}{expected}."


def _summaries(body: Body) -> str:
    orders = ", ".join(order["order_id"] for order in body.get("orders", ())) or "none"
    failed = ", ".join(order["order_id"] for order in body.get("failed", ()))
    return f"Open orders: {orders}.{f' Not loaded: {failed}.' if failed else ''}"


SENTENCES: dict[str, Callable[[Body], str]] = {
    "email_given": lambda b: f"The customer gave the address {b['email']}.",
    "customer_found": _customer,
    "customer_missing": lambda b: "The shop knows no such address.",
    "customer_ambiguous": lambda b: f"{b.get('count', 2)} accounts have that address.",
    "order_id_given": lambda b: f"The customer named order {b['order_id']}.",
    "order_id_unknown": lambda b: "The customer does not have the order id.",
    "order_unrecognised": lambda b: "The customer recognised none of the orders.",
    "orders_summarized": _summaries,
    "order_found": _order,
    "order_missing": lambda b: "The shop knows no such order.",
    "items_picked": lambda b: f"The customer chose {_items(b['picks'])}.",
    "item_found": _item,
    "item_missing": lambda b: f"The shop does not know item {b['item_id']}.",
    "package_found": _package,
    "package_missing": lambda b: f"The shop does not know package {b['package_id']}.",
    "return_confirmed": lambda b: f"The customer said yes to {_items(b['lines'])}.",
    "return_declined": lambda b: "The customer wants no (further) return.",
    "return_requested": lambda b: (
        f"Sent: return {b['quantity']} × {b['item_id']} of {b['order_id']}, {b['reason']}, "
        f"key {b.get('key') or 'none'}."
    ),
    "return_opened": lambda b: f"The shop opened return {b['receipt']['tracking_id']}.",
    "return_refused": lambda b: f"The shop declined: {b.get('message') or b.get('code')}.",
    "another_return": lambda b: "The customer wants to return something else.",
}
