"""What a live event costs: in the engine alone, and journaled, against the disk's own floor.

Three ways over the same legal calls of the shipped procedure, a call each in turn:

- engine: ``Session.propose`` and ``accept``; nothing is written;
- journaled: ``Run.take`` with the real journal (SQLite, full synchronous);
- floor: bare sqlite3, the same settings, a row of the same bytes inserted and committed.

What the engine and the journal add to the floor is the difference of the medians.
"""

from __future__ import annotations

import sqlite3
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count, islice
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import NoReturn

from benchmarks.measure import Table, Target, figure, positive
from returnflow.bundled import bundled
from returnflow.engine import definition as procedures
from returnflow.engine.definition import Definition
from returnflow.engine.journal import CaseLog, Header
from returnflow.engine.journal_rows import row_of
from returnflow.engine.journal_sql import SqlJournal, open_journal
from returnflow.engine.run import Answer, Leave, Run
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Call, Event
from returnflow.errors import EngineError
from returnflow.testing import generate_shop, random_call

ABOUT = "a live event through the engine, with and without the journal"

ENGINE = "engine: propose and accept"
FLOOR = "floor: bare sqlite3, same bytes"
JOURNALED = "journaled: Run.take"

LIMIT = 200.0
"""Microseconds that the engine and the journal may add to the floor, at the median."""


SHORTEST, ORDINARY, LONG, LONGEST = 8, 30, 200, 300
"""Events: of an ordinary call at least and at most, of a long one at least and at most."""


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--rounds", type=positive, default=3, help="over all calls (default: 3)")
    parser.add_argument("--calls", type=positive, default=20, help="ordinary calls (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="for the calls (default: 1)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        help="where the databases are made, on the disk to be measured (default: here)",
    )


@dataclass(frozen=True)
class MadeUpCall:
    """A legal call and the day and zone it is made in."""

    day: date
    zone: str
    events: Sequence[Event]


def measure(options: Namespace) -> list[Table]:
    """Runs the benchmark."""
    definition = procedures.load(bundled("states") / "handling_returns.yaml")
    ordinary = list(islice(_calls(definition, options.seed, SHORTEST, ORDINARY), options.calls))
    long = next(_calls(definition, options.seed, LONG, LONGEST))
    return [
        _compared(definition, "Ordinary calls", ordinary, options),
        _compared(definition, "One long call", [long], options),
    ]


def _calls(definition: Definition, seed: int, shortest: int, longest: int) -> Iterator[MadeUpCall]:
    """Calls made up from one seed after the other, without those that end too soon."""
    for each in count(seed):
        rng = Random(each)
        shop = generate_shop(rng)
        events = random_call(definition, rng, shop, longest)
        if len(events) >= shortest:
            yield MadeUpCall(shop.today, shop.zone, events)


def _compared(
    definition: Definition, title: str, calls: Sequence[MadeUpCall], options: Namespace
) -> Table:
    taken: dict[str, list[float]] = {ENGINE: [], FLOOR: [], JOURNALED: []}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        journal = open_journal(f"sqlite:///{Path(folder).absolute() / 'journal.sqlite3'}")
        floor = _Floor(Path(folder) / "floor.sqlite3")
        try:
            # A round that is not counted warms everything up.
            for number in range(-1, options.rounds):
                for call in calls:
                    found = _round(definition, journal, floor, call)
                    if number >= 0:
                        for name, times in found.items():
                            taken[name] += times
        finally:
            floor.close()
            journal.close()
    figures = [figure(name, times) for name, times in taken.items()]
    medians = {each.name: each.median for each in figures}
    events = sum(len(call.events) for call in calls)
    added = Target(
        "Added to the floor, journaled − floor", medians[JOURNALED] - medians[FLOOR], LIMIT, "µs"
    )
    return Table(
        f"{title} ({len(calls)}, with {events} events), µs per event",
        "µs",
        figures,
        FLOOR,
        [added],
    )


def _round(
    definition: Definition, journal: SqlJournal, floor: _Floor, call: MadeUpCall
) -> dict[str, list[float]]:
    """The three ways over one call, event by event in turn, in µs."""
    header = Header(
        case_id="",
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent="benchmark",
        policy_date=call.day,
        zone=call.zone,
        backend="benchmark:",
        started_at=_at(call.events[0]),
    )
    bare = Session(definition, call.day, call.zone)
    times: dict[str, list[float]] = {ENGINE: [], FLOOR: [], JOURNALED: []}
    with journal.begin(header, definition.text) as log:
        clock = iter([_at(event) for event in call.events])
        run = Run(
            Session(definition, call.day, call.zone), log, _NoDesk(), _no_shop, clock.__next__
        )
        for event in call.events:
            started = perf_counter_ns()
            step = bare.propose(event)
            bare.accept(step)
            middle = perf_counter_ns()
            if not run.take(event).accepted:
                raise EngineError(f"the call is not legal: {event}")
            ended = perf_counter_ns()
            times[ENGINE].append((middle - started) / 1000)
            times[JOURNALED].append((ended - middle) / 1000)
            times[FLOOR].append(floor.insert(log))
    return times


def _at(event: Event) -> datetime:
    assert event.at is not None
    return event.at


class _Floor:
    """The least that a durable row costs: one prepared insert in a transaction of its own."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(
            "CREATE TABLE entries (case_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,"
            " at TEXT NOT NULL, state TEXT NOT NULL, ended BOOLEAN NOT NULL, event TEXT,"
            " payload TEXT, hides_from INTEGER, note TEXT, PRIMARY KEY (case_id, seq))"
        )

    def insert(self, log: CaseLog) -> float:
        """Inserts the last row of `log` again, here; in µs."""
        row = tuple(row_of(log.header.case_id, log.entries[-1]).values())
        execute = self._connection.execute
        started = perf_counter_ns()
        execute("BEGIN IMMEDIATE")
        execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        execute("COMMIT")
        return (perf_counter_ns() - started) / 1000

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()


class _NoDesk:
    """Nobody is asked anything: the events are there already."""

    def ask(self, *_: object) -> Answer:
        raise EngineError("the benchmark asks nobody")

    def wait(self, *_: object) -> Event | Leave:
        raise EngineError("the benchmark waits for nobody")

    def refused(self, *_: object) -> None:
        raise EngineError("the benchmark's calls are legal")

    def journal_failed(self, *_: object) -> bool:
        return False

    def ended(self, *_: object) -> None:
        raise EngineError("the benchmark takes events, it leads no calls")


def _no_shop(call: Call) -> NoReturn:
    raise EngineError(f"the benchmark calls no shop ({call.operation})")
