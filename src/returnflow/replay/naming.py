"""Names for what is wrong along a way: findings, with reasons, evidence and repairs in words.

One slip is one finding. What follows from a slip that was named already is not named again: a
condition that fails about the same item, the answers that were inferred from one call, a step
that stands in another place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import Table
from returnflow.engine.scorecard import Kind, severity_of
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import Due, Event, event_name
from returnflow.replay.findings import Finding
from returnflow.replay.path import Absent, Doubt, Failed, LogMove, ModelMove, Passed, Sync, Way
from returnflow.replay.trace import Trace, Tracer

OUT_OF_TURN = "was made out of its turn; what it showed is kept"
"""What is said of a look-up that is only a remark."""

EXPLAINED_BY_GAPS = ("skipped_step", "unexpected_event", "notice_missing", "unfinished")
"""Kinds of findings that something which could not be read may explain."""

EXPECTED = 4
"""What is named at the most of all that could have come instead."""


def render(text: str, scope: Mapping[str, Any]) -> str:
    """The words of a template; the parser of templates is imported only where a repair needs it."""
    from returnflow.engine import words

    return words.render(text, scope)


_RULES = re.compile(r"\s*\((?:rules?\s)?[\d, and]+\)")


class Namer:
    """Makes findings, for one definition."""

    def __init__(self, definition: Definition, tracer: Tracer) -> None:
        self.definition = definition
        self.card = definition.scorecard
        self.tracer = tracer
        self.table: Table = definition.rows
        self._asked = {
            (state.name, question.event): question.label
            for state in definition.states.values()
            for question in state.questions
        }
        self._labels = {event: label for (_, event), label in reversed(self._asked.items())}
        self._calls = {
            name: operation.name
            for operation in definition.vocabulary.operations.values()
            for name in (*operation.outcomes, operation.request)
            if name is not None and name != self._failed
        }

    @property
    def _failed(self) -> str:
        return event_name(type(self.definition.vocabulary.build_failed("", "known", "")))

    # -- before any pass ----------------------------------------------------------------------

    def damage(self, transcript: Transcript) -> list[Finding]:
        """What could not be read."""
        return [
            self._finding("unreadable", index=each.index, reason=each.reason)
            for each in transcript.damage
        ]

    def too_long(self, transcript: Transcript, most: int) -> Finding:
        """A call with more events than are judged (rule 40)."""
        have = max(len(transcript.events), len(transcript.members))
        return self._finding(
            "unreadable", reason=f"the call has {have} members; at most {most} are judged"
        )

    def nothing_seen(self) -> Finding:
        """That a record holds no event at all."""
        return self._finding(
            "not_observable", reason="the record shows nothing of what was looked up and done"
        )

    def unknown(self, trace: Trace) -> list[Finding]:
        """Tools that the procedure does not know."""
        return [
            self._finding(
                "unknown_event",
                index=index,
                at=at,
                event=tool,
                reason=f"the procedure knows nothing called {tool}",
                repair=f"Leave {tool} out. (Where it may be called, the mapping of tools can name "
                "it as neutral.)",
            )
            for index, tool, at in trace.unknown
        ]

    def unseen(self, trace: Trace) -> list[Finding]:
        """What may have been said where nobody can see it."""
        return [
            self._finding(
                "not_observable",
                index=trace.end,
                notice=due.notice,
                reason=f"whether the notice {_spaced(due.notice)} was given for {due.subject} "
                f"cannot be told: {why}",
            )
            for due, why in trace.doubtful.values()
        ] + [
            self._finding(
                "not_observable",
                index=index,
                event=name,
                reason=f"whether {name} was done cannot be told: {why}",
            )
            for index, name, why in trace.unseen
        ]

    def stood_in(self, trace: Trace) -> list[Finding]:
        """What was said in the place of something else, and is accepted (rule 8)."""
        found = []
        for index, due, said in trace.stood_in:
            words = render(self.definition.notices[due.notice], {"due": dict(due.values)})
            found.append(
                self._finding(
                    "notice_missing",
                    only_looked_for=True,
                    index=index,
                    event=event_name(self.definition.vocabulary.told),
                    notice=due.notice,
                    reason=f"said: {_spaced(said)}; more to the point: {_spaced(due.notice)} "
                    f"(for {due.subject})",
                    repair=f"Say: “{words}”",
                )
            )
        return found

    def remarks(self, trace: Trace, taken: Sequence[tuple[int, Row]]) -> list[Finding]:
        """The remarks of rows that were taken."""
        return [self._early(trace, at, row.state) for at, row in taken if self._asks(trace, row)]

    def _asks(self, trace: Trace, row: Row) -> bool:
        """Whether the record could have shown an answer in the row's state at all; only then
        can anything have come ahead of it."""
        questions = self.definition.states[row.state].questions
        return any(question.event not in trace.silent for question in questions)

    # -- along a way --------------------------------------------------------------------------

    def along(self, trace: Trace, way: Way) -> tuple[list[Finding], list[Finding]]:
        """What is wrong along a way, and what could not be told there."""
        return _Naming(self, trace, way).name()

    def at_the_end(self, trace: Trace, state: str, case: Any) -> list[Finding]:
        """A write without its outcome, and notices still owed for what was opened."""
        here = self.definition.states[state]
        found: list[Finding] = []
        if here.is_write and here.operation is not None:
            pending = here.operation.pending(case)
            if pending and pending[0].request is None:
                name = here.operation.name
                found.append(
                    self._finding(
                        "unfinished",
                        index=trace.end,
                        state=state,
                        step=here.step,
                        event=here.operation.outcomes[0],
                        reason=f"{name} was sent, and the record ends without what came of it",
                        repair=f"Settle it: repeat {name} with the same key, or check in the shop.",
                    )
                )
        vocabulary = self.definition.vocabulary
        if here.owes is None or here.owes not in vocabulary.owed_at_end:
            return found
        dues = vocabulary.dues[here.owes](case)
        if dues:
            found.append(
                self._finding(
                    "unfinished",
                    index=trace.end,
                    state=state,
                    step=here.step,
                    reason="the record ends before this was said: "
                    + ", ".join(f"{_spaced(due.notice)} (for {due.subject})" for due in dues),
                    repair="Say what is owed before the call ends.",
                )
            )
        return found + [self.unsaid(due, trace, case, state, trace.end) for due in dues]

    def unsaid(
        self, due: Due, trace: Trace, case: Any, state: str, index: int, guard: str = ""
    ) -> Finding:
        """Something that was to be said and was not."""
        here = self.definition.states[state]
        scope = self.definition.vocabulary.scope(case)
        text = render(self.definition.notices[due.notice], {**scope, "due": dict(due.values)})
        return self._finding(
            "notice_missing",
            heard=not trace.tells,
            guard=guard,
            index=index,
            state=state,
            step=here.step,
            event=event_name(self.definition.vocabulary.told),
            notice=due.notice,
            reason=f"not said: {_spaced(due.notice)} (for {due.subject})",
            repair=f"Say: “{text}”",
        )

    def across_gaps(
        self, trace: Trace, found: Sequence[Finding]
    ) -> tuple[list[Finding], list[Finding]]:
        """The findings that stand, and in place of the others that it cannot be told: behind a
        part that could not be read, what seems to be missing or out of place may be explained
        by what stood there."""
        if not trace.gaps:
            return list(found), []
        first = min(trace.gaps)
        begin = trace.index[first - 1] if first else 0
        stands, unclear = [], []
        for each in found:
            open_ = each.kind in EXPLAINED_BY_GAPS and each.severity != "remark"
            if open_ and (each.index is None or each.index >= begin):
                why = f"a part of the record could not be read, which may explain it: {each.reason}"
                unclear.append(
                    self._finding(
                        "not_observable",
                        index=each.index,
                        at=each.at,
                        step=each.step,
                        state=each.state,
                        event=each.event,
                        reason=why,
                    )
                )
            else:
                stands.append(each)
        return stands, unclear

    # -- pieces -------------------------------------------------------------------------------

    def _finding(
        self,
        kind: Kind,
        *,
        reason: str,
        index: int | None = None,
        at: datetime | None = None,
        step: str = "",
        state: str = "",
        event: str = "",
        repair: str = "",
        guard: str = "",
        notice: str = "",
        heard: bool = False,
        only_looked_for: bool = False,
    ) -> Finding:
        weighed = notice if heard else ""
        severity = severity_of(self.card, kind, guard=guard, notice=weighed)
        return Finding(
            kind=kind,
            severity="remark" if only_looked_for else severity,
            step=step,
            state=state,
            event=event,
            index=index,
            at=at,
            reason=reason,
            repair=repair,
            guard=guard,
            notice=notice,
        )

    def _early(self, trace: Trace, at: int, state: str) -> Finding:
        event = trace.events[at]
        return self._finding(
            "early_lookup",
            index=trace.index[at],
            at=event.at,
            step=self.definition.states[state].step,
            state=state,
            event=event_name(event),
            reason=f"{self.called(event_name(event))} {OUT_OF_TURN}",
        )

    def called(self, event: str) -> str:
        """An event in words: by the operation or by the question that it belongs to."""
        if event in self._calls:
            return f"the call of {self._calls[event]}"
        if event == self._failed:
            return "the failure of a call"
        label = self._labels.get(event)
        return f"the answer “{label}”" if label else f"“{_spaced(event)}”"

    def expected(self, state: str) -> str:
        """What the procedure waits for in a state, in words."""
        here = self.definition.states[state]
        if here.kind == "end":
            return "nothing: the call is over"
        if here.operation is not None:
            return f"the answer of {here.operation.name}"
        labels = [f"“{question.label}”" for question in here.questions]
        more = f" and {len(labels) - EXPECTED} more" if len(labels) > EXPECTED else ""
        return ", ".join(labels[:EXPECTED]) + more


class _Naming:
    """The naming of one way."""

    def __init__(self, namer: Namer, trace: Trace, way: Way) -> None:
        self.namer = namer
        self.states = namer.definition.states
        self.trace = trace
        self.way = way
        self.found: list[Finding] = []
        self.doubts: list[Finding] = []
        self.blamed: set[str] = set()
        self.doubted: set[str] = set()
        # A step that stands in another place is missing here and out of place there: one slip.
        strayed = Counter(event_name(m.event) for m in way.moves if isinstance(m, LogMove))
        missing = Counter(_missing(way))
        self.elsewhere = strayed & missing
        self.misplaced = self.elsewhere.copy()

    def name(self) -> tuple[list[Finding], list[Finding]]:
        skipped: list[ModelMove] = []
        for move in self.way.moves:
            if isinstance(move, ModelMove):
                if not move.silent:
                    skipped.append(move)
                continue
            self._skipped(skipped)
            skipped = []
            if isinstance(move, LogMove):
                self._stray(move)
            else:
                self._taken(move)
        self._skipped(skipped)
        return self.found, self.doubts

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
        return namer._finding(
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
        events, index = self.trace.events, self.trace.index
        if at >= len(events):
            return "the end"
        while at + 1 < len(events) and events[at].inferred and index[at + 1] == index[at]:
            at += 1
        return self.namer.called(event_name(events[at]))

    def _how(self, state: str, event: str) -> str:
        """How a step is done, in the agent's words."""
        here = self.states.get(state)
        if here is not None and here.operation is not None:
            return f"call {here.operation.name} ({here.title[:1].lower()}{here.title[1:]})."
        label = self.namer._asked.get((state, event)) or self.namer._labels.get(event)
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
                namer._finding(
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
        displaced = self.elsewhere[name] > 0
        if displaced:
            self.elsewhere[name] -= 1
        reason = f"{namer.called(name)} has no place in “{state.title}”"
        if displaced:
            reason += "; it belongs elsewhere in the call"
        self.found.append(
            namer._finding(
                "unexpected_event",
                index=index,
                at=move.event.at,
                step=state.step,
                state=move.state,
                event=name,
                reason=reason,
                repair=f"Here the procedure waits for {namer.expected(move.state)}.",
            )
        )

    def _taken(self, move: Sync) -> None:
        if move.row.remark is not None and self.namer._asks(self.trace, move.row):
            self.found.append(self.namer._early(self.trace, move.at, move.row.state))
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
            self.namer._finding(
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
            self.found.append(
                namer._finding(
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
            namer._finding(
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
            self.found += self._condition(move, issue)

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
        return [
            namer._finding(
                kind,
                only_looked_for=kind == "notice_missing" and not self.trace.tells,
                index=index,
                at=move.event.at,
                step=state.step,
                state=state.name,
                event=event_name(move.event),
                reason=guard.explain(issue.case, issue.event),
                repair=guard.repair
                or f"Here the procedure waits for {namer.expected(state.name)}.",
                guard=guard.name,
            )
        ]

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
            self.namer._finding(
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


def unpresented(trace: Trace, namer: Namer) -> list[Finding]:
    """Orders and items that were looked up and not put before the customer in recorded text."""
    found = []
    for index, event, what in trace.unpresented:
        shown = ", ".join(what[:EXPECTED]) + (" and more" if len(what) > EXPECTED else "")
        finding = namer._finding(
            "notice_missing",
            index=index,
            at=event.at,
            event=event_name(event),
            reason=f"not presented to the customer: {shown}",
            repair="Name them with their descriptions, and let the customer choose.",
        )
        found.append(_weighed(finding, namer))
    return found


def _weighed(finding: Finding, namer: Namer) -> Finding:
    import msgspec

    return msgspec.structs.replace(finding, severity=namer.card.presenting)


def _content(event: Event) -> bool:
    """Whether an event says more than that it happened."""
    return any(name not in ("at", "inferred") for name in event.__struct_fields__)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
