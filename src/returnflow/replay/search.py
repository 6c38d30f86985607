"""The search for the way of one call: Dijkstra's algorithm, each move weighed only in its turn."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

from returnflow.engine.definition import Row
from returnflow.engine.vocabulary import Event, event_name
from returnflow.redacted import hidden
from returnflow.replay.alignment import ControlFlow
from returnflow.replay.moves import (
    Failed,
    Issue,
    LogMove,
    ModelMove,
    Sync,
    Way,
    continues,
)
from returnflow.replay.net import Net
from returnflow.replay.points import FACTS_KEPT, Followed, Later, Node, Wrong, without
from returnflow.replay.rows import Answers, Rows, Taken
from returnflow.replay.trace import Trace
from returnflow.replay.weights import DISPLACED, HARMLESS, SLIP, Weigher

BUDGET = 6000
"""Points that are looked at before a search is given up for a narrower one: a call full of slips
can be explained in more ways than anybody would read."""

_SLIP_MORE = DISPLACED - HARMLESS
"""How much more a move weighs at least that is a slip than one that may be harmless."""

MOST_WAYS = 20
"""Ways at the most in which one event can be mended."""


class Search:
    """Dijkstra's algorithm over the optimal moves, the weight of failed conditions as distance.

    Args:
        detour: how much dearer than an optimal alignment a way may be.
        kept: ways with different facts that are followed from one state at one event.

    Attributes:
        followed: the points that were.
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
        self.slips_to_go = flow.slips_to_go(names, [bool(each) for each in self.subjects])
        self.weigher = Weigher(net.definition.scorecard)
        self.best = self.to_go[0][flow.index[net.definition.initial]]
        self.limit = self.best + detour
        self.budget = BUDGET
        self.rows = Rows(net.definition, net.transcription, net.answers, trace)
        self.queue: list[tuple[int, int, int, int, int, int, int, Node | Later | Wrong]] = []
        self.pushed = 0
        self.followed = Followed(kept)

    def run(self, case: Any, to_the_end: bool = False) -> Way | None:
        """The best way; None where there is none, or the search is given up.

        Args:
            to_the_end: it is not given up, however long it takes.
        """
        initial = self.flow.index[self.net.definition.initial]
        begin = Node(
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
        while self.queue:
            _, _, _, doubts, hops, number, weight, node = heapq.heappop(self.queue)
            if isinstance(node, Later):
                self._weigh_now(node, weight, doubts, hops, number)
                continue
            if isinstance(node, Wrong):
                self._mend_now(node, weight, doubts, hops, number)
                continue
            if self.followed.closes(node):
                continue
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

    def _push(
        self, node: Node, weight: int, doubts: int, hops: int, number: int | None = None
    ) -> None:
        cost = node.spent + self.to_go[node.at][node.state]
        order = (cost, node.grave, doubts, hops)
        self._queue(weight, node.at, node.state, order, weight, node, number)

    def _queue(
        self,
        least: int,
        at: int,
        state: int,
        order: tuple[int, int, int, int],
        weight: int,
        what: Node | Later | Wrong,
        number: int | None = None,
    ) -> None:
        """Puts a point, or a move that leads to one, where its turn comes.

        Args:
            least: what the way there weighs at least.
            at, state: where it leads.
            order: what decides among ways that weigh the same.
            weight: what the way weighs so far.
            number: the place among those that are alike in all; None: behind the others.
        """
        if order[0] > self.limit:
            return
        # Never more than what is still to come can weigh, so that the first at the end is best.
        if not self.trace.gaps:
            least += HARMLESS * self.to_go[at][state] + _SLIP_MORE * self.slips_to_go[at][state]
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

    def _awaited(self, node: Node) -> bool:
        """Whether the outcome of a look-up is one that the procedure waits for."""
        operation = self.net.definition.states[self.flow.states[node.state]].operation
        ids = {subject for _, subject in self.subjects[node.at]}
        calls = operation.pending(node.case) if operation is not None else ()
        return any(value in ids for call in calls for value in call.arguments.values())

    def _defer_log_move(self, node: Node, weight: int, doubts: int, hops: int) -> None:
        least = SLIP
        if self.subjects[node.at] or self.flow.states[node.state] in self.net.ends:
            least = HARMLESS
        elif self.names[node.at] in node.assumed:
            least = DISPLACED
        ahead = self.to_go[node.at + 1][node.state]
        # A harmless one is not counted.
        cost = node.spent + ahead + (1 if least != HARMLESS else 0)
        order = (cost, node.grave, doubts, hops)
        self._queue(weight + least, node.at + 1, node.state, order, weight, Later(node))

    def _defer_model_moves(self, node: Node, weight: int, doubts: int, hops: int) -> None:
        to_go, at, most = self.to_go[node.at], node.at, self.limit - node.spent
        name_here = self.names[at] if at < len(self.names) else ""
        gap = at in self.trace.gaps
        strayed = {event_name(each) for each in node.strayed} if node.strayed else ()
        for name, rows, place, target in self.net.onward[node.state]:
            silent = name in self.trace.silent
            step = 0 if silent else 1
            ahead = to_go[target]
            if step + ahead > most or (silent and name == name_here):
                continue  # too dear; or it is there, and need not be assumed
            least = 0 if silent or gap else DISPLACED if name in strayed else SLIP
            spent = node.spent + step
            later = Later(node, rows, place, target, spent)
            order = (spent + ahead, node.grave, doubts, hops)
            self._queue(weight + least, at, target, order, weight, later)

    def _weigh_now(self, move: Later, weight: int, doubts: int, hops: int, number: int) -> None:
        if move.rows:
            onward, heavier = self._assume(
                move.node, move.rows, move.place, move.target, move.spent
            )
        else:
            onward, heavier = self._log_move(move.node)
        self._push(onward, weight + heavier, doubts, hops, number)

    def _take_event(self, node: Node, weight: int, doubts: int, hops: int) -> None:
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
            wrong = Wrong(node, target, taken)
            self._queue(weight + least, node.at + 1, target, order, weight, wrong)
            self.pushed += MOST_WAYS

    def _mend_now(self, wrong: Wrong, weight: int, doubts: int, hops: int, number: int) -> None:
        """An event with which something is wrong, in every way in which it could be right."""
        node = wrong.node
        ways = self.rows.mended(node.case, node.at, self.names, wrong.taken)
        for way, (issues, after) in enumerate(ways):
            onward, heavier = self._taken(node, wrong.target, wrong.taken, issues, after)
            self._push(onward, weight + heavier, doubts, hops, number + way)

    def _taken(
        self, node: Node, target: int, taken: Taken, issues: Sequence[Issue], after: Any
    ) -> tuple[Node, int]:
        weight, grave, blamed = self.weigher.weigh(issues, node.blamed)
        case = node.case if taken.row.discard else after
        subject = self.subjects[node.at]
        onward = Node(
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

    def _log_move(self, node: Node) -> tuple[Node, int]:
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
            weight, assumed = DISPLACED, without(assumed, name)
        elif state in self.net.ends and continues(node.move, move, self.net.leading):
            weight = HARMLESS  # a whole call behind the end is one slip
        else:
            strayed = (*strayed, event)
        onward = Node(
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
        self, node: Node, rows: Sequence[Row], place: int, target: int, spent: int
    ) -> tuple[Node, int]:
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
            weight, strayed = DISPLACED, without(strayed, elsewhere)
        elif elsewhere is None and not silent and not gap:
            assumed = (*assumed, row.event)
        onward = Node(
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

    def _known(self, supplied: Event, node: Node) -> bool:
        """Whether a look-up that is assumed was made already, as far as can be told."""
        subjects = self._subject(supplied)
        operations = {operation for operation, _ in node.seen}
        return bool(subjects & node.seen) or any(
            operation in operations and hidden(subject.upper()) for operation, subject in subjects
        )
