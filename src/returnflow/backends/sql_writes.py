"""The pieces that writes to a shop are made of: checks, refusals, new ids."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from returnflow.backends import sql_schema as schema
from returnflow.backends import sql_units as units
from returnflow.backends.refusals import check_ordered, check_same, refuse
from returnflow.backends.tokens import now, token, tracking_id
from returnflow.errors import NotFoundError


def open_return(connection: Connection, asked: dict[str, Any]) -> Row[Any]:
    """Opens a return with the arguments `asked`; answers its row.

    Raises:
        RefusedByBackendError: `unknown_item`, `bad_quantity` or `already_returned`.
    """
    quantity: int = asked["quantity"]
    lines = units.lines_of(connection, asked["order_id"], asked["item_id"])
    ordered = sum(line.quantity for line in lines)
    check_ordered(asked["item_id"], asked["order_id"], quantity, ordered)
    shares = units.share_out(lines, quantity)
    return_id = f"RET-{token(8)}"
    connection.execute(
        insert(schema.RETURNS),
        {
            **asked,
            "return_id": return_id,
            "tracking_id": tracking_id(),
            "status": "INITIATED",
            "created_at": now(),
        },
    )
    units.record(connection, return_id, shares, "INITIATED")
    return connection.execute(
        select(schema.RETURNS).where(schema.RETURNS.c.return_id == return_id)
    ).one()


def issue_gift_card(connection: Connection, asked: dict[str, Any]) -> str:
    """Issues a gift card with the arguments `asked`; answers its id.

    Raises:
        RefusedByBackendError: `unknown_customer`, `unknown_package` or `already_issued`.
    """
    customers, packages = schema.CUSTOMERS.c, schema.PACKAGES.c
    cards = schema.GIFT_CARDS
    if not connection.scalar(
        select(customers.customer_id).where(customers.customer_id == asked["customer_id"])
    ):
        refuse("unknown_customer", f"the shop has no customer {asked['customer_id']!r}")
    # Two calls about one package come one after the other.
    if not connection.scalar(
        select(packages.package_id)
        .where(packages.package_id == asked["package_id"])
        .with_for_update()
    ):
        refuse("unknown_package", f"the shop has no package {asked['package_id']!r}")
    known = connection.execute(
        select(cards).where(cards.c.package_id == asked["package_id"])
    ).one_or_none()
    if known is not None and known.idempotency_key == asked["idempotency_key"]:
        check_same(differing(known, asked))  # another connection was faster with the same request
        return str(known.gift_card_id)
    if known is not None:
        refuse("already_issued", f"a gift card was issued for package {asked['package_id']!r}")
    # It is worth money: 60 random bits are not to be guessed.
    gift_card_id = f"GC-{token(6)}-{token(6)}"
    connection.execute(insert(cards), {**asked, "gift_card_id": gift_card_id, "created_at": now()})
    return gift_card_id


def move_return(connection: Connection, tracking_id: str, status: str) -> None:
    """Gives a return another status, and frees or takes its units accordingly (rule 17).

    Raises:
        NotFoundError: no return has this tracking id.
        RefusedByBackendError: its units are in another return meanwhile (`already_returned`).
    """
    returns = schema.RETURNS.c
    row = connection.execute(
        select(returns.return_id, returns.status)
        .where(returns.tracking_id == tracking_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"the shop has no return {tracking_id!r}")
    held, holds = row.status not in schema.FREED, status not in schema.FREED
    if held != holds:
        change = units.take if holds else units.free
        change(connection, units.recorded(connection, row.return_id))
    connection.execute(
        update(schema.RETURNS).where(returns.return_id == row.return_id).values(status=status)
    )


def differing(known: Row[Any], asked: dict[str, Any]) -> list[str]:
    """The arguments of a write that are others than when it was done."""
    return [name for name, value in asked.items() if getattr(known, name) != value]


def check_amount(amount: Decimal, currency: str) -> None:
    """Refuses what is no amount of money (`bad_amount`)."""
    if not isinstance(amount, Decimal) or not amount.is_finite() or amount <= 0:
        refuse("bad_amount", f"{amount} is no amount above 0")
    if not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        refuse("bad_amount", f"{currency!r} is no currency: give an ISO 4217 code, as EUR")
