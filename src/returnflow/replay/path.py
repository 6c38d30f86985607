"""The way of a call through the procedure: of all optimal alignments, the one that fits best.

What an alignment costs, the control flow alone says (`alignment`). It does not say what went
wrong: an answer given twice can also be read as one after which two look-ups were left out. So
the way is chosen that explains the call with the fewest slips, a failed condition counting as
much as a move, with the facts that the call had on that way. Among ways with equally many slips
the cheapest alignment goes first, then what is the least grave, then the order of the table. Ways
that cost more than an optimal alignment are followed only a little way (`DETOUR`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import Table
from returnflow.engine.scorecard import Severity, severity_of
from returnflow.engine.transcript import Transcription
from returnflow.engine.vocabulary import Event, Guard, Verdict, event_name
from returnflow.errors import EngineError
from returnflow.redacted import hidden
from returnflow.replay.alignment import ControlFlow
from returnflow.replay.moves import (
    Absent,
    Doubt,
    Failed,
    Issue,
    LogMove,
    ModelMove,
    Move,
    Passed,
    Sync,
    Way,
    continues,
    leading,
)
from returnflow.replay.trace import Trace

LOOK_AHEAD = 200
"""Events after a doubtful one that may tell what it ought to have been."""

FACTS_KEPT = 8
"""Ways with different facts that are followed from one state at one event: which of them fits may
show only later."""

BUDGET = 6000
"""Points that are looked at before a search is given up for a narrower one: a call full of slips
can be explained in more ways than anybody would read."""

MOST_SUPPLIED = 100
"""Look-ups that are assumed for one step that was left out."""

DETOUR = 2
"""How much dearer than an optimal alignment a way may be that explains the call better."""

SLIP = 1000
"""What a slip weighs where ways are compared."""

DISPLACED = 300
"""What the second half of a displacement weighs: a step that is missing at one place and stands at
another is one slip, not two."""

HARMLESS = 10
"""What a look-up out of its turn weighs that is only a remark."""

REMARK = 400
"""What a condition weighs that is only a remark where it fails."""

GRAVITY: Mapping[Severity, int] = {"critical": 3, "major": 2, "minor": 1, "remark": 0}
"""How grave slips are: of ways that are alike in all else the least grave is assumed."""


@dataclass(slots=True)
class _Node:
    """A point of the search: before event `at`, in a state, with the facts of the way there.

    Attributes:
        spent: moves on the way, as the alignment counts them.
        grave: the gravity of the slips on the way.
        seen: the look-ups made on the way.
        strayed, assumed: events that were found out of place, and names of events that were
            missing, and that no other move on the way has made up for yet.
        blamed: what conditions failed about; what fails about the same follows from it.
    """

    at: int
    state: int
    spent: int
    grave: int
    case: Any
    seen: frozenset[tuple[str, str]]
    strayed: tuple[Event, ...]
    assumed: tuple[str, ...]
    blamed: frozenset[str]
    before: _Node | None
    move: Move | None

    def moves(self) -> list[Move]:
        """The way here."""
        found: list[Move] = []
        node: _Node | None = self
        while node is not None and node.move is not None:
            found.append(node.move)
            node = node.before
        return found[::-1]


@dataclass
class PathFinder:
    """Finds ways through one definition.

    Args:
        table: the rows, as compiled from the machine.
        transcription: what the vocabulary can supply; None: nothing.
        answers: events that only the agent can name.
        unlikely: events that are assumed only where nothing else explains a call.
    """

    definition: Definition
    table: Table
    transcription: Transcription | None
    answers: frozenset[str]
    unlikely: frozenset[str]
    _flows: dict[frozenset[str], ControlFlow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.leading = leading(self.definition)
        self.by_state: dict[str, list[tuple[str, Sequence[Row]]]] = {}
        for (state, name), rows in self.table.items():
            self.by_state.setdefault(state, []).append((name, rows))
        self.ends = frozenset(s.name for s in self.definition.states.values() if s.kind == "end")

    def flow(self, silent: frozenset[str]) -> ControlFlow:
        """The control flow for a format that cannot show those events."""
        if silent not in self._flows:
            self._flows[silent] = ControlFlow(self.table, self.definition.initial, silent)
        return self._flows[silent]

    def find(self, trace: Trace, new_case: Callable[[], Any]) -> Way:
        """The way of a trace."""
        flow = self.flow(trace.silent)
        names = [event_name(event) for event in trace.events]
        narrow = _Search(self, flow, trace, names).run(new_case())
        if narrow is not None and not narrow[1]:
            return narrow[0]
        # Nobody is accused before it was looked for a way on which nothing is wrong. Among ways
        # that weigh the same the cheapest alignment goes first, and that is the narrow one.
        below = narrow[1] if narrow is not None else None
        wide = _Search(self, flow, trace, names, detour=DETOUR, below=below).run(new_case())
        found = wide or narrow or _Search(self, flow, trace, names, kept=1).run(new_case(), True)
        if found is None:
            raise EngineError(f"no way was found through a call of {len(names)} events")
        return found[0]


@dataclass(frozen=True, slots=True)
class _Later:
    """A move that is weighed only when nothing lighter is left: most never are.

    Attributes:
        rows, place, target, spent: of a model move; no rows: a log move.
    """

    node: _Node
    rows: Sequence[Row] = ()
    place: int = 0
    target: int = 0
    spent: int = 0


class _Search:
    """Dijkstra's algorithm over the optimal moves, the weight of failed conditions as distance.

    Args:
        detour: how much dearer than an optimal alignment a way may be.
        kept: ways with different facts that are followed from one state at one event.
        below: only a way that weighs less is looked for; None: any.
    """

    def __init__(
        self,
        finder: PathFinder,
        flow: ControlFlow,
        trace: Trace,
        names: list[str],
        *,
        detour: int = 0,
        kept: int = FACTS_KEPT,
        below: int | None = None,
    ) -> None:
        self.finder = finder
        self.flow = flow
        self.trace = trace
        self.names = names
        self.to_go = flow.to_go(names)
        self.card = finder.definition.scorecard
        self.best = self.to_go[0][flow.index[finder.definition.initial]]
        self.limit = self.best + detour
        self.kept = kept
        self.below = below
        self.budget = BUDGET
        self.queue: list[tuple[int, int, int, int, int, int, int, _Node | _Later]] = []
        self.pushed = 0

    def run(self, case: Any, to_the_end: bool = False) -> tuple[Way, int] | None:
        """The best way, and what its slips weigh; None where there is none, or the search is
        given up.

        Args:
            to_the_end: it is not given up, however long it takes.
        """
        initial = self.flow.index[self.finder.definition.initial]
        begin = _Node(
            at=0,
            state=initial,
            spent=0,
            grave=0,
            case=self._hear(case, 0),
            seen=frozenset(),
            strayed=(),
            assumed=(),
            blamed=frozenset(),
            before=None,
            move=None,
        )
        self._push(begin, 0, 0, 0)
        done: dict[tuple[int, int], list[Any]] = {}
        while self.queue:
            _, _, _, doubts, hops, number, weight, node = heapq.heappop(self.queue)
            if isinstance(node, _Later):
                self._weigh_now(node, weight, doubts, hops, number)
                continue
            known = done.setdefault((node.at, node.state), [])
            if known and (len(known) >= self.kept or _alike(node.case, known)):
                continue
            known.append(node.case)
            self.budget -= 1
            if not self.budget and not to_the_end:
                return None
            if node.at == len(self.names):
                state = self.flow.states[node.state]
                return Way(node.moves(), node.case, state, self.best), weight
            for onward, heavier, more in self._syncs(node):
                self._push(onward, weight + heavier, doubts + more, hops + 1)
            self._defer_log_move(node, weight, doubts, hops + 1)
            self._defer_model_moves(node, weight, doubts, hops + 1)
        return None

    def _push(
        self, node: _Node, weight: int, doubts: int, hops: int, number: int | None = None
    ) -> None:
        ahead = self.to_go[node.at][node.state]
        cost = node.spent + ahead
        self._queue(weight, ahead, (cost, node.grave, doubts, hops), weight, node, number)

    def _queue(
        self,
        least: int,
        ahead: int,
        order: tuple[int, int, int, int],
        weight: int,
        what: _Node | _Later,
        number: int | None = None,
    ) -> None:
        """Puts a point, or a move that leads to one, where its turn comes.

        Args:
            least: what the way there weighs at least.
            order: what decides among ways that weigh the same.
            weight: what the way weighs so far.
            number: the place among those that are alike in all; None: behind the others.
        """
        # Never more than what is still to come can weigh, so that the first at the end is best.
        if not self.trace.gaps:
            least += ahead * HARMLESS
        if order[0] > self.limit or (self.below is not None and least >= self.below):
            return
        if number is None:
            self.pushed += 1
            number = self.pushed
        heapq.heappush(self.queue, (least, *order, number, weight, what))

    def _hear(self, case: Any, at: int) -> Any:
        """The facts with what was said before the event at `at`."""
        said = self.trace.said.get(at)
        if said:
            case = case.copy()
            for each in said:
                case.apply(each.event)
        return case

    # -- moves --------------------------------------------------------------------------------

    def _awaited(self, node: _Node, event: Event) -> bool:
        """Whether the outcome of a look-up is one that the procedure waits for."""
        operation = self.finder.definition.states[self.flow.states[node.state]].operation
        ids = {subject for _, subject in self._subject(event)}
        calls = operation.pending(node.case) if operation is not None else ()
        return any(value in ids for call in calls for value in call.arguments.values())

    def _defer_log_move(self, node: _Node, weight: int, doubts: int, hops: int) -> None:
        event, name = self.trace.events[node.at], self.names[node.at]
        least = SLIP
        if self._subject(event) or self.flow.states[node.state] in self.finder.ends:
            least = HARMLESS
        elif name in node.assumed:
            least = DISPLACED
        ahead = self.to_go[node.at + 1][node.state]
        # A harmless one is not counted.
        cost = node.spent + ahead + (1 if least != HARMLESS else 0)
        order = (cost, node.grave, doubts, hops)
        self._queue(weight + least, ahead, order, weight, _Later(node))

    def _defer_model_moves(self, node: _Node, weight: int, doubts: int, hops: int) -> None:
        state = self.flow.states[node.state]
        gap = node.at in self.trace.gaps
        strayed = {event_name(each) for each in node.strayed}
        for name, rows in self.finder.by_state.get(state, ()):
            silent = name in self.trace.silent
            if silent and node.at < len(self.names) and name == self.names[node.at]:
                continue  # what is there need not be assumed
            spent = node.spent + (0 if silent else 1)
            least = 0 if silent or gap else DISPLACED if name in strayed else SLIP
            for place, row in enumerate(rows):
                if row.to is None or row.to == state:
                    continue
                target = self.flow.index[row.to]
                ahead = self.to_go[node.at][target]
                order = (spent + ahead, node.grave, doubts, hops)
                later = _Later(node, rows, place, target, spent)
                self._queue(weight + least, ahead, order, weight, later)

    def _weigh_now(self, move: _Later, weight: int, doubts: int, hops: int, number: int) -> None:
        if move.rows:
            onward, heavier = self._assume(
                move.node, move.rows, move.place, move.target, move.spent
            )
        else:
            onward, heavier = self._log_move(move.node)
        self._push(onward, weight + heavier, doubts, hops, number)

    def _syncs(self, node: _Node) -> Iterator[tuple[_Node, int, int]]:
        state = self.flow.states[node.state]
        rows = self.finder.table.get((state, self.names[node.at]), ())
        event = self.trace.events[node.at]
        for place, row in enumerate(rows):
            if row.to is None:
                continue
            target = self.flow.index[row.to]
            if node.spent + self.to_go[node.at + 1][target] > self.limit:
                continue
            for move, case in self._take(node, rows, place, event):
                weight, grave, blamed = self._weigh(move.issues, node.blamed)
                onward = replace(
                    node,
                    at=node.at + 1,
                    state=target,
                    grave=node.grave + grave,
                    case=self._hear(case, node.at + 1),
                    seen=node.seen | self._subject(event),
                    blamed=blamed,
                    before=node,
                    move=move,
                )
                yield onward, weight, len(move.doubts)

    def _weigh(
        self, issues: Sequence[Issue], blamed: frozenset[str]
    ) -> tuple[int, int, frozenset[str]]:
        """What issues weigh, and how grave they are. A condition that fails about what was blamed
        already is no slip."""
        weight = total = 0
        for issue in issues:
            about: frozenset[str] = frozenset()
            if isinstance(issue, Failed):
                about = issue.guard.about(issue.case, issue.event)
            if not about or not about <= blamed:
                gravity = self._gravity(issue)
                weight += SLIP if gravity else REMARK
                total += gravity
                blamed |= about
        return weight, total, blamed

    def _gravity(self, issue: Issue) -> int:
        if not isinstance(issue, Failed):
            return GRAVITY[severity_of(self.card, "skipped_step")]
        kind: Any = issue.guard.finding
        return GRAVITY[severity_of(self.card, kind, guard=issue.guard.name)]

    def _subject(self, event: Event) -> frozenset[tuple[str, str]]:
        reading = self.finder.transcription
        subject = reading.subject(event) if reading is not None else None
        return frozenset() if subject is None else frozenset({subject})

    def _log_move(self, node: _Node) -> tuple[_Node, int]:
        event = self.trace.events[node.at]
        subject = self._subject(event)
        harmless = ""
        reading = self.finder.transcription
        candidate = node.case.copy()
        candidate.apply(event)
        own = bool(subject) and reading is not None and reading.own(node.case, candidate, event)
        if subject and subject <= node.seen:
            harmless = "repeated_lookup"
        elif own:
            harmless = "early_lookup"
        case = candidate if own else node.case
        if harmless:
            subject |= node.seen
        weight = SLIP
        strayed, assumed = node.strayed, node.assumed
        name = self.names[node.at]
        state = self.flow.states[node.state]
        move = LogMove(node.at, event, state, harmless)
        if harmless:
            # Of two alike the second was made again, rather than the first too early; and what
            # the procedure waits for is the last to be out of its turn.
            weight = HARMLESS + (harmless == "early_lookup") + self._awaited(node, event)
        elif name in assumed:
            weight, assumed = DISPLACED, _without(assumed, name)
        elif state in self.finder.ends and continues(node.move, move, self.finder.leading):
            weight = HARMLESS  # a whole call behind the end is one slip
        else:
            strayed = (*strayed, event)
        onward = replace(
            node,
            at=node.at + 1,
            spent=node.spent + (0 if harmless else 1),
            case=self._hear(case, node.at + 1),
            seen=node.seen | (subject if harmless else frozenset()),
            strayed=strayed,
            assumed=assumed,
            before=node,
            move=move,
        )
        return onward, weight

    def _assume(
        self, node: _Node, rows: Sequence[Row], place: int, target: int, spent: int
    ) -> tuple[_Node, int]:
        """A row taken without its event, with the facts that the event would have brought."""
        row = rows[place]
        silent = row.event in self.trace.silent
        gap = node.at in self.trace.gaps
        weight = 0 if silent or gap else SLIP
        strayed, assumed = node.strayed, node.assumed
        elsewhere = next((each for each in strayed if event_name(each) == row.event), None)
        supplied = elsewhere or self._supply(row.event, node.case, node.at)
        case = node.case
        ill = 0
        if supplied is not None:
            case = case.copy()
            case.apply(supplied)
            issues, doubts = self._judged(rows, place, case, supplied)
            ill = sum(isinstance(issue, Failed) or silent for issue in issues)
            # Nor is anything assumed for free of which nobody can say that it is in order.
            ill += silent and bool(doubts)
        # What is assumed has to be in order itself, and must not make unknown what was seen:
        # there is no way round the conditions.
        weight += SLIP * ill
        if supplied is not None and elsewhere is None and self._known(supplied, node):
            weight += SLIP
        if row.event in self.finder.unlikely and not gap:
            weight += SLIP
        if elsewhere is not None and not ill:
            weight, strayed = DISPLACED, _without(strayed, elsewhere)
        elif elsewhere is None and not silent and not gap:
            assumed = (*assumed, row.event)
        onward = replace(
            node,
            state=target,
            spent=spent,
            case=case,
            strayed=strayed,
            assumed=assumed,
            before=node,
            move=ModelMove(node.at, row, silent or gap),
        )
        return onward, weight

    def _known(self, supplied: Event, node: _Node) -> bool:
        """Whether a look-up that is assumed was made already, as far as can be told."""
        subjects = self._subject(supplied)
        operations = {operation for operation, _ in node.seen}
        return bool(subjects & node.seen) or any(
            operation in operations and hidden(subject.upper()) for operation, subject in subjects
        )

    def _supply(self, name: str, case: Any, at: int) -> Event | None:
        reading = self.finder.transcription
        if reading is None:
            return None
        return reading.supply(name, case, self.trace.events[at : at + LOOK_AHEAD])

    # -- rows ---------------------------------------------------------------------------------

    def _take(
        self, node: _Node, rows: Sequence[Row], place: int, event: Event
    ) -> Iterator[tuple[Sync, Any]]:
        """An event taken by a row, and the facts that the call goes on with.

        Where the event cannot be right, the call goes on as if it had been: so that what
        follows from one slip is not held against the agent again. What it ought to have been
        may be open; then there are several.
        """
        row = rows[place]
        candidate = node.case.copy()
        candidate.apply(event)
        issues, doubts = self._judged(rows, place, candidate, event)
        unsure = tuple(doubts)
        for found, after in self._mended(node, rows, place, event, issues, candidate):
            move = Sync(node.at, event, row, tuple(found), unsure, candidate)
            yield move, (node.case if row.discard else after)

    def _mended(
        self,
        node: _Node,
        rows: Sequence[Row],
        place: int,
        event: Event,
        issues: list[Issue],
        candidate: Any,
    ) -> Iterator[tuple[list[Issue], Any]]:
        """What is wrong with an event, as near to its cause as can be told, and the facts as
        they would be had it been right."""
        for issue in issues:
            if isinstance(issue, Passed):
                candidate = self._as_if_looked_up(issue.row, candidate, node.at)
        wrong = [issue for issue in issues if isinstance(issue, Failed)]
        if not wrong:
            yield issues, candidate
            return
        reading = self.finder.transcription
        for name in reading.unnoticed if reading is not None else ():
            missing = self._supply(name, node.case, node.at)
            if missing is None or name == self.names[node.at]:
                continue
            other = node.case.copy()
            other.apply(missing)
            other.apply(event)
            if not self._judged(rows, place, other, event)[0]:
                yield [Absent(name)], other
        if self._replaceable(event, wrong):
            better = self._supply(self.names[node.at], node.case, node.at + 1)
            if better is not None:
                other = node.case.copy()
                other.apply(better)
                if not any(guard.test(other, better) is False for guard in rows[place].guards):
                    candidate = other
        yield issues, candidate

    def _replaceable(self, event: Event, wrong: Sequence[Failed]) -> bool:
        name = event_name(event)
        operations = self.finder.definition.vocabulary.operations.values()
        sent = name in self.finder.answers or any(name == each.request for each in operations)
        return sent or any(issue.guard.finding == "wrong_argument" for issue in wrong)

    def _as_if_looked_up(self, row: Row, case: Any, at: int) -> Any:
        """The facts as if a look-up that was left out had been made, with nothing in it seen."""
        operation = self.finder.definition.states[row.to or row.state].operation
        if operation is None or operation.request is not None:
            return case
        case = case.copy()
        for _ in range(MOST_SUPPLIED):
            if not operation.pending(case):
                break
            supplied = self._supply(operation.outcomes[0], case, at + 1)
            if supplied is None:
                break
            case.apply(supplied)
        return case

    def _judged(
        self, rows: Sequence[Row], place: int, candidate: Any, event: Event
    ) -> tuple[list[Issue], list[Doubt]]:
        issues: list[Issue] = []
        doubts: list[Doubt] = []
        states = self.finder.definition.states
        row = rows[place]
        due = None
        for other in rows:
            if other is row:
                break
            verdict, unsure = _ask(other.guards, candidate, event)
            # A look-up that may have been owed matters; another way that may have been open,
            # and that the call did not take, does not.
            if verdict is None and other.to is not None and states[other.to].operation:
                doubts += [Doubt(guard) for guard in unsure]
            if verdict is True and other.to != row.to:
                issues.append(Passed(other))
                due = other
                break
        for guard in row.guards:
            verdict = guard.test(candidate, event)
            if verdict is False:
                issues.append(Failed(guard, candidate, event))
            elif verdict is None:
                doubts.append(Doubt(guard))
        doubts = list({doubt.guard.name: doubt for doubt in doubts}.values())
        if due is None and issues:
            after = (other for other in rows[place + 1 :] if other.to is not None)
            due = next((o for o in after if _ask(o.guards, candidate, event)[0] is True), None)
        if due is not None and due.to is not None and self._owed_look_up(due.to):
            # Where the procedure looks something up, that is what was left out.
            return [Passed(due)], doubts
        return issues, doubts

    def _owed_look_up(self, state: str) -> bool:
        operation = self.finder.definition.states[state].operation
        return operation is not None and operation.request is None


T = TypeVar("T")


def _without(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    """The items less the first that equals one."""
    at = items.index(item)
    return items[:at] + items[at + 1 :]


def _alike(case: Any, known: Sequence[Any]) -> bool:
    outline = case.outline()
    return any(each.outline() == outline for each in known)


def _ask(guards: Sequence[Guard], case: Any, event: Event) -> tuple[Verdict, list[Guard]]:
    """Whether all hold, and those that cannot tell."""
    unsure: list[Guard] = []
    for guard in guards:
        verdict = guard.test(case, event)
        if verdict is False:
            return False, []
        if verdict is None:
            unsure.append(guard)
    return (None if unsure else True), unsure
