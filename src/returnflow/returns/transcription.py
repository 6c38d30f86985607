"""Recorded tool calls read as a call about a return: the answers behind them, and what is missing.

A log of tool calls shows what was looked up and sent, not what the customer said. What was said
is inferred from the arguments, in the customer's and the agent's favour: the machine is told
the answers under which the calls are in order, if there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from returnflow.engine.transcript import Answered, Presentation, ToolCall
from returnflow.engine.vocabulary import Due, Event
from returnflow.inert import fold
from returnflow.records import Order, SummaryLine
from returnflow.redacted import NOT_RECORDED, NOT_RECORDED_UNITS, hidden
from returnflow.returns import events as ev
from returnflow.returns import recorded
from returnflow.returns.case import Case
from returnflow.returns.eligibility import lines_of
from returnflow.returns.guards import GUARDS
from returnflow.returns.line import Line
from returnflow.returns.missing import supply
from returnflow.returns.shopvalues import same_id
from returnflow.returns.telling import refusal

MOST_DIGITS = 30
"""Digits of a number in the arguments of a call; what is longer is none (rule 40)."""

INITIATE = "initiate_return"
LOOK_UPS = ("get_item_details", "get_package_details")


class Transcription:
    """The transcription of ``vocabulary: returns``."""

    unnoticed: tuple[str, ...] = (
        "return_requested",
        "return_opened",
        "transfer_requested",
        "order_unrecognised",
        "left_unconfirmed",
        "retry_requested",
    )

    def outcome(self, call: ToolCall) -> Event | None:
        """See `recorded.outcome`."""
        return recorded.outcome(call)

    def infer(self) -> Inference:
        """See `Inference`."""
        return Inference()

    def supply(self, name: str, case: Case, ahead: Sequence[Event]) -> Event | None:
        """See `missing.supply`."""
        return supply(name, case, ahead)

    def subject(self, event: Event) -> tuple[str, str] | None:
        """The operation and the id that the outcome of a look-up is about."""
        match event:
            case ev.CustomerFound(customer=customer):
                return "get_customer_by_email", fold(customer.customer_id)
            case ev.OrdersSummarized():
                return "summarize_orders", ""
            case ev.OrderFound(order=order):
                return "get_order_details", fold(order.order_id)
            case ev.OrderMissing(order_id=order_id):
                return "get_order_details", fold(order_id)
            case ev.ItemFound(item=item):
                return "get_item_details", item.item_id
            case ev.ItemMissing(item_id=item_id):
                return "get_item_details", item_id
            case ev.PackageFound(package=package):
                return "get_package_details", package.package_id
            case ev.PackageMissing(package_id=package_id):
                return "get_package_details", package_id
        return None

    def own(self, before: Case, after: Case, event: Event) -> bool:
        """Items and packages of the selected order, that order itself, and the open orders of
        the customer identified."""
        match event:
            case ev.OrdersSummarized():
                return before.customer is not None
            case ev.OrderFound(order=order):
                return (
                    before.customer is not None
                    and before.order is not None
                    and fold(before.order.order_id) == fold(order.order_id)
                )
            case ev.ItemFound() | ev.ItemMissing() if before.order is not None:
                return GUARDS["item_of_order"].test(after, event) is not False
            case ev.PackageFound() | ev.PackageMissing() if before.order is not None:
                return GUARDS["package_of_order"].test(after, event) is not False
        return False

    def refused(self, case: Case) -> Sequence[Due]:
        """The refusals of what was looked up and may not go back, where a call shows no choice of
        items at all: what was looked up is then what was asked for (rules 13, 14)."""
        order = case.order
        if order is None or case.picks or case.all_lines:
            return []
        found = [item_id for item_id in case.items if case.may_return(item_id, 1) is False]
        decisions = [case.decide(item_id, 1) for item_id in found if lines_of(order, item_id)]
        return [refusal(case, each.advice, each) for each in decisions if each.advice]

    def presented(self, case: Case, event: Event) -> Sequence[Presentation]:
        """The orders with their items (step 2), and the items of the order (step 4a)."""
        match event:
            case ev.OrdersSummarized(orders=orders):
                return [
                    Presentation(what=f"order {order.order_id}", texts=_named(order.items))
                    for order in orders
                ]
            case ev.OrderFound(order=order) if GUARDS["own_order"].test(case, event) is not False:
                return [
                    Presentation(what=f"item {line.item_id}", texts=_named([line, *listed]))
                    for line in order.lines
                    if not hidden(line.item_id)
                    for listed in [_listed(case, order.order_id, line.item_id)]
                ]
        return ()


def _listed(case: Case, order_id: str, item_id: str) -> list[SummaryLine]:
    """The item as the summary of the open orders had it; orders themselves may hold no names."""
    orders = case.summary.orders if case.summary is not None else ()
    return [
        item
        for order in orders
        if order.order_id == order_id
        for item in order.items
        if item.item_id == item_id
    ]


def _named(lines: Iterable[Any]) -> tuple[str, ...]:
    texts = [text for line in lines for text in (line.description, line.item_id)]
    return tuple(text for text in texts if text and not hidden(text))


class Inference:
    """See the module. Remembers the orders that were shown, since facts once known need no
    second look-up: an order comes back as it was, less what was returned of it since."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        # A look-up of an item or a package failed: the procedure goes back to the choice.
        self._fell = False

    def reconciled(self, case: Case, outcome: Event) -> Event:
        """The outcome with the ids that the call knows: in dirty data an order names its owner
        under another spelling (rule 21: once the ids are reconciled)."""
        if isinstance(outcome, ev.OrderFound) and case.customer is not None:
            owner, known = outcome.order.customer_id, case.customer.customer_id
            if owner != known and not hidden(owner) and same_id(owner, known):
                order = msgspec.structs.replace(outcome.order, customer_id=known)
                return msgspec.structs.replace(outcome, order=order)
        if isinstance(outcome, ev.ItemFound):
            spelled = _spelled(case.order, outcome.item.item_id)
            if spelled != outcome.item.item_id:
                item = msgspec.structs.replace(outcome.item, item_id=spelled)
                return msgspec.structs.replace(outcome, item=item)
        return outcome

    def before(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> Sequence[Event]:
        """The answers that must have come before a call; see the protocol."""
        if isinstance(now.outcome, ev.OrderFound):
            found = self.reconciled(case, now.outcome)
            assert isinstance(found, ev.OrderFound)  # noqa: S101 (only its ids can change)
            self._orders[fold(found.order.order_id)] = found.order
        answers = self._answers(case, now, ahead)
        if now.call.operation in LOOK_UPS:
            self._fell = isinstance(now.outcome, ev.BackendFailed)
        return answers

    def _answers(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> Sequence[Event]:
        match now.call.operation:
            case "get_customer_by_email":
                return self._email(case, now)
            case "summarize_orders":
                return self._summary(case, ahead)
            case "get_order_details":
                return self._order(case, now)
            case "get_item_details" | "get_package_details":
                return self._look_up(case, now, ahead)
            case "initiate_return":
                return self._initiate(case, now, ahead)
            case "transfer_to_human_representative":
                return self._transfer(case, now.call)
        return ()

    # -- steps 1 to 3 -------------------------------------------------------------------------

    def _email(self, case: Case, now: Answered) -> list[Event]:
        email = text_of(now.call, "email")
        found = now.outcome.customer if isinstance(now.outcome, ev.CustomerFound) else None
        again = case.customer is not None and (
            fold(email) == fold(case.email)
            if not hidden(email)
            else found is None or found.customer_id == case.customer.customer_id
        )
        return [] if again else [ev.EmailGiven(email=email, inferred=True)]

    def _summary(self, case: Case, ahead: Sequence[Answered]) -> list[Event]:
        if case.customer is None or case.lines:
            return []
        if case.order is None:
            return [] if case.summary is not None else [ev.OrderIdUnknown(inferred=True)]
        # With an order at hand: the customer changed their mind only if another one follows.
        following = next(
            (each.call for each in ahead if each.call.operation != "summarize_orders"), None
        )
        changed = (
            following is not None
            and following.operation == "get_order_details"
            and fold(text_of(following, "order_id")) != fold(case.order.order_id)
        )
        return [ev.OrderIdUnknown(inferred=True)] if changed and case.summary is None else []

    def _order(self, case: Case, now: Answered) -> list[Event]:
        order_id = text_of(now.call, "order_id")
        if hidden(order_id) and isinstance(now.outcome, ev.OrderFound):
            order_id = now.outcome.order.order_id
        if case.order is not None and same_id(order_id, case.order.order_id):
            return []
        return [*_leave_round(case), ev.OrderIdGiven(order_id=order_id, inferred=True)]

    # -- steps 4a and 4b ----------------------------------------------------------------------

    def _look_up(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> list[Event]:
        order = self._about(case, now.call)
        if order is None:
            return []
        key = "item_id" if now.call.operation == "get_item_details" else "package_id"
        subject = text_of(now.call, key)
        known = case.items if key == "item_id" else case.packages
        stands = bool(case.picks) and not case.lines and order is case.order
        if stands and self._fell:
            return [ev.ItemsPicked(picks=case.picks, inferred=True)]
        if stands or subject in known:
            return []
        if self._goes_elsewhere(order, ahead):
            picks: tuple[ev.Pick, ...] = ()  # several orders are looked at; the choice comes later
        else:
            picks = self._chosen(case, order, following_round(case, order, [now, *ahead]))
        if not picks:
            # Nobody can say what was picked, or that it was looked up too early.
            return self._select(case, order) if order is not case.order else []
        return [*self._select(case, order), ev.ItemsPicked(picks=picks, inferred=True)]

    def _chosen(
        self, case: Case, order: Order, lines: Sequence[ev.ReturnLine]
    ) -> tuple[ev.Pick, ...]:
        """The picks behind confirmed lines. Where more is sent than there is, that was not what
        the customer chose: it is held against the call that sent it."""
        found = []
        for pick in picks_of(lines):
            left = _left(case, order, pick.item_id)
            found.append(ev.Pick(pick.item_id, left) if pick.quantity > left > 0 else pick)
        return tuple(found)

    def _goes_elsewhere(self, order: Order, ahead: Sequence[Answered]) -> bool:
        """Whether something of another order is looked up before anything is initiated."""
        for each in ahead:
            if each.call.operation not in LOOK_UPS:
                return False
            if not _holds(order, each.call):
                return any(_holds(other, each.call) for other in self._orders.values())
        return False

    def _about(self, case: Case, call: ToolCall) -> Order | None:
        """The order that a look-up of an item or a package is about."""
        if case.order is None or _holds(case.order, call):
            return case.order
        if any(hidden(line.item_id) for line in case.order.lines):
            return case.order  # it may well hold it
        return next((o for o in self._own(case) if _holds(o, call)), case.order)

    def _own(self, case: Case) -> list[Order]:
        """The orders shown that are the customer's own."""
        mine = case.customer.customer_id if case.customer is not None else None
        return [order for order in self._orders.values() if order.customer_id == mine]

    def _select(self, case: Case, order: Order) -> list[Event]:
        """What brings `order` to the table, with what was returned of it in this call."""
        ended = any(line.state == "opened" for line in case.lines)
        if case.order is not None and order.order_id == case.order.order_id and not ended:
            return _leave_round(case)
        now = msgspec.structs.replace(
            order, lines=tuple(_less(case, order, n) for n in range(len(order.lines)))
        )
        return [
            *_leave_round(case),
            ev.OrderIdGiven(order_id=order.order_id, inferred=True),
            ev.OrderFound(order=now, inferred=True),
        ]

    # -- step 5 -------------------------------------------------------------------------------

    def _initiate(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> list[Event]:
        call = now.call
        line = line_of(call, case.order)
        sent = case.sent
        if sent is not None and _same_line(sent, line):
            return [ev.RetryRequested(inferred=True)]
        waiting = [each for each in case.lines if each.state == "waiting"]
        found: list[Event] = []
        if not any(_alike(ev.ReturnLine(w.item_id, 0, w.reason), line) for w in waiting):
            found += self._confirm(case, now, ahead)
        elif sent is not None:
            found.append(ev.LeftUnconfirmed(inferred=True))
        order_id = text_of(call, "order_id")
        stored = found_order(found) or case.order
        if stored is not None and same_id(order_id, stored.order_id):
            order_id = stored.order_id
        found.append(
            ev.ReturnRequested(
                order_id=order_id,
                item_id=line.item_id,
                quantity=line.quantity,
                reason=line.reason,
                note=line.note,
                inferred=True,
            )
        )
        return found

    def _confirm(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> list[Event]:
        """The customer's choice, where none stands, and their yes to the round that begins."""
        order_id = text_of(now.call, "order_id")
        order = case.order
        if order is not None and not same_id(order_id, order.order_id) and not hidden(order_id):
            own = self._own(case)
            order = next((each for each in own if same_id(each.order_id, order_id)), order)
        if order is None:
            return [ev.ReturnConfirmed(lines=(line_of(now.call, None),), inferred=True)]
        lines = following_round(case, order, [now, *ahead]) or [line_of(now.call, order)]
        found: list[Event] = []
        picked = {pick.item_id for pick in case.picks}
        here = order is case.order and not case.lines and not self._fell
        self._fell = False
        if not here or not {line.item_id for line in lines} <= picked:
            found += self._select(case, order)
            found.append(ev.ItemsPicked(picks=self._chosen(case, order, lines), inferred=True))
        return [*found, ev.ReturnConfirmed(lines=tuple(lines), inferred=True)]

    # -- step 6 -------------------------------------------------------------------------------

    def _transferred(self, case: Case, call: ToolCall) -> str | None:
        """The customer that a transfer names; before anyone is identified there is none to be
        sent (rule 35)."""
        known = case.customer.customer_id if case.customer is not None else None
        given = call.arguments.get("customer_id", NOT_RECORDED if known is not None else None)
        if given is None or (isinstance(given, str) and not given.strip()):
            return None
        text = text_of(call, "customer_id") if "customer_id" in call.arguments else NOT_RECORDED
        return known if known is not None and same_id(text, known) else text

    def _transfer(self, case: Case, call: ToolCall) -> list[Event]:
        summary = text_of(call, "summary_of_issues")
        customer_id = self._transferred(case, call)
        if case.transfer is not None:
            return [ev.RetryRequested(inferred=True)]  # its outcome is unknown: the same again
        asked: Event = ev.HumanRequested(summary=summary, inferred=True)
        if case.transfer_summary and not case.transferred:
            asked, summary = ev.RetryRequested(inferred=True), case.transfer_summary
        return [
            asked,
            ev.TransferRequested(
                customer_id=customer_id,
                summary=summary,
                inferred=True,
            ),
        ]


def _spelled(order: Order | None, item_id: str) -> str:
    """An item's id as the order spells it, where it is one of its items under another spelling."""
    ids = {line.item_id for line in order.lines} if order is not None else set()
    same = [each for each in ids if fold(each) == fold(item_id)]
    return same[0] if item_id not in ids and len(same) == 1 else item_id


def _holds(order: Order, call: ToolCall) -> bool:
    """Whether an item or a package that is looked up is of that order."""
    item_id, package_id = text_of(call, "item_id"), text_of(call, "package_id")
    return any(
        line.item_id == item_id or any(parcel.package_id == package_id for parcel in line.parcels)
        for line in order.lines
    )


def found_order(events: Sequence[Event]) -> Order | None:
    """The last order that the events bring to the table."""
    orders = [event.order for event in events if isinstance(event, ev.OrderFound)]
    return orders[-1] if orders else None


def _same_line(sent: Line, line: ev.ReturnLine) -> bool:
    """Whether a call sends again what was sent, as far as both are recorded (rule 29)."""
    pairs = ((sent.item_id, line.item_id), (sent.reason, line.reason))
    units = (sent.quantity, line.quantity)
    return all(one == other or hidden(one) or hidden(other) for one, other in pairs) and (
        units[0] == units[1] or NOT_RECORDED_UNITS in units
    )


def _alike(one: ev.ReturnLine, other: ev.ReturnLine) -> bool:
    """Whether two lines are of one item and one reason, as far as both are recorded."""
    pairs = ((one.item_id, other.item_id), (one.reason, other.reason))
    return all(a == b or hidden(a) or hidden(b) for a, b in pairs)


# -- pieces -----------------------------------------------------------------------------------


def _leave_round(case: Case) -> list[Event]:
    """The answers that end the present round of returns."""
    found: list[Event] = []
    if case.sent is not None and case.sent.state != "requested":
        found.append(ev.LeftUnconfirmed(inferred=True))
    if any(line.state == "opened" for line in case.lines):
        found.append(ev.AnotherReturn(inferred=True))
    return found


def _less(case: Case, order: Order, number: int) -> Any:
    """A line of the order with the units of it that went back in this call."""
    line = order.lines[number]
    if line.returned is None or any(each.item_id == line.item_id for each in order.lines[:number]):
        return line
    here = [
        each.quantity
        for each in case.opened
        if (each.order_id, each.item_id) == (order.order_id, line.item_id)
    ]
    return msgspec.structs.replace(line, returned=line.returned + sum(max(0, n) for n in here))


def following_round(case: Case, order: Order, ahead: Sequence[Answered]) -> list[ev.ReturnLine]:
    """The lines that are initiated next for `order`, as far as one round reaches.

    It ends where something not yet looked up is looked up, another order or customer comes in,
    the same line is sent again, or more units are sent than there are.
    """
    lines: list[ev.ReturnLine] = []
    seen: set[tuple[str, str]] = set()
    units: dict[str, int] = {}
    for each in ahead:
        call = each.call
        if call.operation == INITIATE:
            order_id = text_of(call, "order_id")
            if not hidden(order_id) and not same_id(order_id, order.order_id):
                if lines:
                    break
                continue
            line = line_of(call, order)
            if any(_alike(known, line) for known in lines):
                break
            # More than there is in one round is rather another try at what was refused.
            units[line.item_id] = units.get(line.item_id, 0) + line.quantity
            if units[line.item_id] > max(line.quantity, _left(case, order, line.item_id)):
                break
            lines.append(line)
        elif call.operation in LOOK_UPS:
            subject = (call.operation, text_of(call, "item_id") + text_of(call, "package_id"))
            if lines and subject not in seen:
                break
            seen.add(subject)
        elif call.operation == "get_order_details":
            if not same_id(text_of(call, "order_id"), order.order_id):
                break
        elif call.operation is not None and (lines or call.operation == "get_customer_by_email"):
            break
    return lines


def _left(case: Case, order: Order, item_id: str) -> int:
    """Units of an item of the order that are in no return yet, as far as is known."""
    lines = [line for line in order.lines if line.item_id == item_id]
    if case.order is not None and case.order.order_id == order.order_id:
        taken = case.taken_at_least(item_id)[0]
    else:
        taken = sum(line.returned or 0 for line in lines)
    return sum(line.quantity for line in lines) - taken


def picks_of(lines: Iterable[ev.ReturnLine]) -> tuple[ev.Pick, ...]:
    """The picks behind confirmed lines: units of one item add up (rule 18)."""
    units: dict[str, int] = {}
    for line in lines:
        unknown = NOT_RECORDED_UNITS in (line.quantity, units.get(line.item_id))
        units[line.item_id] = (
            NOT_RECORDED_UNITS if unknown else units.get(line.item_id, 0) + line.quantity
        )
    return tuple(ev.Pick(item_id, quantity) for item_id, quantity in units.items())


def line_of(call: ToolCall, order: Order | None) -> ev.ReturnLine:
    """The line that a call of `initiate_return` sends, with the item as the order spells it."""
    return ev.ReturnLine(
        _spelled(order, text_of(call, "item_id")),
        _quantity(call.arguments.get("quantity")),
        text_of(call, "return_reason"),
        text_of(call, "note") if "note" in call.arguments else "",
    )


def _quantity(value: object) -> int:
    """A quantity as recorded; not recorded where there is none, 0 where it is no whole number."""
    if value is None:
        return NOT_RECORDED_UNITS
    if isinstance(value, str):
        if hidden(value):
            return NOT_RECORDED_UNITS
        if not value.isascii() or len(value) > MOST_DIGITS:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return 0
    try:
        units = Decimal(value.strip() if isinstance(value, str) else value)
    except (InvalidOperation, ValueError):
        return 0
    if not units.is_finite() or abs(units) >= 2**31 or units != units.to_integral_value():
        return 0
    return int(units)


def text_of(call: ToolCall, name: str) -> str:
    """An argument as text, trimmed; `NOT_RECORDED` where the log does not show it."""
    value = call.arguments.get(name)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MOST_DIGITS:
        return str(value)
    return NOT_RECORDED
