"""The guards of handling a delayed package. Those about customers, orders and the transfer are the
same as in handling returns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from returnflow.delayed import events as ev
from returnflow.delayed.case import OFFER, Case
from returnflow.engine.vocabulary import Guards, Verdict, all_of, any_of
from returnflow.redacted import hidden
from returnflow.returns.eligibility import lines_of
from returnflow.returns.guards import GUARDS as SHARED

GUARDS = Guards(
    (name, SHARED[name])
    for name in (
        "no_open_orders",
        "open_orders_gone_through",
        "some_order_loaded",
        "order_asked_for",
        "own_order",
        "package_of_order",
        "was_requested",
        "summary_given",
        "transfer_as_asked",
    )
)

_guard = GUARDS.guard


# -- the item and its packages ----------------------------------------------------------------


@_guard(
    lambda case, event: (
        f"not in order {case.order.order_id if case.order else '?'}: {event.item_id or 'nothing'}"
    ),
    about=lambda case, event: frozenset({event.item_id}),
    repair="Ask for an item of the selected order, or select the order it is in.",
)
def item_in_order(case: Case, event: ev.ItemNamed) -> Verdict:
    """The item is one of the selected order."""
    if case.order is None or hidden(event.item_id):
        return None
    if lines_of(case.order, event.item_id):
        return True
    return None if any(hidden(line.item_id) for line in case.order.lines) else False


def _package_id(event: ev.PackageFound | ev.PackageMissing) -> str:
    return event.package.package_id if isinstance(event, ev.PackageFound) else event.package_id


@_guard(
    "this package does not hold the item that the customer waits for",
    finding="wrong_argument",
    about=lambda case, event: frozenset({_package_id(event)}),
    repair="Look up the packages that hold the item.",
)
def package_of_item(case: Case, event: ev.PackageFound | ev.PackageMissing) -> Verdict:
    """The look-up was about a package that holds units of the item."""
    if _package_id(event) in case.package_ids():
        return True
    return None if case.item_hidden() or hidden(_package_id(event)) else False


@_guard("every package of the item has been looked up", finding="repeated_lookup")
def packages_pending(case: Case, event: Any) -> Verdict:
    """A package of the item has not been looked up yet (rule 12)."""
    if case.pending_packages():
        return None if any(hidden(one) for one in case.packages) else True
    return None if case.item_hidden() else False


# -- the news ---------------------------------------------------------------------------------


@_guard(
    lambda case, event: (
        "not said yet: "
        + ", ".join(f"{notice.replace('_', ' ')} ({one})" for notice, one in case.owed_news())
    ),
    finding="notice_missing",
    about=lambda case, event: frozenset(one for _, one in case.owed_news()),
    repair="Say where the package is, apologise where the promised day has passed, and promise "
    "to follow up where the estimated day has passed too.",
)
def news_given(case: Case, event: Any) -> Verdict:
    """All that is to be said of the item's packages was said (rule 45)."""
    owed = case.news_owed()
    return None if owed is None else not owed


@_guard(
    "not all was said of the item asked about before",
    finding="notice_missing",
    repair="Say first all that there is to say of the item at hand.",
)
def earlier_news_given(case: Case, event: Any) -> Verdict:
    """Nothing that was to be said of the item before this event is left unsaid."""
    return None if case.untold is None else not case.untold


@_guard("of no package it was said where it is")
def something_told(case: Case, event: Any) -> Verdict:
    """Of at least one package, or item, it was said where it is."""
    return case.news_told


# -- the gift card ----------------------------------------------------------------------------


def _no_offer(case: Case, event: Any) -> str:
    words = []
    for package_id in case.package_ids():
        package = case.packages.get(package_id)
        if package is None or case.offerable(package_id):
            continue
        if package.gift_card_id:
            why = f"has its gift card already ({package.gift_card_id})"
        elif any(c.package_id == package_id for c in (*case.issued, *case.unsettled)):
            why = "has its gift card already, from this call"
        elif package_id in case.declined:
            why = "the customer did not want its gift card"
        elif package.shipment_cost is None or not package.currency:
            why = "what its shipping cost is not recorded"
        elif package.shipment_cost <= 0:
            why = "its shipping cost nothing"
        else:
            why = "is not delayed"
        words.append(f"package {package_id}: {why}")
    return "; ".join(words) or "there is no package for which one could be offered"


@_guard(
    _no_offer,
    about=lambda case, event: frozenset(case.package_ids()),
    repair="Offer a gift card only for a package that is delayed, worth its shipping cost, once.",
)
def gift_card_possible(case: Case, event: Any) -> Verdict:
    """A gift card is possible: for a delayed package with a known cost, once (rules 46, 47)."""
    if isinstance(event, ev.GiftCardAccepted):
        # The candidate holds the cards already; what could be offered is what they are.
        unsure = any(case.offerable(one) is None for one in case.package_ids())
        return True if case.round else None if unsure or case.item_hidden() else False
    if case.item_hidden():
        return None
    return any_of(case.offerable(one) for one in case.package_ids())


@_guard(
    "the gift card has not been offered yet",
    finding="notice_missing",
    about=lambda case, event: frozenset(case.answered),
    repair="Say first what is offered, and what it is worth.",
)
def offer_made(case: Case, event: Any) -> Verdict:
    """What the customer accepts, or does not want, was offered, package by package (rule 48)."""
    if all((OFFER, package_id) in case.told for package_id in case.answered):
        return True
    return None if any(hidden(notice) or hidden(one) for notice, one in case.told) else False


def _not_agreed(case: Case, event: ev.GiftCardRequested) -> str:
    agreed = [f"{card.amount:f} {card.currency} for {card.package_id}" for card in case.round]
    return (
        "this is not a gift card that the customer accepted and that is still to be sent: "
        f"{event.amount:f} {event.currency} for {event.package_id}; "
        f"accepted: {', '.join(agreed) or 'none'}"
    )


@_guard(
    _not_agreed,
    finding="wrong_argument",
    about=lambda case, event: frozenset({event.package_id}),
    repair="Issue exactly what was accepted: the package, its shipping cost, its currency.",
)
def card_agreed(case: Case, event: ev.GiftCardRequested) -> Verdict:
    """The request is exactly an accepted card, for the customer identified, and the only one
    under way."""
    states = ("requested", "unknown", "failed")
    sent = [card for card in case.round if card.state in states]
    if not sent and case.item_hidden():
        return None
    if len(sent) != 1 or sent[0].requests != 1:
        return False
    card = sent[0]
    customer = case.customer.customer_id if case.customer else ""
    same = all_of(
        (
            _same(card.package_id, event.package_id),
            _same_money(card.amount, event.amount),
            _same(card.currency, event.currency),
            _same(customer, event.customer_id),
        )
    )
    return None if same and card.assumed else same


def _same(one: str, other: str) -> Verdict:
    return None if hidden(one) or hidden(other) else one == other


def _same_money(one: Decimal, other: Decimal) -> Verdict:
    return None if other.is_nan() else one == other


@_guard("the reply holds no id, so nobody knows whether the gift card was issued")
def card_id_given(case: Case, event: ev.GiftCardIssued) -> Verdict:
    """The shop named the gift card; without an id it is no success (rule 30)."""
    return bool(event.receipt.gift_card_id.strip())


@_guard("a gift card is under way: its outcome comes first")
def no_card_under_way(case: Case, event: Any) -> Verdict:
    """No request of a gift card waits for its outcome (rule 4)."""
    return case.sent is None


@_guard("every gift card has been sent")
def cards_waiting(case: Case, event: Any) -> Verdict:
    """An accepted gift card is still to be sent."""
    return case.next_card is not None


@_guard(
    lambda case, event: (
        "not told of yet: gift card " + ", ".join(card.subject for card in case.owed_cards())
    ),
    finding="notice_missing",
    about=lambda case, event: frozenset(card.subject for card in case.owed_cards()),
    repair="Give the customer the id of the gift card and what it is worth.",
)
def cards_told(case: Case, event: Any) -> Verdict:
    """The customer was told of every gift card issued (rule 49)."""
    owed = case.cards_owed()
    return None if owed is None else not owed
