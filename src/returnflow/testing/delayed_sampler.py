"""Events about a delayed package, made up for the generators of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from msgspec.structs import replace

from returnflow.backends.answer import performer
from returnflow.delayed import VOCABULARY, telling
from returnflow.delayed import events as ev
from returnflow.engine.vocabulary import Call, Event, event_name
from returnflow.records import (
    Customer,
    GiftCardReceipt,
    Order,
    OrderLine,
    Package,
    Parcel,
    TransferReceipt,
)
from returnflow.testing.generated import generate_shop
from returnflow.testing.sampler import Situation, samplers
from returnflow.testing.shop import MemoryShop

Make = Callable[[Situation], Iterable[Event]]


class DelayedSampler:
    """The sampler for ``vocabulary: delayed``; shops are `MemoryShop`s."""

    def curated(self) -> MemoryShop:
        """See `waiting_shop`."""
        return waiting_shop()

    def generate(self, rng: Random) -> MemoryShop:
        """A random shop, with promises, costs and gift cards at its packages."""
        shop = generate_shop(rng)
        for package_id, package in shop.packages.items():
            shop.packages[package_id] = _with_promise(package, shop.today, rng)
        return shop

    def copy(self, shop: MemoryShop) -> MemoryShop:
        """A copy to write to."""
        return shop.copy()

    def beginning(self, shop: MemoryShop) -> tuple[date, str]:
        """The shop's day and zone."""
        return shop.today, shop.zone

    def good(self, name: str, at: Situation) -> Iterable[Event]:
        """See the protocol."""
        make = _GOOD.get(name)
        return make(at) if make is not None else _outcomes(name, at)

    def slips(self, name: str, at: Situation) -> Iterable[Event]:
        """See the protocol."""
        make = _SLIPS.get(name)
        return make(at) if make is not None else ()

    def anything(self, rng: Random, shop: MemoryShop) -> Event:
        """Any event of the vocabulary, about things of the shop or about none."""
        return _Anything(rng, shop).event()


# -- shops ------------------------------------------------------------------------------------


def waiting_shop() -> MemoryShop:
    """A shop so small that a search through all calls is quick, and yet reaches every row.

    Ann waits for four things: a tent that is late, lamps in two late packages, a rug whose
    packages nobody knows, socks that are not shipped. Bea has no open order but an old one; the
    only order of Cleo cannot be loaded; two people share an address.
    """
    today = date(2026, 3, 30)

    def line(item_id: str, words: str, *package_ids: str) -> OrderLine:
        parcels = tuple(Parcel(package_id=one, quantity=1) for one in package_ids)
        return OrderLine(item_id=item_id, description=words, quantity=len(parcels), parcels=parcels)

    def late(package_id: str) -> Package:
        return Package(
            package_id=package_id,
            type="ORDER_DELIVERY",
            current_status="IN_TRANSIT",
            promised_delivery_date="2026-03-26",
            estimated_delivery_date="2026-04-02",
            shipment_cost=Decimal("4.90"),
            currency="EUR",
        )

    lines = (
        line("TENT", "Tent", "P-TENT"),
        line("LAMP", "Lamp", "P-LAMP-1", "P-LAMP-2"),
        line("RUG", "Woollen rug", "P-LOST-1", "P-LOST-2"),
        line("SOCKS", "Socks", ""),
    )

    def order(order_id: str, customer_id: str, *lines: OrderLine) -> Order:
        return Order(
            order_id=order_id, customer_id=customer_id, order_date="2026-03-20", lines=lines
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
            Customer(customer_id="CLEO", email="cleo@example.com", active_orders=("O-LOST",)),
            Customer(customer_id="T1", email="twins@example.com"),
            Customer(customer_id="T2", email="twins@example.com"),
        ],
        orders=[
            order("O-ANN", "ANN", *lines),
            order("O-BEA", "BEA", line("MUG", "Mug", "P-MUG")),
            order("O-LOST", "CLEO"),
        ],
        packages=[
            late("P-TENT"),
            late("P-LAMP-1"),
            late("P-LAMP-2"),
            replace(late("P-MUG"), promised_delivery_date="2026-04-02"),
        ],
        failing={"O-LOST": "the order is damaged"},
    )


def _with_promise(package: Package, today: date, rng: Random) -> Package:
    """Most are late, so that walks get somewhere; all else that real data show occurs too."""
    promised = today + timedelta(days=rng.choice([-9, -3, -1, -1, 0, 1, 5]))
    estimated = today + timedelta(days=rng.choice([-2, -1, 0, 1, 4]))
    final = today - timedelta(days=rng.choice([0, 2, 6]))
    undelivered = rng.random() < 0.7
    return replace(
        package,
        current_status="IN_TRANSIT" if undelivered else package.current_status,
        promised_delivery_date=_date(promised, rng),
        estimated_delivery_date=_date(estimated, rng),
        final_delivery_date=_date(final, rng) if not undelivered else "",
        shipment_cost=rng.choice([None, Decimal(0), *[Decimal("4.90"), Decimal("12.345")] * 4]),
        currency=rng.choice(["", *["EUR"] * 8, "KWD"]),
        gift_card_id=rng.choice(["", "", "", "", "", f"GC-OLD-{package.package_id}"]),
    )


def _date(day: date, rng: Random) -> str:
    return rng.choice([day.isoformat()] * 5 + [f"{day.isoformat()}T23:30:00Z", "", "soon"])


# -- what the agent may do --------------------------------------------------------------------


def _emails(at: Situation) -> Iterator[Event]:
    for email in dict.fromkeys(c.email for c in at.shop.customers.values()):
        yield ev.EmailGiven(email=email)
    yield ev.EmailGiven(email="nobody@example.com")


def _order_ids(at: Situation) -> Iterator[Event]:
    customer = at.case.customer
    own: list[str] = []
    others: list[str] = []
    for order in at.shop.orders.values():
        mine = customer is not None and order.customer_id == customer.customer_id
        (own if mine else others).append(order.order_id)
    # Of other people's orders one is as good as another.
    for order_id in [*own, *others[:1], "O-NONE"]:
        yield ev.OrderIdGiven(order_id=order_id)


def _items(at: Situation) -> Iterator[Event]:
    order = at.case.order
    for item_id in dict.fromkeys(line.item_id for line in order.lines) if order else ():
        yield ev.ItemNamed(item_id=item_id)


def _tellings(at: Situation) -> Iterator[Event]:
    owes = at.state.owes
    dues = VOCABULARY.dues[owes](at.case) if owes else ()
    # Their order makes no difference to where a call can go, so a search tries one.
    for due in dues if at.rng is not None else dues[:1]:
        yield VOCABULARY.build_told(due)


def _human(at: Situation) -> Iterator[Event]:
    reason = "asked" if at.rng is None else at.rng.choice(["asked", "not_satisfied", "is angry"])
    yield ev.HumanRequested(reason=reason, summary=telling.draft_summary(at.case, reason))


def _resumed(at: Situation) -> Iterator[Event]:
    days = 1 if at.rng is None else at.rng.choice([1, 1, 7])
    yield ev.Resumed(policy_date=at.case.policy_date + timedelta(days=days))


# -- what the backend may answer --------------------------------------------------------------


def _outcomes(name: str, at: Situation) -> Iterator[Event]:
    """The answers of that name to what is owed, or to a look-up ahead of its step."""
    if at.state.operation is None:
        yield from (event for event in _early(at) if event_name(event) == name)
        return
    for call in at.pending():
        for event in _answers(call, at):
            if event_name(event) == name:
                yield event


def _early(at: Situation) -> Iterator[Event]:
    order: Order | None = at.case.order
    if order is None:
        return
    yield ev.BackendFailed(operation="get_package_details", message="no answer")
    if at.rng is None and at.case.packages:
        return  # one shows all; more only multiplies a search
    answer = performer(at.shop)
    for line in order.lines:
        for parcel in line.parcels:
            if parcel.package_id and parcel.package_id not in at.case.packages:
                yield answer(Call("get_package_details", {"package_id": parcel.package_id}))


def _answers(call: Call, at: Situation) -> Iterator[Event]:
    if not call.write:
        yield performer(at.shop)(call)
        yield ev.BackendFailed(operation=call.operation, message="no answer")
    elif call.key is not None:
        for outcome in ("known", "unknown"):
            yield VOCABULARY.build_failed(call.operation, outcome, "no answer")
        if call.operation == "issue_gift_card":
            yield from _card_answers(call, at)
        else:
            yield ev.TransferAccepted(receipt=TransferReceipt(reference="T1"))
            yield ev.TransferRefused(message="nobody is there")
    else:
        # Nothing was sent yet, so this is a slip, of which one is enough.
        yield from _unasked(call.operation)


def _card_answers(call: Call, at: Situation) -> Iterator[Event]:
    yield ev.GiftCardRefused(code="already_issued", message="it has its gift card already")
    if at.rng is None:
        card = f"GC-{len(at.case.issued) + 1:04}"
        yield ev.GiftCardIssued(receipt=GiftCardReceipt(gift_card_id=card))
        return
    yield performer(at.shop)(call)


def _unasked(operation: str) -> Iterator[Event]:
    yield ev.BackendFailed(operation=operation, message="no answer")
    if operation == "issue_gift_card":
        yield ev.GiftCardRefused()
        yield ev.GiftCardIssued(receipt=GiftCardReceipt(gift_card_id="GC-NONE"))
    else:
        yield ev.TransferRefused()
        yield ev.TransferAccepted()


def _requests(at: Situation) -> Iterator[Event]:
    operation = at.state.operation
    if operation is None or operation.build_request is None:
        return
    for call in at.pending():
        if call.request is not None:
            number = sum(card.requests for card in at.case.cards) + 1
            yield operation.build_request(call, f"key-{number}")


# -- what goes wrong --------------------------------------------------------------------------


def _bad_requests(at: Situation) -> Iterator[Event]:
    card = at.case.next_card
    customer = at.case.customer.customer_id if at.case.customer else "SOMEBODY"
    some = ev.GiftCardRequested(
        customer_id=customer,
        package_id=card.package_id if card else "P-STRANGE",
        amount=card.amount if card else Decimal(1),
        currency=card.currency if card else "EUR",
        key="x",
    )
    yield replace(some, amount=some.amount + 1)
    yield replace(some, package_id="P-STRANGE")
    yield replace(some, customer_id="SOMEBODY-ELSE")


_STRANGE_ORDER = Order(order_id="O-STRANGE", customer_id="NOBODY")
_STRANGE_PACKAGE = Package(package_id="P-STRANGE")

_GOOD: dict[str, Make] = {
    "email_given": _emails,
    "order_id_given": _order_ids,
    "order_id_unknown": lambda at: [ev.OrderIdUnknown()],
    "order_unrecognised": lambda at: [ev.OrderUnrecognised()],
    "item_named": _items,
    "enquiry_dropped": lambda at: [ev.EnquiryDropped()],
    "told": _tellings,
    "importance_stressed": lambda at: [ev.ImportanceStressed()],
    "gift_card_accepted": lambda at: [ev.GiftCardAccepted()],
    "gift_card_declined": lambda at: [ev.GiftCardDeclined()],
    "satisfied": lambda at: [ev.Satisfied()],
    "retry_requested": lambda at: [ev.RetryRequested()],
    "left_unconfirmed": lambda at: [ev.LeftUnconfirmed()],
    "callback_promised": lambda at: [ev.CallbackPromised()],
    "human_requested": _human,
    "call_dropped": lambda at: [ev.CallDropped()],
    "resumed": _resumed,
    "gift_card_requested": _requests,
    "transfer_requested": _requests,
}

_SLIPS: dict[str, Make] = {
    "item_named": lambda at: [ev.ItemNamed(item_id="NOT-IN-IT")],
    "gift_card_requested": _bad_requests,
    "human_requested": lambda at: [ev.HumanRequested(summary=" ")],
    "transfer_requested": lambda at: [
        ev.TransferRequested(customer_id="SOMEBODY", summary="something else", key="x")
    ],
    "gift_card_issued": lambda at: [ev.GiftCardIssued(receipt=GiftCardReceipt(gift_card_id=" "))],
    "order_found": lambda at: [ev.OrderFound(order=_STRANGE_ORDER)],
    "package_found": lambda at: [ev.PackageFound(package=_STRANGE_PACKAGE)],
    "package_missing": lambda at: [ev.PackageMissing(package_id="P-STRANGE")],
}


# -- anything at all --------------------------------------------------------------------------


class _Anything:
    """Draws the fields of an arbitrary event."""

    def __init__(self, rng: Random, shop: MemoryShop) -> None:
        self.rng, self.shop = rng, shop

    def event(self) -> Event:
        cls: Any = self.rng.choice(ev.EVENTS)
        fields = [name for name in cls.__struct_fields__ if name not in ("at", "inferred")]
        made: Event = cls(**{name: self._field(cls, name) for name in fields})
        return made

    def _field(self, cls: type[Event], name: str) -> object:
        rng, shop = self.rng, self.shop
        match name:
            case "order":
                return rng.choice([*shop.orders.values(), _STRANGE_ORDER])
            case "orders" | "failed":
                return getattr(shop.summarize_orders(rng.sample(list(shop.orders), 2)), name)
            case "customer":
                return rng.choice(list(shop.customers.values()))
            case "package":
                return rng.choice([*shop.packages.values(), _STRANGE_PACKAGE])
            case "receipt":
                if cls is ev.GiftCardIssued:
                    return GiftCardReceipt(gift_card_id=rng.choice(["GC-1", "GC-2"]))
                return TransferReceipt(reference=rng.choice(["", "T1"]))
            case "policy_date":
                return shop.today + timedelta(days=rng.randint(0, 40))
            case "amount":
                return rng.choice([Decimal("4.90"), Decimal(0), Decimal("12.345")])
            case "count":
                return rng.choice([0, 2, 3])
            case "outcome":
                return rng.choice(["known", "unknown", "cancelled"])
            case _:
                return self._text(name)

    def _text(self, name: str) -> str:
        rng, shop = self.rng, self.shop
        pools: dict[str, list[str]] = {
            "email": [customer.email for customer in shop.customers.values()],
            "order_id": list(shop.orders),
            "item_id": [line.item_id for order in shop.orders.values() for line in order.lines],
            "package_id": list(shop.packages),
            "customer_id": list(shop.customers),
            "currency": ["EUR", "KWD"],
            "notice": list(telling.NOTICES),
            "subject": [*shop.packages, "GC-1"],
            "operation": [*VOCABULARY.operations],
        }
        return rng.choice([*pools.get(name, ["some words", "key-1"]), ""])


samplers["delayed"] = DelayedSampler()
