"""What the words of the procedure may name, what is owed to be said, and the drafted summary.

The scope holds plain data and no callables. A suspected-fraud flag is not in it (rule 15).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from returnflow.delayed.case import CARD, NEWS, OFFER, Card, Case
from returnflow.delayed.news import promise
from returnflow.engine.vocabulary import Due
from returnflow.returns.eligibility import calendar_day, day_words, status_words
from returnflow.returns.telling import (
    money,
    order_scope,
    short,
    standing_scope,
    who_and_which,
)
from returnflow.returns.telling import sample_scope as returns_sample

NOTICES = (*NEWS, OFFER, CARD)
"""The keys of all that can be owed."""


def scope(case: Case) -> dict[str, Any]:
    """Everything that words may name; a name always exists, if only as empty text."""
    return {
        **order_scope(case),
        "item": short(case.description),
        "packages": [
            package_values(case, one) for one in case.package_ids() if one in case.packages
        ],
        "cards": [_card(card) for card in case.round],
        "issued": [_card(card) for card in case.issued],
        "unsettled": [_card(card) for card in case.unsettled],
        "withdrawn": case.withdrawn,
        **standing_scope(case),
    }


def sample_scope() -> dict[str, Any]:
    """A scope in which nothing is missing or empty, for trying words when they are loaded."""
    sample = returns_sample()
    shared = ("email", "accounts", "customer", "wanted_order", "orders", "failed_orders", "order")
    card = dict.fromkeys(("package_id", "amount", "state", "gift_card_id", "message"), "x")
    package = dict.fromkeys(_PACKAGE, "x")
    return {
        **{name: sample[name] for name in shared},
        "item": "x",
        "packages": [package],
        "cards": [card],
        "issued": [card],
        "unsettled": [card],
        **{name: sample[name] for name in ("withdrawn", "failure", "transfer", "today")},
    }


# -- what is owed -----------------------------------------------------------------------------


def news(case: Case) -> Sequence[Due]:
    """A due for each thing that is still to be said of the item's packages."""
    return [Due(notice, one, package_values(case, one)) for notice, one in case.owed_news()]


def offers(case: Case) -> Sequence[Due]:
    """A due for each gift card that is to be offered, once the customer stressed that it is
    important."""
    return [
        Due(OFFER, card.package_id, {**package_values(case, card.package_id), **_card(card)})
        for card in case.owed_offers()
    ]


def cards(case: Case) -> Sequence[Due]:
    """A due for each gift card that was issued and not told of yet."""
    return [
        Due(CARD, card.subject, {**package_values(case, card.package_id), **_card(card)})
        for card in case.owed_cards()
    ]


def everything(case: Case) -> Sequence[Due]:
    """A due for each thing that is still to be said of packages, and of gift cards issued."""
    return [*news(case), *cards(case)]


def sample_due() -> dict[str, Any]:
    """The values of a due in which nothing is missing: those of a package and of a card."""
    sample = sample_scope()
    return {**sample["packages"][0], **sample["cards"][0]}


# -- the transfer -----------------------------------------------------------------------------


def draft_summary(case: Case, reason: str) -> str:
    """What the next person should know, drafted from the facts; never empty (rule 34)."""
    parts = who_and_which(case, reason)
    if case.item_id:
        parts.append(f"Waits for {case.description}.")
    parts += [_package_words(case, one) for one in case.package_ids()]
    parts += [f"Of {case.description} not all is shipped yet."] if case.unshipped() else []
    parts += [card_words(card) for card in case.cards]
    return " ".join(part for part in parts if part)


def _package_words(case: Case, package_id: str) -> str:
    if package_id not in case.packages:
        return f"Package {package_id} not looked up."
    values = package_values(case, package_id)
    if case.packages[package_id] is None:
        return f"Package {package_id} is unknown to the shop."
    dates = [
        f"{what} {values[key]}"
        for what, key in (("promised", "promised"), ("estimated", "estimated"))
        if values[key]
    ]
    return f"Package {package_id}: {', '.join([values['status'] or 'no status', *dates])}."


def card_words(card: Card) -> str:
    """What became of a gift card."""
    what = f"gift card of {money(card.amount, card.currency)} for package {card.package_id}"
    match card.state:
        case "issued":
            return f"Issued {card.gift_card_id}, a {what}."
        case "refused":
            return f"The shop refused a {what}: {card.message}."
        case "waiting":
            return f"Accepted but not sent: {what}."
        case "failed" | "not_done":
            return f"Not issued for certain: {what}."
        case _:
            return f"Outcome unknown: {what}, key {card.key}."


# -- pieces -----------------------------------------------------------------------------------

_PACKAGE = ("item", "package_id", "status", "estimated", "promised", "arrived")


def package_values(case: Case, package_id: str) -> dict[str, Any]:
    """What can be said of a package of the item; an item not shipped has none."""
    package = case.packages.get(package_id)
    values = dict.fromkeys(_PACKAGE, "")
    values |= {"item": short(case.description)}
    if package_id in case.package_ids():
        values["package_id"] = package_id
    if package is not None:
        values |= {
            "status": status_words(package.current_status),
            "estimated": _readable(package.estimated_delivery_date, case.zone),
            "promised": _readable(promise(package), case.zone),
            "arrived": _readable(package.final_delivery_date, case.zone),
        }
    return values


def _card(card: Card) -> dict[str, Any]:
    return {
        "package_id": card.package_id,
        "amount": money(card.amount, card.currency),
        "state": card.state,
        "gift_card_id": card.gift_card_id,
        "message": card.message,
    }


def _readable(text: str, zone: str) -> str:
    """A date as it is said; nothing where nobody can read it: it is no promise."""
    day = calendar_day(text, zone) if text else None
    return day_words(day) if day else ""
