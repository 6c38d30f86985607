"""Chats with calls of tools, as the calls of AI agents are logged in the chat-completions form.

A transcript is a list of messages. Their containers and dialects differ; what is read, and how
the two halves of a call of a tool are brought together, is told in ``docs/transcripts.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Any

from returnflow import jsontext
from returnflow.engine.transcript import Damage, Transcript
from returnflow.replay.transcripts.conversations import (
    Conversation,
    case_id,
    conversations,
    looks_like_messages,
    pieces,
)
from returnflow.replay.transcripts.messages import Messages
from returnflow.replay.transcripts.reader import Options, Unit, default_id, unreadable
from returnflow.replay.transcripts.shared import (
    MAX_ID,
    MAX_MEMBERS,
    answers,
    day,
    day_of,
    known_zone,
    too_many,
)
from returnflow.replay.transcripts.sources import HEAD
from returnflow.replay.transcripts.tools import mapping_for

_ZONES = ("zone", "timezone", "time_zone")
_DATES = ("date", "created_at", "timestamp", "start_time", "started_at")
_AGENTS = ("agent", "agent_id", "agent_name", "model")


class ChatReader:
    """Reads chats with calls of tools."""

    name = "chat"
    about = "chats with tool calls in the chat-completions form, JSON or JSON Lines"
    suffixes = (".json", ".jsonl", ".ndjson")

    def recognises(self, head: bytes, filename: str) -> bool:
        """By objects or lists in which messages have a role."""
        return looks_like_messages(head)

    def units(self, stream: Iterable[bytes], source: str) -> Iterator[Unit]:
        """A unit for each line, each entry of a list of conversations, or each JSON value."""
        head, whole = peeked(stream)
        for piece in pieces(whole, head):
            yield Unit(source, piece.number, piece.data, self.name, piece.problem)

    def read(self, unit: Unit, options: Options) -> Iterator[Transcript]:
        """The conversations in a unit."""
        try:
            value, odd = jsontext.decode(unit.data)
        except ValueError as error:
            yield unreadable(unit, str(error))
            return
        damage = [Damage(reason=reason) for reason in odd]
        found = list(conversations(value))
        for number, conversation in enumerate(found, 1):
            own = case_id(conversation, MAX_ID)
            if not own:
                own = default_id(unit) + (f".{number}" if len(found) > 1 else "")
            yield self._transcript(conversation, own, unit, options, damage)
        if not found:
            yield unreadable(unit, "no list of messages, each with its `role`, is in here")

    def _transcript(
        self,
        conversation: Conversation,
        own_id: str,
        unit: Unit,
        options: Options,
        damage: list[Damage],
    ) -> Transcript:
        beside = conversation.beside
        zone = options.zone or next(
            (beside[key] for key in _ZONES if known_zone(beside.get(key))), None
        )
        messages = Messages(mapping_for(options.tools, options.vocabulary), zone)
        for index, message in enumerate(conversation.messages[:MAX_MEMBERS]):
            messages.add(index, message)
        named = (beside[key] for key in _AGENTS if isinstance(beside.get(key), str))
        return Transcript(
            case_id=own_id,
            format=self.name,
            source=unit.source,
            line=unit.line,
            agent=next(named, ""),
            policy_date=options.date or _day(messages, beside, zone),
            zone=zone,
            members=messages.members(),
            unobservable=answers(options.vocabulary),
            damage=[*damage, *too_many(len(conversation.messages)), *messages.damage],
        )


def _day(messages: Messages, beside: dict[str, Any], zone: str | None) -> date | None:
    """The day of the call: the one that the call itself was told comes first."""
    if messages.clock is not None:
        return messages.clock
    if messages.first_at is not None:
        return day_of(messages.first_at, zone)
    return next(filter(None, (day(beside.get(key), zone) for key in _DATES)), None)


def peeked(stream: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a stream, and the whole of it."""
    rest = iter(stream)
    ahead: list[bytes] = []
    have = 0
    while have < HEAD and (chunk := next(rest, b"")):
        ahead.append(chunk)
        have += len(chunk)
    return b"".join(ahead)[:HEAD], chain(ahead, rest)
