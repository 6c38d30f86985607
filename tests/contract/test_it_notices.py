"""The contract fails where an adapter is wrong: each of its promises broken, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from returnflow.errors import (
    AmbiguousError,
    BackendError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
)
from returnflow.records import Customer, Item, Order, OrdersSummary, ReturnReceipt
from returnflow.testing import BackendContract, ContractShop, MemoryShop, contract_shop
from returnflow.testing.contract.checking import check
from returnflow.testing.contract.promises import PROMISES
from returnflow.testing.contract.subject import Sample, Subject

EMAILS = ("ann.lee@example.com", "ben@example.com", "twin@example.com")


def made(kind: type[MemoryShop]) -> MemoryShop:
    return kind.holding(contract_shop(crowd=3))


def with_order(shop: Any, order_id: str, **changes: Any) -> Order:
    found: Order = MemoryShop.get_order_details(shop, order_id)
    return replace(found, **changes)


class Lines(MemoryShop):
    """Changes every line of an order by `change`."""

    change: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    def get_order_details(self, order_id: str) -> Order:
        order = super().get_order_details(order_id)
        return replace(order, lines=tuple(replace(line, **self.change) for line in order.lines))


def lines(**change: Any) -> type[MemoryShop]:
    return type("Changed", (Lines,), {"change": change})


class NoZone(MemoryShop):
    @property
    def zone(self) -> str:
        return "Berlin"


class Unnamed(MemoryShop):
    def capabilities(self) -> frozenset[str]:
        return frozenset({"get_customer_by_email", "make_coffee"})


class Repeats(MemoryShop):
    """The address in the message."""

    def get_customer_by_email(self, email: str) -> Customer:
        try:
            return super().get_customer_by_email(email)
        except NotFoundError:
            raise NotFoundError(f"nobody is called {email}") from None


class Anybody(MemoryShop):
    """Somebody for every address."""

    def get_customer_by_email(self, email: str) -> Customer:
        try:
            return super().get_customer_by_email(email)
        except NotFoundError:
            return self.customers["ANN"]


class AsTyped(MemoryShop):
    """Ids and addresses compared letter by letter."""

    def get_customer_by_email(self, email: str) -> Customer:
        if email not in {customer.email for customer in self.customers.values()}:
            raise NotFoundError("no")
        return super().get_customer_by_email(email)

    def get_order_details(self, order_id: str) -> Order:
        if order_id not in self.orders:
            raise NotFoundError("no")
        return super().get_order_details(order_id)


class Breaks(MemoryShop):
    """A fault of its own for what it does not have."""

    def get_item_details(self, item_id: str) -> Item:
        return self.items[item_id]


class Encodes(MemoryShop):
    """A failure of its own for what cannot be encoded."""

    def get_package_details(self, package_id: str) -> Any:
        package_id.encode()
        return super().get_package_details(package_id)


class Hides(MemoryShop):
    """One bad order and no summary at all; or silence about it."""

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        return replace(super().summarize_orders(order_ids), failed=())


class Twice(MemoryShop):
    def get_customer_by_email(self, email: str) -> Customer:
        found = super().get_customer_by_email(email)
        return replace(found, active_orders=(*found.active_orders, *found.active_orders))


class Unreconciled(MemoryShop):
    """Orders point at another spelling of their customer."""

    def get_order_details(self, order_id: str) -> Order:
        found = super().get_order_details(order_id)
        return replace(found, customer_id=f"0{found.customer_id}")


class Rewrites(MemoryShop):
    """Answers with the id as it was typed."""

    def get_order_details(self, order_id: str) -> Order:
        return replace(super().get_order_details(order_id), order_id=order_id)


class Floats(MemoryShop):
    def get_item_details(self, item_id: str) -> Item:
        return replace(super().get_item_details(item_id), cost=19.99)


class Confused(MemoryShop):
    """Another item than the one that was asked for."""

    def get_item_details(self, item_id: str) -> Item:
        return replace(super().get_item_details(item_id), item_id="BOX-OF-SOMEBODY")


class Restless(MemoryShop):
    """Another answer each time."""

    count = 0

    def get_order_details(self, order_id: str) -> Order:
        self.count += 1
        return with_order(self, order_id, payment_status=str(self.count))


BROKEN_PROMISES: list[tuple[str, type[MemoryShop]]] = [
    ("zone", NoZone),
    ("capabilities", Unnamed),
    ("unknown_customer", Repeats),
    ("unknown_customer", Anybody),
    ("strange_customer", Anybody),
    ("typed_addresses", AsTyped),
    ("typed_ids", AsTyped),
    ("unknown_ids", Breaks),
    ("strange_ids", Encodes),
    ("failed_summary", Hides),
    ("customers", Twice),
    ("owners", Unreconciled),
    ("typed_ids", Rewrites),
    ("items", Floats),
    ("items", Confused),
    ("again", Restless),
    ("lines", lines(quantity=0)),
    ("lines", lines(returned=99)),
    ("lines", lines(unit_price=0.1)),
    ("lines", lines(quantity=1)),
    ("lines", lines(item_id=" ")),
    ("lines", lines(description="[NOT RECORDED]")),
    ("lines", lines(quantity="3")),
]


@pytest.mark.parametrize(("name", "kind"), BROKEN_PROMISES)
def test_a_broken_promise_is_told(name: str, kind: type[MemoryShop]) -> None:
    subject = Subject(made(kind), Sample(EMAILS, ["BENS"]))
    broken = {verdict.promise.name: verdict for verdict in check(subject) if verdict.words}
    assert broken[name].state == "broken"


def test_every_promise_is_kept_by_a_good_shop() -> None:
    verdicts = list(check(Subject(made(MemoryShop), Sample(EMAILS, ["BENS"]))))
    assert {verdict.state for verdict in verdicts} == {"kept"}
    assert len(verdicts) == len(PROMISES) == 20


# -- the part that writes ---------------------------------------------------------------------


class Forgetful(MemoryShop):
    """No memory of keys."""

    def initiate_return(self, *given: Any, idempotency_key: str, note: str = "") -> ReturnReceipt:
        key = f"{idempotency_key}{len(self.returns)}"
        return super().initiate_return(*given, idempotency_key=key, note=note)


class Careless(MemoryShop):
    """A key that stands for anything."""

    def initiate_return(self, *given: Any, idempotency_key: str, note: str = "") -> ReturnReceipt:
        for opened in self.returns:
            if opened.key == idempotency_key:
                return opened.receipt
        return super().initiate_return(*given, idempotency_key=idempotency_key, note=note)


class Generous(MemoryShop):
    """Takes back whatever it is told."""

    def initiate_return(self, *given: Any, idempotency_key: str, note: str = "") -> ReturnReceipt:
        try:
            return super().initiate_return(*given, idempotency_key=idempotency_key, note=note)
        except RefusedByBackendError:
            return ReturnReceipt(tracking_id="RT-9")


class Vague(MemoryShop):
    """Refuses, and does not say why in code."""

    def initiate_return(self, *given: Any, idempotency_key: str, note: str = "") -> ReturnReceipt:
        try:
            return super().initiate_return(*given, idempotency_key=idempotency_key, note=note)
        except RefusedByBackendError as error:
            raise RefusedByBackendError(str(error), code="no") from None


class Trackless(MemoryShop):
    """A return without a tracking id."""

    def initiate_return(self, *given: Any, idempotency_key: str, note: str = "") -> ReturnReceipt:
        super().initiate_return(*given, idempotency_key=idempotency_key, note=note)
        return ReturnReceipt(tracking_id=" ")


class Cleaning(MemoryShop):
    """Tidies texts up, which nobody asked for."""

    def get_item_details(self, item_id: str) -> Item:
        found = super().get_item_details(item_id)
        return replace(found, description=found.description.replace("\x1b", ""))


class Ignorant(MemoryShop):
    """Eligible where nothing is known."""

    def get_item_details(self, item_id: str) -> Item:
        found = super().get_item_details(item_id)
        return replace(found, policy=found.policy or self.items["LAMP"].policy)


class Local(MemoryShop):
    """Cuts the time off, and with it the zone."""

    def get_order_details(self, order_id: str) -> Order:
        found = super().get_order_details(order_id)
        return replace(found, order_date=found.order_date[:10])


class Guesses(MemoryShop):
    """The first of several customers."""

    def get_customer_by_email(self, email: str) -> Customer:
        try:
            return super().get_customer_by_email(email)
        except AmbiguousError:
            return self.customers["TWIN-A"]


class Writes(MemoryShop):
    """A look-up that leaves a trace."""

    def get_item_details(self, item_id: str) -> Item:
        order = self.orders["Plain"]
        self.orders["Plain"] = replace(order, payment_status=f"{order.payment_status}!")
        return super().get_item_details(item_id)


class Pages(MemoryShop):
    """The first hundred of a customer's orders."""

    def summarize_orders(self, order_ids: Sequence[str]) -> OrdersSummary:
        return super().summarize_orders(order_ids[:2])


class Silent(MemoryShop):
    """A transfer without a summary."""

    def transfer_to_human_representative(
        self, customer_id: str | None, summary_of_issues: str, *, idempotency_key: str
    ) -> Any:
        return super().transfer_to_human_representative(
            customer_id, summary_of_issues or ".", idempotency_key=idempotency_key
        )


class Certain(MemoryShop):
    """Says that nothing can have happened, whatever happened."""

    def initiate_return(self, *given: Any, idempotency_key: str, note: str = "") -> ReturnReceipt:
        raise UnavailableError("down", outcome="known")


suite = BackendContract()

Case = Callable[[ContractShop, MemoryShop], object]

BROKEN_CASES: list[tuple[type[MemoryShop], Case]] = [
    (Forgetful, suite.test_the_same_key_gives_one_return),
    (Forgetful, suite.test_the_same_key_on_another_connection),
    (Forgetful, suite.test_the_same_key_at_the_same_moment),
    (
        Forgetful,
        lambda shop, it: suite.test_no_answer_and_then_the_same_key(
            shop, it, "timeout_after", "AFTER"
        ),
    ),
    (
        Careless,
        lambda shop, it: suite.test_a_key_stands_for_one_request(shop, it, {"quantity": 2}),
    ),
    (Generous, suite.test_partial_returns_until_nothing_is_left),
    (Generous, suite.test_no_unit_is_returned_twice),
    (
        Generous,
        lambda shop, it: suite.test_what_is_refused_is_not_done(
            shop, it, {"bad_quantity"}, {"quantity": -1}
        ),
    ),
    (
        Vague,
        lambda shop, it: suite.test_what_is_refused_is_not_done(
            shop, it, {"bad_quantity"}, {"quantity": -1}
        ),
    ),
    (Trackless, suite.test_a_return_is_opened_and_stands_in_the_shop),
    (Cleaning, suite.test_hostile_text_comes_back_unchanged),
    (
        Ignorant,
        lambda shop, it: suite.test_eligibility_is_what_the_shop_says_or_unknown(
            shop, it, "MUG", {"eligibility_unknown"}
        ),
    ),
    (
        Local,
        lambda shop, it: suite.test_the_day_of_an_order_in_the_zone_of_the_shop(shop, it, "UTC"),
    ),
    (Guesses, suite.test_no_match_and_several_are_different_answers),
    (Writes, suite.test_look_ups_write_nothing),
    (Pages, suite.test_ten_thousand_orders_of_one_customer),
    (Silent, lambda shop, it: suite.test_an_empty_summary_is_refused(shop, it, "")),
    (lines(returned=0), suite.test_earlier_returns_hold_their_units),
    (lines(currency=""), suite.test_prices_are_exact),
    (lines(parcels=()), suite.test_packages_are_many_to_many),
    (
        Certain,
        lambda shop, it: suite.test_no_answer_and_then_the_same_key(
            shop, it, "timeout_after", "AFTER"
        ),
    ),
]


def _same(shop: MemoryShop) -> MemoryShop:
    return shop


@pytest.mark.parametrize(("kind", "case"), BROKEN_CASES)
def test_a_broken_adapter_fails(kind: type[MemoryShop], case: Case) -> None:
    """And the same case passes where the adapter is a good one."""
    for shop, fails in ((made(MemoryShop), False), (made(kind), True)):
        given = ContractShop(data=contract_shop(crowd=3), connect=partial(_same, shop))
        if fails:
            with pytest.raises((AssertionError, BackendError, pytest.fail.Exception)):
                case(given, shop)
        else:
            case(given, shop)
