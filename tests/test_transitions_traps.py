"""The traps of `transitions` that were tried with 0.9: each in two halves.

The first half shows that plain transitions behaves so; when an upgrade mends it, the test says
so and the guard against it can go. The second half shows that the engine does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from transitions import Machine

from returnflow.engine import definition
from returnflow.engine.definition import Definition, Row
from returnflow.engine.machine import LiveMachine, build, compile_table, propose
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, Guard
from returnflow.errors import DefinitionError, EngineError, GuardError, RefusedError
from returnflow.returns import events as ev

GOOD = (Path(__file__).parent / "bad_yaml" / "good.yaml").read_text(encoding="utf-8")
TODAY = date(2024, 5, 6)


class Model:
    """What plain transitions moves in the first halves."""

    state: str


def tiny() -> Definition:
    """The good procedure of bad_yaml/: started, finding, closed."""
    return definition.loads(GOOD)


def with_row(whole: Definition, at: tuple[str, str], number: int, **changes: Any) -> Definition:
    """The definition with one row changed in a way that the loader would never let through."""
    rows = list(whole.rows[at])
    rows[number] = replace(rows[number], **changes)
    return replace(whole, rows={**whole.rows, at: tuple(rows)})


def with_guard(test: Callable[[Any, Any], Any]) -> Definition:
    """The definition whose guard of (started, satisfied) is `test`."""
    guard = Guard("odd", test, lambda case, event: "odd")
    return with_row(tiny(), ("started", "satisfied"), 0, guards=(guard,))


def refuses(row: Row) -> Callable[[], bool]:
    """A condition for machines that are built and never fired."""
    return lambda: False


# -- names ------------------------------------------------------------------------------------


def test_plain_a_misspelt_initial_becomes_a_state() -> None:
    """transitions adds whatever `initial` says to the states."""
    machine = Machine(model=Model(), states=["started"], initial="strated")
    assert set(machine.states) == {"started", "strated"}


def test_ours_a_misspelt_initial_is_an_error_at_load_and_at_build() -> None:
    """The loader names it; a definition made by other means does not get past `build`."""
    with pytest.raises(DefinitionError, match="there is no state 'strated'; did you mean"):
        definition.loads(GOOD.replace("initial: started", "initial: strated"))
    with pytest.raises(EngineError, match="no state 'strated' to begin in"):
        LiveMachine(replace(tiny(), initial="strated"))


def test_plain_a_misspelt_destination_is_accepted_until_it_is_fired() -> None:
    """transitions finds out when the call is in the middle of it."""
    model = Model()
    machine = Machine(model=model, states=["started", "closed"], initial="started")
    machine.add_transition("close", "started", "clsoed")
    machine.add_transition("close", "strated", "closed")
    with pytest.raises(ValueError, match="clsoed"):
        machine.events["close"].trigger(model)


@pytest.mark.parametrize("change", [{"to": "clsoed"}, {"state": "strated"}])
def test_ours_a_misspelt_destination_or_source_is_an_error_before_anything_is_built(
    change: dict[str, str],
) -> None:
    """Both ends of every row are looked at."""
    broken = with_row(tiny(), ("started", "email_given"), 0, **change)
    with pytest.raises(EngineError, match="names a state that does not exist"):
        build(broken, Model(), refuses)
    with pytest.raises(DefinitionError, match="there is no state 'clsoed'"):
        definition.loads(GOOD.replace("to: closed", "to: clsoed"))


# -- conditions -------------------------------------------------------------------------------


def test_plain_a_truthy_condition_counts_as_not_held() -> None:
    """transitions compares with True itself, and silently goes on to the next row."""
    model = Model()
    machine = Machine(model=model, states=["a", "b", "c"], initial="a", auto_transitions=False)
    truthy: Any = "yes"
    machine.add_transition("go", "a", "b", conditions=[lambda: truthy])
    machine.add_transition("go", "a", "c")
    assert machine.events["go"].trigger(model) is True
    assert model.state == "c"


@pytest.mark.parametrize("answer", [1, 0, "yes", "", object(), [], NotImplemented])
def test_ours_an_answer_that_is_no_verdict_is_an_error_and_changes_nothing(answer: object) -> None:
    """Only True, False and None are verdicts, live and in the table alike."""
    whole = with_guard(lambda case, event: answer)
    session = Session(whole, TODAY, "UTC")
    before = session.case
    with pytest.raises(GuardError, match="only True, False and None are verdicts"):
        session.propose(ev.Satisfied())
    assert session.state.name == "started"
    assert session.case is before
    assert session.last is None
    with pytest.raises(GuardError, match="the guard odd answered"):
        propose(whole.rows, "started", ev.Satisfied(), before)
    # It has not been left in the middle of something.
    assert session.propose(ev.EmailGiven(email="ann@example.com")).target == "finding"


def test_ours_a_guard_that_raises_is_an_error_and_changes_nothing() -> None:
    """A broken guard never takes the other branch; its own error is kept as the cause."""

    def broken(case: Any, event: Any) -> bool:
        raise KeyError("quantity")

    session = Session(with_guard(broken), TODAY, "UTC")
    before = session.case.outline()
    with pytest.raises(GuardError, match=r"odd failed on satisfied in started: KeyError") as caught:
        session.propose(ev.Satisfied())
    assert isinstance(caught.value.__cause__, KeyError)
    assert (session.state.name, session.case.outline()) == ("started", before)
    assert session.propose(ev.EmailGiven(email="ann@example.com")).accepted


def test_ours_a_guard_that_cannot_tell_does_not_hold() -> None:
    """None goes on to the next row, and the step says that it was uncertain."""
    session = Session(with_guard(lambda case, event: None), TODAY, "UTC")
    step = session.propose(ev.Satisfied())
    assert (step.accepted, step.uncertain) == (False, True)


def test_plain_a_dotted_condition_is_imported_and_called() -> None:
    """transitions takes a string with a dot for something to import."""
    model = Model()
    machine = Machine(model=model, states=["a", "b"], initial="a", auto_transitions=False)
    machine.add_transition("go", "a", "b", conditions=["this_module_does_not.exist"])
    with pytest.raises(AttributeError, match=r"this_module_does_not\.exist"):
        machine.events["go"].trigger(model)
    machine.add_transition("quit", "a", "b", conditions=["os.getpid"])
    assert machine.events["quit"].trigger(model) is False


def test_ours_a_dotted_guard_is_no_name_and_conditions_are_never_strings() -> None:
    """Rule 39: nothing of the YAML is imported; every condition is a closure of ours."""
    with pytest.raises(DefinitionError, match=r"'os\.getpid' is no name"):
        definition.loads(GOOD.replace("[something_opened]", "[os.getpid]"))
    machine = LiveMachine(tiny()).machine
    conditions = [
        condition.func
        for event in machine.events.values()
        for transitions in event.transitions.values()
        for transition in transitions
        for condition in transition.conditions
    ]
    assert len(conditions) == len(list(tiny().all_rows()))
    assert all(callable(condition) for condition in conditions)


# -- shortcuts --------------------------------------------------------------------------------


def test_plain_auto_transitions_lead_round_the_procedure() -> None:
    """transitions adds a to_<state> for every state, from everywhere."""
    model: Any = Model()
    Machine(model=model, states=["started", "closed"], initial="started")
    assert model.to_closed() is True
    assert model.state == "closed"


def test_ours_there_is_no_way_but_the_rows() -> None:
    """The machine knows the events of the rows and no others, in the places of the rows."""
    whole = tiny()
    live = LiveMachine(whole)
    assert set(live.machine.events) == {row.event for row in whole.all_rows()}
    assert compile_table(live.machine) == whole.rows
    step = live.propose(ev.TransferAccepted(), None)
    assert (step.row, step.accepted, step.target) == (None, False, "started")


def test_plain_a_queue_says_yes_to_what_it_refuses() -> None:
    """With queued=True, a trigger within a trigger returns True whatever becomes of it."""
    model = Model()
    answers: list[bool] = []
    machine = Machine(
        model=model, states=["a", "b"], initial="a", auto_transitions=False, queued=True
    )
    machine.add_transition("shut", "b", "a", conditions=[lambda: False])
    machine.add_transition(
        "go", "a", "b", after=lambda: answers.append(machine.events["shut"].trigger(model))
    )
    machine.events["go"].trigger(model)
    assert answers == [True]
    assert model.state == "b"


def test_ours_a_refused_step_cannot_be_fired() -> None:
    """There is no queue: firing a refused step raises, and the machine has not moved."""
    live = LiveMachine(tiny())
    assert live.machine.has_queue is False
    case = tiny().vocabulary.new_case(TODAY, "UTC")
    refused = live.propose(ev.Satisfied(), case)
    assert not refused.accepted
    with pytest.raises(RefusedError, match="satisfied is not accepted in started"):
        live.fire(refused)
    with pytest.raises(RefusedError, match="another_return is not accepted in started"):
        live.fire(live.propose(ev.AnotherReturn(), case))
    assert live.state == "started"
    live.fire(live.propose(ev.EmailGiven(email="ann@example.com"), case))
    assert live.state == "finding"


def test_ours_a_session_takes_no_step_that_was_refused_or_proposed_elsewhere() -> None:
    """Nothing changes by it, neither facts nor state."""
    session = Session(tiny(), TODAY, "UTC")
    first = session.propose(ev.EmailGiven(email="ann@example.com"))
    with pytest.raises(RefusedError):
        session.accept(session.propose(ev.Satisfied()))
    assert (session.state.name, session.case.email) == ("started", "")
    session.accept(first)
    with pytest.raises(EngineError, match="proposed in started, and the call has moved"):
        session.accept(first)
    assert (session.state.name, session.case.email) == ("finding", "ann@example.com")


# -- callbacks and models ---------------------------------------------------------------------


def test_plain_an_error_in_finalize_event_is_swallowed() -> None:
    """transitions logs it, and the trigger says that all went well."""
    model = Model()

    def fails() -> None:
        raise OSError("disk full")

    machine = Machine(model=model, states=["a", "b"], initial="a", finalize_event=fails)
    machine.add_transition("go", "a", "b")
    assert machine.events["go"].trigger(model) is True
    assert model.state == "b"


def test_ours_the_machine_has_no_callbacks() -> None:
    """Nothing is written from within a transition: no list of callbacks has anything in it."""
    machine = LiveMachine(tiny()).machine
    lists = ("prepare_event", "before_state_change", "after_state_change", "finalize_event")
    assert all(getattr(machine, name) == [] for name in lists)
    assert machine.on_exception == []
    assert all(not state.on_enter and not state.on_exit for state in machine.states.values())
    transitions = [
        transition
        for event in machine.events.values()
        for group in event.transitions.values()
        for transition in group
    ]
    assert transitions
    assert all(not (one.before or one.after or one.prepare) for one in transitions)


def test_plain_equal_models_are_attached_once() -> None:
    """transitions asks whether a model is `in` its list, so a second, equal one is left out."""

    @dataclass
    class Call:
        number: int

    first, second = Call(1), Call(1)
    machine = Machine(model=[first, second], states=["a"], initial="a")
    assert len(machine.models) == 1
    assert not hasattr(second, "state")


def test_ours_every_session_has_a_machine_of_its_own() -> None:
    """Two calls with equal facts move apart from one another."""
    whole = tiny()
    first, second = Session(whole, TODAY, "UTC"), Session(whole, TODAY, "UTC")
    first.accept(first.propose(ev.EmailGiven(email="ann@example.com")))
    assert (first.state.name, second.state.name) == ("finding", "started")
    assert second.case.email == ""


# -- the table compiled from the machine -------------------------------------------------------


def test_a_machine_with_a_transition_of_another_hand_is_not_compiled() -> None:
    """What `build` did not put there is found when the table is made."""
    machine = LiveMachine(tiny()).machine
    machine.add_transition("satisfied", "started", "closed")
    with pytest.raises(EngineError, match="without its condition"):
        compile_table(machine)


def test_a_row_that_refuses_stops_the_rows_after_it() -> None:
    """A refusing row is tried in its turn: an event that it takes goes no further."""
    whole = with_row(tiny(), ("started", "satisfied"), 0, to=None, guards=(), words="not_yet")
    whole = with_row(whole, ("started", "satisfied"), 1, to="closed", words=None)
    case = whole.vocabulary.new_case(TODAY, "UTC")
    event: Event = ev.Satisfied()
    live = LiveMachine(whole)
    for step in (live.propose(event, case), propose(whole.rows, "started", event, case)):
        assert step.row is whole.rows["started", "satisfied"][0]
        assert not step.accepted
    assert live.state == "started"
