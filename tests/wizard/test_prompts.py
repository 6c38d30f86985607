"""Every prompt: what it turns down, and the words and keys that mean the same everywhere."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from returnflow.backends.protocol import Backend
from returnflow.engine.journal import visible
from returnflow.returns import events as ev
from returnflow.testing import Fault, FaultyBackend, curated_shop
from wizard.driver import CTRL_C, CTRL_D, CTRL_U, ENTER, TAB, Door, Stage, told
from wizard.typing_calls import Hangs, ScriptedShop

ANN = ["ann@example.com", "O-ANN"]
NOT_QUANTITIES = ["0", "-1", "1.5", "２", "1e3", "+1", "1,5", str(10**30)]
NOT_ADDRESSES = ["", " ", "0", "ann", "ann@", "@example.com", "ann@example", "a@b@c.de"]
NOT_ADDRESSES += ["a b@example.com", "ann＠example.com"]
LONG = "x" * 600


def typed(*answers: str) -> str:
    return "".join(answer + ENTER for answer in answers)


# -- wrong input ------------------------------------------------------------------------------

PROMPTS: dict[str, tuple[list[str], list[str], list[str]]] = {
    "E-mail": (
        [],
        [*NOT_ADDRESSES, LONG, f"{'x' * 250}@example.com"],
        ["ann@example.com"],
    ),
    "Order id": (ANN[:1], ["", "  ", LONG], ["O-ANN"]),
    "Order": ([ANN[0], "/unknown"], ["", "0", "2", "banana", LONG], ["1"]),
    "Items": (
        ANN,
        ["", ",", "0", "4", "banana", "o", LONG * 4, "1 x", "1 x 3", "all, 1"]
        + [f"1 x {quantity}" for quantity in NOT_QUANTITIES],
        ["1 x 1"],
    ),
    "Reason for 2 × Reading lamp": (
        [*ANN, "lamp"],
        ["", "0", "6", "d", "bored", LONG, "3 x damaged", "1 x damaged, other", "0 for all"]
        + ["2 x damaged, 1 x other", "3 x other for all"]
        + [f"{quantity} x damaged" for quantity in NOT_QUANTITIES if quantity != "1,5"],
        ["damaged"],
    ),
    "What is the reason, in a few words": ([*ANN, "lamp", "other"], [LONG], ["hums"]),
    "The customer's answer (yes / no / change)": (
        [*ANN, "lamp", "1"],
        ["", "maybe", "1", "/yes", "yes please"],
        ["yes"],
    ),
    "Said? [Enter]": ([*ANN, "lamp", "1", "yes"], ["what?", "no", "/done", "/another"], [""]),
    "Your choice": (
        [*ANN, "lamp", "1", "yes", "", "", ""],
        ["", "done", "1", "yes"],
        ["/done"],
    ),
    "Why (Enter: the customer asks; or: not satisfied; or your words)": (
        ["/transfer"],
        [LONG],
        [""],
    ),
    "Summary": (["/transfer", ""], [" ", "\t", "x" * 4001], ["Please help."]),
    "Note": (["/note"], ["x" * 4001], ["sounds upset"]),
    "Leave the call? Nothing is answered yet. (yes / no)": (
        ["/leave"],
        ["", "perhaps", "/back"],
        ["no"],
    ),
    "Is the customer gone? This ends the call. (yes / no)": (
        ["/hangup"],
        ["", "perhaps", "gone"],
        ["no"],
    ),
}


@pytest.mark.parametrize("label", PROMPTS)
def test_wrong_answers_are_turned_down_in_place(stage: Stage, label: str) -> None:
    """Rule 16, and the like at every prompt: a reason in words, nothing moves, a good one works."""
    reach, wrong, good = PROMPTS[label]
    before = stage.lines(*reach)
    assert before.labels[-1] == label
    played = stage.lines(*reach, *wrong, *good, shop=curated_shop())
    assert len(played.complaints) == len(wrong), played.complaints
    assert all(len(words) > 15 for words in played.complaints)
    asked = played.labels[len(before.labels) - 1 :]
    # Asked once and for all: a wrong answer is mended within the prompt.
    assert asked[0] == label
    assert len(asked) > 1 or played.ended


@pytest.mark.parametrize("label", PROMPTS)
def test_an_unknown_word_is_answered_with_the_one_meant(stage: Stage, label: str) -> None:
    reach, _, _ = PROMPTS[label]
    if label in ("E-mail", "Order id", "Order", "Items", "Said? [Enter]", "Your choice"):
        played = stage.lines(*reach, "/trnasfer", "/qqqqq", "/")
        assert "There is no /trnasfer here; /help lists. Did you mean /transfer?" in played.raw
        assert played.complaints[1] == "There is no /qqqqq here; /help lists."
        assert len(played.complaints) == 3
    else:
        played = stage.lines(*reach, "/back")
        assert played.error is None


def test_quantities_are_turned_down_with_the_rule(stage: Stage) -> None:
    """Rule 16: each with what would be right."""
    played = stage.lines(*ANN, *(f"lamp x {quantity}" for quantity in NOT_QUANTITIES))
    assert played.complaints[0] == "A quantity is a whole number from 1 up; 0 returns nothing."
    assert "“２” is not a quantity: a whole number from 1 up" in played.complaints[3]
    assert played.state == "order_selected"


def test_ambiguous_words_are_answered_with_the_candidates(stage: Stage) -> None:
    played = stage.lines(*ANN, "o")
    assert played.complaints == [
        "“o” matches several: 2 (Woollen rug), 3 (Tea cosy). Type a number."
    ]


def test_more_than_there_is_names_the_figures(stage: Stage) -> None:
    """Rule 17: at the pick, ordered less those in a return already."""
    stage.lines(*ANN, "lamp x 1", "1", "yes")
    played = stage.lines(*ANN, "lamp x 2")
    assert "2 asked for, but 2 ordered and 1 in a return already; up to 1" in played.complaints[0]


def test_what_is_pasted_along_is_left_out(stage: Stage) -> None:
    """Rule 37: control and invisible characters do not get into the call, nor a second line."""
    paste = "\x1b[200~ann@exa\u200bmple.com\n\x1b[201~"
    played = stage.keys(paste + ENTER + typed("O-ANN"))
    assert [e.email for e in played.events if isinstance(e, ev.EmailGiven)] == ["ann@example.com"]
    note = "\x1b[200~first\nsecond\x1b[201~"
    noted = stage.keys(f"/note {note}{ENTER}")
    assert [entry.text for entry in noted.entries] == ["first second"]


# -- the words that always work ---------------------------------------------------------------

STATES: dict[str, list[str]] = {
    "started": ["nobody@example.com"],
    "identified": ["ann@example.com"],
    "orders_listed": ["ann@example.com", "/unknown"],
    "order_selected": ANN,
    "eligibility_checked": [*ANN, "lamp"],
    "nothing_eligible": [*ANN, "rug"],
    "return_initiated": [*ANN, "lamp", "1", "yes"],
    "return_unconfirmed": [*ANN, "lamp", "1", "yes"],
    "nothing_initiated": [*ANN, "lamp", "1", "yes"],
    "transfer_failed": ["ann@example.com", "/transfer", "", ""],
}
"""Every state that asks, and how it is reached."""

FAULTS = {
    "return_unconfirmed": ("initiate_return", Fault("timeout_before")),
    "nothing_initiated": ("initiate_return", Fault("refusal")),
    "transfer_failed": ("transfer_to_human_representative", Fault("refusal")),
}


def shop_for(state: str) -> Backend:
    shop = curated_shop()
    if state not in FAULTS:
        return shop
    operation, fault = FAULTS[state]
    return FaultyBackend(shop, {(operation, 1): fault})


def test_every_asking_state_is_tried(stage: Stage) -> None:
    asking = {name for name, state in stage.definition.states.items() if state.kind == "ask"}
    assert set(STATES) == asking


@pytest.mark.parametrize("state", STATES)
def test_the_words_that_work_everywhere(door: Door, state: str) -> None:
    """At every question: a note, help, what is known; a hang-up and a leaving thought better of."""
    played = door.type(
        *STATES[state],
        *("/help", "/FACTS", "/note one, two", "/note", "three", "/hangup", "no", "/leave", "no"),
        shop=shop_for(state),
    )
    assert played.state == state
    assert not played.ended
    assert [e.text for e in played.entries if e.kind == "noted"] == ["one, two", "three"]
    assert "call_dropped" not in played.names
    for word in ("back", "note", "transfer", "hangup", "help", "facts", "check", "leave"):
        assert told(played, f"/{word}: "), word
    assert told(played, "Decided under: 30 March 2026, Europe/Berlin")
    assert told(played, f"returnflow calls resume {played.case_id}")


@pytest.mark.parametrize("state", STATES)
def test_a_check_is_made_where_it_makes_sense(door: Door, state: str) -> None:
    played = door.type(*STATES[state], "/check lamp", shop=shop_for(state))
    if state == "order_selected":
        assert told(played, "Reading lamp: 2 of 2 may go back")
        assert played.names[-2:] == ["item_found", "package_found"]
    else:
        assert "/check looks an item up once an order is selected" in played.complaints[-1]
    assert played.state == state


@pytest.mark.parametrize("state", STATES)
def test_a_hang_up_ends_the_call_at_every_question(door: Door, state: str) -> None:
    """Rule 36: an end of its own, and what was opened stands."""
    played = door.type(*STATES[state], "/hangup", "yes", shop=shop_for(state))
    assert (played.ended, played.state) == (True, "abandoned")
    if state == "return_initiated":
        assert told(played, "Return RT-0001 stands.")


@pytest.mark.parametrize("state", STATES)
def test_a_human_from_every_question(door: Door, state: str) -> None:
    """Rule 35: but where a transfer failed just now: there it is tried again."""
    played = door.type(*STATES[state], "/transfer", "", "An edited summary.", shop=shop_for(state))
    if state == "transfer_failed":
        assert "try it again, or promise a call back" in played.complaints[0]
        return
    assert (played.ended, played.state) == (True, "transferred")
    request = next(e for e in played.events if isinstance(e, ev.TransferRequested))
    assert request.summary == "An edited summary."
    assert request.customer_id == (None if state == "started" else "ANN")


BACK = {
    "started": "",
    "identified": "started",
    "orders_listed": "identified",
    "order_selected": "identified",
    "eligibility_checked": "order_selected",
    "nothing_eligible": "order_selected",
    "return_initiated": "return requested",
    "return_unconfirmed": "return requested",
    "nothing_initiated": "return requested",
    "transfer_failed": "transfer requested",
}


@pytest.mark.parametrize("state", STATES)
def test_back_goes_up_to_what_was_sent(door: Door, state: str) -> None:
    """Rule 32: never across a write, and the horizon has a name."""
    played = door.type(*STATES[state], "/back", shop=shop_for(state))
    to = BACK[state]
    if to.endswith("requested"):
        assert played.complaints == [f"/back ends here: what was sent to the shop stays ({to})."]
        assert told(played, played.complaints[0])
        assert (played.state, len(visible(played.entries))) == (state, len(played.entries))
    else:
        assert played.complaints == []
        assert played.state == (to or "started")
        assert [entry.kind for entry in played.entries][-1] == "rewound"


def test_back_to_the_very_beginning_and_no_further(door: Door) -> None:
    played = door.type("ann@example.com", "/back", "/back", "bea@example.com")
    assert played.complaints == ["There is no answer to take back yet."]
    assert [e.email for e in played.events if isinstance(e, ev.EmailGiven)] == ["bea@example.com"]


def test_back_after_a_new_day(stage: Stage) -> None:
    """Rule 4: a new day is no answer that could be taken back."""
    left = stage.lines(*ANN, "lamp")
    stage.later()
    played = stage.lines("/back", case_id=left.case_id)
    assert played.complaints == ["/back ends here: the call was taken up again under another day."]


def test_back_takes_back_what_was_said_wrongly(door: Door) -> None:
    """A sentence said too early can be said again; a note in between is no answer."""
    played = door.type(*ANN, "lamp", "1", "yes", "", "/note cough", "/back", "", "", "", "/done")
    assert played.state == "closed"
    assert len([e for e in played.entries if e.event and isinstance(e.event, ev.Told)]) == 4


def test_an_option_can_carry_its_answer(door: Door) -> None:
    """``/order O-1`` and ``/order``, then the id; a wrong one is asked again."""
    one = door.type(*ANN, "/order o-ann", "/close")
    two = door.type(*ANN, "/order", "/back", "/order", "o-ann", "/close")
    assert one.names == two.names
    three = door.type(*ANN, "lamp", "/items 9", "rug", "/close")
    assert three.names.count("items_picked") == 2


# -- Ctrl-C and Ctrl-D ------------------------------------------------------------------------


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_ctrl_c_and_ctrl_d_ask_whether_to_leave(stage: Stage, key: str) -> None:
    """At a question and where a sentence is to be said; a no goes on, the key again leaves."""
    stays = stage.keys(typed(ANN[0]) + key + typed("no", "O-ANN") + key + key + typed("never read"))
    assert stays.state == "order_selected"
    assert stays.labels.count("Leave the call? It is kept and can be resumed. (yes / no)") == 2
    saying = stage.keys(typed(*ANN, "rug") + key + typed("no", "", "/close"))
    assert saying.state == "closed_without_return"


def test_within_an_answer_ctrl_c_asks_whether_to_leave(stage: Stage) -> None:
    """A no goes on where it was; nothing is sent or said of an answer left there (rule 25)."""
    review = stage.keys(typed(*ANN, "lamp", "1") + CTRL_C + typed("no", "yes", "", "", ""))
    assert review.state == "return_initiated"
    transfer = stage.keys(typed("/transfer") + CTRL_C + typed("no", "") + CTRL_C + typed("yes"))
    assert "human_requested" not in transfer.names
    note = stage.keys(typed("/note") + CTRL_C + typed("no", "/back", "ann@example.com"))
    assert note.state == "identified"


@pytest.mark.parametrize("within", [["/transfer"], ["/transfer", ""], ["/note"], ["/hangup"]])
def test_within_an_answer_ctrl_d_asks_whether_to_leave(stage: Stage, within: list[str]) -> None:
    keys = typed("ann@example.com", *within)
    if within == ["/transfer", ""]:
        keys += CTRL_U  # Ctrl-D deletes while there is something to delete
    back = "" if within == ["/hangup"] else CTRL_U + typed("/back")
    stays = stage.keys(keys + CTRL_D + typed("no") + back + typed("O-ANN") + CTRL_C + CTRL_C)
    assert stays.state == "order_selected"
    leaves = stage.keys(keys + CTRL_D + typed("yes", "O-ANN"))
    assert leaves.state == "identified"


@pytest.mark.parametrize(
    "within",
    [
        [*ANN, "/transfer"],
        [*ANN, "/transfer", "asked"],
        [*ANN, "/note"],
        [*ANN, "lamp", "other"],
        [*ANN, "lamp", "1"],
        [*ANN, "/order"],
    ],
)
def test_the_words_that_always_work_do_so_within_an_answer(stage: Stage, within: list[str]) -> None:
    """Rule 35: and a word that begins with a slash is never taken for a text to be sent."""
    clear = CTRL_U if within[-1] == "asked" else ""
    aside = stage.keys(
        typed(*within)
        + clear
        + typed("/facts")
        + clear
        + typed("/note so it is")
        + clear
        + typed("/hlp")
        + CTRL_U
        + typed("/help")
        + clear
        + typed("/hangup", "yes")
    )
    assert aside.state == "abandoned"
    assert told(aside, "Decided under")
    assert told(aside, "these words")
    assert [entry.text for entry in aside.entries if entry.kind == "noted"] == ["so it is"]
    assert any("There is no /hlp" in complaint for complaint in aside.complaints)
    handed = stage.keys(typed(*within) + clear + typed("/transfer", "", ""))
    assert handed.state == "transferred"
    assert "/transfer" not in handed.events[-3].summary  # type: ignore[attr-defined]


def test_a_refused_line_is_replaced_by_what_is_typed_next(stage: Stage) -> None:
    played = stage.keys(
        typed("not an address") + typed("ann@example.com") + typed("/what", "O-ANN")
    )
    assert played.state == "order_selected"


def test_a_refused_line_is_replaced_by_what_is_pasted_next(stage: Stage) -> None:
    """Else the two together can be an address, and it is looked up."""
    played = stage.keys(typed("ann", "\x1b[200~ann@example.com\x1b[201~"))
    assert [e.email for e in played.events if isinstance(e, ev.EmailGiven)] == ["ann@example.com"]


@pytest.mark.parametrize("key", [CTRL_U, "\x17", "\x0b", "\x7f", "\x1b[3~"])
def test_a_refused_line_is_cleared_by_each_key_that_clears_one(stage: Stage, key: str) -> None:
    """Ctrl-U, Ctrl-W, Ctrl-K, backspace, delete. The arrow would keep what is still there."""
    left = "\x1b[D"
    played = stage.keys(typed("x@") + key + left + typed("ann@example.com", "O-ANN"))
    assert played.state == "order_selected"
    assert len(played.complaints) == 1


def test_ctrl_c_at_a_refused_line_asks_at_once_whether_to_leave(stage: Stage) -> None:
    played = stage.keys(typed("x@") + CTRL_C + typed("no", *ANN))
    assert played.state == "order_selected"
    assert played.labels[1] == "Leave the call? Nothing is answered yet. (yes / no)"
    assert len(played.complaints) == 1


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_a_word_within_an_answer_can_be_interrupted_too(stage: Stage, key: str) -> None:
    played = stage.keys(typed("/transfer", "/hangup") + key + typed("no", *ANN))
    assert played.state == "order_selected"


def test_not_leaving_keeps_what_was_answered(stage: Stage) -> None:
    """At the review, too: the reasons need not be typed once more."""
    played = stage.lines(*ANN, "lamp", "1", "/leave", "no", "yes")
    assert played.state == "return_initiated"
    # Where there is nothing to keep, the question says so.
    asked = stage.lines("/transfer", "/leave", "yes")
    assert asked.labels[-1] == "Leave the call? Nothing is answered yet. (yes / no)"


@pytest.mark.parametrize("word", ["/back", "/facts", "/leave", "/hangup"])
def test_a_word_behind_the_drafted_summary_sends_nothing(stage: Stage, word: str) -> None:
    """The cursor stands at the draft's end; typed once more the word replaces it all."""
    played = stage.keys(typed("/transfer", "", word))
    assert "human_requested" not in played.names
    assert played.complaints == [f"{word} stands behind other words: for it, type it alone."]
    assert stage.keys(typed("/transfer", "", "/back", "/back", *ANN)).state == "order_selected"


def test_a_note_within_an_answer_has_a_limit_too(stage: Stage) -> None:
    played = stage.lines("/transfer", f"/note {'x' * 4001}", "/note brief", "/back", *ANN)
    assert [entry.text for entry in played.entries if entry.kind == "noted"] == ["brief"]
    assert played.complaints == ["That is 4001 characters long; at most 4000 are taken."]
    assert played.state == "order_selected"


def test_a_thousand_words_within_one_another_are_no_trouble(stage: Stage) -> None:
    played = stage.lines(*["/transfer"] * 1000, "/back", *ANN)
    assert played.state == "order_selected"


def test_a_check_ends_where_the_shop_answers_something_else(stage: Stage) -> None:
    """It is not asked for ever, and the agent reads why there is no answer."""
    other = curated_shop().get_item_details("RUG")
    wrong = {("get_item_details", number): Fault("wrong", record=other) for number in range(1, 9)}
    shop = FaultyBackend(curated_shop(), wrong)
    played = stage.lines(*ANN, "/check 1", "/check 1", shop=shop)
    assert shop.calls.count("get_item_details") == 2
    assert told(played, "! The shop did not answer what was asked (get_item_details).")


class _FirstHangs:
    """A shop that lets the look-up of an item hang and has nobody to take a transfer."""

    def __init__(self) -> None:
        refusal = Fault("refusal", "no colleague")
        self.fault = Fault("slow")
        self.shop = FaultyBackend(
            curated_shop(),
            {
                ("get_item_details", 1): self.fault,
                ("transfer_to_human_representative", 1): refusal,
                ("transfer_to_human_representative", 2): refusal,
            },
        )

    @property
    def hanging(self) -> int:
        return int(self.fault.begun.is_set())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shop, name)


def test_a_check_is_over_once_a_transfer_took_its_place(stage: Stage) -> None:
    """Look-ups are not made any more where the failed transfer leaves the call (rule 35)."""
    shop = _FirstHangs()
    answers = ["/check 1", "/transfer", "", "", "/again", "/promise"]
    played = stage.lines(*ANN, *answers, shop=cast(Backend, shop), patience=0)
    shop.fault.release.set()
    assert played.error is None
    assert played.names[-1] == "callback_promised"
    assert shop.shop.calls.count("get_item_details") == 1


@pytest.mark.parametrize(("word", "ended"), [("/hangup", True), ("/leave", False)])
def test_while_the_shop_is_slow_a_transfer_can_give_way(
    stage: Stage, word: str, ended: bool
) -> None:
    """What ends the call is not swallowed by going back to waiting."""
    shop = _FirstHangs()
    played = stage.lines(
        *ANN, "/check 1", "/transfer", word, "yes", shop=cast(Backend, shop), patience=0
    )
    shop.fault.release.set()
    assert played.ended is ended
    assert played.state == ("abandoned" if ended else "order_selected")
    assert "(yes / no)" in played.labels[-1]


def test_while_the_shop_is_slow_ctrl_c_waits_on_and_ctrl_d_leaves(stage: Stage) -> None:
    shop = ScriptedShop(curated_shop(), [Hangs("get_order_details")])
    played = stage.keys(
        typed(*ANN) + CTRL_C + typed("what") + CTRL_U + CTRL_D, shop=shop, patience=0
    )
    shop.close()
    assert not played.ended
    assert played.state == "fetching_order"
    assert played.complaints == [
        "Please choose: /wait, /stop, /leave, /transfer, /hangup.",
    ]


# -- completion -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reach", "keys", "state"),
    [
        ([ANN[0], "/unknown"], f"O-{TAB}{ENTER}", "order_selected"),
        (ANN, f"la{TAB}{ENTER}", "eligibility_checked"),
        (ANN, f"la{TAB}, ru{TAB}{ENTER}", "eligibility_checked"),
        ([*ANN, "lamp"], f"dam{TAB}{ENTER}yes{ENTER}", "return_initiated"),
        ([*ANN, "lamp"], f"/it{TAB} rug{ENTER}", "nothing_eligible"),
        (ANN, f"/cl{TAB}{ENTER}", "closed_without_return"),
        (ANN, f"/ha{TAB}{ENTER}yes{ENTER}", "abandoned"),
    ],
)
def test_tab_completes(stage: Stage, reach: list[str], keys: str, state: str) -> None:
    """Orders, items, reasons, slash words; after a comma the next item."""
    assert stage.keys(typed(*reach) + keys).state == state


# -- terminals --------------------------------------------------------------------------------

CALL = [*ANN, "lamp x 1", "1", "yes", "", "", "", "/done"]


def test_no_color_means_no_color(stage: Stage) -> None:
    played = stage.keys(typed(*CALL), env={"NO_COLOR": "1"})
    assert played.state == "closed"
    colours = [
        code
        for found in re.findall(r"\x1b\[([0-9;]*)m", played.raw)
        for code in found.split(";")
        if re.fullmatch(r"[349][0-9]|10[0-7]", code)
    ]
    assert colours == []


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_dumb_terminal_is_read_in_whole_lines(stage: Stage, term: str) -> None:
    """No cursor is moved, and a wrong answer is told below its line."""
    lines = "\n".join([ANN[0], "O-ANN", "banana", *CALL[2:]]) + "\n"
    played = stage.keys(lines, env={"TERM": term})
    assert played.state == "closed"
    assert "\x1b" not in played.raw
    assert "! No item of the list matches “banana”" in played.raw


def test_a_dumb_terminal_that_ends_leaves_the_call(stage: Stage) -> None:
    played = stage.keys("ann@example.com\n", env={"TERM": "dumb"})
    assert (played.ended, played.state) == (False, "identified")


def test_forty_columns_are_enough(stage: Stage) -> None:
    played = stage.keys(typed(*CALL), columns=40)
    assert played.state == "closed"
    assert max(len(row) for row in played.screen.split("\n")) <= 40
    assert told(played, "has the tracking id RT-0001. Please note it down.")


def test_nothing_typed_is_kept_as_history(stage: Stage) -> None:
    """Rule 38: arrow-up brings no address of this call or another back."""
    played = stage.keys(typed("ann@example.com") + f"\x1b[A{ENTER}")
    assert played.complaints == ["Please type the order id."]
