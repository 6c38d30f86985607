"""What ``returnflow sop diff`` shows of two texts of a procedure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from returnflow.cli import opening
from returnflow.cli.output import progress
from returnflow.cli.status import ENDED, FAILED
from returnflow.engine.definition import Definition
from returnflow.engine.machine import Step
from returnflow.engine.story import sentence
from returnflow.inert import inert
from returnflow.sop.difference import Change, changes
from returnflow.sop.parting import Parting, Partings, partings

_TITLES = {
    "head": "The head",
    "state": "States",
    "row": "Rows",
    "question": "Questions",
    "words": "Words",
    "rule": "Rules",
    "hearing": "How replay recognises notices",
    "scorecard": "How replay weighs what it finds",
}


def diff(given: dict[str, Any]) -> int:
    """Compares two procedures; the exit status.

    Raises:
        UsageError, DefinitionError: one of them cannot be used.
    """
    one, other = opening.procedure(given["a"]), opening.procedure(given["b"])
    found = changes(one, other)
    progress("looking for a call on which it shows …")
    goes, says = any(each.goes for each in found), any(each.says for each in found)
    parted = partings(one, other, way=goes, words=says)
    progress("")
    if given["json"]:
        click.echo(json.dumps(_data(found, parted), indent=2, ensure_ascii=False))
    else:
        for line in _lines(given["a"], given["b"], one, other, found, parted):
            click.echo(line)
    return FAILED if found else ENDED


def _lines(
    a: Path,
    b: Path,
    one: Definition,
    other: Definition,
    found: list[Change],
    parted: Partings,
) -> Iterator[str]:
    if not found:
        yield f"{inert(str(a))} and {inert(str(b))} mean the same."
        return
    for sort, title in _TITLES.items():
        mine = [each for each in found if each.sort == sort]
        if mine:
            yield f"{title}:"
            for each in mine:
                yield from _change(each)
            yield ""
    goes, says = any(each.goes for each in found), any(each.says for each in found)
    if parted.way is not None:
        yield "A shortest call that goes two ways:"
        yield from _parting(a, b, one, other, parted.way)
    elif goes:
        yield "No call was found that goes two ways; that is no proof that there is none."
    if parted.way is not None and parted.words is not None:
        yield ""
    if parted.words is not None:
        yield "A shortest call that hears other words:"
        yield from _parting(a, b, one, other, parted.words)
    elif says and parted.way is None:
        yield "No call was found that hears other words; that is no proof that there is none."
    if not goes and not says:
        yield "Calls go the same way and hear the same words."


def _change(change: Change) -> Iterator[str]:
    line = f" (line {change.line})" if change.line else ""
    yield f"  {inert(change.name)}{line}" + (f", {inert(change.where)}" if change.where else "")
    if change.before:
        yield f"    - {inert(change.before)}"
    if change.after:
        yield f"    + {inert(change.after)}"


def _parting(
    a: Path, b: Path, one: Definition, other: Definition, parted: Parting
) -> Iterator[str]:
    for number, event in enumerate(parted.events, 1):
        yield f"  {number:>2}  {inert(sentence(event, one.vocabulary.sentences))}"
    if not parted.events:
        yield "      As soon as the call begins."
    if parted.heard:
        for each in parted.heard:
            yield f"      {inert(each.what)}:"
            yield f"        - {inert(each.one) or 'nothing'}"
            yield f"        + {inert(each.other) or 'nothing'}"
    elif parted.steps is not None:
        yield f"      {inert(str(a))}: {_outcome(one, parted.steps[0])}"
        yield f"      {inert(str(b))}: {_outcome(other, parted.steps[1])}"


def _outcome(definition: Definition, step: Step) -> str:
    if step.row is None:
        return "not expected there"
    line = f"line {step.row.place.line}"
    if not step.accepted:
        return f"refused ({line})"
    stays = " stays in" if step.target == step.source else ""
    return f"→{stays} {step.target}, {definition.states[step.target].title} ({line})"


def _data(found: list[Change], parted: Partings) -> dict[str, Any]:
    return {
        "changes": [
            {
                "sort": each.sort,
                "name": each.name,
                "before": each.before,
                "after": each.after,
                "line": each.line,
                "where": each.where,
            }
            for each in found
        ],
        "call": _call_data(parted.way),
        "words": _call_data(parted.words),
    }


def _call_data(parted: Parting | None) -> dict[str, Any] | None:
    if parted is None:
        return None
    return {
        "events": [msgspec.to_builtins(event) for event in parted.events],
        "ways": [
            {"accepted": step.accepted, "state": step.target, "row": step.row and str(step.row)}
            for step in parted.steps or ()
        ],
        "heard": [
            {"what": each.what, "before": each.one, "after": each.other} for each in parted.heard
        ],
    }
