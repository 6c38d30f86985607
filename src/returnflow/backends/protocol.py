"""The protocol that every backend adapter fulfils.

The operations bear the names of the procedure. An adapter raises nothing but the errors of
`returnflow.errors` that stand below `BackendError`; anything else is a bug in it. docs/adapters.md
tells the rest, and `returnflow.testing.BackendContract` checks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

from returnflow.records import (
    Customer,
    GiftCardReceipt,
    Item,
    Order,
    OrdersSummary,
    Package,
    ReturnReceipt,
    TransferReceipt,
)

LOOK_UPS = (
    "get_customer_by_email",
    "summarize_orders",
    "get_order_details",
    "get_item_details",
    "get_package_details",
)
"""The operations that change nothing, and so may be made again; every shop has them."""

WRITES = ("initiate_return", "transfer_to_human_representative")
"""Those that change something, but for `GiftCards`."""


@runtime_checkable
class Backend(Protocol):
    """A shop, as the procedure sees it. Thread-safe: operations may run in a worker thread."""

    @property
    def zone(self) -> str | None:
        """The IANA name of the shop's policy time zone (rule 2), or None if it has none."""

    def capabilities(self) -> frozenset[str]:
        """The names of the operations that this backend can do.

        The look-ups are always among them. A write that is not refuses with ``not_supported``.
        """

    def get_customer_by_email(self, email: str) -> Customer:
        """The one customer with this address, trimmed and compared case-insensitively.

        Raises:
            NotFoundError: nobody has it.
            AmbiguousError: several have it; none is guessed (rule 20).
            UnavailableError: no usable answer.
        """

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        """The orders with their items' descriptions; those that fail are named (rule 24).

        Raises:
            UnavailableError: no usable answer at all.
        """

    def get_order_details(self, order_id: str) -> Order:
        """The order, whoever's it is; ids compared trimmed and case-folded (rule 22).

        Raises:
            NotFoundError, UnavailableError
        """

    def get_item_details(self, item_id: str) -> Item:
        """The item with its eligibility block.

        Raises:
            NotFoundError, UnavailableError
        """

    def get_package_details(self, package_id: str) -> Package:
        """The package.

        Raises:
            NotFoundError, UnavailableError
        """

    def initiate_return(
        self,
        order_id: str,
        item_id: str,
        quantity: int,
        return_reason: str,
        *,
        idempotency_key: str,
        note: str = "",
    ) -> ReturnReceipt:
        """Opens a return, once per key: the same key gives the same receipt (rules 28, 29).

        Raises:
            RefusedByBackendError: plainly declined, with a code; nothing was done.
            UnavailableError: no usable answer; its `outcome` says what is known.
        """

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> TransferReceipt:
        """Hands the call to a person, once per key.

        Raises:
            RefusedByBackendError, UnavailableError
        """

    def close(self) -> None:
        """Releases what the adapter holds. Calling it twice is harmless."""


@runtime_checkable
class GiftCards(Protocol):
    """What a shop adds that issues gift cards; it then names ``issue_gift_card`` among its
    capabilities. Others do without."""

    def issue_gift_card(
        self,
        customer_id: str,
        package_id: str,
        amount: Decimal,
        currency: str,
        *,
        idempotency_key: str,
    ) -> GiftCardReceipt:
        """Issues a gift card to the customer, once per key, and at most one for a package: the
        same key gives the same receipt, another key for the same package is refused.

        Args:
            amount: what it is worth, exactly, above 0.
            currency: an ISO 4217 code.

        Raises:
            RefusedByBackendError: plainly declined, with a code; nothing was done.
            UnavailableError: no usable answer; its `outcome` says what is known.
        """
