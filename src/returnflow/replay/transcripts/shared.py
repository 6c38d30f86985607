"""What several readers need: limits, times, and the text that a tool answered with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from returnflow.engine.transcript import Damage
from returnflow.engine.vocabulary import Vocabulary, event_name, load_vocabulary
from returnflow.replay.transcripts import jsontext

MAX_MEMBERS = 20_000
"""How many messages, turns or rows of one transcript are read (rule 40)."""

MAX_ID = 200
"""How many characters of a case id are kept."""


def too_many(members: int) -> list[Damage]:
    """What there is to say about a transcript with so many members."""
    if members <= MAX_MEMBERS:
        return []
    return [Damage(reason=f"it has {members} members; the first {MAX_MEMBERS} are read")]


# -- times ------------------------------------------------------------------------------------


def moment(value: Any) -> datetime | None:
    """A time as logs write it: ISO 8601 text, or seconds or milliseconds since 1970.

    A time without a zone stays without one (rule 3). None where it is neither.
    """
    if isinstance(value, str):
        text = value.strip()
        try:
            return datetime.fromisoformat(text) if len(text) > 10 else None
        except ValueError:
            value = _number(text)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if not 10**8 < value < 10**14:
        return None
    seconds = float(value) / (1000 if value > 10**11 else 1)
    return datetime.fromtimestamp(seconds, UTC)


def _number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"[0-9]{9,14}(?:\.[0-9]{1,9})?", text, re.ASCII) else None


def day(value: Any, zone: str | None) -> date | None:
    """The calendar day of a date or a time as logs write it; see `moment`."""
    if isinstance(value, str) and len(value.strip()) == 10:
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            return None
    when = moment(value)
    return None if when is None else day_of(when, zone)


def day_of(when: datetime, zone: str | None) -> date:
    """The calendar day of a time in the policy zone; in its own where none is known (rule 2)."""
    try:
        return (when.astimezone(ZoneInfo(zone)) if zone and when.tzinfo else when).date()
    except OverflowError:
        return when.date()


@lru_cache(maxsize=64)
def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False


def known_zone(name: Any) -> bool:
    """Whether it is the name of a time zone, so that days can be counted in it."""
    return isinstance(name, str) and _is_zone(name)


_DAY_IN_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{5,15}(?:Z|[+-][0-9:]{5})?)?")


def day_in(value: Any, zone: str | None) -> date | None:
    """The first day that is named in the answer of a clock."""
    text = value if isinstance(value, str) else str(value)[:4000]
    for match in _DAY_IN_TEXT.finditer(text[:4000]):
        if found := day(match[0], zone):
            return found
    return None


# -- what a tool answered ---------------------------------------------------------------------

Outcome = Literal["answered", "failed", "not_recorded"]

_ERROR = re.compile(r"\s*(?:<error>\s*(.*?)\s*(?:</error>\s*)?|(error\b\s*:.*))\Z", re.S | re.I)


def answer(content: Any, failed: bool = False) -> tuple[Outcome, Any]:
    """Whether a tool answered or failed, and what it said, as JSON where it is.

    Args:
        failed: the log says that it did.
    """
    value = content
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        try:
            value, _ = jsontext.decode(value)
        except ValueError:
            value = content  # text that only begins like JSON
    if isinstance(value, str):
        error = _ERROR.match(value)
        if error:
            return "failed", error[1] if error[1] is not None else error[2]
        return ("failed" if failed else "answered"), value
    if isinstance(value, dict) and not failed:
        error_value = value.get("error")
        if error_value and not isinstance(error_value, bool) and set(value) <= _ERROR_KEYS:
            return "failed", error_text(value)
    if failed:
        return "failed", error_text(value)
    return "answered", value


_ERROR_KEYS = {"error", "message", "code", "status", "detail", "details", "success"}


def error_text(value: Any) -> str:
    """The words of an error that came as data."""
    if isinstance(value, Mapping):
        for key in ("error", "message", "detail", "details", "code"):
            if value.get(key) and not isinstance(value[key], bool):
                return error_text(value[key])
    return value if isinstance(value, str) else "" if value is None else str(value)[:1000]


# -- what a format cannot show ----------------------------------------------------------------


@lru_cache(maxsize=8)
def vocabulary(name: str) -> Vocabulary:
    """As `load_vocabulary`, which looks through all that is installed."""
    return load_vocabulary(name)


@lru_cache(maxsize=8)
def backend_events(name: str) -> frozenset[str]:
    """What the backend answers, and what is asked of it before a write, by vocabulary."""
    operations = vocabulary(name).operations.values()
    outcomes = {outcome for op in operations for outcome in op.outcomes}
    return frozenset(outcomes | {op.request for op in operations if op.request is not None})


@lru_cache(maxsize=8)
def answers(name: str) -> frozenset[str]:
    """Events of the agent that no text and no call of a tool shows as such, by vocabulary.

    Without those never taken to have happened unseen: what is said, and a caller who is gone.
    """
    words = vocabulary(name)
    never = {event_name(words.told), event_name(words.dropped)}
    return frozenset(set(words.by_name) - backend_events(name) - never)
