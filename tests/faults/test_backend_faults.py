"""A shop that does not answer, or not so that one can tell: nothing is done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.shop import RETURNS, SCRIPT, Scene, check_whole
from returnflow.backends.steady import Limits
from returnflow.returns import events as ev

WRITES = ["initiate_return#1", "initiate_return#2", "transfer_to_human_representative#1"]
SEED = random.SystemRandom().randrange(10**6)
TO_THE_YES = SCRIPT[:8]
LOOK_UPS = (
    "get_customer_by_email",
    "get_order_details",
    "get_item_details",
    "get_package_details",
)


def failures(scene: Scene) -> list[tuple[str, str]]:
    return [
        (event.operation, event.outcome)
        for event in scene.events()
        if isinstance(event, ev.BackendFailed)
    ]


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("timeout_before", "unknown"),
        ("timeout_after", "unknown"),
        ("error_text", "unknown"),
        ("no_connection", "known"),
    ],
)
def test_asked_again_after_no_answer_it_is_done_once(
    scene: Scene, call: str, kind: str, outcome: str
) -> None:
    """Rules 28, 29, 30: whether or not the work was done, asking again makes it one."""
    assert scene.wizard(lines=None, faults={call: kind}) == 0
    assert failures(scene) == [(call.partition("#")[0], outcome)]
    again = call.startswith("transfer") and outcome == "known"
    check_whole(scene, transfers_requested=2 if again else 1)
    keys = [request.key for request in scene.requests()]
    assert len(keys) == len(set(keys)) == (4 if again else 3)
    assert scene.keys() == set(keys[:2] + keys[-1:])


@pytest.mark.parametrize("kinds", [("timeout_after", "timeout_before"), ("timeout_before",) * 3])
def test_asked_again_and_again(scene: Scene, kinds: tuple[str, ...]) -> None:
    """Rule 29: the second and third question bear the key of the first."""
    faults = {f"initiate_return#{number}": kind for number, kind in enumerate(kinds, 1)}
    assert scene.wizard(lines=None, faults=faults) == 0
    assert len(failures(scene)) == len(kinds)
    assert len(scene.requests()) == 3
    check_whole(scene)


def test_a_reply_without_a_tracking_id_is_of_unknown_outcome(scene: Scene) -> None:
    """Rule 30: it is no success; asked again, the shop names the return that it opened."""
    assert scene.wizard(lines=None, faults={"initiate_return#1": "wrong"}) == 0
    assert failures(scene) == [("initiate_return", "unknown")]
    assert "the reply holds no tracking id" in scene.words
    check_whole(scene)


def test_an_error_text_is_shown_and_is_no_failure(scene: Scene) -> None:
    """Rule 30: after an error text the shop may have acted, and here it has."""
    lines = [*TO_THE_YES, "/open"]
    assert scene.wizard(lines=lines, faults={"initiate_return#1": "error_text"}) == 3
    assert "<error> internal </error>" in scene.words
    assert "nobody knows yet whether the return of Reading lamp was opened" in scene.words
    assert sorted(scene.returns()) == RETURNS


@pytest.mark.parametrize(
    ("kind", "stands"), [("timeout_after", RETURNS), ("timeout_before", RETURNS[1:])]
)
def test_left_open_the_call_goes_on_with_the_other_line(
    scene: Scene, kind: str, stands: list[tuple[str, int, str]]
) -> None:
    """Rules 27, 29, 30, 33: what is left open is named as such and never sent under a new key."""
    notices = ["", "", ""]
    lines = [*TO_THE_YES, "/open", *notices, "/done"]
    assert scene.wizard(lines=lines, faults={"initiate_return#1": kind}) == 0
    assert sorted(scene.returns()) == stands
    first, second = scene.requests()
    assert first.key != second.key
    assert f"outcome unknown, left open (key {first.key})" in scene.words
    assert "For 2 × Reading lamp I have no confirmation yet; a colleague will check it." in (
        scene.words
    )
    (opened,) = [event for event in scene.events() if isinstance(event, ev.ReturnOpened)]
    said = [event for event in scene.events() if isinstance(event, ev.Told)]
    assert [told.notice for told in said if told.subject == opened.receipt.tracking_id] == [
        "tracking_id",
        "shipping_not_refunded",
        "approval_before_pickup",
    ]
    assert scene.cases()[0].state == "closed"


def test_units_left_open_count_as_taken(scene: Scene) -> None:
    """Rules 17 and 29: what may have been opened cannot be sent once more under a new key."""
    faults = {"initiate_return#1": "timeout_before", "initiate_return#2": "timeout_after"}
    lines = [*TO_THE_YES, "/open", "/open", "LAMP x 1", "MUG"]
    assert scene.wizard(lines=lines, faults=faults) == 3
    assert scene.session().state.name == "nothing_initiated"
    assert scene.words.count("! That choice is not possible") == 2
    assert len(scene.requests()) == 2
    assert scene.returns() == RETURNS[1:]


def test_what_was_opened_without_an_answer_is_seen_when_the_order_is_fetched_anew(
    scene: Scene,
) -> None:
    """Rules 17 and 29: the shop did it and said nothing; it cannot be returned a second time."""
    lines = [*TO_THE_YES, "/open", "", "", "", "/another", "ORD-1", "LAMP x 1"]
    assert scene.wizard(lines=lines, faults={"initiate_return#1": "timeout_after"}) == 3
    assert scene.session().state.name == "order_selected"
    assert "2 in a return already" in scene.words
    assert scene.returns() == RETURNS


def test_a_plain_refusal_is_a_refusal(scene: Scene) -> None:
    """Rules 27 and 30: of two lines the first is refused; the second is opened and named."""
    lines = [*TO_THE_YES, "", "", "", "/done"]
    assert scene.wizard(lines=lines, faults={"initiate_return#1": "refusal"}) == 0
    assert failures(scene) == []
    assert scene.returns() == RETURNS[1:]
    assert "Our system declined the return of 2 × Reading lamp (declined)." in scene.words


def test_unharmed_where_a_look_up_fails(scene: Scene) -> None:
    """Rules 28 and 40: a look-up that fails is told, and the same answer is given once more."""
    faults = {
        f"{operation}#{attempt}": "no_connection"
        for operation in LOOK_UPS
        for attempt in range(1, Limits.attempts + 1)
    }
    assert scene.wizard(lines=None, faults=faults) == 0
    assert [outcome for _, outcome in failures(scene)] == ["known"] * 4
    assert scene.words.count("Our system did not give me an answer just now") == 4
    check_whole(scene)


def test_a_look_up_that_fails_once_is_made_again_by_itself(scene: Scene) -> None:
    """Rule 40: a short break is nobody's business; a write is never repeated so (rule 29)."""
    faults = {f"{operation}#1": "timeout_before" for operation in LOOK_UPS}
    assert scene.wizard(lines=None, faults=faults) == 0
    assert failures(scene) == []
    assert "did not give me an answer" not in scene.words
    check_whole(scene)


def test_a_shop_that_keeps_failing_is_down_for_every_agent_at_once(scene: Scene) -> None:
    """Rule 40: after six failures nobody waits for it any longer, in other calls neither; an
    agent may still transfer, which is told to have failed as well."""
    faults = {f"get_customer_by_email#{number}": "no_connection" for number in range(1, 7)}
    email = SCRIPT[0]
    assert scene.wizard(lines=[email, email, email], faults=faults) == 3
    assert [outcome for _, outcome in failures(scene)] == ["known"] * 3
    # The customer hears that it did not work, the agent why.
    assert scene.words.count("gave no answer (connection refused)") == 2
    assert "did not give me an answer just now. Let us try" in scene.words
    down = "the shop is down, 6 failures in a row; next try in 15 s"
    assert down in scene.words
    assert scene.wizard(lines=[email]) == 3
    assert down in scene.words


def test_a_look_up_that_hangs_is_given_up_when_its_time_is_over(
    scene: Scene, tmp_path: Path
) -> None:
    """Nobody writes into the FIFO that the shop reads from."""
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    spec = scene.spec(["wizard", "--timeout", "0.1"], lines=[SCRIPT[0]], hold=str(fifo))
    assert scene.server.run(spec) == 3
    assert failures(scene) == [("get_customer_by_email", "known")]
    assert "no answer from the shop within 0.1 s" in scene.words


def test_killed_round_a_time_out(
    new_scene: Callable[[Path], Scene], tmp_path: Path, report: Callable[[str], None]
) -> None:
    """Rules 28 and 29: a shop that does the work without an answer, and a kill besides."""
    report(f"kills round a time-out: seed {SEED}")
    rng = random.Random(SEED)
    faults = dict.fromkeys(WRITES, "timeout_after")
    unharmed = new_scene(tmp_path / "unharmed")
    assert unharmed.wizard(lines=None, faults=faults) == 0
    check_whole(unharmed)
    begin = unharmed.points.index("before row return_requested") + 1
    for number in sorted(rng.sample(range(begin, len(unharmed.points) + 1), 12)):
        scene = new_scene(tmp_path / str(number))
        assert scene.wizard(lines=None, faults=faults, kill_at=number) == -signal.SIGKILL
        assert scene.resume(faults=faults) == 0, (SEED, number, scene.screen)
        check_whole(scene)
        shutil.rmtree(scene.folder)
