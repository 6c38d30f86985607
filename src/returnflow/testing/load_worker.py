"""One process of a load: a thread for each call, with a desk that answers from a script."""

from __future__ import annotations

import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from random import Random
from typing import Any, Literal

from returnflow.backends import sql
from returnflow.backends.answer import performer
from returnflow.backends.protocol import Backend
from returnflow.bundled import bundled
from returnflow.engine import definition as procedures
from returnflow.engine import run as runs
from returnflow.engine.definition import Definition
from returnflow.engine.journal import Header
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.machine import Step
from returnflow.engine.session import Ask, End, Session
from returnflow.engine.vocabulary import Event
from returnflow.errors import EngineError, JournalError
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.urls import without_password

PATIENCE = 120.0
"""So many seconds a call goes on trying while the database is away."""

_MEETING_SECONDS = 60.0
_EVENTS_A_CALL = 14
"""About so many events a call has, for telling when half of the work is done."""


@dataclass(frozen=True)
class Place:
    """Where calls are led: the URLs of journal and shop."""

    journal: str
    shop: str


@dataclass(frozen=True)
class Script:
    """What one call does.

    Args:
        kind: one return, two, a transfer, a hang-up, or one half of a `pair`.
        pair: the number of the pair, None for all others.
    """

    number: int
    kind: Literal["one", "two", "human", "drop", "pair"]
    email: str
    order_id: str
    pair: int | None = None


@dataclass
class CallResult:
    """What came of one call.

    Args:
        events: seconds that each event took.
        troubles: how often the journal or the shop failed it.
        fault: why it did not come to its end; "" if it did.
    """

    number: int
    case_id: str = ""
    events: list[float] = field(default_factory=list)
    troubles: int = 0
    fault: str = ""


@dataclass(frozen=True)
class Job:
    """The work of one process.

    Args:
        meetings: by pair, a barrier at which its two halves meet before they confirm.
    """

    scripts: list[Script]
    place: Place
    today: date
    zone: str
    think: float
    meetings: dict[int | None, Any]


@cache
def definition() -> Definition:
    """The procedure that comes with the program."""
    return procedures.load(bundled("states") / "handling_returns.yaml")


def lead_calls(job: Job, begin: Any, middle: Any, answers: Any) -> None:
    """The whole life of a worker process.

    Args:
        begin: a barrier at which all workers are ready.
        middle: an event, to be set when about half of the work is done.
        answers: a queue for the results, or for the words of a failure.
    """
    try:
        definition()
        with sql.connect(job.place.shop) as shop:
            answers.put(_Worker(job, shop, begin, middle).work())
    except BaseException:
        answers.put(f"a worker failed:\n{traceback.format_exc()}")
        begin.abort()


class _Worker:
    def __init__(self, job: Job, shop: Backend, begin: Any, middle: Any) -> None:
        self.job = job
        self.shop = shop
        self._middle = middle
        self._events = 0
        self._lock = threading.Lock()
        count = len(job.scripts)
        # All calls are ready; then all have identified their customer, and so are open.
        self.ready = threading.Barrier(count, action=begin.wait)
        self.open = threading.Barrier(count)

    def work(self) -> list[CallResult]:
        results = [CallResult(script.number) for script in self.job.scripts]
        threads = [
            threading.Thread(target=self._lead, args=(script, result), daemon=True)
            for script, result in zip(self.job.scripts, results, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def counted(self) -> None:
        """One event more is done."""
        with self._lock:
            self._events += 1
            if self._events == len(self.job.scripts) * _EVENTS_A_CALL // 2:
                self._middle.set()

    def _lead(self, script: Script, result: CallResult) -> None:
        procedure = definition()
        try:
            with open_journal(self.job.place.journal) as journal:
                header = Header(
                    case_id="",
                    sop=procedure.sop,
                    version=procedure.version,
                    digest=procedure.digest,
                    agent=f"agent {script.number}",
                    policy_date=self.job.today,
                    zone=self.job.zone,
                    backend=without_password(self.job.place.shop),
                    started_at=datetime.now(UTC),
                )
                log = journal.begin(header, procedure.text)
                result.case_id = log.header.case_id
                session = Session(procedure, self.job.today, self.job.zone)
                desk = _Desk(self, script, result)
                run = _TimedRun(session, log, desk, performer(self.shop), _now)
                run.timed(result, self.counted)
                self.ready.wait(PATIENCE)
                if not run.go():
                    result.fault = f"left open in {run.session.state.name}"
        except Exception as error:
            result.fault = f"{type(error).__name__}: {error}"
            for barrier in (self.ready, self.open):
                barrier.abort()


class _TimedRun(runs.Run):
    """A run that takes the time of every event."""

    def timed(self, result: CallResult, counted: Any) -> None:
        """Says where the times go."""
        self._result = result
        self._counted = counted

    def take(self, event: Event) -> Step:
        """See `Run.take`."""
        started = time.perf_counter()
        step = super().take(event)
        if step.accepted:
            self._result.events.append(time.perf_counter() - started)
            self._counted()
        return step


class _Desk:
    """Answers every question from the script, and tries again what failed."""

    def __init__(self, worker: _Worker, script: Script, result: CallResult) -> None:
        self._worker = worker
        self._script = script
        self._result = result
        self._rng = Random(script.number)
        self._gone = threading.Event()
        self._waited = 0.0
        self._is_open = False
        self._has_met = False
        self._refused = False

    def ask(self, run: runs.Run, ask: Ask) -> runs.Answer:
        """See `Desk`."""
        if run.log.entries and isinstance(run.log.entries[-1].event, ev.BackendFailed):
            self._pause()
        if self._waited > PATIENCE:
            return runs.Leave()
        if run.session.state.name == "identified" and not self._is_open:
            self._is_open = True
            self._worker.open.wait(PATIENCE)
        if self._worker.job.think:
            self._gone.wait(self._rng.uniform(0, 2 * self._worker.job.think))
        return runs.Said(self._answer(run))

    def _answer(self, run: runs.Run) -> Event:
        script, case = self._script, run.session.case
        if self._refused:
            return ev.ReturnDeclined()
        owes = run.session.state.owes
        for due in VOCABULARY.dues[owes](case) if owes else ():
            return VOCABULARY.build_told(due)
        match run.session.state.name:
            case "started":
                return ev.EmailGiven(email=script.email)
            case "identified":
                if script.kind == "human":
                    return ev.HumanRequested(summary="Wants to speak to a person.")
                return ev.OrderIdGiven(order_id=script.order_id)
            case "order_selected":
                if script.kind == "drop":
                    return ev.CallDropped()
                items = ("A", "B") if script.kind == "two" else ("A",)
                return ev.ItemsPicked(picks=tuple(ev.Pick(item, 1) for item in items))
            case "eligibility_checked":
                self._meet()
                return ev.ReturnConfirmed(
                    lines=tuple(
                        ev.ReturnLine(decision.item_id, decision.granted, "DAMAGED")
                        for decision in case.decisions()
                        if decision.granted
                    )
                )
            case "return_unconfirmed" | "transfer_failed":
                return ev.RetryRequested()
            case "return_initiated":
                return ev.Satisfied()
            case "nothing_eligible" | "nothing_initiated":
                return ev.ReturnDeclined()
            case state:
                raise EngineError(f"the script has no answer in {state}")

    def _meet(self) -> None:
        """Waits for the other half of the pair, so that both confirm at the same moment."""
        if not self._has_met and self._script.pair is not None:
            self._has_met = True
            # One that was held up for long comes too late; then they do not meet.
            with suppress(threading.BrokenBarrierError):
                self._worker.job.meetings[self._script.pair].wait(_MEETING_SECONDS)

    def _pause(self) -> None:
        """Waits a little, as a person would before trying again."""
        self._result.troubles += 1
        seconds = self._rng.uniform(0.05, 0.5)
        self._waited += seconds
        self._gone.wait(seconds)

    def wait(self, run: runs.Run, job: runs.Job) -> Event | runs.Leave:
        """See `Desk`."""
        job.wait()
        return job.result()

    def refused(self, run: runs.Run, step: Step) -> None:
        """See `Desk`. The slower half of a pair may see that nothing is left to be returned."""
        if self._script.pair is None:
            raise EngineError(f"refused: {run.session.refusal(step)}")
        self._refused = True

    def journal_failed(self, run: runs.Run, error: JournalError) -> bool:
        """See `Desk`."""
        self._pause()
        return self._waited <= PATIENCE

    def ended(self, run: runs.Run, end: End) -> None:
        """See `Desk`."""


def _now() -> datetime:
    return datetime.now(UTC)
