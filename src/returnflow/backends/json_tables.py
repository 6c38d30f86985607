"""What stands in a folder of shop data: one table per file, its records read when they are asked
for, their pointers followed.

A record that cannot be read spoils no other one, and a file that cannot be read no other file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, Generic

from returnflow.backends import json_form as form
from returnflow.backends.json_form import F, UnreadableError, read_form
from returnflow.backends.json_ids import Ids
from returnflow.backends.json_store import FileError, Folder, Stamp
from returnflow.errors import UnavailableError
from returnflow.inert import fold
from returnflow.returns import shopvalues

CUSTOMERS, ORDERS, ITEMS = "customers.json", "orders.json", "items.json"
PACKAGES, RETURNS = "packages.json", "returns.json"
TRANSFERS, SHOP = "transfers.json", "shop.json"

FILES = (CUSTOMERS, ORDERS, ITEMS, PACKAGES, RETURNS)
"""The files of a shop, as others make them."""

FREED = frozenset({"REJECTED", "CANCELLED"})
"""Returns in these states hold no units (rule 17). An unknown state holds them."""

ENDED = FREED | {"COMPLETED"}
"""Returns in these states are no longer active."""


class Table(Generic[F]):
    """One file.

    Args:
        inner: the members that may hold a record's id, the first that is there counts.
        absent: what a file that is not there means: nothing in it yet (True), or a mistake.

    Attributes:
        problem: why the file cannot be read; None where it can be.
        odd: what is odd about its text; it cannot be written back without loss.
        notes: by key, what was left out of a record when it was read.
    """

    def __init__(
        self, folder: Folder, name: str, kind: type[F], *inner: str, absent: bool = False
    ) -> None:
        self.name = name
        self.kind = kind
        self.stamp = folder.stamp(name)
        self.problem: str | None = None
        self.odd: list[str] = []
        self.raw: dict[str, Any] = {}
        self.notes: dict[str, list[str]] = defaultdict(list)
        self._read: dict[str, F] = {}
        if self.stamp is not None or not absent:
            try:
                self.raw, self.odd = folder.read(name)
            except FileError as error:
                self.problem = str(error)
        self.ids = Ids({key: _inside(raw, inner) for key, raw in self.raw.items()})

    def key(self, wanted: str) -> str | None:
        """The key of the record that is asked for, however it is typed.

        Raises:
            UnavailableError: the file cannot be read, so nobody knows.
        """
        if self.problem is not None:
            raise UnavailableError(f"{self.problem}; have it mended", outcome="known", lasting=True)
        return self.ids.find(wanted)

    def form(self, key: str) -> F:
        """The record as its form, read once.

        Raises:
            UnreadableError: it cannot be read; the message says where and why.
        """
        if key not in self._read:
            try:
                self._read[key] = read_form(self.kind, self.raw[key], self.notes[key].append)
            except UnreadableError as error:
                raise UnreadableError(f"{self.name}: {key}: {error}") from None
        return self._read[key]

    def pointed(self, pointer: str) -> str:
        """The key that a pointer means; itself where it means none."""
        return self.ids.resolve(pointer) or pointer.strip()


def _inside(raw: Any, members: tuple[str, ...]) -> str:
    if isinstance(raw, Mapping):
        for member in members:
            if member in raw:
                return (shopvalues.text(raw[member]) or "").strip()
    return ""


class Catalogue:
    """The files that only others write, and `shop.json`."""

    def __init__(self, folder: Folder, stamps: Stamps) -> None:
        self.stamps = stamps
        self.customers = Table(folder, CUSTOMERS, form.CustomerForm, "customer_id")
        self.orders = Table(folder, ORDERS, form.OrderForm, "order_id", "order_number")
        self.items = Table(folder, ITEMS, form.ItemForm, "item_id", "item_number")
        self.packages = Table(folder, PACKAGES, form.PackageForm, "package_id")
        self.shop = form.ShopForm()
        self.shop_problem: str | None = None
        if folder.stamp(SHOP) is not None:
            try:
                self.shop = read_form(form.ShopForm, folder.read(SHOP)[0], lambda _: None)
            except (FileError, UnreadableError) as error:
                self.shop_problem = f"{SHOP}: {error}".replace(f"{SHOP}: {SHOP}", SHOP)
        self._emails: dict[str, list[str]] | None = None

    def by_email(self, folded: str) -> list[str]:
        """The keys of the customers with this address, folded (rule 20)."""
        if self._emails is None:
            self._emails = defaultdict(list)
            for key, raw in self.customers.raw.items():
                email = raw.get("email") if isinstance(raw, Mapping) else None
                if isinstance(email, str) and fold(email):
                    self._emails[fold(email)].append(key)
        return self._emails.get(folded, [])


Stamps = tuple[Stamp, ...]


def stamps_of(folder: Folder) -> Stamps:
    """Tells one state of the catalogue's files from another."""
    return tuple(folder.stamp(name) for name in (CUSTOMERS, ORDERS, ITEMS, PACKAGES, SHOP))


def catalogue(folder: Folder) -> Catalogue:
    """The catalogue as it is now; read once for all connections of this process."""
    # The stamps are taken first: what changes while it is read is read anew next time.
    return _catalogue(folder, stamps_of(folder))


_catalogue = lru_cache(maxsize=2)(Catalogue)


class Returns:
    """The returns, and which order each belongs to."""

    def __init__(self, folder: Folder, catalogue: Catalogue) -> None:
        self.table = Table(folder, RETURNS, form.ReturnForm, "return_id", absent=True)
        self._catalogue = catalogue
        self._of_order: dict[str, list[str]] = defaultdict(list)
        self._by_key: dict[str, str] = {}
        for key, raw in self.table.raw.items():
            if not isinstance(raw, Mapping):
                continue
            if order := shopvalues.text(raw.get("order_id")):
                self._of_order[catalogue.orders.pointed(order)].append(key)
            if given := raw.get("idempotency_key"):
                self._by_key[str(given)] = key

    def with_key(self, idempotency_key: str) -> str | None:
        """The return that was opened under this key."""
        return self._by_key.get(idempotency_key)

    def of(self, order: str, listed: Iterable[str]) -> tuple[list[str], list[str]]:
        """The returns of an order: keys of those that are there, and pointers that lead nowhere.

        Args:
            listed: its `associated_returns`.
        """
        keys: dict[str, None] = {}
        lost = []
        for pointer in listed:
            key = self.table.ids.resolve(pointer)
            if key is None:
                lost.append(pointer)
            elif self._names_no_other_order(key):
                keys[key] = None
        keys.update(dict.fromkeys(self._of_order.get(order, [])))
        return list(keys), lost

    def of_customer(self, customer: str) -> list[str]:
        """The returns of all orders of a customer."""
        return self._of_customer.get(customer, [])

    @cached_property
    def _of_customer(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for order, raw in self._catalogue.orders.raw.items():
            if not isinstance(raw, Mapping):
                continue
            listed = form.ids_in(raw.get("associated_returns")) or []
            owner = shopvalues.text(raw.get("customer_id"))
            if owner and (listed or order in self._of_order):
                customer = self._catalogue.customers.pointed(owner)
                found[customer] += self.of(order, listed)[0]
        return found

    def _names_no_other_order(self, key: str) -> bool:
        """Its own word counts more than that of an order that lists it; but a word that leads to
        no order is none, and its units are not to be forgotten (rule 17)."""
        raw = self.table.raw[key]
        named = shopvalues.text(raw.get("order_id")) if isinstance(raw, Mapping) else ""
        return not named or self._catalogue.orders.ids.resolve(named) is None

    def units(self, keys: list[str]) -> dict[str, int] | None:
        """Units in a return, by the key of their item (rule 17); None where nobody can tell,
        because one of the returns cannot be read."""
        if self.table.problem is not None:
            return None
        counted: dict[str, int] = defaultdict(int)
        for key in keys:
            try:
                found = self.table.form(key)
            except UnreadableError:
                return None
            if found.return_status.strip().upper() in FREED:
                continue
            for line in found.items_returned:
                counted[self._catalogue.items.pointed(line.item_number)] += line.qty
        return counted
