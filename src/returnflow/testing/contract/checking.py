"""The promises checked one after the other, with what came of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from returnflow.backends.steady import TimedOutError
from returnflow.errors import UnavailableError
from returnflow.testing.contract.promises import PROMISES, Promise
from returnflow.testing.contract.subject import Broken, NothingToCheck, Subject

State = Literal["kept", "broken", "not_checked", "unanswered"]

IN_VAIN = 3
"""After so many promises in a row for which the shop gave no answer, it is asked no more."""


@dataclass(frozen=True)
class Verdict:
    """What came of one promise.

    Args:
        words: what was seen where it is broken; what is needed where it was not checked; why
            there was no answer.
    """

    promise: Promise
    state: State
    words: str = ""


def check(subject: Subject) -> Iterator[Verdict]:
    """Each promise in turn. Whatever the adapter raises is told, and the next one is checked.

    That there was no answer breaks no promise: the shop may be slow, or away for a moment. Where
    that is because of the adapter, its words say so.
    """
    in_vain = 0
    for promise in PROMISES:
        if promise.asks and in_vain == IN_VAIN:
            yield Verdict(promise, "unanswered", "not asked, after so many calls in vain")
            continue
        try:
            verdict = _checked(promise, subject)
        except UnavailableError as error:
            # One record, or one file of them, that is damaged: the shop itself is there.
            in_vain = 0 if error.lasting else in_vain + 1
            timed_out = isinstance(error, TimedOutError)
            yield Verdict(promise, "unanswered", f"{'' if timed_out else 'no answer: '}{error}")
            continue
        if promise.asks and verdict.state != "not_checked":
            in_vain = 0
        yield verdict


def _checked(promise: Promise, subject: Subject) -> Verdict:
    try:
        promise.check(subject)
    except UnavailableError:
        raise
    except NothingToCheck as missing:
        return Verdict(promise, "not_checked", str(missing))
    except Broken as broken:
        return Verdict(promise, "broken", str(broken))
    except Exception as error:
        # A bug in somebody's adapter: the author wants to hear of the others, too.
        return Verdict(promise, "broken", f"it raises {type(error).__name__}: {error}")
    return Verdict(promise, "kept")
