"""Calls written out by hand, for tests: the facts of a little shop, and a way to each state."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from returnflow.engine.definition import Definition, load
from returnflow.engine.session import Await, Session
from returnflow.engine.vocabulary import Event
from returnflow.errors import RefusedError
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderLine,
    OrderSummary,
    Package,
    Parcel,
    ReturnPolicy,
    ReturnReceipt,
    SummaryLine,
)
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.returns.line import NOTICES

STATES = Path(__file__).parent.parent / "states"
TODAY = date(2026, 4, 10)
ZONE = "Europe/Berlin"

Turn = tuple[Event, str]
"""What happened, and the state in which the call is then."""


@cache
def definition() -> Definition:
    return load(STATES / "handling_returns.yaml")


def call(*turns: Turn) -> Session:
    """A call after the turns, each of which must lead where it says."""
    return on(Session(definition(), TODAY, ZONE), *turns)


def on(session: Session, *turns: Turn) -> Session:
    """Carries a call on."""
    for number, (event, state) in enumerate(turns, 1):
        step = session.propose(event)
        assert step.accepted, f"turn {number}, {event}: {session.refusal(step)}"
        session.accept(step)
        assert session.state.name == state, f"turn {number}, {event}"
    return session


def facts_of(case: Case) -> dict[str, str]:
    """Every fact of a case, as text, so that nothing is compared with itself.

    What it keeps of what follows from them is no fact, and has names of its own.
    """
    return {name: repr(value) for name, value in vars(case).items() if not name.startswith("_")}


def refused(session: Session, event: Event) -> str:
    """The words of a refusal; the call must be where it was, with the facts it had."""
    before = facts_of(session.case)
    state = session.state.name
    step = session.propose(event)
    assert not step.accepted, f"{event} was accepted"
    with pytest.raises(RefusedError):
        session.accept(step)
    assert session.state.name == state
    assert facts_of(session.case) == before
    return session.refusal(step)


# -- the facts --------------------------------------------------------------------------------

ANN = Customer(
    customer_id="ANN",
    first_name="Ann",
    last_name="Lee",
    email="ann@example.com",
    active_orders=("O1", "O2"),
)
BOB = Customer(customer_id="BOB", first_name="Bob", email="bob@example.com")


def line(item: str, quantity: int, price: str, *parcels: tuple[str, int]) -> OrderLine:
    return OrderLine(
        item_id=item,
        description=item.lower(),
        quantity=quantity,
        unit_price=Decimal(price),
        currency="EUR",
        returned=0,
        parcels=tuple(Parcel(package_id=p, quantity=n) for p, n in parcels),
    )


O1 = Order(
    order_id="O1",
    customer_id="ANN",
    order_date="2026-04-01",
    lines=(
        line("LAMP", 3, "19.99", ("P1", 2), ("P2", 1)),
        line("RUG", 1, "120.00", ("P1", 1)),
        line("MUG", 1, "7.00", ("P1", 1)),
        line("TENT", 1, "300.00", ("P2", 1)),
        line("SOCKS", 1, "5.00", ("P1", 1)),
        line("SOCKS", 2, "4.50", ("P1", 2)),
    ),
)
O2 = Order(
    order_id="O2",
    customer_id="ANN",
    order_date="2026-04-02",
    lines=(line("RADIO", 1, "50.00", ("P3", 1)),),
)
OTHERS = Order(order_id="OX", customer_id="BOB", lines=(line("VASE", 1, "9.00", ("P9", 1)),))

THIRTY = ReturnPolicy(return_eligible=True, return_window="30 days")


def item(item_id: str, policy: ReturnPolicy | None = THIRTY) -> ev.ItemFound:
    return ev.ItemFound(item=Item(item_id=item_id, description=item_id.lower(), policy=policy))


LAMP, RUG, TENT, SOCKS, RADIO = map(item, ("LAMP", "RUG", "TENT", "SOCKS", "RADIO"))
MUG = item("MUG", ReturnPolicy(return_eligible=False, return_window="30"))


def package(package_id: str, status: str = "DELIVERED", due: str = "") -> ev.PackageFound:
    return ev.PackageFound(
        package=Package(
            package_id=package_id,
            type="ORDER_DELIVERY",
            current_status=status,
            estimated_delivery_date=due,
        )
    )


P1, P3 = package("P1"), package("P3")
P2 = package("P2", "IN_TRANSIT", "2026-04-14")


def pick(*picks: tuple[str, int]) -> ev.ItemsPicked:
    return ev.ItemsPicked(picks=tuple(ev.Pick(i, n) for i, n in picks))


def yes(*lines: tuple[str, int, str]) -> ev.ReturnConfirmed:
    return ev.ReturnConfirmed(lines=tuple(ev.ReturnLine(*given) for given in lines))


def told(notice: str, subject: str) -> ev.Told:
    return ev.Told(notice=notice, subject=subject)


def request(item_id: str, quantity: int, reason: str, key: str = "k1") -> ev.ReturnRequested:
    return ev.ReturnRequested(
        order_id="O1", item_id=item_id, quantity=quantity, reason=reason, key=key
    )


def opened(tracking_id: str) -> ev.ReturnOpened:
    return ev.ReturnOpened(receipt=ReturnReceipt(tracking_id=tracking_id))


def failed(operation: str, outcome: str = "unknown") -> Event:
    return definition().vocabulary.build_failed(operation, outcome, "no answer")


def notices(tracking_id: str) -> list[Turn]:
    return [(told(notice, tracking_id), "return_initiated") for notice in NOTICES]


EMAIL = ev.EmailGiven(email="ann@example.com")
FOUND = ev.CustomerFound(customer=ANN)
HUMAN = ev.HumanRequested(summary="wants a person")
SUMMARIZED = ev.OrdersSummarized(
    orders=tuple(
        OrderSummary(
            order_id=order.order_id,
            order_date=order.order_date,
            items=tuple(SummaryLine(item_id=one.item_id, quantity=1) for one in order.lines),
        )
        for order in (O1, O2)
    )
)

IDENTIFIED: list[Turn] = [(EMAIL, "finding_customer"), (FOUND, "identified")]
LISTING: list[Turn] = [*IDENTIFIED, (ev.OrderIdUnknown(), "listing_orders")]
LISTED: list[Turn] = [*LISTING, (SUMMARIZED, "orders_listed")]
FETCHING: list[Turn] = [*IDENTIFIED, (ev.OrderIdGiven(order_id=" o1"), "fetching_order")]
SELECTED: list[Turn] = [*FETCHING, (ev.OrderFound(order=O1), "order_selected")]
CHOSEN: list[Turn] = [*SELECTED, (pick(("RUG", 1)), "items_chosen")]
CHECKING: list[Turn] = [*CHOSEN, (RUG, "checking_packages")]
CHECKED: list[Turn] = [*CHECKING, (P1, "eligibility_checked")]
NOTHING: list[Turn] = [*SELECTED, (pick(("MUG", 1)), "items_chosen"), (MUG, "nothing_eligible")]
INITIATING: list[Turn] = [*CHECKED, (yes(("RUG", 1, "DAMAGED")), "initiating_return")]
REQUESTED: list[Turn] = [*INITIATING, (request("RUG", 1, "DAMAGED"), "initiating_return")]
UNCONFIRMED: list[Turn] = [*REQUESTED, (failed("initiate_return"), "return_unconfirmed")]
NONE_OPENED: list[Turn] = [*REQUESTED, (ev.ReturnRefused(message="no"), "nothing_initiated")]
OPENED: list[Turn] = [*REQUESTED, (opened("RT-1"), "return_initiated")]

PATHS: dict[str, list[Turn]] = {
    "started": [],
    "finding_customer": IDENTIFIED[:1],
    "identified": IDENTIFIED,
    "listing_orders": LISTING,
    "orders_listed": LISTED,
    "fetching_order": FETCHING,
    "order_selected": SELECTED,
    "items_chosen": CHOSEN,
    "checking_packages": CHECKING,
    "eligibility_checked": CHECKED,
    "nothing_eligible": NOTHING,
    "return_unconfirmed": UNCONFIRMED,
    "nothing_initiated": NONE_OPENED,
    "return_initiated": OPENED,
}
"""A way to every state that asks or looks up, but for `transfer_failed`."""


def next_call(session: Session) -> dict[str, object]:
    waiting = session.waiting
    assert isinstance(waiting, Await)
    found = waiting.next_call
    return {
        "operation": found.operation,
        "request": found.request,
        "key": found.key,
        **found.arguments,
    }


THREE: list[Turn] = [
    *SELECTED,
    (pick(("RUG", 1), ("LAMP", 1), ("SOCKS", 1)), "items_chosen"),
    (RUG, "items_chosen"),
    (LAMP, "items_chosen"),
    (SOCKS, "checking_packages"),
    (P1, "checking_packages"),
    (P2, "eligibility_checked"),
    (
        yes(("RUG", 1, "DAMAGED"), ("LAMP", 1, "DAMAGED"), ("SOCKS", 1, "DAMAGED")),
        "initiating_return",
    ),
]
