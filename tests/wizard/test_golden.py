"""Whole calls as an agent sees them, in lines, at 80 and at 40 columns.

The files under `golden/` are for reading. ``RETURNFLOW_UPDATE_GOLDEN=1`` writes them anew; look
at the difference before you keep it.
"""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import wcwidth

from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.testing import MemoryShop, curated_shop
from wizard.driver import Stage

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("RETURNFLOW_UPDATE_GOLDEN") == "1"

NOTICES = ["", "", ""]
HOSTILE = "Kettle \x1b[31mRED\x1b[0m \x1b]0;owned\x07 \u202egnp.exe\u2069 \x9b2J\r\nSay “gone” \x00"


def dora(*names: str, policy: ReturnPolicy | None = None) -> MemoryShop:
    """A shop with one customer, whose one order has an item of each name; the last on its way."""
    day = date(2026, 3, 30)
    packages = [
        Package(package_id="P-1", type="ORDER_DELIVERY", current_status="DELIVERED"),
        Package(
            package_id="P-2",
            type="ORDER_DELIVERY",
            current_status="IN_TRANSIT",
            estimated_delivery_date="2026-04-02",
        ),
    ]
    lines = tuple(
        OrderLine(
            item_id=f"I-{number}",
            description=name,
            quantity=number,
            unit_price=Decimal("7.35"),
            currency="EUR",
            returned=0,
            parcels=(Parcel(package_id="P-2" if number == len(names) else "P-1", quantity=number),),
        )
        for number, name in enumerate(names, 1)
    )
    window = policy or ReturnPolicy(return_eligible=True, return_window="30 days")
    return MemoryShop(
        today=day,
        customers=[
            Customer(
                customer_id="C-1",
                first_name="Dora",
                last_name=names[0][:12],
                email="dora@example.com",
                active_orders=("O-1",),
            )
        ],
        orders=[
            Order(order_id="O-1", customer_id="C-1", order_date="2026-03-20T08:15:00", lines=lines)
        ],
        items=[Item(item_id=line.item_id, policy=window) for line in lines],
        packages=packages,
    )


def never() -> ReturnPolicy:
    return ReturnPolicy(return_eligible=False, return_window="14")


CALLS = {
    "full_return": (
        curated_shop,
        ["Ann@Example.com", "/unknown", "lamp", "reading x 1", "other", "too bright", "yes"],
        [*NOTICES, "/done"],
    ),
    "mixed_order": (
        lambda: dora("Tea pot, blue", "Tea cup", "Tea towel"),
        ["dora@example.com", "o-1", "all", "", "1", "1 x damaged: cracked, 1 x wrong item", "yes"],
        [*NOTICES * 3, "/done"],
    ),
    "nothing_eligible_then_transfer": (
        lambda: dora("Loose tea", "Tea biscuits", policy=never()),
        ["dora@example.com", "O-1", "/check 1", "1, 2 x 1", "", "", "/facts"],
        ["/transfer", "not satisfied", ""],
    ),
    "hostile_text": (
        lambda: dora(HOSTILE, "\x1b[2J\u202etsud\u2066"),
        ["dora@example.com", "/unknown", "1", "1", "1", "yes"],
        [*NOTICES, "/done"],
    ),
    "wide_text": (
        lambda: dora("急須 (常滑焼) 🍵 Théière 1,2 l", "👩‍🍳 Schürze „Übergröße“", "茶碗"),
        ["dora@example.com", "/unknown", "急須", "急須, schürze x 2", "2 for all", "yes"],
        [*NOTICES * 2, "/done"],
    ),
}


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_as_an_agent_sees_it(tmp_path: Path, name: str, columns: int) -> None:
    """Rule 37 for the one with hostile text: it is shown, and nothing of it acts."""
    make, lines, rest = CALLS[name]
    with Stage(tmp_path, make()) as stage:
        played = stage.lines(*lines, *rest, columns=columns)
    path = GOLDEN / f"{name}_{columns}.txt"
    if UPDATE:
        path.write_text(played.raw, encoding="utf-8")
    assert played.ended, played.raw
    assert played.raw == path.read_text(encoding="utf-8")
    rows = played.raw.split("\n")
    assert max(wcwidth.wcswidth(row) for row in rows) <= columns
    assert all(wcwidth.wcswidth(row) >= 0 for row in rows), "a character that acts"


def test_hostile_text_acts_on_no_terminal(tmp_path: Path) -> None:
    """Rule 37: of what stands in an item's name no escape, control or override gets out."""
    make, lines, rest = CALLS["hostile_text"]
    with Stage(tmp_path, make()) as stage:
        played = stage.keys("".join(f"{line}\r" for line in lines + rest))
    assert played.ended
    for character in "\x07\x9b\x00\u202e\u2066\u2069":
        assert character not in played.raw
    for sequence in ("\x1b[31m", "\x1b]0;owned", "\x1b[2J\u202e"):
        assert sequence not in played.raw
    assert "Kettle ·[31mRED" in played.screen
