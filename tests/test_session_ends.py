"""Calls resumed, transferred, dropped, written out by hand; and what holds for every call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

import pytest
from msgspec.structs import replace

from by_hand import (
    CHECKED,
    FETCHING,
    HUMAN,
    IDENTIFIED,
    INITIATING,
    LAMP,
    LISTED,
    NOTHING,
    O1,
    OPENED,
    P1,
    P2,
    PATHS,
    RUG,
    SELECTED,
    TENT,
    THREE,
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
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event
from returnflow.records import (
    TransferReceipt,
)
from returnflow.returns import events as ev
from returnflow.returns import telling
from returnflow.testing import generate_shop, random_call

# -- another day ------------------------------------------------------------------------------

NEXT_DAY = ev.Resumed(policy_date=date(2026, 4, 11))


@pytest.mark.parametrize(
    ("state", "then"),
    [
        ("started", "started"),
        ("finding_customer", "finding_customer"),
        ("identified", "identified"),
        ("listing_orders", "listing_orders"),
        ("orders_listed", "orders_listed"),
        ("fetching_order", "fetching_order"),
        ("order_selected", "order_selected"),
        ("items_chosen", "items_chosen"),
        ("checking_packages", "items_chosen"),
        ("eligibility_checked", "items_chosen"),
        ("nothing_eligible", "items_chosen"),
        ("return_unconfirmed", "return_unconfirmed"),
        ("nothing_initiated", "items_chosen"),
        ("return_initiated", "return_initiated"),
    ],
)
def test_a_call_resumed_the_next_day(state: str, then: str) -> None:
    """Rule 4: the look-ups and the decision are made again, from wherever the call was left."""
    session = call(*PATHS[state], (NEXT_DAY, then))
    assert session.case.policy_date == date(2026, 4, 11)
    assert session.case.items == {}
    assert session.case.packages == {}
    if then == "items_chosen":
        assert next_call(session)["item_id"] == session.case.picks[0].item_id


def test_the_window_may_have_closed_overnight() -> None:
    """Rule 4: what could go back yesterday is decided on the new date."""
    session = call(
        *CHECKED,
        (ev.Resumed(policy_date=date(2026, 5, 2)), "items_chosen"),
        (RUG, "nothing_eligible"),
    )
    assert [due.notice for due in session.dues()] == ["final"]
    assert "31 days ago" in session.due_words(session.dues()[0])


def test_a_write_that_was_sent_is_settled_before_the_new_day() -> None:
    """Rules 4, 28, 33: refused while a request is under way; then what waits is decided again,
    once the return that was opened has its notices."""
    sent: list[Turn] = [*THREE, (request("RUG", 1, "DAMAGED"), "initiating_return")]
    session = call(*sent)
    assert "outcome" in refused(session, NEXT_DAY)
    assert next_call(session)["key"] == "k1"
    on(session, (opened("RT-1"), "initiating_return"), (NEXT_DAY, "return_initiated"))
    assert "chosen and checked again" in session.words(session.state.say or "")
    assert "tracking id" in refused(session, ev.AnotherReturn())
    assert [one.state for one in session.case.all_lines] == ["opened"]
    assert session.case.withdrawn == 2
    refused(session, request("LAMP", 1, "DAMAGED", "k2"))


def test_a_reply_without_a_tracking_id_opens_nothing() -> None:
    """Rule 30: whatever the adapter let through, the machine takes it for no success."""
    session = call(*INITIATING, (request("RUG", 1, "DAMAGED"), "initiating_return"))
    assert "no tracking id" in refused(session, opened(" "))
    on(session, (failed("initiate_return"), "return_unconfirmed"))


def test_one_tracking_id_for_two_returns_owes_the_notices_twice() -> None:
    """Rule 33: for every return, also where the shop puts two into one parcel."""
    session = call(
        *CHECKED,
        (yes(("RUG", 1, "DAMAGED")), "initiating_return"),
        (request("RUG", 1, "DAMAGED"), "initiating_return"),
        (opened("RT"), "return_initiated"),
        *notices("RT"),
        (ev.AnotherReturn(), "identified"),
        *SELECTED[len(IDENTIFIED) :],
        (pick(("LAMP", 1)), "items_chosen"),
        (LAMP, "checking_packages"),
        (P2, "eligibility_checked"),
        (yes(("LAMP", 1, "DAMAGED")), "initiating_return"),
        (request("LAMP", 1, "DAMAGED", "k2"), "initiating_return"),
        (opened("RT"), "return_initiated"),
    )
    assert [due.subject for due in session.dues()] == ["RT (2)"] * 3
    assert "RT (2)" in refused(session, ev.Satisfied())


@pytest.mark.parametrize(
    "event", [ev.OrderIdGiven(order_id="O2"), ev.OrderIdUnknown(), pick(("RUG", 1))]
)
def test_what_cannot_go_back_is_explained_before_anything_else_is_chosen(event: Event) -> None:
    """Rules 9, 14: another order or other items come after the refusal is heard."""
    session = call(*NOTHING)
    assert "explained" in refused(session, event)
    on(session, (told("final", "MUG"), "nothing_eligible"))
    assert session.propose(event).accepted


def test_a_name_too_long_to_say_is_cut_in_words_only() -> None:
    """The words are read aloud; the facts keep the name whole."""
    name = "x" * 300
    order = replace(O1, lines=(replace(O1.lines[1], description=name),))
    session = call(
        *FETCHING,
        (ev.OrderFound(order=order), "order_selected"),
        *CHECKED[len(SELECTED) :],
    )
    said = session.words(session.state.say or "")
    assert f" {'x' * 79}…" in said
    assert name not in said
    assert session.case.name_of("RUG") == name


def test_the_day_on_which_the_window_closes_is_said() -> None:
    """Rule 8: the warning names it."""
    session = call(
        *SELECTED,
        (pick(("TENT", 1)), "items_chosen"),
        (TENT, "checking_packages"),
        (package("P2", "IN_TRANSIT", "2026-05-20"), "nothing_eligible"),
    )
    (due,) = session.dues()
    assert due.notice == "closes_before_delivery"
    assert "closes on 1 May 2026, before" in session.due_words(due)


def test_the_next_person_learns_that_no_open_order_was_recognised() -> None:
    """Rules 23, 34."""
    session = call(*LISTED, (ev.OrderUnrecognised(), "identified"))
    assert "Recognised none of the open orders." in telling.draft_summary(session.case, "asked")


def test_a_confirmed_line_that_was_not_sent_is_confirmed_anew() -> None:
    """Rule 4: resumed between the yes and the request, nothing is sent under the old decision."""
    session = call(*INITIATING, (NEXT_DAY, "items_chosen"))
    assert session.case.all_lines == []
    on(session, (RUG, "checking_packages"), (P1, "eligibility_checked"))
    refused(session, request("RUG", 1, "DAMAGED"))


# -- step 6: a person, or nobody --------------------------------------------------------------


@pytest.mark.parametrize("state", PATHS)
def test_a_human_from_every_state(state: str) -> None:
    """Rules 34, 35: from wherever the agent asks or waits; without an id before one is known."""
    session = call(*PATHS[state])
    assert "summary" in refused(session, ev.HumanRequested(summary="  "))
    drafted = telling.draft_summary(session.case, "asked")
    on(session, (ev.HumanRequested(summary=drafted), "transferring"))
    sent = next_call(session)
    known = None if state in ("started", "finding_customer") else "ANN"
    assert (sent["customer_id"], sent["summary_of_issues"]) == (known, drafted)
    for wrong in (
        ev.TransferRequested(customer_id="BOB", summary=drafted),
        ev.TransferRequested(customer_id=known, summary="other words"),
    ):
        refused(session, wrong)
    refused(session, ev.TransferAccepted())
    on(
        session,
        (ev.TransferRequested(customer_id=known, summary=drafted, key="t1"), "transferring"),
        (ev.TransferAccepted(receipt=TransferReceipt(reference="T-7")), "transferred"),
    )
    assert "T-7" in session.words(session.state.end or "")


def test_the_states_above_are_all_that_ask_or_look_up() -> None:
    """Rule 35: no state was forgotten in the tests that go through every one of them."""
    waits = {
        name
        for name, state in definition().states.items()
        if state.kind != "end" and not state.is_write
    }
    assert set(PATHS) == waits - {"transfer_failed"}


@pytest.mark.parametrize("state", PATHS)
def test_a_customer_who_hangs_up(state: str) -> None:
    """Rule 36: an end of its own, with everything kept."""
    session = call(*PATHS[state])
    before = session.case.outline()
    on(session, (ev.CallDropped(), "abandoned"))
    assert session.case.outline() == before
    said = session.words(session.state.end or "")
    assert ("RT-1" in said) is (state == "return_initiated")


ASKED: list[Turn] = [*IDENTIFIED, (HUMAN, "transferring")]
SENT: list[Turn] = [
    *ASKED,
    (ev.TransferRequested(customer_id="ANN", summary=HUMAN.summary, key="t1"), "transferring"),
]
TRANSFER = "transfer_to_human_representative"


def test_a_transfer_that_fails_is_not_the_end() -> None:
    """Rule 35: again, or a promise to call back."""
    for outcome, said in (
        (ev.TransferRefused(message="nobody is there"), "did not work (nobody is there)."),
        (failed(TRANSFER, "known"), "did not work just now. Shall I"),
        (failed(TRANSFER, "unknown"), "did not work just now. It may still arrive;"),
    ):
        session = call(*SENT, (outcome, "transfer_failed"))
        assert said in " ".join(session.tell().split())
        on(session, (ev.CallbackPromised(), "closed_without_return"))
    session = call(*SENT, (ev.TransferRefused(message="busy"), "transfer_failed"))
    assert "tried already" in refused(session, HUMAN)
    on(session, (ev.RetryRequested(), "transferring"))
    assert next_call(session)["request"] == "transfer_requested"
    call(*SENT, (ev.TransferRefused(), "transfer_failed"), (ev.CallDropped(), "abandoned"))


def test_a_transfer_of_unknown_outcome_is_repeated_with_its_key() -> None:
    """Rule 29: trying again cannot make it two."""
    session = call(
        *SENT, (failed(TRANSFER), "transfer_failed"), (ev.RetryRequested(), "transferring")
    )
    sent = next_call(session)
    assert (sent["key"], sent["request"]) == ("t1", None)
    refused(session, ev.TransferRequested(customer_id="ANN", summary=HUMAN.summary, key="t2"))
    on(session, (ev.TransferAccepted(), "transferred"))
    session = call(
        *SENT, (failed(TRANSFER, "known"), "transfer_failed"), (ev.RetryRequested(), "transferring")
    )
    assert next_call(session)["request"] == "transfer_requested"


def test_a_transfer_that_may_have_arrived_keeps_its_key_whatever_a_repeat_did() -> None:
    """Rule 29: that the second sending surely did nothing says nothing of the first."""
    session = call(
        *SENT,
        (failed(TRANSFER), "transfer_failed"),
        (ev.RetryRequested(), "transferring"),
        (failed(TRANSFER, "known"), "transfer_failed"),
    )
    assert "may still arrive" in session.tell()
    on(session, (ev.RetryRequested(), "transferring"))
    assert next_call(session)["key"] == "t1"


def test_notices_are_owed_after_a_failed_transfer_too() -> None:
    """Rules 33, 35: with a return opened, the promise to call back waits for its notices."""
    session = call(
        *OPENED,
        (ev.HumanRequested(reason="not_satisfied", summary="is angry"), "transferring"),
        (ev.TransferRequested(customer_id="ANN", summary="is angry"), "transferring"),
        (ev.TransferRefused(), "transfer_failed"),
    )
    assert "RT-1" in refused(session, ev.CallbackPromised())
    on(
        session,
        *((event, "transfer_failed") for event, _ in notices("RT-1")),
        (ev.CallbackPromised(), "closed"),
    )


# -- over random calls ------------------------------------------------------------------------


def replayed(seed: int) -> tuple[Session, list[Event]]:
    shop = generate_shop(Random(seed))
    return Session(definition(), shop.today, shop.zone), random_call(definition(), Random(seed))


def test_the_drafted_summary_is_never_empty_and_never_the_same() -> None:
    """Rule 34: at every turn of random calls (seeds 200 to 259) it says what is known by then."""
    drafts: dict[str, set[object]] = {}
    for seed in range(200, 260):
        session, events = replayed(seed)
        for event in events:
            session.accept(session.propose(event))
            case = session.case
            for reason in ("asked", "not_satisfied", "", "wants the boss"):
                draft = telling.draft_summary(case, reason)
                assert draft.strip(), f"seed {seed}"
                who = case.customer.customer_id if case.customer else case.email
                assert who in draft, f"seed {seed}: {draft}"
                if case.order is not None:
                    assert case.order.order_id in draft, f"seed {seed}: {draft}"
                for one in case.opened:
                    assert one.tracking_id in draft, f"seed {seed}: {draft}"
                drafts.setdefault(draft, set()).add((who, reason))
    assert len(drafts) > 200
    # The same words only ever stand for the same customer and the same wish.
    assert all(len(cases) == 1 for cases in drafts.values())


def flagged(event: Event) -> Event:
    if isinstance(event, ev.CustomerFound):
        customer = event.customer
        return replace(event, customer=replace(customer, is_fraud_flag=not customer.is_fraud_flag))
    return event


def shown(session: Session) -> Sequence[object]:
    """All that the words of a turn are made of, and the words."""
    state = session.state
    texts = [text for text in (state.say, state.do, state.end) if text]
    return [
        state.name,
        telling.scope(session.case),
        [session.words(text) for text in texts],
        session.tell(),
        [session.due_words(due) for due in session.dues()],
        telling.draft_summary(session.case, "asked"),
    ]


def test_a_suspicion_of_fraud_changes_no_rule_and_no_word() -> None:
    """Rule 15: the same calls with the flag turned round (seeds 300 to 349) differ in nothing."""
    turned = 0
    for seed in range(300, 350):
        plain, events = replayed(seed)
        other, _ = replayed(seed)
        for event in events:
            step, twin = plain.propose(event), other.propose(flagged(event))
            assert step.row is twin.row, f"seed {seed}"
            plain.accept(step)
            other.accept(twin)
            turned += event != flagged(event)
            assert shown(plain) == shown(other), f"seed {seed}"
            assert "fraud" not in str(shown(plain)).lower(), f"seed {seed}"
    assert turned > 50


def test_a_call_does_not_close_with_a_notice_owed() -> None:
    """Rule 33: over random calls (seeds 400 to 559), a call that closes owes nothing; `closed`
    means returned and told, `closed_without_return` that nothing was opened."""
    closed = 0
    for seed in range(400, 560):
        session, events = replayed(seed)
        for event in events:
            session.accept(session.propose(event))
        if session.state.name == "closed":
            closed += 1
            assert session.case.opened, f"seed {seed}"
        if session.state.name in ("closed", "closed_without_return"):
            assert session.case.owed_notices() == [], f"seed {seed}"
            assert bool(session.case.opened) == (session.state.name == "closed"), f"seed {seed}"
    assert closed
