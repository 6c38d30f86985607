"""Calls told again in the formats of others: chats with tools, contact-centre files, tables.

A `Telling` is a call as somebody saw it: what was said and what was looked up and sent, with
times. It is made of the events of a legal call, with the words that the procedure gives the
agent. Each format shows of it what such a format shows.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from returnflow.engine.definition import Definition
from returnflow.engine.event_log import export_case
from returnflow.engine.journal import Entry, Header
from returnflow.engine.session import Session
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import Event, event_name
from returnflow.records import Customer, Item, Order, Package
from returnflow.replay.transcripts.reader import Options, reader
from returnflow.returns import events as ev
from returnflow.returns.case import Case

ABSENT: Any = object()
"""A reply that was never recorded."""


@dataclass(slots=True)
class Words:
    """Something said; `role`: ``agent`` or ``customer``."""

    role: str
    text: str
    at: datetime


@dataclass(slots=True)
class Tool:
    """A call of a tool; `result` is data, or text such as ``<error> … </error>``."""

    name: str
    arguments: dict[str, Any]
    at: datetime
    result: Any = ABSENT


@dataclass(slots=True)
class Telling:
    """A call as it was seen, and as it is known.

    Args:
        state, case: where it stood at the end, and the facts.
        resumed: it went on upon a later day, which none of the formats can show.
    """

    case_id: str
    day: date | None
    zone: str
    events: Sequence[Event]
    parts: list[Words | Tool] = field(default_factory=list)
    state: str = ""
    case: Any = None
    resumed: bool = False


def told(
    definition: Definition, events: Sequence[Event], day: date, zone: str, case_id: str, rng: Random
) -> Telling:
    """A legal call told with words and calls of tools."""
    return _Teller(definition, events, day, zone, case_id, rng).tell()


class _Teller:
    def __init__(
        self,
        definition: Definition,
        events: Sequence[Event],
        day: date,
        zone: str,
        case_id: str,
        rng: Random,
    ) -> None:
        self.session = Session(definition, day, zone)
        self.telling = Telling(case_id, day, zone, events)
        self.rng = rng
        self.at = events[0].at or datetime.combine(day, datetime.min.time())
        self.open: Tool | None = None
        self.rich = rng.random() < 0.5
        self.sentences = rng.random() < 0.5

    def tell(self) -> Telling:
        session = self.session
        self._agent(session.words(session.state.say or ""))
        for event in self.telling.events:
            self.at = event.at or self.at
            before = session.state
            self._during(event, session)
            step = session.propose(event)
            assert step.accepted, f"{event_name(event)} is not accepted in {before.name}"
            session.accept(step)
            self._agent(session.tell())
            if session.state.name != before.name:
                self._agent(session.words(session.state.say or ""))
                self._present(session.state.name, session.case)
        self.telling.state, self.telling.case = session.state.name, session.case
        return self.telling

    # -- who says what ------------------------------------------------------------------------

    def _agent(self, text: str) -> None:
        if text.strip():
            self.telling.parts.append(Words("agent", text.strip(), self._now()))

    def _customer(self, text: str) -> None:
        self.telling.parts.append(Words("customer", text, self._now()))

    def _now(self) -> datetime:
        """A moment after the one before, and before the next event."""
        self.at += timedelta(microseconds=1)
        return self.at

    def _present(self, state: str, case: Case) -> None:
        if state == "orders_listed" and case.summary is not None:
            for order in case.summary.orders:
                things = ", ".join(line.description or line.item_id for line in order.items)
                self._agent(f"There is order {order.order_id} with {things}.")
        elif state == "order_selected" and case.order is not None:
            lines = case.order.lines
            things = ", ".join(f"{line.quantity} × {line.description}" for line in lines)
            self._agent(f"In it are {things}.")

    def _during(self, event: Event, session: Session) -> None:
        case = session.case
        match event:
            case ev.EmailGiven(email=email):
                self._customer(f"It is {email}")
            case ev.OrderIdGiven(order_id=order_id):
                self._customer(f"The order is {order_id}.")
            case ev.OrderIdUnknown():
                self._customer("I do not have the order id.")
            case ev.OrderUnrecognised():
                self._customer("It is none of these.")
            case ev.ItemsPicked(picks=picks):
                wanted = ", ".join(f"{pick.quantity} of {pick.item_id}" for pick in picks)
                self._customer(f"I would like to send back {wanted}.")
            case ev.Told():
                dues = session.dues()
                vocabulary = session.definition.vocabulary
                made = {vocabulary.build_told(due): due for due in dues}
                self._agent(session.due_words(made[replace(event, at=None)]))
            case ev.ReturnConfirmed():
                asked = next(q for q in session.state.questions if q.event == "return_confirmed")
                self._agent(session.words(asked.confirm or ""))
                self._customer("Yes, please.")
            case ev.ReturnDeclined():
                self._customer("Then I leave it at that.")
            case ev.Satisfied():
                self._customer("Yes, that is all, thank you.")
            case ev.AnotherReturn():
                self._customer("There is something else I would like to send back.")
            case ev.RetryRequested():
                self._customer("Please try again.")
            case ev.LeftUnconfirmed():
                self._customer("Leave it, please.")
            case ev.CallbackPromised():
                self._agent("Somebody will call you today.")
            case ev.HumanRequested():
                self._customer("I want to speak to somebody else.")
            case ev.Resumed():
                self.telling.resumed = True
            case ev.CallDropped():
                pass
            case ev.ReturnRequested():
                self._send("initiate_return", _initiate(event))
            case ev.TransferRequested():
                self._send("transfer_to_human_representative", _transfer(event))
            case ev.ReturnOpened() | ev.ReturnRefused() | ev.TransferAccepted():
                self._settle(event, case)
            case ev.TransferRefused():
                self._settle(event, case)
            case ev.BackendFailed(operation=operation) if operation in _WRITES:
                self._settle(event, case)
            case _:
                self._look_up(event, case)

    # -- tools --------------------------------------------------------------------------------

    def _send(self, name: str, arguments: dict[str, Any]) -> Tool:
        tool = Tool(name, arguments, self._now())
        self.telling.parts.append(tool)
        self.open = tool
        return tool

    def _settle(self, event: Event, case: Case) -> None:
        """The outcome of a write; of one that is tried again there is no request."""
        if self.open is None:
            if case.transfer is not None:
                self._send("transfer_to_human_representative", _transfer(case.transfer))
            else:
                assert case.sent is not None
                self._send("initiate_return", _initiate(case.sent))
        assert self.open is not None
        self.open.result = self._result(event)
        self.open = None

    def _look_up(self, event: Event, case: Case) -> None:
        name, arguments = _asked(event, case)
        self._send(name, arguments)
        assert self.open is not None
        self.open.result = self._result(event)
        self.open = None

    def _result(self, event: Event) -> Any:
        match event:
            case ev.CustomerFound(customer=customer):
                return customer_data(customer)
            case ev.CustomerMissing():
                return "<error> Customer not found </error>"
            case ev.CustomerAmbiguous(count=count):
                return f"<error> {count} customers have this address </error>"
            case ev.OrdersSummarized():
                return _summary_data(event)
            case ev.OrderFound(order=order):
                return order_data(order, self.rich)
            case ev.OrderMissing():
                return "<error> Order not found </error>"
            case ev.ItemFound(item=item):
                return item_data(item)
            case ev.ItemMissing():
                return "<error> Item not found </error>"
            case ev.PackageFound(package=package):
                return package_data(package)
            case ev.PackageMissing():
                return "<error> Package not found </error>"
            case ev.ReturnOpened(receipt=receipt):
                if self.sentences:
                    return (
                        "<success> The return has been initiated. Return tracking id: "
                        f"{receipt.tracking_id} </success>"
                    )
                return {"return_tracking_id": receipt.tracking_id, "status": "INITIATED"}
            case ev.ReturnRefused(message=message):
                return f"<error> Refused: {message} </error>"
            case ev.TransferAccepted():
                return "<success> Transferred to a human representative </success>"
            case ev.TransferRefused(message=message):
                return f"<error> Refused: {message} </error>"
            case ev.BackendFailed(message=message):
                return f"<error> The service is unavailable: {message} </error>"
        raise AssertionError(event_name(event))


_WRITES = ("initiate_return", "transfer_to_human_representative")


def _initiate(sent: Any) -> dict[str, Any]:
    found = {
        "order_id": sent.order_id,
        "item_id": sent.item_id,
        "quantity": sent.quantity,
        "return_reason": sent.reason,
    }
    return {**found, "note": sent.note} if sent.note else found


def _transfer(sent: ev.TransferRequested) -> dict[str, Any]:
    return {"customer_id": sent.customer_id, "summary_of_issues": sent.summary}


def _asked(event: Event, case: Case) -> tuple[str, dict[str, Any]]:
    """What was called for the outcome of a look-up to come about."""
    match event:
        case ev.CustomerFound() | ev.CustomerMissing() | ev.CustomerAmbiguous():
            return "get_customer_by_email", {"email": case.email}
        case ev.OrdersSummarized():
            assert case.customer is not None
            return "summarize_orders", {"order_ids": list(case.customer.active_orders)}
        case ev.OrderFound() | ev.OrderMissing():
            return "get_order_details", {"order_id": case.wanted_order.strip()}
        case ev.ItemFound(item=item):
            return "get_item_details", {"item_id": item.item_id}
        case ev.ItemMissing(item_id=item_id):
            return "get_item_details", {"item_id": item_id}
        case ev.PackageFound(package=package):
            return "get_package_details", {"package_id": package.package_id}
        case ev.PackageMissing(package_id=package_id):
            return "get_package_details", {"package_id": package_id}
        case ev.BackendFailed(operation=operation):
            return operation, _asked_in_vain(operation, case)
    raise AssertionError(event_name(event))


def _asked_in_vain(operation: str, case: Case) -> dict[str, Any]:
    match operation:
        case "get_customer_by_email":
            return {"email": case.email}
        case "summarize_orders":
            assert case.customer is not None
            return {"order_ids": list(case.customer.active_orders)}
        case "get_order_details":
            return {"order_id": case.wanted_order.strip()}
        case "get_package_details":
            return {"package_id": case.pending_packages()[0]}
    assert case.order is not None
    pending = case.pending_items() or [line.item_id for line in case.order.lines]
    return {"item_id": pending[0]}


# -- results in the form of shop data ---------------------------------------------------------


def customer_data(customer: Customer) -> dict[str, Any]:
    """A customer as the shop's data have it."""
    return {
        "customer_id": customer.customer_id,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "phone_number": customer.phone_number,
        "active_orders": list(customer.active_orders),
        "active_returns": list(customer.active_returns),
        "is_fraud_flag": customer.is_fraud_flag,
    }


def _summary_data(event: ev.OrdersSummarized) -> dict[str, Any]:
    found: dict[str, Any] = {
        order.order_id: {
            "order_date": order.order_date,
            "items_ordered": [
                {
                    "item_id": item.item_id,
                    "description": item.description,
                    "quantity": item.quantity,
                    "current_shipment_status": item.current_shipment_status,
                }
                for item in order.items
            ],
        }
        for order in event.orders
    }
    failed = {each.order_id: f"<error> {each.reason} </error>" for each in event.failed}
    return {**found, **failed}


def order_data(order: Order, rich: bool) -> dict[str, Any]:
    """An order as the shop's data have it: a line for each package.

    Args:
        rich: the shop says how many units are in a return; else only that there are returns.
    """
    lines: list[dict[str, Any]] = []
    for line in order.lines:
        parcels = [(parcel.package_id, parcel.quantity) for parcel in line.parcels]
        rest = line.quantity - sum(units for _, units in parcels)
        first = True
        for package_id, units in [*parcels, ("", rest)] if rest > 0 else parcels:
            found = {
                "item_number": line.item_id,
                "description": line.description,
                "qty": units,
                "item_final_cost": line.unit_price,
                "package_id": package_id,
            }
            if rich:
                found["returned"] = (line.returned or 0) if first else 0
            first = False
            lines.append(found)
    taken = any(line.returned for line in order.lines)
    return {
        "order_id": order.order_id,
        "order_date": order.order_date,
        "customer_id": order.customer_id,
        "payment_status": order.payment_status,
        "items_ordered": lines,
        "associated_returns": ["RET-1"] if taken else [],
    }


def item_data(item: Item) -> dict[str, Any]:
    """An item as the shop's data have it; the block about returns may be missing."""
    found: dict[str, Any] = {
        "item_id": item.item_id,
        "item_description": item.description,
        "item_category": item.category,
        "item_cost": item.cost,
    }
    if item.policy is not None:
        found["return_eligiblity_details"] = {
            key: value
            for key, value in msgspec.structs.asdict(item.policy).items()
            if value is not None
        }
    return found


def package_data(package: Package) -> dict[str, Any]:
    """A package as the shop's data have it."""
    return {
        "package_id": package.package_id,
        "type": package.type,
        "current_status": package.current_status,
        "estimated_delivery_date": package.estimated_delivery_date,
        "final_delivery_date": package.final_delivery_date,
        "shipment_cost": Decimal("4.90"),
    }


# -- formats ----------------------------------------------------------------------------------


def dumps(value: Any) -> str:
    """JSON text, amounts as numbers."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    raise TypeError(type(value).__name__)


def _reply(result: Any) -> Any:
    return result if isinstance(result, str) or result is None else dumps(result)


def native(telling: Telling, definition: Definition) -> bytes:
    """A line of our own event log."""
    session = Session(definition, telling.day or date(2026, 1, 1), telling.zone)
    entries = []
    for number, event in enumerate(telling.events, 1):
        step = session.propose(event)
        session.accept(step)
        at = event.at
        assert at is not None
        ended = session.state.kind == "end"
        state = session.state.name
        entries.append(
            Entry(seq=number, kind="event", at=at, state=state, ended=ended, event=event)
        )
    header = Header(
        case_id=telling.case_id,
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent="kim",
        policy_date=telling.day or date(2026, 1, 1),
        zone=telling.zone,
        backend="demo:",
        started_at=entries[0].at,
    )
    return export_case(header, entries, mask=None)


def chat(telling: Telling) -> dict[str, Any]:
    """A chat with calls of tools, in the chat-completions form."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You handle returns for a shop."}
    ]
    for number, part in enumerate(telling.parts):
        if isinstance(part, Words):
            role = "assistant" if part.role == "agent" else "user"
            messages.append({"role": role, "content": part.text})
            continue
        function = {"name": part.name, "arguments": dumps(part.arguments)}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        if part.result is not ABSENT:
            reply = _reply(part.result)
            messages.append({"role": "tool", "tool_call_id": f"call_{number}", "content": reply})
    found: dict[str, Any] = {"id": telling.case_id, "timezone": telling.zone, "messages": messages}
    if telling.day is not None:
        found["date"] = telling.day.isoformat()
    return found


def contact(telling: Telling, *, voice: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A contact-centre file, and the log of calls beside it."""
    start = _start(telling)
    turns: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for number, part in enumerate(telling.parts):
        offset = number * 1000
        if isinstance(part, Tool):
            call: dict[str, Any] = {
                "case_id": telling.case_id,
                "operation": part.name,
                "arguments": json.loads(dumps(part.arguments)),
            }
            if voice:
                call["offset_millis"] = offset
            else:
                call["time"] = part.at.isoformat()
            if part.result is not ABSENT:
                call["result"] = _reply(part.result)
            calls.append(call)
        elif voice:
            turns.append(
                {
                    "Id": f"t{number}",
                    "ParticipantId": part.role.upper(),
                    "Content": part.text,
                    "BeginOffsetMillis": offset,
                    "EndOffsetMillis": offset + 1500,
                }
            )
        else:
            turns.append(
                {
                    "Id": f"t{number}",
                    "Type": "MESSAGE",
                    "AbsoluteTime": part.at.isoformat(),
                    "ParticipantId": f"{part.role}-1",
                    "ParticipantRole": part.role.upper(),
                    "Content": part.text,
                }
            )
    if voice and calls:
        calls[0]["time"] = start.isoformat()
    roles = ("AGENT", "CUSTOMER")
    people = [{"ParticipantId": role, "ParticipantRole": role} for role in roles]
    found = {
        "Version": "1.1.0" if voice else "CHAT-1.0.0",
        "Channel": "VOICE" if voice else "CHAT",
        "Participants": people,
        "CustomerMetadata": {"ContactId": telling.case_id},
        "Transcript": turns,
    }
    return found, calls


def _start(telling: Telling) -> datetime:
    return telling.parts[0].at


def table_of_calls(telling: Telling) -> str:
    """A table of the calls of tools, and of nothing else."""
    columns = (*_COLUMNS, "arguments", "result")
    rows = [
        {
            **_common(telling, part.name, part.at),
            "arguments": dumps(part.arguments),
            **({} if part.result is ABSENT else {"result": _reply(part.result)}),
        }
        for part in telling.parts
        if isinstance(part, Tool)
    ]
    return _csv(columns, rows)


def table_of_events(telling: Telling, *, bare: bool, said: bool) -> str:
    """A table of the procedure's events.

    Args:
        bare: without any data beside what happened and when.
        said: with a row for each thing that was said.
    """
    rows = []
    columns: dict[str, None] = dict.fromkeys(_COLUMNS)
    for event in telling.events:
        if isinstance(event, ev.Told) and not said:
            continue
        assert event.at is not None
        row = _common(telling, event_name(event), event.at)
        if not bare:
            for name, value in msgspec.to_builtins(event).items():
                if name not in ("event", "at", "inferred"):
                    row[name] = value if isinstance(value, str) else dumps(value)
        columns |= dict.fromkeys(row)
        rows.append(row)
    return _csv(tuple(columns), rows)


_COLUMNS = ("case:concept:name", "concept:name", "time:timestamp", "org:resource")


def _common(telling: Telling, activity: str, at: datetime) -> dict[str, str]:
    values = (telling.case_id, activity, at.isoformat(), "kim")
    return dict(zip(_COLUMNS, values, strict=True))


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


# -- read again -------------------------------------------------------------------------------


def read(
    format: str,
    data: bytes | str,
    *,
    day: date | None = None,
    zone: str | None = None,
    calls: Path | None = None,
) -> Iterator[Transcript]:
    """The transcripts that a reader finds in a text."""
    data = data.encode() if isinstance(data, str) else data
    options = Options(date=day, zone=zone, calls=None if calls is None else str(calls))
    by = reader(format)
    assert by.recognises(data, ""), format
    for unit in by.units([data], "made.log"):
        yield from by.read(unit, options)
