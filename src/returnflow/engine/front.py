"""What a vocabulary adds to the screens: what can be chosen, and what is known.

Front ends show turns of any procedure. What stands in a list, and which facts matter, only the
vocabulary knows; it hands both over as plain texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from returnflow.engine.definition import State
    from returnflow.engine.vocabulary import Call, Event

Fact = tuple[str, str]
"""A label and a text."""

CUSTOMER = "Customer"
"""The label, and the title of the section, of who calls; it is veiled where others can see it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen by number, id or words.

    Args:
        ident: its id as stored.
        words: what a fragment is looked for in.
        available: how many units can be chosen; 0 where that makes no sense.
    """

    ident: str
    words: str
    available: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a numbered list: a title, and lines below it."""

    title: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A group of facts: each a line, with lines that belong to it below."""

    title: str
    lines: tuple[tuple[str, ...], ...]


class Early(Protocol):
    """How something is looked up before it is chosen (`/check`).

    Args:
        what: what is looked up, in a word: ``item``.
        where: a sentence that says when that can be done.
        shown_by: where the state accepts this event, it can be done.
    """

    what: str
    where: str
    shown_by: type[Event]

    def choices(self, case: Any) -> tuple[Choice, ...]:
        """What can be looked up."""

    def next_call(self, case: Any, ident: str) -> Call | None:
        """The next look-up that it takes; None where all are made."""

    def words(self, case: Any, ident: str) -> str:
        """What is known then; "" where it could not be looked up."""


class Front(Protocol):
    """What front ends ask of a vocabulary. Nothing here changes a case."""

    @property
    def early(self) -> Early | None:
        """How something is looked up ahead of its step; None where nothing is."""

    def choices(self, case: Any, kind: str) -> tuple[Choice, ...]:
        """What can be chosen by number where a field of that type is asked for."""

    def listing(self, case: Any, kind: str) -> tuple[Listed, ...]:
        """The same choices as they are shown, in the same order."""

    def matters(self, case: Any, state: State) -> list[Fact]:
        """What is known and matters in that state."""

    def facts(self, case: Any) -> list[Fact]:
        """All that is known in the call so far."""

    def sections(self, case: Any, *, unveiled: bool) -> list[Section]:
        """The same in groups; empty ones are left out.

        Args:
            unveiled: the customer's name, address and number are shown in full (rule 38).
        """

    def done(self, case: Any) -> list[Fact]:
        """What was done in the shop, for the end of a call."""

    def ids(self, case: Any) -> list[str]:
        """The ids that the shop gave to what was done: what an agent copies elsewhere."""


class NoFront:
    """For a vocabulary that adds nothing: its procedures are led by their words alone."""

    early: Early | None = None

    def choices(self, case: Any, kind: str) -> tuple[Choice, ...]:
        """None."""
        return ()

    def listing(self, case: Any, kind: str) -> tuple[Listed, ...]:
        """None."""
        return ()

    def matters(self, case: Any, state: State) -> list[Fact]:
        """None."""
        return []

    def facts(self, case: Any) -> list[Fact]:
        """None."""
        return []

    def sections(self, case: Any, *, unveiled: bool) -> list[Section]:
        """None."""
        return []

    def done(self, case: Any) -> list[Fact]:
        """None."""
        return []

    def ids(self, case: Any) -> list[str]:
        """None."""
        return []
