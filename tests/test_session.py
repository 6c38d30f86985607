"""Whole calls in the engine, written out by hand: identity, orders, items."""

from __future__ import annotations

from msgspec.structs import replace

from by_hand import (
    ANN,
    CHECKED,
    CHECKING,
    CHOSEN,
    EMAIL,
    FETCHING,
    HUMAN,
    IDENTIFIED,
    INITIATING,
    LAMP,
    LISTED,
    LISTING,
    MUG,
    NOTHING,
    O1,
    O2,
    OPENED,
    OTHERS,
    P1,
    P2,
    RUG,
    SELECTED,
    SUMMARIZED,
    TENT,
    Turn,
    call,
    failed,
    item,
    line,
    next_call,
    notices,
    on,
    package,
    pick,
    refused,
    request,
    told,
    yes,
)
from returnflow.engine.session import Ask, End
from returnflow.records import (
    OrderFailure,
)
from returnflow.returns import events as ev
from returnflow.returns import telling

# -- steps 1 to 3: who, and which order -------------------------------------------------------


def test_the_shortest_call_that_returns_something() -> None:
    """From the e-mail to the tracking id, with the arguments of every call on the way."""
    session = call(*IDENTIFIED[:1])
    assert next_call(session)["email"] == "ann@example.com"
    session = call(*FETCHING)
    assert next_call(session)["order_id"] == "o1"
    session = call(*CHECKING)
    assert next_call(session)["package_id"] == "P1"
    session = call(*INITIATING)
    assert next_call(session) == {
        "operation": "initiate_return",
        "request": "return_requested",
        "key": None,
        "order_id": "O1",
        "item_id": "RUG",
        "quantity": 1,
        "return_reason": "DAMAGED",
        "note": "",
    }
    session = call(*OPENED, *notices("RT-1"), (ev.Satisfied(), "closed"))
    assert isinstance(session.waiting, End)
    assert "RT-1" in session.words(session.state.end or "")


def test_an_ambiguous_address_is_not_guessed() -> None:
    """Rule 20: several accounts are another answer than none, and nobody is identified."""
    several = ev.CustomerAmbiguous(email="ann@example.com", count=3)
    session = call((EMAIL, "finding_customer"), (several, "started"))
    assert "3" in session.tell()
    assert "ann@example.com" in session.tell()
    words = session.tell()
    on(session, (EMAIL, "finding_customer"), (ev.CustomerMissing(), "started"))
    assert session.tell() != words
    assert session.case.customer is None
    on(session, (HUMAN, "transferring"))
    assert next_call(session)["customer_id"] is None


def test_no_open_orders_is_said_and_an_order_id_still_helps() -> None:
    """Rule 23: asked for the open orders of a customer who has none, the call does not hang."""
    session = call(
        (EMAIL, "finding_customer"),
        (ev.CustomerFound(customer=replace(ANN, active_orders=())), "identified"),
        (ev.OrderIdUnknown(), "identified"),
    )
    assert "no open order" in session.tell()
    on(
        session,
        (ev.OrderIdGiven(order_id="O1"), "fetching_order"),
        (ev.OrderFound(order=O1), "order_selected"),
        (ev.OrderIdUnknown(), "identified"),
        (ev.ReturnDeclined(), "closed_without_return"),
    )


def test_none_of_the_open_orders_recognised() -> None:
    """Rule 23: then an order id, another address, a person, or a polite end; no endless loop."""
    unrecognised: list[Turn] = [*LISTED, (ev.OrderUnrecognised(), "identified")]
    session = call(*unrecognised, (ev.OrderIdUnknown(), "identified"))
    assert "gone through" in session.tell()
    for event, state in (
        (ev.OrderIdGiven(order_id="O2"), "fetching_order"),
        (ev.EmailGiven(email="lee@example.com"), "finding_customer"),
        (HUMAN, "transferring"),
        (ev.ReturnDeclined(), "closed_without_return"),
    ):
        call(*unrecognised, (ev.OrderIdUnknown(), "identified"), (event, state))


def test_an_order_that_fails_to_load_is_named_beside_the_others() -> None:
    """Rule 24: the list is presented, the failure with it; with none loaded, that is said."""
    lost = OrderFailure(order_id="O2", reason="is damaged")
    some = replace(SUMMARIZED, orders=SUMMARIZED.orders[:1], failed=(lost,))
    session = call(*LISTING, (some, "orders_listed"))
    assert session.case.summary is not None
    assert [order.order_id for order in session.case.summary.orders] == ["O1"]
    assert "O2 (is damaged)" in session.words(session.state.say or "")
    session = call(*LISTING, (replace(some, orders=()), "identified"))
    assert "O2: is damaged" in session.tell()


def test_the_order_of_another_customer_is_like_one_that_does_not_exist() -> None:
    """Rule 21: the same words, its facts are not kept, and nothing of it may be looked up."""
    asked: list[Turn] = [*IDENTIFIED, (ev.OrderIdGiven(order_id="OX"), "fetching_order")]
    other = call(*asked, (ev.OrderFound(order=OTHERS), "identified"))
    none = call(*asked, (ev.OrderMissing(order_id="OX"), "identified"))
    assert other.tell() == none.tell() != ""
    assert other.case.order is None
    assert telling.scope(other.case) == telling.scope(none.case)
    assert telling.draft_summary(other.case, "asked") == telling.draft_summary(none.case, "asked")
    for event in (item("VASE"), package("P9"), pick(("VASE", 1))):
        refused(other, event)
    session = on(other, (ev.OrderIdGiven(order_id="O1"), "fetching_order"))
    on(session, (ev.OrderFound(order=O1), "order_selected"))
    assert "not of" not in refused(session, item("VASE"))
    refused(session, package("P9"))


def test_an_order_whose_owner_is_not_recorded_is_nobodys() -> None:
    """Rule 21: without a customer id in the order it cannot be told, so it is not opened."""
    unowned = replace(O1, customer_id="")
    session = call(*FETCHING, (ev.OrderFound(order=unowned), "identified"))
    assert session.case.order is None


def test_another_order_than_asked_for_is_refused() -> None:
    """Rule 22: ids are compared trimmed and case-folded; another one is no answer."""
    session = call(*FETCHING)
    assert "o1" in refused(session, ev.OrderFound(order=O2))
    on(session, (ev.OrderFound(order=O1), "order_selected"))
    assert session.case.order == O1


def test_the_customer_changes_their_mind_about_the_order_twice() -> None:
    """What belonged to the order left behind is forgotten; what was looked up is not."""
    session = call(
        *CHECKED,
        (ev.OrderIdGiven(order_id="O2"), "fetching_order"),
        (ev.OrderFound(order=O2), "order_selected"),
        (ev.OrderIdGiven(order_id="O1"), "fetching_order"),
        (ev.OrderFound(order=O1), "order_selected"),
    )
    assert session.case.picks == ()
    # Everything about the rug is known, so nothing is looked up again.
    on(session, (pick(("RUG", 1)), "eligibility_checked"))


def test_a_backend_that_fails_leads_back_to_the_question() -> None:
    """Each look-up that fails, is cancelled, or times out: said, and asked again."""
    for state, path, back in (
        ("finding_customer", IDENTIFIED[:1], "started"),
        ("listing_orders", LISTING, "identified"),
        ("fetching_order", FETCHING, "identified"),
        ("items_chosen", CHOSEN, "order_selected"),
        ("checking_packages", CHECKING, "order_selected"),
    ):
        session = call(*path)
        assert session.state.name == state
        assert session.state.operation is not None
        operation = session.state.operation.name
        on(session, (failed(operation), back))
        assert "did not give me an answer" in session.tell()
        session = call(*path, (failed(operation, "cancelled"), back))
        assert "stopped" in session.tell()


# -- step 4: what, and whether ----------------------------------------------------------------


def test_of_a_mixed_choice_only_the_eligible_goes_on() -> None:
    """Rule 14: the others are explained before the yes, and are never initiated."""
    session = call(
        *SELECTED,
        (pick(("RUG", 1), ("MUG", 1), ("TENT", 1)), "items_chosen"),
        (MUG, "items_chosen"),
        (TENT, "items_chosen"),
        (RUG, "checking_packages"),
        (P2, "checking_packages"),
        (P1, "eligibility_checked"),
    )
    waiting = session.waiting
    assert isinstance(waiting, Ask)
    owed = [(due.notice, due.subject) for due in waiting.dues]
    assert owed == [("final", "MUG"), ("after_delivery", "TENT")]
    tent = session.due_words(waiting.dues[1])
    assert "14 April 2026" in tent
    assert "after it is delivered" in tent
    rug = yes(("RUG", 1, "OTHER"))
    said = refused(session, rug)
    assert "mug" in said
    assert "tent" in said
    on(session, (told("final", "MUG"), "eligibility_checked"))
    assert "mug" not in refused(session, rug)
    on(session, (told("after_delivery", "TENT"), "eligibility_checked"))
    for item_id in ("MUG", "TENT"):
        refused(session, yes((item_id, 1, "OTHER")))
        refused(session, yes(("RUG", 1, "OTHER"), (item_id, 1, "OTHER")))
    on(session, (rug, "initiating_return"))
    assert [(one.item_id, one.state) for one in session.case.lines] == [("RUG", "waiting")]
    refused(session, request("MUG", 1, "OTHER"))


def test_a_pick_of_more_than_was_delivered_is_lowered() -> None:
    """Rule 17: three ordered and picked, two delivered; two go on with the customer's consent."""
    session = call(
        *SELECTED,
        (pick(("LAMP", 3)), "items_chosen"),
        (LAMP, "checking_packages"),
        (P1, "checking_packages"),
        (P2, "eligibility_checked"),
    )
    assert "2 × lamp" in session.words(session.state.say or "")
    [due] = session.dues()
    assert (due.notice, due.values["granted"], due.values["wanted"]) == ("after_delivery", 2, 3)
    on(session, (told("after_delivery", "LAMP"), "eligibility_checked"))
    assert "at most 2" in refused(session, yes(("LAMP", 3, "OTHER")))
    on(session, (yes(("LAMP", 2, "OTHER")), "initiating_return"))


def test_more_than_was_ordered_cannot_be_picked() -> None:
    """Rules 16, 17: at most ordered less already in a return, and whole units from 1 up."""
    session = call(*SELECTED)
    assert "up to 3" in refused(session, pick(("LAMP", 4)))
    assert "up to 3" in refused(session, pick(("LAMP", 2), ("LAMP", 2)))
    for units in (0, -1):
        assert "from 1 up" in refused(session, pick(("LAMP", units)))
    assert "no item" in refused(session, pick())
    assert "RADIO" in refused(session, pick(("RADIO", 1)))
    two = replace(O1, lines=(replace(O1.lines[0], returned=2), *O1.lines[1:]))
    session = call(*FETCHING, (ev.OrderFound(order=two), "order_selected"))
    assert "up to 1" in refused(session, pick(("LAMP", 2)))
    on(session, (pick(("LAMP", 1)), "items_chosen"))


def test_no_package_is_looked_up_that_can_change_nothing() -> None:
    """Rule 12, and the look-ups owed: none for an excluded item, none for an empty id."""
    assert call(*NOTHING).state.name == "nothing_eligible"
    unshipped = replace(O1, lines=(line("RUG", 1, "120.00", ("", 1)),))
    session = call(
        *FETCHING,
        (ev.OrderFound(order=unshipped), "order_selected"),
        (pick(("RUG", 1)), "items_chosen"),
        (RUG, "nothing_eligible"),
    )
    assert [due.notice for due in session.dues()] == ["after_delivery"]


def test_look_ups_ahead_of_their_step_are_kept_and_remarked() -> None:
    """In `order_selected` they save the look-ups later on."""
    session = call(*SELECTED)
    for event in (RUG, P1, ev.ItemMissing(item_id="LAMP"), ev.PackageMissing(package_id="P2")):
        step = session.propose(event)
        assert step.row is not None
        assert step.row.remark == "early_lookup"
        session.accept(step)
    on(session, (pick(("RUG", 1)), "eligibility_checked"))


def test_the_refusals_are_explained_before_the_call_closes() -> None:
    """Rule 14: where nothing is eligible, the customer hears why."""
    session = call(*NOTHING)
    assert "mug" in refused(session, ev.ReturnDeclined())
    on(
        session,
        (told("final", "MUG"), "nothing_eligible"),
        (ev.ReturnDeclined(), "closed_without_return"),
    )


def test_a_window_that_closes_before_delivery_gets_no_promise() -> None:
    """Rule 8: the agent is not given "can be returned after it is delivered"."""
    late = package("P2", "IN_TRANSIT", "2026-05-02")
    session = call(
        *SELECTED,
        (pick(("TENT", 1)), "items_chosen"),
        (TENT, "checking_packages"),
        (late, "nothing_eligible"),
    )
    [due] = session.dues()
    assert due.notice == "closes_before_delivery"
    assert "after it is delivered" not in session.due_words(due)
    assert "2 May 2026" in session.due_words(due)
