"""Looking something up before it is chosen (`/check`): which calls it takes, and the answer.

What can be looked up, and in which calls, the vocabulary says.
"""

from __future__ import annotations

from returnflow.engine.front import Early
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Call
from returnflow.wizard.answers import BadAnswer, choose
from returnflow.wizard.turn import front


def _early(session: Session) -> Early | None:
    return front(session).early


def possible(session: Session) -> bool:
    """Whether anything can be looked up at this point."""
    early = _early(session)
    return early is not None and session.handles(early.shown_by)


def item_for(session: Session, typed: str) -> str:
    """What `/check` is about.

    Raises:
        BadAnswer: look-ups are not made at this point, or nothing is meant.
    """
    early = _early(session)
    if early is None:
        raise BadAnswer("In this procedure nothing is looked up ahead of its step.")
    if not possible(session):
        raise BadAnswer(early.where)
    return choose(typed, early.choices(session.case), early.what).ident


class Checking:
    """Something being looked up: asked call by call, since each answer says what comes next."""

    def __init__(self, session: Session, item_id: str) -> None:
        self.item_id = item_id
        # A failure that is older than this step stands in nobody's way.
        self._since = session.last
        self._asked: Call | None = None

    def goes_on(self, session: Session) -> bool:
        """Whether the call still stands where look-ups are made; a transfer may have moved it."""
        return possible(session)

    def next_call(self, session: Session) -> Call | None:
        """The next look-up that it takes; None when all are made or one failed.

        Raises:
            BadAnswer: the shop answered the last one with something else.
        """
        last = session.last
        failed = type(session.definition.vocabulary.build_failed("", "known", ""))
        if last is not None and last is not self._since and isinstance(last.event, failed):
            return None
        early = _early(session)
        call = early.next_call(session.case, self.item_id) if early is not None else None
        if call is not None and call == self._asked:
            raise BadAnswer(f"The shop did not answer what was asked ({call.operation}).")
        self._asked = call
        return call


def words(session: Session, item_id: str) -> str:
    """The answer in words; "" where a look-up failed (the turn tells of that)."""
    early = _early(session)
    return early.words(session.case, item_id) if early is not None else ""
