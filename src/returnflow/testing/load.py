"""Many calls at once on one journal and one shop: led by scripts, checked afterwards.

Some calls are pairs: two agents return the last unit of one item at the same moment, from two
processes where there are several. After all calls ended, `check` reads journal and shop and says
what is wrong: a unit returned twice, a call lost, a return that only one of the two knows of.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from threading import BrokenBarrierError
from typing import Any, Literal

from returnflow.backends import sql
from returnflow.backends.shopdata import ShopData
from returnflow.engine.journal import Entry, visible
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.session import Session
from returnflow.errors import ReturnflowError
from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.testing.load_worker import CallResult, Job, Place, Script, definition, lead_calls

ZONE = "Europe/Berlin"
LIMIT_SECONDS = 600.0
"""A run that takes longer has failed."""

_KINDS: tuple[Literal["one", "two", "human", "drop"], ...] = (
    *("one", "one", "one", "one", "one"),
    *("two", "human", "drop"),
)
_GROUP = 10
"""Of so many calls two are a pair, the others of the kinds above."""


@dataclass(frozen=True)
class Load:
    """What is to be led.

    Args:
        calls: how many, all open at the same time.
        workers: processes; each call is a thread of one.
        think: seconds that an agent thinks before each answer, on average.
    """

    calls: int
    workers: int = 4
    think: float = 0.0
    today: date = date(2026, 11, 27)


@dataclass
class Outcome:
    """What came of a load.

    Args:
        seconds: from the moment when all calls began until the last one ended.
        events: how long each event took to be proposed, journaled and accepted, in seconds.
        troubles: how often a call met a journal or a shop that failed, and went on.
    """

    seconds: float
    results: list[CallResult] = field(default_factory=list)

    @property
    def events(self) -> list[float]:
        """See above."""
        return [each for result in self.results for each in result.events]

    @property
    def troubles(self) -> int:
        """See above."""
        return sum(result.troubles for result in self.results)


class LoadError(ReturnflowError):
    """A load could not be led to its end."""


def scripts(load: Load) -> list[Script]:
    """What each call does; a pair are two calls with the same order."""
    made: list[Script] = []
    for number in range(load.calls):
        group, place = divmod(number, _GROUP)
        pair = group if place < 2 and group * _GROUP + 1 < load.calls else None
        order = group * _GROUP if pair is not None else number
        kind = "pair" if pair is not None else _KINDS[(place - 2) % len(_KINDS)]
        made.append(
            Script(
                number=number,
                kind=kind,
                email=f"customer{order}@example.com",
                order_id=f"LOAD-{order}",
                pair=pair,
            )
        )
    return made


def shop_data(load: Load) -> ShopData:
    """A shop in which these scripts have their customers, orders and packages."""
    orders = sorted({script.order_id for script in scripts(load)})
    day = (load.today - timedelta(days=5)).isoformat()
    return ShopData(
        zone=ZONE,
        loaded_on=load.today.isoformat(),
        customers=tuple(
            Customer(
                customer_id=f"C-{order_id}",
                first_name="Kim",
                email=f"customer{order_id.removeprefix('LOAD-')}@example.com",
                active_orders=(order_id,),
            )
            for order_id in orders
        ),
        orders=tuple(
            Order(
                order_id=order_id,
                customer_id=f"C-{order_id}",
                order_date=day,
                payment_status="SUCCESS",
                lines=tuple(
                    OrderLine(
                        item_id=item,
                        description=f"Thing {item}",
                        quantity=1,
                        unit_price=Decimal("19.90"),
                        currency="EUR",
                        parcels=(Parcel(package_id=f"P-{order_id}", quantity=1),),
                    )
                    for item in ("A", "B")
                ),
            )
            for order_id in orders
        ),
        items=tuple(
            Item(
                item_id=item,
                description=f"Thing {item}",
                cost=Decimal("19.90"),
                currency="EUR",
                policy=ReturnPolicy(return_eligible=True, return_window="30 days"),
            )
            for item in ("A", "B")
        ),
        packages=tuple(
            Package(
                package_id=f"P-{order_id}",
                type="ORDER_DELIVERY",
                current_status="DELIVERED",
                estimated_delivery_date=day,
                final_delivery_date=day,
            )
            for order_id in orders
        ),
    )


def lead(load: Load, place: Place, *, in_the_middle: Callable[[], None] | None = None) -> Outcome:
    """Leads all calls at once and waits until the last one ended.

    Args:
        place: the journal and a shop made from `shop_data`.
        in_the_middle: called once, when about half of the work is done.

    Raises:
        LoadError: a worker failed, or it takes longer than `LIMIT_SECONDS`.
    """
    spawn = multiprocessing.get_context("spawn")
    all_scripts = scripts(load)
    workers = min(load.workers, load.calls)
    begin, middle = spawn.Barrier(workers + 1), spawn.Event()
    pairs = {script.pair for script in all_scripts if script.pair is not None}
    meetings = {pair: spawn.Barrier(2) for pair in sorted(pairs)}
    answers: Any = spawn.Queue()
    processes = []
    for index in range(workers):
        own = all_scripts[index::workers]
        job = Job(
            scripts=own,
            place=place,
            today=load.today,
            zone=ZONE,
            think=load.think,
            meetings={script.pair: meetings[script.pair] for script in own if script.pair in pairs},
        )
        processes.append(
            spawn.Process(target=lead_calls, args=(job, begin, middle, answers), daemon=True)
        )
    for process in processes:
        process.start()
    try:
        try:
            begin.wait(LIMIT_SECONDS)
        except BrokenBarrierError:
            raise LoadError(str(answers.get(timeout=LIMIT_SECONDS))) from None
        started = time.monotonic()
        if in_the_middle is not None and _reached(middle, processes):
            in_the_middle()
        outcome = Outcome(0.0)
        for _ in processes:
            answer = answers.get(timeout=LIMIT_SECONDS)
            if isinstance(answer, str):
                raise LoadError(answer)
            outcome.results += answer
        outcome.seconds = time.monotonic() - started
        for process in processes:
            process.join(LIMIT_SECONDS)
        return outcome
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
                process.join()


def _reached(middle: Any, processes: Sequence[Any]) -> bool:
    """Waits for the middle; False: all ended before it was reached."""
    while not middle.wait(0.1):
        if not any(process.is_alive() for process in processes):
            return False
    return True


def check(load: Load, place: Place, outcome: Outcome) -> list[str]:
    """Everything that is wrong afterwards, in words; empty: nothing is."""
    wrong = [f"call {result.number}: {result.fault}" for result in outcome.results if result.fault]
    by_number = {result.number: result for result in outcome.results}
    opened: Counter[str] = Counter()
    won: dict[int, int] = {}
    with open_journal(place.journal) as journal, sql.connect(place.shop) as shop:
        kept = {line.header.case_id: line for line in journal.cases()}
        for script in scripts(load):
            found = by_number.get(script.number)
            if found is None or found.case_id not in kept:
                wrong.append(f"call {script.number} is lost")
                continue
            if not kept[found.case_id].ended:
                wrong.append(f"call {script.number} is open, in {kept[found.case_id].state}")
            header, _, entries = journal.read(found.case_id, VOCABULARY.decoder)
            wrong += _illegal(found.case_id, header.policy_date, entries)
            tracking = [
                entry.event.receipt.tracking_id
                for entry in visible(entries)
                if isinstance(entry.event, ev.ReturnOpened)
            ]
            opened.update(tracking)
            if script.pair is not None:
                won[script.pair] = won.get(script.pair, 0) + len(tracking)
            elif len(tracking) != {"one": 1, "two": 2}.get(script.kind, 0):
                wrong.append(f"call {script.number} ({script.kind}) opened {len(tracking)} returns")
        if len(kept) != load.calls:
            wrong.append(f"{len(kept)} calls are in the journal, {load.calls} were led")
        wrong += [f"pair {pair} returned its unit {n} times" for pair, n in won.items() if n != 1]
        stored = Counter(past.tracking_id for past in shop.returns())
        units = Counter((past.order_id, past.item_id) for past in shop.returns())
    wrong += [
        f"item {item} of {order} was returned twice" for (order, item), n in units.items() if n > 1
    ]
    wrong += [f"return {each}: in a call, not in the shop" for each in opened - stored]
    wrong += [f"return {each}: in the shop, in no call" for each in stored - opened]
    return wrong


def _illegal(case_id: str, policy_date: date, entries: Sequence[Entry]) -> list[str]:
    """Folds a call anew: whether it is one that could have been made."""
    session = Session(definition(), policy_date, ZONE)
    for entry in visible(entries):
        assert entry.event is not None
        step = session.propose(entry.event)
        if not step.accepted:
            return [f"case {case_id}, row {entry.seq}: {session.refusal(step)}"]
        session.accept(step)
        if session.state.name != entry.state:
            return [f"case {case_id}, row {entry.seq}: {session.state.name}, not {entry.state}"]
    return []
