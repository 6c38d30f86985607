"""Recorded tool calls read as a call about a delayed package.

As for returns: a log of tool calls shows what was looked up and sent, and the answers behind it
are inferred, in the customer's and the agent's favour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from returnflow.delayed import events as ev
from returnflow.delayed.case import OFFER, Case
from returnflow.delayed.missing import item_of, supply
from returnflow.engine.transcript import Answered, Presentation, ToolCall
from returnflow.engine.vocabulary import Due, Event
from returnflow.inert import fold
from returnflow.records import GiftCardReceipt
from returnflow.redacted import NOT_RECORDED, hidden
from returnflow.returns import inference, recorded, transcription
from returnflow.returns.arguments import text_of
from returnflow.returns.shopvalues import same_id

ISSUE = "issue_gift_card"

_KEYS = ("gift_card_id", "gift_card_number", "card_id", "gift_card_code", "code", "id")
_AFTER = re.compile(
    r"(?:gift ?card|voucher|card|code)\s*(?:id|number|no\.?|code)?\b\W*(?:is|was|:|=)?\W*?"
    r"(\[[A-Z][A-Z0-9 _-]*\]|[A-Za-z0-9][\w-]*[0-9][\w-]*)",
    re.IGNORECASE,
)


class Transcription(transcription.Transcription):
    """The transcription of ``vocabulary: delayed``."""

    unnoticed: tuple[str, ...] = (
        "gift_card_requested",
        "gift_card_issued",
        "transfer_requested",
        "order_unrecognised",
        "left_unconfirmed",
        "retry_requested",
        "importance_stressed",
    )

    def outcome(self, call: ToolCall) -> Event | None:
        """See `recorded.outcome`; of a gift card, its id."""
        if call.operation != ISSUE:
            return recorded.outcome(call)
        return recorded.written(
            call,
            _KEYS,
            _AFTER,
            lambda found: ev.GiftCardIssued(receipt=GiftCardReceipt(gift_card_id=found)),
            ev.GiftCardRefused,
        )

    def infer(self) -> Inference:
        """See `Inference`."""
        return Inference()

    def supply(self, name: str, case: Any, ahead: Sequence[Event]) -> Event | None:
        """See `missing.supply`."""
        return supply(name, case, ahead)

    def refused(self, case: Any) -> Sequence[Due]:
        """Nothing is refused here."""
        return ()

    def presented(self, case: Any, event: Event) -> Sequence[Presentation]:
        """The procedure prescribes no lists."""
        return ()


class Inference(inference.Inference):
    """See the module."""

    def _answers(self, case: Any, now: Answered, ahead: Sequence[Answered]) -> Sequence[Event]:
        match now.call.operation:
            case "get_customer_by_email":
                return self._email(case, now)
            case "summarize_orders":
                unknown = case.customer is not None and case.order is None and not case.summary
                return [ev.OrderIdUnknown(inferred=True)] if unknown else []
            case "get_order_details":
                return self._order(case, now)
            case "get_package_details":
                return self._package(case, now, ahead)
            case "issue_gift_card":
                return self._gift_card(case, now)
            case "transfer_to_human_representative":
                return self._transfer(case, now.call)
        return ()

    def _order(self, case: Any, now: Answered) -> list[Event]:
        order_id = text_of(now.call, "order_id")
        if hidden(order_id) and isinstance(now.outcome, ev.OrderFound):
            order_id = now.outcome.order.order_id
        if case.order is not None and same_id(order_id, case.order.order_id):
            return []
        return [*_settled(case), ev.OrderIdGiven(order_id=order_id, inferred=True)]

    def _package(self, case: Case, now: Answered, ahead: Sequence[Answered]) -> list[Event]:
        package_id = text_of(now.call, "package_id")
        if hidden(package_id) and isinstance(now.outcome, ev.PackageFound):
            package_id = now.outcome.package.package_id
        item_id = item_of(case.order, package_id)
        if not item_id or package_id in case.package_ids() or package_id in case.packages:
            return []
        if self._looks_on(case, item_id, ahead):
            return []  # several things are looked at; which one it is comes later
        return [*_settled(case), ev.ItemNamed(item_id=item_id, inferred=True)]

    def _looks_on(self, case: Case, item_id: str, ahead: Sequence[Answered]) -> bool:
        """Whether the package of another item, another order or customer is looked up next.

        Nobody can tell then whether the customer waited for this one at all.
        """
        for each in ahead:
            match each.call.operation:
                case "get_package_details":
                    other = item_of(case.order, text_of(each.call, "package_id"))
                    if other and other != item_id:
                        return True
                case "get_order_details":
                    order_id = text_of(each.call, "order_id")
                    if case.order is None or not same_id(order_id, case.order.order_id):
                        return True
                case "get_customer_by_email" | "summarize_orders":
                    return True
                case None:
                    continue
                case _:
                    return False
        return False

    def _gift_card(self, case: Case, now: Answered) -> list[Event]:
        call = now.call
        package_id = text_of(call, "package_id")
        sent = case.sent
        if sent is not None and (hidden(package_id) or sent.package_id == package_id):
            return [ev.RetryRequested(inferred=True)]
        found: list[Event] = []
        if not any(
            card.state == "waiting" and (hidden(package_id) or card.package_id == package_id)
            for card in case.round
        ):
            found += self._accepted(case, package_id)
        elif sent is not None:
            found.append(ev.LeftUnconfirmed(inferred=True))
        found.append(
            ev.GiftCardRequested(
                customer_id=self._customer(case, call),
                package_id=self._package_of(case, package_id),
                amount=_amount(call.arguments.get("amount")),
                currency=text_of(call, "currency"),
                inferred=True,
            )
        )
        return found

    def _accepted(self, case: Case, package_id: str) -> list[Event]:
        """The item, the importance of it, the offer, and the customer's yes."""
        item_id = item_of(case.order, package_id)
        found: list[Event] = _settled(case)
        if item_id and (package_id not in case.package_ids() or case.issued):
            found.append(ev.ItemNamed(item_id=item_id, inferred=True))
        facts = case.copy()
        for event in (*found, ev.ImportanceStressed(inferred=True)):
            facts.apply(event)
        found.append(ev.ImportanceStressed(inferred=True))
        # Who issues a gift card has offered it, in whatever words, most often as a question.
        found += [
            ev.Told(notice=OFFER, subject=card.package_id, inferred=True) for card in facts.offers()
        ]
        return [*found, ev.GiftCardAccepted(inferred=True)]

    def _customer(self, case: Case, call: ToolCall) -> str:
        known = case.customer.customer_id if case.customer is not None else NOT_RECORDED
        given = text_of(call, "customer_id")
        return known if same_id(given, known) else given

    def _package_of(self, case: Case, package_id: str) -> str:
        """The package as the order spells it."""
        same = [one for one in case.package_ids() if fold(one) == fold(package_id)]
        return same[0] if len(same) == 1 else package_id


def _settled(case: Case) -> list[Event]:
    """The answer that leaves a gift card open whose outcome nobody knows."""
    left = case.sent is not None and case.sent.state != "requested"
    return [ev.LeftUnconfirmed(inferred=True)] if left else []


def _amount(value: object) -> Decimal:
    """An amount as recorded; not a number where there is none that can be read."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return Decimal("NaN")
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return Decimal("NaN")
    readable = amount.is_finite() and -20 < amount.adjusted() < 20
    return amount if readable else Decimal("NaN")
