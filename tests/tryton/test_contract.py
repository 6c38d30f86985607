"""A live Tryton keeps the contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from returnflow.backends import tryton
from returnflow.backends.protocol import Backend
from returnflow.testing import BackendContract, ContractShop
from returnflow.testing.contract.data import Unanswered
from tryton import shop as live
from tryton.relay import Act, once, relaying
from tryton.server import Server

_ACTS: dict[Unanswered, Act] = {
    "timeout_before": "cut_before",
    "timeout_after": "cut_after",
    "error_text": "error_text",
}

_WRITTEN = ("sale_complaint", "sale_complaint_action", "sale_sale", "sale_line", "stock_move")


@pytest.fixture(scope="module")
def contract_shop(server: Server) -> ContractShop:
    """The shop of the contract, as Tryton holds it."""

    def connect(port: int | None = None) -> Backend:
        return tryton.connect(server.url(port=port), policy=live.POLICY)

    def fingerprint() -> object:
        with closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)) as database:
            return [
                database.execute(f"SELECT count(*), max(write_date) FROM {table}").fetchone()  # noqa: S608
                for table in _WRITTEN
            ]

    @contextmanager
    def unanswered(kind: Unanswered) -> Iterator[Backend]:
        with relaying(server.port) as relay, closing(connect(relay.port)) as unlucky:
            relay.plan = once("complaint.create", _ACTS[kind])
            yield unlucky

    return ContractShop(
        data=live.CONTRACT, connect=connect, fingerprint=fingerprint, unanswered=unanswered
    )


class TestTryton(BackendContract):
    """Rules 2, 3, 5, 6, 9 to 12, 16 to 18, 20 to 24, 26 to 31, 34, 35, 37, 38."""

    @pytest.fixture
    def shop(self, contract_shop: ContractShop) -> ContractShop:
        return contract_shop
