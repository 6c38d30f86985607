"""What the customer can choose from, and what may become of it."""

from __future__ import annotations

from returnflow.engine.front import Choice
from returnflow.returns import eligibility
from returnflow.returns.case import Case


def order_choices(case: Case) -> tuple[Choice, ...]:
    """The open orders listed, to be chosen by number, id or words of an item."""
    if case.summary is None:
        return ()
    return tuple(
        Choice(order.order_id, " ".join(item.description for item in order.items))
        for order in case.summary.orders
    )


def item_choices(case: Case) -> tuple[Choice, ...]:
    """The items of the selected order, each once, with the units that can still be chosen."""
    if case.order is None:
        return ()
    found = dict.fromkeys(line.item_id for line in case.order.lines)
    return tuple(
        Choice(item_id, case.name_of(item_id), available_units(case, item_id)) for item_id in found
    )


def available_units(case: Case, item_id: str) -> int:
    """Ordered less those in a return already (rule 17)."""
    if case.order is None:
        return 0
    return max(0, eligibility.ordered_units(case.order, item_id) - (case.taken(item_id) or 0))


def verdict_words(decision: eligibility.Decision) -> str:
    """A decision in one line: what may go back, and every reason for the rest (rule 9)."""
    reasons = "; ".join(reason.sentence for reason in decision.reasons)
    if not decision.reasons:
        return f"{decision.granted} of {decision.wanted} may go back"
    if decision.granted:
        return f"{decision.granted} of {decision.wanted} may go back. Not the rest: {reasons}"
    return f"may not go back: {reasons}"
