"""Where in a JSON value the conversations are: lists of messages, in all kinds of containers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from returnflow.replay.transcripts.splitting import Piece, lines, one_value_a_line, top_keys, values

KEYS = ("messages", "traj", "trajectory", "conversation", "dialogue", "transcript", "turns")
"""The keys under which the messages are looked for first; then any other."""

ID_KEYS = ("id", "case_id", "task_id", "conversation_id", "session_id")

_MAX_LEVELS = 4
_ROLE = re.compile(rb'(?<!\\)"role"\s*:')


class Conversation(NamedTuple):
    """A conversation and what stands beside it.

    Args:
        messages: as they stand there.
        beside: the members of the objects round it, those of the nearest first.
        key: its key, where an object holds several conversations.
    """

    messages: list[Any]
    beside: dict[str, Any]
    key: str = ""


def looks_like_messages(head: bytes) -> bool:
    """Whether a text that begins so may hold chat messages."""
    return head.lstrip()[:1] in (b"{", b"[") and _ROLE.search(head) is not None


def pieces(stream: Iterable[bytes], head: bytes) -> Iterator[Piece]:
    """A text of JSON Lines or of whole JSON values cut up, conversation by conversation."""
    return lines(stream) if one_value_a_line(head) else values(stream, is_message)


def is_message(beginning: bytes) -> bool:
    """Whether an object that begins so is a message, and no container of messages."""
    keys = set()
    for key in top_keys(beginning):
        if key == b"role":
            return True
        keys.add(key)
    return b"content" in keys


def conversations(value: Any) -> Iterator[Conversation]:
    """The conversations in a value, in their order."""
    yield from _find(value, {}, "", _MAX_LEVELS)


def _find(value: Any, beside: dict[str, Any], key: str, levels: int) -> Iterator[Conversation]:
    if _is_messages(value):
        yield Conversation(value, beside, key)
    elif levels and isinstance(value, list):
        for each in value:
            yield from _find(each, beside, key, levels - 1)
    elif levels and isinstance(value, dict):
        here = _lists(value)
        own = {name: each for name, each in value.items() if not isinstance(each, list | dict)}
        inherited = {name: each for name, each in beside.items() if name not in ID_KEYS}
        direct = [name for name in here if _is_messages(value[name])]
        preferred = next((name for name in KEYS if name in direct), None)
        if preferred is not None:
            yield Conversation(value[preferred], {**inherited, **own})
            return
        for name in direct or here:
            several = name if len(direct) > 1 else ""
            yield from _find(value[name], {**inherited, **own}, several, levels - 1)


def _lists(value: dict[str, Any]) -> list[str]:
    return [name for name, each in value.items() if isinstance(each, list | dict) and each]


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, dict) and isinstance(each.get("role"), str) for each in value
    )


def case_id(conversation: Conversation, limit: int) -> str:
    """What the log calls the conversation; empty where it gives it no name."""
    if conversation.key:
        return conversation.key[:limit]
    for key in ID_KEYS:
        value = conversation.beside.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            trial = conversation.beside.get("trial")
            again = f".{trial}" if key == "task_id" and type(trial) is int else ""
            return f"{str(value).strip()[:limit]}{again}"
    return ""
