"""The loop over a real journal: writes of a call that is taken up again, and odd answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from by_hand import CHOSEN, LAMP, REQUESTED, TODAY, ZONE, Turn, definition, pick
from returnflow.backends.answer import performer
from returnflow.cli.calls import session_of
from returnflow.engine.journal import CaseLog, Header
from returnflow.engine.journal_sql import SqlJournal, open_journal
from returnflow.engine.machine import Step
from returnflow.engine.run import Answer, Job, Leave, Run, Said
from returnflow.engine.session import Ask, End
from returnflow.engine.vocabulary import Event
from returnflow.errors import JournalError
from returnflow.returns import events as ev
from returnflow.testing import Fault, FaultyBackend, curated_shop

NOW = datetime(2026, 4, 10, 9, 0, tzinfo=UTC)


class Script:
    """A desk that gives its answers in turn, then leaves the call open."""

    def __init__(self, *answers: Event) -> None:
        self.answers = list(answers)
        self.refusals: list[str] = []

    def ask(self, run: Run, ask: Ask) -> Answer:
        return Said(self.answers.pop(0)) if self.answers else Leave()

    def wait(self, run: Run, job: Job) -> Event | Leave:
        job.wait()
        return job.result()

    def refused(self, run: Run, step: Step) -> None:
        self.refusals.append(run.session.refusal(step))

    def journal_failed(self, run: Run, error: JournalError) -> bool:
        return False

    def ended(self, run: Run, end: End) -> None:
        raise AssertionError(f"the call ended in {end.state.name}")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqlJournal]:
    with open_journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as opened:
        yield opened


def left(journal: SqlJournal, turns: list[Turn]) -> CaseLog:
    """A call that was left after these turns, claimed to go on with it."""
    header = Header(
        case_id="C1",
        sop=definition().sop,
        version=1,
        digest=definition().digest,
        agent="ann",
        policy_date=TODAY,
        zone=ZONE,
        backend="demo:",
        started_at=NOW,
    )
    with journal.begin(header, definition().text) as log:
        for event, state in turns:
            log.append(event, state)
    return journal.open("C1", definition().vocabulary.decoder)


@pytest.fixture
def cut_off(journal: SqlJournal) -> CaseLog:
    """A call that was cut off behind the request of a return; nobody knows whether it was sent."""
    return left(journal, REQUESTED)


def resumed(log: CaseLog, desk: Script, shop_fails: int) -> Run:
    """The call taken up again, over a shop that cannot be reached at first."""
    faults = {("initiate_return", n): Fault("no_connection") for n in range(1, shop_fails + 1)}
    perform = performer(FaultyBackend(curated_shop(), faults))
    run = Run(session_of(definition(), log), log, desk, perform, lambda: NOW)
    assert run.resume(TODAY) is False
    return run


def test_a_shop_that_is_down_at_the_resume_does_not_say_that_nothing_was_sent(
    cut_off: CaseLog,
) -> None:
    """Rules 28, 29: what was cut off may have been done, so its units stay taken."""
    desk = Script(ev.RetryRequested(), ev.LeftUnconfirmed(), pick(("RUG", 1)))
    run = resumed(cut_off, desk, shop_fails=2)
    assert run.session.state.name == "nothing_initiated"
    assert [line.state for line in run.session.case.lines] == ["left"]
    assert "1 in a return already" in desk.refusals[0]


def test_back_never_hides_what_came_of_a_request_that_was_sent_again(cut_off: CaseLog) -> None:
    """Rule 32: the answer came after an event of the agent, and stands all the same."""
    run = resumed(cut_off, Script(ev.RetryRequested()), shop_fails=1)
    # The shop of this test knows no such order, and says so plainly.
    assert run.session.state.name == "nothing_initiated"
    assert not run.can_go_back


def test_a_shop_that_answers_something_else_is_not_asked_for_ever(journal: SqlJournal) -> None:
    """Rule 40: asked for the rug it tells of the lamp, which the order holds too."""
    log = left(journal, CHOSEN)
    run = Run(session_of(definition(), log), log, Script(), lambda _: LAMP, lambda: NOW)
    assert run.resume(TODAY) is False
    assert run.session.state.name == "order_selected"
    assert "did not give me an answer" in run.session.tell()
