"""The guards of handling returns: what must hold for a row of the table to be taken.

A guard sees the candidate case (the facts as they would be after the event) and the event. It
is pure and answers True, False, or None where the facts cannot tell. Each has a second function
that says in one sentence why it does not hold; it is called only when words are wanted.
"""

from __future__ import annotations

from typing import Any

from returnflow.engine.vocabulary import Guards, Verdict, all_of, any_of
from returnflow.inert import fold
from returnflow.redacted import NOT_RECORDED_UNITS, hidden
from returnflow.returns import eligibility
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.returns.line import certain, matches

GUARDS = Guards()

_guard = GUARDS.guard


# -- orders -----------------------------------------------------------------------------------


@_guard("the customer has open orders")
def no_open_orders(case: Case, event: Any) -> Verdict:
    """The customer details name no active order (rule 23)."""
    if case.customer is None or any(hidden(order_id) for order_id in case.customer.active_orders):
        return None
    return not case.customer.active_orders


@_guard("the open orders have not been gone through yet")
def open_orders_gone_through(case: Case, event: Any) -> Verdict:
    """The customer has heard the list and recognised nothing in it (rule 23)."""
    return case.gone_through


@_guard("none of the open orders could be loaded")
def some_order_loaded(case: Case, event: Any) -> Verdict:
    """At least one order of the summary can be presented (rule 24)."""
    return case.summary is not None and bool(case.summary.orders)


@_guard(
    lambda case, event: f"the order asked for is {case.wanted_order or 'not known'}",
    finding="wrong_argument",
    about=lambda case, event: frozenset({event.order.order_id}),
    repair="Look up the order that the customer named.",
)
def order_asked_for(case: Case, event: ev.OrderFound) -> Verdict:
    """The order that came back is the one the customer named (rule 22)."""
    if not case.wanted_order or hidden(case.wanted_order) or hidden(event.order.order_id):
        return None
    return fold(event.order.order_id) == fold(case.wanted_order)


@_guard(
    lambda case, event: f"order {event.order.order_id} belongs to another customer",
    about=lambda case, event: frozenset({event.order.order_id}),
    repair="Say that there is no such order on the customer's account, do nothing with it, and "
    "ask for another order id.",
)
def own_order(case: Case, event: ev.OrderFound) -> Verdict:
    """The order is the identified customer's own (rule 21)."""
    owner = event.order.customer_id
    if case.customer is None or not owner or hidden(owner) or hidden(case.customer.customer_id):
        return None
    return owner == case.customer.customer_id


# -- items ------------------------------------------------------------------------------------


def _not_in_order(case: Case, event: ev.ItemsPicked) -> str:
    foreign = [p.item_id for p in event.picks if not _in_order(case, p.item_id)]
    if not event.picks:
        return "no item is chosen"
    return f"not in order {case.order.order_id if case.order else '?'}: {', '.join(foreign)}"


def _in_order(case: Case, item_id: str) -> bool:
    if case.order is not None:
        for line in case.order.lines:
            if line.item_id == item_id:
                return True
    return False


def _of_order(case: Case, item_id: str) -> Verdict:
    """As `_in_order`; None where the order's lines, or the item, cannot be seen."""
    if _in_order(case, item_id):
        return True
    if case.order is None or hidden(item_id):
        return None
    return None if _lines_hidden(case) else False


def _picked(case: Case, event: Any) -> frozenset[str]:
    return frozenset(case.wanted())


@_guard(
    _not_in_order,
    finding="wrong_argument",
    about=lambda case, event: frozenset(
        pick.item_id for pick in event.picks if not _in_order(case, pick.item_id)
    ),
    repair="Choose among the items of the selected order, or select the order they are in.",
)
def picks_in_order(case: Case, event: ev.ItemsPicked) -> Verdict:
    """Something is picked, and every pick is an item of the selected order."""
    if not event.picks:
        return False
    return all_of(_of_order(case, pick.item_id) for pick in event.picks)


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


@_guard(
    _too_many,
    about=_picked,
    repair="Take at most what was ordered and is in no return yet.",
)
def picks_available(case: Case, event: ev.ItemsPicked) -> Verdict:
    """Of each item at most ordered less those in a return already (rules 16, 17)."""
    units = [pick.quantity for pick in event.picks if pick.quantity != NOT_RECORDED_UNITS]
    if any(quantity < 1 for quantity in units):
        return False
    if len(units) < len(event.picks) or case.order is None:
        return None
    return all_of(_available(case, item_id, wanted) for item_id, wanted in case.wanted().items())


def _available(case: Case, item_id: str, wanted: int) -> Verdict:
    if case.order is None or case.lines_hidden:
        return None
    ordered, found = 0, False
    for line in case.order.lines:
        if line.item_id == item_id:
            if line.quantity == NOT_RECORDED_UNITS:
                return None
            ordered, found = ordered + line.quantity, True
    if not found:
        return None  # that it is not of the order is said by `picks_in_order`
    taken, all_known = case.taken_at_least(item_id)
    if wanted > ordered - taken:
        return False
    return True if all_known else None


def _lines_hidden(case: Case) -> bool:
    """Whether the order has a line of which the item is not recorded."""
    return case.lines_hidden


def _item_id(event: ev.ItemFound | ev.ItemMissing) -> str:
    return event.item.item_id if isinstance(event, ev.ItemFound) else event.item_id


def _package_id(event: ev.PackageFound | ev.PackageMissing) -> str:
    return event.package.package_id if isinstance(event, ev.PackageFound) else event.package_id


@_guard(
    "this item is not in the selected order",
    finding="wrong_argument",
    about=lambda case, event: frozenset({_item_id(event)}),
    repair="Look up the items that the customer chose.",
)
def item_of_order(case: Case, event: ev.ItemFound | ev.ItemMissing) -> Verdict:
    """The look-up was about an item of the selected order."""
    return _of_order(case, _item_id(event))


@_guard(
    "this package carries nothing of the selected order",
    finding="wrong_argument",
    about=lambda case, event: frozenset({_package_id(event)}),
    repair="Look up the packages of the items that the customer chose.",
)
def package_of_order(case: Case, event: ev.PackageFound | ev.PackageMissing) -> Verdict:
    """The look-up was about a package of the selected order."""
    if case.order is None:
        return None
    parcels = [parcel.package_id for line in case.order.lines for parcel in line.parcels]
    if _package_id(event) in parcels:
        return True
    unseen = any(hidden(each) for each in parcels) or any(
        hidden(line.item_id) for line in case.order.lines
    )
    return None if unseen or hidden(_package_id(event)) else False


@_guard("every item picked has been looked up", finding="repeated_lookup")
def items_pending(case: Case, event: Any) -> Verdict:
    """An item picked has not been looked up yet."""
    unseen = any(hidden(item_id) for item_id in (*case.wanted(), *case.items))
    if case.pending_items():
        return None if unseen else True
    return None if unseen else False


@_guard("every package that matters has been looked up", finding="repeated_lookup")
def packages_pending(case: Case, event: Any) -> Verdict:
    """A package that can still change an answer has not been looked up yet (rule 12)."""
    return case.packages_owed()


def _nothing_granted(case: Case, event: Any) -> str:
    return " ".join(_refusal(decision) for decision in case.decisions()) or "no item is chosen"


def _refusal(decision: eligibility.Decision) -> str:
    return f"{decision.description}: {'; '.join(reason.sentence for reason in decision.reasons)}."


@_guard(
    _nothing_granted,
    about=_picked,
    repair="Explain to the customer why it cannot go back, and initiate no return of it.",
)
def something_eligible(case: Case, event: Any) -> Verdict:
    """At least one unit of one pick may go back (rule 9)."""
    return any_of(case.may_return(item_id, 1) for item_id in case.wanted())


# -- the yes ----------------------------------------------------------------------------------


@_guard(
    lambda case, event: (
        "not explained to the customer yet: "
        + ", ".join(decision.description for decision in case.owed_refusals())
    ),
    finding="notice_missing",
    about=lambda case, event: frozenset(d.item_id for d in case.owed_refusals()),
    repair="Explain first why it cannot go back.",
)
def refusals_explained(case: Case, event: Any) -> Verdict:
    """What may not go back has been explained (rule 14)."""
    owed = case.refusals_owed()
    return None if owed is None else not owed


@_guard(
    "what could not go back of the choice before has not been explained to the customer",
    finding="notice_missing",
    repair="Explain first why it cannot go back.",
)
def choice_explained(case: Case, event: Any) -> Verdict:
    """Nothing of the choice that this event replaces is left unexplained (rules 9, 14)."""
    return None if case.unexplained is None else not case.unexplained


def _bad_reason(case: Case, event: ev.ReturnConfirmed) -> str:
    bad = sorted({line.reason or "none" for line in event.lines if line.reason not in ev.REASONS})
    return f"not a return reason: {', '.join(bad)}; one of {', '.join(ev.REASONS)}"


@_guard(
    _bad_reason,
    finding="wrong_argument",
    about=lambda case, event: frozenset(line.item_id for line in event.lines),
    repair=f"Give one of the reasons {', '.join(ev.REASONS)}.",
)
def reasons_known(case: Case, event: ev.ReturnConfirmed) -> Verdict:
    """Every reason is one of the five (rule 26)."""
    return all_of(
        None if hidden(line.reason) else line.reason in ev.REASONS for line in event.lines
    )


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


@_guard(
    _not_allowed,
    about=lambda case, event: frozenset(
        item_id for item_id in _confirmed(event) if _line_allowed(case, event, item_id) is False
    ),
    repair="Initiate only what was checked and may go back; explain the rest to the customer.",
)
def lines_eligible(case: Case, event: ev.ReturnConfirmed) -> Verdict:
    """Every line was picked, checked, and lies within what may go back (rules 9, 14, 17)."""
    if not event.lines:
        return False
    return all_of(_line_allowed(case, event, item_id) for item_id in _confirmed(event))


def _line_allowed(case: Case, event: ev.ReturnConfirmed, item_id: str) -> Verdict:
    units = [line.quantity for line in event.lines if line.item_id == item_id]
    recorded = [quantity for quantity in units if quantity != NOT_RECORDED_UNITS]
    if any(quantity < 1 for quantity in recorded):
        return False
    picked = case.wanted()
    unseen = not picked or any(hidden(each) for each in (item_id, *picked))
    chosen: Verdict = None if unseen and item_id not in picked else item_id in picked
    quantity = sum(recorded) if len(recorded) == len(units) else NOT_RECORDED_UNITS
    wanted = picked.get(item_id, NOT_RECORDED_UNITS)
    if quantity > wanted >= 0:
        return False
    return all_of((chosen, case.may_return(item_id, quantity)))


# -- writing ----------------------------------------------------------------------------------


def _not_agreed(case: Case, event: ev.ReturnRequested) -> str:
    said = [
        f"{line.quantity} × {case.name_of(line.item_id)} of order {line.order_id} ({line.reason})"
        for line in case.lines
    ]
    sent = (
        f"{event.quantity} × {case.name_of(event.item_id)} of order {event.order_id} "
        f"({event.reason})"
    )
    return (
        "this is not a line that the customer said yes to and that is still to be sent: "
        f"{sent}; agreed: {', '.join(said) or 'nothing'}"
    )


@_guard(
    _not_agreed,
    finding="wrong_argument",
    about=lambda case, event: frozenset({event.item_id}),
    repair="Initiate exactly what the customer said yes to: order, item, quantity and reason.",
)
def line_confirmed(case: Case, event: ev.ReturnRequested) -> Verdict:
    """The request is exactly a confirmed line, and the only one under way (rules 25, 27)."""
    sent = [line for line in case.lines if line.state in ("requested", "unknown", "failed")]
    if not sent and case.lines and not all(certain(line, event) for line in case.lines):
        return None
    if len(sent) != 1 or sent[0].requests != 1:
        return False
    if not matches(sent[0], event):
        # Lines of one item and reason are one (rule 19): a hidden one may be a part of it.
        unseen = any(hidden(each.item_id) or hidden(each.reason) for each in case.lines)
        return None if unseen else False
    return True if certain(sent[0], event) else None


@_guard(
    "nothing was requested that this could be the outcome of",
    finding="unexpected_event",
)
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
    if any(hidden(line.item_id) or hidden(line.reason) for line in case.lines):
        return None  # two lines with one reason would be one (rule 19)
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
    ),
    finding="notice_missing",
    about=lambda case, event: frozenset(line.subject for _, line in case.owed_notices()),
    repair="Give every notice before the call is closed.",
)
def notices_given(case: Case, event: Any) -> Verdict:
    """All three notices were given for every return opened (rule 33)."""
    owed = case.notices_owed()
    return None if owed is None else not owed


@_guard("a return was opened in this call")
def nothing_opened(case: Case, event: Any) -> Verdict:
    """No return was opened in this call."""
    return not case.opened


@_guard(
    "the summary for the next person is empty",
    repair="Write down what the next person should know.",
)
def summary_given(case: Case, event: Any) -> Verdict:
    """The summary for the human representative says something (rule 34)."""
    return bool(case.transfer_summary.strip())


def _not_as_asked(case: Case, event: ev.TransferRequested) -> str:
    customer_id = case.customer.customer_id if case.customer else None
    if event.customer_id != customer_id:
        return (
            f"the transfer names the customer {event.customer_id or 'nobody'}; identified is "
            f"{customer_id or 'nobody'}"
        )
    return "this is not the transfer that was asked for"


@_guard(
    _not_as_asked,
    finding="wrong_argument",
    repair="Transfer the customer who was identified, with the summary that was agreed.",
)
def transfer_as_asked(case: Case, event: ev.TransferRequested) -> Verdict:
    """The transfer carries the identified customer, or none, and the agreed summary (35)."""
    customer_id = case.customer.customer_id if case.customer else None
    if case.transfer_repeated is not False:
        return None if case.transfer_repeated is None else False
    return all_of(
        None if hidden(one or "") or hidden(other or "") else one == other
        for one, other in (
            (event.customer_id, customer_id),
            (event.summary, case.transfer_summary),
        )
    )
