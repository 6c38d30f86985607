"""Orders read from the tables, many at a time; one that is damaged does not spoil the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select

from returnflow.backends.sql_schema import LINE_PARCELS, ORDER_LINES, ORDERS, PACKAGES, RETURNS
from returnflow.records import Order, OrderLine, Parcel

_CHUNK = 500
"""Ids asked for in one statement; databases limit how many parameters it may have."""

_T = TypeVar("_T")


def money(text: str | None) -> Decimal | None:
    """The exact amount (rule 31).

    Raises:
        ValueError: it is not a finite number.
    """
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError(f"{text!r} is no amount")
    return amount


def read_orders(connection: Connection, keys: Sequence[str]) -> dict[str, Order | str]:
    """The orders with these folded ids (rule 22), by folded id.

    An order that is there but cannot be read is answered as a text that says why (rule 24);
    one that is not there is left out.
    """
    found: dict[str, Order | str] = {}
    for chunk in _chunks(keys):
        heads = connection.execute(select(ORDERS).where(ORDERS.c.order_key.in_(chunk))).all()
        ids = [head.order_id for head in heads]
        lines = _by_order(
            connection.execute(
                select(ORDER_LINES)
                .where(ORDER_LINES.c.order_id.in_(ids))
                .order_by(ORDER_LINES.c.line_no)
            )
        )
        parcels = _by_order(
            connection.execute(
                select(LINE_PARCELS)
                .where(LINE_PARCELS.c.order_id.in_(ids))
                .order_by(LINE_PARCELS.c.line_no, LINE_PARCELS.c.parcel_no)
            )
        )
        returns = _by_order(
            connection.execute(
                select(RETURNS.c.order_id, RETURNS.c.return_id)
                .where(RETURNS.c.order_id.in_(ids))
                .order_by(RETURNS.c.created_at, RETURNS.c.return_id)
            )
        )
        for head in heads:
            order_id = head.order_id
            try:
                found[head.order_key] = _order(
                    head, lines[order_id], parcels[order_id], returns[order_id]
                )
            except ValueError as error:
                found[head.order_key] = str(error)
    return found


def shipment_statuses(connection: Connection, orders: Iterable[Order | str]) -> dict[str, str]:
    """The status of every package of the orders that the shop knows, by package id."""
    ids = {
        parcel.package_id: None
        for order in orders
        if isinstance(order, Order)
        for line in order.lines
        for parcel in line.parcels
        if parcel.package_id
    }
    statuses: dict[str, str] = {}
    for chunk in _chunks(list(ids)):
        rows = connection.execute(
            select(PACKAGES.c.package_id, PACKAGES.c.current_status).where(
                PACKAGES.c.package_id.in_(chunk)
            )
        )
        statuses.update((row.package_id, row.current_status) for row in rows)
    return statuses


def _order(
    head: Row[Any], lines: list[Row[Any]], parcels: list[Row[Any]], returns: list[Row[Any]]
) -> Order:
    packed: dict[int, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        packed[parcel.line_no].append(
            Parcel(package_id=parcel.package_id or "", quantity=parcel.quantity)
        )
    return Order(
        order_id=head.order_id,
        customer_id=head.customer_id,
        order_date=head.order_date,
        payment_status=head.payment_status,
        lines=tuple(_line(line, packed[line.line_no]) for line in lines),
        associated_returns=tuple(row.return_id for row in returns),
    )


def _line(line: Row[Any], parcels: list[Parcel]) -> OrderLine:
    try:
        price = money(line.unit_price)
    except ValueError as error:
        raise ValueError(f"the price of line {line.line_no}, {error}") from None
    return OrderLine(
        item_id=line.item_id,
        description=line.description,
        quantity=line.quantity,
        unit_price=price,
        currency=line.currency,
        returned=line.returned,
        parcels=tuple(parcels),
    )


def _by_order(rows: Iterable[Row[Any]]) -> dict[str, list[Row[Any]]]:
    grouped: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        grouped[row.order_id].append(row)
    return grouped


def _chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
