"""A backend under check: what is known of its shop, and what was found in it so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from returnflow.backends.protocol import Backend
from returnflow.errors import AmbiguousError, NotFoundError, UnavailableError
from returnflow.records import Customer, Item, Order, Package

MOST_ORDERS = 25
"""So many orders are looked at in detail: a check should not be a load test."""


class Broken(AssertionError):  # noqa: N818 (a promise is broken; nothing has failed to run)
    """A promise is not kept; the message says which, and what was seen."""


class NothingToCheck(Exception):  # noqa: N818 (no error: a sample is missing)
    """The check needs something that the sample does not hold; the message says what."""


def need(kept: object, words: str) -> None:
    """Raises `Broken` unless `kept`."""
    if not kept:
        raise Broken(words)


@dataclass(frozen=True)
class Sample:
    """Something that the shop is known to hold.

    Args:
        emails: addresses of customers; one shared by several is welcome.
        order_ids: orders that exist, beside those of the customers.
    """

    emails: Sequence[str] = ()
    order_ids: Sequence[str] = ()


@dataclass
class Subject:
    """A backend under check, and what was found in it so far; looked up once.

    Attributes:
        remarks: what the data of the shop lack; no fault of the adapter.
    """

    backend: Backend
    sample: Sample = field(default_factory=Sample)
    remarks: list[str] = field(default_factory=list)
    _customers: dict[str, Customer] | None = None
    _orders: list[Order] | None = None

    def remark(self, words: str) -> None:
        """Adds a remark, each once."""
        if words not in self.remarks:
            self.remarks.append(words)

    def _damaged(self, error: UnavailableError) -> None:
        """One record cannot be read; the others can be looked at."""
        if not error.lasting:
            raise error
        self.remark(str(error))

    def customers(self) -> dict[str, Customer]:
        """The customers of the sample by the address asked for; ambiguous ones left out."""
        if not self.sample.emails:
            raise NothingToCheck("an e-mail address of a customer")
        if self._customers is None:
            found = {}
            for email in self.sample.emails:
                try:
                    found[email] = self.backend.get_customer_by_email(email)
                except AmbiguousError as error:
                    self.remark(f"{error.count} customers share one of the addresses given")
                except NotFoundError:
                    self.remark(f"no customer has the address {email}, which was given")
                except UnavailableError as error:
                    self._damaged(error)
            self._customers = found
        if not self._customers:
            raise NothingToCheck("an e-mail address that one customer has")
        return self._customers

    def order_ids(self) -> list[str]:
        """The ids of the sample's orders and of its customers' active ones."""
        ids = list(self.sample.order_ids)
        with suppress(NothingToCheck):  # orders that were given can be looked at all the same
            for customer in self.customers().values():
                ids += customer.active_orders
        ids = list(dict.fromkeys(ids))
        if not ids:
            raise NothingToCheck("an order, or a customer with open orders")
        return ids[:MOST_ORDERS]

    def orders(self) -> list[Order]:
        """Those orders, of which there is at least one."""
        if self._orders is None:
            self._orders = []
            for order_id in self.order_ids():
                try:
                    self._orders.append(self.backend.get_order_details(order_id))
                except NotFoundError:
                    if order_id in self.sample.order_ids:
                        self.remark(f"there is no order {order_id}, which was given")
                    else:
                        self.remark(f"order {order_id} is listed as open and does not exist")
                except UnavailableError as error:
                    self._damaged(error)
        if not self._orders:
            raise NothingToCheck("an order that exists")
        return self._orders

    def items(self) -> Iterator[Item]:
        """The items of the orders."""
        for item_id in dict.fromkeys(line.item_id for o in self.orders() for line in o.lines):
            try:
                yield self.backend.get_item_details(item_id)
            except NotFoundError:
                self.remark(f"item {item_id} was ordered and is not in the catalogue")
            except UnavailableError as error:
                self._damaged(error)

    def packages(self) -> Iterator[Package]:
        """The packages of the orders."""
        ids = [p.package_id for o in self.orders() for line in o.lines for p in line.parcels]
        for package_id in dict.fromkeys(filter(None, ids)):
            try:
                yield self.backend.get_package_details(package_id)
            except NotFoundError:
                self.remark(f"package {package_id} is named in an order and does not exist")
            except UnavailableError as error:
                self._damaged(error)
