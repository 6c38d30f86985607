"""A call seen as a whole: its way through the procedure, and all facts, grouped.

For front ends that have room beside the question. Like a turn it is made from the session and
its journal alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from returnflow.engine.definition import Definition
from returnflow.engine.front import CUSTOMER, Fact, Section
from returnflow.engine.journal import Entry, visible
from returnflow.engine.run import Run
from returnflow.engine.session import Session
from returnflow.wizard.turn import Turn, front

Mark = Literal["done", "now", "ahead"]

SENT = "sent: stays so"
NOT_SENT = "nothing sent yet"
"""What stands at the commit horizon (rule 32)."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A step of the procedure on the way of a call."""

    key: str
    title: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Journey:
    """The way of a call.

    Args:
        stops: the steps of the procedure, in order.
        horizon: the number of stops before the commit horizon.
        sent: something was sent, so that no answer before it can be taken back.
    """

    stops: tuple[Stop, ...]
    horizon: int
    sent: bool


def journey(run: Run) -> Journey:
    """Where the call came through, where it is, and what may still come."""
    definition = run.session.definition
    now = run.session.state.step
    been = _steps_seen(definition, run.log.entries)
    kept = [step for step in definition.steps if step not in _ends(definition)]
    # A call that went back has the steps behind it before it again.
    here = kept.index(now) if now in kept else len(kept)
    stops = tuple(
        Stop(
            step,
            definition.steps[step],
            "now" if step == now else "done" if step in been and number < here else "ahead",
        )
        for number, step in enumerate(kept)
    )
    writes = {state.step for state in definition.states.values() if state.is_write}
    horizon = next((n for n, step in enumerate(kept) if step in writes), len(kept))
    return Journey(stops, horizon, run.horizon is not None)


def _steps_seen(definition: Definition, entries: Sequence[Entry]) -> set[str]:
    states = {entry.state for entry in visible(entries)} | {definition.initial}
    return {definition.states[name].step for name in states}


def _ends(definition: Definition) -> set[str]:
    """The steps that no state but an end belongs to."""
    going = {state.step for state in definition.states.values() if state.kind != "end"}
    return {step for step in definition.steps if step not in going}


# -- the facts, grouped -----------------------------------------------------------------------


def sections(session: Session, *, unveiled: bool) -> list[Section]:
    """All that is known in the call.

    Args:
        unveiled: the customer's name, address and number are shown in full (rule 38).
    """
    return front(session).sections(session.case, unveiled=unveiled)


def matters(turn: Turn, session: Session, *, unveiled: bool) -> list[Fact]:
    """What a turn has to tell of the facts, with the customer veiled unless asked for."""
    found = sections(session, unveiled=unveiled)
    veiled = next((each.lines for each in found if each.title == CUSTOMER), ())
    return [
        (label, veiled[0][0]) if label == CUSTOMER and veiled else (label, text)
        for label, text in turn.known
    ]


# -- a call that is over ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A finished call.

    Args:
        title: the end's title.
        say: the last words to say, or "".
        outcome: what came of the call.
        done: what was done in the shop: what it is, and its particulars.
        notes: as they were kept.
        minutes: how long it took, as it is read.
    """

    title: str
    say: str
    outcome: str
    done: tuple[Fact, ...]
    notes: tuple[str, ...]
    minutes: str
    case_id: str


def wrap_up(run: Run, now: datetime) -> WrapUp:
    """What is to be seen of a call that came to its end."""
    session = run.session
    state = session.state
    began = run.log.header.started_at
    # A note that is kept afterwards does not make a call longer.
    last = next((each.at for each in reversed(run.log.entries) if each.kind == "event"), now)
    seconds = max(0, round((last - began).total_seconds()))
    return WrapUp(
        title=state.title,
        say=session.words(state.say) if state.say else "",
        outcome=session.words(state.end) if state.end else "",
        done=tuple(front(session).done(session.case)),
        notes=tuple(entry.text for entry in run.log.entries if entry.kind == "noted"),
        minutes=f"{seconds // 60} min {seconds % 60:02} s",
        case_id=run.log.header.case_id,
    )


def wrap_up_lines(over: WrapUp) -> list[str]:
    """A finished call in lines."""
    lines = [over.outcome] if over.outcome else []
    lines += [f"{what}: {about}" for what, about in over.done]
    lines.append(f"Duration: {over.minutes}")
    lines += [f"Note: {note}" for note in over.notes]
    lines.append(f"Case {over.case_id}")
    return lines
