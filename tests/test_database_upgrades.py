"""Journals and shops of older formats, and the commands that look after databases.

`tests/schemas` holds what earlier versions of the program made, dumped as SQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, inspect

from returnflow.backends import demo, sql, sql_schema
from returnflow.cli import run
from returnflow.engine import journal_schema, journal_tables
from returnflow.engine.journal_sql import open_database, open_journal
from returnflow.errors import JournalError, ReturnflowError, UnavailableError, UsageError
from returnflow.returns import VOCABULARY

SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Kind:
    """A store: how it is opened, made and upgraded.

    Args:
        indexes: those that version 2 brought.
        undo: statements that take back what versions after 2 brought, on a server.
        read: everything that matters in it.
        meta: the statement that says of which version it is.
    """

    name: str
    newest: int
    indexes: tuple[str, ...]
    read: Callable[[str], Any]
    make: Callable[[str], Any]
    upgrade: Callable[[str], list[Any]]
    meta: str
    undo: tuple[str, ...] = ()


def read_journal(url: str) -> list[Any]:
    with open_journal(url) as journal:
        lines = journal.cases()
        return [
            *lines,
            *(journal.read(line.header.case_id, VOCABULARY.decoder) for line in lines),
        ]


def make_journal(url: str) -> None:
    with closing(open_database(url)) as database:
        assert journal_schema.make(database)


def upgrade_journal(url: str) -> list[Any]:
    with closing(open_database(url)) as database:
        return journal_schema.upgrade(database)


def read_shop(url: str) -> list[Any]:
    with sql.connect(url) as shop:
        return [shop.zone, shop.returns(), shop.transfers(), shop.get_order_details("O3")]


def make_shop(url: str) -> None:
    sql.create(url, demo.data()).close()


JOURNAL = Kind(
    "journal",
    journal_tables.SCHEMA_VERSION,
    ("cases_by_start",),
    read_journal,
    make_journal,
    upgrade_journal,
    "UPDATE journal_meta SET value = '{}' WHERE key = 'schema_version'",
)
SHOP = Kind(
    "shop",
    sql_schema.VERSION,
    ("transfers_by_customer", "return_lines_by_line"),
    read_shop,
    make_shop,
    sql.upgrade,
    "UPDATE meta SET value = '{}' WHERE name = 'version'",
    (
        "DROP TABLE gift_cards",
        "ALTER TABLE packages DROP COLUMN promised_delivery_date",
        "ALTER TABLE packages DROP COLUMN shipment_cost",
        "ALTER TABLE packages DROP COLUMN currency",
    ),
)
KINDS = pytest.mark.parametrize("kind", [JOURNAL, SHOP], ids=["journal", "shop"])


def old(kind: Kind, path: Path) -> str:
    """A file of version 1; its URL."""
    with closing(sqlite3.connect(path)) as made:
        made.executescript((SCHEMAS / f"{kind.name}-1.sql").read_text(encoding="utf-8"))
    return f"sqlite:///{path}"


def run_sql(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def schema_of(url: str) -> dict[str, Any]:
    """Tables with columns, keys, checks and indexes, as the database tells them."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.connect() as connection:
        told = inspect(connection)
        return {
            table: [
                [(c["name"], str(c["type"]), c["nullable"]) for c in told.get_columns(table)],
                told.get_pk_constraint(table)["constrained_columns"],
                sorted(str(key) for key in told.get_foreign_keys(table)),
                sorted(str(each["name"]) for each in told.get_check_constraints(table)),
                sorted((str(i["name"]), i["column_names"]) for i in told.get_indexes(table)),
            ]
            for table in sorted(told.get_table_names())
        }


@KINDS
def test_an_old_file_is_brought_up_to_date_when_it_is_opened(kind: Kind, tmp_path: Path) -> None:
    """Everything in it stays, and its schema is that of a new one."""
    url = old(kind, tmp_path / "old")
    found = kind.read(url)
    assert found
    new = f"sqlite:///{tmp_path / 'new'}"
    kind.make(new)
    assert schema_of(url) == schema_of(new)
    assert {index for table in schema_of(url).values() for index, _ in table[4]} >= {*kind.indexes}
    assert kind.read(url) == found
    assert kind.upgrade(url) == []


def test_what_an_old_journal_and_shop_held(tmp_path: Path) -> None:
    with open_journal(old(JOURNAL, tmp_path / "j")) as journal:
        assert [line.header.agent for line in journal.cases()] == ["ann", "bo"]
        _, _, entries = journal.read("20261123-AAAA-AAAA", VOCABULARY.decoder)
        assert [entry.kind for entry in entries] == [
            *("event", "event", "rewound", "noted", "event", "event"),
        ]
        with journal.open("20261123-AAAA-AAAA", VOCABULARY.decoder) as log:
            log.note("goes on", "identified")
    with sql.connect(old(SHOP, tmp_path / "s")) as shop:
        last = shop.returns()[-1]
        again = shop.initiate_return(
            "O2", "A", 1, "OTHER", idempotency_key="rf-1-1", note="scratched"
        )
        assert again.tracking_id == last.tracking_id
        assert [each[1] for each in shop.transfers()] == ["C1"]


@KINDS
def test_an_upgrade_that_fails_leaves_it_as_it_was(kind: Kind, tmp_path: Path) -> None:
    url = old(kind, tmp_path / "old")
    # A stranger's table bears the name of the last thing to be made.
    run_sql(url, f"CREATE TABLE {kind.indexes[-1]} (x INTEGER)")
    before = schema_of(url)
    with pytest.raises((JournalError, UnavailableError)):
        kind.read(url)
    assert schema_of(url) == before
    run_sql(url, f"DROP TABLE {kind.indexes[-1]}")
    assert kind.read(url)


@KINDS
def test_several_programs_may_come_upon_an_old_file_at_once(kind: Kind, tmp_path: Path) -> None:
    url = old(kind, tmp_path / "old")
    start = Barrier(4)

    def opened(_: int) -> Any:
        start.wait()
        return kind.read(url)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(opened, range(4)))
    assert all(each == found[0] for each in found)


@KINDS
def test_on_a_server_somebody_decides_when(kind: Kind, postgres_url: str) -> None:
    """Opening says what to do and changes nothing; the command does it."""
    with pytest.raises(ReturnflowError, match=r"database create|not a shop"):
        kind.read(postgres_url)
    with pytest.raises(ReturnflowError):
        kind.upgrade(postgres_url)
    kind.make(postgres_url)
    new = schema_of(postgres_url)
    drop = (f"DROP INDEX {index}" for index in kind.indexes)
    run_sql(postgres_url, *kind.undo, *drop, kind.meta.format("1"))
    behind = schema_of(postgres_url)
    assert behind != new
    with pytest.raises(ReturnflowError, match="returnflow database upgrade"):
        kind.read(postgres_url)
    assert schema_of(postgres_url) == behind
    assert [step.number for step in kind.upgrade(postgres_url)] == [*range(2, kind.newest + 1)]
    assert schema_of(postgres_url) == new
    assert kind.upgrade(postgres_url) == []
    run_sql(postgres_url, kind.meta.format(kind.newest + 1))
    for refuse in (kind.read, kind.upgrade):
        with pytest.raises(ReturnflowError, match=rf"newer|of version {kind.newest + 1}"):
            refuse(postgres_url)


@KINDS
def test_other_peoples_tables_are_left_alone(kind: Kind, postgres_url: str) -> None:
    taken = {"journal": "cases", "shop": "orders"}[kind.name]
    run_sql(postgres_url, f"CREATE TABLE {taken} (x INTEGER)")
    before = schema_of(postgres_url)
    with pytest.raises(ReturnflowError, match=f'relation "{taken}" already exists; .*search_path'):
        kind.make(postgres_url)
    assert schema_of(postgres_url) == before


# -- the commands -----------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_database_is_made_shown_and_upgraded(
    home: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rule 38: the password is shown nowhere."""

    def told(*arguments: str, status: int = 0) -> str:
        assert run(["database", *arguments]) == status
        out, err = capsys.readouterr()
        assert "not%20a%20secret" not in out + err
        return out + err

    assert "journal  none" in told("show", postgres_url)
    assert "holds neither" in told("upgrade", postgres_url, status=2)
    assert "Journal made: postgresql://returnflow@" in told("create", postgres_url)
    assert "there already" in told("create", postgres_url)
    assert "shop     none" in told("show", postgres_url)
    assert "Demo shop made" in told("create", postgres_url, "--demo-shop")
    assert "a shop is there already" in told("create", postgres_url, "--demo-shop", status=2)
    run_sql(postgres_url, "DROP INDEX cases_by_start", JOURNAL.meta.format("1"))
    shown = told("show", postgres_url)
    assert "journal  format 1, behind this program's 2" in shown
    assert f"shop     format {SHOP.newest}, the newest" in shown
    assert "journal: now of format 2: lists of calls by date" in told("upgrade", postgres_url)
    assert "journal: of format 2, which is the newest" in told("upgrade", postgres_url)


def test_files_are_shown_without_being_made_or_changed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = old(SHOP, tmp_path / "shop")
    assert run(["database", "show", url]) == 0
    out = capsys.readouterr().out
    assert "journal  none" in out
    assert f"shop     format 1, behind this program's {SHOP.newest}" in out
    assert run(["database", "upgrade", url]) == 0
    assert f"shop: now of format {SHOP.newest}" in capsys.readouterr().out
    assert run(["database", "show", f"sqlite:///{tmp_path / 'none'}"]) == 2
    assert not (tmp_path / "none").exists()
    assert run(["database", "create", f"sqlite:///{tmp_path / 'none'}", "--demo-shop"]) == 2
    assert not (tmp_path / "none").exists()
    with pytest.raises(UsageError, match="there is no shop"):
        sql.version(f"sqlite:///{tmp_path / 'none'}")
