"""From a key to the painted screen, on an order of 60 lines, and how many bytes that sends.

The wizard's own full screen on a pipe and a buffer: from the moment a key is in the pipe to the
moment the picture that it makes is written. The keys are those of choosing items: the cursor,
quantities, a search. ``python -c pass`` runs between them as the measure of the machine.
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from benchmarks.measure import Table, Target, figure, positive
from returnflow.backends.answer import performer
from returnflow.bundled import bundled
from returnflow.engine import definition as procedures
from returnflow.engine.journal import Header
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.run import Run
from returnflow.engine.session import Session
from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.testing import MemoryShop
from returnflow.wizard.screen.desk import ScreenDesk
from returnflow.wizard.screen.entry import Entry
from returnflow.wizard.screen.terminal import Terminal

ABOUT = "from a key to the painted screen, on an order of 60 lines; bytes per key"

LINES = 60
SIZES = ((80, 24), (200, 60))
FLOOR = "python -c pass"
MEDIAN_LIMIT, P99_LIMIT = 16 / 15, 50 / 15
"""16 and 50 ms where an empty program takes 15."""

BYTES_LIMIT = 4096

DOWN, UP, PAGE_DOWN, PAGE_UP = "\x1b[B", "\x1b[A", "\x1b[6~", "\x1b[5~"
ROUND = [DOWN] * 12 + [" ", DOWN, "3", UP, UP, "+", "-"] + [PAGE_DOWN] * 5 + [PAGE_UP] * 5
ROUND += ["l", "a", "m", "p", DOWN, " ", " ", *["\x7f"] * 4, "\x1b[15~", "\x1b[15~", "?", "?"]
"""What is pressed, over and over."""

BEGINNING = ["c@example.com\r", "O-60\r"]


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--rounds", type=positive, default=20, help="over the keys (default: 20)")


def measure(options: Namespace) -> list[Table]:
    """Runs the benchmark."""
    floor = figure(FLOOR, [_empty_program() for _ in range(21)])
    tables = []
    for columns, rows in SIZES:
        times, sizes = _pressed(columns, rows, options.rounds)
        name = f"key to paint, {columns}×{rows}"
        found = figure(name, times)
        sent = figure("bytes", sizes)
        assert found.p99 is not None
        tables.append(
            Table(
                f"Keys on an order of {LINES} lines, {columns}×{rows}, ms",
                "ms",
                [floor, found],
                FLOOR,
                [
                    Target(f"median ÷ {FLOOR}", found.median / floor.median, MEDIAN_LIMIT, "times"),
                    Target(f"p99 ÷ {FLOOR}", found.p99 / floor.median, P99_LIMIT, "times"),
                ],
            )
        )
        tables.append(
            Table(
                f"What a key sends, {columns}×{rows}, bytes",
                "bytes",
                [sent],
                "",
                [Target("the most that a key sends", max(sizes), BYTES_LIMIT, "bytes")],
            )
        )
    return tables


def _empty_program() -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (perf_counter() - started) * 1000


def shop() -> MemoryShop:
    """A shop with one order of 60 lines."""
    today = datetime(2026, 3, 30, tzinfo=UTC).date()
    kinds = ("Reading lamp", "Tea pot", "Woollen rug", "Mug", "Bath sheet", "Extension cable")
    lines = tuple(
        OrderLine(
            item_id=f"ITEM-{number:02}",
            description=f"{kinds[number % len(kinds)]} number {number}, in a colour of its own",
            quantity=number % 4 + 1,
            unit_price=Decimal("19.99"),
            currency="EUR",
            returned=0,
            parcels=(Parcel(package_id="P-1", quantity=number % 4 + 1),),
        )
        for number in range(1, LINES + 1)
    )
    policy = ReturnPolicy(return_eligible=True, return_window="30")
    return MemoryShop(
        today=today,
        customers=[
            Customer(
                customer_id="C",
                first_name="Cara",
                email="c@example.com",
                active_orders=("O-60",),
            )
        ],
        orders=[Order(order_id="O-60", customer_id="C", order_date="2026-03-20", lines=lines)],
        items=[Item(item_id=line.item_id, policy=policy) for line in lines],
        packages=[Package(package_id="P-1", type="ORDER_DELIVERY", current_status="DELIVERED")],
    )


def _pressed(columns: int, rows: int, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds and bytes of each key; the first round is not counted."""
    written = io.StringIO()
    output = Vt100_Output(
        written, lambda: Size(rows=rows, columns=columns), term="xterm-256color", enable_cpr=False
    )
    with tempfile.TemporaryDirectory() as folder, create_pipe_input() as pipe:

        def terminal(*given: Any, **named: Any) -> Terminal:
            return _Pressed(*given, **named, source=pipe, sink=output)

        desk = ScreenDesk(("returnflow", "memory:", "kim"), 60.0, _now, terminal=terminal)
        assert isinstance(desk.terminal, _Pressed)
        desk.terminal.prepare(pipe, written, rounds)
        try:
            with _run(Path(folder), desk) as run:
                run.go()
        finally:
            desk.close()
        count = len(ROUND)
        return desk.terminal.times[count:], desk.terminal.sizes[count:]


@contextmanager
def _run(folder: Path, desk: ScreenDesk) -> Iterator[Run]:
    definition = procedures.load(bundled("states") / "handling_returns.yaml")
    backend = shop()
    zone = backend.zone or "UTC"
    header = Header(
        case_id="",
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent="benchmark",
        policy_date=backend.today,
        zone=zone,
        backend="benchmark:",
        started_at=_now(),
    )
    with (
        open_journal(f"sqlite:///{folder / 'journal.sqlite3'}") as journal,
        journal.begin(header, definition.text) as log,
    ):
        session = Session(definition, backend.today, zone)
        yield Run(session, log, desk, performer(backend), _now)


def _now() -> datetime:
    return datetime.now(UTC)


class _Pressed(Terminal):
    """A terminal whose keys are pressed one by one, each once the picture before it is there."""

    def prepare(self, pipe: PipeInput, written: io.StringIO, rounds: int) -> None:
        """Says where keys go and pictures come from."""
        self._pipe, self._written, self._rounds = pipe, written, rounds
        self.times: list[float] = []
        self.sizes: list[float] = []
        self._asked = 0
        self._painted = asyncio.Event()
        self.app.after_render += lambda _: self._painted.set()
        self._presser: asyncio.Task[None] | None = None

    def asked(self, entry: Entry) -> None:
        """See `Terminal`."""
        self._asked += 1
        if self._asked <= len(BEGINNING):
            self._pipe.send_text(BEGINNING[self._asked - 1])
        elif self._presser is None:
            self._presser = asyncio.ensure_future(self._press())

    async def _press(self) -> None:
        await asyncio.sleep(0.2)
        for _ in range(self._rounds + 1):
            for key in ROUND:
                await asyncio.sleep(0.001)
                before = self._written.tell()
                self._painted.clear()
                started = perf_counter()
                self._pipe.send_text(key)
                await self._painted.wait()
                self.times.append((perf_counter() - started) * 1000)
                self.sizes.append(len(self._written.getvalue()[before:].encode()))
        self._pipe.close()
