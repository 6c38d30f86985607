"""The guards of handling returns: what must hold for a row of the table to be taken.

A guard sees the candidate case (the facts as they would be after the event) and the event. It
is pure and answers True, False, or None where the facts cannot tell. Each has a second function
that says in one sentence why it does not hold; it is called only when words are wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from returnflow.engine.vocabulary import Guard, Verdict
from returnflow.inert import fold
from returnflow.returns import eligibility
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.returns.line import matches

GUARDS: dict[str, Guard] = {}

Explain = Callable[[Case, Any], str]


def _guard(explain: Explain | str) -> Callable[[Callable[[Case, Any], Verdict]], Guard]:
    def register(test: Callable[[Case, Any], Verdict]) -> Guard:
        words: Explain = (lambda _case, _event: explain) if isinstance(explain, str) else explain
        guard = Guard(test.__name__, test, words)
        GUARDS[guard.name] = guard
        return guard

    return register


# -- orders -----------------------------------------------------------------------------------


@_guard("the customer has open orders")
def no_open_orders(case: Case, event: Any) -> Verdict:
    """The customer details name no active order (rule 23)."""
    return None if case.customer is None else not case.customer.active_orders


@_guard("the open orders have not been gone through yet")
def open_orders_gone_through(case: Case, event: Any) -> Verdict:
    """The customer has heard the list and recognised nothing in it (rule 23)."""
    return case.gone_through


@_guard("none of the open orders could be loaded")
def some_order_loaded(case: Case, event: Any) -> Verdict:
    """At least one order of the summary can be presented (rule 24)."""
    return case.summary is not None and bool(case.summary.orders)


@_guard(lambda case, event: f"the order asked for is {case.wanted_order or 'not known'}")
def order_asked_for(case: Case, event: ev.OrderFound) -> Verdict:
    """The order that came back is the one the customer named (rule 22)."""
    return fold(event.order.order_id) == fold(case.wanted_order) if case.wanted_order else None


@_guard("this order belongs to another customer")
def own_order(case: Case, event: ev.OrderFound) -> Verdict:
    """The order is the identified customer's own (rule 21)."""
    if case.customer is None or not event.order.customer_id:
        return None
    return event.order.customer_id == case.customer.customer_id


# -- items ------------------------------------------------------------------------------------


def _not_in_order(case: Case, event: ev.ItemsPicked) -> str:
    foreign = [p.item_id for p in event.picks if not _in_order(case, p.item_id)]
    if not event.picks:
        return "no item is chosen"
    return f"not in order {case.order.order_id if case.order else '?'}: {', '.join(foreign)}"


def _in_order(case: Case, item_id: str) -> bool:
    return case.order is not None and bool(eligibility.lines_of(case.order, item_id))


@_guard(_not_in_order)
def picks_in_order(case: Case, event: ev.ItemsPicked) -> Verdict:
    """Something is picked, and every pick is an item of the selected order."""
    return bool(event.picks) and all(_in_order(case, pick.item_id) for pick in event.picks)


def _too_many(case: Case, event: ev.ItemsPicked) -> str:
    words = []
    for item_id, wanted in case.wanted().items():
        ordered = eligibility.ordered_units(case.order, item_id) if case.order else 0
        taken = case.taken(item_id)
        name = case.name_of(item_id)
        if min((p.quantity for p in event.picks if p.item_id == item_id), default=0) < 1:
            words.append(f"{name}: a quantity is a whole number from 1 up")
        elif taken is None:
            words.append(f"{name}: it is not recorded how many are in a return already")
        elif wanted > ordered - taken:
            left = ordered - taken
            words.append(
                f"{name}: {wanted} asked for, but {ordered} ordered and {taken} in a return "
                f"already; {f'up to {left}' if left > 0 else 'none'} can be chosen"
            )
    return "; ".join(words) or "the quantities do not fit the order"


@_guard(_too_many)
def picks_available(case: Case, event: ev.ItemsPicked) -> Verdict:
    """Of each item at most ordered less those in a return already (rules 16, 17)."""
    if any(pick.quantity < 1 for pick in event.picks):
        return False
    verdict: Verdict = True
    for item_id, wanted in case.wanted().items():
        taken = case.taken(item_id)
        ordered = eligibility.ordered_units(case.order, item_id) if case.order else 0
        if wanted > ordered - (taken or 0):
            return False
        if taken is None:
            verdict = None
    return verdict


@_guard("this item is not in the selected order")
def item_of_order(case: Case, event: ev.ItemFound | ev.ItemMissing) -> Verdict:
    """The look-up was about an item of the selected order."""
    item_id = event.item.item_id if isinstance(event, ev.ItemFound) else event.item_id
    return _in_order(case, item_id)


@_guard("this package carries nothing of the selected order")
def package_of_order(case: Case, event: ev.PackageFound | ev.PackageMissing) -> Verdict:
    """The look-up was about a package of the selected order."""
    package_id = (
        event.package.package_id if isinstance(event, ev.PackageFound) else event.package_id
    )
    return case.order is not None and any(
        parcel.package_id == package_id for line in case.order.lines for parcel in line.parcels
    )


@_guard("every item picked has been looked up")
def items_pending(case: Case, event: Any) -> Verdict:
    """An item picked has not been looked up yet."""
    return bool(case.pending_items())


@_guard("every package that matters has been looked up")
def packages_pending(case: Case, event: Any) -> Verdict:
    """A package that can still change an answer has not been looked up yet (rule 12)."""
    return bool(case.pending_packages())


def _nothing_granted(case: Case, event: Any) -> str:
    return " ".join(_refusal(decision) for decision in case.decisions()) or "no item is chosen"


def _refusal(decision: eligibility.Decision) -> str:
    return f"{decision.description}: {'; '.join(reason.sentence for reason in decision.reasons)}."


@_guard(_nothing_granted)
def something_eligible(case: Case, event: Any) -> Verdict:
    """At least one unit of one pick may go back (rule 9)."""
    return any(decision.granted > 0 for decision in case.decisions())


# -- the yes ----------------------------------------------------------------------------------


@_guard(
    lambda case, event: (
        "not explained to the customer yet: "
        + ", ".join(decision.description for decision in case.owed_refusals())
    )
)
def refusals_explained(case: Case, event: Any) -> Verdict:
    """What may not go back has been explained (rule 14)."""
    return not case.owed_refusals()


@_guard("what could not go back of the choice before has not been explained to the customer")
def choice_explained(case: Case, event: Any) -> Verdict:
    """Nothing of the choice that this event replaces is left unexplained (rules 9, 14)."""
    return not case.unexplained


def _bad_reason(case: Case, event: ev.ReturnConfirmed) -> str:
    bad = sorted({line.reason or "none" for line in event.lines if line.reason not in ev.REASONS})
    return f"not a return reason: {', '.join(bad)}; one of {', '.join(ev.REASONS)}"


@_guard(_bad_reason)
def reasons_known(case: Case, event: ev.ReturnConfirmed) -> Verdict:
    """Every reason is one of the five (rule 26)."""
    return all(line.reason in ev.REASONS for line in event.lines)


def _confirmed(event: ev.ReturnConfirmed) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in event.lines:
        units[line.item_id] = units.get(line.item_id, 0) + line.quantity
    return units


def _not_allowed(case: Case, event: ev.ReturnConfirmed) -> str:
    if not event.lines:
        return "nothing is to be returned"
    words = []
    picked = case.wanted()
    for item_id, quantity in _confirmed(event).items():
        if item_id not in picked:
            words.append(f"{case.name_of(item_id)} was not chosen and checked")
            continue
        decision = case.decide(item_id, quantity)
        name = decision.description
        if any(line.quantity < 1 for line in event.lines if line.item_id == item_id):
            words.append(f"{name}: a quantity is a whole number from 1 up")
        elif quantity > picked[item_id]:
            words.append(f"{name}: {picked[item_id]} chosen and checked, not {quantity}")
        elif decision.granted < quantity:
            words.append(f"{name}: at most {decision.allowed}. {_refusal(decision)}")
    return " ".join(words) or "the lines do not fit what was checked"


@_guard(_not_allowed)
def lines_eligible(case: Case, event: ev.ReturnConfirmed) -> Verdict:
    """Every line was picked, checked, and lies within what may go back (rules 9, 14, 17)."""
    picked = case.wanted()
    return bool(event.lines) and all(
        item_id in picked
        and quantity <= picked[item_id]
        and case.decide(item_id, quantity).granted == quantity
        and all(line.quantity > 0 for line in event.lines if line.item_id == item_id)
        for item_id, quantity in _confirmed(event).items()
    )


# -- writing ----------------------------------------------------------------------------------


@_guard("this is not a line that the customer said yes to and that is still to be sent")
def line_confirmed(case: Case, event: ev.ReturnRequested) -> Verdict:
    """The request is exactly a confirmed line, and the only one under way (rules 25, 27)."""
    sent = [line for line in case.lines if line.state in ("requested", "unknown", "failed")]
    return len(sent) == 1 and sent[0].requests == 1 and matches(sent[0], event)


@_guard("nothing was requested that this could be the outcome of")
def was_requested(case: Case, event: Any) -> Verdict:
    """The outcome of a write came after its request."""
    return not case.unasked


@_guard("the reply holds no tracking id, so nobody knows whether the return was opened")
def tracking_id_given(case: Case, event: ev.ReturnOpened) -> Verdict:
    """The shop named a tracking id; without one it is no success (rule 30)."""
    return bool(event.receipt.tracking_id.strip())


@_guard("a request is under way: its outcome comes first")
def no_return_under_way(case: Case, event: Any) -> Verdict:
    """No request waits for its outcome (rule 4)."""
    return case.sent is None


@_guard("every line has been sent")
def lines_waiting(case: Case, event: Any) -> Verdict:
    """A confirmed line is still to be sent (rule 27)."""
    return case.next_line is not None


@_guard("no return was opened for these items")
def opened_in_this_round(case: Case, event: Any) -> Verdict:
    """At least one of this round's lines was opened."""
    return any(line.state == "opened" for line in case.lines)


# -- closing ----------------------------------------------------------------------------------


@_guard("no return was opened in this call")
def something_opened(case: Case, event: Any) -> Verdict:
    """At least one return was opened in this call."""
    return bool(case.opened)


@_guard(
    lambda case, event: (
        "not said yet: "
        + ", ".join(
            f"{notice.replace('_', ' ')} (for {line.subject})"
            for notice, line in case.owed_notices()
        )
    )
)
def notices_given(case: Case, event: Any) -> Verdict:
    """All three notices were given for every return opened (rule 33)."""
    return not case.owed_notices()


@_guard("a return was opened in this call")
def nothing_opened(case: Case, event: Any) -> Verdict:
    """No return was opened in this call."""
    return not case.opened


@_guard("the summary for the next person is empty")
def summary_given(case: Case, event: Any) -> Verdict:
    """The summary for the human representative says something (rule 34)."""
    return bool(case.transfer_summary.strip())


@_guard("this is not the transfer that was asked for")
def transfer_as_asked(case: Case, event: ev.TransferRequested) -> Verdict:
    """The transfer carries the identified customer, or none, and the agreed summary (35)."""
    customer_id = case.customer.customer_id if case.customer else None
    return (
        not case.transfer_repeated
        and event.customer_id == customer_id
        and event.summary == case.transfer_summary
    )
