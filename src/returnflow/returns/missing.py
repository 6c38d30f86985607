"""What an event that is missing from a recorded call, or cannot be right, ought to have been.

The rest of the call tells much of it: an order that was looked up had been named. What it does
not tell is marked as not recorded, so that nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from returnflow.engine.vocabulary import Event
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderLine,
    OrderSummary,
    Package,
    ReturnPolicy,
    ReturnReceipt,
)
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.returns.line import NOTICES

E = TypeVar("E", bound=Event)
Ahead = Sequence[Any]

HIDDEN_LINES = (OrderLine(item_id=NOT_RECORDED, quantity=NOT_RECORDED_UNITS),)
"""The lines of an order of which nothing was recorded."""

HIDDEN_POLICY = ReturnPolicy(return_window=NOT_RECORDED)
"""The eligibility block of an item of which nothing was recorded."""


def supply(name: str, case: Case, ahead: Sequence[Event]) -> Event | None:
    """An event of that name that would fit here, marked inferred; None: nothing can be said."""
    make = _MAKERS.get(name)
    return make(case, ahead) if make is not None else None


def _next(kind: type[E], ahead: Ahead, *until: type[Event]) -> E | None:
    """The next event of a kind, unless one of others comes first."""
    for event in ahead:
        if isinstance(event, kind):
            return event
        if isinstance(event, until):
            return None
    return None


def _email_given(case: Case, ahead: Ahead) -> Event:
    found = _next(ev.CustomerFound, ahead, ev.EmailGiven)
    email = found.customer.email if found is not None else ""
    return ev.EmailGiven(email=email or NOT_RECORDED, inferred=True)


def _order_id_given(case: Case, ahead: Ahead) -> Event:
    found = _next(ev.OrderFound, ahead, ev.OrderIdGiven, ev.OrderMissing)
    missing = _next(ev.OrderMissing, ahead, ev.OrderIdGiven, ev.OrderFound)
    order_id = found.order.order_id if found else missing.order_id if missing else ""
    return ev.OrderIdGiven(order_id=order_id or _sent_for(ahead), inferred=True)


def _sent_for(ahead: Ahead) -> str:
    """The order that a return is requested for before another order comes in."""
    sent = _next(ev.ReturnRequested, ahead, ev.OrderIdGiven, ev.OrderFound, ev.OrderMissing)
    return sent.order_id if sent is not None else NOT_RECORDED


def _items_picked(case: Case, ahead: Ahead) -> Event:
    units: dict[str, int] = {}
    for event in ahead:
        match event:
            case ev.ReturnConfirmed(lines=lines):
                units = {line.item_id: 0 for line in lines}
                for line in lines:
                    units[line.item_id] += line.quantity
                break
            case ev.ReturnRequested(item_id=item_id, quantity=quantity):
                units[item_id] = quantity
                break
            case ev.ItemFound(item=item):
                units.setdefault(item.item_id, NOT_RECORDED_UNITS)
            case ev.ItemMissing(item_id=item_id):
                units.setdefault(item_id, NOT_RECORDED_UNITS)
            case ev.ItemsPicked() | ev.OrderIdGiven() | ev.OrderIdUnknown() | ev.EmailGiven():
                break
    if not units:
        units = {NOT_RECORDED: NOT_RECORDED_UNITS}
    return ev.ItemsPicked(picks=tuple(ev.Pick(*one) for one in units.items()), inferred=True)


def _return_confirmed(case: Case, ahead: Ahead) -> Event | None:
    lines = []
    for event in ahead:
        if isinstance(event, ev.ReturnRequested):
            lines.append(ev.ReturnLine(event.item_id, event.quantity, event.reason, event.note))
        elif isinstance(event, ev.ReturnConfirmed | ev.ItemsPicked | ev.OrderIdGiven):
            break
    return ev.ReturnConfirmed(lines=tuple(lines), inferred=True) if lines else None


def _return_requested(case: Case, ahead: Ahead) -> Event | None:
    line = case.next_line
    if line is None:
        return None
    return ev.ReturnRequested(
        order_id=line.order_id,
        item_id=line.item_id,
        quantity=line.quantity,
        reason=line.reason,
        note=line.note,
        inferred=True,
    )


def _return_opened(case: Case, ahead: Ahead) -> Event:
    told = (e for e in ahead if isinstance(e, ev.Told) and e.notice in NOTICES)
    new = (e.subject for e in told if e.subject not in {line.subject for line in case.opened})
    return ev.ReturnOpened(
        receipt=ReturnReceipt(tracking_id=next(new, NOT_RECORDED)), inferred=True
    )


def _human_requested(case: Case, ahead: Ahead) -> Event:
    found = _next(ev.TransferRequested, ahead, ev.HumanRequested)
    summary = found.summary if found is not None else ""
    return ev.HumanRequested(summary=summary or NOT_RECORDED, inferred=True)


def _transfer_requested(case: Case, ahead: Ahead) -> Event:
    return ev.TransferRequested(
        customer_id=case.customer.customer_id if case.customer else None,
        summary=case.transfer_summary,
        inferred=True,
    )


def _customer_found(case: Case, ahead: Ahead) -> Event:
    customer = Customer(customer_id=NOT_RECORDED, active_orders=(NOT_RECORDED,))
    return ev.CustomerFound(customer=customer, inferred=True)


def _orders_summarized(case: Case, ahead: Ahead) -> Event:
    return ev.OrdersSummarized(orders=(OrderSummary(order_id=NOT_RECORDED),), inferred=True)


def _order_found(case: Case, ahead: Ahead) -> Event:
    order = Order(
        order_id=case.wanted_order.strip() or _sent_for(ahead),
        customer_id=NOT_RECORDED,
        order_date=NOT_RECORDED,
        lines=HIDDEN_LINES,
    )
    return ev.OrderFound(order=order, inferred=True)


def _item_found(case: Case, ahead: Ahead) -> Event | None:
    pending = case.pending_items()
    if not pending:
        return None
    return ev.ItemFound(item=Item(item_id=pending[0], policy=HIDDEN_POLICY), inferred=True)


def _package_found(case: Case, ahead: Ahead) -> Event | None:
    pending = case.pending_packages()
    if not pending:
        return None
    package = Package(package_id=pending[0], type=NOT_RECORDED, current_status=NOT_RECORDED)
    return ev.PackageFound(package=package, inferred=True)


def _order_missing(case: Case, ahead: Ahead) -> Event:
    return ev.OrderMissing(order_id=case.wanted_order.strip() or NOT_RECORDED, inferred=True)


def _item_missing(case: Case, ahead: Ahead) -> Event | None:
    pending = case.pending_items()
    return ev.ItemMissing(item_id=pending[0], inferred=True) if pending else None


def _package_missing(case: Case, ahead: Ahead) -> Event | None:
    pending = case.pending_packages()
    return ev.PackageMissing(package_id=pending[0], inferred=True) if pending else None


def _backend_failed(case: Case, ahead: Ahead) -> Event:
    sent = case.sent is not None and not case.transfer_summary
    operation = "initiate_return" if sent else NOT_RECORDED
    if case.transfer is not None:
        operation = "transfer_to_human_representative"
    # Perhaps it did something: nothing that follows is held against that.
    return ev.BackendFailed(operation=operation, outcome="unknown", inferred=True)


_MAKERS: dict[str, Callable[[Case, Ahead], Event | None]] = {
    "email_given": _email_given,
    "order_id_given": _order_id_given,
    "order_id_unknown": lambda case, ahead: ev.OrderIdUnknown(inferred=True),
    "order_unrecognised": lambda case, ahead: ev.OrderUnrecognised(inferred=True),
    "items_picked": _items_picked,
    "return_confirmed": _return_confirmed,
    "return_declined": lambda case, ahead: ev.ReturnDeclined(inferred=True),
    "satisfied": lambda case, ahead: ev.Satisfied(inferred=True),
    "another_return": lambda case, ahead: ev.AnotherReturn(inferred=True),
    "retry_requested": lambda case, ahead: ev.RetryRequested(inferred=True),
    "left_unconfirmed": lambda case, ahead: ev.LeftUnconfirmed(inferred=True),
    "callback_promised": lambda case, ahead: ev.CallbackPromised(inferred=True),
    "human_requested": _human_requested,
    "call_dropped": lambda case, ahead: ev.CallDropped(inferred=True),
    "customer_found": _customer_found,
    "customer_missing": lambda case, ahead: ev.CustomerMissing(email=case.email, inferred=True),
    "customer_ambiguous": lambda case, ahead: ev.CustomerAmbiguous(email=case.email, inferred=True),
    "order_missing": _order_missing,
    "item_missing": _item_missing,
    "package_missing": _package_missing,
    "return_refused": lambda case, ahead: ev.ReturnRefused(inferred=True),
    "transfer_refused": lambda case, ahead: ev.TransferRefused(inferred=True),
    "backend_failed": _backend_failed,
    "orders_summarized": _orders_summarized,
    "order_found": _order_found,
    "item_found": _item_found,
    "package_found": _package_found,
    "return_requested": _return_requested,
    "return_opened": _return_opened,
    "transfer_requested": _transfer_requested,
    "transfer_accepted": lambda case, ahead: ev.TransferAccepted(inferred=True),
}
