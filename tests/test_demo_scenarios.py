"""Every scenario of the demo shop, led through the wizard: it ends as `returnflow demo` says.

The lines are typed at the plain wizard through a pipe. An autopilot makes them from the script
of the scenario and the question that stands; the shop and the journal are real files. Each
scenario runs on two days far apart, since the demo's dates follow the day of loading.
"""

from __future__ import annotations

import io
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from returnflow.backends import demo, sql
from returnflow.backends.answer import performer
from returnflow.backends.shopdata import Answer, Scenario
from returnflow.backends.shopfile import read_shop
from returnflow.bundled import bundled
from returnflow.engine import definition
from returnflow.engine.journal import Header, visible
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.machine import Step
from returnflow.engine.run import Run
from returnflow.engine.session import Ask, Session
from returnflow.inert import inert
from returnflow.returns import VOCABULARY
from returnflow.returns import events as ev
from returnflow.returns.case import Case
from returnflow.wizard.answers import REASON_LABELS
from returnflow.wizard.console import PipeConsole
from returnflow.wizard.plain import PlainDesk

SCENARIOS = {scenario.name: scenario for scenario in demo.scenarios()}
# In the second year the windows lie across a leap day and a change to daylight-saving time.
DAYS = [date(2026, 11, 23), date(2028, 3, 27)]
PROCEDURE = definition.load(bundled("states") / "handling_returns.yaml")
NOTICES = {"tracking_id", "shipping_not_refunded", "approval_before_pickup"}


class Autopilot(io.StringIO):
    """What an agent types who follows a scenario's script, question by question."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__()
        self.run: Run | None = None
        self._script = scenario.script
        self._typed: list[str] = []
        self._listed = False
        self._ordered = False
        self._picked = False

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        if not self._typed:
            assert self.run is not None
            waiting = self.run.session.waiting
            assert isinstance(waiting, Ask)
            self._typed = [""] if waiting.dues else self._answer(waiting.state.name)
        return self._typed.pop(0) + "\n"

    def _answer(self, state: str) -> list[str]:
        match state:
            case "started":
                # Asked again, the address has led to nobody: then the scenario is at its end.
                return self._once_more() if self._case.email else [self._script.email]
            case "identified" if self._script.listing and not self._listed:
                self._listed = True
                return ["/unknown"]
            case "identified" | "orders_listed" if self._script.order and not self._ordered:
                self._ordered = True
                return [self._script.order]
            case "orders_listed":
                return ["/none"]
            case "order_selected" if self._script.picks and not self._picked:
                self._picked = True
                return [self._picks()]
            case "eligibility_checked" if self._script.finish in ("close", "not_satisfied"):
                return [*self._reasons(), "yes"]
            case "return_initiated" if self._script.finish == "close":
                return ["/done"]
            case _:
                return self._once_more()

    @property
    def _case(self) -> Case:
        assert self.run is not None
        case: Case = self.run.session.case
        return case

    def _once_more(self) -> list[str]:
        """How the scenario ends once there is nothing more to say."""
        return {
            "close": ["/close"],
            "transfer": ["/transfer", "", ""],
            "not_satisfied": ["/transfer", "not satisfied", ""],
            "hang_up": ["/hangup", "yes"],
        }[self._script.finish]

    def _picks(self) -> str:
        units: Counter[str] = Counter()
        for pick in self._script.picks:
            units[pick.item] += pick.quantity
        return ", ".join(f"{item} x {count}" for item, count in units.items())

    def _reasons(self) -> list[str]:
        """One answer for each item that may go back, with every reason given for it."""
        typed = []
        for decision in self._case.decisions():
            if not decision.granted:
                continue
            picks = [pick for pick in self._script.picks if pick.item == decision.item_id]
            shares = []
            for pick in picks:
                # Where fewer may go back than were asked for, the quantity is lowered.
                count = pick.quantity if len(picks) > 1 else decision.granted
                note = f": {pick.note}" if pick.note else ""
                shares.append(f"{count} x {REASON_LABELS[pick.reason]}{note}")
            typed.append(", ".join(shares))
            if picks[-1].reason == "OTHER" and not picks[-1].note:
                typed.append("")
        return typed


class Desk(PlainDesk):
    """The plain desk; it shows its run to the autopilot, who looks at the same question."""

    def __init__(self, console: PipeConsole, pilot: Autopilot) -> None:
        super().__init__(console)
        self._pilot = pilot

    def ask(self, run: Run, ask: Ask) -> Any:
        self._pilot.run = run
        return super().ask(run, ask)


@dataclass
class Call:
    """A call that was led: what was shown, journaled and done."""

    scenario: Scenario
    screen: str
    session: Session
    events: list[Any]
    steps: list[Step]
    returns: list[tuple[str, int, str, str]]
    transfers: list[tuple[str, str | None, str]]

    @property
    def case(self) -> Case:
        case: Case = self.session.case
        return case

    @property
    def words(self) -> str:
        return " ".join(self.screen.split())

    def of(self, *kinds: type[Any]) -> list[Any]:
        """The events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]


def lead(scenario: Scenario, day: date, folder: Path) -> Call:
    """Leads the scenario's call on `day`, at noon in the shop's zone."""
    data = read_shop(bundled("fixtures") / "shop", lambda zone: day)[0]
    before = {found.return_id for found in data.returns}
    clock = datetime.combine(day, time(12), ZoneInfo(data.zone))
    pilot, shown, steps = Autopilot(scenario), io.StringIO(), list[Step]()
    with ExitStack() as stack:
        shop = stack.enter_context(sql.create_file(folder / "shop.sqlite3", data))
        journal = stack.enter_context(open_journal(f"sqlite:///{folder / 'journal.sqlite3'}"))
        header = Header(
            case_id="DEMO",
            sop=PROCEDURE.sop,
            version=PROCEDURE.version,
            digest=PROCEDURE.digest,
            agent="kim",
            policy_date=day,
            zone=data.zone,
            backend="demo:",
            started_at=clock,
        )
        log = stack.enter_context(journal.begin(header, PROCEDURE.text))
        session = Session(PROCEDURE, day, data.zone, tracer=steps.append)
        desk = Desk(PipeConsole(pilot, shown), pilot)
        run = Run(session, log, desk, performer(shop), lambda: clock)
        assert run.go()
        entries = journal.read("DEMO", VOCABULARY.decoder)[2]
        events = [entry.event for entry in visible(entries)]
        opened = [
            (found.item_id, found.quantity, found.reason, found.tracking_id)
            for found in shop.returns()
            if found.return_id not in before
        ]
        return Call(
            scenario, shown.getvalue(), run.session, events, steps, opened, shop.transfers()
        )


@pytest.fixture(params=DAYS, ids=str)
def day(request: pytest.FixtureRequest) -> date:
    found: date = request.param
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_announced(name: str, day: date, tmp_path: Path) -> None:
    """Rules 1 to 3, 5 to 7, 9 to 15, 17, 18 to 24, 26, 27, 31, 33 to 37: each of the demo's
    customers stands for one or more of them, and every member of `expect` is held."""
    call = lead(SCENARIOS[name], day, tmp_path)
    expect = call.scenario.script.expect
    assert call.session.state.name == expect.end
    assert all(line == inert(line) for line in call.screen.split("\n"))
    check_answers(call)
    check_lists(call)
    check_refusals(call)
    check_returns(call)
    assert len(call.transfers) == (expect.end == "transferred")
    for _, customer_id, summary in call.transfers:
        assert customer_id == (call.case.customer.customer_id if call.case.customer else None)
        assert len(summary) > 20


def check_answers(call: Call) -> None:
    """What the customer is told on the way is the answer announced, and is shown."""
    told = {step.row.words for step in call.steps if step.accepted and step.row is not None}
    answer = call.scenario.script.expect.answer
    assert told & set(get_args(Answer)) == ({answer} if answer else set())


def check_lists(call: Call) -> None:
    """Rules 23 and 24: the orders listed and those that could not be loaded."""
    expect = call.scenario.script.expect
    summaries = call.of(ev.OrdersSummarized)
    if expect.listed is not None:
        (summary,) = summaries
        assert tuple(order.order_id for order in summary.orders) == expect.listed
        for order in summary.orders:
            for line in order.items:
                assert " ".join(inert(line.description).split())[:30] in call.words
    if expect.failed:
        assert tuple(order.order_id for order in summaries[0].failed) == expect.failed
        assert all(order_id in call.words for order_id in expect.failed)


def check_refusals(call: Call) -> None:
    """Rules 8, 9, 13, 14: every reason by its code, and the advice said for it."""
    expect = call.scenario.script.expect
    # As they stood when they were taken: what is opened afterwards changes them.
    checked = [
        step.candidate
        for step in call.steps
        if step.accepted
        and step.target in ("eligibility_checked", "nothing_eligible")
        and not isinstance(step.event, ev.Told)
    ]
    found = checked[-1].decisions() if checked else []
    decisions = {decision.item_id: decision for decision in found}
    refused = {
        item: tuple(reason.code for reason in decision.reasons)
        for item, decision in decisions.items()
        if decision.reasons
    }
    advice = {item: decision.advice for item, decision in decisions.items() if decision.advice}
    assert (refused, advice) == (expect.refused, expect.advice)
    said = {event.subject: event.notice for event in call.of(ev.Told)}
    assert {item: said.get(item) for item in expect.advice} == expect.advice
    for item in expect.refused:
        for reason in decisions[item].reasons:
            assert " ".join(inert(reason.sentence).split()) in call.words


def check_returns(call: Call) -> None:
    """Rules 27, 31, 33: one return per item and reason, its exact refund, its three notices."""
    expect = call.scenario.script.expect
    lines = call.case.opened
    assert [(line.item_id, line.quantity) for line in lines] == [
        (found.item, found.quantity) for found in expect.returned
    ]
    for line, found in zip(lines, expect.returned, strict=True):
        if found.refund is not None:
            assert (line.refund, line.currency) == (found.refund.amount, found.refund.currency)
            assert f"{found.refund.amount:f} {found.refund.currency}. Shipping fees" in call.words
    in_shop = [(line.item_id, line.quantity, line.reason, line.tracking_id) for line in lines]
    assert sorted(call.returns) == sorted(in_shop)
    if expect.end == "closed":
        for line in lines:
            said = {e.notice for e in call.of(ev.Told) if e.subject == line.tracking_id}
            assert said == NOTICES
            assert line.tracking_id in call.words


def test_a_suspected_fraud_is_for_the_agent_only(day: date, tmp_path: Path) -> None:
    """Rule 15: it is shown to the agent, in no words for the customer, and changes nothing."""
    call = lead(SCENARIOS["16-suspected-fraud"], day, tmp_path)
    assert "For you only suspected fraud is noted" in call.words
    said = [line for line in call.screen.split("\n") if "“" in line]
    assert said
    assert not any("fraud" in line for line in said)
    assert call.session.state.name == "closed"


def test_nothing_of_another_customers_order_is_shown(day: date, tmp_path: Path) -> None:
    """Rule 21: the words for a missing order, no look-up about it, none of its facts kept."""
    call = lead(SCENARIOS["28-somebody-elses-order"], day, tmp_path)
    assert "I do not find an order ORD-7301 on your account." in call.words
    assert call.case.order is None
    assert "KETTLE" not in call.screen
    assert "kettle" not in call.screen
    assert not call.of(ev.ItemFound, ev.PackageFound)
