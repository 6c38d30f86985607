"""``returnflow import``: moves a shop from one place to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from returnflow.cli import opening, shops, status
from returnflow.cli.output import bar
from returnflow.errors import ReturnflowError, UsageError
from returnflow.inert import inert
from returnflow.urls import without_password

if TYPE_CHECKING:
    from returnflow.backends.shopdata import Examinable, Examined, Finding, ShopData

SHOWN = 20

_TITLES = {
    "mended": "Mended on the way; nothing is lost",
    "unclear": "Unclear, and taken over as it is",
    "unreadable": "Cannot be read, and left out",
    "refused": "Not moved",
}


@click.command(
    "import",
    epilog="Exit status: 0 everything was moved; 1 something was not, and is named; "
    "2 nothing was moved.",
)
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.option("--dry-run", is_flag=True, help="Only read, and tell what would be moved.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all that is told about the data into this file, a line each.",
)
@click.option("--all", "everything", is_flag=True, help=f"Show more than {SHOWN} lines of a kind.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    target: str,
    dry_run: bool,
    report: Path | None,
    everything: bool,
) -> None:
    """Move the shop at SOURCE (json:DIR) into a new SQL shop at TARGET: sqlite:///FILE or
    postgresql://USER@HOST/DATABASE.

    It is moved in one step: TARGET holds all of it or does not come to be. SOURCE stays as it
    is. What was mended, what is unclear, and what could not be moved is told.
    """
    from returnflow.backends import sql, sql_load

    _check_target(target)
    shown = without_password(opening.absolute(target))
    examined = _read(source)
    data, findings = examined.data, examined.findings
    if report is not None:
        _write(report, findings)
    if not dry_run:
        with bar("Writing", sql_load.rows_of(data)) as step:
            sql.create(target, data, progress=step).close()
    counts = ", ".join(_counts(data))
    click.echo(f"Would be moved: {counts}." if dry_run else f"Moved to {inert(shown)}: {counts}.")
    for kind, title in _TITLES.items():
        lines = [str(found) for found in findings if found.kind == kind]
        _tell(title, lines, everything)
    if any(found.kind in ("unreadable", "refused") for found in findings):
        ctx.exit(status.FAILED)


def _check_target(target: str) -> None:
    scheme = target.partition(":")[0].lower()
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise UsageError(
            f"{without_password(target)!r}: a shop is moved into an SQL shop; write "
            "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        )


def _read(source: str) -> Examined:
    adapter = shops.open_adapter(source)
    try:
        if not callable(getattr(adapter, "examine", None)):
            raise UsageError(
                f"{without_password(source)!r} cannot be read as a whole; only json:DIR can"
            )
        examinable: Examinable = adapter  # type: ignore[assignment]
        with bar("Reading", None) as step:
            done = 0

            def progress(read: int, total: int) -> None:
                nonlocal done
                step(read - done, total)
                done = read

            return examinable.examine(progress)
    finally:
        adapter.close()


def _counts(data: ShopData) -> Iterator[str]:
    for name in ("customers", "orders", "items", "packages", "returns", "transfers"):
        number = len(getattr(data, name))
        yield f"{number:,} {name if number != 1 else name[:-1]}"


def _tell(title: str, lines: Sequence[str], everything: bool) -> None:
    if not lines:
        return
    click.echo(f"{title} ({len(lines)}):")
    shown = lines if everything else lines[:SHOWN]
    for line in shown:
        click.echo(f"  - {inert(line)}")
    if len(shown) < len(lines):
        click.echo(
            f"  … and {len(lines) - len(shown)} more; --all shows them, --report keeps them."
        )


def _write(path: Path, findings: Iterable[Finding]) -> None:
    lines = [f"{found.kind}\t{inert(found.place)}\t{inert(found.words)}\n" for found in findings]
    try:
        path.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ReturnflowError(f"cannot write the report {path}: {error.strerror}") from error
