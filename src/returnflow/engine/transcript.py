"""A recorded call as a reader hands it over, whatever format it stood in.

A transcript holds what the format shows and says what it cannot show. Where it records tool
calls and what was said, a vocabulary reads events out of them (`Transcription`); where it
records events, they are taken as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, Protocol

import msgspec

from returnflow.engine.vocabulary import Due, Event
from returnflow.redacted import redacted

Role = Literal["agent", "customer", "other"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said.

    Args:
        index: its place among the transcript's own members (messages, turns, rows), from 0.
        at: when it was said; without a zone it is read in the policy zone. None: not recorded.
    """

    index: int
    role: Role
    text: str
    at: datetime | None = None

    @property
    def redacted(self) -> bool:
        """Whether a part of it cannot be seen (rule 41)."""
        return redacted(self.text)


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool, with what came of it.

    Args:
        index: the place, among the transcript's own members, of the member that made the call.
        group: calls of one group were made at once and have no order among themselves.
        tool: its name as the log spells it.
        operation: the procedure's operation that it is; None where the procedure has none.
        neutral: it is no part of the procedure and never held against anyone.
        arguments: by the operation's own names; an argument that is not recorded is missing.
        outcome: ``answered`` with `result`; ``failed`` with an error text in `result`;
            ``not_recorded`` where the log does not show it.
        result: what came back: decoded JSON, or text.
    """

    index: int
    group: int
    tool: str
    operation: str | None
    arguments: dict[str, Any]
    outcome: Literal["answered", "failed", "not_recorded"] = "answered"
    result: Any = None
    neutral: bool = False
    at: datetime | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the log names as such, at its place among the transcript's own members."""

    index: int
    event: Event


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a transcript, or a whole one, that could not be read: where, and why.

    Args:
        index: the place among the transcript's own members; None: the whole of it.
    """

    reason: str
    index: int | None = None


class Transcript(msgspec.Struct, kw_only=True):
    """One recorded call.

    Args:
        case_id: its id in the log, or one made of the file's name and the place in it.
        format: the reader's name.
        source: the file's name as given; ``-`` for standard input.
        line: the line, or the number of the record, in the file, from 1.
        agent: who led it; empty where not recorded.
        policy_date: the day on which the call decided (rule 4); None where nothing tells.
        zone: the policy zone, an IANA name; None where the log does not say.
        events: all of it, where the format records the machine's own events.
        members: all of it, in order, where it does not.
        unobservable: the names of events that the format can never show.
        complete: it is the machine's own record: what is absent was absent in the shop, too.
        damage: what could not be read of it.
    """

    case_id: str
    format: str
    source: str = "-"
    line: int | None = None
    agent: str = ""
    policy_date: date | None = None
    zone: str | None = None
    events: list[Event] = []
    members: list[Turn | ToolCall | Recorded] = []
    unobservable: frozenset[str] = frozenset()
    complete: bool = False
    damage: list[Damage] = []


# -- what a vocabulary makes of it ------------------------------------------------------------


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call of an operation, with its outcome as an event; None: not recorded."""

    call: ToolCall
    outcome: Event | None


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is to be put before the customer: any of `texts` in the agent's words."""

    what: str
    texts: tuple[str, ...]


class Inference(Protocol):
    """Concludes, for one transcript, what it does not show: the answers behind its calls."""

    def reconciled(self, case: Any, outcome: Event) -> Event:
        """The outcome of a call with its ids spelled as the call knows them."""

    def before(self, case: Any, now: Answered, ahead: Sequence[Answered]) -> Sequence[Event]:
        """The events that must have come before a call, all of them marked inferred.

        Args:
            case: the facts before it; must not be changed.
            ahead: the calls after it, in order.
        """


class Transcription(Protocol):
    """How a vocabulary reads recorded calls.

    Attributes:
        unnoticed: names of events that can be missing from a record without a gap in the control
            flow: only the facts tell, at a later event.
    """

    unnoticed: tuple[str, ...]

    def outcome(self, call: ToolCall) -> Event | None:
        """The outcome of a call of one of the operations; None where it is not recorded."""

    def infer(self) -> Inference:
        """A fresh inference, for one transcript."""

    def supply(self, name: str, case: Any, ahead: Sequence[Event]) -> Event | None:
        """An event of that name that would fit here: what a step that was left out, or an event
        that cannot be right, ought to have been, as far as the rest of the call tells. What it
        does not tell is marked as not recorded. None: nothing can be said.

        Args:
            ahead: the events after it, in order.
        """

    def subject(self, event: Event) -> tuple[str, str] | None:
        """What the outcome of a look-up is about: the operation and an id; None: no look-up."""

    def own(self, before: Any, after: Any, event: Event) -> bool:
        """Whether a look-up is of data that this call is about. Made out of its turn it is then
        a remark, and what it showed is kept.

        Args:
            before, after: the facts without and with it; must not be changed.
        """

    def refused(self, case: Any) -> Sequence[Due]:
        """What was to be said of things that were looked up and cannot be done for the customer,
        in a call that shows no choice of the customer's at all."""

    def presented(self, case: Any, event: Event) -> Sequence[Presentation]:
        """What is to be presented to the customer once `event` is known."""
