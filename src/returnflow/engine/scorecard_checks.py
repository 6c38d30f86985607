"""The names in a scorecard that must exist elsewhere in the procedure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from returnflow.engine.spec import ScorecardSpec


def names(
    card: ScorecardSpec,
) -> Iterator[tuple[tuple[str | int, ...], Literal["guard", "notice", "event", "step"], str]]:
    """Every name in the block that must exist elsewhere: its path, what it names, the name."""
    for guard in card.guards:
        yield ("guards", guard), "guard", guard
    for notice in card.notices:
        yield ("notices", notice), "notice", notice
    for step in card.steps:
        yield ("steps", step), "step", step
    for i, rule in enumerate(card.auto_fail):
        if rule.guard is not None:
            yield ("auto_fail", i, "guard"), "guard", rule.guard
        if rule.notice is not None:
            yield ("auto_fail", i, "notice"), "notice", rule.notice
        if rule.event is not None:
            yield ("auto_fail", i, "event"), "event", rule.event
        if rule.step is not None:
            yield ("auto_fail", i, "step"), "step", rule.step
