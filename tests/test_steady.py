"""What stands between us and any backend, with a clock that stands still unless it is told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from returnflow.backends.circuit import COOL_DOWN, FAILURES, Circuit
from returnflow.backends.protocol import Backend
from returnflow.backends.steady import Limits, Steady
from returnflow.errors import NotFoundError, RefusedByBackendError, UnavailableError
from returnflow.testing import Fault, FaultKind, FaultyBackend, curated_shop

TIMEOUT = 60.0


class Clock:
    """Time passes only in pauses and in vain waiting."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def wait(self, done: threading.Event, seconds: float) -> bool:
        return done.wait()


class Impatient(Clock):
    """Waits in vain for whatever has not been told to be done."""

    def wait(self, done: threading.Event, seconds: float) -> bool:
        self.time += seconds
        return False


class Scene:
    """A shop with faults, behind limits."""

    def __init__(self, plan: dict[tuple[str, int], Fault], clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.shop = curated_shop()
        self.faulty = FaultyBackend(self.shop, plan)
        self.circuit = Circuit(clock=lambda: self.clock.time)
        self.steady = Steady(
            self.faulty, name="demo", clock=self.clock, circuit=self.circuit, limits=Limits()
        )

    def open_return(self) -> Any:
        return self.steady.initiate_return("O-ANN", "LAMP", 1, "OTHER", idempotency_key="k")


def always(kind: FaultKind, operation: str, times: int = 99) -> dict[tuple[str, int], Fault]:
    return {(operation, number): Fault(kind) for number in range(1, times + 1)}


def down(operation: Callable[[], object]) -> str:
    with pytest.raises(UnavailableError) as caught:
        operation()
    assert caught.value.outcome == "known"
    return str(caught.value)


def test_it_is_a_backend_and_answers_as_the_one_behind_it() -> None:
    scene = Scene({})
    assert isinstance(scene.steady, Backend)
    assert scene.steady.zone == scene.shop.zone
    assert scene.steady.capabilities() == scene.shop.capabilities()
    customer = scene.steady.get_customer_by_email("ann@example.com")
    assert customer.active_orders == ("O-ANN",)
    assert scene.steady.summarize_orders(["O-ANN"]).orders[0].order_id == "O-ANN"
    assert scene.steady.get_order_details("O-ANN").customer_id == "ANN"
    assert scene.steady.get_item_details("LAMP").item_id == "LAMP"
    assert scene.steady.get_package_details("P-HERE").current_status == "DELIVERED"
    assert scene.open_return() == scene.shop.returns[0].receipt
    receipt = scene.steady.transfer_to_human_representative("ANN", "Help.", idempotency_key="t")
    assert receipt == scene.shop.transfers[0].receipt
    with pytest.raises(NotFoundError):
        scene.steady.get_order_details("nope")
    scene.steady.close()


@pytest.mark.parametrize("kind", ["timeout_before", "no_connection", "error_text"])
def test_a_look_up_is_made_again_with_growing_pauses(kind: FaultKind) -> None:
    """Rule 40: what changes nothing may be repeated."""
    scene = Scene(always(kind, "get_order_details", 2))
    assert scene.steady.get_order_details("O-ANN").order_id == "O-ANN"
    first, second = scene.clock.pauses
    assert 0.25 <= first <= 0.375
    assert 0.5 <= second <= 0.75
    assert len(scene.faulty.calls) == 3


def test_after_the_last_attempt_the_failure_is_told() -> None:
    scene = Scene(always("no_connection", "get_item_details"))
    assert down(lambda: scene.steady.get_item_details("LAMP")) == "connection refused"
    assert len(scene.faulty.calls) == Limits.attempts


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("timeout_before", "unknown"), ("timeout_after", "unknown"), ("no_connection", "known")],
)
def test_a_write_is_never_repeated(kind: FaultKind, outcome: str) -> None:
    """Rule 29: to send it again is the agent's decision, also where nothing can have happened."""
    scene = Scene(always(kind, "initiate_return"))
    with pytest.raises(UnavailableError) as caught:
        scene.open_return()
    assert caught.value.outcome == outcome
    assert scene.faulty.calls == ["initiate_return"]
    assert scene.clock.pauses == []


def test_an_answer_is_no_failure_and_a_damaged_record_is_not_asked_for_again() -> None:
    """Neither is repeated; and however many there are, the shop is not down."""
    scene = Scene(always("refusal", "initiate_return"))

    def damaged(order_id: str) -> Any:
        scene.faulty.calls.append("damaged")
        raise UnavailableError("a line has no price", outcome="known", lasting=True)

    scene.faulty.get_order_details = damaged  # type: ignore[method-assign]
    for _ in range(FAILURES + 1):
        with pytest.raises(NotFoundError):
            scene.steady.get_item_details("nope")
        with pytest.raises(RefusedByBackendError):
            scene.open_return()
        assert down(lambda: scene.steady.get_order_details("O-ANN")) == "a line has no price"
    assert len(scene.faulty.calls) == 3 * (FAILURES + 1)


def test_a_bug_of_the_adapter_is_not_hidden() -> None:
    scene = Scene({})
    with pytest.raises(TypeError):
        scene.steady.get_customer_by_email(None)  # type: ignore[arg-type]


def test_a_call_that_hangs_ends_when_its_time_is_over() -> None:
    """Rule 29: of a write nobody knows then what became of it. The thread is left to itself."""
    hanging = Fault("slow")
    scene = Scene({("initiate_return", 1): hanging}, Impatient())
    with pytest.raises(UnavailableError, match="within 60 s") as caught:
        scene.open_return()
    assert caught.value.outcome == "unknown"
    assert hanging.begun.wait(10)
    hanging.release.set()


def test_the_time_is_for_all_attempts_together() -> None:
    """An agent waits once for a shop that hangs, not three times."""
    hanging = Fault("slow")
    scene = Scene({("get_order_details", 1): hanging}, Impatient())
    assert "within 60 s" in str(_failure(lambda: scene.steady.get_order_details("O-ANN")))
    assert scene.clock.time == 1000.0 + TIMEOUT
    assert scene.clock.pauses == []
    hanging.release.set()


def _failure(operation: Callable[[], object]) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        operation()
    return caught.value


def test_a_shop_that_keeps_failing_is_down_at_once() -> None:
    """Nobody waits for it and nothing is sent; it is tried again after a while, by one call."""
    scene = Scene(always("no_connection", "get_order_details", 6))
    for _ in range(2):
        down(lambda: scene.steady.get_order_details("O-ANN"))
    assert len(scene.faulty.calls) == 6
    words = down(lambda: scene.steady.get_item_details("LAMP"))
    assert words == "the shop is down, 6 failures in a row; next try in 15 s"
    assert "is down" in down(scene.open_return)
    assert len(scene.faulty.calls) == 6
    scene.clock.time += COOL_DOWN
    assert scene.steady.get_order_details("O-ANN").order_id == "O-ANN"
    assert scene.open_return().tracking_id


def test_two_calls_that_hang_are_enough() -> None:
    """A time-out counts more than a failure that costs nobody anything."""
    hanging = Fault("slow")
    plan = {("get_order_details", number): hanging for number in (1, 2)}
    scene = Scene(plan, Impatient())
    for _ in range(2):
        _failure(lambda: scene.steady.get_order_details("O-ANN"))
    assert "is down" in down(lambda: scene.steady.get_order_details("O-ANN"))
    hanging.release.set()


def test_a_trial_that_fails_keeps_it_down() -> None:
    now = [5000.0]
    circuit = Circuit(clock=lambda: now[0])
    circuit.failed(FAILURES)
    now[0] += COOL_DOWN
    circuit.admit()
    assert "is down" in down(circuit.admit), "one call is let through, not all at once"
    circuit.failed()
    now[0] += COOL_DOWN - 1
    assert "next try in 1 s" in down(circuit.admit)
    now[0] += 1
    circuit.admit()
    circuit.succeeded()
    circuit.admit()
    circuit.admit()


def test_what_one_process_has_found_out_the_others_know(tmp_path: Path) -> None:
    """Each call is a process of its own; through a file they share whether the shop is down."""
    path = tmp_path / "circuit.json"
    now = [5000.0]
    one, other = (Circuit(path, clock=lambda: now[0]) for _ in range(2))
    one.failed(FAILURES - 1)
    other.admit()
    other.failed()
    assert "5 failures" in down(one.admit)
    now[0] += COOL_DOWN
    one.admit()
    assert "is down" in down(other.admit)
    one.succeeded()
    other.admit()
    one.failed(FAILURES - 1)
    other.admit()
    other.failed()
    assert "5 failures" in down(one.admit)


def test_an_answer_to_an_older_call_does_not_say_that_it_is_back(tmp_path: Path) -> None:
    """It was slow, not well: a call that begins after the failures is to find that out."""
    now = [5000.0]
    path = tmp_path / "circuit.json"
    circuit, other = (Circuit(path, clock=lambda: now[0]) for _ in range(2))
    slow = circuit.admit()
    now[0] += 30
    other.failed(FAILURES, other.admit())
    now[0] += 1
    circuit.succeeded(slow)
    assert "next try in 14 s" in down(other.admit)
    now[0] += COOL_DOWN
    first = other.admit()
    now[0] += COOL_DOWN
    second = circuit.admit()
    now[0] += 1
    circuit.failed(began=second)
    other.succeeded(first)
    assert "is down" in down(other.admit), "a later trial has failed"
    now[0] += COOL_DOWN
    circuit.succeeded(circuit.admit())
    other.admit()


def test_a_time_out_of_an_older_call_does_not_say_that_it_is_down_again() -> None:
    """Whoever was caught by the failure waits on; meanwhile others have been answered."""
    now = [5000.0]
    circuit = Circuit(clock=lambda: now[0])
    caught = [circuit.admit() for _ in range(4)]
    now[0] += 1
    circuit.failed(FAILURES, circuit.admit())
    now[0] += COOL_DOWN
    circuit.succeeded(circuit.admit())
    now[0] += 40
    for began in caught:
        circuit.failed(3, began)
    now[0] += 1
    circuit.failed(FAILURES - 1, circuit.admit())
    circuit.admit()
    circuit.failed(1, circuit.admit())
    assert "5 failures" in down(circuit.admit)


def test_answers_between_failures_keep_a_shop_up() -> None:
    """Also those of calls that began before a failure, while it does not count as down."""
    now = [5000.0]
    circuit = Circuit(clock=lambda: now[0])
    for _ in range(3 * FAILURES):
        began = circuit.admit()
        now[0] += 1
        circuit.failed(began=circuit.admit())
        now[0] += 1
        circuit.succeeded(began)


def test_an_older_call_that_ends_late_leaves_a_shop_down() -> None:
    """The same, as an agent meets it: the slow look-up is answered, the next call is not sent."""
    slow = Fault("slow")
    plan = {("get_item_details", 1): slow} | always("no_connection", "get_order_details")
    scene = Scene(plan)
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(scene.steady.get_item_details("LAMP")))
    waiting.start()
    assert slow.begun.wait(10)
    for _ in range(2):
        scene.clock.time += 1
        down(lambda: scene.steady.get_order_details("O-ANN"))
    slow.release.set()
    waiting.join(10)
    assert [item.item_id for item in answers] == ["LAMP"]
    assert "is down" in down(scene.open_return)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"failures": "x"}', '{"failures": 9}', "\x00"])
def test_a_state_that_cannot_be_read_refuses_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "circuit.json"
    path.write_text(text)
    circuit = Circuit(path)
    circuit.admit()
    circuit.failed()
    assert '"failures": 1' in path.read_text()


def test_a_state_that_cannot_be_written_refuses_nothing(tmp_path: Path) -> None:
    circuit = Circuit(tmp_path / "no" / "such" / "folder")
    circuit.failed(FAILURES)
    circuit.admit()


def test_a_clock_that_was_set_back_refuses_nothing() -> None:
    now = [5000.0]
    circuit = Circuit(clock=lambda: now[0])
    circuit.failed(FAILURES)
    now[0] -= 86400
    circuit.succeeded(circuit.admit())
    now[0] += 1
    circuit.admit()


def test_one_line_per_call_and_nothing_personal_in_it(caplog: pytest.LogCaptureFixture) -> None:
    """Rule 38: what was asked and answered stays out, also where a message repeats it."""
    scene = Scene(
        {
            ("get_order_details", 1): Fault("no_connection", message="ann@example.com"),
            ("initiate_return", 1): Fault("refusal", message="Ann Lee", code="ann@example.com"),
            ("initiate_return", 2): Fault("refusal", code="already_returned"),
            ("initiate_return", 3): Fault("timeout_before", message="Ann"),
        }
    )
    scene.steady.case_id = "c-1"
    caplog.set_level(logging.INFO, "returnflow.backends.calls")
    scene.steady.get_customer_by_email("ann@example.com")
    scene.steady.get_order_details("O-ANN")
    for operation in (
        lambda: scene.steady.get_item_details("nope"),
        lambda: scene.steady.get_customer_by_email("twins@example.com"),
        scene.open_return,
        scene.open_return,
        scene.open_return,
        lambda: scene.steady.get_customer_by_email(None),  # type: ignore[arg-type]
    ):
        with pytest.raises(Exception):  # noqa: B017 (of each kind; what is logged is looked at)
            operation()
    lines = [
        record.getMessage().removeprefix("case=c-1 backend=demo operation=")
        for record in caplog.records
    ]
    pause = scene.clock.pauses[0] * 1000
    assert lines == [
        "get_customer_by_email outcome=ok ms=0 attempts=1",
        f"get_order_details outcome=ok ms={pause:.0f} attempts=2",
        "get_item_details outcome=not_found ms=0 attempts=1",
        "get_customer_by_email outcome=ambiguous ms=0 attempts=1",
        "initiate_return outcome=refused ms=0 attempts=1",
        "initiate_return outcome=refused:already_returned ms=0 attempts=1",
        "initiate_return outcome=unavailable:unknown ms=0 attempts=1",
        "get_customer_by_email outcome=bug:TypeError ms=0 attempts=1",
    ]
