"""A recorded call as rules see it: its events, and which activities of rules they are.

Most rules are about few events, and most events are activities of few rules. So what an event
can be is looked up by its name, its notice and its states, and conditions are asked only of what
is left; each at most once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from returnflow.engine.definition import Definition
from returnflow.engine.rules import PATIENT, Activity, Marks, Needs, Rule, Seen, fits, holds
from returnflow.engine.vocabulary import Event, Verdict, any_of

_FIRST, _THEN, _ANEW = 0, 1, 2

Slot = tuple[str, int]
"""An activity of a rule: the rule's name, and its place among its activities."""


class Happened(msgspec.Struct, frozen=True, eq=False):
    """An event of the record: the facts round it, and where the alignment puts it."""

    at: int
    before: Any
    event: Event
    after: Any
    seen: Seen


class Activities:
    """What each event can be, by the rules of one definition."""

    def __init__(self, definition: Definition, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._notices = frozenset(definition.notices)
        self._known: dict[tuple[str, str, str, str], Sequence[tuple[Slot, Activity, Verdict]]] = {}

    def of(self, seen: Seen) -> Sequence[tuple[Slot, Activity, Verdict]]:
        """The activities that an event can be, conditions left out; kept, since the same events
        happen in every call."""
        notice = seen.notice if seen.notice in self._notices else ""
        key = (seen.name, notice, seen.state, seen.target)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = [
                ((rule.name, place), activity, fit)
                for rule in self._rules
                for place, activity in _activities(rule)
                if (fit := fits(activity, seen)) is not False
            ]
        return found


class Record:
    """The events of one call.

    Args:
        gaps: positions before which something could not be read.
    """

    def __init__(
        self, events: Sequence[Happened], activities: Activities, gaps: frozenset[int]
    ) -> None:
        self.events = events
        self._gaps = {at for at, each in enumerate(events) if gaps and each.at in gaps}
        self._possible: dict[Slot, list[tuple[int, Activity, Verdict]]] = {}
        for at, each in enumerate(events):
            for slot, activity, fit in activities.of(each.seen):
                self._possible.setdefault(slot, []).append((at, activity, fit))
        self._found: dict[Slot, Mapping[int, Verdict]] = {}

    def may_break(self, needed: Sequence[Slot]) -> bool:
        """Whether what must be seen for a rule to be broken surely is; most calls lack it."""
        for slot in needed:
            if slot not in self._possible or True not in self._are(slot).values():
                return False
        return True

    def marked(self, rule: Rule) -> list[tuple[Happened, Marks]]:
        """The events that mean something to a rule, whatever subject it is about, and those
        before which something could not be read."""
        first, then = self._are((rule.name, _FIRST)), self._are((rule.name, _THEN))
        anew = [self._are((rule.name, _ANEW + number)) for number, _ in enumerate(rule.anew)]
        there: set[int] = self._gaps.union(first, then, *anew)
        places = sorted(there) if rule.template in PATIENT else range(len(self.events))
        return [
            (
                self.events[at],
                Marks(
                    first.get(at, False),
                    then.get(at, False),
                    any_of(each.get(at, False) for each in anew) if anew else False,
                ),
            )
            for at in places
        ]

    def _are(self, slot: Slot) -> Mapping[int, Verdict]:
        """Where the events are that are an activity of a rule, or may be one."""
        found = self._found.get(slot)
        if found is None:
            found = {}
            for at, activity, fit in self._possible.get(slot, ()):
                if not (activity.when or activity.unless):
                    found[at] = fit
                elif (verdict := holds(activity, self.events[at].seen)) is not False:
                    found[at] = fit if verdict else None
            self._found[slot] = found
        return found


def needed(rule: Rule, needs: Needs) -> tuple[Slot, ...]:
    """The activities that must be seen for a rule to be broken; the rarer one first."""
    places = ((needs.then, _THEN), (needs.first, _FIRST))
    return tuple((rule.name, place) for wanted, place in places if wanted)


def _activities(rule: Rule) -> Iterator[tuple[int, Activity]]:
    """The activities of a rule, each with its place."""
    yield _FIRST, rule.first
    if rule.then is not None:
        yield _THEN, rule.then
    yield from enumerate(rule.anew, _ANEW)
