"""A folder of shop data looked at as a whole: what is odd in it, and what can be moved elsewhere.

Nothing is changed. Each record is read as a call would read it, so that what is told here is
what an agent would meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from returnflow.backends.json_form import TransferForm, UnreadableError
from returnflow.backends.json_tables import FREED, Table
from returnflow.backends.json_view import View
from returnflow.backends.shopdata import (
    Examined,
    Finding,
    FindingKind,
    PastReturn,
    PastTransfer,
    ShopData,
)
from returnflow.inert import fold
from returnflow.records import Customer, Item, Order, Package
from returnflow.returns.events import REASONS

Progress = Callable[[int, int], None]

STATUSES = (
    *("INITIATED", "APPROVED", "IN_TRANSIT", "RECEIVED", "REFUND_INITIATED", "COMPLETED"),
    *("REJECTED", "CANCELLED"),
)

_EVERY = 200
"""Progress is told after so many records."""


def examine(
    view: View, transfers: Table[TransferForm], zone: str | None, progress: Progress | None = None
) -> Examined:
    """Everything in a folder, and what was found in it."""
    return _Examination(view, transfers, zone, progress).examined()


class _Examination:
    """Goes through the files one after the other."""

    def __init__(
        self,
        view: View,
        transfers: Table[TransferForm],
        zone: str | None,
        progress: Progress | None,
    ) -> None:
        self.view = view
        self.catalogue = view.catalogue
        self.returns = view.returns.table
        self.transfers = transfers
        self.zone = zone
        self.findings: list[Finding] = []
        self._progress = progress
        self._done = 0
        self._tables: list[Table[Any]] = [
            self.catalogue.customers,
            self.catalogue.orders,
            self.catalogue.items,
            self.catalogue.packages,
            self.returns,
            transfers,
        ]
        self._owned: set[str] = set()
        self._tracking: set[str] = set()

    def examined(self) -> Examined:
        for table in self._tables:
            self._whole_file(table)
        customers = [self._customer(key) for key in self._readable(self.catalogue.customers)]
        known = {customer.customer_id for customer in customers}
        orders: list[Order] = []
        returns: list[PastReturn] = []
        seen: set[str] = set()
        for key in self._readable(self.catalogue.orders):
            order, past = self._order(key, known, seen)
            if order is not None:
                orders.append(order)
                returns += past
        items = [self._record(Item, key) for key in self._readable(self.catalogue.items)]
        packages = [self._record(Package, key) for key in self._readable(self.catalogue.packages)]
        for key in self._readable(self.returns):
            if key not in self._owned:
                self._tell(
                    "refused",
                    self.returns,
                    key,
                    "no order lists it, and it names none that is there",
                )
        data = ShopData(
            zone=self.zone or "",
            customers=tuple(customers),
            orders=tuple(orders),
            items=tuple(items),
            packages=tuple(packages),
            returns=tuple(returns),
            transfers=tuple(self._transfers(known)),
        )
        return Examined(data=data, findings=tuple(self.findings))

    # -- pieces ---------------------------------------------------------------------------------

    def _tell(self, kind: FindingKind, table: Table[Any], key: str, words: str) -> None:
        place = f"{table.name}: {key}" if key else table.name
        self.findings.append(Finding(kind=kind, place=place, words=words))

    def _whole_file(self, table: Table[Any]) -> None:
        if table.problem is not None:
            words = table.problem.removeprefix(f"{table.name}: ")
            self._tell("unreadable", table, "", words)
        for words in table.odd:
            self._tell("unclear", table, "", f"{words}; it cannot be written to until mended")
        for key, mended, words in table.ids.doubts():
            self._tell("mended" if mended else "unclear", table, key, words)

    def _readable(self, table: Table[Any]) -> Iterator[str]:
        """The keys of the records that can be read; of the others it is told why not."""
        total = sum(len(each.raw) for each in self._tables)
        for key in table.raw:
            self._done += 1
            if self._progress is not None and (self._done % _EVERY == 0 or self._done == total):
                self._progress(self._done, total)
            try:
                if not key.strip():
                    raise UnreadableError("an empty id is none")
                table.form(key)
            except UnreadableError as error:
                words = str(error).removeprefix(f"{table.name}: {key}: ")
                self._tell("unreadable", table, key, words)
                continue
            for note in table.notes[key]:
                self._tell("unreadable", table, key, note)
            yield key

    def _pointer(self, table: Table[Any], key: str, what: str, pointer: str, to: Table[Any]) -> str:
        """The key that a pointer of a record means; told where that is not plain."""
        found = to.ids.find(pointer)
        if found is not None:
            return found
        likes = to.ids.likes(pointer)
        if len(likes) == 1:
            self._tell("mended", table, key, f"{what} {pointer!r} is taken for {likes[0]!r}")
            return likes[0]
        if likes:
            several = ", ".join(map(repr, likes))
            words = f"{what} {pointer!r} may be any of {several}; none is guessed"
        else:
            words = f"{what} {pointer!r} is not in {to.name}"
        self._tell("unclear", table, key, words)
        return pointer.strip()

    def _record(self, kind: Any, key: str) -> Any:
        return self.view.item(key) if kind is Item else self.view.package(key)

    def _customer(self, key: str) -> Customer:
        table, orders = self.catalogue.customers, self.catalogue.orders
        for pointer in table.form(key).active_orders:
            order = self._pointer(table, key, "the open order", pointer, orders)
            owner = self._owner(order)
            if owner is not None and owner != key:
                words = f"it lists the order {order!r}, which belongs to {owner!r}"
                self._tell("unclear", table, key, words)
        return self.view.customer(key)

    def _owner(self, order: str) -> str | None:
        try:
            found = self.catalogue.orders.form(order)
        except (KeyError, UnreadableError):
            return None
        return self.catalogue.customers.pointed(found.customer_id)

    def _order(
        self, key: str, known: set[str], seen: set[str]
    ) -> tuple[Order | None, list[PastReturn]]:
        """The order with its returns; None where it cannot be moved."""
        catalogue, table = self.catalogue, self.catalogue.orders
        form = table.form(key)
        self._pointer(table, key, "the customer", form.customer_id, catalogue.customers)
        for line in form.items_ordered:
            self._pointer(table, key, "the item", line.item_number, catalogue.items)
            if line.package_id.strip():
                self._pointer(table, key, "the package", line.package_id, catalogue.packages)
        keys, lost = self.view.returns.of(key, form.associated_returns)
        self._owned.update(keys)
        order = self.view.order(key)
        problem = None
        if order.customer_id not in known:
            problem = "its customer is not there"
        elif fold(key) in seen:
            problem = "another order has this id in other letters"
        elif lost:
            problem = f"its return {lost[0]!r} is not there, so nobody knows what is left of it"
        elif any(line.returned is None for line in order.lines):
            problem = "one of its returns cannot be read, so nobody knows what is left of it"
        if problem is not None:
            self._tell("refused", table, key, problem)
            return None, []
        seen.add(fold(key))
        left = {line.item_id: 0 for line in order.lines}
        for ordered in order.lines:
            left[ordered.item_id] += ordered.quantity
        return order, [past for each in keys for past in self._return(each, order, left)]

    def _return(self, key: str, order: Order, left: dict[str, int]) -> Iterator[PastReturn]:
        """A return as the parts that it is made of, one for each item.

        Args:
            left: by item, how many units earlier returns have left; lowered by this one.
        """
        form = self.returns.form(key)
        units: dict[str, int] = {}
        for line in form.items_returned:
            item = self.catalogue.items.pointed(line.item_number)
            units[item] = units.get(item, 0) + line.qty
        if len(units) > 1:
            words = f"it is about {len(units)} items and becomes as many returns"
            self._tell("mended", self.returns, key, words)
        status = self._one_of(key, "status", form.return_status.strip().upper(), STATUSES)
        reason = form.return_reason.strip().upper() or "OTHER"
        reason = self._one_of(key, "reason", reason, REASONS, "OTHER")
        for number, (item, count) in enumerate(units.items(), 1):
            most = left.get(item, 0)
            if not most:
                words = f"no unit of {item!r} is left for it in order {order.order_id!r}"
                self._tell("refused", self.returns, key, words)
                continue
            if count > most:
                words = f"{count} units of {item!r} become {most}: there are no more to return"
                self._tell("mended", self.returns, key, words)
                count = most
            if status not in FREED:
                left[item] = most - count
            suffix = f"-{number}" if number > 1 else ""
            yield PastReturn(
                return_id=f"{key}{suffix}",
                tracking_id=self._unused(f"{form.return_tracking_id.strip() or key}{suffix}", key),
                order_id=order.order_id,
                item_id=item,
                quantity=count,
                reason=reason,
                note=form.note,
                status=status,
                created_at=form.created_at,
                key=form.idempotency_key if number == 1 else "",
            )

    def _unused(self, tracking_id: str, key: str) -> str:
        """The tracking id, unless another return has it: then the return's own id stands in."""
        if tracking_id in self._tracking:
            words = f"its tracking id {tracking_id!r} is that of another return"
            self._tell("mended", self.returns, key, f"{words}; its own id takes its place")
            tracking_id = key
        self._tracking.add(tracking_id)
        return tracking_id

    def _one_of(
        self, key: str, what: str, value: str, known: tuple[str, ...], instead: str = "INITIATED"
    ) -> str:
        """A value that an SQL shop knows. An unknown state holds its units, as INITIATED does."""
        if value in known:
            return value
        words = f"the {what} {value!r} is not known and becomes {instead}"
        self._tell("mended", self.returns, key, words)
        return instead

    def _transfers(self, known: set[str]) -> Iterator[PastTransfer]:
        for key in self._readable(self.transfers):
            form = self.transfers.form(key)
            customer = form.customer_id
            if customer is not None:
                customer = self.catalogue.customers.pointed(customer)
                if customer not in known:
                    self._tell("refused", self.transfers, key, "its customer is not there")
                    continue
            yield PastTransfer(
                reference=key,
                customer_id=customer,
                summary=form.summary,
                key=form.idempotency_key,
                created_at=form.created_at,
            )
