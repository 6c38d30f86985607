"""That a live session and the compiled table answer alike, on calls with slips in them.

A live call fires the `transitions.Machine`, replay walks the table that is compiled from it. Both
ask the same guards; this shows that they come to the same row for the same reasons, event by
event, with facts that are kept apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from returnflow.engine.definition import Definition
from returnflow.engine.machine import LiveMachine, Step, Table, compile_table, propose
from returnflow.engine.session import Session
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import event_name
from returnflow.replay.judge import Judge
from returnflow.testing.calls import random_call
from returnflow.testing.generated import generate_shop
from returnflow.testing.mutations import KINDS, Mutation, mutations

EACH = 16
"""Mutations of a kind that are tried in a call. Making a call up costs more than trying one."""

JUDGED = 32
"""Of so many changed calls one is also led by a session of its own, and replayed."""

TOLD_EVERY = 50_000


@dataclass(slots=True)
class Agreed:
    """What was tried, all of it with the same answers.

    Attributes:
        events: proposed in changed calls; refused, doubtful: of those, how many were refused, and
            on how many a guard answered None.
        calls, judged: changed calls, and those of them that were replayed, too.
    """

    events: int = 0
    refused: int = 0
    doubtful: int = 0
    calls: int = 0
    judged: int = 0


def check(
    definition: Definition,
    events: int,
    *,
    seed: int = 0,
    tell: Callable[[str], None] = lambda words: None,
) -> Agreed:
    """Tries at least so many events of changed calls.

    An event that is refused leaves the call as it is, and the next one is tried.

    Args:
        seed: of the first call; each further one has the next.
        tell: is told now and then how far it has come.

    Raises:
        AssertionError: they do not agree; says on which event of which call.
    """
    found = Agreed()
    # Building a machine takes as long as some twenty events, so one is set back for each call.
    machine = LiveMachine(definition)
    table = compile_table(machine.machine)
    judge = Judge(definition)
    for number, day, zone, mutation in _changed(definition, seed):
        where = f"seed {number}, {mutation.about} (at {mutation.index})"
        machine.machine.set_state(definition.initial)
        case = definition.vocabulary.new_case(day, zone)
        _walk(machine, table, case, mutation, found, where)
        found.calls += 1
        if found.calls % JUDGED == 0:
            _judge(judge, Session(definition, day, zone), mutation, where)
            found.judged += 1
        if found.events // TOLD_EVERY > (found.events - len(mutation.events)) // TOLD_EVERY:
            tell(f"  {found.events:,} events agree")
        if found.events >= events:
            return found
    raise AssertionError("there is always a next seed")


def _changed(definition: Definition, seed: int) -> Iterator[tuple[int, Any, str, Mutation]]:
    for number in count(seed):
        rng = Random(number)
        shop = generate_shop(rng)
        events = random_call(definition, rng, shop, 40)
        for kind in KINDS:
            found = list(mutations(events, rng, definition.vocabulary, kinds=(kind,), shop=shop))
            for mutation in rng.sample(found, min(EACH, len(found))):
                yield number, shop.today, shop.zone, mutation


def _walk(
    machine: LiveMachine, table: Table, begun: Any, mutation: Mutation, found: Agreed, where: str
) -> None:
    """Both through a call, each with facts of its own."""
    state = machine.state
    one, other = begun, begun.copy()
    for place, event in enumerate(mutation.events):
        fired, walked = one.copy(), other.copy()
        fired.apply(event)
        walked.apply(event)
        live = machine.propose(event, fired)
        flat = propose(table, state, event, walked)
        same = live.row is flat.row and live.tried == flat.tried and live.target == flat.target
        assert same, (
            f"{where}: at {place}, {event_name(event)} in {state}, the machine takes {live.row} "
            f"({_verdicts(live)}), the table {flat.row} ({_verdicts(flat)})"
        )
        found.events += 1
        found.doubtful += live.uncertain
        if not live.accepted:
            found.refused += 1
            continue
        machine.fire(live)
        state = flat.target
        assert machine.state == state, f"{where}: at {place} the machine went to {machine.state}"
        if live.row is not None and not live.row.discard:
            one, other = fired, walked
    assert one.outline() == other.outline(), f"{where}: the facts differ at the end"


def _verdicts(step: Step) -> str:
    asked = (f"{name} {verdict}" for tried in step.tried for name, verdict in tried.verdicts)
    return ", ".join(asked) or "nothing asked"


def _judge(judge: Judge, session: Session, mutation: Mutation, where: str) -> None:
    """A session through the call as far as it takes it, and replay, which must say so."""
    transcript = Transcript(
        case_id="made-up",
        format="native",
        policy_date=session.case.policy_date,
        zone=session.case.zone,
        events=list(mutation.events),
        complete=True,
    )
    report = judge.judge(transcript)
    for event in mutation.events:
        step = session.propose(event)
        if not step.accepted:
            said = report.findings or report.verdict != "conforms"
            assert said, f"{where}: replay finds nothing in a call that the session refuses"
            return
        session.accept(step)
    same = report.cost == 0 and report.state == session.state.name
    assert same, f"{where}: replay ends in {report.state} at a cost of {report.cost}"
