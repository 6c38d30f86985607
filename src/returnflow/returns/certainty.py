"""Whether an item may go back, as far as a record tells: True, False, or None.

`eligibility` decides for a live call, where what is unknown is not eligible (rule 5). A recorded
call needs a third answer: what nobody recorded is held against no one (rules 17, 41). Where all
is known the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from returnflow.records import Item, Order, OrderLine, Package
from returnflow.redacted import NOT_RECORDED_UNITS, hidden
from returnflow.returns.eligibility import (
    UNLIMITED,
    calendar_day,
    is_delivered,
    lines_of,
    window_days,
)

MANY = 10**9
"""More units than any order has: where a record does not show how many there are."""


def may_return(
    order: Order,
    item_id: str,
    quantity: int,
    items: Mapping[str, Item | None],
    packages: Mapping[str, Package | None],
    taken: tuple[int, bool],
    policy_date: date | None,
    zone: str,
) -> bool | None:
    """Whether `quantity` units may go back; None where the facts at hand cannot tell.

    `decide` answers for a live call, where what is unknown is not eligible (rule 5). This one
    tells what is known to be against a return from what nobody recorded: an item or a package
    that was not looked up, a value that is absent or redacted, a day that is not known.

    Args:
        items, packages: what was looked up; None for what the shop does not know.
        taken: units in a return already, at least, and whether that is all of them (rule 17).
        policy_date: None where nothing tells on which day the call decides.
    """
    lines = lines_of(order, item_id)
    unseen = any(hidden(line.item_id) for line in order.lines)
    if not lines:
        return None if unseen or hidden(item_id) else False
    counts = [_delivered(line, packages) for line in lines]
    returned, all_known = taken
    if (
        quantity != NOT_RECORDED_UNITS
        and not unseen
        and sum(most for _, most in counts) - returned < quantity
    ):
        return False
    told = item_verdict(order, item_id, items, policy_date, zone)
    if told is not True:
        return told
    if quantity == NOT_RECORDED_UNITS or not all_known:
        return None
    return True if sum(least for least, _ in counts) - returned >= quantity else None


def _delivered(line: OrderLine, packages: Mapping[str, Package | None]) -> tuple[int, int]:
    """Units of the line delivered for certain, and at most."""
    least = most = 0
    counted = line.quantity != NOT_RECORDED_UNITS
    for parcel in line.parcels:
        arrived = _arrived(parcel.package_id, packages)
        said = parcel.quantity != NOT_RECORDED_UNITS
        counted = counted and said
        if arrived is not False:
            most += parcel.quantity if said else MANY
            least += parcel.quantity if said and arrived else 0
    if not counted:
        return least, MANY if most else 0
    return min(line.quantity, least), min(line.quantity, most)


def _arrived(package_id: str, packages: Mapping[str, Package | None]) -> bool | None:
    """Whether a package has been delivered; None where that was not looked up or not said."""
    if not package_id:
        return False
    if hidden(package_id) or package_id not in packages:
        return None
    package = packages[package_id]
    if package is None or is_delivered(package):
        return package is not None
    unknown = [value for value in (package.type, package.current_status) if _unsaid(value)]
    known_against = (package.type != "ORDER_DELIVERY" and not _unsaid(package.type)) or (
        package.current_status != "DELIVERED" and not _unsaid(package.current_status)
    )
    return None if unknown and not known_against else False


def item_verdict(
    order: Order,
    item_id: str,
    items: Mapping[str, Item | None],
    policy_date: date | None,
    zone: str,
) -> bool | None:
    """Whether the item and the order date allow a return (rules 1 to 7, 10); None: unknown."""
    if item_id not in items or hidden(item_id):
        return None
    item = items[item_id]
    if item is None:
        return False  # the shop was asked and knows no such item
    policy = item.policy
    if policy is None or policy.return_eligible is False:
        return False  # no block at all is unknown to the shop, too (rule 10)
    window = policy.return_window
    days = window_days(window)
    if days is None and not _unsaid(window or ""):
        return False  # it was said, and nobody can read it (rule 5)
    ordered = calendar_day(order.order_date, zone)
    if ordered is None and not _unsaid(order.order_date):
        return False
    if ordered is not None and policy_date is not None:
        age = (policy_date - ordered).days
        if age < 0 or (days is not None and days != UNLIMITED and age > days):
            return False
    certain = (
        policy.return_eligible is True
        and days is not None
        and ordered is not None
        and policy_date is not None
    )
    return True if certain else None


def _unsaid(text: str) -> bool:
    """Whether nobody who reads the record can tell. An empty text is no such value: the shop
    said that there is none, and what is unknown to it is never eligible (rule 5)."""
    return hidden(text)
