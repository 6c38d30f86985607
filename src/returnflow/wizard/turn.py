"""What one turn of a call shows: the view that every front end renders.

A turn is made from a session alone. It holds the words to say, what is known and matters now,
what can be chosen, and the ways of answering. No front end adds a rule or a text of the
procedure to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from returnflow.engine.definition import Question
from returnflow.engine.front import Choice, Fact, Front, Listed, NoFront
from returnflow.engine.session import Ask, Session
from returnflow.engine.vocabulary import Due


@dataclass(frozen=True, slots=True)
class Turn:
    """See the module.

    Args:
        step: the SOP's step and its title.
        tell: what the last event has to tell the customer, or ""; it is said instead of `say`.
        known: facts that matter now.
        do: an instruction to the agent, or "".
        due: what must be said first; None where nothing is owed.
        due_words: the sentence that `due` asks for.
        say: the words to say.
        listing: what can be chosen by number.
        kind: the field type of what is typed, or "".
        typed: the answer that is typed; None where only `options` answer.
        options: the answers chosen by a key.
    """

    step: str
    tell: str
    known: tuple[Fact, ...]
    do: str
    due: Due | None
    due_words: str
    say: str
    listing: tuple[Listed, ...]
    choices: tuple[Choice, ...]
    kind: str
    typed: Question | None
    options: tuple[Question, ...]


def turn_of(session: Session, ask: Ask) -> Turn:
    """The turn of the question that the session asks now."""
    state = ask.state
    typed = next((question for question in state.questions if question.key is None), None)
    kind = next(iter(typed.fields.values())).type if typed and typed.fields else ""
    due = ask.dues[0] if ask.dues else None
    tell = session.tell()
    return Turn(
        step=f"Step {state.step} · {session.definition.steps[state.step]}",
        tell=tell,
        known=tuple(trouble(session) + front(session).matters(session.case, state)),
        do=session.words(state.do) if state.do else "",
        due=due,
        due_words=session.due_words(due) if due else "",
        say=session.words(state.say) if state.say and not tell else "",
        listing=listing_for(session, kind),
        choices=choices_for(session, kind),
        kind=kind,
        typed=typed,
        options=tuple(question for question in state.questions if question.key is not None),
    )


@dataclass(frozen=True, slots=True)
class Tick:
    """A sentence of a checklist, and whether it was said."""

    due: Due
    words: str
    said: bool


def checklist(session: Session) -> tuple[Tick, ...]:
    """What has to be said in this state: what is owed, and what was said of the same subjects."""
    owed = session.dues()
    if not owed or session.state.owes is None:
        return ()
    # As if nothing had been said yet: then all is owed, in the order in which it is said.
    unsaid = session.case.copy()
    unsaid.told = set()
    subjects = {due.subject for due in owed}
    left = {(due.notice, due.subject) for due in owed}
    return tuple(
        Tick(due, session.due_words(due), (due.notice, due.subject) not in left)
        for due in session.definition.vocabulary.dues[session.state.owes](unsaid)
        if due.subject in subjects
    )


# -- what the vocabulary adds -----------------------------------------------------------------


def front(session: Session) -> Front:
    """What the vocabulary of the call's procedure shows beside its words."""
    make = session.definition.vocabulary.front
    return make() if make is not None else NoFront()


def choices_for(session: Session, kind: str) -> tuple[Choice, ...]:
    """What can be chosen by number where a field of that type is asked for."""
    return front(session).choices(session.case, kind)


def listing_for(session: Session, kind: str) -> tuple[Listed, ...]:
    """The same as it is read: a title and details for each of `choices_for`."""
    return front(session).listing(session.case, kind)


def facts(session: Session) -> list[Fact]:
    """All that is known in the call so far, for `/facts`."""
    return front(session).facts(session.case)


def trouble(session: Session) -> list[Fact]:
    """After a failure of the shop: what is known and what is not (rules 29, 30)."""
    vocabulary = session.definition.vocabulary
    last = session.last.event if session.last is not None else None
    if not isinstance(last, type(vocabulary.build_failed("", "known", ""))):
        return []
    failed: Any = last
    why = f" ({failed.message})" if failed.message else ""
    if failed.outcome == "cancelled":
        return [("Known", f"{failed.operation} was stopped; a look-up changes nothing.")]
    if not vocabulary.operations[failed.operation].request:
        return [
            ("Known", f"{failed.operation} gave no answer{why}; a look-up changes nothing."),
            ("Not known", "what the shop would have answered; the same can be asked again."),
        ]
    if failed.outcome == "known":
        return [("Known", f"{failed.operation} did not reach the shop{why}: nothing was done.")]
    return [
        ("Known", f"{failed.operation} was sent, and no usable answer came{why}."),
        (
            "Not known",
            "whether the shop did it. Asked again it gets the same key, so it is not done twice.",
        ),
    ]
