"""A whole shop as plain records: what a loader reads and a store takes in.

Also the scenarios of the demo shop: what to try there and what to expect of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from returnflow.records import Customer, Item, Order, Package


@dataclass(frozen=True, kw_only=True)
class PastReturn:
    """A return that the shop already holds.

    Args:
        quantity: whole units, at least 1; taken from the order's lines of the item in order.
        reason, status: as `returnflow.backends.sql_schema` lists them.
        created_at: ISO 8601 text.
    """

    return_id: str
    tracking_id: str
    order_id: str
    item_id: str
    quantity: int
    reason: str = "OTHER"
    note: str = ""
    status: str = "INITIATED"
    created_at: str = ""


@dataclass(frozen=True, kw_only=True)
class ShopData:
    """Everything in a shop. `OrderLine.returned` is not read: it follows from `returns`.

    Args:
        zone: the IANA name of the policy time zone (rule 2).
        loaded_on: the ISO date that relative dates were counted from, or "".
    """

    zone: str
    loaded_on: str = ""
    customers: tuple[Customer, ...] = ()
    orders: tuple[Order, ...] = ()
    items: tuple[Item, ...] = ()
    packages: tuple[Package, ...] = ()
    returns: tuple[PastReturn, ...] = ()


# -- scenarios --------------------------------------------------------------------------------

End = Literal["closed", "closed_without_return", "transferred", "abandoned"]
Finish = Literal["close", "transfer", "not_satisfied", "hang_up"]
Answer = Literal[
    "several_accounts", "no_such_order", "no_open_orders", "none_loaded", "none_recognised"
]


@dataclass(frozen=True, kw_only=True)
class ScriptPick:
    """An item that is picked, how many units of it, and what is given as the reason."""

    item: str
    quantity: int
    reason: str = "OTHER"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Refund:
    """An exact amount in a currency (rule 31)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Units of an item that go back, as one return, and what the customer is refunded."""

    item: str
    quantity: int
    refund: Refund | None = None


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a scenario comes to; the header of the demo shop's `shop.yaml` explains each member."""

    end: End
    answer: Answer | None = None
    listed: tuple[str, ...] | None = None
    failed: tuple[str, ...] = ()
    returned: tuple[Returned, ...] = ()
    refused: dict[str, tuple[str, ...]]
    advice: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Script:
    """A call in a form that a program can run; see the header of `shop.yaml`."""

    email: str
    listing: bool = False
    order: str | None = None
    picks: tuple[ScriptPick, ...] = ()
    finish: Finish = "close"
    expect: Expectation


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One customer of the demo shop, what to try with them, and what happens then.

    Args:
        name: short and stable, from the file's name.
        customer_id: whose story it is; a second account may share the e-mail.
        title, attempt, outcome: in words, for a person.
        script: the same for a program.
    """

    name: str
    customer_id: str
    title: str
    attempt: str
    outcome: str
    script: Script
