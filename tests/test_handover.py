"""A call whose procedure the program no longer understands: it can be read and transferred."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from returnflow.backends import demo
from returnflow.bundled import bundled
from returnflow.engine.definition import digest_of
from returnflow.engine.journal import Header
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.vocabulary import Event
from returnflow.home import default_journal_url
from returnflow.records import Customer
from returnflow.returns import events as ev


class Weighed(Event, frozen=True, kw_only=True):
    """An event of some other version of the vocabulary."""

    grams: int


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def case_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A call left open under a procedure that names a guard which does not exist any more."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    return left_under("something_eligible", "anything_eligible")


def left_under(words: str, instead: str) -> str:
    """The case of a call that was left open under the shipped text with other words in it."""
    text = (bundled("states") / "handling_returns.yaml").read_text()
    assert words in text
    text = text.replace(words, instead)
    header = Header(
        case_id="",
        sop="handling-returns",
        version=1,
        digest=digest_of(text),
        agent="ann",
        policy_date=date(2026, 3, 2),
        zone="Europe/Berlin",
        backend="demo:",
        started_at=NOW,
    )
    with open_journal(default_journal_url()) as journal, journal.begin(header, text) as log:
        log.append(ev.EmailGiven(at=NOW, email="ann@example.com"), "finding_customer")
        customer = Customer(customer_id="CUST-1001", first_name="Ann")
        log.append(ev.CustomerFound(at=NOW, customer=customer), "identified")
        return log.header.case_id


def returnflow(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "returnflow", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_transfer_is_offered_made_once_and_ends_the_call(case_id: str) -> None:
    """rule 34: the summary is drafted from the facts; rule 28: once."""
    done = returnflow("calls", "resume", case_id, typed="yes\n\n")
    assert done.returncode == 0, done.stderr
    assert "there is no guard 'anything_eligible'" in done.stderr
    assert "Traceback" not in done.stderr
    with demo.connect() as shop:
        ((_, customer_id, summary),) = shop.transfers()
    assert customer_id == "CUST-1001"
    assert "could not be continued" in summary

    again = returnflow("calls", "resume", case_id, typed="yes\n\n")
    assert "The call has ended: transferred." in again.stdout
    with demo.connect() as shop:
        assert len(shop.transfers()) == 1


def test_a_call_whose_vocabulary_is_not_installed_is_transferred_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words for returns record the transfer, and they know the customer."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    case_id = left_under("\nvocabulary: returns\n", "\nvocabulary: repairs\n")
    done = returnflow("calls", "resume", case_id, typed="yes\n\n")
    assert done.returncode == 0, done.stderr
    assert "repairs" in done.stderr
    with demo.connect() as shop:
        ((_, customer_id, _),) = shop.transfers()
    assert customer_id == "CUST-1001"
    again = returnflow("calls", "resume", case_id)
    assert "The call has ended: transferred." in again.stdout


def test_a_no_leaves_the_call_as_it_was(case_id: str) -> None:
    done = returnflow("calls", "resume", case_id, typed="perhaps\nno\n")
    assert done.returncode == 3
    assert "Please answer yes or no." in done.stdout
    with demo.connect() as shop:
        assert shop.transfers() == []
    story = returnflow("calls", "show", case_id)
    assert story.returncode == 0
    assert "The call is open, in identified." in story.stdout


def test_a_transfer_cut_off_after_its_request_is_settled_with_the_same_key(case_id: str) -> None:
    """rules 28, 29: the request that is in the journal is sent again under its key."""
    with open_journal(default_journal_url()) as journal:
        from returnflow.returns import VOCABULARY

        with journal.open(case_id, VOCABULARY.decoder) as log:
            log.append(ev.HumanRequested(at=NOW, summary="Please help."), "transferring")
            request = ev.TransferRequested(
                at=NOW, customer_id="CUST-1001", summary="Please help.", key="rf-x-4"
            )
            log.append(request, "transferring")
    done = returnflow("calls", "resume", case_id)
    assert done.returncode == 0, done.stderr
    with demo.connect() as shop:
        ((reference, _, summary),) = shop.transfers()
        again = shop.transfer_to_human_representative(
            "CUST-1001", "Please help.", idempotency_key="rf-x-4"
        )
        assert (again.reference, summary) == (reference, "Please help.")
        assert len(shop.transfers()) == 1


def test_an_event_that_is_not_known_any_more_hinders_no_transfer(case_id: str) -> None:
    """What this program cannot read stays in the journal; what it can read is handed over."""
    with open_journal(default_journal_url()) as journal, journal.open(case_id, None) as log:
        log.append(Weighed(at=NOW, grams=5), "identified")
    done = returnflow("calls", "resume", case_id, typed="yes\n\n")
    assert done.returncode == 0, done.stderr
    with demo.connect() as shop:
        ((_, customer_id, _),) = shop.transfers()
    assert customer_id == "CUST-1001"
    assert "Weighed: grams 5" in returnflow("calls", "show", case_id).stdout
