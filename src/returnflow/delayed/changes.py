"""How each event changes the facts of a case. A change depends on facts and event only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from returnflow.delayed import events as ev
from returnflow.delayed.case import NEWS, OFFER, STATUSES, Card, CardState, Case
from returnflow.redacted import hidden
from returnflow.returns.changes import CHANGES as SHARED

ISSUE = "issue_gift_card"
TRANSFER = "transfer_to_human_representative"


def _forget_order(case: Case) -> None:
    _forget_item(case)
    case.wanted_order = ""
    case.order = None


def _forget_item(case: Case) -> None:
    _forget_news(case)
    case.item_id = ""
    case.stressed = False
    case.round_begins = len(case.cards)


def _forget_news(case: Case) -> None:
    """News are of one enquiry and one day: a new one has them told anew."""
    case.untold = case.news_owed() if case.item_id else False
    case.told = {said for said in case.told if said[0] not in NEWS}


def _email_given(case: Case, event: ev.EmailGiven) -> None:
    _forget_order(case)
    case.email = event.email
    case.customer = None
    case.summary = None
    case.gone_through = False


def _order_id_given(case: Case, event: ev.OrderIdGiven) -> None:
    _forget_order(case)
    case.wanted_order = event.order_id


def _order_id_unknown(case: Case, event: ev.OrderIdUnknown) -> None:
    _forget_order(case)


def _order_found(case: Case, event: ev.OrderFound) -> None:
    case.order = event.order


def _item_named(case: Case, event: ev.ItemNamed) -> None:
    _forget_item(case)
    case.item_id = event.item_id


def _told(case: Case, event: ev.Told) -> None:
    case.told.add((event.notice, event.subject))
    if event.notice in STATUSES or hidden(event.notice):
        case.news_told = True


def _importance_stressed(case: Case, event: ev.ImportanceStressed) -> None:
    case.stressed = True


def _gift_card_accepted(case: Case, event: ev.GiftCardAccepted) -> None:
    offers = case.offers()
    case.answered = tuple(card.package_id for card in offers)
    case.round_begins = len(case.cards)
    case.cards = [*case.cards, *offers]
    case.withdrawn = 0


def _gift_card_declined(case: Case, event: ev.GiftCardDeclined) -> None:
    case.answered = tuple(card.package_id for card in case.offers())
    case.declined |= set(case.answered)
    case.stressed = False


def _gift_card_requested(case: Case, event: ev.GiftCardRequested) -> None:
    waiting = [card for card in case.round if card.state == "waiting"]
    # Something else than what was agreed is refused live; a recorded call has done it.
    fitting = [card for card in waiting if card.package_id == event.package_id]
    card = case.sent or next(iter(fitting or waiting), None)
    if card is None and case.offerable(event.package_id) is not False:
        # What could be offered is not recorded, so this may have been agreed.
        card = Card(
            package_id=event.package_id,
            amount=event.amount,
            currency=event.currency,
            assumed=True,
        )
        case.cards = [*case.cards, card]
    if card is None:
        return
    if card.state == "waiting":
        card.state, card.key = "requested", event.key
    card.requests += 1


def _settle(case: Case, state: CardState, message: str) -> Card | None:
    # Once a transfer is asked for, nothing more is heard of a card left unsettled.
    card = None if case.transfer_summary and not case.transferred else case.sent
    case.unasked = card is None
    if card is not None:
        card.state, card.message = state, message
    return card


def _gift_card_issued(case: Case, event: ev.GiftCardIssued) -> None:
    card = _settle(case, "issued", "")
    if card is not None:
        card.gift_card_id = event.receipt.gift_card_id
        same = sum(other.gift_card_id == card.gift_card_id for other in case.issued)
        card.subject = card.gift_card_id if same == 1 else f"{card.gift_card_id} ({same})"


def _gift_card_refused(case: Case, event: ev.GiftCardRefused) -> None:
    _settle(case, "refused", event.message or event.code)


def _backend_failed(case: Case, event: ev.BackendFailed) -> None:
    operation = event.operation
    if hidden(operation):  # of the write under way, if there is one
        operation = TRANSFER if case.transfer else ISSUE
        event = msgspec.structs.replace(event, operation=operation)
        case.transfer_unclear = case.transfer is not None
    if operation != ISSUE:
        _SHARED[ev.BackendFailed](case, event)
        return
    case.failure = event
    # That a repeat surely did nothing says nothing about the sending before it (rule 29).
    doubtful = event.outcome != "known" or (case.sent is not None and case.sent.doubtful)
    card = _settle(case, "unknown" if doubtful else "failed", event.message)
    if card is not None:
        card.doubtful = doubtful


def _retry_requested(case: Case, event: ev.RetryRequested) -> None:
    if case.sent is not None:
        case.sent.state = "requested"


def _left_unconfirmed(case: Case, event: ev.LeftUnconfirmed) -> None:
    card = case.sent
    if card is not None:
        card.state = "not_done" if card.state == "failed" else "left"


def _resumed(case: Case, event: ev.Resumed) -> None:
    case.policy_date, case.dated = event.policy_date, True
    case.packages.clear()
    case.stressed = False
    case.told = {said for said in case.told if said[0] not in (*NEWS, OFFER)}
    # What was not sent yet, or surely not done, is decided again (rule 4).
    earlier, here = case.cards[: case.round_begins], case.round
    kept = [card for card in here if card.state not in ("waiting", "failed")]
    case.withdrawn = len(here) - len(kept)
    case.cards = [*earlier, *kept]


_LIKE_RETURNS = (
    ev.CustomerFound,
    ev.CustomerMissing,
    ev.CustomerAmbiguous,
    ev.OrderUnrecognised,
    ev.OrdersSummarized,
    ev.PackageFound,
    ev.PackageMissing,
    ev.HumanRequested,
    ev.TransferRequested,
    ev.TransferAccepted,
    ev.TransferRefused,
)
"""What these change is the same, under the same names, in both kinds of calls."""

_SHARED: Mapping[type, Any] = SHARED

CHANGES: dict[type, Callable[[Case, Any], None]] = {
    **{kind: _SHARED[kind] for kind in _LIKE_RETURNS},
    ev.EmailGiven: _email_given,
    ev.OrderIdGiven: _order_id_given,
    ev.OrderIdUnknown: _order_id_unknown,
    ev.OrderFound: _order_found,
    ev.ItemNamed: _item_named,
    ev.Told: _told,
    ev.ImportanceStressed: _importance_stressed,
    ev.GiftCardAccepted: _gift_card_accepted,
    ev.GiftCardDeclined: _gift_card_declined,
    ev.GiftCardRequested: _gift_card_requested,
    ev.GiftCardIssued: _gift_card_issued,
    ev.GiftCardRefused: _gift_card_refused,
    ev.BackendFailed: _backend_failed,
    ev.RetryRequested: _retry_requested,
    ev.LeftUnconfirmed: _left_unconfirmed,
    ev.Resumed: _resumed,
}
"""By class of event; an event that is not in here carries no facts."""
