"""What the screens show of a call about a return: choices, lists, facts."""

from __future__ import annotations

from returnflow.engine.definition import State
from returnflow.engine.front import CUSTOMER, Choice, Fact, Listed, Section
from returnflow.masking import veiled_email, veiled_name, veiled_phone
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.choices import available_units, item_choices, order_choices, verdict_words
from returnflow.returns.early import EarlyItem
from returnflow.returns.line import Line
from returnflow.returns.telling import money, order_scope


class ReturnsFront:
    """See `returnflow.engine.front.Front`."""

    early = EarlyItem()

    def choices(self, case: Case, kind: str) -> tuple[Choice, ...]:
        """Open orders, and items of the selected order."""
        if kind == "picks":
            return item_choices(case)
        return order_choices(case) if kind == "listed_order" else ()

    def listing(self, case: Case, kind: str) -> tuple[Listed, ...]:
        """The same as they are shown."""
        if kind == "picks":
            return _items(case)
        return listed_orders(case) if kind == "listed_order" else ()

    def matters(self, case: Case, state: State) -> list[Fact]:
        """See `matters`."""
        return matters(case, state)

    def facts(self, case: Case) -> list[Fact]:
        """See `facts`."""
        return facts(case)

    def sections(self, case: Case, *, unveiled: bool) -> list[Section]:
        """See `sections`."""
        return sections(case, unveiled)

    def done(self, case: Case) -> list[Fact]:
        """Every return that was opened."""
        return [
            (
                f"Tracking id {line.tracking_id}",
                f"{line.quantity} × {case.name_of(line.item_id)}, "
                f"refund {money(line.refund, line.currency)}",
            )
            for line in case.opened
        ]

    def ids(self, case: Case) -> list[str]:
        """The tracking ids."""
        return [line.tracking_id for line in case.opened]


# -- what can be chosen -----------------------------------------------------------------------


def listed_orders(case: Case) -> tuple[Listed, ...]:
    """The open orders as they are shown."""
    return tuple(
        Listed(
            f"{order['order_id']}{', ' + order['date'] if order['date'] else ''}",
            tuple(
                f"{line['quantity']} × {line['description']}"
                f"{' (' + line['status'] + ')' if line['status'] else ''}"
                for line in order["lines"]
            ),
        )
        for order in order_scope(case)["orders"]
    )


def _items(case: Case) -> tuple[Listed, ...]:
    order = case.order
    if order is None:
        return ()
    listed = []
    for choice in item_choices(case):
        lines = eligibility.lines_of(order, choice.ident)
        ordered, taken = eligibility.ordered_units(order, choice.ident), case.taken(choice.ident)
        prices = dict.fromkeys(money(line.unit_price, line.currency) for line in lines)
        parts = [choice.ident, f"{ordered} ordered", f"{' or '.join(prices)} each"]
        if taken:
            parts.append(f"{taken} in a return already")
        details = [" · ".join(parts)]
        if choice.ident in case.items:
            details.append(verdict_words(case.decide(choice.ident, max(1, choice.available))))
        listed.append(Listed(choice.words, tuple(details)))
    return tuple(listed)


# -- what is known ----------------------------------------------------------------------------


def outcome_words(case: Case, line: Line) -> str:
    """What became of a confirmed line (rule 27)."""
    refund = f", refund {money(line.refund, line.currency)}"
    return {
        "waiting": "not sent yet",
        "requested": "sent, no answer yet",
        "opened": f"opened, tracking id {line.tracking_id}{refund}",
        "refused": f"refused by the shop: {line.message}",
        "failed": f"not sent: {line.message}",
        "not_done": "not opened; the shop could not be reached",
        "unknown": f"outcome unknown: {line.message}",
        "left": f"outcome unknown, left open (key {line.key})",
    }[line.state]


def facts(case: Case) -> list[Fact]:
    """All that is known in the call so far."""
    found = [("E-mail", case.email)] if case.email else []
    found += customer_facts(case)
    if case.customer is not None:
        open_orders = ", ".join(case.customer.active_orders) or "none"
        found.append(("Open orders", open_orders))
    found += failed_orders(case) + order_facts(case) + _eligibility(case) + _lines(case)
    if case.transfer_summary:
        found.append(("Transfer", case.transfer_summary))
    decided = f"{eligibility.day_words(case.policy_date)}, {case.zone}"
    found.append(("Decided under", decided))
    return found


def matters(case: Case, state: State) -> list[Fact]:
    """What is known and matters in that state."""
    if state.owes == "refusals":
        return _eligibility(case)
    if case.lines and state.step == "5":
        return _lines(case)
    if state.step == "3":
        return customer_facts(case) + failed_orders(case)
    if state.step == "4a":
        return customer_facts(case) + order_facts(case)
    if state.step == "6":
        return _lines(case)
    return customer_facts(case) + [
        ("Return", f"{case.name_of(line.item_id)}: {outcome_words(case, line)}")
        for line in case.opened
    ]


def customer_facts(case: Case) -> list[Fact]:
    """Who was identified, with what is for the agent's eyes only (rule 15)."""
    customer = case.customer
    if customer is None:
        return []
    name = f"{customer.first_name} {customer.last_name}".strip() or "no name recorded"
    found = [("Customer", f"{name} ({customer.customer_id})")]
    if customer.is_fraud_flag:
        found.append(("For you only", "suspected fraud is noted; it changes nothing here"))
    return found


def order_facts(case: Case) -> list[Fact]:
    """The selected order."""
    order = case.order
    if order is None:
        return []
    day = order_scope(case)["order"]["date"]
    payment = f", payment {order.payment_status}" if order.payment_status else ""
    return [("Order", f"{order.order_id}{f' of {day}' if day else ''}{payment}")]


def failed_orders(case: Case) -> list[Fact]:
    """The open orders that could not be loaded (rule 24)."""
    failed = case.summary.failed if case.summary else ()
    return [("Not loaded", f"{order.order_id}: {order.reason}") for order in failed]


def _eligibility(case: Case) -> list[Fact]:
    if case.pending_items() or case.pending_packages():
        return [
            ("Chosen", f"{count} × {case.name_of(item_id)}")
            for item_id, count in case.wanted().items()
        ]
    return [
        ("Checked", f"{decision.wanted} × {decision.description}: {verdict_words(decision)}")
        for decision in case.decisions()
    ]


def _lines(case: Case) -> list[Fact]:
    return [
        (
            "Return",
            f"{line.quantity} × {case.name_of(line.item_id)} ({line.reason}): "
            f"{outcome_words(case, line)}",
        )
        for line in case.all_lines
    ]


# -- the facts, grouped, for the full screen --------------------------------------------------


def sections(case: Case, unveiled: bool) -> list[Section]:
    """All that is known, in groups."""
    found = [
        Section(CUSTOMER, customer_lines(case, unveiled)),
        Section("For you only", agent_lines(case)),
        Section("Returns", _return_lines(case)),
        Section("Items", _item_lines(case)),
        Section("Order", order_lines(case)),
        *last_sections(case),
    ]
    return [section for section in found if section.lines]


def last_sections(case: Case) -> list[Section]:
    """The transfer, and the day and zone of the decision."""
    return [
        Section("Transfer", ((case.transfer_summary,),) if case.transfer_summary else ()),
        Section("Decided under", ((f"{eligibility.day_words(case.policy_date)}, {case.zone}",),)),
    ]


def customer_lines(case: Case, unveiled: bool) -> tuple[tuple[str, ...], ...]:
    """Who calls (rule 38)."""
    customer = case.customer
    if customer is None:
        email = case.email if unveiled else veiled_email(case.email)
        return ((f"not identified; {email}",),) if case.email else ()
    if unveiled:
        name = f"{customer.first_name} {customer.last_name}".strip()
        email, phone = customer.email or case.email, customer.phone_number
    else:
        name = veiled_name(customer.first_name, customer.last_name)
        email = veiled_email(customer.email or case.email)
        phone = veiled_phone(customer.phone_number)
    lines = [f"{name or 'no name recorded'} ({customer.customer_id})", email, phone]
    opened = len(customer.active_orders)
    lines.append(f"{opened} open order{'' if opened == 1 else 's'}")
    return tuple((line,) for line in lines if line)


def agent_lines(case: Case) -> tuple[tuple[str, ...], ...]:
    """What is for the agent's eyes only (rule 15)."""
    if case.customer is not None and case.customer.is_fraud_flag:
        return (("suspected fraud is noted; it changes nothing here",),)
    return ()


def order_lines(case: Case) -> tuple[tuple[str, ...], ...]:
    """The selected order, and those that could not be loaded."""
    failed = case.summary.failed if case.summary else ()
    lines: list[tuple[str, ...]] = [
        (f"not loaded: {order.order_id}", order.reason) for order in failed
    ]
    order = case.order
    if order is None:
        return tuple(lines)
    day = order_scope(case)["order"]["date"]
    more = [f"payment {order.payment_status}"] if order.payment_status else []
    count = len({line.item_id for line in order.lines})
    more.append(f"{count} item{'' if count == 1 else 's'}")
    return ((f"{order.order_id}{f' of {day}' if day else ''}", " · ".join(more)), *lines)


def _item_lines(case: Case) -> tuple[tuple[str, ...], ...]:
    if case.order is None:
        return ()
    wanted = case.wanted()
    if not case.items and not wanted:
        return ()
    looking = set(case.pending_items()) if wanted else set()
    waits = bool(looking or case.pending_packages())
    of_order = {line.item_id for line in case.order.lines}
    seen = [item_id for item_id in case.items if item_id not in wanted and item_id in of_order]
    lines: list[tuple[str, ...]] = []
    for item_id, count in [*wanted.items(), *((item, 0) for item in seen)]:
        chosen = f"{count} × " if count else ""
        if item_id in looking or (waits and count):
            lines.append((f"{chosen}{case.name_of(item_id)}", "chosen, not checked yet"))
            continue
        if any(line.item_id == item_id for line in case.lines):
            # What became of it stands among the returns; only the rest could still go back.
            continue
        decision = case.decide(item_id, count or max(1, available_units(case, item_id)))
        passes = eligibility.would_pass(case.order, case.items.get(item_id), decision, case.zone)
        mark = "✓" if not decision.reasons else "◐" if decision.granted else "✗"
        below = [verdict_words(decision)]
        if decision.reasons and passes:
            below.append(passes)
        lines.append((f"{mark} {chosen}{case.name_of(item_id)}", *below))
    return tuple(lines)


def _return_lines(case: Case) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            f"{line.quantity} × {case.name_of(line.item_id)} ({line.reason})",
            outcome_words(case, line),
        )
        for line in case.all_lines
    )
