"""Offers the transfer of a call that cannot be continued; see `returnflow.engine.handover`."""

from __future__ import annotations

from collections.abc import Callable

from returnflow.engine.handover import HandOver
from returnflow.engine.vocabulary import Call, Event
from returnflow.wizard import answers, flow, texts
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Console, Prompt


def offer(transfer: HandOver, console: Console, perform: Callable[[Call], Event]) -> bool:
    """Offers the transfer; whether it was accepted.

    One that was requested before is settled without a question.

    Raises:
        JournalError: it could not be journaled. Where that was the request, nothing was sent; where
            it was what came of it, the next resumption settles it, with the same key.
        EOFError: the input ended.
    """
    call = transfer.call
    if call is None:
        if not _agreed(console):
            return False
        call = transfer.request(_summary(transfer, console))
    outcome = perform(call)
    accepted = transfer.settle(outcome)
    if accepted:
        console.show(texts.HANDED_OVER, indent=2)
    else:
        console.show(f"! {texts.not_handed_over(getattr(outcome, 'message', ''))}", indent=2)
        console.show(texts.HAND_OVER_AGAIN, indent=2)
    return accepted


def _agreed(console: Console) -> bool:
    def validate(line: str) -> None:
        if answers.yes(line) is None:
            raise BadAnswer(texts.YES_OR_NO)

    return answers.yes(console.read(Prompt(texts.yes_no(texts.HAND_OVER), validate))) is True


def _summary(transfer: HandOver, console: Console) -> str:
    draft = transfer.draft()
    console.show(texts.SUMMARY_ABOUT, indent=2)
    console.show(draft, indent=4)

    def validate(line: str) -> None:
        if not flow.note(line):
            raise BadAnswer(texts.SUMMARY_EMPTY)

    return flow.note(console.read(Prompt(texts.SUMMARY, validate, (), draft)))
