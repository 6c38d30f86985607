"""A shop in Tryton: ``tryton+https://user@host/database``.

Talks to a running Tryton 8.2 server with the module `sale_complaint`, over JSON-RPC. Tryton has no
return policy; it stands in a file of ours (`tryton_policy`). What the shop has to set up is in
``docs/tryton.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.backends import tryton_rows as rows
from returnflow.backends.tryton_address import Address, parse, password
from returnflow.backends.tryton_policy import Policy, load
from returnflow.backends.tryton_reads import Reads
from returnflow.backends.tryton_returns import PATIENCE, Returns
from returnflow.backends.tryton_rows import Company, ComplaintType
from returnflow.backends.tryton_rpc import Session
from returnflow.backends.tryton_transfers import Transfers
from returnflow.errors import UnavailableError, UsageError
from returnflow.inert import fold
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrdersSummary,
    Package,
    ReturnReceipt,
    TransferReceipt,
)
from returnflow.returns.events import REASONS

OPERATIONS = frozenset(
    {
        "get_customer_by_email",
        "summarize_orders",
        "get_order_details",
        "get_item_details",
        "get_package_details",
        "initiate_return",
        "transfer_to_human_representative",
    }
)

TIMEOUT = 30.0
"""Seconds to wait for an answer."""


def connect(
    url: str,
    *,
    policy: Policy | None = None,
    timeout: float = TIMEOUT,
    patience: float = PATIENCE,
) -> TrytonShop:
    """The shop behind a URL, after logging in there.

    Args:
        url: see `returnflow.backends.tryton_address.parse`.
        policy: what else the file would say.
        timeout: seconds to wait for an answer.
        patience: seconds to wait for another one who has begun a return under the same key.

    Raises:
        UsageError: the URL, the password or the policy file is missing or wrong, or Tryton lacks
            something that its administrator has to set up.
        UnavailableError: the server does not answer.
    """
    address = parse(url)
    # First what needs no server: whoever has to write the file learns it at once.
    rules = load(address.policy) if policy is None else policy
    session = Session(address, password(address), timeout=timeout)
    try:
        return _shop(session, rules, address, patience)
    except BaseException:
        session.close()
        raise


def _shop(session: Session, policy: Policy, address: Address, patience: float) -> TrytonShop:
    number = session.context["company"]
    [company] = rows.search(session, Company, [("id", "=", number)], limit=1)
    try:
        types = rows.every(session, ComplaintType, [])
    except UnavailableError as error:
        raise UsageError(
            f"the complaint types of {address.shown} cannot be read: have the module "
            f"sale_complaint activated there, and give {address.user} the group Sales "
            f"Administrator ({error})"
        ) from error
    # Of which records a type may speak is its origin; ours speak of the order.
    known = {fold(each.name): each.id for each in types if each.origin.name == "sale.sale"}
    wanted = {reason: policy.complaint_type(reason) for reason in REASONS}
    missing = {
        name: None
        for name in (*wanted.values(), policy.transfers.complaint_type)
        if fold(name) not in known
    }
    if missing:
        raise UsageError(
            f"{address.shown} lacks the complaint types {', '.join(missing)}: have them made there "
            "with the origin Sale, or name others in the policy file (see docs/tryton.md)"
        )
    reads = Reads(session, policy, company)
    of_reasons = {each: known[fold(name)] for each, name in wanted.items()}
    returns = Returns(session, reads, of_reasons, patience=patience)
    transfers = Transfers(
        session, known[fold(policy.transfers.complaint_type)], policy.transfers.unidentified
    )
    zone = policy.zone or company.timezone or None
    return TrytonShop(session, zone, reads, returns, transfers)


class TrytonShop:
    """A shop in Tryton. Made by `connect`; safe to use from many threads."""

    def __init__(
        self,
        session: Session,
        zone: str | None,
        reads: Reads,
        returns: Returns,
        transfers: Transfers,
    ) -> None:
        self._session = session
        self._zone = zone
        self._reads = reads
        self._returns = returns
        self._transfers = transfers

    def __enter__(self) -> TrytonShop:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def zone(self) -> str | None:
        """The policy time zone (rule 2): the file's, else the company's in Tryton."""
        return self._zone

    def capabilities(self) -> frozenset[str]:
        """All operations of the procedure."""
        return OPERATIONS

    def close(self) -> None:
        """Lets go of the connections."""
        self._session.close()

    def get_customer_by_email(self, email: str) -> Customer:
        """See the protocol."""
        return self._reads.customer(email)

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        """See the protocol."""
        return self._reads.summaries(order_ids)

    def get_order_details(self, order_id: str) -> Order:
        """See the protocol."""
        return self._reads.order(order_id)

    def get_item_details(self, item_id: str) -> Item:
        """See the protocol."""
        return self._reads.item(item_id)

    def get_package_details(self, package_id: str) -> Package:
        """See the protocol."""
        return self._reads.package(package_id)

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
        """See the protocol, and `returnflow.backends.tryton_returns`."""
        return self._returns.initiate(
            order_id, item_id, quantity, return_reason, key=idempotency_key, note=note
        )

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> TransferReceipt:
        """See the protocol, and `returnflow.backends.tryton_transfers`."""
        return self._transfers.hand_over(customer_id, summary_of_issues, key=idempotency_key)
