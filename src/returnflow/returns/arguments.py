"""What the arguments of a recorded tool call say: ids, quantities, lines of a return."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from returnflow.engine.transcript import ToolCall
from returnflow.inert import fold
from returnflow.records import Order
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS, hidden
from returnflow.returns import events as ev

MOST_DIGITS = 30
"""Digits of a number in the arguments of a call; what is longer is none (rule 40)."""


def text_of(call: ToolCall, name: str) -> str:
    """An argument as text, trimmed; `NOT_RECORDED` where the log does not show it."""
    value = call.arguments.get(name)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MOST_DIGITS:
        return str(value)
    return NOT_RECORDED


def line_of(call: ToolCall, order: Order | None) -> ev.ReturnLine:
    """The line that a call of `initiate_return` sends, with the item as the order spells it."""
    return ev.ReturnLine(
        spelled(order, text_of(call, "item_id")),
        _quantity(call.arguments.get("quantity")),
        text_of(call, "return_reason"),
        text_of(call, "note") if "note" in call.arguments else "",
    )


def _quantity(value: object) -> int:
    """A quantity as recorded; not recorded where there is none, 0 where it is no whole number."""
    if value is None:
        return NOT_RECORDED_UNITS
    if isinstance(value, str):
        if hidden(value):
            return NOT_RECORDED_UNITS
        if not value.isascii() or len(value) > MOST_DIGITS:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return 0
    try:
        units = Decimal(value.strip() if isinstance(value, str) else value)
    except (InvalidOperation, ValueError):
        return 0
    if not units.is_finite() or abs(units) >= 2**31 or units != units.to_integral_value():
        return 0
    return int(units)


def spelled(order: Order | None, item_id: str) -> str:
    """An item's id as the order spells it, where it is one of its items under another spelling."""
    ids = {line.item_id for line in order.lines} if order is not None else set()
    same = [each for each in ids if fold(each) == fold(item_id)]
    return same[0] if item_id not in ids and len(same) == 1 else item_id


def holds(order: Order, call: ToolCall) -> bool:
    """Whether an item or a package that is looked up is of that order."""
    item_id, package_id = text_of(call, "item_id"), text_of(call, "package_id")
    return any(
        line.item_id == item_id or any(parcel.package_id == package_id for parcel in line.parcels)
        for line in order.lines
    )
