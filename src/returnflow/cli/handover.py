"""Handing over a call that cannot be resumed, because its procedure is no longer understood.

The machine cannot lead such a call, but the customer must not be lost: the call can be read, and
transferred to a human representative. The transfer is journaled as in any call, under a key of
its own, so that it is made once.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from returnflow.backends.answer import performer
from returnflow.cli.opening import Place, now
from returnflow.engine.journal import CaseLog, RecordedEvent, idempotency_key, visible
from returnflow.engine.vocabulary import Call, Vocabulary, event_name, load_vocabulary
from returnflow.wizard import answers
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Console, Prompt

OPERATION = "transfer_to_human_representative"

FALLBACK = "returns"
"""The vocabulary whose events record the transfer where the call's own is not installed."""


def hand_over(
    place: Place, log: CaseLog, console: Console, vocabulary: Vocabulary | None = None
) -> bool:
    """Offers the transfer; whether it was accepted.

    Args:
        vocabulary: the words of the call's procedure; None where they are not known here.

    Raises:
        JournalError: it could not be journaled; nothing was sent.
        EOFError: the input ended.
    """
    words = vocabulary or load_vocabulary(FALLBACK)
    case = _facts(log, words)
    (call,) = words.operations[OPERATION].pending(case)
    if call.key is not None:
        call = dataclasses.replace(call, resent=True)
    else:
        if not _agreed(console):
            return False
        call = _request(log, case, console, words)
    outcome = performer(place.backend)(call)
    accepted = event_name(outcome) == "transfer_accepted"
    outcome = msgspec.structs.replace(outcome, at=now())
    log.append(outcome, "transferred" if accepted else "transfer_failed", ended=accepted)
    if accepted:
        console.show("The customer has been handed to a human representative.", indent=2)
    else:
        console.show(f"! The transfer did not work: {getattr(outcome, 'message', '')}", indent=2)
        console.show("Resume the call again to try it once more.", indent=2)
    return accepted


def _facts(log: CaseLog, vocabulary: Vocabulary) -> Any:
    """What the events say, as far as this program knows them.

    Facts depend on events alone, not on the procedure. An event of another version is passed
    over here; it stays in the journal and in the story of the call.
    """
    case = vocabulary.new_case(log.header.policy_date, log.header.zone)
    for entry in visible(log.entries):
        if isinstance(entry.event, RecordedEvent):
            try:
                event = vocabulary.decoder.decode(msgspec.json.encode(entry.event.body))
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


def _request(log: CaseLog, case: Any, console: Console, vocabulary: Vocabulary) -> Call:
    """Journals the transfer that is wanted, then its request; the call to be sent."""
    draft = vocabulary.draft_summary(case, "this call could not be continued here")
    console.show("Summary for the next person; edit it or press Enter:", indent=2)
    console.show(draft, indent=4)

    def validate(line: str) -> None:
        if not answers.text(line, 4000):
            raise BadAnswer("A transfer needs a summary for the next person.")

    summary = answers.text(console.read(Prompt("Summary", validate, (), draft)), 4000)
    operation = vocabulary.operations[OPERATION]
    assert operation.build_request is not None  # noqa: S101 (a transfer is a write)
    wanted = vocabulary.build_human("procedure_unknown", summary)
    log.append(msgspec.structs.replace(wanted, at=now()), "transferring")
    case.apply(wanted)
    (call,) = operation.pending(case)
    request = operation.build_request(call, idempotency_key(log.header.case_id, log.next_seq))
    log.append(msgspec.structs.replace(request, at=now()), "transferring")
    case.apply(request)
    (call,) = operation.pending(case)
    return call
