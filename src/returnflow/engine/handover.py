"""The transfer of a call that cannot be continued, because its procedure is no longer understood.

The machine cannot lead such a call, but the customer must not be lost. What the journal holds is
enough for a transfer, which is journaled as in any call, under a key of its own, so that it is
made once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from returnflow.engine.journal import CaseLog, RecordedEvent, idempotency_key, visible
from returnflow.engine.vocabulary import Call, Event, Vocabulary, event_name

OPERATION = "transfer_to_human_representative"

REASON = "procedure_unknown"
WHY = "this call could not be continued here"
"""Why it is transferred: in the journal, and to the next person."""


class HandOver:
    """See the module.

    Args:
        log: of the call.
        vocabulary: the words of the call's procedure, or others that can record a transfer.
        clock: the present moment.

    Attributes:
        call: the transfer that was requested before and has to be settled; None: there is none.
    """

    def __init__(self, log: CaseLog, vocabulary: Vocabulary, clock: Callable[[], datetime]) -> None:
        self._log, self._clock = log, clock
        self._words = vocabulary
        self._operation = self._words.operations[OPERATION]
        self._case = _facts(log, self._words)
        call = self._pending()
        self.call = dataclasses.replace(call, resent=True) if call.key is not None else None

    def draft(self) -> str:
        """A summary for the next person, from the facts (rule 34)."""
        return self._words.draft_summary(self._case, WHY)

    def request(self, summary: str) -> Call:
        """Journals the transfer that is wanted, then its request; the call to be sent.

        Raises:
            JournalError: it could not be journaled; nothing is to be sent.
        """
        self._happened(self._words.build_human(REASON, summary))
        build = self._operation.build_request
        assert build is not None  # noqa: S101 (a transfer is a write)
        key = idempotency_key(self._log.header.case_id, self._log.next_seq)
        self._happened(build(self._pending(), key))
        return self._pending()

    def settle(self, outcome: Event) -> bool:
        """Journals what came of the call; whether the transfer was accepted.

        Raises:
            JournalError: it could not be journaled.
        """
        accepted = event_name(outcome) == "transfer_accepted"
        outcome = msgspec.structs.replace(outcome, at=self._clock())
        self._log.append(outcome, "transferred" if accepted else "transfer_failed", ended=accepted)
        return accepted

    def _pending(self) -> Call:
        (call,) = self._operation.pending(self._case)
        return call

    def _happened(self, event: Event) -> None:
        self._log.append(msgspec.structs.replace(event, at=self._clock()), "transferring")
        self._case.apply(event)


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
