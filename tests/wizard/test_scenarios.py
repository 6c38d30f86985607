"""Calls that go wrong and end well, each typed on a terminal and read from a pipe alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from returnflow.records import ReturnReceipt
from returnflow.returns import events as ev
from returnflow.testing import Fault, FaultyBackend, MemoryShop, curated_shop
from wizard.driver import Door, memory, told
from wizard.typing_calls import Hangs, Scripted, ScriptedShop

ANN = ["ann@example.com", "O-ANN"]
LAMP = [*ANN, "lamp", "damaged", "yes"]
NOTICES = ["", "", ""]


# -- who and which order ----------------------------------------------------------------------


def test_several_accounts_have_the_address(door: Door) -> None:
    """Rule 20: none is guessed; another address, or a colleague."""
    played = door.type("twins@example.com", " ANN@example.COM ", "/close")
    assert played.ended
    assert played.names[:2] == ["email_given", "customer_ambiguous"]
    assert told(played, "There are 2 accounts with the address twins@example.com")
    assert played.state == "closed_without_return"


def test_the_customer_recognises_no_order(door: Door) -> None:
    """Rule 23: no dead end and no circle: then an id, an address, a transfer or the close."""
    played = door.type("ann@example.com", "/unknown", "/none", "/unknown", "O-BEA", "/close")
    assert played.ended
    assert told(played, "Then it is none of the open orders.")
    assert told(played, "We have gone through all your open orders.")
    # Rule 21: another customer's order gets the words of one that does not exist.
    assert told(played, "I do not find an order O-BEA on your account.")
    assert played.names.count("orders_summarized") == 1


def test_no_open_order_but_an_old_one(door: Door) -> None:
    """Rules 22, 23: the id is compared without case, and sent as it is stored."""
    played = door.type("bea@example.com", "/unknown", "o-bea", "mug", "1", "yes", *NOTICES, "/done")
    assert played.state == "closed"
    assert told(played, "I see no open order on your account.")
    assert memory(door.stage).returns[0].order_id == "O-BEA"


def test_an_order_that_does_not_load_is_named(door: Door) -> None:
    """Rule 24."""
    played = door.type("cleo@example.com", "/unknown", "/close")
    assert played.ended
    assert told(played, "I cannot open any of your orders at the moment (O-LOST: the order is")


def test_the_order_is_changed_twice(door: Door) -> None:
    """Rule 21: what was chosen of an order left behind is not sent."""
    played = door.type(*ANN, "/order O-NONE", "O-ANN", "rug", "", "/order o-ann", "lamp x 1", "2")
    assert played.state == "eligibility_checked"
    assert [e.order_id for e in played.events if isinstance(e, ev.OrderIdGiven)] == [
        "O-ANN",
        "O-NONE",
        "O-ANN",
        "o-ann",
    ]
    assert memory(door.stage).returns == []


# -- the yes ----------------------------------------------------------------------------------


def test_declined_at_the_yes(door: Door) -> None:
    """Rule 25: no, and change, send nothing."""
    played = door.type(*ANN, "lamp", "1", "change", "4", "no", "/close")
    assert played.state == "closed_without_return"
    assert memory(door.stage).returns == []
    assert told(played, "Nothing was sent. Choose what the customer wants instead")


def test_what_is_sent_is_shown_before_the_yes(door: Door) -> None:
    """Rules 25, 26, 31, 32: the arguments, the exact refund, and that it cannot be undone."""
    played = door.type(*ANN, "lamp", "1 x damaged: cracked, 1 x other", "hums", "yes")
    assert told(played, "This will be sent to the shop, and cannot be undone from here:")
    assert told(played, "item LAMP, quantity 1, reason DAMAGED, note “cracked”")
    assert told(played, "item LAMP, quantity 1, reason OTHER, note “hums”")
    assert told(played, "Reading lamp; refund 19.99 EUR, without shipping")
    made = [(r.item_id, r.quantity, r.reason, r.note) for r in memory(door.stage).returns]
    assert made == [("LAMP", 1, "DAMAGED", "cracked"), ("LAMP", 1, "OTHER", "hums")]


def test_what_could_go_back_and_is_left_out_is_named_before_the_yes(door: Door) -> None:
    """Rule 25: the customer says yes to these units, knowing of the others."""
    played = door.type(*ANN, "lamp", "1 x damaged", "change", "damaged", "yes")
    assert told(played, "Left out, though it may go back: 1 × Reading lamp")
    assert played.raw.count("Left out") == 1


def test_two_orders_in_one_call_the_second_ineligible(door: Door) -> None:
    """Rules 14, 33: the notices of the first are given; of the second nothing is initiated."""
    played = door.type(*LAMP, *NOTICES, "/another", "o-ann", "rug, gone", "", "", "/close")
    assert played.state == "closed"
    assert len(memory(door.stage).returns) == 1
    assert told(played, "Woollen rug:")
    assert told(played, "The call is closed. Return RT-0001")


# -- writes -----------------------------------------------------------------------------------


def three_items() -> MemoryShop:
    """The curated shop, where Ann has three eligible items."""
    shop = curated_shop()
    order = shop.orders["O-ANN"]
    lines = tuple(
        replace(order.lines[0], item_id=item_id, description=f"{item_id.title()} lamp", quantity=1)
        for item_id in ("RED", "BLUE", "GREEN")
    )
    shop.orders["O-ANN"] = replace(order, lines=lines)
    shop.items.update(
        {line.item_id: replace(shop.items["LAMP"], item_id=line.item_id) for line in lines}
    )
    return shop


def test_the_second_of_three_lines_is_refused(door: Door) -> None:
    """Rule 27: the first's tracking id is given, the third is sent, each outcome is named."""
    shop = three_items()
    fault = FaultyBackend(shop, {("initiate_return", 2): Fault("refusal", "stock take today")})
    played = door.type(*ANN, "all", "1 for all", "yes", *NOTICES * 2, "/done", shop=fault)
    assert played.state == "closed"
    assert [made.item_id for made in shop.returns] == ["RED", "GREEN"]
    assert told(played, "1 × Blue lamp (DAMAGED): refused by the shop: stock take today")
    assert told(played, "Your return of 1 × Red lamp has the tracking id RT-0001.")
    assert told(played, "Our system declined the return of 1 × Blue lamp (stock take today).")


def test_all_lines_are_refused(door: Door) -> None:
    """Rule 27: no notice is owed, and there are ways on."""
    shop = three_items()
    plan = {("initiate_return", n): Fault("refusal", "no more returns") for n in (1, 2)}
    played = door.type(
        *ANN, "red, blue", "1 for all", "yes", "green", "3", "yes", *NOTICES, "/done",
        shop=FaultyBackend(shop, plan),
    )  # fmt: skip
    assert played.names.count("return_refused") == 2
    assert told(played, "1 × Blue lamp: our system declined the return (no more returns).")
    assert [made.item_id for made in shop.returns] == ["GREEN"]


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_text"])
def test_an_unknown_outcome_is_tried_again_with_its_key(door: Door, kind: str) -> None:
    """Rules 28, 29, 30: once more is safe; there is exactly one return."""
    fault = FaultyBackend(door.stage.shop, {("initiate_return", 1): Fault(kind)})  # type: ignore[arg-type]
    played = door.type(*LAMP, "/again", *NOTICES, "/done", shop=fault)
    assert played.state == "closed"
    assert told(played, "nobody knows yet whether the return of Reading lamp was opened")
    assert [made.item_id for made in memory(door.stage).returns] == ["LAMP"]


def test_a_reply_without_a_tracking_id_is_no_success(door: Door) -> None:
    """Rule 30."""
    wrong = Fault("wrong", record=ReturnReceipt(tracking_id=" "))
    fault = FaultyBackend(door.stage.shop, {("initiate_return", 1): wrong})
    played = door.type(*LAMP, "/again", shop=fault)
    assert "backend_failed" in played.names
    assert told(played, "the reply holds no tracking id")
    assert told(played, "has the tracking id RT-0001")


def test_an_unknown_outcome_is_left_open(door: Door) -> None:
    """Rule 29: it is named as such, with its key, and the call can close."""
    fault = FaultyBackend(door.stage.shop, {("initiate_return", 1): Fault("timeout_after")})
    played = door.type(*LAMP, "/open", "/facts", "/close", shop=fault)
    assert played.state == "closed_without_return"
    assert told(played, "I have no confirmation that the return was opened; a colleague will")
    key = memory(door.stage).returns[0].key
    assert told(played, f"outcome unknown, left open (key {key})")


def test_a_transfer_that_fails(door: Door) -> None:
    """Rules 34, 35: again, or a promise to call back; and the customer's id goes along."""
    name = "transfer_to_human_representative"
    fault = FaultyBackend(
        door.stage.shop,
        {(name, 1): Fault("refusal", "all lines are busy"), (name, 2): Fault("timeout_before")},
    )
    played = door.type(*ANN, "/transfer", "not satisfied", "", "/again", "/promise", shop=fault)
    assert played.state == "closed_without_return"
    assert told(played, "The transfer did not work (all lines are busy).")
    assert told(played, "It may still arrive; trying again cannot make it two.")
    # Why, the agent sees; nobody reads it out.
    assert not told(played, "did not work (no answer")
    assert memory(door.stage).transfers == []
    asked = [e for e in played.events if isinstance(e, ev.TransferRequested)]
    assert [event.customer_id for event in asked] == ["ANN", "ANN"]
    assert "Is not satisfied. Customer ANN, Ann. Order O-ANN" in asked[0].summary


def test_a_human_before_anyone_is_identified(door: Door) -> None:
    """Rule 35: from the first question on, without a customer id."""
    played = door.type("/transfer", "wants the boss", "")
    assert played.state == "transferred"
    made = memory(door.stage).transfers
    assert [(t.customer_id, t.summary) for t in made] == [
        (None, "Reason: wants the boss. Not identified; no address given yet.")
    ]


def test_the_agents_own_stop_is_enough(door: Door) -> None:
    door.type("/transfer", "Wants the boss.", "")
    (made,) = memory(door.stage).transfers
    assert made.summary.startswith("Reason: Wants the boss. Not identified;")


def test_the_summary_is_edited_and_never_empty(door: Door) -> None:
    """Rule 34: what the agent makes of the draft is sent; an empty one is turned down."""
    played = door.stage.lines(*ANN, "/transfer", "", " ", "Please call back after six.")
    assert [t.summary for t in memory(door.stage).transfers] == ["Please call back after six."]
    assert any("A transfer needs a summary" in words for words in played.complaints)


# -- a slow shop ------------------------------------------------------------------------------


def slow(*script: Scripted) -> ScriptedShop:
    return ScriptedShop(curated_shop(), script)


LOOK_UPS = {
    "get_customer_by_email": [ANN[0]],
    "summarize_orders": [ANN[0], "/unknown"],
    "get_order_details": ANN,
    "get_item_details": [*ANN, "lamp"],
    "get_package_details": [*ANN, "lamp"],
}


@pytest.mark.parametrize("operation", LOOK_UPS)
def test_the_customer_hangs_up_during_a_look_up(door: Door, operation: str) -> None:
    """Rule 36: an end of its own, with everything kept."""
    shop = slow(Hangs(operation))
    played = door.type(*LOOK_UPS[operation], "/hangup", shop=shop, patience=0)
    shop.close()
    assert (played.ended, played.state) == (True, "abandoned")
    assert played.names[-1] == "call_dropped"


@pytest.mark.parametrize("operation", LOOK_UPS)
def test_a_look_up_is_stopped(door: Door, operation: str) -> None:
    """What was waited for is named, stopping leads back to a question, and nothing is lost."""
    shop = slow(Hangs(operation))
    played = door.type(*LOOK_UPS[operation], "/stop", shop=shop, patience=0)
    shop.close()
    assert not played.ended
    failure = next(e for e in played.events if isinstance(e, ev.BackendFailed))
    assert (failure.operation, failure.outcome) == (operation, "cancelled")
    assert told(played, "The look-up was stopped.")


def test_a_human_during_a_look_up(door: Door) -> None:
    """Rule 35: from any step."""
    shop = slow(Hangs("get_order_details"))
    played = door.type(*ANN, "/transfer", "", "", shop=shop, patience=0)
    shop.close()
    assert played.state == "transferred"


def test_a_write_that_is_stopped_is_unknown(door: Door) -> None:
    """Rule 29: no hang-up and no transfer drop a write; stopping leaves its outcome unknown."""
    shop = slow(Hangs("initiate_return"))
    played = door.type(*LAMP, "/stop", "/again", *NOTICES, "/done", shop=shop, patience=0)
    shop.close()
    assert played.state == "closed"
    assert [type(e).__name__ for e in played.events].count("BackendFailed") == 1
    offered = next(p for p in played.prompts if p.label.startswith("Wait on?"))
    assert [c.word for c in offered.completions] == ["/wait", "/stop", "/leave"]
    assert len(shop.shop.returns) == 1


# -- another day ------------------------------------------------------------------------------


def test_resumed_the_next_day_with_a_write_pending(door: Door) -> None:
    """Rule 4: the write is settled first, under its own date and key; nothing is sent twice."""
    shop = slow(Hangs("initiate_return"))
    left = door.type(*LAMP, "/leave", shop=shop, patience=0)
    shop.close()
    assert not left.ended
    assert left.names[-1] == "return_requested"
    door.stage.later(1)
    played = door.type(*NOTICES, "/done", case_id=left.case_id, shop=shop.shop)
    assert played.state == "closed"
    after = played.names[len(left.names) :]
    assert after[0] == "return_opened"
    assert "return_requested" not in after
    assert len(shop.shop.returns) == 1


def test_resumed_the_next_day_what_was_not_sent_is_decided_again(door: Door) -> None:
    """Rule 4: of two lines one was sent; the other's window has closed meanwhile."""
    shop = three_items()
    thirty = shop.items["RED"].policy
    assert thirty is not None
    shop.items["BLUE"] = replace(shop.items["BLUE"], policy=replace(thirty, return_window="10"))
    scripted = ScriptedShop(shop, [Hangs("initiate_return")])
    left = door.type(*ANN, "red, blue", "1 for all", "yes", "/leave", shop=scripted, patience=0)
    scripted.close()
    door.stage.later(1)
    played = door.type(*NOTICES, case_id=left.case_id, shop=shop)
    after = played.names[len(left.names) :]
    assert after[:2] == ["return_opened", "resumed"]
    assert [made.item_id for made in shop.returns] == ["RED"]


def test_on_another_day_the_customer_hears_that_it_is_checked_again(door: Door) -> None:
    """Rule 4: the words of the step, which leads to a look-up and has no question of its own."""
    left = door.type(*ANN, "lamp", "/leave", "yes")
    door.stage.later(1)
    played = door.type("1", "yes", case_id=left.case_id)
    assert told(played, "is checked once more")


def test_the_same_day_nothing_is_decided_again(door: Door) -> None:
    """Rule 4: a call that is left and resumed on one day goes on where it was."""
    left = door.type(*ANN, "lamp", "/leave", "yes")
    played = door.type("1", "yes", case_id=left.case_id)
    assert played.names.count("item_found") == 1
    assert "resumed" not in played.names


# -- what shops get wrong ---------------------------------------------------------------------


WRONG: dict[str, tuple[list[str], Callable[[MemoryShop], object]]] = {
    "get_order_details": (ANN, lambda shop: shop.orders["O-BEA"]),
    "get_item_details": ([*ANN, "lamp"], lambda shop: shop.items["MUG"]),
    "get_package_details": ([*ANN, "lamp"], lambda shop: shop.packages["P-MUG"]),
}


@pytest.mark.parametrize("operation", WRONG)
def test_an_answer_to_another_question_is_no_answer(door: Door, operation: str) -> None:
    """Rule 21: what was not asked for is not taken in, and the agent can go on."""
    typed, pick = WRONG[operation]
    record = pick(memory(door.stage))
    fault = FaultyBackend(door.stage.shop, {(operation, 1): Fault("wrong", record=record)})
    played = door.type(*typed, "/close", shop=fault)
    assert played.state == "closed_without_return"
    assert "backend_failed" in played.names
