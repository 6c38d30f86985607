"""Calls about a delayed package, led on real parts: the plain wizard, a shop and a journal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from returnflow.backends.answer import performer
from returnflow.bundled import bundled
from returnflow.delayed import VOCABULARY
from returnflow.delayed import events as ev
from returnflow.engine.definition import Definition, load
from returnflow.engine.journal import Header, visible
from returnflow.engine.journal_sql import open_journal
from returnflow.engine.run import Run
from returnflow.engine.session import Session
from returnflow.wizard.console import PipeConsole
from returnflow.wizard.plain import PlainDesk


@cache
def procedure() -> Definition:
    """The procedure that comes with the program."""
    return load(bundled("states") / "delayed_package.yaml")


@dataclass
class Led:
    """A call that was led."""

    screen: str
    session: Session
    events: list[Any]

    @property
    def words(self) -> str:
        """The screen on one line."""
        return " ".join(self.screen.split())

    @property
    def told(self) -> list[str]:
        """The notices given, in order."""
        return [event.notice for event in self.events if isinstance(event, ev.Told)]


def lead(shop: Any, lines: Sequence[str], day: date, folder: Path, resume: str = "") -> Led:
    """Leads a call at noon of `day` with those lines typed; it may be left open.

    Args:
        resume: the case that goes on; "" for a new one.
    """
    zone = shop.zone
    clock = datetime.combine(day, time(12), ZoneInfo(zone))
    shown = io.StringIO()
    with ExitStack() as stack:
        journal = stack.enter_context(open_journal(f"sqlite:///{folder / 'journal.sqlite3'}"))
        if resume:
            log = stack.enter_context(journal.open(resume, VOCABULARY.decoder))
            found = [entry.event for entry in visible(log.entries) if entry.event is not None]
            session = Session.folded(procedure(), log.header.policy_date, zone, found)
        else:
            header = Header(
                case_id="CALL",
                sop=procedure().sop,
                version=procedure().version,
                digest=procedure().digest,
                agent="kim",
                policy_date=day,
                zone=zone,
                backend="demo:",
                started_at=clock,
            )
            log = stack.enter_context(journal.begin(header, procedure().text))
            session = Session(procedure(), day, zone)
        typed = io.StringIO("".join(f"{line}\n" for line in lines))
        desk = PlainDesk(PipeConsole(typed, shown))
        run = Run(session, log, desk, performer(shop), lambda: clock)
        run.resume(day) if resume else run.go()
        entries = journal.read(log.header.case_id, VOCABULARY.decoder)[2]
        events = [entry.event for entry in visible(entries) if entry.event is not None]
        return Led(shown.getvalue(), run.session, events)
