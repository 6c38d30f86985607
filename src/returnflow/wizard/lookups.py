"""Looking an item up before it is chosen (`/check`): which calls it takes, and the answer."""

from __future__ import annotations

from returnflow.engine.machine import Step
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Call
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.events import BackendFailed, ItemFound
from returnflow.wizard.answers import BadAnswer, choose
from returnflow.wizard.turn import available_units, item_choices, verdict_words


def item_for(session: Session, typed: str) -> str:
    """The item that `/check` is about.

    Raises:
        BadAnswer: look-ups are not made at this point, or no item is meant.
    """
    if not session.handles(ItemFound):
        raise BadAnswer("/check looks an item up once an order is selected and before the choice.")
    return choose(typed, item_choices(session.case), "item").ident


def next_call(session: Session, item_id: str, since: Step | None) -> Call | None:
    """The next look-up that the item takes; None when all are made or one failed.

    Args:
        since: the last step before the item was to be checked; a failure that is older than
            that stands in nobody's way.
    """
    case: Case = session.case
    last = session.last
    if last is not None and last is not since and isinstance(last.event, BackendFailed):
        return None
    if item_id not in case.items:
        return Call("get_item_details", {"item_id": item_id})
    order = case.order
    if order is None or eligibility.item_reasons(
        order, case.items[item_id], case.policy_date, case.zone
    ):
        return None
    for line in eligibility.lines_of(order, item_id):
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
