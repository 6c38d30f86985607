"""What replay says of calls of an AI agent, one way of going wrong at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date as day
from functools import cache
from typing import Any

import pytest

from returnflow.bundled import bundled
from returnflow.engine.definition import load
from returnflow.engine.transcript import Transcript
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderLine,
    Package,
    Parcel,
    ReturnPolicy,
)
from returnflow.replay.findings import Finding, Report
from returnflow.replay.judge import Judge
from returnflow.replay.transcripts.reader import Options, Unit, read
from returnflow.returns import events as ev

Message = dict[str, Any]

CUSTOMER = {
    "customer_id": "C1",
    "first_name": "Ann",
    "email": "ann@example.com",
    "active_orders": ["O1", "O2"],
}
LAMP = {"item_number": "LAMP", "qty": 1, "item_final_cost": 20.5, "package_id": "P1"}
RUG = {"item_number": "RUG", "qty": 2, "item_final_cost": 9.99, "package_id": "P2"}
ORDER = {
    "order_id": "O1",
    "customer_id": "C1",
    "order_date": "2026-05-01",
    "associated_returns": [],
    "items_ordered": [LAMP, RUG],
}
POLICY = {"return_eligible": True, "return_window": "30 days"}
NOTICES = (
    "Your tracking id is RT-1. Shipping fees are not refunded, only the price of the item. "
    "The return has to be approved first; only then is the pick-up arranged."
)


def said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def called(*calls: tuple[str, dict[str, Any], Any]) -> list[Message]:
    """One message with tool calls, and the reply to each."""
    ids = [f"call-{name}-{n}-{json.dumps(given)}" for n, (name, given, _) in enumerate(calls)]
    tools = [
        {"id": one, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for one, (name, given, _) in zip(ids, calls, strict=True)
    ]
    asked: Message = {"role": "assistant", "content": None, "tool_calls": tools}
    replies: list[Message] = [
        {
            "role": "tool",
            "tool_call_id": one,
            "content": reply if isinstance(reply, str) else json.dumps(reply),
        }
        for one, (_, _, reply) in zip(ids, calls, strict=True)
    ]
    return [asked, *replies]


def identify() -> list[Message]:
    return called(("get_customer_by_email", {"email": "ann@example.com"}, CUSTOMER))


def order(**changes: Any) -> list[Message]:
    return called(("get_order_details", {"order_id": "O1"}, {**ORDER, **changes}))


def item(item_id: str = "LAMP", **policy: Any) -> list[Message]:
    reply = {
        "item_id": item_id,
        "item_description": f"a {item_id.lower()}",
        "return_eligiblity_details": {**POLICY, **policy},
    }
    return called(("get_item_details", {"item_id": item_id}, reply))


def package(package_id: str = "P1", status: str = "DELIVERED", **more: Any) -> list[Message]:
    reply = {"package_id": package_id, "type": "ORDER_DELIVERY", "current_status": status, **more}
    return called(("get_package_details", {"package_id": package_id}, reply))


def initiate(
    item_id: str = "LAMP",
    reply: Any = None,
    *,
    quantity: int = 1,
    reason: str = "DAMAGED",
    order_id: str = "O1",
) -> list[Message]:
    given = {
        "order_id": order_id,
        "item_id": item_id,
        "quantity": quantity,
        "return_reason": reason,
    }
    return called(("initiate_return", given, reply or {"return_tracking_id": "RT-1"}))


def good() -> list[Message]:
    """A call in order."""
    return [
        *identify(),
        *order(),
        said("I see a LAMP and a RUG in order O1."),
        *item(),
        *package(),
        *initiate(),
        said(NOTICES),
    ]


@cache
def judge() -> Judge:
    return Judge(load(bundled("states") / "handling_returns.yaml"))


def judged(*messages: Message, date: str | None = "2026-05-10") -> Report:
    chat: dict[str, Any] = {"id": "call", "messages": [*messages]}
    if date is not None:
        chat["date"] = date
    unit = Unit("calls.jsonl", 1, json.dumps(chat).encode(), "chat")
    (transcript,) = read(unit, Options("returns"))
    return judge().judge(transcript)


def wrong(report: Report) -> list[Finding]:
    return [each for each in report.findings if each.severity != "remark"]


def only(report: Report) -> Finding:
    """The one finding above a remark."""
    found = wrong(report)
    assert len(found) == 1, [(each.kind, each.index, each.reason) for each in found]
    assert report.verdict == "violates"
    return found[0]


def test_a_call_in_order_conforms() -> None:
    """The answers that a log of tool calls cannot show are inferred, and nothing is missing."""
    report = judged(*good())
    assert (report.verdict, report.score, report.passed, report.fitness) == (
        "conforms",
        100,
        True,
        1.0,
    )
    assert report.findings == ()
    assert report.unobservable == ()
    assert report.state == "return_initiated"


# -- steps left out ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "operation", "step", "event"),
    [
        (2, "get_customer_by_email", "1", "customer_found"),
        (4, "get_order_details", "3", "order_found"),
        (7, "get_item_details", "4a", "item_found"),
        (9, "get_package_details", "4b", "package_found"),
    ],
)
def test_a_look_up_left_out_is_one_finding(
    left_out: int, operation: str, step: str, event: str
) -> None:
    """The step, the call that is missing, and what to do before what."""
    messages = good()
    start = next(
        n
        for n, each in enumerate(messages)
        if each.get("tool_calls") and each["tool_calls"][0]["function"]["name"] == operation
    )
    found = only(judged(*messages[:start], *messages[start + 2 :]))
    assert (found.kind, found.severity, found.step, found.event) == (
        "skipped_step",
        "major",
        step,
        event,
    )
    assert operation in found.repair
    assert found.repair.startswith("Before ")


def test_the_repair_names_what_to_check_before_what() -> None:
    """As an agent would be told: before initiating, check the package."""
    found = only(judged(*identify(), *order(), *item(), *initiate(), said(NOTICES)))
    assert found.event == "package_found"
    assert "P1" in found.reason
    assert "initiate_return" in found.repair
    assert "get_package_details" in found.repair
    assert found.index == 6


# -- conditions -------------------------------------------------------------------------------


def test_an_item_out_of_its_window_fails_at_once() -> None:
    """The reason has the figures, the call scores nothing, and the slip is told once."""
    report = judged(*good(), date="2026-06-12")
    found = only(report)
    assert (found.kind, found.severity) == ("guard_failed", "critical")
    assert "42 days ago; the window of 30 days closed on 31 May 2026" in found.reason
    # Nobody is to blame for the look-up: it stands at the call that sent it all the same.
    assert (found.event, found.index, found.step) == ("return_opened", 9, "5")
    assert (report.score, report.passed) == (0, False)


def test_a_parcel_on_its_way_is_not_delivered() -> None:
    found = only(
        judged(
            *identify(),
            *order(),
            *item(),
            *package(status="IN_TRANSIT", estimated_delivery_date="2026-05-14"),
            *initiate(),
            said(NOTICES),
        )
    )
    assert found.severity == "critical"
    assert "not delivered yet (on its way), expected on 14 May 2026" in found.reason


def test_another_customers_order_acted_on_fails_at_once() -> None:
    """Rule 21."""
    report = judged(
        *identify(), *order(customer_id="C2"), *item(), *package(), *initiate(), said(NOTICES)
    )
    found = only(report)
    assert (found.kind, found.guard, found.severity) == ("guard_failed", "own_order", "critical")
    assert report.score == 0


def test_another_customers_order_left_alone_is_in_order() -> None:
    """Rule 21: looked up and not acted on."""
    assert judged(*identify(), *order(customer_id="C2"), said("No such order.")).verdict == (
        "conforms"
    )


@pytest.mark.parametrize("quantity", [0, -1, 2, 99])
def test_more_than_there_is_or_nothing_at_all(quantity: int) -> None:
    """Rules 16, 17: one finding, at the call that sent it."""
    found = only(
        judged(
            *identify(),
            *order(),
            *item(),
            *package(),
            *initiate(quantity=quantity),
            said(NOTICES),
        )
    )
    assert found.kind == "guard_failed"
    assert "LAMP" in found.reason or "lamp" in found.reason


@pytest.mark.parametrize("quantity", [1.0, "1", "1.0"])
def test_a_whole_number_is_one_however_it_is_written(quantity: Any) -> None:
    messages = [*identify(), *order(), said("A lamp and a rug."), *item(), *package()]
    report = judged(*messages, *initiate(quantity=quantity), said(NOTICES))
    assert (report.verdict, wrong(report)) == ("conforms", [])


@pytest.mark.parametrize("quantity", ["one", 1.5, "1e400", 10**40, "９" * 3])
def test_what_is_no_quantity_is_none(quantity: Any) -> None:
    """Rule 16; and nothing of it stops the replay."""
    messages = [*identify(), *order(), *item(), *package()]
    assert judged(*messages, *initiate(quantity=quantity), said(NOTICES)).verdict == "violates"


@pytest.mark.parametrize(
    "policy",
    [
        {"return_window": ""},
        {"return_window": None},
        {"return_window": "abc"},
        {"return_eligible": False},
    ],
)
def test_what_the_shop_itself_does_not_know_is_never_eligible(policy: dict[str, Any]) -> None:
    """Rule 5: the shop answered, and what it said allows no return."""
    messages = [*identify(), *order(), *item(**policy), *package()]
    assert only(judged(*messages, *initiate(), said(NOTICES))).severity == "critical"


def test_a_reason_that_is_none_of_the_five() -> None:
    """Rule 26."""
    messages = [*identify(), *order(), *item(), *package()]
    found = only(judged(*messages, *initiate(reason="BORED"), said(NOTICES)))
    assert (found.kind, found.guard) == ("wrong_argument", "reasons_known")
    assert "BORED" in found.reason


def test_the_same_unit_twice() -> None:
    """Rules 17, 28: a second return of what is in one already."""
    messages = [*good(), *initiate(reply={"return_tracking_id": "RT-2"})]
    report = judged(*messages, said(NOTICES.replace("RT-1", "RT-2")))
    assert "1 of the 1 ordered in a return already" in only(report).reason


# -- several returns, writes that fail --------------------------------------------------------


def test_two_items_one_after_the_other() -> None:
    """A and then B of one order, without fetching the order again."""
    report = judged(
        *identify(),
        *order(),
        said("A lamp and a rug."),
        *item(),
        *package(),
        *initiate(),
        said(NOTICES),
        *item("RUG"),
        *package("P2"),
        *initiate("RUG", {"return_tracking_id": "RT-2"}, quantity=2, reason="OTHER"),
        said(NOTICES.replace("RT-1", "RT-2")),
    )
    assert wrong(report) == []
    assert report.verdict == "conforms"


def test_two_items_looked_up_first_and_then_sent() -> None:
    """One round of two lines; all notices at the end."""
    report = judged(
        *identify(),
        *order(),
        said("A lamp and a rug."),
        *item(),
        *item("RUG"),
        *package(),
        *package("P2"),
        *initiate(),
        *initiate("RUG", {"return_tracking_id": "RT-2"}, reason="OTHER"),
        said(NOTICES.replace("is RT-1", "is RT-1, and for the rug the tracking id is RT-2")),
    )
    assert wrong(report) == []
    assert report.verdict == "conforms"


def test_a_time_out_and_the_same_again() -> None:
    """Rules 28, 29: the repeat is the way to settle it."""
    messages = [*identify(), *order(), said("A lamp and a rug."), *item(), *package()]
    timed_out = initiate(reply="<error> time-out while waiting for the warehouse </error>")
    report = judged(*messages, *timed_out, *initiate(), said(NOTICES))
    assert (report.verdict, wrong(report)) == ("conforms", [])


def test_a_write_without_its_outcome_is_unfinished() -> None:
    """The log ends behind the call."""
    messages = [*identify(), *order(), said("A lamp and a rug."), *item(), *package()]
    found = only(judged(*messages, initiate()[0]))
    assert (found.kind, found.event) == ("unfinished", "return_opened")


def test_a_look_up_that_failed_and_was_made_again() -> None:
    failed = called(("get_item_details", {"item_id": "LAMP"}, "<error> try later </error>"))
    report = judged(
        *identify(),
        *order(),
        said("A lamp and a rug."),
        *failed,
        *item(),
        *package(),
        *initiate(),
        said(NOTICES),
    )
    assert (report.verdict, wrong(report)) == ("conforms", [])


def test_several_orders_looked_at_before_one_is_chosen() -> None:
    """The items of two orders are looked up in turn; the choice comes with what is initiated."""
    other = {"item_number": "VASE", "qty": 1, "item_final_cost": 7, "package_id": "P9"}
    second = {**ORDER, "order_id": "O2", "items_ordered": [other]}
    report = judged(
        *identify(),
        *order(),
        *called(("get_order_details", {"order_id": "O2"}, second)),
        said("A lamp and a rug in O1, a vase in O2."),
        *item(),
        *item("VASE"),
        *package(),
        *package("P9"),
        *initiate(),
        said(NOTICES),
    )
    assert (report.verdict, wrong(report)) == ("conforms", [])


def test_an_item_under_another_spelling_is_the_same() -> None:
    messages = [*identify(), *order(), said("A lamp and a rug."), *item(), *package()]
    report = judged(*messages, *initiate("lamp"), said(NOTICES))
    assert (report.verdict, wrong(report)) == ("conforms", [])


@pytest.mark.parametrize(("asked", "sent"), [("#O1", "O1"), ("O1", "#O1"), ("o1", "O1")])
def test_an_id_under_two_spellings_is_one(asked: str, sent: str) -> None:
    """Dirty data know one order, and one customer, under several."""
    report = judged(
        *identify(),
        *called(("get_order_details", {"order_id": asked}, {**ORDER, "customer_id": "C001"})),
        said("A lamp and a rug."),
        *item(),
        *package(),
        *initiate(order_id=sent),
        said(NOTICES),
    )
    assert (report.verdict, wrong(report)) == ("conforms", [])


def test_a_transfer_before_anyone_is_identified_carries_no_customer() -> None:
    """Rule 35."""
    for more in ({}, {"customer_id": ""}, {"customer_id": None}):
        given = {"summary_of_issues": "Asks for a human.", **more}
        transfer = ("transfer_to_human_representative", given, "<success> done </success>")
        report = judged(*called(transfer))
        assert (report.verdict, report.state, report.findings) == ("conforms", "transferred", ())


@pytest.mark.parametrize(("customer", "right"), [("C1", True), ("c01", True), ("C2", False)])
def test_a_transfer_carries_the_customer_identified(customer: str, right: bool) -> None:
    """Rule 34."""
    given = {"summary_of_issues": "Asks for a human.", "customer_id": customer}
    transfer = ("transfer_to_human_representative", given, "<success> done </success>")
    report = judged(*identify(), *called(transfer))
    assert (report.verdict == "conforms") is right
    assert right or customer in only(report).reason


def transfer(summary: str = "Asks for a human.") -> list[Message]:
    given = {"summary_of_issues": summary, "customer_id": "C1"}
    return called(("transfer_to_human_representative", given, "<success> done </success>"))


def test_a_second_transfer_is_one_slip() -> None:
    """The answer behind it, the call and what came of it are told once, at the second call."""
    report = judged(*identify(), *transfer(), said("One moment."), *transfer("Once more."))
    found = only(report)
    assert (found.kind, found.event, found.index) == ("unexpected_event", "transfer_accepted", 5)
    assert "transfer_to_human_representative has no place" in found.reason
    assert found.repair == "The call is over; leave it out."
    assert report.state == "transferred"


def test_a_call_full_of_slips_is_judged_all_the_same() -> None:
    """A looping agent sends the same return forty times; there is a report, and it says so."""
    messages = good()
    for number in range(40):
        messages += initiate(reply={"return_tracking_id": f"RT-{number + 2}"})
    report = judged(*messages)
    assert report.verdict == "violates"
    assert report.score == 0
    assert any("in a return already" in each.reason for each in wrong(report))


# -- notices ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (NOTICES.replace("RT-1", "RT-7"), {"tracking_id"}),
        (NOTICES.replace("not refunded, only the price", "refunded, and the price"), {"shipping"}),
        (NOTICES.replace("has to be approved first; only then is", "is done, and"), {"approval"}),
        ("You are welcome.", {"tracking_id", "shipping", "approval"}),
    ],
)
def test_a_notice_that_was_not_given(text: str, missing: set[str]) -> None:
    """Rule 33: each missing notice is named, with the words to say; and the call is unfinished."""
    report = judged(*good()[:-1], said(text))
    notices = {each.notice.split("_not_")[0].split("_before_")[0] for each in wrong(report)}
    assert notices - {""} == missing
    assert {each.kind for each in wrong(report)} == {"notice_missing", "unfinished"}
    assert all(each.quote is not None and each.quote.turn == 11 for each in wrong(report))
    assert all(each.repair for each in wrong(report))


def test_a_notice_given_before_the_return_counts() -> None:
    """Rule 33: before the call closes; only the tracking id cannot be known earlier."""
    early = said(
        "Shipping fees are not refunded. The return has to be approved before we pick it up. "
        "Shall I go ahead?"
    )
    messages = good()
    report = judged(*messages[:-3], early, *messages[-3:-1], said("Your tracking id is RT-1."))
    assert (report.verdict, wrong(report)) == ("conforms", [])


def test_an_id_in_a_turn_of_its_own_is_heard() -> None:
    """The tracking id is given before the other notices, and without a word beside it."""
    rest = "Shipping fees are not refunded. The return has to be approved first, then picked up."
    report = judged(*good()[:-1], said("Done, RT-1."), said(rest))
    assert (report.verdict, wrong(report)) == ("conforms", [])


def test_a_redacted_turn_may_have_held_the_notice() -> None:
    """Rule 41: given, but not observable, is never a violation."""
    report = judged(*good()[:-1], said("[PII]"))
    assert report.verdict == "inconclusive"
    assert any("tracking id" in each for each in report.unobservable)


def test_a_refusal_that_was_not_explained_is_a_remark() -> None:
    """Explaining is looked for in text, and its absence is not held against anyone."""
    closed = [*identify(), *order(), said("A lamp, a rug."), *item(return_eligible=False)]
    both = [*closed, *item("RUG"), *package("P2"), *initiate("RUG", quantity=1)]
    report = judged(*both, said(NOTICES))
    assert report.verdict == "conforms", wrong(report)


def test_a_refusal_without_any_choice_is_looked_for_in_the_text() -> None:
    """A chat that initiates nothing shows no choice; what was looked up was asked for."""
    asked = [*identify(), *order(), said("A lamp, a rug."), *item(return_eligible=False)]
    (found,) = judged(*asked, said("Is there anything else?")).findings
    assert (found.kind, found.severity, found.index) == ("notice_missing", "remark", 5)
    assert (found.notice, found.event) == ("final", "item_found")
    assert found.repair.startswith("Say: “a lamp: the shop excludes this item from returns")
    assert judged(*asked, said("I am sorry, it cannot be returned.")).findings == ()
    hidden = judged(*asked, said("I am [PII], and it [PII]."))
    assert hidden.findings == ()


def test_items_that_were_not_presented_are_a_remark() -> None:
    messages = [*identify(), *order(), *item(), *package(), *initiate(), said(NOTICES)]
    (found,) = judged(*messages).findings
    assert (found.kind, found.severity, found.event) == ("notice_missing", "remark", "order_found")
    assert "LAMP" in found.reason


def test_what_was_presented_some_turns_before_counts() -> None:
    """The customer knows what is in the order already when it is opened."""
    before = [said("That would be the LAMP and the RUG."), said("One moment."), said("Thanks.")]
    messages = [*identify(), *before, *order(), *item(), *package(), *initiate(), said(NOTICES)]
    assert judged(*messages).findings == ()


# -- tools ------------------------------------------------------------------------------------


def test_a_tool_that_the_procedure_does_not_know() -> None:
    messages = [*good(), *called(("issue_refund", {"amount": 20}, "done"))]
    found = only(judged(*messages))
    assert (found.kind, found.event) == ("unknown_event", "issue_refund")


@pytest.mark.parametrize("tool", ["think", "get_current_date_and_time", "get_customer_by_id"])
def test_a_neutral_tool_is_no_matter(tool: str) -> None:
    messages = good()
    assert judged(*messages[:2], *called((tool, {}, "2026-05-10")), *messages[2:]).findings == ()


def test_calls_made_at_once_have_no_order() -> None:
    """They are taken in the order in which the procedure can take them."""
    look_ups = [
        ("get_package_details", {"package_id": "P1"}, json.loads(package()[1]["content"])),
        ("get_item_details", {"item_id": "LAMP"}, json.loads(item()[1]["content"])),
        ("get_order_details", {"order_id": "O1"}, ORDER),
    ]
    messages = [*identify(), *called(*look_ups), said("A lamp and a rug."), *initiate()]
    assert judged(*messages, said(NOTICES)).findings == ()


def test_a_look_up_made_again_is_a_remark() -> None:
    messages = good()
    report = judged(*messages[:-3], *item(), *package(), *messages[-3:])
    assert report.verdict == "conforms"
    assert [(each.kind, each.severity, each.index) for each in report.findings] == [
        ("repeated_lookup", "remark", 9),
        ("repeated_lookup", "remark", 11),
    ]


@pytest.mark.parametrize(
    ("messages", "index"),
    [
        ([*identify(), *identify(), *order()], 2),
        ([*identify(), *order(), said("A lamp and a rug."), *order()], 5),
        ([*identify(), *order(), said("A lamp and a rug."), *item(), *item(), *package()], 7),
    ],
)
def test_the_second_look_up_is_the_one_that_is_remarked(
    messages: list[Message], index: int
) -> None:
    """Whatever was looked up: the customer, the order, an item."""
    report = judged(*messages, *initiate(), said(NOTICES))
    remarks = [each for each in report.findings if each.kind.endswith("_lookup")]
    assert [(each.kind, each.severity, each.index) for each in remarks] == [
        ("repeated_lookup", "remark", index)
    ]


# -- what cannot be told ----------------------------------------------------------------------


def test_without_a_date_the_window_cannot_be_told() -> None:
    report = judged(*good(), date=None)
    assert (report.verdict, wrong(report)) == ("inconclusive", [])
    assert any("--date" in each for each in report.unobservable)


@pytest.mark.parametrize(
    "hidden",
    [
        {"order_date": "[REDACTED]"},
        {"customer_id": "[PII]"},
        {"associated_returns": ["R-9"]},
        {"items_ordered": [{"item_number": "LAMP", "item_final_cost": 2, "package_id": "P1"}]},
    ],
)
def test_what_the_record_does_not_show_is_not_held_against_anyone(hidden: dict[str, Any]) -> None:
    """Rules 17, 41."""
    messages = good()
    report = judged(*messages[:2], *order(**hidden), *messages[4:])
    assert (report.verdict, wrong(report)) == ("inconclusive", [])


def test_what_is_known_counts_although_something_else_is_not() -> None:
    """A date that is missing excuses no parcel that was on its way."""
    report = judged(
        *identify(),
        *order(order_date="[REDACTED]"),
        *item(),
        *package(status="IN_TRANSIT"),
        *initiate(),
        said(NOTICES),
    )
    assert only(report).severity == "critical"


# -- our own log ------------------------------------------------------------------------------


def native(events: Sequence[Any], **more: Any) -> Report:
    return judge().judge(Transcript(case_id="n", format="native", events=list(events), **more))


@pytest.mark.parametrize(
    ("notice", "remarked"), [("closes_before_delivery", False), ("after_delivery", True)]
)
def test_a_promise_that_the_procedure_prescribes_is_a_remark(notice: str, remarked: bool) -> None:
    """Rule 8: "after it is delivered", said where the window closes before."""
    lamp = OrderLine(
        item_id="LAMP",
        quantity=1,
        returned=0,
        parcels=(Parcel(package_id="P1", quantity=1),),
    )
    policy = ReturnPolicy(return_eligible=True, return_window="30")
    parcel = Package(
        package_id="P1",
        type="ORDER_DELIVERY",
        current_status="IN_TRANSIT",
        estimated_delivery_date="2026-07-01",
    )
    found = Order(order_id="O1", customer_id="C1", order_date="2026-05-01", lines=(lamp,))
    report = native(
        [
            ev.EmailGiven(email="ann@example.com"),
            ev.CustomerFound(customer=Customer(customer_id="C1")),
            ev.OrderIdGiven(order_id="O1"),
            ev.OrderFound(order=found),
            ev.ItemsPicked(picks=(ev.Pick("LAMP", 1),)),
            ev.ItemFound(item=Item(item_id="LAMP", policy=policy)),
            ev.PackageFound(package=parcel),
            ev.Told(notice=notice, subject="LAMP"),
            ev.ReturnDeclined(),
        ],
        policy_date=day(2026, 5, 20),
        complete=True,
    )
    assert report.verdict == "conforms", wrong(report)
    assert [(each.notice, each.severity, each.index) for each in report.findings] == (
        [("closes_before_delivery", "remark", 7)] if remarked else []
    )


def test_a_call_without_events_cannot_be_told() -> None:
    report = native([], complete=True)
    assert (report.verdict, report.events, report.fitness) == ("inconclusive", 0, 1.0)


def test_a_call_with_more_events_than_are_judged_is_unreadable() -> None:
    """Rule 40: limits of size."""
    report = native([ev.Satisfied()] * 20_001, complete=True)
    assert [each.kind for each in report.findings] == ["unreadable"]
    assert "20001 members" in report.findings[0].reason
