"""Slips put into a call: what replay has to find, and where.

The kinds that change the order of events know no vocabulary. Those that change a field do so by
a table of `FieldChange`s, one for each vocabulary; the table of handling returns stands at the
end, and `field_changes` takes others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from returnflow.delayed.telling import NOTICES as WAITING_NOTICES
from returnflow.engine.vocabulary import Event, Vocabulary, event_name
from returnflow.records import Order, Package, ReturnPolicy
from returnflow.returns.events import REASONS
from returnflow.returns.telling import NOTICES
from returnflow.testing.sampler import sampler_for

MutationKind = Literal[
    "dropped",
    "doubled",
    "swapped",
    "moved",
    "inserted",
    "argument",
    "date",
    "status",
    "owner",
]
"""What was done: an event left out; there twice; two neighbours that changed places; one moved
further than that; a strange one put in; a field changed of what the agent gave or sent, or of
the records that came back: a date or a return window, a status, or whose an order is."""

KINDS: tuple[MutationKind, ...] = get_args(MutationKind)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A call with one slip in it.

    Args:
        index: the first place at which the changed call is another one, times apart. Where an
            end is missing, that is one past the last.
        events: the changed call. Times stay with their places, so that they still rise.
        event: the name of the event that was left out, moved, put in or changed.
        field: of a changed field, its path in the event, such as ``picks[0].quantity``.
        about: the slip in words.
    """

    kind: MutationKind
    index: int
    events: tuple[Event, ...]
    event: str
    field: str
    about: str


Seen = Callable[[str], Sequence[Any]]
"""All values that fields of a name have anywhere in the call, in order, each once."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """How the fields of a name are changed.

    Args:
        owner: the struct that has the field; None: any event that is not the backend's.
        values: what it may be instead, from what it is. What equals it is passed over; nothing
            means that it is left alone.
    """

    kind: MutationKind
    field: str
    owner: type[msgspec.Struct] | None
    values: Callable[[Any, Seen], Iterable[Any]]


def mutations(
    events: Sequence[Event],
    rng: Random,
    vocabulary: Vocabulary,
    *,
    kinds: Sequence[MutationKind] = KINDS,
    shop: Any = None,
) -> Iterator[Mutation]:
    """Every place of the call, changed in every way of those kinds; one after the other.

    Where there is a choice (where to, which value) it is drawn, so that a place and field come
    once for each kind. The same random generator gives the same mutations, whichever kinds are
    wanted and however many are taken. What would leave the call as it is, is passed over.

    Args:
        shop: whose things a strange event is about; None: the curated shop of the vocabulary.

    Raises:
        UsageError: there is no sampler for the vocabulary, and a strange event is wanted.
    """
    seeds = {kind: rng.getrandbits(64) for kind in KINDS}
    mutator = _Mutator(events, vocabulary, shop)
    return (found for kind in kinds for found in mutator.of_kind(kind, Random(seeds[kind])))


def mutate(
    events: Sequence[Event], rng: Random, vocabulary: Vocabulary, *, shop: Any = None
) -> Mutation:
    """One mutation, drawn: first a kind among those that the call allows, then one of them.

    Args, Raises: see `mutations`.
    """
    mutator = _Mutator(events, vocabulary, shop)
    for kind in rng.sample(KINDS, len(KINDS)):
        if found := list(mutator.of_kind(kind, rng)):
            return rng.choice(found)
    raise AssertionError("a strange event can be put into any call")


class _Mutator:
    def __init__(self, events: Sequence[Event], vocabulary: Vocabulary, shop: Any) -> None:
        self.events = tuple(events)
        self.vocabulary = vocabulary
        self.shop = shop
        self.bare = [_bare(event) for event in events]
        self.changes = field_changes.get(vocabulary.name, ())
        self.answers = {name for op in vocabulary.operations.values() for name in op.outcomes}

    def of_kind(self, kind: MutationKind, rng: Random) -> Iterator[Mutation]:
        match kind:
            case "dropped":
                return self._dropped()
            case "doubled":
                return self._doubled()
            case "swapped":
                return self._swapped()
            case "moved":
                return self._moved(rng)
            case "inserted":
                return self._inserted(rng)
            case _:
                return self._changed(kind, rng)

    # -- the order of events ------------------------------------------------------------------

    def _dropped(self) -> Iterator[Mutation]:
        for place, event in enumerate(self.events):
            rest = (*self.events[:place], *self.events[place + 1 :])
            yield from self._made("dropped", event, rest, "is left out")

    def _doubled(self) -> Iterator[Mutation]:
        for place, event in enumerate(self.events):
            twice = (*self.events[: place + 1], *self.events[place:])
            yield from self._made("doubled", event, twice, "is there twice")

    def _swapped(self) -> Iterator[Mutation]:
        for place, event in enumerate(self.events[:-1]):
            order = list(range(len(self.events)))
            order[place], order[place + 1] = place + 1, place
            other = event_name(self.events[place + 1])
            yield from self._reordered("swapped", event, order, f"changed places with {other}")

    def _moved(self, rng: Random) -> Iterator[Mutation]:
        places = range(len(self.events))
        for place, event in enumerate(self.events):
            if further := [to for to in places if abs(to - place) > 1]:
                to = rng.choice(further)
                order = [other for other in places if other != place]
                order.insert(to, place)
                about = f"was moved from place {place} to {to}"
                yield from self._reordered("moved", event, order, about)

    def _reordered(
        self, kind: MutationKind, event: Event, order: Sequence[int], about: str
    ) -> Iterator[Mutation]:
        changed = tuple(
            replace(self.events[came_from], at=self.events[place].at)
            for place, came_from in enumerate(order)
        )
        yield from self._made(kind, event, changed, about)

    def _inserted(self, rng: Random) -> Iterator[Mutation]:
        sampler = sampler_for(self.vocabulary.name)
        shop = sampler.curated() if self.shop is None else self.shop
        for place in range(len(self.events) + 1):
            at = self.events[min(place, len(self.events) - 1)].at if self.events else None
            event = replace(sampler.anything(rng, shop), at=at)
            more = (*self.events[:place], event, *self.events[place:])
            yield from self._made("inserted", event, more, "was put in")

    # -- fields -------------------------------------------------------------------------------

    def _changed(self, kind: MutationKind, rng: Random) -> Iterator[Mutation]:
        for place, event in enumerate(self.events):
            agents = event_name(event) not in self.answers
            for path, owner, value in _fields(event):
                for change in self.changes:
                    fits = agents if change.owner is None else isinstance(owner, change.owner)
                    if change.kind != kind or change.field != path[-1] or not fits:
                        continue
                    others = [new for new in change.values(value, self._seen) if new != value]
                    if others:
                        new = rng.choice(others)
                        yield from self._with_field(kind, place, path, value, new)

    def _with_field(
        self, kind: MutationKind, place: int, path: _Path, old: Any, new: Any
    ) -> Iterator[Mutation]:
        event = self.events[place]
        changed = (*self.events[:place], _put(event, path, new), *self.events[place + 1 :])
        field = _spelt(path)
        about = f"has {field} {new!r} instead of {old!r}"
        yield from self._made(kind, event, changed, about, field)

    def _seen(self, field: str) -> Sequence[Any]:
        values = [
            value for event in self.bare for path, _, value in _fields(event) if path[-1] == field
        ]
        return list(dict.fromkeys(values))

    def _made(
        self,
        kind: MutationKind,
        event: Event,
        changed: tuple[Event, ...],
        about: str,
        field: str = "",
    ) -> Iterator[Mutation]:
        index = self._departs(changed)
        if index is not None:
            name = event_name(event)
            yield Mutation(kind, index, changed, name, field, f"{name} {about}")

    def _departs(self, changed: Sequence[Event]) -> int | None:
        """The first place at which it is another call; None: it is the same."""
        for index, (one, other) in enumerate(zip(self.bare, changed, strict=False)):
            if one != _bare(other):
                return index
        shorter = min(len(self.bare), len(changed))
        return shorter if len(self.bare) != len(changed) else None


# -- structs in structs -----------------------------------------------------------------------

_Path = tuple[str | int, ...]


def _bare(event: Event) -> Event:
    return replace(event, at=None)


def _fields(struct: msgspec.Struct, path: _Path = ()) -> Iterator[tuple[_Path, Any, Any]]:
    """The path, the struct it is in, and the value of every field that is no struct itself."""
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        inner = enumerate(value) if isinstance(value, tuple) else [(None, value)]
        found = [
            ((*path, name) if number is None else (*path, name, number), member)
            for number, member in inner
            if isinstance(member, msgspec.Struct)
        ]
        for deeper, member in found:
            yield from _fields(member, deeper)
        if not found:
            yield (*path, name), struct, value


def _put(struct: Any, path: _Path, value: Any) -> Any:
    """A copy with another value at the path."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return (*struct[:step], _put(struct[step], rest, value), *struct[step + 1 :])
    return replace(struct, **{step: _put(getattr(struct, step), rest, value)})


def _spelt(path: _Path) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".")


# -- handling returns -------------------------------------------------------------------------


def _another(field: str, strange: str) -> Callable[[Any, Seen], Iterable[Any]]:
    """An id that the call names elsewhere, or one that it never names.

    Ids that differ in case or blanks only are the same (rules 20, 22).
    """

    def values(value: Any, seen: Seen) -> Iterable[Any]:
        folded = str(value).strip().casefold()
        known = [one for one in seen(field) if one and one.strip().casefold() != folded]
        return [*known, strange]

    return values


def _units(value: int, _: Seen) -> Iterable[int]:
    return [value + 1, value - 1, value + 100]


def _reasons(value: str, _: Seen) -> Iterable[str]:
    # The reason of a transfer may be any words.
    return [*REASONS, "BORED"] if value in REASONS else []


def _subjects(_: str, seen: Seen) -> Iterable[str]:
    return [*seen("subject"), "NOT-IN-IT"]


def _far_from(value: str, _: Seen) -> Iterable[str]:
    """A day long past and one still to come; how much of a time was recorded stays (rule 3)."""
    return [day + value[10:] for day in ("2001-01-01", "2999-01-01")] if value else []


def _statuses(value: str, _: Seen) -> Iterable[str]:
    """Delivered becomes something else; all else becomes delivered."""
    return _UNDELIVERED if value == "DELIVERED" else ["DELIVERED"]


_UNDELIVERED = (
    "AT_WAREHOUSE",
    "IN_TRANSIT",
    "AT_DELIVERY_STATION",
    "OUT_FOR_DELIVERY",
    "DELIVERY_FAILURE",
    "LOST_TRACK_OF",
)

RETURNS = (
    FieldChange("argument", "email", None, _another("email", "somebody.else@example.com")),
    FieldChange("argument", "order_id", None, _another("order_id", "O-STRANGE")),
    FieldChange("argument", "item_id", None, _another("item_id", "NOT-IN-IT")),
    FieldChange("argument", "customer_id", None, _another("customer_id", "SOMEBODY")),
    FieldChange("argument", "quantity", None, _units),
    FieldChange("argument", "reason", None, _reasons),
    FieldChange("argument", "notice", None, lambda value, seen: NOTICES),
    FieldChange("argument", "subject", None, _subjects),
    FieldChange("argument", "summary", None, lambda value, seen: [" "]),
    FieldChange("date", "order_date", Order, _far_from),
    FieldChange("date", "return_window", ReturnPolicy, lambda value, seen: ["abc", "-1", ""]),
    FieldChange("status", "current_status", Package, _statuses),
    FieldChange(
        "status",
        "type",
        Package,
        lambda value, seen: ["ORDER_DELIVERY" if value == "RETURN" else "RETURN"],
    ),
    FieldChange(
        "status",
        "return_eligible",
        ReturnPolicy,
        lambda value, seen: [] if value is None else [not value],
    ),
    FieldChange("owner", "customer_id", Order, _another("customer_id", "SOMEBODY")),
)
"""The changes for ``vocabulary: returns``."""


# -- handling a delayed package ---------------------------------------------------------------

DELAYED = (
    FieldChange("argument", "email", None, _another("email", "somebody.else@example.com")),
    FieldChange("argument", "order_id", None, _another("order_id", "O-STRANGE")),
    FieldChange("argument", "item_id", None, _another("item_id", "NOT-IN-IT")),
    FieldChange("argument", "package_id", None, _another("package_id", "P-STRANGE")),
    FieldChange("argument", "customer_id", None, _another("customer_id", "SOMEBODY")),
    FieldChange("argument", "amount", None, lambda value, seen: [value + 1, value / 2]),
    FieldChange("argument", "currency", None, lambda value, seen: ["SEK"]),
    FieldChange("argument", "notice", None, lambda value, seen: WAITING_NOTICES),
    FieldChange("argument", "subject", None, _subjects),
    FieldChange("argument", "summary", None, lambda value, seen: [" "]),
    FieldChange("date", "promised_delivery_date", Package, _far_from),
    FieldChange("date", "estimated_delivery_date", Package, _far_from),
    FieldChange("status", "current_status", Package, _statuses),
    FieldChange(
        "status",
        "gift_card_id",
        Package,
        lambda value, seen: ["" if value else "GC-EARLIER"],
    ),
    FieldChange("owner", "customer_id", Order, _another("customer_id", "SOMEBODY")),
)
"""The changes for ``vocabulary: delayed``."""

field_changes: dict[str, tuple[FieldChange, ...]] = {"returns": RETURNS, "delayed": DELAYED}
"""The changes of fields by the names of their vocabularies. Add one to mutate another."""
