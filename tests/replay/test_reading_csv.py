"""Event logs as tables."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from returnflow.engine.transcript import Recorded, ToolCall, Transcript
from returnflow.engine.vocabulary import Event
from returnflow.records import Order
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS
from returnflow.replay.transcripts.reader import Options
from returnflow.returns import events as ev

from .reading import transcripts

HEADER = "case:concept:name,concept:name,time:timestamp,org:resource"


def table(tmp_path: Path, *lines: str, encoding: str = "utf-8") -> list[Transcript]:
    """The transcripts of a table."""
    path = tmp_path / "log.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    found = transcripts(path)
    assert all(each.format == "csv" for each in found)
    return found


def events(found: Transcript) -> list[Event]:
    """Its events."""
    return [each.event for each in found.members if isinstance(each, Recorded)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [HEADER, "Case ID,Activity,Timestamp,Resource"])
def test_rows_of_a_case_are_brought_together(tmp_path: Path, separator: str, header: str) -> None:
    """In the order of their times, wherever they stand; cases in the order of their beginnings."""
    lines = [
        f"{header},email",
        "B,email_given,2025-03-01T10:00:00Z,bea,b@example.com",
        "A,satisfied,2025-03-01T10:09:00Z,ann,",
        "B,call_dropped,2025-03-01T10:01:00Z,bea,",
        "A,email_given,2025-03-01T10:00:00Z,ann,a@example.com",
    ]
    one, two = table(
        tmp_path, *(line.replace(",", separator) for line in lines), encoding="utf-8-sig"
    )
    assert (one.case_id, one.agent, one.line) == ("B", "bea", 2)
    assert (two.case_id, two.agent, two.line) == ("A", "ann", 3)
    assert events(two) == [
        ev.EmailGiven(email="a@example.com", at=datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ev.Satisfied(at=datetime(2025, 3, 1, 10, 9, tzinfo=UTC)),
    ]
    assert [each.index for each in two.members] == [0, 1]
    assert two.policy_date == date(2025, 3, 1)
    assert not any(each.damage for each in (one, two))


def test_without_times_rows_stay_as_they_stand(tmp_path: Path) -> None:
    """One row without a time is enough."""
    (found,) = table(
        tmp_path,
        "case_id,activity,timestamp",
        "A,satisfied,2025-03-01T10:00:00Z",
        "A,another_return,",
        "A,call_dropped,2024-03-01T10:00:00Z",
    )
    assert [type(each) for each in events(found)] == [
        ev.Satisfied,
        ev.AnotherReturn,
        ev.CallDropped,
    ]


def test_fields_come_from_columns(tmp_path: Path) -> None:
    """By name, by a dotted name, by the name of a record's member, or as JSON."""
    picks = json.dumps([{"item_id": "007", "quantity": 2}]).replace('"', '""')
    (found,) = table(
        tmp_path,
        "case_id,activity,order.customer_id,order_id,order_date,picks,tracking_id",
        "A,order_found,C1,0042,2025-01-01,,",
        f'A,items_picked,,,,"{picks}",',
        "A,return_opened,,,,,RT1",
    )
    order, picked, opened = events(found)
    assert isinstance(order, ev.OrderFound)
    assert (order.order.order_id, order.order.customer_id) == ("0042", "C1")
    assert order.order.order_date == "2025-01-01"
    assert picked == ev.ItemsPicked(picks=(ev.Pick("007", 2),))
    assert isinstance(opened, ev.ReturnOpened)
    assert opened.receipt.tracking_id == "RT1"
    assert not found.damage


def test_what_no_column_shows_is_hidden_and_not_empty(tmp_path: Path) -> None:
    """An order without lines would be one without the item; that is not known (rule 41)."""
    (found,) = table(
        tmp_path,
        "case_id,activity",
        *(f"A,{name}" for name in ("order_found", "items_picked", "orders_summarized", "told")),
    )
    order, picked, listed, told = events(found)
    assert isinstance(order, ev.OrderFound)
    assert isinstance(order.order, Order)
    assert order.order.order_id == NOT_RECORDED
    (line,) = order.order.lines
    assert (line.item_id, line.quantity, line.returned) == (NOT_RECORDED, NOT_RECORDED_UNITS, None)
    assert line.parcels[0].package_id == NOT_RECORDED
    assert picked == ev.ItemsPicked(picks=(ev.Pick(NOT_RECORDED, NOT_RECORDED_UNITS),))
    assert isinstance(listed, ev.OrdersSummarized)
    assert [each.order_id for each in listed.orders] == [NOT_RECORDED]
    assert told == ev.Told(notice=NOT_RECORDED, subject=NOT_RECORDED)


def test_operations_and_other_activities(tmp_path: Path) -> None:
    """Arguments stand in a column of their own, or one for each; the rest is unknown."""
    (found,) = table(
        tmp_path,
        "case_id,activity,arguments,result,order_id,item_number,qty,error",
        'A,get_order_details,"{""order_id"": ""W1""}","{""order_id"": ""W1""}",,,,',
        "A,initiate_return,,,W1,I1,2,timeout",
        "A,coffee_break,,,,,,",
        "A,think,,,,,,",
    )
    order, write, coffee, think = (each for each in found.members if isinstance(each, ToolCall))
    assert (order.arguments, order.result) == ({"order_id": "W1"}, {"order_id": "W1"})
    assert write.arguments == {"order_id": "W1", "item_id": "I1", "quantity": 2}
    assert (write.outcome, write.result) == ("failed", "timeout")
    assert (coffee.operation, coffee.neutral) == (None, False)
    assert (think.operation, think.neutral) == (None, True)


def test_what_the_file_never_shows_is_not_observable(tmp_path: Path) -> None:
    """Counted over the whole file; a caller who is gone is never taken to be unseen."""
    found = table(tmp_path, "case_id,activity", "A,email_given", "B,satisfied")
    for each in found:
        assert {"told", "items_picked", "return_confirmed"} <= each.unobservable
        assert not {"email_given", "satisfied", "call_dropped", "order_found"} & each.unobservable


def test_beginnings_of_activities_are_no_events(tmp_path: Path) -> None:
    """Where the file records when an activity began and when it was complete."""
    (found,) = table(
        tmp_path,
        "case_id,activity,lifecycle:transition",
        "A,satisfied,start",
        "A,satisfied,complete",
    )
    assert len(found.members) == 1


def test_bad_rows_are_named_with_their_line(tmp_path: Path) -> None:
    """A field over several lines counts as many; the rest is read."""
    found = table(
        tmp_path,
        "case_id,activity,email,quantity",
        'A,email_given,"two\r\n\r\nlines",',
        ",email_given,,",
        "A,,,",
        "A,satisfied,,,,,",
        'A,satisfied,"quoted"badly,',
        "A,call_dropped,,",
    )
    bad = [(each.line, each.damage[0].reason) for each in found if each.damage]
    assert [line for line, _ in bad] == [5, 6, 7, 8]
    assert "no case" in bad[0][1]
    assert "no activity" in bad[1][1]
    assert "7 cells" in bad[2][1]
    (good,) = [each for each in found if not each.damage]
    assert [type(each) for each in events(good)] == [ev.EmailGiven, ev.CallDropped]
    assert events(good)[0] == ev.EmailGiven(email="two\n\nlines")


def test_a_cell_that_does_not_fit_is_hidden_and_named(tmp_path: Path) -> None:
    """The event is kept."""
    (found,) = table(tmp_path, "case_id,activity,quantity,order_id", "A,return_requested,many,W1")
    (event,) = events(found)
    assert isinstance(event, ev.ReturnRequested)
    assert (event.quantity, event.order_id) == (NOT_RECORDED_UNITS, "W1")
    assert [each.index for each in found.damage] == [0]
    assert "quantity" in found.damage[0].reason


def test_a_redacted_cell_is_hidden_and_no_damage(tmp_path: Path) -> None:
    """Rule 41, whatever the column's type."""
    picks = json.dumps([{"item_id": "I1", "quantity": "[PII]"}]).replace('"', '""')
    (found,) = table(
        tmp_path,
        "case_id,activity,quantity,order_id,picks,orders,failed",
        "A,return_requested,[PII],[PII],,,",
        f'A,items_picked,,,"{picks}",,',
        "A,orders_summarized,,,,,[PII]",
    )
    asked, picked, listed = events(found)
    assert isinstance(asked, ev.ReturnRequested)
    assert (asked.quantity, asked.order_id) == (NOT_RECORDED_UNITS, "[PII]")
    assert picked == ev.ItemsPicked(picks=(ev.Pick("I1", NOT_RECORDED_UNITS),))
    assert isinstance(listed, ev.OrdersSummarized)
    assert [listed.orders[0].order_id, listed.failed[0].order_id] == [NOT_RECORDED] * 2
    assert not found.damage


@pytest.mark.parametrize("cell", ["", "[DATE]", "soon"])
def test_a_later_day_that_no_column_shows_is_no_event(tmp_path: Path, cell: str) -> None:
    """Nothing stands for a policy date; the place is named."""
    (found,) = table(
        tmp_path,
        "case_id,activity,policy_date",
        "A,satisfied,",
        f"A,resumed,{cell}",
        "A,satisfied,",
    )
    assert [each.index for each in found.members] == [0, 2]
    (damage,) = found.damage
    assert damage.index == 1
    assert "policy_date" in damage.reason


def test_a_mapping_of_tools_names_activities(tmp_path: Path) -> None:
    """As in a chat."""
    (tmp_path / "tools.yaml").write_text("tools:\n  Fetch: {operation: get_order_details}\n")
    path = tmp_path / "log.csv"
    path.write_text("case_id,activity,order_id\nA,Fetch,W1\n")
    (found,) = transcripts(path, options=Options(tools=str(tmp_path / "tools.yaml")))
    (done,) = found.members
    assert isinstance(done, ToolCall)
    assert (done.operation, done.arguments) == ("get_order_details", {"order_id": "W1"})
