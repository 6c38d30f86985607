"""The sentences that tell the events of a delayed package in the story of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from returnflow.returns.story import SENTENCES as SHARED

Body = Mapping[str, Any]


def _package(body: Body) -> str:
    package = body["package"]
    arrived = package.get("current_status") == "DELIVERED"
    due = package.get("final_delivery_date" if arrived else "estimated_delivery_date")
    promised = package.get("promised_delivery_date")
    parts = [package.get("current_status") or "?"]
    parts += [f"{'on' if arrived else 'expected'} {due}"] if due else []
    parts += [f"promised for {promised}"] if promised else []
    return f"Package {package['package_id']}: {', '.join(parts)}."


SENTENCES: dict[str, Callable[[Body], str]] = {
    **{
        name: SHARED[name]
        for name in (
            "email_given",
            "customer_found",
            "customer_missing",
            "customer_ambiguous",
            "order_id_given",
            "order_id_unknown",
            "order_unrecognised",
            "orders_summarized",
            "order_found",
            "order_missing",
            "package_missing",
        )
    },
    "item_named": lambda b: f"The customer waits for {b['item_id']}.",
    "enquiry_dropped": lambda b: "The customer left it at that.",
    "importance_stressed": lambda b: "The customer stressed that it is important.",
    "gift_card_accepted": lambda b: "The customer took the gift card.",
    "gift_card_declined": lambda b: "The customer does not want the gift card.",
    "gift_card_requested": lambda b: (
        f"Sent: gift card of {b['amount']} {b.get('currency', '')} for {b['package_id']}, "
        f"key {b.get('key') or 'none'}."
    ),
    "gift_card_issued": lambda b: f"The shop issued gift card {b['receipt']['gift_card_id']}.",
    "gift_card_refused": lambda b: f"The shop declined: {b.get('message') or b.get('code')}.",
    "package_found": _package,
}
"""By event; the other events are told as in any call."""
