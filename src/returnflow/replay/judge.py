"""The verdict on one recorded call: two passes over its trace.

The plain pass is the step function of a live call. If every event is accepted and no condition
was in doubt, the call conforms; that is the common case, and nothing else is computed for it.
Only for the rest the judging pass looks for the way that fits best (`path`) and names what is
wrong along it (`naming`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import date

from msgspec.structs import replace

from returnflow.engine.definition import Definition
from returnflow.engine.hearing import Hearing
from returnflow.engine.machine import LiveMachine, compile_table
from returnflow.engine.scorecard import failed_at_once, score
from returnflow.engine.transcript import Transcript, Turn
from returnflow.replay.findings import Finding, Quote, Report, Verdict
from returnflow.replay.moves import Way
from returnflow.replay.namer import QUOTED, Namer
from returnflow.replay.naming import Naming
from returnflow.replay.path import PathFinder
from returnflow.replay.plain_pass import PlainPass
from returnflow.replay.remarks import repeated, unexplained
from returnflow.replay.rulebook import Rulebook, beside
from returnflow.replay.trace import Trace, Tracer

MAX_EVENTS = 20_000
"""Events of the longest call that is judged (rule 40)."""


NEAR = 3
"""Members of a transcript by which a turn may come before a finding and still be its evidence."""


class Judge:
    """Judges recorded calls by one definition.

    Args:
        zone: the policy zone of calls whose record names none, an IANA name (rule 2).
        date: the policy date of calls whose record shows none.
        unproved: the rules that a call may break although the procedure takes every event of it.
    """

    def __init__(
        self,
        definition: Definition,
        *,
        zone: str = "UTC",
        date: date | None = None,
        unproved: Collection[str] = (),
    ) -> None:
        self.definition = definition
        self.table = compile_table(LiveMachine(definition).machine)
        self._date = date
        self._tracer = Tracer(definition, Hearing.of(definition), zone)
        vocabulary = definition.vocabulary
        self._reading = vocabulary.transcription() if vocabulary.transcription else None
        self._paths = PathFinder(
            definition,
            self.table,
            self._reading,
            self._tracer.answers,
            self._tracer.unlikely,
        )
        self._namer = Namer(definition, self._tracer)
        self._plain = PlainPass(definition, self.table, self._tracer)
        self._cheapest = self._paths.flow(frozenset()).cheapest()
        self._unproved = frozenset(unproved)
        self._rulebook = Rulebook(definition, self._unproved)

    def judge(self, transcript: Transcript) -> Report:
        """The report on one call. Never raises for what a transcript holds."""
        if transcript.policy_date is None:
            transcript.policy_date = self._date
        damage = self._namer.damage(transcript)
        empty = not transcript.members and not transcript.events
        if empty and any(each.index is None for each in transcript.damage):
            return self._report(transcript, None, damage, "", 0, [])
        if max(len(transcript.events), len(transcript.members)) > MAX_EVENTS:
            damage.append(self._namer.too_long(transcript, MAX_EVENTS))
            return self._report(transcript, None, damage, "", 0, [])
        trace = self._tracer.trace(transcript)
        remarks = [*damage, *self._namer.unknown(trace), *self._namer.unpresented(trace)]
        doubts = self._namer.unseen(trace)
        if not trace.events:
            doubts.append(self._namer.nothing_seen())
        walked = self._plain.walk(trace, self._tracer.new_case(transcript))
        if walked.accepted and not (walked.doubtful and not transcript.complete):
            found = self._namer.remarks(trace, walked.remarks)
            found += self._namer.at_the_end(trace, walked.state, walked.case)
            found, open_ = self._namer.across_gaps(trace, found)
            doubts += open_
            found = self._remarked(trace, [*remarks, *self._namer.told(trace), *found])
            if not self._rulebook.idle:
                # An unproved rule may ask where an event led to, which only the way tells.
                way = self._paths.find(trace, lambda: self._tracer.new_case(transcript))
                found = self._ruled(transcript, trace, way, found, taken=True)
            return self._report(transcript, trace, found, walked.state, 0, doubts)
        way = self._paths.find(trace, lambda: self._tracer.new_case(transcript))
        if trace.tells:
            # What events say is looked at anew, along the way that was found.
            trace.otherwise.clear()
            trace.stood_in.clear()
        found, more = Naming(self._namer, trace, way).name()
        found = [*remarks, *self._namer.told(trace), *found]
        found, open_ = self._namer.across_gaps(trace, found)
        if more and transcript.policy_date is None:
            more = [self._namer.no_day(), *more]
        doubts = [*doubts, *more, *open_]
        found = self._remarked(trace, found)
        found = self._ruled(transcript, trace, way, found, taken=False)
        return self._report(transcript, trace, found, way.state, way.cost, doubts)

    def _ruled(
        self, transcript: Transcript, trace: Trace, way: Way, found: list[Finding], *, taken: bool
    ) -> list[Finding]:
        """The findings with the rules that the call broke."""
        case = self._tracer.new_case(transcript)
        whole = not transcript.damage
        broken = self._rulebook.broken(trace, way.moves, case, whole=whole, taken=taken)
        return beside(found, broken, trace, self._unproved)

    def _remarked(self, trace: Trace, found: list[Finding]) -> list[Finding]:
        """The findings with the remarks on recorded tool calls."""
        if self._reading is None or trace.case is None:
            return found
        found = found + unexplained(self._namer, self._reading, trace)
        return repeated(self._namer, self._reading, trace, found)

    # -- the report ---------------------------------------------------------------------------

    def _report(
        self,
        transcript: Transcript,
        trace: Trace | None,
        findings: list[Finding],
        state: str,
        cost: int,
        doubts: list[Finding],
    ) -> Report:
        card = self.definition.scorecard
        length = len(trace.events) if trace is not None else 0
        unreadable = trace is None
        found = tuple(sorted([*findings, *doubts], key=_place))
        if found and trace is not None and trace.spoken:
            found = tuple(_with_quote(each, trace.spoken) for each in found)
        violated = any(each.severity != "remark" for each in found)
        unseen = tuple(dict.fromkeys(each.reason for each in doubts))
        verdict: Verdict = "conforms"
        if violated:
            verdict = "violates"
        elif unreadable or unseen or (transcript.damage and not transcript.complete) or not length:
            verdict = "inconclusive"
        points = 0 if unreadable else score(card, found)
        passed = not unreadable and points >= card.pass_mark and not failed_at_once(card, found)
        cheapest = self._cheapest
        return Report(
            id=transcript.case_id,
            source=transcript.source,
            line=transcript.line,
            format=transcript.format,
            agent=transcript.agent,
            verdict=verdict,
            score=points,
            passed=passed,
            fitness=round(1 - cost / (length + cheapest), 4) if length + cheapest else 1.0,
            cost=cost,
            events=length,
            state=state,
            findings=found,
            unobservable=unseen,
        )


def _with_quote(finding: Finding, turns: Sequence[Turn]) -> Finding:
    """The finding with what the agent said last at its place, as evidence."""
    if finding.quote is not None or finding.index is None:
        return finding
    at = bisect_right(turns, finding.index, key=lambda turn: turn.index)
    if not at:
        return finding
    turn = turns[at - 1]
    if finding.index - turn.index > NEAR:
        return finding
    text = turn.text.lstrip()
    quote = Quote(text=text[:QUOTED], turn=turn.index, offset=len(turn.text) - len(text))
    return replace(finding, quote=quote)


def _place(finding: Finding) -> int:
    return -1 if finding.index is None else finding.index
