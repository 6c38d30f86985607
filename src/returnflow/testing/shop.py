"""A shop that lives in memory, and a small fixed one.

A `MemoryShop` behaves as a backend should: one return per idempotency key, units that cannot go
back twice, plain refusals. It enforces neither return windows nor deliveries, as real shops do
not; that is the procedure's work.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from returnflow.errors import AmbiguousError, NotFoundError, RefusedByBackendError
from returnflow.inert import fold
from returnflow.records import (
    Customer,
    GiftCardReceipt,
    Item,
    Order,
    OrderFailure,
    OrderLine,
    OrdersSummary,
    OrderSummary,
    Package,
    Parcel,
    ReturnPolicy,
    ReturnReceipt,
    SummaryLine,
    TransferReceipt,
)
from returnflow.returns.events import REASONS

if TYPE_CHECKING:
    from returnflow.backends.shopdata import ShopData

OPERATIONS = frozenset(
    {
        "get_customer_by_email",
        "summarize_orders",
        "get_order_details",
        "get_item_details",
        "get_package_details",
        "initiate_return",
        "issue_gift_card",
        "transfer_to_human_representative",
    }
)
"""All operations of the procedure; a `MemoryShop` can do each."""


@dataclass(frozen=True, slots=True)
class OpenedReturn:
    """A return as the shop recorded it."""

    key: str
    order_id: str
    item_id: str
    quantity: int
    reason: str
    note: str
    receipt: ReturnReceipt


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A gift card as the shop recorded it."""

    key: str
    customer_id: str
    package_id: str
    amount: Decimal
    currency: str
    receipt: GiftCardReceipt


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as the shop recorded it."""

    key: str
    customer_id: str | None
    summary: str
    receipt: TransferReceipt


class MemoryShop:
    """A shop as records in memory; fulfils `returnflow.backends.protocol.Backend`.

    Args:
        today: the day on which its data make sense; a call's policy date.
        failing: orders that exist but cannot be loaded for a summary, with the reason.

    Attributes:
        returns, gift_cards, transfers: what was written, in order.
    """

    def __init__(
        self,
        *,
        today: date,
        zone: str = "Europe/Berlin",
        customers: Iterable[Customer] = (),
        orders: Iterable[Order] = (),
        items: Iterable[Item] = (),
        packages: Iterable[Package] = (),
        failing: Mapping[str, str] | None = None,
    ) -> None:
        self.today = today
        self._zone = zone
        self.customers = {record.customer_id: record for record in customers}
        self.orders = {record.order_id: record for record in orders}
        self.items = {record.item_id: record for record in items}
        self.packages = {record.package_id: record for record in packages}
        self.failing = dict(failing or {})
        self.returns: list[OpenedReturn] = []
        self.gift_cards: list[GiftCard] = []
        self.transfers: list[Transfer] = []
        self._lock = threading.Lock()

    @classmethod
    def holding(cls, data: ShopData, *, today: date = date(2026, 3, 30)) -> MemoryShop:
        """A shop with those data; earlier returns hold their units (rule 17)."""
        shop = cls(
            today=today,
            zone=data.zone,
            customers=data.customers,
            orders=data.orders,
            items=data.items,
            packages=data.packages,
        )
        for order_id, order in shop.orders.items():
            lines = tuple(replace(line, returned=line.returned or 0) for line in order.lines)
            shop.orders[order_id] = replace(order, lines=lines)
        for past in data.returns:
            held = past.status not in ("REJECTED", "CANCELLED")
            units = past.quantity if held else 0
            shop._record(shop.orders[past.order_id], past.item_id, units, past.return_id)
        return shop

    def copy(self) -> MemoryShop:
        """An independent copy: what is written to it does not show here."""
        twin = MemoryShop(
            today=self.today,
            zone=self._zone,
            customers=self.customers.values(),
            orders=self.orders.values(),
            items=self.items.values(),
            packages=self.packages.values(),
            failing=self.failing,
        )
        twin.returns = list(self.returns)
        twin.gift_cards = list(self.gift_cards)
        twin.transfers = list(self.transfers)
        return twin

    @property
    def zone(self) -> str:
        """The shop's policy zone."""
        return self._zone

    def capabilities(self) -> frozenset[str]:
        """Every operation of the procedure."""
        return OPERATIONS

    def close(self) -> None:
        """Nothing is held, so nothing happens."""

    # -- look-ups -----------------------------------------------------------------------------

    def get_customer_by_email(self, email: str) -> Customer:
        """See the protocol."""
        found = [c for c in self.customers.values() if fold(c.email) == fold(email)]
        if not found:
            raise NotFoundError("no customer has this e-mail address")
        if len(found) > 1:
            raise AmbiguousError(
                f"{len(found)} customers have this e-mail address", count=len(found)
            )
        return found[0]

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        """See the protocol."""
        loaded: list[OrderSummary] = []
        failed: list[OrderFailure] = []
        for order_id in {fold(each): each for each in order_ids}.values():
            order = self._order(order_id)
            if order is None or order_id in self.failing:
                reason = self.failing.get(order_id, "there is no such order")
                failed.append(OrderFailure(order_id=order_id, reason=reason))
                continue
            lines = tuple(self._summary_line(line) for line in order.lines)
            loaded.append(
                OrderSummary(order_id=order.order_id, order_date=order.order_date, items=lines)
            )
        return OrdersSummary(orders=tuple(loaded), failed=tuple(failed))

    def get_order_details(self, order_id: str) -> Order:
        """See the protocol."""
        order = self._order(order_id)
        if order is None:
            raise NotFoundError(f"there is no order {order_id}")
        return order

    def get_item_details(self, item_id: str) -> Item:
        """See the protocol."""
        item = self.items.get(item_id.strip())
        if item is None:
            raise NotFoundError(f"there is no item {item_id}")
        return item

    def get_package_details(self, package_id: str) -> Package:
        """See the protocol."""
        package = self.packages.get(package_id.strip())
        if package is None:
            raise NotFoundError(f"there is no package {package_id}")
        return package

    # -- writes -------------------------------------------------------------------------------

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
        """See the protocol. Codes: bad_key, key_reused, unknown_order, unknown_item,
        bad_quantity, bad_reason, already_returned."""
        if not idempotency_key:
            raise RefusedByBackendError("a write needs an idempotency key", code="bad_key")
        asked = (order_id, item_id, quantity, return_reason)
        with self._lock:
            for made in self.returns:
                if made.key == idempotency_key:
                    if (made.order_id, made.item_id, made.quantity, made.reason) != asked:
                        raise RefusedByBackendError("this key was used before", code="key_reused")
                    return made.receipt
            order = self._check_units(order_id, item_id, quantity, return_reason)
            number = len(self.returns) + 1
            self._record(order, item_id.strip(), quantity, f"R{number:04}")
            receipt = ReturnReceipt(
                tracking_id=f"RT-{number:04}", return_id=f"R{number:04}", status="INITIATED"
            )
            self.returns.append(OpenedReturn(idempotency_key, *asked, note, receipt))
            return receipt

    def issue_gift_card(
        self,
        customer_id: str,
        package_id: str,
        amount: Decimal,
        currency: str,
        *,
        idempotency_key: str,
    ) -> GiftCardReceipt:
        """See the protocol. Codes: bad_key, key_reused, bad_amount, unknown_customer,
        unknown_package, already_issued."""
        if not idempotency_key:
            raise RefusedByBackendError("a write needs an idempotency key", code="bad_key")
        asked = (customer_id, package_id.strip(), amount, currency)
        with self._lock:
            for made in self.gift_cards:
                if made.key == idempotency_key:
                    if (made.customer_id, made.package_id, made.amount, made.currency) != asked:
                        raise RefusedByBackendError("this key was used before", code="key_reused")
                    return made.receipt
            if not amount.is_finite() or amount <= 0 or len(currency) != 3:
                raise RefusedByBackendError("that is no amount of money", code="bad_amount")
            if customer_id not in self.customers:
                raise RefusedByBackendError(
                    f"there is no customer {customer_id}", code="unknown_customer"
                )
            package = self.packages.get(asked[1])
            if package is None:
                raise RefusedByBackendError(
                    f"there is no package {package_id}", code="unknown_package"
                )
            if package.gift_card_id:
                raise RefusedByBackendError(
                    f"a gift card was issued for {package_id}", code="already_issued"
                )
            receipt = GiftCardReceipt(gift_card_id=f"GC-{len(self.gift_cards) + 1:04}")
            self.packages[asked[1]] = replace(package, gift_card_id=receipt.gift_card_id)
            self.gift_cards.append(GiftCard(idempotency_key, *asked, receipt))
            return receipt

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> TransferReceipt:
        """See the protocol. Codes: key_reused, empty_summary."""
        with self._lock:
            for made in self.transfers:
                if made.key == idempotency_key:
                    if (made.customer_id, made.summary) != (customer_id, summary_of_issues):
                        raise RefusedByBackendError("this key was used before", code="key_reused")
                    return made.receipt
            if not summary_of_issues.strip():
                raise RefusedByBackendError("the summary is empty", code="empty_summary")
            receipt = TransferReceipt(reference=f"T{len(self.transfers) + 1:04}")
            self.transfers.append(
                Transfer(idempotency_key, customer_id, summary_of_issues, receipt)
            )
            return receipt

    # -- pieces -------------------------------------------------------------------------------

    def _order(self, order_id: str) -> Order | None:
        if order_id in self.orders:
            return self.orders[order_id]
        wanted = fold(order_id)
        return next((o for o in self.orders.values() if fold(o.order_id) == wanted), None)

    def _summary_line(self, line: OrderLine) -> SummaryLine:
        parcel = next((parcel for parcel in line.parcels if parcel.package_id), None)
        package = self.packages.get(parcel.package_id) if parcel else None
        status = "NOT_YET_SHIPPED" if parcel is None else package.current_status if package else ""
        return SummaryLine(
            item_id=line.item_id,
            description=line.description,
            quantity=line.quantity,
            current_shipment_status=status,
        )

    def _check_units(self, order_id: str, item_id: str, quantity: int, reason: str) -> Order:
        order = self._order(order_id)
        if order is None:
            raise RefusedByBackendError(f"there is no order {order_id}", code="unknown_order")
        lines = [line for line in order.lines if line.item_id == item_id.strip()]
        if not lines:
            raise RefusedByBackendError(f"no {item_id} in {order_id}", code="unknown_item")
        if quantity < 1:
            raise RefusedByBackendError("a quantity is 1 or more", code="bad_quantity")
        if reason not in REASONS:
            raise RefusedByBackendError(f"no return reason: {reason}", code="bad_reason")
        left = sum(line.quantity - (line.returned or 0) for line in lines)
        if quantity > left:
            raise RefusedByBackendError(f"only {left} left to return", code="already_returned")
        return order

    def _record(self, order: Order, item_id: str, quantity: int, return_id: str) -> None:
        """Writes a return of so many units down in the order; lines are used up in turn."""
        made: list[OrderLine] = []
        for line in order.lines:
            free = line.quantity - (line.returned or 0) if line.item_id == item_id else 0
            units = min(quantity, free)
            quantity -= units
            made.append(replace(line, returned=(line.returned or 0) + units) if units else line)
        self.orders[order.order_id] = replace(
            order,
            lines=tuple(made),
            associated_returns=(*order.associated_returns, return_id),
        )


# -- a fixed one ------------------------------------------------------------------------------


def _line(item_id: str, package_id: str, words: str, quantity: int = 1) -> OrderLine:
    parcels = (Parcel(package_id=package_id, quantity=quantity),)
    return OrderLine(
        item_id=item_id,
        description=words,
        quantity=quantity,
        unit_price=Decimal("19.99"),
        currency="EUR",
        returned=0,
        parcels=parcels,
    )


def curated_shop() -> MemoryShop:
    """A shop so small that a search through all calls is quick, and yet reaches every row.

    Ann has one order that holds an item of each kind that leads to another row; Bea has no open
    order but an old one; the only order of Cleo cannot be loaded; two people share an address.
    """
    today = date(2026, 3, 30)
    thirty = ReturnPolicy(return_eligible=True, return_window="30")

    lines = (
        _line("LAMP", "P-HERE", "Reading lamp", 2),
        _line("RUG", "P-LOST", "Woollen rug"),
        _line("GONE", "P-HERE", "Tea cosy"),
    )
    return MemoryShop(
        today=today,
        customers=[
            Customer(
                customer_id="ANN",
                first_name="Ann",
                email="ann@example.com",
                active_orders=("O-ANN",),
            ),
            Customer(customer_id="BEA", first_name="Bea", email="bea@example.com"),
            Customer(
                customer_id="CLEO",
                first_name="Cleo",
                email="cleo@example.com",
                active_orders=("O-LOST",),
            ),
            Customer(customer_id="TWIN1", email="twins@example.com"),
            Customer(customer_id="TWIN2", email="twins@example.com"),
        ],
        orders=[
            Order(order_id="O-ANN", customer_id="ANN", order_date="2026-03-20", lines=lines),
            Order(
                order_id="O-BEA",
                customer_id="BEA",
                order_date="2026-03-01",
                lines=(_line("MUG", "P-MUG", "Mug"),),
            ),
        ],
        items=[
            Item(item_id=item_id, description=words, policy=thirty)
            for item_id, words in (("LAMP", "Reading lamp"), ("RUG", "Woollen rug"), ("MUG", "Mug"))
        ],
        packages=[
            Package(package_id=package_id, type="ORDER_DELIVERY", current_status="DELIVERED")
            for package_id in ("P-HERE", "P-MUG")
        ],
        failing={"O-LOST": "the order is damaged"},
    )
