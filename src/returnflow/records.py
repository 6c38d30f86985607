"""What a backend returns: customers, orders, items, packages, returns.

Records are frozen msgspec structs because they are also the wire format of events. Money is
`decimal.Decimal` with an ISO 4217 currency beside it; dates and times stay the ISO 8601 text
that the shop recorded (a date without a time gets none invented, rule 3) and are read by
`returnflow.returns.eligibility`. An adapter reconciles dirty ids before it builds a record.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of all records."""


class Customer(Record, frozen=True, kw_only=True):
    """A customer as the shop knows them. `is_fraud_flag` is for the agent's eyes only (rule 15)."""

    customer_id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone_number: str = ""
    active_orders: tuple[str, ...] = ()
    active_returns: tuple[str, ...] = ()
    is_fraud_flag: bool = False


class Parcel(Record, frozen=True, kw_only=True):
    """How many units of an order line travel in one package; an empty id: not shipped (rule 12)."""

    package_id: str = ""
    quantity: int


class OrderLine(Record, frozen=True, kw_only=True):
    """One line of an order.

    `unit_price` is the item's final cost for one unit. `returned` counts the units already in a
    return that was neither cancelled nor rejected (rule 17); None where the source does not say.
    """

    item_id: str
    description: str = ""
    quantity: int
    unit_price: Decimal | None = None
    currency: str = ""
    returned: int | None = None
    parcels: tuple[Parcel, ...] = ()


class Order(Record, frozen=True, kw_only=True):
    """An order with its lines. `order_date` is ISO 8601 text: a date or a date and time."""

    order_id: str
    customer_id: str
    order_date: str = ""
    payment_status: str = ""
    lines: tuple[OrderLine, ...] = ()
    associated_returns: tuple[str, ...] = ()


class SummaryLine(Record, frozen=True, kw_only=True):
    """An item of an order as `summarize_orders` presents it."""

    item_id: str
    description: str = ""
    quantity: int | None = None
    current_shipment_status: str = ""


class OrderSummary(Record, frozen=True, kw_only=True):
    """An open order with the descriptions of its items, to be recognised by the customer."""

    order_id: str
    order_date: str = ""
    items: tuple[SummaryLine, ...] = ()


class OrderFailure(Record, frozen=True, kw_only=True):
    """An order that could not be loaded for the summary (rule 24), with the reason in words."""

    order_id: str
    reason: str = ""


class OrdersSummary(Record, frozen=True, kw_only=True):
    """The answer of `summarize_orders`: what loaded, and what did not."""

    orders: tuple[OrderSummary, ...] = ()
    failed: tuple[OrderFailure, ...] = ()


class ReturnPolicy(Record, frozen=True, kw_only=True):
    """An item's eligibility block; either member may be missing (rules 5, 6, 10).

    `return_window` is free text: ``30``, ``30 days``, ``P30D``, ``unlimited``.
    """

    return_eligible: bool | None = None
    return_window: str | None = None


class Item(Record, frozen=True, kw_only=True):
    """An item of the catalogue; `policy` is None where the eligibility block is missing."""

    item_id: str
    description: str = ""
    category: str = ""
    cost: Decimal | None = None
    currency: str = ""
    policy: ReturnPolicy | None = None


class Package(Record, frozen=True, kw_only=True):
    """A parcel on its way. Dates are ISO 8601 text; empty: none.

    `promised_delivery_date` is the day that the customer was promised when they ordered, where
    the shop records it beside the estimate. `shipment_cost` is in `currency`. `gift_card_id`
    names the gift card that was issued for this package; empty: none.
    """

    package_id: str
    type: str = ""
    current_status: str = ""
    estimated_delivery_date: str = ""
    final_delivery_date: str = ""
    promised_delivery_date: str = ""
    shipment_cost: Decimal | None = None
    currency: str = ""
    gift_card_id: str = ""


class ReturnReceipt(Record, frozen=True, kw_only=True):
    """The shop's answer to `initiate_return`. Without a tracking id it is no success (rule 30)."""

    tracking_id: str
    return_id: str = ""
    status: str = ""


class GiftCardReceipt(Record, frozen=True, kw_only=True):
    """The shop's answer to `issue_gift_card`. Without an id it is no success (rule 30)."""

    gift_card_id: str


class TransferReceipt(Record, frozen=True, kw_only=True):
    """The answer to a transfer; the reference may be empty."""

    reference: str = ""
