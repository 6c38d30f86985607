"""How many units of an order are in a return already (rule 17), counted from what Tryton records.

Three things hold units: a complaint that asks for a return and has not made one yet; the return
that a complaint made; and a return that somebody made without a complaint. What was cancelled or
rejected holds none, nor do moves of a return that were cancelled and not made anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from returnflow.backends import tryton_rows as rows
from returnflow.backends.tryton_rows import Action, ActionLine, Complaint, Line, Move, Sale
from returnflow.backends.tryton_rpc import Session

MARK = "returnflow "
"""The references of our complaints begin with this; the idempotency key follows."""

FREED = ("rejected", "cancelled")
OPEN = ("draft", "waiting")


@dataclass(frozen=True, slots=True)
class Hold:
    """Units of an order's lines that a return holds.

    Args:
        complaint: the complaint behind it; None for a return without one.
        units: by the id of the order's line, in units of that line.
        number: by which the shop's people find the return.
    """

    sale: int
    complaint: Complaint | None
    number: str
    units: dict[int, Decimal] = field(default_factory=dict)

    def on(self, lines: Iterable[int]) -> Decimal:
        """The units held of these lines together."""
        return sum((self.units.get(line, Decimal(0)) for line in lines), Decimal(0))


def holds(session: Session, lines: Sequence[Line]) -> list[Hold]:
    """Everything that holds units of the orders to which `lines` belong.

    Args:
        lines: all lines of these orders.

    Raises:
        UnavailableError
    """
    by_sale: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        by_sale[line.sale].append(line)
    sale_of = {line.id: line.sale for line in lines}
    complaints = {each.id: each for each in _once_per_key(_complaints(session, by_sale))}
    actions = rows.among(session, Action, "complaint", complaints, ("action", "=", "sale_return"))
    asked: dict[int, list[ActionLine]] = defaultdict(list)
    for each in rows.among(session, ActionLine, "action", [action.id for action in actions]):
        asked[each.action].append(each)
    made = [rows.referred(action.result, "sale.sale") for action in actions]
    returned = _returned(session, by_sale, [sale for sale in made if sale is not None])
    found: list[Hold] = []
    for action, result in zip(actions, made, strict=True):
        complaint = complaints[action.complaint]
        about = rows.referred(complaint.origin, "sale.line")
        sale = sale_of[about] if about else rows.referred(complaint.origin, "sale.sale")
        if sale is None:
            continue
        wanted = _wanted(by_sale[sale], about, action, asked[action.id])
        if result is None:
            units = wanted
        elif result in returned:
            units = _shared_out(by_sale[sale], wanted, returned.pop(result)[1])
        else:
            continue
        found.append(Hold(sale, complaint, complaint.number, units))
    for sale_row, amounts in returned.values():
        sale = rows.referred(sale_row.origin, "sale.sale")
        if sale is not None:
            units = _shared_out(by_sale[sale], {}, amounts)
            found.append(Hold(sale, None, sale_row.number, units))
    return found


def whole(session: Session, sales: Iterable[int]) -> list[Line]:
    """All lines of these orders that have goods."""
    lines = rows.among(session, Line, "sale", sales, ("type", "=", "line"))
    return [line for line in lines if line.product is not None and line.quantity]


def _complaints(session: Session, sales: Iterable[int]) -> list[Complaint]:
    alive = ("state", "not in", list(FREED))
    found: list[Complaint] = []
    for chunk in rows.chunks(list(sales)):
        about = [
            "OR",
            ("origin.id", "in", chunk, "sale.sale"),
            ("origin.sale", "in", chunk, "sale.line"),
        ]
        found += rows.every(session, Complaint, [about, alive])
    return found


def _once_per_key(complaints: Iterable[Complaint]) -> list[Complaint]:
    """Of several complaints under one key only the one that counts: see `tryton_returns`."""
    counted: list[Complaint] = []
    keyed: dict[str, list[Complaint]] = defaultdict(list)
    for complaint in complaints:
        if complaint.reference.startswith(MARK):
            keyed[complaint.reference].append(complaint)
        else:
            counted.append(complaint)
    return counted + [chosen(same) for same in keyed.values()]


def chosen(same: Sequence[Complaint]) -> Complaint:
    """The complaint that stands for a key: one that was approved, else the oldest."""
    return min(same, key=lambda each: (each.state in OPEN, each.id))


def _wanted(
    lines: Sequence[Line], about: int | None, action: Action, asked: Sequence[ActionLine]
) -> dict[int, Decimal]:
    """The units that a complaint asks for; where it gives no number, all."""
    whole_lines = {line.id: line.quantity or Decimal(0) for line in lines}
    if about is not None:
        units = action.quantity
        return {about: whole_lines.get(about, Decimal(0)) if units is None else units}
    if not asked:
        return whole_lines
    wanted: dict[int, Decimal] = defaultdict(Decimal)
    for each in asked:
        units = each.quantity
        wanted[each.line] += whole_lines.get(each.line, Decimal(0)) if units is None else units
    return wanted


def _returned(
    session: Session, sales: Iterable[int], made: Sequence[int]
) -> dict[int, tuple[Sale, dict[int, Decimal]]]:
    """The returns that count: those with these ids, and those whose origin is one of the orders.

    For each, the units by product, in the base unit.
    """
    alive = ("state", "!=", "cancelled")
    found = rows.among(session, Sale, "id", made, alive)
    found += rows.among(session, Sale, "origin.id", sales, alive, model="sale.sale")
    returned: dict[int, tuple[Sale, dict[int, Decimal]]] = {
        sale.id: (sale, defaultdict(Decimal)) for sale in found
    }
    lines = {line.id: line for line in whole(session, returned)}
    recreated = {move for line in lines.values() for move in line.moves_recreated}
    gone: dict[int, Decimal] = defaultdict(Decimal)
    for move in rows.among(
        session, Move, "origin.sale", returned, ("state", "=", "cancelled"), model="sale.line"
    ):
        line_id = rows.referred(move.origin, "sale.line")
        if line_id is not None and move.id not in recreated:
            gone[line_id] += move.quantity * move.unit.factor
    for line in lines.values():
        units = -(line.quantity or Decimal(0)) * line.factor - gone[line.id]
        if line.product is not None and units > 0:
            returned[line.sale][1][line.product.id] += units
    return returned


def _shared_out(
    lines: Sequence[Line], wanted: dict[int, Decimal], amounts: dict[int, Decimal]
) -> dict[int, Decimal]:
    """What was returned of each product, laid on the order's lines of it.

    A return does not say which line its units come from. The complaint does (`wanted`); what it
    leaves open is laid on the lines in order.
    """
    units: dict[int, Decimal] = defaultdict(Decimal)
    for product, amount in amounts.items():
        left = amount
        mine = [line for line in lines if line.product and line.product.id == product]
        for line in sorted(mine, key=lambda each: each.id not in wanted):
            room = wanted.get(line.id, line.quantity or Decimal(0))
            share = min(left, max(Decimal(0), room * line.factor))
            units[line.id] += share / line.factor
            left -= share
        if mine and left > 0:
            # More than was ordered came back; it is counted all the same.
            units[mine[-1].id] += left / mine[-1].factor
    return units
