"""The records of a folder of shop data at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from returnflow.backends import json_tables as tables
from returnflow.backends.json_form import LineForm, OrderForm, UnreadableError
from returnflow.backends.json_tables import Catalogue, Returns
from returnflow.backends.refusals import check_ordered, refuse, too_few
from returnflow.backends.summarizing import summary
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderLine,
    OrderSummary,
    Package,
    Parcel,
    ReturnPolicy,
)


class View:
    """The records of the folder at one moment. Every method raises `UnreadableError`."""

    def __init__(self, catalogue: Catalogue, returns: Returns) -> None:
        self.catalogue = catalogue
        self.returns = returns

    def customer(self, key: str) -> Customer:
        """The customer under this key; whom orders belong to is reconciled (rule 21)."""
        found = self.catalogue.customers.form(key)
        orders = [self.catalogue.orders.pointed(pointer) for pointer in found.active_orders]
        return Customer(
            customer_id=key,
            first_name=found.first_name,
            last_name=found.last_name,
            email=found.email,
            phone_number=found.phone_number,
            active_orders=tuple(dict.fromkeys(orders)),
            active_returns=tuple(dict.fromkeys(self._active_returns(key, found.active_returns))),
            is_fraud_flag=found.is_fraud_flag,
        )

    def _active_returns(self, customer: str, listed: list[str]) -> Iterator[str]:
        table = self.returns.table
        keys = [key for key in map(table.ids.resolve, listed) if key is not None]
        for key in (*keys, *self.returns.of_customer(customer)):
            try:
                if table.form(key).return_status.strip().upper() not in tables.ENDED:
                    yield key
            except UnreadableError:
                yield key

    def order(self, key: str) -> Order:
        """The order under this key, with what is in a return already (rule 17)."""
        found = self.catalogue.orders.form(key)
        keys, lost = self.returns.of(key, found.associated_returns)
        counted = None if lost else self.returns.units(keys)
        left = None if counted is None else dict(counted)
        return Order(
            order_id=key,
            customer_id=self.catalogue.customers.pointed(found.customer_id),
            order_date=found.order_date,
            payment_status=found.payment_status,
            lines=tuple(self._line(found, line, left) for line in found.items_ordered),
            associated_returns=(*keys, *lost),
        )

    def _line(self, order: OrderForm, line: LineForm, left: dict[str, int] | None) -> OrderLine:
        item_id = self.catalogue.items.pointed(line.item_number)
        returned = None
        if left is not None:
            # Lines are used up in order (rule 18).
            returned = min(line.qty, left.get(item_id, 0))
            left[item_id] = left.get(item_id, 0) - returned
        item = self._item_or_none(item_id)
        package = line.package_id.strip()
        return OrderLine(
            item_id=item_id,
            description=line.description or (item.description if item else ""),
            quantity=line.qty,
            unit_price=line.item_final_cost,
            currency=line.currency or order.currency or self.catalogue.shop.currency,
            returned=returned,
            parcels=(
                Parcel(
                    package_id=self.catalogue.packages.pointed(package) if package else "",
                    quantity=line.qty,
                ),
            ),
        )

    def _item_or_none(self, key: str) -> Item | None:
        try:
            return self.item(key) if key in self.catalogue.items.raw else None
        except UnreadableError:
            return None

    def item(self, key: str) -> Item:
        """The item under this key; without its block, whether it may go back is unknown."""
        found = self.catalogue.items.form(key)
        block = found.return_eligiblity_details
        return Item(
            item_id=key,
            description=found.item_description,
            category=found.item_category,
            cost=found.item_cost,
            currency=found.currency or self.catalogue.shop.currency,
            policy=None
            if block is None
            else ReturnPolicy(
                return_eligible=block.return_eligible, return_window=block.return_window
            ),
        )

    def package(self, key: str) -> Package:
        """The package under this key."""
        found = self.catalogue.packages.form(key)
        return Package(
            package_id=key,
            type=found.type,
            current_status=found.current_status,
            estimated_delivery_date=found.estimated_delivery_date,
            final_delivery_date=found.final_delivery_date,
            promised_delivery_date=found.promised_delivery_date,
            shipment_cost=found.shipment_cost,
            currency=found.currency or self.catalogue.shop.currency,
        )

    def summary(self, key: str) -> OrderSummary:
        """The order as `summarize_orders` presents it."""
        return summary(self.order(key), self._status)

    def _status(self, package_id: str) -> str:
        try:
            known = package_id in self.catalogue.packages.raw
            return self.package(package_id).current_status if known else ""
        except UnreadableError:
            return ""

    def taken(self, key: str, item_id: str, quantity: int) -> list[dict[str, Any]]:
        """`items_returned` for so many units of an item, the order's lines used up in turn.

        Raises:
            RefusedByBackendError: they are not there.
        """
        lines = [line for line in self.order(key).lines if line.item_id == item_id]
        ordered = sum(line.quantity for line in lines)
        check_ordered(item_id, key, quantity, ordered)
        if any(line.returned is None for line in lines):
            refuse(
                "returns_unknown",
                f"how many units of order {key!r} are in a return already cannot be told; have "
                "the shop's data mended",
            )
        wanted, returned = quantity, []
        for line in lines:
            units = min(wanted, line.quantity - (line.returned or 0))
            if units:
                wanted -= units
                returned.append(_returned(line, units))
        if wanted:
            raise too_few(quantity - wanted)
        return returned


def _returned(line: OrderLine, units: int) -> dict[str, Any]:
    amount: Decimal | None = None if line.unit_price is None else line.unit_price * units
    return {
        "item_number": line.item_id,
        "qty": units,
        "refundable_amount": amount,
        "package_id": line.parcels[0].package_id,
    }
