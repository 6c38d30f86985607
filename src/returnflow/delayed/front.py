"""What the screens show of a call about a delayed package: choices, lists, facts."""

from __future__ import annotations

from typing import Any

from returnflow.delayed.case import Case
from returnflow.delayed.early import EarlyPackages, item_choices
from returnflow.delayed.telling import card_words, package_values
from returnflow.engine.definition import State
from returnflow.engine.front import CUSTOMER, Choice, Fact, Listed, Section
from returnflow.returns import front as returns
from returnflow.returns.choices import order_choices
from returnflow.returns.eligibility import day_words, lines_of
from returnflow.returns.telling import money


class DelayedFront:
    """See `returnflow.engine.front.Front`."""

    early = EarlyPackages()

    def choices(self, case: Case, kind: str) -> tuple[Choice, ...]:
        """Open orders, and items of the selected order."""
        shared: Any = case
        if kind == "listed_order":
            return order_choices(shared)
        return item_choices(case) if kind == "listed_item" else ()

    def listing(self, case: Case, kind: str) -> tuple[Listed, ...]:
        """The same as they are shown."""
        shared: Any = case
        if kind == "listed_order":
            return returns.listed_orders(shared)
        return _listed(case) if kind == "listed_item" else ()

    def matters(self, case: Case, state: State) -> list[Fact]:
        """Who and which order up to step 3, the packages then, and what became of gift cards."""
        shared: Any = case
        if state.step == "2":
            return returns.customer_facts(shared) + returns.failed_orders(shared)
        if state.step == "3":
            return returns.customer_facts(shared) + returns.order_facts(shared)
        if state.step == "4":
            return _packages(case) + _worth(case) + _cards(case)
        return _cards(case)

    def facts(self, case: Case) -> list[Fact]:
        """All that is known."""
        shared: Any = case
        found: list[Fact] = [("E-mail", case.email)] if case.email else []
        found += returns.customer_facts(shared)
        if case.customer is not None:
            found.append(("Open orders", ", ".join(case.customer.active_orders) or "none"))
        found += returns.failed_orders(shared) + returns.order_facts(shared)
        found += _packages(case) + _worth(case) + _cards(case)
        if case.transfer_summary:
            found.append(("Transfer", case.transfer_summary))
        found.append(("Decided under", f"{day_words(case.policy_date)}, {case.zone}"))
        return found

    def sections(self, case: Case, *, unveiled: bool) -> list[Section]:
        """The same in groups."""
        shared: Any = case
        cards = [(card_words(card),) for card in case.cards]
        cards += [(text,) for _, text in _worth(case)]
        packages = [
            tuple(text.split(": ", 1)) if ": " in text else (text,)
            for label, text in _packages(case)
            if label != "Item"
        ]
        waits = case.description if case.item_id else ""
        found = [
            Section(CUSTOMER, returns.customer_lines(shared, unveiled)),
            Section("For you only", returns.agent_lines(shared)),
            Section("Gift cards", tuple(cards)),
            Section("Waits for", ((waits,), *packages) if waits else ()),
            Section("Order", returns.order_lines(shared)),
            *returns.last_sections(shared),
        ]
        return [section for section in found if section.lines]

    def done(self, case: Case) -> list[Fact]:
        """Every gift card that was issued."""
        return [
            (
                f"Gift card {card.gift_card_id}",
                f"{money(card.amount, card.currency)}, for package {card.package_id}",
            )
            for card in case.issued
        ]

    def ids(self, case: Case) -> list[str]:
        """The ids of the gift cards."""
        return [card.gift_card_id for card in case.issued]


def _listed(case: Case) -> tuple[Listed, ...]:
    found = []
    for choice in item_choices(case):
        lines = lines_of(case.order, choice.ident) if case.order is not None else ()
        parcels = [parcel.package_id for line in lines for parcel in line.parcels]
        packages = list(dict.fromkeys(one or "not shipped" for one in parcels)) or ["not shipped"]
        ordered = sum(line.quantity for line in lines)
        details = f"{choice.ident} · {ordered} ordered · package {', '.join(packages)}"
        found.append(Listed(choice.words, (details.replace("package not shipped", "not shipped"),)))
    return tuple(found)


def _packages(case: Case) -> list[Fact]:
    found = [("Item", case.description)] if case.item_id else []
    for one in case.package_ids():
        if one not in case.packages:
            found.append(("Package", f"{one}: not looked up"))
            continue
        if case.packages[one] is None:
            found.append(("Package", f"{one}: unknown to the shop"))
            continue
        values = package_values(case, one)
        parts = [values["status"] or "no status"]
        for what, key in (("delivered", "arrived"), ("estimated", "estimated")):
            parts += [f"{what} {values[key]}"] if values[key] else []
        if values["promised"] and values["promised"] != values["estimated"]:
            parts.append(f"promised {values['promised']}")
        found.append(("Package", f"{one}: {', '.join(parts)}"))
    return found + ([("Not shipped", case.description)] if case.unshipped() else [])


def _worth(case: Case) -> list[Fact]:
    """For the agent: what may be offered, should the customer stress that it is important."""
    return [
        (
            "Gift card",
            f"{money(card.amount, card.currency)} may be offered for {card.package_id}, if the "
            "customer stresses that it is important",
        )
        for card in case.offers()
    ]


def _cards(case: Case) -> list[Fact]:
    return [("Gift card", card_words(card)) for card in case.cards]
