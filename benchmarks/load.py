"""Many calls at once, journal and shop together: on a PostgreSQL server, and on SQLite files.

All calls are open at the same time, led by scripts, each in a thread of one of a few processes. One
in five is half of a pair: two agents return the last unit of one item at the same moment. Every
run ends with a check of journal and shop: no unit returned twice, no call lost, no return that
only one of the two knows of.

In one run the server is killed (all of it, as a power cut would) and started again in the middle.

An event is proposed, journaled durably and accepted. Without thinking the agents press on at
once, so hundreds of events wait for two cores: the times are then those of a queue. With `--think`
the agents take their time, as people do, and the times are what an agent feels.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.measure import Figure, Table, Target, figure, positive
from returnflow.backends import sql
from returnflow.engine import journal_schema
from returnflow.engine.journal_sql import open_database
from returnflow.testing.load import Load, Outcome, check, lead, shop_data
from returnflow.testing.load_worker import Place
from returnflow.testing.postgresql import PostgresServer

ABOUT = "many calls at once, on PostgreSQL and on SQLite, with the server killed in the middle"

SQLITE = "SQLite"
SERVER = "PostgreSQL"
KILLED = "PostgreSQL, killed in the middle"
NAMES = {"sqlite": SQLITE, "postgresql": SERVER, "killed": KILLED}


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--calls", type=positive, default=500, help="at once (default: 500)")
    parser.add_argument("--workers", type=positive, default=4, help="processes (default: 4)")
    parser.add_argument(
        "--think",
        type=float,
        default=0.0,
        help="seconds that an agent thinks before an answer, on average (default: 0)",
    )
    parser.add_argument(
        "--on", nargs="+", choices=NAMES, default=list(NAMES), help="what to run (default: all)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        help="where the SQLite files are made; the server's are in the system's folder for "
        "temporary files, so name one on the same disk (default: here)",
    )


def measure(options: Namespace) -> list[Table]:
    """Runs the benchmark."""
    load = Load(options.calls, options.workers, options.think)
    speed: list[Figure] = []
    events: list[Figure] = []
    targets: list[Target] = []
    for each in options.on:
        name = NAMES[each]
        with _sqlite(load, options.folder) if each == "sqlite" else _server(load) as (place, kill):
            outcome = lead(load, place, in_the_middle=kill if each == "killed" else None)
            wrong = check(load, place, outcome)
        for words in wrong:
            print(f"WRONG, {name}: {words}")
        calls = len(outcome.results)
        speed.append(Figure(name, None, calls / outcome.seconds, None, calls))
        events.append(figure(name, [seconds * 1000 for seconds in outcome.events]))
        targets.append(Target(f"{name}: lost, twice or unknown", len(wrong), 0, "things"))
        targets.append(_survived(name, outcome, each == "killed"))
    how = f"{options.calls} calls at once, {options.think:g} s of thought before an answer"
    return [
        Table(f"{how}: calls done", "calls/s", speed, SQLITE),
        Table(f"{how}: an event", "ms", events, SQLITE, targets),
    ]


def _survived(name: str, outcome: Outcome, killed: bool) -> Target:
    """The kill must have been felt, or it proved nothing."""
    if killed:
        return Target(f"{name}: kills that nobody felt", 0 if outcome.troubles else 1, 0, "kills")
    faults = sum(bool(result.fault) for result in outcome.results)
    return Target(f"{name}: calls given up", faults, 0, "calls")


@contextmanager
def _sqlite(load: Load, folder: Path) -> Iterator[tuple[Place, Callable[[], None]]]:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        inside = Path(made).absolute()
        place = Place(f"sqlite:///{inside / 'journal'}", f"sqlite:///{inside / 'shop'}")
        with closing(open_database(place.journal)) as database:
            journal_schema.make(database)
        sql.create(place.shop, shop_data(load)).close()
        yield place, _nothing


def _nothing() -> None:
    """A file is no server: there is nothing to kill."""


@contextmanager
def _server(load: Load) -> Iterator[tuple[Place, Callable[[], None]]]:
    with PostgresServer(connections=load.calls + 20 * load.workers + 20) as server:
        url = server.create("load")
        with closing(open_database(url)) as database:
            journal_schema.make(database)
        sql.create(url, shop_data(load)).close()

        def kill() -> None:
            server.kill()
            server.start()

        yield Place(url, url), kill
