"""The backend operations of handling returns, as the machine sees them."""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.engine.vocabulary import Call, Event, Operation
from returnflow.returns import events as ev
from returnflow.returns.case import Case


def _customer(case: Case) -> Sequence[Call]:
    return [Call("get_customer_by_email", {"email": case.email})]


def _summaries(case: Case) -> Sequence[Call]:
    order_ids = case.customer.active_orders if case.customer else ()
    return [Call("summarize_orders", {"order_ids": order_ids})]


def _order(case: Case) -> Sequence[Call]:
    return [Call("get_order_details", {"order_id": case.wanted_order.strip()})]


def _items(case: Case) -> Sequence[Call]:
    return [Call("get_item_details", {"item_id": item_id}) for item_id in case.pending_items()]


def _packages(case: Case) -> Sequence[Call]:
    return [
        Call("get_package_details", {"package_id": package_id})
        for package_id in case.pending_packages()
    ]


def _return(case: Case) -> Sequence[Call]:
    line = case.sent or case.next_line
    if line is None:
        return []
    arguments = {
        "order_id": line.order_id,
        "item_id": line.item_id,
        "quantity": line.quantity,
        "return_reason": line.reason,
        "note": line.note,
    }
    if case.sent is not None:
        return [Call("initiate_return", arguments, key=line.key)]
    return [Call("initiate_return", arguments, request="return_requested")]


def _return_request(call: Call, key: str) -> Event:
    given = call.arguments
    return ev.ReturnRequested(
        order_id=given["order_id"],
        item_id=given["item_id"],
        quantity=given["quantity"],
        reason=given["return_reason"],
        note=given["note"],
        key=key,
    )


def _transfer(case: Case) -> Sequence[Call]:
    name = "transfer_to_human_representative"
    sent = case.transfer
    if sent is not None:
        arguments = {"customer_id": sent.customer_id, "summary_of_issues": sent.summary}
        return [Call(name, arguments, key=sent.key)]
    arguments = {
        "customer_id": case.customer.customer_id if case.customer else None,
        "summary_of_issues": case.transfer_summary,
    }
    return [Call(name, arguments, request="transfer_requested")]


def _transfer_request(call: Call, key: str) -> Event:
    return ev.TransferRequested(
        customer_id=call.arguments["customer_id"],
        summary=call.arguments["summary_of_issues"],
        key=key,
    )


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(
            "get_customer_by_email",
            ("customer_found", "customer_missing", "customer_ambiguous", "backend_failed"),
            _customer,
        ),
        Operation("summarize_orders", ("orders_summarized", "backend_failed"), _summaries),
        Operation("get_order_details", ("order_found", "order_missing", "backend_failed"), _order),
        Operation("get_item_details", ("item_found", "item_missing", "backend_failed"), _items),
        Operation(
            "get_package_details",
            ("package_found", "package_missing", "backend_failed"),
            _packages,
        ),
        Operation(
            "initiate_return",
            ("return_opened", "return_refused", "backend_failed"),
            _return,
            "return_requested",
            _return_request,
        ),
        Operation(
            "transfer_to_human_representative",
            ("transfer_accepted", "transfer_refused", "backend_failed"),
            _transfer,
            "transfer_requested",
            _transfer_request,
        ),
    )
}
