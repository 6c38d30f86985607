"""The shop in memory, which tests use everywhere, keeps the contract."""

from __future__ import annotations

import pytest

from returnflow.testing import (
    BackendContract,
    ContractShop,
    GiftCardContract,
    MemoryShop,
    contract_shop,
)


@pytest.fixture(scope="module")
def shop() -> ContractShop:
    """Closing it does nothing, so every connection is the shop itself."""
    data = contract_shop()
    made = MemoryShop.holding(data)
    return ContractShop(data=data, connect=lambda: made)


class TestMemory(BackendContract):
    """Rules 2, 3, 5, 6, 9 to 12, 16 to 18, 20 to 24, 26 to 31, 34, 35, 37, 38."""


class TestMemoryGiftCards(GiftCardContract):
    """Rules 28 to 30: at most one gift card for a package, and one for a key."""

    @pytest.fixture
    def shop(self) -> ContractShop:
        """A new one for each test."""
        data = contract_shop()
        made = MemoryShop.holding(data)
        return ContractShop(data=data, connect=lambda: made)
