"""Hundreds of calls at once, on one journal and one shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from returnflow.backends import sql
from returnflow.engine import journal_schema
from returnflow.engine.journal_sql import open_database
from returnflow.testing.load import Load, check, lead, scripts, shop_data
from returnflow.testing.load_worker import Place
from returnflow.testing.postgresql import PostgresServer

MANY = Load(calls=500)


@pytest.fixture
def durable_server() -> Iterator[PostgresServer]:
    """One that may be killed: what it said is committed, is."""
    with PostgresServer(connections=MANY.calls + 20 * MANY.workers + 20) as server:
        yield server


def test_500_calls_at_once_while_the_server_is_killed(durable_server: PostgresServer) -> None:
    """Rules 17, 28: no unit is returned twice, no call is lost, a hundred calls fight in pairs."""
    url = durable_server.create("load")
    with closing(open_database(url)) as database:
        journal_schema.make(database)
    sql.create(url, shop_data(MANY)).close()

    def kill() -> None:
        durable_server.kill()
        durable_server.start()

    place = Place(url, url)
    outcome = lead(MANY, place, in_the_middle=kill)
    assert check(MANY, place, outcome) == []
    assert len([script for script in scripts(MANY) if script.pair is not None]) == 100
    assert outcome.troubles > 0, "nobody felt the kill, so it proved nothing"


def test_the_same_on_files(tmp_path: Path) -> None:
    load = Load(calls=30, workers=2)
    place = Place(f"sqlite:///{tmp_path / 'journal'}", f"sqlite:///{tmp_path / 'shop'}")
    with closing(open_database(place.journal)) as database:
        journal_schema.make(database)
    sql.create(place.shop, shop_data(load)).close()
    outcome = lead(load, place)
    assert check(load, place, outcome) == []


def test_the_check_sees_a_unit_returned_twice_and_a_lost_call(tmp_path: Path) -> None:
    """Else it would prove nothing."""
    load = Load(calls=10, workers=1)
    place = Place(f"sqlite:///{tmp_path / 'journal'}", f"sqlite:///{tmp_path / 'shop'}")
    with closing(open_database(place.journal)) as database:
        journal_schema.make(database)
    data = shop_data(load)
    sql.create(place.shop, data).close()
    outcome = lead(load, place)
    with sql.connect(place.shop) as shop:
        (one, *_) = shop.returns()
        shop.replace(data)
        shop.initiate_return("LOAD-0", "A", 1, "OTHER", idempotency_key="stray")
    wrong = check(load, place, outcome)
    assert f"return {one.tracking_id}: in a call, not in the shop" in wrong
    assert any("in the shop, in no call" in each for each in wrong)
    number = outcome.results.pop().number
    assert f"call {number} is lost" in check(load, place, outcome)
