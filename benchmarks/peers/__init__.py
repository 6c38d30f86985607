"""Other state machines and checkers that replay the same log: one small module for each.

All that can check guards are given the very guards and facts of the product's vocabulary, and
stop a call at the first event that is refused. What each cannot check stands in its `about`.
Their packages are in the extra ``peers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import import_module
from typing import Any, Protocol, Union

import msgspec

from returnflow.engine.definition import Definition
from returnflow.engine.journal import Header
from returnflow.engine.vocabulary import Event


class Peer(Protocol):
    """Replays calls, one after the other.

    Attributes:
        name: as in the table.
        about: what it checks and what it cannot.
    """

    name: str
    about: str

    def accepts(self, day: date | None, zone: str, events: Sequence[Event]) -> bool:
        """Whether every event of a call is accepted, from its beginning."""


GUARDED = {
    "table": "table",
    "transitions": "transitions_machine",
    "automat": "automat_machine",
    "python-statemachine": "statechart",
    "sismic": "sismic_chart",
}
"""By name, the modules of those that check guards; each has a function ``make(definition)``."""

NAMES_ONLY = ("pm4py-replay", "pm4py-alignments", "xstate")
"""Those that see the names of events alone."""


def guarded(name: str, definition: Definition) -> Peer:
    """The peer of that name.

    Raises:
        SystemExit: its package is not installed.
    """
    try:
        made: Peer = import_module(f"benchmarks.peers.{GUARDED[name]}").make(definition)
    except ModuleNotFoundError as error:
        raise missing(name, error) from error
    return made


def missing(name: str, error: ModuleNotFoundError) -> SystemExit:
    """That a peer's package is not installed, and what to do about it."""
    return SystemExit(
        f"{name} needs the package {error.name}; pip install --editable '.[peers]', or leave it "
        "out with --peers"
    )


def tag(event: Event) -> str:
    """The name of an event, without a call of ours more than it takes."""
    name: str = event.__struct_config__.tag  # type: ignore[assignment]  # a vocabulary's always are
    return name


@cache
def line_decoder(events: tuple[type[Event], ...]) -> msgspec.json.Decoder[Any]:
    """Decodes a line of the event log, every field of it, into typed structs."""
    event: Any = Union[events]  # noqa: UP007 (a run-time union)
    line = msgspec.defstruct(
        "Line",
        [
            ("returnflow", int),
            ("masked", bool),
            ("case", Header),
            ("events", list[event]),
            ("states", list[str]),
            ("ended", bool),
            ("asides", list[Any]),
        ],
    )
    return msgspec.json.Decoder(line)
