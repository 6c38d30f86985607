"""Random shops, small and dirty like real ones, for walks and properties."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.testing.shop import MemoryShop

STATUSES = (
    "AT_WAREHOUSE",
    "IN_TRANSIT",
    "AT_DELIVERY_STATION",
    "OUT_FOR_DELIVERY",
    "DELIVERED",
    "DELIVERY_FAILURE",
    "RETURN_PICKEDUP",
    "RETURN_COMPLETED",
    "RETURN_INITIATED",
)
"""Every package status of the domain."""

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Pacific/Apia")

POLICIES: tuple[ReturnPolicy | None, ...] = (
    ReturnPolicy(return_eligible=True, return_window="30"),
    ReturnPolicy(return_eligible=True, return_window="30 days"),
    ReturnPolicy(return_eligible=True, return_window="P14D"),
    ReturnPolicy(return_eligible=True, return_window="unlimited"),
    ReturnPolicy(return_eligible=True, return_window="0"),
    ReturnPolicy(return_eligible=True, return_window="-5"),
    ReturnPolicy(return_eligible=True, return_window="abc"),
    ReturnPolicy(return_eligible=True, return_window=""),
    ReturnPolicy(return_eligible=True),
    ReturnPolicy(return_eligible=False, return_window="30"),
    ReturnPolicy(return_window="30"),
    ReturnPolicy(),
    None,
)
"""Eligibility blocks of every kind, known and unknown (rules 5, 6, 10)."""

NAMES = ("Zoë", "Łukasz", "Noor", "王芳", "Søren", "Ana")
THINGS = ("lamp", "Teekanne", "blå genser", "茶碗", "socks 🧦", 'kettle "Pro"', "café table")


def generate_shop(rng: Random) -> MemoryShop:
    """A small random shop with all that real data show.

    Two customers share an e-mail address, one has no open order, one has none that loads, every
    kind of eligibility occurs. Now and then: each package status, lines in several packages,
    items on two lines, items and packages that are missing, units in a return already, dates
    that nobody can read. Most items may be returned, so that walks get somewhere.
    """
    today = date(2026, 1, 1) + timedelta(days=rng.randrange(1100))
    zone = rng.choice(ZONES)
    made = _Generator(rng, today, zone)
    kinds = [*POLICIES, *([POLICIES[0]] * 12)]
    rng.shuffle(kinds)
    for number, policy in enumerate(kinds, 1):
        made.add_item(f"I{number:02}", policy)
    emails = ["one@example.com", "Two.Mixed@Example.com", *["twins@example.com"] * 2]
    emails += ["settled@example.com", "lost@example.com"]
    for number, email in enumerate(emails, 1):
        made.add_customer(number, email)
    return MemoryShop(
        today=today,
        zone=zone,
        customers=made.customers,
        orders=made.orders,
        items=made.items,
        packages=made.packages,
        failing=made.failing,
    )


class _Generator:
    """What `generate_shop` has made so far."""

    def __init__(self, rng: Random, today: date, zone: str) -> None:
        self.rng, self.today, self.zone = rng, today, zone
        self.customers: list[Customer] = []
        self.orders: list[Order] = []
        self.items: list[Item] = []
        self.packages: list[Package] = []
        self.failing: dict[str, str] = {}
        # Every status in turn, so that none is left out; most parcels have arrived.
        self.statuses = [*STATUSES, "delivered", "ON_THE_MOON", ""]
        rng.shuffle(self.statuses)

    def add_item(self, item_id: str, policy: ReturnPolicy | None) -> None:
        self.items.append(
            Item(
                item_id=item_id,
                description=f"{self.rng.choice(THINGS)} {item_id}",
                cost=Decimal(self.rng.randrange(1, 99999)).scaleb(-2),
                currency="EUR",
                policy=policy,
            )
        )

    def add_customer(self, number: int, email: str) -> None:
        customer_id = f"C{number}"
        own = [self._order(f"O-{number}{letter}", customer_id) for letter in "ab"]
        self.orders += own
        active = [order.order_id for order in own]
        if email.startswith("settled"):
            active = []
        elif email.startswith("lost"):
            self.failing.update(dict.fromkeys(active, "the record is damaged"))
        elif self.rng.random() < 0.3:
            active.append("O-404")
        self.customers.append(
            Customer(
                customer_id=customer_id,
                first_name=self.rng.choice(NAMES),
                email=email,
                active_orders=tuple(active),
                is_fraud_flag=self.rng.random() < 0.2,
            )
        )

    def _order(self, order_id: str, customer_id: str) -> Order:
        rng = self.rng
        plain = [item.item_id for item in self.items if item.policy == POLICIES[0]]
        every = [item.item_id for item in self.items]
        drawn = [rng.choice(plain if rng.random() < 0.7 else every) for _ in range(3)]
        item_ids = list(dict.fromkeys(drawn[: rng.randint(1, 3)]))
        if rng.random() < 0.3:
            item_ids.append(item_ids[0])  # one item on two lines
        if rng.random() < 0.2:
            item_ids.append("I-404")  # an item that the shop does not know
        return Order(
            order_id=order_id,
            customer_id=customer_id,
            order_date=self._order_date(),
            payment_status="SUCCESS",
            lines=tuple(self._line(item_id) for item_id in item_ids),
        )

    def _order_date(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.04:
            return rng.choice(["", "last Tuesday", "2026-02-30"])
        usual = (0, 1, 3, 5, 8, 14, 15, 29, 30, 31, 60)
        days = rng.randint(-3, -1) if kind < 0.1 else rng.choice(usual)
        day = self.today - timedelta(days=days)
        if kind < 0.6:
            return day.isoformat()
        moment = datetime(day.year, day.month, day.day, rng.randrange(24), rng.randrange(60))  # noqa: DTZ001 (given its zone below, or none on purpose)
        if kind < 0.8:
            return moment.isoformat()
        return moment.replace(tzinfo=ZoneInfo(self.zone)).astimezone(ZoneInfo("UTC")).isoformat()

    def _line(self, item_id: str) -> OrderLine:
        rng = self.rng
        quantity = rng.choice([1, 1, 2, 3, 5])
        first = rng.randint(1, quantity) if rng.random() < 0.4 else quantity
        parcels = [self._parcel(first)]
        if first < quantity and rng.random() < 0.8:
            parcels.append(self._parcel(quantity - first))
        return OrderLine(
            item_id=item_id,
            description=f"{rng.choice(THINGS)} {item_id}",
            quantity=quantity,
            unit_price=Decimal(rng.randrange(1, 99999)).scaleb(-rng.choice([0, 2, 3])),
            currency=rng.choice(["EUR", "EUR", "KWD"]),
            returned=rng.randint(0, quantity) if rng.random() < 0.2 else 0,
            parcels=tuple(parcels),
        )

    def _parcel(self, quantity: int) -> Parcel:
        rng = self.rng
        kind = rng.random()
        if kind < 0.05:
            return Parcel(quantity=quantity)
        package_id = f"P{len(self.packages) + 1:03}"
        if kind < 0.10:
            return Parcel(package_id=f"{package_id}-404", quantity=quantity)
        if kind < 0.20 and self.packages:
            package_id = rng.choice(self.packages).package_id  # one package holds several lines
            return Parcel(package_id=package_id, quantity=quantity)
        status = self.statuses.pop() if self.statuses and kind < 0.32 else "DELIVERED"
        expected = self.today + timedelta(days=rng.randint(-2, 40))
        self.packages.append(
            Package(
                package_id=package_id,
                type="RETURN" if rng.random() < 0.03 else "ORDER_DELIVERY",
                current_status=status,
                estimated_delivery_date=expected.isoformat() if rng.random() < 0.8 else "",
            )
        )
        return Parcel(package_id=package_id, quantity=quantity)
