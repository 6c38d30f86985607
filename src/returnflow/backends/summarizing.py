"""`summarize_orders` for a shop that answers about one order at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from returnflow.errors import NotFoundError, UnavailableError
from returnflow.inert import fold
from returnflow.records import (
    Order,
    OrderFailure,
    OrderLine,
    OrdersSummary,
    OrderSummary,
    SummaryLine,
)


def summarize(
    order_ids: Sequence[str],
    get_order: Callable[[str], Order],
    status: Callable[[str], str] = lambda package_id: "",
) -> OrdersSummary:
    """The orders, each loaded by itself; those that fail are named with the reason (rule 24).

    Args:
        get_order: the adapter's `get_order_details`.
        status: the status of a package; "" where it is not known.

    Raises:
        UnavailableError: the shop does not answer; one damaged order is named instead.
    """
    wanted: dict[str, str] = {}
    for order_id in order_ids:
        wanted.setdefault(fold(order_id), order_id)
    orders: list[OrderSummary] = []
    failed: list[OrderFailure] = []
    for order_id in wanted.values():
        try:
            orders.append(summary(get_order(order_id), status))
        except NotFoundError as error:
            reason = str(error) or "the shop has no such order"
            failed.append(OrderFailure(order_id=order_id, reason=reason))
        except UnavailableError as error:
            if not error.lasting:
                raise
            failed.append(OrderFailure(order_id=order_id, reason=str(error)))
    return OrdersSummary(orders=tuple(orders), failed=tuple(failed))


def summary(order: Order, status: Callable[[str], str]) -> OrderSummary:
    """An order as `summarize_orders` presents it. Parcels that differ are all named."""
    return OrderSummary(
        order_id=order.order_id,
        order_date=order.order_date,
        items=tuple(
            SummaryLine(
                item_id=line.item_id,
                description=line.description,
                quantity=line.quantity,
                current_shipment_status=", ".join(dict.fromkeys(_statuses(line, status))),
            )
            for line in order.lines
        ),
    )


def _statuses(line: OrderLine, status: Callable[[str], str]) -> Iterator[str]:
    for parcel in line.parcels:
        if parcel.package_id:
            # A package that the shop does not know has no status to be named.
            yield from filter(None, [status(parcel.package_id)])
        else:
            yield "NOT_YET_SHIPPED"
    if sum(parcel.quantity for parcel in line.parcels) < line.quantity:
        yield "NOT_YET_SHIPPED"
