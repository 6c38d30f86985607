"""What the vocabulary declares about its facts is true of every call, or proofs would be worth
nothing: generated calls and arbitrary events are held against each declaration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from returnflow.bundled import bundled
from returnflow.engine import definition
from returnflow.engine.abstraction import Abstraction, Facts, Implied
from returnflow.engine.rules import notice_of
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.returns import VOCABULARY
from returnflow.returns.abstraction import ABSTRACTION, CALL, ITEM, RETURN
from returnflow.sop.domain import Domain
from returnflow.testing import candidates, generate_shop, random_events, walk
from returnflow.testing.returns_sampler import ReturnsSampler

SOP = definition.load(bundled("states") / "handling_returns.yaml")
PAIRS = {(row.event, guard.name) for row in SOP.all_rows() for guard in row.guards}
SEEDS = range(40)

Step = tuple[Any, Event, Any]


def applied(case: Any, event: Event) -> Step:
    """A case before an event, the event, and the case after it."""
    after = case.copy()
    after.apply(event)
    return case, event, after


def steps(seed: int) -> Iterator[Step]:
    """The steps of a legal call, with every event that was tried on its way; then a call of
    arbitrary events, whatever the table says."""
    rng = Random(seed)
    shop = generate_shop(rng)
    events, _ = walk(SOP, Random(seed), shop, 40)
    day, zone = ReturnsSampler().beginning(shop)
    session = Session(SOP, day, zone)
    for event in events:
        for other in candidates(session, shop.copy(), rng):
            yield applied(session.case, other)
        yield applied(session.case, event)
        session.accept(session.propose(event))
    case = VOCABULARY.new_case(day, zone)
    for event in random_events(SOP, rng, 60, shop):
        step = applied(case, event)
        yield step
        case = step[2]
    # Arbitrary events in the middle of a legal call come nearest to what goes wrong.
    for event in random_events(SOP, rng, 40, shop):
        yield applied(session.case, event)


def broken(abstraction: Abstraction, taken: Iterable[Step]) -> Iterator[str]:
    """Every declaration that a step contradicts."""
    taken = list(taken)
    for name, facts in abstraction.together.items():
        domain = Domain(facts, facts.tests)
        subjects: set[Any] = {None}
        if name:
            kind = abstraction.kinds[name]
            subjects = {each for step in taken for each in kind.subjects(*step)}
        for before, event, after in taken:
            for subject in subjects:
                about = True
                if name and event_name(event) in kind.events:
                    # Without a selected order nobody can tell, and it is about none.
                    about = kind.about(subject, before, event, after) is True
                yield from _contradicted(domain, facts, subject, about, (before, event, after))


def _contradicted(
    domain: Domain, facts: Facts, subject: Any, about: bool, step: Step
) -> Iterator[str]:
    before, event, after = step
    was, is_ = (
        domain.mask(name for name, test in facts.tests.items() if test(case, subject))
        for case in (before, after)
    )
    name = event_name(event)
    if is_ not in domain.post(name, about, notice_of(event, VOCABULARY.told), was):
        yield f"{name} (about it: {about}): {domain.words(was)} -> {domain.words(is_)}"
    for of, guard in sorted(PAIRS):
        if of == name:
            held = VOCABULARY.guards[guard].test(after, event) is True
            if not domain.allows(guard, held, about, was, is_):
                facts_then = f"{domain.words(was)} -> {domain.words(is_)}"
                yield f"{guard} {held} on {name} ({about}): {facts_then}"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_declaration_is_true(seed: int) -> None:
    """No step of a generated call contradicts an effect, an implication or an invariant."""
    assert not list(dict.fromkeys(broken(ABSTRACTION, steps(seed))))


def test_nothing_holds_at_the_beginning() -> None:
    """A proof begins with every fact false, of the call and of any subject."""
    taken = [step for seed in (1, 2, 3) for step in steps(seed)]
    case = VOCABULARY.new_case(taken[0][0].policy_date, "UTC")
    for name, facts in ABSTRACTION.together.items():
        subjects = (
            {None}
            if not name
            else {each for step in taken for each in ABSTRACTION.kinds[name].subjects(*step)}
        )
        assert subjects
        for subject in subjects:
            assert not [fact for fact, test in facts.tests.items() if test(case, subject)]


WRONG: dict[str, tuple[str, Facts]] = {
    "told leaves what is owed": (
        "",
        replace(CALL, effects={**CALL.effects, "told": ()}),
    ),
    "a new day keeps what was looked up": (
        "item",
        replace(ITEM.facts, effects={**ITEM.facts.effects, "resumed": ()}),
    ),
    "a yes may be to what was not looked up": (
        "item",
        replace(
            ITEM.facts, guards={**ITEM.facts.guards, "lines_eligible": Implied(("not known",))}
        ),
    ),
    "what is opened was told": ("return", replace(RETURN.facts, always=("not open_here",))),
}
"""Declarations that are not true, each with the kind whose facts they are."""


@pytest.mark.parametrize("wrong", WRONG)
def test_a_declaration_that_is_not_true_is_found(wrong: str) -> None:
    """Each of these would let something be proved that is not so."""
    name, facts = WRONG[wrong]
    if name:
        kinds = {**ABSTRACTION.kinds, name: replace(ABSTRACTION.kinds[name], facts=facts)}
        abstraction = replace(ABSTRACTION, kinds=kinds)
    else:
        abstraction = replace(ABSTRACTION, facts=facts)
    assert any(next(broken(abstraction, steps(seed)), None) for seed in SEEDS)
