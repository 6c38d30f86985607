"""The half of the contract that is about look-ups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import asdict

from returnflow.backends.protocol import Backend
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
)
from returnflow.inert import fold, inert
from returnflow.records import Order
from returnflow.returns import eligibility
from returnflow.testing.contract.base import ContractBase, in_return, refusal
from returnflow.testing.contract.data import ContractShop
from returnflow.testing.contract.promises import PROMISES, Promise
from returnflow.testing.contract.subject import Sample, Subject


class ReadingContract(ContractBase):
    """Look-ups; see `returnflow.testing.contract.suite.BackendContract`."""

    # -- looking up ---------------------------------------------------------------------------

    @pytest.mark.parametrize("promise", PROMISES, ids=[each.name for each in PROMISES])
    def test_promises(self, shop: ContractShop, backend: Backend, promise: Promise) -> None:
        """Rules 2, 3, 20 to 22, 24, 31: what ``returnflow backend check`` checks as well."""
        emails = [shop.customer(name).email for name in ("ANN", "BEN", "TWIN-A")]
        orders = [shop.id(name) for name in ("BENS", "EVILS")]
        promise.check(Subject(backend, Sample(emails, orders)))

    @pytest.mark.parametrize("change", [str, str.upper, str.lower, " {}\n".format])
    def test_a_customer_is_found_by_address(
        self, shop: ContractShop, backend: Backend, change: Callable[[str], str]
    ) -> None:
        """Rule 20: trimmed, and compared without regard to case."""
        customer = backend.get_customer_by_email(change(shop.customer("ANN").email))
        assert customer.customer_id == shop.id("ANN")
        assert fold(customer.email) == fold(shop.customer("ANN").email)
        assert customer.first_name == "Ann"

    def test_no_match_and_several_are_different_answers(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 20: of several none is guessed; rule 38: the address stays out of the message."""
        shared = shop.customer("TWIN-A").email
        with pytest.raises(AmbiguousError) as several:
            backend.get_customer_by_email(shared)
        assert several.value.count == 2
        assert fold(shared) not in fold(str(several.value))
        with pytest.raises(NotFoundError):
            backend.get_customer_by_email(f"x{shared}")

    def test_open_orders_and_open_returns(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 23: those that are open, each once; a return that has ended is not."""
        ann = backend.get_customer_by_email(shop.customer("ANN").email)
        expected = {shop.id(o.order_id.removesuffix(shop.tag)) for o in self._orders_of(shop)}
        assert set(ann.active_orders) == expected
        assert len(ann.active_orders) == len(expected)
        ended = {shop.id(f"R-FREED-{status}") for status in ("REJECTED", "CANCELLED")}
        assert not ended & set(ann.active_returns)

    @staticmethod
    def _orders_of(shop: ContractShop) -> list[Order]:
        ann = shop.customer("ANN").customer_id
        return [order for order in shop.data.orders if order.customer_id == ann]

    def test_a_customer_without_open_orders(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 23."""
        idle = backend.get_customer_by_email(shop.customer("IDLE").email)
        assert idle.active_orders == ()

    def test_an_order_of_another_customer_says_whose_it_is(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 21: the adapter answers; whether it may be spoken of, a guard decides."""
        assert backend.get_order_details(shop.id("BENS")).customer_id == shop.id("BEN")
        assert backend.get_order_details(shop.id("Plain")).customer_id == shop.id("ANN")

    @pytest.mark.parametrize("change", [str, str.upper, str.lower, "\t{} ".format])
    def test_an_order_is_found_however_its_id_is_typed(
        self, shop: ContractShop, backend: Backend, change: Callable[[str], str]
    ) -> None:
        """Rule 22: the id as stored is what comes back."""
        assert backend.get_order_details(change(shop.id("Plain"))).order_id == shop.id("Plain")

    def test_prices_are_exact(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 31: the price of one unit, a decimal, in its currency."""
        lines = backend.get_order_details(shop.id("Plain")).lines
        found = {line.item_id: line for line in lines}
        assert found[shop.id("LAMP")].unit_price == Decimal("19.99")
        assert found[shop.id("RUG")].unit_price == Decimal("0.333")
        assert {line.currency for line in lines} == {"EUR"}
        assert [line.quantity for line in lines] == [3, 2]
        item = backend.get_item_details(shop.id("LAMP"))
        assert item.cost is None or (item.cost, item.currency) == (Decimal("19.99"), "EUR")

    def test_packages_are_many_to_many(self, shop: ContractShop, backend: Backend) -> None:
        """Rules 12, 18: a line in two packages, a package with two lines, a unit in none yet."""
        order = backend.get_order_details(shop.id("SPLIT"))
        found: dict[tuple[str, str], int] = {}
        for line in order.lines:
            left = line.quantity
            for parcel in line.parcels:
                left -= parcel.quantity
                key = (line.item_id, parcel.package_id)
                found[key] = found.get(key, 0) + parcel.quantity
            if left:
                # Not to name units that are not shipped says the same as an empty id.
                found[line.item_id, ""] = found.get((line.item_id, ""), 0) + left
        lamp, rug = shop.id("LAMP"), shop.id("RUG")
        assert found == {
            (lamp, shop.id("FIRST")): 2,
            (lamp, shop.id("SECOND")): 1,
            (rug, shop.id("SECOND")): 1,
            (rug, ""): 1,
        }

    def test_a_package_says_whether_it_has_arrived(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 11."""
        here = backend.get_package_details(shop.id("HERE"))
        assert eligibility.is_delivered(here)
        assert here.package_id == shop.id("HERE")
        away = backend.get_package_details(shop.id("SECOND"))
        assert not eligibility.is_delivered(away)
        assert away.current_status in eligibility.ON_ITS_WAY

    def test_one_item_on_two_lines(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 18: lines stay apart, each with its price; the units add up."""
        order = backend.get_order_details(shop.id("TWO-LINES"))
        lines = eligibility.lines_of(order, shop.id("LAMP"))
        assert [line.unit_price for line in lines] == [Decimal("19.99"), Decimal("14.99")]
        assert eligibility.ordered_units(order, shop.id("LAMP")) == 3

    def test_earlier_returns_hold_their_units(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 17: whatever the state, but for cancelled and rejected ones; 4 of 9 are held."""
        order = backend.get_order_details(shop.id("PAST"))
        assert in_return(order) == 4
        assert refusal(lambda: self.open_return(backend, shop, "PAST", 6, "too-many-of-past"))
        assert in_return(backend.get_order_details(shop.id("PAST"))) == 4

    def test_cancelled_and_rejected_returns_hold_none(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 17: all units may be returned anew, and are."""
        assert in_return(backend.get_order_details(shop.id("FREED"))) == 0
        assert self.open_return(backend, shop, "FREED", 2, "all-of-freed").tracking_id.strip()
        assert in_return(backend.get_order_details(shop.id("FREED"))) == 2

    @pytest.mark.parametrize(
        ("name", "codes"),
        [
            ("LAMP", set()),
            ("RUG", {"not_returnable", "window_closed"}),
            ("MUG", {"eligibility_unknown"}),
            ("CUP", {"window_unknown"}),
            ("PAN", {"window_unknown"}),
            ("BOX", set()),
        ],
    )
    def test_eligibility_is_what_the_shop_says_or_unknown(
        self, shop: ContractShop, backend: Backend, name: str, codes: set[str]
    ) -> None:
        """Rules 5, 6, 9, 10: a missing block, a missing or unreadable window are never eligible."""
        item = backend.get_item_details(shop.id(name))
        assert item.item_id == shop.id(name)
        order = backend.get_order_details(shop.id("Plain"))
        reasons = eligibility.item_reasons(order, item, date(2026, 3, 30), shop.data.zone)
        assert {reason.code for reason in reasons} == codes

    @pytest.mark.parametrize("name", ["UTC", "LOCAL", "DAY"])
    def test_the_day_of_an_order_in_the_zone_of_the_shop(
        self, shop: ContractShop, backend: Backend, name: str
    ) -> None:
        """Rules 2, 3: 23:30 in UTC is the next day in Berlin; a time without zone is local."""
        order = backend.get_order_details(shop.id(name))
        found = eligibility.calendar_day(order.order_date, backend.zone or shop.data.zone)
        assert found == date(2026, 3, 29)

    def test_a_summary_names_what_is_missing(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 24: and shows all else, described so that the customer knows it again."""
        wanted = [shop.id("Plain"), "NO-SUCH-ORDER", shop.id("SPLIT")]
        answer = backend.summarize_orders(wanted)
        assert [failure.order_id for failure in answer.failed] == ["NO-SUCH-ORDER"]
        assert answer.failed[0].reason.strip()
        plain, split = answer.orders
        assert (plain.order_id, split.order_id) == (shop.id("Plain"), shop.id("SPLIT"))
        assert [line.item_id for line in plain.items] == [shop.id("LAMP"), shop.id("RUG")]
        assert [line.quantity for line in plain.items] == [3, 2]
        assert all(line.description.strip() for line in plain.items)

    def test_ten_thousand_orders_of_one_customer(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 24: each is listed, and each is in the summary."""
        expected = set(shop.customer("CROWD").active_orders)
        crowd = backend.get_customer_by_email(shop.customer("CROWD").email)
        assert set(crowd.active_orders) == {
            shop.id(order_id.removesuffix(shop.tag)) for order_id in expected
        }
        assert len(crowd.active_orders) == len(expected)
        answer = backend.summarize_orders(crowd.active_orders)
        assert [order.order_id for order in answer.orders] == list(crowd.active_orders)
        assert answer.failed == ()

    def test_hostile_text_comes_back_unchanged(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 37: the shop keeps it as it is, and it is harmless once it is shown."""
        hostile = shop.customer("EVIL").first_name
        customer = backend.get_customer_by_email(shop.customer("EVIL").email)
        assert hostile in (customer.first_name, f"{customer.first_name} {customer.last_name}")
        (line,) = backend.get_order_details(shop.id("EVILS")).lines
        item = backend.get_item_details(shop.id("EVIL-ITEM"))
        assert line.description == item.description == hostile
        (order,) = backend.summarize_orders([shop.id("EVILS")]).orders
        assert order.items[0].description == hostile
        for value in (*asdict(customer).values(), *asdict(item).values()):
            assert not isinstance(value, str) or inert(value).isprintable()

    def test_look_ups_write_nothing(self, shop: ContractShop, backend: Backend) -> None:
        """Looking up, also what is not there, leaves the shop as it was."""
        before = self._seen(shop, backend)
        for operation in (
            lambda: backend.get_customer_by_email("nobody@nowhere.invalid"),
            lambda: backend.get_order_details("NO-SUCH-ORDER"),
            lambda: backend.get_item_details("NO-SUCH-ITEM"),
            lambda: backend.get_package_details("NO-SUCH-PACKAGE"),
        ):
            with pytest.raises(NotFoundError):
                operation()
        backend.summarize_orders([shop.id("Plain"), "NO-SUCH-ORDER"])
        backend.get_item_details(shop.id("LAMP"))
        backend.get_package_details(shop.id("HERE"))
        assert self._seen(shop, backend) == before

    def _seen(self, shop: ContractShop, backend: Backend) -> object:
        if shop.fingerprint is not None:
            return shop.fingerprint()
        emails = [shop.customer(name).email for name in ("ANN", "BEN")]
        customers = [backend.get_customer_by_email(email) for email in emails]
        return customers, [
            backend.get_order_details(order_id)
            for customer in customers
            for order_id in customer.active_orders
        ]
