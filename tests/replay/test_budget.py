"""Replay does not get slower unseen: the functions that it calls for an event have a budget.

Counts are the same on every machine, busy or not. The logs are files, so that what is counted on
does not change with the code; ``python -m benchmarks.replay_budget`` makes them anew. After a
change that costs more, or less, on purpose: ``RETURNFLOW_UPDATE_GOLDEN=1``.
"""

from __future__ import annotations

import json
import os

from benchmarks.replay_budget import CALLS, FOLDER, calls_per_event, log
from benchmarks.replay_log import procedure
from benchmarks.replay_subjects import reports

BUDGET = FOLDER / "budget.json"
TOLERANCE = 1.2


def test_an_event_costs_no_more_calls_than_its_budget() -> None:
    counted = {kind: round(calls_per_event(log(kind)), 1) for kind in CALLS}
    if os.environ.get("RETURNFLOW_UPDATE_GOLDEN"):
        BUDGET.write_text(json.dumps(counted, indent=2, sort_keys=True) + "\n")
    budget: dict[str, float] = json.loads(BUDGET.read_text())
    assert budget.keys() == counted.keys()
    for kind, calls in counted.items():
        assert calls <= budget[kind] * TOLERANCE, (
            f"a {kind} call takes {calls} calls of functions for each event; the budget is "
            f"{budget[kind]}, and more than {TOLERANCE} times that is too much"
        )


def test_the_logs_that_are_counted_on_are_what_they_say() -> None:
    """All conform in the one, something is found in each of the other, nothing is unreadable."""
    conforming = reports(procedure(), log("conforming"))
    assert [each.verdict for each in conforming] == ["conforms"] * CALLS["conforming"]
    deviating = reports(procedure(), log("deviating"))
    assert len(deviating) == CALLS["deviating"]
    assert all(each.findings for each in deviating)
    kinds = {found["kind"] for each in (*conforming, *deviating) for found in each.findings}
    assert "unreadable" not in kinds
