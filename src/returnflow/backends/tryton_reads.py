"""The look-ups of the procedure, answered by Tryton."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from returnflow.backends import tryton_orders as orders
from returnflow.backends import tryton_rows as rows
from returnflow.backends.tryton_policy import Category, Policy
from returnflow.backends.tryton_rows import (
    Action,
    Company,
    Complaint,
    Contact,
    Move,
    PartyCategory,
    Product,
    ProductCategory,
    ReturnShipment,
    Row,
    Sale,
    Shipment,
)
from returnflow.backends.tryton_rpc import Session
from returnflow.backends.tryton_writes import sendable
from returnflow.errors import AmbiguousError, NotFoundError, UnavailableError
from returnflow.inert import fold
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderFailure,
    OrdersSummary,
    Package,
)

_PHONES = ("phone", "mobile")
_NO_CUSTOMER = "Tryton has no customer with this e-mail address"


class Reads:
    """Look-ups in one company's records."""

    def __init__(self, session: Session, policy: Policy, company: Company) -> None:
        self._session = session
        self._policy = policy
        self._company = company

    # -- customers ----------------------------------------------------------------------------

    def customer(self, email: str) -> Customer:
        """See the protocol. Messages leave the address out (rule 38)."""
        wanted = fold(email)
        if not wanted or not sendable(wanted):
            raise NotFoundError(_NO_CUSTOMER)
        found = rows.every(
            self._session,
            Contact,
            [
                ("type", "=", "email"),
                ("value", "ilike", rows.literal(email.strip())),
                ("party.active", "=", True),
            ],
        )
        # `ilike` knows less of upper and lower case than Python does, and never more.
        parties = {each.party.id: each for each in found if fold(each.value) == wanted}
        if not parties:
            raise NotFoundError(_NO_CUSTOMER)
        if len(parties) > 1:
            raise AmbiguousError(
                f"{len(parties)} customers share this e-mail address", count=len(parties)
            )
        [contact] = parties.values()
        party = contact.party
        first, _, last = party.name.rpartition(" ")
        phones = rows.search(
            self._session,
            Contact,
            [("type", "in", list(_PHONES)), ("party", "=", party.id)],
            limit=1,
        )
        return Customer(
            customer_id=orders.customer_id(party.id, party.code),
            first_name=first or last,
            last_name=last if first else "",
            email=contact.value,
            phone_number=phones[0].value if phones else "",
            active_orders=tuple(sale.number for sale in self._orders_of(party.id)),
            active_returns=tuple(self._returns_of(party.id)),
            is_fraud_flag=self._suspected(party.categories),
        )

    def _orders_of(self, party: int) -> list[_Numbered]:
        """The party's orders, the latest first."""
        domain: list[Any] = [
            ("party", "=", party),
            ("company", "=", self._company.id),
            *orders.IS_ORDER,
        ]
        days = self._policy.orders.listed_days
        if days is not None:
            domain.append(("sale_date", ">=", self._today() - timedelta(days=days)))
        found = [each for each in rows.every(self._session, _Numbered, domain) if each.number]
        return found[::-1]

    def _today(self) -> date:
        zone = self._policy.zone or self._company.timezone or "UTC"
        return datetime.now(ZoneInfo(zone)).date()

    def _returns_of(self, party: int) -> list[str]:
        """The numbers of the party's complaints that ask for a return and are under way."""
        mine = rows.every(
            self._session,
            Complaint,
            [
                ("customer", "=", party),
                ("state", "in", ["waiting", "approved", "done"]),
                ("actions.action", "=", "sale_return"),
            ],
        )
        actions = rows.among(self._session, Action, "complaint", [each.id for each in mine])
        made = {each.complaint: rows.referred(each.result, Sale.NAME) for each in actions}
        ended = {
            sale.id
            for sale in rows.among(
                self._session,
                _Numbered,
                "id",
                [sale for sale in made.values() if sale is not None],
                ("state", "in", ["done", "cancelled"]),
            )
        }
        return [each.number for each in mine if made.get(each.id) not in ended]

    def _suspected(self, categories: Sequence[int]) -> bool:
        mark = self._policy.customers.fraud_category
        if mark is None or not categories:
            return False
        found = rows.among(self._session, PartyCategory, "id", categories)
        return any(fold(each.name) == fold(mark) for each in found)

    # -- orders -------------------------------------------------------------------------------

    def order(self, order_id: str) -> Order:
        """See the protocol."""
        sale = self.sale(order_id)
        if sale is None:
            raise NotFoundError(f"Tryton has no order {order_id!r}")
        [found] = orders.Book(self._session, [sale]).orders(self._policy.prices.taxes)
        return found

    def sale(self, order_id: str) -> Sale | None:
        """The order with this number (rule 22); None where there is none.

        Raises:
            UnavailableError: also where several have it; none is guessed.
        """
        wanted = fold(order_id)
        if not wanted or not sendable(order_id):
            return None
        found = orders.find_sales(self._session, [order_id], self._company.id)
        found = [sale for sale in found if fold(sale.number) == wanted]
        if len(found) > 1:
            raise UnavailableError(
                f"{len(found)} orders in Tryton bear the number {order_id!r}; have it mended there",
                outcome="known",
            )
        return found[0] if found else None

    def summaries(self, order_ids: Sequence[str]) -> OrdersSummary:
        """See the protocol. An id given twice is answered once."""
        wanted = {fold(each): each for each in reversed(order_ids)}
        known = [each for key, each in wanted.items() if key and sendable(each)]
        sales: dict[str, list[Sale]] = {}
        for sale in orders.find_sales(self._session, known, self._company.id):
            sales.setdefault(fold(sale.number), []).append(sale)
        alone = {key: found[0] for key, found in sales.items() if len(found) == 1}
        book = orders.Book(self._session, list(alone.values()))
        told = dict(zip(book.sales, book.summaries(), strict=True))
        good, failed = [], []
        for key in dict.fromkeys(map(fold, order_ids)):
            if key in alone:
                good.append(told[alone[key].id])
                continue
            reason = (
                "several orders bear this number" if key in sales else "Tryton has no such order"
            )
            failed.append(OrderFailure(order_id=wanted[key], reason=reason))
        return OrdersSummary(orders=tuple(good), failed=tuple(failed))

    # -- items --------------------------------------------------------------------------------

    def item(self, item_id: str) -> Item:
        """See the protocol. The eligibility block is the policy file's."""
        product = self._product(item_id.strip())
        if product is None:
            raise NotFoundError(f"Tryton has no product {item_id!r}")
        categories = self._categories(product.categories)
        return Item(
            item_id=item_id.strip(),
            description=product.name,
            category=", ".join(each.line[0] for each in categories),
            cost=product.list_price_used,
            currency=self._company.currency.code,
            policy=self._policy.of(item_id.strip(), categories),
        )

    def _product(self, item_id: str) -> Product | None:
        if not item_id or not sendable(item_id):
            return None
        number = orders.product_of(item_id)
        domain = [("code", "=", item_id)] if number is None else [("id", "=", number)]
        found = rows.every(self._session, Product, domain, archived=True)
        return found[0] if len(found) == 1 else None

    def _categories(self, numbers: Sequence[int]) -> list[Category]:
        known: dict[int, ProductCategory] = {}
        wanted = set(numbers)
        while wanted:
            found = rows.among(self._session, ProductCategory, "id", wanted, archived=True)
            known |= {each.id: each for each in found}
            wanted = {each.parent for each in found if each.parent is not None} - known.keys()
        lines = []
        for number in numbers:
            line: list[str] = []
            at = known.get(number)
            while at is not None and at.name not in line:
                line.append(at.name)
                at = known.get(at.parent or 0)
            if line:
                lines.append(Category(tuple(line)))
        return lines

    # -- packages -----------------------------------------------------------------------------

    def package(self, package_id: str) -> Package:
        """See the protocol."""
        wanted = package_id.strip()
        if not wanted or not sendable(wanted):
            raise NotFoundError(f"Tryton has no shipment {package_id!r}")
        number = orders.move_of(wanted)
        if number is not None:
            for move in rows.search(self._session, Move, [("id", "=", number)], limit=1):
                return _package(wanted, "ORDER_DELIVERY", orders.status(move.state), move)
        kinds = (
            (Shipment, "ORDER_DELIVERY", orders.status),
            (ReturnShipment, "RETURN", orders.return_status),
        )
        for kind, type_, status in kinds:
            domain = [("number", "=", wanted), ("company", "=", self._company.id)]
            found = rows.every(self._session, kind, domain)
            if len(found) > 1:
                raise UnavailableError(
                    f"{len(found)} shipments in Tryton bear the number {wanted!r}; have it "
                    "mended there",
                    outcome="known",
                )
            for shipment in found:
                return _package(wanted, type_, status(shipment.state), shipment)
        raise NotFoundError(f"Tryton has no shipment {package_id!r}")


class _Numbered(Row):
    """An order's number alone: of these there may be thousands."""

    NAME = Sale.NAME

    number: rows.Words


def _package(package_id: str, type_: str, status: str, dates: Shipment | Move) -> Package:
    arrived = dates.effective_date if dates.state == "done" else None
    return Package(
        package_id=package_id,
        type=type_,
        current_status=status,
        estimated_delivery_date=dates.planned_date.isoformat() if dates.planned_date else "",
        final_delivery_date=arrived.isoformat() if arrived else "",
    )
