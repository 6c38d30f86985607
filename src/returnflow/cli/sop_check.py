"""What ``returnflow sop check`` shows: problems in their places, and what is known of the rules."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from returnflow.cli.status import ENDED, FAILED
from returnflow.engine.compiled import MAX_PROBLEMS
from returnflow.engine.definition import Definition
from returnflow.engine.story import sentence
from returnflow.inert import inert, inert_lines
from returnflow.sop import checking
from returnflow.sop.checking import Problem
from returnflow.sop.proof import Taken
from returnflow.sop.verdicts import RuleVerdict, verdicts


@dataclass
class Checked:
    """What was found in one file."""

    file: str
    definition: Definition | None = None
    problems: list[Problem] = field(default_factory=list)
    rules: list[RuleVerdict] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether it loads, and every rule is proved."""
        return not self.problems and all(each.answer == "proved" for each in self.rules)


def checked(given: dict[str, Any]) -> int:
    """Checks the files and shows what was found; the exit status.

    Raises:
        UsageError: a file or folder does not exist.
    """
    if given["json"] and given["github"]:
        raise click.UsageError("--json and --github are two forms; give one of them.")
    from returnflow.bundled import bundled

    named = given["path"] or (bundled("states"),)
    results = []
    for path in checking.files(_shipped(each) for each in named):
        result = _check(path, proofs=not given["no_proofs"])
        results.append(result)
        if given["github"]:
            _show(_github(result))
        elif not given["json"]:
            _show(_text(result, every=given["rules"]))
    if given["json"]:
        click.echo(json.dumps([_data(each) for each in results], indent=2, ensure_ascii=False))
    return ENDED if all(each.sound for each in results) else FAILED


def _shipped(named: Path) -> Path:
    """A procedure that comes with the program, where it is named; else the path as it is."""
    from returnflow.cli.opening import text_of

    return named if named.exists() else text_of(named)


def _check(path: Path, *, proofs: bool) -> Checked:
    found = checking.read(path)
    if isinstance(found, list):
        return Checked(str(path), problems=found)
    result = Checked(str(path), found)
    if proofs:
        note = _Note()
        try:
            for each in verdicts(found, searching=lambda rule: note.show(rule.name)):
                result.rules.append(each)
        finally:
            note.clear()
    return result


class _Note:
    """Tells on a terminal what takes so long."""

    def __init__(self) -> None:
        self._shown = False

    def show(self, name: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[Klooking for a call that breaks {name} …", err=True, nl=False)
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)


def _show(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


# -- as people read it ------------------------------------------------------------------------


def _text(result: Checked, *, every: bool) -> Iterator[str]:
    for problem in result.problems:
        yield inert_lines(checking.shown(problem, _room()))
    for each in result.rules:
        if each.answer != "proved":
            yield inert_lines(checking.shown(_as_problem(result, each), _room()))
            yield from (f"    {line}" for line in _evidence(result, each))
        elif every:
            yield f"proved       {each.rule.name}: {inert(each.rule.says)}"
    yield _summary(result)


def _room() -> int:
    """How much of a line of a file is shown, so that the mark stands under its place."""
    if not sys.stdout.isatty():
        return 100
    beside = len("  1234 | …") + 1
    return max(20, shutil.get_terminal_size().columns - beside)


def _summary(result: Checked) -> str:
    name = inert(result.file)
    if result.definition is None:
        count = len(result.problems)
        if count > MAX_PROBLEMS:
            return f"{name}: more than {MAX_PROBLEMS} problems."
        return f"{name}: {count} {'problem' if count == 1 else 'problems'}."
    head = f"{name}: {result.definition.sop}, version {result.definition.version}, loads"
    counts = {
        answer: sum(each.answer == answer for each in result.rules)
        for answer in ("proved", "refuted", "cannot tell")
    }
    if not result.rules:
        return f"{head}; no rule was proved."
    words = [f"{counts['proved']} of {len(result.rules)} rules proved"]
    words += [f"{counts['refuted']} refuted"] if counts["refuted"] else []
    words += [f"{counts['cannot tell']} that cannot be told"] if counts["cannot tell"] else []
    return f"{head}; {', '.join(words)}."


def _as_problem(result: Checked, verdict: RuleVerdict) -> Problem:
    assert result.definition is not None  # noqa: S101 (rules were read from it)
    rule = verdict.rule
    source = result.definition.text.split("\n")[rule.line - 1]
    answer = {"refuted": "refuted", "cannot tell": "cannot be told"}[verdict.answer]
    message = f"the rule {rule.name} is {answer}: {rule.says} {_capital(verdict.reason)}"
    if verdict.answer == "cannot tell":
        message = f"of the rule {rule.name} it {answer}: {rule.says} {_capital(verdict.reason)}"
    return Problem(result.file, rule.line, rule.column, f"{message}.", source)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _evidence(result: Checked, verdict: RuleVerdict) -> Iterator[str]:
    own = result.definition.vocabulary.sentences if result.definition else None
    if verdict.call is not None:
        for number, event in enumerate(verdict.call.events, 1):
            yield f"{number:>2}  {inert(sentence(event, own))}"
        if verdict.call.refused:
            yield "    The last of them is refused."
    elif verdict.way is not None:
        for number, taken in enumerate(verdict.way.steps, 1):
            yield f"{number:>2}  {_step(taken)}"


def _step(taken: Taken) -> str:
    said = f" of {taken.notice}" if taken.notice else ""
    other = "" if taken.about else " (of something else)"
    held = ", ".join(name if holds else f"not {name}" for name, holds in taken.held)
    where = f"{taken.row.state}: {taken.event}{said}{other} → {taken.row.to or 'refused'}"
    return f"{where}, if {held}" if held else where


# -- for machines -----------------------------------------------------------------------------


def _github(result: Checked) -> Iterator[str]:
    problems = [*result.problems]
    problems += [_as_problem(result, each) for each in result.rules if each.answer != "proved"]
    for problem in problems:
        place = f"file={_property(problem.file)}"
        if problem.line is not None:
            place += f",line={problem.line},col={problem.column}"
        yield f"::error {place}::{_escaped(problem.message)}"
    yield _summary(result)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _data(result: Checked) -> dict[str, Any]:
    made: dict[str, Any] = {"file": result.file, "sound": result.sound}
    if result.definition is not None:
        made["sop"] = result.definition.sop
        made["version"] = result.definition.version
    made["problems"] = [
        {
            "line": each.line,
            "column": each.column,
            "message": each.message,
            "source": each.source,
        }
        for each in result.problems
    ]
    made["rules"] = [_rule_data(each) for each in result.rules]
    return made


def _rule_data(verdict: RuleVerdict) -> dict[str, Any]:
    import msgspec

    rule = verdict.rule
    made: dict[str, Any] = {
        "name": rule.name,
        "step": rule.step,
        "says": rule.says,
        "line": rule.line,
        "column": rule.column,
        "answer": verdict.answer.replace(" ", "_"),
        "facts": list(verdict.facts),
    }
    if verdict.reason:
        made["reason"] = verdict.reason
    if verdict.call is not None:
        made["call"] = [msgspec.to_builtins(event) for event in verdict.call.events]
        made["about"] = verdict.call.subject
    if verdict.way is not None:
        made["way"] = [_step(taken) for taken in verdict.way.steps]
    return made
