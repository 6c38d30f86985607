"""What the second vocabulary declares about its facts is true of every call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from delayed.calls import procedure
from returnflow.bundled import bundled
from returnflow.cli import run
from returnflow.delayed import VOCABULARY
from returnflow.delayed.abstraction import CALL
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.sop.domain import Domain
from returnflow.testing import candidates, random_call, random_events, sampler_for

PAIRS = {(row.event, guard.name) for row in procedure().all_rows() for guard in row.guards}


def steps(seed: int) -> Iterator[tuple[Any, Event, Any]]:
    """Case before, event, case after: of a legal call with all that was tried on its way, then of
    arbitrary events."""
    rng = Random(seed)
    sampler = sampler_for("delayed")
    shop = sampler.generate(rng)
    session = Session(procedure(), *sampler.beginning(shop))
    tried: list[tuple[Any, Event]] = []
    for event in random_call(procedure(), Random(seed), shop, 40):
        tried += [(session.case, one) for one in candidates(session, shop.copy(), rng)]
        tried.append((session.case, event))
        session.accept(session.propose(event))
    tried += [(session.case, event) for event in random_events(procedure(), rng, 40, shop)]
    for case, event in tried:
        after = case.copy()
        after.apply(event)
        yield case, event, after
    case = VOCABULARY.new_case(*sampler.beginning(shop))
    for event in random_events(procedure(), rng, 60, shop):
        after = case.copy()
        after.apply(event)
        yield case, event, after
        case = after


def contradictions(seed: int) -> Iterator[str]:
    """Every declaration that a step contradicts."""
    domain = Domain(CALL, CALL.tests)
    for before, event, after in steps(seed):
        was, is_ = (
            domain.mask(name for name, test in CALL.tests.items() if test(case, None))
            for case in (before, after)
        )
        name = event_name(event)
        if is_ not in domain.post(name, True, "", was):
            yield f"{name}: {domain.words(was)} -> {domain.words(is_)}"
        for of, guard in sorted(PAIRS):
            if of == name:
                held = VOCABULARY.guards[guard].test(after, event) is True
                if not domain.allows(guard, held, True, was, is_):
                    yield f"{guard} {held} on {name}: {domain.words(was)} -> {domain.words(is_)}"


@pytest.mark.parametrize("seed", range(30))
def test_every_declaration_is_true(seed: int) -> None:
    """No step of a generated call contradicts an effect, an implication or an invariant."""
    assert not list(dict.fromkeys(contradictions(seed)))


def test_every_rule_is_proved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each step of the procedure has a rule, and each rule holds in every call."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    assert run(["sop", "check", str(bundled("states") / "delayed_package.yaml")]) == 0
    count = len(procedure().rules)
    assert f"{count} of {count} rules proved" in capsys.readouterr().out
    steps = {rule.step for rule in procedure().rules.values()}
    assert steps == {"1", "2", "3", "4", "5", "6"}
