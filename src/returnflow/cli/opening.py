"""What the wizard and the resuming of calls share: options, and putting a call together."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from returnflow.cli.shops import TIMEOUT, open_adapter, steadied
from returnflow.errors import JournalError, UsageError
from returnflow.urls import without_password

if TYPE_CHECKING:
    from returnflow.backends.steady import Steady
    from returnflow.engine.definition import Definition
    from returnflow.engine.journal import CaseLog
    from returnflow.engine.journal_sql import SqlJournal
    from returnflow.engine.session import Session
    from returnflow.wizard.console import Console
    from returnflow.wizard.plain import PlainDesk
    from returnflow.wizard.screen.desk import ScreenDesk

F = TypeVar("F", bound=Callable[..., Any])

JOURNAL = click.option(
    "--journal",
    metavar="URL",
    envvar="RETURNFLOW_JOURNAL",
    show_envvar=True,
    help="Where calls are kept: sqlite:///FILE or postgresql://USER@HOST/DATABASE; by default a "
    "file in your data folder.",
)

MAX_AGENT = 40

DEFAULT_SOP = "handling-returns"
"""The procedure that is led, and replayed, where none is named."""

FALLBACK = "returns"
"""The vocabulary that records a transfer where that of the call's procedure is not installed."""

SOP_HELP = (
    "Another procedure than the one for returns: a file, or the name of one that comes with the "
    "program, as delayed-package."
)


def _agent(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and not 0 < len(name.strip()) <= MAX_AGENT:
        raise click.BadParameter(f"a name has 1 to {MAX_AGENT} characters.")
    return name.strip() if name else name


_SHARED = (
    click.option(
        "--backend",
        metavar="URL",
        default="demo:",
        envvar="RETURNFLOW_BACKEND",
        show_default=True,
        show_envvar=True,
        help="The shop: sqlite:///FILE, postgresql://USER@HOST/DATABASE, json:DIR, or another "
        "adapter's; demo: is the embedded one.",
    ),
    JOURNAL,
    click.option(
        "--agent",
        metavar="NAME",
        envvar="RETURNFLOW_AGENT",
        show_envvar=True,
        callback=_agent,
        help="Who leads the call, in up to 40 characters; by default your user name.",
    ),
    click.option(
        "--patience",
        metavar="SECONDS",
        type=click.FloatRange(min=0.1, max=3600),
        default=20.0,
        show_default=True,
        help="How long to wait for the shop before you are asked what to do.",
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0.1, max=3600),
        default=TIMEOUT,
        show_default=True,
        envvar="RETURNFLOW_TIMEOUT",
        show_envvar=True,
        help="How long a call of the shop may take before it counts as unanswered.",
    ),
    click.option(
        "--plain/--no-plain",
        default=False,
        envvar="RETURNFLOW_PLAIN",
        show_envvar=True,
        help="Ask in plain lines, on a terminal too; a pipe and a small window always do. "
        "--no-plain is for where the settings or the environment say plain.",
    ),
)


def call_options(function: F) -> F:
    """Adds the options that every command which leads a call has."""
    for option in reversed(_SHARED):
        function = option(function)
    return function


@dataclass(frozen=True)
class Place:
    """Where calls are led: an open journal and an open shop."""

    journal: SqlJournal
    backend: Steady
    backend_url: str
    agent: str
    patience: float


def journal_url(url: str | None) -> str:
    """The journal's URL: as given, or the one in the data folder."""
    if url:
        return url
    from returnflow.home import default_journal_url

    return default_journal_url()


def open_journal(stack: ExitStack, url: str | None) -> SqlJournal:
    """The journal, to be closed with `stack`.

    Raises:
        UsageError: it cannot be used.
    """
    from returnflow.engine import journal_sql

    try:
        return stack.enter_context(journal_sql.open_journal(journal_url(url)))
    except JournalError as error:
        raise UsageError(str(error)) from error
    except UsageError as error:
        if url is None:
            raise
        raise UsageError(str(error).replace(url, without_password(url))) from None


def open_place(
    stack: ExitStack,
    journal: SqlJournal,
    backend: str,
    agent: str | None,
    patience: float,
    timeout: float,
) -> Place:
    """The shop beside an open journal, to be closed with `stack`.

    Raises:
        UsageError: it cannot be used.
    """
    adapter = open_adapter(backend)
    stack.callback(adapter.close)
    shown = without_password(absolute(backend))
    shop = steadied(stack, adapter, shown, timeout)
    return Place(journal, shop, shown, agent or _user(), patience)


def zone_of(place: Place, given: str | None) -> str:
    """The policy zone: as given, else the shop's, else UTC (rule 2).

    Raises:
        UsageError: there is no such zone.
    """
    name = given or place.backend.zone or "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"there is no time zone {name!r}; give an IANA name such as Europe/Berlin"
        ) from None
    return name


def procedure(named: Path | None) -> Definition:
    """The procedure in a file, one that comes with the program, or the one for returns.

    Args:
        named: a file, or the name of one that comes with the program, as ``delayed-package``.

    Raises:
        UsageError: it is neither.
        DefinitionError: with every problem found.
    """
    from returnflow.engine import definition
    from returnflow.home import KeptProcedures, data_dir

    return definition.load(text_of(named), KeptProcedures(data_dir()))


def shipped_as(digest: str) -> Definition | None:
    """The procedure that comes with the program and has that very text; None: there is none."""
    from returnflow.bundled import bundled
    from returnflow.engine.definition import digest_of

    for path in sorted(bundled("states").glob("*.yaml")):
        if digest_of(path.read_text(encoding="utf-8")) == digest:
            return procedure(path)
    return None


def text_of(named: Path | None) -> Path:
    """The file of a procedure: a file, the name of one that is shipped, or the default.

    Raises:
        UsageError: no procedure has that name.
    """
    from returnflow.bundled import bundled

    shipped = {path.stem.replace("_", "-"): path for path in bundled("states").glob("*.yaml")}
    if named is None:
        return shipped[DEFAULT_SOP]
    if named.exists():
        return named
    known = shipped.get(str(named).replace("_", "-"))
    if known is None and named.suffix == "" and len(named.parts) == 1:
        raise UsageError(
            f"there is no procedure {str(named)!r}: give a file, or one of "
            f"{', '.join(sorted(shipped))}"
        )
    return known or named


@contextmanager
def begin(place: Place, definition: Definition, zone: str) -> Iterator[tuple[Session, CaseLog]]:
    """A new call."""
    from returnflow.engine.journal import Header
    from returnflow.engine.session import Session

    day = today(zone)
    header = Header(
        case_id="",
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent=place.agent,
        policy_date=day,
        zone=zone,
        backend=place.backend_url,
        started_at=now(),
    )
    with place.journal.begin(header, definition.text) as log:
        yield Session(definition, day, zone), log


def lead(
    place: Place,
    session: Session,
    log: CaseLog,
    desk: PlainDesk | ScreenDesk,
    again: str,
    *,
    resume: bool,
) -> int:
    """Leads a call at a desk until it ends or is left; the exit status.

    Args:
        again: the command that goes on with a call, but for its case id.
        resume: the call was left before.
    """
    from returnflow.backends.answer import performer
    from returnflow.cli.status import ENDED, LEFT_OPEN
    from returnflow.engine.run import Run
    from returnflow.wizard.texts import KEPT

    place.backend.case_id = log.header.case_id
    run = Run(session, log, desk, performer(place.backend), now)
    try:
        ended = run.resume(today(log.header.zone)) if resume else run.go()
    except KeyboardInterrupt:
        # Between two questions: nothing is lost, since every row is written before it counts.
        click.echo(f"\n  {KEPT}\n    {again} {log.header.case_id}")
        return LEFT_OPEN
    return ENDED if ended else LEFT_OPEN


def check(place: Place, definition: Definition) -> None:
    """Checks that the shop can do all that the procedure calls.

    Raises:
        UsageError: it cannot.
    """
    definition.require(place.backend.capabilities(), place.backend_url)


def again(journal: str | None) -> str:
    """The command that goes on with a call, but for its case id.

    Args:
        journal: the journal's URL where one was given.
    """
    where = f" --journal {shlex.quote(without_password(journal))}" if journal else ""
    return f"returnflow calls resume{where}"


def full_screen(plain: bool) -> bool:
    """Whether the wizard opens full screen here: on a terminal that can, and is large enough."""
    if plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    if os.environ.get("TERM", "") in ("dumb", "unknown", ""):
        return False
    from returnflow.wizard.console import large_enough

    return large_enough()


def console() -> Console:
    """Where this process shows and reads lines: a terminal, or a pipe."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from returnflow.wizard.prompting import TerminalConsole

        return TerminalConsole()
    from returnflow.wizard.console import PipeConsole

    return PipeConsole()


def now() -> datetime:
    """The present moment, with a zone."""
    return datetime.now().astimezone()


def today(zone: str) -> Any:
    """The calendar day in the policy zone (rule 2)."""
    return now().astimezone(ZoneInfo(zone)).date()


def absolute(url: str) -> str:
    """A URL that means the same from any folder: the path of a file or folder made absolute."""
    scheme, _, path = url.partition(":")
    match scheme.lower():
        case "json" if path:
            return f"{scheme}:{Path(path).absolute()}"
        case "sqlite" if path.startswith("///") and not path.startswith("////"):
            return f"{scheme}:///{Path(path[3:]).absolute()}"
    return url


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return os.environ.get("USER", "agent")
