"""The rows of a case in an event log, as events of the procedure and calls of tools."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from returnflow import jsontext
from returnflow.engine.transcript import Damage, Recorded, ToolCall, Turn
from returnflow.engine.vocabulary import Event, event_name
from returnflow.replay.transcripts.reader import Options
from returnflow.replay.transcripts.shared import (
    Outcome,
    answer,
    backend_events,
    fit,
    moment,
    record_of,
    vocabulary,
)
from returnflow.replay.transcripts.tools import ARGUMENTS, ToolMapping


class Row(msgspec.Struct):
    """A row: `cells` are the columns of data that are not empty."""

    activity: str
    time: str
    resource: str
    cells: dict[str, str]


class Rows:
    """Takes the rows of one case in, one after the other.

    Attributes:
        said: the name of the event of something said; a table may not show it at all.
    """

    def __init__(self, mapping: ToolMapping, options: Options) -> None:
        words = vocabulary(options.vocabulary)
        self.members: list[Turn | ToolCall | Recorded] = []
        self.damage: list[Damage] = []
        self.agent = ""
        self.first_at: datetime | None = None
        self.said = frozenset({event_name(words.told)})
        self._events = words.by_name
        self._backend = backend_events(options.vocabulary)
        self._operations = words.operations
        self._mapping = mapping
        self._zone = options.zone
        self._answered: Counter[str] = Counter()
        self._index = 0

    def ordered(self, rows: list[Row]) -> list[Row]:
        """The rows by time, where each has one that can be compared; else as they stand."""
        times = [moment(row.time) for row in rows]
        known = [at for at in times if at is not None]
        aware = {at.tzinfo is not None for at in known}
        if len(known) < len(rows) or (len(aware) > 1 and self._zone is None):
            return rows
        zone = ZoneInfo(self._zone) if self._zone is not None else UTC
        keys = [at if at.tzinfo is not None else at.replace(tzinfo=zone) for at in known]
        return [rows[place] for place in sorted(range(len(rows)), key=lambda each: keys[each])]

    def add(self, row: Row) -> None:
        """Takes a row in. What is wrong with it becomes `damage`."""
        index = self._index
        self._index += 1
        at = moment(row.time)
        if row.time and at is None:
            self.damage.append(Damage(reason=f"the time {row.time[:40]!r} is none", index=index))
        if self.first_at is None:
            self.first_at = at
        cls = self._events.get(row.activity)
        if cls is None:
            self._call(index, row, at)
        else:
            event, problems = build(cls, row.cells)
            if event is not None:
                event = msgspec.structs.replace(event, at=at)
                self.members.append(Recorded(index=index, event=event))
            self.damage += [Damage(reason=each, index=index) for each in problems]
        if row.resource and not self.agent and row.activity not in self._backend:
            self.agent = row.resource

    def _call(self, index: int, row: Row, at: datetime | None) -> None:
        arguments = self._arguments(index, row)
        operation, renamed = self._mapping.operation(row.activity, arguments)
        units = renamed.get("quantity")
        if isinstance(units, str) and re.fullmatch(r"[0-9]{1,9}", units, re.ASCII):
            renamed["quantity"] = int(units)
        outcome: Outcome = "not_recorded"
        result = None
        if "error" in row.cells:
            outcome, result = answer(row.cells["error"], failed=True)
        elif "result" in row.cells:
            outcome, result = answer(row.cells["result"])
        self.members.append(
            ToolCall(
                index=index,
                group=index,
                tool=row.activity,
                operation=operation,
                arguments=renamed,
                outcome=outcome,
                result=result,
                neutral=self._mapping.is_neutral(row.activity, self._answered),
                at=at,
            )
        )
        if operation is not None and outcome != "failed":
            self._answered[operation] += 1

    def _arguments(self, index: int, row: Row) -> dict[str, Any]:
        given = row.cells.get("arguments")
        if given is not None:
            try:
                value, odd = jsontext.decode(given)
                if not isinstance(value, dict) or odd:
                    raise ValueError(odd[0] if odd else "they are no object")
            except ValueError as error:
                reason = f"the arguments of {row.activity} cannot be read: {error}"
                self.damage.append(Damage(reason=reason, index=index))
                return {}
            return value
        tool = self._mapping.tools.get(row.activity)
        if tool is None:
            return {}
        ours = ARGUMENTS.get(tool.operation, {})
        names = {*tool.arguments, *ours, *(other for each in ours.values() for other in each)}
        return {name: _value(cell) for name, cell in row.cells.items() if name in names}


def _value(cell: str) -> Any:
    """A cell as data: JSON where it is, or text."""
    text = cell.strip()
    if text[:1] in ("{", "["):
        try:
            return jsontext.decode(text)[0]
        except ValueError:
            return text
    return text


# -- events out of cells ----------------------------------------------------------------------


def build(cls: type[Event], cells: Mapping[str, str]) -> tuple[Event | None, list[str]]:
    """An event of that class out of cells, and what is wrong with them.

    A cell belongs to the field of its column's name; ``order.customer_id`` to the member of a
    record, and so does ``customer_id`` alone where the event has no such field and only one
    record. What no cell gives is hidden, not empty; the event is None where that cannot be.
    """
    given: dict[str, Any] = {}
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    records = [name for name, field in fields.items() if record_of(field.type) is not None]
    for column, cell in cells.items():
        name, _, member = column.partition(".")
        if name not in fields and len(records) == 1:
            inner = record_of(fields[records[0]].type)
            if inner is not None and column in inner.__struct_fields__:
                name, member = records[0], column
        if name not in fields or name in ("at", "inferred"):
            continue
        if member:
            record = given.setdefault(name, {})
            if isinstance(record, dict):
                record[member] = _value(cell)
        else:
            given[name] = _value(cell)
    fitted = fit(cls, given, table=True)
    return fitted.event, [f"column {each}" for each in fitted.problems]
