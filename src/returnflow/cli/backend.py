"""``returnflow backend``: whether a shop answers, and whether its adapter keeps the contract."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING

import click

from returnflow.cli import opening, shops, status
from returnflow.errors import BackendError, NotFoundError, UnavailableError
from returnflow.inert import inert
from returnflow.urls import without_password

if TYPE_CHECKING:
    from returnflow.backends.protocol import Backend
    from returnflow.testing.contract.checking import Verdict

PINGS = 5
SHOWN = 20

EPILOG = "Exit status: 0 yes; 1 no; 2 the URL cannot be used."

URL = click.argument("url", metavar="URL")


@click.group("backend")
def command() -> None:
    """Try a shop: whether it answers, and whether its adapter keeps the contract."""


@command.command("ping", epilog=EPILOG)
@URL
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1, max=3600),
    default=10.0,
    show_default=True,
    help="How long to wait for each answer.",
)
@click.pass_context
def ping(ctx: click.Context, url: str, timeout: float) -> None:
    """Ask the shop for things that do not exist, and say how long it takes.

    Nothing is written. Where calls counted the shop as down and it answers, they use it again.
    """
    from returnflow.backends.registry import open_backend
    from returnflow.backends.shopdata import Diagnosable
    from returnflow.backends.steady import Limits, Steady

    shown = without_password(opening.absolute(url))
    began = time.perf_counter()
    with ExitStack() as stack:
        try:
            adapter = open_backend(url)
        except BackendError as error:
            click.echo(f"{inert(shown)} does not answer: {inert(str(error))}")
            ctx.exit(status.FAILED)
        stack.callback(adapter.close)
        opened = time.perf_counter() - began
        # Each look-up by itself, whatever other calls have found out: this is the trial.
        shop = Steady(adapter, limits=Limits(timeout=timeout, attempts=1))
        taken: list[float] = []
        problems: list[str] = []
        asked: list[Callable[[str], object]] = [shop.get_order_details] * PINGS
        asked += [shop.get_customer_by_email, shop.get_item_details, shop.get_package_details]
        for number, look_up in enumerate(asked):
            began = time.perf_counter()
            try:
                look_up(f"returnflow-ping-{number}")
            except NotFoundError:
                taken.append(time.perf_counter() - began)
            except BackendError as error:
                if not (isinstance(error, UnavailableError) and error.lasting):
                    click.echo(f"{inert(shown)} does not answer: {inert(str(error))}")
                    ctx.exit(status.FAILED)
                problems.append(str(error))
        if isinstance(adapter, Diagnosable):
            problems = adapter.problems() or problems
        shops.circuit(shown).succeeded()
        zone = adapter.zone
    if problems:
        click.echo(f"{inert(shown)} is there, and not all of it can be used:")
        for problem in dict.fromkeys(problems):
            _lines("  - ", problem)
        ctx.exit(status.FAILED)
    click.echo(
        f"{inert(shown)} answers: opened in {_ms(opened)}; a look-up takes {_ms(median(taken))} "
        f"(median of {len(taken)}; slowest {_ms(max(taken))})."
    )
    click.echo(f"Time zone: {zone}." if zone else "It has no time zone; give one with --zone.")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


@command.command("check", epilog=EPILOG)
@URL
@click.option(
    "--email",
    "emails",
    metavar="ADDRESS",
    multiple=True,
    help="The address of a customer who exists; several times for several, one of which may be "
    "shared by two customers.",
)
@click.option(
    "--order",
    "order_ids",
    metavar="ID",
    multiple=True,
    help="An order that exists, beside the open ones of those customers.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1, max=3600),
    default=30.0,
    show_default=True,
    help="How long to wait for each answer.",
)
@click.option("--all", "everything", is_flag=True, help=f"Show more than {SHOWN} lines of a kind.")
@click.pass_context
def check(
    ctx: click.Context,
    url: str,
    emails: Sequence[str],
    order_ids: Sequence[str],
    timeout: float,
    everything: bool,
) -> None:
    """Check the part of the contract that only reads, on a real shop. Nothing is written.

    The more it knows of the shop, the more it can check: give it a customer with open orders.
    The part that writes runs under pytest on a shop for trials: see docs/adapters.md.
    """
    from returnflow.backends.circuit import Circuit
    from returnflow.backends.steady import Limits, Steady
    from returnflow.testing.contract.checking import check as checked
    from returnflow.testing.contract.subject import Sample, Subject

    shown = without_password(opening.absolute(url))
    adapter = shops.open_adapter(url)
    verdicts: list[Verdict] = []
    try:
        click.echo(f"The read-only part of the contract, on {inert(shown)}. Nothing is written.")
        # Each look-up by itself: a slow one says nothing of the others.
        limited = Steady(
            adapter,
            limits=Limits(timeout=timeout, attempts=1),
            circuit=Circuit(failures=sys.maxsize),
        )
        subject = Subject(limited, Sample(emails, order_ids))
        for verdict in checked(subject):
            verdicts.append(verdict)
            _show(verdict)
        _remarks("What the shop's data lack; no fault of the adapter", subject.remarks, everything)
        _examine(adapter, everything)
    finally:
        adapter.close()
    count = Counter(verdict.state for verdict in verdicts)
    click.echo(
        f"{len(verdicts)} promises: {count['kept']} kept, {count['broken']} broken, "
        f"{count['not_checked'] + count['unanswered']} not checked."
    )
    if count["not_checked"] and not emails:
        _lines("", "Give the address of a customer with open orders, --email, to check the rest.")
    if count["unanswered"]:
        _lines(
            "",
            f"There was no answer for {count['unanswered']} of them. Where the shop is slow, give "
            f"it more than {timeout:g} s with --timeout; `returnflow backend ping` tells how slow.",
        )
    if count["broken"] or count["unanswered"]:
        ctx.exit(status.FAILED)


_LABELS = {
    "kept": "kept",
    "broken": "BROKEN",
    "not_checked": "not checked",
    "unanswered": "not checked",
}


def _show(verdict: Verdict) -> None:
    _lines(f"  {_LABELS[verdict.state]:<12} ", verdict.promise.words)
    if verdict.state in ("broken", "unanswered"):
        _lines(f"  {'':<12} → ", verdict.words)
    elif verdict.state == "not_checked":
        _lines(f"  {'':<12} → ", f"it needs {verdict.words}")


def _lines(label: str, text: str) -> None:
    """The text beside its label; on a terminal within its width, else in one line."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    click.echo(
        click.wrap_text(
            inert(text), width, initial_indent=label, subsequent_indent=" " * len(label)
        )
    )


_TITLES = {
    "mended": "Mended as it is read",
    "unclear": "Unclear, and taken as it is",
    "unreadable": "Cannot be read, and left out",
    "refused": "Cannot be moved by `returnflow import`",
}


def _examine(adapter: Backend, everything: bool) -> None:
    """What is odd in the data as a whole, where the adapter can look at them so."""
    examine = getattr(adapter, "examine", None)
    if not callable(examine):
        return
    try:
        findings = examine().findings
    except BackendError as error:
        click.echo(f"The data as a whole cannot be looked at: {inert(str(error))}")
        return
    for kind, title in _TITLES.items():
        _remarks(title, [str(found) for found in findings if found.kind == kind], everything)


def _remarks(title: str, remarks: Sequence[str], everything: bool) -> None:
    if not remarks:
        return
    click.echo(f"{title} ({len(remarks)}):")
    shown = remarks if everything else remarks[:SHOWN]
    for remark in shown:
        _lines("  - ", remark)
    if len(shown) < len(remarks):
        click.echo(f"  … and {len(remarks) - len(shown)} more; --all shows them.")
