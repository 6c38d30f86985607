"""The moves of a call along the procedure, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec

from returnflow.engine.definition import Definition, Row
from returnflow.engine.vocabulary import Event, Guard, event_name


class Failed(msgspec.Struct, frozen=True, eq=False):
    """A condition of the row taken that does not hold."""

    guard: Guard
    case: Any
    event: Event


class Passed(msgspec.Struct, frozen=True, eq=False):
    """A row before the one taken that does hold: the procedure leads there."""

    row: Row


class Absent(msgspec.Struct, frozen=True, eq=False):
    """An event that must have come before, unrecorded, for this one to be in order."""

    name: str


Issue = Failed | Passed | Absent


class Doubt(msgspec.Struct, frozen=True, eq=False):
    """A condition that the facts at hand cannot tell."""

    guard: Guard


class Sync(msgspec.Struct, frozen=True, eq=False):
    """An event, and the row that takes it, with what is wrong about it."""

    at: int
    event: Event
    row: Row
    issues: tuple[Issue, ...]
    doubts: tuple[Doubt, ...]
    case: Any


class LogMove(msgspec.Struct, frozen=True, eq=False):
    """An event that the procedure has no place for where it stands.

    Args:
        harmless: ``repeated_lookup`` or ``early_lookup``; empty where it is neither.
    """

    at: int
    event: Event
    state: str
    harmless: str


class ModelMove(msgspec.Struct, frozen=True, eq=False):
    """A row that was taken without an event, before the event at `at`."""

    at: int
    row: Row
    silent: bool


Move = Sync | LogMove | ModelMove


class Way(msgspec.Struct, eq=False):
    """The way chosen: its moves, the facts and the state at its end, its cost as an alignment,
    and what its slips weigh."""

    moves: list[Move]
    case: Any
    state: str
    cost: int = 0
    weight: int = 0


def leading(definition: Definition) -> frozenset[tuple[str, str]]:
    """By name, the answers and the requests of writes, each with every event that can come of it:
    of the answer that an operation is called for, and of the operation."""
    outcomes = {
        name for each in definition.vocabulary.operations.values() for name in each.outcomes
    }
    own: dict[str, set[str]] = {}
    for row in definition.all_rows():
        if definition.states[row.state].operation and not row.anywhere:
            own.setdefault(row.state, set()).add(row.event)
    return frozenset(
        (row.event, event)
        for row in definition.all_rows()
        if row.event not in outcomes and row.to is not None
        for event in own.get(row.to, ())
    )


def continues(before: Move | None, move: LogMove, pairs: Container[tuple[str, str]]) -> bool:
    """Whether an event without a place goes on what the one right before it, which has none
    either, began: an answer, the call made for it, and what came of that are one slip."""
    if not isinstance(before, LogMove) or before.at != move.at - 1:
        return False
    return (event_name(before.event), event_name(move.event)) in pairs
