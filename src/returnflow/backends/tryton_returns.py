"""Opening a return in Tryton, once per key, whatever is cut off and whoever else tries.

A return takes several calls there, and each is a transaction of its own:

    complaint: create → wait → approve (→ process)        the complaint makes a return sale
    sale:      quote → confirm (→ process)                the return sale makes a return shipment

**The claim.** The first call makes a complaint in draft that says everything: the order, the
lines, how many units, the reason, and in its reference the idempotency key. From then on it holds
its units (`tryton_units`). A repeat finds it by its key and goes on from where it stands, so a cut
anywhere is settled.

**Two at once.** Tryton's API has no unique key to lean on, and a record that another transaction
is about to commit cannot be seen. So:

1. Whoever has made a claim looks for rivals only after its own claim is committed. Of two, at
   least one sees the other.
2. Of several claims under one key the oldest goes on, and the others are cancelled. Of claims of
   different keys that want the same unit, the older goes on and cancels the younger one; a younger
   one gives way.
3. A claim that was approved in the meantime can no longer be cancelled; then it is the one that
   counts, however young, and the other gives way.
4. A claim is carried on by whoever made it. Another one who asks with the same key watches it, and
   takes it over when it has not moved for a while: then its maker is gone.

Rule 3 rests on a database that isolates transactions: that a complaint is approved or cancelled,
and never both, is decided by PostgreSQL. Tryton on SQLite does not isolate what a transaction reads
from what others write; but there, ids are given in the order of commits, so a younger claim always
sees an older one and never gets ahead. And it is there that rule 4 matters: two who process one
return at the same moment make two parcels of it, which PostgreSQL prevents.

So one key makes one return, and no unit goes back twice, among all who use this adapter. People
who work in Tryton itself at the same moment are not bound by it: what they enter between our last
look and the approval, a matter of milliseconds, is seen too late.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from returnflow.backends import tryton_orders as orders
from returnflow.backends import tryton_rows as rows
from returnflow.backends import tryton_units as units
from returnflow.backends.refusals import (
    check_ordered,
    check_return,
    check_same,
    refuse,
    too_few,
)
from returnflow.backends.tryton_reads import Reads
from returnflow.backends.tryton_rows import (
    Action,
    ActionLine,
    Complaint,
    Line,
    Sale,
)
from returnflow.backends.tryton_rpc import DeclinedError, Session, WarnedError
from returnflow.backends.tryton_sales import ENDED, ReturnSales
from returnflow.backends.tryton_units import FREED, MARK, OPEN, Hold, chosen
from returnflow.backends.tryton_writes import check_text, reference_of
from returnflow.errors import UnavailableError
from returnflow.records import ReturnReceipt

PATIENCE = 8.0
"""Seconds; a step takes a fraction of one."""

_GLANCE = 0.3
"""Seconds between two looks at a claim of somebody else's."""

MOST_STEPS = 24
"""A return needs about eight; more means that others keep interfering."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, in Tryton's terms."""

    reference: str
    sale: Sale
    lines: Sequence[Line]
    quantity: int
    complaint_type: int
    description: str


class Returns:
    """Opens returns.

    Args:
        types: the id of the complaint type for each of the five reasons.
        patience: seconds for which a claim of somebody else's is watched without a change, before
            it is taken over.
    """

    def __init__(
        self, session: Session, reads: Reads, types: Mapping[str, int], *, patience: float
    ) -> None:
        self._session = session
        self._sales = ReturnSales(session)
        self._reads = reads
        self._types = types
        self._patience = patience
        self._mine: set[int] = set()
        self._unanswered: set[str] = set()
        self._locks: dict[str, threading.Lock] = {}

    def initiate(
        self, order_id: str, item_id: str, quantity: int, reason: str, *, key: str, note: str
    ) -> ReturnReceipt:
        """See the protocol.

        Refusal codes: ``already_returned``, ``unknown_order``, ``unknown_item``,
        ``bad_quantity``, ``bad_reason``, ``bad_key``, ``bad_text``, ``key_reused``, ``declined``,
        ``rejected``, ``cancelled``.
        """
        check_return(quantity, reason)
        check_text(order_id, item_id, note)
        reference = reference_of(key)
        # An agent may ask again while the first question is still on its way.
        with self._locks.setdefault(reference, threading.Lock()):
            return self._once(order_id, item_id, quantity, reason, note, reference)

    def _once(
        self, order_id: str, item_id: str, quantity: int, reason: str, note: str, reference: str
    ) -> ReturnReceipt:
        claims = self._claims(reference)
        try:
            return self._open(order_id, item_id, quantity, reason, note, reference, claims)
        except UnavailableError as error:
            if not claims or error.outcome == "unknown":
                raise
            # A claim stands, so nobody can say that nothing was done.
            raise UnavailableError(str(error), outcome="unknown") from error

    def _open(
        self,
        order_id: str,
        item_id: str,
        quantity: int,
        reason: str,
        note: str,
        reference: str,
        claims: Sequence[Complaint],
    ) -> ReturnReceipt:
        sale = self._reads.sale(order_id)
        if sale is None and claims:
            refuse("key_reused", "this key was used before with another order")
        if sale is None:
            refuse("unknown_order", f"Tryton has no order {order_id!r}")
        book = orders.Book(self._session, [sale])
        asked = Request(
            reference=reference,
            sale=sale,
            lines=book.items(sale.id, item_id),
            quantity=quantity,
            complaint_type=self._types[reason],
            description="\n\n".join(filter(None, [reason, note.strip()])),
        )
        if not claims:
            self._begin(asked, book, item_id)
        try:
            return self._settle(asked, book)
        except UnavailableError as error:
            if error.outcome == "unknown":
                raise
            raise UnavailableError(str(error), outcome="unknown") from error

    # -- the claim ----------------------------------------------------------------------------

    def _claims(self, reference: str) -> list[Complaint]:
        return rows.every(self._session, Complaint, [("reference", "=", reference)])

    def _begin(self, asked: Request, book: orders.Book, item_id: str) -> None:
        """Makes the claim, unless it can be seen before that it is in vain."""
        ordered = sum(orders.ordered(line) for line in asked.lines)
        check_ordered(item_id, asked.sale.number, asked.quantity, ordered)
        free = self._free(asked, self._held(book))
        self._claim(asked, _shares(free, asked.quantity))

    def _free(
        self, asked: Request, held: Sequence[Hold], *, but: Sequence[int] = ()
    ) -> dict[int, int]:
        """The units of each line that nothing holds.

        Args:
            but: complaints that are left out of account.
        """
        counted = [each for each in held if each.complaint is None or each.complaint.id not in but]
        return {
            line.id: max(
                0,
                orders.ordered(line)
                - orders.ceiling(sum((hold.on([line.id]) for hold in counted), Decimal(0))),
            )
            for line in asked.lines
        }

    def _held(self, book: orders.Book) -> list[Hold]:
        return units.holds(self._session, book.all_lines)

    def _claim(self, asked: Request, shares: Mapping[int, int]) -> None:
        """Makes the complaint, with everything that a repeat has to know, in one transaction."""
        action = {
            "action": "sale_return",
            "sale_lines": [
                ("create", [{"line": line, "quantity": share} for line, share in shares.items()])
            ],
        }
        complaint = {
            "customer": asked.sale.party.id,
            "type": asked.complaint_type,
            "origin": f"{Sale.NAME},{asked.sale.id}",
            "reference": asked.reference,
            "description": asked.description,
            "actions": [("create", [action])],
        }
        try:
            made = self._session.write("model.sale.complaint.create", [complaint])
        except DeclinedError as error:
            refuse("declined", f"Tryton: {error}")
        except UnavailableError:
            self._unanswered.add(asked.reference)
            raise
        self._mine.update(made)

    def _check_same(self, claim: Complaint, asked: Request) -> None:
        """A key stands for one request; with other arguments it is a mistake (rule 28)."""
        differing = []
        if rows.referred(claim.origin, Sale.NAME) != asked.sale.id:
            differing.append("order")
        elif claim.type != asked.complaint_type or claim.description.strip() != asked.description:
            differing.append("reason or note")
        actions = rows.among(self._session, Action, "complaint", [claim.id])
        about = rows.among(self._session, ActionLine, "action", [each.id for each in actions])
        if {each.line for each in about} - {line.id for line in asked.lines}:
            differing.append("item")
        elif sum((each.quantity or Decimal(0) for each in about), Decimal(0)) != asked.quantity:
            differing.append("quantity")
        check_same(differing)

    # -- from the claim to the return ---------------------------------------------------------

    def _settle(self, asked: Request, book: orders.Book) -> ReturnReceipt:
        """Carries the claim on, one step at a time, and looks again after each."""
        said: DeclinedError | None = None
        before: tuple[int, str] | None = None
        checked: set[int] = set()
        watch = _Watch(self._patience)
        for _ in range(MOST_STEPS):
            claim, result = self._look(asked.reference, watch)
            if claim.id not in checked:
                self._check_same(claim, asked)
                checked.add(claim.id)
            if said is not None and before == (claim.id, claim.state):
                self._give_up(claim, said)
            before, said = (claim.id, claim.state), None
            if result is not None:
                return self._sales.finish(claim, result)
            try:
                match claim.state:
                    case "draft":
                        self._wait(claim)
                    case "waiting":
                        if self._has_room(asked, book, claim):
                            self._session.write("model.sale.complaint.approve", [claim.id])
                    case "approved":
                        # A worker of the server may be about to do it; it is done once.
                        self._session.write("model.sale.complaint.process", [claim.id])
                    case "rejected":
                        refuse("rejected", f"Tryton: complaint {claim.number} was rejected there")
                    case _:
                        self._explain_cancelled(asked, book, claim)
            except DeclinedError as error:
                said = error
        raise UnavailableError(
            f"Tryton does not come to an end with complaint {asked.reference}; ask again"
        )

    def _look(self, reference: str, watch: _Watch) -> tuple[Complaint, Sale | None]:
        """The claim that counts, once it is ours to carry on or has come to its end, and the
        return that it has made."""
        while True:
            claims = self._claims(reference)
            if reference in self._unanswered and len(claims) == 1:
                self._unanswered.discard(reference)
                self._mine.add(claims[0].id)
            alive = [each for each in claims if each.state != "cancelled"]
            claim = chosen(alive or claims)
            rivals = [each for each in alive if each.id != claim.id and each.state in OPEN]
            for each in rivals:
                self._cancel(each.id)
            if rivals:
                continue
            result = self._sales.of(claim)
            ended = claim.state in FREED or (result is not None and result.state in ENDED)
            if ended or claim.id in self._mine:
                return claim, result
            if watch.still(claim.id, claim.state, result and result.state):
                self._mine.add(claim.id)
                return claim, result
            time.sleep(_GLANCE)

    def _has_room(self, asked: Request, book: orders.Book, claim: Complaint) -> bool:
        """Whether the units are there for this claim. A younger claim that has them is cancelled;
        where an older one has them, this claim is."""
        held = self._held(book)
        lines = {line.id for line in asked.lines}
        younger = [
            hold.complaint.id
            for hold in held
            if hold.complaint is not None
            and hold.on(lines)
            and hold.complaint.id > claim.id
            and hold.complaint.state in OPEN
            and hold.complaint.reference.startswith(MARK)
        ]
        in_the_way: list[int] = []
        while True:
            free = sum(self._free(asked, held, but=[claim.id, *in_the_way]).values())
            if asked.quantity <= free:
                break
            if not younger:
                self._cancel(claim.id)
                return False
            in_the_way.append(younger.pop())
        for each in in_the_way:
            self._cancel(each)
        return not in_the_way

    def _cancel(self, claim: int) -> None:
        """Cancels a claim that is not approved yet; if it is by now, the next look shows it."""
        with suppress(DeclinedError):
            self._session.write("model.sale.complaint.cancel", [claim])

    def _wait(self, claim: Complaint) -> None:
        """Submits the claim. That there is a similar complaint is no objection: how many units
        can go back has been counted."""
        for _ in range(2):
            try:
                self._session.write("model.sale.complaint.wait", [claim.id])
            except WarnedError as warning:
                if not warning.name.endswith(".complaint_similar"):
                    raise
                self._session.write("model.res.user.warning.skip", warning.name)
            else:
                return

    def _explain_cancelled(self, asked: Request, book: orders.Book, claim: Complaint) -> NoReturn:
        left = sum(self._free(asked, self._held(book)).values())
        if asked.quantity > left:
            raise too_few(left)
        refuse(
            "cancelled",
            f"Tryton: complaint {claim.number} was cancelled there before a return came of it",
        )

    def _give_up(self, claim: Complaint, said: DeclinedError) -> NoReturn:
        """Tryton declines a step, and the claim still stands where it stood."""
        if claim.state in OPEN:
            self._cancel(claim.id)
            [now] = rows.search(self._session, Complaint, [("id", "=", claim.id)])
            if now.state in FREED:
                refuse("declined", f"Tryton: {said}")
        raise UnavailableError(
            f"Tryton holds complaint {claim.number}, but does not go on with it: {said}"
        )


class _Watch:
    """Whether something has stood still for a while."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen: tuple[object, ...] = ()
        self._since = 0.0

    def still(self, *seen: object) -> bool:
        """Whether it was seen like this for as long as the patience lasts."""
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return time.monotonic() - self._since >= self._patience


def _shares(free: Mapping[int, int], quantity: int) -> dict[int, int]:
    """Divides the units among the lines, the first first (rule 18)."""
    shares = {}
    left = quantity
    for line, room in free.items():
        share = min(room, left)
        if share:
            shares[line] = share
            left -= share
    if left:
        raise too_few(quantity - left)
    return shares
