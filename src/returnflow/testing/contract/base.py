"""What the two halves of the contract share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from returnflow.backends.protocol import Backend
from returnflow.errors import RefusedByBackendError
from returnflow.records import Order, ReturnReceipt
from returnflow.testing.contract.data import ContractShop


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


class ContractBase:
    """Connections, and what both halves do with them."""

    @pytest.fixture
    def backend(self, shop: ContractShop) -> Iterator[Backend]:
        """A connection of its own for each test."""
        with closing(shop.connect()) as connected:
            yield connected

    def open_return(
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
