"""What a vocabulary adds to the generators of calls: how its events are made up.

The generators in `calls` know definitions and sessions; they ask a `Sampler` for events. One is
registered for each vocabulary, by its name, in `samplers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any, Protocol

from returnflow.engine.definition import State
from returnflow.engine.vocabulary import Call, Event
from returnflow.errors import UsageError


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a call stands when an event is wanted.

    Args:
        case: the facts; must not be changed.
        shop: whatever the vocabulary's shop is; answers look-ups.
        rng: None where the events must be few, always the same, and leave the shop as it is;
            else they may be drawn at random, and writes may be done on the shop.
        in_order: only the call that is suggested next is answered, as whoever leads a call has it;
            else any that is owed, as a recorded call may have it.
    """

    state: State
    case: Any
    shop: Any
    rng: Random | None = None
    in_order: bool = False

    def pending(self) -> list[Call]:
        """The calls that may be answered here."""
        operation = self.state.operation
        calls = list(operation.pending(self.case)) if operation is not None else []
        return calls[:1] if self.in_order else calls


class Sampler(Protocol):
    """Makes up events of one vocabulary."""

    def curated(self) -> Any:
        """A small fixed shop in which a search reaches every row."""

    def generate(self, rng: Random) -> Any:
        """A random shop."""

    def copy(self, shop: Any) -> Any:
        """A copy of a shop, for a walk that writes to it."""

    def beginning(self, shop: Any) -> tuple[date, str]:
        """The policy date and the zone under which calls to this shop begin."""

    def good(self, name: str, at: Situation) -> Iterable[Event]:
        """Events of that name that make sense here. They may be refused all the same."""

    def slips(self, name: str, at: Situation) -> Iterable[Event]:
        """Events of that name that ought to be refused here, one for each way of going wrong."""

    def anything(self, rng: Random, shop: Any) -> Event:
        """An arbitrary event, whatever the call is doing."""


samplers: dict[str, Sampler] = {}
"""The samplers by the names of their vocabularies. Add one to walk another vocabulary."""


def sampler_for(vocabulary: str) -> Sampler:
    """The sampler of a vocabulary.

    Raises:
        UsageError: none is registered; the message lists those that are.
    """
    if vocabulary not in samplers:
        have = ", ".join(sorted(samplers)) or "none"
        raise UsageError(
            f"no sampler for the vocabulary {vocabulary!r} (there is: {have}); "
            "put one into returnflow.testing.samplers"
        )
    return samplers[vocabulary]
