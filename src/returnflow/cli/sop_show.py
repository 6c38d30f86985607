"""What ``returnflow sop show`` draws, and the calls that it draws into it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from returnflow.cli import opening
from returnflow.errors import UsageError
from returnflow.sop import drawing
from returnflow.sop.drawing import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from returnflow.engine.definition import Definition
    from returnflow.engine.machine import Step

FORMATS = ("table", "mermaid", "dot", "svg")

_BY_SUFFIX = {".md": "table", ".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}


def show(given: dict[str, Any]) -> None:
    """Draws a procedure.

    Raises:
        UsageError, DefinitionError: something given cannot be used.
    """
    output: Path | None = given["output"]
    form = given["format"] or _form_of(output)
    definition, traffic = _read(given)
    if form == "table":
        if traffic is not None:
            raise UsageError("a table shows no calls; give --format mermaid, dot or svg")
        text = drawing.table(definition)
    else:
        text = _drawn(definition, traffic, form)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror or error}") from None


def _form_of(output: Path | None) -> str:
    """The form that a file's name asks for; a table where it asks for none."""
    if output is None or not output.suffix:
        return "table"
    form = _BY_SUFFIX.get(output.suffix.lower())
    if form is None:
        known = ", ".join(f"{suffix} ({form})" for suffix, form in _BY_SUFFIX.items())
        raise UsageError(
            f"{output}: nothing is drawn as {output.suffix}; name a file that ends in one of "
            f"{known}, or say --format"
        )
    return form


def _drawn(definition: Definition, traffic: Traffic | None, form: str) -> str:
    drawn = drawing.drawing(definition, traffic)
    if form == "mermaid":
        return drawing.mermaid(drawn)
    text = drawing.dot(drawn)
    if form == "dot":
        return text
    from returnflow.sop.svg import svg

    return svg(text)


def _read(given: dict[str, Any]) -> tuple[Definition, Traffic | None]:
    """The procedure, and what the calls that were named did."""
    if given["log"]:
        definition = opening.procedure(given["file"])
        traffic = Traffic()
        for case_id, steps, _ in calls(definition, given["log"], given["case"]):
            if given["case"] is None or case_id == given["case"]:
                traffic.add(step.row for step in steps if step.row is not None)
        if not traffic.calls:
            named = f"the call {given['case']}" if given["case"] else "any call"
            raise UsageError(f"the logs do not hold {named}")
        return definition, traffic
    if given["case"]:
        return _journaled(given)
    return opening.procedure(given["file"]), None


def _journaled(given: dict[str, Any]) -> tuple[Definition, Traffic]:
    """A call of the journal, under the text with which it was begun unless another is given."""
    from returnflow.engine import definition as definitions
    from returnflow.engine.journal import visible
    from returnflow.engine.session import Session
    from returnflow.errors import JournalError, RefusedError

    with ExitStack() as stack:
        journal = opening.open_journal(stack, given["journal"])
        try:
            header, text, _ = journal.read(given["case"])
            if given["file"] is None:
                definition = definitions.loads(text, f"the procedure of case {header.case_id}")
            else:
                definition = opening.procedure(given["file"])
            _, _, entries = journal.read(given["case"], definition.vocabulary.decoder)
        except JournalError as error:
            raise UsageError(str(error)) from error
    steps: list[Step] = []
    events = [each.event for each in visible(entries) if each.event is not None]
    try:
        Session.folded(definition, header.policy_date, header.zone, events, tracer=steps.append)
    except RefusedError as error:
        raise UsageError(f"case {header.case_id} does not fit the procedure: {error}") from error
    traffic = Traffic()
    traffic.add(step.row for step in steps if step.row is not None)
    return definition, traffic


def calls(
    definition: Definition, logs: tuple[str, ...], only: str | None = None
) -> Iterator[tuple[str, list[Step], Any]]:
    """The calls of some logs, each with its id, the steps that it took, and the facts before them.

    Args:
        only: the id of the one call that is wanted; the others are not looked at.
    """
    from returnflow.replay.taken import Taker
    from returnflow.replay.transcripts import reader
    from returnflow.replay.transcripts.reader import Options

    options = Options(vocabulary=definition.vocabulary.name)
    taker = Taker(definition)
    unread = 0
    for unit in reader.units(logs, None):
        for transcript in reader.read(unit, options):
            if only is not None and transcript.case_id != only:
                continue
            if not transcript.events and not transcript.members and transcript.damage:
                unread += 1
                continue
            steps = taker.steps(transcript)
            yield transcript.case_id, steps, taker.beginning(transcript)
    if unread:
        what = "1 call" if unread == 1 else f"{unread} calls"
        click.echo(f"returnflow: {what} could not be read; replay says why", err=True)
