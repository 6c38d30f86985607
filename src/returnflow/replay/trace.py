"""One sequence of events of a transcript: what the machine is told when a call is replayed.

A log of the machine's own events is taken as it is. Of recorded tool calls the outcomes become
events, and the answers behind them are inferred by the vocabulary. What was said is no event
there but a fact: it is put at its place, and the machine takes it in whatever state it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, overload

from msgspec.structs import replace

from returnflow.engine.definition import Definition
from returnflow.engine.hearing import Hearing
from returnflow.engine.transcript import (
    Answered,
    Presentation,
    Recorded,
    ToolCall,
    Transcript,
    Turn,
)
from returnflow.engine.vocabulary import Due, Event, Vocabulary, event_name
from returnflow.inert import fold
from returnflow.redacted import hidden, redacted
from returnflow.replay.findings import Quote

HEARD_BEFORE = 8
"""Turns of the agent in which something may have been presented before it was looked up."""

LONGEST_HEARD = 20_000
"""Characters of a turn in which presentations are looked for."""

LOOK_AHEAD = 200
"""Calls that an inference may look ahead; keeps the work in proportion to the log."""


@dataclass(slots=True)
class Said:
    """Something prescribed that was said in the text of a call.

    Args:
        event: that it was said, for the facts.
        quote: where; None where the text at that place cannot be seen, so that it may have been.
    """

    due: Due
    event: Event
    quote: Quote | None


@dataclass(slots=True)
class Trace:
    """See the module.

    Attributes:
        events, index: the events, and for each the place in the transcript of the member that
            it comes from.
        said: by position among the events, what was said before that event; the position after
            the last event is what was said at the end.
        unknown: tools that the procedure does not know: their places and names.
        gaps: positions before which something could not be read: whatever seems to be missing
            there may have been in it.
        unseen: writes whose outcome the record does not show: places, names, and why.
        doubtful: what may have been said where nobody can see it, by (notice, subject): the due,
            and why it cannot be told.
        stood_in: what was said in place of something else: the place, and the due it stood in for.
        otherwise: positions of events that name something as said which their words do not say.
        unpresented: what was not put before the customer, with the place of the event.
        silent: the names of events that the format cannot show.
        spoken: the agent's turns, where the text of the call is recorded.
        tells: the log names what was said as events of its own.
        case: the facts at its end, of a log of tool calls; None of another.
        end: the place after the last member.
    """

    events: Sequence[Event]
    index: Sequence[int]
    end: int
    said: dict[int, list[Said]] = field(default_factory=dict)
    unknown: list[tuple[int, str, datetime | None]] = field(default_factory=list)
    gaps: frozenset[int] = frozenset()
    unseen: list[tuple[int, str, str]] = field(default_factory=list)
    doubtful: dict[tuple[str, str], tuple[Due, str]] = field(default_factory=dict)
    stood_in: list[tuple[int, Due, str]] = field(default_factory=list)
    otherwise: list[tuple[int, Event]] = field(default_factory=list)
    unpresented: list[tuple[int, Event, list[str]]] = field(default_factory=list)
    silent: frozenset[str] = frozenset()
    spoken: list[Turn] = field(default_factory=list)
    tells: bool = True
    case: Any = None


class Tracer:
    """Makes traces of transcripts, for one definition.

    Args:
        zone: the policy zone where a transcript does not name one.
    """

    def __init__(self, definition: Definition, hearing: Hearing, zone: str) -> None:
        self.definition = definition
        self.vocabulary: Vocabulary = definition.vocabulary
        self.hearing = hearing
        self.zone = zone
        operations = list(self.vocabulary.operations.values())
        self.outcomes = frozenset(name for each in operations for name in each.outcomes)
        self.looked_up = frozenset(
            name for each in operations if each.request is None for name in each.outcomes
        )
        self.requests = frozenset(each.request for each in operations if each.request)
        told, dropped = event_name(self.vocabulary.told), event_name(self.vocabulary.dropped)
        resumed = event_name(self.vocabulary.resumed)
        # What only the agent can name. A caller who is gone and a thing said are never assumed.
        self.answers = (
            frozenset(self.vocabulary.by_name) - self.outcomes - {told, dropped, resumed}
        ) - self.requests
        failed = event_name(type(self.vocabulary.build_failed("", "known", "")))
        self.unlikely = frozenset({failed, resumed, dropped})
        self._transcription = (
            self.vocabulary.transcription() if self.vocabulary.transcription else None
        )

    def new_case(self, transcript: Transcript) -> Any:
        """The facts of a call in which nothing has happened yet."""
        return self.vocabulary.new_case(transcript.policy_date, transcript.zone or self.zone)

    def trace(self, transcript: Transcript) -> Trace:
        """The trace of a transcript."""
        trace = self._trace(transcript)
        kept = {each.index for each in transcript.members} or set(trace.index)
        damaged = [each.index for each in transcript.damage if each.index is not None]
        lost = [index for index in damaged if index not in kept]
        if lost:
            trace.gaps |= {bisect_right(trace.index, index) for index in lost}
        return trace

    def _trace(self, transcript: Transcript) -> Trace:
        if not transcript.members:
            return Trace(
                events=transcript.events,
                index=range(len(transcript.events)),
                end=len(transcript.events),
                silent=transcript.unobservable & self.answers,
            )
        return _Reading(self, transcript).trace()

    def see_told(self, trace: Trace, at: int, told: Any, state: str, case: Any) -> None:
        """Notes where a log names something as said that stands in for what is due, or that its
        own words do not say.

        Args:
            state, case: where it was said, and the facts before it.
        """
        words = getattr(told, "words", "")
        if words and not redacted(words) and not self._says(told, words, state, case):
            trace.otherwise.append((at, told))
        others = self.vocabulary.stands_for.get(told.notice)
        if others is None:
            return
        for make in self.vocabulary.dues.values():
            for due in make(case):
                if due.notice in others and due.subject == told.subject:
                    trace.stood_in.append((trace.index[at], due, told.notice))

    def _says(self, told: Any, words: str, state: str, case: Any) -> bool:
        """Whether words are those of a notice; True where nobody can tell."""
        notice = told.notice
        if notice not in self.hearing.notices:
            return True
        values: Mapping[str, Any] = {}
        if self.hearing.compares(notice):
            due = self._due(notice, told.subject, state, case)
            if due is not None:
                values = due.values
            elif self.hearing.needs(notice):
                return True  # it was not due, or not any more
        return self.hearing.find(notice, words, values) is not None

    def _due(self, notice: str, subject: str, state: str, case: Any) -> Due | None:
        """What is due of that notice about that subject; mostly it is the state that owes it."""
        makers = self.vocabulary.dues
        owes = self.definition.states[state].owes
        first = [makers[owes]] if owes is not None else []
        for make in (*first, *makers.values()):
            for due in make(case):
                if due.notice == notice and due.subject == subject:
                    return due
        return None


class _Ahead(Sequence[Answered]):
    """The calls after one, without a copy of them."""

    def __init__(self, calls: Sequence[Answered], start: int) -> None:
        self._calls = calls
        self._start = start
        self._stop = min(len(calls), start + LOOK_AHEAD)

    def __len__(self) -> int:
        return self._stop - self._start

    @overload
    def __getitem__(self, at: int) -> Answered: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Answered]: ...
    def __getitem__(self, at: int | slice) -> Answered | Sequence[Answered]:
        return list(self)[at]

    def __iter__(self) -> Iterator[Answered]:
        for place in range(self._start, self._stop):
            yield self._calls[place]


class _Reading:
    """The reading of one transcript of tool calls, turns and single events."""

    def __init__(self, tracer: Tracer, transcript: Transcript) -> None:
        self.tracer = tracer
        self.case = tracer.new_case(transcript)
        self.members = list(_in_order(transcript.members, tracer.vocabulary))
        events: list[Event] = []
        self.events, self.index = events, list[int]()
        recorded = any(isinstance(each, Recorded) for each in self.members)
        spoken = [each for each in self.members if isinstance(each, Turn) and each.role == "agent"]
        # Answers are inferred from calls; where there are none, they cannot be seen at all.
        calls = any(isinstance(each, ToolCall) for each in self.members)
        silent = transcript.unobservable & tracer.answers
        told = event_name(tracer.vocabulary.told)
        self.result = Trace(
            events=events,
            index=self.index,
            end=1 + max((each.index for each in self.members), default=-1),
            silent=tracer.answers if calls and not recorded else silent,
            spoken=spoken,
            tells=recorded and told not in transcript.unobservable,
        )
        # Neither text nor events: nobody can see what was said.
        self.blind = not spoken and not self.result.tells
        self._early: dict[str, Quote] = {}
        self._opened = False
        self._gaps: set[int] = set()
        self._heard: deque[str] = deque(maxlen=HEARD_BEFORE)
        self._waiting: list[tuple[int, Event, Presentation]] = []

    def trace(self) -> Trace:
        tracer = self.tracer
        reading = tracer._transcription
        answered = [
            Answered(call=each, outcome=reading.outcome(each))
            for each in self.members
            if reading is not None and isinstance(each, ToolCall) and each.operation
        ]
        inference = reading.infer() if reading is not None else None
        number = 0
        for place, member in enumerate(self.members):
            match member:
                case Turn():
                    self._hear(member)
                case Recorded(index=index, event=event):
                    self._add(event, index)
                case ToolCall(operation=None):
                    if hidden(member.tool):
                        self._gaps.add(len(self.events))  # whatever it was, it was something
                    elif not member.neutral:
                        self.result.unknown.append((member.index, member.tool, member.at))
                case ToolCall() if inference is not None:
                    now = answered[number]
                    number += 1
                    for event in inference.before(self.case, now, _Ahead(answered, number)):
                        self._add(event, member.index)
                    if now.outcome is not None:
                        self._add(inference.reconciled(self.case, now.outcome), member.index)
                    elif place + 1 < len(self.members) or member.outcome != "not_recorded":
                        self._unseen(member)
        self._close()
        if self.result.silent and not self.result.tells:
            self.result.case = self.case
        self.result.gaps = frozenset(self._gaps)
        return self.result

    def _unseen(self, call: ToolCall) -> None:
        """A write of which the record shows the sending only, and the call goes on: whether it
        was done cannot be told, so nothing is concluded from it."""
        why = "the record does not show what came of it"
        self.result.unseen.append((call.index, call.operation or call.tool, why))
        failed = self.tracer.vocabulary.build_failed(call.operation or "", "known", why)
        self._add(replace(failed, inferred=True), call.index)

    # -- events -------------------------------------------------------------------------------

    def _add(self, event: Event, index: int) -> None:
        self.events.append(event)
        self.index.append(index)
        self.case.apply(event)
        name = event_name(event)
        if name not in self.tracer.outcomes and not self.blind:
            return
        if name in self.tracer.looked_up and self._opened:
            # A new round begins: what was said of the one before was not said of this one.
            self._early.clear()
            self._opened = False
        for kind, due in self._owed():
            quote = self._early.get(due.notice)
            if quote is not None:
                self._say(due, quote)
            elif self.blind:
                self._may_have_said(kind, due, "the record shows nothing of what was said")
            self._opened = self._opened or kind in self.tracer.vocabulary.owed_at_end
        reading = self.tracer._transcription
        if self.result.spoken and reading is not None and not event.inferred:
            found = [
                (index, event, each)
                for each in reading.presented(self.case, event)
                if not any(_shown(each, words) for words in self._heard)
            ]
            self._waiting += found[: LOOK_AHEAD - len(self._waiting)]

    def _owed(self) -> list[tuple[str, Due]]:
        dues = self.tracer.vocabulary.dues.items()
        return [(kind, due) for kind, make in dues for due in make(self.case)]

    def _say(self, due: Due, quote: Quote | None) -> None:
        event = self.tracer.vocabulary.build_told(due)
        self.case.apply(event)
        self.result.doubtful.pop((due.notice, due.subject), None)
        here = self.result.said.setdefault(len(self.events), [])
        here.append(Said(due, event, quote))

    def _may_have_said(self, kind: str, due: Due, why: str) -> None:
        self._say(due, None)
        if kind in self.tracer.vocabulary.owed_at_end:
            self.result.doubtful[due.notice, due.subject] = (due, why)

    # -- text ---------------------------------------------------------------------------------

    def _hear(self, turn: Turn) -> None:
        if turn.role != "agent":
            return
        self._see_presented(turn.text)
        hearing = self.tracer.hearing
        spans = hearing.spans(turn.text)
        if not (spans or turn.redacted or self.result.doubtful or self._opened):
            return  # nothing is owed that an id alone could be said for
        for due, _ in list(self.result.doubtful.values()):
            span = hearing.find(due.notice, turn.text, due.values)
            if span is not None:
                self._say(due, quoted(turn, span))
        for kind, due in self._owed():
            span = hearing.find(due.notice, turn.text, due.values)
            if span is not None:
                self._say(due, quoted(turn, span))
            elif self._stood_in(due, turn):
                continue
            elif turn.redacted:
                self._may_have_said(kind, due, f"a part of turn {turn.index} cannot be seen")
        for notice, span in spans.items():
            if not hearing.needs(notice):
                self._early[notice] = quoted(turn, span)

    def _stood_in(self, due: Due, turn: Turn) -> bool:
        """Whether something was said that is accepted in the place of what is due."""
        for notice, others in self.tracer.vocabulary.stands_for.items():
            if due.notice not in others:
                continue
            span = self.tracer.hearing.find(notice, turn.text, due.values)
            if span is not None:
                self._say(Due(notice, due.subject, due.values), quoted(turn, span))
                self.result.stood_in.append((turn.index, due, notice))
                return True
        return False

    def _see_presented(self, text: str) -> None:
        words = fold(text[:LONGEST_HEARD])
        self._heard.append(words)
        self._waiting = [each for each in self._waiting if not _shown(each[2], words)]

    def _close(self) -> None:
        missing: dict[int, tuple[Event, list[str]]] = {}
        for index, event, each in self._waiting:
            missing.setdefault(index, (event, []))[1].append(each.what)
        self.result.unpresented = [(at, event, what) for at, (event, what) in missing.items()]


def quoted(turn: Turn, span: tuple[int, int]) -> Quote:
    """A part of a turn, as evidence."""
    return Quote(text=turn.text[span[0] : span[1]], turn=turn.index, offset=span[0])


def _shown(presentation: Presentation, words: str) -> bool:
    """Whether the text names one of the things: it, or half of the longer words of its name."""
    for text in map(fold, presentation.texts):
        if text in words:
            return True
        parts = [part for part in text.replace(",", " ").split() if len(part) > 3]
        if parts and 2 * sum(part in words for part in parts) >= len(parts):
            return True
    return not presentation.texts


def _in_order(
    members: Sequence[Turn | ToolCall | Recorded], vocabulary: Vocabulary
) -> Iterator[Turn | ToolCall | Recorded]:
    """Calls made at once, in the order in which the procedure can take them: that of its
    operations. All else stays in its place."""
    ranks = {name: rank for rank, name in enumerate(vocabulary.operations)}
    group: list[ToolCall] = []

    def settled() -> list[ToolCall]:
        found = sorted(group, key=lambda call: ranks.get(call.operation or "", len(ranks)))
        group.clear()
        return found

    for member in members:
        if isinstance(member, ToolCall):
            if group and group[0].group != member.group:
                yield from settled()
            group.append(member)
        else:
            yield from settled()
            yield member
    yield from settled()
