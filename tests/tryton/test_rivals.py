"""Two at once, step by step: each order of events that matters, made to happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from returnflow.backends import tryton
from returnflow.backends.tryton import TrytonShop
from returnflow.backends.tryton_units import MARK
from returnflow.errors import RefusedByBackendError
from returnflow.records import ReturnReceipt
from tryton import shop as live
from tryton.relay import Act, relaying
from tryton.server import Server
from tryton.staff import Staff

ALL = 8
"""Units of the order RACES; each test gives back what it takes."""


def when(method: str, act: Callable[[], object]) -> Callable[[str], Act]:
    """A plan that does something just before the first call of a method reaches the server."""
    left = [act]

    def plan(called: str) -> Act:
        if called.endswith(method) and left:
            left.pop()()
        return "pass"

    return plan


def take(shop: TrytonShop, key: str, quantity: int = ALL) -> ReturnReceipt:
    return shop.initiate_return("RACES", "KETTLE", quantity, "OTHER", idempotency_key=key)


def refused(shop: TrytonShop, key: str, quantity: int = ALL) -> str:
    with pytest.raises(RefusedByBackendError) as caught:
        take(shop, key, quantity)
    return caught.value.code


@pytest.fixture
def delayed(server: Server) -> Iterator[Callable[[str, Callable[[], object]], TrytonShop]]:
    """Makes a connection on which something happens just before a call arrives."""
    with ExitStack() as stack:

        def make(method: str, act: Callable[[], object]) -> TrytonShop:
            relay = stack.enter_context(relaying(server.port))
            url = server.url(port=relay.port)
            connected = tryton.connect(url, policy=live.POLICY, patience=0)
            relay.plan = when(method, act)
            return stack.enter_context(closing(connected))

        yield make


@pytest.fixture(autouse=True)
def _given_back(server: Server) -> Iterator[None]:
    """All units are there again after each test."""
    yield
    from tryton.staff import at_work

    with at_work(server) as staff:
        for (number,) in staff.rows(
            """
            SELECT sale.id FROM sale_sale AS sale
            JOIN sale_complaint AS complaint ON sale.origin = 'sale.complaint,' || complaint.id
            JOIN sale_sale AS about ON complaint.origin = 'sale.sale,' || about.id
            WHERE about.number = 'RACES' AND sale.state != 'cancelled'
            """
        ):
            staff.change("UPDATE sale_sale SET state = 'cancelled' WHERE id = ?", number)


def alive(staff: Staff, *keys: str) -> list[str]:
    return [state for key in keys for _, state in staff.complaints(key) if state != "cancelled"]


def test_a_second_claim_of_a_key_is_cancelled(
    staff: Staff, delayed: Callable[..., TrytonShop]
) -> None:
    """Rule 28: a request that got lost on the way arrives after its repeat."""

    def late() -> None:
        [(number, _)] = staff.complaints("twice")
        [copy] = staff.call("sale.complaint", "copy", [number])
        staff.change("UPDATE sale_complaint SET reference = ? WHERE id = ?", f"{MARK}twice", copy)

    shop = delayed("sale.confirm", late)
    receipt = take(shop, "twice", 1)
    assert [state for _, state in staff.complaints("twice")] == ["done", "draft"]
    # It came after the last look. It holds nothing, and the next one clears it away.
    assert shop.get_order_details("RACES").lines[0].returned == 1
    assert take(shop, "twice", 1) == receipt
    assert [state for _, state in staff.complaints("twice")] == ["done", "cancelled"]


def test_a_younger_claim_of_a_key_that_got_ahead_is_the_one(
    staff: Staff, shop: TrytonShop, delayed: Callable[..., TrytonShop]
) -> None:
    """Rule 28: the older one was not to be seen when the younger one was approved."""
    receipts = []

    def ahead() -> None:
        [(number, _)] = staff.complaints("ahead")
        staff.change("UPDATE sale_complaint SET reference = 'unseen' WHERE id = ?", number)
        receipts.append(take(shop, "ahead", 1))
        staff.change("UPDATE sale_complaint SET reference = ? WHERE id = ?", f"{MARK}ahead", number)

    assert take(delayed("complaint.wait", ahead), "ahead", 1) == receipts[0]
    assert sorted(state for _, state in staff.complaints("ahead")) == ["cancelled", "done"]
    assert staff.returned("ahead") == [("processing", -1.0, "draft")]


def test_whoever_comes_after_the_unit_is_gone_is_refused(
    staff: Staff, shop: TrytonShop, delayed: Callable[..., TrytonShop]
) -> None:
    """Rule 17: between the count and the claim another one takes all."""
    late = delayed("complaint.create", lambda: take(shop, "first"))
    assert refused(late, "second") == "already_returned"
    assert alive(staff, "first", "second") == ["done"]
    assert refused(late, "second") == "already_returned"


def test_the_younger_claim_gives_way_to_the_older(
    staff: Staff, shop: TrytonShop, delayed: Callable[..., TrytonShop]
) -> None:
    """Rule 17: the older one is not approved yet, and will be."""
    codes = []

    def older_claims() -> None:
        older = delayed("complaint.approve", younger_goes_on)
        assert take(older, "older").tracking_id

    def younger_goes_on() -> None:
        codes.append(refused(shop, "younger"))

    # The younger one has counted before the older one claims: only its own claim is made later.
    older_claims()
    assert codes == ["already_returned"]
    assert alive(staff, "older", "younger") == ["done"]


def test_the_older_claim_cancels_a_younger_one_that_did_not_see_it(
    staff: Staff, delayed: Callable[..., TrytonShop]
) -> None:
    """Rule 17: the younger one counted while the older one was being committed, and is about to be
    approved. One of them gets the units, and the other is told."""
    codes: list[str] = []

    def unseen() -> None:
        [(number, _)] = staff.complaints("slow")
        hide, show = ("cancelled", number), ("draft", number)
        change = "UPDATE sale_complaint SET state = ? WHERE id = ?"
        staff.change(change, *hide)

        def seen_again() -> None:
            staff.change(change, *show)
            receipts.append(take(delayed("nothing", int), "slow"))

        codes.append(refused(delayed("complaint.approve", seen_again), "quick"))

    receipts: list[ReturnReceipt] = []
    slow = delayed("complaint.wait", unseen)
    receipt = take(slow, "slow")
    assert codes == ["already_returned"]
    assert receipts == [receipt]
    assert alive(staff, "slow", "quick") == ["done"]
    assert staff.returned("slow") == [("processing", -8.0, "draft")]


def test_the_older_claim_gives_way_to_a_younger_one_that_was_approved(
    staff: Staff, shop: TrytonShop, delayed: Callable[..., TrytonShop]
) -> None:
    """Rule 17: what is approved cannot be taken back, however young."""

    def unseen() -> None:
        [(number, _)] = staff.complaints("late")
        change = "UPDATE sale_complaint SET state = ? WHERE id = ?"
        staff.change(change, "cancelled", number)
        assert take(shop, "early").tracking_id
        staff.change(change, "draft", number)

    assert refused(delayed("complaint.wait", unseen), "late") == "already_returned"
    assert alive(staff, "late", "early") == ["done"]


def test_as_many_claims_as_there_are_units_all_go_through(
    staff: Staff, shop: TrytonShop, delayed: Callable[..., TrytonShop]
) -> None:
    """Nobody gives way without need."""
    first = delayed("complaint.approve", lambda: take(shop, "half-2", 4))
    assert take(first, "half-1", 4).tracking_id
    assert alive(staff, "half-1", "half-2") == ["done", "done"]
    assert refused(shop, "half-3", 1) == "already_returned"


def test_staff_cancel_the_complaint_meanwhile(
    staff: Staff, delayed: Callable[..., TrytonShop]
) -> None:
    """A plain refusal: there is no return, and asking again does not make one behind their back."""

    def cancelled() -> None:
        [(number, _)] = staff.complaints("unwanted")
        staff.call("sale.complaint", "cancel", [number])

    shop = delayed("complaint.approve", cancelled)
    assert refused(shop, "unwanted", 1) == "cancelled"
    assert refused(shop, "unwanted", 1) == "cancelled"
    assert staff.returned("unwanted") == []


def test_staff_reject_the_complaint_meanwhile(
    staff: Staff, delayed: Callable[..., TrytonShop]
) -> None:
    """The same for a rejection."""

    def rejected() -> None:
        [(number, _)] = staff.complaints("rejected")
        staff.call("sale.complaint", "reject", [number])

    assert refused(delayed("complaint.approve", rejected), "rejected", 1) == "rejected"
    assert staff.returned("rejected") == []


def test_staff_finish_what_was_begun(staff: Staff, delayed: Callable[..., TrytonShop]) -> None:
    """A step that somebody else has done already is no failure."""

    def done() -> None:
        [(number, _)] = staff.complaints("helped")
        staff.call("sale.complaint", "approve", [number])

    assert take(delayed("complaint.approve", done), "helped", 1).tracking_id
    assert staff.returned("helped") == [("processing", -1.0, "draft")]
