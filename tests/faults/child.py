"""The command line in a process of its own, with what can go wrong built in by the test.

Run as a script it is a fork server: it imports the program once and forks a process for each
`Spec` that it reads, so that hundreds of calls can be killed without starting as many
interpreters. With ``--here SPEC`` it runs one spec in this very process, for a terminal.
Nothing here is known to the program: the test's hands are put round it from outside.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy

from returnflow.backends import registry, sql, sql_shop
from returnflow.backends.circuit import Circuit
from returnflow.backends.protocol import Backend
from returnflow.backends.steady import RealClock
from returnflow.cli import calls, opening, run, shops, wizard
from returnflow.engine import journal_sql
from returnflow.engine.case_log import StoredCaseLog
from returnflow.engine.run import Run
from returnflow.engine.session import Ask
from returnflow.engine.vocabulary import event_name
from returnflow.errors import JournalError
from returnflow.records import ReturnReceipt
from returnflow.testing import Fault, FaultKind, FaultyBackend
from returnflow.wizard.plain import PlainDesk

WRITES = ("initiate_return", "transfer_to_human_representative")


class Spec(msgspec.Struct, kw_only=True):
    """One run of the command line.

    Args:
        arguments: of ``returnflow``.
        out: the file that standard output and error go to; "" leaves them.
        lines: what is typed; None: the autopilot answers. Unused where `out` is "".
        points: the file to which the kill points passed are written, one a line; "" has none.
        kill_at: the number of the kill point at which the process kills itself; 0 is never.
        now: the clock, fixed; ISO 8601 with an offset. "" leaves the real one.
        faults: ``operation#number of the call`` and what goes wrong in it; see `Fault`. The
            ``wrong`` record is a receipt without a tracking id.
        full_in: calls, as in `faults`, during which the shop's disk takes no byte.
        full_after: the number of journal rows after which the journal's disk is full, until an
            agent asked whether to try again has answered; 0: never.
        busy_timeout: seconds to wait for a file that another program holds.
        hold: the FIFO that the look-up of the customer waits for; see `Held`.
    """

    arguments: list[str]
    out: str = ""
    lines: list[str] | None = None
    points: str = ""
    kill_at: int = 0
    now: str = ""
    faults: dict[str, FaultKind] = msgspec.field(default_factory=dict)
    full_in: list[str] = msgspec.field(default_factory=list)
    full_after: int = 0
    busy_timeout: float = 5.0
    hold: str = ""


# -- who answers ------------------------------------------------------------------------------

EMAIL = "ann@example.test"
ORDER = "ORD-1"
PICKS = "LAMP x 2, MUG, SHELF, TIPS"

REPLIES: dict[str, list[str]] = {
    "started": [EMAIL],
    "identified": [ORDER],
    "order_selected": [PICKS],
    "eligibility_checked": ["damaged", "other: wrong colour", "yes"],
    "return_unconfirmed": ["/again"],
    "return_initiated": ["/transfer", "not satisfied", ""],
    "transfer_failed": ["/again"],
    "nothing_eligible": ["/close"],
}
"""What an agent types in each state once nothing is owed to be said."""


class Autopilot(io.TextIOBase):
    """Standard input as an agent would type it, whatever the call asks."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._typed: list[str] = []

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        if not self._typed:
            assert self.run is not None
            waiting = self.run.session.waiting
            assert isinstance(waiting, Ask)
            self._typed = [""] if waiting.dues else list(REPLIES[waiting.state.name])
        return self._typed.pop(0) + "\n"


# -- where a process is killed ----------------------------------------------------------------


class Points:
    """Counts the places where a kill may come, and kills at the one that is wanted."""

    def __init__(self, spec: Spec) -> None:
        self._kill_at = spec.kill_at
        self._passed = 0
        self._inside = ""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(spec.points, flags, 0o600) if spec.points else None

    def __call__(self, name: str) -> None:
        self._passed += 1
        if self._file is not None:
            os.write(self._file, f"{name}\n".encode())
        if self._passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self, name: str, *, commits: bool) -> Iterator[None]:
        """A point before and one after, and one before the commit in between."""
        self(f"before {name}")
        self._inside = name if commits else ""
        yield
        self._inside = ""
        self(f"after {name}")

    def committing(self, connection: object) -> None:
        """Called by SQLAlchemy before it commits."""
        if self._inside:
            self(f"{self._inside}: written, not committed")


class Hands:
    """A backend round another: kill points, and a disk that is full during some calls."""

    def __init__(self, inner: Backend, spec: Spec, point: Points) -> None:
        self._inner = inner
        self._spec = spec
        self._point = point
        self._calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in sql_shop.OPERATIONS:
            return found

        def operation(*given: Any, **named: Any) -> Any:
            self._calls.append(name)
            call = f"{name}#{self._calls.count(name)}"
            with self._point.around(name, commits=name in WRITES):
                if call not in self._spec.full_in:
                    return found(*given, **named)
                with full_disk():
                    return found(*given, **named)

        return operation


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process grows, not even from nothing."""
    limit_files(0)
    try:
        yield
    finally:
        limit_files(None)


def limit_files(size: int | None) -> None:
    """Lets no file of this process grow beyond `size` bytes; None: lets them grow."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


# -- putting the hands round the program ------------------------------------------------------


def _backend(spec: Spec, point: Points) -> Callable[[str], Any]:
    def connect(url: str) -> Any:
        shop: Backend = sql.connect(url, busy_timeout=spec.busy_timeout)
        plan = {}
        for call, kind in spec.faults.items():
            operation, _, number = call.partition("#")
            plan[operation, int(number)] = Fault(kind, record=ReturnReceipt(tracking_id=" "))
        if spec.hold:
            return Held(shop, spec.hold)
        return FaultyBackend(Hands(shop, spec, point), plan)

    return connect


class Held:
    """A backend whose look-up of a customer says that it began and waits for a word.

    It opens the FIFO `path` for reading: the test's opening for writing meets it there, and the
    line that the test writes lets it go on.
    """

    def __init__(self, inner: Backend, path: str) -> None:
        self._inner = inner
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get_customer_by_email(self, email: str) -> Any:
        """See the protocol."""
        with Path(self._path).open() as word:
            word.readline()
        return self._inner.get_customer_by_email(email)


def install(spec: Spec, pilot: Autopilot) -> None:
    """Puts the test's hands round the program, in this process."""
    point = Points(spec)
    connect = _backend(spec, point)
    put(registry, "open_backend", connect)
    put(RealClock, "sleep", lambda clock, seconds: None)
    shared = shops.circuit

    def standing(url: str) -> Circuit:
        """The time at which a shop counts as down does not pass while a test runs."""
        found = shared(url)
        put(found, "_clock", lambda: 1_000_000_000.0)
        return found

    put(shops, "circuit", standing)
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", point.committing)
    opened = journal_sql.open_journal
    put(journal_sql, "open_journal", partial(opened, busy_timeout=spec.busy_timeout))
    if spec.now:
        moment = datetime.fromisoformat(spec.now)
        put(opening, "now", lambda: moment)
    append, note = StoredCaseLog.append, StoredCaseLog.note
    ask, failed = PlainDesk.ask, PlainDesk.journal_failed

    def appended(log: StoredCaseLog, event: Any, state: str, *, ended: bool = False) -> Any:
        with point.around(f"row {event_name(event)}", commits=True):
            entry = append(log, event, state, ended=ended)
        if spec.full_after == entry.seq:
            # Not 0: what is shown goes to a file as well, though to a much smaller one.
            written = Path(f"{log._store.name}-wal").stat().st_size  # type: ignore[attr-defined]
            limit_files(written)
        return entry

    def noted(log: StoredCaseLog, text: str, state: str) -> Any:
        with point.around("row noted", commits=True):
            return note(log, text, state)

    def asked(desk: PlainDesk, run: Run, question: Ask) -> Any:
        pilot.run = run
        return ask(desk, run, question)

    def journal_failed(desk: PlainDesk, run: Run, error: JournalError) -> bool:
        again = failed(desk, run, error)
        limit_files(None)
        return again

    put(StoredCaseLog, "append", appended)
    put(StoredCaseLog, "note", noted)
    put(PlainDesk, "ask", asked)
    put(PlainDesk, "journal_failed", journal_failed)


def put(owner: Any, name: str, value: object) -> None:
    """Puts something of ours in the place of what `owner` has under `name`."""
    setattr(owner, name, value)


def carry_out(spec: Spec) -> int:
    """Runs a spec in this process; the exit status."""
    pilot = Autopilot()
    install(spec, pilot)
    if spec.out:
        _redirect(spec, pilot)
    status = run(spec.arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _redirect(spec: Spec, pilot: Autopilot) -> None:
    out = os.open(spec.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    reading, writing = os.pipe()
    if spec.lines is not None:
        os.write(writing, "".join(f"{line}\n" for line in spec.lines).encode())
    os.close(writing)
    os.dup2(reading, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    if spec.lines is None:
        sys.stdin = pilot
    else:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


# -- the fork server --------------------------------------------------------------------------


def serve() -> None:
    """Forks a process for each spec read; answers with how it ended: a status, or -signal."""
    opening.procedure(None)
    assert calls.command
    assert wizard.command
    for line in sys.stdin.buffer:
        spec = msgspec.json.decode(line, type=Spec)
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                status = carry_out(spec)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        sys.exit(carry_out(msgspec.json.decode(sys.argv[2], type=Spec)))
    serve()
