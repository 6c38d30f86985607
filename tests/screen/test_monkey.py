"""The full screen survives a monkey: see `screen.monkey` for what it does.

The seed is shown where it fails, and ``RETURNFLOW_MONKEY_SEED`` sets it.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from returnflow.backends import demo
from returnflow.backends.sql import SqlShop
from returnflow.engine.journal import visible
from returnflow.errors import AmbiguousError, NotFoundError
from returnflow.returns import VOCABULARY
from returnflow.testing import Fault, FaultyBackend
from returnflow.testing.faults import FaultKind
from screen.driver import lead
from screen.monkey import Monkey
from wizard.driver import Stage

KEYS = 50_000
SEED = int(os.environ.get("RETURNFLOW_MONKEY_SEED", "20261127"))
DAY = date(2026, 3, 30)
FAULTS: list[Any] = [kind for kind in get_args(FaultKind) if kind not in ("slow", "wrong")]


def may_go_back(shop: SqlShop) -> dict[tuple[str, str], int]:
    """By order and item, the units that may go back on the day, reckoned from the bare records."""
    units: Counter[tuple[str, str]] = Counter()
    for order_id in within_reach(shop):
        try:
            order = shop.get_order_details(order_id)
        except NotFoundError:
            continue
        for line in order.lines:
            try:
                policy = shop.get_item_details(line.item_id).policy
            except NotFoundError:
                continue
            if policy is None or policy.return_eligible is not True:
                continue
            if not _inside(policy.return_window or "", order.order_date, shop.zone or "UTC"):
                continue
            units[order_id, line.item_id] += sum(
                parcel.quantity for parcel in line.parcels if _arrived(shop, parcel.package_id)
            )
            units[order_id, line.item_id] -= line.returned or 0
    return units


def _arrived(shop: SqlShop, package_id: str) -> bool:
    if not package_id:
        return False
    try:
        package = shop.get_package_details(package_id)
    except NotFoundError:
        return False
    return (package.type, package.current_status) == ("ORDER_DELIVERY", "DELIVERED")


def _inside(window: str, ordered: str, zone: str) -> bool:
    if window.strip() == "unlimited":
        return True
    digits = "".join(char for char in window if char in "0123456789")
    if not digits or "-" in window:
        return False
    try:
        moment = datetime.fromisoformat(ordered)
    except ValueError:
        return False
    if moment.tzinfo is not None:
        moment = moment.astimezone(ZoneInfo(zone))
    return 0 <= (DAY - moment.date()).days <= int(digits)


def within_reach(shop: SqlShop) -> set[str]:
    """The orders that can be named and those that are listed."""
    found = {order_id for _, order_id in known(shop)}
    for email, _ in known(shop):
        with suppress(NotFoundError, AmbiguousError):
            found |= set(shop.get_customer_by_email(email).active_orders)
    return found


def known(shop: SqlShop) -> list[tuple[str, str]]:
    """Addresses of the demo shop, each with an order."""
    found = []
    for scenario in demo.scenarios():
        if scenario.script.order:
            try:
                shop.get_order_details(scenario.script.order)
            except NotFoundError:
                continue
            found.append((scenario.script.email, scenario.script.order))
    return found


def test_a_monkey_at_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """50,000 keys, pastes and resizes over many calls: no crash and no hang; every call replays
    (the driver sees to that); no unit goes back that may not, and none twice, though the shop
    fails now and then."""
    sys.stdout.write(f"RETURNFLOW_MONKEY_SEED={SEED}\n")
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    rng = Random(SEED)
    with demo.connect(today=DAY) as shop:
        before = {made.return_id for made in shop.returns()}
        limits = may_go_back(shop)
        monkey = Monkey(SEED, KEYS, known(shop))
        plan = {
            (operation, number): Fault(rng.choice(FAULTS), "busy")
            for operation in ("initiate_return", "transfer_to_human_representative")
            for number in range(1, 1000)
            if rng.random() < 0.1
        }
        plan |= {
            (operation, number): Fault("no_connection", "busy")
            for operation in ("get_customer_by_email", "get_order_details", "get_item_details")
            for number in range(1, 2000)
            if rng.random() < 0.02
        }
        seen: Counter[str] = Counter()
        with Stage(tmp_path, FaultyBackend(shop, plan)) as stage:
            while monkey.pressed < KEYS:
                lead(stage, monkey.script(), calls=10_000)
            cases = list(stage.journal.cases())
            for case in cases:
                _, _, entries = stage.journal.read(case.header.case_id, VOCABULARY.decoder)
                seen.update(entry.state for entry in visible(entries))
        gone: Counter[tuple[str, str]] = Counter()
        for made in shop.returns():
            if made.return_id not in before:
                gone[made.order_id, made.item_id] += made.quantity
    assert gone
    assert not {item: units for item, units in gone.items() if units > limits[item]}
    # It got about: not only the first question was tried.
    assert len(cases) > 20
    assert len(seen) > 12, seen
    sys.stdout.write(f"{len(cases)} calls, {sum(gone.values())} units, {dict(seen)}\n")
