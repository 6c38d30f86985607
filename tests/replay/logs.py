"""Logs for tests of the command: calls made up, and changed so that the verdict is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random

from returnflow.cli.opening import procedure
from returnflow.engine.definition import Definition
from returnflow.engine.event_log import export_case
from returnflow.engine.journal import Entry, Header
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.testing import random_call, sampler_for

UNREADABLE = b'{"returnflow": 1, "case": {"case_id": "C-cut"}, "events": [{"event": "email_g'


@cache
def definition() -> Definition:
    """The procedure that comes with the program."""
    return procedure(None)


def exported(events: Sequence[Event], case: str, day: object, zone: str, agent: str) -> bytes:
    """A line of the log, with its end."""
    sop = definition()
    header = Header(
        case_id=case,
        sop=sop.sop,
        version=sop.version,
        digest=sop.digest,
        agent=agent,
        policy_date=day,  # type: ignore[arg-type]
        zone=zone,
        backend="memory:",
        started_at=events[0].at,  # type: ignore[arg-type]
    )
    entries = [
        Entry(seq=number, kind="event", at=event.at, state="started", event=event)  # type: ignore[arg-type]
        for number, event in enumerate(events, 1)
    ]
    return export_case(header, entries, mask=None) + b"\n"


@cache
def _made(seed: int) -> tuple[tuple[Event, ...], object, str]:
    sampler = sampler_for(definition().vocabulary.name)
    rng = Random(seed)
    shop = sampler.generate(rng)
    day, zone = sampler.beginning(shop)
    return tuple(random_call(definition(), rng, shop)), day, zone


@cache
def _closed_seed() -> int:
    """The first seed of a call in which a return is opened and that closes as returned."""
    for seed in range(1000):
        events, day, zone = _made(seed)
        session = Session.folded(definition(), day, zone, events)  # type: ignore[arg-type]
        names = [event_name(each) for each in events]
        once = names.count("email_given") == 1 and names[0] == "email_given"
        if session.state.name == "closed" and once:
            return seed
    raise AssertionError("no seed gives a call that closes")


def conforming(case: str = "C-good", agent: str = "kim") -> bytes:
    """A call that closes with a return."""
    events, day, zone = _made(_closed_seed())
    return exported(events, case, day, zone, agent)


def violating(case: str = "C-bad", agent: str = "渡辺 久美子") -> bytes:
    """The same, but the customer was never asked for the e-mail address."""
    events, day, zone = _made(_closed_seed())
    return exported(events[1:], case, day, zone, agent)


def inconclusive(case: str = "C-dim", agent: str = "kim") -> bytes:
    """The same, but the dates of orders are redacted."""
    line = conforming(case, agent)
    return re.sub(rb'"order_date":"[^"]*"', b'"order_date":"[REDACTED]"', line)


def email() -> str:
    """The customer's e-mail address in these calls."""
    events, _, _ = _made(_closed_seed())
    return str(events[0].email)  # type: ignore[attr-defined]


def many(number: int) -> bytes:
    """Calls of all kinds; every tenth violates, is inconclusive or cannot be read."""
    lines = []
    for n in range(number):
        if n % 10 == 3:
            made = (violating, inconclusive)[n // 10 % 2](f"C-{n}", f"agent {n % 7}")
        elif n % 100 == 55:
            made = UNREADABLE + b"\n"
        else:
            made = conforming(f"C-{n}", f"agent {n % 7}")
        lines.append(made)
    return b"".join(lines)
