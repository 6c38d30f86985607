"""Calls that `returnflow sop walk` makes up can be led by the wizard, typed, at a scripted shop."""

from __future__ import annotations

from pathlib import Path

import pytest

from returnflow.engine.session import Session
from returnflow.engine.vocabulary import event_name
from returnflow.sop import walking
from wizard.driver import Stage, shipped
from wizard.test_coverage import play

DEFINITION = shipped()


def test_walked_calls_are_led_by_the_wizard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the shorter calls, each event is in the journal, in its order."""
    for name in ("FIRST_NODES", "NARROW_NODES", "MOST_NODES"):
        monkeypatch.setattr(walking, name, 400)
    walk = walking.walk(DEFINITION)
    # Of several items the wizard looks up the first one first, and a walk any of them.
    calls = [
        call.events
        for call in walk.calls
        if call.refused is None
        and len(call.events) > 4
        and all(len(getattr(event, "picks", ())) < 2 for event in call.events)
    ]
    assert len(calls) > 8
    reached = set()
    with Stage(tmp_path) as stage:
        for events in calls[:: len(calls) // 8]:
            *_, played = play(stage, events)
            # Where a look-up is owed at the end, the wizard makes it, and goes on a little.
            led = [event_name(each) for each in played.events[: len(events)]]
            assert led == [event_name(each) for each in events]
            shop = walk.shop
            for part in (events, played.events[: len(events)]):
                reached.add(Session.folded(DEFINITION, shop.today, shop.zone, part).state.name)
    assert len(reached) > 3
