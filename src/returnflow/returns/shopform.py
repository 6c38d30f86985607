"""Records from what recorded calls answered: the shop-data form, or the records' own form.

A member that is not there is not observable, and one of the wrong type is not either: it becomes
`NOT_RECORDED` (rule 41). One that is there and empty means what it says: an empty `package_id`
is an item not shipped yet (rule 12). Unknown members are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from returnflow.inert import fold
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderFailure,
    OrderLine,
    OrdersSummary,
    OrderSummary,
    Package,
    Parcel,
    ReturnPolicy,
    SummaryLine,
)
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS, hidden
from returnflow.returns import shopvalues
from returnflow.returns.shopvalues import same_id

Data = Mapping[str, Any]

_TAG = re.compile(r"</?(?:error|success)>", re.IGNORECASE)
_WRAPPERS = ("data", "result", "response", "customer", "order", "item", "package", "return")


def words(text: str) -> str:
    """A sentence without the tags round it."""
    return _TAG.sub("", text).strip()


# -- single members ---------------------------------------------------------------------------


def _get(data: Data, *keys: str) -> tuple[bool, Any]:
    """Whether one of the keys is there, and what stands under the first that is."""
    for key in keys:
        if key in data:
            return True, data[key]
    return False, None


def _text(data: Data, *keys: str, missing: str = NOT_RECORDED) -> str:
    there, value = _get(data, *keys)
    read = shopvalues.text(value) if there else None
    return missing if read is None else read


def _units(data: Data, *keys: str) -> int:
    read = shopvalues.units(_get(data, *keys)[1])
    return NOT_RECORDED_UNITS if read is None else read


def _money(data: Data, *keys: str) -> Decimal | None:
    return shopvalues.money(_get(data, *keys)[1])


def _ids(data: Data, key: str, inner: str) -> tuple[str, ...] | None:
    """A list of ids, or of objects that hold one; None where it is not there, or is no list."""
    there, value = _get(data, key)
    if there and value is None:
        return ()
    if not isinstance(value, list | tuple):
        return None
    found = [each.get(inner) if isinstance(each, Mapping) else each for each in value]
    return tuple(
        str(each) if isinstance(each, str | int) and not isinstance(each, bool) else NOT_RECORDED
        for each in found
    )


def _id(data: Data, asked: Any, *keys: str) -> str:
    """The record's id.

    Data of this kind know one thing under several spellings, ``CUST001001`` and
    ``CUST0001001``. Where they differ only so, the one asked for counts: others point at it.
    """
    own = _text(data, *keys, missing="")
    wanted = asked.strip() if isinstance(asked, str) else ""
    if not own or hidden(own) or (wanted and fold(own) != fold(wanted) and same_id(own, wanted)):
        return wanted or own or NOT_RECORDED
    return own


def found_in(value: Any, keys: Iterable[str]) -> Data | None:
    """The object in `value` that has one of the keys: itself, or the only one within it."""
    for _ in range(3):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, Mapping):
            return None
        if any(key in value for key in keys):
            return value
        inner = [value[key] for key in _WRAPPERS if isinstance(value.get(key), Mapping | list)]
        if not inner and len(value) == 1:
            inner = list(value.values())
        if len(inner) != 1:
            return None
        value = inner[0]
    return None


# -- records ----------------------------------------------------------------------------------

CUSTOMER_KEYS = ("customer_id", "active_orders", "first_name", "email")
ORDER_KEYS = ("items_ordered", "lines", "order_date", "order_id", "customer_id", "payment_status")
ITEM_KEYS = (
    "item_id",
    "item_number",
    "return_eligiblity_details",
    "return_eligibility_details",
    "policy",
    "item_description",
    "item_cost",
)
PACKAGE_KEYS = ("package_id", "current_status", "estimated_delivery_date", "final_delivery_date")


def customer(data: Data) -> Customer:
    """A customer; of an object without members, one of whom nothing can be told."""
    orders = _ids(data, "active_orders", "order_id")
    return Customer(
        customer_id=_text(data, "customer_id") or NOT_RECORDED,
        first_name=_text(data, "first_name", missing=""),
        last_name=_text(data, "last_name", missing=""),
        email=_text(data, "email"),
        phone_number=_text(data, "phone_number", missing=""),
        active_orders=(NOT_RECORDED,) if orders is None else orders,
        active_returns=_ids(data, "active_returns", "return_id") or (),
        is_fraud_flag=data.get("is_fraud_flag") is True,
    )


def order(data: Data, asked: Any) -> Order:
    """An order; `asked`: the id that it was asked for by."""
    lines = _get(data, "items_ordered", "lines")[1]
    returns = _ids(data, "associated_returns", "return_id")
    currency = _text(data, "currency", missing="")
    return Order(
        order_id=_id(data, asked, "order_id", "order_number"),
        customer_id=_text(data, "customer_id"),
        order_date=_text(data, "order_date"),
        payment_status=_text(data, "payment_status"),
        lines=tuple(
            _line(each if isinstance(each, Mapping) else {}, returns, currency)
            for each in (lines if isinstance(lines, list | tuple) else [{}])
        ),
        associated_returns=returns or (),
    )


def _line(data: Data, returns: tuple[str, ...] | None, currency: str) -> OrderLine:
    units = _units(data, "qty", "quantity")
    counted = _units(data, "returned")
    parcels = data.get("parcels")
    if isinstance(parcels, list):
        # The records' own form leaves out what is empty.
        packed = [
            (_text(each, "package_id", missing=""), _units(each, "quantity"))
            for each in parcels
            if isinstance(each, Mapping)
        ]
    else:
        packed = [(_text(data, "package_id"), units)]
    return OrderLine(
        item_id=_text(data, "item_number", "item_id") or NOT_RECORDED,
        description=_text(data, "description", "item_description", missing=""),
        quantity=units,
        unit_price=_money(data, "item_final_cost", "unit_price"),
        currency=_text(data, "currency", missing=currency),
        # Of returns that there are, the order does not say how many units are in them (rule 17).
        returned=counted if counted >= 0 else 0 if returns == () else None,
        parcels=tuple(
            Parcel(package_id=package_id, quantity=number) for package_id, number in packed
        ),
    )


def item(data: Data, asked: Any) -> Item:
    """An item of the catalogue; `asked`: the id that it was asked for by."""
    there, block = _get(data, "return_eligiblity_details", "return_eligibility_details", "policy")
    hidden_block = not there or not (block is None or isinstance(block, Mapping))
    return Item(
        item_id=_id(data, asked, "item_id", "item_number"),
        description=_text(data, "item_description", "description", missing=""),
        category=_text(data, "item_category", "category", missing=""),
        cost=_money(data, "item_cost", "cost"),
        currency=_text(data, "currency", missing=""),
        policy=None
        if block is None and not hidden_block
        else _policy({} if hidden_block else block),
    )


def _policy(block: Data) -> ReturnPolicy:
    window = block.get("return_window", NOT_RECORDED)
    return ReturnPolicy(
        return_eligible=shopvalues.boolean(block.get("return_eligible")),
        return_window=None if window is None else _text({"window": window}, "window"),
    )


def package(data: Data, asked: Any) -> Package:
    """A package; `asked`: the id that it was asked for by."""
    return Package(
        package_id=_id(data, asked, "package_id"),
        type=_text(data, "type", "package_type"),
        current_status=_text(data, "current_status"),
        estimated_delivery_date=_text(data, "estimated_delivery_date"),
        final_delivery_date=_text(data, "final_delivery_date"),
        # A shop that has these need not show them: none is taken for none that is known.
        promised_delivery_date=_text(data, "promised_delivery_date", missing=""),
        shipment_cost=_money(data, "shipment_cost"),
        currency=_text(data, "currency", missing=""),
        gift_card_id=_text(data, "gift_card_id", missing=""),
    )


# -- the summary of the open orders -----------------------------------------------------------


def summary(value: Any) -> OrdersSummary | None:
    """The open orders; None where the value is not such a summary."""
    if isinstance(value, Mapping) and isinstance(value.get("orders"), list | tuple):
        failed = value.get("failed")
        failures = failed if isinstance(failed, list | tuple) else ()
        return OrdersSummary(
            orders=_listed(value["orders"]),
            failed=tuple(
                OrderFailure(order_id=_text(each, "order_id"), reason=_text(each, "reason"))
                for each in failures
                if isinstance(each, Mapping)
            ),
        )
    if isinstance(value, list):
        orders = _listed(value)
        return OrdersSummary(orders=orders) if len(orders) == len(value) else None
    if not isinstance(value, Mapping):
        return None
    if not all(isinstance(each, Mapping | str) for each in value.values()):
        return None
    return OrdersSummary(
        orders=tuple(
            _summed(each, key) for key, each in value.items() if isinstance(each, Mapping)
        ),
        failed=tuple(
            OrderFailure(order_id=key, reason=words(each))
            for key, each in value.items()
            if isinstance(each, str)
        ),
    )


def _listed(orders: Iterable[Any]) -> tuple[OrderSummary, ...]:
    return tuple(_summed(each, "") for each in orders if isinstance(each, Mapping))


def _summed(data: Data, key: str) -> OrderSummary:
    items = _get(data, "items_ordered", "items")[1]
    return OrderSummary(
        order_id=key or _text(data, "order_id"),
        order_date=_text(data, "order_date"),
        items=tuple(
            SummaryLine(
                item_id=_text(each, "item_id", "item_number") or NOT_RECORDED,
                description=_text(each, "description", "item_description", missing=""),
                quantity=units if (units := _units(each, "quantity", "qty")) >= 0 else None,
                current_shipment_status=_text(each, "current_shipment_status"),
            )
            for each in (items if isinstance(items, list | tuple) else ())
            if isinstance(each, Mapping)
        ),
    )
