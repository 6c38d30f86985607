"""The shop on SQLite keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from returnflow.backends import sql
from returnflow.testing import BackendContract, ContractShop, GiftCardContract, contract_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ContractShop:
    """With a tag, as in a system that cannot be emptied."""
    path = tmp_path_factory.mktemp("contract") / "shop.sqlite3"
    data = contract_shop(tag="-77")
    sql.create_file(path, data).close()
    return ContractShop(data=data, connect=lambda: sql.open_file(path), fingerprint=path.read_bytes)


class TestSqlite(BackendContract):
    """Rules 2, 3, 5, 6, 9 to 12, 16 to 18, 20 to 24, 26 to 31, 34, 35, 37, 38."""


class TestSqliteGiftCards(GiftCardContract):
    """Rules 28 to 30: at most one gift card for a package, and one for a key."""

    @pytest.fixture
    def shop(self, tmp_path: Path) -> ContractShop:
        """A new one for each test."""
        path = tmp_path / "shop.sqlite3"
        data = contract_shop(tag="-77")
        sql.create_file(path, data).close()
        return ContractShop(data=data, connect=lambda: sql.open_file(path))
