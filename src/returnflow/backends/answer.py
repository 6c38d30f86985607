"""A backend's results and failures, as events of the procedure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from returnflow.backends.protocol import Backend, GiftCards
from returnflow.delayed.events import GiftCardIssued, GiftCardRefused
from returnflow.engine.vocabulary import Call, Event
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
)
from returnflow.returns import events as ev


def performer(backend: Backend) -> Callable[[Call], Event]:
    """What performs calls on `backend`, for `returnflow.engine.run`.

    Of what a backend may raise nothing gets out; what it raises by mistake does.
    """

    def perform(call: Call) -> Event:
        try:
            return _OPERATIONS[call.operation](backend, call.arguments, call.key or "")
        except UnavailableError as error:
            # A look-up changes nothing, so nothing about it can be unknown. Of a write that is
            # sent again after a break, the sending before it is not known.
            outcome = error.outcome if call.write else "known"
            return ev.BackendFailed(
                operation=call.operation,
                outcome="unknown" if call.resent else outcome,
                message=str(error),
            )

    return perform


def _customer(backend: Backend, given: Any, key: str) -> Event:
    email: str = given["email"]
    try:
        return ev.CustomerFound(customer=backend.get_customer_by_email(email))
    except NotFoundError:
        return ev.CustomerMissing(email=email)
    except AmbiguousError as error:
        return ev.CustomerAmbiguous(email=email, count=error.count)


def _summaries(backend: Backend, given: Any, key: str) -> Event:
    found = backend.summarize_orders(given["order_ids"])
    return ev.OrdersSummarized(orders=found.orders, failed=found.failed)


def _order(backend: Backend, given: Any, key: str) -> Event:
    try:
        return ev.OrderFound(order=backend.get_order_details(given["order_id"]))
    except NotFoundError:
        return ev.OrderMissing(order_id=given["order_id"])


def _item(backend: Backend, given: Any, key: str) -> Event:
    try:
        return ev.ItemFound(item=backend.get_item_details(given["item_id"]))
    except NotFoundError:
        return ev.ItemMissing(item_id=given["item_id"])


def _package(backend: Backend, given: Any, key: str) -> Event:
    try:
        return ev.PackageFound(package=backend.get_package_details(given["package_id"]))
    except NotFoundError:
        return ev.PackageMissing(package_id=given["package_id"])


def _return(backend: Backend, given: Any, key: str) -> Event:
    try:
        receipt = backend.initiate_return(
            given["order_id"],
            given["item_id"],
            given["quantity"],
            given["return_reason"],
            idempotency_key=key,
            note=given["note"],
        )
    except RefusedByBackendError as error:
        return ev.ReturnRefused(code=error.code, message=str(error))
    if not receipt.tracking_id.strip():
        raise UnavailableError("the reply holds no tracking id", outcome="unknown")  # rule 30
    return ev.ReturnOpened(receipt=receipt)


def _gift_card(backend: Backend, given: Any, key: str) -> Event:
    assert isinstance(backend, GiftCards)  # noqa: S101 (its capabilities say so)
    try:
        receipt = backend.issue_gift_card(
            given["customer_id"],
            given["package_id"],
            given["amount"],
            given["currency"],
            idempotency_key=key,
        )
    except RefusedByBackendError as error:
        return GiftCardRefused(code=error.code, message=str(error))
    if not receipt.gift_card_id.strip():
        raise UnavailableError("the reply holds no gift card id", outcome="unknown")  # rule 30
    return GiftCardIssued(receipt=receipt)


def _transfer(backend: Backend, given: Any, key: str) -> Event:
    try:
        receipt = backend.transfer_to_human_representative(
            given["customer_id"], given["summary_of_issues"], idempotency_key=key
        )
    except RefusedByBackendError as error:
        return ev.TransferRefused(message=str(error))
    return ev.TransferAccepted(receipt=receipt)


_OPERATIONS: dict[str, Callable[[Backend, Any, str], Event]] = {
    "get_customer_by_email": _customer,
    "summarize_orders": _summaries,
    "get_order_details": _order,
    "get_item_details": _item,
    "get_package_details": _package,
    "initiate_return": _return,
    "issue_gift_card": _gift_card,
    "transfer_to_human_representative": _transfer,
}
