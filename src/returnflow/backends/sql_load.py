"""A whole shop put into its tables, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from returnflow.backends import sql_schema as schema
from returnflow.backends import sql_units as units
from returnflow.backends.shopdata import PastReturn, PastTransfer, ShopData
from returnflow.errors import RefusedByBackendError
from returnflow.inert import fold
from returnflow.records import Customer, Item, Order, Package

Progress = Callable[[int], None]

_CHUNK = 1000
"""Rows inserted at once: a large shop is not held in memory twice."""


def rows_of(data: ShopData) -> int:
    """How many rows `load` tells of."""
    lines = [line for order in data.orders for line in order.lines]
    lists = (data.customers, data.items, data.packages, data.orders, data.returns, data.transfers)
    listed = sum(len(customer.active_orders) for customer in data.customers)
    parcels = sum(len(line.parcels) for line in lines)
    cards = len(_gift_cards(data))
    return len(_meta(data)) + sum(map(len, lists)) + listed + len(lines) + parcels + cards


def create_tables(connection: Connection) -> None:
    """Makes the tables of an empty shop, or none at all where one of them is there already."""
    schema.METADATA.create_all(connection, checkfirst=False)


def clear(connection: Connection) -> None:
    """Empties every table."""
    for table in reversed(schema.METADATA.sorted_tables):
        connection.execute(delete(table))


def load(connection: Connection, data: ShopData, progress: Progress | None = None) -> None:
    """Fills empty tables.

    Args:
        progress: told now and then how many rows have been written since it was told last.

    Raises:
        RefusedByBackendError: a return is about units that are not there.
    """
    _insert = partial(_insert_rows, connection, progress or (lambda rows: None))
    _insert(schema.META, _meta(data))
    _insert(schema.CUSTOMERS, (_customer(found) for found in data.customers))
    _insert(
        schema.ACTIVE_ORDERS,
        (
            {"customer_id": found.customer_id, "position": position, "order_id": order_id}
            for found in data.customers
            for position, order_id in enumerate(found.active_orders)
        ),
    )
    _insert(schema.ITEMS, (_item(found) for found in data.items))
    _insert(schema.PACKAGES, (_package(found) for found in data.packages))
    _insert(schema.ORDERS, (_order(found) for found in data.orders))
    _insert(schema.ORDER_LINES, (row for o in data.orders for row in _lines(o)))
    _insert(schema.LINE_PARCELS, (row for o in data.orders for row in _parcels(o)))
    _insert(schema.GIFT_CARDS, _gift_cards(data))
    for past in data.returns:
        _return(connection, past)
        if progress is not None:
            progress(1)
    _insert(schema.TRANSFERS, (_transfer(past) for past in data.transfers))


def _insert_rows(
    connection: Connection, progress: Progress, table: Table, rows: Iterable[dict[str, Any]]
) -> None:
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        connection.execute(insert(table), chunk)
        progress(len(chunk))


def _meta(data: ShopData) -> list[dict[str, Any]]:
    values = {
        "kind": schema.KIND,
        "version": str(schema.VERSION),
        "zone": data.zone,
        "loaded_on": data.loaded_on,
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _customer(customer: Customer) -> dict[str, Any]:
    return {
        "customer_id": customer.customer_id,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "email_key": fold(customer.email) or None,
        "phone_number": customer.phone_number,
        "is_fraud_flag": customer.is_fraud_flag,
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _item(item: Item) -> dict[str, Any]:
    policy = item.policy
    return {
        "item_id": item.item_id,
        "description": item.description,
        "category": item.category,
        "cost": _money(item.cost),
        "currency": item.currency,
        "has_policy": policy is not None,
        "return_eligible": policy.return_eligible if policy else None,
        "return_window": policy.return_window if policy else None,
    }


def _package(package: Package) -> dict[str, Any]:
    names = [column.name for column in schema.PACKAGES.columns]
    row = {name: getattr(package, name) for name in names}
    return {**row, "shipment_cost": _money(package.shipment_cost)}


def _gift_cards(data: ShopData) -> list[dict[str, Any]]:
    """Those issued for packages before the shop was loaded."""
    owners = {
        parcel.package_id: order.customer_id
        for order in data.orders
        for line in order.lines
        for parcel in line.parcels
    }
    return [
        {
            "gift_card_id": package.gift_card_id,
            # Issued before there were keys; one that no call derives.
            "idempotency_key": f"loaded:{package.gift_card_id}",
            "customer_id": owners[package.package_id],
            "package_id": package.package_id,
            "amount": _money(package.shipment_cost) or "0",
            "currency": package.currency,
            "created_at": "",
        }
        for package in data.packages
        if package.gift_card_id and package.package_id in owners
    ]


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "order_key": fold(order.order_id),
        "customer_id": order.customer_id,
        "order_date": order.order_date,
        "payment_status": order.payment_status,
    }


def _lines(order: Order) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(order.lines, 1):
        yield {
            "order_id": order.order_id,
            "line_no": number,
            "item_id": line.item_id,
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": _money(line.unit_price),
            "currency": line.currency,
            "returned": 0,
        }


def _parcels(order: Order) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(order.lines, 1):
        for parcel_number, parcel in enumerate(line.parcels, 1):
            yield {
                "order_id": order.order_id,
                "line_no": number,
                "parcel_no": parcel_number,
                "package_id": parcel.package_id or None,
                "quantity": parcel.quantity,
            }


def _transfer(past: PastTransfer) -> dict[str, Any]:
    return {
        "reference": past.reference,
        "idempotency_key": past.key,
        "customer_id": past.customer_id,
        "summary": past.summary,
        "created_at": past.created_at,
    }


def _return(connection: Connection, past: PastReturn) -> None:
    orders = schema.ORDERS.c
    order_id = connection.scalar(
        select(orders.order_id).where(orders.order_key == fold(past.order_id))
    )
    lines = units.lines_of(connection, order_id, past.item_id) if order_id is not None else []
    if order_id is None or not lines:
        raise RefusedByBackendError(
            f"return {past.return_id} is about item {past.item_id} of order {past.order_id}, "
            "which the shop does not have",
            code="unknown_item",
        )
    connection.execute(
        insert(schema.RETURNS),
        {
            "return_id": past.return_id,
            "tracking_id": past.tracking_id,
            # Where it was made without one: a key that no call derives.
            "idempotency_key": past.key or f"loaded:{past.return_id}",
            "order_id": order_id,
            "item_id": past.item_id,
            "quantity": past.quantity,
            "reason": past.reason,
            "note": past.note,
            "status": past.status,
            "created_at": past.created_at,
        },
    )
    held = past.status not in schema.FREED
    shares = units.share_out(lines, past.quantity, held=held)
    units.record(connection, past.return_id, shares, past.status)
