"""The vocabulary of handling a delayed package: events, facts, guards, operations.

It stands on the vocabulary of handling returns, whose events and guards about customers, orders
and the transfer it shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnflow.delayed import events as ev
from returnflow.delayed import telling
from returnflow.delayed.case import Case
from returnflow.delayed.guards import GUARDS
from returnflow.delayed.operations import OPERATIONS
from returnflow.delayed.story import SENTENCES
from returnflow.engine.vocabulary import FieldType, Vocabulary
from returnflow.returns import FIELD_TYPES as SHARED
from returnflow.returns import VOCABULARY as RETURNS

if TYPE_CHECKING:
    from returnflow.engine.abstraction import Abstraction
    from returnflow.engine.front import Front
    from returnflow.engine.transcript import Transcription


def _transcription() -> Transcription:
    # Imported late: only replay of foreign logs needs it.
    from returnflow.delayed import transcription

    return transcription.Transcription()


def _abstraction() -> Abstraction:
    # Imported late: only rules about whole calls need it.
    from returnflow.delayed.abstraction import ABSTRACTION

    return ABSTRACTION


def _front() -> Front:
    # Imported late: only a call that is led needs it.
    from returnflow.delayed import front

    return front.DelayedFront()


FIELD_TYPES = {
    **{name: SHARED[name] for name in ("email", "order_id", "listed_order", "text")},
    "listed_item": FieldType("listed_item", "an item of the order: number, id or words of it"),
}

VOCABULARY = Vocabulary(
    name="delayed",
    events=ev.EVENTS,
    guards=GUARDS,
    operations=OPERATIONS,
    new_case=Case,
    scope=telling.scope,
    sample_scope=telling.sample_scope,
    dues={
        "news": telling.news,
        "offers": telling.offers,
        "cards": telling.cards,
        "everything": telling.everything,
    },
    sample_due=telling.sample_due,
    field_types=FIELD_TYPES,
    notices=telling.NOTICES,
    told=ev.Told,
    build_told=RETURNS.build_told,
    resumed=ev.Resumed,
    build_resumed=RETURNS.build_resumed,
    dropped=ev.CallDropped,
    human=ev.HumanRequested,
    build_human=RETURNS.build_human,
    build_failed=RETURNS.build_failed,
    draft_summary=telling.draft_summary,
    owed_at_end=("news", "cards", "everything"),
    transcription=_transcription,
    abstraction=_abstraction,
    front=_front,
    sentences=SENTENCES,
    personal=RETURNS.personal,
)
"""What ``vocabulary: delayed`` in a procedure's YAML means."""
