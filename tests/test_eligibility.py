"""May it go back? The rules of the window, of delivery and of quantity, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from returnflow.records import Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.returns import eligibility
from returnflow.returns.eligibility import UNLIMITED, calendar_day, decide, window_days

TODAY = date(2026, 4, 30)

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia")
STATUSES = (
    "AT_WAREHOUSE",
    "IN_TRANSIT",
    "AT_DELIVERY_STATION",
    "OUT_FOR_DELIVERY",
    "DELIVERED",
    "DELIVERY_FAILURE",
    "RETURN_PICKEDUP",
    "RETURN_COMPLETED",
    "RETURN_INITIATED",
)


def parcel(package_id: str = "P", quantity: int = 1) -> Parcel:
    return Parcel(package_id=package_id, quantity=quantity)


def line(
    quantity: int = 1, *parcels: Parcel, price: str = "10.00", returned: int | None = 0
) -> OrderLine:
    return OrderLine(
        item_id="LAMP",
        description="Reading lamp",
        quantity=quantity,
        unit_price=Decimal(price),
        currency="EUR",
        returned=returned,
        parcels=parcels or (parcel(quantity=quantity),),
    )


def order(ordered: str = "2026-04-20", *lines: OrderLine) -> Order:
    return Order(order_id="O", customer_id="C", order_date=ordered, lines=lines or (line(),))


def item(eligible: bool | None = True, window: str | None = "30") -> Item:
    return Item(item_id="LAMP", policy=ReturnPolicy(return_eligible=eligible, return_window=window))


def package(
    status: str = "DELIVERED", type_: str = "ORDER_DELIVERY", due: str = "", package_id: str = "P"
) -> Package:
    return Package(
        package_id=package_id, type=type_, current_status=status, estimated_delivery_date=due
    )


def decision(
    of: Order | None = None,
    what: Item | None = None,
    *packages: Package,
    wanted: int = 1,
    taken: int = 0,
    today: date = TODAY,
    zone: str = "Europe/Berlin",
    known: bool = True,
) -> eligibility.Decision:
    """The decision on the lamp; `known` is False for an item that the shop does not know."""
    found = packages or (package(),)
    return decide(
        of or order(),
        "LAMP",
        wanted,
        (what or item()) if known else None,
        {one.package_id: one for one in found},
        taken,
        today,
        zone,
    )


def codes(found: eligibility.Decision) -> list[str]:
    return [reason.code for reason in found.reasons]


def words(found: eligibility.Decision) -> str:
    return "; ".join(reason.sentence for reason in found.reasons)


# -- the window -------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 1, 14, 30, 365])
def test_the_last_day_is_inside_and_the_next_is_not(days: int) -> None:
    """Rule 1: counted from the order; the order day is day 0, day N inside, day N+1 outside."""
    ordered = date(2026, 1, 31)
    for passed in {0, days - 1, days} - {-1}:
        today = ordered + timedelta(days=passed)
        found = decision(order("2026-01-31"), item(window=str(days)), today=today)
        assert (found.allowed, codes(found)) == (1, []), f"day {passed}"
    late = ordered + timedelta(days=days + 1)
    found = decision(order("2026-01-31"), item(window=str(days)), today=late)
    assert (found.allowed, codes(found), found.advice) == (0, ["window_closed"], "final")
    assert f"{days + 1} day" in words(found)
    assert "1 day too late" in words(found)
    assert eligibility.day_words(ordered + timedelta(days=days)) in words(found)


def test_the_window_is_not_counted_from_the_delivery() -> None:
    """Rule 1: a parcel that came yesterday does not lengthen the window."""
    came = Package(
        package_id="P",
        type="ORDER_DELIVERY",
        current_status="DELIVERED",
        final_delivery_date="2026-04-29",
    )
    assert codes(decision(order("2026-03-01"), item(), came)) == ["window_closed"]


@pytest.mark.parametrize(
    ("ordered", "zone", "day"),
    [
        ("2026-04-20T23:30:00Z", "Asia/Kolkata", 21),
        ("2026-04-20T23:30:00Z", "Europe/Berlin", 21),
        ("2026-04-20T23:30:00Z", "UTC", 20),
        ("2026-04-20T23:30:00Z", "America/New_York", 20),
        ("2026-04-21T02:30:00+00:00", "America/New_York", 20),
        ("2026-04-20T23:30:00+05:30", "UTC", 20),
        ("2026-04-20T01:00:00+05:30", "UTC", 19),
        # Without a zone it is read in the policy zone, whichever that is.
        ("2026-04-20T23:30:00", "Asia/Kolkata", 20),
        ("2026-04-20 00:10:00", "America/New_York", 20),
        # A date without a time gets none invented.
        ("2026-04-20", "Asia/Kolkata", 20),
        ("2026-04-20", "America/New_York", 20),
        (" 2026-04-20 ", "Pacific/Apia", 20),
    ],
)
def test_days_are_those_of_the_policy_zone(ordered: str, zone: str, day: int) -> None:
    """Rules 2, 3: calendar days of the policy zone, for every form of a time stamp."""
    assert calendar_day(ordered, zone) == date(2026, 4, day)
    last = date(2026, 4, day) + timedelta(days=10)
    for today, inside in ((last, True), (last + timedelta(days=1), False)):
        found = decision(order(ordered), item(window="10"), today=today, zone=zone)
        assert (found.allowed == 1) is inside


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Europe/Berlin", (date(2026, 3, 29), date(2026, 10, 25))),
        ("America/New_York", (date(2026, 3, 8), date(2026, 11, 1))),
    ],
)
def test_a_clock_change_never_changes_the_count(zone: str, changes: Sequence[date]) -> None:
    """Rule 2: across a day of 23 or 25 hours, by local time at any hour, N days are N days."""
    for change in changes:
        for hour in (0, 1, 2, 3, 12, 23):
            moment = datetime.combine(change - timedelta(days=1), time(hour, 30), ZoneInfo(zone))
            for ordered in (moment.isoformat(), moment.astimezone(UTC).isoformat()):
                for passed, inside in ((1, True), (2, True), (3, False)):
                    today = moment.date() + timedelta(days=passed)
                    found = decision(order(ordered), item(window="2"), today=today, zone=zone)
                    assert (found.allowed == 1) is inside, (ordered, today)


@settings(deadline=None)
@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 (zoned below)
    zone=st.sampled_from(ZONES),
    written=st.sampled_from([*ZONES, ""]),
    days=st.integers(0, 99_999),
    passed=st.integers(0, 3000),
)
def test_the_window_for_any_dates_and_zones(
    moment: datetime, zone: str, written: str, days: int, passed: int
) -> None:
    """Rules 1, 2, 3: whatever zone a time was written in, day N is inside and day N+1 is not."""
    if written:
        zoned = moment.replace(tzinfo=ZoneInfo(written))
        ordered, local = zoned.isoformat(), zoned.astimezone(ZoneInfo(zone)).date()
    else:
        ordered, local = moment.isoformat(), moment.date()
    assert calendar_day(ordered, zone) == local
    today = local + timedelta(days=passed)
    found = decision(order(ordered), item(window=str(days)), today=today, zone=zone)
    assert codes(found) == ([] if passed <= days else ["window_closed"])
    closes = eligibility.window_closes(order(ordered), item(window=str(days)), zone)
    assert closes is not None
    assert (today <= closes) is (passed <= days)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("30", 30),
        ("30 days", 30),
        ("30 DAYS", 30),
        ("30days", 30),
        ("1 day", 1),
        ("P30D", 30),
        ("p7d", 7),
        (" 14 ", 14),
        ("0", 0),
        ("0 days", 0),
        ("99999", 99999),
        ("unlimited", UNLIMITED),
        (" Unlimited ", UNLIMITED),
        ("", None),
        ("  ", None),
        (None, None),
        ("abc", None),
        ("-1", None),
        ("-30 days", None),
        ("30.5", None),
        ("1e3", None),
        ("３０", None),
        ("30 weeks", None),
        ("P1M", None),
        ("P30", None),
        ("30 days or more", None),
        ("100000", None),
        ("none", None),
        ("no limit", None),
        ("∞", None),
    ],
)
def test_texts_of_a_window(text: str | None, days: int | None) -> None:
    """Rules 5, 6: what is read, and what is unknown; no limit only where it says so."""
    assert window_days(text) == days


@pytest.mark.parametrize("text", ["", None, "abc", "-5"])
def test_an_unknown_window_is_never_eligible(text: str | None) -> None:
    """Rule 5: not even on the order day; the agent is told why and offered the transfer."""
    found = decision(order(TODAY.isoformat()), item(window=text))
    assert (found.allowed, codes(found), found.advice) == (0, ["window_unknown"], "offer_transfer")
    assert (text or "none is given") in words(found)


def test_a_window_of_no_days_is_the_order_day() -> None:
    """Rule 5: `0` is the order day only."""
    assert decision(order("2026-04-30"), item(window="0")).allowed == 1
    assert codes(decision(order("2026-04-29"), item(window="0"))) == ["window_closed"]


@settings(deadline=None)
@given(days=st.integers(0, 400_000))
def test_no_limit_is_no_limit(days: int) -> None:
    """Rule 6: said explicitly, however long ago."""
    ordered = TODAY - timedelta(days=days)
    assert decision(order(ordered.isoformat()), item(window="unlimited")).allowed == 1


def test_an_order_of_the_future_is_a_data_error() -> None:
    """Rule 7: not eligible, with that reason, whatever the window."""
    for window in ("30", "unlimited", "0"):
        found = decision(order("2026-05-01"), item(window=window))
        assert (found.allowed, codes(found)) == (0, ["order_in_future"])
        assert "1 May 2026" in words(found)
        assert found.advice == "offer_transfer"


def test_tomorrow_in_the_policy_zone_is_the_future() -> None:
    """Rules 2, 7: 23:30Z today is tomorrow in Kolkata."""
    late = order("2026-04-30T23:30:00Z")
    assert codes(decision(late, zone="Asia/Kolkata")) == ["order_in_future"]
    assert codes(decision(late, zone="UTC")) == []


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "20.04.2026", "2026-04-20T25:00"])
def test_an_order_date_that_cannot_be_read(text: str) -> None:
    """Rule 5, for the date as for the window: unknown is never eligible."""
    found = decision(order(text))
    assert (codes(found), found.advice) == (["order_date_unknown"], "offer_transfer")


# -- the item ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "expected", "advice"),
    [
        (item(False), ["not_returnable"], "final"),
        (item(None), ["eligibility_unknown"], "offer_transfer"),
        (item(None, None), ["eligibility_unknown", "window_unknown"], "offer_transfer"),
        (item(False, "abc"), ["not_returnable", "window_unknown"], "final"),
        (item(False, "5"), ["not_returnable", "window_closed"], "final"),
        (Item(item_id="LAMP"), ["eligibility_unknown"], "offer_transfer"),
    ],
)
def test_every_reason_of_the_item_is_named(what: Item, expected: list[str], advice: str) -> None:
    """Rules 9, 10: not only the first; a missing block is unknown."""
    found = decision(order(), what)
    assert (found.allowed, codes(found), found.advice) == (0, expected, advice)


def test_an_item_that_the_shop_does_not_know() -> None:
    """Rule 10: nobody can tell, so it is not eligible and the transfer is offered."""
    found = decision(known=False)
    assert (found.allowed, codes(found), found.advice) == (0, ["item_unknown"], "offer_transfer")


def test_what_the_look_ups_show_is_named_together() -> None:
    """Rule 9: the item's reasons and those of a package that was looked up all the same."""
    found = decision(order("2026-01-01"), item(False), package("IN_TRANSIT"))
    assert codes(found) == ["not_returnable", "window_closed", "in_transit"]
    assert "119 days ago" in words(found)
    assert "on its way" in words(found)
    # A package that was not looked up shows nothing.
    other = decision(order("2026-01-01"), item(False), package(package_id="ELSE"))
    assert codes(other) == ["not_returnable", "window_closed"]


# -- delivery ---------------------------------------------------------------------------------

EXPECTED = {
    "DELIVERED": (1, [], None),
    "IN_TRANSIT": (0, ["in_transit"], "after_delivery"),
    "OUT_FOR_DELIVERY": (0, ["in_transit"], "after_delivery"),
    "AT_DELIVERY_STATION": (0, ["in_transit"], "after_delivery"),
    "AT_WAREHOUSE": (0, ["in_transit"], "after_delivery"),
    "DELIVERY_FAILURE": (0, ["delivery_failed"], "offer_transfer"),
}
UNKNOWN = (0, ["package_unknown"], "offer_transfer")
SAID = {
    "IN_TRANSIT": "(on its way)",
    "OUT_FOR_DELIVERY": "(out for delivery)",
    "AT_DELIVERY_STATION": "(at the delivery station)",
    "AT_WAREHOUSE": "(still at the warehouse)",
    "DELIVERY_FAILURE": "the delivery failed",
}
"""How a known status is said (rule 9); an unknown one is quoted as the shop spells it."""


@pytest.mark.parametrize(
    "status", [*STATUSES, "delivered", "Delivered", "DELIVERED ", "in_transit", "LOST", ""]
)
def test_every_package_status(status: str) -> None:
    """Rules 11, 13: only `DELIVERED` goes back; four are on their way; the rest nobody knows."""
    found = decision(order(), item(), package(status))
    assert (found.allowed, codes(found), found.advice) == EXPECTED.get(status, UNKNOWN)
    if found.reasons:
        assert SAID.get(status, status.strip() or "status") in words(found)


@pytest.mark.parametrize("type_", ["RETURN", "", "order_delivery", "GIFT"])
@pytest.mark.parametrize("status", ["DELIVERED", "IN_TRANSIT", "RETURN_COMPLETED"])
def test_only_a_delivery_is_a_delivery(type_: str, status: str) -> None:
    """Rule 11: `DELIVERED` on a `RETURN` package, or on one of no known type, is none."""
    found = decision(order(), item(), package(status, type_))
    assert (found.allowed, codes(found), found.advice) == UNKNOWN


def test_a_package_that_the_shop_does_not_know() -> None:
    """Rules 11, 13: looked up and missing, or not looked up: not delivered."""
    for packages in ({"P": None}, {}):
        found = decide(order(), "LAMP", 1, item(), packages, 0, TODAY, "UTC")
        assert (found.allowed, codes(found), found.advice) == UNKNOWN


def test_an_empty_package_id_is_not_shipped() -> None:
    """Rules 12, 13: not shipped yet, and can go back after it is delivered."""
    for lines in ((line(1, parcel("")),), (line(2, parcel("P", 1)),)):
        found = decision(order("2026-04-20", *lines), wanted=lines[0].quantity)
        assert (codes(found), found.advice) == (["not_shipped"], "after_delivery")
        assert "1 unit is not shipped" in words(found)


@pytest.mark.parametrize(
    ("due", "advice"),
    [
        ("2026-05-20", "after_delivery"),
        ("2026-05-21", "closes_before_delivery"),
        ("2027-01-01T08:00:00Z", "closes_before_delivery"),
        ("2026-05-20T23:00:00Z", "closes_before_delivery"),
        ("2026-05-20T21:00:00Z", "after_delivery"),
        ("2026-04-01", "after_delivery"),
        ("", "after_delivery"),
        ("soon", "after_delivery"),
    ],
)
def test_a_window_that_closes_before_the_expected_delivery(due: str, advice: str) -> None:
    """Rule 8: ordered on 20 April with 30 days, it closes on 20 May; the promise depends on it."""
    for status in ("IN_TRANSIT", "AT_WAREHOUSE", "OUT_FOR_DELIVERY", "AT_DELIVERY_STATION"):
        found = decision(order("2026-04-20"), item(), package(status, due=due))
        assert (codes(found), found.advice) == (["in_transit"], advice)
    unlimited = decision(order(), item(window="unlimited"), package("IN_TRANSIT", due=due))
    assert unlimited.advice == "after_delivery"


def test_a_failed_delivery_outweighs_a_parcel_on_its_way() -> None:
    """Rule 13: with one of two parcels lost, "after it is delivered" is not promised."""
    both = order("2026-04-20", line(2, parcel("P"), parcel("Q")))
    found = decision(
        both, item(), package("IN_TRANSIT"), package("DELIVERY_FAILURE", package_id="Q"), wanted=2
    )
    assert codes(found) == ["in_transit", "delivery_failed"]
    assert found.advice == "offer_transfer"


# -- quantity and money -----------------------------------------------------------------------


def test_units_of_two_packages_and_two_lines_add_up() -> None:
    """Rules 17, 18: of five units three have come; what is missing is counted by cause."""
    lines = line(3, parcel("P", 2), parcel("Q", 1)), line(2, parcel("P", 1), parcel("", 1))
    found = decision(
        order("2026-04-20", *lines),
        item(),
        package(),
        package("IN_TRANSIT", package_id="Q", due="2026-05-02"),
        wanted=5,
    )
    assert (found.allowed, found.granted) == (3, 3)
    assert codes(found) == ["in_transit", "not_shipped"]
    assert "expected on 2 May 2026" in words(found)
    assert words(found).count("1 unit is") == 2


@pytest.mark.parametrize(
    ("wanted", "taken", "granted", "expected"),
    [
        (1, 0, 1, []),
        (3, 0, 3, []),
        (3, 1, 2, ["already_returned"]),
        (1, 2, 1, []),
        (1, 3, 0, ["already_returned"]),
        (2, 5, 0, ["already_returned"]),
    ],
)
def test_units_already_in_a_return(
    wanted: int, taken: int, granted: int, expected: list[str]
) -> None:
    """Rule 17: at most delivered less already in a return, with the figures."""
    found = decision(order("2026-04-20", line(3)), wanted=wanted, taken=taken)
    assert (found.granted, codes(found)) == (granted, expected)
    if expected:
        assert f"{taken} of the 3" in words(found)
        assert found.advice == "final"


@settings(deadline=None)
@given(st.data())
def test_allowed_never_exceeds_what_was_delivered(data: st.DataObject) -> None:
    """Rules 9, 11, 14, 17: whatever the lines, parcels and statuses are."""
    packages = {
        package_id: data.draw(
            st.one_of(
                st.none(),
                st.builds(
                    package,
                    st.sampled_from([*STATUSES, "delivered", ""]),
                    st.sampled_from(["ORDER_DELIVERY", "ORDER_DELIVERY", "RETURN", ""]),
                    st.sampled_from(["", "2026-05-01", "2026-06-30"]),
                    st.just(package_id),
                ),
            )
        )
        for package_id in "PQR"
    }
    parcels = st.builds(parcel, st.sampled_from(["P", "Q", "R", ""]), st.integers(1, 4))
    lines = data.draw(
        st.lists(
            st.lists(parcels, min_size=1, max_size=3).map(
                lambda some: line(sum(one.quantity for one in some), *some)
            ),
            min_size=1,
            max_size=3,
        )
    )
    ordered = sum(one.quantity for one in lines)
    wanted = data.draw(st.integers(1, ordered))
    taken = data.draw(st.integers(0, ordered - wanted))
    window = data.draw(st.sampled_from(["30", "5", "unlimited", "abc", None]))
    eligible = data.draw(st.sampled_from([True, True, True, False, None]))
    found = decide(
        order("2026-04-20", *lines), "LAMP", wanted, item(eligible, window), packages, taken,
        TODAY, "Europe/Berlin",
    )  # fmt: skip
    arrived = sum(
        one.quantity
        for one in (part for each in lines for part in each.parcels)
        if (there := packages.get(one.package_id)) is not None
        and (there.type, there.current_status) == ("ORDER_DELIVERY", "DELIVERED")
    )
    inside = eligible is True and window in ("30", "unlimited")
    assert found.allowed == (max(0, arrived - taken) if inside else 0)
    assert 0 <= found.granted <= wanted
    # Whoever is refused a unit hears why, and what can be done.
    assert (found.granted < wanted) is bool(found.reasons) is (found.advice is not None)
    assert len(set(found.reasons)) == len(found.reasons)
    assert all(reason.sentence for reason in found.reasons)


def refund(*lines: OrderLine, quantity: int, taken: int = 0) -> Decimal | None:
    packages = {"P": package(), "Q": package("IN_TRANSIT", package_id="Q")}
    return eligibility.refund(order("2026-04-20", *lines), "LAMP", quantity, packages, taken)


def test_the_refund_is_exact_and_counted_in_order_of_the_lines() -> None:
    """Rules 18, 31: price × quantity in exact decimals, the first delivered units first."""
    lines = (
        line(2, parcel("P", 1), parcel("Q", 1), price="0.333"),
        line(2, price="19.99"),
        line(1, price="1250"),
    )
    assert refund(*lines, quantity=1) == Decimal("0.333")
    assert refund(*lines, quantity=3) == Decimal("40.313")
    assert refund(*lines, quantity=4) == Decimal("1290.313")
    assert refund(*lines, quantity=2, taken=2) == Decimal("1269.99")
    assert refund(*lines, quantity=5) is None
    assert refund(line(3, price="0.10"), quantity=3) == Decimal("0.30")


def test_parcels_that_hold_more_than_was_ordered_add_nothing() -> None:
    """Rules 17, 31: a line counts its own units and its own price, whatever the parcels say."""
    lines = (line(1, parcel("P", 3), price="10.00"), line(2, price="7.00"))
    assert decision(order("2026-04-20", *lines), wanted=3).allowed == 3
    assert refund(*lines, quantity=3) == Decimal("24.00")
    assert refund(*lines, quantity=4) is None


def test_a_price_that_is_not_recorded_is_not_guessed() -> None:
    """Rule 31: no amount is named where a unit has no price."""
    unpriced = OrderLine(item_id="LAMP", quantity=1, parcels=(parcel(),))
    assert refund(unpriced, quantity=1) is None
    assert refund(line(), unpriced, quantity=1) == Decimal("10.00")


@settings(deadline=None)
@given(
    st.lists(st.decimals("0.001", "99999", places=3), min_size=1, max_size=5),
    st.integers(0, 5),
)
def test_the_parts_of_a_refund_add_up(prices: list[Decimal], first: int) -> None:
    """Rules 18, 31: returned in two goes or in one, the customer gets the same, to the last
    decimal."""
    lines = [line(1, price=str(price)) for price in prices]
    first = min(first, len(prices))
    one = refund(*lines, quantity=first)
    two = refund(*lines, quantity=len(prices) - first, taken=first)
    assert one is not None
    assert two is not None
    assert one + two == refund(*lines, quantity=len(prices)) == sum(prices)


def test_an_item_that_is_not_in_the_order() -> None:
    """Nothing of it was ordered or delivered, so nothing may go back."""
    assert decide(order(), "RUG", 1, item(), {"P": package()}, 0, TODAY, "UTC").allowed == 0
    assert eligibility.ordered_units(order(), "RUG") == 0


def test_returned_units_are_unknown_where_a_line_does_not_say() -> None:
    """Rule 17: then it cannot be told how many are in a return."""
    says, silent = line(returned=2), line(returned=None)
    assert eligibility.returned_units(order("2026-04-20", says, says), "LAMP") == 4
    assert eligibility.returned_units(order("2026-04-20", says, silent), "LAMP") is None
