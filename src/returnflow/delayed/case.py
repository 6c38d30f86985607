"""The facts of one call about a delayed package, computed from its events and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from returnflow.delayed import events as ev
from returnflow.delayed import news
from returnflow.engine.vocabulary import Verdict, all_of
from returnflow.records import Customer, Order, OrdersSummary, Package
from returnflow.redacted import hidden
from returnflow.returns.eligibility import lines_of

CardState = Literal[
    "waiting", "requested", "issued", "refused", "failed", "not_done", "unknown", "left"
]
"""Where a gift card stands: accepted and not sent; sent, no outcome; issued; plainly refused;
surely not done; surely not done and gone on; perhaps done; perhaps done and left so."""

TAKEN: tuple[CardState, ...] = ("issued", "requested", "unknown", "left")
"""The package of such a card has its card, or may have (rule 29)."""

STATUSES = ("on_its_way", "delivered", "status_unclear", "not_shipped")
"""The notices of which one is owed for each package, or for an item without any."""

NEWS = (*STATUSES, "apology", "follow_up")
"""What is owed once the packages of an item are looked up, in the order in which it is said."""

OFFER, CARD = "gift_card_offer", "gift_card_issued"


class Card(msgspec.Struct, kw_only=True):
    """A gift card that the customer accepted, and what became of it.

    `subject`: what its notice is told about: its id, numbered where the shop gave one twice.
    `assumed`: it is known from its request alone; what was agreed is not recorded.
    `doubtful`: it was sent at least once without anybody knowing what came of that.
    """

    package_id: str
    amount: Decimal
    currency: str
    state: CardState = "waiting"
    requests: int = 0
    key: str = ""
    doubtful: bool = False
    assumed: bool = False
    gift_card_id: str = ""
    subject: str = ""
    message: str = ""


class Case:
    """See the module. `copy` is cheap; `apply` works in place and never looks at a state.

    Attributes:
        item_id: the item that the customer waits for; "" where none is named.
        packages: what was looked up; None for what the shop does not know.
        stressed: the customer stressed that it is important, about this item.
        untold: of the item before this one something was still to be said; None: perhaps.
        answered: packages for which the last answer took a gift card, or did not want it.
        declined: packages for which the customer does not want a gift card.
        news_told: of at least one package it was said where it is.
        cards: those accepted in this call, in order; those of this round from `round_begins` on.
        withdrawn: cards that were accepted and, on a later day, are decided anew.
        The rest is as in `returnflow.returns.case.Case`.
    """

    __slots__ = (
        "ambiguous",
        "answered",
        "cards",
        "customer",
        "dated",
        "declined",
        "email",
        "failure",
        "gone_through",
        "item_id",
        "news_told",
        "order",
        "packages",
        "policy_date",
        "round_begins",
        "stressed",
        "summary",
        "told",
        "transfer",
        "transfer_doubtful",
        "transfer_message",
        "transfer_reference",
        "transfer_repeated",
        "transfer_summary",
        "transfer_unclear",
        "transferred",
        "unasked",
        "untold",
        "wanted_order",
        "withdrawn",
        "zone",
    )

    def __init__(self, policy_date: date | None, zone: str) -> None:
        self.policy_date = policy_date or date.min
        self.dated = policy_date is not None
        self.zone = zone
        self.email = ""
        self.ambiguous = 0
        self.customer: Customer | None = None
        self.summary: OrdersSummary | None = None
        self.gone_through = False
        self.wanted_order = ""
        self.order: Order | None = None
        self.item_id = ""
        self.packages: dict[str, Package | None] = {}
        self.told: set[tuple[str, str]] = set()
        self.news_told = False
        self.stressed = False
        self.untold: Verdict = False
        self.answered: tuple[str, ...] = ()
        self.declined: frozenset[str] = frozenset()
        self.cards: list[Card] = []
        self.round_begins = 0
        self.withdrawn = 0
        self.unasked = False
        self.failure: ev.BackendFailed | None = None
        self.transfer: ev.TransferRequested | None = None
        self.transfer_doubtful = False
        self.transfer_summary = ""
        self.transfer_message = ""
        self.transfer_reference = ""
        self.transfer_repeated: bool | None = False
        self.transfer_unclear = False
        self.transferred = False

    def copy(self) -> Case:
        """An independent copy; records are shared, since they never change."""
        twin = Case.__new__(Case)
        for name in Case.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.packages = dict(self.packages)
        twin.told = set(self.told)
        twin.cards = [msgspec.structs.replace(card) for card in self.cards]
        return twin

    def apply(self, event: Any) -> None:
        """Takes the facts of `event` in; an event without facts changes nothing."""
        from returnflow.delayed.changes import CHANGES

        change = CHANGES.get(type(event))
        if change is not None:
            change(self, event)

    # -- the item and its packages ------------------------------------------------------------

    @property
    def today(self) -> date | None:
        """The policy date; None where a recorded call does not show it."""
        return self.policy_date if self.dated else None

    @property
    def description(self) -> str:
        """The item as the order names it."""
        lines = lines_of(self.order, self.item_id) if self.order is not None else ()
        return next((line.description for line in lines if line.description), self.item_id)

    def package_ids(self) -> list[str]:
        """The packages that hold units of the item, each once; not shipped units have none
        (rule 12)."""
        if self.order is None:
            return []
        lines = lines_of(self.order, self.item_id)
        found = (parcel.package_id for line in lines for parcel in line.parcels)
        return [package_id for package_id in dict.fromkeys(found) if package_id]

    def unshipped(self) -> bool:
        """Whether units of the item are in no package yet."""
        lines = lines_of(self.order, self.item_id) if self.order is not None else ()
        return any(
            not line.parcels or any(not parcel.package_id for parcel in line.parcels)
            for line in lines
        )

    def pending_packages(self) -> list[str]:
        """Packages of the item that are still to be looked up."""
        return [
            package_id
            for package_id in self.package_ids()
            if package_id not in self.packages and not hidden(package_id)
        ]

    def item_hidden(self) -> bool:
        """Whether the record does not show the item, or which packages hold it."""
        if self.order is None or not self.item_id or hidden(self.item_id):
            return True
        lines = lines_of(self.order, self.item_id)
        unseen = any(hidden(line.item_id) for line in self.order.lines)
        return (unseen and not lines) or any(hidden(one) for one in self.package_ids())

    # -- what is to be said -------------------------------------------------------------------

    def owed_news(self) -> list[tuple[str, str]]:
        """What is still to be said of the item's packages, as (notice, subject)."""
        if self.order is None or not self.item_id:
            return []
        owed = [(notice, one) for notice, one, sure in self._news() if sure is not False]
        return [each for each in owed if each not in self.told]

    def news_owed(self) -> Verdict:
        """Whether something is still to be said of the item's packages. None: what was said, or
        what there was to say, is not recorded."""
        if self.order is None or not self.item_id:
            return None
        sure = [
            certain
            for notice, one, certain in self._news()
            if certain is not False and not self._said(notice, one)
        ]
        if not sure:
            return None if self.item_hidden() else False
        blind = any(hidden(notice) or hidden(one) for notice, one in self.told)
        return True if True in sure and not blind else None

    def _said(self, notice: str, one: str) -> bool:
        if (notice, one) in self.told:
            return True
        if notice in STATUSES and not news.status_known(self.packages.get(one)):
            return any((other, one) in self.told for other in STATUSES)
        return False

    def _news(self) -> Iterator[tuple[str, str, Verdict]]:
        """Each notice and what it is about, and whether it is owed; None: cannot be told."""
        for one in self.package_ids():
            if one not in self.packages:
                continue
            package = self.packages[one]
            yield news.notice(package), one, True if news.status_known(package) else None
            yield "apology", one, news.broken(package, self.today, self.zone)
            yield "follow_up", one, news.overdue(package, self.today, self.zone)
        if self.unshipped():
            yield "not_shipped", self.item_id, True

    # -- gift cards ---------------------------------------------------------------------------

    def offerable(self, package_id: str) -> Verdict:
        """Whether a gift card can be offered for a package: delayed, worth something that is
        known, and not given one yet, in this call or before."""
        package = self.packages.get(package_id)
        if package is None or package_id in self.declined:
            return False
        if any(card.package_id == package_id and card.state in TAKEN for card in self.cards):
            return False
        known = None if hidden(package.gift_card_id) else not package.gift_card_id
        cost: Verdict = news.worth(package) is not None
        if package.shipment_cost is None or not package.currency or hidden(package.currency):
            cost = None if cost or package.shipment_cost is None else False
        return all_of((known, cost, news.delayed(package, self.today, self.zone)))

    def offers(self) -> list[Card]:
        """A gift card for each package of the item for which one can be offered."""
        found = []
        for package_id in self.package_ids():
            package = self.packages.get(package_id)
            amount = news.worth(package)
            if package is not None and amount is not None and self.offerable(package_id):
                found.append(Card(package_id=package_id, amount=amount, currency=package.currency))
        return found

    @property
    def round(self) -> list[Card]:
        """The cards of this acceptance."""
        return self.cards[self.round_begins :]

    @property
    def sent(self) -> Card | None:
        """The card whose request was sent and whose outcome is not settled."""
        states = ("requested", "unknown", "failed")
        return next((card for card in self.round if card.state in states), None)

    @property
    def next_card(self) -> Card | None:
        """The next card that is to be requested."""
        return next((card for card in self.round if card.state == "waiting"), None)

    @property
    def issued(self) -> list[Card]:
        """Every gift card issued in this call, in order."""
        return [card for card in self.cards if card.state == "issued"]

    @property
    def unsettled(self) -> list[Card]:
        """Every card that was sent and of which nobody knows whether it was issued (rule 29)."""
        states = ("requested", "unknown", "left")
        return [card for card in self.cards if card.state in states]

    def owed_offers(self) -> list[Card]:
        """Gift cards not offered yet, where the customer stressed that it is important."""
        if not self.stressed:
            return []
        return [card for card in self.offers() if (OFFER, card.package_id) not in self.told]

    def owed_cards(self) -> list[Card]:
        """Gift cards that were issued and not told of yet."""
        return [card for card in self.issued if (CARD, card.subject) not in self.told]

    def cards_owed(self) -> Verdict:
        """Whether a gift card is still to be told of; None: what was said is not recorded."""
        owed = self.owed_cards()
        if not owed:
            return False
        blind = any(hidden(notice) or hidden(one) for notice, one in self.told)
        return None if blind or any(hidden(card.subject) for card in owed) else True

    def alike(self, other: Case) -> bool:
        """Whether the outlines are equal."""
        return self.outline() == other.outline()

    def outline(self) -> tuple[Any, ...]:
        """A small hashable summary; within one shop calls with equal outlines have the same ways
        on, but for the policy date."""
        return (
            self.email,
            self.customer.customer_id if self.customer else None,
            self.summary and tuple(found.order_id for found in self.summary.orders),
            self.gone_through,
            self.wanted_order,
            self.order and self.order.order_id,
            self.item_id,
            tuple(sorted((key, found is None) for key, found in self.packages.items())),
            tuple(sorted(self.told)),
            self.news_told,
            self.stressed,
            tuple(sorted(self.declined)),
            tuple((card.package_id, card.state, card.doubtful) for card in self.cards),
            self.round_begins,
            self.transfer is not None,
            self.transfer_doubtful,
            bool(self.transfer_summary),
        )
