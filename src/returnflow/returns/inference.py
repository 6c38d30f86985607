"""What was said in a recorded call about a return, inferred from the tool calls in it.

A log of tool calls shows what was looked up and sent, not what the customer said. What was said
is inferred from the arguments, in the customer's and the agent's favour: the machine is told
the answers under which the calls are in order, if there are any.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from returnflow.engine.transcript import Answered, ToolCall
from returnflow.engine.vocabulary import Event
from returnflow.inert import fold
from returnflow.records import Order
from returnflow.redacted import NOT_RECORDED, hidden
from returnflow.returns import events as ev
from returnflow.returns.arguments import holds, line_of, spelled, text_of
from returnflow.returns.case import Case
from returnflow.returns.rounds import (
    LOOK_UPS,
    alike,
    following_round,
    leave_round,
    less_returned,
    picks_of,
    same_line,
    units_left,
)
from returnflow.returns.shopvalues import same_id


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
            item_id = spelled(case.order, outcome.item.item_id)
            if item_id != outcome.item.item_id:
                item = msgspec.structs.replace(outcome.item, item_id=item_id)
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
        return [*leave_round(case), ev.OrderIdGiven(order_id=order_id, inferred=True)]

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
            left = units_left(case, order, pick.item_id)
            found.append(ev.Pick(pick.item_id, left) if pick.quantity > left > 0 else pick)
        return tuple(found)

    def _goes_elsewhere(self, order: Order, ahead: Sequence[Answered]) -> bool:
        """Whether something of another order is looked up before anything is initiated."""
        for each in ahead:
            if each.call.operation not in LOOK_UPS:
                return False
            if not holds(order, each.call):
                return any(holds(other, each.call) for other in self._orders.values())
        return False

    def _about(self, case: Case, call: ToolCall) -> Order | None:
        """The order that a look-up of an item or a package is about."""
        if case.order is None or holds(case.order, call):
            return case.order
        if any(hidden(line.item_id) for line in case.order.lines):
            return case.order  # it may well hold it
        return next((o for o in self._own(case) if holds(o, call)), case.order)

    def _own(self, case: Case) -> list[Order]:
        """The orders shown that are the customer's own."""
        mine = case.customer.customer_id if case.customer is not None else None
        return [order for order in self._orders.values() if order.customer_id == mine]

    def _select(self, case: Case, order: Order) -> list[Event]:
        """What brings `order` to the table, with what was returned of it in this call."""
        ended = any(line.state == "opened" for line in case.lines)
        if case.order is not None and order.order_id == case.order.order_id and not ended:
            return leave_round(case)
        now = msgspec.structs.replace(
            order, lines=tuple(less_returned(case, order, n) for n in range(len(order.lines)))
        )
        return [
            *leave_round(case),
            ev.OrderIdGiven(order_id=order.order_id, inferred=True),
            ev.OrderFound(order=now, inferred=True),
        ]

    # -- step 5 -------------------------------------------------------------------------------

    def _initiate(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> list[Event]:
        call = now.call
        line = line_of(call, case.order)
        sent = case.sent
        if sent is not None and same_line(sent, line):
            return [ev.RetryRequested(inferred=True)]
        waiting = [each for each in case.lines if each.state == "waiting"]
        found: list[Event] = []
        if not any(alike(ev.ReturnLine(w.item_id, 0, w.reason), line) for w in waiting):
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


def found_order(events: Sequence[Event]) -> Order | None:
    """The last order that the events bring to the table."""
    orders = [event.order for event in events if isinstance(event, ev.OrderFound)]
    return orders[-1] if orders else None
