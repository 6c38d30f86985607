"""Findings in words: what each says, how grave it is, and what ought to have been done.

What is wrong along a way is named in `naming`; here is what it is named with, and what needs no
way: parts that could not be read, unknown tools, and what is owed at the end of a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from returnflow.engine.definition import Definition, Row
from returnflow.engine.scorecard import Kind, severity_of
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import Due, event_name
from returnflow.replay.findings import Finding, Quote
from returnflow.replay.moves import leading
from returnflow.replay.trace import Trace, Tracer, quoted

OUT_OF_TURN = "was made out of its turn; what it showed is kept"
"""What is said of a look-up that is only a remark."""

EXPLAINED_BY_GAPS = ("skipped_step", "unexpected_event", "notice_missing", "unfinished")
"""Kinds of findings that something which could not be read may explain."""

QUOTED = 300
"""Characters that are quoted of what was said."""

EXPECTED = 4
"""What is named at the most of all that could have come instead."""


def render(text: str, scope: Mapping[str, Any]) -> str:
    """The words of a template; the parser of templates is imported only where a repair needs it."""
    from returnflow.engine import words

    return words.render(text, scope)


class Namer:
    """Makes findings, for one definition."""

    def __init__(self, definition: Definition, tracer: Tracer) -> None:
        self.definition = definition
        self.card = definition.scorecard
        self.tracer = tracer
        self.leading = leading(definition)
        self.asked = {
            (state.name, question.event): question.label
            for state in definition.states.values()
            for question in state.questions
        }
        self.labels = {event: label for (_, event), label in reversed(self.asked.items())}
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
            self.finding("unreadable", index=each.index, reason=each.reason)
            for each in transcript.damage
        ]

    def too_long(self, transcript: Transcript, most: int) -> Finding:
        """A call with more events than are judged (rule 40)."""
        have = max(len(transcript.events), len(transcript.members))
        return self.finding(
            "unreadable", reason=f"the call has {have} members; at most {most} are judged"
        )

    def nothing_seen(self) -> Finding:
        """That a record holds no event at all."""
        return self.finding(
            "not_observable", reason="the record shows nothing of what was looked up and done"
        )

    def no_day(self) -> Finding:
        """That nothing tells on which day a call decided (rule 4)."""
        return self.finding(
            "not_observable",
            reason="the record does not show on which day the call decided; --date gives one",
        )

    def unknown(self, trace: Trace) -> list[Finding]:
        """Tools that the procedure does not know."""
        return [
            self.finding(
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
            self.finding(
                "not_observable",
                index=trace.end,
                notice=due.notice,
                reason=f"whether the notice {spaced(due.notice)} was given for {due.subject} "
                f"cannot be told: {why}",
            )
            for due, why in trace.doubtful.values()
        ] + [
            self.finding(
                "not_observable",
                index=index,
                event=name,
                reason=f"whether {name} was done cannot be told: {why}",
            )
            for index, name, why in trace.unseen
        ]

    def told(self, trace: Trace) -> list[Finding]:
        """What was said in other words than those prescribed, and what was not said at all."""
        return self._stood_in(trace) + self._otherwise(trace)

    def _stood_in(self, trace: Trace) -> list[Finding]:
        """What was said in the place of something else, and is accepted (rule 8)."""
        found = []
        for index, due, said in trace.stood_in:
            words = render(self.definition.notices[due.notice], {"due": dict(due.values)})
            found.append(
                self.finding(
                    "notice_missing",
                    only_looked_for=True,
                    index=index,
                    event=event_name(self.definition.vocabulary.told),
                    notice=due.notice,
                    reason=f"said: {spaced(said)}; more to the point: {spaced(due.notice)} "
                    f"(for {due.subject})",
                    repair=f"Say: “{words}”",
                )
            )
        return found

    def _otherwise(self, trace: Trace) -> list[Finding]:
        """What a log names as said, and its own words do not say."""
        found = []
        for at, told in trace.otherwise:
            notice, words = getattr(told, "notice", ""), getattr(told, "words", "")
            found.append(
                self.finding(
                    "notice_missing",
                    heard=True,
                    index=trace.index[at],
                    at=told.at,
                    event=event_name(told),
                    notice=notice,
                    reason=f"recorded as said: {spaced(notice)}; the words do not say it",
                    quote=Quote(text=words[:QUOTED], turn=trace.index[at], offset=0),
                    repair="Say what is prescribed, or something that means the same.",
                )
            )
        return found

    def unpresented(self, trace: Trace) -> list[Finding]:
        """Orders and items that were looked up and not put before the customer in recorded text."""
        found = []
        for index, event, what in trace.unpresented:
            shown = ", ".join(what[:EXPECTED]) + (" and more" if len(what) > EXPECTED else "")
            finding = self.finding(
                "notice_missing",
                index=index,
                at=event.at,
                event=event_name(event),
                reason=f"not presented to the customer: {shown}",
                repair="Name them with their descriptions, and let the customer choose.",
            )
            found.append(replace(finding, severity=self.card.presenting))
        return found

    def remarks(self, trace: Trace, taken: Sequence[tuple[int, Row]]) -> list[Finding]:
        """The remarks of rows that were taken."""
        return [self.early(trace, at, row.state) for at, row in taken if self.asks(trace, row)]

    def asks(self, trace: Trace, row: Row) -> bool:
        """Whether the record could have shown an answer in the row's state at all; only then
        can anything have come ahead of it."""
        questions = self.definition.states[row.state].questions
        return any(question.event not in trace.silent for question in questions)

    # -- at the end of a way ------------------------------------------------------------------

    def at_the_end(self, trace: Trace, state: str, case: Any) -> list[Finding]:
        """A write without its outcome, and notices still owed for what was opened."""
        here = self.definition.states[state]
        found: list[Finding] = []
        if here.is_write and here.operation is not None:
            pending = here.operation.pending(case)
            if pending and pending[0].request is None:
                name = here.operation.name
                found.append(
                    self.finding(
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
                self.finding(
                    "unfinished",
                    index=trace.end,
                    state=state,
                    step=here.step,
                    reason="the record ends before this was said: "
                    + ", ".join(f"{spaced(due.notice)} (for {due.subject})" for due in dues),
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
        contrary = self._contrary(due.notice, trace)
        reason = f"not said: {spaced(due.notice)} (for {due.subject})"
        if contrary is not None:
            reason = f"the contrary was said of {spaced(due.notice)} (for {due.subject})"
        text = render(self.definition.notices[due.notice], {**scope, "due": dict(due.values)})
        return self.finding(
            "notice_missing",
            heard=not trace.tells,
            guard=guard,
            index=index,
            state=state,
            step=here.step,
            event=event_name(self.definition.vocabulary.told),
            notice=due.notice,
            reason=reason,
            quote=contrary,
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
                    self.finding(
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

    def _contrary(self, notice: str, trace: Trace) -> Quote | None:
        """Where the agent said the contrary of a notice, the last time."""
        for turn in reversed(trace.spoken):
            span = self.tracer.hearing.opposite(notice, turn.text)
            if span is not None:
                return quoted(turn, span)
        return None

    # -- pieces -------------------------------------------------------------------------------

    def finding(
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
        quote: Quote | None = None,
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
            quote=quote,
            repair=repair,
            guard=guard,
            notice=notice,
        )

    def early(self, trace: Trace, at: int, state: str) -> Finding:
        event = trace.events[at]
        return self.finding(
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
        label = self.labels.get(event)
        return f"the answer “{label}”" if label else f"“{spaced(event)}”"

    def takes(self, state: str, event: str) -> bool:
        """Whether any row of a state leads on with an event."""
        return any(row.to is not None for row in self.definition.rows.get((state, event), ()))

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


def spaced(name: str) -> str:
    """A name as people read it."""
    return name.replace("_", " ")
