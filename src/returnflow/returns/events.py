"""The events of handling returns: what the agent did or heard, and what the shop answered.

All are facts in the past tense. Ids are kept as typed where a person gave them and as stored
where the shop did. Quantities are whole units.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from returnflow.engine.vocabulary import Event
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderFailure,
    OrderSummary,
    Package,
    ReturnReceipt,
    TransferReceipt,
)

REASONS = ("DAMAGED", "DEFECTIVE", "WRONG_ITEM", "ORDERED_BY_MISTAKE", "OTHER")
"""The return reasons of the procedure (rule 26)."""


class Pick(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item that the customer wants to return, and how many units of it."""

    item_id: str
    quantity: int


class ReturnLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the customer said yes to for one item and reason; `note` is free text."""

    item_id: str
    quantity: int
    reason: str
    note: str = ""


# -- from the agent ---------------------------------------------------------------------------


class EmailGiven(Event, frozen=True, kw_only=True):
    """The customer named their registered e-mail address."""

    email: str


class OrderIdGiven(Event, frozen=True, kw_only=True):
    """The customer named an order, or said which of those listed it is."""

    order_id: str


class OrderIdUnknown(Event, frozen=True, kw_only=True):
    """The customer does not have the order id."""


class OrderUnrecognised(Event, frozen=True, kw_only=True):
    """The customer recognises none of the orders listed."""


class ItemsPicked(Event, frozen=True, kw_only=True):
    """The customer said which items are to go back, and how many of each."""

    picks: tuple[Pick, ...]


class Told(Event, frozen=True, kw_only=True):
    """The agent said a prescribed sentence: `notice` is its key in the YAML, `subject` the
    item id or tracking id that it is about. `words`: what was said, where a log has it."""

    notice: str
    subject: str
    words: str = ""


class ReturnConfirmed(Event, frozen=True, kw_only=True):
    """The customer said yes to exactly these lines (rule 25)."""

    lines: tuple[ReturnLine, ...]


class ReturnDeclined(Event, frozen=True, kw_only=True):
    """The customer wants no return, or no further one, after all."""


class Satisfied(Event, frozen=True, kw_only=True):
    """The customer is satisfied and needs nothing more."""


class AnotherReturn(Event, frozen=True, kw_only=True):
    """The customer wants to return something else in the same call."""


class RetryRequested(Event, frozen=True, kw_only=True):
    """The agent asked for a write to be tried again, with the same key where one is open."""


class LeftUnconfirmed(Event, frozen=True, kw_only=True):
    """The agent left a write of unknown outcome open and went on."""


class CallbackPromised(Event, frozen=True, kw_only=True):
    """A transfer failed and the agent promised that somebody calls back."""


class HumanRequested(Event, frozen=True, kw_only=True):
    """The customer is to be transferred: `reason` is ``asked`` or ``not_satisfied`` or the
    agent's words, `summary` what the next person should know (rules 34, 35)."""

    reason: str = "asked"
    summary: str


class CallDropped(Event, frozen=True, kw_only=True):
    """The customer is gone (rule 36)."""


class Resumed(Event, frozen=True, kw_only=True):
    """The call goes on under a later policy date (rule 4)."""

    policy_date: date


# -- from the backend -------------------------------------------------------------------------


class CustomerFound(Event, frozen=True, kw_only=True):
    """Exactly one customer has the e-mail address."""

    customer: Customer


class CustomerMissing(Event, frozen=True, kw_only=True):
    """No customer has the e-mail address."""

    email: str = ""


class CustomerAmbiguous(Event, frozen=True, kw_only=True):
    """Several customers have the e-mail address (rule 20)."""

    email: str = ""
    count: int = 2


class OrdersSummarized(Event, frozen=True, kw_only=True):
    """The open orders, with those that failed to load beside them (rule 24)."""

    orders: tuple[OrderSummary, ...] = ()
    failed: tuple[OrderFailure, ...] = ()


class OrderFound(Event, frozen=True, kw_only=True):
    """The order asked for; whose it is, a guard decides."""

    order: Order


class OrderMissing(Event, frozen=True, kw_only=True):
    """The shop knows no such order."""

    order_id: str = ""


class ItemFound(Event, frozen=True, kw_only=True):
    """The details of an item."""

    item: Item


class ItemMissing(Event, frozen=True, kw_only=True):
    """The shop knows no such item."""

    item_id: str


class PackageFound(Event, frozen=True, kw_only=True):
    """The details of a package."""

    package: Package


class PackageMissing(Event, frozen=True, kw_only=True):
    """The shop knows no such package."""

    package_id: str


class ReturnRequested(Event, frozen=True, kw_only=True):
    """`initiate_return` is about to be sent with exactly these arguments and this key."""

    order_id: str
    item_id: str
    quantity: int
    reason: str
    note: str = ""
    key: str = ""


class ReturnOpened(Event, frozen=True, kw_only=True):
    """The shop opened the return."""

    receipt: ReturnReceipt


class ReturnRefused(Event, frozen=True, kw_only=True):
    """The shop plainly declined the return; nothing was done."""

    code: str = "refused"
    message: str = ""


class TransferRequested(Event, frozen=True, kw_only=True):
    """`transfer_to_human_representative` is about to be sent; no customer id before anyone
    is identified (rule 35)."""

    customer_id: str | None = None
    summary: str
    key: str = ""


class TransferAccepted(Event, frozen=True, kw_only=True):
    """A human representative takes over."""

    receipt: TransferReceipt = TransferReceipt()


class TransferRefused(Event, frozen=True, kw_only=True):
    """The backend plainly declined the transfer."""

    message: str = ""


class BackendFailed(Event, frozen=True, kw_only=True):
    """No usable answer. `outcome`: ``known`` (nothing happened there), ``unknown`` (a write
    may have been done), ``cancelled`` (the agent stopped waiting for a look-up)."""

    operation: str
    outcome: Literal["known", "unknown", "cancelled"] = "unknown"
    message: str = ""


EVENTS: tuple[type[Event], ...] = (
    EmailGiven,
    OrderIdGiven,
    OrderIdUnknown,
    OrderUnrecognised,
    ItemsPicked,
    Told,
    ReturnConfirmed,
    ReturnDeclined,
    Satisfied,
    AnotherReturn,
    RetryRequested,
    LeftUnconfirmed,
    CallbackPromised,
    HumanRequested,
    CallDropped,
    Resumed,
    CustomerFound,
    CustomerMissing,
    CustomerAmbiguous,
    OrdersSummarized,
    OrderFound,
    OrderMissing,
    ItemFound,
    ItemMissing,
    PackageFound,
    PackageMissing,
    ReturnRequested,
    ReturnOpened,
    ReturnRefused,
    TransferRequested,
    TransferAccepted,
    TransferRefused,
    BackendFailed,
)
