"""Slips put into legal calls are found, named at their place, and named once."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from returnflow.bundled import bundled
from returnflow.engine.definition import Definition, load
from returnflow.engine.transcript import Transcript
from returnflow.replay.judge import Judge
from returnflow.testing import generate_shop, random_call
from returnflow.testing.detection import ENDING, Outcome, Tally, outcomes
from returnflow.testing.mutations import KINDS, MutationKind

SEEDS = range(45)
EACH = 3
"""Mutations of each kind that are tried in each call."""


@cache
def shipped() -> Definition:
    return load(bundled("states") / "handling_returns.yaml")


@cache
def tried() -> tuple[Outcome, ...]:
    """Every outcome of the seeds above."""
    return tuple(outcomes(shipped(), SEEDS, each=EACH))


def shown(outcome: Outcome) -> str:
    """What repeats and explains a failure."""
    found = [(each.kind, each.index, each.reason) for each in outcome.report.findings]
    return f"seed {outcome.seed}: {outcome.mutation.about} (at {outcome.mutation.index}): {found}"


def test_random_calls_conform() -> None:
    """Round trip: what the machine accepts live, replay accepts, seeds 0 to 249."""
    judge = Judge(shipped())
    for seed in range(250):
        rng = Random(seed)
        shop = generate_shop(rng)
        events = random_call(shipped(), rng, shop)
        report = judge.judge(
            Transcript(
                case_id="x",
                format="native",
                policy_date=shop.today,
                zone=shop.zone,
                events=events,
                complete=True,
            )
        )
        wrong = [each for each in report.findings if each.severity != "remark"]
        assert report.verdict == "conforms", f"seed {seed}: {wrong}"
        assert (report.cost, report.fitness, report.score) == (0, 1.0, 100), f"seed {seed}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_slip_that_can_be_told_is_found(kind: MutationKind) -> None:
    """What a live session does not accept, replay finds; or says that it cannot tell."""
    here = [each for each in tried() if each.mutation.kind == kind]
    assert len(here) > 50
    for outcome in here:
        assert outcome.legal or outcome.found, shown(outcome)
    assert sum(not each.legal for each in here) > 10


def test_a_legal_call_is_not_accused() -> None:
    """Where a change leaves a legal call, nothing but its early end is held against it."""
    legal = [each for each in tried() if each.legal]
    assert len(legal) > 100
    for outcome in legal:
        assert {each.kind for each in outcome.violations} <= set(ENDING), shown(outcome)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_is_found_where_it_is_and_named_once(kind: MutationKind) -> None:
    """One slip is one finding, at its place. Something moved has two places, and some slips
    show only later: of those more may stand elsewhere or be told twice."""
    tally = Tally()
    for outcome in tried():
        tally.add(outcome)
    told = tally.total[kind] - tally.legal[kind]
    allowed = 0.35 if kind == "moved" else 0.1
    assert tally.once[kind] >= (1 - allowed) * told, (kind, tally.once[kind], told)
    assert tally.near[kind] >= (1 - allowed) * told, (kind, tally.near[kind], told)


def test_the_finding_names_the_kind_of_the_slip() -> None:
    """A step left out is skipped, an event that is there twice or strange is unexpected, and a
    change of what was given or found fails a condition."""
    fits: dict[MutationKind, set[str]] = {
        "dropped": {"skipped_step", "unfinished", "notice_missing", "unexpected_event"},
        "doubled": {"unexpected_event", "repeated_lookup", "early_lookup"},
        "inserted": {"unexpected_event", "repeated_lookup", "early_lookup", "guard_failed"},
        "argument": {"wrong_argument", "guard_failed", "notice_missing", "unexpected_event"},
        # Or a look-up about the stranger's order, which then has no place (rule 21).
        "owner": {"guard_failed", "unexpected_event"},
    }
    for kind, kinds in fits.items():
        told = [e for e in tried() if e.mutation.kind == kind and not e.legal and e.told]
        named = [e for e in told if kinds & {each.kind for each in e.told}]
        assert len(named) >= 0.9 * len(told), [shown(e) for e in told if e not in named][:3]
