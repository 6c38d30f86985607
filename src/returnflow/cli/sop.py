"""``returnflow sop``: check, prove, show, walk, cover and compare procedures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from returnflow.cli import opening, status

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

    PATH is a file, or a folder with procedures; by default those that come with the program.
    Each problem is told as file:line:column, with the line, what is wrong, and how to mend it. A
    rule that is not proved is refuted by a shortest call that breaks it, or is told to be open.
    """
    from returnflow.cli.sop_check import checked

    ctx.exit(checked(given))


@command.command("show")
@click.argument("file", required=False, type=_PATH)
@click.option(
    "--format",
    type=click.Choice(["table", "mermaid", "dot", "svg"]),
    metavar="FORMAT",
    help="table, mermaid, dot or svg; by default what FILE of --output ends in, else table.",
)
@click.option("--case", metavar="ID", help="Colour the way of this call, of the journal or a log.")
@click.option(
    "--log",
    metavar="LOG",
    multiple=True,
    help="Count on each way how often the calls of this log went it. Can be given several times.",
)
@opening.JOURNAL
@click.option("-o", "--output", type=_PATH, metavar="FILE", help="Write it to this file.")
def show(**given: Any) -> None:
    """Show the machine: as a table of states and events, or drawn, with the steps as groups.

    FILE is a procedure; by default the one that comes with the program. The drawing is made from
    the running machine. SVG needs the extra: pip install 'returnflow[diagrams]'.
    """
    from returnflow.cli.sop_show import show as shown

    shown(given)


@command.command("walk", epilog=status.WALK_EPILOG)
@click.argument("file", required=False, type=_PATH)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    metavar="DIR",
    help="A new folder for the event logs, the shop that they are about, and what each is for.",
)
@click.option("--json", is_flag=True, help="Write JSON: an object for each call.")
@click.pass_context
def walk(ctx: click.Context, /, **given: Any) -> None:
    """Make up calls that together cover all of a procedure, the shortest first.

    They come to every state, take every row or are refused by it, and meet both answers of every
    guard in every row. FILE is a procedure; by default the one that comes with the program.
    """
    from returnflow.cli.sop_walk import walk as walked

    ctx.exit(walked(given))


@command.command("cover", epilog=status.COVER_EPILOG)
@click.argument("log", nargs=-1, required=True)
@click.option("--sop", "file", type=_PATH, metavar="FILE", help="Another procedure.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="The least part of all places that must be covered.",
)
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_context
def cover(ctx: click.Context, /, **given: Any) -> None:
    """Tell what calls have covered of a procedure: states, rows, and both answers of each guard.

    LOG is a file, a folder or a pattern, in any format that replay reads, or the folder of a walk.
    What was not covered is listed with its file and line.
    """
    from returnflow.cli.sop_walk import cover as covered

    ctx.exit(covered(given))


@command.command("diff", epilog=status.DIFF_EPILOG)
@click.argument("a", type=_PATH)
@click.argument("b", type=_PATH)
@click.option("--json", is_flag=True, help="Write JSON.")
@click.pass_context
def diff(ctx: click.Context, /, **given: Any) -> None:
    """Tell what a change of a procedure changes: states, rows, questions, words and rules.

    A and B are two texts of it. A shortest call that goes one way under A and another under B is
    looked for and told.
    """
    from returnflow.cli.sop_diff import diff as told

    ctx.exit(told(given))


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
