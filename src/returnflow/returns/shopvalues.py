"""Single values of shop data as strangers write them: one reading for replay and for shops.

Each answers None for what it cannot read; what that means is decided where it is used: in a
recorded call it is not observable (rule 41), in a shop's file it is a mistake to be named.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from returnflow.inert import fold

MOST_UNITS = 10**9
"""A quantity is less than this."""

MOST_DIGITS = 20
"""An amount of more digits before or behind the point is no money: it could not be multiplied,
or written out, in reasonable time."""

_WHOLE = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def text(value: Any) -> str | None:
    """Text, or a number written as one; null is empty text.

    >>> text(None), text(30), text(True)
    ('', '30', None)
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return None


def units(value: Any) -> int | None:
    """A whole number of units, 0 or more, also as text or with zeros behind the point.

    >>> units(" 2 "), units(Decimal("3.0")), units(1.5), units(-1)
    (2, 3, None, None)
    """
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, Decimal) and abs(value) < MOST_UNITS and value == int(value):
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < MOST_UNITS else None


def money(value: Any) -> Decimal | None:
    """An exact amount (rule 31); a binary fraction is none.

    >>> money("19.99"), money(0.1), money("1e999999")
    (Decimal('19.99'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    sane = amount.is_finite() and -MOST_DIGITS < amount.adjusted() < MOST_DIGITS
    return amount if sane else None


def boolean(value: Any) -> bool | None:
    """True or false, also in words.

    >>> boolean(" Yes "), boolean(False), boolean("maybe")
    (True, False, None)
    """
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().casefold())
    return value if isinstance(value, bool) else None


def same_id(one: str, other: str) -> bool:
    """Whether two ids are one under two spellings: case, zeros and punctuation aside.

    >>> same_id("CUST001001", "cust-0001001"), same_id("A1", "A10")
    (True, False)
    """
    return bare_id(one) == bare_id(other)


def bare_id(value: str) -> str:
    """The id without what its spellings differ in: case, leading zeros, punctuation."""
    return re.sub(r"(?<![0-9])0+|[\W_]+", "", fold(value))
