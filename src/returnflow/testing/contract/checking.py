"""The promises checked one after the other, with what came of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from returnflow.errors import UnavailableError
from returnflow.testing.contract.promises import PROMISES, Promise
from returnflow.testing.contract.subject import Broken, NothingToCheck, Subject

State = Literal["kept", "broken", "not_checked"]


@dataclass(frozen=True)
class Verdict:
    """What came of one promise.

    Args:
        words: what was seen where it is broken; what is needed where it was not checked.
    """

    promise: Promise
    state: State
    words: str = ""


def check(subject: Subject) -> Iterator[Verdict]:
    """Each promise in turn. Whatever the adapter raises is told, and the next one is checked."""
    for promise in PROMISES:
        try:
            promise.check(subject)
        except NothingToCheck as missing:
            yield Verdict(promise, "not_checked", str(missing))
        except Broken as broken:
            yield Verdict(promise, "broken", str(broken))
        except UnavailableError as error:
            yield Verdict(promise, "broken", f"no answer: {error}")
        except Exception as error:
            # A bug in somebody's adapter: the author wants to hear of the others, too.
            yield Verdict(promise, "broken", f"it raises {type(error).__name__}: {error}")
        else:
            yield Verdict(promise, "kept")
