"""Calls in which something is returned, written out by hand: the yes, the writes, the notices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

import pytest
from msgspec.structs import replace

from by_hand import (
    CHECKED,
    EMAIL,
    HUMAN,
    INITIATING,
    LAMP,
    O1,
    O2,
    OPENED,
    P1,
    P2,
    PATHS,
    RADIO,
    REQUESTED,
    RUG,
    SELECTED,
    SOCKS,
    THREE,
    UNCONFIRMED,
    Turn,
    call,
    definition,
    failed,
    next_call,
    notices,
    on,
    opened,
    package,
    pick,
    refused,
    request,
    told,
    yes,
)
from returnflow.backends.answer import performer
from returnflow.engine.session import Await, Session
from returnflow.engine.vocabulary import Event
from returnflow.returns import events as ev
from returnflow.returns.line import NOTICES
from returnflow.testing import Fault, FaultKind, FaultyBackend, curated_shop

# -- step 5: the return -----------------------------------------------------------------------


def test_nothing_is_sent_without_a_yes() -> None:
    """Rule 25: in no other state is a request accepted, and only of what was confirmed."""
    for path in PATHS.values():
        refused(call(*path), request("RUG", 1, "DAMAGED"))
    session = call(*INITIATING)
    for event in (
        request("RUG", 2, "DAMAGED"),
        request("RUG", 1, "OTHER"),
        request("LAMP", 1, "DAMAGED"),
        replace(request("RUG", 1, "DAMAGED"), order_id="O2"),
    ):
        assert "yes" in refused(session, event)
    refused(session, opened("RT-1"))
    refused(session, ev.ReturnRefused())
    refused(session, failed("initiate_return"))
    on(session, (request("RUG", 1, "DAMAGED"), "initiating_return"))
    assert "yes" in refused(session, request("RUG", 1, "DAMAGED", "k2"))


def test_what_another_operation_answers_settles_no_write() -> None:
    """The failure of a look-up or of the other write is not the outcome of this one."""
    session = call(*REQUESTED)
    for operation in ("get_order_details", "transfer_to_human_representative"):
        refused(session, failed(operation))
    session = call(
        *UNCONFIRMED,
        (HUMAN, "transferring"),
        (ev.TransferRequested(customer_id="ANN", summary=HUMAN.summary), "transferring"),
    )
    refused(session, failed("initiate_return"))
    refused(session, opened("RT-1"))
    on(session, (ev.TransferAccepted(), "transferred"))


@pytest.mark.parametrize("reason", ev.REASONS)
def test_the_five_reasons(reason: str) -> None:
    """Rule 26: each of the five is taken, with a note that goes along."""
    said = ev.ReturnConfirmed(lines=(ev.ReturnLine("RUG", 1, reason, "has a hole"),))
    session = call(*CHECKED, (said, "initiating_return"))
    sent = next_call(session)
    assert (sent["return_reason"], sent["note"]) == (reason, "has a hole")


@pytest.mark.parametrize("reason", ["", "damaged", "BORED", "OTHER "])
def test_no_other_reason(reason: str) -> None:
    """Rule 26: what is refused is named, with the five that there are."""
    said = refused(call(*CHECKED), yes(("RUG", 1, reason)))
    assert (reason or "none") in said
    assert all(known in said for known in ev.REASONS)


def test_one_reason_is_one_return_and_two_reasons_are_two() -> None:
    """Rule 19: the same item picked twice is merged by reason."""
    checked: list[Turn] = [
        *SELECTED,
        (pick(("LAMP", 1), ("LAMP", 1)), "items_chosen"),
        (LAMP, "checking_packages"),
        (P2, "checking_packages"),
        (P1, "eligibility_checked"),
    ]
    merged = call(
        *checked,
        (yes(("LAMP", 1, "DAMAGED"), ("LAMP", 1, "DAMAGED")), "initiating_return"),
        (request("LAMP", 2, "DAMAGED"), "initiating_return"),
        (opened("RT-1"), "return_initiated"),
    )
    assert [(one.quantity, one.refund) for one in merged.case.opened] == [(2, Decimal("39.98"))]
    two = call(
        *checked,
        (yes(("LAMP", 1, "DAMAGED"), ("LAMP", 1, "OTHER")), "initiating_return"),
        (request("LAMP", 1, "DAMAGED"), "initiating_return"),
        (opened("RT-1"), "initiating_return"),
        (request("LAMP", 1, "OTHER", "k2"), "initiating_return"),
        (opened("RT-2"), "return_initiated"),
    )
    found = [(one.tracking_id, one.reason, one.refund) for one in two.case.opened]
    assert found == [("RT-1", "DAMAGED", Decimal("19.99")), ("RT-2", "OTHER", Decimal("19.99"))]
    assert {one.key for one in two.case.opened} == {"k1", "k2"}


def test_units_of_two_lines_add_up_and_are_refunded_in_their_order() -> None:
    """Rules 18, 31: one at 5.00 and two at 4.50; the first unit back is the first line's."""
    checked: list[Turn] = [
        *SELECTED,
        (pick(("SOCKS", 3)), "items_chosen"),
        (SOCKS, "checking_packages"),
        (P1, "eligibility_checked"),
    ]
    session = call(
        *checked,
        (yes(("SOCKS", 2, "OTHER"), ("SOCKS", 1, "DAMAGED")), "initiating_return"),
        (request("SOCKS", 2, "OTHER"), "initiating_return"),
        (opened("RT-1"), "initiating_return"),
        (request("SOCKS", 1, "DAMAGED", "k2"), "initiating_return"),
        (opened("RT-2"), "return_initiated"),
    )
    assert [one.refund for one in session.case.opened] == [Decimal("9.50"), Decimal("4.50")]
    words = [session.due_words(due) for due in session.dues()]
    assert any("9.50 EUR" in said for said in words)
    # A line that the shop refused leaves its units to the next one.
    session = call(
        *checked,
        (yes(("SOCKS", 2, "OTHER"), ("SOCKS", 1, "DAMAGED")), "initiating_return"),
        (request("SOCKS", 2, "OTHER"), "initiating_return"),
        (ev.ReturnRefused(), "initiating_return"),
        (request("SOCKS", 1, "DAMAGED", "k2"), "initiating_return"),
        (opened("RT-2"), "return_initiated"),
    )
    assert [one.refund for one in session.case.opened] == [Decimal("5.00")]


def test_the_order_of_sending_changes_no_refund() -> None:
    """Rules 18, 31: a log may show the second line sent first; together it is the same money."""
    session = call(
        *SELECTED,
        (pick(("SOCKS", 3)), "items_chosen"),
        (SOCKS, "checking_packages"),
        (P1, "eligibility_checked"),
        (yes(("SOCKS", 2, "OTHER"), ("SOCKS", 1, "DAMAGED")), "initiating_return"),
        (request("SOCKS", 1, "DAMAGED"), "initiating_return"),
        (opened("RT-1"), "initiating_return"),
        (request("SOCKS", 2, "OTHER", "k2"), "initiating_return"),
        (opened("RT-2"), "return_initiated"),
    )
    refunds = {one.tracking_id: one.refund for one in session.case.opened}
    assert refunds == {"RT-1": Decimal("4.50"), "RT-2": Decimal("9.50")}


def test_a_second_round_is_refunded_from_the_units_that_are_left() -> None:
    """Rules 17, 18, 31: what the first return of the call took is not paid twice."""
    session = call(
        *SELECTED,
        (pick(("SOCKS", 1)), "items_chosen"),
        (SOCKS, "checking_packages"),
        (P1, "eligibility_checked"),
        (yes(("SOCKS", 1, "OTHER")), "initiating_return"),
        (request("SOCKS", 1, "OTHER"), "initiating_return"),
        (ev.ReturnRefused(), "nothing_initiated"),
        (pick(("SOCKS", 1)), "eligibility_checked"),
        (yes(("SOCKS", 1, "DAMAGED")), "initiating_return"),
        (request("SOCKS", 1, "DAMAGED", "k2"), "initiating_return"),
        (failed("initiate_return"), "return_unconfirmed"),
        (ev.LeftUnconfirmed(), "nothing_initiated"),
        (pick(("SOCKS", 2)), "eligibility_checked"),
        (yes(("SOCKS", 2, "OTHER")), "initiating_return"),
        (request("SOCKS", 2, "OTHER", "k3"), "initiating_return"),
        (opened("RT-3"), "return_initiated"),
    )
    assert [one.refund for one in session.case.all_lines] == [
        Decimal("5.00"),
        Decimal("5.00"),
        Decimal("9.00"),
    ]


def test_the_second_of_three_is_refused() -> None:
    """Rule 27: the others are opened, and each line's outcome is named."""
    session = call(
        *THREE,
        (request("RUG", 1, "DAMAGED"), "initiating_return"),
        (opened("RT-1"), "initiating_return"),
        (request("LAMP", 1, "DAMAGED", "k2"), "initiating_return"),
        (ev.ReturnRefused(code="audit", message="is being counted"), "initiating_return"),
        (request("SOCKS", 1, "DAMAGED", "k3"), "initiating_return"),
        (opened("RT-3"), "return_initiated"),
    )
    words = session.words(session.state.say or "")
    assert "lamp" in words
    assert "is being counted" in words
    assert "rug" not in words
    owed = [(due.notice, due.subject) for due in session.dues()]
    assert owed == [(notice, number) for number in ("RT-1", "RT-3") for notice in NOTICES]
    on(session, *notices("RT-1"), *notices("RT-3"), (ev.Satisfied(), "closed"))


def test_all_are_refused() -> None:
    """Rule 27: nothing is opened, each reason is named, and the call can go on or close."""
    refuse = ev.ReturnRefused(message="is being counted")
    session = call(
        *THREE,
        (request("RUG", 1, "DAMAGED"), "initiating_return"),
        (refuse, "initiating_return"),
        (request("LAMP", 1, "DAMAGED", "k2"), "initiating_return"),
        (refuse, "initiating_return"),
        (request("SOCKS", 1, "DAMAGED", "k3"), "initiating_return"),
        (refuse, "nothing_initiated"),
    )
    assert session.words(session.state.say or "").count("is being counted") == 3
    on(session, (ev.ReturnDeclined(), "closed_without_return"))


@pytest.mark.parametrize(("outcome", "left"), [("unknown", "left"), ("known", "not_done")])
def test_an_outcome_that_is_not_known_is_asked_for_with_the_same_key(
    outcome: str, left: str
) -> None:
    """Rules 28, 29: retrying makes no second request; leaving it open opens nothing."""
    unconfirmed: list[Turn] = [
        *REQUESTED,
        (failed("initiate_return", outcome), "return_unconfirmed"),
    ]
    session = call(*unconfirmed)
    assert "rug" in session.tell()
    refused(session, request("RUG", 1, "DAMAGED", "k2"))
    on(session, (ev.RetryRequested(), "initiating_return"))
    sent = next_call(session)
    assert (sent["key"], sent["request"], sent["item_id"]) == ("k1", None, "RUG")
    refused(session, request("RUG", 1, "DAMAGED", "k2"))
    on(session, (opened("RT-1"), "return_initiated"))
    assert [one.key for one in session.case.opened] == ["k1"]

    session = call(*unconfirmed, (ev.LeftUnconfirmed(), "nothing_initiated"))
    assert [one.state for one in session.case.lines] == [left]
    assert "rug" in session.words(session.state.say or "")
    on(session, (ev.ReturnDeclined(), "closed_without_return"))


def test_a_repeat_that_surely_did_nothing_leaves_the_first_sending_unknown() -> None:
    """Rules 29, 30: the first may have opened the return, so its units stay taken."""
    session = call(
        *UNCONFIRMED,
        (ev.RetryRequested(), "initiating_return"),
        (failed("initiate_return", "known"), "return_unconfirmed"),
    )
    assert "nobody" in session.tell()
    on(session, (ev.LeftUnconfirmed(), "nothing_initiated"))
    assert session.case.lines[0].state == "left"
    assert "1 in a return" in refused(session, pick(("RUG", 1)))
    # Where every sending surely did nothing, so did all of them together.
    session = call(
        *REQUESTED,
        (failed("initiate_return", "known"), "return_unconfirmed"),
        (ev.RetryRequested(), "initiating_return"),
        (failed("initiate_return", "known"), "return_unconfirmed"),
        (ev.LeftUnconfirmed(), "nothing_initiated"),
    )
    assert session.case.lines[0].state == "not_done"


def test_what_was_surely_not_done_is_decided_anew_on_a_later_day() -> None:
    """Rule 4: the window may have closed since; only what may have been done keeps its date."""
    later = ev.Resumed(policy_date=date(2026, 6, 10))
    surely: list[Turn] = [(failed("initiate_return", "known"), "return_unconfirmed")]
    session = call(*REQUESTED, *surely, (later, "items_chosen"), (RUG, "nothing_eligible"))
    assert "too late" in session.due_words(session.dues()[0])
    session = call(
        *UNCONFIRMED, (later, "return_unconfirmed"), (ev.RetryRequested(), "initiating_return")
    )
    assert next_call(session)["key"] == "k1"
    session = call(
        *THREE,
        (request("RUG", 1, "DAMAGED"), "initiating_return"),
        (opened("RT-1"), "initiating_return"),
        (request("LAMP", 1, "DAMAGED", "k2"), "initiating_return"),
        *surely,
        (later, "return_initiated"),
    )
    assert "chosen and checked again" in " ".join(session.words(session.state.say or "").split())


def test_a_cancelled_write_is_of_unknown_outcome() -> None:
    """Rule 29: an agent who stops waiting for a write does not know what became of it."""
    session = call(*REQUESTED, (failed("initiate_return", "cancelled"), "return_unconfirmed"))
    assert session.case.lines[0].state == "unknown"


def test_units_that_may_be_in_a_return_are_not_offered_again() -> None:
    """Rule 29: what was left open counts as taken, so that it is not returned twice."""
    session = call(*UNCONFIRMED, (ev.LeftUnconfirmed(), "nothing_initiated"))
    assert "1 in a return" in refused(session, pick(("RUG", 1)))
    # What was surely not done can be tried again, with a new yes and a new key.
    session = call(
        *REQUESTED,
        (failed("initiate_return", "known"), "return_unconfirmed"),
        (ev.LeftUnconfirmed(), "nothing_initiated"),
        (pick(("RUG", 1)), "eligibility_checked"),
        (yes(("RUG", 1, "DAMAGED")), "initiating_return"),
    )
    assert next_call(session)["request"] == "return_requested"


def test_a_call_that_ends_with_something_unsettled_says_so() -> None:
    """Rules 29, 30: it is neither success nor failure, and somebody has to look into it."""
    left: list[Turn] = [*UNCONFIRMED, (ev.LeftUnconfirmed(), "nothing_initiated")]
    for event, end in (
        (ev.ReturnDeclined(), "closed_without_return"),
        (ev.CallDropped(), "abandoned"),
    ):
        session = call(*left, (event, end))
        said = " ".join(session.words(session.state.end or "").split())
        assert "To be checked, since the shop confirmed nothing: 1 × rug." in said
        assert "no return was opened" not in said
    session = call(*SELECTED, (ev.ReturnDeclined(), "closed_without_return"))
    assert "no return was opened" in session.words(session.state.end or "")
    assert "checked" not in session.words(session.state.end or "")


def test_what_may_go_back_of_a_pick_is_not_denied_with_the_rest() -> None:
    """Rule 14: of three lamps two were delivered; the third is for a colleague."""
    session = call(
        *SELECTED,
        (pick(("LAMP", 3)), "items_chosen"),
        (LAMP, "checking_packages"),
        (P1, "checking_packages"),
        (package("P2", "DELIVERY_FAILURE"), "eligibility_checked"),
    )
    said = " ".join(session.due_words(session.dues()[0]).split())
    assert "I can take back 2 of the 3; for the rest I cannot start a return myself." in said


def test_units_left_open_stay_taken_when_the_order_is_fetched_anew() -> None:
    """Rules 17, 29: the shop may still do it, late; once its order shows it, it counts once."""
    again: list[Turn] = [
        *UNCONFIRMED,
        (ev.LeftUnconfirmed(), "nothing_initiated"),
        (ev.OrderIdGiven(order_id="O1"), "fetching_order"),
    ]
    session = call(*again, (ev.OrderFound(order=O1), "order_selected"))
    assert "1 in a return already" in refused(session, pick(("RUG", 1)))
    shown = replace(
        O1, lines=tuple(replace(one, returned=int(one.item_id == "RUG")) for one in O1.lines)
    )
    session = call(*again, (ev.OrderFound(order=shown), "order_selected"))
    assert session.case.taken("RUG") == 1
    assert session.case.taken("LAMP") == 0


def test_left_open_the_next_line_is_sent() -> None:
    """Rules 27, 29: an open line does not hold up the others."""
    session = call(
        *THREE,
        (request("RUG", 1, "DAMAGED"), "initiating_return"),
        (failed("initiate_return"), "return_unconfirmed"),
        (ev.LeftUnconfirmed(), "initiating_return"),
    )
    assert next_call(session)["item_id"] == "LAMP"
    on(
        session,
        (request("LAMP", 1, "DAMAGED", "k2"), "initiating_return"),
        (opened("RT-2"), "initiating_return"),
        (request("SOCKS", 1, "DAMAGED", "k3"), "initiating_return"),
        (failed("initiate_return"), "return_unconfirmed"),
        (ev.LeftUnconfirmed(), "return_initiated"),
    )
    assert [one.state for one in session.case.lines] == ["left", "opened", "left"]
    assert session.words(session.state.say or "").count("no confirmation yet") == 2


def test_the_notices_come_before_the_end() -> None:
    """Rule 33: satisfied too early, or another return too early, is refused with what is owed."""
    session = call(*OPENED)
    given: list[str] = []
    for event, state in notices("RT-1"):
        for early in (ev.Satisfied(), ev.AnotherReturn()):
            said = refused(session, early)
            assert "RT-1" in said
            for notice in NOTICES:
                assert (notice.replace("_", " ") in said) is (notice not in given)
        on(session, (event, state))
        assert isinstance(event, ev.Told)
        given.append(event.notice)
    assert session.dues() == ()
    call(*OPENED, *notices("RT-1"), (ev.AnotherReturn(), "identified"))
    on(session, (ev.Satisfied(), "closed"))


def test_two_returns_in_one_call_the_second_not_eligible() -> None:
    """The call still closes with a return (rule 33), from where the second ended."""
    call(
        *OPENED,
        *notices("RT-1"),
        (ev.AnotherReturn(), "identified"),
        (ev.OrderIdGiven(order_id="O2"), "fetching_order"),
        (ev.OrderFound(order=O2), "order_selected"),
        (pick(("RADIO", 1)), "items_chosen"),
        (RADIO, "checking_packages"),
        (package("P3", "DELIVERY_FAILURE"), "nothing_eligible"),
        (told("offer_transfer", "RADIO"), "nothing_eligible"),
        (ev.ReturnDeclined(), "closed"),
    )


def test_the_yes_can_be_declined() -> None:
    """No return after all, before anything was sent."""
    session = call(*CHECKED, (ev.ReturnDeclined(), "closed_without_return"))
    assert session.case.all_lines == []


ANSWERS: dict[str, Event] = {
    "started": EMAIL,
    "identified": ev.OrderIdGiven(order_id="O-ANN"),
    "order_selected": pick(("LAMP", 2)),
    "eligibility_checked": yes(("LAMP", 1, "DAMAGED"), ("LAMP", 1, "OTHER")),
    "return_unconfirmed": ev.RetryRequested(),
    "return_initiated": ev.Satisfied(),
}


def next_event(session: Session, backend: FaultyBackend, number: int) -> Event:
    """What an agent who tries again until it works does next, or what the shop answers."""
    waiting = session.waiting
    if isinstance(waiting, Await):
        due = waiting.next_call
        operation = waiting.state.operation
        if due.request is not None and operation is not None and operation.build_request:
            return operation.build_request(due, f"key-{number}")
        return performer(backend)(due)
    dues = session.dues()
    return definition().vocabulary.build_told(dues[0]) if dues else ANSWERS[session.state.name]


def test_whatever_fails_each_line_is_returned_once() -> None:
    """Rules 27, 28, 29, 30: time-outs before and after the work, refused connections and error
    texts in any order (seeds 0 to 79); tried again, two lines are exactly two returns."""
    kinds: tuple[FaultKind, ...] = (
        "timeout_before",
        "timeout_after",
        "no_connection",
        "error_text",
    )
    for seed in range(80):
        rng = Random(seed)
        shop = curated_shop()
        calls = [number for number in range(1, 9) if rng.random() < 0.7]
        plan = {("initiate_return", number): Fault(rng.choice(kinds)) for number in calls}
        backend = FaultyBackend(shop, plan)
        session = Session(definition(), shop.today, shop.zone)
        number = 0
        while session.state.kind != "end":
            number += 1
            step = session.propose(next_event(session, backend, number))
            assert step.accepted, f"seed {seed}: {session.refusal(step)}"
            session.accept(step)
        assert session.state.name == "closed", f"seed {seed}"
        made = [(one.receipt.tracking_id, one.key, one.reason) for one in shop.returns]
        known = [(one.tracking_id, one.key, one.reason) for one in session.case.opened]
        assert made == known, f"seed {seed}"
        assert [reason for *_, reason in made] == ["DAMAGED", "OTHER"], f"seed {seed}"
