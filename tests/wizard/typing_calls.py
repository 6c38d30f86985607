"""A call, event by event, turned into what an agent types and what a shop answers.

`typed_call` follows the call with a session of its own, so that it knows at every event what the
wizard asks. It yields a `Part` for each day on which the call is worked on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from returnflow.backends.around import Around
from returnflow.engine.definition import Definition, Question
from returnflow.engine.session import Ask, Await, Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
)
from returnflow.records import (
    Item,
    OrdersSummary,
    Package,
)
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.testing import MemoryShop
from returnflow.wizard.answers import REASON_LABELS
from wizard.driver import CTRL_U, ENTER

OPERATION_OF = {
    outcome: name
    for name, operation in VOCABULARY.operations.items()
    for outcome in operation.outcomes
    if outcome != "backend_failed"
}
"""By the name of an outcome, the operation that it comes from."""


class Hangs:
    """Stands among the answers for one that does not come while the agent waits."""

    def __init__(self, operation: str) -> None:
        self.operation = operation


Scripted = Event | Hangs
Result = TypeVar("Result")


class ScriptedShop(Around):
    """Answers calls as a script says; what the script does not speak of, a real shop answers.

    The script is read from its beginning for the first answer that suits the call.

    Attributes:
        hanging: how many calls it has let hang.
    """

    def __init__(self, shop: MemoryShop, script: Sequence[Scripted] = ()) -> None:
        super().__init__(shop)
        self.shop = shop
        self.script = list(script)
        self.release = threading.Event()
        self.hanging = 0

    def close(self) -> None:
        """Lets go of whoever still waits."""
        self.release.set()

    def get_item_details(self, item_id: str) -> Item:
        """See the protocol."""
        return self._answer(
            "get_item_details", item_id, lambda: self.shop.get_item_details(item_id)
        )

    def get_package_details(self, package_id: str) -> Package:
        """See the protocol."""
        return self._answer(
            "get_package_details", package_id, lambda: self.shop.get_package_details(package_id)
        )

    def _do(self, operation: str, work: Callable[[], Result]) -> Result:
        return self._answer(operation, "", work)

    def _answer(self, operation: str, about: str, work: Callable[[], Result]) -> Result:
        for number, answer in enumerate(self.script):
            if _suits(answer, operation, about):
                del self.script[number]
                if isinstance(answer, Hangs):
                    self.hanging += 1
                    self.release.wait()
                    raise UnavailableError("nobody waits for this any more", outcome="known")
                result: Result = given(answer)
                return result
        return work()


def _suits(answer: Scripted, operation: str, about: str) -> bool:
    if isinstance(answer, Hangs | ev.BackendFailed):
        return answer.operation == operation
    if OPERATION_OF[event_name(answer)] != operation:
        return False
    ident = subject(answer)
    return not about or ident == about or _strange(ident)


def _strange(ident: str) -> bool:
    return ident in ("NOT-IN-IT", "P-STRANGE")


def subject(answer: Event) -> str:
    """The id of the item or package that an answer is about, or ""."""
    match answer:
        case ev.ItemFound(item=item):
            return item.item_id
        case ev.PackageFound(package=package):
            return package.package_id
        case ev.ItemMissing(item_id=ident) | ev.PackageMissing(package_id=ident):
            return ident
    return ""


def given(answer: Event) -> Any:
    """What a backend returns, or raises, that leads to the event `answer`."""
    match answer:
        case ev.CustomerMissing() | ev.OrderMissing() | ev.ItemMissing() | ev.PackageMissing():
            raise NotFoundError("there is none")
        case ev.CustomerAmbiguous(count=count):
            raise AmbiguousError("there are several", count=count)
        case ev.ReturnRefused(message=message, code=code):
            raise RefusedByBackendError(message, code=code)
        case ev.TransferRefused(message=message):
            raise RefusedByBackendError(message)
        case ev.BackendFailed(message=message, outcome=outcome):
            raise UnavailableError(message, outcome="known" if outcome == "known" else "unknown")
        case ev.OrdersSummarized():
            return OrdersSummary(orders=answer.orders, failed=answer.failed)
        case ev.CustomerFound():
            return answer.customer
        case ev.OrderFound():
            return answer.order
        case ev.ItemFound():
            return answer.item
        case ev.PackageFound():
            return answer.package
        case ev.ReturnOpened() | ev.TransferAccepted():
            return answer.receipt
    raise AssertionError(f"no backend leads to {answer}")


@dataclass
class Part:
    """What happens on one day.

    Args:
        keys: what is typed.
        script: what the shop answers.
        day: the day on which it is taken up again; None for the first.
        hangs: an answer does not come; the agent is asked soon.
        requests: how many writes are requested.
        journal_fails_at: the event that the journal cannot take, once all those were.
    """

    keys: str = ""
    script: list[Scripted] = field(default_factory=list)
    day: date | None = None
    hangs: bool = False
    requests: int = 0
    journal_fails_at: str = ""


def typed_call(definition: Definition, shop: MemoryShop, events: Sequence[Event]) -> list[Part]:
    """The parts of a call. The last event may be one that is refused."""
    session = Session(definition, shop.today, shop.zone)
    parts = [Part()]
    for number, event in enumerate(events):
        waiting = session.waiting
        if isinstance(waiting, Ask):
            _asked(session, waiting, event, parts)
            _stops_checking(session.case, event, events[number + 1 :], parts[-1])
        elif isinstance(waiting, Await):
            _called(session, waiting, event, parts)
        step = session.propose(event)
        if step.accepted:
            session.accept(step)
    return parts


def _called(session: Session, waiting: Await, event: Event, parts: list[Part]) -> None:
    """An event in a state that calls: an answer, or the agent does something else meanwhile."""
    part, operation = parts[-1], waiting.next_call.operation
    match event:
        case ev.ReturnRequested() | ev.TransferRequested():
            part.requests += 1
            return
        case ev.Resumed() if waiting.next_call.request is not None:
            # Nothing was sent: the program ended in between, since the journal took no more.
            part.journal_fails_at = waiting.next_call.request
            part.keys += f"no{ENTER}"
            parts.append(Part(day=event.policy_date))
            return
        case ev.Resumed():
            part.keys += f"/leave{ENTER}"
            parts.append(Part(day=event.policy_date))
        case ev.CallDropped():
            part.keys += f"/hangup{ENTER}"
        case ev.HumanRequested():
            part.keys += _transfer(event)
        case _:
            part.script.append(event)
            return
    part.script.append(Hangs(operation))
    part.hangs = True


def _asked(session: Session, waiting: Ask, event: Event, parts: list[Part]) -> None:
    """An event in a state that asks: something is typed."""
    part = parts[-1]
    match event:
        case ev.Told():
            part.keys += ENTER
        case ev.CallDropped():
            part.keys += f"/hangup{ENTER}yes{ENTER}"
        case ev.HumanRequested():
            part.keys += _transfer(event)
        case ev.Resumed():
            # A call in which nothing happened is not kept; a note is something.
            note = "" if session.last else f"/note calls again tomorrow{ENTER}"
            part.keys += f"{note}/leave{ENTER}yes{ENTER}"
            parts.append(Part(day=event.policy_date))
        case _ if event_name(event) in OPERATION_OF or isinstance(event, ev.BackendFailed):
            part.script.append(event)
            part.keys += f"/check {_item_to_check(session.case, event)}{ENTER}"
        case _:
            question = next(q for q in waiting.state.questions if q.event == event_name(event))
            if question.key is None:
                for due in waiting.dues:
                    session.accept(session.propose(VOCABULARY.build_told(due)))
                    part.keys += ENTER
            part.keys += _answer(session, question, event)


def _item_to_check(case: Case, event: Event) -> str:
    """The item whose check leads to the look-up that `event` is the answer of."""
    assert case.order is not None
    ident = subject(event)
    for line in case.order.lines:
        if ident == line.item_id or any(p.package_id == ident for p in line.parcels):
            return line.item_id
    return case.order.lines[0].item_id


def _stops_checking(case: Case, event: Event, rest: Sequence[Event], part: Part) -> None:
    """A check goes on from the item to its packages; where the call does not, that fails."""
    if not isinstance(event, ev.ItemFound) or case.order is None:
        return
    packages = {
        parcel.package_id
        for line in case.order.lines
        if line.item_id == event.item.item_id
        for parcel in line.parcels
    }
    goes_on = rest and isinstance(rest[0], ev.PackageFound | ev.PackageMissing)
    if packages - set(case.packages) and not (goes_on and subject(rest[0]) in packages):
        part.script.append(ev.BackendFailed(operation="get_package_details", message="no answer"))


def _transfer(event: ev.HumanRequested) -> str:
    summary = ENTER if event.summary.strip() else f"{CTRL_U} {ENTER}"
    why = "" if event.reason == "asked" else event.reason
    return f"/transfer{ENTER}{why}{ENTER}{summary}"


def _answer(session: Session, question: Question, event: Event) -> str:
    """The line that stands for an answer, and what is asked within it."""
    slash = f"/{question.key} " if question.key else ""
    match event:
        case ev.EmailGiven(email=value) | ev.OrderIdGiven(order_id=value):
            return f"{slash}{value}{ENTER}"
        case ev.ItemsPicked(picks=picks):
            # What no keystroke can make (no item, an item of no order) stands for “too many”.
            chosen = [f"{pick.item_id} x {pick.quantity}" for pick in picks] or ["1 x 10000"]
            return f"{slash}{', '.join(chosen)}{ENTER}"
        case ev.ReturnConfirmed(lines=lines):
            return _lines(session.case, lines)
    return f"{slash.strip()}{ENTER}"


def _lines(case: Case, lines: Sequence[ev.ReturnLine]) -> str:
    if not lines:
        return f"0{ENTER}"
    keys = ""
    for decision in case.decisions():
        if decision.granted:
            mine = [line for line in lines if line.item_id == decision.item_id]
            shares = [f"{line.quantity} x {REASON_LABELS[line.reason]}" for line in mine]
            keys += ", ".join(shares) + ENTER
            if any(line.reason == "OTHER" and not line.note for line in mine):
                keys += ENTER
    return f"{keys}yes{ENTER}"
