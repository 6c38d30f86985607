"""What the words of the procedure may name, what is owed to be said, and the drafted summary.

The scope holds plain data and no callables. A suspected-fraud flag is not in it, so that no
words meant for the customer can carry it (rule 15).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from returnflow.engine.vocabulary import Due
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.line import Line

SAYABLE = 80
"""Characters of a name that an agent is asked to read aloud."""


def money(amount: Decimal | None, currency: str) -> str:
    """An exact amount with its currency; never rounded (rule 31)."""
    if amount is None:
        return "an amount that the shop has not recorded"
    return f"{amount:f} {currency}".strip()


def scope(case: Case) -> dict[str, Any]:
    """Everything that words may name; a name always exists, if only as empty text."""
    decisions = [_decision(case, d) for d in case.decisions()] if case.items else []
    return {
        **order_scope(case),
        "granted": [decision for decision in decisions if decision["granted"]],
        "refused": [decision for decision in decisions if decision["reasons"]],
        "lines": [_line(case, line) for line in case.lines],
        "returns": [_line(case, line) for line in case.opened],
        "unsettled": [_line(case, line) for line in case.unsettled],
        "withdrawn": case.withdrawn,
        **standing_scope(case),
    }


def order_scope(case: Any) -> dict[str, Any]:
    """What words may name of customer and orders, whatever the call is about."""
    customer = case.customer
    return {
        "email": case.email,
        "accounts": case.ambiguous,
        "customer": {
            "first_name": customer.first_name if customer else "",
            "last_name": customer.last_name if customer else "",
            "customer_id": customer.customer_id if customer else "",
        },
        "wanted_order": case.wanted_order,
        "orders": [
            {
                "order_id": order.order_id,
                "date": said_day(order.order_date, case.zone),
                "lines": [
                    {
                        "description": item.description or item.item_id,
                        "quantity": item.quantity or "",
                        "status": eligibility.status_words(item.current_shipment_status),
                    }
                    for item in order.items
                ],
            }
            for order in (case.summary.orders if case.summary else ())
        ],
        "failed_orders": [
            {"order_id": failed.order_id, "reason": failed.reason}
            for failed in (case.summary.failed if case.summary else ())
        ],
        "order": {
            "order_id": case.order.order_id if case.order else "",
            "date": said_day(case.order.order_date, case.zone) if case.order else "",
        },
    }


def standing_scope(case: Any) -> dict[str, Any]:
    """What words may name of failures, the transfer and the day, whatever the call is about."""
    return {
        "failure": {
            "message": case.failure.message if case.failure else "",
            "cancelled": bool(case.failure and case.failure.outcome == "cancelled"),
        },
        "transfer": {
            "message": case.transfer_message,
            "reference": case.transfer_reference,
            "unknown": case.transfer is not None,
        },
        "today": eligibility.day_words(case.policy_date),
    }


def sample_scope() -> dict[str, Any]:
    """A scope in which nothing is missing or empty, for trying words when they are loaded."""
    keys = ("item_id", "description", "reason", "state", "tracking_id", "refund", "message")
    line = {**dict.fromkeys(keys, "x"), "quantity": 1}
    decision = {
        "item_id": "x",
        "description": "x",
        "wanted": 2,
        "granted": 1,
        "closes": "x",
        "reasons": ["x"],
    }
    item = {"description": "x", "quantity": 1, "status": "x"}
    return {
        "email": "x",
        "accounts": 2,
        "customer": {"first_name": "x", "last_name": "x", "customer_id": "x"},
        "wanted_order": "x",
        "orders": [{"order_id": "x", "date": "x", "lines": [item]}],
        "failed_orders": [{"order_id": "x", "reason": "x"}],
        "order": {"order_id": "x", "date": "x"},
        "granted": [decision],
        "refused": [decision],
        "lines": [line],
        "returns": [line],
        "unsettled": [line],
        "withdrawn": 1,
        "failure": {"message": "x", "cancelled": True},
        "transfer": {"message": "x", "reference": "x", "unknown": True},
        "today": "x",
    }


# -- what is owed -----------------------------------------------------------------------------

NOTICES = (
    "after_delivery",
    "closes_before_delivery",
    "offer_transfer",
    "final",
    "tracking_id",
    "shipping_not_refunded",
    "approval_before_pickup",
)
"""The keys of all that can be owed: four advices for refusals, three notices for a return."""


def refusals(case: Case) -> Sequence[Due]:
    """A due for each refusal that the customer has not heard yet (rules 8, 9, 13, 14)."""
    return [refusal(case, d.advice, d) for d in case.owed_refusals() if d.advice]


def refusal(case: Case, advice: str, decision: eligibility.Decision) -> Due:
    """What is to be said of one refusal."""
    return Due(advice, decision.item_id, _decision(case, decision))


def notices(case: Case) -> Sequence[Due]:
    """A due for each notice that is still owed for a return (rule 33)."""
    return [Due(notice, line.subject, _line(case, line)) for notice, line in case.owed_notices()]


def sample_due() -> dict[str, Any]:
    """The values of a due in which nothing is missing: those of a decision and of a line."""
    sample = sample_scope()
    return {**sample["refused"][0], **sample["lines"][0]}


# -- the transfer -----------------------------------------------------------------------------


def draft_summary(case: Case, reason: str) -> str:
    """What the next person should know, drafted from the facts; never empty (rule 34)."""
    parts = who_and_which(case, reason)
    for line in case.all_lines:
        parts.append(_outcome(case, line))
    if not case.lines:
        parts.extend(_standing(case))
    return " ".join(part for part in parts if part)


def who_and_which(case: Any, reason: str) -> list[str]:
    """The beginning of a summary: why the customer is transferred, who they are, and the order.

    Args:
        case: of any vocabulary that has the facts of customer and order.
    """
    said = {"asked": "Asks for a human.", "not_satisfied": "Is not satisfied."}
    own = reason.strip()
    stop = "" if own.endswith((".", "!", "?", "…")) else "."
    parts = [said.get(reason, f"Reason: {own}{stop}" if own else "")]
    customer = case.customer
    if customer is not None:
        name = f"{customer.first_name} {customer.last_name}".strip()
        parts.append(f"Customer {customer.customer_id}{f', {name}' if name else ''}.")
    elif case.email:
        parts.append(f"Not identified; gave the address {case.email}.")
    else:
        parts.append("Not identified; no address given yet.")
    if case.gone_through:
        parts.append("Recognised none of the open orders.")
    if case.order is not None:
        date = said_day(case.order.order_date, case.zone)
        parts.append(f"Order {case.order.order_id}{f' of {date}' if date else ''}.")
    elif case.wanted_order:
        parts.append(f"Named order {case.wanted_order}.")
    return parts


def _standing(case: Case) -> list[str]:
    if not case.wanted():
        return []
    if case.pending_items():
        wished = ", ".join(f"{n} × {case.name_of(item)}" for item, n in case.wanted().items())
        return [f"Wants to return {wished}; not checked yet."]
    parts = []
    for decision in case.decisions():
        words = f"{decision.wanted} × {decision.description or decision.item_id}"
        if decision.granted:
            parts.append(f"May return {decision.granted} of {words}.")
        if decision.reasons:
            reasons = "; ".join(reason.sentence for reason in decision.reasons)
            parts.append(f"Refused: {words}: {reasons}.")
    return parts


def _outcome(case: Case, line: Line) -> str:
    what = f"{line.quantity} × {case.name_of(line.item_id)} ({line.reason})"
    match line.state:
        case "opened":
            return f"Return {line.tracking_id} opened for {what}."
        case "refused":
            return f"The shop refused the return of {what}: {line.message}."
        case "waiting":
            return f"Agreed but not sent: {what}."
        case "failed" | "not_done":
            return f"Not sent for certain: {what}."
        case _:
            return f"Outcome unknown: {what}, key {line.key}."


# -- pieces -----------------------------------------------------------------------------------


def short(name: str) -> str:
    """A name as it can be said; the screen has it whole."""
    return name if len(name) <= SAYABLE else name[: SAYABLE - 1].rstrip() + "…"


def said_day(text: str, zone: str) -> str:
    """A date as it is said; as the shop wrote it where nobody can read it."""
    day = eligibility.calendar_day(text, zone) if text else None
    return eligibility.day_words(day) if day else text


def _decision(case: Case, decision: eligibility.Decision) -> dict[str, Any]:
    item = case.items.get(decision.item_id)
    closes = eligibility.window_closes(case.order, item, case.zone) if case.order else None
    return {
        "item_id": decision.item_id,
        "description": short(decision.description),
        "wanted": decision.wanted,
        "granted": decision.granted,
        "closes": eligibility.day_words(closes) if closes else "",
        "reasons": [reason.sentence for reason in decision.reasons],
    }


def _line(case: Case, line: Line) -> dict[str, Any]:
    return {
        "item_id": line.item_id,
        "description": short(case.name_of(line.item_id)),
        "quantity": line.quantity,
        "reason": line.reason,
        "state": line.state,
        "tracking_id": line.tracking_id,
        "refund": money(line.refund, line.currency),
        "message": line.message,
    }
