"""Every state and every row of the shipped procedure, taken through keystrokes, and counted.

For each row there is a shortest call. What the agent does in it is typed, what the shop answers
is scripted, and a later day is a call that was left and is resumed. What is counted is what the
journal holds afterwards; for rows that refuse, what the machine was asked while keys were typed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from returnflow.engine.machine import Step
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import JournalBusyError
from returnflow.records import Item, ReturnPolicy
from returnflow.returns.events import ReturnRequested, TransferRequested
from returnflow.testing import MemoryShop, curated_shop, shortest_calls
from wizard.driver import PATIENT, Played, Stage, shipped
from wizard.typing_calls import Part, ScriptedShop, typed_call

DEFINITION = shipped()
ROWS = {row.id: row for row in DEFINITION.all_rows()}
ACCEPTING = sorted(name for name, row in ROWS.items() if row.to is not None)
REFUSING = sorted(name for name, row in ROWS.items() if row.to is None)

_WHY = {
    "order_selected/item_missing": "the wizard names the item that it asked for",
    "order_selected/package_missing": "the wizard names the package that it asked for",
    "items_chosen/item_missing": "the wizard names the item that it asked for",
    "checking_packages/package_missing": "the wizard names the package that it asked for",
    "initiating_return/return_requested": "only what was confirmed is ever requested",
    "initiating_return/return_opened": "nothing is sent before it is requested",
    "initiating_return/return_refused": "nothing is sent before it is requested",
    "initiating_return/backend_failed": "nothing is sent before it is requested",
    "initiating_return/resumed": "a write under way is settled before a new day begins",
    "transferring/transfer_requested": "only the transfer that was agreed is ever requested",
    "transferring/transfer_accepted": "nothing is sent before it is requested",
    "transferring/transfer_refused": "nothing is sent before it is requested",
    "transferring/backend_failed": "nothing is sent before it is requested",
}
"""Refusals by state and event, of what no front end can make happen, each with the reason why."""

UNREACHABLE = {name: _WHY[key] for name in REFUSING if (key := name.rpartition("/")[0]) in _WHY}
"""The same by the row that refuses."""


IN_ANOTHER_ORDER = [
    "ann@example.com\rO-ANN\rGONE, LAMP\r",  # an unknown item, another still to be looked up
    "ann@example.com\rO-ANN\rRUG, LAMP\r",  # an unknown package, another still to be looked up
    "ann@example.com\rO-ANN\rLAMP\r/items CUP\r",  # the package is known from the other item
    "ann@example.com\rO-ANN\rFOOD\r",  # nothing about a package can help this item
    "ann@example.com\rO-ANN\rFOOD\r\rFOOD x 9\r",  # told, and then more than there is
]
"""The machine takes answers in any order, but the wizard asks in the order of the choice. So what
a shortest call reaches by another order is reached here by another choice."""


def two_in_a_package() -> MemoryShop:
    """The curated shop, with a cup in the package of the lamp, and food that never goes back."""
    shop = curated_shop()
    order = shop.orders["O-ANN"]
    lamp = order.lines[0]
    more = (replace(lamp, item_id="CUP"), replace(lamp, item_id="FOOD"))
    shop.orders["O-ANN"] = replace(order, lines=order.lines + more)
    shop.items["CUP"] = replace(shop.items["LAMP"], item_id="CUP")
    never = ReturnPolicy(return_eligible=False, return_window="30")
    shop.items["FOOD"] = Item(item_id="FOOD", policy=never)
    return shop


@dataclass
class Coverage:
    """What was taken so far."""

    states: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    refusals: set[str] = field(default_factory=set)
    calls: int = 0

    def line(self) -> str:
        """The coverage in one line."""
        return (
            f"wizard coverage: states {len(self.states)} of {len(DEFINITION.states)}, "
            f"rows {len(self.rows)} of {len(ACCEPTING)}, "
            f"refusals {len(self.refusals)} of {len(REFUSING) - len(UNREACHABLE)} "
            f"({len(UNREACHABLE)} more that no front end can reach), in {self.calls} calls"
        )

    def count(self, played: Played) -> None:
        """Counts a call: what its journal holds, and what was refused while it was typed."""
        self.calls += 1
        taken: list[Step] = []
        shop = curated_shop()
        session = Session.folded(
            DEFINITION, shop.today, shop.zone, played.events, tracer=taken.append
        )
        self.states |= {DEFINITION.initial, session.state.name, *(step.source for step in taken)}
        self.rows |= {step.row.id for step in taken if step.row is not None}
        self.refusals |= {
            step.row.id for step in played.steps if step.row is not None and not step.accepted
        }


@pytest.fixture(scope="module")
def calls() -> dict[str, list[Event]]:
    return shortest_calls(DEFINITION)


@pytest.fixture(scope="module")
def coverage(
    calls: dict[str, list[Event]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Coverage:
    """Plays a call for each row that no call before it has taken, the longest calls first."""
    found = Coverage()
    with Stage(tmp_path_factory.mktemp("coverage")) as stage:
        for name in sorted(calls, key=lambda name: (-len(calls[name]), name)):
            if name not in found.rows | found.refusals | set(UNREACHABLE):
                for played in play(stage, calls[name]):
                    found.count(played)
        for keys in IN_ANOTHER_ORDER:
            found.count(stage.keys(keys, shop=two_in_a_package()))
    return found


def play(stage: Stage, events: Sequence[Event]) -> Iterator[Played]:
    """Types a call, part by part, on the days on which its parts are."""
    begun = stage.clock.moment
    shop = curated_shop()
    case_id: str | None = None
    for part in typed_call(DEFINITION, shop, events):
        if part.day is not None:
            stage.later((part.day - stage.clock.moment.date()).days)
        scripted = ScriptedShop(shop, part.script)
        with closing(scripted), journal_held(stage, part) as tracer:
            played = stage.keys(
                part.keys,
                case_id=case_id,
                shop=scripted,
                patience=0 if part.hangs else PATIENT,
                tracer=tracer,
            )
        assert isinstance(played.error, JournalBusyError) is bool(part.journal_fails_at)
        case_id = played.case_id
        yield played
    stage.clock.moment = begun


@contextmanager
def journal_held(stage: Stage, part: Part) -> Iterator[Callable[[Step], None]]:
    """A tracer on whose word another program holds the journal, where the part says so."""
    before = part.requests
    with closing(sqlite3.connect(stage.path, isolation_level=None)) as other:

        def hold(step: Step) -> None:
            nonlocal before
            if isinstance(step.event, ReturnRequested | TransferRequested):
                before -= 1
                if before < 0 and event_name(step.event) == part.journal_fails_at:
                    other.execute("BEGIN IMMEDIATE")

        yield hold


# -- what is counted --------------------------------------------------------------------------


def test_every_state_is_entered_by_keystrokes(
    coverage: Coverage, report: Callable[[str], None]
) -> None:
    report(coverage.line())
    assert coverage.states == set(DEFINITION.states)


@pytest.mark.parametrize("name", ACCEPTING)
def test_every_row_is_taken_by_keystrokes(coverage: Coverage, name: str) -> None:
    assert name in coverage.rows, str(ROWS[name])


@pytest.mark.parametrize("name", [name for name in REFUSING if name not in UNREACHABLE])
def test_every_refusal_is_met_by_keystrokes(coverage: Coverage, name: str) -> None:
    """What a keystroke, or a shop that misbehaves, can bring about is refused by its own row."""
    assert name in coverage.refusals, str(ROWS[name])


def test_the_reasons_are_about_rows_that_refuse() -> None:
    assert len(UNREACHABLE) == len(_WHY)


@pytest.mark.parametrize("name", sorted(UNREACHABLE))
def test_a_refusal_that_no_front_end_can_reach_holds_all_the_same(
    calls: dict[str, list[Event]], coverage: Coverage, name: str
) -> None:
    """At the session: the row refuses, says why, and nothing moves."""
    assert name not in coverage.refusals, f"it can be reached after all: {UNREACHABLE[name]}"
    shop = curated_shop()
    session = Session(DEFINITION, shop.today, shop.zone)
    for event in calls[name][:-1]:
        session.accept(session.propose(event))
    state, outline = session.state.name, session.case.outline()
    step = session.propose(calls[name][-1])
    assert step.row is ROWS[name]
    assert not step.accepted
    assert session.refusal(step).strip()
    assert (session.state.name, session.case.outline()) == (state, outline)


def test_the_calls_are_typed_as_they_are_written(
    calls: dict[str, list[Event]], tmp_path: Path
) -> None:
    """A long call, typed: the journal holds exactly its events, but for times and keys."""
    call = calls["transferring/transfer_accepted/0"]
    with Stage(tmp_path) as stage:
        *_, played = play(stage, call)
    assert played.ended
    assert played.names == [event_name(event) for event in call]
