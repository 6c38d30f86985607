"""Journal and shop on a real PostgreSQL server, when something goes wrong."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from cut_line import CutLine
from returnflow.backends import sql
from returnflow.backends.registry import open_backend
from returnflow.backends.shopdata import ShopData
from returnflow.engine import journal_postgresql, journal_schema
from returnflow.engine.journal import Header
from returnflow.engine.journal_sql import SqlJournal, open_database, open_journal
from returnflow.errors import (
    CaseTakenError,
    JournalBusyError,
    JournalError,
    RefusedByBackendError,
    UnavailableError,
    UsageError,
)
from returnflow.records import Customer, Order, OrderLine
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.testing.postgresql import PASSWORD, PostgresServer
from returnflow.urls import without_password

TEXT = "sop: handling-returns\nversion: 1\n"
HEADER = Header(
    case_id="",
    sop="handling-returns",
    version=1,
    digest=hashlib.sha256(TEXT.encode()).hexdigest(),
    agent="ann",
    policy_date=date(2026, 11, 23),
    zone="Europe/Berlin",
    backend="postgresql://db/shop",
    started_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
)
SHOP = ShopData(
    zone="Europe/Berlin",
    customers=(Customer(customer_id="C", email="c@example.com"),),
    orders=(
        Order(
            order_id="O",
            customer_id="C",
            lines=(OrderLine(item_id="A", description="Thing", quantity=2, currency="EUR"),),
        ),
    ),
)


COMMIT = b"COMMIT\x00"
"""The message; BEGIN holds the word too, in READ COMMITTED."""


def with_options(url: str, options: str) -> str:
    return f"{url}%20{options.replace(' ', '%20').replace('=', '%3D')}"


def at_port(url: str, port: int) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", url)


@pytest.fixture
def shop_url(postgres_url: str) -> str:
    sql.create(postgres_url, SHOP).close()
    return postgres_url


@pytest.fixture
def journal_url(postgres_url: str) -> str:
    with closing(open_database(postgres_url)) as database:
        assert journal_schema.make(database)
    return postgres_url


@pytest.fixture
def line(postgres: PostgresServer) -> Iterator[CutLine]:
    with CutLine(postgres.port) as made:
        yield made


def returned(url: str) -> list[str]:
    with sql.connect(url) as shop:
        return [past.tracking_id for past in shop.returns()]


def begun(journal: SqlJournal) -> Any:
    log = journal.begin(HEADER, TEXT)
    log.append(ev.EmailGiven(email="c@example.com"), "finding_customer")
    return log


def initiate(shop: sql.SqlShop, key: str = "k") -> str:
    return shop.initiate_return("O", "A", 1, "OTHER", idempotency_key=key).tracking_id


# -- the line breaks: the shop ----------------------------------------------------------------


def test_a_pooled_connection_that_was_lost_is_replaced(
    postgres: PostgresServer, shop_url: str
) -> None:
    """What waited in the pool while the server ended its sessions is not handed out."""
    with sql.connect(shop_url) as shop:
        assert shop.get_order_details("O").order_id == "O"
        with postgres.connection("tests") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = 'tests' AND pid <> pg_backend_pid()"
            )
        assert shop.get_order_details("O").order_id == "O"
        assert initiate(shop)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("word", [b"INSERT INTO returns", b"UPDATE order_lines", COMMIT])
def test_a_write_whose_line_is_cut_is_done_once(
    shop_url: str, line: CutLine, word: bytes, when: Any
) -> None:
    """Rules 28, 29: wherever it breaks, the key says what was done, and the call goes on."""
    with sql.connect(at_port(shop_url, line.port)) as shop:
        line.cut(word, when)
        tracking_id = initiate(shop)
        assert line.cuts == 1
        assert initiate(shop) == tracking_id
    assert returned(shop_url) == [tracking_id]


@pytest.mark.parametrize(
    ("word", "when", "outcome", "done"),
    [
        (b"INSERT INTO returns", "before", "known", 0),
        (b"INSERT INTO returns", "after", "known", 0),
        (COMMIT, "before", "unknown", 0),
        (COMMIT, "after", "unknown", 1),
    ],
)
def test_an_outcome_is_called_known_only_where_it_is(
    shop_url: str, line: CutLine, word: bytes, when: Any, outcome: str, done: int
) -> None:
    """Rule 29: the line breaks and stays broken; later the same key gives the one return."""
    with sql.connect(at_port(shop_url, line.port)) as shop:
        line.cut(word, when, then_refuse=True)
        with pytest.raises(UnavailableError) as caught:
            initiate(shop)
        assert caught.value.outcome == outcome
        assert len(returned(shop_url)) == done
        with pytest.raises(UnavailableError) as reading:
            shop.get_order_details("O")
        assert reading.value.outcome == "known"
        line.mend()
        tracking_id = initiate(shop)
    assert returned(shop_url) == [tracking_id]


def test_a_write_without_a_key_is_not_sent_again(shop_url: str, line: CutLine) -> None:
    """Rule 29: nothing would tell that it was done."""
    with sql.connect(at_port(shop_url, line.port)) as shop:
        tracking_id = initiate(shop)
        line.cut(COMMIT, "after")
        with pytest.raises(UnavailableError) as caught:
            shop.set_return_status(tracking_id, "APPROVED")
        assert caught.value.outcome == "unknown"


# -- the line breaks: the journal -------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("first", [True, False], ids=["first row", "later row"])
def test_a_row_whose_line_is_cut_is_written_once(
    journal_url: str, line: CutLine, when: Any, first: bool
) -> None:
    with open_journal(at_port(journal_url, line.port)) as journal:
        log = journal.begin(HEADER, TEXT)
        if not first:
            log.append(ev.EmailGiven(email="c@example.com"), "finding_customer")
        line.cut(b"INSERT INTO entries", when)
        log.append(ev.OrderIdUnknown(), "listing_orders")
        assert line.cuts == 1
        log.note("goes on", "listing_orders")
    with open_journal(journal_url) as journal:
        assert journal.read(log.header.case_id, VOCABULARY.decoder)[2] == log.entries


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_row_that_failed_can_be_tried_again(journal_url: str, line: CutLine, when: Any) -> None:
    """Whether it was written or not: an event, a note, a rewinding."""
    with open_journal(at_port(journal_url, line.port)) as journal:
        log = begun(journal)
        event = ev.CustomerMissing(email="c@example.com", at=datetime.now(UTC))
        writes: list[Callable[[], Any]] = [
            lambda: log.append(event, "started"),
            lambda: log.note("x", "started"),
            lambda: log.rewind(1, "started"),
        ]
        for write in writes:
            line.cut(b"INSERT INTO entries", when, then_refuse=True)
            before = log.entries
            with pytest.raises(JournalError, match="nothing is lost: try again"):
                write()
            assert log.entries == before
            line.mend()
            write()
            assert len(log.entries) == len(before) + 1
    with open_journal(journal_url) as journal:
        kept = journal.read(log.header.case_id, VOCABULARY.decoder)[2]
    assert [entry.kind for entry in kept] == ["event", "event", "noted", "rewound"]


def test_the_server_may_not_know_yet_that_the_line_was_cut(journal_url: str, line: CutLine) -> None:
    """Its former session is ended, so that the call is not held against its own agent."""
    with (
        open_journal(at_port(journal_url, line.port)) as journal,
        open_journal(journal_url) as other,
    ):
        log = begun(journal)
        line.cut(b"INSERT INTO entries", "before", hold_server=True)
        log.append(ev.OrderIdUnknown(), "listing_orders")
        assert line.cuts == 1
        with pytest.raises(CaseTakenError):
            other.open(log.header.case_id, VOCABULARY.decoder)


def test_a_call_taken_over_while_the_line_was_cut_is_not_gone_on_with(
    journal_url: str, line: CutLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two agents never write into one call, not even in turn."""
    # However long a busy server takes to see that the line is cut.
    monkeypatch.setattr(journal_postgresql, "_CLAIM_PATIENCE_S", 60.0)
    with open_journal(at_port(journal_url, line.port)) as journal:
        log = begun(journal)
        case_id = log.header.case_id
        line.cut(b"INSERT INTO entries", "before", then_refuse=True)
        with pytest.raises(JournalError):
            log.append(ev.OrderIdUnknown(), "listing_orders")
        with open_journal(journal_url) as other, other.open(case_id, VOCABULARY.decoder) as theirs:
            line.mend()
            with pytest.raises(CaseTakenError, match="taken over"):
                log.append(ev.OrderIdUnknown(), "listing_orders")
            theirs.append(ev.CustomerMissing(), "started")
        with pytest.raises(CaseTakenError):
            log.append(ev.OrderIdUnknown(), "listing_orders")
        log.release()
        with journal.open(case_id, VOCABULARY.decoder) as again:
            assert len(again.entries) == 2


# -- claims -----------------------------------------------------------------------------------


def test_a_call_is_held_by_one_agent_on_whatever_machine(journal_url: str) -> None:
    with open_journal(journal_url) as journal, open_journal(journal_url) as other:
        log = begun(journal)
        case_id = log.header.case_id
        words = rf"by ann \(process {os.getpid()} on \S+, at 127\.0\.0\.1\)"
        with pytest.raises(CaseTakenError, match=words):
            other.open(case_id, VOCABULARY.decoder)
        # The same program cannot hold it twice either.
        with pytest.raises(CaseTakenError, match="by ann"):
            journal.open(case_id, VOCABULARY.decoder)
        log.release()
        with other.open(case_id, VOCABULARY.decoder) as theirs:
            theirs.note("now mine", "finding_customer")
        with journal.open(case_id, VOCABULARY.decoder) as again:
            assert len(again.entries) == 2


def test_a_claim_of_a_dead_process_is_waited_for(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may see late that its line is closed; of one that lives it is told at once."""
    monkeypatch.setattr(journal_postgresql, "_CLAIM_PATIENCE_S", 0.0)
    script = (
        "import os, sys, msgspec\n"
        "from returnflow.engine.journal_sql import open_journal\n"
        "from returnflow.returns import VOCABULARY\n"
        "journal = open_journal(sys.argv[1])\n"
        "log = journal.open(sys.argv[2], VOCABULARY.decoder)\n"
        "print('claimed', flush=True)\n"
        "sys.stdin.readline()\n"
        # It dies, and somebody has its line open still.
        "if os.fork() == 0:\n"
        "    sys.stdin.read()\n"
        "os._exit(0)\n"
    )
    with open_journal(journal_url) as journal:
        with begun(journal) as log:
            case_id = log.header.case_id
        with subprocess.Popen(
            [sys.executable, "-c", script, journal_url, case_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert holder.stdout.readline() == "claimed\n"
            with pytest.raises(CaseTakenError, match=f"process {holder.pid}"):
                journal.open(case_id, VOCABULARY.decoder)
            holder.stdin.write("\n")
            holder.stdin.flush()
            assert holder.wait() == 0
            pauses = []

            def paused(seconds: float) -> None:
                pauses.append(seconds)
                if len(pauses) == 5:
                    assert holder.stdin is not None
                    holder.stdin.close()

            monkeypatch.setattr(journal_postgresql, "_pause", paused)
            with journal.open(case_id, VOCABULARY.decoder) as again:
                assert len(again.entries) == 1
            assert len(pauses) >= 5


NOBODY = 2**22 + 1
"""The number of no process: above the highest that there can be."""


@contextmanager
def held_by_nobody(url: str, machine: str) -> Iterator[Any]:
    """A call that is held by a process which is no more; the server has yet to see that."""
    with pytest.MonkeyPatch.context() as there:
        there.setattr(socket, "gethostname", lambda: machine)
        there.setattr(os, "getpid", lambda: NOBODY)
        journal = open_journal(url)
    with journal, begun(journal) as log:
        yield log


def test_a_claim_from_another_machine_is_told_at_once(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That no process here has its number says nothing: nobody is waited for who may be alive."""
    monkeypatch.setattr(journal_postgresql, "_CLAIM_PATIENCE_S", -1.0)
    monkeypatch.setattr(journal_postgresql, "_DEAD_CLAIM_PATIENCE_S", 3600.0)

    def paused(seconds: float) -> None:
        raise AssertionError("it is waited for")

    monkeypatch.setattr(journal_postgresql, "_pause", paused)
    words = rf"being worked on by ann \(process {NOBODY} on elsewhere, at 127\.0\.0\.1\)"
    with (
        held_by_nobody(journal_url, "elsewhere") as theirs,
        open_journal(journal_url) as journal,
        pytest.raises(CaseTakenError, match=words),
    ):
        journal.open(theirs.header.case_id, VOCABULARY.decoder)


def test_a_claim_of_a_dead_process_is_waited_for_whatever_its_machine_is_called(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server keeps the beginning of a name, and of letters only those that are ASCII."""
    machine = f"b\u00fcro-{'und-' * 20}lager"
    monkeypatch.setattr(journal_postgresql, "_CLAIM_PATIENCE_S", -1.0)
    monkeypatch.setattr(journal_postgresql, "_DEAD_CLAIM_PATIENCE_S", 3600.0)
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    with held_by_nobody(journal_url, machine) as theirs, open_journal(journal_url) as journal:
        pauses = []

        def paused(seconds: float) -> None:
            pauses.append(seconds)
            theirs.release()

        monkeypatch.setattr(journal_postgresql, "_pause", paused)
        with journal.open(theirs.header.case_id, VOCABULARY.decoder) as again:
            assert len(again.entries) == 1
        assert len(pauses) == 1


def test_a_claim_whose_answer_was_lost_is_not_held_against_its_own_agent(
    journal_url: str, line: CutLine
) -> None:
    with open_journal(journal_url) as journal:
        begun(journal).release()
        (listed,) = journal.cases()
    with open_journal(at_port(journal_url, line.port)) as journal:
        line.cut(b"pg_try_advisory_lock", "after", hold_server=True)
        with journal.open(listed.header.case_id, VOCABULARY.decoder) as log:
            assert line.cuts == 1
            log.note("mine", "finding_customer")


def test_equal_ids_in_two_journals_of_one_database_are_two_calls(
    postgres_space: Callable[[], str],
) -> None:
    urls = [postgres_space(), postgres_space()]
    for url in urls:
        with closing(open_database(url)) as database:
            journal_schema.make(database)
    named = msgspec.structs.replace(HEADER, case_id="SAME-ID")
    with (
        open_journal(urls[0]) as one,
        open_journal(urls[1]) as other,
        one.begin(named, TEXT) as log,
        other.begin(named, TEXT) as second,
    ):
        log.note("x", "started")
        second.note("y", "started")


def test_many_begin_their_first_call_at_once(journal_url: str) -> None:
    """All write the same text of the procedure, which is kept once."""
    start = threading.Barrier(8)

    def first(_: int) -> str:
        with open_journal(journal_url) as journal:
            start.wait()
            with begun(journal) as log:
                case_id: str = log.header.case_id
                return case_id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(first, range(8)))
    with open_journal(journal_url) as journal:
        assert {line.header.case_id for line in journal.cases()} == ids
    assert len(ids) == 8


def test_many_transfers_with_one_key(shop_url: str) -> None:
    """Rule 28."""
    start = threading.Barrier(8)
    with sql.connect(shop_url) as shop:

        def ask(_: int) -> str:
            start.wait()
            return shop.transfer_to_human_representative("C", "x", idempotency_key="t").reference

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ask, range(8)))) == 1
        assert len(shop.transfers()) == 1


# -- what the server refuses ------------------------------------------------------------------


def test_a_row_that_somebody_locks_is_waited_for_and_then_told(
    postgres: PostgresServer, shop_url: str
) -> None:
    """Rule 29: nothing was done, and that is known."""
    quick = with_options(shop_url, "-c lock_timeout=50")
    space = shop_url.rpartition("%3D")[2]
    with sql.connect(quick) as shop, psycopg.connect(postgres.url("tests")) as other:
        other.execute(f"SELECT * FROM {space}.orders FOR UPDATE".encode())  # noqa: S608
        with pytest.raises(UnavailableError, match="another program holds it") as caught:
            initiate(shop)
        assert caught.value.outcome == "known"
        other.rollback()
        assert initiate(shop)


def test_a_locked_journal_is_said_and_the_row_can_be_tried_again(
    postgres: PostgresServer, journal_url: str
) -> None:
    quick = with_options(journal_url, "-c lock_timeout=50")
    space = journal_url.rpartition("%3D")[2]
    with open_journal(quick) as journal, psycopg.connect(postgres.url("tests")) as other:
        log = begun(journal)
        other.execute(f"LOCK TABLE {space}.entries".encode())
        with pytest.raises(JournalBusyError, match="try again"):
            log.append(ev.OrderIdUnknown(), "listing_orders")
        other.rollback()
        log.append(ev.OrderIdUnknown(), "listing_orders")
        assert log.next_seq == 3


def test_what_is_written_cannot_be_changed(postgres: PostgresServer, journal_url: str) -> None:
    with open_journal(journal_url) as journal:
        begun(journal).release()
    space = journal_url.rpartition("%3D")[2]
    with postgres.connection("tests") as connection:
        connection.execute(f"SET search_path = {space}")
        for statement in (
            *("DELETE FROM entries", "UPDATE entries SET state = 'x'"),
            *("DELETE FROM cases", "UPDATE cases SET agent = 'x'"),
            *("DELETE FROM sop_texts", "UPDATE sop_texts SET text = 'x'"),
            "TRUNCATE entries, cases, sop_texts",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(statement)


def test_a_commit_is_durable_even_where_the_server_would_not_have_it_so(
    postgres: PostgresServer, journal_url: str
) -> None:
    """The server of these tests has it off; another level is its administrator's choice."""

    def level(url: str) -> Any:
        with closing(open_database(url)) as database:
            return database.read(
                lambda found: found.exec_driver_sql("SHOW synchronous_commit").scalar()
            )

    assert level(journal_url) == "on"
    assert level(with_options(journal_url, "-c synchronous_commit=local")) == "local"


def test_a_table_that_is_gone_is_told(postgres: PostgresServer, journal_url: str) -> None:
    space = journal_url.rpartition("%3D")[2]
    with open_journal(journal_url) as journal:
        log = begun(journal)
        with postgres.connection("tests") as connection:
            connection.execute(f"ALTER TABLE {space}.entries RENAME TO gone")
        with pytest.raises(JournalError, match="not as they should be"):
            log.append(ev.OrderIdUnknown(), "listing_orders")


def test_the_constraint_that_stands_against_it_is_told_without_a_row(shop_url: str) -> None:
    """Rule 38: what a database quotes of a row is left out."""
    customers = (
        Customer(customer_id="C", email="kim@example.com"),
        Customer(customer_id="C", email="kim@example.com"),
    )
    with sql.connect(shop_url) as shop, pytest.raises(UsageError, match="constraints") as caught:
        shop.replace(ShopData(zone="", customers=customers))
    assert "kim" not in str(caught.value)
    assert isinstance(caught.value.__cause__, RefusedByBackendError)


# -- URLs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", [open_journal, sql.connect])
def test_a_server_that_cannot_be_used_is_told_without_the_password(
    postgres: PostgresServer, opened: Callable[[str], Any]
) -> None:
    """Rule 38."""
    good = postgres.url("tests")
    for url, words in {
        good.replace("not%20a", "n0t%20a"): "password authentication failed",
        f"{good}x": "does not exist",
        at_port(good, 1): "Connection refused",
        good.rpartition("/")[0]: "names no database",
        f"{good}?nonsense=1": "nonsense",
        good.replace("127.0.0.1:", "127.0.0.1:x"): "cannot be read as a URL",
    }.items():
        with pytest.raises((JournalError, UnavailableError, UsageError), match=words) as caught:
            opened(url)
        told = str(caught.value)
        assert "%20secret" not in told
        assert PASSWORD not in told


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://kim:s3cret@db/shop", "postgresql://kim@db/shop"),
        ("postgresql://kim:s3/c@r:et@db/shop", "postgresql://kim@db/shop"),
        ("postgresql://db/shop?user=kim&password=s3cret", "postgresql://db/shop?user=kim"),
        ("postgresql:///shop?host=/run/pg&sslpassword=s3", "postgresql:///shop?host=/run/pg"),
        ("tryton+http://kim:s3@host:8000/db", "tryton+http://kim@host:8000/db"),
        ("postgresql://db/shop", "postgresql://db/shop"),
        ("sqlite:////a/b@c?d", "sqlite:////a/b@c?d"),
        ("demo:", "demo:"),
    ],
)
def test_urls_are_shown_without_passwords(url: str, shown: str) -> None:
    """Rule 38."""
    assert without_password(url) == shown


def test_a_database_that_cannot_hold_every_text_is_refused(postgres: PostgresServer) -> None:
    with postgres.connection() as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(JournalError, match="encoded in LATIN1"):
        open_database(postgres.url("latin"))
    postgres.drop("latin")


def test_both_spellings_of_the_scheme_are_known(shop_url: str) -> None:
    for scheme in ("postgresql", "postgres"):
        shop = open_backend(shop_url.replace("postgresql", scheme, 1))
        assert shop.get_order_details("o").order_id == "O"
        shop.close()


def test_texts_that_postgresql_cannot_hold_come_back_as_they_were(journal_url: str) -> None:
    """NUL, and the character that stands for it."""
    text = "a\x00b\x1ac\x1a0\x00\x1a1"
    with open_journal(journal_url) as journal, begun(journal) as log:
        log.note(text, "finding_customer")
        kept = journal.read(log.header.case_id, VOCABULARY.decoder)[2]
    assert kept[-1].text == text


def test_the_driver_is_needed_only_where_a_url_asks_for_it() -> None:
    """And where it is missing, the message says what to install."""
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from returnflow.errors import UsageError\n"
        "from returnflow.backends import sql\n"
        "from returnflow.engine.journal_sql import open_journal\n"
        "for opened in (sql.connect, open_journal):\n"
        "    try: opened('postgresql://kim:s3cret@db/shop')\n"
        "    except UsageError as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    ).stdout
    assert told.count("pip install 'returnflow[postgresql]'") == 2
    assert "s3cret" not in told
