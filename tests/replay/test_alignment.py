"""The costs of alignments: by hand, against a plain search, and against pm4py."""

from __future__ import annotations

import heapq
import importlib
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from returnflow.engine.definition import Definition, Place, Row, load
from returnflow.engine.vocabulary import event_name
from returnflow.replay.alignment import KEPT, LONGEST, ControlFlow
from returnflow.testing import random_call

STATES = Path(__file__).parents[2] / "states"

Table = Mapping[tuple[str, str], tuple[Row, ...]]
Edges = set[tuple[str, str, str]]

ANSWERS = frozenset(
    {
        "email_given",
        "order_id_given",
        "order_id_unknown",
        "items_picked",
        "return_confirmed",
        "return_declined",
        "satisfied",
        "another_return",
    }
)
"""What an agent typed, which a chat log does not show."""


@cache
def definition() -> Definition:
    return load(STATES / "handling_returns.yaml")


def table_of(*edges: tuple[str, str, str | None]) -> Table:
    """Rows for edges (state, event, target) in their order; without a target, one that refuses."""
    rows: dict[tuple[str, str], tuple[Row, ...]] = {}
    for state, event, to in edges:
        before = rows.get((state, event), ())
        row = Row(state, event, len(before), (), to, None, False, None, False, Place(1, 1))
        rows[state, event] = (*before, row)
    return rows


def edges_of(rows: Table) -> Edges:
    return {
        (row.state, row.event, row.to)
        for group in rows.values()
        for row in group
        if row.to is not None
    }


# -- by hand ----------------------------------------------------------------------------------

DOOR = table_of(
    ("shut", "opened", "open"),
    ("open", "closed", "shut"),
    ("shut", "locked", "safe"),
    ("shut", "locked", "jammed"),
    ("jammed", "freed", "shut"),
    ("shut", "kicked", None),
)
"""A door whose lock sometimes jams, which only a guard could tell. Kicking it is refused."""


@pytest.mark.parametrize(
    ("names", "cost"),
    [
        ("", 0),
        ("opened closed locked", 0),
        ("opened", 0),
        ("locked freed opened", 0),  # one of the two states that `locked` leads to
        ("opened locked", 1),  # `closed` is missing
        ("closed opened", 1),  # `closed` is too much
        ("freed opened", 1),  # whichever: `locked` is missing, or `freed` is too much
        ("locked opened closed", 1),  # `freed` is missing
        ("opened opened closed closed", 2),
        ("kicked opened", 1),  # a row that refuses is no edge
        ("opened sung closed", 1),  # of no row at all
        ("sung sung sung", 3),
        ("freed freed freed freed", 4),
    ],
)
def test_the_cost_of_a_few_sequences_is_that_found_by_hand(names: str, cost: int) -> None:
    assert ControlFlow(DOOR, "shut").cost(names.split()) == cost


@pytest.mark.parametrize(
    ("names", "cost"),
    [
        ("opened locked", 0),  # `closed` happened, and the log cannot show it
        ("opened closed locked", 0),  # nor is it held against the log if it does
        ("opened opened opened", 0),
        ("closed", 1),  # `opened` is missing, or `closed` is too much
        ("locked opened", 1),  # `freed` is missing
    ],
)
def test_what_a_log_cannot_show_may_have_happened(names: str, cost: int) -> None:
    assert ControlFlow(DOOR, "shut", frozenset({"closed"})).cost(names.split()) == cost


def test_the_costs_to_go_are_by_event_and_state() -> None:
    flow = ControlFlow(DOOR, "shut")
    names = ["locked", "freed", "closed"]
    costs = flow.to_go(names)
    by_state = [
        {state: row[flow.index[state]] for state in ("shut", "open", "jammed", "safe")}
        for row in costs
    ]
    assert by_state == [
        # `closed` needs an `opened` before it, or is too much.
        {"shut": 1, "open": 2, "jammed": 2, "safe": 3},
        {"shut": 2, "open": 1, "jammed": 1, "safe": 2},
        {"shut": 1, "open": 0, "jammed": 1, "safe": 1},
        {"shut": 0, "open": 0, "jammed": 0, "safe": 0},
    ]
    assert flow.states[0] == "shut"
    assert set(flow.states) == {"shut", "open", "jammed", "safe"}
    assert flow.cheapest() == 0


def test_a_state_that_only_the_beginning_names_is_a_state() -> None:
    flow = ControlFlow({}, "alone")
    assert flow.states == ("alone",)
    assert flow.to_go(["sung"]) == ((1,), (0,))


# -- against a plain search -------------------------------------------------------------------


def plain_search(
    rows: Table,
    names: Sequence[str],
    silent: frozenset[str],
    harmless: Sequence[bool] = (),
    resting: frozenset[str] = frozenset(),
) -> dict[tuple[int, str], int]:
    """By event and state, the least cost to the end: Dijkstra, from all ends backwards.

    A log move of a harmless event costs nothing, nor any in a resting state.
    """
    edges = edges_of(rows)
    states = {state for state, _ in rows} | {target for _, _, target in edges}
    order = count()
    queue = [(0, next(order), len(names), state) for state in sorted(states)]
    best: dict[tuple[int, str], int] = {}
    while queue:
        cost, _, place, state = heapq.heappop(queue)
        if (place, state) in best:
            continue
        best[place, state] = cost
        free = state in resting or (harmless and place and harmless[place - 1])
        moves = [(0 if free else 1, place - 1, state)] if place else []
        for source, event, target in edges:
            if target == state:
                moves.append((0 if event in silent else 1, place, source))
                if place and names[place - 1] == event:
                    moves.append((0, place - 1, source))
        for step, before, source in moves:
            heapq.heappush(queue, (cost + step, next(order), before, source))
    return best


def same_as_plain_search(
    rows: Table, initial: str, silent: frozenset[str], names: list[str]
) -> int:
    """Holds the costs to go against the plain search; returns the cost of the whole."""
    flow = ControlFlow(rows, initial, silent)
    want = plain_search(rows, names, silent)
    costs = flow.to_go(names)
    assert len(costs) == len(names) + 1
    got = {
        (place, state): costs[place][flow.index[state]]
        for place in range(len(names) + 1)
        for state in flow.states
        if (place, state) in want
    }
    assert got == want
    assert flow.cost(names) == want[0, initial]
    return want[0, initial]


def small_automaton(rng: Random) -> tuple[Table, frozenset[str], list[str]]:
    """Up to five states and four events, sparse or dense: with self loops, several targets,
    parts that cannot be reached, and rows that refuse. With it silent events and a sequence."""
    states = "ABCDE"[: rng.randint(1, 5)]
    events = "abcd"[: rng.randint(1, 4)]
    edges: list[tuple[str, str, str | None]] = [("A", "a", None)]
    for _ in range(rng.randint(0, 12)):
        to = rng.choice([*states, None]) if rng.random() < 0.2 else rng.choice(states)
        edges.append((rng.choice(states), rng.choice(events), to))
    silent = frozenset(event for event in events if rng.random() < 0.25)
    names = [rng.choice([*events, "?"]) for _ in range(rng.randint(0, 8))]
    return table_of(*edges), silent, names


def test_small_automata_agree_with_a_plain_search() -> None:
    costs: Counter[int] = Counter()
    for seed in range(3_000):
        rows, silent, names = small_automaton(Random(seed))
        try:
            costs[same_as_plain_search(rows, "A", silent, names)] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert min(costs[cost] for cost in range(6)) > 20, costs


def test_the_slips_to_go_agree_with_a_plain_search() -> None:
    """What a search may count on from any point: never more than there is, and never less."""
    fewer = 0
    for seed in range(2_000):
        rng = Random(f"slips {seed}")
        rows, silent, names = small_automaton(rng)
        harmless = [rng.random() < 0.3 for _ in names]
        resting = frozenset(state for state in "ABCDE" if rng.random() < 0.2)
        flow = ControlFlow(rows, "A", silent, resting)
        want = plain_search(rows, names, silent, harmless, resting)
        slips = flow.slips_to_go(names, harmless)
        for (place, state), least in want.items():
            if state in flow.index:
                assert slips[place][flow.index[state]] == least, f"seed {seed}: {place}, {state}"
        fewer += want[0, "A"] < flow.cost(names)
    assert fewer > 200


@pytest.mark.parametrize("silent", [frozenset(), ANSWERS], ids=["nothing", "answers"])
@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1, LONGEST + 150])
def test_long_calls_agree_with_a_plain_search(length: int, silent: frozenset[str]) -> None:
    """Also those too long to be remembered step by step."""
    seed = length
    rng = Random(seed)
    names: list[str] = []
    while len(names) < length:
        names += mutated(call(rng, 40), rng)
    cost = same_as_plain_search(definition().rows, definition().initial, silent, names[:length])
    assert cost > 10, f"seed {seed}"


def test_what_is_remembered_changes_no_answer_and_stays_within_bounds() -> None:
    """One flow asked often answers as a new one does, and does not grow for ever."""
    often = ControlFlow(definition().rows, definition().initial)
    rng = Random(7)
    events = sorted({event for _, event in definition().rows})
    asked = 0
    while asked < 3 * KEPT:
        names = [rng.choice(events) for _ in range(LONGEST)]
        asked += len(names)
        costs = often.to_go(names)
        if asked % 8 == 0:
            assert costs == ControlFlow(definition().rows, definition().initial).to_go(names)
            assert costs == often.to_go(tuple(names))
            harmless = [rng.random() < 0.5 for _ in names]
            new = ControlFlow(definition().rows, definition().initial)
            assert often.slips_to_go(names, harmless) == new.slips_to_go(names, harmless)
        assert len(often._kept) <= KEPT
        assert len(often._slips) <= KEPT


# -- calls of the shipped procedure -----------------------------------------------------------


def call(rng: Random, longest: int) -> list[str]:
    """The names of the events of a legal call."""
    return [event_name(event) for event in random_call(definition(), rng, max_events=longest)]


def mutated(names: list[str], rng: Random) -> list[str]:
    """The sequence with up to three slips: left out, twice, swapped, moved, replaced."""
    found = list(names)
    events = [*sorted({event for _, event in definition().rows}), "hummed"]
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(found)) if found else 0
        match rng.choice(["drop", "double", "swap", "move", "replace"]):
            case "drop" if found:
                del found[at]
            case "double" if found:
                found.insert(at, found[at])
            case "swap" if at + 1 < len(found):
                found[at], found[at + 1] = found[at + 1], found[at]
            case "move" if found:
                name = found.pop(at)
                found.insert(rng.randint(0, len(found)), name)
            case _:
                found[at : at + 1] = [rng.choice(events)]
    return found


def sequences(seed: int, wanted: int, unseen: frozenset[str]) -> list[tuple[str, ...]]:
    """So many different sequences of at most 25 events: legal calls, calls with slips, and
    some names in no order at all. From every second, what cannot be seen is left out."""
    rng = Random(seed)
    events = sorted({event for _, event in definition().rows})
    found: dict[tuple[str, ...], None] = {}
    while len(found) < wanted:
        if rng.random() < 0.1:
            names = [rng.choice(events) for _ in range(rng.randint(0, 10))]
        else:
            names = mutated(call(rng, rng.randint(6, 24)), rng)
        if rng.random() < 0.5:
            names = [name for name in names if name not in unseen]
        if len(names) <= 25:
            found[tuple(names)] = None
    return list(found)


def test_every_legal_call_costs_nothing() -> None:
    flow = ControlFlow(definition().rows, definition().initial)
    unseen = ControlFlow(definition().rows, definition().initial, ANSWERS)
    for seed in range(100):
        names = call(Random(seed), 60)
        assert flow.cost(names) == 0, f"seed {seed}: {names}"
        assert unseen.cost([name for name in names if name not in ANSWERS]) == 0, f"seed {seed}"


def test_following_the_costs_to_go_spells_out_an_optimal_alignment() -> None:
    """From the beginning there is always a move on, and the moves add up to the cost."""
    flow = ControlFlow(definition().rows, definition().initial)
    onward: dict[str, list[tuple[str, str]]] = {state: [] for state in flow.states}
    for state, event, target in sorted(edges_of(definition().rows)):
        onward[state].append((event, target))
    for names in sequences(11, 300, frozenset()):
        costs = flow.to_go(names)
        place, state, paid = 0, definition().initial, 0
        while place < len(names):
            left = costs[place][flow.index[state]]
            moves = [(0, place + 1, to) for event, to in onward[state] if event == names[place]]
            moves += [(1, place + 1, state), *((1, place, to) for _, to in onward[state])]
            fitting = [
                move for move in moves if move[0] + costs[move[1]][flow.index[move[2]]] == left
            ]
            assert fitting, f"no way on from {state} before event {place} of {names}"
            assert all(c + costs[p][flow.index[s]] >= left for c, p, s in moves), names
            step, place, state = fitting[0]
            paid += step
        assert paid == costs[0][0] == flow.cost(names), names


# -- against pm4py ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pm4py() -> Iterator[Any]:
    """`pm4py_net`; what other people's packages warn of while they are loaded is their affair."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, SyntaxWarning):
            warnings.simplefilter("ignore", category)
        yield importlib.import_module("benchmarks.peers.pm4py_net")


SILENT = {
    "nothing": frozenset[str](),
    "answers": ANSWERS,
    "told": frozenset({"told"}),
    "look-ups": frozenset(
        {"customer_found", "order_found", "item_found", "package_found", "backend_failed"}
    ),
}


def both(pm4py: Any, silent: frozenset[str]) -> tuple[ControlFlow, Any]:
    """The shipped procedure's control flow, and pm4py's net of it."""
    flow = ControlFlow(definition().rows, definition().initial, silent)
    return flow, pm4py.Net(edges_of(definition().rows), definition().initial, silent)


@pytest.mark.parametrize(
    ("silent", "seed", "wanted"),
    [("nothing", 1, 1_400), ("answers", 2, 400), ("told", 3, 200), ("look-ups", 4, 200)],
)
def test_costs_equal_those_of_pm4py(pm4py: Any, silent: str, seed: int, wanted: int) -> None:
    flow, net = both(pm4py, SILENT[silent])
    costs: Counter[int] = Counter()
    for names in sequences(seed, wanted, SILENT[silent]):
        cost = flow.cost(names)
        assert cost == net.cost(names), f"seed {seed}: {names}"
        costs[cost] += 1
    assert all(costs[cost] > wanted / 50 for cost in range(4)), costs


@pytest.mark.filterwarnings("ignore:the matrix subclass is not:PendingDeprecationWarning")
def test_pm4py_answers_alike_with_its_default_search(pm4py: Any) -> None:
    """What pm4py does unless told otherwise is far slower, so it is asked less often."""
    for seed, silent in enumerate(SILENT.values()):
        flow, net = both(pm4py, silent)
        for names in sequences(seed, 20, silent):
            if len(names) <= 12:
                assert flow.cost(names) == net.cost(names, pm4py.A_STAR), f"seed {seed}: {names}"


def test_fitness_equals_that_of_pm4py(pm4py: Any) -> None:
    """1 - cost / (events + cheapest); only of no events at all pm4py says 0, and we 1."""
    flow, net = both(pm4py, frozenset())
    for names in sequences(5, 100, frozenset()):
        if names:
            fitness = 1 - flow.cost(names) / (len(names) + flow.cheapest())
            assert fitness == pytest.approx(net.fitness(names)), f"seed 5: {names}"
    assert net.fitness(()) == 0


def test_the_sequences_held_against_pm4py_are_what_they_say() -> None:
    """Different from each other, short, with slips of every kind, and the same at every run."""
    drawn = sequences(1, 80, frozenset())
    assert drawn == sequences(1, 80, frozenset())
    assert len(set(drawn)) == 80
    assert max(map(len, drawn)) <= 25
    assert any("hummed" in names for names in drawn)
    assert any("email_given" in names[1:] for names in drawn)
    assert any(one == other == "email_given" for names in drawn for one, other in pairwise(names))
