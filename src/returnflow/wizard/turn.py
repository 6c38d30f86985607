"""What one turn of a call shows: the view that every front end renders.

A turn is made from a session alone. It holds the words to say, what is known and matters now,
what can be chosen, and the ways of answering. No front end adds a rule or a text of the
procedure to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from returnflow.engine.definition import Question
from returnflow.engine.session import Ask, Session
from returnflow.engine.vocabulary import Due
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.events import BackendFailed
from returnflow.returns.line import Line
from returnflow.returns.telling import money, scope
from returnflow.wizard.answers import Choice

Fact = tuple[str, str]
"""A label and a text."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a numbered list: a title, and lines below it."""

    title: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """See the module.

    Args:
        step: the SOP's step and its title.
        tell: what the last event has to tell the customer, or ""; it is said instead of `say`.
        known: facts that matter now.
        do: an instruction to the agent, or "".
        due: what must be said first; None where nothing is owed.
        due_words: the sentence that `due` asks for.
        say: the words to say.
        listing: what can be chosen by number.
        kind: the field type of what is typed, or "".
        typed: the answer that is typed; None where only `options` answer.
        options: the answers chosen by a key.
    """

    step: str
    tell: str
    known: tuple[Fact, ...]
    do: str
    due: Due | None
    due_words: str
    say: str
    listing: tuple[Listed, ...]
    choices: tuple[Choice, ...]
    kind: str
    typed: Question | None
    options: tuple[Question, ...]


def turn_of(session: Session, ask: Ask) -> Turn:
    """The turn of the question that the session asks now."""
    state = ask.state
    typed = next((question for question in state.questions if question.key is None), None)
    kind = next(iter(typed.fields.values())).type if typed and typed.fields else ""
    due = ask.dues[0] if ask.dues else None
    choices = choices_for(session.case, kind)
    tell = session.tell()
    return Turn(
        step=f"Step {state.step} · {session.definition.steps[state.step]}",
        tell=tell,
        known=tuple(_matters(session)),
        do=session.words(state.do) if state.do else "",
        due=due,
        due_words=session.due_words(due) if due else "",
        say=session.words(state.say) if state.say and not tell else "",
        listing=listing_for(session.case, kind),
        choices=choices,
        kind=kind,
        typed=typed,
        options=tuple(question for question in state.questions if question.key is not None),
    )


@dataclass(frozen=True, slots=True)
class Tick:
    """A sentence of a checklist, and whether it was said."""

    due: Due
    words: str
    said: bool


def checklist(session: Session) -> tuple[Tick, ...]:
    """What has to be said in this state: what is owed, and what was said of the same subjects."""
    owed = session.dues()
    if not owed or session.state.owes is None:
        return ()
    # As if nothing had been said yet: then all is owed, in the order in which it is said.
    unsaid: Case = session.case.copy()
    unsaid.told = set()
    subjects = {due.subject for due in owed}
    left = {(due.notice, due.subject) for due in owed}
    return tuple(
        Tick(due, session.due_words(due), (due.notice, due.subject) not in left)
        for due in session.definition.vocabulary.dues[session.state.owes](unsaid)
        if due.subject in subjects
    )


# -- what can be chosen -----------------------------------------------------------------------


def choices_for(case: Case, kind: str) -> tuple[Choice, ...]:
    """What can be chosen by number where a field of that type is asked for."""
    if kind == "picks":
        return item_choices(case)
    return order_choices(case) if kind == "listed_order" else ()


def listing_for(case: Case, kind: str) -> tuple[Listed, ...]:
    """The same as it is read: a title and details for each of `choices_for`."""
    if kind == "picks":
        return _items(case)
    return _orders(case) if kind == "listed_order" else ()


def order_choices(case: Case) -> tuple[Choice, ...]:
    """The open orders listed, to be chosen by number, id or words of an item."""
    if case.summary is None:
        return ()
    return tuple(
        Choice(order.order_id, " ".join(item.description for item in order.items))
        for order in case.summary.orders
    )


def item_choices(case: Case) -> tuple[Choice, ...]:
    """The items of the selected order, each once, with the units that can still be chosen."""
    if case.order is None:
        return ()
    found = dict.fromkeys(line.item_id for line in case.order.lines)
    return tuple(
        Choice(item_id, case.name_of(item_id), available_units(case, item_id)) for item_id in found
    )


def available_units(case: Case, item_id: str) -> int:
    """Ordered less those in a return already (rule 17)."""
    if case.order is None:
        return 0
    return max(0, eligibility.ordered_units(case.order, item_id) - (case.taken(item_id) or 0))


def _orders(case: Case) -> tuple[Listed, ...]:
    return tuple(
        Listed(
            f"{order['order_id']}{', ' + order['date'] if order['date'] else ''}",
            tuple(
                f"{line['quantity']} × {line['description']}"
                f"{' (' + line['status'] + ')' if line['status'] else ''}"
                for line in order["lines"]
            ),
        )
        for order in scope(case)["orders"]
    )


def _items(case: Case) -> tuple[Listed, ...]:
    order = case.order
    if order is None:
        return ()
    listed = []
    for choice in item_choices(case):
        lines = eligibility.lines_of(order, choice.ident)
        ordered, taken = eligibility.ordered_units(order, choice.ident), case.taken(choice.ident)
        prices = dict.fromkeys(money(line.unit_price, line.currency) for line in lines)
        parts = [choice.ident, f"{ordered} ordered", f"{' or '.join(prices)} each"]
        if taken:
            parts.append(f"{taken} in a return already")
        details = [" · ".join(parts)]
        if choice.ident in case.items:
            details.append(verdict_words(case.decide(choice.ident, max(1, choice.available))))
        listed.append(Listed(choice.words, tuple(details)))
    return tuple(listed)


# -- what is known ----------------------------------------------------------------------------


def verdict_words(decision: eligibility.Decision) -> str:
    """A decision in one line: what may go back, and every reason for the rest (rule 9)."""
    reasons = "; ".join(reason.sentence for reason in decision.reasons)
    if not decision.reasons:
        return f"{decision.granted} of {decision.wanted} may go back"
    if decision.granted:
        return f"{decision.granted} of {decision.wanted} may go back. Not the rest: {reasons}"
    return f"may not go back: {reasons}"


def outcome_words(case: Case, line: Line) -> str:
    """What became of a confirmed line (rule 27)."""
    refund = f", refund {money(line.refund, line.currency)}"
    return {
        "waiting": "not sent yet",
        "requested": "sent, no answer yet",
        "opened": f"opened, tracking id {line.tracking_id}{refund}",
        "refused": f"refused by the shop: {line.message}",
        "failed": f"not sent: {line.message}",
        "not_done": "not opened; the shop could not be reached",
        "unknown": f"outcome unknown: {line.message}",
        "left": f"outcome unknown, left open (key {line.key})",
    }[line.state]


def facts(session: Session) -> list[Fact]:
    """All that is known in the call so far, for `/facts`."""
    case: Case = session.case
    found = [("E-mail", case.email)] if case.email else []
    found += _customer(case)
    if case.customer is not None:
        open_orders = ", ".join(case.customer.active_orders) or "none"
        found.append(("Open orders", open_orders))
    found += _failed_orders(case) + _order(case) + _eligibility(case) + _lines(case)
    if case.transfer_summary:
        found.append(("Transfer", case.transfer_summary))
    decided = f"{eligibility.day_words(case.policy_date)}, {case.zone}"
    found.append(("Decided under", decided))
    return found


def _matters(session: Session) -> list[Fact]:
    return trouble(session) + _of_step(session)


def trouble(session: Session) -> list[Fact]:
    """After a failure of the shop: what is known and what is not (rules 29, 30)."""
    failed = session.last.event if session.last is not None else None
    if not isinstance(failed, BackendFailed):
        return []
    why = f" ({failed.message})" if failed.message else ""
    if failed.outcome == "cancelled":
        return [("Known", f"{failed.operation} was stopped; a look-up changes nothing.")]
    if not session.definition.vocabulary.operations[failed.operation].request:
        return [
            ("Known", f"{failed.operation} gave no answer{why}; a look-up changes nothing."),
            ("Not known", "what the shop would have answered; the same can be asked again."),
        ]
    if failed.outcome == "known":
        return [("Known", f"{failed.operation} did not reach the shop{why}: nothing was done.")]
    return [
        ("Known", f"{failed.operation} was sent, and no usable answer came{why}."),
        (
            "Not known",
            "whether the shop did it. Asked again it gets the same key, so it is not done twice.",
        ),
    ]


def _of_step(session: Session) -> list[Fact]:
    case: Case = session.case
    state = session.state
    if state.owes == "refusals":
        return _eligibility(case)
    if case.lines and state.step == "5":
        return _lines(case)
    if state.step == "3":
        return _customer(case) + _failed_orders(case)
    if state.step == "4a":
        return _customer(case) + _order(case)
    if state.step == "6":
        return _lines(case)
    return _customer(case) + [
        ("Return", f"{case.name_of(line.item_id)}: {outcome_words(case, line)}")
        for line in case.opened
    ]


def _customer(case: Case) -> list[Fact]:
    customer = case.customer
    if customer is None:
        return []
    name = f"{customer.first_name} {customer.last_name}".strip() or "no name recorded"
    found = [("Customer", f"{name} ({customer.customer_id})")]
    if customer.is_fraud_flag:
        found.append(("For you only", "suspected fraud is noted; it changes nothing here"))
    return found


def _order(case: Case) -> list[Fact]:
    order = case.order
    if order is None:
        return []
    day = scope(case)["order"]["date"]
    payment = f", payment {order.payment_status}" if order.payment_status else ""
    return [("Order", f"{order.order_id}{f' of {day}' if day else ''}{payment}")]


def _failed_orders(case: Case) -> list[Fact]:
    failed = case.summary.failed if case.summary else ()
    return [("Not loaded", f"{order.order_id}: {order.reason}") for order in failed]


def _eligibility(case: Case) -> list[Fact]:
    if case.pending_items() or case.pending_packages():
        return [
            ("Chosen", f"{count} × {case.name_of(item_id)}")
            for item_id, count in case.wanted().items()
        ]
    return [
        ("Checked", f"{decision.wanted} × {decision.description}: {verdict_words(decision)}")
        for decision in case.decisions()
    ]


def _lines(case: Case) -> list[Fact]:
    return [
        (
            "Return",
            f"{line.quantity} × {case.name_of(line.item_id)} ({line.reason}): "
            f"{outcome_words(case, line)}",
        )
        for line in case.all_lines
    ]
