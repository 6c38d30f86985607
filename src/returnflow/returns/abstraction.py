"""What events and guards of handling returns imply about a few facts: for proofs of rules.

Each declaration is held to the truth by a property test over calls made up. They are about live
calls, in which no value that the shop or a person gave is itself a mark of redaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from returnflow.engine.abstraction import Abstraction, Effect, Facts, Implied, Kind
from returnflow.inert import fold
from returnflow.redacted import hidden
from returnflow.returns import eligibility
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.returns.line import NOTICES

# -- the call as a whole ----------------------------------------------------------------------

_ROUND_OVER = Effect({"waiting": "false", "sent": "false", "opened_now": "false"})
"""The lines of this round are no longer those at hand."""

_ORDER_LEFT = Effect({**_ROUND_OVER.changes, "chosen": "false"})

_TRANSFER_SETTLED = Effect(
    {"handed_over": "false", "unasked": "any"}, clauses=("unasked or was handed_over",)
)

CALL = Facts(
    tests={
        "opened": lambda case, _: bool(case.opened),
        "owed": lambda case, _: bool(case.owed_notices()),
        "opened_now": lambda case, _: any(line.state == "opened" for line in case.lines),
        "waiting": lambda case, _: case.next_line is not None,
        "sent": lambda case, _: case.sent is not None,
        "chosen": lambda case, _: bool(case.picks),
        "handed_over": lambda case, _: case.transfer is not None,
        "unasked": lambda case, _: case.unasked,
    },
    effects={
        "email_given": (_ORDER_LEFT,),
        "order_id_given": (_ORDER_LEFT,),
        "order_id_unknown": (_ORDER_LEFT,),
        "another_return": (_ORDER_LEFT,),
        "items_picked": (_ROUND_OVER, Effect({"chosen": "any"})),
        "told": (Effect({"owed": "down"}),),
        "return_confirmed": (Effect({"opened_now": "false", "sent": "false", "waiting": "any"}),),
        "return_requested": (Effect({"waiting": "down", "sent": "up"}),),
        "return_opened": (
            Effect(
                {
                    "sent": "down",
                    "opened": "up",
                    "opened_now": "up",
                    "owed": "up",
                    "unasked": "any",
                },
                clauses=(
                    "unasked or was sent",
                    "unasked or not sent",
                    "unasked or opened_now",
                ),
            ),
        ),
        "return_refused": (
            Effect(
                {"sent": "down", "unasked": "any"},
                clauses=("unasked or was sent", "unasked or not sent"),
            ),
        ),
        "left_unconfirmed": (Effect({"sent": "false"}),),
        "backend_failed": (Effect({"handed_over": "down", "unasked": "any"}),),
        "resumed": (Effect({"waiting": "false", "sent": "down"}),),
        "transfer_requested": (Effect({"handed_over": "true"}),),
        "transfer_accepted": (_TRANSFER_SETTLED,),
        "transfer_refused": (_TRANSFER_SETTLED,),
    },
    guards={
        "something_opened": Implied(("opened",), ("not opened",)),
        "nothing_opened": Implied(("not opened",), ("opened",)),
        "opened_in_this_round": Implied(("opened_now",), ("not opened_now",)),
        "notices_given": Implied(("not owed",), ("owed",)),
        "lines_waiting": Implied(("waiting",)),
        "no_return_under_way": Implied(("not sent",), ("sent",)),
        "something_eligible": Implied(("chosen",)),
        "lines_eligible": Implied(("chosen", "waiting")),
        "line_confirmed": Implied(("was waiting", "sent", "not was sent")),
        "picks_in_order": Implied(("chosen",)),
        "was_requested": Implied(("not unasked",), ("unasked",)),
    },
    always=("not opened_now or opened", "not owed or opened"),
)

# -- one item of an order ---------------------------------------------------------------------


class OrderedItem(NamedTuple):
    """An item of an order, with the packages that hold it there."""

    order_id: str
    item_id: str
    packages: frozenset[str]


def _item_here(case: Case, item_id: str) -> OrderedItem | None:
    """The item as the selected order has it."""
    lines = eligibility.lines_of(case.order, item_id) if case.order is not None else ()
    if case.order is None or not lines:
        return None
    packages = frozenset(parcel.package_id for line in lines for parcel in line.parcels)
    return OrderedItem(case.order.order_id, item_id, packages)


def _is_here(case: Case, item: OrderedItem) -> bool:
    return _item_here(case, item.item_id) == item


def _agreed(case: Case, item: OrderedItem) -> bool:
    return _is_here(case, item) and any(
        line.state == "waiting" and (line.order_id, line.item_id) == item[:2] for line in case.lines
    )


def _asked(case: Case, item: OrderedItem) -> bool:
    sent = case.sent
    return sent is not None and (sent.order_id, sent.item_id) == item[:2] and _is_here(case, item)


def _named(event: Any) -> tuple[str, ...] | None:
    """The ids of the items that an event names; None for an event that names none."""
    match event:
        case ev.ItemsPicked():
            return tuple(pick.item_id for pick in event.picks)
        case ev.ReturnConfirmed():
            return tuple(line.item_id for line in event.lines)
        case ev.ReturnRequested():
            return (event.item_id,)
        case ev.ItemFound():
            return (event.item.item_id,)
        case ev.ItemMissing():
            return (event.item_id,)
    return None


def _about_item(item: OrderedItem, before: Case, event: Any, after: Case) -> bool | None:
    if isinstance(event, ev.PackageFound | ev.PackageMissing):
        package_id = (
            event.package.package_id if isinstance(event, ev.PackageFound) else event.package_id
        )
        unseen = hidden(package_id) or any(hidden(each) for each in item.packages)
        return True if package_id in item.packages else None if unseen else False
    if isinstance(event, ev.ReturnOpened):
        return _asked(before, item)
    named = _named(event) or ()
    unseen = hidden(item.item_id) or any(hidden(each) for each in named)
    if item.item_id not in named:
        return None if unseen else False
    if isinstance(event, ev.ItemFound | ev.ItemMissing):
        return True
    if isinstance(event, ev.ReturnRequested) and event.order_id != item.order_id:
        spelt_otherwise = fold(event.order_id) == fold(item.order_id)
        return None if spelt_otherwise or hidden(event.order_id) else False
    if after.order is None:
        return None
    return _is_here(after, item)


def _items(before: Case, event: Any, after: Case) -> Iterable[OrderedItem]:
    for item_id in _named(event) or ():
        item = _item_here(after, item_id)
        if item is not None:
            yield item


_ITEM_LEFT = Effect({"picked": "false", "agreed": "false", "asked": "false"})

ITEM = Kind(
    name="item",
    doc="an item of an order, with the packages that hold it there",
    facts=Facts(
        tests={
            "known": lambda case, item: case.items.get(item.item_id) is not None,
            "delivered": lambda case, item: any(
                eligibility.is_delivered(case.packages.get(each)) for each in item.packages
            ),
            "picked": lambda case, item: _is_here(case, item) and item.item_id in case.wanted(),
            "agreed": _agreed,
            "asked": _asked,
        },
        effects={
            "email_given": (_ITEM_LEFT,),
            "order_id_given": (_ITEM_LEFT,),
            "order_id_unknown": (_ITEM_LEFT,),
            "another_return": (_ITEM_LEFT,),
            "order_found": (Effect({"picked": "any", "agreed": "any", "asked": "any"}),),
            "items_picked": (
                _ITEM_LEFT,
                Effect({"picked": "true"}, about=True),
            ),
            "item_found": (Effect({"known": "true"}, about=True),),
            "item_missing": (Effect({"known": "false"}, about=True),),
            "package_found": (Effect({"delivered": "any"}, about=True),),
            "package_missing": (Effect({"delivered": "down"}, about=True),),
            "return_confirmed": (
                Effect({"agreed": "false", "asked": "false"}),
                Effect({"agreed": "true"}, about=True),
            ),
            "return_requested": (Effect({"agreed": "down", "asked": "up"}),),
            "return_opened": (
                Effect({"asked": "down"}, about=True, clauses=("was asked",)),
                Effect(about=False, clauses=("not was asked",)),
            ),
            "return_refused": (Effect({"asked": "down"}),),
            "left_unconfirmed": (Effect({"asked": "false"}),),
            "resumed": (
                Effect({"known": "false", "delivered": "false"}),
                Effect({"agreed": "false", "asked": "down"}),
            ),
        },
        guards={
            "lines_eligible": Implied(
                ("not about or known", "not about or delivered", "not about or picked")
            ),
            "line_confirmed": Implied(
                ("not about or was agreed", "not about or asked", "about or not asked")
            ),
        },
        always=(
            "not agreed or waiting",
            "not asked or sent",
            "not picked or chosen",
        ),
    ),
    events=frozenset(
        {
            "items_picked",
            "item_found",
            "item_missing",
            "package_found",
            "package_missing",
            "return_confirmed",
            "return_requested",
            "return_opened",
        }
    ),
    about=_about_item,
    subjects=_items,
    words=lambda item: f"item {item.item_id} of order {item.order_id}",
)

# -- one return that was opened ---------------------------------------------------------------


def _subjects_opened(case: Case) -> set[str]:
    return {line.subject for line in case.opened}


def _about_return(subject: str, before: Case, event: Any, after: Case) -> bool | None:
    if isinstance(event, ev.Told):
        if hidden(event.subject) or hidden(subject):
            return None
        return event.subject == subject
    return subject in _subjects_opened(after) - _subjects_opened(before)


def _returns(before: Case, event: Any, after: Case) -> Iterable[str]:
    if isinstance(event, ev.ReturnOpened):
        yield from _subjects_opened(after) - _subjects_opened(before)


def _fact(notice: str) -> str:
    return f"told_{notice}"


def _was_told(notice: str) -> Any:
    return lambda case, subject: (notice, subject) in case.told


_MAYBE_FORGOTTEN = Effect(
    {_fact(notice): "down" for notice in NOTICES},
    clauses=tuple(
        f"not was open_here or not was {_fact(notice)} or {_fact(notice)}" for notice in NOTICES
    ),
)
"""Choices are forgotten with what was told of them; what was told of a return stands."""

_FORGETTING = (
    "email_given",
    "order_id_given",
    "order_id_unknown",
    "another_return",
    "items_picked",
    "resumed",
)

RETURN = Kind(
    name="return",
    doc="a return that the shop opened, by its tracking id",
    facts=Facts(
        tests={
            "open_here": lambda case, subject: subject in _subjects_opened(case),
            **{_fact(notice): _was_told(notice) for notice in NOTICES},
        },
        effects={
            **dict.fromkeys(_FORGETTING, (_MAYBE_FORGOTTEN,)),
            "return_opened": (Effect({"open_here": "true"}, about=True),),
            "told": tuple(
                Effect({_fact(notice): "true"}, about=True, notice=notice) for notice in NOTICES
            ),
        },
        guards={},
        always=(
            "not open_here or opened",
            *(f"not open_here or {_fact(notice)} or owed" for notice in NOTICES),
        ),
    ),
    events=frozenset({"return_opened", "told"}),
    about=_about_return,
    subjects=_returns,
    words=lambda subject: f"return {subject}",
)

ABSTRACTION = Abstraction(
    facts=CALL,
    kinds={kind.name: kind for kind in (ITEM, RETURN)},
    free=frozenset({"summary_given"}),
)
