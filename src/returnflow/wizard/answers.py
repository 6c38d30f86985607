"""What an agent types, turned into values: e-mail addresses, orders, items, reasons.

Pure functions. What cannot be understood raises `BadAnswer` with a sentence that says what is
wrong and what would be right (rule 16); whether a value is *allowed*, the machine decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from returnflow.engine.front import Choice
from returnflow.inert import fold, inert
from returnflow.returns.events import REASONS, Pick, ReturnLine

MAX_LENGTH = 500
"""Longer answers are refused, but for notes and summaries."""

MAX_NOTE = 4000
"""Notes and summaries may be this long."""

MAX_QUANTITY = 1_000_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_QUANTITY = re.compile(r"[0-9]+", re.ASCII)
_ITEM_TIMES = re.compile(r"(?P<item>.+?)\s*[x×*]\s*(?P<quantity>[-+]\s*\S*|[0-9０-９.]\S*)")
# What looks like a quantity after the sign is one, though the id of an item may hold it: -1.
_TIMES_ITEM = re.compile(r"(?P<quantity>[0-9]+)\s*[x×*]\s*(?P<item>[^\s0-9０-９+.-].*)", re.ASCII)
_ITEM_TIMES_WHAT = re.compile(r"(?P<item>.+?)\s+[x×*](?:\s+(?P<quantity>\S+))?")
_SHARE = re.compile(r"(?P<quantity>[-+.]?[0-9０-９][^\s×*x]*)\s*[x×*]\s*(?P<reason>.+)")
_NUMBERED = re.compile(r"(?P<number>[0-9]+)[.)]?\s+(?P<reason>.+)", re.ASCII)

REASON_LABELS = {
    "DAMAGED": "damaged",
    "DEFECTIVE": "defective",
    "WRONG_ITEM": "wrong item",
    "ORDERED_BY_MISTAKE": "ordered by mistake",
    "OTHER": "other",
}


class BadAnswer(Exception):  # noqa: N818 (an answer to be mended, not a failure)
    """What was typed cannot be understood; the message says what would be right."""


def text(typed: str, limit: int = MAX_LENGTH) -> str:
    """One line of text, trimmed, without the invisible characters that pasting brings along.

    Raises:
        BadAnswer: it is longer than `limit` characters.
    """
    line = " ".join(typed.split())
    if len(line) > limit:
        raise BadAnswer(f"That is {len(line)} characters long; at most {limit} are taken.")
    return "".join(char for char in line if inert(char) == char).strip()


def email(typed: str) -> str:
    """An e-mail address, trimmed, otherwise as typed (rule 20)."""
    line = text(typed)
    if not line:
        raise BadAnswer("Please type the e-mail address, for example ann@example.com.")
    if len(line) > 254 or not _EMAIL.fullmatch(line):
        raise BadAnswer(
            f"“{inert(line[:60])}” is not an e-mail address: it needs one @, a name before it "
            "and a domain after it, for example ann@example.com."
        )
    return line


def order_id(typed: str) -> str:
    """An order id, trimmed, otherwise as typed (rule 22)."""
    line = text(typed, 100)
    if not line:
        raise BadAnswer("Please type the order id.")
    return line


def quantity(typed: str) -> int:
    """A whole number from 1 up, in plain digits (rule 16)."""
    if not _QUANTITY.fullmatch(typed):
        shown = f"“{inert(typed[:30])}”" if typed else "Nothing"
        raise BadAnswer(f"{shown} is not a quantity: a whole number from 1 up, in plain digits.")
    if len(typed) > 9 or int(typed) > MAX_QUANTITY:
        raise BadAnswer(f"A quantity is at most {MAX_QUANTITY}.")
    if int(typed) < 1:
        raise BadAnswer("A quantity is a whole number from 1 up; 0 returns nothing.")
    return int(typed)


def choose(typed: str, choices: Sequence[Choice], what: str) -> Choice:
    """The choice that is meant: by its number in the list, its id, or words of it.

    Raises:
        BadAnswer: none is meant, or several; the message names them.
    """
    wanted = fold(typed)
    if not wanted:
        raise BadAnswer(f"Please type the number of the {what}, its id, or words from it.")
    if _QUANTITY.fullmatch(wanted) and len(wanted) < 9 and 1 <= int(wanted) <= len(choices):
        return choices[int(wanted) - 1]
    exact = [choice for choice in choices if fold(choice.ident) == wanted]
    if exact:
        return exact[0]
    number_only = _QUANTITY.fullmatch(wanted) is not None
    found = [
        (number, choice)
        for number, choice in enumerate(choices, 1)
        # A number is never looked for in a name: “5” is no part of “150 cm”.
        if (len(wanted) > 2 and wanted in fold(choice.ident))
        or (not number_only and _all_in(wanted, f"{choice.ident} {choice.words}"))
    ]
    if len(found) == 1:
        return found[0][1]
    shown = inert(text(typed)[:60])
    if not found:
        raise BadAnswer(f"No {what} of the list matches “{shown}”: 1 to {len(choices)}, or words.")
    some = ", ".join(f"{n} ({inert(choice.words[:30])})" for n, choice in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    raise BadAnswer(f"“{shown}” matches several: {some}{more}. Type a number.")


def _all_in(words: str, text: str) -> bool:
    folded = fold(text)
    return all(word in folded for word in words.split())


def listed_order(typed: str, choices: Sequence[Choice]) -> str:
    """An order of the list, or an id that is not in it but looks like one."""
    line = text(typed, 100)
    try:
        return choose(line, choices, "order").ident
    except BadAnswer:
        looks_like_id = re.fullmatch(r"\S*[0-9]\S*", line) and not _QUANTITY.fullmatch(line)
        if looks_like_id and not any(fold(line) in fold(c.words) for c in choices):
            return line
        raise


def picks(typed: str, choices: Sequence[Choice]) -> tuple[Pick, ...]:
    """Items with quantities: ``2, lamp x 3`` or ``1 and 2``; without a quantity all there are.

    ``all`` stands for every item of which something can be chosen. The same item twice adds up
    (rules 18, 19).
    """
    line = text(typed, 2000)
    if fold(line) == "all":
        found = [Pick(choice.ident, choice.available) for choice in choices if choice.available]
        if not found:
            raise BadAnswer("All units of this order are in a return already.")
        return tuple(found)
    units: dict[str, int] = {}
    parts = [part.strip() for part in re.split(r"[,;]|\sand\s", line) if part.strip()]
    if re.fullmatch(r"[0-9]+(\s+[0-9]+)+", line, re.ASCII):
        parts = line.split()
    if not parts:
        raise BadAnswer("Please type at least one item: its number, id, or words of its name.")
    for part in parts:
        choice, count = _pick(part, choices)
        units[choice.ident] = units.get(choice.ident, 0) + count
    return tuple(Pick(ident, count) for ident, count in units.items())


def _pick(part: str, choices: Sequence[Choice]) -> tuple[Choice, int]:
    counted = (
        _TIMES_ITEM.fullmatch(part)
        or _ITEM_TIMES.fullmatch(part)
        or _ITEM_TIMES_WHAT.fullmatch(part)
    )
    if counted is None or any(fold(choice.ident) == fold(part) for choice in choices):
        choice = choose(part, choices, "item")
        return choice, max(choice.available, 1)
    try:
        return choose(counted["item"], choices, "item"), quantity(counted["quantity"] or "")
    except BadAnswer:
        # “cable x large” may be words of a name, with no quantity in them at all.
        if any(fold(part) in fold(choice.words) for choice in choices):
            choice = choose(part, choices, "item")
            return choice, max(choice.available, 1)
        raise


def reason(typed: str) -> str:
    """One of the five return reasons, by number, name, or the beginning of its name (rule 26)."""
    wanted = fold(typed).replace("_", " ")
    if re.fullmatch("[1-9]", wanted) and int(wanted) <= len(REASONS):
        return REASONS[int(wanted) - 1]
    found = [name for name, label in REASON_LABELS.items() if wanted and label.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{n} {label}" for n, label in enumerate(REASON_LABELS.values(), 1))
    raise BadAnswer(f"“{inert(typed[:40])}” is not one of the reasons: {listed}.")


def shares(typed: str, item_id: str, granted: int) -> tuple[ReturnLine, ...]:
    """How the units of an item divide into reasons: ``1 x damaged: cracked, 2 x other``.

    Without a quantity a reason takes all units; ``0`` leaves the item out.

    Raises:
        BadAnswer: a reason or quantity is wrong, or they are more than `granted` together.
    """
    line = text(typed)
    if not line:
        raise BadAnswer("Please type a reason: its number or its name.")
    if line == "0":
        return ()
    parts = _split_shares(line)
    lines = [_share(part, item_id, granted, alone=len(parts) == 1) for part in parts]
    total = sum(found.quantity for found in lines)
    if total > granted:
        raise BadAnswer(f"That is {total} units, but {_units(granted)} may go back.")
    return tuple(lines)


def _split_shares(line: str) -> list[str]:
    """Parts between commas; a comma inside a note, not followed by a quantity, splits nothing."""
    parts = re.split(r"\s*,\s*(?=[0-9]+\s*[x×*])", line)
    if len(parts) == 1 and ":" not in line:
        parts = [part for part in re.split(r"\s*,\s*", line) if part]
    return parts


def _share(part: str, item_id: str, granted: int, *, alone: bool) -> ReturnLine:
    head, _, note = part.partition(":")
    counted = _SHARE.fullmatch(head.strip())
    if counted is not None:
        found, count = reason(counted["reason"]), quantity(counted["quantity"])
        return ReturnLine(item_id, count, found, note.strip())
    if not alone:
        raise BadAnswer(
            "With several reasons each needs a quantity: “1 x damaged, 1 x other”, "
            f"not “{inert(part[:40])}”."
        )
    return ReturnLine(item_id, granted, _listed_reason(head.strip(), granted), note.strip())


def _listed_reason(head: str, granted: int) -> str:
    """A reason; of a single unit also as the list shows it (``2 defective``).

    Of several units a number before a reason could be a quantity, and must not be guessed; nor
    what two numbers mean.
    """
    numbered = _NUMBERED.fullmatch(head)
    if numbered is None:
        return reason(head)
    found = reason(numbered["reason"])
    listed = REASONS.index(found) + 1 == int(numbered["number"])
    if granted > 1 or not listed or numbered["reason"].isdecimal():
        label = REASON_LABELS[found]
        raise BadAnswer(
            f"“{head}” can be read in two ways: type “{label}” for all units, "
            f"or “{numbered['number']} x {label}” for so many of them."
        )
    return found


def _units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def yes(typed: str) -> bool | None:
    """True for a yes, False for a no, None for neither."""
    wanted = fold(typed)
    if wanted in ("y", "yes"):
        return True
    return False if wanted in ("n", "no") else None


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean /x?`` where a known command is close to the one typed."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean /{close[0]}?" if close else ""
