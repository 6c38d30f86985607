"""The live machine and the table compiled from it are one and the same, and a refusal is nothing.

Replay walks the table; a live call fires the machine. Random calls, with legal and illegal
events tried at every turn, show that both answer alike.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from by_hand import facts_of
from returnflow.engine.definition import Definition, Row, load
from returnflow.engine.machine import LiveMachine, Step, Table, compile_table, propose
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, Guard, event_name
from returnflow.errors import EngineError, GuardError, RefusedError
from returnflow.returns import events as ev
from returnflow.testing import agreement, candidates, generate_shop, random_call, random_events

STATES = Path(__file__).parent.parent / "states"


@cache
def definition() -> Definition:
    return load(STATES / "handling_returns.yaml")


@cache
def table() -> Table:
    return compile_table(LiveMachine(definition()).machine)


def from_table(rows: Table, session: Session, event: Event) -> Step:
    """What the table alone makes of an event."""
    candidate = session.case.copy()
    candidate.apply(event)
    return propose(rows, session.state.name, event, candidate)


def alike(one: Step, other: Step) -> bool:
    return (
        one.row is other.row
        and one.tried == other.tried
        and (one.source, one.target, one.accepted, one.uncertain)
        == (other.source, other.target, other.accepted, other.uncertain)
        and facts_of(one.candidate) == facts_of(other.candidate)
    )


def turns(seed: int) -> Iterator[tuple[Session, list[Event], list[Step]]]:
    """The turns of a random call: the session, events to try, and the steps of those events."""
    rng = Random(seed)
    shop = generate_shop(rng)
    session = Session(definition(), shop.today, shop.zone)
    for event in [*random_call(definition(), rng, shop, max_events=80), None]:
        tried = candidates(session, shop.copy(), rng)
        rng.shuffle(tried)
        events = [
            *([event] if event else []),
            *tried[:6],
            *random_events(definition(), rng, 6, shop),
        ]
        steps = [session.propose(event) for event in events]
        yield session, events, steps
        if event is not None:
            session.accept(steps[0])


def test_the_table_and_the_machine_agree_on_every_event() -> None:
    """Same row, same rows tried, same verdicts, same target, at every state, seeds 0 to 79."""
    seen: Counter[str] = Counter()
    accepted: Counter[bool] = Counter()
    for seed in range(80):
        for session, events, steps in turns(seed):
            before = facts_of(session.case)
            state = session.state.name
            for event, live in zip(events, steps, strict=True):
                flat = from_table(table(), session, event)
                assert alike(live, flat), f"seed {seed}, {state}: {event}"
                again = session.propose(event)
                assert alike(live, again), f"seed {seed}, {state}: {event} answered differently"
                seen[state] += 1
                accepted[live.accepted] += 1
            assert facts_of(session.case) == before, f"seed {seed}: proposing changed the facts"
            assert session.state.name == state, f"seed {seed}: proposing moved the call"
    assert sum(seen.values()) >= 20_000, seen
    assert set(seen) == set(definition().states), set(definition().states) - set(seen)
    assert min(accepted.values()) > 2_000, accepted


def test_they_agree_on_calls_with_slips_in_them() -> None:
    """Each kind of slip at many places, from seed 0 on; `python -m benchmarks replay --check`
    tries ten times as many."""
    found = agreement.check(definition(), 100_000)
    assert found.events >= 100_000
    assert found.refused > 5_000, found
    assert found.judged > 50, found


def test_a_table_that_does_not_agree_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a row taken out of the table alone, the first event that needs it is named."""
    whole = dict(table())
    del whole["finding_customer", "customer_found"]
    monkeypatch.setattr(agreement, "compile_table", lambda machine: whole)
    with pytest.raises(AssertionError, match=r"seed 0, .* customer_found in finding_customer"):
        agreement.check(definition(), 1_000)


def test_the_table_has_every_row_in_the_order_of_the_definition() -> None:
    """Nothing is lost on the way through the machine, and no shortcut is added."""
    assert dict(table()) == {key: tuple(rows) for key, rows in definition().rows.items()}


def test_a_refused_event_cannot_be_forced_and_changes_nothing() -> None:
    """Accepting a refused step raises; every fact and the state stay (seeds 100 to 104)."""
    forced = 0
    for seed in range(100, 105):
        for session, _, steps in turns(seed):
            before, state = facts_of(session.case), session.state.name
            for step in steps:
                if not step.accepted:
                    with pytest.raises(RefusedError):
                        session.accept(step)
                    forced += 1
            assert facts_of(session.case) == before, f"seed {seed}, {state}"
            assert session.state.name == state, f"seed {seed}"
    assert forced > 1_000


def faulty(guard: Guard, broken: set[str], fault: object) -> Guard:
    """The guard, but while its name is in `broken` it raises or answers `fault`."""

    def test(case: Any, event: Any) -> Any:
        if guard.name not in broken:
            return guard.test(case, event)
        if isinstance(fault, Exception):
            raise fault
        return fault

    return dataclasses.replace(guard, test=test)


def with_faults(broken: set[str], fault: object) -> Definition:
    """The shipped definition, with guards that can be broken from outside."""

    def mend(row: Row) -> Row:
        return dataclasses.replace(row, guards=tuple(faulty(g, broken, fault) for g in row.guards))

    rows = {key: tuple(mend(row) for row in rows) for key, rows in definition().rows.items()}
    return dataclasses.replace(definition(), rows=rows)


def test_what_is_decided_is_what_the_facts_say_however_often_it_was_asked() -> None:
    """A decision that is kept is one that would be made now."""
    asked_often = 0
    for seed in range(30):
        rng = Random(seed)
        shop = generate_shop(rng)
        case = definition().vocabulary.new_case(shop.today, shop.zone)
        events: list[Event] = []
        for event in random_call(definition(), rng, shop):
            case.decisions()
            case.apply(event)
            events.append(event)
            anew = definition().vocabulary.new_case(shop.today, shop.zone)
            for each in events:
                anew.apply(each)
            assert case.decisions() == anew.decisions(), f"seed {seed}, {event}"
            assert case.copy().decisions() == anew.decisions(), f"seed {seed}, {event}"
            asked_often += bool(case.decisions())
    assert asked_often > 50


@pytest.mark.parametrize("fault", [KeyError("x"), ZeroDivisionError(), 1, "yes", object(), []])
def test_a_guard_that_fails_changes_nothing(fault: object) -> None:
    """A guard that raises or answers no verdict: GuardError, live and in the table alike."""
    broken: set[str] = set()
    made = with_faults(broken, fault)
    rows = compile_table(LiveMachine(made).machine)
    hit: set[str] = set()
    for seed in range(8):
        rng = Random(seed)
        shop = generate_shop(rng)
        session = Session(made, shop.today, shop.zone)
        for way in random_call(definition(), rng, shop):
            before, state = facts_of(session.case), session.state.name
            for event in [way, *candidates(session, shop.copy(), rng)]:
                broken.clear()
                asked = [name for t in session.propose(event).tried for name, _ in t.verdicts]
                if not asked:
                    continue
                broken.add(rng.choice(asked))
                hit |= broken
                with pytest.raises(GuardError) as live:
                    session.propose(event)
                with pytest.raises(GuardError) as flat:
                    from_table(rows, session, event)
                assert str(live.value) == str(flat.value), f"seed {seed}"
                assert event_name(event) in str(live.value)
                assert facts_of(session.case) == before, f"seed {seed}, {state}"
                assert session.state.name == state, f"seed {seed}"
            broken.clear()
            session.accept(session.propose(way))
    assert len(hit) > 15, f"hardly any guard was asked: {hit}"


def test_a_step_is_stale_once_the_call_has_moved() -> None:
    """A step proposed before another was accepted would bring back old facts, so it is refused."""
    session = Session(definition(), generate_shop(Random(1)).today, "UTC")
    first = session.propose(ev.EmailGiven(email="one@example.com"))
    second = session.propose(ev.EmailGiven(email="two@example.com"))
    session.accept(second)
    with pytest.raises(EngineError, match="moved since"):
        session.accept(first)
    with pytest.raises(EngineError, match="moved since"):
        session.accept(second)
    assert session.case.email == "two@example.com"
    assert session.state.name == "finding_customer"


def test_a_step_is_stale_although_the_state_is_the_same() -> None:
    """Where an event leaves the state as it is, an older step still carries older facts."""
    day = generate_shop(Random(1)).today
    session = Session(definition(), day, "UTC")
    one, other = (session.propose(ev.Resumed(policy_date=day.replace(day=n))) for n in (1, 2))
    session.accept(one)
    assert session.state.name == other.source
    with pytest.raises(EngineError, match="moved since"):
        session.accept(other)
    assert session.case.policy_date.day == 1


def test_a_step_of_another_call_is_not_accepted() -> None:
    """Two calls in the same state do not take each other's steps."""
    shop = generate_shop(Random(2))
    one, other = (Session(definition(), shop.today, shop.zone) for _ in range(2))
    step = one.propose(ev.EmailGiven(email="one@example.com"))
    with pytest.raises(EngineError, match="moved since"):
        other.accept(step)
    assert other.case.email == ""
