"""``returnflow demo``: who to try in the demo shop and what to expect."""

from __future__ import annotations

import click

from returnflow.inert import inert


@click.group("demo", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List who to try in the demo shop, and what to expect."""
    if ctx.invoked_subcommand is not None:
        return
    from returnflow.backends import demo

    with demo.connect() as shop:
        path = shop.name
    day = demo.loaded_on()
    click.echo(f"The demo shop: {path}")
    click.echo(f"Its dates count from {day}; `returnflow demo reset` makes it new, as of today.")
    click.echo("Start a call with: returnflow wizard")
    scenarios = demo.scenarios()
    for number, scenario in enumerate(scenarios, 1):
        _tell(number, scenario.title, scenario.script.email, scenario.attempt, scenario.outcome)
    click.echo()
    click.echo("Those who wait for a package: returnflow wizard --sop delayed-package")
    for number, one in enumerate(demo.waiting(), len(scenarios) + 1):
        _tell(number, one.title, one.email, one.attempt, one.outcome)


@command.command("reset")
def reset() -> None:
    """Make the demo shop new, with dates counted from today. Calls in the journal stay."""
    from returnflow.backends import demo

    day = demo.reset()
    click.echo(f"The demo shop is new; its dates count from {day}.")


def _tell(number: int, title: str, email: str, attempt: str, outcome: str) -> None:
    click.echo()
    click.echo(f"{number:>2}. {inert(title)}")
    click.echo(f"    E-mail: {inert(email)}")
    _paragraph("Try:    ", attempt)
    _paragraph("Expect: ", outcome)


def _paragraph(label: str, text: str) -> None:
    import wcwidth

    click.echo(
        "\n".join(
            wcwidth.wrap(
                inert(text),
                80,
                initial_indent=f"    {label}",
                subsequent_indent=" " * (4 + len(label)),
                break_on_hyphens=False,
            )
        )
    )
