"""Everybody who waits for a package in the demo shop, led through the wizard as `demo` says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from delayed.calls import lead
from returnflow.backends import demo, sql
from returnflow.backends.shopfile import read_shop
from returnflow.bundled import bundled

WAITING = {one.name: one for one in demo.waiting()}
# In the second year there lies a change to daylight-saving time.
DAYS = [date(2026, 11, 23), date(2028, 3, 27)]


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_a_call_ends_as_announced(name: str, day: date, tmp_path: Path) -> None:
    """Rules 1 to 3: what is told, in its order, what is issued, and how the call ends."""
    one = WAITING[name]
    data = read_shop(bundled("fixtures") / "shop", lambda zone: day)[0]
    with sql.create_file(tmp_path / "shop.sqlite3", data) as shop:
        before = shop.gift_cards()
        led = lead(shop, one.lines, day, tmp_path)
        issued = [card for card in shop.gift_cards() if card not in before]
    assert led.session.state.name == one.end, led.screen
    assert led.told == list(one.told)
    cards = [(package, amount, currency) for _, _, package, amount, currency in issued]
    card = one.gift_card
    assert cards == ([(card.package, f"{card.amount:.2f}", card.currency)] if card else [])
    for gift_card_id, *_ in issued:
        assert f"Your gift card has the number {gift_card_id}" in led.words


def test_a_second_call_about_the_same_package_gets_no_second_gift_card(tmp_path: Path) -> None:
    """Rule 47: the shop knows the card of the first call, and the second agent is told of it."""
    one = WAITING["01-late-and-overdue"]
    data = read_shop(bundled("fixtures") / "shop", lambda zone: DAYS[0])[0]
    again = tmp_path / "again"
    again.mkdir()
    with sql.create_file(tmp_path / "shop.sqlite3", data) as shop:
        lead(shop, one.lines, DAYS[0], tmp_path)
        kept = shop.gift_cards()
        lines = [one.email, "ORD-7501", "tent", "", "", "", "/important", "/done"]
        led = lead(shop, lines, DAYS[0], again)
        assert shop.gift_cards() == kept
    assert led.session.state.name == "closed"
    assert "There is nothing that I can offer you myself" in led.words
