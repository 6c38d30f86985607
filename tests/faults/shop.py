"""The shop of the fault tests, and what must hold of a call however often it was broken off."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import msgspec

from faults.child import Spec
from returnflow.backends import sql
from returnflow.backends.shopdata import PastReturn, ShopData
from returnflow.engine import definition
from returnflow.engine.journal import CaseLine, Entry, visible
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.session import Session
from returnflow.records import (
    Customer,
    Item,
    Order,
    OrderLine,
    Package,
    Parcel,
    ReturnPolicy,
)
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev

NOW = "2026-03-30T10:00:00+02:00"
"""A day within the window of the order."""

EARLIER = "2026-03-01"

CHILD = Path(__file__).parent / "child.py"


def _line(item: str, words: str, package: str, quantity: int = 1) -> OrderLine:
    return OrderLine(
        item_id=item,
        description=words,
        quantity=quantity,
        unit_price=Decimal("19.99"),
        currency="EUR",
        parcels=(Parcel(package_id=package, quantity=quantity),),
    )


def _item(item: str, words: str, window: str = "30", *, eligible: bool = True) -> Item:
    policy = ReturnPolicy(return_eligible=eligible, return_window=window)
    return Item(item_id=item, description=words, policy=policy)


DATA = ShopData(
    zone="Europe/Berlin",
    loaded_on="2026-03-30",
    customers=(
        Customer(
            customer_id="ANN", first_name="Ann", email="ann@example.test", active_orders=("ORD-1",)
        ),
    ),
    orders=(
        Order(
            order_id="ORD-1",
            customer_id="ANN",
            order_date=EARLIER,
            payment_status="SUCCESS",
            lines=(
                _line("LAMP", "Reading lamp", "P-HERE", 2),
                _line("MUG", "Blue mug", "P-HERE"),
                _line("SHELF", "Wall shelf", "P-WAY"),
                _line("TIPS", "Ear tips", "P-HERE"),
                _line("LAST", "Tea cosy", "P-HERE", 2),
            ),
        ),
    ),
    items=(
        _item("LAMP", "Reading lamp", "unlimited"),
        _item("MUG", "Blue mug", "29"),
        _item("SHELF", "Wall shelf", "60 days"),
        _item("TIPS", "Ear tips", eligible=False),
        _item("LAST", "Tea cosy", "90"),
    ),
    packages=(
        Package(package_id="P-HERE", type="ORDER_DELIVERY", current_status="DELIVERED"),
        Package(
            package_id="P-WAY",
            type="ORDER_DELIVERY",
            current_status="IN_TRANSIT",
            estimated_delivery_date="2026-04-02",
        ),
    ),
    returns=(
        PastReturn(
            return_id="OLD", tracking_id="RT-OLD", order_id="ORD-1", item_id="LAST", quantity=1
        ),
    ),
)
"""A mixed order: two lines that may go back (the mugs' window closes today), one in transit, one
excluded; and one with a single unit that is not in a return yet."""

RETURNS = [("LAMP", 2, "DAMAGED"), ("MUG", 1, "OTHER")]
"""What the full call opens."""

SCRIPT = [
    *("ann@example.test", "ORD-1", "LAMP x 2, MUG, SHELF, TIPS", "", ""),
    *("damaged", "other: wrong colour", "yes", "", "", "", "", "", ""),
    *("/transfer", "not satisfied", ""),
]
"""The full call as it is typed when nothing goes wrong: two returns, then a transfer."""


class Server:
    """The fork server of `child`, started.

    Args:
        home: the data folder of all its runs.
    """

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(RETURNFLOW_HOME=str(home)),
        )

    def run(self, spec: Spec) -> int:
        """Runs `spec` in a fresh process: its exit status, or minus the signal that ended it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(spec) + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate()


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: the present one without settings of returnflow's own."""
    kept = {name: value for name, value in os.environ.items() if "RETURNFLOW" not in name}
    return {**kept, "RETURNFLOW_AGENT": "kim", "PYTHONUTF8": "1", **more}


@dataclass
class Scene:
    """A folder with a shop and a journal, and the runs of the program on them."""

    folder: Path
    server: Server
    runs: int = 0
    last: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def shop_url(self) -> str:
        return f"sqlite:///{self.folder / 'shop.sqlite3'}"

    @property
    def journal_url(self) -> str:
        return f"sqlite:///{self.folder / 'journal.sqlite3'}"

    def spec(self, command: list[str], **more: Any) -> Spec:
        """A run of a command on this shop and journal."""
        self.runs += 1
        self.last = self.folder / f"out-{self.runs}.txt"
        more = {"now": NOW, "points": str(self.folder / f"points-{self.runs}.txt"), **more}
        places = ["--backend", self.shop_url, "--journal", self.journal_url]
        return Spec(arguments=[*command, *places], out=str(self.last), **more)

    def wizard(self, **more: Any) -> int:
        """A new call; by default the whole script is typed."""
        return self.server.run(self.spec(["wizard"], **{"lines": SCRIPT, **more}))

    def resume(self, **more: Any) -> int:
        """Goes on with the only call; by default the autopilot answers."""
        return self.server.run(self.spec(["calls", "resume", self.case_id], **more))

    @property
    def screen(self) -> str:
        """What the last run showed."""
        return self.last.read_text(encoding="utf-8")

    @property
    def words(self) -> str:
        """The same as one long line, so that it does not matter where lines were broken."""
        return " ".join(self.screen.split())

    @property
    def points(self) -> list[str]:
        """The kill points that the last run passed."""
        path = self.folder / f"points-{self.runs}.txt"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    # -- what stands in the journal and in the shop -----------------------------------------------

    def cases(self) -> list[CaseLine]:
        with open_journal(self.journal_url) as journal:
            return list(journal.cases())

    @property
    def case_id(self) -> str:
        (case,) = self.cases()
        return case.header.case_id

    def entries(self, case_id: str | None = None) -> list[Entry]:
        with open_journal(self.journal_url) as journal:
            return list(journal.read(case_id or self.case_id, VOCABULARY.decoder)[2])

    def events(self, case_id: str | None = None) -> list[Any]:
        """The events that count, in order."""
        return [entry.event for entry in visible(self.entries(case_id))]

    def session(self) -> Session:
        """The call, folded from its journal; raises where it does not fold."""
        with open_journal(self.journal_url) as journal:
            header, text, entries = journal.read(self.case_id, VOCABULARY.decoder)
        events = [entry.event for entry in visible(entries) if entry.event is not None]
        procedure = definition.loads(text, "the journal")
        return Session.folded(procedure, header.policy_date, header.zone, events)

    def returns(self) -> list[tuple[str, int, str]]:
        """What was opened in the shop, beside what stood there before."""
        with sql.connect(self.shop_url) as shop:
            found = shop.returns()
        return [(r.item_id, r.quantity, r.reason) for r in found if r.return_id != "OLD"]

    def transfers(self) -> list[tuple[str, str | None, str]]:
        with sql.connect(self.shop_url) as shop:
            return shop.transfers()

    def keys(self) -> set[str]:
        """The idempotency keys under which the shop did something."""
        with closing(sqlite3.connect(self.folder / "shop.sqlite3")) as shop:
            rows = shop.execute(
                "SELECT idempotency_key FROM returns WHERE return_id <> 'OLD' "
                "UNION ALL SELECT idempotency_key FROM transfers"
            ).fetchall()
        return {key for (key,) in rows}

    def requests(self) -> list[Any]:
        """The journaled requests of writes, hidden ones too."""
        return [
            entry.event
            for entry in self.entries()
            if isinstance(entry.event, ev.ReturnRequested | ev.TransferRequested)
        ]

    def tracking_ids(self) -> set[str]:
        with sql.connect(self.shop_url) as shop:
            return {r.tracking_id for r in shop.returns() if r.return_id != "OLD"}


def check_whole(scene: Scene, *, transfers_requested: int = 1) -> None:
    """The call is one, ended in the transfer, and the shop did each thing exactly once.

    A transfer that surely was not made may be requested anew; one that perhaps was, never.
    """
    (case,) = scene.cases()
    assert (case.state, case.ended) == ("transferred", True)
    session = scene.session()
    assert session.state.name == "transferred"
    assert sorted(scene.returns()) == RETURNS
    ((_, customer_id, summary),) = scene.transfers()
    assert customer_id == "ANN"
    assert all(tracking_id in summary for tracking_id in scene.tracking_ids())
    events = scene.events()
    count = Counter(type(event) for event in events)
    assert count[ev.ReturnRequested] == count[ev.ReturnOpened] == len(RETURNS)
    assert count[ev.TransferRequested] == transfers_requested
    assert count[ev.TransferAccepted] == 1
    opened = {event.receipt.tracking_id for event in events if isinstance(event, ev.ReturnOpened)}
    assert opened == scene.tracking_ids()
    said = Counter((event.notice, event.subject) for event in events if isinstance(event, ev.Told))
    notices = ("tracking_id", "shipping_not_refunded", "approval_before_pickup")
    owed = {(notice, tracking_id) for notice in notices for tracking_id in opened}
    assert said == Counter(owed | {("after_delivery", "SHELF"), ("final", "TIPS")})
