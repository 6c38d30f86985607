"""Recorded tool calls read as a call about a return: what they answered, showed and lacked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from returnflow.engine.transcript import Presentation, ToolCall
from returnflow.engine.vocabulary import Due, Event
from returnflow.inert import fold
from returnflow.records import SummaryLine
from returnflow.redacted import hidden
from returnflow.returns import events as ev
from returnflow.returns import recorded
from returnflow.returns.case import Case
from returnflow.returns.eligibility import lines_of
from returnflow.returns.guards import GUARDS
from returnflow.returns.inference import Inference
from returnflow.returns.missing import supply
from returnflow.returns.telling import refusal


class Transcription:
    """The transcription of ``vocabulary: returns``."""

    unnoticed: tuple[str, ...] = (
        "return_requested",
        "return_opened",
        "transfer_requested",
        "order_unrecognised",
        "left_unconfirmed",
        "retry_requested",
    )

    def outcome(self, call: ToolCall) -> Event | None:
        """See `recorded.outcome`."""
        return recorded.outcome(call)

    def infer(self) -> Inference:
        """See `Inference`."""
        return Inference()

    def supply(self, name: str, case: Case, ahead: Sequence[Event]) -> Event | None:
        """See `missing.supply`."""
        return supply(name, case, ahead)

    def subject(self, event: Event) -> tuple[str, str] | None:
        """The operation and the id that the outcome of a look-up is about."""
        match event:
            case ev.CustomerFound(customer=customer):
                return "get_customer_by_email", fold(customer.customer_id)
            case ev.OrdersSummarized():
                return "summarize_orders", ""
            case ev.OrderFound(order=order):
                return "get_order_details", fold(order.order_id)
            case ev.OrderMissing(order_id=order_id):
                return "get_order_details", fold(order_id)
            case ev.ItemFound(item=item):
                return "get_item_details", item.item_id
            case ev.ItemMissing(item_id=item_id):
                return "get_item_details", item_id
            case ev.PackageFound(package=package):
                return "get_package_details", package.package_id
            case ev.PackageMissing(package_id=package_id):
                return "get_package_details", package_id
        return None

    def own(self, before: Case, after: Case, event: Event) -> bool:
        """Items and packages of the selected order, that order itself, and the open orders of
        the customer identified."""
        match event:
            case ev.OrdersSummarized():
                return before.customer is not None
            case ev.OrderFound(order=order):
                return (
                    before.customer is not None
                    and before.order is not None
                    and fold(before.order.order_id) == fold(order.order_id)
                )
            case ev.ItemFound() | ev.ItemMissing() if before.order is not None:
                return GUARDS["item_of_order"].test(after, event) is not False
            case ev.PackageFound() | ev.PackageMissing() if before.order is not None:
                return GUARDS["package_of_order"].test(after, event) is not False
        return False

    def refused(self, case: Case) -> Sequence[Due]:
        """The refusals of what was looked up and may not go back, where a call shows no choice of
        items at all: what was looked up is then what was asked for (rules 13, 14)."""
        order = case.order
        if order is None or case.picks or case.all_lines:
            return []
        found = [item_id for item_id in case.items if case.may_return(item_id, 1) is False]
        decisions = [case.decide(item_id, 1) for item_id in found if lines_of(order, item_id)]
        return [refusal(case, each.advice, each) for each in decisions if each.advice]

    def presented(self, case: Case, event: Event) -> Sequence[Presentation]:
        """The orders with their items (step 2), and the items of the order (step 4a)."""
        match event:
            case ev.OrdersSummarized(orders=orders):
                return [
                    Presentation(what=f"order {order.order_id}", texts=_named(order.items))
                    for order in orders
                ]
            case ev.OrderFound(order=order) if GUARDS["own_order"].test(case, event) is not False:
                return [
                    Presentation(what=f"item {line.item_id}", texts=_named([line, *listed]))
                    for line in order.lines
                    if not hidden(line.item_id)
                    for listed in [_listed(case, order.order_id, line.item_id)]
                ]
        return ()


def _listed(case: Case, order_id: str, item_id: str) -> list[SummaryLine]:
    """The item as the summary of the open orders had it; orders themselves may hold no names."""
    orders = case.summary.orders if case.summary is not None else ()
    return [
        item
        for order in orders
        if order.order_id == order_id
        for item in order.items
        if item.item_id == item_id
    ]


def _named(lines: Iterable[Any]) -> tuple[str, ...]:
    texts = [text for line in lines for text in (line.description, line.item_id)]
    return tuple(text for text in texts if text and not hidden(text))
