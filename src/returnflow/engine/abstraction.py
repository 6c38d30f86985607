"""What a vocabulary declares about its facts, so that rules can be proved for every call.

A call has endless facts. A proof follows a few yes-or-no ones: of the call as a whole, and of one
arbitrary subject (an item, a return). For each event the vocabulary declares what it can do to
them, and for each guard what follows about them where it holds, and where it does not. What is
declared must be true of every case and every event; a property test holds it to that. What is
not declared is left open, and a proof takes both possibilities into account. So a declaration
that is missing can make a rule undecided, and never wrongly proved.

This is predicate abstraction (Graf and Saïdi, 1997), with the predicates chosen by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

from returnflow.errors import EngineError

Change = Literal["true", "false", "any", "up", "down"]
"""What an event can do to a fact: make it true; make it false; either; perhaps make it true;
perhaps make it false. A fact of which an event says nothing is kept."""

_LITERAL = re.compile(r"(not )?(was )?([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a clause: a fact after the event, or before it (`was`), or its contrary.

    The fact ``about`` is whether the event is about the subject.
    """

    fact: str
    before: bool
    positive: bool


@lru_cache(maxsize=1024)
def clause(text: str) -> tuple[Part, ...]:
    """A clause: literals joined with `or`, as in ``not opened or was waiting``.

    Raises:
        EngineError: it is no clause; a fault in the vocabulary.
    """
    parts = []
    for part in text.split(" or "):
        match = _LITERAL.fullmatch(part.strip())
        if match is None:
            raise EngineError(f"{part!r} is no part of a clause, in {text!r}")
        parts.append(Part(match[3], bool(match[2]), not match[1]))
    return tuple(parts)


@dataclass(frozen=True)
class Effect:
    """What an event can do to the facts.

    Args:
        changes: by fact. Where several effects of an event name a fact, the last one counts.
        about: only where the event is, or is not, about the subject; None: in any case.
        notice: only where it says that this notice was said; "": in any case.
        clauses: what holds between the facts before and after it besides.
    """

    changes: Mapping[str, Change] = field(default_factory=dict)
    about: bool | None = None
    notice: str = ""
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Implied:
    """What follows where a guard holds, and where it does not (None counts as not, as live).

    Each is a list of clauses about the facts before the event and after it.
    """

    held: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Some facts and all that is declared about them.

    Args:
        tests: by fact, whether it holds in a case, of a subject (None: of the call).
        effects: by event.
        guards: by guard.
        always: clauses that hold in every case.
    """

    tests: Mapping[str, Callable[[Any, Any], bool]]
    effects: Mapping[str, tuple[Effect, ...]]
    guards: Mapping[str, Implied]
    always: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of subject, one arbitrary of which a rule is about.

    Args:
        doc: what a subject is, in a few words.
        facts: the facts of one subject; they may be related to those of the call.
        events: the events that are each about some subjects and not about others.
        about: whether an event is about a subject, from the case before it and after it; None
            where the record does not show it.
        subjects: the subjects that an event brings up.
        words: what people call a subject.
    """

    name: str
    doc: str
    facts: Facts
    events: frozenset[str]
    about: Callable[[Any, Any, Any, Any], bool | None]
    subjects: Callable[[Any, Any, Any], Iterable[Hashable]]
    words: Callable[[Any], str]


@dataclass(frozen=True)
class Abstraction:
    """All that a vocabulary declares for proofs.

    Args:
        facts: those of the call as a whole.
        kinds: the kinds of subjects, by name.
        free: guards that the agent can make hold by the choice of the event alone, whatever
            the facts are.
    """

    facts: Facts
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    free: frozenset[str] = frozenset()

    @cached_property
    def together(self) -> Mapping[str, Facts]:
        """By kind, and under "" for none, the facts of the call with those of a subject."""
        whole = {"": self.facts}
        for name, kind in self.kinds.items():
            whole[name] = joined(self.facts, kind.facts)
        return whole


def joined(one: Facts, other: Facts) -> Facts:
    """Two sets of facts as one."""
    effects = {
        event: (*one.effects.get(event, ()), *other.effects.get(event, ()))
        for event in {**one.effects, **other.effects}
    }
    guards = {
        guard: Implied(
            (*one.guards.get(guard, Implied()).held, *other.guards.get(guard, Implied()).held),
            (
                *one.guards.get(guard, Implied()).otherwise,
                *other.guards.get(guard, Implied()).otherwise,
            ),
        )
        for guard in {**one.guards, **other.guards}
    }
    return Facts({**one.tests, **other.tests}, effects, guards, (*one.always, *other.always))
