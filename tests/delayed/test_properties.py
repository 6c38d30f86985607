"""What holds of every procedure holds of the second one: the generators, the table, replay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from delayed.calls import lead, procedure
from delayed.rendering import chat
from returnflow.backends import demo, sql
from returnflow.backends.shopfile import read_shop
from returnflow.bundled import bundled
from returnflow.delayed import VOCABULARY
from returnflow.delayed import events as ev
from returnflow.delayed.case import Case
from returnflow.engine.event_log import export_case
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.machine import LiveMachine, compile_table, propose
from returnflow.engine.session import Session
from returnflow.engine.transcript import Transcript
from returnflow.replay.judge import Judge
from returnflow.replay.transcripts import reader
from returnflow.replay.transcripts.reader import Options
from returnflow.testing import (
    candidates,
    random_call,
    random_events,
    sampler_for,
    shortest_calls,
    walk,
)
from returnflow.testing.detection import ENDING, Outcome, Tally, outcomes
from returnflow.testing.mutations import KINDS


def facts(case: Case) -> dict[str, str]:
    """Every slot of the case, as text, so that nothing is compared with itself."""
    return {name: repr(getattr(case, name)) for name in Case.__slots__}


def made(seed: int) -> tuple[Any, list[Any], Session]:
    """A random shop, a legal call to it, and a session at the call's beginning."""
    rng = Random(seed)
    sampler = sampler_for("delayed")
    shop = sampler.generate(rng)
    events = random_call(procedure(), rng, shop)
    return shop, events, Session(procedure(), *sampler.beginning(shop))


def test_the_table_and_the_machine_agree_on_every_event() -> None:
    """Same row, same verdicts, same facts, at every state; a proposal changes nothing."""
    table = compile_table(LiveMachine(procedure()).machine)
    seen: Counter[str] = Counter()
    accepted: Counter[bool] = Counter()
    for seed in range(40):
        shop, events, session = made(seed)
        rng = Random(seed)
        for event in events:
            before = facts(session.case)
            tried = candidates(session, shop.copy(), rng)
            rng.shuffle(tried)
            for one in [event, *tried[:5], *random_events(procedure(), rng, 4, shop)]:
                live = session.propose(one)
                candidate = session.case.copy()
                candidate.apply(one)
                flat = propose(table, session.state.name, one, candidate)
                assert live.row is flat.row, f"seed {seed}: {one}"
                assert live.tried == flat.tried, f"seed {seed}: {one}"
                assert facts(live.candidate) == facts(flat.candidate), f"seed {seed}: {one}"
                seen[session.state.name] += 1
                accepted[live.accepted] += 1
            assert facts(session.case) == before, f"seed {seed}: proposing changed the facts"
            session.accept(session.propose(event))
    waiting = {name for name, state in procedure().states.items() if state.kind != "end"}
    assert set(seen) == waiting, waiting - set(seen)
    assert min(accepted.values()) > 500, accepted


def test_every_row_of_the_table_is_reached() -> None:
    """For each row, those that refuse too, there is a call that takes it."""
    wanted = {row.id for row in procedure().all_rows()}
    assert wanted - set(shortest_calls(procedure())) == set()


def test_random_calls_end_conform_and_visit_every_state() -> None:
    """What the machine accepts live, replay accepts (seeds 0 to 149)."""
    judge = Judge(procedure())
    visited: set[str] = set()
    for seed in range(150):
        shop, events, _ = made(seed)
        day, zone = sampler_for("delayed").beginning(shop)
        session = Session.folded(
            procedure(), day, zone, events, tracer=lambda step: visited.add(step.target)
        )
        assert session.state.kind == "end", f"seed {seed} stopped in {session.state.name}"
        report = judge.judge(
            Transcript(
                case_id="x",
                format="native",
                policy_date=day,
                zone=zone,
                events=events,
                complete=True,
            )
        )
        told = [each for each in report.findings if each.severity != "remark"]
        assert (report.verdict, report.cost) == ("conforms", 0), f"seed {seed}: {told}"
    assert visited == set(procedure().states) - {"started"} or visited == set(procedure().states)
    events, _ = walk(procedure(), Random(7))
    assert events == random_call(procedure(), Random(7))


def shown(outcome: Outcome) -> str:
    """What repeats and explains a failure."""
    found = [(each.kind, each.index, each.reason) for each in outcome.report.findings]
    return f"seed {outcome.seed}: {outcome.mutation.about} (at {outcome.mutation.index}): {found}"


def test_slips_are_found_near_and_legal_calls_are_not_accused() -> None:
    """What a live session does not accept, replay finds; the rest is not held against anyone."""
    tally = Tally()
    for outcome in outcomes(procedure(), range(24), each=2):
        tally.add(outcome)
        assert outcome.legal or outcome.found, shown(outcome)
        if outcome.legal:
            assert {each.kind for each in outcome.violations} <= set(ENDING), shown(outcome)
    assert set(tally.total) == set(KINDS)
    told = tally.total.total() - tally.legal.total()
    assert told > 150
    assert tally.near.total() >= 0.9 * told, tally
    assert tally.once.total() >= 0.75 * told, tally


def transcripts(path: Path, **options: Any) -> Iterator[Transcript]:
    """What the readers make of a file."""
    given = Options(
        vocabulary="delayed",
        date=options.get("day"),
        zone=options.get("zone"),
        tools=None,
        calls=None,
    )
    for unit in reader.units([str(path)]):
        yield from reader.read(unit, given)


@pytest.mark.parametrize("name", [one.name for one in demo.waiting()])
def test_round_trip_from_the_wizard_to_replay(name: str, tmp_path: Path) -> None:
    """A call that was led and exported conforms."""
    one = next(each for each in demo.waiting() if each.name == name)
    day = sampler_for("delayed").curated().today
    data = read_shop(bundled("fixtures") / "shop", lambda zone: day)[0]
    with sql.create_file(tmp_path / "shop.sqlite3", data) as shop:
        lead(shop, one.lines, day, tmp_path)
    log = tmp_path / "log.jsonl"
    with open_journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as journal:
        header, _, entries = journal.read("CALL", VOCABULARY.decoder)
        log.write_bytes(export_case(header, entries, mask=None) + b"\n")
    (transcript,) = transcripts(log)
    report = Judge(procedure()).judge(transcript)
    assert (report.verdict, report.score) == ("conforms", 100), report.findings


@pytest.mark.parametrize("thinned", [False, True])
def test_no_legal_call_is_accused_however_it_is_told(thinned: bool, tmp_path: Path) -> None:
    """Random calls told as chats with tool calls, whole and with facts left out."""
    judge = Judge(procedure())
    verdicts: Counter[str] = Counter()
    for seed in range(90):
        shop, events, session = made(seed)
        if any(isinstance(event, ev.Resumed) for event in events):
            continue  # a chat shows one day
        path = tmp_path / f"{seed}.json"
        messages = chat(events, session, Random(seed) if thinned else None)
        path.write_text(json.dumps({"id": str(seed), "messages": messages}), encoding="utf-8")
        for transcript in transcripts(path, day=shop.today, zone=shop.zone):
            report = judge.judge(transcript)
            told = [(f.kind, f.index, f.reason) for f in report.findings if f.severity != "remark"]
            kinds = {kind for kind, _, _ in told}
            assert report.verdict != "violates" or kinds <= set(ENDING), f"seed {seed}: {told}"
            verdicts[report.verdict] += 1
    assert verdicts["conforms"] > 5, verdicts
