"""A backend that fails as planned, call by call, round any other backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar

from returnflow.backends.protocol import Backend, GiftCards
from returnflow.errors import RefusedByBackendError, UnavailableError
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

FaultKind = Literal[
    "timeout_before", "timeout_after", "no_connection", "refusal", "error_text", "slow", "wrong"
]


@dataclass(eq=False)
class Fault:
    """What goes wrong in one call of an operation.

    Args:
        kind: ``timeout_before`` and ``timeout_after``: no answer, outcome unknown, without and
            with the work done; ``no_connection``: nothing can have happened; ``refusal``: a plain
            no to a write; ``error_text``: the work is done and the reply is an error text all
            the same, outcome unknown (rule 30); ``slow``: the work is done once `release` is
            set; ``wrong``: `record` comes back instead of the answer, the work done.
        message: the backend's words.
        code: the code of a refusal.
        record: what ``wrong`` answers.
        release: for ``slow``: set it to let the call go on.
        begun: set by the call as soon as it is made.
    """

    kind: FaultKind
    message: str = ""
    code: str = "refused"
    record: Any = None
    release: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)


class FaultyBackend:
    """Any backend, but the calls named in `plan` fail.

    Args:
        inner: does the work.
        plan: by operation and the number of its call, counted from 1, what goes wrong.

    Attributes:
        calls: the names of the operations called, in order; failed calls too.
    """

    def __init__(self, inner: Backend, plan: Mapping[tuple[str, int], Fault]) -> None:
        self.inner = inner
        self.plan = dict(plan)
        self.calls: list[str] = []
        self._lock = threading.Lock()

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
            assert isinstance(inner, GiftCards)
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

    def _do(self, operation: str, work: Callable[[], Result]) -> Result:
        with self._lock:
            self.calls.append(operation)
            fault = self.plan.get((operation, self.calls.count(operation)))
        if fault is None:
            return work()
        fault.begun.set()
        match fault.kind:
            case "timeout_before":
                raise UnavailableError(fault.message or "no answer in time", outcome="unknown")
            case "timeout_after":
                work()
                raise UnavailableError(fault.message or "no answer in time", outcome="unknown")
            case "no_connection":
                raise UnavailableError(fault.message or "connection refused", outcome="known")
            case "refusal":
                raise RefusedByBackendError(fault.message or "declined", code=fault.code)
            case "error_text":
                work()
                raise UnavailableError(
                    fault.message or "<error> internal </error>", outcome="unknown"
                )
            case "slow":
                fault.release.wait()
                return work()
            case "wrong":
                work()
                answer: Result = fault.record
                return answer
