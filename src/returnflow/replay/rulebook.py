"""The rules of a procedure, held against recorded calls.

A rule is broken only where every way of filling the record in would break it: what a format does
not show, what could not be read, and what a condition cannot tell are never held against anyone.
One slip stays one finding: where the alignment has found it, the rule is named beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from returnflow.engine.definition import Definition
from returnflow.engine.rules import NEEDS, Marks, Monitor, Rule, Seen, notice_of
from returnflow.engine.vocabulary import Event, Verdict, event_name
from returnflow.replay.activities import Activities, Happened, Record, needed
from returnflow.replay.findings import Finding
from returnflow.replay.moves import LogMove, Move, Sync
from returnflow.replay.trace import Trace

if TYPE_CHECKING:
    from returnflow.engine.abstraction import Kind


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a call surely broke.

    Args:
        at: the position of the event among those of the trace; their number at the end.
        about: in words, what it was broken about; "" for the call as a whole.
    """

    rule: Rule
    at: int
    about: str


class Rulebook:
    """The rules of one definition.

    Args:
        unproved: the rules that a call may break although the procedure takes every event of it.
    """

    def __init__(self, definition: Definition, unproved: Collection[str] = ()) -> None:
        self._definition = definition
        vocabulary = definition.vocabulary
        self._told = vocabulary.told
        # What a state refuses, and where it leads to, is the machine's business, not a call's.
        self._rules = [
            rule
            for rule in definition.rules.values()
            if rule.template != "can_reach" and not rule.first.refused
        ]
        self._unproved = frozenset(rule.name for rule in self._rules if rule.name in unproved)
        self._activities = Activities(definition, self._rules)
        # By whether a call has ended, the rules that it can break, and what that takes.
        self._breakable = {
            ended: [
                (rule, needed(rule, needs))
                for rule in self._rules
                if (needs := NEEDS[rule.template, ended]) is not None
            ]
            for ended in (False, True)
        }
        self._every = frozenset(vocabulary.by_name)

    @cached_property
    def _kinds(self) -> Mapping[str, Kind]:
        # Made late: most calls break no rule, and need to know of no subjects.
        make = self._definition.vocabulary.abstraction
        return make().kinds if make is not None else {}

    @property
    def idle(self) -> bool:
        """Whether a call that the procedure takes whole can break no rule."""
        return not self._unproved

    def broken(
        self, trace: Trace, moves: list[Move], case: Any, *, whole: bool, taken: bool
    ) -> list[Broken]:
        """The rules that a call surely broke.

        Args:
            moves: where the alignment puts each event.
            case: the facts of a call in which nothing has happened.
            whole: the record is complete.
            taken: the procedure took every event; only the unproved rules can then be broken.
        """
        if taken and not self._unproved:
            return []
        call = list(self._happened(trace, moves, case))
        states = self._definition.states
        ended = bool(call) and whole and call[-1].seen.target in states
        ended = ended and states[call[-1].seen.target].kind == "end"
        record = Record(call, self._activities, trace.gaps)
        hidden = trace.silent
        if trace.doubtful or not (trace.tells or trace.spoken):
            hidden |= {event_name(self._told)}
        subjects: dict[str, list[Any]] = {}
        found = []
        for rule, slots in self._breakable[ended]:
            if (taken and rule.name not in self._unproved) or not record.may_break(slots):
                continue
            marked = record.marked(rule)
            if rule.about not in subjects:
                subjects[rule.about] = self._subjects(rule, call)
            for subject in subjects[rule.about]:
                at = self._breaks(rule, subject, marked, hidden, trace, ended=ended)
                if at is not None:
                    words = self._kinds[rule.about].words(subject) if rule.about else ""
                    found.append(Broken(rule, at, words))
        return found

    def _happened(self, trace: Trace, moves: list[Move], case: Any) -> Iterator[Happened]:
        placed = {move.at: move for move in moves if isinstance(move, Sync | LogMove)}
        state = self._definition.initial
        for at, event in enumerate([*trace.events, None]):
            for each in trace.said.get(at, ()):
                after = case.copy()
                after.apply(each.event)
                yield self._event(at, case, each.event, after, state, state)
                case = after
            if event is None:
                return
            after = case.copy()
            after.apply(event)
            move = placed.get(at)
            if isinstance(move, Sync):
                source, target = move.row.state, move.row.to or move.row.state
                discard = move.row.discard
            else:
                source, target, discard = (move.state if move is not None else ""), "", False
            yield self._event(at, case, event, after, source, target)
            state = target or source
            case = case if discard else after

    def _subjects(self, rule: Rule, call: list[Happened]) -> list[Any]:
        if not rule.about:
            return [None]
        kind = self._kinds[rule.about]
        found: dict[Hashable, None] = {}
        for each in call:
            found.update(dict.fromkeys(kind.subjects(each.before, each.event, each.after)))
        return list(found)

    def _breaks(
        self,
        rule: Rule,
        subject: Any,
        marked: Sequence[tuple[Happened, Marks]],
        hidden: frozenset[str],
        trace: Trace,
        *,
        ended: bool,
    ) -> int | None:
        """Where a rule is surely broken; None where it is not."""
        kind = self._kinds[rule.about] if rule.about else None
        monitor = Monitor(rule)
        for each, found in marked:
            if each.at in trace.gaps:
                monitor.miss(self._every)
            # What the record hides before events that mean nothing to it comes in here too.
            monitor.miss(hidden)
            if monitor.take(found.of(_about(kind, subject, each))):
                return each.at
        last = len(trace.events)
        monitor.miss(self._every if last in trace.gaps else hidden)
        return last if ended and monitor.end() else None

    def _event(
        self, at: int, before: Any, event: Event, after: Any, state: str, target: str
    ) -> Happened:
        guards = self._definition.vocabulary.guards

        known: dict[str, Verdict] = {}

        def holds(guard: str) -> Verdict:
            if guard not in known:
                known[guard] = guards[guard].test(after, event)
            return known[guard]

        seen = Seen(
            name=event_name(event),
            notice=notice_of(event, self._told),
            state=state,
            target=target,
            accepted=True,
            holds=holds,
        )
        return Happened(at, before, event, after, seen)


def _about(kind: Kind | None, subject: Any, each: Happened) -> Verdict:
    if kind is None or each.seen.name not in kind.events:
        return True
    return kind.about(subject, each.before, each.event, each.after)


# -- beside the findings ----------------------------------------------------------------------


def beside(
    findings: list[Finding], broken: list[Broken], trace: Trace, unproved: Collection[str]
) -> list[Finding]:
    """The findings with the rules named beside them.

    A broken rule that has been proved shows in some deviation, so it is named beside the finding
    that comes nearest to it, and never counted by itself. One that was not proved may be broken
    by a call that fits the procedure; then it is a finding of its own.
    """
    found = list(findings)
    for each in broken:
        index = trace.index[each.at] if each.at < len(trace.index) else trace.end
        number = _nearest(found, each.rule, index, related=each.rule.name in unproved)
        if number is not None:
            named = found[number].rules
            if each.rule.name not in named:
                found[number] = replace(found[number], rules=(*named, each.rule.name))
        elif each.rule.name in unproved:
            found.append(_own(each, index))
    return found


def _nearest(findings: list[Finding], rule: Rule, index: int, *, related: bool) -> int | None:
    """The finding that a broken rule most likely comes from; None where there is none.

    Args:
        related: only one about the same event, guard or notice; for a rule that can be broken
            where nothing else is wrong.
    """
    events = frozenset().union(*(each.events for each in rule.activities()))
    guards = {guard for each in rule.activities() for guard in (*each.when, *each.unless)}
    notices = {each.notice for each in rule.activities()} - {""}
    best: tuple[int, int] | None = None
    for number, finding in enumerate(findings):
        points = 0
        points += 4 * (finding.notice in notices and finding.notice != "")
        points += 4 * (finding.guard in guards and finding.guard != "")
        points += 3 * (finding.event in events and finding.event != "")
        if not points and (related or finding.severity == "remark"):
            continue
        if related and finding.severity == "remark":
            continue
        place = index if finding.index is None else finding.index
        if place > index and not points:
            continue
        points += 2 * (finding.severity != "remark") + 2 * (place == index)
        if best is None or points > best[0]:
            best = points, number
    return best[1] if best is not None else None


def _own(broken: Broken, index: int) -> Finding:
    rule = broken.rule
    about = f" It was broken about {broken.about}." if broken.about else ""
    return Finding(
        kind="rule_broken",
        severity=rule.severity,
        step=rule.step,
        index=index,
        reason=f"{rule.says}{about}",
        repair="Do what the rule prescribes.",
        rules=(rule.name,),
    )
