"""What is wrong along a way, named: one finding for each slip.

What follows from a slip that was named already is not named again: a condition that fails about the
same item, the answers that were inferred from one call, a step that stands in another place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from returnflow.engine.definition import Row
from returnflow.engine.scorecard import Kind, severity_of
from returnflow.engine.vocabulary import Event, Guard, event_name
from returnflow.replay.findings import Finding
from returnflow.replay.moves import (
    Absent,
    Doubt,
    Failed,
    LogMove,
    ModelMove,
    Move,
    Passed,
    Sync,
    Way,
    continues,
)
from returnflow.replay.namer import OUT_OF_TURN, Namer
from returnflow.replay.trace import Trace

_RULES = re.compile(r"\s*\((?:rules?\s)?[\d, and]+\)")


@dataclass(frozen=True, slots=True)
class _Stray:
    """An event without a place, and the number of its finding."""

    event: Event
    finding: int


@dataclass(frozen=True, slots=True)
class _Want:
    """What would have put a finding in order, had it come right before."""

    finding: int
    fits: Callable[[Event], bool]


class Naming:
    """The naming of one way."""

    def __init__(self, namer: Namer, trace: Trace, way: Way) -> None:
        self.namer = namer
        self.leading = namer.leading
        self.states = namer.definition.states
        self.trace = trace
        self.way = way
        self.found: list[Finding] = []
        self.doubts: list[Finding] = []
        self.blamed: set[str] = set()
        self.doubted: set[str] = set()
        self.strays: list[_Stray] = []
        self.wants: list[_Want] = []
        self.dropped: set[int] = set()
        # A step that stands in another place is missing here and out of place there: one slip.
        strayed = Counter(event_name(m.event) for m in way.moves if isinstance(m, LogMove))
        missing = Counter(_missing(way))
        self.elsewhere = strayed & missing
        self.misplaced = self.elsewhere.copy()

    def name(self) -> tuple[list[Finding], list[Finding]]:
        skipped: list[ModelMove] = []
        before: Move | None = None
        told, case = event_name(self.namer.definition.vocabulary.told), None
        for move in self.way.moves:
            if isinstance(move, ModelMove):
                if not move.silent:
                    skipped.append(move)
                continue
            self._skipped(skipped)
            skipped = []
            if isinstance(move, Sync):
                if event_name(move.event) == told and case is not None:
                    where = move.row.state
                    self.namer.tracer.see_told(self.trace, move.at, move.event, where, case)
                case = move.case
                self._taken(move)
            elif not continues(before, move, self.leading) or move.harmless:
                self._stray(move)
            before = move
        self._skipped(skipped)
        self._at_the_end()
        self._pair()
        return self.found, self.doubts

    def _at_the_end(self) -> None:
        ends = self.namer.at_the_end(self.trace, self.way.state, self.way.case)
        if any(each.kind == "unfinished" and each.event for each in ends):
            # What has no place while a write is awaited follows from its outcome not being there.
            late = {stray.finding for stray in self.strays}
            late = {n for n in late if self.found[n].state == self.way.state}
            self.strays = [each for each in self.strays if each.finding not in late]
            self.wants = [each for each in self.wants if each.finding not in late]
            self.dropped |= late
        self.found += ends

    def _pair(self) -> None:
        """What is missing at one place and stands without one at another is one slip."""
        for want in self.wants:
            if want.finding in self.dropped:
                continue
            stray = next((each for each in self.strays if self._explains(each, want)), None)
            if stray is not None:
                self.dropped.add(stray.finding)
                self.strays.remove(stray)
                self.strays = [each for each in self.strays if each.finding != want.finding]
                found = self.found[want.finding]
                name = self.namer.called(event_name(stray.event))
                reason = f"{found.reason}; {name} stands elsewhere in the call"
                self.found[want.finding] = replace(found, reason=reason)
        self.found = [each for i, each in enumerate(self.found) if i not in self.dropped]

    def _explains(self, stray: _Stray, want: _Want) -> bool:
        return stray.finding != want.finding and want.fits(stray.event)

    # -- moves --------------------------------------------------------------------------------

    def _skipped(self, moves: Sequence[ModelMove]) -> None:
        missing: list[ModelMove] = []
        for move in moves:
            if self.misplaced[move.row.event] > 0:
                self.misplaced[move.row.event] -= 1
            else:
                missing.append(move)
        by_step: dict[str, list[ModelMove]] = {}
        for move in missing:
            by_step.setdefault(self.states[move.row.state].step, []).append(move)
        for step, left_out in by_step.items():
            self.found.append(self._left_out(step, left_out))

    def _left_out(self, step: str, moves: Sequence[ModelMove]) -> Finding:
        """One finding for the moves of one step that are missing at one place."""
        namer = self.namer
        first = next((m for m in moves if self.states[m.row.state].operation), moves[0])
        names = list(dict.fromkeys(namer.called(move.row.event) for move in moves))
        state = self.states[first.row.state]
        write = state.is_write and state.operation is not None
        outcome = write and first.row.event in (state.operation.outcomes if state.operation else ())
        at = first.at
        before = self._what_comes(at)
        title = namer.definition.steps[step]
        return namer.finding(
            "unfinished" if outcome else "skipped_step",
            index=self._index(at),
            at=self._time(at),
            step=step,
            state=first.row.state,
            event=first.row.event,
            reason=f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing: step "
            f"{step}, {title}",
            repair=f"Before {before}: {self._how(first.row.state, first.row.event)}",
        )

    def _what_comes(self, at: int) -> str:
        """What comes at a position, in words; an answer that was only inferred is named by the
        call that it was inferred from."""
        if at >= len(self.trace.events):
            return "the end"
        return self.namer.called(event_name(self.trace.events[self._observed(at)]))

    def _observed(self, at: int) -> int:
        """The place of an event, or of the call from which it was concluded."""
        events, index = self.trace.events, self.trace.index
        while at + 1 < len(events) and events[at].inferred and index[at + 1] == index[at]:
            at += 1
        return at

    def _how(self, state: str, event: str) -> str:
        """How a step is done, in the agent's words."""
        here = self.states.get(state)
        if here is not None and here.operation is not None:
            return f"call {here.operation.name} ({here.title[:1].lower()}{here.title[1:]})."
        label = self.namer.asked.get((state, event)) or self.namer.labels.get(event)
        return f"ask for it: {label}." if label else f"{event.replace('_', ' ')}."

    def _stray(self, move: LogMove) -> None:
        name = event_name(move.event)
        namer, state = self.namer, self.states[move.state]
        index = self._index(move.at)
        if move.harmless:
            if self.elsewhere[name] > 0:
                self.elsewhere[name] -= 1
            repeated = move.harmless == "repeated_lookup"
            what = "was made again" if repeated else OUT_OF_TURN
            kind: Kind = "repeated_lookup" if repeated else "early_lookup"
            self.found.append(
                namer.finding(
                    kind,
                    index=index,
                    at=move.event.at,
                    step=state.step,
                    state=move.state,
                    event=name,
                    reason=f"{namer.called(name)} {what}",
                )
            )
            return
        if any(each.kind == "unexpected_event" and each.index == index for each in self.found):
            return  # the answer behind a call, and the call: one slip
        called = self._what_comes(move.at)
        displaced = self.elsewhere[name] > 0
        if displaced:
            self.elsewhere[name] -= 1
        repair = f"Here the procedure waits for {namer.expected(move.state)}."
        if state.kind == "end":
            repair = "The call is over; leave it out."
        if not displaced and namer.takes(move.state, name):
            # The state would take it: it is what follows that does not fit.
            reason = f"the call goes on in “{state.title}” as if {called} had not been"
            repair = "Go on as it leads, or leave it out."
        else:
            reason = f"{called} has no place in “{state.title}”"
        if displaced:
            reason += "; it belongs elsewhere in the call"
        else:
            self.strays.append(_Stray(move.event, len(self.found)))
            self.wants.append(_Want(len(self.found), self._opens(move)))
        self.found.append(
            namer.finding(
                "unexpected_event",
                index=index,
                at=move.event.at,
                step=state.step,
                state=move.state,
                event=event_name(self.trace.events[self._observed(move.at)]),
                reason=reason,
                repair=repair,
            )
        )

    def _opens(self, move: LogMove) -> Callable[[Event], bool]:
        """Whether an event, had it come right before, would have led to where this one fits."""
        rows, wanted = self.namer.definition.rows, event_name(move.event)

        def fits(other: Event) -> bool:
            ways = rows.get((move.state, event_name(other)), ())
            return any((row.to, wanted) in rows for row in ways if row.to not in (None, row.state))

        return fits

    def _taken(self, move: Sync) -> None:
        if move.row.remark is not None and self.namer.asks(self.trace, move.row):
            self.found.append(self.namer.early(self.trace, move.at, move.row.state))
        # An answer without content that was only inferred, to get from one call to the next, is
        # no evidence of anything; what is owed is looked at again at the end.
        connecting = move.event.inferred and not _content(move.event)
        for issue in () if connecting else move.issues:
            if isinstance(issue, Passed):
                self._passed(move, issue.row)
            elif isinstance(issue, Absent):
                self._absent(move, issue.name)
        failed = [issue for issue in move.issues if isinstance(issue, Failed)]
        self._failed(move, [] if connecting else failed)
        for doubt in move.doubts:
            self._in_doubt(move, doubt)

    def _absent(self, move: Sync, name: str) -> None:
        if self.misplaced[name] > 0:
            self.misplaced[name] -= 1
            return
        state = self.states[move.row.state]
        called = self.namer.called(name)
        outcome = name in self.namer.tracer.outcomes
        self.found.append(
            self.namer.finding(
                "unfinished" if outcome else "skipped_step",
                index=self._index(move.at),
                at=move.event.at,
                step=state.step,
                state=state.name,
                event=name,
                reason=f"{called} is missing: {'what came of it' if outcome else 'it'} is not "
                f"recorded, and {self.namer.called(event_name(move.event))} follows",
                repair=f"Before {self.namer.called(event_name(move.event))}: {self._how('', name)}",
            )
        )

    def _passed(self, move: Sync, due: Row) -> None:
        state = self.states[due.to or due.state]
        namer = self.namer
        after = move.at + 1
        before = self._what_comes(after)
        if state.operation is not None:
            calls = state.operation.pending(move.case)
            values = [value for call in calls for value in call.arguments.values() if value]
            what = ", ".join(
                text
                for value in values
                for text in (map(str, value) if isinstance(value, tuple) else [str(value)])
            )
            outcomes = state.operation.outcomes
            self.wants.append(
                _Want(
                    len(self.found),
                    lambda event: event_name(event) in outcomes and _names(event, what.split(", ")),
                )
            )
            self.found.append(
                namer.finding(
                    "skipped_step",
                    index=self._index(after),
                    at=self._time(after),
                    step=state.step,
                    state=state.name,
                    event=state.operation.outcomes[0],
                    reason=f"{state.operation.name} was not called"
                    + (f" (for {what})" if what else ""),
                    repair=f"Before {before}: {self._how(state.name, '')}",
                )
            )
            return
        self.found.append(
            namer.finding(
                "guard_failed",
                index=self._index(move.at),
                at=move.event.at,
                step=state.step,
                state=move.row.state,
                event=event_name(move.event),
                reason=f"with these facts the procedure leads to “{state.title}”",
                repair=f"Go on with “{state.title}”.",
            )
        )

    def _failed(self, move: Sync, failed: Sequence[Failed]) -> None:
        """The gravest of the conditions that failed about the same; the others follow from it."""
        namer = self.namer
        order = ("critical", "major", "minor", "remark")

        def gravity(issue: Failed) -> int:
            kind: Any = issue.guard.finding
            return order.index(severity_of(namer.card, kind, guard=issue.guard.name))

        for issue in sorted(failed, key=gravity):
            guard = issue.guard
            about = guard.about(issue.case, issue.event)
            if about and about <= self.blamed:
                continue
            self.blamed |= about
            first = len(self.found)
            self.found += self._condition(move, issue)
            self.wants += [_Want(first, fits) for fits in self._lacks(move, guard, about)]

    def _lacks(
        self, move: Sync, guard: Guard, about: frozenset[str]
    ) -> Iterator[Callable[[Event], bool]]:
        """What would have made a condition hold: that it was said, or that it was requested."""
        if guard.finding == "notice_missing":
            told = event_name(self.namer.definition.vocabulary.told)
            yield lambda event: event_name(event) == told and _names(event, about)
        operation = self.states[move.row.state].operation
        if operation is not None and event_name(move.event) in operation.outcomes:
            yield lambda event: event_name(event) == operation.request

    def _condition(self, move: Sync, issue: Failed) -> Iterable[Finding]:
        guard, namer = issue.guard, self.namer
        kind: Any = guard.finding
        state = self.states[move.row.state]
        index = self._index(move.at)
        if kind == "notice_missing":
            vocabulary = namer.definition.vocabulary
            about = guard.about(issue.case, issue.event)
            dues = [
                due
                for make in vocabulary.dues.values()
                for due in make(issue.case)
                if due.subject in about
            ]
            if dues:
                return [
                    namer.unsaid(due, self.trace, issue.case, state.name, index, guard.name)
                    for due in dues
                ]
        about = guard.about(issue.case, issue.event)
        act = self._act(move, about)
        state = self.states[act.row.state]
        observed = self._observed(act.at)
        return [
            namer.finding(
                kind,
                only_looked_for=kind == "notice_missing" and not self.trace.tells,
                index=self._index(observed),
                at=self._time(observed),
                step=state.step,
                state=state.name,
                event=event_name(self.trace.events[observed]),
                reason=guard.explain(issue.case, issue.event),
                repair=guard.repair
                or f"Here the procedure waits for {namer.expected(state.name)}.",
                guard=guard.name,
            )
        ]

    def _act(self, move: Sync, about: frozenset[str]) -> Sync:
        """What was done about the things after a look-up had told against it: nobody is to blame
        for the look-up. The move itself, where nothing was."""
        if not about or event_name(move.event) not in self.namer.tracer.looked_up:
            return move
        later = (each for each in self.way.moves if isinstance(each, Sync) and each.at > move.at)
        return next((each for each in later if self._does(each, about)), move)

    def _does(self, move: Sync, about: frozenset[str]) -> bool:
        return event_name(move.event) in self.namer.tracer.requests and _names(move.event, about)

    def _in_doubt(self, move: Sync, doubt: Doubt) -> None:
        if doubt.guard.name in self.doubted:
            return
        self.doubted.add(doubt.guard.name)
        state = self.states[move.row.state]
        if any(each.kind == "skipped_step" for each in self.found):
            return  # what was not looked up cannot be told: that is said already
        words = (doubt.guard.test.__doc__ or doubt.guard.name).split("\n\n")[0]
        words = _RULES.sub("", words)
        self.doubts.append(
            self.namer.finding(
                "not_observable",
                index=self._index(move.at),
                at=move.event.at,
                step=state.step,
                state=state.name,
                event=event_name(move.event),
                reason=f"the record does not show whether this holds: {' '.join(words.split())}",
                guard=doubt.guard.name,
            )
        )

    # -- places -------------------------------------------------------------------------------

    def _index(self, at: int) -> int:
        return self.trace.index[at] if at < len(self.trace.index) else self.trace.end

    def _time(self, at: int) -> datetime | None:
        return self.trace.events[at].at if at < len(self.trace.events) else None


def _missing(way: Way) -> Iterable[str]:
    """The names of the events that are missing along a way."""
    for move in way.moves:
        if isinstance(move, ModelMove) and not move.silent:
            yield move.row.event
        elif isinstance(move, Sync):
            yield from (issue.name for issue in move.issues if isinstance(issue, Absent))


def _names(event: Event, things: Collection[str]) -> bool:
    """Whether an event is about one of the things, which are ids; of none: about anything."""
    values = [getattr(event, name) for name in event.__struct_fields__]
    records = [value for value in values if isinstance(value, msgspec.Struct)]
    values += [getattr(record, name) for record in records for name in record.__struct_fields__]
    return not things or any(isinstance(value, str) and value in things for value in values)


def _content(event: Event) -> bool:
    """Whether an event says more than that it happened."""
    return any(name not in ("at", "inferred") for name in event.__struct_fields__)
