"""One row and one event: what is wrong where the row takes it, and how it could be right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from returnflow.engine.definition import Definition, Row
from returnflow.engine.transcript import Transcription
from returnflow.engine.vocabulary import Event, Guard, Verdict, event_name
from returnflow.replay.moves import Absent, Doubt, Failed, Issue, Passed
from returnflow.replay.trace import Trace

LOOK_AHEAD = 200
"""Events after a doubtful one that may tell what it ought to have been."""

MOST_SUPPLIED = 100
"""Look-ups that are assumed for one step that was left out."""


Answers = dict[str, Verdict]
"""What conditions, by their names, answer about the same facts and the same event."""


class Taken(msgspec.Struct, frozen=True, eq=False):
    """An event taken by a row.

    Attributes:
        rows, place: the rows about the event, and which of them it is.
        case: the facts with the event, as it is.
        issues: what is wrong.
        doubts: what cannot be told.
    """

    rows: Sequence[Row]
    place: int
    event: Event
    case: Any
    issues: Sequence[Issue]
    doubts: tuple[Doubt, ...]

    @property
    def row(self) -> Row:
        """The row."""
        return self.rows[self.place]


class Rows:
    """Judges rows, for one trace."""

    def __init__(
        self,
        definition: Definition,
        transcription: Transcription | None,
        answers: frozenset[str],
        trace: Trace,
    ) -> None:
        self._states = definition.states
        self._reading = transcription
        self._trace = trace
        requests = {each.request for each in definition.vocabulary.operations.values()}
        self._sent = answers | {name for name in requests if name is not None}

    def supply(self, name: str, case: Any, at: int) -> Event | None:
        """An event of that name that would fit before the event at `at`; None: nothing can be
        said."""
        if self._reading is None:
            return None
        return self._reading.supply(name, case, self._trace.events[at : at + LOOK_AHEAD])

    def taken(
        self, rows: Sequence[Row], place: int, case: Any, event: Event, known: Answers
    ) -> Taken:
        """The event taken by a row, with the facts that it brings."""
        issues, doubts = self.judged(rows, place, case, event, known)
        return Taken(rows, place, event, case, issues, tuple(doubts))

    def mended(
        self, before: Any, at: int, names: Sequence[str], taken: Taken
    ) -> Iterator[tuple[Sequence[Issue], Any]]:
        """What is wrong with an event, as near to its cause as can be told, and the facts as
        they would be had it been right.

        The call goes on with those, so that what follows from one slip is not held against the
        agent again. What the event ought to have been may be open; then there are several.

        Args:
            before: the facts without it; must not be changed.
            at: its position.
        """
        rows, place, event, candidate = taken.rows, taken.place, taken.event, taken.case
        for issue in taken.issues:
            if isinstance(issue, Passed):
                candidate = self._as_if_looked_up(issue.row, candidate, at)
        wrong = [issue for issue in taken.issues if isinstance(issue, Failed)]
        if not wrong:
            yield taken.issues, candidate
            return
        for name in self._reading.unnoticed if self._reading is not None else ():
            missing = self.supply(name, before, at)
            if missing is None or name == names[at]:
                continue
            other = before.copy()
            other.apply(missing)
            other.apply(event)
            # Most change nothing about what failed, and that is sooner seen than all the rest.
            if any(issue.guard.test(other, event) is False for issue in wrong):
                continue
            if not self.judged(rows, place, other, event)[0]:
                yield [Absent(name)], other
        if self._replaceable(event, wrong):
            better = self.supply(names[at], before, at + 1)
            if better is not None:
                other = before.copy()
                other.apply(better)
                if not any(guard.test(other, better) is False for guard in rows[place].guards):
                    candidate = other
        yield taken.issues, candidate

    def _replaceable(self, event: Event, wrong: Sequence[Failed]) -> bool:
        if event_name(event) in self._sent:
            return True
        return any(issue.guard.finding == "wrong_argument" for issue in wrong)

    def _as_if_looked_up(self, row: Row, case: Any, at: int) -> Any:
        """The facts as if a look-up that was left out had been made, with nothing in it seen."""
        operation = self._states[row.to or row.state].operation
        if operation is None or operation.request is not None:
            return case
        case = case.copy()
        for _ in range(MOST_SUPPLIED):
            if not operation.pending(case):
                break
            supplied = self.supply(operation.outcomes[0], case, at + 1)
            if supplied is None:
                break
            case.apply(supplied)
        return case

    def judged(
        self,
        rows: Sequence[Row],
        place: int,
        candidate: Any,
        event: Event,
        known: Answers | None = None,
    ) -> tuple[list[Issue], list[Doubt]]:
        """What is wrong where a row takes an event with these facts, and what is in doubt.

        Args:
            known: what conditions have answered about these facts and this event; filled in.
        """
        known = {} if known is None else known
        issues: list[Issue] = []
        doubts: list[Doubt] = []
        states = self._states
        row = rows[place]
        due = None
        for other in rows:
            if other is row:
                break
            verdict, unsure = _ask(other.guards, candidate, event, known)
            # A look-up that may have been owed matters; another way that may have been open,
            # and that the call did not take, does not.
            if verdict is None and other.to is not None and states[other.to].operation:
                doubts += [Doubt(guard) for guard in unsure]
            if verdict is True and other.to != row.to:
                issues.append(Passed(other))
                due = other
                break
        for guard in row.guards:
            verdict = _answer(guard, candidate, event, known)
            if verdict is False:
                issues.append(Failed(guard, candidate, event))
            elif verdict is None:
                doubts.append(Doubt(guard))
        if len(doubts) > 1:
            doubts = list({doubt.guard.name: doubt for doubt in doubts}.values())
        if due is None and issues:
            after = (other for other in rows[place + 1 :] if other.to is not None)
            due = next((o for o in after if _ask(o.guards, candidate, event, known)[0]), None)
        if due is not None and due.to is not None and self._owed_look_up(due.to):
            # Where the procedure looks something up, that is what was left out.
            return [Passed(due)], doubts
        return issues, doubts

    def _owed_look_up(self, state: str) -> bool:
        operation = self._states[state].operation
        return operation is not None and operation.request is None


def _answer(guard: Guard, case: Any, event: Event, known: Answers) -> Verdict:
    if guard.name not in known:
        known[guard.name] = guard.test(case, event)
    return known[guard.name]


def _ask(
    guards: Sequence[Guard], case: Any, event: Event, known: Answers
) -> tuple[Verdict, list[Guard]]:
    """Whether all hold, and those that cannot tell."""
    unsure: list[Guard] = []
    for guard in guards:
        verdict = _answer(guard, case, event, known)
        if verdict is False:
            return False, []
        if verdict is None:
            unsure.append(guard)
    return (None if unsure else True), unsure
