"""docs/postgresql.md, carried out word for word on a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from returnflow.backends import demo, sql
from returnflow.cli import run
from returnflow.engine.journal_sql import open_journal
from returnflow.testing.postgresql import PostgresServer

PAGE = (Path(__file__).parent.parent / "docs" / "postgresql.md").read_text(encoding="utf-8")

CALL = demo.scenarios()[0].script.email, "ORD-7301", "1", "1", "yes", "", "", "", "/done"


def block(title: str) -> list[str]:
    """The statements of the SQL block under a comment."""
    (found,) = re.findall(rf"<!-- {title} -->\n```sql\n(.*?)```", PAGE, re.DOTALL)
    return [each for each in found.split(";") if each.strip()]


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    with postgres.connection() as connection:
        for statement in block("administrator"):
            connection.execute(statement.encode())
    yield postgres
    postgres.drop("returnflow")
    with postgres.connection() as connection:
        connection.execute("DROP ROLE returnflow_agent")
        connection.execute("DROP ROLE returnflow_owner")


def test_the_page_leads_from_an_empty_server_to_a_call(
    server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the rights that the page gives to agents, and no others."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    at = f"127.0.0.1:{server.port}/returnflow"
    owner = f"postgresql://returnflow_owner:change%20me@{at}"
    agent = f"postgresql://returnflow_agent@{at}"
    assert run(["database", "create", owner, "--demo-shop"]) == 0
    with psycopg.connect(owner, autocommit=True) as connection:
        for statement in [*block("owner: journal"), *block("owner: shop")]:
            connection.execute(statement.encode())

    monkeypatch.setenv("PGPASSWORD", "change me too")
    monkeypatch.setenv("RETURNFLOW_JOURNAL", agent)
    monkeypatch.setenv("RETURNFLOW_BACKEND", agent)
    command = [sys.executable, "-m", "returnflow", "wizard"]
    typed = "".join(f"{line}\n" for line in CALL)
    done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    with sql.connect(agent) as shop, open_journal(agent) as journal:
        opened = shop.returns()[-1]
        assert (opened.order_id, opened.item_id) == ("ORD-7301", "KETTLE-17")
        assert opened.tracking_id in done.stdout
        (line,) = journal.cases()
        assert line.header.backend == agent
    assert "change me" not in done.stdout + done.stderr

    with psycopg.connect(agent, autocommit=True) as connection:
        for statement in (
            *("UPDATE entries SET state = 'x'", "DELETE FROM cases", "DROP TABLE entries"),
            *("UPDATE returns SET status = 'COMPLETED'", "UPDATE order_lines SET quantity = 9"),
            *("CREATE TABLE x (x integer)", "UPDATE journal_meta SET value = '1'"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    capsys.readouterr()
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("DROP INDEX cases_by_start")
        connection.execute("UPDATE journal_meta SET value = '1'")
    assert run(["database", "upgrade", agent]) == 1
    assert "must be owner of table cases" in capsys.readouterr().err
    assert run(["database", "upgrade", owner]) == 0

    with psycopg.connect(owner, autocommit=True) as connection:
        for statement in block("owner: removing"):
            named = statement.replace("20261123-7K3Q-X4MD", line.header.case_id)
            connection.execute(named.encode())
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute("DELETE FROM cases")
    with open_journal(agent) as journal:
        assert journal.cases() == []

    # The other procedure needs rights of its own.
    with sql.connect(agent) as shop:
        before = len(shop.gift_cards())
    waiting = next(each for each in demo.waiting() if each.gift_card is not None)
    typed = "".join(f"{line}\n" for line in waiting.lines)
    late = [*command, "--sop", "delayed-package"]
    carded = subprocess.run(late, input=typed, capture_output=True, text=True, check=False)
    assert carded.returncode in (0, 3), carded.stdout + carded.stderr
    with sql.connect(agent) as shop:
        assert len(shop.gift_cards()) == before + 1
