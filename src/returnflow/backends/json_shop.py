"""A shop in a folder of JSON files: ``json:DIR``.

The folder holds `customers.json`, `orders.json`, `items.json`, `packages.json` and
`returns.json`, each an object keyed by id. Only `returns.json` is written (and `transfers.json`,
which is ours); what is in it decides which units are taken. docs/json.md describes the form.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from returnflow.backends import json_tables as tables
from returnflow.backends.json_form import LineForm, OrderForm, TransferForm, UnreadableError
from returnflow.backends.json_store import LOCK_TIMEOUT, Folder
from returnflow.backends.json_tables import Catalogue, Returns, Table
from returnflow.backends.shopdata import Examined
from returnflow.backends.summarizing import summary
from returnflow.backends.tokens import now, storable, token, tracking_id
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
    TransferReceipt,
)
from returnflow.returns.events import REASONS
from returnflow.returns.operations import OPERATIONS

_T = TypeVar("_T")


def connect(url: str, *, lock_timeout: float = LOCK_TIMEOUT) -> JsonShop:
    """The shop in a folder.

    Args:
        url: ``json:DIR``.
        lock_timeout: seconds to wait for another program that writes.

    Raises:
        UsageError: there is no such folder, or none of a shop's files in it.
    """
    path = url.partition(":")[2]
    if not path.strip():
        raise UsageError(f"{url!r} names no folder: write json:DIR")
    return open_folder(Path(path), lock_timeout=lock_timeout)


def open_folder(path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> JsonShop:
    """As `connect`, by path."""
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}: check the path")
    if not any((path / name).is_file() for name in tables.FILES):
        raise UsageError(
            f"{path} is no shop: none of {', '.join(tables.FILES)} is in it; check the path"
        )
    return JsonShop(Folder(path.absolute(), lock_timeout))


class JsonShop:
    """A shop in a folder. Made by `connect`; safe to use from many threads and processes."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._catalogue = tables.catalogue(folder)
        self._returns = Returns(folder, self._catalogue)
        zone = self._catalogue.shop.zone
        if self._catalogue.shop_problem:
            raise UsageError(f"{folder.path}: {self._catalogue.shop_problem}")
        try:
            self._zone = ZoneInfo(zone).key if zone else None
        except (KeyError, ValueError, OSError):
            raise UsageError(
                f"{folder.path / tables.SHOP}: {zone!r} is no IANA time zone, such as Europe/Berlin"
            ) from None

    @property
    def zone(self) -> str | None:
        """The policy time zone, if `shop.json` names one (rule 2)."""
        return self._zone

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder.path

    def capabilities(self) -> frozenset[str]:
        """All operations of the procedure."""
        return frozenset(OPERATIONS)

    def close(self) -> None:
        """Nothing is held between two operations."""

    def view(self) -> View:
        """What stands in the files now."""
        with self._lock:
            if self._catalogue.stamps != tables.stamps_of(self._folder):
                self._catalogue = tables.catalogue(self._folder)
                self._returns = Returns(self._folder, self._catalogue)
            elif self._returns.table.stamp != self._folder.stamp(tables.RETURNS):
                self._returns = Returns(self._folder, self._catalogue)
            return View(self._catalogue, self._returns)

    # -- looking up ---------------------------------------------------------------------------

    def get_customer_by_email(self, email: str) -> Customer:
        """See the protocol. Messages leave the address out (rule 38)."""
        view = self.view()
        view.catalogue.customers.key("")
        keys = view.catalogue.by_email(fold(email))
        if not keys:
            raise NotFoundError("the shop has no customer with this e-mail address")
        if len(keys) > 1:
            raise AmbiguousError(
                f"{len(keys)} customers share this e-mail address", count=len(keys)
            )
        return _readable(lambda: view.customer(keys[0]))

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        """See the protocol. An id given twice is answered once."""
        view = self.view()
        orders: list[OrderSummary] = []
        failed: list[OrderFailure] = []
        wanted: dict[str, str] = {}
        for order_id in order_ids:
            wanted.setdefault(fold(order_id), order_id)
        for asked in wanted.values():
            key = view.catalogue.orders.key(asked)
            try:
                if key is None:
                    raise UnreadableError("the shop has no such order")
                orders.append(view.summary(key))
            except UnreadableError as error:
                failed.append(OrderFailure(order_id=asked, reason=str(error)))
        return OrdersSummary(orders=tuple(orders), failed=tuple(failed))

    def get_order_details(self, order_id: str) -> Order:
        """See the protocol."""
        view = self.view()
        key = _found(view.catalogue.orders, order_id, "order")
        return _readable(lambda: view.order(key))

    def get_item_details(self, item_id: str) -> Item:
        """See the protocol."""
        view = self.view()
        key = _found(view.catalogue.items, item_id, "item")
        return _readable(lambda: view.item(key))

    def get_package_details(self, package_id: str) -> Package:
        """See the protocol."""
        view = self.view()
        key = _found(view.catalogue.packages, package_id, "package")
        return _readable(lambda: view.package(key))

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
        ``bad_quantity``, ``bad_reason``, ``bad_key``, ``bad_text``, ``key_reused``,
        ``returns_unknown`` (how many units are in a return already cannot be told).
        """
        if type(quantity) is not int or quantity < 1:
            _refuse("bad_quantity", f"{quantity!r} is no number of units; give 1 or more")
        if return_reason not in REASONS:
            _refuse("bad_reason", f"the shop takes the reasons {', '.join(REASONS)}")
        _check_text(idempotency_key, order_id, item_id, note)
        with self._folder.writing():
            view = self.view()
            table = _writable(view.returns.table)
            key = view.catalogue.orders.key(order_id)
            item = view.catalogue.items.pointed(item_id)
            asked = {"order_id": key, "return_reason": return_reason, "note": note}
            known = view.returns.with_key(idempotency_key)
            if known is not None:
                return _again(table, known, asked, item, quantity, view)
            if key is None:
                _refuse("unknown_order", f"the shop has no order {order_id!r}")
            returned = _readable(lambda: view.taken(key, item, quantity))
            return_id = f"RET-{token(8)}"
            entry = {
                "return_id": return_id,
                "return_tracking_id": tracking_id(),
                **asked,
                "return_status": "INITIATED",
                "created_at": now(),
                "idempotency_key": idempotency_key,
                "items_returned": returned,
            }
            self._folder.replace(table.name, {**table.raw, return_id: entry})
        return ReturnReceipt(
            tracking_id=str(entry["return_tracking_id"]), return_id=return_id, status="INITIATED"
        )

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> TransferReceipt:
        """See the protocol. The transfer is kept in `transfers.json`.

        Refusal codes: ``empty_summary``, ``unknown_customer``, ``bad_key``, ``bad_text``,
        ``key_reused``.
        """
        if not summary_of_issues.strip():
            _refuse("empty_summary", "a transfer needs a summary of the issue")
        _check_text(idempotency_key, customer_id or "", summary_of_issues)
        with self._folder.writing():
            view = self.view()
            table = _writable(Table(self._folder, tables.TRANSFERS, TransferForm, absent=True))
            asked = {"customer_id": customer_id, "summary": summary_of_issues}
            for reference, raw in table.raw.items():
                if isinstance(raw, Mapping) and raw.get("idempotency_key") == idempotency_key:
                    _check_same(raw, asked)
                    return TransferReceipt(reference=reference)
            if customer_id is not None and view.catalogue.customers.key(customer_id) is None:
                _refuse("unknown_customer", f"the shop has no customer {customer_id!r}")
            reference = f"HR-{token(6)}"
            entry = {**asked, "idempotency_key": idempotency_key, "created_at": now()}
            self._folder.replace(table.name, {**table.raw, reference: entry})
        return TransferReceipt(reference=reference)

    # -- as a whole ---------------------------------------------------------------------------

    def examine(self, progress: Callable[[int, int], None] | None = None) -> Examined:
        """See `returnflow.backends.shopdata.Examinable`."""
        from returnflow.backends.json_examine import examine

        transfers = Table(self._folder, tables.TRANSFERS, TransferForm, absent=True)
        return examine(self.view(), transfers, self._zone, progress)


class View:
    """The records of the folder at one moment. Every method raises `UnreadableError`."""

    def __init__(self, catalogue: Catalogue, returns: Returns) -> None:
        self.catalogue = catalogue
        self.returns = returns

    def customer(self, key: str) -> Customer:
        """The customer under this key; whom orders belong to is reconciled (rule 21)."""
        found = self.catalogue.customers.form(key)
        orders = [self.catalogue.orders.pointed(pointer) for pointer in found.active_orders]
        return Customer(
            customer_id=key,
            first_name=found.first_name,
            last_name=found.last_name,
            email=found.email,
            phone_number=found.phone_number,
            active_orders=tuple(dict.fromkeys(orders)),
            active_returns=tuple(dict.fromkeys(self._active_returns(key, found.active_returns))),
            is_fraud_flag=found.is_fraud_flag,
        )

    def _active_returns(self, customer: str, listed: list[str]) -> Iterator[str]:
        table = self.returns.table
        keys = [key for key in map(table.ids.resolve, listed) if key is not None]
        for key in (*keys, *self.returns.of_customer(customer)):
            try:
                if table.form(key).return_status.strip().upper() not in tables.ENDED:
                    yield key
            except UnreadableError:
                yield key

    def order(self, key: str) -> Order:
        """The order under this key, with what is in a return already (rule 17)."""
        found = self.catalogue.orders.form(key)
        keys, lost = self.returns.of(key, found.associated_returns)
        counted = None if lost else self.returns.units(keys)
        left = None if counted is None else dict(counted)
        return Order(
            order_id=key,
            customer_id=self.catalogue.customers.pointed(found.customer_id),
            order_date=found.order_date,
            payment_status=found.payment_status,
            lines=tuple(self._line(found, line, left) for line in found.items_ordered),
            associated_returns=(*keys, *lost),
        )

    def _line(self, order: OrderForm, line: LineForm, left: dict[str, int] | None) -> OrderLine:
        item_id = self.catalogue.items.pointed(line.item_number)
        returned = None
        if left is not None:
            # Lines are used up in order (rule 18).
            returned = min(line.qty, left.get(item_id, 0))
            left[item_id] = left.get(item_id, 0) - returned
        item = self._item_or_none(item_id)
        package = line.package_id.strip()
        return OrderLine(
            item_id=item_id,
            description=line.description or (item.description if item else ""),
            quantity=line.qty,
            unit_price=line.item_final_cost,
            currency=line.currency or order.currency or self.catalogue.shop.currency,
            returned=returned,
            parcels=(
                Parcel(
                    package_id=self.catalogue.packages.pointed(package) if package else "",
                    quantity=line.qty,
                ),
            ),
        )

    def _item_or_none(self, key: str) -> Item | None:
        try:
            return self.item(key) if key in self.catalogue.items.raw else None
        except UnreadableError:
            return None

    def item(self, key: str) -> Item:
        """The item under this key; without its block, whether it may go back is unknown."""
        found = self.catalogue.items.form(key)
        block = found.return_eligiblity_details
        return Item(
            item_id=key,
            description=found.item_description,
            category=found.item_category,
            cost=found.item_cost,
            currency=found.currency or self.catalogue.shop.currency,
            policy=None
            if block is None
            else ReturnPolicy(
                return_eligible=block.return_eligible, return_window=block.return_window
            ),
        )

    def package(self, key: str) -> Package:
        """The package under this key."""
        found = self.catalogue.packages.form(key)
        return Package(
            package_id=key,
            type=found.type,
            current_status=found.current_status,
            estimated_delivery_date=found.estimated_delivery_date,
            final_delivery_date=found.final_delivery_date,
        )

    def summary(self, key: str) -> OrderSummary:
        """The order as `summarize_orders` presents it."""
        return summary(self.order(key), self._status)

    def _status(self, package_id: str) -> str:
        try:
            known = package_id in self.catalogue.packages.raw
            return self.package(package_id).current_status if known else ""
        except UnreadableError:
            return ""

    def taken(self, key: str, item_id: str, quantity: int) -> list[dict[str, Any]]:
        """`items_returned` for so many units of an item, the order's lines used up in turn.

        Raises:
            RefusedByBackendError: they are not there.
        """
        lines = [line for line in self.order(key).lines if line.item_id == item_id]
        ordered = sum(line.quantity for line in lines)
        if not lines:
            _refuse("unknown_item", f"item {item_id!r} is not in order {key!r}")
        if quantity > ordered:
            _refuse("bad_quantity", f"{quantity} units are more than the {ordered} ordered")
        if any(line.returned is None for line in lines):
            _refuse(
                "returns_unknown",
                f"how many units of order {key!r} are in a return already cannot be told; have "
                "the shop's data mended",
            )
        wanted, returned = quantity, []
        for line in lines:
            units = min(wanted, line.quantity - (line.returned or 0))
            if units:
                wanted -= units
                returned.append(_returned(line, units))
        if wanted:
            left = quantity - wanted
            words = f"only {left} of this item can" if left else "no unit of this item can"
            _refuse(
                "already_returned", f"{words} still be returned; the others are in a return already"
            )
        return returned


def _returned(line: OrderLine, units: int) -> dict[str, Any]:
    amount: Decimal | None = None if line.unit_price is None else line.unit_price * units
    return {
        "item_number": line.item_id,
        "qty": units,
        "refundable_amount": amount,
        "package_id": line.parcels[0].package_id,
    }


def _again(
    table: Table[Any],
    key: str,
    asked: Mapping[str, Any],
    item: str,
    quantity: int,
    view: View,
) -> ReturnReceipt:
    """The receipt of a return that was opened before; one key stands for one request (rule 28)."""
    found = _readable(lambda: table.form(key))
    lines = found.items_returned
    _check_same(
        {
            "order_id": view.catalogue.orders.pointed(found.order_id),
            "return_reason": found.return_reason,
            "note": found.note,
            "item": {view.catalogue.items.pointed(line.item_number) for line in lines},
            "quantity": sum(line.qty for line in lines),
        },
        {**asked, "item": {item}, "quantity": quantity},
    )
    return ReturnReceipt(
        tracking_id=found.return_tracking_id, return_id=key, status=found.return_status
    )


def _check_same(known: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    differing = [name for name, value in asked.items() if known.get(name) != value]
    if differing:
        _refuse("key_reused", f"this key was used before with another {', '.join(differing)}")


def _check_text(key: str, *texts: str) -> None:
    if not key or not storable(key):
        _refuse("bad_key", "a write needs an idempotency key")
    if not all(map(storable, texts)):
        _refuse("bad_text", "the text holds half a character; type it anew")


def _writable(table: Table[Any]) -> Table[Any]:
    """The table, if nothing in its file would be lost by writing it anew."""
    problem = table.problem or (f"{table.name}: {table.odd[0]}" if table.odd else None)
    if problem is not None:
        raise UnavailableError(
            f"nothing can be written without loss: {problem}; have it mended",
            outcome="known",
            lasting=True,
        )
    return table


def _found(table: Table[Any], wanted: str, what: str) -> str:
    key = table.key(wanted)
    if key is None:
        raise NotFoundError(f"the shop has no {what} {wanted!r}")
    return key


def _readable(work: Callable[[], _T]) -> _T:
    """What `work` gives; a record that cannot be read fails for itself alone."""
    try:
        return work()
    except UnreadableError as error:
        raise UnavailableError(
            f"{error}; have the shop's data mended", outcome="known", lasting=True
        ) from None


def _refuse(code: str, message: str) -> NoReturn:
    raise RefusedByBackendError(message, code=code)
