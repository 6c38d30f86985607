"""What an event that is missing from a recorded call, or cannot be right, ought to have been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from returnflow.delayed import events as ev
from returnflow.delayed.case import CARD, Case
from returnflow.engine.vocabulary import Event
from returnflow.records import GiftCardReceipt, Order
from returnflow.redacted import NOT_RECORDED
from returnflow.returns import missing as returns

Ahead = Sequence[Any]


def supply(name: str, case: Case, ahead: Sequence[Event]) -> Event | None:
    """An event of that name that would fit here, marked inferred; None: nothing can be said."""
    make = _MAKERS.get(name)
    if make is not None:
        return make(case, ahead)
    shared: Any = case
    return returns.supply(name, shared, ahead)


def item_of(order: Order | None, package_id: str) -> str:
    """The first item of the order that a package holds; "" where it holds none."""
    for line in order.lines if order is not None else ():
        if any(parcel.package_id == package_id for parcel in line.parcels):
            return line.item_id
    return ""


def _item_named(case: Case, ahead: Ahead) -> Event:
    item_id = ""
    for event in ahead:
        match event:
            case ev.PackageFound(package=package):
                item_id = item_of(case.order, package.package_id)
            case ev.PackageMissing(package_id=package_id):
                item_id = item_of(case.order, package_id)
            case ev.GiftCardRequested(package_id=package_id):
                item_id = item_of(case.order, package_id)
            case ev.ItemNamed() | ev.OrderIdGiven() | ev.EmailGiven():
                break
        if item_id:
            break
    return ev.ItemNamed(item_id=item_id or NOT_RECORDED, inferred=True)


def _gift_card_requested(case: Case, ahead: Ahead) -> Event | None:
    card = case.next_card
    if card is None:
        return None
    return ev.GiftCardRequested(
        customer_id=case.customer.customer_id if case.customer else NOT_RECORDED,
        package_id=card.package_id,
        amount=card.amount,
        currency=card.currency,
        inferred=True,
    )


def _gift_card_issued(case: Case, ahead: Ahead) -> Event:
    told = (each for each in ahead if isinstance(each, ev.Told) and each.notice == CARD)
    known = {card.subject for card in case.issued}
    new = (each.subject for each in told if each.subject not in known)
    receipt = GiftCardReceipt(gift_card_id=next(new, NOT_RECORDED))
    return ev.GiftCardIssued(receipt=receipt, inferred=True)


def _backend_failed(case: Case, ahead: Ahead) -> Event:
    operation = NOT_RECORDED
    if case.sent is not None and not case.transfer_summary:
        operation = "issue_gift_card"
    if case.transfer is not None:
        operation = "transfer_to_human_representative"
    # Perhaps it did something: nothing that follows is held against that.
    return ev.BackendFailed(operation=operation, outcome="unknown", inferred=True)


_MAKERS: dict[str, Callable[[Case, Ahead], Event | None]] = {
    "item_named": _item_named,
    "enquiry_dropped": lambda case, ahead: ev.EnquiryDropped(inferred=True),
    "importance_stressed": lambda case, ahead: ev.ImportanceStressed(inferred=True),
    "gift_card_accepted": lambda case, ahead: ev.GiftCardAccepted(inferred=True),
    "gift_card_declined": lambda case, ahead: ev.GiftCardDeclined(inferred=True),
    "gift_card_requested": _gift_card_requested,
    "gift_card_issued": _gift_card_issued,
    "gift_card_refused": lambda case, ahead: ev.GiftCardRefused(inferred=True),
    "backend_failed": _backend_failed,
}
