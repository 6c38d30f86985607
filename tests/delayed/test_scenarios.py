"""What can go wrong in a call about a delayed package, led through the plain wizard."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from delayed.calls import lead, procedure
from returnflow.delayed import news
from returnflow.errors import UsageError
from returnflow.records import Package
from returnflow.testing import Fault, FaultyBackend
from returnflow.testing.delayed_sampler import waiting_shop
from returnflow.wizard.commands import COMMANDS

TODAY = waiting_shop().today
OFFERED = ["ann@example.com", "O-ANN", "tent", "", "", "/important", ""]
TAKEN = [*OFFERED, "/accept"]


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_text"])
def test_a_time_out_is_settled_with_the_same_key(kind: str, tmp_path: Path) -> None:
    """Rules 28, 29: asked again, there is one gift card, whatever the first sending did."""
    inner = waiting_shop()
    fault = Fault(kind)  # type: ignore[arg-type]  # one of the kinds
    shop = FaultyBackend(inner, {("issue_gift_card", 1): fault})
    led = lead(shop, [*TAKEN, "/again", "", "/done"], TODAY, tmp_path)
    assert led.session.state.name == "closed"
    assert len(inner.gift_cards) == 1
    assert "it cannot issue a second gift card" in led.words
    assert f"Gift card {inner.gift_cards[0].receipt.gift_card_id}: 4.90 EUR" in led.words


def test_what_nobody_knows_is_left_open_and_named(tmp_path: Path) -> None:
    """Rule 29: the call goes on, and its end says what is to be checked."""
    inner = waiting_shop()
    shop = FaultyBackend(inner, {("issue_gift_card", 1): Fault("timeout_before")})
    led = lead(shop, [*TAKEN, "/open", "/done"], TODAY, tmp_path)
    assert led.session.state.name == "closed"
    assert "To be checked, since the shop confirmed nothing: a gift card of 4.90 EUR" in led.words
    assert inner.gift_cards == []


def test_a_refusal_is_told_with_its_reason(tmp_path: Path) -> None:
    """Rule 30: nothing was done, and the agent has the shop's words."""
    shop = FaultyBackend(
        waiting_shop(), {("issue_gift_card", 1): Fault("refusal", "the budget is used up")}
    )
    led = lead(shop, [*TAKEN, "/done"], TODAY, tmp_path)
    assert led.session.state.name == "closed"
    assert "Our system declined the gift card of 4.90 EUR (the budget is used up)." in led.words


def test_two_late_packages_have_a_card_each(tmp_path: Path) -> None:
    """Rules 42, 49: every package of the item is told of, offered for, and issued for, one by
    one."""
    shop = waiting_shop()
    said = [""] * 4
    lines = ["ann@example.com", "O-ANN", "lamp", *said, "/important", "", "", "/accept", "", ""]
    led = lead(shop, [*lines, "/done"], TODAY, tmp_path)
    assert led.session.state.name == "closed"
    assert [card.package_id for card in shop.gift_cards] == ["P-LAMP-1", "P-LAMP-2"]
    assert len({card.key for card in shop.gift_cards}) == 2
    assert led.told.count("on_its_way") == 2
    assert led.told.count("gift_card_issued") == 2


def test_a_call_left_at_the_write_goes_on_the_next_day(tmp_path: Path) -> None:
    """Rule 4: what was sent is settled first, under its key; then the new day begins."""
    inner = waiting_shop()
    shop = FaultyBackend(inner, {("issue_gift_card", 1): Fault("timeout_after")})
    left = lead(shop, TAKEN, TODAY, tmp_path)
    assert left.session.state.name == "gift_card_unconfirmed"
    later = TODAY + timedelta(days=1)
    led = lead(shop, ["/again", "", "/done"], later, tmp_path, resume="CALL")
    assert led.session.state.name == "closed"
    assert len(inner.gift_cards) == 1


def test_the_next_day_the_package_is_looked_up_again(tmp_path: Path) -> None:
    """Rule 4: on another day a date may have passed that had not before."""
    shop = waiting_shop()
    left = lead(shop, ["ann@example.com", "O-ANN", "tent", "", ""], TODAY, tmp_path)
    assert left.told == ["on_its_way", "apology"]
    later = TODAY + timedelta(days=4)  # the estimated day, 2 April, is over
    led = lead(shop, ["", "", "", "/done"], later, tmp_path, resume="CALL")
    assert led.session.state.name == "closed"
    assert led.told == ["on_its_way", "apology", "on_its_way", "apology", "follow_up"]


def test_nothing_is_issued_before_it_is_offered_and_news_come_first(tmp_path: Path) -> None:
    """Rules 45, 48: the prescribed order cannot be left."""
    shop = waiting_shop()
    lines = ["ann@example.com", "O-ANN", "tent", "/important", "", "", "/important", "/accept"]
    led = lead(shop, lines, TODAY, tmp_path)
    assert "First say where the package is." in led.words
    assert "Not yet: the gift card has not been offered yet." in led.words
    assert shop.gift_cards == []


def test_wrong_input_is_told_at_the_prompt(tmp_path: Path) -> None:
    """An item that is not in the order, and words that fit nothing."""
    lines = ["ann@example.com", "O-ANN", "wardrobe", "99", "", "tent"]
    led = lead(waiting_shop(), lines, TODAY, tmp_path)
    assert "No item of the list matches “wardrobe”" in led.words
    assert led.session.state.name == "status_told"


def test_where_an_item_is_can_be_looked_up_before_it_is_named(tmp_path: Path) -> None:
    """Both packages of the lamps; named afterwards, nothing is looked up a second time."""
    lines = ["ann@example.com", "O-ANN", "/check lamp", "lamp"]
    led = lead(waiting_shop(), lines, TODAY, tmp_path)
    assert "LAMP: package P-LAMP-1: on its way, expected 2026-04-02; package P-LAMP-2" in led.words
    assert led.session.state.name == "status_told"
    looked_up = [event for event in led.events if type(event).__name__ == "PackageFound"]
    assert len(looked_up) == 2


def test_no_day_is_expected_of_a_package_that_is_there_already(tmp_path: Path) -> None:
    """The estimate stays in its record; it is no news any more."""
    shop = waiting_shop()
    tent = shop.packages["P-TENT"]
    shop.packages["P-TENT"] = replace(
        tent, current_status="DELIVERED", final_delivery_date="2026-03-28"
    )
    led = lead(shop, ["ann@example.com", "O-ANN", "/check tent"], TODAY, tmp_path)
    assert tent.estimated_delivery_date
    assert "TENT: package P-TENT: delivered" in led.words
    assert "expected" not in led.words


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_can_be_typed_about_a_package(command: str, tmp_path: Path) -> None:
    """None of them is about returns alone; what cannot be done is told, and the call goes on."""
    typed = ["ann@example.com", "O-ANN", f"/{command}", "", "", ""]
    led = lead(waiting_shop(), typed, TODAY, tmp_path)
    assert f"/{command}" in led.screen
    assert led.session.case.customer is not None


def test_a_shop_without_gift_cards_is_found_when_the_call_begins() -> None:
    """Rule 50: a capability that is missing is told at once, not in the middle of a call."""
    capabilities = frozenset(waiting_shop().capabilities()) - {"issue_gift_card"}
    with pytest.raises(UsageError, match="issue_gift_card"):
        procedure().require(capabilities, "json:shop")


# -- dates ------------------------------------------------------------------------------------


def package(**changes: str) -> Package:
    """A package on its way."""
    given = {"type": "ORDER_DELIVERY", "current_status": "IN_TRANSIT", **changes}
    return Package(package_id="P", **given)  # type: ignore[arg-type]  # all texts


@pytest.mark.parametrize(
    ("changes", "today", "broken", "overdue"),
    [
        ({"promised_delivery_date": "2026-03-30"}, 30, False, False),
        ({"promised_delivery_date": "2026-03-30"}, 31, True, False),
        ({"estimated_delivery_date": "2026-03-30"}, 31, True, True),
        # 23:30 in UTC is the next day in Berlin (rule 2).
        ({"promised_delivery_date": "2026-03-30T23:30:00Z"}, 31, False, False),
        ({"promised_delivery_date": "2026-03-30T23:30:00"}, 31, True, False),
        # The night of 29 March 2026 has an hour less.
        ({"promised_delivery_date": "2026-03-28"}, 29, True, False),
        ({"promised_delivery_date": "soon", "estimated_delivery_date": ""}, 31, False, False),
        ({"promised_delivery_date": "2026-03-01", "estimated_delivery_date": ""}, 31, True, False),
        (
            {
                "promised_delivery_date": "2026-03-20",
                "estimated_delivery_date": "2026-03-20",
                "current_status": "DELIVERED",
                "final_delivery_date": "2026-03-22",
            },
            31,
            True,
            False,
        ),
        (
            {
                "promised_delivery_date": "2026-03-20",
                "current_status": "DELIVERED",
                "final_delivery_date": "2026-03-20",
            },
            31,
            False,
            False,
        ),
        # A parcel that goes back is no delivery (rule 11).
        (
            {
                "estimated_delivery_date": "2026-03-20",
                "type": "RETURN",
                "current_status": "DELIVERED",
            },
            31,
            True,
            True,
        ),
        ({"promised_delivery_date": "[DATE]"}, 31, None, False),
        ({"estimated_delivery_date": "[DATE]"}, 31, None, None),
    ],
)
def test_when_a_day_has_passed(
    changes: dict[str, str], today: int, broken: bool | None, overdue: bool | None
) -> None:
    """Rules 1 to 3, 11, 41, 43, 44: the day itself is in time; what nobody recorded is unknown."""
    day = date(2026, 3, today)
    assert news.broken(package(**changes), day, "Europe/Berlin") is broken
    assert news.overdue(package(**changes), day, "Europe/Berlin") is overdue


@pytest.mark.parametrize(
    ("changes", "cost", "delayed", "worth"),
    [
        # Late.
        ({"promised_delivery_date": "2026-03-29"}, "4.90", True, "4.90"),
        # Not late yet, but expected later than promised.
        (
            {"promised_delivery_date": "2026-04-02", "estimated_delivery_date": "2026-04-03"},
            "4.90",
            True,
            "4.90",
        ),
        ({"promised_delivery_date": "2026-03-30"}, "4.90", False, "4.90"),
        (
            {"promised_delivery_date": "2026-03-01", "current_status": "DELIVERED"},
            "4.90",
            False,
            "4.90",
        ),
        ({"promised_delivery_date": "2026-03-29"}, "0", True, None),
        ({"promised_delivery_date": "2026-03-29"}, None, True, None),
    ],
)
def test_what_a_gift_card_is_for_and_worth(
    changes: dict[str, str], cost: str | None, delayed: bool, worth: str | None
) -> None:
    """Rule 46: for a delayed package that is not delivered; its shipping cost, or nothing."""
    one = replace(package(**changes), shipment_cost=None if cost is None else Decimal(cost))
    assert news.delayed(one, date(2026, 3, 30), "Europe/Berlin") is delayed
    assert news.worth(one) == (None if worth is None else Decimal(worth))
