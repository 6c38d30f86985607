"""A shop in an SQL database: its operations, and what its own back office does.

It holds facts and keeps them consistent: no unit is returned twice, no key opens two returns. It
knows no return windows and no deliveries; those rules belong to the procedure. How it is opened,
made and upgraded: `returnflow.backends.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from returnflow.backends import sql_load, sql_orders, sql_versions
from returnflow.backends import sql_schema as schema
from returnflow.backends import sql_writes as writes
from returnflow.backends.protocol import LOOK_UPS, WRITES
from returnflow.backends.refusals import (
    check_key,
    check_return,
    check_same,
    check_summary,
    check_text,
    refuse,
)
from returnflow.backends.shopdata import PastReturn, ShopData
from returnflow.backends.sql_store import Store
from returnflow.backends.summarizing import summary
from returnflow.backends.tokens import now, storable, token
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
    UsageError,
)
from returnflow.inert import fold
from returnflow.records import (
    Customer,
    GiftCardReceipt,
    Item,
    Order,
    OrderFailure,
    OrdersSummary,
    OrderSummary,
    Package,
    ReturnPolicy,
    ReturnReceipt,
    TransferReceipt,
)

OPERATIONS = frozenset({*LOOK_UPS, *WRITES, "issue_gift_card"})


class SqlShop:
    """A shop in a database. Made by `connect` or `create`; safe to use from many threads."""

    def __init__(self, store: Store, zone: str | None) -> None:
        self._store = store
        self._zone = zone

    def __enter__(self) -> SqlShop:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def zone(self) -> str | None:
        """The shop's policy time zone (rule 2)."""
        return self._zone

    @property
    def name(self) -> str:
        """How messages call it: the path of its file, or a URL without the password."""
        return self._store.name

    def capabilities(self) -> frozenset[str]:
        """All operations of the procedure."""
        return OPERATIONS

    def close(self) -> None:
        """Releases the database."""
        self._store.close()

    # -- looking up ---------------------------------------------------------------------------

    def get_customer_by_email(self, email: str) -> Customer:
        """See the protocol. Messages leave the address out (rule 38)."""
        customers, listed = schema.CUSTOMERS.c, schema.ACTIVE_ORDERS.c
        returns, orders = schema.RETURNS.c, schema.ORDERS.c
        wanted = _lookup(fold(email), "customer with this e-mail address")
        with self._store.reading() as connection:
            rows = connection.execute(
                select(schema.CUSTOMERS).where(customers.email_key == wanted)
            ).all()
            if not rows:
                raise NotFoundError("the shop has no customer with this e-mail address")
            if len(rows) > 1:
                raise AmbiguousError(
                    f"{len(rows)} customers share this e-mail address", count=len(rows)
                )
            row = rows[0]
            active_orders = connection.scalars(
                select(listed.order_id)
                .where(listed.customer_id == row.customer_id)
                .order_by(listed.position)
            ).all()
            active_returns = connection.scalars(
                select(returns.return_id)
                .join(schema.ORDERS, orders.order_id == returns.order_id)
                .where(orders.customer_id == row.customer_id, returns.status.not_in(schema.ENDED))
                .order_by(returns.created_at, returns.return_id)
            ).all()
        return Customer(
            customer_id=row.customer_id,
            first_name=row.first_name,
            last_name=row.last_name,
            email=row.email,
            phone_number=row.phone_number,
            active_orders=tuple(active_orders),
            active_returns=tuple(active_returns),
            is_fraud_flag=row.is_fraud_flag,
        )

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        """See the protocol. An id given twice is answered once."""
        wanted = {fold(order_id): order_id for order_id in reversed(order_ids)}
        keys = [key for key in dict.fromkeys(map(fold, order_ids)) if storable(key)]
        with self._store.reading() as connection:
            found = sql_orders.read_orders(connection, keys)
            statuses = sql_orders.shipment_statuses(connection, found.values())
        orders: list[OrderSummary] = []
        failed: list[OrderFailure] = []
        for key in dict.fromkeys(map(fold, order_ids)):
            match found.get(key):
                case None:
                    reason = "the shop has no such order"
                    failed.append(OrderFailure(order_id=wanted[key], reason=reason))
                case str(reason):
                    failed.append(OrderFailure(order_id=wanted[key], reason=reason))
                case order:
                    orders.append(summary(order, lambda package_id: statuses.get(package_id, "")))
        return OrdersSummary(orders=tuple(orders), failed=tuple(failed))

    def get_order_details(self, order_id: str) -> Order:
        """See the protocol."""
        key = _lookup(fold(order_id), f"order {order_id!r}")
        with self._store.reading() as connection:
            found = sql_orders.read_orders(connection, [key]).get(key)
        if found is None:
            raise NotFoundError(f"the shop has no order {order_id!r}")
        if isinstance(found, str):
            raise UnavailableError(
                f"order {order_id!r} cannot be read: {found}; have the shop's data mended",
                outcome="known",
                lasting=True,
            )
        return found

    def get_item_details(self, item_id: str) -> Item:
        """See the protocol."""
        wanted = _lookup(item_id.strip(), f"item {item_id!r}")
        with self._store.reading() as connection:
            row = connection.execute(
                select(schema.ITEMS).where(schema.ITEMS.c.item_id == wanted)
            ).one_or_none()
        if row is None:
            raise NotFoundError(f"the shop has no item {item_id!r}")
        policy = ReturnPolicy(return_eligible=row.return_eligible, return_window=row.return_window)
        try:
            cost = sql_orders.money(row.cost)
        except ValueError as error:
            raise UnavailableError(
                f"item {item_id!r} cannot be read: its cost {error}; have the shop's data mended",
                outcome="known",
                lasting=True,
            ) from None
        return Item(
            item_id=row.item_id,
            description=row.description,
            category=row.category,
            cost=cost,
            currency=row.currency,
            policy=policy if row.has_policy else None,
        )

    def get_package_details(self, package_id: str) -> Package:
        """See the protocol."""
        wanted = _lookup(package_id.strip(), f"package {package_id!r}")
        with self._store.reading() as connection:
            row = connection.execute(
                select(schema.PACKAGES, schema.GIFT_CARDS.c.gift_card_id)
                .outerjoin(schema.GIFT_CARDS)
                .where(schema.PACKAGES.c.package_id == wanted)
            ).one_or_none()
        if row is None:
            raise NotFoundError(f"the shop has no package {package_id!r}")
        try:
            cost = sql_orders.money(row.shipment_cost)
        except ValueError as error:
            raise UnavailableError(
                f"package {package_id!r} cannot be read: its shipping cost {error}; have the "
                "shop's data mended",
                outcome="known",
                lasting=True,
            ) from None
        found = dict(row._mapping)
        found |= {"shipment_cost": cost, "gift_card_id": row.gift_card_id or ""}
        return Package(**found)

    # -- writing ------------------------------------------------------------------------------

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
        """See the protocol.

        Refusal codes: ``already_returned``, ``unknown_order``, ``unknown_item``,
        ``bad_quantity``, ``bad_reason``, ``bad_key``, ``bad_text``, ``key_reused``.
        """
        check_return(quantity, return_reason)
        check_key(idempotency_key)
        check_text(order_id, item_id, note)
        given = {"item_id": item_id.strip(), "quantity": quantity, "reason": return_reason}

        def work(connection: Connection) -> ReturnReceipt:
            # Held until the end, so that one key cannot be looked up twice before it is written.
            stored = connection.scalar(
                select(schema.ORDERS.c.order_id)
                .where(schema.ORDERS.c.order_key == fold(order_id))
                .with_for_update(key_share=True)
            )
            known = connection.execute(
                select(schema.RETURNS).where(schema.RETURNS.c.idempotency_key == idempotency_key)
            ).one_or_none()
            asked = {**given, "order_id": stored, "note": note}
            if known is not None:
                check_same(writes.differing(known, asked))
                return _receipt(known)
            if stored is None:
                refuse("unknown_order", f"the shop has no order {order_id!r}")
            return _receipt(
                writes.open_return(connection, {**asked, "idempotency_key": idempotency_key})
            )

        return self._store.keyed(work)

    def issue_gift_card(
        self,
        customer_id: str,
        package_id: str,
        amount: Decimal,
        currency: str,
        *,
        idempotency_key: str,
    ) -> GiftCardReceipt:
        """See the protocol.

        Refusal codes: ``already_issued``, ``unknown_customer``, ``unknown_package``,
        ``bad_amount``, ``bad_key``, ``bad_text``, ``key_reused``.
        """
        check_key(idempotency_key)
        check_text(customer_id, package_id, currency)
        writes.check_amount(amount, currency)
        cards = schema.GIFT_CARDS
        asked = {
            "customer_id": customer_id,
            "package_id": package_id.strip(),
            "amount": f"{amount:f}",
            "currency": currency,
        }

        def work(connection: Connection) -> GiftCardReceipt:
            known = connection.execute(
                select(cards).where(cards.c.idempotency_key == idempotency_key)
            ).one_or_none()
            if known is not None:
                check_same(writes.differing(known, asked))
                return GiftCardReceipt(gift_card_id=known.gift_card_id)
            issued = writes.issue_gift_card(
                connection, {**asked, "idempotency_key": idempotency_key}
            )
            return GiftCardReceipt(gift_card_id=issued)

        return self._store.keyed(work)

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> TransferReceipt:
        """See the protocol. The shop keeps the transfer for its representatives to take up.

        Refusal codes: ``empty_summary``, ``unknown_customer``, ``bad_key``, ``bad_text``,
        ``key_reused``.
        """
        check_summary(summary_of_issues)
        check_key(idempotency_key)
        check_text(customer_id or "", summary_of_issues)
        transfers, customers = schema.TRANSFERS, schema.CUSTOMERS.c
        asked = {"customer_id": customer_id, "summary": summary_of_issues}

        def work(connection: Connection) -> TransferReceipt:
            known = connection.execute(
                select(transfers).where(transfers.c.idempotency_key == idempotency_key)
            ).one_or_none()
            if known is not None:
                check_same(writes.differing(known, asked))
                return TransferReceipt(reference=known.reference)
            if customer_id is not None and not connection.scalar(
                select(customers.customer_id).where(customers.customer_id == customer_id)
            ):
                refuse("unknown_customer", f"the shop has no customer {customer_id!r}")
            reference = f"HR-{token(6)}"
            values = {"reference": reference, "idempotency_key": idempotency_key}
            connection.execute(insert(transfers), {**values, **asked, "created_at": now()})
            return TransferReceipt(reference=reference)

        return self._store.keyed(work)

    # -- the shop's own back office -----------------------------------------------------------

    def set_return_status(self, tracking_id: str, status: str) -> None:
        """Moves a return on; cancelled and rejected ones free their units (rule 17).

        Raises:
            NotFoundError: no return has this tracking id.
            RefusedByBackendError: `bad_status`; or `already_returned`, when a cancelled return
                is to be taken up again and its units have gone elsewhere meanwhile.
            UnavailableError: as for every operation.
        """
        if status not in schema.STATUSES:
            refuse("bad_status", f"a return is one of {', '.join(schema.STATUSES)}")
        with self._store.writing() as connection:
            writes.move_return(connection, tracking_id, status)

    def returns(self) -> list[PastReturn]:
        """Every return that the shop holds, the oldest first.

        Raises:
            UnavailableError
        """
        columns = [c for c in schema.RETURNS.c if c.name != "idempotency_key"]
        order = (schema.RETURNS.c.created_at, schema.RETURNS.c.return_id)
        with self._store.reading() as connection:
            rows = connection.execute(select(*columns).order_by(*order)).all()
        return [PastReturn(**row._mapping) for row in rows]

    def transfers(self) -> list[tuple[str, str | None, str]]:
        """Every transfer that the shop holds: reference, customer id, summary.

        Raises:
            UnavailableError
        """
        kept = schema.TRANSFERS.c
        with self._store.reading() as connection:
            rows = connection.execute(
                select(kept.reference, kept.customer_id, kept.summary).order_by(
                    kept.created_at, kept.reference
                )
            )
            return [(row.reference, row.customer_id, row.summary) for row in rows]

    def gift_cards(self) -> list[tuple[str, str, str, str, str]]:
        """Every gift card: its id, the customer, the package, the amount, its currency.

        Raises:
            UnavailableError
        """
        kept = schema.GIFT_CARDS.c
        columns = (kept.gift_card_id, kept.customer_id, kept.package_id, kept.amount, kept.currency)
        with self._store.reading() as connection:
            rows = connection.execute(
                select(*columns).order_by(kept.created_at, kept.gift_card_id)
            ).all()
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def loaded_on(self) -> str:
        """The ISO date that the shop's relative dates were counted from, or "".

        Raises:
            UnavailableError
        """
        with self._store.reading() as connection:
            return sql_versions.meta(connection).get("loaded_on", "")

    def replace(self, data: ShopData) -> None:
        """Puts `data` in the place of everything in the shop, in one transaction.

        Raises:
            UsageError: the data contradict themselves; the shop is as it was.
            UnavailableError: as for every operation.
        """
        try:
            with self._store.writing() as connection:
                sql_load.clear(connection)
                sql_load.load(connection, data)
        except RefusedByBackendError as error:
            raise UsageError(f"the data contradict themselves: {error}") from error
        self._zone = data.zone or None


# -- pieces -----------------------------------------------------------------------------------


def _lookup(key: str, what: str) -> str:
    """A key to look up, unless it is one that nothing can have."""
    if not key or not storable(key):
        raise NotFoundError(f"the shop has no {what}")
    return key


def _receipt(row: Row[Any]) -> ReturnReceipt:
    return ReturnReceipt(tracking_id=row.tracking_id, return_id=row.return_id, status=row.status)
