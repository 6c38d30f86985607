"""Makes docs/cli.md from the command line itself: ``python docs/make.py``.

A test checks that the page is fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from returnflow.cli import cli, status

EPILOGS = tuple(text for name, text in vars(status).items() if name.endswith("EPILOG"))

PAGE = Path(__file__).parent / "cli.md"

INTRODUCTION = """\
# The command line

Every command and option, made from the program by `python docs/make.py`. Each command tells the
same with `--help`.
"""


def commands(
    command: click.Command = cli, path: str = "returnflow"
) -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, a group before what is in it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from commands(inner, f"{path} {name}")


def cli_page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(_section(path, command) for path, command in commands())])


def _section(path: str, command: click.Command) -> str:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    usage = [path, *(f"[{p.human_readable_name}]" if not p.required else p.human_readable_name
                     for p in arguments)]  # fmt: skip
    if any(isinstance(param, click.Option) for param in command.params):
        usage.append("[OPTIONS]")
    if isinstance(command, click.Group):
        usage.append("[COMMAND]" if command.invoke_without_command else "COMMAND")
    parts = [f"## {path}", "```text\n" + " ".join(usage) + "\n```"]
    parts += [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    options = [_option(param) for param in command.params if isinstance(param, click.Option)]
    if options:
        parts.append("\n".join(["| option | |", "| --- | --- |", *options]))
    if command.epilog in EPILOGS:
        parts.append(command.epilog)
    return "\n\n".join(parts) + "\n"


def _option(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
    names = ", ".join(f"`{name}{value}`" for name in [*option.opts, *option.secondary_opts])
    words = option.help or ""
    if option.show_default:
        words += f" Default: `{option.default}`."
    if option.show_envvar:
        words += f" Environment: `{option.envvar}`."
    return f"| {names} | {words} |"


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
