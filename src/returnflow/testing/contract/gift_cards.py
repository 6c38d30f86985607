"""What an adapter that issues gift cards passes, beside `BackendContract`, by subclassing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from returnflow.backends.protocol import Backend, GiftCards
from returnflow.errors import RefusedByBackendError, UnavailableError
from returnflow.testing.contract.data import ContractShop, Unanswered

AT_ONCE = 6
"""Connections that write at the same moment."""


class GiftCardContract:
    """Subclass it, name it ``Test…``, and give it a fixture `shop` that is a `ContractShop`, made
    anew for each test."""

    @pytest.fixture
    def backend(self, shop: ContractShop) -> Iterator[Backend]:
        """A connection of its own for each test."""
        with closing(shop.connect()) as connected:
            yield connected

    def test_it_is_a_capability(self, backend: Backend) -> None:
        """A procedure that needs it finds it when it is loaded, not in the middle of a call."""
        assert "issue_gift_card" in backend.capabilities()
        assert isinstance(backend, GiftCards)

    def test_the_same_key_gives_one_card(self, shop: ContractShop, backend: Backend) -> None:
        """Rules 28, 29: on another connection too; the package names its card from then on."""
        assert backend.get_package_details(shop.id("HERE")).gift_card_id == ""
        card = _issue(shop, backend, "one")
        assert card.strip()
        assert _issue(shop, backend, "one") == card
        with closing(shop.connect()) as other:
            assert _issue(shop, other, "one") == card
            assert other.get_package_details(shop.id("HERE")).gift_card_id == card

    def test_a_package_has_one_card(self, shop: ContractShop, backend: Backend) -> None:
        """Another call about the same package is refused, whatever its key."""
        card = _issue(shop, backend, "one")
        assert _refusal(lambda: _issue(shop, backend, "two")) == "already_issued"
        assert backend.get_package_details(shop.id("HERE")).gift_card_id == card

    @pytest.mark.parametrize(
        "changed", [{"package_id": "SECOND"}, {"amount": Decimal("4.91")}, {"currency": "SEK"}]
    )
    def test_a_key_stands_for_one_request(
        self, shop: ContractShop, backend: Backend, changed: dict[str, Any]
    ) -> None:
        """Rule 28: with other arguments it is a mistake, and nothing is done."""
        _issue(shop, backend, "one")
        assert _refusal(lambda: _issue(shop, backend, "one", **changed)) == "key_reused"
        assert backend.get_package_details(shop.id("SECOND")).gift_card_id == ""

    @pytest.mark.parametrize(
        ("code", "changed"),
        [
            ("bad_amount", {"amount": Decimal(0)}),
            ("bad_amount", {"amount": Decimal(-1)}),
            ("bad_amount", {"amount": Decimal("NaN")}),
            ("bad_amount", {"amount": Decimal("Infinity")}),
            ("bad_amount", {"currency": ""}),
            ("unknown_customer", {"customer_id": "NOBODY"}),
            ("unknown_package", {"package_id": "NO-SUCH-PACKAGE"}),
            ("bad_key", {"key": ""}),
        ],
    )
    def test_what_is_refused_is_not_done(
        self, shop: ContractShop, backend: Backend, code: str, changed: dict[str, Any]
    ) -> None:
        """Rule 30: a plain refusal has a typed reason, and leaves no trace."""
        assert _refusal(lambda: _issue(shop, backend, **{"key": "no", **changed})) == code
        assert backend.get_package_details(shop.id("HERE")).gift_card_id == ""

    @pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_text"])
    def test_no_answer_and_then_the_same_key(self, shop: ContractShop, kind: Unanswered) -> None:
        """Rule 29: nobody knows what came of the first sending; the second settles it."""
        with shop.losing(kind, "issue_gift_card") as backend:
            with pytest.raises(UnavailableError) as lost:
                _issue(shop, backend, "lost")
            assert lost.value.outcome == "unknown"
            card = _issue(shop, backend, "lost")
            assert backend.get_package_details(shop.id("HERE")).gift_card_id == card

    def test_many_at_the_same_moment(self, shop: ContractShop) -> None:
        """Different keys for one package: one card, and the others are refused."""

        def one(number: int) -> str:
            with closing(shop.connect()) as backend:
                try:
                    return _issue(shop, backend, f"key-{number}")
                except RefusedByBackendError as refused:
                    return refused.code

        with ThreadPoolExecutor(AT_ONCE) as pool:
            cards = list(pool.map(one, range(AT_ONCE)))
        assert cards.count("already_issued") == AT_ONCE - 1, cards


def _issue(
    shop: ContractShop,
    backend: Backend,
    key: str = "key",
    *,
    customer_id: str = "ANN",
    package_id: str = "HERE",
    amount: Decimal = Decimal("4.90"),
    currency: str = "EUR",
) -> str:
    assert isinstance(backend, GiftCards)
    return backend.issue_gift_card(
        shop.id(customer_id),
        shop.id(package_id),
        amount,
        currency,
        idempotency_key=f"{key}{shop.tag}" if key else "",
    ).gift_card_id


def _refusal(operation: Callable[[], object]) -> str:
    """The code of a plain refusal, which has words too."""
    with pytest.raises(RefusedByBackendError) as caught:
        operation()
    assert str(caught.value).strip(), "a refusal says why"
    return caught.value.code
