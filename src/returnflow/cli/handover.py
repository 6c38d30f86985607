"""Handing over a call that cannot be resumed, because its procedure is no longer understood.

The machine cannot lead such a call, but the customer must not be lost: the call can be read, and
transferred to a human representative. The transfer is journaled as in any call, under a key of
its own, so that it is made once.
"""

from __future__ import annotations

import msgspec

from returnflow.backends.answer import performer
from returnflow.cli.opening import Place, now
from returnflow.engine.journal import CaseLog, RecordedEvent, idempotency_key, visible
from returnflow.engine.vocabulary import Call
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.wizard import answers
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Console, Prompt

OPERATION = "transfer_to_human_representative"


def hand_over(place: Place, log: CaseLog, console: Console) -> bool:
    """Offers the transfer; whether it was accepted.

    Raises:
        JournalError: it could not be journaled; nothing was sent.
        EOFError: the input ended.
    """
    case = _facts(log)
    sent = case.transfer
    resent = sent is not None
    if sent is None:
        if not _agreed(console):
            return False
        sent = _request(log, case, console)
    call = Call(
        OPERATION,
        {"customer_id": sent.customer_id, "summary_of_issues": sent.summary},
        key=sent.key,
        resent=resent,
    )
    outcome = performer(place.backend)(call)
    accepted = isinstance(outcome, ev.TransferAccepted)
    outcome = msgspec.structs.replace(outcome, at=now())
    log.append(outcome, "transferred" if accepted else "transfer_failed", ended=accepted)
    if accepted:
        console.show("The customer has been handed to a human representative.", indent=2)
    else:
        console.show(f"! The transfer did not work: {getattr(outcome, 'message', '')}", indent=2)
        console.show("Resume the call again to try it once more.", indent=2)
    return accepted


def _facts(log: CaseLog) -> Case:
    """What the events say, as far as this program knows them.

    Facts depend on events alone, not on the procedure. An event of another version is passed
    over here; it stays in the journal and in the story of the call.
    """
    case = Case(log.header.policy_date, log.header.zone)
    for entry in visible(log.entries):
        if isinstance(entry.event, RecordedEvent):
            try:
                event = VOCABULARY.decoder.decode(msgspec.json.encode(entry.event.body))
            except msgspec.ValidationError:
                continue
            case.apply(event)
    return case


def _agreed(console: Console) -> bool:
    def validate(line: str) -> None:
        if answers.yes(line) is None:
            raise BadAnswer("Please answer yes or no.")

    label = "Transfer the customer to a human representative? (yes / no)"
    return answers.yes(console.read(Prompt(label, validate))) is True


def _request(log: CaseLog, case: Case, console: Console) -> ev.TransferRequested:
    draft = VOCABULARY.draft_summary(case, "this call could not be continued here")
    console.show("Summary for the next person; edit it or press Enter:", indent=2)
    console.show(draft, indent=4)

    def validate(line: str) -> None:
        if not answers.text(line, 4000):
            raise BadAnswer("A transfer needs a summary for the next person.")

    summary = answers.text(console.read(Prompt("Summary", validate, (), draft)), 4000)
    wanted = ev.HumanRequested(at=now(), reason="procedure_unknown", summary=summary)
    log.append(wanted, "transferring")
    request = ev.TransferRequested(
        at=now(),
        customer_id=case.customer.customer_id if case.customer else None,
        summary=summary,
        key=idempotency_key(log.header.case_id, log.next_seq),
    )
    log.append(request, "transferring")
    return request
