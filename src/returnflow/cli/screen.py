"""Calls on the full screen, one after the other, and what stays on the terminal after them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from returnflow.cli import opening
from returnflow.cli.status import ENDED, LEFT_OPEN
from returnflow.settings import Settings
from returnflow.wizard.screen.desk import ScreenDesk
from returnflow.wizard.texts import KEPT, NOT_KEPT

if TYPE_CHECKING:
    from returnflow.engine.journal import CaseLog
    from returnflow.engine.session import Session

    Begin = Callable[[], AbstractContextManager[tuple[Session, CaseLog]]]


class Shift:
    """Calls that one agent leads, one after the other.

    Args:
        again: the command that goes on with a call, but for its case id.
        notice: what is to be told at the first question, or "".
        settings: of the screen.
    """

    def __init__(
        self, place: opening.Place, again: str, notice: str = "", settings: Settings | None = None
    ) -> None:
        self._place = place
        self._again = again
        self._desk = ScreenDesk(
            ("returnflow", _short(place.backend_url), place.agent),
            place.patience,
            opening.now,
            notice=notice,
            settings=settings,
        )
        self._told: list[str] = []

    def lead_calls(self, begin: Begin) -> int:
        """Leads calls for as long as the agent wants another; the exit status of the last."""
        try:
            return self._calls(begin)
        finally:
            self._close()

    def resume(self, session: Session, log: CaseLog, begin: Begin | None) -> int:
        """Goes on with a call that was left, then leads others; the exit status of the last.

        Args:
            begin: begins another call; None: nobody can tell by which procedure it would be led.
        """
        self._desk.only_call = begin is None
        try:
            code = self._lead(session, log, resume=True)
            # Whoever opens the ended call is to hear that it has ended, not that it is taken.
            log.release()
            if code == ENDED and begin is not None and self._desk.goes_on:
                return self._calls(begin)
            return code
        finally:
            self._close()

    def _calls(self, begin: Begin) -> int:
        while True:
            with begin() as (session, log):
                code = self._lead(session, log, resume=False)
            if code != ENDED or not self._desk.goes_on:
                return code

    def _lead(self, session: Session, log: CaseLog, *, resume: bool) -> int:
        code = opening.lead(self._place, session, log, self._desk, self._again, resume=resume)
        if code == LEFT_OPEN:
            self._told += (
                [KEPT, f"  {self._again} {log.header.case_id}"] if log.entries else [NOT_KEPT]
            )
        else:
            title = session.definition.states[log.entries[-1].state].title
            self._told.append(f"Case {log.header.case_id}: {title}")
        return code

    def _close(self) -> None:
        self._desk.close()
        for line in self._told:
            click.echo(line)


def _short(url: str) -> str:
    """The shop by the last part of its URL: the rest of it is of no use in the middle of a call."""
    return url.rstrip("/").rpartition("/")[2] or url
