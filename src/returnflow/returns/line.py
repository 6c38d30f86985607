"""A line of a return: what the customer said yes to, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from returnflow.records import Order, Package
from returnflow.redacted import NOT_RECORDED_UNITS, hidden
from returnflow.returns import eligibility
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


ADVICES = ("after_delivery", "closes_before_delivery", "offer_transfer", "final")
"""What is owed for a refusal: one of these (rules 8, 9, 13)."""

STANDS_FOR = {"after_delivery": ("closes_before_delivery",)}
"""The procedure prescribes "after it is delivered"; where the window closes before, the wizard
warns instead. Who said what the procedure prescribes has explained it all the same (rule 8)."""


class Sale(msgspec.Struct, frozen=True):
    """What the refund of a line hangs on, as it was when the line was sent.

    Args:
        packages: those looked up until then.
        taken: units of the item that were in a return, or go into one before it.
    """

    order: Order
    packages: Mapping[str, Package | None]
    taken: int

    def refund(self, item_id: str, quantity: int) -> Decimal | None:
        """What so many units cost; None where that is not recorded (rule 31)."""
        return eligibility.refund(self.order, item_id, quantity, self.packages, self.taken)

    def currency(self, item_id: str) -> str:
        """The currency of the item's price."""
        return next((each.currency for each in eligibility.lines_of(self.order, item_id)), "")


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
    sale: Sale | None = None
    message: str = ""

    @property
    def refund(self) -> Decimal | None:
        """What the customer gets back for it; None before it was sent. It is reckoned when it is
        wanted: of most of the lines in a long log nobody says it."""
        return self.sale.refund(self.item_id, self.quantity) if self.sale is not None else None

    @property
    def currency(self) -> str:
        """The currency of the refund."""
        return self.sale.currency(self.item_id) if self.sale is not None else ""


def matches(line: Line, event: ev.ReturnRequested) -> bool:
    """Whether a request is the confirmed line, as far as both are recorded (rules 14, 25, 27)."""
    return all(one == other or _hidden(one) or _hidden(other) for one, other in _pairs(line, event))


def certain(line: Line, event: ev.ReturnRequested) -> bool:
    """Whether all of a confirmed line and of its request is recorded."""
    return not any(_hidden(one) or _hidden(other) for one, other in _pairs(line, event))


def _pairs(line: Line, event: ev.ReturnRequested) -> tuple[tuple[str | int, str | int], ...]:
    return (
        (line.item_id, event.item_id),
        (line.quantity, event.quantity),
        (line.reason, event.reason),
        (line.order_id, event.order_id),
    )


def _hidden(value: str | int) -> bool:
    return hidden(value) if isinstance(value, str) else value == NOT_RECORDED_UNITS
