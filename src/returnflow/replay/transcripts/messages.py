"""The messages of a chat, as turns and calls of tools.

The two halves of a call, the agent's message and the tool's reply, are brought together by the
call's id; where a dialect has none, by the tool's name; else in their order.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from returnflow import jsontext
from returnflow.engine.transcript import Damage, Recorded, Role, ToolCall, Turn
from returnflow.redacted import NOT_RECORDED
from returnflow.replay.transcripts.shared import answer, day_in, moment
from returnflow.replay.transcripts.tools import ToolMapping

_ROLES: dict[str, Role | Literal["skip", "tool"]] = {
    "system": "skip",
    "developer": "skip",
    "user": "customer",
    "customer": "customer",
    "human": "customer",
    "assistant": "agent",
    "agent": "agent",
    "ai": "agent",
    "model": "agent",
    "tool": "tool",
    "function": "tool",
}
MAX_CALLS = 1000
"""How many calls of tools of one message are read."""

_TIMES = ("timestamp", "created_at", "at", "time")


class _Open:
    """A call of a tool; its reply may still come."""

    __slots__ = ("by_id", "call", "member", "replied")

    def __init__(self, call: ToolCall, member: int, by_id: bool) -> None:
        self.call = call
        self.member = member
        self.by_id = by_id
        self.replied = False


class Messages:
    """Takes the messages of one transcript in, one after the other.

    Attributes:
        damage: what could not be read.
        clock: the day that a clock told, if the agent asked one.
        first_at: the first time that a message has.
    """

    def __init__(self, mapping: ToolMapping, zone: str | None) -> None:
        self.damage: list[Damage] = []
        self.clock: date | None = None
        self.first_at: datetime | None = None
        self._mapping = mapping
        self._zone = zone
        self._members: list[Turn | ToolCall | Recorded] = []
        self._by_id: dict[str, list[_Open]] = {}
        self._latest: list[_Open] = []
        self._answered: Counter[str] = Counter()

    def members(self) -> list[Turn | ToolCall | Recorded]:
        """All of it, in order. A call without a reply is `not_recorded`."""
        return self._members

    def add(self, index: int, message: Any) -> None:
        """Takes the message at `index` in. What is wrong with it becomes `damage`."""
        if not isinstance(message, dict):
            self._fail(index, "a message is an object with a `role`")
            return
        role = message.get("role")
        kind = _ROLES.get(role.strip().lower(), "other") if isinstance(role, str) else None
        if kind is None:
            self._fail(index, "the message has no `role`")
            return
        at = next(filter(None, (moment(message.get(key)) for key in _TIMES)), None)
        if self.first_at is None:
            self.first_at = at
        if kind == "skip":
            return
        if kind == "tool":
            self._reply(index, message)
            return
        text = self._text(index, message.get("content"))
        if text.strip():
            self._members.append(Turn(index=index, role=kind, text=text, at=at))
        if kind == "agent":
            self._take_calls(index, message, at)

    def _fail(self, index: int, reason: str) -> None:
        self.damage.append(Damage(reason=reason, index=index))

    def _text(self, index: int, content: Any) -> str:
        """The words of a message: text, a list of parts, or nothing."""
        if content is None:
            return ""
        if isinstance(content, str):
            return content
        if isinstance(content, dict):
            content = [content]
        if not isinstance(content, list):
            self._fail(index, "`content` is neither text, a list of parts, nor null")
            return ""
        words = []
        for part in content:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, dict):
                text = text.get("value")
            if isinstance(text, str):
                words.append(text)
            elif not isinstance(part, dict):  # a picture is no text, and no damage
                self._fail(index, "a part of `content` is neither text nor an object")
        return "\n".join(words)

    # -- calls --------------------------------------------------------------------------------

    def _take_calls(self, index: int, message: dict[str, Any], at: datetime | None) -> None:
        if message.get("tool_calls") or message.get("function_call"):
            self._latest = []
        calls = message.get("tool_calls")
        if isinstance(calls, dict):
            calls = [calls]
        if calls is not None and not isinstance(calls, list):
            self._fail(index, "`tool_calls` is no list")
            calls = None
        if calls and len(calls) > MAX_CALLS:
            self._fail(index, f"{len(calls)} calls at once; the first {MAX_CALLS} are read")
        for each in (calls or [])[:MAX_CALLS]:
            self._take_call(index, each, at)
        if message.get("function_call"):
            self._take_call(index, {"function": message["function_call"]}, at)

    def _take_call(self, index: int, given: Any, at: datetime | None) -> None:
        given = given if isinstance(given, dict) else {}
        body = given.get("function", given)
        body = body if isinstance(body, dict) else {}
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            self._fail(index, "a call of a tool has no `name`")
            return
        arguments = self._arguments(index, name, body.get("arguments"))
        operation, renamed = self._mapping.operation(name, arguments)
        call = ToolCall(
            index=index,
            group=index,
            tool=name,
            operation=operation,
            arguments=renamed,
            outcome="not_recorded",
            neutral=self._mapping.is_neutral(name, self._answered),
            at=at,
        )
        if operation is not None:
            self._answered[operation] += 1  # until it turns out to have failed
        call_id = _id(given.get("id"))
        waiting = _Open(call, len(self._members), bool(call_id))
        self._members.append(call)
        self._latest.append(waiting)
        if call_id:
            self._by_id.setdefault(call_id, []).append(waiting)

    def _arguments(self, index: int, name: str, given: Any) -> dict[str, Any]:
        """The arguments; none where they cannot be read."""
        if isinstance(given, str) and given.strip():
            try:
                given, odd = jsontext.decode(given)
            except ValueError as error:
                self._fail(index, f"the arguments of {name} cannot be read: {error}")
                return {}
            for reason in odd:
                self._fail(index, f"the arguments of {name}: {reason}")
        if isinstance(given, dict):
            return given
        if given not in (None, "", []) and not (isinstance(given, str) and not given.strip()):
            self._fail(index, f"the arguments of {name} are no object")
        return {}

    # -- replies ------------------------------------------------------------------------------

    def _reply(self, index: int, message: dict[str, Any]) -> None:
        parts = message.get("content")
        content = self._text(index, parts) if _is_parts(parts) else parts
        error = message.get("error")
        failed = bool(error) and error not in ("false", "False")
        if failed and content in (None, ""):
            content = error
        found = self._asked(message)
        if found is None:
            self._fail(index, "a reply of a tool that belongs to no call before it")
            return
        found.replied = True
        call = found.call
        if content is None:
            content = NOT_RECORDED  # it came back, and nobody recorded what
        outcome, result = answer(content, failed)
        if outcome == "failed" and call.operation is not None:
            self._answered[call.operation] -= 1
        if outcome == "answered" and call.tool in self._mapping.clocks and self.clock is None:
            self.clock = day_in(result, self._zone)
        self._members[found.member] = msgspec.structs.replace(call, outcome=outcome, result=result)

    def _asked(self, message: dict[str, Any]) -> _Open | None:
        """The call that a reply belongs to."""
        for key in ("tool_call_id", "call_id", "id"):
            same = self._by_id.get(_id(message.get(key)))
            if same:
                return same.pop()  # an id that is used again means the latest call of that id
        # Without an id only the calls made last can be meant: those before may have no reply.
        waiting = [each for each in self._latest if not each.replied]
        if any(_id(message.get(key)) for key in ("tool_call_id", "call_id")):
            waiting = [each for each in waiting if not each.by_id]
        name = message.get("name")
        if isinstance(name, str) and name:
            waiting = [each for each in waiting if each.call.tool == name]
        return next(iter(waiting), None)


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _is_parts(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
    )
