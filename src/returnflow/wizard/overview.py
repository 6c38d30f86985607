"""A call seen as a whole: its way through the procedure, and all facts, grouped.

For front ends that have room beside the question. Like a turn it is made from the session and
its journal alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from returnflow.engine.definition import Definition
from returnflow.engine.journal import Entry, visible
from returnflow.engine.run import Run
from returnflow.engine.session import Session
from returnflow.masking import veiled_email, veiled_name, veiled_phone
from returnflow.returns import eligibility
from returnflow.returns.case import Case
from returnflow.returns.telling import money, scope
from returnflow.wizard.turn import Fact, Turn, available_units, outcome_words, verdict_words

Mark = Literal["done", "now", "ahead"]

SENT = "sent: stays so"
NOT_SENT = "nothing sent yet"
"""What stands at the commit horizon (rule 32)."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A step of the procedure on the way of a call."""

    key: str
    title: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Journey:
    """The way of a call.

    Args:
        stops: the steps of the procedure, in order.
        horizon: the number of stops before the commit horizon.
        sent: something was sent, so that no answer before it can be taken back.
    """

    stops: tuple[Stop, ...]
    horizon: int
    sent: bool


def journey(run: Run) -> Journey:
    """Where the call came through, where it is, and what may still come."""
    definition = run.session.definition
    now = run.session.state.step
    been = _steps_seen(definition, run.log.entries)
    kept = [step for step in definition.steps if step not in _ends(definition)]
    stops = tuple(
        Stop(
            step,
            definition.steps[step],
            "now" if step == now else "done" if step in been else "ahead",
        )
        for step in kept
    )
    writes = {state.step for state in definition.states.values() if state.is_write}
    horizon = next((n for n, step in enumerate(kept) if step in writes), len(kept))
    return Journey(stops, horizon, run.horizon is not None)


def _steps_seen(definition: Definition, entries: Sequence[Entry]) -> set[str]:
    states = {entry.state for entry in visible(entries)} | {definition.initial}
    return {definition.states[name].step for name in states}


def _ends(definition: Definition) -> set[str]:
    """The steps that no state but an end belongs to."""
    going = {state.step for state in definition.states.values() if state.kind != "end"}
    return {step for step in definition.steps if step not in going}


# -- the facts, grouped -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """A group of facts: each a line, with lines that belong to it below."""

    title: str
    lines: tuple[tuple[str, ...], ...]


def sections(session: Session, *, unveiled: bool) -> list[Section]:
    """All that is known in the call.

    Args:
        unveiled: the customer's name, address and number are shown in full (rule 38).
    """
    case: Case = session.case
    found = [
        Section("Customer", _customer(case, unveiled)),
        Section("For you only", _for_the_agent(case)),
        Section("Returns", _returns(case)),
        Section("Items", _items(case)),
        Section("Order", _order(case)),
        Section("Transfer", ((case.transfer_summary,),) if case.transfer_summary else ()),
        Section("Decided under", ((f"{eligibility.day_words(case.policy_date)}, {case.zone}",),)),
    ]
    return [section for section in found if section.lines]


def matters(turn: Turn, session: Session, *, unveiled: bool) -> list[Fact]:
    """What a turn has to tell of the facts, with the customer veiled unless asked for."""
    veiled = _customer(session.case, unveiled)
    return [
        (label, veiled[0][0]) if label == "Customer" and veiled else (label, text)
        for label, text in turn.known
    ]


def _customer(case: Case, unveiled: bool) -> tuple[tuple[str, ...], ...]:
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


def _for_the_agent(case: Case) -> tuple[tuple[str, ...], ...]:
    if case.customer is not None and case.customer.is_fraud_flag:
        return (("suspected fraud is noted; it changes nothing here",),)
    return ()


def _order(case: Case) -> tuple[tuple[str, ...], ...]:
    failed = case.summary.failed if case.summary else ()
    lines: list[tuple[str, ...]] = [
        (f"not loaded: {order.order_id}", order.reason) for order in failed
    ]
    order = case.order
    if order is None:
        return tuple(lines)
    day = scope(case)["order"]["date"]
    more = [f"payment {order.payment_status}"] if order.payment_status else []
    count = len({line.item_id for line in order.lines})
    more.append(f"{count} item{'' if count == 1 else 's'}")
    return ((f"{order.order_id}{f' of {day}' if day else ''}", " · ".join(more)), *lines)


def _items(case: Case) -> tuple[tuple[str, ...], ...]:
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


def _returns(case: Case) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            f"{line.quantity} × {case.name_of(line.item_id)} ({line.reason})",
            outcome_words(case, line),
        )
        for line in case.all_lines
    )


# -- a call that is over ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A finished call.

    Args:
        title: the end's title.
        say: the last words to say, or "".
        outcome: what came of the call.
        returns: what was opened: the tracking id, and what it is of.
        notes: as they were kept.
        minutes: how long it took, as it is read.
    """

    title: str
    say: str
    outcome: str
    returns: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    minutes: str
    case_id: str


def wrap_up(run: Run, now: datetime) -> WrapUp:
    """What is to be seen of a call that came to its end."""
    session, case = run.session, run.session.case
    state = session.state
    began = run.log.header.started_at
    last = run.log.entries[-1].at if run.log.entries else now
    seconds = max(0, round((last - began).total_seconds()))
    return WrapUp(
        title=state.title,
        say=session.words(state.say) if state.say else "",
        outcome=session.words(state.end) if state.end else "",
        returns=tuple(
            (
                line.tracking_id,
                f"{line.quantity} × {case.name_of(line.item_id)}, "
                f"refund {money(line.refund, line.currency)}",
            )
            for line in case.opened
        ),
        notes=tuple(entry.text for entry in run.log.entries if entry.kind == "noted"),
        minutes=f"{seconds // 60} min {seconds % 60:02} s",
        case_id=run.log.header.case_id,
    )


def wrap_up_lines(over: WrapUp) -> list[str]:
    """A finished call in lines."""
    lines = [over.outcome] if over.outcome else []
    lines += [f"Tracking id {tracking}: {what}" for tracking, what in over.returns]
    lines.append(f"Duration: {over.minutes}")
    lines += [f"Note: {note}" for note in over.notes]
    lines.append(f"Case {over.case_id}")
    return lines
