"""The search for the way of one call: Dijkstra's algorithm, each move weighed only in its turn."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import Table
from returnflow.engine.transcript import Transcription
from returnflow.engine.vocabulary import Event, event_name
from returnflow.redacted import hidden
from returnflow.replay.alignment import ControlFlow
from returnflow.replay.moves import (
    Failed,
    Issue,
    LogMove,
    ModelMove,
    Move,
    Sync,
    Way,
    continues,
    leading,
)
from returnflow.replay.rows import Answers, Rows, Taken
from returnflow.replay.trace import Trace
from returnflow.replay.weights import DISPLACED, HARMLESS, SLIP, Weigher

FACTS_KEPT = 8
"""Ways with different facts that are followed from one state at one event: which of them fits may
show only later."""

BUDGET = 6000
"""Points that are looked at before a search is given up for a narrower one: a call full of slips
can be explained in more ways than anybody would read."""

MOST_WAYS = 20
"""Ways at the most in which one event can be mended."""


class _Node(msgspec.Struct, frozen=True, eq=False):
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
class Net:
    """What is the same for every call by one definition.

    Args:
        table: the rows, as compiled from the machine.
        transcription: what the vocabulary can supply; None: nothing.
        answers: events that only the agent can name.
        unlikely: events that are assumed only where nothing else explains a call.

    Attributes:
        onward: by the number of a state, its rows that lead elsewhere: the event, the rows about
            it, which of them it is, and where it leads.
    """

    definition: Definition
    table: Table
    transcription: Transcription | None
    answers: frozenset[str]
    unlikely: frozenset[str]
    _flows: dict[frozenset[str], ControlFlow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.leading = leading(self.definition)
        index = self.flow(frozenset()).index
        self.onward: list[list[tuple[str, Sequence[Row], int, int]]] = [[] for _ in index]
        for (state, name), rows in self.table.items():
            for place, row in enumerate(rows):
                if row.to is not None and row.to != state:
                    self.onward[index[state]].append((name, rows, place, index[row.to]))
        self.ends = frozenset(s.name for s in self.definition.states.values() if s.kind == "end")

    def flow(self, silent: frozenset[str]) -> ControlFlow:
        """The control flow for a format that cannot show those events."""
        if silent not in self._flows:
            self._flows[silent] = ControlFlow(self.table, self.definition.initial, silent)
        return self._flows[silent]


class _Later(msgspec.Struct, frozen=True, eq=False):
    """A move that is weighed only when nothing lighter is left: most never are.

    Attributes:
        rows, place, target, spent: of a model move; no rows: a log move.
    """

    node: _Node
    rows: Sequence[Row] = ()
    place: int = 0
    target: int = 0
    spent: int = 0


class _Wrong(msgspec.Struct, frozen=True, eq=False):
    """A row that takes an event with which something is wrong; what, is looked at later."""

    node: _Node
    target: int
    taken: Taken


class Search:
    """Dijkstra's algorithm over the optimal moves, the weight of failed conditions as distance.

    Args:
        detour: how much dearer than an optimal alignment a way may be.
        kept: ways with different facts that are followed from one state at one event.

    Attributes:
        left_out: there were more of those than `kept`.
    """

    def __init__(
        self,
        net: Net,
        flow: ControlFlow,
        trace: Trace,
        names: list[str],
        *,
        detour: int = 0,
        kept: int = FACTS_KEPT,
    ) -> None:
        self.net = net
        self.flow = flow
        self.trace = trace
        self.names = names
        self.to_go = flow.to_go(names)
        self.subjects = [self._subject(event) for event in trace.events]
        self.weigher = Weigher(net.definition.scorecard)
        self.best = self.to_go[0][flow.index[net.definition.initial]]
        self.limit = self.best + detour
        self.kept = kept
        self.budget = BUDGET
        self.rows = Rows(net.definition, net.transcription, net.answers, trace)
        self.queue: list[tuple[int, int, int, int, int, int, int, _Node | _Later | _Wrong]] = []
        self.pushed = 0
        self.left_out = False

    def run(self, case: Any, to_the_end: bool = False) -> Way | None:
        """The best way; None where there is none, or the search is given up.

        Args:
            to_the_end: it is not given up, however long it takes.
        """
        initial = self.flow.index[self.net.definition.initial]
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
        done: dict[tuple[int, int], list[_Node]] = {}
        while self.queue:
            _, _, _, doubts, hops, number, weight, node = heapq.heappop(self.queue)
            if isinstance(node, _Later):
                self._weigh_now(node, weight, doubts, hops, number)
                continue
            if isinstance(node, _Wrong):
                self._mend_now(node, weight, doubts, hops, number)
                continue
            known = done.setdefault((node.at, node.state), [])
            if known and self._closed(node, known):
                continue
            known.append(node)
            self.budget -= 1
            if not self.budget and not to_the_end:
                return None
            if node.at == len(self.names):
                state = self.flow.states[node.state]
                return Way(node.moves(), node.case, state, self.best, weight)
            self._take_event(node, weight, doubts, hops + 1)
            self._defer_log_move(node, weight, doubts, hops + 1)
            self._defer_model_moves(node, weight, doubts, hops + 1)
        return None

    def _closed(self, node: _Node, known: Sequence[_Node]) -> bool:
        """Whether a point need not be followed again. A dearer way there closes none that is
        cheaper: that may lead on where the dearer one has spent too much."""
        before = [each for each in known if each.spent <= node.spent]
        if any(node.case.alike(each.case) for each in before):
            return True
        if len(before) < self.kept:
            return False
        self.left_out = True
        return True

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
        what: _Node | _Later | _Wrong,
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
        if order[0] > self.limit:
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

    def _awaited(self, node: _Node) -> bool:
        """Whether the outcome of a look-up is one that the procedure waits for."""
        operation = self.net.definition.states[self.flow.states[node.state]].operation
        ids = {subject for _, subject in self.subjects[node.at]}
        calls = operation.pending(node.case) if operation is not None else ()
        return any(value in ids for call in calls for value in call.arguments.values())

    def _defer_log_move(self, node: _Node, weight: int, doubts: int, hops: int) -> None:
        least = SLIP
        if self.subjects[node.at] or self.flow.states[node.state] in self.net.ends:
            least = HARMLESS
        elif self.names[node.at] in node.assumed:
            least = DISPLACED
        ahead = self.to_go[node.at + 1][node.state]
        # A harmless one is not counted.
        cost = node.spent + ahead + (1 if least != HARMLESS else 0)
        order = (cost, node.grave, doubts, hops)
        self._queue(weight + least, ahead, order, weight, _Later(node))

    def _defer_model_moves(self, node: _Node, weight: int, doubts: int, hops: int) -> None:
        to_go, at, most = self.to_go[node.at], node.at, self.limit - node.spent
        name_here = self.names[at] if at < len(self.names) else ""
        gap = at in self.trace.gaps
        strayed = {event_name(each) for each in node.strayed}
        for name, rows, place, target in self.net.onward[node.state]:
            silent = name in self.trace.silent
            step = 0 if silent else 1
            ahead = to_go[target]
            if step + ahead > most or (silent and name == name_here):
                continue  # too dear; or it is there, and need not be assumed
            least = 0 if silent or gap else DISPLACED if name in strayed else SLIP
            spent = node.spent + step
            later = _Later(node, rows, place, target, spent)
            self._queue(
                weight + least, ahead, (spent + ahead, node.grave, doubts, hops), weight, later
            )

    def _weigh_now(self, move: _Later, weight: int, doubts: int, hops: int, number: int) -> None:
        if move.rows:
            onward, heavier = self._assume(
                move.node, move.rows, move.place, move.target, move.spent
            )
        else:
            onward, heavier = self._log_move(move.node)
        self._push(onward, weight + heavier, doubts, hops, number)

    def _take_event(self, node: _Node, weight: int, doubts: int, hops: int) -> None:
        """The rows that take the event: where nothing is wrong with it at once, else later."""
        rows = self.net.table.get((self.flow.states[node.state], self.names[node.at]), ())
        event = self.trace.events[node.at]
        candidate: Any = None
        known: Answers = {}
        for place, row in enumerate(rows):
            if row.to is None:
                continue
            target = self.flow.index[row.to]
            ahead = self.to_go[node.at + 1][target]
            if node.spent + ahead > self.limit:
                continue
            if candidate is None:
                candidate = node.case.copy()
                candidate.apply(event)
            taken = self.rows.taken(rows, place, candidate, event, known)
            more = doubts + len(taken.doubts)
            if not taken.issues:
                onward, _ = self._taken(node, target, taken, taken.issues, candidate)
                self._push(onward, weight, more, hops)
                continue
            least = min(self.weigher.weigh(taken.issues, node.blamed)[0], self.weigher.absent)
            order = (node.spent + ahead, node.grave, more, hops)
            self._queue(weight + least, ahead, order, weight, _Wrong(node, target, taken))
            self.pushed += MOST_WAYS

    def _mend_now(self, wrong: _Wrong, weight: int, doubts: int, hops: int, number: int) -> None:
        """An event with which something is wrong, in every way in which it could be right."""
        node = wrong.node
        ways = self.rows.mended(node.case, node.at, self.names, wrong.taken)
        for way, (issues, after) in enumerate(ways):
            onward, heavier = self._taken(node, wrong.target, wrong.taken, issues, after)
            self._push(onward, weight + heavier, doubts, hops, number + way)

    def _taken(
        self, node: _Node, target: int, taken: Taken, issues: Sequence[Issue], after: Any
    ) -> tuple[_Node, int]:
        weight, grave, blamed = self.weigher.weigh(issues, node.blamed)
        case = node.case if taken.row.discard else after
        subject = self.subjects[node.at]
        onward = _Node(
            at=node.at + 1,
            state=target,
            spent=node.spent,
            grave=node.grave + grave,
            case=self._hear(case, node.at + 1),
            seen=node.seen | subject if subject else node.seen,
            strayed=node.strayed,
            assumed=node.assumed,
            blamed=blamed,
            before=node,
            move=Sync(node.at, taken.event, taken.row, tuple(issues), taken.doubts, taken.case),
        )
        return onward, weight

    def _subject(self, event: Event) -> frozenset[tuple[str, str]]:
        reading = self.net.transcription
        subject = reading.subject(event) if reading is not None else None
        return frozenset() if subject is None else frozenset({subject})

    def _log_move(self, node: _Node) -> tuple[_Node, int]:
        event, subject = self.trace.events[node.at], self.subjects[node.at]
        harmless = ""
        reading = self.net.transcription
        case = node.case
        if subject and reading is not None:
            after = case.copy()
            after.apply(event)
            if reading.own(case, after, event):
                case, harmless = after, "early_lookup"
            if subject <= node.seen:
                harmless = "repeated_lookup"
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
            weight = HARMLESS + (harmless == "early_lookup") + self._awaited(node)
        elif name in assumed:
            weight, assumed = DISPLACED, _without(assumed, name)
        elif state in self.net.ends and continues(node.move, move, self.net.leading):
            weight = HARMLESS  # a whole call behind the end is one slip
        else:
            strayed = (*strayed, event)
        onward = _Node(
            at=node.at + 1,
            state=node.state,
            spent=node.spent + (0 if harmless else 1),
            grave=node.grave,
            case=self._hear(case, node.at + 1),
            seen=node.seen | (subject if harmless else frozenset()),
            strayed=strayed,
            assumed=assumed,
            blamed=node.blamed,
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
        supplied = elsewhere or self.rows.supply(row.event, node.case, node.at)
        case = node.case
        ill = 0
        if supplied is not None:
            case = case.copy()
            case.apply(supplied)
            issues, doubts = self.rows.judged(rows, place, case, supplied)
            ill = sum(isinstance(issue, Failed) or silent for issue in issues)
            # Nor is anything assumed for free of which nobody can say that it is in order.
            ill += silent and bool(doubts)
        # What is assumed has to be in order itself, and must not make unknown what was seen:
        # there is no way round the conditions.
        weight += SLIP * ill
        if supplied is not None and elsewhere is None and self._known(supplied, node):
            weight += SLIP
        if row.event in self.net.unlikely and not gap:
            weight += SLIP
        if elsewhere is not None and not ill:
            weight, strayed = DISPLACED, _without(strayed, elsewhere)
        elif elsewhere is None and not silent and not gap:
            assumed = (*assumed, row.event)
        onward = _Node(
            at=node.at,
            state=target,
            spent=spent,
            grave=node.grave,
            case=case,
            seen=node.seen,
            strayed=strayed,
            assumed=assumed,
            blamed=node.blamed,
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


T = TypeVar("T")


def _without(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    """The items less the first that equals one."""
    at = items.index(item)
    return items[:at] + items[at + 1 :]
