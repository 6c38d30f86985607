"""The units of an order's lines: which of them a return takes, and how they are freed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from returnflow.backends.refusals import too_few
from returnflow.backends.sql_schema import FREED, ORDER_LINES, RETURN_LINES


@dataclass(frozen=True, slots=True)
class Line:
    """An order line as far as units go: how many there are and how many a return holds."""

    order_id: str
    line_no: int
    quantity: int
    returned: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many units of one order line belong to a return."""

    order_id: str
    line_no: int
    quantity: int


def lines_of(connection: Connection, order_id: str, item_id: str) -> list[Line]:
    """The order's lines of the item, in order; locked until the transaction ends."""
    lines = ORDER_LINES.c
    rows = connection.execute(
        select(lines.order_id, lines.line_no, lines.quantity, lines.returned)
        .where(lines.order_id == order_id, lines.item_id == item_id)
        .order_by(lines.line_no)
        .with_for_update()
    )
    return [Line(*row) for row in rows]


def share_out(lines: Sequence[Line], quantity: int, *, held: bool = True) -> list[Share]:
    """Divides `quantity` units among the lines, the first first (rule 18).

    Args:
        held: units that are in a return already are not available.

    Raises:
        RefusedByBackendError: fewer are left (`already_returned`).
    """
    shares = []
    wanted = quantity
    for line in lines:
        left = line.quantity - (line.returned if held else 0)
        units = min(left, wanted)
        if units > 0:
            shares.append(Share(line.order_id, line.line_no, units))
            wanted -= units
    if wanted:
        raise too_few(quantity - wanted)
    return shares


def take(connection: Connection, shares: Iterable[Share]) -> None:
    """Counts the units as returned, each line in one step that cannot exceed its quantity.

    Raises:
        RefusedByBackendError: they are no longer there (`already_returned`).
    """
    lines = ORDER_LINES.c
    for share in shares:
        done = connection.execute(
            update(ORDER_LINES)
            .where(
                lines.order_id == share.order_id,
                lines.line_no == share.line_no,
                lines.returned + share.quantity <= lines.quantity,
            )
            .values(returned=lines.returned + share.quantity)
        )
        if done.rowcount != 1:
            raise too_few(0)


def free(connection: Connection, shares: Iterable[Share]) -> None:
    """Makes the units returnable again."""
    lines = ORDER_LINES.c
    for share in shares:
        connection.execute(
            update(ORDER_LINES)
            .where(lines.order_id == share.order_id, lines.line_no == share.line_no)
            .values(returned=lines.returned - share.quantity)
        )


def record(connection: Connection, return_id: str, shares: Sequence[Share], status: str) -> None:
    """Writes down which units a new return is about, and takes them unless it holds none."""
    if status not in FREED:
        take(connection, shares)
    connection.execute(
        insert(RETURN_LINES),
        [
            {
                "return_id": return_id,
                "order_id": share.order_id,
                "line_no": share.line_no,
                "quantity": share.quantity,
            }
            for share in shares
        ],
    )


def recorded(connection: Connection, return_id: str) -> list[Share]:
    """The units that a return is about."""
    kept = RETURN_LINES.c
    rows = connection.execute(
        select(kept.order_id, kept.line_no, kept.quantity)
        .where(kept.return_id == return_id)
        .order_by(kept.line_no)
    )
    return [Share(*row) for row in rows]
