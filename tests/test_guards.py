"""Each guard: when it holds, when it does not, when it cannot tell, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from by_hand import facts_of
from returnflow.engine.vocabulary import Event, Verdict
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderFailure,
    OrderLine,
    OrderSummary,
    Package,
    Parcel,
    ReturnPolicy,
    ReturnReceipt,
)
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.returns.guards import GUARDS
from returnflow.returns.line import NOTICES

TODAY = date(2026, 4, 30)
WINDOW = ReturnPolicy(return_eligible=True, return_window="30")


def case(*events: Event) -> Case:
    """The facts after the events, whatever a machine would say to them."""
    made = Case(TODAY, "Europe/Berlin")
    for event in events:
        made.apply(event)
    return made


def ask(name: str, facts: Case, event: Event | None = None) -> Verdict:
    """What a guard answers to an event; the facts it is asked about are those after it."""
    candidate = facts.copy()
    if event is not None:
        candidate.apply(event)
    return GUARDS[name].test(candidate, event or ev.Satisfied())


def why(name: str, facts: Case, event: Event | None = None) -> str:
    """What the guard says about why it does not hold."""
    candidate = facts.copy()
    if event is not None:
        candidate.apply(event)
    return GUARDS[name].explain(candidate, event or ev.Satisfied())


def line(item: str, quantity: int, package: str = "P", returned: int | None = 0) -> OrderLine:
    return OrderLine(
        item_id=item,
        description=f"a {item.lower()}",
        quantity=quantity,
        unit_price=Decimal("10.00"),
        currency="EUR",
        returned=returned,
        parcels=(Parcel(package_id=package, quantity=quantity),),
    )


def order(*lines: OrderLine, customer: str = "ANN", order_id: str = "Ord-1") -> ev.OrderFound:
    made = Order(order_id=order_id, customer_id=customer, order_date="2026-04-20", lines=lines)
    return ev.OrderFound(order=made)


def pick(*picks: tuple[str, int]) -> ev.ItemsPicked:
    return ev.ItemsPicked(picks=tuple(ev.Pick(*one) for one in picks))


def yes(*lines: tuple[str, int, str]) -> ev.ReturnConfirmed:
    return ev.ReturnConfirmed(lines=tuple(ev.ReturnLine(*one) for one in lines))


def found(item: str, policy: ReturnPolicy | None = WINDOW) -> ev.ItemFound:
    return ev.ItemFound(item=Item(item_id=item, policy=policy))


def package(package_id: str = "P", status: str = "DELIVERED") -> ev.PackageFound:
    return ev.PackageFound(
        package=Package(package_id=package_id, type="ORDER_DELIVERY", current_status=status)
    )


def request(item: str, quantity: int, reason: str) -> ev.ReturnRequested:
    return ev.ReturnRequested(
        order_id="Ord-1", item_id=item, quantity=quantity, reason=reason, key="k"
    )


ANN = ev.CustomerFound(customer=Customer(customer_id="ANN", active_orders=("Ord-1",)))
NAMED = ev.OrderIdGiven(order_id="Ord-1")
ORDER = order(line("LAMP", 3), line("RUG", 1, "Q"))
CHECKED = [ANN, NAMED, ORDER, pick(("LAMP", 2)), found("LAMP"), package()]
CONFIRMED = [*CHECKED, yes(("LAMP", 2, "OTHER"))]
OPENED = [
    *CONFIRMED,
    request("LAMP", 2, "OTHER"),
    ev.ReturnOpened(receipt=ReturnReceipt(tracking_id="RT-1")),
]


# -- orders -----------------------------------------------------------------------------------


def test_no_open_orders() -> None:
    """Rule 23; before anyone is identified it cannot be told."""
    none = ev.CustomerFound(customer=Customer(customer_id="BEA"))
    assert ask("no_open_orders", case()) is None
    assert ask("no_open_orders", case(ANN)) is False
    assert ask("no_open_orders", case(none)) is True


def test_open_orders_gone_through() -> None:
    """Rule 23: set when none is recognised; another customer or another return begins anew."""
    through = [ANN, ev.OrderUnrecognised()]
    assert ask("open_orders_gone_through", case(ANN)) is False
    assert ask("open_orders_gone_through", case(*through)) is True
    for event in (ev.EmailGiven(email="x@example.com"), ev.AnotherReturn()):
        assert ask("open_orders_gone_through", case(*through), event) is False


def test_some_order_loaded() -> None:
    """Rule 24: one that loads is enough."""
    one = (OrderSummary(order_id="O"),)
    lost = (OrderFailure(order_id="L"),)
    for orders, failed, verdict in ((one, lost, True), (one, (), True), ((), lost, False)):
        summary = ev.OrdersSummarized(orders=orders, failed=failed)
        assert ask("some_order_loaded", case(ANN), summary) is verdict
    assert ask("some_order_loaded", case(ANN)) is False


@pytest.mark.parametrize(
    ("named", "came", "verdict"),
    [
        ("Ord-1", "Ord-1", True),
        (" ord-1 ", "Ord-1", True),
        ("ORD-1", " ord-1", True),
        ("STRASSE", "straße", True),
        ("Ord-1", "Ord-10", False),
        ("Ord-1", "", False),
        ("", "Ord-1", None),
    ],
)
def test_the_order_asked_for(named: str, came: str, verdict: Verdict) -> None:
    """Rule 22: trimmed and case-folded; where none was named it cannot be told."""
    facts = case(ANN, ev.OrderIdGiven(order_id=named))
    assert ask("order_asked_for", facts, order(order_id=came)) is verdict
    assert named in why("order_asked_for", facts, order(order_id=came))


@pytest.mark.parametrize(
    ("owner", "verdict"),
    [("ANN", True), ("BOB", False), ("ann", False), ("ANN ", False), ("", None)],
)
def test_own_order(owner: str, verdict: Verdict) -> None:
    """Rule 21: the ids are equal, as the adapter reconciled them; without one nobody can tell."""
    assert ask("own_order", case(ANN, NAMED), order(customer=owner)) is verdict
    assert ask("own_order", case(NAMED), order(customer=owner)) is None


# -- items ------------------------------------------------------------------------------------


def test_picks_in_order() -> None:
    """Something is picked, and all of it stands in the order; the words name what does not."""
    facts = case(ANN, NAMED, ORDER)
    assert ask("picks_in_order", facts, pick(("LAMP", 1), ("RUG", 1))) is True
    assert ask("picks_in_order", facts, pick(("LAMP", 1), ("VASE", 1))) is False
    assert "VASE" in why("picks_in_order", facts, pick(("LAMP", 1), ("VASE", 1)))
    assert "Ord-1" in why("picks_in_order", facts, pick(("VASE", 1)))
    assert ask("picks_in_order", facts, pick()) is False
    assert "no item" in why("picks_in_order", facts, pick())
    # No order is known, so nobody can tell what is in it; live that counts as not held.
    assert ask("picks_in_order", case(ANN), pick(("LAMP", 1))) is None


@pytest.mark.parametrize(
    ("returned", "picks", "verdict", "said"),
    [
        (0, [("LAMP", 3)], True, ""),
        (0, [("LAMP", 1), ("LAMP", 2)], True, ""),
        (0, [("LAMP", 4)], False, "up to 3"),
        (0, [("LAMP", 2), ("LAMP", 2)], False, "4 asked for"),
        (2, [("LAMP", 1)], True, ""),
        (2, [("LAMP", 2)], False, "2 in a return already; up to 1"),
        (3, [("LAMP", 1)], False, "none"),
        (0, [("LAMP", 0)], False, "from 1 up"),
        (0, [("LAMP", -1)], False, "from 1 up"),
        (0, [("LAMP", 3), ("LAMP", -1)], False, "from 1 up"),
        (0, [("LAMP", 10**30)], False, "up to 3"),
        (None, [("LAMP", 3)], None, "not recorded"),
        (None, [("LAMP", 4)], False, ""),
    ],
)
def test_picks_available(
    returned: int | None, picks: list[tuple[str, int]], verdict: Verdict, said: str
) -> None:
    """Rules 16, 17, 18: at most ordered less in a return; unknown where that is not recorded,
    unless it is more than was ordered at all."""
    facts = case(ANN, NAMED, order(line("LAMP", 3, returned=returned)))
    assert ask("picks_available", facts, pick(*picks)) is verdict
    if said:
        assert said in why("picks_available", facts, pick(*picks))


def test_what_this_call_returned_counts_as_taken() -> None:
    """Rule 17: two of three were returned a moment ago; the order as fetched does not know."""
    facts = case(*OPENED)
    assert ask("picks_available", facts, pick(("LAMP", 1))) is True
    assert ask("picks_available", facts, pick(("LAMP", 2))) is False
    # Fetched anew, the order knows, and nothing is counted twice.
    again = [*OPENED, NAMED, order(line("LAMP", 3, returned=2))]
    assert ask("picks_available", case(*again), pick(("LAMP", 1))) is True
    assert ask("picks_available", case(*again), pick(("LAMP", 2))) is False


def test_a_refused_return_takes_no_unit() -> None:
    """Rules 17, 29: refused and surely not done are free; open and unknown are taken."""
    sent = [*CONFIRMED, request("LAMP", 2, "OTHER")]
    unknown = ev.BackendFailed(operation="initiate_return", outcome="unknown")
    known = ev.BackendFailed(operation="initiate_return", outcome="known")
    table: list[tuple[list[Event], bool]] = [
        ([ev.ReturnRefused()], True),
        ([known, ev.LeftUnconfirmed()], True),
        ([unknown], False),
        ([unknown, ev.LeftUnconfirmed()], False),
        ([unknown, ev.RetryRequested()], False),
        ([ev.ReturnOpened(receipt=ReturnReceipt(tracking_id="RT"))], False),
    ]
    for outcome, free in table:
        facts = case(*sent, *outcome)
        assert ask("picks_available", facts, pick(("LAMP", 3))) is free, outcome


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=3),
    st.lists(st.integers(-1, 6), min_size=1, max_size=3),
)
def test_picks_available_over_all_lines(lines: list[tuple[int, int]], wanted: list[int]) -> None:
    """Rules 17, 18: units of all lines add up, and so do repeated picks."""
    made = [line("LAMP", units, returned=min(units, back)) for units, back in lines]
    facts = case(ANN, NAMED, order(*made))
    left = sum(one.quantity - (one.returned or 0) for one in made)
    expected = min(wanted) > 0 and sum(wanted) <= left
    picks = pick(*(("LAMP", units) for units in wanted))
    assert ask("picks_available", facts, picks) is expected
    assert why("picks_available", facts, picks)


def test_look_ups_are_about_the_order() -> None:
    """Rule 21: an item or package of something else is none of this call's business."""
    facts = case(ANN, NAMED, ORDER)
    for item, verdict in (("LAMP", True), ("RUG", True), ("VASE", False)):
        assert ask("item_of_order", facts, found(item)) is verdict
        assert ask("item_of_order", facts, ev.ItemMissing(item_id=item)) is verdict
        assert ask("item_of_order", case(ANN), found(item)) is None
    for package_id, verdict in (("P", True), ("Q", True), ("Z", False), ("", False)):
        assert ask("package_of_order", facts, package(package_id)) is verdict
        missing = ev.PackageMissing(package_id=package_id)
        assert ask("package_of_order", facts, missing) is verdict
        assert ask("package_of_order", case(ANN), missing) is None


def test_what_is_still_to_be_looked_up() -> None:
    """Rules 9, 12: each item picked, then the packages that can change an answer, no others."""
    facts = case(ANN, NAMED, ORDER, pick(("LAMP", 1), ("RUG", 1)))
    assert facts.pending_items() == ["LAMP", "RUG"]
    assert ask("items_pending", facts, found("RUG")) is True
    facts.apply(found("RUG", ReturnPolicy(return_eligible=False)))
    assert ask("items_pending", facts, ev.ItemMissing(item_id="LAMP")) is False
    assert ask("packages_pending", facts, ev.ItemMissing(item_id="LAMP")) is False
    facts.apply(found("LAMP"))
    assert ask("packages_pending", facts) is True
    assert facts.pending_packages() == ["P"]
    assert ask("packages_pending", facts, ev.PackageMissing(package_id="P")) is False


def test_an_empty_package_id_is_never_looked_up() -> None:
    """Rule 12: neither alone nor beside a parcel that was sent."""
    parcels = (Parcel(package_id="", quantity=1), Parcel(package_id="P", quantity=1))
    lines = OrderLine(item_id="LAMP", quantity=2, parcels=parcels)
    facts = case(ANN, NAMED, order(lines), pick(("LAMP", 2)), found("LAMP"))
    assert facts.pending_packages() == ["P"]
    facts = case(ANN, NAMED, order(line("LAMP", 1, "")), pick(("LAMP", 1)), found("LAMP"))
    assert facts.pending_packages() == []
    assert [one.advice for one in facts.decisions()] == ["after_delivery"]


def test_something_eligible() -> None:
    """Rules 9, 14: one unit of one pick is enough; else each refusal is said with its figures."""
    assert ask("something_eligible", case(*CHECKED)) is True
    lost = case(*CHECKED[:-1], package(status="DELIVERY_FAILURE"))
    assert ask("something_eligible", lost) is False
    assert "3 units" in why("something_eligible", lost)
    assert "the delivery failed" in why("something_eligible", lost)
    assert ask("something_eligible", case(ANN)) is False


# -- the yes ----------------------------------------------------------------------------------


def test_refusals_explained() -> None:
    """Rules 8, 13, 14: with the advice that applies, item by item; a new choice begins anew."""
    facts = case(ANN, NAMED, ORDER, pick(("LAMP", 1), ("RUG", 1)), found("LAMP"), found("RUG"))
    facts.apply(package())
    facts.apply(package("Q", "IN_TRANSIT"))
    assert ask("refusals_explained", facts) is False
    assert "rug" in why("refusals_explained", facts)
    for notice, subject in (("final", "RUG"), ("after_delivery", "LAMP")):
        told = ev.Told(notice=notice, subject=subject)
        assert ask("refusals_explained", facts, told) is False
    facts.apply(ev.Told(notice="after_delivery", subject="RUG"))
    assert ask("refusals_explained", facts) is True
    assert ask("refusals_explained", facts, pick(("RUG", 1))) is False


@pytest.mark.parametrize("reason", [*ev.REASONS, "", "other", "BORED", " OTHER"])
def test_reasons_known(reason: str) -> None:
    """Rule 26: the five, spelled so; any one that is not spoils the whole."""
    confirmed = yes(("LAMP", 1, "OTHER"), ("LAMP", 1, reason))
    known = reason in ev.REASONS
    assert ask("reasons_known", case(*CHECKED), confirmed) is known
    said = why("reasons_known", case(*CHECKED), confirmed)
    assert all(one in said for one in ev.REASONS)


@pytest.mark.parametrize(
    ("lines", "verdict", "said"),
    [
        ([("LAMP", 2, "OTHER")], True, ""),
        ([("LAMP", 1, "OTHER")], True, ""),
        ([("LAMP", 1, "OTHER"), ("LAMP", 1, "DAMAGED")], True, ""),
        ([("LAMP", 2, "OTHER"), ("LAMP", 1, "DAMAGED")], False, "2 chosen and checked, not 3"),
        ([("LAMP", 3, "OTHER")], False, "2 chosen and checked, not 3"),
        ([("LAMP", 0, "OTHER")], False, "from 1 up"),
        ([("LAMP", 3, "OTHER"), ("LAMP", -1, "OTHER")], False, "from 1 up"),
        ([("RUG", 1, "OTHER")], False, "rug was not chosen"),
        ([("VASE", 1, "OTHER")], False, "VASE was not chosen"),
        ([], False, "nothing"),
    ],
)
def test_lines_eligible(lines: list[tuple[str, int, str]], verdict: bool, said: str) -> None:
    """Rules 9, 14, 17, 25: what was picked and checked, and no more of it."""
    assert ask("lines_eligible", case(*CHECKED), yes(*lines)) is verdict
    if said:
        assert said in why("lines_eligible", case(*CHECKED), yes(*lines))


def test_lines_beyond_what_was_delivered() -> None:
    """Rules 11, 17: what may not go back is said with its reason, not only the number."""
    parcels = (Parcel(package_id="P", quantity=2), Parcel(package_id="Q", quantity=1))
    split = OrderLine(item_id="LAMP", quantity=3, returned=0, parcels=parcels)
    facts = case(ANN, NAMED, order(split), pick(("LAMP", 3)), found("LAMP"), package())
    facts.apply(package("Q", "IN_TRANSIT"))
    assert ask("lines_eligible", facts, yes(("LAMP", 2, "OTHER"))) is True
    assert ask("lines_eligible", facts, yes(("LAMP", 3, "OTHER"))) is False
    said = why("lines_eligible", facts, yes(("LAMP", 3, "OTHER")))
    assert "at most 2" in said
    assert "on its way" in said


# -- writing ----------------------------------------------------------------------------------


def test_line_confirmed() -> None:
    """Rules 14, 25, 27: exactly a confirmed line, and one at a time."""
    facts = case(*CONFIRMED)
    assert ask("line_confirmed", facts, request("LAMP", 2, "OTHER")) is True
    for wrong in (
        request("LAMP", 1, "OTHER"),
        request("LAMP", 2, "DAMAGED"),
        request("RUG", 2, "OTHER"),
    ):
        assert ask("line_confirmed", facts, wrong) is False
    facts.apply(request("LAMP", 2, "OTHER"))
    assert ask("line_confirmed", facts, request("LAMP", 2, "OTHER")) is False
    assert ask("line_confirmed", case(*CHECKED), request("LAMP", 2, "OTHER")) is False


OUTCOMES: list[Event] = [
    ev.ReturnOpened(receipt=ReturnReceipt(tracking_id="RT")),
    ev.ReturnRefused(),
    ev.BackendFailed(operation="initiate_return"),
    ev.BackendFailed(operation="initiate_return", outcome="known"),
]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_needs_its_request(outcome: Event) -> None:
    """Rule 25: once for each request; not before it, and not twice."""
    assert ask("was_requested", case(*CONFIRMED), outcome) is False
    sent = case(*CONFIRMED, request("LAMP", 2, "OTHER"))
    assert ask("was_requested", sent, outcome) is True
    assert ask("no_return_under_way", sent) is False
    assert ask("no_return_under_way", case(*CONFIRMED)) is True
    settled = case(*OPENED)
    assert ask("was_requested", settled, outcome) is False
    assert ask("no_return_under_way", settled) is True


def test_what_becomes_of_the_lines() -> None:
    """Rule 27: which are waiting, and whether one was opened in this round."""
    two = [*CHECKED, yes(("LAMP", 1, "OTHER"), ("LAMP", 1, "DAMAGED"))]
    assert ask("lines_waiting", case(*two)) is True
    assert ask("opened_in_this_round", case(*two)) is False
    one_done = [*two, request("LAMP", 1, "OTHER"), OUTCOMES[0]]
    assert ask("lines_waiting", case(*one_done)) is True
    assert ask("opened_in_this_round", case(*one_done)) is True
    both_done = [*one_done, request("LAMP", 1, "DAMAGED"), ev.ReturnRefused()]
    assert ask("lines_waiting", case(*both_done)) is False
    assert ask("opened_in_this_round", case(*both_done)) is True
    another = case(*both_done, ev.AnotherReturn())
    assert ask("opened_in_this_round", another) is False
    assert ask("something_opened", another) is True


# -- closing ----------------------------------------------------------------------------------


def test_notices_given() -> None:
    """Rule 33: all three, for each return; the words name what is owed and for which."""
    facts = case(*OPENED)
    assert ask("something_opened", facts) is True
    assert ask("nothing_opened", facts) is False
    for number, notice in enumerate(NOTICES):
        assert ask("notices_given", facts) is False
        assert why("notices_given", facts).count("RT-1") == 3 - number
        facts.apply(ev.Told(notice=notice, subject="RT-2"))
        assert ask("notices_given", facts) is False
        facts.apply(ev.Told(notice=notice, subject="RT-1"))
    assert ask("notices_given", facts) is True
    # They are given once and for all, whatever the call turns to.
    turned: list[Event] = [ev.AnotherReturn(), NAMED, ORDER, pick(("RUG", 1))]
    for event in [*turned, ev.Resumed(policy_date=TODAY)]:
        facts.apply(event)
        assert ask("notices_given", facts) is True
    assert ask("nothing_opened", case(*CONFIRMED)) is True
    assert ask("notices_given", case(*CONFIRMED)) is True


def test_summary_given() -> None:
    """Rule 34: a summary of blanks says nothing."""
    for summary, verdict in (("", False), (" \n\t", False), ("is angry", True)):
        wanted = ev.HumanRequested(summary=summary)
        assert ask("summary_given", case(ANN), wanted) is verdict
    assert "summary" in why("summary_given", case(ANN), ev.HumanRequested(summary=""))


def test_transfer_as_asked() -> None:
    """Rules 34, 35: the agreed summary, and the id of the customer, or none before one is known."""
    wanted = ev.HumanRequested(summary="is angry")

    def transfer(customer_id: str | None, summary: str = "is angry") -> Event:
        return ev.TransferRequested(customer_id=customer_id, summary=summary, key="t")

    known, unknown = case(ANN, wanted), case(wanted)
    assert ask("transfer_as_asked", known, transfer("ANN")) is True
    assert ask("transfer_as_asked", known, transfer(None)) is False
    assert ask("transfer_as_asked", known, transfer("ANN", "something else")) is False
    assert ask("transfer_as_asked", unknown, transfer(None)) is True
    assert ask("transfer_as_asked", unknown, transfer("ANN")) is False
    # While one is under way, or may be, there is no second.
    known.apply(transfer("ANN"))
    assert ask("transfer_as_asked", known, transfer("ANN")) is False
    known.apply(ev.BackendFailed(operation="transfer_to_human_representative"))
    assert ask("transfer_as_asked", known, transfer("ANN")) is False
    known.apply(ev.TransferRefused())
    assert ask("transfer_as_asked", known, transfer("ANN")) is True


# -- all of them ------------------------------------------------------------------------------

TRIED: dict[str, Callable[[], tuple[Case, Any]]] = {
    "tracking_id_given": lambda: (
        case(*CONFIRMED),
        ev.ReturnOpened(receipt=ReturnReceipt(tracking_id=" ")),
    ),
    "own_order": lambda: (case(ANN, NAMED), order(customer="BOB")),
    "order_asked_for": lambda: (case(ANN, NAMED), order(order_id="X")),
    "picks_in_order": lambda: (case(ANN, NAMED, ORDER), pick(("VASE", 1))),
    "picks_available": lambda: (case(ANN, NAMED, ORDER), pick(("LAMP", 9))),
    "item_of_order": lambda: (case(ANN, NAMED, ORDER), found("VASE")),
    "package_of_order": lambda: (case(ANN, NAMED, ORDER), package("Z")),
    "reasons_known": lambda: (case(*CHECKED), yes(("LAMP", 1, "BORED"))),
    "lines_eligible": lambda: (case(*CHECKED), yes(("LAMP", 9, "OTHER"))),
    "line_confirmed": lambda: (case(*CHECKED), request("LAMP", 9, "OTHER")),
    "transfer_as_asked": lambda: (case(ANN), ev.TransferRequested(summary="x")),
    "summary_given": lambda: (case(ANN), ev.HumanRequested(summary="")),
}
"""Facts and an event that the guard is about; the others take any event."""


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_each_guard_is_pure_and_explains_itself_in_a_sentence(name: str) -> None:
    """A verdict and nothing else; asked twice it answers the same and changes nothing."""
    make = TRIED.get(name, lambda: (case(*CHECKED), ev.Satisfied()))
    facts, event = make()
    facts.apply(event)
    before = facts_of(facts)
    guard = GUARDS[name]
    verdict = guard.test(facts, event)
    assert verdict is True or verdict is False or verdict is None
    if name in TRIED:
        assert verdict is False
    said = guard.explain(facts, event)
    assert guard.test(facts, event) is verdict
    assert guard.explain(facts, event) == said
    assert facts_of(facts) == before
    assert len(said.split()) >= 3
    assert "fraud" not in said
