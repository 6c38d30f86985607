"""A whole shop as plain records: what a loader reads and a store takes in.

Also the scenarios of the demo shop: what to try there and what to expect of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from returnflow.records import Customer, Item, Order, Package


@dataclass(frozen=True, kw_only=True)
class PastReturn:
    """A return that the shop already holds.

    Args:
        quantity: whole units, at least 1; taken from the order's lines of the item in order.
        reason, status: as `returnflow.backends.sql_schema` lists them.
        created_at: ISO 8601 text.
        key: the idempotency key under which it was opened; "" where there was none.
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
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class PastTransfer:
    """A transfer to a person that the shop already holds.

    Args:
        key: the idempotency key under which it was made.
        created_at: ISO 8601 text.
    """

    reference: str
    customer_id: str | None
    summary: str
    key: str
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
    transfers: tuple[PastTransfer, ...] = ()


# -- what was found in somebody's data ----------------------------------------------------------

FindingKind = Literal["mended", "unclear", "unreadable", "refused"]
"""``mended``: reconciled, nothing is lost; ``unclear``: used as it is, since nobody can say what
is meant; ``unreadable``: left out; ``refused``: can be read, and cannot be moved elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about somebody's data.

    Args:
        place: file and record, as ``orders.json: ORD-1``.
        words: what is the matter, and what was made of it.
    """

    kind: FindingKind
    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A shop's data as a whole, and what was found in them."""

    data: ShopData
    findings: tuple[Finding, ...] = ()


class Examinable(Protocol):
    """A backend whose data can be looked at as a whole: to report on them, or to move them."""

    def examine(self, progress: Callable[[int, int], None] | None = None) -> Examined:
        """Reads everything.

        Args:
            progress: told now and then how many records of how many have been read.

        Raises:
            UnavailableError: no usable answer at all.
        """


@runtime_checkable
class Diagnosable(Protocol):
    """A backend that can be there and yet be of use only in part: ``backend ping`` asks it."""

    def problems(self) -> list[str]:
        """What cannot be read, or written to, each with its place."""


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
class IssuedCard:
    """A gift card that a scenario comes to."""

    package: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A customer of the demo shop who waits for a package, and a call to try with them.

    Args:
        name, title, attempt, outcome: as in `Scenario`.
        email: the address to type.
        lines: what an agent types, line by line.
        end: the state in which the call ends.
        told: the notices given, in order.
        gift_card: what is issued; None: nothing.
    """

    name: str
    title: str
    attempt: str
    outcome: str
    email: str
    lines: tuple[str, ...]
    end: str
    told: tuple[str, ...]
    gift_card: IssuedCard | None = None


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
