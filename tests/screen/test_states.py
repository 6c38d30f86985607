"""Every state on the full screen: what it shows, and each way of answering it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from returnflow.backends.protocol import Backend
from returnflow.returns import events as ev
from returnflow.testing import Fault, FaultyBackend, curated_shop
from screen.driver import (
    BACKSPACE,
    CTRL_C,
    DOWN,
    END,
    ENTER,
    ESC,
    F3,
    F4,
    F7,
    F8,
    PAGE_DOWN,
    SPACE,
    TAB,
    UP,
    Keys,
    lacks,
    play,
    resized,
    shows,
    typed,
)
from wizard.driver import Stage
from wizard.typing_calls import Hangs, ScriptedShop

ANN = typed("ann@example.com", "O-ANN")
LAMP = [*ANN, SPACE + ENTER]
REASON = [*LAMP, "1" + ENTER]
OPENED = [*REASON, "y"]
SAID = [*OPENED, SPACE, SPACE, SPACE]


def faulty(*plan: tuple[str, int, str]) -> Backend:
    """The curated shop, whose calls named in `plan` fail."""
    faults = {(name, number): Fault(cast(Any, kind), "busy") for name, number, kind in plan}
    return FaultyBackend(curated_shop(), faults)


TRANSFER = [F4, ENTER, ENTER]
NO_RETURN = faulty
REACH: dict[str, tuple[list[str], Callable[[], Backend]]] = {
    "started": ([], curated_shop),
    "identified": (ANN[:1], curated_shop),
    "orders_listed": ([ANN[0], f"/unknown{ENTER}"], curated_shop),
    "order_selected": (ANN, curated_shop),
    "eligibility_checked": (LAMP, curated_shop),
    "nothing_eligible": ([*ANN, DOWN + SPACE + ENTER], curated_shop),
    "return_initiated": (OPENED, curated_shop),
    "return_unconfirmed": (OPENED, lambda: faulty(("initiate_return", 1, "timeout_before"))),
    "nothing_initiated": (OPENED, lambda: faulty(("initiate_return", 1, "refusal"))),
    "transfer_failed": (
        TRANSFER,
        lambda: faulty(("transfer_to_human_representative", 1, "no_connection")),
    ),
}
"""By asking state, the keys that lead there and the shop that it takes."""

SHOWN = {
    "started": ["What is the e-mail address", "E-mail:", "/close"],
    "identified": ["Thank you, Ann.", "Order id:", "/unknown"],
    "orders_listed": ["I see one open order.", "O-ANN", "2 × Reading lamp", "Order:", "/none"],
    "order_selected": ["[ ] Reading lamp", "2 ordered · 19.99 EUR each", "– of 2", "Search:"],
    "eligibility_checked": ["2 × Reading lamp", "1 damaged", "Reason:", "2 of 2 may go back"],
    "nothing_eligible": ["[ ] Woollen rug: 1 unit", "P-LOST", "Space it is said"],
    "return_initiated": ["[ ] Your return of 2 ×", "RT-0001", "opened, tracking id", "/done"],
    "return_unconfirmed": ["Known: initiate_return was sent", "Not known: whether", "/again"],
    "nothing_initiated": ["our system declined the return", "[ ] Reading lamp", "/close"],
    "transfer_failed": ["Known:", "nothing was", "/again", "/promise"],
}


def test_every_asking_state_is_reached(stage: Stage) -> None:
    """The tables of this file hold each of them."""
    asking = {name for name, state in stage.definition.states.items() if state.kind == "ask"}
    assert set(REACH) == asking == set(SHOWN)


@pytest.mark.parametrize("state", REACH)
def test_a_state_shows_what_it_asks(stage: Stage, state: str) -> None:
    """What to say, where to type, what is known; at 80×24 and, folded, at 60×20."""
    keys, shop = REACH[state]
    for columns, rows in ((80, 24), (60, 20)):
        seen = SHOWN[state] if columns == 80 else []
        played = play(
            stage, *keys, shows(*seen), shows("┃ “"), columns=columns, rows=rows, shop=shop()
        )
        assert (played.state or "started") == state
        assert not played.ended


@pytest.mark.parametrize("state", REACH)
def test_the_customer_hangs_up(stage: Stage, state: str) -> None:
    """Rule 36: F8 asks, no returns to the question, yes ends the call."""
    keys, shop = REACH[state]
    played = play(stage, *keys, F8, shows("Is the customer gone?"), "n", F8, "y", "q", shop=shop())
    assert played.ended
    assert played.state == "abandoned"


@pytest.mark.parametrize("state", sorted(set(REACH) - {"transfer_failed"}))
def test_a_transfer_from_every_state(stage: Stage, state: str) -> None:
    """Rules 34, 35: F4 asks why and shows the drafted summary, which can be edited."""
    keys, shop = REACH[state]
    played = play(
        stage,
        *keys,
        F4,
        shows("Enter: the customer asks", "Why:"),
        f"not satisfied{ENTER}",
        shows("Summary for the next person", "Is not satisfied."),
        f" Thanks!{ENTER}",
        shows("Transferred"),
        "q",
        shop=shop(),
    )
    assert played.state == "transferred"
    (wanted,) = [event for event in played.events if isinstance(event, ev.HumanRequested)]
    assert wanted.reason == "not_satisfied"
    assert wanted.summary.startswith("Is not satisfied.")
    assert wanted.summary.endswith("Thanks!")


@pytest.mark.parametrize("state", REACH)
def test_back(stage: Stage, state: str) -> None:
    """Rule 32: F7 takes the last answer back, and says why where it cannot."""
    keys, shop = REACH[state]
    fenced = state in ("return_initiated", "return_unconfirmed", "nothing_initiated")
    told = {
        "started": "There is no answer to take back yet.",
        "transfer_failed": "/back ends here",
    }
    if fenced:
        told[state] = "/back ends here: what was sent to the shop stays"
    play(stage, *keys, F7, shows(told[state]) if state in told else lacks("! "), shop=shop())


@pytest.mark.parametrize("state", REACH)
def test_leaving(stage: Stage, state: str) -> None:
    """Ctrl-C asks, Escape stays, and a call that was left is kept and goes on."""
    keys, shop = REACH[state]
    made = shop()
    played = play(
        stage, *keys, CTRL_C, shows("Leave the call?"), ESC, lacks("Leave the call?"), CTRL_C, "y",
        shop=made,
    )  # fmt: skip
    assert not played.ended
    assert played.desk is not None
    assert played.desk.left
    if not played.entries:
        return
    again = play(stage, shows("┃ “"), shop=made, case_id=played.case_id)
    assert again.state == played.state


# -- the ends ---------------------------------------------------------------------------------


def test_a_call_to_its_end_and_the_next(stage: Stage) -> None:
    """The wrap-up: outcome, tracking id, duration, notes; then the next call opens at once."""
    first = play(
        stage,
        *SAID,
        shows("Is everything settled"),
        DOWN + ENTER,
        shows("Closed with a return", "Tracking id RT-0001", "Duration: 0 min", "Case 2026"),
        "o",
        f"was very kind{ENTER}",
        shows("The note is kept.", "Note: was very kind"),
        "s",
        shows("The call so far", "The customer gave the address a•••@e•••.com."),
        END,
        shows("The shop opened return RT-0001.", "The call ended: closed."),
        ESC,
        "n",
        shows("What is the e-mail address"),
        *ANN,
        shows("– of 0"),
        SPACE,
        shows("! That choice is not possible: Reading lamp", "– of 0"),
        DOWN,
        "9",
        shows("! That choice is not possible: Woollen rug"),
        calls=2,
    )
    assert first.state == "order_selected"


def test_a_close_without_a_return(stage: Stage) -> None:
    """Tab leads to the other answers, Enter takes one."""
    played = play(stage, *ANN, TAB, TAB, TAB, ENTER, shows("Closed without a return"), "q")
    assert played.names[-1] == "return_declined"
    assert played.state == "closed_without_return"


def test_not_recognised_orders_and_another_address(stage: Stage) -> None:
    """Rule 23: none of the orders; then another address, typed behind its slash word."""
    played = play(
        stage,
        ANN[0],
        f"/unknown{ENTER}",
        f"/none{ENTER}",
        shows("Then it is none of the open orders."),
        f"/email bea@example.com{ENTER}",
        shows("Thank you, Bea."),
    )
    assert played.names[-2:] == ["email_given", "customer_found"]


def test_a_field_of_another_answer(stage: Stage) -> None:
    """An answer with a field asks for it; Escape goes back to the question, wrong input is told."""
    played = play(
        stage,
        *ANN,
        TAB + ENTER,
        shows("Order id:"),
        ENTER,
        shows("! Please type the order id."),
        ESC,
        shows("[ ] Reading lamp"),
        TAB + ENTER,
        f"O-BEA{ENTER}",
        shows("I do not find an order O-BEA"),
    )
    assert played.state == "identified"


def test_an_order_is_picked_from_the_list(stage: Stage) -> None:
    """By the cursor, by words of an item, or by an id that is not listed."""
    listed = [ANN[0], f"/unknown{ENTER}"]
    assert play(stage, *listed, ENTER).state == "order_selected"
    assert play(stage, *listed, f"lamp{ENTER}").state == "order_selected"
    played = play(stage, *listed, f"banana{ENTER}", shows("! No order of the list matches"))
    assert played.state == "orders_listed"
    other = play(stage, *listed, f"O-77{ENTER}", shows("I do not find an order O-77"))
    assert other.names[-1] == "order_missing"


# -- items ------------------------------------------------------------------------------------


def picks(*keys: Keys) -> list[Keys]:
    return [*ANN, *keys]


@pytest.mark.parametrize(
    ("keys", "units"),
    [
        ([SPACE], {"LAMP": 2}),
        (["1"], {"LAMP": 1}),
        (["1", DOWN, SPACE], {"LAMP": 1, "RUG": 1}),
        (["*"], {"LAMP": 2, "RUG": 1, "GONE": 1}),
        ([SPACE, "-"], {"LAMP": 1}),
        (["1", "+"], {"LAMP": 2}),
        (["rug", SPACE], {"RUG": 1}),
        (["rug", SPACE, "\x7f\x7f\x7f", UP, UP, "1"], {"LAMP": 1, "RUG": 1}),
        ([SPACE, SPACE, PAGE_DOWN, SPACE], {"GONE": 1}),
        (["12", "\x7f"], {"LAMP": 1}),
    ],
)
def test_items_are_chosen(stage: Stage, keys: list[str], units: dict[str, int]) -> None:
    """Space chooses all there are, digits say how many, letters search, * takes everything."""
    played = play(stage, *picks(*keys, ENTER))
    (chosen,) = [event for event in played.events if isinstance(event, ev.ItemsPicked)]
    assert {pick.item_id: pick.quantity for pick in chosen.picks} == units


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([ENTER], "Nothing is chosen yet"),
        (["3", ENTER], "3 asked for, but 2 ordered and 0"),
        (["999999", ENTER], "999999 asked for"),
        (["0", ENTER], "Nothing is chosen yet"),
        ([SPACE, SPACE, ENTER], "Nothing is chosen yet"),
        (["banana", SPACE, ENTER], "Nothing is chosen yet"),
        ([f"/nonsense{ENTER}"], "There is no /nonsense here"),
    ],
)
def test_items_are_turned_down_in_place(stage: Stage, keys: list[str], told: str) -> None:
    """Rules 16, 17: the reason stands below, what was chosen stays, nothing moves."""
    played = play(stage, *picks(*keys, shows(told)))
    assert played.state == "order_selected"


def test_more_units_than_there_are_are_told_of_for_as_long_as_they_are_chosen(
    stage: Stage,
) -> None:
    """By whatever key it became too many, and by whatever key it is put right."""
    refused = "! That choice is not possible: Reading lamp"
    for keys, right in ((["2", "+"], "-"), (["12"], BACKSPACE), (["9"], "*")):
        played = play(stage, *picks(*keys, shows(refused), right, lacks(refused)))
        assert played.state == "order_selected"
    still = play(stage, *picks("999", BACKSPACE, shows(refused)))
    assert still.state == "order_selected"


def test_an_item_is_looked_up_before_it_is_chosen(stage: Stage) -> None:
    """F3, or /check: the answer stands beside the item and in words."""
    played = play(stage, *ANN, DOWN, F3, shows("may not go back"), f"/check 1{ENTER}")
    assert played.names[-2:] == ["item_found", "package_found"]
    assert played.state == "order_selected"


# -- reasons and review -----------------------------------------------------------------------


def test_a_reason_for_each_item(stage: Stage) -> None:
    """Rules 19, 26: by number or name, divided, for all; OTHER asks for a note."""
    played = play(
        stage,
        *ANN,
        f"1{DOWN}{DOWN}{DOWN}{ENTER}",
        *(),
    )
    assert played.state in ("order_selected", "eligibility_checked", "closed_without_return")
    played = play(
        stage,
        *LAMP,
        f"1 x damaged: cracked, 1 x other{ENTER}",
        shows("What is the reason, in a few words:"),
        f"hums{ENTER}",
        shows("quantity 1, reason DAMAGED, note “cracked”", "reason OTHER, note “hums”"),
        "y",
    )
    (said,) = [event for event in played.events if isinstance(event, ev.ReturnConfirmed)]
    assert [(line.quantity, line.reason, line.note) for line in said.lines] == [
        (1, "DAMAGED", "cracked"),
        (1, "OTHER", "hums"),
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("", "Please type a reason"),
        ("6", "is not one of the reasons"),
        ("3 x damaged", "That is 3 units, but 2 units may go back."),
        ("0", "This cannot be sent"),
        ("２", "is not one of the reasons"),
        ("/back", None),
    ],
)
def test_reasons_are_turned_down_in_place(stage: Stage, answer: str, told: str | None) -> None:
    """Rule 16; /back goes back to the items."""
    played = play(stage, *LAMP, f"{answer}{ENTER}", *([shows(told)] if told else []))
    assert played.state == ("eligibility_checked" if told else "order_selected")


def test_the_customer_says_no_or_changes(stage: Stage) -> None:
    """Rule 25: nothing is sent before y; Enter alone chooses nothing; n and c send nothing."""
    played = play(
        stage,
        *REASON,
        shows("This will be sent to the shop", "refund 39.98 EUR"),
        ENTER,
        shows("! Please choose: y (yes), n (no), c (change)."),
        "n",
        shows("Nothing was sent."),
        f"2{ENTER}",
        "c",
        lacks("Nothing was sent."),
        f"3{ENTER}",
        DOWN + DOWN + ENTER,
        shows("Nothing was sent."),
        f"4{ENTER}",
        DOWN + ENTER,
    )
    (line,) = [event for event in played.events if isinstance(event, ev.ReturnConfirmed)]
    assert line.lines[0].reason == "ORDERED_BY_MISTAKE"


def test_enter_twice_is_one_return(stage: Stage) -> None:
    """Rule 28: whatever is pressed again while a return is sent reaches no question."""
    shop = curated_shop()
    played = play(stage, *REASON, "y" + "y" * 5 + ENTER * 5 + SPACE * 3, shop=shop)
    assert len(shop.returns) == 1
    assert played.names.count("told") == 0


def test_notices_are_ticked_one_by_one(stage: Stage) -> None:
    """Rule 33: in any order, by Space alone; until then the call is not closed."""
    played = play(
        stage,
        *OPENED,
        ENTER,
        shows("! Say it to the customer, then press Space"),
        DOWN,
        shows("┃ “For 2 × Reading lamp"),
        SPACE,
        shows("[✓] For 2 × Reading lamp"),
        f"{TAB}{ENTER}",
        shows("! First of all:"),
        SPACE,
        SPACE,
    )
    told = [event.notice for event in played.events if isinstance(event, ev.Told)]
    assert sorted(told) == ["approval_before_pickup", "shipping_not_refunded", "tracking_id"]


def test_a_return_of_unknown_outcome(stage: Stage) -> None:
    """Rules 29, 30: what is known, what is not; again with the same key is one return."""
    shop = faulty(("initiate_return", 1, "timeout_after"))
    played = play(
        stage,
        *OPENED,
        shows("it gets the same key, so it"),
        f"again{ENTER}",
        shows("RT-0001"),
        shop=shop,
    )
    keys = {event.key for event in played.events if isinstance(event, ev.ReturnRequested)}
    assert len(keys) == 1
    assert played.state == "return_initiated"


# -- a slow shop ------------------------------------------------------------------------------


def hanging() -> Backend:
    """A shop that does not answer the look-up of an order."""
    return ScriptedShop(curated_shop(), [Hangs("get_order_details")])


@pytest.mark.parametrize(
    ("keys", "state"),
    [
        (["s"], "identified"),
        ([ESC], "identified"),
        ([CTRL_C], "identified"),
        (["h", "n", "s"], "identified"),
        (["h", "y", "q"], "abandoned"),
        (["l"], "fetching_order"),
        (["t", ESC, "s"], "identified"),
        (["w", "s"], "identified"),
        ([DOWN, DOWN, ENTER, "s"], "identified"),
        ([ENTER, shows("! Please choose"), "s"], "identified"),
    ],
)
def test_a_slow_look_up(stage: Stage, keys: list[Keys], state: str) -> None:
    """The screen lives: how long it takes, what can be done; each way of it."""
    played = play(
        stage,
        *ANN,
        shows("Looking up the order: ", "No answer from the shop for", "stop this look-up"),
        *keys,
        shop=hanging(),
        patience=0.0,
    )
    assert played.state == state


def test_a_transfer_while_the_shop_is_slow(stage: Stage) -> None:
    """Rule 35: from any step, even then."""
    shop = ScriptedShop(curated_shop(), [Hangs("get_order_details")])
    played = play(stage, *ANN, "t", ENTER, ENTER, "q", shop=shop, patience=0.0)
    assert played.state == "transferred"


def test_nothing_is_done_where_nothing_is_seen(stage: Stage) -> None:
    """In a window too small to show it an answer is not heard, not even later."""
    keys, shop = REACH["identified"]
    played = play(stage, resized(40, 12), *keys, resized(80, 24), shows("┃ “"), shop=shop())
    assert (played.state or "started") == "started"
    assert not played.ended
