"""The events of handling a delayed package. What calls of both procedures share (who calls, which
order, packages, the transfer) are the events of handling returns."""

from __future__ import annotations

from decimal import Decimal

from returnflow.engine.vocabulary import Event
from returnflow.records import GiftCardReceipt
from returnflow.returns.events import (
    BackendFailed,
    CallbackPromised,
    CallDropped,
    CustomerAmbiguous,
    CustomerFound,
    CustomerMissing,
    EmailGiven,
    HumanRequested,
    LeftUnconfirmed,
    OrderFound,
    OrderIdGiven,
    OrderIdUnknown,
    OrderMissing,
    OrdersSummarized,
    OrderUnrecognised,
    PackageFound,
    PackageMissing,
    Resumed,
    RetryRequested,
    Satisfied,
    Told,
    TransferAccepted,
    TransferRefused,
    TransferRequested,
)

__all__ = [
    "EVENTS",
    "BackendFailed",
    "CallDropped",
    "CallbackPromised",
    "CustomerAmbiguous",
    "CustomerFound",
    "CustomerMissing",
    "EmailGiven",
    "EnquiryDropped",
    "GiftCardAccepted",
    "GiftCardDeclined",
    "GiftCardIssued",
    "GiftCardRefused",
    "GiftCardRequested",
    "HumanRequested",
    "ImportanceStressed",
    "ItemNamed",
    "LeftUnconfirmed",
    "OrderFound",
    "OrderIdGiven",
    "OrderIdUnknown",
    "OrderMissing",
    "OrderUnrecognised",
    "OrdersSummarized",
    "PackageFound",
    "PackageMissing",
    "Resumed",
    "RetryRequested",
    "Satisfied",
    "Told",
    "TransferAccepted",
    "TransferRefused",
    "TransferRequested",
]


# -- from the agent ---------------------------------------------------------------------------


class ItemNamed(Event, frozen=True, kw_only=True):
    """The customer said which item of the order they are waiting for."""

    item_id: str


class EnquiryDropped(Event, frozen=True, kw_only=True):
    """The customer leaves it at that before the package was found."""


class ImportanceStressed(Event, frozen=True, kw_only=True):
    """The customer stressed that the delivery is important to them."""


class GiftCardAccepted(Event, frozen=True, kw_only=True):
    """The customer took the gift card that was offered."""


class GiftCardDeclined(Event, frozen=True, kw_only=True):
    """The customer does not want the gift card that was offered."""


# -- from the backend -------------------------------------------------------------------------


class GiftCardRequested(Event, frozen=True, kw_only=True):
    """`issue_gift_card` is about to be sent with exactly these arguments and this key."""

    customer_id: str
    package_id: str
    amount: Decimal
    currency: str = ""
    key: str = ""


class GiftCardIssued(Event, frozen=True, kw_only=True):
    """The shop issued the gift card."""

    receipt: GiftCardReceipt


class GiftCardRefused(Event, frozen=True, kw_only=True):
    """The shop plainly declined the gift card; nothing was done."""

    code: str = "refused"
    message: str = ""


EVENTS: tuple[type[Event], ...] = (
    EmailGiven,
    OrderIdGiven,
    OrderIdUnknown,
    OrderUnrecognised,
    ItemNamed,
    EnquiryDropped,
    Told,
    ImportanceStressed,
    GiftCardAccepted,
    GiftCardDeclined,
    Satisfied,
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
    PackageFound,
    PackageMissing,
    GiftCardRequested,
    GiftCardIssued,
    GiftCardRefused,
    TransferRequested,
    TransferAccepted,
    TransferRefused,
    BackendFailed,
)
