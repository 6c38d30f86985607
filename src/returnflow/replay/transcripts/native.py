"""Our own event log, one call a line, as ``returnflow calls export`` writes it.

See ``docs/event-log.md``. The machine's own record: what is absent in it was absent in the shop.
Lines that somebody made by hand may leave out all but `case.case_id` and `events`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache, lru_cache
from typing import Any, Union

import msgspec

from returnflow import jsontext
from returnflow.bundled import bundled
from returnflow.engine.transcript import Damage, Recorded, ToolCall, Transcript, Turn
from returnflow.engine.vocabulary import Event, Vocabulary
from returnflow.redacted import hidden
from returnflow.replay.transcripts.reader import Options, Unit, default_id, unreadable
from returnflow.replay.transcripts.shared import (
    MAX_MEMBERS,
    Fitted,
    day_of,
    fit,
    known_zone,
    moment,
    too_many,
    vocabulary,
)
from returnflow.replay.transcripts.splitting import lines


class _Case(msgspec.Struct):
    """What replay needs of the header."""

    case_id: str
    agent: str = ""
    sop: str = ""
    policy_date: date | None = None
    zone: str | None = None


class _Line(msgspec.Struct):
    """A line; its events are typed by `_decoder`."""

    case: _Case
    events: list[Any]


class NativeReader:
    """Reads the event log."""

    name = "native"
    about = "returnflow's own event log, as `returnflow calls export` writes it"
    suffixes = (".jsonl", ".ndjson", ".json")

    def recognises(self, head: bytes, filename: str) -> bool:
        """By its keys, in whatever order they stand."""
        return _EVENTS.search(head) is not None and _HEADER.search(head) is not None

    def units(self, stream: Iterable[bytes], source: str) -> Iterator[Unit]:
        """A unit for each line."""
        name = self.name
        for piece in lines(stream):
            yield Unit(source, piece.number, piece.data, name, piece.problem)

    def read(self, unit: Unit, options: Options) -> Iterator[Transcript]:
        """The call of a line."""
        words, decoder = _decoder(options.vocabulary)
        data = unit.data
        if _plain(data):
            try:
                line = decoder.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                line = None
            if (
                line is not None
                and len(line.events) <= MAX_MEMBERS
                and (line.case.zone is None or known_zone(line.case.zone))
            ):
                case = line.case
                if _foreign(case.sop, options.sop):
                    yield _of_another(unit, case.sop, options)
                    return
                yield Transcript(
                    case_id=case.case_id,
                    format=self.name,
                    source=unit.source,
                    line=unit.line,
                    agent=case.agent,
                    policy_date=case.policy_date or _fallback(case, line.events, options),
                    zone=case.zone or options.zone,
                    events=line.events,
                    complete=_MARKER.search(data) is None,
                )
                return
        yield _by_parts(unit, options, words)


_HEADER = re.compile(rb'"case"\s*:\s*\{|"events"\s*:\s*\[\s*\{\s*"event"\s*:')
_EVENTS_KEY, _CASE_KEY = b'"events"', b'"case":'
_EVENTS = re.compile(rb'"events"\s*:')
_MARKER = re.compile(rb"\[[A-Z][A-Z0-9 _-]*\]")  # as `returnflow.redacted`


def _plain(data: bytes) -> bool:
    """Whether `case` and `events` stand in a line once each, as far as bytes can tell.

    Of a key given twice msgspec takes the last and says nothing.
    """
    if data.count(_EVENTS_KEY) != 1:
        return False
    if data.count(_CASE_KEY) == 1:
        return True
    first = data.find(_EVENTS_KEY)  # events may have a member of that name
    states = data.rfind(b'"states":')
    behind = data.count(_CASE_KEY, states if states > 0 else first)
    return data.count(_CASE_KEY, 0, first) + behind == 1


@lru_cache(maxsize=8)
def _decoder(name: str) -> tuple[Vocabulary, msgspec.json.Decoder[Any]]:
    words = vocabulary(name)
    event: Any = Union[words.events]  # noqa: UP007 (a run-time union)
    line = msgspec.defstruct("Line", [("case", _Case), ("events", list[event])])
    return words, msgspec.json.Decoder(line)


def _fallback(case: _Case, events: Iterable[Event], options: Options) -> date | None:
    """The day given for such lines, or that of the first event that has a time."""
    if options.date is not None:
        return options.date
    first = next((event.at for event in events if event.at is not None), None)
    if first is None:
        return None
    return day_of(first, case.zone or options.zone)


# -- what is not as it should be --------------------------------------------------------------


@cache
def _foreign(sop: str, ours: str) -> bool:
    """Whether a call is of another procedure that comes with the program. One with a name of its
    own may be a copy of ours; of that only its events tell."""
    shipped = {path.stem.replace("_", "-") for path in bundled("states").glob("*.yaml")}
    return sop != ours and {sop, ours} <= shipped


def _of_another(unit: Unit, sop: str, options: Options) -> Transcript:
    return unreadable(unit, f"this is a call of {sop}, not of {options.sop}; give its --sop")


def _by_parts(unit: Unit, options: Options, words: Vocabulary) -> Transcript:
    """The line part by part: what can be read of it, and what is the matter with the rest."""
    try:
        value, odd = jsontext.decode(unit.data)
    except ValueError as error:
        return unreadable(unit, f"this is no call of the event log: {error}")
    if not isinstance(value, dict) or not isinstance(value.get("events"), list):
        return unreadable(
            unit, "this is no call of the event log: an object with `case` and `events` is expected"
        )
    case, damage = _case(unit, value.get("case"))
    if _foreign(case.sop, options.sop):
        return _of_another(unit, case.sop, options)
    damage += [Damage(reason=reason) for reason in odd]
    damage += too_many(len(value["events"]))
    bodies = value["events"][:MAX_MEMBERS]
    members: list[Turn | ToolCall | Recorded] = []
    gaps = False
    for index, body in enumerate(bodies):
        if unknown := _unknown(body, index, words):
            if case.sop and options.sop and case.sop != options.sop and not unknown.neutral:
                # Another procedure has other events: nobody has done anything wrong.
                return _of_another(unit, case.sop, options)
            members.append(unknown)
            continue
        found = _event(body, words)
        gaps = gaps or found.gaps
        damage += [Damage(reason=reason, index=index) for reason in found.problems]
        if found.event is not None:
            members.append(Recorded(index=index, event=found.event))
    events = [each.event for each in members if isinstance(each, Recorded)]
    whole = len(events) == len(bodies)
    return Transcript(
        case_id=case.case_id,
        format=NativeReader.name,
        source=unit.source,
        line=unit.line,
        agent=case.agent,
        policy_date=case.policy_date or _fallback(case, events, options),
        zone=case.zone or options.zone,
        events=events if whole else [],
        members=[] if whole else members,
        complete=not damage and not gaps and _MARKER.search(unit.data) is None,
        damage=damage,
    )


def _case(unit: Unit, value: Any) -> tuple[_Case, list[Damage]]:
    """The header, member by member."""
    given = value if isinstance(value, dict) else {}
    damage: list[Damage] = []
    case = _Case(default_id(unit))
    for field in msgspec.structs.fields(_Case):
        if given.get(field.name) is None:
            continue
        try:
            setattr(case, field.name, msgspec.convert(given[field.name], field.type))
        except msgspec.ValidationError as error:
            damage.append(Damage(reason=f"`case.{field.name}`: {error}"))
    if not given.get("case_id"):
        damage.append(Damage(reason="`case.case_id` is missing"))
    if case.zone is not None and not known_zone(case.zone):
        damage.append(Damage(reason=f"`case.zone`: {case.zone!r} is no IANA time zone"))
        case.zone = None
    return case, damage


def _event(body: Any, words: Vocabulary) -> Fitted:
    """The event, with the fields hidden that cannot be read."""
    name = body.get("event") if isinstance(body, dict) else None
    cls = words.by_name.get(name) if isinstance(name, str) else None
    if cls is None:
        return Fitted(None, ["an event is an object that names itself under `event`"], gaps=True)
    try:
        return Fitted(msgspec.convert(body, cls), [], gaps=False)
    except msgspec.ValidationError:
        found = fit(cls, body)
        return found._replace(problems=[f"`{name}`: {each}" for each in found.problems])


def _unknown(body: Any, index: int, words: Vocabulary) -> ToolCall | None:
    """An event whose name the vocabulary does not have: kept, so that it is judged as unknown.

    One whose name is redacted may be any; it is held against nobody (rule 41).
    """
    name = body.get("event") if isinstance(body, dict) else None
    if not isinstance(name, str) or name in words.by_name:
        return None
    return ToolCall(
        index=index,
        group=index,
        tool=name,
        operation=None,
        arguments={},
        outcome="not_recorded",
        neutral=hidden(name),
        at=moment(body.get("at")),
    )
