"""What several readers need: limits, times, what a tool answered, events with gaps in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec

from returnflow import jsontext
from returnflow.engine.transcript import Damage
from returnflow.engine.vocabulary import Event, Vocabulary, event_name, load_vocabulary
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS, redacted

MAX_MEMBERS = 20_000
"""How many messages, turns or rows of one transcript are read (rule 40)."""

MAX_ID = 200
"""How many characters of a case id are kept."""

MAX_PROBLEMS = 5
"""How many fields of one event are named that do not fit; of the rest, their number (rule 40)."""


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


# -- events with gaps in them -----------------------------------------------------------------


class Fitted(NamedTuple):
    """An event made of what a log gives for it.

    Args:
        event: None where a field cannot be read that nothing can stand for.
        problems: what does not fit, in words; a redaction is none (rule 41).
        gaps: whether anything in it is hidden.
    """

    event: Event | None
    problems: list[str]
    gaps: bool


def fit(cls: type[Event], given: Mapping[str, Any], *, table: bool = False) -> Fitted:
    """An event of that class, with the fields hidden that cannot be read.

    An event that is dropped for one field leaves a gap in the call, and a gap looks like a step
    that the agent left out. So text becomes `NOT_RECORDED`, a number of units
    `NOT_RECORDED_UNITS`, a list one entry of which nothing is known, and what is optional None.

    Args:
        given: by field, decoded JSON.
        table: the values are cells. They may be text whatever their type, and what is absent is
            not shown; elsewhere it has its default.
    """
    fitter = _Fitter(table)
    event = fitter.event(cls, given)
    return Fitted(event, fitter.problems(), fitter.gaps)


def record_of(kind: Any) -> type[msgspec.Struct] | None:
    """The class of the record that a field of that type holds, if it holds one."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    if get_origin(kind) is tuple:
        return None
    return next((found for each in get_args(kind) if (found := record_of(each))), None)


class _NoStandInError(Exception):
    """Nothing can be put for a value that is not recorded."""


class _Fitter:
    """Fits what is given to the types of one event; see `fit`."""

    def __init__(self, table: bool) -> None:
        self.table = table
        self.gaps = False
        self._named: list[str] = []
        self._more = 0

    def problems(self) -> list[str]:
        """What does not fit."""
        return [*self._named, f"{self._more} more do not fit"] if self._more else self._named

    def event(self, cls: type[Event], given: Mapping[str, Any]) -> Event | None:
        values: dict[str, Any] = {}
        lists = []
        try:
            for field in msgspec.structs.fields(cls):
                name, kind = field.name, field.type
                if get_origin(kind) is tuple and record_of(get_args(kind)[0]) is not None:
                    lists.append(field)
                if name in given:
                    values[name] = self._value(given[name], kind, name)
                elif field.required:
                    values[name] = self._hide(kind, name, "" if self.table else "missing")
        except _NoStandInError:
            return None
        shown = any(isinstance(given.get(field.name), list) for field in lists)
        if self.table and lists and not shown and lists[0].name not in values:
            values[lists[0].name] = _stand_in(lists[0].type)  # an empty list would be an answer
        return cls(**values)

    def _value(self, value: Any, kind: Any, path: str) -> Any:
        record = record_of(kind)
        if record is not None and isinstance(value, dict):
            return self._record(record, value, path)
        if get_origin(kind) is tuple and isinstance(value, list):
            inner = get_args(kind)[0]
            return tuple(self._value(each, inner, f"{path}[{n}]") for n, each in enumerate(value))
        if self.table and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # a table does not say whether 30 is a number or text
        try:
            return msgspec.convert(value, kind, strict=not self.table)
        except (msgspec.ValidationError, ValueError) as error:
            unseen = isinstance(value, str) and redacted(value)
            return self._hide(kind, path, "" if unseen else str(error)[:200])

    def _record(self, record: type[msgspec.Struct], given: dict[str, Any], path: str) -> Any:
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(record):
            here = f"{path}.{field.name}"
            value = given.get(field.name)
            if value is not None or (field.name in given and not self.table):
                values[field.name] = self._value(value, field.type, here)
            elif self.table:
                values[field.name] = self._hide(field.type, here, "")
            elif field.required:
                values[field.name] = self._hide(field.type, here, "missing")
        return record(**values)

    def _hide(self, kind: Any, path: str, problem: str) -> Any:
        """What stands for the value there, which is a problem or redacted."""
        self.gaps = True
        try:
            value = _stand_in(kind)
        except _NoStandInError:
            self._name(f"`{path}`: {problem or 'not recorded'}; without it the event is left out")
            raise
        if problem:
            self._name(f"`{path}`: {problem}; taken as not recorded")
        return value

    def _name(self, problem: str) -> None:
        if len(self._named) < MAX_PROBLEMS:
            self._named.append(problem)
        else:
            self._more += 1


def _stand_in(kind: Any) -> Any:
    """What stands for a value of that type that is not recorded.

    Raises:
        _NoStandInError: nothing does.
    """
    simple = {str: NOT_RECORDED, int: NOT_RECORDED_UNITS, bool: False}
    if kind in simple:
        return simple[kind]
    record = record_of(kind)
    if record is not None:
        fields = msgspec.structs.fields(record)
        return record(**{field.name: _stand_in(field.type) for field in fields})
    members = get_args(kind)
    if get_origin(kind) is tuple:
        return (_stand_in(members[0]),)
    if str in members:
        return NOT_RECORDED
    if get_origin(kind) is Literal and "unknown" in members:
        return "unknown"
    if NoneType in members:
        return None
    raise _NoStandInError
