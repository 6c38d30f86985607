"""Rounds of returns in a record: the lines that are sent together, and what is left after them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from returnflow.engine.transcript import Answered
from returnflow.engine.vocabulary import Event
from returnflow.records import Order
from returnflow.redacted import NOT_RECORDED_UNITS, hidden
from returnflow.returns import events as ev
from returnflow.returns.arguments import line_of, text_of
from returnflow.returns.case import Case
from returnflow.returns.line import Line
from returnflow.returns.shopvalues import same_id

INITIATE = "initiate_return"
LOOK_UPS = ("get_item_details", "get_package_details")


def following_round(case: Case, order: Order, ahead: Sequence[Answered]) -> list[ev.ReturnLine]:
    """The lines that are initiated next for `order`, as far as one round reaches.

    It ends where something not yet looked up is looked up, another order or customer comes in,
    the same line is sent again, or more units are sent than there are.
    """
    lines: list[ev.ReturnLine] = []
    seen: set[tuple[str, str]] = set()
    units: dict[str, int] = {}
    for each in ahead:
        call = each.call
        if call.operation == INITIATE:
            order_id = text_of(call, "order_id")
            if not hidden(order_id) and not same_id(order_id, order.order_id):
                if lines:
                    break
                continue
            line = line_of(call, order)
            if any(alike(known, line) for known in lines):
                break
            # More than there is in one round is rather another try at what was refused.
            units[line.item_id] = units.get(line.item_id, 0) + line.quantity
            if units[line.item_id] > max(line.quantity, units_left(case, order, line.item_id)):
                break
            lines.append(line)
        elif call.operation in LOOK_UPS:
            subject = (call.operation, text_of(call, "item_id") + text_of(call, "package_id"))
            if lines and subject not in seen:
                break
            seen.add(subject)
        elif call.operation == "get_order_details":
            if not same_id(text_of(call, "order_id"), order.order_id):
                break
        elif call.operation is not None and (lines or call.operation == "get_customer_by_email"):
            break
    return lines


def leave_round(case: Case) -> list[Event]:
    """The answers that end the present round of returns."""
    found: list[Event] = []
    if case.sent is not None and case.sent.state != "requested":
        found.append(ev.LeftUnconfirmed(inferred=True))
    if any(line.state == "opened" for line in case.lines):
        found.append(ev.AnotherReturn(inferred=True))
    return found


def picks_of(lines: Iterable[ev.ReturnLine]) -> tuple[ev.Pick, ...]:
    """The picks behind confirmed lines: units of one item add up (rule 18)."""
    units: dict[str, int] = {}
    for line in lines:
        unknown = NOT_RECORDED_UNITS in (line.quantity, units.get(line.item_id))
        units[line.item_id] = (
            NOT_RECORDED_UNITS if unknown else units.get(line.item_id, 0) + line.quantity
        )
    return tuple(ev.Pick(item_id, quantity) for item_id, quantity in units.items())


def units_left(case: Case, order: Order, item_id: str) -> int:
    """Units of an item of the order that are in no return yet, as far as is known."""
    lines = [line for line in order.lines if line.item_id == item_id]
    if case.order is not None and case.order.order_id == order.order_id:
        taken = case.taken_at_least(item_id)[0]
    else:
        taken = sum(line.returned or 0 for line in lines)
    return sum(line.quantity for line in lines) - taken


def less_returned(case: Case, order: Order, number: int) -> Any:
    """A line of the order with the units of it that went back in this call."""
    line = order.lines[number]
    if line.returned is None or any(each.item_id == line.item_id for each in order.lines[:number]):
        return line
    here = [
        each.quantity
        for each in case.opened
        if (each.order_id, each.item_id) == (order.order_id, line.item_id)
    ]
    return msgspec.structs.replace(line, returned=line.returned + sum(max(0, n) for n in here))


def same_line(sent: Line, line: ev.ReturnLine) -> bool:
    """Whether a call sends again what was sent, as far as both are recorded (rule 29)."""
    pairs = ((sent.item_id, line.item_id), (sent.reason, line.reason))
    units = (sent.quantity, line.quantity)
    return all(one == other or hidden(one) or hidden(other) for one, other in pairs) and (
        units[0] == units[1] or NOT_RECORDED_UNITS in units
    )


def alike(one: ev.ReturnLine, other: ev.ReturnLine) -> bool:
    """Whether two lines are of one item and one reason, as far as both are recorded."""
    pairs = ((one.item_id, other.item_id), (one.reason, other.reason))
    return all(a == b or hidden(a) or hidden(b) for a, b in pairs)
