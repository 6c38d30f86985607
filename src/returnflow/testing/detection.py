"""What replay finds of slips that were put into legal calls on purpose.

A changed call is one of three: it is *legal* all the same (a live session accepts every event of
it, so nobody can tell it from a call that went that way); or it is *found*; or it is *missed*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from returnflow.engine.definition import Definition
from returnflow.engine.session import Session
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import Event, event_name
from returnflow.replay.findings import Finding, Report
from returnflow.replay.judge import Judge
from returnflow.testing.calls import random_call
from returnflow.testing.mutations import KINDS, Mutation, MutationKind, mutations
from returnflow.testing.sampler import sampler_for

NEAR = 3
"""Places by which a finding may stand away from a slip to be near it."""

ENDING = ("unfinished", "notice_missing")
"""Kinds that a legal call may have where its record ends too early."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A changed call, and what replay made of it.

    Args:
        legal: a live session accepts all of it.
        acted: where something was next sent to the shop; for what a look-up showed, that is the
            slip. The slip's own place where nothing was.
    """

    seed: int
    mutation: Mutation
    report: Report
    legal: bool
    acted: int

    @property
    def told(self) -> list[Finding]:
        """The findings that say that something is wrong or out of the usual."""
        return [each for each in self.report.findings if each.kind != "not_observable"]

    @property
    def violations(self) -> list[Finding]:
        """The findings above a remark."""
        return [each for each in self.report.findings if each.severity != "remark"]

    @property
    def found(self) -> bool:
        """Whether replay says anything: a finding, or that it cannot tell."""
        return bool(self.told) or self.report.verdict == "inconclusive"

    @property
    def near(self) -> bool:
        """Whether a finding stands where the slip is, or where it was acted on."""
        return any(
            each.index is not None and abs(each.index - place) <= NEAR
            for each in self.report.findings
            for place in (self.mutation.index, self.acted)
        )


@dataclass
class Tally:
    """Counts by kind of mutation."""

    total: Counter[MutationKind] = field(default_factory=Counter)
    legal: Counter[MutationKind] = field(default_factory=Counter)
    found: Counter[MutationKind] = field(default_factory=Counter)
    once: Counter[MutationKind] = field(default_factory=Counter)
    near: Counter[MutationKind] = field(default_factory=Counter)
    inconclusive: Counter[MutationKind] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Counts an outcome. What is not legal is found or missed; `once`: by one violation at
        the most; `near`: at its place."""
        kind = outcome.mutation.kind
        self.total[kind] += 1
        if outcome.legal:
            self.legal[kind] += 1
            return
        self.found[kind] += outcome.found
        self.once[kind] += len(outcome.violations) <= 1
        self.near[kind] += outcome.near
        self.inconclusive[kind] += outcome.report.verdict == "inconclusive"


def legal(events: Iterable[Event], session: Session) -> bool:
    """Whether a live session, at its beginning, accepts all events."""
    for event in events:
        step = session.propose(event)
        if not step.accepted:
            return False
        session.accept(step)
    return True


def outcomes(
    definition: Definition,
    seeds: Iterable[int],
    kinds: Iterable[MutationKind] = KINDS,
    each: int | None = None,
) -> Iterator[Outcome]:
    """What replay makes of the changes of random calls, one call for each seed.

    Args:
        each: how many mutations of a kind are tried in a call; None: all.
    """
    judge = Judge(definition)
    sampler = sampler_for(definition.vocabulary.name)
    for seed in seeds:
        rng = Random(seed)
        shop = sampler.generate(rng)
        day, zone = sampler.beginning(shop)
        events = random_call(definition, rng, shop)
        for kind in kinds:
            found = list(mutations(events, rng, definition.vocabulary, kinds=(kind,), shop=shop))
            chosen = found if each is None else rng.sample(found, min(each, len(found)))
            for mutation in chosen:
                transcript = Transcript(
                    case_id=f"seed-{seed}",
                    format="native",
                    policy_date=day,
                    zone=zone,
                    events=list(mutation.events),
                    complete=True,
                )
                session = Session(definition, day, zone)
                yield Outcome(
                    seed,
                    mutation,
                    judge.judge(transcript),
                    legal(mutation.events, session),
                    _acted(mutation, definition),
                )


def _acted(mutation: Mutation, definition: Definition) -> int:
    requests = {each.request for each in definition.vocabulary.operations.values() if each.request}
    places = (
        place
        for place, event in enumerate(mutation.events)
        if place >= mutation.index and event_name(event) in requests
    )
    return next(places, mutation.index)
