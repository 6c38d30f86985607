"""The tests that an adapter passes by subclassing `BackendContract` with its fixture."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import asdict

from returnflow.backends.protocol import Backend
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
)
from returnflow.inert import fold, inert
from returnflow.records import Order, ReturnReceipt
from returnflow.returns import eligibility
from returnflow.returns.events import REASONS
from returnflow.testing.contract.data import ContractShop, Unanswered
from returnflow.testing.contract.promises import PROMISES, Promise, Sample, Subject

AT_ONCE = 6
"""Connections that write at the same moment."""

TRANSFER = "transfer_to_human_representative"


def in_return(order: Order) -> int:
    """Units of the order that are in a return, over all its lines (rules 17, 18)."""
    assert all(line.returned is not None for line in order.lines), "returned units are not known"
    return sum(line.returned or 0 for line in order.lines)


def refusal(operation: Callable[[], object]) -> str:
    """The code of a plain refusal, which has words too."""
    with pytest.raises(RefusedByBackendError) as caught:
        operation()
    assert str(caught.value).strip(), "a refusal says why"
    assert caught.value.code.strip(), "a refusal has a code"
    return caught.value.code


class BackendContract:
    """Subclass it, name it ``Test…``, and give it a fixture `shop` that is a `ContractShop`.

    The fixture may have the scope of a class: each test that writes uses an order of its own.
    """

    @pytest.fixture
    def backend(self, shop: ContractShop) -> Iterator[Backend]:
        """A connection of its own for each test."""
        with closing(shop.connect()) as connected:
            yield connected

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
        assert refusal(lambda: self._open(backend, shop, "PAST", 6, "too-many-of-past"))
        assert in_return(backend.get_order_details(shop.id("PAST"))) == 4

    def test_cancelled_and_rejected_returns_hold_none(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 17: all units may be returned anew, and are."""
        assert in_return(backend.get_order_details(shop.id("FREED"))) == 0
        assert self._open(backend, shop, "FREED", 2, "all-of-freed").tracking_id.strip()
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

    # -- opening returns ----------------------------------------------------------------------

    def _open(
        self, backend: Backend, shop: ContractShop, order: str, quantity: int, key: str, **more: Any
    ) -> ReturnReceipt:
        """Opens a return of lamps; `key` becomes one that no other shop or test uses."""
        given = {"return_reason": "OTHER", "note": "", "item_id": shop.id("LAMP"), **more}
        return backend.initiate_return(
            shop.id(order),
            given["item_id"],
            quantity,
            given["return_reason"],
            idempotency_key=f"{key}{shop.tag}",
            note=given["note"],
        )

    def test_a_return_is_opened_and_stands_in_the_shop(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rules 17, 27, 30: it has a tracking id, and its units count as returned at once."""
        receipt = self._open(backend, shop, "OPENED", 2, "opened", return_reason="DAMAGED")
        assert receipt.tracking_id.strip()
        order = backend.get_order_details(shop.id("OPENED"))
        assert in_return(order) == 2
        assert len(order.associated_returns) == 1
        with closing(shop.connect()) as other:
            assert other.get_order_details(shop.id("OPENED")) == order

    def test_partial_returns_until_nothing_is_left(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rules 17, 28: two returns of one item have two keys and two tracking ids."""
        first = self._open(backend, shop, "PARTS", 1, "parts-1")
        second = self._open(backend, shop, "PARTS", 2, "parts-2")
        assert first.tracking_id != second.tracking_id
        assert refusal(lambda: self._open(backend, shop, "PARTS", 1, "parts-3")) == (
            "already_returned"
        )
        assert in_return(backend.get_order_details(shop.id("PARTS"))) == 3

    def test_units_on_two_lines_are_returned_together(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 18: three lamps on two lines go back in one return."""
        receipt = self._open(backend, shop, "TWO-LINES", 3, "both-lines")
        assert receipt.tracking_id.strip()
        order = backend.get_order_details(shop.id("TWO-LINES"))
        assert [line.returned for line in order.lines] == [1, 0, 2]

    @pytest.mark.parametrize(
        ("codes", "changed"),
        [
            ({"bad_quantity"}, {"quantity": 0}),
            ({"bad_quantity"}, {"quantity": -1}),
            ({"bad_quantity", "already_returned"}, {"quantity": 4}),
            ({"bad_quantity", "already_returned"}, {"quantity": 99}),
            ({"bad_quantity", "already_returned"}, {"quantity": 10**30}),
            ({"bad_reason"}, {"return_reason": "BORED"}),
            ({"bad_reason"}, {"return_reason": ""}),
            ({"unknown_item"}, {"item_id": "NO-SUCH-ITEM"}),
            ({"unknown_item"}, {"item_id": "RUG"}),
            ({"unknown_order"}, {"order_id": "NO-SUCH-ORDER"}),
            ({"bad_key"}, {"idempotency_key": ""}),
        ],
    )
    def test_what_is_refused_is_not_done(
        self, shop: ContractShop, backend: Backend, codes: set[str], changed: dict[str, Any]
    ) -> None:
        """Rules 16, 17, 26, 30: a plain refusal has a typed reason, and leaves no trace."""
        given: dict[str, Any] = {
            "order_id": shop.id("REFUSED"),
            "item_id": shop.id("LAMP"),
            "quantity": 1,
            "return_reason": "OTHER",
            "idempotency_key": f"refused{shop.tag}",
            **changed,
        }
        if changed.get("item_id") == "RUG":
            given["item_id"] = shop.id("RUG")  # exists, but is not in this order
        *arguments, key = given.values()
        assert refusal(lambda: backend.initiate_return(*arguments, idempotency_key=key)) in codes
        order = backend.get_order_details(shop.id("REFUSED"))
        assert (in_return(order), order.associated_returns) == (0, ())

    @pytest.mark.parametrize("reason", REASONS)
    def test_every_reason_of_the_procedure_is_taken(
        self, shop: ContractShop, backend: Backend, reason: str
    ) -> None:
        """Rule 26: the five, and no translation is the caller's work."""
        name = "REASONS" if reason in REASONS[:3] else "MORE-REASONS"
        receipt = self._open(backend, shop, name, 1, f"reason-{reason}", return_reason=reason)
        assert receipt.tracking_id.strip()

    def test_a_hostile_note_does_no_harm(self, shop: ContractShop, backend: Backend) -> None:
        """Rules 26, 37: a note may go with any reason; a shop may have no place for it."""
        note = shop.customer("EVIL").first_name
        receipt = self._open(backend, shop, "NOTE", 1, "note", note=note, return_reason="DAMAGED")
        again = self._open(backend, shop, "NOTE", 1, "note", note=note, return_reason="DAMAGED")
        assert receipt.tracking_id == again.tracking_id
        assert in_return(backend.get_order_details(shop.id("NOTE"))) == 1

    def test_ids_may_be_typed_with_spaces_and_in_another_case(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 22: in a write as in a look-up."""
        receipt = backend.initiate_return(
            f" {shop.id('UNTIDY').lower()}\t",
            shop.id("LAMP"),
            1,
            "OTHER",
            idempotency_key=f"untidy{shop.tag}",
        )
        assert receipt.tracking_id.strip()
        assert in_return(backend.get_order_details(shop.id("UNTIDY"))) == 1

    # -- once, and once only --------------------------------------------------------------------

    def test_the_same_key_gives_one_return(self, shop: ContractShop, backend: Backend) -> None:
        """Rules 28, 29: also when no unit is left for a second one."""
        first = self._open(backend, shop, "AGAIN", 3, "again")
        second = self._open(backend, shop, "AGAIN", 3, "again")
        assert first.tracking_id == second.tracking_id
        order = backend.get_order_details(shop.id("AGAIN"))
        assert (in_return(order), len(order.associated_returns)) == (3, 1)

    def test_the_same_key_on_another_connection(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 28: the key is the shop's, not the connection's; a resume is another process."""
        first = self._open(backend, shop, "ELSEWHERE", 1, "elsewhere")
        backend.close()
        with closing(shop.connect()) as other:
            assert self._open(other, shop, "ELSEWHERE", 1, "elsewhere").tracking_id == (
                first.tracking_id
            )
            assert in_return(other.get_order_details(shop.id("ELSEWHERE"))) == 1

    @pytest.mark.parametrize(
        "changed", [{"quantity": 2}, {"return_reason": "DAMAGED"}, {"order": "Plain"}]
    )
    def test_a_key_stands_for_one_request(
        self, shop: ContractShop, backend: Backend, changed: dict[str, Any]
    ) -> None:
        """Rule 28: with other arguments it is a mistake, and nothing is done."""
        given: dict[str, Any] = {"order": "OTHERWISE", "quantity": 1, "key": "otherwise"}
        self._open(backend, shop, **given)
        assert refusal(lambda: self._open(backend, shop, **(given | changed))) == "key_reused"
        assert in_return(backend.get_order_details(shop.id("OTHERWISE"))) == 1
        assert in_return(backend.get_order_details(shop.id("Plain"))) == 0

    def _race(self, shop: ContractShop, order: str, quantity: int, keys: list[str]) -> list[str]:
        """Opens returns at the same moment on a connection each: tracking ids or refusals."""
        start = threading.Barrier(len(keys))

        def attempt(key: str) -> str:
            with closing(shop.connect()) as connection:
                start.wait()
                try:
                    return self._open(connection, shop, order, quantity, key).tracking_id
                except RefusedByBackendError as error:
                    return f"refused: {error.code}"

        with ThreadPoolExecutor(len(keys)) as pool:
            return list(pool.map(attempt, keys))

    def test_the_same_key_at_the_same_moment(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 28: all get the one return."""
        answers = self._race(shop, "AT-ONCE", 1, ["at-once"] * AT_ONCE)
        assert len(set(answers)) == 1
        assert not answers[0].startswith("refused")
        order = backend.get_order_details(shop.id("AT-ONCE"))
        assert (in_return(order), len(order.associated_returns)) == (1, 1)

    def test_no_unit_is_returned_twice(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 17: three units, and two wanted by each of many at the same moment."""
        keys = [f"last-{number}" for number in range(AT_ONCE)]
        answers = self._race(shop, "LAST-UNIT", 2, keys)
        assert answers.count("refused: already_returned") == AT_ONCE - 1
        assert in_return(backend.get_order_details(shop.id("LAST-UNIT"))) == 2

    @pytest.mark.parametrize(
        ("kind", "order"),
        [
            ("timeout_before", "BEFORE"),
            ("timeout_after", "AFTER"),
            ("error_text", "ERROR-TEXT"),
        ],
    )
    def test_no_answer_and_then_the_same_key(
        self, shop: ContractShop, backend: Backend, kind: Unanswered, order: str
    ) -> None:
        """Rules 28, 29, 30: whether or not the work was done, asking again makes it one return."""
        with shop.losing(kind, "initiate_return") as unlucky:
            with pytest.raises(UnavailableError) as caught:
                self._open(unlucky, shop, order, 2, f"lost-{kind}")
            assert caught.value.outcome == "unknown" or kind == "timeout_before"
            done = kind != "timeout_before"
            assert in_return(backend.get_order_details(shop.id(order))) == (2 if done else 0)
        receipt = self._open(backend, shop, order, 2, f"lost-{kind}")
        assert receipt.tracking_id.strip()
        found = backend.get_order_details(shop.id(order))
        assert (in_return(found), len(found.associated_returns)) == (2, 1)

    # -- transfers ----------------------------------------------------------------------------

    def _transfer(
        self, backend: Backend, shop: ContractShop, who: str | None, words: str, key: str
    ) -> str:
        """Transfers; the reference, or the code of a plain refusal."""
        customer = None if who is None else shop.id(who)
        try:
            receipt = backend.transfer_to_human_representative(
                customer, words, idempotency_key=f"{key}{shop.tag}"
            )
        except RefusedByBackendError as error:
            return f"refused: {error.code}" if str(error).strip() else "refused without words"
        return receipt.reference

    def test_a_transfer_is_made_once_per_key(self, shop: ContractShop, backend: Backend) -> None:
        """Rules 28, 34, 37: also with a hostile summary; a shop that cannot transfer says so."""
        words = f"Wants a person. {shop.customer('EVIL').first_name}"
        first = self._transfer(backend, shop, "ANN", words, "transfer")
        with closing(shop.connect()) as other:
            assert self._transfer(other, shop, "ANN", words, "transfer") == first
        if TRANSFER not in backend.capabilities():
            assert first == "refused: not_supported"
        else:
            assert not first.startswith("refused")
            assert self._transfer(backend, shop, "ANN", "Other.", "transfer") == (
                "refused: key_reused"
            )

    def test_a_transfer_before_anyone_is_identified(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 35: done, or refused so that the agent knows."""
        answer = self._transfer(backend, shop, None, "Asks for a human.", "nobody")
        can = TRANSFER in backend.capabilities()
        allowed = "refused: unknown_customer" if can else "refused: not_supported"
        assert answer == allowed or (can and not answer.startswith("refused"))

    @pytest.mark.parametrize("words", ["", " \n\t"])
    def test_an_empty_summary_is_refused(
        self, shop: ContractShop, backend: Backend, words: str
    ) -> None:
        """Rule 34: the summary is never empty."""
        answer = self._transfer(backend, shop, "ANN", words, "empty")
        can = TRANSFER in backend.capabilities()
        assert answer == f"refused: {'empty_summary' if can else 'not_supported'}"

    # -- closing ------------------------------------------------------------------------------

    def test_closing_twice_is_harmless(self, shop: ContractShop, backend: Backend) -> None:
        """And it closes no other connection."""
        other = shop.connect()
        other.close()
        other.close()
        assert backend.get_item_details(shop.id("LAMP")).item_id == shop.id("LAMP")
