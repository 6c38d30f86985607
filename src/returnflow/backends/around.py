"""A backend round another: every operation goes through one door, `_do`.

What stands between us and a shop (`returnflow.backends.steady`) and what fails as planned
(`returnflow.testing.faults`) say only what they do there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from returnflow.backends.protocol import Backend, GiftCards
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

Result = TypeVar("Result")


class Around:
    """Does what the inner backend does; fulfils the protocol.

    Args:
        inner: does the work.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    def _do(self, operation: str, work: Callable[[], Result]) -> Result:
        """Has the inner backend do an operation: `work` is that call."""
        return work()

    @property
    def zone(self) -> str | None:
        """The inner backend's zone."""
        return self.inner.zone

    def capabilities(self) -> frozenset[str]:
        """Those of the inner backend."""
        return self.inner.capabilities()

    def close(self) -> None:
        """Closes the inner backend."""
        self.inner.close()

    # -- operations ---------------------------------------------------------------------------

    def get_customer_by_email(self, email: str) -> Customer:
        """See the protocol."""
        return self._do("get_customer_by_email", lambda: self.inner.get_customer_by_email(email))

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        """See the protocol."""
        return self._do("summarize_orders", lambda: self.inner.summarize_orders(order_ids))

    def get_order_details(self, order_id: str) -> Order:
        """See the protocol."""
        return self._do("get_order_details", lambda: self.inner.get_order_details(order_id))

    def get_item_details(self, item_id: str) -> Item:
        """See the protocol."""
        return self._do("get_item_details", lambda: self.inner.get_item_details(item_id))

    def get_package_details(self, package_id: str) -> Package:
        """See the protocol."""
        return self._do("get_package_details", lambda: self.inner.get_package_details(package_id))

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
        """See the protocol."""
        return self._do(
            "initiate_return",
            lambda: self.inner.initiate_return(
                order_id,
                item_id,
                quantity,
                return_reason,
                idempotency_key=idempotency_key,
                note=note,
            ),
        )

    def issue_gift_card(
        self,
        customer_id: str,
        package_id: str,
        amount: Decimal,
        currency: str,
        *,
        idempotency_key: str,
    ) -> GiftCardReceipt:
        """See the protocol; for a backend that has the capability."""

        def issue() -> GiftCardReceipt:
            inner = self.inner
            assert isinstance(inner, GiftCards)  # noqa: S101 (its capabilities say so)
            return inner.issue_gift_card(
                customer_id, package_id, amount, currency, idempotency_key=idempotency_key
            )

        return self._do("issue_gift_card", issue)

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> TransferReceipt:
        """See the protocol."""
        return self._do(
            "transfer_to_human_representative",
            lambda: self.inner.transfer_to_human_representative(
                customer_id, summary_of_issues, idempotency_key=idempotency_key
            ),
        )
