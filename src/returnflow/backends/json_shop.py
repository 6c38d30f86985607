"""A shop in a folder of JSON files: ``json:DIR``.

The folder holds `customers.json`, `orders.json`, `items.json`, `packages.json` and
`returns.json`, each an object keyed by id. Only `returns.json` is written (and `transfers.json`,
which is ours); what is in it decides which units are taken. docs/json.md describes the form.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from returnflow.backends import json_tables as tables
from returnflow.backends.json_form import TransferForm, UnreadableError
from returnflow.backends.json_store import LOCK_TIMEOUT, Folder
from returnflow.backends.json_tables import Returns, Table
from returnflow.backends.json_view import View
from returnflow.backends.refusals import (
    check_key,
    check_return,
    check_same,
    check_summary,
    check_text,
    refuse,
)
from returnflow.backends.shopdata import Examined
from returnflow.backends.tokens import now, token, tracking_id
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from returnflow.inert import fold
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderFailure,
    OrdersSummary,
    OrderSummary,
    Package,
    ReturnReceipt,
    TransferReceipt,
)
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
        check_return(quantity, return_reason)
        check_key(idempotency_key)
        check_text(order_id, item_id, note)
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
                refuse("unknown_order", f"the shop has no order {order_id!r}")
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
        check_summary(summary_of_issues)
        check_key(idempotency_key)
        check_text(customer_id or "", summary_of_issues)
        with self._folder.writing():
            view = self.view()
            table = _writable(Table(self._folder, tables.TRANSFERS, TransferForm, absent=True))
            asked = {"customer_id": customer_id, "summary": summary_of_issues}
            for reference, raw in table.raw.items():
                if isinstance(raw, Mapping) and raw.get("idempotency_key") == idempotency_key:
                    _check_same(raw, asked)
                    return TransferReceipt(reference=reference)
            if customer_id is not None and view.catalogue.customers.key(customer_id) is None:
                refuse("unknown_customer", f"the shop has no customer {customer_id!r}")
            reference = f"HR-{token(6)}"
            entry = {**asked, "idempotency_key": idempotency_key, "created_at": now()}
            self._folder.replace(table.name, {**table.raw, reference: entry})
        return TransferReceipt(reference=reference)

    # -- as a whole ---------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """See `returnflow.backends.shopdata.Diagnosable`: the files that cannot be used."""
        view = self.view()
        catalogue = view.catalogue
        read = (catalogue.customers, catalogue.orders, catalogue.items, catalogue.packages)
        transfers = Table(self._folder, tables.TRANSFERS, TransferForm, absent=True)
        found = [table.problem for table in read if table.problem is not None]
        if not os.access(self.path, os.W_OK):
            found.append(f"the folder {self.path} cannot be written to, so nothing can be returned")
        for table in (view.returns.table, transfers):
            try:
                _writable(table)
            except UnavailableError as error:
                found.append(str(error))
        return found

    def examine(self, progress: Callable[[int, int], None] | None = None) -> Examined:
        """See `returnflow.backends.shopdata.Examinable`."""
        from returnflow.backends.json_examine import examine

        transfers = Table(self._folder, tables.TRANSFERS, TransferForm, absent=True)
        return examine(self.view(), transfers, self._zone, progress)


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
    check_same([name for name, value in asked.items() if known.get(name) != value])


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
