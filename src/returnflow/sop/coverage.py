"""What calls have covered of a procedure: its states, its rows, and both answers of its guards.

A guard is asked in several rows, and each of them is a place of its own: that a condition was
met and was not met somewhere else says nothing about this row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from returnflow.engine.definition import Definition, Place, Row
from returnflow.engine.machine import Step

Sort = Literal["state", "row", "guard"]


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to be covered.

    Args:
        sort: a state to come to, a row to take or to be refused by, an answer of a guard in a row.
        key: which one; unique within a procedure.
        words: it, as people read it.
        place: where it stands in the file.
    """

    sort: Sort
    key: str
    words: str
    place: Place


def goals(definition: Definition) -> dict[str, Goal]:
    """Everything that can be covered, by its key, in the order of the file."""
    found: dict[str, Goal] = {}
    for state in definition.states.values():
        key = f"state {state.name}"
        found[key] = Goal("state", key, state.name, state.place)
    for row in definition.all_rows():
        found.update(goals_of(row))
    return found


def goals_of(row: Row) -> dict[str, Goal]:
    """What can be covered of a row, by its key."""
    found = {f"row {row.id}": Goal("row", f"row {row.id}", str(row), row.place)}
    for guard in row.guards:
        for held in (True, False):
            key = _guard(row, guard.name, held)
            words = f"{guard.name} {'holds' if held else 'does not hold'}: {row}"
            found[key] = Goal("guard", key, words, row.place)
    return found


def _guard(row: Row, guard: str, held: bool) -> str:
    return f"guard {row.id} {guard} {'yes' if held else 'no'}"


def covered(step: Step) -> Iterator[str]:
    """The keys of what a step covers."""
    yield f"state {step.source}"
    if step.row is not None:
        yield f"row {step.row.id}"
    if step.accepted:
        yield f"state {step.target}"
    for tried in step.tried:
        for name, verdict in tried.verdicts:
            # What cannot be told is no answer.
            if verdict is not None:
                yield _guard(tried.row, name, verdict)


@dataclass
class Coverage:
    """What was covered.

    Args:
        times: by key of a goal, in how many calls it was covered.
        calls: how many calls there were.
    """

    definition: Definition
    times: dict[str, int] = field(default_factory=dict)
    calls: int = 0

    def add(self, steps: Iterable[Step]) -> None:
        """Takes a call in."""
        self.calls += 1
        for key in {f"state {self.definition.initial}", *(k for s in steps for k in covered(s))}:
            self.times[key] = self.times.get(key, 0) + 1

    def uncovered(self) -> list[Goal]:
        """What was not covered, in the order of the file."""
        missing = [goal for key, goal in goals(self.definition).items() if key not in self.times]
        return sorted(missing, key=lambda goal: goal.place)

    def counts(self) -> dict[Sort, tuple[int, int]]:
        """By sort, how many were covered, of how many."""
        every = goals(self.definition)
        sorts: tuple[Sort, ...] = ("state", "row", "guard")
        return {
            sort: (
                sum(goal.sort == sort and key in self.times for key, goal in every.items()),
                sum(goal.sort == sort for goal in every.values()),
            )
            for sort in sorts
        }
