"""The points of a search for the way of one call, and which of them need not be followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from returnflow.engine.definition import Row
from returnflow.engine.vocabulary import Event
from returnflow.replay.moves import Move
from returnflow.replay.rows import Taken

FACTS_KEPT = 8
"""Ways with different facts that are followed from one state at one event: which of them fits may
show only later."""

BURDENS_KEPT = 2
"""Ways with the same facts, but with other slips behind them, that are followed from one state at
one event: what is out of place on the one can make a later slip lighter than on the other."""

T = TypeVar("T")


class Node(msgspec.Struct, frozen=True, eq=False):
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
    before: Node | None
    move: Move | None

    def reaches(self, other: Node) -> bool:
        """Of another way to the same facts: whether this one has behind it whatever makes a later
        move of the other lighter, so that the other is hardly ever wanted."""
        return (
            other.blamed <= self.blamed
            and other.seen <= self.seen
            and _within(other.strayed, self.strayed)
            and _within(other.assumed, self.assumed)
        )

    def moves(self) -> list[Move]:
        """The way here."""
        found: list[Move] = []
        node: Node | None = self
        while node is not None and node.move is not None:
            found.append(node.move)
            node = node.before
        return found[::-1]


class Later(msgspec.Struct, frozen=True, eq=False):
    """A move that is weighed only when nothing lighter is left: most never are.

    Attributes:
        rows, place, target, spent: of a model move; no rows: a log move.
    """

    node: Node
    rows: Sequence[Row] = ()
    place: int = 0
    target: int = 0
    spent: int = 0


class Wrong(msgspec.Struct, frozen=True, eq=False):
    """A row that takes an event with which something is wrong; what, is looked at later."""

    node: Node
    target: int
    taken: Taken


class Followed:
    """The points that were followed.

    Args:
        kept: ways with different facts that are followed from one state at one event.

    Attributes:
        left_out: a way was not followed that could have been the lightest.
    """

    def __init__(self, kept: int) -> None:
        self.left_out = False
        self._kept = kept
        self._known: dict[tuple[int, int], list[list[Node]]] = {}

    def closes(self, node: Node) -> bool:
        """Whether a point need not be followed; else it counts as followed from now on.

        A dearer way there closes none that is cheaper: that may lead on where the dearer one has
        spent too much.
        """
        known = self._known.setdefault((node.at, node.state), [])
        others = 0
        for alike in known:
            before = [each for each in alike if each.spent <= node.spent]
            if node.case.alike(alike[0].case):
                if len(before) >= BURDENS_KEPT or any(each.reaches(node) for each in before):
                    return True
                alike.append(node)
                return False
            others += bool(before)
        if others >= self._kept:
            self.left_out = True
            return True
        known.append([node])
        return False


def _within(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether each of them is among the others, as often."""
    if not some:
        return True
    left = list(others)
    for each in some:
        if each not in left:
            return False
        left.remove(each)
    return True


def without(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    """The items less the first that equals one."""
    at = items.index(item)
    return items[:at] + items[at + 1 :]
