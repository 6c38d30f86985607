"""A call that is broken off and taken up again on the next policy date (rule 4).

The mugs' window closes on the first of the two days.
"""

from __future__ import annotations

import signal

from faults.shop import NOW, RETURNS, Scene, check_whole
from returnflow.engine.vocabulary import event_name
from returnflow.returns import events as ev

NEXT_DAY = "2026-03-31T09:00:00+02:00"
SAME_DAY_IN_THE_ZONE = "2026-03-30T21:59:59+00:00"
NEXT_DAY_IN_THE_ZONE = "2026-03-30T22:00:00+00:00"
TYPED_ON_THE_NEXT_DAY = ["", "", "", "damaged", "yes", "", "", "", "/done"]


def killed_at(scene: Scene, name: str, which: int = 1) -> None:
    """Leads the call up to the kill point `name`, or the second or third of that name."""
    other = Scene(scene.folder / "to-count", scene.server)
    (other.folder / "shop.sqlite3").write_bytes((scene.folder / "shop.sqlite3").read_bytes())
    assert other.wizard() == 0
    found = [number for number, point in enumerate(other.points, 1) if point == name]
    assert scene.wizard(kill_at=found[which - 1]) == -signal.SIGKILL


def names(scene: Scene, after: int) -> list[str]:
    """What happened after so many events, by name."""
    return [event_name(event) for event in scene.events()[after:]]


def test_a_pending_write_is_settled_first_then_the_rest_is_chosen_anew(scene: Scene) -> None:
    """Rules 4, 28, 33: settled under its own date; its notices come; nothing else is sent."""
    killed_at(scene, "after row return_requested")
    before = len(scene.events())
    (requested,) = scene.requests()
    assert scene.resume(now=NEXT_DAY) == 0
    assert names(scene, before)[:2] == ["return_opened", "resumed"]
    assert scene.keys() >= {requested.key}
    assert scene.returns() == RETURNS[:1]
    assert "What was not sent yet has to be chosen and checked again." in scene.words
    assert len(scene.transfers()) == 1
    assert scene.session().case.policy_date.isoformat() == "2026-03-31"


def test_a_pending_write_stands_though_its_window_has_closed_since(scene: Scene) -> None:
    """Rule 4: the mug was asked for in time; that its window closed overnight changes nothing."""
    killed_at(scene, "after row return_requested", 2)
    before = len(scene.events())
    assert scene.resume(now=NEXT_DAY) == 0
    assert names(scene, before)[:2] == ["return_opened", "resumed"]
    check_whole(scene)


def test_a_write_that_the_shop_did_before_the_night_is_not_done_again(scene: Scene) -> None:
    """Rules 4 and 28: killed after the shop's work and before the journal knew of it."""
    killed_at(scene, "after initiate_return", 2)
    assert sorted(scene.returns()) == RETURNS
    assert scene.resume(now=NEXT_DAY) == 0
    check_whole(scene)


def test_nothing_pending_everything_is_looked_up_and_decided_anew(scene: Scene) -> None:
    """Rules 1 and 4: confirmed but not sent; the next day the mug is too late, and not sent."""
    killed_at(scene, "after row return_confirmed")
    before = len(scene.events())
    assert scene.resume(now=NEXT_DAY, lines=TYPED_ON_THE_NEXT_DAY) == 0
    assert names(scene, before)[:7] == [
        "resumed",
        *["item_found"] * 4,
        *["package_found"] * 2,
    ]
    assert "the window of 29 days closed on 30 March 2026, 1 day too late" in scene.words
    said = [event.subject for event in scene.events()[before:] if isinstance(event, ev.Told)]
    assert said[:3] == ["MUG", "SHELF", "TIPS"]
    assert scene.returns() == RETURNS[:1]
    assert scene.cases()[0].state == "closed"


def test_a_pending_transfer_is_settled(scene: Scene) -> None:
    """Rules 4 and 35: a transfer that was sent before the night is not made a second time."""
    killed_at(scene, "after transfer_to_human_representative")
    assert scene.resume(now=NEXT_DAY) == 0
    check_whole(scene)


def test_an_outcome_unknown_overnight_is_asked_for_with_its_key(scene: Scene) -> None:
    """Rules 4 and 29: the shop gives no answer on the next day either, then it does."""
    killed_at(scene, "after row return_requested", 2)
    before = len(scene.events())
    keys = {request.key for request in scene.requests()}
    assert scene.resume(now=NEXT_DAY, faults={"initiate_return#1": "timeout_after"}) == 0
    happened = names(scene, before)
    assert happened.index("backend_failed") < happened.index("retry_requested")
    check_whole(scene)
    assert keys < scene.keys()


def test_the_day_turns_in_the_policy_zone(scene: Scene) -> None:
    """Rules 2 and 4: midnight in Berlin counts, wherever the agent's clock is."""
    killed_at(scene, "after row return_confirmed")
    assert scene.resume(now=SAME_DAY_IN_THE_ZONE) == 0
    assert "resumed" not in names(scene, 0)
    check_whole(scene)


def test_the_day_has_turned_in_the_policy_zone(scene: Scene) -> None:
    """Rules 2 and 4: one second later it is another day."""
    killed_at(scene, "after row return_confirmed")
    assert scene.resume(now=NEXT_DAY_IN_THE_ZONE, lines=TYPED_ON_THE_NEXT_DAY) == 0
    assert "resumed" in names(scene, 0)
    assert scene.returns() == RETURNS[:1]


def test_killed_on_the_next_day_too(scene: Scene) -> None:
    """Rules 4 and 28: killed between the settling and the new day; the third day ends it."""
    killed_at(scene, "after row return_requested")
    assert scene.resume(now=NEXT_DAY, kill_at=12) == -signal.SIGKILL
    assert scene.resume(now=NOW.replace("03-30", "04-01")) == 0
    assert scene.returns() == RETURNS[:1]
    assert len(scene.requests()) == 2
    assert scene.cases()[0].state == "transferred"
