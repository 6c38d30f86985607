"""The journal in real SQLite files, and the event log made from it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Union

import jsonschema
import msgspec
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from returnflow.engine import journal_schema
from returnflow.engine.event_log import MAX_LINE, event_log_schema, export_case, import_case
from returnflow.engine.journal import (
    CaseLog,
    Entry,
    Header,
    Journal,
    RecordedEvent,
    Words,
    back_to,
    commit_horizon,
    idempotency_key,
    new_case_id,
    typed_case_id,
    visible,
)
from returnflow.engine.journal_sql import SqlJournal, open_database, open_journal
from returnflow.engine.journal_sqlite import SqliteDatabase
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import (
    CaseNotFoundError,
    CaseTakenError,
    EngineError,
    JournalBusyError,
    JournalDamagedError,
    JournalError,
    UsageError,
)
from returnflow.home import data_dir, default_journal_url
from returnflow.masking import Masker, MaskKey
from returnflow.records import Customer, Order, OrderLine, ReturnReceipt, TransferReceipt
from returnflow.returns import events as ev

SOP = "sop: handling-returns\nversion: 1\n"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[ev.EVENTS])  # noqa: UP007
PERSONAL = {"email": "email", "phone_number": "phone"}
WORDS = Words(
    requests=frozenset({"return_requested", "transfer_requested"}),
    outcomes=frozenset({"customer_found", "order_found", "return_opened", "backend_failed"}),
    writes=frozenset({"initiate_return", "transfer_to_human_representative"}),
    settlements=frozenset({"return_opened"}),
    resumed="resumed",
)
SCHEMA = event_log_schema(ev.EVENTS)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SCHEMA_FILE = Path(__file__).parent.parent / "docs" / "event-log.schema.json"


def header(case_id: str = "", **changes: Any) -> Header:
    made = Header(
        case_id=case_id,
        sop="handling-returns",
        version=1,
        digest=hashlib.sha256(SOP.encode()).hexdigest(),
        agent="ann",
        policy_date=date(2026, 11, 23),
        zone="Asia/Kolkata",
        backend="sqlite:///shop.db",
        started_at=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def journal_at(path: Path, **options: Any) -> SqlJournal:
    options.setdefault("clock", lambda: NOW)
    return open_journal(f"sqlite:///{path}", **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def file_journal(path: Path) -> Iterator[SqlJournal]:
    with journal_at(path, busy_timeout=0.05) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    """A journal's URL, in a file and on a server."""
    if request.param == "sqlite":
        return f"sqlite:///{path}"
    made: str = request.getfixturevalue("postgres_url")
    with closing(open_database(made)) as database:
        assert journal_schema.make(database)
    return made


@pytest.fixture
def journal(url: str) -> Iterator[SqlJournal]:
    with open_journal(url, clock=lambda: NOW) as opened:
        yield opened


def raw(path: Path) -> Any:
    return closing(sqlite3.connect(path, isolation_level=None))


def write_call(journal: Journal, case_id: str = "", **changes: Any) -> str:
    """A short call with a rewinding and a note; returns its id."""
    with journal.begin(header(case_id, **changes), SOP) as log:
        log.append(ev.EmailGiven(email="wrong@example.com"), "finding_customer")
        log.append(ev.BackendFailed(operation="get_customer_by_email"), "started")
        log.rewind(1, "started")
        log.note("sounds hurried", "started")
        log.append(ev.EmailGiven(email="ada@example.com"), "finding_customer")
        log.append(ev.CustomerFound(customer=Customer(customer_id="C1")), "identified")
        return log.header.case_id


# -- writing and reading ----------------------------------------------------------------------


def test_what_was_written_is_read_after_reopening(url: str) -> None:
    with open_journal(url, clock=lambda: NOW) as journal:
        log: CaseLog = journal.begin(header(), SOP)
        first = log.append(ev.EmailGiven(email="ada@example.com"), "finding_customer")
        order = Order(
            order_id="O1",
            customer_id="C1",
            lines=(OrderLine(item_id="I1", quantity=2, unit_price=Decimal("19.90")),),
        )
        log.append(ev.OrderFound(order=order, at=NOW + timedelta(seconds=5)), "order_selected")
        log.note("çà va 👍", "order_selected")
        entries = log.entries
        case_id = log.header.case_id
    assert first.event is not None
    assert first.event.at == first.at == NOW
    with open_journal(url) as journal:
        again = journal.read(case_id, DECODER)
        assert again == (header(case_id), SOP, entries)
        with journal.open(case_id, DECODER) as log:
            assert (log.header, log.sop_text, log.entries) == again
            assert log.next_seq == 4


def test_a_call_that_ends_in_a_hang_up_is_kept_whole(journal: SqlJournal) -> None:
    """Rule 36: `abandoned` is an end, and every row before it stays."""
    case_id = write_call(journal)
    with journal.open(case_id, DECODER) as log:
        log.append(ev.CallDropped(), "abandoned", ended=True)
        with pytest.raises(EngineError, match="at an end"):
            log.append(ev.Satisfied(), "closed")
        log.note("called back, no answer", "abandoned")
    entries = journal.read(case_id, DECODER)[2]
    assert [entry.kind for entry in entries] == [
        *["event", "event", "rewound", "noted", "event", "event"],
        *["event", "noted"],
    ]
    (line,) = journal.cases()
    assert (line.state, line.ended, line.entries) == ("abandoned", True, 8)
    assert journal.cases(ended=False) == []
    assert journal.cases(ended=True) == [line]


def test_a_call_in_which_nothing_happened_leaves_nothing(
    path: Path, file_journal: SqlJournal
) -> None:
    log = file_journal.begin(header(), SOP)
    assert log.entries == ()
    assert log.next_seq == 1
    log.release()
    assert file_journal.cases() == []
    with raw(path) as connection:
        assert connection.execute("select count(*) from sop_texts").fetchone() == (0,)


def test_one_text_is_stored_once_and_each_call_keeps_its_own(
    path: Path, file_journal: SqlJournal
) -> None:
    write_call(file_journal, "A")
    write_call(file_journal, "B")
    newer = SOP + "# changed\n"
    changed = header("C", digest=hashlib.sha256(newer.encode()).hexdigest(), version=2)
    with file_journal.begin(changed, newer) as log:
        log.append(ev.OrderIdUnknown(), "listing_orders")
    assert file_journal.read("A")[1] == SOP
    assert file_journal.read("C")[1] == newer
    with raw(path) as connection:
        assert connection.execute("select count(*) from sop_texts").fetchone() == (2,)
    with pytest.raises(EngineError, match="digest"):
        file_journal.begin(header("D"), newer)


def test_the_settings_are_the_durable_ones(path: Path, file_journal: SqlJournal) -> None:
    def settings(connection: sqlalchemy.Connection) -> list[Any]:
        names = ("synchronous", "journal_mode", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert file_journal._database.read(settings) == [2, "wal", 1]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_time_without_a_zone_is_refused(journal: SqlJournal) -> None:
    naive = datetime(2026, 11, 23)  # noqa: DTZ001
    with journal.begin(header(), SOP) as log:
        with pytest.raises(EngineError, match="zone"):
            log.append(ev.Satisfied(at=naive), "closed")
        assert log.entries == ()


def test_a_released_or_closed_log_takes_nothing(path: Path) -> None:
    with journal_at(path) as journal:
        log = journal.begin(header(), SOP)
        log.append(ev.OrderIdUnknown(), "listing_orders")
        kept = journal.begin(header(), SOP)
        kept.append(ev.OrderIdUnknown(), "listing_orders")
        log.release()
        log.release()
        with pytest.raises(EngineError, match="released"):
            log.note("x", "listing_orders")
    journal.close()
    with pytest.raises(EngineError, match="released"):
        kept.note("x", "listing_orders")
    with pytest.raises(JournalError, match="closed"):
        journal.cases()
    assert list(path.with_name("journal.sqlite3.locks").iterdir()) == []


# -- lists ------------------------------------------------------------------------------------


def test_cases_are_filtered_and_know_the_last_address(journal: SqlJournal) -> None:
    later = NOW + timedelta(days=1)
    write_call(journal, "A")
    write_call(journal, "B", agent="bob", started_at=later)
    with journal.open("B", DECODER) as log:
        log.rewind(5, "started")

    def ids(**filters: Any) -> list[str]:
        return [line.header.case_id for line in journal.cases(**filters)]

    assert ids() == ["A", "B"]
    assert ids(state="identified") == ["A"]
    assert ids(agent="bob") == ["B"]
    assert ids(since=later) == ["B"]
    assert ids(until=later) == ["A"]
    assert ids(state="identified", agent="bob") == []
    lines = journal.cases(email_fields={"email_given": "email"})
    assert [line.email for line in lines] == ["ada@example.com", None]
    assert [line.email for line in journal.cases()] == [None, None]


def test_listing_the_calls_of_a_day_does_not_read_all_others(
    path: Path, file_journal: SqlJournal
) -> None:
    """Counted in steps of the database's own machine; a shared journal holds years of calls."""
    case_id = write_call(file_journal)
    with raw(path) as connection:
        connection.execute("BEGIN")
        for number in range(1000):
            connection.execute(
                "INSERT INTO cases SELECT ?, sop, version, digest, agent, policy_date, zone, "
                "backend, ? FROM cases WHERE case_id = ?",
                (f"X-{number}", f"2026-10-01T00:00:00.{number:06}+00:00", case_id),
            )
            connection.execute(
                "INSERT INTO entries SELECT ?, seq, kind, at, state, ended, event, payload, "
                "hides_from, note FROM entries WHERE case_id = ?",
                (f"X-{number}", case_id),
            )
        connection.execute("COMMIT")
    database = file_journal._database
    assert isinstance(database, SqliteDatabase)
    steps = 0

    def counted() -> int:
        nonlocal steps
        steps += 1
        return 0

    def cost(**filters: Any) -> tuple[int, int]:
        nonlocal steps
        steps = 0
        found = file_journal.cases(email_fields={"email_given": "email"}, **filters)
        return len(found), steps

    database._driver().set_progress_handler(counted, 10)
    found, few = cost(since=NOW)
    assert found == 1
    found, many = cost()
    assert found == 1001
    assert few * 50 < many


def test_case_ids_can_be_read_out_and_typed(journal: SqlJournal) -> None:
    made = new_case_id(NOW, random.Random(1))
    assert made.startswith("20261123-")
    assert len(made) == 18
    assert not set("ILOU") & set(made)
    assert typed_case_id(" 20261i23-7k3q-xo4l ") == "20261123-7K3Q-X041"
    case_id = write_call(journal)
    assert journal.read(case_id.lower())[0].case_id == case_id
    with pytest.raises(CaseNotFoundError, match="20261123-0000-0000"):
        journal.read("20261123-0000-0000")
    with pytest.raises(UsageError, match="case id"):
        journal.begin(header("../../etc"), SOP)


def test_an_id_in_use_is_not_given_twice(path: Path) -> None:
    with journal_at(path, rng=random.Random(7)) as journal:
        first = write_call(journal)
    with journal_at(path, rng=random.Random(7)) as journal:
        second = write_call(journal)
        assert second != first
        with pytest.raises(CaseTakenError, match=first):
            journal.begin(header(first), SOP)


def test_a_key_belongs_to_one_request_of_one_case() -> None:
    """Rules 28, 29: the same request has the same key, another one another."""
    assert idempotency_key("A", 7) == idempotency_key("A", 7) == "rf-A-7"
    assert len({idempotency_key(case, seq) for case in "AB" for seq in (1, 2)}) == 4


# -- going back -------------------------------------------------------------------------------


def rows(*names: str | int) -> list[Entry]:
    """Entries from names of events; a number is a rewinding to it."""
    classes = {event_name(cls): cls for cls in ev.EVENTS}
    extra: dict[str, dict[str, Any]] = {
        "return_requested": {"order_id": "O", "item_id": "I", "quantity": 1, "reason": "OTHER"},
        "return_opened": {"receipt": ReturnReceipt(tracking_id="T")},
        "email_given": {"email": "ada@example.com"},
        "customer_found": {"customer": Customer(customer_id="C")},
        "resumed": {"policy_date": date(2026, 11, 24)},
        "human_requested": {"summary": "s"},
        "order_id_given": {"order_id": "O"},
        "backend_failed": {"operation": "initiate_return"},
    }
    made = []
    for seq, name in enumerate(names, start=1):
        if isinstance(name, int):
            made.append(Entry(seq=seq, kind="rewound", at=NOW, state="s", to=name))
        else:
            event = classes[name](at=NOW, **extra.get(name, {}))
            made.append(Entry(seq=seq, kind="event", at=NOW, state="s", event=event))
    return made


@pytest.mark.parametrize(
    ("names", "back", "horizon"),
    [
        ((), None, 0),
        (("email_given",), 1, 0),
        (("email_given", "customer_found"), 1, 0),
        (("email_given", "customer_found", "order_id_given"), 3, 0),
        (("email_given", "customer_found", "order_id_given", 3), 1, 0),
        (("email_given", "customer_found", "order_id_given", 3, 1), None, 0),
        (("email_given", 1, "email_given"), 3, 0),
        (("order_id_given", "return_requested"), None, 2),
        (("order_id_given", "return_requested", "return_opened"), None, 2),
        (("order_id_given", "return_requested", "return_opened", "satisfied"), 4, 2),
        (("order_id_given", "resumed"), None, 2),
        (("return_requested", "backend_failed", "left_unconfirmed"), 3, 1),
        (("return_requested", "backend_failed", "retry_requested"), 3, 1),
        (("return_requested", "backend_failed", "retry_requested", "backend_failed"), None, 1),
        (("return_requested", "backend_failed", "retry_requested", "return_opened"), None, 1),
    ],
)
def test_back_takes_the_agents_last_answer_and_stops_at_the_horizon(
    names: tuple[str | int, ...], back: int | None, horizon: int
) -> None:
    """Rule 32: what a write did cannot be undone, so nothing goes back across one."""
    entries = rows(*names)
    assert back_to(entries, WORDS) == back
    assert commit_horizon(entries, WORDS) == horizon


STEPS = (
    *("email_given", "customer_found", "order_id_given", "return_requested", "return_opened"),
    *("backend_failed", "retry_requested", "resumed", "satisfied", "back", "back"),
)


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_going_back_never_hides_a_request_and_leaves_a_straight_call(steps: list[str]) -> None:
    """Rule 32, for any call: what is visible is always a prefix of what once was, gone on with."""
    names: list[str | int] = []
    straight: list[int] = []
    for step in steps:
        if step == "back":
            to = back_to(rows(*names), WORDS)
            if to is None:
                continue
            horizon = commit_horizon(rows(*names), WORDS)
            assert to > horizon
            names.append(to)
            straight = [seq for seq in straight if seq < to]
        else:
            names.append(step)
            straight.append(len(names))
        entries = rows(*names)
        assert [entry.seq for entry in visible(entries)] == straight
        written = {each.seq for each in entries if each.event and WORDS.is_fence(each.event)}
        assert written <= set(straight)


def test_a_rewinding_goes_to_a_visible_event_only(journal: SqlJournal) -> None:
    case_id = write_call(journal)
    with journal.open(case_id, DECODER) as log:
        for to in (0, 1, 3, 4, 7):
            with pytest.raises(EngineError, match="go back"):
                log.rewind(to, "started")
        assert log.next_seq == 7
        assert log.rewind(5, "started").to == 5
        assert visible(log.entries) == []


# -- two at once ------------------------------------------------------------------------------


def test_the_second_who_opens_a_case_is_told_who_has_it(
    path: Path, file_journal: SqlJournal
) -> None:
    case_id = write_call(file_journal, agent="ann")
    locks = path.with_name("journal.sqlite3.locks")
    with file_journal.open(case_id, DECODER), journal_at(path) as other:
        with pytest.raises(CaseTakenError, match=rf"by ann \(process {os.getpid()}\)"):
            other.open(case_id, DECODER)
        assert len(other.read(case_id, DECODER)[2]) == 6
    assert list(locks.iterdir()) == []
    with file_journal.open(case_id, DECODER) as log:
        assert log.next_seq == 7


def test_a_claim_ends_with_the_process_that_held_it(url: str, journal: SqlJournal) -> None:
    case_id = write_call(journal)
    script = (
        "import sys, msgspec\n"
        "from typing import Union\n"
        "from returnflow.engine.journal_sql import open_journal\n"
        "from returnflow.returns.events import EVENTS\n"
        "journal = open_journal(sys.argv[1])\n"
        "log = journal.open(sys.argv[2], msgspec.json.Decoder(Union[EVENTS]))\n"
        "print('claimed', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, url, case_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "claimed\n"
        with pytest.raises(CaseTakenError, match=f"process {process.pid}"):
            journal.open(case_id, DECODER)
        process.kill()
        process.wait()
    with journal.open(case_id, DECODER) as log:
        assert log.next_seq == 7


def test_a_row_that_someone_else_wrote_is_not_overwritten(
    path: Path, file_journal: SqlJournal
) -> None:
    case_id = write_call(file_journal)
    with file_journal.open(case_id, DECODER) as log:
        with raw(path) as connection:
            connection.execute(
                "insert into entries (case_id, seq, kind, at, state, ended) "
                "values (?, 7, 'noted', ?, 'identified', 0)",
                (case_id, NOW.isoformat()),
            )
        with pytest.raises(CaseTakenError, match=case_id):
            log.append(ev.OrderIdUnknown(), "listing_orders")
        assert log.next_seq == 7


def test_a_locked_journal_is_said_and_the_row_can_be_tried_again(
    path: Path, file_journal: SqlJournal
) -> None:
    log = file_journal.begin(header(), SOP)
    event = ev.EmailGiven(email="ada@example.com")
    with raw(path) as other:
        for _ in range(2):
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(JournalBusyError, match="try again"):
                log.append(event, "finding_customer")
            before = log.entries
            other.execute("ROLLBACK")
            entry = log.append(event, "finding_customer")
            assert log.entries == (*before, entry)
    assert file_journal.read(log.header.case_id, DECODER)[2] == log.entries


def test_what_is_written_cannot_be_changed(path: Path, file_journal: SqlJournal) -> None:
    write_call(file_journal)
    with raw(path) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for statement in (
            *("delete from entries", "update entries set state = 'x'"),
            *("delete from cases", "update cases set agent = 'x'"),
            *("delete from sop_texts", "update sop_texts set text = 'x'"),
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


# -- disks ------------------------------------------------------------------------------------


def test_a_full_disk_moves_nothing_and_later_it_goes_on(path: Path) -> None:
    limits: list[sqlite3.Connection] = []
    with journal_at(path):
        pass

    def remember(connection: sqlite3.Connection, _record: object) -> None:
        limits.append(connection)

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", remember)
    try:
        journal = journal_at(path)
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", remember)
    with journal, journal.begin(header(), SOP) as log:
        log.append(ev.EmailGiven(email="ada@example.com"), "finding_customer")
        before = log.entries
        limits[0].execute("PRAGMA max_page_count=1")
        with pytest.raises(JournalError, match=r"journal\.sqlite3: the disk is full"):
            log.note("x" * 50_000, "finding_customer")
        assert log.entries == before
        limits[0].execute("PRAGMA max_page_count=1000000")
        log.note("x" * 50_000, "finding_customer")
        assert journal.read(log.header.case_id, DECODER)[2] == log.entries


def test_a_write_that_the_system_refuses_moves_nothing(
    path: Path, file_journal: SqlJournal
) -> None:
    """The system's own limit on the size of files stands for a disk that takes no more."""
    with file_journal.begin(header(), SOP) as log:
        log.append(ev.EmailGiven(email="ada@example.com"), "finding_customer")
        before = log.entries
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = path.with_name(path.name + "-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(JournalError, match=r"journal\.sqlite3: the disk") as caught:
                log.append(ev.OrderIdUnknown(), "listing_orders")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "try again" in str(caught.value)
        assert log.entries == before
        log.append(ev.OrderIdUnknown(), "listing_orders")
    with journal_at(path) as again:
        assert again.read(log.header.case_id, DECODER)[2] == log.entries


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody whom permissions bind, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: path.write_text("hello"), "no journal, nor any"),
        (lambda path: path.write_text('{"a": 1}'), "JSON text"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00" + b"x" * 5000), "damaged"),
    ],
)
def test_what_is_no_journal_is_refused_and_left(
    path: Path, prepare: Callable[[Path], Any], words: str
) -> None:
    prepare(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(JournalError, match=words):
        journal_at(path)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_another_database_and_a_newer_format_are_refused(path: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop.db"
    with raw(shop) as connection:
        connection.execute("create table customers (id text)")
    with pytest.raises(JournalError, match=r"no journal .*customers"):
        journal_at(shop)
    with journal_at(path):
        pass
    for value, kind, words in (
        ("3", JournalError, "newer returnflow"),
        ("?", JournalDamagedError, "no readable number"),
    ):
        with raw(path) as connection:
            connection.execute("update journal_meta set value = ?", (value,))
        with pytest.raises(kind, match=words):
            journal_at(path)


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no folder"):
        journal_at(tmp_path / "nowhere" / "journal.sqlite3")
    # Not below `tmp_path`, which other users may not enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        readonly = folder / "readonly.sqlite3"
        with journal_at(readonly):
            pass
        readonly.chmod(0o444)
        folder.chmod(0o555)
        try:
            with unprivileged():
                for path in (readonly, folder / "new.sqlite3"):
                    with pytest.raises(JournalError, match=r"cannot be opened for writing"):
                        journal_at(path)
                with pytest.raises(UsageError, match="cannot be written"):
                    data_dir_at(folder)
        finally:
            folder.chmod(0o700)
        readonly.chmod(0o666)
        folder.chmod(0o555)
        try:
            with unprivileged(), pytest.raises(JournalError, match="folder cannot be written"):
                journal_at(readonly)
        finally:
            folder.chmod(0o700)


def data_dir_at(folder: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETURNFLOW_HOME", str(folder))
        return data_dir()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "j.db"])
def test_urls_that_hold_no_journal_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="sqlite:///PATH"):
        open_journal(url)


# -- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        {"payload": "{"},
        {"payload": '{"event":"email_given"}'},
        {"payload": '{"event":"no_such_event","email":"ada@example.com"}'},
        {"payload": None},
        {"at": "yesterday"},
        {"kind": "odd"},
        {"kind": "rewound"},
        {"seq": 9},
    ],
)
def test_a_damaged_row_is_named(path: Path, file_journal: SqlJournal, row: dict[str, Any]) -> None:
    """Rule 40: the place is named; the text of the customer is not in the message."""
    case_id = write_call(file_journal)
    good = '{"event":"order_id_unknown","at":"2026-11-23T00:00:00Z"}'
    values = {"seq": 7, "kind": "event", "at": NOW.isoformat(), "payload": good} | row
    with raw(path) as connection:
        connection.execute(
            "insert into entries (case_id, seq, kind, at, state, ended, payload) "
            "values (:case, :seq, :kind, :at, 's', 0, :payload)",
            {"case": case_id, **values},
        )
    with pytest.raises(JournalDamagedError, match=f"case {case_id}.*row 7") as caught:
        file_journal.open(case_id, DECODER)
    assert "ada@example.com" not in str(caught.value)
    assert list(path.with_name("journal.sqlite3.locks").iterdir()) == []


def test_a_call_in_words_no_longer_known_can_still_be_read(
    path: Path, file_journal: SqlJournal
) -> None:
    case_id = write_call(file_journal)
    with raw(path) as connection:
        connection.execute(
            "insert into entries (case_id, seq, kind, at, state, ended, event, payload) "
            "values (?, 7, 'event', ?, 's', 0, 'sang', ?)",
            (case_id, NOW.isoformat(), '{"event":"sang","email":"x@example.com","song":"la"}'),
        )
    entries = file_journal.read(case_id)[2]
    last = entries[-1].event
    assert isinstance(last, RecordedEvent)
    assert (last.name, last.body["song"]) == ("sang", "la")
    key = Masker(MaskKey(b"k" * 32), PERSONAL)
    line = json.loads(export_case(header(case_id), entries, mask=key))
    assert line["events"][-1]["event"] == "sang"
    assert line["events"][-1]["email"] == key.mask_email("x@example.com")


# -- the event log ----------------------------------------------------------------------------


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def some_events() -> st.SearchStrategy[Event]:
    at = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
    return st.one_of(
        st.builds(ev.EmailGiven, email=texts(), at=at, inferred=st.booleans()),
        st.builds(
            ev.ItemsPicked,
            picks=st.lists(st.builds(ev.Pick, texts(), st.integers(1, 99))).map(tuple),
            at=at,
        ),
        st.builds(
            ev.OrderFound,
            order=st.builds(
                Order,
                order_id=texts(),
                customer_id=texts(),
                lines=st.tuples(
                    st.builds(
                        OrderLine,
                        item_id=texts(),
                        quantity=st.integers(0, 9),
                        unit_price=st.decimals(0, 999, places=2),
                    )
                ),
            ),
            at=at,
        ),
        st.builds(
            ev.TransferAccepted, receipt=st.builds(TransferReceipt, reference=texts()), at=at
        ),
    )


@st.composite
def calls(draw: st.DrawFn) -> list[Entry]:
    """Rows of a call as a case log would write them."""
    entries: list[Entry] = []
    for seq in range(1, draw(st.integers(0, 12)) + 1):
        shown = [entry.seq for entry in visible(entries)]
        kind = draw(st.sampled_from(["event", "event", "noted", "rewound"]))
        ended = bool(entries) and entries[-1].ended
        state = draw(texts())
        if kind == "rewound" and shown:
            to = draw(st.sampled_from(shown))
            entries.append(Entry(seq=seq, kind="rewound", at=NOW, state=state, to=to))
        elif kind == "event" and not ended:
            event = draw(some_events())
            assert event.at is not None
            end = draw(st.booleans())
            entries.append(
                Entry(seq=seq, kind="event", at=event.at, state=state, ended=end, event=event)
            )
        else:
            entries.append(
                Entry(seq=seq, kind="noted", at=NOW, state=state, ended=ended, text=draw(texts()))
            )
    return entries


@given(calls())
def test_an_exported_call_loses_nothing(entries: list[Entry]) -> None:
    line = export_case(header("A"), entries, mask=None)
    assert b"\n" not in line
    VALIDATOR.validate(json.loads(line))
    assert import_case(line, ev.EVENTS) == (header("A"), entries)


@given(calls())
def test_a_masked_call_is_a_call_still(entries: list[Entry]) -> None:
    mask = Masker(MaskKey(b"k" * 32), PERSONAL)
    line = export_case(header("A", agent="ann@example.com"), entries, mask=mask)
    VALIDATOR.validate(json.loads(line))
    read, rows_read = import_case(line, ev.EVENTS)
    assert read.agent == mask.mask_email("ann@example.com")
    assert [row.seq for row in visible(rows_read)] == [row.seq for row in visible(entries)]
    assert export_case(read, rows_read, mask=mask) == line


def test_the_published_schema_is_fresh() -> None:
    published = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert published == SCHEMA, "make it anew as docs/event-log.md says"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_an_export_of_a_journal_hides_addresses_in_hidden_rows_and_notes(
    journal: SqlJournal,
) -> None:
    """Rule 38: masked by default everywhere in the line, with equal addresses still equal."""
    with journal.begin(header(), SOP) as log:
        log.append(ev.EmailGiven(email="Ada@Example.com"), "finding_customer")
        log.rewind(1, "started")
        log.note("call back on +49 30 1234567, ada@example.com, order 4155550123", "started")
        log.append(ev.EmailGiven(email="ada@example.com "), "finding_customer")
        log.append(ev.OrderIdGiven(order_id="4155550123"), "fetching_order")
    mask = Masker(MaskKey(b"k" * 32), PERSONAL)
    line = export_case(log.header, log.entries, mask=mask).decode()
    assert "example.com" not in line.lower()
    assert "1234567" not in line
    call = json.loads(line)
    assert call["masked"] is True
    assert call["events"][0]["email"] == call["asides"][0]["event"]["email"]
    assert call["events"][1]["order_id"] == "4155550123"
    assert call["asides"][2]["text"].endswith("order 4155550123")
    plain = json.loads(export_case(log.header, log.entries, mask=None))
    assert plain["masked"] is False
    assert plain["events"][0]["email"] == "ada@example.com "


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda call: call.update(returnflow=2), "returnflow"),
        (lambda call: call.pop("case"), "case"),
        (lambda call: call["states"].pop(), "states"),
        (lambda call: call["events"][0].pop("at"), "row 5 has no `at`"),
        (lambda call: call["events"][0].update(event="sang"), "sang"),
        (lambda call: call["asides"][0].update(seq=2), "asides"),
        (lambda call: call["asides"][0].update(seq=99), "asides"),
        (lambda call: call["asides"][2].update(to=2), "rewindings"),
    ],
)
def test_a_line_that_departs_from_the_format_is_refused(
    journal: SqlJournal, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    """Rule 40: malformed input is named with its place."""
    case_id = write_call(journal)
    read, _, entries = journal.read(case_id, DECODER)
    call = json.loads(export_case(read, entries, mask=None))
    change(call)
    with pytest.raises(JournalDamagedError, match=words):
        import_case(json.dumps(call).encode(), ev.EVENTS)


def test_a_line_too_long_or_too_deep_is_refused() -> None:
    """Rule 40: input has limits of size and depth."""
    with pytest.raises(JournalDamagedError, match="at most"):
        import_case(b" " * (MAX_LINE + 1), ev.EVENTS)
    deep = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(JournalDamagedError, match="no call"):
        import_case(deep, ev.EVENTS)


# -- the data folder --------------------------------------------------------------------------


def test_the_data_folder_moves_and_is_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "a b" / "home"
    monkeypatch.setenv("RETURNFLOW_HOME", str(home))
    assert data_dir() == home
    assert home.stat().st_mode & 0o777 == 0o700
    with open_journal(default_journal_url()) as journal:
        write_call(journal)
    assert (home / "journal.sqlite3").is_file()
    monkeypatch.setenv("RETURNFLOW_HOME", str(home / "journal.sqlite3"))
    with pytest.raises(UsageError, match="not a folder"):
        data_dir()
    monkeypatch.setenv("RETURNFLOW_HOME", "/proc/nothing/here")
    with pytest.raises(UsageError, match="RETURNFLOW_HOME"):
        data_dir()
    monkeypatch.setenv("RETURNFLOW_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_dir().name == "returnflow"
    assert data_dir().is_relative_to(tmp_path)
