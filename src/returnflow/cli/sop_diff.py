"""What ``returnflow sop diff`` shows of two texts of a procedure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from returnflow.cli import opening
from returnflow.cli.sop_show import progress
from returnflow.cli.status import ENDED, FAILED
from returnflow.engine.definition import Definition
from returnflow.engine.machine import Step
from returnflow.inert import inert
from returnflow.returns.story import sentence
from returnflow.sop.difference import Change, Parting, changes, parting, same_way

_TITLES = {
    "head": "The head",
    "state": "States",
    "row": "Rows",
    "question": "Questions",
    "words": "Words",
    "rule": "Rules",
}


def diff(given: dict[str, Any]) -> int:
    """Compares two procedures; the exit status.

    Raises:
        UsageError, DefinitionError: one of them cannot be used.
    """
    one, other = opening.procedure(given["a"]), opening.procedure(given["b"])
    found = changes(one, other)
    progress("looking for a call that goes two ways …")
    parted = parting(one, other) if found else None
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
    parted: Parting | None,
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
    yield from _parting(a, b, one, other, parted)


def _change(change: Change) -> Iterator[str]:
    yield f"  {inert(change.name)}" + (f" (line {change.line})" if change.line else "")
    if change.before:
        yield f"    - {inert(change.before)}"
    if change.after:
        yield f"    + {inert(change.after)}"


def _parting(
    a: Path, b: Path, one: Definition, other: Definition, parted: Parting | None
) -> Iterator[str]:
    if parted is None:
        yield "No call was found that goes two ways, or hears other words."
        return
    if same_way(parted):
        yield "A shortest call that hears other words:"
    else:
        yield "A shortest call that goes two ways:"
    for number, event in enumerate(parted.events, 1):
        yield f"  {number:>2}  {inert(sentence(event, one.vocabulary.sentences))}"
    yield f"      {inert(str(a))}: {_outcome(one, parted.one)}"
    yield f"      {inert(str(b))}: {_outcome(other, parted.other)}"


def _outcome(definition: Definition, step: Step) -> str:
    if step.row is None:
        return "not expected there"
    line = f"line {step.row.place.line}"
    if not step.accepted:
        return f"refused ({line})"
    stays = " stays in" if step.target == step.source else ""
    return f"→{stays} {step.target}, {definition.states[step.target].title} ({line})"


def _data(found: list[Change], parted: Parting | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "changes": [
            {
                "sort": each.sort,
                "name": each.name,
                "before": each.before,
                "after": each.after,
                "line": each.line,
            }
            for each in found
        ],
        "call": None,
    }
    if parted is not None:
        made["call"] = {
            "events": [msgspec.to_builtins(event) for event in parted.events],
            "ways": [
                {"accepted": step.accepted, "state": step.target, "row": step.row and str(step.row)}
                for step in (parted.one, parted.other)
            ],
        }
    return made
