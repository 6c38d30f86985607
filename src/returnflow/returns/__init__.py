"""The vocabulary of handling returns: events, facts, guards, operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnflow.engine.vocabulary import FieldType, Vocabulary
from returnflow.returns import events as ev
from returnflow.returns import telling
from returnflow.returns.case import Case
from returnflow.returns.guards import GUARDS
from returnflow.returns.line import STANDS_FOR
from returnflow.returns.operations import OPERATIONS
from returnflow.returns.story import SENTENCES

if TYPE_CHECKING:
    from returnflow.engine.abstraction import Abstraction
    from returnflow.engine.front import Front
    from returnflow.engine.transcript import Transcription


def _front() -> Front:
    # Imported late: only a call that is led needs it.
    from returnflow.returns import front

    return front.ReturnsFront()


def _transcription() -> Transcription:
    # Imported late: only replay of foreign logs needs it.
    from returnflow.returns import transcription

    return transcription.Transcription()


def _abstraction() -> Abstraction:
    # Imported late: only proofs of rules need it.
    from returnflow.returns.abstraction import ABSTRACTION

    return ABSTRACTION


FIELD_TYPES = {
    field.name: field
    for field in (
        FieldType("email", "an e-mail address, one @ and a domain"),
        FieldType("order_id", "an order id; case and outer spaces do not matter"),
        FieldType("listed_order", "an order of the list: its number, its id, or words of an item"),
        FieldType("picks", "items of the order with quantities: number, id or words of the name"),
        FieldType("return_lines", "a reason and a quantity for each eligible item, then the yes"),
        FieldType("text", "free text"),
    )
}

VOCABULARY = Vocabulary(
    name="returns",
    events=ev.EVENTS,
    guards=GUARDS,
    operations=OPERATIONS,
    new_case=Case,
    scope=telling.scope,
    sample_scope=telling.sample_scope,
    dues={"refusals": telling.refusals, "notices": telling.notices},
    sample_due=telling.sample_due,
    field_types=FIELD_TYPES,
    notices=telling.NOTICES,
    told=ev.Told,
    build_told=lambda due: ev.Told(notice=due.notice, subject=due.subject),
    resumed=ev.Resumed,
    build_resumed=lambda day: ev.Resumed(policy_date=day),
    dropped=ev.CallDropped,
    human=ev.HumanRequested,
    build_human=lambda reason, summary: ev.HumanRequested(reason=reason, summary=summary),
    build_failed=lambda operation, outcome, message: ev.BackendFailed(
        operation=operation,
        outcome=outcome,  # type: ignore[arg-type]  # one of the three, as the engine promises
        message=message,
    ),
    draft_summary=telling.draft_summary,
    owed_at_end=("notices",),
    stands_for=STANDS_FOR,
    transcription=_transcription,
    abstraction=_abstraction,
    front=_front,
    sentences=SENTENCES,
    personal={"email": "email", "phone_number": "phone"},
)
"""What ``vocabulary: returns`` in a procedure's YAML means."""
