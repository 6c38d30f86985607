"""Rules about whole calls: what must, and what must never, happen in the course of one.

A rule uses a template of declarative process modelling (Declare: Pesic, Schonenberg and van der
Aalst, 2007) over activities: events that a state of the procedure takes, or refuses, under
conditions. Here are their meaning, as small automata over a call's events, and the check of one
recorded or made-up call. That a procedure keeps a rule in every call is proved elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

Template = Literal[
    "existence",
    "absence",
    "at_most_once",
    "init",
    "precedence",
    "alternate_precedence",
    "chain_precedence",
    "response",
    "alternate_response",
    "chain_response",
    "not_succession",
    "not_chain_succession",
    "not_coexistence",
    "responded_existence",
    "can_reach",
]

BROKEN = -1
"""Where an automaton is once its rule is broken."""


class Activity(msgspec.Struct, frozen=True):
    """What a rule speaks of: an event, where it happens, where it leads, under which conditions.

    Args:
        events: the names of the events; empty: any.
        at, to: the states in which it happens, and to which it leads; empty: any.
        when, unless: guards that all hold of it; guards of which not all do.
        notice: for the event that something was said: which notice; "" for any.
        refused: it is about events that the state refuses, not about those that it takes.
    """

    events: frozenset[str] = frozenset()
    at: frozenset[str] = frozenset()
    to: frozenset[str] = frozenset()
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    notice: str = ""
    refused: bool = False

    def __str__(self) -> str:
        words = " or ".join(sorted(self.events)) or "any event"
        if self.notice:
            words += f" of {self.notice}"
        if self.refused:
            words += " refused"
        if self.at:
            words += f" in {' or '.join(sorted(self.at))}"
        if self.to:
            words += f" into {' or '.join(sorted(self.to))}"
        if self.when:
            words += f" where {' and '.join(self.when)}"
        if self.unless:
            words += f" unless {' and '.join(self.unless)}"
        return words


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule about whole calls.

    Args:
        says: what it prescribes, in a sentence.
        step: the step of the written procedure that it belongs to.
        about: the kind of subject, one arbitrary of which it is about; "": the call as a whole.
        first, then: the activities of its template; `then` is None where there is one only.
        anew: activities after which it begins anew, as though nothing had happened.
        severity: how grave a breach of it is in a recorded call.
        line, column: where it stands in the file, counted from 1.
    """

    name: str
    says: str
    step: str
    template: Template
    first: Activity
    then: Activity | None
    about: str
    anew: tuple[Activity, ...]
    severity: Literal["critical", "major", "minor", "remark"]
    line: int
    column: int

    def activities(self) -> Iterator[Activity]:
        """Every activity that it names."""
        yield self.first
        if self.then is not None:
            yield self.then
        yield from self.anew


def never(activity: Activity) -> Rule:
    """The rule that something never happens, for whoever wants to know how it can."""
    return Rule(
        name="never",
        says=f"Never: {activity}.",
        step="",
        template="absence",
        first=activity,
        then=None,
        about="",
        anew=(),
        severity="remark",
        line=1,
        column=1,
    )


# -- the templates as automata ----------------------------------------------------------------
#
# Each takes its state (0 at first) and whether the event is the first and the second activity.

Automaton = Callable[[int, bool, bool], int]


def _absence(state: int, a: bool, b: bool) -> int:
    return BROKEN if a else 0


def _existence(state: int, a: bool, b: bool) -> int:
    return 1 if a else state


def _at_most_once(state: int, a: bool, b: bool) -> int:
    return (BROKEN if state else 1) if a else state


def _init(state: int, a: bool, b: bool) -> int:
    return state or (1 if a else BROKEN)


def _precedence(state: int, a: bool, b: bool) -> int:
    if b and not state:
        return BROKEN
    return 1 if a else state


def _alternate_precedence(state: int, a: bool, b: bool) -> int:
    if b and not state:
        return BROKEN
    return 1 if a else 0 if b else state


def _chain_precedence(state: int, a: bool, b: bool) -> int:
    if b and not state:
        return BROKEN
    return int(a)


def _response(state: int, a: bool, b: bool) -> int:
    return 1 if a else 0 if b else state


def _alternate_response(state: int, a: bool, b: bool) -> int:
    if a and state and not b:
        return BROKEN
    return _response(state, a, b)


def _chain_response(state: int, a: bool, b: bool) -> int:
    return BROKEN if state and not b else int(a)


def _not_succession(state: int, a: bool, b: bool) -> int:
    return BROKEN if b and state else 1 if a else state


def _not_chain_succession(state: int, a: bool, b: bool) -> int:
    return BROKEN if b and state else int(a)


def _not_coexistence(state: int, a: bool, b: bool) -> int:
    seen = state | a | 2 * b
    return BROKEN if seen == 3 else seen


def _responded_existence(state: int, a: bool, b: bool) -> int:
    return state | a | 2 * b


AUTOMATA: Mapping[str, tuple[Automaton, frozenset[int]]] = {
    "existence": (_existence, frozenset({0})),
    "absence": (_absence, frozenset()),
    "at_most_once": (_at_most_once, frozenset()),
    "init": (_init, frozenset()),
    "precedence": (_precedence, frozenset()),
    "alternate_precedence": (_alternate_precedence, frozenset()),
    "chain_precedence": (_chain_precedence, frozenset()),
    "response": (_response, frozenset({1})),
    "alternate_response": (_alternate_response, frozenset({1})),
    "chain_response": (_chain_response, frozenset({1})),
    "not_succession": (_not_succession, frozenset()),
    "not_chain_succession": (_not_chain_succession, frozenset()),
    "not_coexistence": (_not_coexistence, frozenset()),
    "responded_existence": (_responded_existence, frozenset({1})),
}
"""By template: the automaton, and the states in which something is still owed at the end."""


_BOTH = (False, True)


def _reached(
    step: Automaton, first: tuple[bool, ...] = _BOTH, then: tuple[bool, ...] = _BOTH
) -> set[int]:
    """Where an automaton can come to, `BROKEN` apart, and `BROKEN` where it can."""
    found, new = {0}, {0}
    while new:
        more = {step(at, a, b) for at in new - {BROKEN} for a in first for b in then}
        new = more - found
        found |= new
    return found


PATIENT = frozenset(
    name
    for name, (step, _) in AUTOMATA.items()
    if all(step(at, False, False) == at for at in _reached(step) - {BROKEN})
)
"""The templates to which an event that is none of their activities means nothing."""


class Needs(NamedTuple):
    """What must surely have been seen in a call for a rule to be broken by it: the first
    activity, the second."""

    first: bool
    then: bool


def _needs(template: str, *, ended: bool) -> Needs | None:
    step, owing = AUTOMATA[template]
    breaking = {BROKEN} | (owing if ended else set())
    if breaking.isdisjoint(_reached(step)):
        return None
    without = _reached(step, first=(False,)), _reached(step, then=(False,))
    return Needs(*(breaking.isdisjoint(reached) for reached in without))


NEEDS: Mapping[tuple[str, bool], Needs | None] = {
    (template, ended): _needs(template, ended=ended) for template in AUTOMATA for ended in _BOTH
}
"""By template, and whether the call has ended; None where it cannot be broken then. An event of
which the record cannot tell whether it is an activity counts as none: that is one of the ways of
filling the record in."""

BINARY = frozenset(AUTOMATA) - {"existence", "absence", "at_most_once", "init"}
"""The templates that relate two activities."""


# -- one call ---------------------------------------------------------------------------------

Verdict = bool | None


class Seen(msgspec.Struct, frozen=True, eq=False):
    """One event of a call, as a rule sees it.

    Args:
        name: of the event; `notice`: which one was said, where it is such an event.
        state, target: where it happened and where it led; "" where nobody knows.
        accepted: the procedure took it; None: nobody knows.
        holds: what a guard, by name, answers about it.
    """

    name: str
    notice: str
    state: str
    target: str
    accepted: Verdict
    holds: Callable[[str], Verdict]


def fits(activity: Activity, seen: Seen) -> Verdict:
    """Whether an event can be the activity by its name, its notice and its states; what conditions
    say is left out. None where the record cannot tell."""
    verdict: Verdict = True
    if activity.events and seen.name not in activity.events:
        return False
    if activity.notice and activity.notice != seen.notice:
        return False
    for wanted, have in ((activity.at, seen.state), (activity.to, seen.target)):
        if wanted and have and have not in wanted:
            return False
        if wanted and not have:
            verdict = None
    if seen.accepted is None:
        verdict = None
    elif seen.accepted is activity.refused:
        return False
    return verdict


def holds(activity: Activity, seen: Seen) -> Verdict:
    """Whether an event keeps the conditions of the activity; None where one cannot be told."""
    held = [seen.holds(guard) for guard in activity.when]
    if False in held:
        return False
    kept = [seen.holds(guard) for guard in activity.unless]
    if activity.unless and all(each is True for each in kept):
        return False
    unsure = None in held or (activity.unless and False not in kept)
    return None if unsure else True


def matches(activity: Activity, seen: Seen, about: Verdict = True) -> Verdict:
    """Whether an event is the activity; None where the record cannot tell."""
    verdict = fits(activity, seen)
    if verdict is False or about is False:
        return False
    held = holds(activity, seen)
    if held is False:
        return False
    return verdict if held and about else None


class Marks(NamedTuple):
    """Whether an event is the first and the second activity of a rule, and one after which it
    begins anew; each None where the record cannot tell."""

    first: Verdict
    then: Verdict
    anew: Verdict

    def of(self, about: Verdict) -> Marks:
        """The same of one subject, which the event is about, or not."""
        if about is True:
            return self
        return Marks(*(False if each is False else about for each in self))


def marks(rule: Rule, seen: Seen, about: Verdict = True) -> Marks:
    """Which activities of a rule an event is."""
    return Marks(
        matches(rule.first, seen, about),
        matches(rule.then, seen, about) if rule.then is not None else False,
        _any(matches(each, seen, about) for each in rule.anew) if rule.anew else False,
    )


class Monitor:
    """Follows one call by one rule, about one subject where it is about one.

    What cannot be told is followed both ways, and the rule is broken only where every way of
    filling the record in would break it.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._automaton, self._owing = AUTOMATA[rule.template]
        self._states = {0}

    @property
    def states(self) -> frozenset[int]:
        """Where the automaton may be."""
        return frozenset(self._states)

    def see(self, seen: Seen, about: Verdict = True) -> bool:
        """Takes an event in; whether the rule is now surely broken."""
        return self.take(marks(self._rule, seen, about))

    def take(self, marks: Marks) -> bool:
        """Takes in which activities of the rule an event is; whether it is now surely broken."""
        first, then, anew = marks
        step = self._automaton
        if None not in marks and len(self._states) == 1:  # as almost always
            (state,) = self._states
            if state != BROKEN:
                state = step(0 if anew else state, bool(first), bool(then))
                self._states = {state}
            return state == BROKEN
        reached = set()
        for state in self._states:
            for begun in _either(anew):
                at = 0 if begun and state != BROKEN else state
                for a in _either(first):
                    for b in _either(then):
                        reached.add(BROKEN if at == BROKEN else step(at, a, b))
        self._states = reached
        return reached == {BROKEN}

    def miss(self, hidden: Collection[str]) -> None:
        """Between two events, events of these names may have happened, unseen."""
        if not hidden:
            return
        rule = self._rule
        maybe_a = not rule.first.events.isdisjoint(hidden) or not rule.first.events
        maybe_b = rule.then is not None and (
            not rule.then.events.isdisjoint(hidden) or not rule.then.events
        )
        maybe_anew = any(
            not each.events or not each.events.isdisjoint(hidden) for each in rule.anew
        )
        while True:
            more = set(self._states)
            for state in self._states - {BROKEN}:
                starts = {state, 0} if maybe_anew else {state}
                for at in starts:
                    more |= {
                        self._automaton(at, a, b)
                        for a in {False, maybe_a}
                        for b in {False, maybe_b}
                    }
            if more == self._states:
                return
            self._states = more

    def end(self) -> bool:
        """Whether the rule is surely broken by the call's being over."""
        return all(state == BROKEN or state in self._owing for state in self._states)


_WAYS: Mapping[Verdict, tuple[bool, ...]] = {None: (True, False), True: (True,), False: (False,)}


def _either(verdict: Verdict) -> tuple[bool, ...]:
    return _WAYS[verdict]


def _any(verdicts: Iterator[Verdict]) -> Verdict:
    found = list(verdicts)
    return True if True in found else None if None in found else False


def notice_of(event: Any, told: type) -> str:
    """Which notice an event says was said; "" for any other event."""
    return str(event.notice) if isinstance(event, told) and hasattr(event, "notice") else ""
