"""Whether an item may go back, how many units of it, and why not: rules 1 to 18, and 31.

Everything here is a pure function of records and of the policy date. Answers carry every reason
that the look-ups show, each as one sentence with its figures (rule 9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from returnflow.records import Item, Order, OrderLine, Package
from returnflow.redacted import hidden

Advice = Literal["after_delivery", "closes_before_delivery", "offer_transfer", "final"]

UNLIMITED = -1
"""A return window without an end; only ever said explicitly (rule 6)."""

MOST_DIGITS = 30
"""Digits of a price before or behind the point."""

ON_ITS_WAY = frozenset({"IN_TRANSIT", "OUT_FOR_DELIVERY", "AT_DELIVERY_STATION", "AT_WAREHOUSE"})
"""The statuses that lead to "after it is delivered" (rule 13)."""

_STATUS_WORDS = {
    "DELIVERED": "delivered",
    "IN_TRANSIT": "on its way",
    "OUT_FOR_DELIVERY": "out for delivery",
    "AT_DELIVERY_STATION": "at the delivery station",
    "AT_WAREHOUSE": "still at the warehouse",
    "NOT_YET_SHIPPED": "not shipped yet",
    "DELIVERY_FAILURE": "delivery failed",
}

_WINDOW = re.compile(r"(?:([0-9]{1,5})(?:\s*days?)?|P([0-9]{1,5})D)", re.ASCII | re.IGNORECASE)


class Reason(msgspec.Struct, frozen=True):
    """Why units of an item may not go back now.

    Args:
        code: short and stable, for scenarios, findings and reports.
        words: the sentence, with a gap for each of the figures. It is put together only when it
            is wanted; most reasons are never told to anybody.
    """

    code: str
    words: str
    figures: tuple[object, ...] = ()

    @property
    def sentence(self) -> str:
        """For the agent, with figures, and what would have passed."""
        return self.words.format(*map(_figure, self.figures))


class Decision(msgspec.Struct, frozen=True):
    """What may be returned of one item of an order, and what may not.

    Args:
        item_id, description: the item, as the order names it.
        wanted: units that the customer picked.
        allowed: units that may go back now: delivered and not yet in a return.
        reasons: every reason for units that may not; empty when `wanted` is allowed whole.
        advice: which words the refused units call for; None when nothing is refused.
    """

    item_id: str
    description: str
    wanted: int
    allowed: int
    reasons: tuple[Reason, ...]
    advice: Advice | None

    @property
    def granted(self) -> int:
        """Units that go on to the customer's yes: `wanted`, lowered to `allowed` (rule 17)."""
        return min(self.wanted, self.allowed)


@lru_cache(maxsize=1024)
def window_days(text: str | None) -> int | None:
    """The return window in days after the order day; `UNLIMITED`; None where unknown (rule 5).

    >>> window_days("P30D"), window_days("0"), window_days("unlimited"), window_days("abc")
    (30, 0, -1, None)
    """
    if text is None:
        return None
    words = text.strip()
    if words.casefold() == "unlimited":
        return UNLIMITED
    match = _WINDOW.fullmatch(words)
    return int(match[1] or match[2]) if match else None


@lru_cache(maxsize=4096)
def calendar_day(text: str, zone: str) -> date | None:
    """The day of an ISO 8601 date or date-time in the policy zone (rules 2, 3).

    A time without a zone is read in the policy zone; a date without a time is that date.
    None where the text is neither.
    """
    words = text.strip()
    try:
        if len(words) <= 10:
            return date.fromisoformat(words)
        moment = datetime.fromisoformat(words)
        return (moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone))).date()
    except (ValueError, OverflowError):
        return None


def lines_of(order: Order, item_id: str) -> tuple[OrderLine, ...]:
    """The order's lines of that item; their units add up (rule 18)."""
    return tuple([line for line in order.lines if line.item_id == item_id])


def ordered_units(order: Order, item_id: str) -> int:
    """How many units of the item were ordered, over all lines."""
    return sum(line.quantity for line in lines_of(order, item_id))


def returned_units(order: Order, item_id: str) -> int | None:
    """Units already in a return, over all lines; None where the source does not say (rule 17)."""
    units = 0
    for line in order.lines:
        if line.item_id == item_id:
            if line.returned is None:
                return None
            units += line.returned
    return units


def is_delivered(package: Package | None) -> bool:
    """Only ``DELIVERED`` on an ``ORDER_DELIVERY`` package is a delivery (rule 11)."""
    return (
        package is not None
        and package.type == "ORDER_DELIVERY"
        and package.current_status == "DELIVERED"
    )


def delivered_units(line: OrderLine, packages: Mapping[str, Package | None]) -> int:
    """Units of the line in delivered packages (rule 9); never more than were ordered."""
    arrived = 0
    for parcel in line.parcels:
        if is_delivered(packages.get(parcel.package_id)):
            arrived += parcel.quantity
    return min(line.quantity, arrived)


def item_reasons(order: Order, item: Item | None, policy_date: date, zone: str) -> list[Reason]:
    """What the item and the order date alone say against a return (rules 1, 5 to 7, 10)."""
    if item is None:
        return [
            Reason("item_unknown", "the shop has no details of this item, so nobody can tell here")
        ]
    reasons = []
    policy = item.policy
    if policy is None or policy.return_eligible is None:
        reasons.append(
            Reason(
                "eligibility_unknown",
                "the shop does not say whether this item may be returned",
            )
        )
    elif not policy.return_eligible:
        reasons.append(Reason("not_returnable", "the shop excludes this item from returns"))
    if policy is not None:
        reasons.extend(_window_reasons(order, policy.return_window, policy_date, zone))
    return reasons


def decide(
    order: Order,
    item_id: str,
    wanted: int,
    item: Item | None,
    packages: Mapping[str, Package | None],
    taken: int,
    policy_date: date,
    zone: str,
) -> Decision:
    """Decides on one item of an order.

    Args:
        wanted: units picked.
        item: its details; None where the shop has none.
        packages: what was looked up, None for a package that the shop does not know. A parcel
            that is not in here was not looked up and counts as not delivered.
        taken: units of it already in a return, this call's included.
        policy_date, zone: the day on which the call decides (rule 4) and the shop's zone.
    """
    lines = lines_of(order, item_id)
    named = [line.description for line in lines] + [item.description if item else ""]
    description = next((words for words in named if words and not hidden(words)), item_id)
    reasons = item_reasons(order, item, policy_date, zone)
    if reasons:
        firm = {"not_returnable", "window_closed"} & {reason.code for reason in reasons}
        reasons += _parcel_reasons(lines, packages, zone, only_looked_up=True)
        advice: Advice = "final" if firm else "offer_transfer"
        return Decision(item_id, description, wanted, 0, tuple(reasons), advice)
    delivered = sum(delivered_units(line, packages) for line in lines)
    allowed = max(0, delivered - taken)
    if allowed >= wanted:
        return Decision(item_id, description, wanted, allowed, (), None)
    reasons = _parcel_reasons(lines, packages, zone, only_looked_up=False)
    if taken and delivered - taken < wanted:
        reasons.append(
            Reason(
                "already_returned",
                "{} of the {} ordered in a return already; {} can still go back now",
                (taken, ordered_units(order, item_id), allowed or "none"),
            )
        )
    return Decision(
        item_id,
        description,
        wanted,
        allowed,
        tuple(reasons),
        _advice(order, item, lines, packages, {reason.code for reason in reasons}, zone),
    )


def would_pass(order: Order, item: Item | None, decision: Decision, zone: str) -> str:
    """What would have made the refused units eligible, in words; "" where nobody can say.

    For the agent's eyes. It promises nothing about a delivery that is expected too late (rule 8).
    """
    codes = {reason.code for reason in decision.reasons}
    if "not_returnable" in codes:
        return "no date would have changed that"
    closes = window_closes(order, item, zone)
    if "window_closed" in codes and closes is not None:
        return f"would have passed up to {day_words(closes)}"
    if decision.advice == "closes_before_delivery" and closes is not None:
        return f"would have to arrive by {day_words(closes)}"
    if decision.advice == "after_delivery":
        until = f", up to {day_words(closes)}" if closes is not None else ""
        return f"will pass once it is delivered{until}"
    if codes & {"window_unknown", "eligibility_unknown", "item_unknown", "order_date_unknown"}:
        return "would pass only if the shop had it recorded"
    return ""


def refund(
    order: Order,
    item_id: str,
    quantity: int,
    packages: Mapping[str, Package | None],
    taken: int,
) -> Decimal | None:
    """What `quantity` units cost: the final price of each unit, lines in order (rules 18, 31).

    Units in a return already are taken to be the first delivered ones. None where a price is
    not recorded, or is no number. Shipping is never part of it.
    """
    prices = [
        line.unit_price
        for line in lines_of(order, item_id)
        for _ in range(delivered_units(line, packages))
    ][taken : taken + quantity]
    known = [price for price in prices if price is not None and _sane(price)]
    if len(known) < quantity:
        return None
    return sum(known, Decimal(0))


def _sane(price: Decimal) -> bool:
    """Whether a price can be reckoned with: a number, and not one of a billion digits (rule 40)."""
    return price.is_finite() and abs(price.adjusted()) < MOST_DIGITS


def _window_reasons(
    order: Order, window: str | None, policy_date: date, zone: str
) -> Iterator[Reason]:
    days = window_days(window)
    ordered = calendar_day(order.order_date, zone)
    if days is None:
        given = bool((window or "").strip())
        yield Reason(
            "window_unknown",
            "the return window of this item cannot be read: "
            + ("it reads “{}”" if given else "none is given"),
            (window,) if given else (),
        )
    if ordered is None:
        yield Reason("order_date_unknown", "the order has no date that can be read")
    elif ordered > policy_date:
        yield Reason(
            "order_in_future",
            "the order is dated {}, which is still to come: a data error",
            (ordered,),
        )
    elif days is not None and days != UNLIMITED and (policy_date - ordered).days > days:
        closed = ordered + timedelta(days=days)
        yield Reason(
            "window_closed",
            "ordered {} ago; the window of {} closed on {}, {} too late",
            (policy_date - ordered, timedelta(days=days), closed, policy_date - closed),
        )


def _parcel_reasons(
    lines: tuple[OrderLine, ...],
    packages: Mapping[str, Package | None],
    zone: str,
    *,
    only_looked_up: bool,
) -> list[Reason]:
    """What the parcels say, each different sentence once, in the order of the lines."""
    found: dict[Reason, int] = {}
    for line in lines:
        shipped = sum(parcel.quantity for parcel in line.parcels)
        unshipped = max(0, line.quantity - shipped)
        for parcel in line.parcels:
            if not parcel.package_id:
                unshipped += parcel.quantity
            elif only_looked_up and parcel.package_id not in packages:
                continue
            elif not is_delivered(packages.get(parcel.package_id)):
                key = _parcel_reason(packages.get(parcel.package_id), parcel.package_id, zone)
                found[key] = found.get(key, 0) + parcel.quantity
        if unshipped:
            key = Reason("not_shipped", "not shipped yet")
            found[key] = found.get(key, 0) + unshipped
    return [
        Reason(each.code, "{} " + each.words, (_units(count), *each.figures))
        for each, count in found.items()
    ]


def _parcel_reason(package: Package | None, package_id: str, zone: str) -> Reason:
    if package is None:
        words = "in package {}, which the shop does not know"
        return Reason("package_unknown", words, (package_id,))
    status, due = package.current_status, calendar_day(package.estimated_delivery_date, zone)
    if package.type != "ORDER_DELIVERY":
        return Reason(
            "package_unknown",
            "in package {}, which is of type {} and not a delivery to the customer",
            (package_id, package.type or "unknown"),
        )
    if status in ON_ITS_WAY:
        words = "not delivered yet ({})" + (", expected on {}" if due else "")
        return Reason(
            "in_transit", words, (status_words(status), due) if due else (status_words(status),)
        )
    if status == "DELIVERY_FAILURE":
        return Reason("delivery_failed", "not delivered: the delivery failed")
    words = "in package {} with status “{}”, not DELIVERED"
    return Reason("package_unknown", words, (package_id, status))


def _advice(
    order: Order,
    item: Item | None,
    lines: tuple[OrderLine, ...],
    packages: Mapping[str, Package | None],
    codes: set[str],
    zone: str,
) -> Advice:
    if codes & {"delivery_failed", "package_unknown"}:
        return "offer_transfer"
    if not codes & {"in_transit", "not_shipped"}:
        return "final"
    closes = window_closes(order, item, zone)
    if closes is not None:
        for parcel in (parcel for line in lines for parcel in line.parcels):
            package = packages.get(parcel.package_id)
            if package is None or is_delivered(package):
                continue
            due = calendar_day(package.estimated_delivery_date, zone)
            if due is not None and due > closes:
                return "closes_before_delivery"
    return "after_delivery"


def window_closes(order: Order, item: Item | None, zone: str) -> date | None:
    """The last day inside the window; None where there is none or it is unknown."""
    days = window_days(item.policy.return_window) if item and item.policy else None
    ordered = calendar_day(order.order_date, zone)
    if days is None or days == UNLIMITED or ordered is None:
        return None
    try:
        return ordered + timedelta(days=days)
    except OverflowError:
        return None


def status_words(status: str) -> str:
    """A package status as people say it; an unknown one stays as the shop spells it."""
    return _STATUS_WORDS.get(status, status)


def _figure(value: object) -> str:
    """A figure as it is said: dates and numbers of days in words."""
    if isinstance(value, timedelta):
        return _days(value.days)
    return day_words(value) if isinstance(value, date) else str(value)


def day_words(day: date) -> str:
    """A date as it is said: ``14 October 2026``."""
    return f"{day.day} {day:%B %Y}"


def _units(count: int) -> str:
    return "1 unit is" if count == 1 else f"{count} units are"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
