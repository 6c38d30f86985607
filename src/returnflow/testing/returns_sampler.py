"""The events of handling returns, made up for the generators of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from returnflow.backends.answer import performer
from returnflow.engine.vocabulary import Call, Event, event_name
from returnflow.records import Item, Order, Package, ReturnReceipt, TransferReceipt
from returnflow.returns import VOCABULARY, eligibility, telling
from returnflow.returns import events as ev
from returnflow.testing.generated import generate_shop
from returnflow.testing.sampler import Situation, samplers
from returnflow.testing.shop import MemoryShop, curated_shop

Make = Callable[[Situation], Iterable[Event]]


class ReturnsSampler:
    """The sampler for ``vocabulary: returns``; shops are `MemoryShop`s."""

    def curated(self) -> MemoryShop:
        """See `curated_shop`."""
        return curated_shop()

    def generate(self, rng: Random) -> MemoryShop:
        """See `generate_shop`."""
        return generate_shop(rng)

    def copy(self, shop: MemoryShop) -> MemoryShop:
        """A copy to write to."""
        return shop.copy()

    def beginning(self, shop: MemoryShop) -> tuple[date, str]:
        """The shop's day and zone."""
        return shop.today, shop.zone

    def good(self, name: str, at: Situation) -> Iterable[Event]:
        """See the protocol."""
        make = _GOOD.get(name)
        if make is not None:
            return make(at)
        return _outcomes(name, at)

    def slips(self, name: str, at: Situation) -> Iterable[Event]:
        """See the protocol."""
        make = _SLIPS.get(name)
        return make(at) if make is not None else ()

    def anything(self, rng: Random, shop: MemoryShop) -> Event:
        """Any event of the vocabulary, about things of the shop or about none."""
        return _Anything(rng, shop).event()


# -- what the agent may do --------------------------------------------------------------------


def _emails(at: Situation) -> Iterator[Event]:
    for email in dict.fromkeys(c.email for c in at.shop.customers.values()):
        yield ev.EmailGiven(email=email)
    yield ev.EmailGiven(email="nobody@example.com")


def _order_ids(at: Situation) -> Iterator[Event]:
    customer = at.case.customer
    own: list[str] = []
    others: list[str] = []
    for order in at.shop.orders.values():
        mine = customer is not None and order.customer_id == customer.customer_id
        (own if mine else others).append(order.order_id)
    # Of other people's orders one is as good as another.
    for order_id in [*own, *others[:1], "O-NONE"]:
        yield ev.OrderIdGiven(order_id=order_id)


def _picks(at: Situation) -> Iterator[Event]:
    if at.case.order is None:
        return
    item_ids = list(dict.fromkeys(line.item_id for line in at.case.order.lines))
    if at.rng is not None:
        for _ in range(3):
            chosen = at.rng.sample(item_ids, at.rng.randint(1, len(item_ids)))
            yield ev.ItemsPicked(picks=tuple(ev.Pick(i, _some_units(at, i)) for i in chosen))
        return
    left = [ev.Pick(item_id, units) for item_id in item_ids if (units := _left(at, item_id)) > 0]
    for pick in left:
        yield ev.ItemsPicked(picks=(pick,))
    if len(left) > 1:
        yield ev.ItemsPicked(picks=tuple(left))
        if at.in_order:
            # What is looked up first depends on what is named first.
            yield ev.ItemsPicked(picks=tuple(reversed(left)))


def _left(at: Situation, item_id: str) -> int:
    """Units of the selected order that are in no return yet."""
    return eligibility.ordered_units(at.case.order, item_id) - (at.case.taken(item_id) or 0)


def _some_units(at: Situation, item_id: str) -> int:
    assert at.rng is not None
    left = _left(at, item_id)
    # The whole of it, a part, or (seldom) more than there is.
    return at.rng.choice([max(1, left), at.rng.randint(1, max(1, left)), left + 1])


def _confirmations(at: Situation) -> Iterator[Event]:
    granted = [d for d in at.case.decisions() if d.granted]
    if not granted:
        return
    if at.rng is None:
        whole = [ev.ReturnLine(d.item_id, d.granted, "DAMAGED") for d in granted]
        yield ev.ReturnConfirmed(lines=tuple(whole))
        first = granted[0]
        if first.granted > 1:
            # One item with two reasons makes two lines (rule 19), of which the second waits.
            split = (first.granted - 1, "DAMAGED"), (1, "OTHER")
            yield ev.ReturnConfirmed(
                lines=tuple(ev.ReturnLine(first.item_id, units, reason) for units, reason in split)
            )
        return
    lines = []
    for decision in granted:
        first = at.rng.randint(1, decision.granted)
        lines.append(ev.ReturnLine(decision.item_id, first, at.rng.choice(ev.REASONS)))
        if first < decision.granted and at.rng.random() < 0.5:
            rest = decision.granted - first
            lines.append(ev.ReturnLine(decision.item_id, rest, "OTHER", "a note"))
    yield ev.ReturnConfirmed(lines=tuple(lines))


def _tellings(at: Situation) -> Iterator[Event]:
    owes = at.state.owes
    dues = VOCABULARY.dues[owes](at.case) if owes else ()
    # Their order makes no difference to where a call can go, so a search tries one.
    for due in dues if at.rng is not None else dues[:1]:
        yield VOCABULARY.build_told(due)


def _human(at: Situation) -> Iterator[Event]:
    reason = "asked" if at.rng is None else at.rng.choice(["asked", "not_satisfied", "is angry"])
    yield ev.HumanRequested(reason=reason, summary=telling.draft_summary(at.case, reason))


def _resumed(at: Situation) -> Iterator[Event]:
    days = 1 if at.rng is None else at.rng.choice([1, 1, 7, 31])
    yield ev.Resumed(policy_date=at.case.policy_date + timedelta(days=days))


# -- what the backend may answer --------------------------------------------------------------


def _outcomes(name: str, at: Situation) -> Iterator[Event]:
    """The answers of that name to what is owed, or to a look-up ahead of its step."""
    if at.state.operation is None:
        yield from (event for event in _early(at) if event_name(event) == name)
        return
    for call in at.pending():
        for event in _answers(call, at):
            if event_name(event) == name:
                yield event


def _early(at: Situation) -> Iterator[Event]:
    order: Order | None = at.case.order
    if order is None:
        return
    yield ev.BackendFailed(operation="get_item_details", message="no answer")
    if at.rng is None and len(at.case.items) + len(at.case.packages) > 1:
        return  # an item and its package show all; more only multiplies a search
    answer = performer(at.shop)
    for line in order.lines:
        if line.item_id not in at.case.items:
            yield answer(Call("get_item_details", {"item_id": line.item_id}))
        for parcel in line.parcels:
            if parcel.package_id and parcel.package_id not in at.case.packages:
                yield answer(Call("get_package_details", {"package_id": parcel.package_id}))


def _answers(call: Call, at: Situation) -> Iterator[Event]:
    if not call.write:
        yield performer(at.shop)(call)
        yield ev.BackendFailed(operation=call.operation, message="no answer")
    elif call.key is not None:
        for outcome in ("known", "unknown"):
            yield VOCABULARY.build_failed(call.operation, outcome, "no answer")
        if call.operation == "initiate_return":
            yield from _return_answers(call, at)
        else:
            yield ev.TransferAccepted(receipt=TransferReceipt(reference="T1"))
            yield ev.TransferRefused(message="nobody is there")
    else:
        # Nothing was sent yet, so this is a slip, of which one is enough.
        yield from _unasked(call.operation)


def _return_answers(call: Call, at: Situation) -> Iterator[Event]:
    yield ev.ReturnRefused(code="already_returned", message="all of it is in a return already")
    if at.rng is None:
        tracking_id = f"RT-{len(at.case.opened) + 1:04}"
        yield ev.ReturnOpened(receipt=ReturnReceipt(tracking_id=tracking_id))
        return
    yield performer(at.shop)(call)


def _unasked(operation: str) -> Iterator[Event]:
    yield ev.BackendFailed(operation=operation, message="no answer")
    if operation == "initiate_return":
        yield ev.ReturnRefused()
        yield ev.ReturnOpened(receipt=ReturnReceipt(tracking_id="RT-NONE"))
    else:
        yield ev.TransferRefused()
        yield ev.TransferAccepted()


def _requests(at: Situation) -> Iterator[Event]:
    operation = at.state.operation
    if operation is None or operation.build_request is None:
        return
    for call in at.pending():
        if call.request is not None:
            number = sum(line.requests for line in at.case.all_lines) + 1
            yield operation.build_request(call, f"key-{number}")


# -- what goes wrong --------------------------------------------------------------------------


def _bad_picks(at: Situation) -> Iterator[Event]:
    yield ev.ItemsPicked(picks=())
    yield ev.ItemsPicked(picks=(ev.Pick("NOT-IN-IT", 1),))
    if at.case.order is not None and at.case.order.lines:
        item_id = at.case.order.lines[0].item_id
        yield ev.ItemsPicked(picks=(ev.Pick(item_id, 0),))
        yield ev.ItemsPicked(picks=(ev.Pick(item_id, 10_000),))


def _bad_confirmations(at: Situation) -> Iterator[Event]:
    yield ev.ReturnConfirmed(lines=())
    yield ev.ReturnConfirmed(lines=(ev.ReturnLine("NOT-IN-IT", 1, "OTHER"),))
    for decision in at.case.decisions()[:1]:
        yield ev.ReturnConfirmed(lines=(ev.ReturnLine(decision.item_id, 1, "BORED"),))
        yield ev.ReturnConfirmed(lines=(ev.ReturnLine(decision.item_id, 10_000, "OTHER"),))


def _bad_requests(at: Situation) -> Iterator[Event]:
    yield ev.ReturnRequested(order_id="", item_id="NOT-IN-IT", quantity=1, reason="OTHER", key="x")
    line = at.case.next_line
    if line is not None:
        yield ev.ReturnRequested(
            order_id=line.order_id,
            item_id=line.item_id,
            quantity=line.quantity + 1,
            reason=line.reason,
            key="x",
        )


_STRANGE_ORDER = Order(order_id="O-STRANGE", customer_id="NOBODY")
_STRANGE_ITEM = Item(item_id="NOT-IN-IT")
_STRANGE_PACKAGE = Package(package_id="P-STRANGE")

_GOOD: dict[str, Make] = {
    "email_given": _emails,
    "order_id_given": _order_ids,
    "order_id_unknown": lambda at: [ev.OrderIdUnknown()],
    "order_unrecognised": lambda at: [ev.OrderUnrecognised()],
    "items_picked": _picks,
    "told": _tellings,
    "return_confirmed": _confirmations,
    "return_declined": lambda at: [ev.ReturnDeclined()],
    "satisfied": lambda at: [ev.Satisfied()],
    "another_return": lambda at: [ev.AnotherReturn()],
    "retry_requested": lambda at: [ev.RetryRequested()],
    "left_unconfirmed": lambda at: [ev.LeftUnconfirmed()],
    "callback_promised": lambda at: [ev.CallbackPromised()],
    "human_requested": _human,
    "call_dropped": lambda at: [ev.CallDropped()],
    "resumed": _resumed,
    "return_requested": _requests,
    "transfer_requested": _requests,
}

_SLIPS: dict[str, Make] = {
    "items_picked": _bad_picks,
    "return_confirmed": _bad_confirmations,
    "return_requested": _bad_requests,
    "return_opened": lambda at: [ev.ReturnOpened(receipt=ReturnReceipt(tracking_id=" "))],
    "human_requested": lambda at: [ev.HumanRequested(summary=" ")],
    "transfer_requested": lambda at: [
        ev.TransferRequested(customer_id="SOMEBODY", summary="something else", key="x")
    ],
    "order_found": lambda at: [ev.OrderFound(order=_STRANGE_ORDER)],
    "item_found": lambda at: [ev.ItemFound(item=_STRANGE_ITEM)],
    "item_missing": lambda at: [ev.ItemMissing(item_id="NOT-IN-IT")],
    "package_found": lambda at: [ev.PackageFound(package=_STRANGE_PACKAGE)],
    "package_missing": lambda at: [ev.PackageMissing(package_id="P-STRANGE")],
}


# -- anything at all --------------------------------------------------------------------------


class _Anything:
    """Draws the fields of an arbitrary event."""

    def __init__(self, rng: Random, shop: MemoryShop) -> None:
        self.rng, self.shop = rng, shop

    def event(self) -> Event:
        cls: Any = self.rng.choice(ev.EVENTS)
        fields = [name for name in cls.__struct_fields__ if name not in ("at", "inferred")]
        made: Event = cls(**{name: self._field(cls, name) for name in fields})
        return made

    def _field(self, cls: type[Event], name: str) -> object:
        rng, shop = self.rng, self.shop
        match name:
            case "order":
                return rng.choice([*shop.orders.values(), _STRANGE_ORDER])
            case "orders" | "failed":
                summary = shop.summarize_orders(rng.sample(list(shop.orders), 2))
                return getattr(summary, name)
            case "customer":
                return rng.choice(list(shop.customers.values()))
            case "item":
                return rng.choice([*shop.items.values(), _STRANGE_ITEM])
            case "package":
                return rng.choice([*shop.packages.values(), _STRANGE_PACKAGE])
            case "picks":
                return tuple(ev.Pick(self._item_id(), self._units()) for _ in range(self._few()))
            case "lines":
                return tuple(self._line() for _ in range(self._few()))
            case "receipt":
                if cls is ev.ReturnOpened:
                    return ReturnReceipt(tracking_id=rng.choice(["RT-1", "RT-2", "RT-3"]))
                return TransferReceipt(reference=rng.choice(["", "T1"]))
            case "policy_date":
                return shop.today + timedelta(days=rng.randint(0, 40))
            case "quantity" | "count":
                return self._units()
            case "outcome":
                return rng.choice(["known", "unknown", "cancelled"])
            case _:
                return self._text(name)

    def _text(self, name: str) -> str | None:
        rng, shop = self.rng, self.shop
        pools: dict[str, list[str]] = {
            "email": [customer.email for customer in shop.customers.values()],
            "order_id": list(shop.orders),
            "item_id": [*shop.items, "I-404"],
            "package_id": list(shop.packages),
            "customer_id": list(shop.customers),
            "notice": list(telling.NOTICES),
            "subject": [*shop.items, "RT-1", "RT-2"],
            "operation": [*VOCABULARY.operations],
            "reason": [*ev.REASONS, "asked"],
        }
        return rng.choice([*pools.get(name, ["some words", "key-1"]), ""])

    def _line(self) -> ev.ReturnLine:
        return ev.ReturnLine(
            self._item_id(), self._units(), self.rng.choice([*ev.REASONS, "BORED"])
        )

    def _item_id(self) -> str:
        return self.rng.choice([*self.shop.items, "I-404"])

    def _units(self) -> int:
        return self.rng.choice([-1, 0, 1, 1, 1, 2, 3, 99])

    def _few(self) -> int:
        return self.rng.choice([0, 1, 1, 2, 3])


samplers["returns"] = ReturnsSampler()
