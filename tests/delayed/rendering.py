"""Calls told as chats with tool calls, with facts left out at random."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec

from delayed.calls import procedure
from returnflow.delayed import events as ev
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event

MISSING = "<error> not found </error>"


def chat(events: list[Event], session: Session, rng: Random | None = None) -> list[dict[str, Any]]:
    """The messages of a call.

    Args:
        session: at its beginning; it is led through the events.
        rng: leaves out about one member in ten of what came back; None: nothing.
    """
    messages: list[dict[str, Any]] = []
    for event in events:
        case = session.case
        asked = _asked(event, session, case)
        if asked is not None:
            operation, arguments, result = asked
            if rng is not None:
                result = _thinned(result, rng)
                arguments = {key: one for key, one in arguments.items() if rng.random() > 0.05}
            messages += _called(len(messages), operation, arguments, result)
        elif isinstance(event, ev.Told):
            dues = [due for make in procedure().vocabulary.dues.values() for due in make(case)]
            due = next(d for d in dues if (d.notice, d.subject) == (event.notice, event.subject))
            messages.append({"role": "assistant", "content": session.due_words(due)})
        else:
            messages.append({"role": "user", "content": "I see."})
        session.accept(session.propose(event))
    return messages


def _asked(event: Event, session: Session, case: Any) -> tuple[str, dict[str, Any], Any] | None:
    operation = session.state.operation
    named = operation.name if operation is not None else "get_package_details"
    match event:
        case ev.CustomerFound(customer=found):
            return named, {"email": case.email}, _plain(found)
        case ev.CustomerMissing() | ev.OrderMissing():
            sent = {"email": case.email} if "customer" in named else {"order_id": case.wanted_order}
            return named, sent, MISSING
        case ev.CustomerAmbiguous():
            return named, {"email": case.email}, "<error> several accounts </error>"
        case ev.OrdersSummarized(orders=orders, failed=failed):
            ids = list(case.customer.active_orders)
            return named, {"order_ids": ids}, _plain({"orders": orders, "failed": failed})
        case ev.OrderFound(order=found):
            return named, {"order_id": case.wanted_order}, _plain(found)
        case ev.PackageFound(package=found):
            return named, {"package_id": found.package_id}, _plain(found)
        case ev.PackageMissing(package_id=one):
            return named, {"package_id": one}, MISSING
        case ev.GiftCardIssued(receipt=receipt):
            return named, _card(case), _plain(receipt)
        case ev.GiftCardRefused():
            return named, _card(case), "<error> rejected: it was issued already </error>"
        case ev.TransferAccepted():
            return named, _transfer(case), "<success> done </success>"
        case ev.TransferRefused():
            return named, _transfer(case), "<error> rejected </error>"
        case ev.BackendFailed() if named == "issue_gift_card":
            return named, _card(case), "<error> timeout </error>"
        case ev.BackendFailed() if named.startswith("transfer"):
            return named, _transfer(case), "<error> timeout </error>"
        case ev.BackendFailed():
            arguments = dict(operation.pending(case)[0].arguments) if operation else {}
            return named, _plain(arguments), "<error> timeout </error>"
    return None


def _card(case: Any) -> dict[str, Any]:
    card = case.sent
    return {
        "customer_id": case.customer.customer_id,
        "package_id": card.package_id,
        "amount": f"{card.amount:f}",
        "currency": card.currency,
    }


def _transfer(case: Any) -> dict[str, Any]:
    sent = case.transfer
    return {"customer_id": sent.customer_id, "summary_of_issues": sent.summary}


def _plain(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value))


def _thinned(value: Any, rng: Random) -> Any:
    if isinstance(value, dict):
        # In a parcel that has no package id, the units are not shipped: that is said, not left out.
        return {
            key: one if key == "parcels" else _thinned(one, rng)
            for key, one in value.items()
            if rng.random() > 0.1
        }
    return [_thinned(one, rng) for one in value] if isinstance(value, list) else value


def _called(number: int, name: str, arguments: Any, result: Any) -> list[dict[str, Any]]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"c{number}", "type": "function", "function": function}
    content = result if isinstance(result, str) else json.dumps(result)
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{number}", "content": content},
    ]
