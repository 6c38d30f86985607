"""The shop on SQLite keeps the contract."""

from __future__ import annotations

import pytest

from returnflow.backends import sql
from returnflow.testing import BackendContract, ContractShop, contract_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ContractShop:
    """With a tag, as in a system that cannot be emptied."""
    path = tmp_path_factory.mktemp("contract") / "shop.sqlite3"
    data = contract_shop(tag="-77")
    sql.create_file(path, data).close()
    return ContractShop(data=data, connect=lambda: sql.open_file(path), fingerprint=path.read_bytes)


class TestSqlite(BackendContract):
    """Rules 2, 3, 5, 6, 9 to 12, 16 to 18, 20 to 24, 26 to 31, 34, 35, 37, 38."""
