"""What replay finds, and the report on one call."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from returnflow.engine.scorecard import SEVERITIES, Kind, Severity

__all__ = ["SEVERITIES", "Finding", "Kind", "Quote", "Report", "Severity", "Verdict"]

Verdict = Literal["conforms", "inconclusive", "violates"]


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, as evidence.

    Args:
        turn: the place of the turn among the transcript's own members, from 0.
        offset: where in the turn the quoted text begins, in characters.
    """

    text: str
    turn: int
    offset: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One slip, or one remark.

    Args:
        step: the step of the procedure, as the YAML numbers it; empty where there is none.
        state: the machine's state in which it was found; empty where there is none.
        event: the name of the event that it is about; of a skipped step, the one missing.
        index: the place among the transcript's own members, from 0; of something missing, the
            place before which it is missed (one past the last at the end); None: all of it.
        at: when that member happened, where recorded.
        reason: in words, with figures.
        quote: where there is text.
        repair: what the agent should have done, in words.
        guard, notice: the condition or the notice that it is about, by name; else empty.
        rules: the rules of the procedure that it breaks, by name.
    """

    kind: Kind
    severity: Severity
    step: str = ""
    state: str = ""
    event: str = ""
    index: int | None = None
    at: datetime | None = None
    reason: str
    quote: Quote | None = None
    repair: str = ""
    guard: str = ""
    notice: str = ""
    rules: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What replay says about one call.

    Args:
        id: the case id.
        source, line, format: where it was read from; see `Transcript`.
        score: 0 to 100, by the scorecard of the procedure.
        passed: the score reaches the pass mark and no auto-fail rule applies.
        fitness: 1 - cost / (length of the trace + cheapest path); 1.0 where every event fits.
        cost: of the optimal alignment: events that the procedure has no place for, plus steps
            that are missing.
        events: the length of the trace.
        state: where the call ended, by the machine.
        findings: in the order of the call.
        unobservable: what matters and could not be told, in words; empty where nothing.
    """

    id: str
    source: str
    line: int | None = None
    format: str
    agent: str = ""
    verdict: Verdict
    score: int
    passed: bool
    fitness: float
    cost: int
    events: int
    state: str = ""
    findings: tuple[Finding, ...] = ()
    unobservable: tuple[str, ...] = ()
