"""The abstract facts that a proof follows, as bits of a number, and what events do to them.

Of the facts that a vocabulary declares only those are followed that a proof turned out to need.
A clause that names another one is dropped: whatever it says is then left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from returnflow.engine.abstraction import Effect, Facts, Implied, Part, clause

Mask = int
"""The facts followed, one bit each: set where the fact holds."""


class _Clause:
    """A clause as bit masks; true where any of its parts is."""

    __slots__ = ("about", "after", "after_not", "before", "before_not")

    def __init__(self, parts: Iterable[Part], bits: dict[str, int]) -> None:
        self.before = self.before_not = self.after = self.after_not = 0
        self.about: tuple[bool, ...] = ()
        for part in parts:
            if part.fact == "about":
                self.about = (*self.about, part.positive)
                continue
            bit = bits[part.fact]
            if part.before and part.positive:
                self.before |= bit
            elif part.before:
                self.before_not |= bit
            elif part.positive:
                self.after |= bit
            else:
                self.after_not |= bit

    def holds(self, before: Mask, after: Mask, about: bool) -> bool:
        return bool(
            before & self.before
            or after & self.after
            or ~before & self.before_not
            or ~after & self.after_not
            or about in self.about
        )


class _Plan(NamedTuple):
    """What an event does: to which facts what, and what holds besides."""

    true: Mask
    false: Mask
    any: Mask
    up: Mask
    down: Mask
    clauses: tuple[_Clause, ...]


_NOTHING = _Plan(0, 0, 0, 0, 0, ())


class Domain:
    """Some facts of a set, followed by a proof.

    Args:
        facts: all that is declared.
        tracked: the facts to follow.
    """

    def __init__(self, facts: Facts, tracked: Iterable[str]) -> None:
        self.facts = facts
        self.tracked = tuple(name for name in facts.tests if name in set(tracked))
        self._bits = {name: 1 << i for i, name in enumerate(self.tracked)}
        self._always = self._clauses(facts.always)
        self._plans: dict[tuple[str, bool, str], _Plan] = {}
        self._posts: dict[tuple[str, bool, str, Mask], tuple[Mask, ...]] = {}
        self._guards: dict[tuple[str, bool], list[_Clause]] = {}
        self._notices = {
            event: frozenset(effect.notice for effect in effects if effect.notice)
            for event, effects in facts.effects.items()
        }

    def _clauses(self, texts: Iterable[str]) -> list[_Clause]:
        read = (clause(text) for text in texts)
        known = {*self._bits, "about"}
        return [
            _Clause(parts, self._bits)
            for parts in read
            if all(part.fact in known for part in parts)
            and any(part.fact != "about" for part in parts)
        ]

    def words(self, mask: Mask) -> str:
        """The facts as people read them."""
        return ", ".join(name if mask & bit else f"not {name}" for name, bit in self._bits.items())

    def mask(self, holding: Iterable[str]) -> Mask:
        """The bits of the facts that hold."""
        return sum(self._bits.get(name, 0) for name in set(holding))

    def notices(self, event: str) -> frozenset[str]:
        """The notices that make a difference to what an event does."""
        return self._notices.get(event, frozenset())

    def post(self, event: str, about: bool, notice: str, before: Mask) -> tuple[Mask, ...]:
        """The facts as they may be after an event."""
        plan = self._plans.get((event, about, notice))
        if plan is None:
            plan = self._plans[event, about, notice] = self._plan(event, about, notice)
        if plan is _NOTHING:
            return (before,)
        key = (event, about, notice, before)
        known = self._posts.get(key)
        if known is None:
            known = self._posts[key] = tuple(self._carry_out(plan, about, before))
        return known

    def _plan(self, event: str, about: bool, notice: str) -> _Plan:
        effects = [
            effect
            for effect in self.facts.effects.get(event, ())
            if effect.about in (None, about) and effect.notice in ("", notice)
        ]
        bits: dict[str, Mask] = dict.fromkeys(("true", "false", "any", "up", "down"), 0)
        for name, change in _last(effects).items():
            bits[change] |= self._bits.get(name, 0)
        clauses = self._clauses(text for effect in effects for text in effect.clauses)
        if not any(bits.values()) and not clauses:
            return _NOTHING
        return _Plan(**bits, clauses=(*self._always, *clauses))

    def _carry_out(self, plan: _Plan, about: bool, before: Mask) -> Iterator[Mask]:
        open_ = plan.any | (plan.up & ~before) | (plan.down & before)
        certain = (before | plan.true) & ~plan.false & ~open_
        after = open_
        while True:
            if all(each.holds(before, certain | after, about) for each in plan.clauses):
                yield certain | after
            if not after:
                return
            after = (after - 1) & open_

    def allows(self, guard: str, held: bool, about: bool, before: Mask, after: Mask) -> bool:
        """Whether a guard may hold (or not) where the facts were and are so."""
        key = (guard, held)
        clauses = self._guards.get(key)
        if clauses is None:
            implied = self.facts.guards.get(guard, Implied())
            clauses = self._guards[key] = self._clauses(implied.held if held else implied.otherwise)
        return all(each.holds(before, after, about) for each in clauses)

    def free(self, guard: str) -> bool:
        """Whether the facts followed say nothing of a guard."""
        return not self._implied(guard, True) and not self._implied(guard, False)

    def _implied(self, guard: str, held: bool) -> list[_Clause]:
        clauses = self._guards.get((guard, held))
        if clauses is None:
            implied = self.facts.guards.get(guard, Implied())
            texts = implied.held if held else implied.otherwise
            clauses = self._guards[guard, held] = self._clauses(texts)
        return clauses


def _last(effects: list[Effect]) -> dict[str, str]:
    changes: dict[str, str] = {}
    for effect in effects:
        changes.update(effect.changes)
    return changes
