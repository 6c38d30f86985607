"""The half of the contract that is about writes: done, refused, and done once only."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from returnflow.backends.protocol import Backend
from returnflow.errors import (
    RefusedByBackendError,
    UnavailableError,
)
from returnflow.returns.events import REASONS
from returnflow.testing.contract.base import ContractBase, in_return, refusal
from returnflow.testing.contract.data import ContractShop, Unanswered

AT_ONCE = 6
"""Connections that write at the same moment."""

TRANSFER = "transfer_to_human_representative"


class WritingContract(ContractBase):
    """Writes; see `returnflow.testing.contract.suite.BackendContract`."""

    # -- opening returns ----------------------------------------------------------------------

    def test_a_return_is_opened_and_stands_in_the_shop(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rules 17, 27, 30: it has a tracking id, and its units count as returned at once."""
        receipt = self.open_return(backend, shop, "OPENED", 2, "opened", return_reason="DAMAGED")
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
        first = self.open_return(backend, shop, "PARTS", 1, "parts-1")
        second = self.open_return(backend, shop, "PARTS", 2, "parts-2")
        assert first.tracking_id != second.tracking_id
        assert refusal(lambda: self.open_return(backend, shop, "PARTS", 1, "parts-3")) == (
            "already_returned"
        )
        assert in_return(backend.get_order_details(shop.id("PARTS"))) == 3

    def test_units_on_two_lines_are_returned_together(
        self, shop: ContractShop, backend: Backend
    ) -> None:
        """Rule 18: three lamps on two lines go back in one return."""
        receipt = self.open_return(backend, shop, "TWO-LINES", 3, "both-lines")
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
        receipt = self.open_return(backend, shop, name, 1, f"reason-{reason}", return_reason=reason)
        assert receipt.tracking_id.strip()

    def test_a_hostile_note_does_no_harm(self, shop: ContractShop, backend: Backend) -> None:
        """Rules 26, 37: a note may go with any reason; a shop may have no place for it."""
        note = shop.customer("EVIL").first_name
        receipt = self.open_return(
            backend, shop, "NOTE", 1, "note", note=note, return_reason="DAMAGED"
        )
        again = self.open_return(
            backend, shop, "NOTE", 1, "note", note=note, return_reason="DAMAGED"
        )
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
        first = self.open_return(backend, shop, "AGAIN", 3, "again")
        second = self.open_return(backend, shop, "AGAIN", 3, "again")
        assert first.tracking_id == second.tracking_id
        order = backend.get_order_details(shop.id("AGAIN"))
        assert (in_return(order), len(order.associated_returns)) == (3, 1)

    def test_the_same_key_on_another_connection(self, shop: ContractShop, backend: Backend) -> None:
        """Rule 28: the key is the shop's, not the connection's; a resume is another process."""
        first = self.open_return(backend, shop, "ELSEWHERE", 1, "elsewhere")
        backend.close()
        with closing(shop.connect()) as other:
            assert self.open_return(other, shop, "ELSEWHERE", 1, "elsewhere").tracking_id == (
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
        self.open_return(backend, shop, **given)
        assert refusal(lambda: self.open_return(backend, shop, **(given | changed))) == "key_reused"
        assert in_return(backend.get_order_details(shop.id("OTHERWISE"))) == 1
        assert in_return(backend.get_order_details(shop.id("Plain"))) == 0

    def _race(self, shop: ContractShop, order: str, quantity: int, keys: list[str]) -> list[str]:
        """Opens returns at the same moment on a connection each: tracking ids or refusals."""
        start = threading.Barrier(len(keys))

        def attempt(key: str) -> str:
            with closing(shop.connect()) as connection:
                start.wait()
                try:
                    return self.open_return(connection, shop, order, quantity, key).tracking_id
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
                self.open_return(unlucky, shop, order, 2, f"lost-{kind}")
            assert caught.value.outcome == "unknown" or kind == "timeout_before"
            done = kind != "timeout_before"
            assert in_return(backend.get_order_details(shop.id(order))) == (2 if done else 0)
        receipt = self.open_return(backend, shop, order, 2, f"lost-{kind}")
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
