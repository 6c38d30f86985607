"""What a package's record says on a day: where it is, whether a promise was broken, what it cost.

Pure functions of records and of the policy date. Days are calendar days in the policy zone, and
a day has passed once the next one has begun (rules 1 to 3). Each answers True, False, or None
where nobody who reads the record can tell; live, nothing is hidden.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from returnflow.engine.vocabulary import Verdict, all_of, any_of
from returnflow.records import Package
from returnflow.redacted import hidden
from returnflow.returns.eligibility import ON_ITS_WAY, calendar_day

DELIVERY = "ORDER_DELIVERY"
"""The type of a package that brings something to a customer (rule 11)."""


def notice(package: Package | None) -> str:
    """The key of the words that say where it is."""
    if package is None or package.type != DELIVERY:
        return "status_unclear"
    if package.current_status == "DELIVERED":
        return "delivered"
    return "on_its_way" if package.current_status in ON_ITS_WAY else "status_unclear"


def status_known(package: Package | None) -> bool:
    """Whether the record shows what `notice` hangs on."""
    return package is None or not (hidden(package.type) or hidden(package.current_status))


def delivered(package: Package) -> Verdict:
    """Whether it has been delivered: a delivery, and its status is ``DELIVERED`` (rule 11)."""
    return all_of(
        None if hidden(value) else value == wanted
        for value, wanted in ((package.type, DELIVERY), (package.current_status, "DELIVERED"))
    )


def promise(package: Package) -> str:
    """The day that the customer was promised; a shop that records none had its estimate."""
    promised = package.promised_delivery_date
    return promised if promised.strip() else package.estimated_delivery_date


def broken(package: Package | None, today: date | None, zone: str) -> Verdict:
    """Whether the promised day has passed, or had before it was delivered (rule 43).

    A promise that the shop has not recorded, or that nobody can read, is not broken.
    """
    if package is None:
        return False
    arrived = delivered(package)
    if arrived is None:
        return None
    if not arrived:
        return _passed(promise(package), today, zone)
    final = package.final_delivery_date
    if hidden(final) or hidden(promise(package)):
        return None
    return _passed(promise(package), calendar_day(final, zone), zone) or False


def overdue(package: Package | None, today: date | None, zone: str) -> Verdict:
    """Whether the estimated day has passed too and it is not delivered (rule 44)."""
    if package is None:
        return False
    arrived = delivered(package)
    if arrived is True:
        return False
    late = _passed(package.estimated_delivery_date, today, zone)
    return late if late is False or arrived is False else None


def delayed(package: Package | None, today: date | None, zone: str) -> Verdict:
    """Whether it is late, or expected later than promised, and not delivered (rule 46)."""
    if package is None:
        return False
    arrived = delivered(package)
    not_here = None if arrived is None else not arrived
    late = broken(package, today, zone), overdue(package, today, zone)
    return all_of((not_here, any_of((*late, _will_be_late(package, zone)))))


def worth(package: Package | None) -> Decimal | None:
    """What a gift card for it is worth: its shipping cost; None: unknown, or nothing (rule 46)."""
    cost = package.shipment_cost if package is not None else None
    return cost if cost is not None and cost.is_finite() and cost > 0 else None


def _passed(text: str, today: date | None, zone: str) -> Verdict:
    if hidden(text):
        return None
    day = calendar_day(text, zone)
    if day is None:
        return False
    return None if today is None else today > day


def _will_be_late(package: Package, zone: str) -> Verdict:
    dates = package.promised_delivery_date, package.estimated_delivery_date
    if any(hidden(text) for text in dates):
        return None
    promised, estimated = (calendar_day(text, zone) for text in dates)
    return promised is not None and estimated is not None and estimated > promised
