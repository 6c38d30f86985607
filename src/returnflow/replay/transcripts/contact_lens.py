"""Speech and chat analytics of a contact centre, as Amazon Connect Contact Lens writes them.

A file holds one contact: who took part and what was said, and no call of a backend. Those may
come from a log of calls beside it (`sidecar`); else what depends on them cannot be observed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from returnflow import jsontext
from returnflow.engine.transcript import Damage, Recorded, Role, ToolCall, Transcript, Turn
from returnflow.replay.transcripts.chat import peeked
from returnflow.replay.transcripts.conversations import pieces
from returnflow.replay.transcripts.reader import Options, Unit, default_id, unreadable
from returnflow.replay.transcripts.shared import (
    MAX_ID,
    MAX_MEMBERS,
    answers,
    backend_events,
    day_of,
    moment,
    too_many,
)
from returnflow.replay.transcripts.sidecar import Logged, call_log, merged

_ROLES: dict[str, Role] = {"AGENT": "agent", "CUSTOMER": "customer"}
_PEOPLE = re.compile(rb'"(?:Participants|ParticipantRole|ParticipantId)"\s*:')
_KIND = re.compile(rb'"(?:Version"\s*:\s*"(?:1\.|CHAT-)|Transcript"\s*:\s*\[|Channel"\s*:)')


class ContactLensReader:
    """Reads the analysis files of Contact Lens, of voice and of chat."""

    name = "contact-lens"
    about = "Amazon Connect Contact Lens analysis files, voice and chat"
    suffixes = (".json", ".jsonl", ".ndjson")

    def recognises(self, head: bytes, filename: str) -> bool:
        """By the participants and by what else such a file begins with."""
        return (
            head.lstrip()[:1] in (b"{", b"[")
            and _PEOPLE.search(head) is not None
            and _KIND.search(head) is not None
        )

    def units(self, stream: Iterable[bytes], source: str) -> Iterator[Unit]:
        """A unit for each contact: a file, a line, or an entry of a list."""
        head, whole = peeked(stream)
        for piece in pieces(whole, head):
            yield Unit(source, piece.number, piece.data, self.name, piece.problem)

    def read(self, unit: Unit, options: Options) -> Iterator[Transcript]:
        """The contact of a unit."""
        try:
            value, odd = jsontext.decode(unit.data)
        except ValueError as error:
            yield unreadable(unit, str(error))
            return
        if not isinstance(value, dict) or not isinstance(value.get("Transcript"), list):
            yield unreadable(unit, "this is no contact: an object with `Transcript` is expected")
            return
        contact = _Contact(value)
        contact.damage[:0] = [Damage(reason=reason) for reason in odd]
        case_id = _case_id(value) or default_id(unit)
        calls: list[Logged] = []
        if options.calls is not None:
            log = call_log(options.calls, options.tools, options.vocabulary)
            calls = log.calls.get(case_id, [])
        unobservable = answers(options.vocabulary)
        yield Transcript(
            case_id=case_id,
            format=self.name,
            source=unit.source,
            line=unit.line,
            agent=contact.agent,
            policy_date=options.date or _day(contact, calls, options.zone),
            zone=options.zone,
            members=contact.members(calls, options.zone),
            unobservable=unobservable
            if calls
            else unobservable | backend_events(options.vocabulary),
            damage=contact.damage,
        )


class _Contact:
    """What was said in a contact."""

    def __init__(self, value: dict[str, Any]) -> None:
        entries: list[Any] = value["Transcript"]
        self.damage = too_many(len(entries))
        self.agent = ""
        self.turns: list[tuple[int | None, Turn]] = []
        self._roles = _participants(value.get("Participants"))
        for index, entry in enumerate(entries[:MAX_MEMBERS]):
            self._add(index, entry)
        # Turns overlap and are listed speaker by speaker at times; what begins first comes first.
        if all(offset is not None for offset, _ in self.turns):
            self.turns.sort(key=lambda each: (each[0] or 0, each[1].index))
        else:
            times = [turn.at for _, turn in self.turns]
            if all(at is not None and at.tzinfo is not None for at in times):
                self.turns.sort(key=lambda each: (each[1].at, each[1].index))

    @property
    def first_at(self) -> datetime | None:
        return next((turn.at for _, turn in self.turns if turn.at is not None), None)

    def members(self, calls: list[Logged], zone: str | None) -> list[Turn | ToolCall | Recorded]:
        """The turns, with the calls of a log of calls among them."""
        if calls:
            return merged(self.turns, calls, zone)
        return [turn for _, turn in self.turns]

    def _add(self, index: int, entry: Any) -> None:
        if not isinstance(entry, dict):
            self.damage.append(Damage(reason="a turn is an object", index=index))
            return
        if entry.get("Type", "MESSAGE") != "MESSAGE":
            return  # somebody joined, left or sent a file: nothing was said
        text = entry.get("Content")
        if not isinstance(text, str):
            self.damage.append(Damage(reason="the turn has no text as `Content`", index=index))
            return
        role = self._role(entry)
        if role == "agent" and not self.agent and isinstance(entry.get("DisplayName"), str):
            self.agent = entry["DisplayName"]
        offset = entry.get("BeginOffsetMillis")
        at = moment(entry.get("AbsoluteTime"))
        turn = Turn(index=index, role=role, text=text, at=at)
        self.turns.append((offset if type(offset) is int else None, turn))

    def _role(self, entry: dict[str, Any]) -> Role:
        who = entry.get("ParticipantId")
        named = entry.get("ParticipantRole")
        if not isinstance(named, str):
            named = self._roles.get(who, who) if isinstance(who, str) else ""
        return _ROLES.get(named.upper(), "other")


def _participants(value: Any) -> dict[str, str]:
    """The roles of those who took part, by their ids."""
    people = value if isinstance(value, list) else []
    return {
        person["ParticipantId"]: person["ParticipantRole"]
        for person in people
        if isinstance(person, dict)
        and isinstance(person.get("ParticipantId"), str)
        and isinstance(person.get("ParticipantRole"), str)
    }


def _case_id(value: dict[str, Any]) -> str:
    for holder in (value, value.get("CustomerMetadata"), value.get("Metadata")):
        found = holder.get("ContactId") if isinstance(holder, dict) else None
        if isinstance(found, str) and found.strip():
            return found.strip()[:MAX_ID]
    return ""


def _day(contact: _Contact, calls: list[Logged], zone: str | None) -> date | None:
    first = contact.first_at or next((each.call.at for each in calls if each.call.at), None)
    return None if first is None else day_of(first, zone)
