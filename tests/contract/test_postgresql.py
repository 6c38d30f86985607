"""The shop on a real PostgreSQL server keeps the contract."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from returnflow.backends import sql
from returnflow.backends.sql_schema import METADATA
from returnflow.testing import BackendContract, ContractShop, GiftCardContract, contract_shop


@pytest.fixture(scope="module")
def shop(postgres_space: Callable[[], str]) -> ContractShop:
    """With a tag, as in a system that cannot be emptied."""
    url = postgres_space()
    data = contract_shop(tag="-78")
    sql.create(url, data).close()

    def everything() -> list[object]:
        with psycopg.connect(url) as connection:
            return [
                sorted(map(repr, connection.execute(f"SELECT * FROM {table}".encode())))  # noqa: S608
                for table in METADATA.tables
            ]

    return ContractShop(data=data, connect=lambda: sql.connect(url), fingerprint=everything)


class TestPostgresql(BackendContract):
    """Rules 2, 3, 5, 6, 9 to 12, 16 to 18, 20 to 24, 26 to 31, 34, 35, 37, 38."""


class TestPostgresqlGiftCards(GiftCardContract):
    """Rules 28 to 30: at most one gift card for a package, and one for a key."""

    @pytest.fixture
    def shop(self, postgres_space: Callable[[], str]) -> ContractShop:
        """A new one for each test."""
        url = postgres_space()
        data = contract_shop(tag="-79", crowd=1)
        sql.create(url, data).close()
        return ContractShop(data=data, connect=lambda: sql.connect(url))
