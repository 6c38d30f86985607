"""The slips that are put into calls: each is a slip, and stands where it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from returnflow.engine.definition import Definition, load
from returnflow.engine.vocabulary import Event, event_name
from returnflow.records import Order, Package
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.testing import random_call
from returnflow.testing.mutations import KINDS, Mutation, MutationKind, mutate, mutations

NINE = datetime(2024, 5, 6, 9, tzinfo=UTC)


@cache
def definition() -> Definition:
    return load(Path(__file__).parents[2] / "states" / "handling_returns.yaml")


@cache
def calls() -> dict[int, list[Event]]:
    """Legal calls by their seeds."""
    return {seed: random_call(definition(), Random(seed), max_events=40) for seed in range(40)}


def timed(*events: Event) -> list[Event]:
    """The events, a minute apart."""
    return [replace(event, at=NINE + timedelta(minutes=n)) for n, event in enumerate(events)]


def untimed(events: Sequence[Event]) -> list[Event]:
    return [replace(event, at=None) for event in events]


def of(kind: MutationKind, events: Sequence[Event], seed: int = 0) -> list[Mutation]:
    return list(mutations(events, Random(seed), VOCABULARY, kinds=[kind]))


EMAIL = ev.EmailGiven(email="one@example.com")
ASKED = ev.OrderIdUnknown()
GONE = ev.CallDropped()
SHORT = timed(EMAIL, ASKED, GONE)


def test_an_event_is_left_out_at_every_place() -> None:
    found = of("dropped", SHORT)
    assert [(m.index, m.event) for m in found] == [
        (0, "email_given"),
        (1, "order_id_unknown"),
        (2, "call_dropped"),
    ]
    assert [untimed(m.events) for m in found] == [[ASKED, GONE], [EMAIL, GONE], [EMAIL, ASKED]]
    assert found[1].about == "order_id_unknown is left out"


def test_an_event_is_doubled_behind_itself() -> None:
    found = of("doubled", SHORT)
    # The first of the two is still in its place; the second is the slip.
    assert [m.index for m in found] == [1, 2, 3]
    assert untimed(found[1].events) == [EMAIL, ASKED, ASKED, GONE]


def test_neighbours_change_places_and_the_clock_does_not() -> None:
    found = of("swapped", SHORT)
    assert [m.index for m in found] == [0, 1]
    assert untimed(found[0].events) == [ASKED, EMAIL, GONE]
    assert [event.at for event in found[0].events] == [event.at for event in SHORT]
    assert found[0].about == "email_given changed places with order_id_unknown"


def test_an_event_is_moved_further_than_to_its_neighbour() -> None:
    found = of("moved", SHORT)
    assert [(m.event, untimed(m.events)) for m in found] == [
        ("email_given", [ASKED, GONE, EMAIL]),
        ("call_dropped", [GONE, EMAIL, ASKED]),
    ]
    assert [m.index for m in found] == [0, 0]


def test_what_looks_the_same_afterwards_is_no_mutation() -> None:
    """Two equal events may change places, whatever the clock said; nothing can come of it."""
    twins = timed(ASKED, ASKED, GONE)
    assert [m.index for m in of("swapped", twins)] == [1]
    # Of the first two, one is missing; that shows only behind them.
    assert [m.index for m in of("dropped", twins)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("kind", "event", "fields"),
    [
        ("argument", EMAIL, {"email"}),
        ("argument", ev.OrderIdGiven(order_id="O-1"), {"order_id"}),
        (
            "argument",
            ev.ItemsPicked(picks=(ev.Pick("I-1", 1), ev.Pick("I-2", 2))),
            {"picks[0].item_id", "picks[0].quantity", "picks[1].item_id", "picks[1].quantity"},
        ),
        ("argument", ev.Told(notice="final", subject="I-1"), {"notice", "subject"}),
        (
            "argument",
            ev.ReturnRequested(order_id="O-1", item_id="I-1", quantity=1, reason="OTHER", key="k"),
            {"order_id", "item_id", "quantity", "reason"},
        ),
        ("argument", ev.TransferRequested(summary="angry"), {"customer_id", "summary"}),
        # In free words, nothing is a slip.
        ("argument", ev.HumanRequested(reason="angry", summary="x"), {"summary"}),
        # What the shop answers is no argument.
        ("argument", ev.OrderMissing(order_id="O-1"), set()),
        (
            "owner",
            ev.OrderFound(order=Order(order_id="O-1", customer_id="C-1")),
            {"order.customer_id"},
        ),
        ("owner", ev.TransferRequested(customer_id="C-1", summary="x"), set()),
        (
            "status",
            ev.PackageFound(package=Package(package_id="P-1", current_status="IN_TRANSIT")),
            {"package.current_status", "package.type"},
        ),
    ],
    ids=lambda value: event_name(value) if isinstance(value, Event) else None,
)
def test_the_fields_that_are_changed(kind: MutationKind, event: Event, fields: set[str]) -> None:
    found = of(kind, timed(ASKED, event))
    assert {m.field for m in found} == fields
    assert all(m.index == 1 and m.event == event_name(event) for m in found)


def test_a_date_is_moved_out_of_any_window_and_a_window_made_unreadable() -> None:
    order = Order(order_id="O-1", customer_id="C-1", order_date="2024-05-01T10:00:00")
    days = {
        m.events[0].order.order_date  # type: ignore[attr-defined]
        for seed in range(20)
        for m in of("date", [ev.OrderFound(order=order)], seed)
    }
    assert days == {"2001-01-01T10:00:00", "2999-01-01T10:00:00"}
    item = {m.field for seed, call in calls().items() for m in of("date", call, seed)}
    assert item == {"order.order_date", "item.policy.return_window"}


def test_an_id_is_another_one_whichever_case_it_is_written_in() -> None:
    """Rule 22: an id in capitals is the same id, and no slip."""
    given = [ev.OrderIdGiven(order_id=order_id) for order_id in ("o-1", " O-1", "O-2")]
    drawn = {
        m.events[0].order_id  # type: ignore[attr-defined]
        for seed in range(40)
        for m in of("argument", given, seed)
        if m.index == 0
    }
    assert drawn == {"O-2", "O-STRANGE"}


def test_every_mutation_departs_where_it_says_and_nowhere_before() -> None:
    kinds: Counter[str] = Counter()
    for seed, call in calls().items():
        bare = untimed(call)
        for mutation in mutations(call, Random(seed), VOCABULARY):
            changed = untimed(mutation.events)
            where = f"seed {seed}: {mutation.kind} at {mutation.index}: {mutation.about}"
            index = mutation.index
            assert changed != bare, where
            assert changed[:index] == bare[:index], where
            assert changed[index : index + 1] != bare[index : index + 1], where
            times = [event.at for event in mutation.events if event.at is not None]
            assert times == sorted(times), where
            assert mutation.about.startswith(mutation.event), where
            assert bool(mutation.field) == (
                mutation.kind in {"argument", "date", "status", "owner"}
            )
            kinds[mutation.kind] += 1
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) > 20, kinds


def test_a_mutation_changes_exactly_what_its_kind_says() -> None:
    for seed, call in calls().items():
        bare = Counter(map(repr, untimed(call)))
        for mutation in mutations(call, Random(seed), VOCABULARY):
            now = Counter(map(repr, untimed(mutation.events)))
            lost, won = (bare - now).total(), (now - bare).total()
            expected = {
                "dropped": (1, 0),
                "doubled": (0, 1),
                "inserted": (0, 1),
                "swapped": (0, 0),
                "moved": (0, 0),
            }.get(mutation.kind, (1, 1))
            assert (lost, won) == expected, f"seed {seed}: {mutation.about}"


def test_the_same_seed_gives_the_same_mutations_whichever_are_asked_for() -> None:
    call = calls()[5]
    everything = list(mutations(call, Random(1), VOCABULARY))
    assert everything == list(mutations(call, Random(1), VOCABULARY))
    assert everything != list(mutations(call, Random(2), VOCABULARY))
    for kind in KINDS:
        alone = list(mutations(call, Random(1), VOCABULARY, kinds=[kind]))
        assert alone == [m for m in everything if m.kind == kind]


def test_one_mutation_is_drawn_from_every_kind() -> None:
    call = max(calls().values(), key=len)
    drawn = [mutate(call, Random(seed), VOCABULARY) for seed in range(150)]
    assert drawn == [mutate(call, Random(seed), VOCABULARY) for seed in range(150)]
    assert {m.kind for m in drawn} == set(KINDS)


def test_into_an_empty_call_something_can_only_be_put() -> None:
    assert {m.kind for m in mutations([], Random(3), VOCABULARY)} == {"inserted"}
    mutation = mutate([], Random(3), VOCABULARY)
    assert (mutation.kind, mutation.index, len(mutation.events)) == ("inserted", 0, 1)
