"""The calls of ``sop walk``, of both procedures: whole, conforming, led by a scripted desk, and
all there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from returnflow.bundled import bundled
from returnflow.cli import run
from returnflow.cli.calls import session_of
from returnflow.engine import definition
from returnflow.engine.definition import Definition
from returnflow.engine.journal import Header, visible
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.machine import Step
from returnflow.engine.run import Answer, Job, Leave, Run, Said
from returnflow.engine.session import Ask, End, Session
from returnflow.engine.vocabulary import Call, Event, Vocabulary, event_name
from returnflow.errors import JournalError
from returnflow.sop import walking
from returnflow.sop.coverage import Coverage, goals

BOTH = ("handling_returns", "delayed_package")
TEXTS = {name: (bundled("states") / f"{name}.yaml").read_text(encoding="utf-8") for name in BOTH}


@cache
def procedure(name: str) -> Definition:
    return definition.load(bundled("states") / f"{name}.yaml")


@cache
def walked(name: str) -> walking.Walk:
    return walking.walk(procedure(name))


@pytest.mark.parametrize("name", BOTH)
def test_a_walk_covers_everything_and_each_call_is_whole(name: str) -> None:
    """Every state, row and answer of a guard; each call ends; the shortest comes first."""
    made, loaded = walked(name), procedure(name)
    assert (made.missing, made.impossible) == ((), ())
    coverage = Coverage(loaded)
    for call in made.calls:
        steps: list[Step] = []
        session = Session(loaded, made.shop.today, made.shop.zone, tracer=steps.append)
        for number, event in enumerate((*call.events, None)):
            if call.refused is not None and number == call.after:
                assert not session.propose(call.refused).accepted
            if event is not None:
                session.accept(session.propose(event))
        assert session.state.kind == "end"
        coverage.add(steps)
    assert coverage.uncovered() == []
    lengths = [len(call.events) for call in made.calls]
    assert lengths == sorted(lengths)
    keys = [key for call in made.calls for key in call.covers]
    assert sorted(keys) == sorted(goals(loaded))


@pytest.mark.parametrize("name", BOTH)
def test_each_call_conforms(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `replay` judges it; and `cover` finds in the walk's folder what it covers."""
    monkeypatch.setattr(walking, "walk", lambda *_: walked(name))
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))
    file, folder = str(bundled("states") / f"{name}.yaml"), tmp_path / "walk"
    assert run(["sop", "walk", file, "-o", str(folder)]) == 0
    log, reports = str(folder / "calls.jsonl"), tmp_path / "reports"
    assert run(["replay", "--sop", file, "--json", "--quiet", "-o", str(reports), log]) == 0
    lines = [msgspec.json.decode(line) for line in reports.read_bytes().splitlines()]
    verdicts = [line["verdict"] for line in lines if "verdict" in line]
    assert verdicts == ["conforms"] * len(walked(name).calls)
    capsys.readouterr()
    assert run(["sop", "cover", "--sop", file, "--fail-under", "100", str(folder)]) == 0


# -- led by a desk ----------------------------------------------------------------------------


@dataclass
class Script:
    """A desk and a shop that do what a call says, in turn."""

    left: list[Event]
    refused_after: int = -1
    refusal: Event | None = None
    refusals: list[str] = field(default_factory=list)
    over: bool = False

    def ask(self, run: Run, ask: Ask) -> Answer:
        if self.refusal is not None and len(self.left) == self.refused_after:
            event, self.refusal = self.refusal, None
            return Said(event)
        if isinstance(self.left[0], run.session.definition.vocabulary.resumed):
            run.note("calls again")  # a call in which nothing happened is not kept
            return Leave()
        return Said(self.left.pop(0))

    def perform(self, call: Call) -> Event:
        return Event()  # what came of it is in the script, too

    def wait(self, run: Run, job: Job) -> Event | Leave:
        operation = run.session.definition.vocabulary.operations[job.call.operation]
        if operation.request and event_name(self.left[0]) == operation.request:
            self.left.pop(0)  # the loop has written its own
        if isinstance(self.left[0], run.session.definition.vocabulary.resumed):
            return Leave()
        return self.left.pop(0)

    def refused(self, run: Run, step: Step) -> None:
        self.refusals.append(run.session.refusal(step))

    def journal_failed(self, run: Run, error: JournalError) -> bool:
        return False

    def ended(self, run: Run, end: End) -> None:
        self.over = True


class Held:
    """A journal that takes nothing more where the call goes on on another day: so it is cut off
    between the decision to send something and the request."""

    def __init__(self, log: Any, desk: Script, vocabulary: Vocabulary) -> None:
        self._log, self._desk = log, desk
        self._resumed = event_name(vocabulary.resumed)
        self._requests = {each.request for each in vocabulary.operations.values()}

    def append(self, event: Event, state: str, *, ended: bool) -> object:
        left = self._desk.left
        if left and event_name(left[0]) == self._resumed and event_name(event) in self._requests:
            raise JournalError("the disk is full")
        return self._log.append(event, state, ended=ended)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def led(loaded: Definition, call: walking.Call, made: walking.Walk, path: Path) -> list[Event]:
    """The events in the journal after a desk has led the call on the days on which it is led."""
    session = Session(loaded, made.shop.today, made.shop.zone)
    waits = None
    for number, event in enumerate(call.events):
        if number == call.after:
            waits = session.state.kind
        session.accept(session.propose(event))
    # A shop that answers what was not asked is no answer; only an agent's answer can be tried.
    refusal = call.refused if waits == "ask" else None
    desk = Script(list(call.events), len(call.events) - call.after, refusal)
    day = made.shop.today
    header = Header(
        case_id="walk",
        sop=loaded.sop,
        version=loaded.version,
        digest=loaded.digest,
        agent="ann",
        policy_date=day,
        zone=made.shop.zone,
        backend="demo:",
        started_at=datetime.combine(day, time(9), tzinfo=UTC),
    )

    def clock() -> datetime:
        return datetime.combine(day, time(9), tzinfo=UTC)

    def held(log: Any) -> Any:
        return Held(log, desk, loaded.vocabulary)

    def gone(on: Callable[[], bool]) -> bool:
        try:
            return on()
        except JournalError:
            return False

    with open_journal(f"sqlite:///{path}") as journal:
        with journal.begin(header, loaded.text) as log:
            over = gone(Run(session_of(loaded, log), held(log), desk, desk.perform, clock).go)
        while not over:
            # Nothing but a later day makes the desk leave.
            resumed: Any = desk.left.pop(0)
            assert event_name(resumed) == event_name(loaded.vocabulary.resumed)
            day = resumed.policy_date
            with journal.open("walk", loaded.vocabulary.decoder) as log:
                going = Run(session_of(loaded, log), held(log), desk, desk.perform, clock)
                over = gone(partial(going.resume, day))
        found = [entry.event for entry in visible(log.entries) if entry.event is not None]
    assert desk.over
    assert not desk.left
    assert bool(desk.refusals) is (refusal is not None)
    return found


@pytest.mark.parametrize("name", BOTH)
def test_a_scripted_desk_leads_each_call(name: str, tmp_path: Path) -> None:
    """Over a real journal; what is in it at the end is the call, but for times and keys."""
    made, loaded = walked(name), procedure(name)
    for number, call in enumerate(made.calls):
        found = led(loaded, call, made, tmp_path / f"{number}.sqlite3")
        assert [event_name(each) for each in found] == [event_name(each) for each in call.events]


# -- what cannot be reached --------------------------------------------------------------------


def test_what_no_call_can_do_is_proved_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guard that never answers No is told with its line, and is no failure."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))
    old = "{event: satisfied, when: [news_given], to: closed}"
    new = "{event: satisfied, when: [news_given, cards_told], to: closed}"
    text = TEXTS["delayed_package"].replace(old, new)
    path = tmp_path / "sop.yaml"
    path.write_text(text, encoding="utf-8")
    assert run(["sop", "walk", str(path), "-o", str(tmp_path / "walk")]) == 0
    line = text[: text.index(new)].count("\n") + 1
    words = f"cannot happen in any call, which is proved: {path}:{line}: guard cards_told does not"
    assert words in capsys.readouterr().out


def test_what_is_merely_not_found_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is neither reached nor proved to be impossible is told, with status 1."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))
    for name in ("FIRST_NODES", "NARROW_NODES", "MOST_NODES"):
        monkeypatch.setattr(walking, name, 30)
    file = bundled("states") / "delayed_package.yaml"
    assert run(["sop", "walk", str(file), "-o", str(tmp_path / "walk")]) == 1
    assert f"not reached: {file}:" in capsys.readouterr().out
