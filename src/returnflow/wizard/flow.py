"""From what an agent entered to an event, and whether that event may be: for every front end.

Whatever is refused here is refused by the machine itself, which is asked before the answer is
given; the front ends show the reason where it can still be mended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from returnflow.engine.definition import Question
from returnflow.engine.front import Choice
from returnflow.engine.run import Run
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event
from returnflow.returns.events import ReturnLine
from returnflow.wizard import answers, commands, lookups
from returnflow.wizard.answers import MAX_NOTE, BadAnswer
from returnflow.wizard.lines import LinesForm
from returnflow.wizard.texts import no_way_back
from returnflow.wizard.turn import front

NOT_SATISFIED = ("not satisfied", "unsatisfied")
"""What an agent may type for the reason of rule 34."""


def event_of(session: Session, question: Question, values: dict[str, Any]) -> Event:
    """The event that an answer stands for.

    Args:
        values: by field.
    """
    return session.definition.vocabulary.by_name[question.event](**values)


def valued(session: Session, question: Question, value: object) -> Event:
    """The event of a question with one field, whose value was chosen and not typed."""
    return event_of(session, question, {next(iter(question.fields)): value})


def parsed(session: Session, question: Question, line: str, choices: Sequence[Choice]) -> Event:
    """The event that a typed line stands for.

    Raises:
        BadAnswer: the line cannot be understood.
    """
    ((name, field),) = question.fields.items()
    parse: Callable[[str], object] = {
        "email": answers.email,
        "order_id": answers.order_id,
        "listed_order": lambda typed: answers.listed_order(typed, choices),
        "listed_item": lambda typed: answers.choose(typed, choices, "item").ident,
        "picks": lambda typed: answers.picks(typed, choices),
        "text": answers.text,
    }[field.type]
    return event_of(session, question, {name: parse(line)})


def allowed(session: Session, event: Event) -> Event:
    """The event.

    Raises:
        BadAnswer: the machine would refuse it; the message is its reason.
    """
    step = session.propose(event)
    if not step.accepted:
        raise BadAnswer(session.refusal(step))
    return event


def form_of(session: Session, question: Question) -> LinesForm:
    """The form for the lines of a return."""

    def check(lines: tuple[ReturnLine, ...]) -> Event:
        return allowed(session, valued(session, question, lines))

    return LinesForm(session, check)


def command_allowed(run: Run, typed: commands.Typed) -> None:
    """Raises `BadAnswer` where a command cannot be carried out now."""
    if typed.command == "back" and not run.can_go_back:
        raise BadAnswer(no_way_back(run))
    if typed.command == "note":
        note(typed.text)
    if typed.command == "check":
        lookups.item_for(run.session, typed.text)
    if typed.command == "transfer":
        vocabulary = run.session.definition.vocabulary
        allowed(run.session, vocabulary.build_human("asked", "."))


def note(typed: str) -> str:
    """A note, or a summary, as it is kept; raises `BadAnswer` where it is too long."""
    return answers.text(typed, MAX_NOTE)


def to_copy(run: Run) -> str:
    """What is worth copying: the ids of what was done in the call, or else its case id."""
    session = run.session
    return " ".join(front(session).ids(session.case)) or run.log.header.case_id


# -- a transfer -------------------------------------------------------------------------------


def transfer_reason(typed: str) -> str:
    """Why the customer is transferred; an empty line: because they ask."""
    reason = answers.text(typed)
    if reason.casefold().replace("_", " ").strip() in NOT_SATISFIED:
        return "not_satisfied"
    return reason or "asked"


def drafted(session: Session, reason: str) -> str:
    """A summary for the next person, from the facts (rule 34)."""
    return session.definition.vocabulary.draft_summary(session.case, reason)


def transfer(session: Session, reason: str, summary: str) -> Event:
    """The event of a transfer.

    Raises:
        BadAnswer: the summary is too long, or the machine refuses.
    """
    build = session.definition.vocabulary.build_human
    return allowed(session, build(reason, note(summary)))
