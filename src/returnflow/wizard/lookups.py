"""Looking an item up before it is chosen (`/check`): which calls it takes, and the answer."""

from __future__ import annotations

from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Call
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.events import BackendFailed, ItemFound
from returnflow.returns.front import available_units, item_choices, verdict_words
from returnflow.wizard.answers import BadAnswer, choose


def possible(session: Session) -> bool:
    """Whether an item can be looked up at this point."""
    return session.handles(ItemFound)


def item_for(session: Session, typed: str) -> str:
    """The item that `/check` is about.

    Raises:
        BadAnswer: look-ups are not made at this point, or no item is meant.
    """
    if not possible(session):
        raise BadAnswer("/check looks an item up once an order is selected and before the choice.")
    return choose(typed, item_choices(session.case), "item").ident


class Checking:
    """An item being looked up: asked call by call, since each answer says what comes next."""

    def __init__(self, session: Session, item_id: str) -> None:
        self.item_id = item_id
        # A failure that is older than this step stands in nobody's way.
        self._since = session.last
        self._asked: Call | None = None

    def goes_on(self, session: Session) -> bool:
        """Whether the call still stands where look-ups are made; a transfer may have moved it."""
        return possible(session)

    def next_call(self, session: Session) -> Call | None:
        """The next look-up that the item takes; None when all are made or one failed.

        Raises:
            BadAnswer: the shop answered the last one with something else.
        """
        last = session.last
        if last is not None and last is not self._since and isinstance(last.event, BackendFailed):
            return None
        call = self._missing(session.case)
        if call is not None and call == self._asked:
            raise BadAnswer(f"The shop did not answer what was asked ({call.operation}).")
        self._asked = call
        return call

    def _missing(self, case: Case) -> Call | None:
        if self.item_id not in case.items:
            return Call("get_item_details", {"item_id": self.item_id})
        order = case.order
        if order is None or eligibility.item_reasons(
            order, case.items[self.item_id], case.policy_date, case.zone
        ):
            return None
        for line in eligibility.lines_of(order, self.item_id):
            for parcel in line.parcels:
                if parcel.package_id and parcel.package_id not in case.packages:
                    return Call("get_package_details", {"package_id": parcel.package_id})
        return None


def words(session: Session, item_id: str) -> str:
    """The answer in words; "" where a look-up failed (the turn tells of that)."""
    case: Case = session.case
    if item_id not in case.items:
        return ""
    decision = case.decide(item_id, max(1, available_units(case, item_id)))
    return f"{case.name_of(item_id)}: {verdict_words(decision)}"
