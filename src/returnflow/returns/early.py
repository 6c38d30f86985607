"""Looking an item up before it is chosen: which calls it takes, and the answer."""

from __future__ import annotations

from returnflow.engine.front import Choice
from returnflow.engine.vocabulary import Call, Event
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.choices import available_units, item_choices, verdict_words
from returnflow.returns.events import ItemFound


class EarlyItem:
    """See `returnflow.engine.front.Early`."""

    what = "item"
    where = "/check looks an item up once an order is selected and before the choice."
    shown_by: type[Event] = ItemFound

    def choices(self, case: Case) -> tuple[Choice, ...]:
        """The items of the selected order."""
        return item_choices(case)

    def next_call(self, case: Case, ident: str) -> Call | None:
        """The item, then the packages that it is in, where they can still change the answer."""
        if ident not in case.items:
            return Call("get_item_details", {"item_id": ident})
        order = case.order
        if order is None or eligibility.item_reasons(
            order, case.items[ident], case.policy_date, case.zone
        ):
            return None
        for line in eligibility.lines_of(order, ident):
            for parcel in line.parcels:
                if parcel.package_id and parcel.package_id not in case.packages:
                    return Call("get_package_details", {"package_id": parcel.package_id})
        return None

    def words(self, case: Case, ident: str) -> str:
        """Whether it may go back, and why not."""
        if ident not in case.items:
            return ""
        decision = case.decide(ident, max(1, available_units(case, ident)))
        return f"{case.name_of(ident)}: {verdict_words(decision)}"
