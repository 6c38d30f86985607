"""The facts of one call about a return, computed from its events and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from returnflow.records import Customer, Item, Order, OrdersSummary, Package
from returnflow.redacted import hidden
from returnflow.returns import certainty, eligibility
from returnflow.returns import events as ev
from returnflow.returns.changes import CHANGES
from returnflow.returns.line import ADVICES, NOTICES, TAKEN, UNSETTLED, Line, Sale


class Case:
    """See the module. `copy` is cheap; `apply` works in place and never looks at a state.

    Attributes:
        summary: the open orders as last listed; None before.
        gone_through: the customer has heard of the open orders and recognised none.
        wanted_order: the order id as the customer gave it.
        items, packages: what was looked up; None for what the shop does not know.
        lines: this round's confirmed lines; earlier rounds of the call are in `earlier`.
        transfer: a transfer that was sent and whose outcome is not settled.
        transfer_doubtful: it was sent at least once without anybody knowing what came of that.
        transfer_repeated: a transfer was requested while another was under way; None: perhaps.
        transferred: a transfer was accepted.
        transfer_unclear: it is not recorded whether the failure of the transfer was known.
        unexplained: the choice before this one held refusals that the customer never heard;
            None: perhaps it did.
        lines_hidden: the selected order has a line of which the item is not recorded.
        unasked: the last outcome of a write came without a request.
        dated: the policy date is known; a recorded call may not show it, a live one always does.
    """

    # What follows from the facts is kept beside them, so that facts can be compared as they are.
    __slots__ = ("__dict__", "_decided")

    _decided: tuple[eligibility.Decision, ...] | None

    def __init__(self, policy_date: date | None, zone: str) -> None:
        self.policy_date = policy_date or date.min
        self.dated = policy_date is not None
        self.zone = zone
        self.email = ""
        self.ambiguous = 0
        self.customer: Customer | None = None
        self.summary: OrdersSummary | None = None
        self.gone_through = False
        self.wanted_order = ""
        self.order: Order | None = None
        self.lines_at_fetch = 0
        self.lines_hidden = False
        self.picks: tuple[ev.Pick, ...] = ()
        self.items: Mapping[str, Item | None] = {}
        self.packages: Mapping[str, Package | None] = {}
        self.told: frozenset[tuple[str, str]] = frozenset()
        self.lines: list[Line] = []
        self.earlier: Sequence[Line] = ()
        self.withdrawn = 0
        self.unasked = False
        self.unexplained: bool | None = False
        self.failure: ev.BackendFailed | None = None
        self.transfer: ev.TransferRequested | None = None
        self.transfer_doubtful = False
        self.transfer_summary = ""
        self.transfer_message = ""
        self.transfer_reference = ""
        self.transfer_repeated: bool | None = False
        self.transfer_unclear = False
        self.transferred = False
        self._decided = None

    def copy(self) -> Case:
        """An independent copy; what never changes is shared (see `changes`)."""
        twin = Case.__new__(Case)
        twin.__dict__.update(self.__dict__)
        twin.lines = [msgspec.structs.replace(line) for line in self.lines] if self.lines else []
        twin._decided = self._decided
        return twin

    def apply(self, event: Any) -> None:
        """Takes the facts of `event` in; an event without facts changes nothing."""
        kind = type(event)
        change = CHANGES.get(kind)
        if change is not None:
            change(self, event)
            if kind is not ev.Told:  # what was said decides nothing
                self._decided = None

    # -- what follows from the facts ----------------------------------------------------------

    @property
    def all_lines(self) -> list[Line]:
        """Every line confirmed in this call, in order."""
        return [*self.earlier, *self.lines]

    @property
    def opened(self) -> list[Line]:
        """Every return opened in this call, in order."""
        if not (self.lines or self.earlier):
            return []
        return [line for line in self.all_lines if line.state == "opened"]

    @property
    def unsettled(self) -> list[Line]:
        """Every line that was sent and of which nobody knows whether it was opened (rule 29)."""
        return [line for line in self.all_lines if line.state in UNSETTLED]

    @property
    def sent(self) -> Line | None:
        """The line whose request was sent and whose outcome is not settled."""
        for line in self.lines:
            if line.state in ("requested", "unknown", "failed"):
                return line
        return None

    @property
    def next_line(self) -> Line | None:
        """The next line that is to be requested."""
        return next((line for line in self.lines if line.state == "waiting"), None)

    def name_of(self, item_id: str) -> str:
        """What people call an item: the order's words for it, the shop's, or its id."""
        lines = eligibility.lines_of(self.order, item_id) if self.order else ()
        item = self.items.get(item_id)
        named = [line.description for line in lines]
        named.append(item.description if item is not None else "")
        return next((words for words in named if words and not hidden(words)), item_id)

    def taken(self, item_id: str) -> int | None:
        """Units of the selected order's item that are in a return, this call's included.

        The order says what it knew when it was fetched; what this call has opened, or may have
        opened, since then is added (rule 17). None where the order does not say.
        """
        if self.order is None:
            return None
        known = eligibility.returned_units(self.order, item_id)
        if known is None or not (self.lines or self.earlier):
            return known
        # An order fetched since may not show yet what is unsettled, and may still be done.
        for line in self.all_lines[: self.lines_at_fetch]:
            same = (line.order_id, line.item_id) == (self.order.order_id, item_id)
            if same and line.state in UNSETTLED:
                known = max(known, line.taken_before + line.quantity)
        here = [
            line.quantity
            for line in self.all_lines[self.lines_at_fetch :]
            if line.state in TAKEN
            and (line.order_id, line.item_id) == (self.order.order_id, item_id)
        ]
        return known + sum(here)

    def taken_at_least(self, item_id: str) -> tuple[int, bool]:
        """Units of the item that are surely in a return, and whether those are all of them."""
        known = self.taken(item_id)
        if known is not None:
            return known, True
        if self.order is None:
            return 0, False
        here = [
            line.quantity
            for line in self.opened
            if (line.order_id, line.item_id) == (self.order.order_id, item_id)
        ]
        return sum(max(0, quantity) for quantity in here), False

    @property
    def decision_day(self) -> date:
        """The policy date; where it is not known, the order's own day, on which no window has
        closed. What hangs on the date is then told by `may_return`."""
        if self.dated or self.order is None:
            return self.policy_date
        return eligibility.calendar_day(self.order.order_date, self.zone) or self.policy_date

    def wanted(self) -> dict[str, int]:
        """Units picked by item, in the order of picking (rule 18: two picks add up)."""
        picks = self.picks
        if len(picks) == 1:
            return {picks[0].item_id: picks[0].quantity}
        units: dict[str, int] = {}
        for pick in picks:
            units[pick.item_id] = units.get(pick.item_id, 0) + pick.quantity
        return units

    def pending_items(self) -> list[str]:
        """Items picked whose details are still to be looked up."""
        return [
            item_id
            for item_id in self.wanted()
            if item_id not in self.items and not hidden(item_id)
        ]

    def pending_packages(self) -> list[str]:
        """Packages whose look-up can still change an answer (rule 12: never an empty id)."""
        if self.order is None:
            return []
        owed: dict[str, None] = {}
        for item_id in self.wanted():
            if item_id in self.items and not eligibility.item_reasons(
                self.order, self.items[item_id], self.decision_day, self.zone
            ):
                for package_id in self._not_looked_up(item_id):
                    if not hidden(package_id):
                        owed[package_id] = None
        return list(owed)

    def packages_doubtful(self) -> bool:
        """Whether the facts cannot tell that no package of the picks is still to be looked up."""
        if self.order is None:
            return False
        day = self.policy_date if self.dated else None
        unseen = self.lines_hidden
        for item_id in self.wanted():
            if hidden(item_id) or (unseen and not eligibility.lines_of(self.order, item_id)):
                return True
            if item_id in self.items and self._not_looked_up(item_id):
                told = certainty.item_verdict(self.order, item_id, self.items, day, self.zone)
                if told is not False:
                    return True
        return False

    def _not_looked_up(self, item_id: str) -> list[str]:
        """Packages that hold units of the item and were not looked up."""
        lines = eligibility.lines_of(self.order, item_id) if self.order else ()
        packages = self.packages
        return [
            parcel.package_id
            for line in lines
            for parcel in line.parcels
            if parcel.package_id and parcel.package_id not in packages
        ]

    def decide(self, item_id: str, wanted: int) -> eligibility.Decision:
        """The decision on `wanted` units of an item of the selected order."""
        assert self.order is not None  # noqa: S101 (asked only once an order is selected)
        return eligibility.decide(
            self.order,
            item_id,
            wanted,
            self.items.get(item_id),
            self.packages,
            self.taken_at_least(item_id)[0],
            self.decision_day,
            self.zone,
        )

    def may_return(self, item_id: str, quantity: int) -> bool | None:
        """Whether so many units of an item of the selected order may go back; None: unknown."""
        if self.order is None:
            return None
        return certainty.may_return(
            self.order,
            item_id,
            quantity,
            self.items,
            self.packages,
            self.taken_at_least(item_id),
            self.policy_date if self.dated else None,
            self.zone,
        )

    def decisions(self) -> tuple[eligibility.Decision, ...]:
        """The decision on every item picked, in the order of picking. It is kept until the next
        event, since several conditions and what is said ask for it."""
        if self._decided is None:
            picked = self.wanted().items() if self.order is not None else ()
            self._decided = tuple([self.decide(item_id, wanted) for item_id, wanted in picked])
        return self._decided

    def owed_refusals(self) -> list[eligibility.Decision]:
        """Refusals not yet explained to the customer (rule 14)."""
        return [
            decision
            for decision in self.decisions()
            if decision.advice and (decision.advice, decision.item_id) not in self.told
        ]

    def refusals_owed(self) -> bool | None:
        """Whether a refusal is still to be explained. None: what speaks for one of the items was
        not recorded, so that perhaps nothing was refused."""
        if not self.picks:
            return False
        owed = self.owed_refusals()
        if not owed:
            return False
        certain = any(
            self.may_return(each.item_id, each.wanted) is False
            and not self._explained_somehow(each.item_id)
            for each in owed
        )
        return True if certain else None

    def _explained_somehow(self, item_id: str) -> bool:
        """Whether something was explained of the item, or may have been, and it is not recorded
        enough to tell whether it was the right thing."""
        about = [notice for notice, subject in self.told if subject == item_id or hidden(subject)]
        if not any(notice in ADVICES or hidden(notice) for notice in about):
            return False
        item = self.items.get(item_id)
        window = item.policy.return_window if item is not None and item.policy else None
        dates = [self.order.order_date if self.order else "", window or ""]
        dates += [each.estimated_delivery_date for each in self.packages.values() if each]
        unseen = [text for text in dates if hidden(text)]
        unsaid = any(hidden(notice) or hidden(subject) for notice, subject in self.told)
        return not self.dated or bool(unseen) or unsaid or item_id not in self.items

    def notices_owed(self) -> bool | None:
        """Whether a notice is still to be given. None: what was said, or of which return, is not
        recorded."""
        owed = self.owed_notices()
        if not owed:
            return False
        blind = any(hidden(notice) or hidden(subject) for notice, subject in self.told)
        return None if blind or any(hidden(line.subject) for _, line in owed) else True

    def packages_owed(self) -> bool | None:
        """Whether a package that can still change an answer is to be looked up (rule 12)."""
        pending = self.pending_packages()
        if not pending:
            return None if self.packages_doubtful() else False
        if any(hidden(package_id) for package_id in self.packages) or self.order is None:
            return None
        day = self.policy_date if self.dated else None
        certain = any(
            certainty.item_verdict(self.order, item_id, self.items, day, self.zone) is True
            and set(self._not_looked_up(item_id)) & set(pending)
            for item_id in self.wanted()
        )
        return True if certain or not self._anything_hidden() else None

    def _anything_hidden(self) -> bool:
        """Whether a fact that speaks for or against a pick is not recorded."""
        if self.order is None or not self.dated or hidden(self.order.order_date):
            return True
        items = [self.items.get(item_id) for item_id in self.wanted()]
        policies = [item.policy for item in items if item is not None and item.policy]
        return any(hidden(policy.return_window or "") for policy in policies)

    def owed_notices(self) -> list[tuple[str, Line]]:
        """Notices not yet given, return by return (rule 33)."""
        return [
            (notice, line)
            for line in self.opened
            for notice in NOTICES
            if (notice, line.subject) not in self.told
        ]

    def sale_of(self, line: Line) -> Sale | None:
        """What the refund of a line that is about to be sent hangs on; None without an order.

        Lines of the same item that come before it take the first units, in whatever order the
        lines are sent.
        """
        order = self.order
        if order is None:
            return None
        taken = eligibility.returned_units(order, line.item_id) or 0
        for other in self.all_lines[self.lines_at_fetch :]:
            if other is line:
                break
            same = (other.order_id, other.item_id) == (line.order_id, line.item_id)
            if same and other.state in ("waiting", *TAKEN):
                taken += other.quantity
        return Sale(order, self.packages, taken)

    def refund_of(self, line: Line) -> tuple[Decimal | None, str]:
        """What the customer gets back for a line that is about to be sent, and its currency."""
        sale = self.sale_of(line)
        if sale is None:
            return None, ""
        return sale.refund(line.item_id, line.quantity), sale.currency(line.item_id)

    def alike(self, other: Case) -> bool:
        """Whether the outlines are equal; most often that shows without making them."""
        if (
            self.email != other.email
            or self.wanted_order != other.wanted_order
            or self.gone_through != other.gone_through
            or self.items.keys() != other.items.keys()
            or self.packages.keys() != other.packages.keys()
        ):
            return False
        return self.__dict__ == other.__dict__ or self.outline() == other.outline()

    def outline(self) -> tuple[Any, ...]:
        """A small hashable summary: within one shop, and but for the policy date, calls with
        equal outlines have the same ways on. For walks that should not go the same way twice."""
        order = self.order
        decisions = () if self.pending_items() or self.pending_packages() else self.decisions()
        return (
            self.email,
            self.customer.customer_id if self.customer else None,
            self.summary and tuple(found.order_id for found in self.summary.orders),
            self.gone_through,
            self.wanted_order,
            order and order.order_id,
            order and tuple(self.taken(line.item_id) for line in order.lines),
            tuple(sorted(self.wanted().items())),
            tuple(sorted((key, found is None) for key, found in self.items.items())),
            tuple(sorted((key, found is None) for key, found in self.packages.items())),
            tuple((d.item_id, d.allowed, d.advice) for d in decisions),
            tuple(sorted(self.told)),
            tuple(
                (line.item_id, line.quantity, line.reason, line.state, line.doubtful)
                for line in self.lines
            ),
            tuple((line.item_id, line.state) for line in self.earlier),
            self.transfer is not None,
            self.transfer_doubtful,
            bool(self.transfer_summary),
        )
