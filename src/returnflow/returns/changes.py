"""How each event changes the facts of a case. A change depends on facts and event only.

Facts that are collections are replaced and never changed where they are: copies share them. Only
the lines of this round are a case's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from returnflow.records import OrdersSummary
from returnflow.redacted import NOT_RECORDED, hidden
from returnflow.returns import events as ev
from returnflow.returns.line import STANDS_FOR, Line, LineState, matches

if TYPE_CHECKING:
    from returnflow.returns.case import Case


def _forget_order(case: Case) -> None:
    _forget_picks(case)
    case.wanted_order = ""
    case.order = None
    case.lines_hidden = False


def _forget_picks(case: Case) -> None:
    case.unexplained = case.refusals_owed()
    case.picks = ()
    if case.lines:
        case.earlier = (*case.earlier, *case.lines)
        case.lines = []
    _forget_refusals(case)


def _forget_refusals(case: Case) -> None:
    """A refusal is about one choice and one day: a new one has it explained anew."""
    if not case.told:
        return
    opened = {line.subject for line in case.opened}
    case.told = frozenset([said for said in case.told if said[1] in opened or hidden(said[1])])


def _email_given(case: Case, event: ev.EmailGiven) -> None:
    _forget_order(case)
    case.email = event.email
    case.customer = None
    case.summary = None
    case.gone_through = False


def _customer_found(case: Case, event: ev.CustomerFound) -> None:
    case.customer = event.customer
    case.ambiguous = 0


def _customer_missing(case: Case, event: ev.CustomerMissing) -> None:
    case.ambiguous = 0


def _customer_ambiguous(case: Case, event: ev.CustomerAmbiguous) -> None:
    case.ambiguous = event.count


def _order_id_given(case: Case, event: ev.OrderIdGiven) -> None:
    _forget_order(case)
    case.wanted_order = event.order_id


def _order_id_unknown(case: Case, event: ev.OrderIdUnknown) -> None:
    _forget_order(case)


def _order_unrecognised(case: Case, event: ev.OrderUnrecognised) -> None:
    case.gone_through = True


def _orders_summarized(case: Case, event: ev.OrdersSummarized) -> None:
    case.summary = OrdersSummary(orders=event.orders, failed=event.failed)


def _order_found(case: Case, event: ev.OrderFound) -> None:
    case.order = event.order
    case.lines_hidden = any(hidden(line.item_id) for line in event.order.lines)
    case.lines_at_fetch = len(case.lines) + len(case.earlier)


def _items_picked(case: Case, event: ev.ItemsPicked) -> None:
    _forget_picks(case)
    case.picks = event.picks


def _item_found(case: Case, event: ev.ItemFound) -> None:
    case.items = {**case.items, event.item.item_id: event.item}


def _item_missing(case: Case, event: ev.ItemMissing) -> None:
    case.items = {**case.items, event.item_id: None}


def _package_found(case: Case, event: ev.PackageFound) -> None:
    case.packages = {**case.packages, event.package.package_id: event.package}


def _package_missing(case: Case, event: ev.PackageMissing) -> None:
    case.packages = {**case.packages, event.package_id: None}


def _told(case: Case, event: ev.Told) -> None:
    notices = (event.notice, *STANDS_FOR.get(event.notice, ()))
    case.told = case.told.union([(notice, event.subject) for notice in notices])


def _return_confirmed(case: Case, event: ev.ReturnConfirmed) -> None:
    case.earlier = (*case.earlier, *case.lines)
    case.lines = []
    # Only a recorded call can come here without an order; live the table sees to that.
    order_id = case.order.order_id if case.order else NOT_RECORDED
    merged: dict[tuple[str, str], Line] = {}
    for line in event.lines:
        here = merged.get((line.item_id, line.reason))
        if here is None:
            here = merged[line.item_id, line.reason] = Line(
                order_id=order_id,
                item_id=line.item_id,
                quantity=0,
                reason=line.reason,
            )
        here.quantity += line.quantity  # rule 19: one reason, one return
        if line.note and line.note not in here.note.split("; "):
            here.note = f"{here.note}; {line.note}" if here.note else line.note
    case.lines = list(merged.values())
    case.withdrawn = 0


def _return_requested(case: Case, event: ev.ReturnRequested) -> None:
    waiting = [line for line in case.lines if line.state == "waiting"]
    # Something else than what was agreed is refused live; a recorded call has done it.
    fitting = [line for line in waiting if matches(line, event)]
    fitting += [line for line in waiting if line.item_id == event.item_id]
    line = case.sent or (fitting[0] if fitting else None)
    if line is None and any(hidden(each.item_id) for each in case.lines):
        # What was agreed is not recorded, so this may be part of it.
        line = Line(
            order_id=event.order_id,
            item_id=event.item_id,
            quantity=event.quantity,
            reason=event.reason,
        )
        case.lines.append(line)
    if line is None:
        return
    if line.state == "waiting":
        line.sale = case.sale_of(line)
        line.taken_before = case.taken(line.item_id) or 0
        line.state, line.key = "requested", event.key
    line.requests += 1


def _settle_return(case: Case, state: LineState, message: str) -> Line | None:
    # Once a transfer is asked for, nothing more is heard of a return left unsettled.
    # Behind a transfer that was accepted there is nothing live; a record may have more.
    line = None if case.transfer_summary and not case.transferred else case.sent
    case.unasked = line is None
    if line is not None:
        line.state, line.message = state, message
    return line


def _return_opened(case: Case, event: ev.ReturnOpened) -> None:
    line = _settle_return(case, "opened", "")
    if line is not None:
        line.tracking_id = event.receipt.tracking_id
        same = sum(other.tracking_id == line.tracking_id for other in case.opened)
        line.subject = line.tracking_id if same == 1 else f"{line.tracking_id} ({same})"


def _return_refused(case: Case, event: ev.ReturnRefused) -> None:
    _settle_return(case, "refused", event.message or event.code)


def _backend_failed(case: Case, event: ev.BackendFailed) -> None:
    case.failure = event
    known = event.outcome == "known"
    # That a repeat surely did nothing says nothing about the sending before it (rule 29).
    operation = event.operation
    if hidden(operation):  # of the write under way, if there is one
        operation = "transfer_to_human_representative" if case.transfer else "initiate_return"
        case.transfer_unclear = case.transfer is not None
    if operation == "initiate_return":
        doubtful = not known or (case.sent is not None and case.sent.doubtful)
        line = _settle_return(case, "unknown" if doubtful else "failed", event.message)
        if line is not None:
            line.doubtful = doubtful
    elif operation == "transfer_to_human_representative":
        case.unasked = case.transfer is None
        case.transfer_message = event.message
        case.transfer_doubtful = case.transfer_doubtful or not known
        if not case.transfer_doubtful:
            case.transfer = None
    else:
        case.unasked = True  # the failure of a look-up is the outcome of no write


def _retry_requested(case: Case, event: ev.RetryRequested) -> None:
    line = case.sent
    if line is not None:
        line.state = "requested"


def _left_unconfirmed(case: Case, event: ev.LeftUnconfirmed) -> None:
    line = case.sent
    if line is not None:
        line.state = "not_done" if line.state == "failed" else "left"


def _another_return(case: Case, event: ev.AnotherReturn) -> None:
    _forget_order(case)
    case.summary = None
    case.gone_through = False


def _human_requested(case: Case, event: ev.HumanRequested) -> None:
    case.transfer_summary = event.summary


def _transfer_requested(case: Case, event: ev.TransferRequested) -> None:
    repeated = case.transfer is not None
    case.transfer_repeated = None if repeated and case.transfer_unclear else repeated
    case.transfer_unclear = False
    case.transfer = event
    case.transfer_doubtful = False
    case.transfer_message = ""


def _transfer_accepted(case: Case, event: ev.TransferAccepted) -> None:
    case.unasked = case.transfer is None
    case.transfer = None
    case.transferred = True
    case.transfer_reference = event.receipt.reference


def _transfer_refused(case: Case, event: ev.TransferRefused) -> None:
    case.unasked = case.transfer is None
    case.transfer = None
    case.transfer_message = event.message


def _resumed(case: Case, event: ev.Resumed) -> None:
    case.policy_date, case.dated = event.policy_date, True
    case.items = {}
    case.packages = {}
    _forget_refusals(case)
    # What was not sent yet, or surely not done, is decided again (rule 4).
    kept = [line for line in case.lines if line.state not in ("waiting", "failed")]
    case.withdrawn = len(case.lines) - len(kept)
    case.lines = kept


CHANGES: dict[type, Callable[[Case, Any], None]] = {
    ev.EmailGiven: _email_given,
    ev.CustomerFound: _customer_found,
    ev.CustomerMissing: _customer_missing,
    ev.CustomerAmbiguous: _customer_ambiguous,
    ev.OrderIdGiven: _order_id_given,
    ev.OrderIdUnknown: _order_id_unknown,
    ev.OrderUnrecognised: _order_unrecognised,
    ev.OrdersSummarized: _orders_summarized,
    ev.OrderFound: _order_found,
    ev.ItemsPicked: _items_picked,
    ev.ItemFound: _item_found,
    ev.ItemMissing: _item_missing,
    ev.PackageFound: _package_found,
    ev.PackageMissing: _package_missing,
    ev.Told: _told,
    ev.ReturnConfirmed: _return_confirmed,
    ev.ReturnRequested: _return_requested,
    ev.ReturnOpened: _return_opened,
    ev.ReturnRefused: _return_refused,
    ev.BackendFailed: _backend_failed,
    ev.RetryRequested: _retry_requested,
    ev.LeftUnconfirmed: _left_unconfirmed,
    ev.AnotherReturn: _another_return,
    ev.HumanRequested: _human_requested,
    ev.TransferRequested: _transfer_requested,
    ev.TransferAccepted: _transfer_accepted,
    ev.TransferRefused: _transfer_refused,
    ev.Resumed: _resumed,
}
"""By class of event; an event that is not in here carries no facts."""
