"""What our adapters refuse alike, in the same words and with the same codes.

docs/adapters.md lists the codes; `returnflow.testing.BackendContract` checks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from returnflow.backends.tokens import storable
from returnflow.errors import RefusedByBackendError
from returnflow.returns.events import REASONS


def refuse(code: str, message: str) -> NoReturn:
    """Raises a refusal."""
    raise RefusedByBackendError(message, code=code)


# -- what is asked for ------------------------------------------------------------------------


def check_return(quantity: int, reason: str) -> None:
    """Refuses a number of units or a reason that there is not (`bad_quantity`, `bad_reason`)."""
    if type(quantity) is not int or quantity < 1:
        refuse("bad_quantity", f"{quantity!r} is no number of units; give 1 or more")
    if reason not in REASONS:
        refuse("bad_reason", f"the shop takes the reasons {', '.join(REASONS)}")


def check_summary(summary: str) -> None:
    """Refuses a transfer that says nothing (`empty_summary`)."""
    if not summary.strip():
        refuse("empty_summary", "a transfer needs a summary of the issue")


def check_key(key: str) -> None:
    """Refuses a key that cannot tell one request from another (`bad_key`)."""
    if not key or not storable(key):
        refuse("bad_key", "a write needs an idempotency key")


def check_text(*texts: str) -> None:
    """Refuses text that cannot be stored (`bad_text`)."""
    if not all(map(storable, texts)):
        refuse("bad_text", "the text holds half a character; type it anew")


def check_same(differing: Sequence[str]) -> None:
    """A key stands for one request; with other arguments it is a mistake (rule 28).

    Args:
        differing: the names of the arguments that are others than before; none: all is well.
    """
    if differing:
        refuse("key_reused", f"this key was used before with another {', '.join(differing)}")


# -- what the shop has ------------------------------------------------------------------------


def check_ordered(item_id: str, order_id: str, quantity: int, ordered: int) -> None:
    """Refuses units of an item that were never ordered (`unknown_item`, `bad_quantity`).

    Args:
        ordered: units of the item in the order; 0: it is not in it.
    """
    if not ordered:
        refuse("unknown_item", f"item {item_id!r} is not in order {order_id!r}")
    if quantity > ordered:
        refuse("bad_quantity", f"{quantity} units are more than the {ordered} ordered")


def too_few(left: int) -> RefusedByBackendError:
    """The refusal for more units than are left (rule 17)."""
    words = f"only {left} of this item can" if left else "no unit of this item can"
    return RefusedByBackendError(
        f"{words} still be returned; the others are in a return already", code="already_returned"
    )
