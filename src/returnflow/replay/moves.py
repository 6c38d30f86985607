"""The moves of a call along the procedure, and what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from returnflow.engine.definition import Row
from returnflow.engine.vocabulary import Event, Guard


@dataclass(frozen=True, slots=True)
class Failed:
    """A condition of the row taken that does not hold."""

    guard: Guard
    case: Any
    event: Event


@dataclass(frozen=True, slots=True)
class Passed:
    """A row before the one taken that does hold: the procedure leads there."""

    row: Row


@dataclass(frozen=True, slots=True)
class Absent:
    """An event that must have come before, unrecorded, for this one to be in order."""

    name: str


Issue = Failed | Passed | Absent


@dataclass(frozen=True, slots=True)
class Doubt:
    """A condition that the facts at hand cannot tell."""

    guard: Guard


@dataclass(frozen=True, slots=True)
class Sync:
    """An event, and the row that takes it, with what is wrong about it."""

    at: int
    event: Event
    row: Row
    issues: tuple[Issue, ...]
    doubts: tuple[Doubt, ...]
    case: Any


@dataclass(frozen=True, slots=True)
class LogMove:
    """An event that the procedure has no place for where it stands.

    Args:
        harmless: ``repeated_lookup`` or ``early_lookup``; empty where it is neither.
    """

    at: int
    event: Event
    state: str
    harmless: str


@dataclass(frozen=True, slots=True)
class ModelMove:
    """A row that was taken without an event, before the event at `at`."""

    at: int
    row: Row
    silent: bool


Move = Sync | LogMove | ModelMove


@dataclass(slots=True)
class Way:
    """The way chosen: its moves, the facts and the state at its end, its cost."""

    moves: list[Move]
    case: Any
    state: str
    cost: int = 0
