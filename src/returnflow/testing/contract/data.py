"""The shop that the contract is about, and what a test of an adapter hands over.

Ids and e-mail addresses bear a tag, so that a system that cannot be emptied may hold many such
shops side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from returnflow.backends.protocol import Backend
from returnflow.backends.shopdata import PastReturn, ShopData
from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.testing.faults import Fault, FaultyBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

ZONE = "Europe/Berlin"

CROWD = 10_000
"""Orders of the one customer who has that many."""

HOSTILE = (
    "\x1b[31mred\x1b[0m \u202eevil\u202c '; DROP TABLE x; -- <b>&amp; "
    "\u00e9 e\u0301 茶 🦊 %s =1+1\t\\"
)
"""Text that does harm where it is not handled with care. The shop keeps it as it is (rule 37)."""

WRITES = (
    *("OPENED", "PARTS", "REFUSED", "AGAIN", "ELSEWHERE", "AT-ONCE", "OTHERWISE", "LAST-UNIT"),
    *("BEFORE", "AFTER", "ERROR-TEXT", "NOTE", "REASONS", "MORE-REASONS", "UNTIDY"),
)
"""Orders of three lamps in one parcel that has arrived; each write test uses one of its own."""

_R = TypeVar("_R", Customer, Order, Item)

Unanswered = Literal["timeout_before", "timeout_after", "error_text"]


def contract_shop(*, tag: str = "", crowd: int = CROWD, hostile: str = HOSTILE) -> ShopData:
    """The data of the contract.

    Args:
        tag: put behind each id and into each e-mail address; letters, digits and hyphens.
        crowd: how many orders the customer CROWD has. Make it smaller only where loading them
            takes minutes.
        hostile: another text, for a system that refuses some of the characters by itself.
    """
    return _Maker(tag, crowd, hostile).shop()


@dataclass(frozen=True, kw_only=True)
class ContractShop:
    """What a test of an adapter hands to the contract.

    Args:
        data: what the shop holds: `contract_shop()`, or with a tag.
        connect: makes a connection to that shop: a new adapter each time.
        ids: where the system gives ids of its own: by ours (tag included), theirs.
        fingerprint: anything that changes when the shop is written to, such as the bytes of its
            file or a count of its rows. Without it, only what look-ups show is compared.
        unanswered: a connection of which the first write finds no answer: before its work is
            done, after it, or with an error text in the reply although it is done. Without it,
            the answer is lost in front of the adapter, which tells less.
    """

    data: ShopData
    connect: Callable[[], Backend]
    ids: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Callable[[], object] | None = None
    unanswered: Callable[[Unanswered], AbstractContextManager[Backend]] | None = None

    @property
    def tag(self) -> str:
        """What `contract_shop` was given as its tag."""
        return self.data.customers[0].customer_id.removeprefix("ANN")

    def id(self, name: str) -> str:
        """The shop's id for what the contract calls `name`."""
        ours = f"{name}{self.tag}"
        return self.ids.get(ours, ours)

    def customer(self, name: str) -> Customer:
        """The customer as loaded, with the contract's own ids."""
        return _named(self.data.customers, "customer_id", f"{name}{self.tag}")

    def order(self, name: str) -> Order:
        """The order as loaded, with the contract's own ids."""
        return _named(self.data.orders, "order_id", f"{name}{self.tag}")

    def item(self, name: str) -> Item:
        """The item as loaded, with the contract's own ids."""
        return _named(self.data.items, "item_id", f"{name}{self.tag}")

    @contextmanager
    def losing(self, kind: Unanswered, operation: str) -> Iterator[Backend]:
        """A connection of which the first write `operation` finds no answer."""
        if self.unanswered is not None:
            with self.unanswered(kind) as found:
                yield found
            return
        faulty = FaultyBackend(self.connect(), {(operation, 1): Fault(kind)})
        try:
            yield faulty
        finally:
            faulty.close()


def _named(records: tuple[_R, ...], member: str, name: str) -> _R:
    return next(record for record in records if getattr(record, member) == name)


class _Maker:
    """Makes the data; `tag` goes behind every id."""

    def __init__(self, tag: str, crowd: int, hostile: str) -> None:
        self.tag = tag
        self.crowd = crowd
        self.hostile = hostile

    def shop(self) -> ShopData:
        orders = (*self._anns(), *self._others(), *self._crowd())
        return ShopData(
            zone=ZONE,
            customers=self._customers(orders),
            orders=orders,
            items=self._items(),
            packages=self._packages(),
            returns=self._returns(),
        )

    def _t(self, name: str) -> str:
        return f"{name}{self.tag}" if name else ""

    def _customers(self, orders: tuple[Order, ...]) -> tuple[Customer, ...]:
        def customer(name: str, email: str, **more: Any) -> Customer:
            mailbox, _, host = email.partition("@")
            own = tuple(order.order_id for order in orders if order.customer_id == self._t(name))
            return Customer(
                customer_id=self._t(name),
                email=f"{mailbox}{self.tag}@{host}",
                active_orders=own,
                **more,
            )

        return (
            customer("ANN", "Ann.Lee@Example.com", first_name="Ann", last_name="Lee"),
            customer("BEN", "ben@example.com", first_name="Ben", is_fraud_flag=True),
            customer("IDLE", "idle@example.com", first_name="Ida"),
            customer("TWIN-A", "twin@example.com", first_name="Tom"),
            customer("TWIN-B", "TWIN@Example.com", first_name="Tim"),
            customer("EVIL", "evil@example.com", first_name=self.hostile, last_name="Doe"),
            customer("CROWD", "crowd@example.com", first_name="Cleo"),
        )

    def _line(self, item: str, quantity: int, price: str, *parcels: tuple[str, int]) -> OrderLine:
        return OrderLine(
            item_id=self._t(item),
            description=self.hostile if item == "EVIL-ITEM" else f"Thing {item}",
            quantity=quantity,
            unit_price=Decimal(price),
            currency="EUR",
            parcels=tuple(
                Parcel(package_id=self._t(name), quantity=units) for name, units in parcels
            ),
        )

    def _order(
        self, name: str, *lines: OrderLine, customer: str = "ANN", date: str = "2026-03-01"
    ) -> Order:
        return Order(
            order_id=self._t(name),
            customer_id=self._t(customer),
            order_date=date,
            payment_status="SUCCESS",
            lines=lines,
        )

    def _anns(self) -> tuple[Order, ...]:
        here = ("HERE", 1)
        return (
            self._order(
                "Plain",
                self._line("LAMP", 3, "19.99", ("HERE", 3)),
                self._line("RUG", 2, "0.333", ("HERE", 2)),
            ),
            self._order(
                "SPLIT",
                self._line("LAMP", 3, "19.99", ("FIRST", 2), ("SECOND", 1)),
                self._line("RUG", 2, "5", ("SECOND", 1), ("", 1)),
            ),
            self._order(
                "TWO-LINES",
                self._line("LAMP", 1, "19.99", here),
                self._line("RUG", 1, "5.00", here),
                self._line("LAMP", 2, "14.99", ("HERE", 2)),
            ),
            self._order("PAST", self._line("LAMP", 9, "19.99", ("HERE", 9))),
            self._order("FREED", self._line("LAMP", 2, "19.99", ("HERE", 2))),
            self._order(
                "POLICIES",
                *(self._line(item, 1, "1.00", here) for item in ("MUG", "CUP", "PAN", "BOX")),
            ),
            # Each on 29 March in Berlin, on the night in which clocks go forward there.
            self._order("UTC", self._line("LAMP", 1, "1", here), date="2026-03-28T23:30:00+00:00"),
            self._order("LOCAL", self._line("LAMP", 1, "1", here), date="2026-03-29T00:30:00"),
            self._order("DAY", self._line("LAMP", 1, "1", here), date="2026-03-29"),
            *(self._order(name, self._line("LAMP", 3, "19.99", ("HERE", 3))) for name in WRITES),
        )

    def _others(self) -> tuple[Order, ...]:
        return (
            self._order("BENS", self._line("LAMP", 1, "19.99", ("HERE", 1)), customer="BEN"),
            self._order("EVILS", self._line("EVIL-ITEM", 2, "1", ("HERE", 2)), customer="EVIL"),
        )

    def _crowd(self) -> tuple[Order, ...]:
        line = self._line("LAMP", 1, "19.99", ("HERE", 1))
        return tuple(
            self._order(f"CROWD-{number:05}", line, customer="CROWD")
            for number in range(self.crowd)
        )

    def _items(self) -> tuple[Item, ...]:
        def item(name: str, policy: ReturnPolicy | None, description: str = "") -> Item:
            return Item(
                item_id=self._t(name),
                description=description or f"Thing {name}",
                cost=Decimal("19.99"),
                currency="EUR",
                policy=policy,
            )

        thirty = ReturnPolicy(return_eligible=True, return_window="30 days")
        return (
            item("LAMP", thirty),
            item("RUG", ReturnPolicy(return_eligible=False, return_window="14")),
            item("MUG", None),
            item("CUP", ReturnPolicy(return_eligible=True)),
            item("PAN", ReturnPolicy(return_eligible=True, return_window="abc")),
            item("BOX", ReturnPolicy(return_eligible=True, return_window="unlimited")),
            item("EVIL-ITEM", thirty, self.hostile),
        )

    def _packages(self) -> tuple[Package, ...]:
        return (
            self._package("HERE", "DELIVERED", final_delivery_date="2026-03-04"),
            self._package("FIRST", "DELIVERED", final_delivery_date="2026-03-05"),
            self._package("SECOND", "IN_TRANSIT", estimated_delivery_date="2026-04-02"),
        )

    def _package(self, name: str, status: str, **dates: Any) -> Package:
        return Package(
            package_id=self._t(name), type="ORDER_DELIVERY", current_status=status, **dates
        )

    def _returns(self) -> tuple[PastReturn, ...]:
        held = (("COMPLETED", 2), ("APPROVED", 1), ("INITIATED", 1))
        freed = (("REJECTED", 2), ("CANCELLED", 1))
        return tuple(
            PastReturn(
                return_id=self._t(f"R-{order}-{status}"),
                tracking_id=self._t(f"T-{order}-{status}"),
                order_id=self._t(order),
                item_id=self._t("LAMP"),
                quantity=units,
                status=status,
                created_at="2026-03-10",
            )
            for order, entries in (("PAST", (*held, *freed)), ("FREED", freed))
            for status, units in entries
        )
