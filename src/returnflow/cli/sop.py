"""``returnflow sop``: check, prove, show, walk, cover and compare procedures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from returnflow.cli import status

_PATH = click.Path(path_type=Path)


@click.group("sop")
def command() -> None:
    """Check a procedure, prove its rules, see it, walk through it, compare two of it."""


@command.command("check", epilog=status.CHECK_EPILOG)
@click.argument("path", nargs=-1, type=_PATH)
@click.option("--json", is_flag=True, help="Write JSON: an object for each file, in a list.")
@click.option(
    "--github", is_flag=True, help="Write workflow commands, which GitHub shows in place."
)
@click.option("--rules", is_flag=True, help="List the rules that are proved, too.")
@click.option("--no-proofs", is_flag=True, help="Do not prove the rules; only load the files.")
@click.pass_context
def check(ctx: click.Context, /, **given: Any) -> None:
    """Tell everything that is wrong with procedures, and whether their rules hold in every call.

    PATH is a file, or a folder with procedures; by default the one that comes with the program.
    Each problem is told as file:line:column, with the line, what is wrong, and how to mend it. A
    rule that is not proved is refuted by a shortest call that breaks it, or is told to be open.
    """
    from returnflow.cli.sop_check import checked

    ctx.exit(checked(given))


@command.command("schema")
@click.option(
    "--vocabulary",
    metavar="NAME",
    default="returns",
    show_default=True,
    help="The vocabulary whose names the schema holds.",
)
def schema(vocabulary: str) -> None:
    """Write the JSON Schema of procedures, from which editors complete and underline.

    A procedure names it in its first line: # yaml-language-server: $schema=FILE
    """
    import json

    from returnflow.engine.vocabulary import load_vocabulary
    from returnflow.sop.schema import schema as made

    click.echo(json.dumps(made(load_vocabulary(vocabulary)), indent=2, ensure_ascii=False))
