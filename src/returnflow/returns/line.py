"""A line of a return: what the customer said yes to, and what became of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from returnflow.returns import events as ev

LineState = Literal[
    "waiting", "requested", "opened", "refused", "failed", "not_done", "unknown", "left"
]
"""Where a confirmed line stands: not sent yet; sent, no outcome; opened; plainly refused; surely
not done; perhaps done; left so by the agent."""

UNSETTLED: tuple[LineState, ...] = ("requested", "unknown", "left")
"""Sent, and perhaps done (rule 29)."""

TAKEN: tuple[LineState, ...] = ("opened", *UNSETTLED)
"""The units of such a line are in a return, or may be (rule 17)."""

NOTICES = ("tracking_id", "shipping_not_refunded", "approval_before_pickup")
"""What is owed for every return opened, in the order in which it is said (rule 33)."""


class Line(msgspec.Struct, kw_only=True):
    """One line of the return that the customer said yes to, and what became of it.

    `subject`: what its notices are told about: the tracking id, numbered where the shop gave one
    id to several returns.
    `doubtful`: it was sent at least once without anybody knowing what came of that.
    `taken_before`: units of the item that were in a return when it was requested.
    """

    order_id: str
    item_id: str
    quantity: int
    reason: str
    note: str = ""
    state: LineState = "waiting"
    requests: int = 0
    key: str = ""
    doubtful: bool = False
    taken_before: int = 0
    tracking_id: str = ""
    subject: str = ""
    refund: Decimal | None = None
    currency: str = ""
    message: str = ""


def matches(line: Line, event: ev.ReturnRequested) -> bool:
    """Whether a request is exactly the confirmed line (rules 14, 25, 27)."""
    return (line.order_id, line.item_id, line.quantity, line.reason) == (
        event.order_id,
        event.item_id,
        event.quantity,
        event.reason,
    )
