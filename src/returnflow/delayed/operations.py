"""The backend operations of handling a delayed package."""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.delayed import events as ev
from returnflow.delayed.case import Case
from returnflow.engine.vocabulary import Call, Event, Operation
from returnflow.returns.operations import OPERATIONS as SHARED

ISSUE = "issue_gift_card"


def _packages(case: Case) -> Sequence[Call]:
    return [
        Call("get_package_details", {"package_id": package_id})
        for package_id in case.pending_packages()
    ]


def _gift_card(case: Case) -> Sequence[Call]:
    card = case.sent or case.next_card
    if card is None:
        return []
    arguments = {
        "customer_id": case.customer.customer_id if case.customer else "",
        "package_id": card.package_id,
        "amount": card.amount,
        "currency": card.currency,
    }
    if case.sent is not None:
        return [Call(ISSUE, arguments, key=card.key)]
    return [Call(ISSUE, arguments, request="gift_card_requested")]


def _gift_card_request(call: Call, key: str) -> Event:
    given = call.arguments
    return ev.GiftCardRequested(
        customer_id=given["customer_id"],
        package_id=given["package_id"],
        amount=given["amount"],
        currency=given["currency"],
        key=key,
    )


OPERATIONS: dict[str, Operation] = {
    **{
        name: SHARED[name]
        for name in ("get_customer_by_email", "summarize_orders", "get_order_details")
    },
    "get_package_details": Operation(
        "get_package_details", SHARED["get_package_details"].outcomes, _packages
    ),
    ISSUE: Operation(
        ISSUE,
        ("gift_card_issued", "gift_card_refused", "backend_failed"),
        _gift_card,
        "gift_card_requested",
        _gift_card_request,
    ),
    "transfer_to_human_representative": SHARED["transfer_to_human_representative"],
}
