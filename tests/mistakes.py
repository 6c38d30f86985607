"""Two files of bad_yaml/ made into one that holds the mistakes of both.

Each differs from good.yaml in a few lines. Where the two differ from it in different places, a file
can hold both differences, and what is to be told of it is known: what is told of each, in the lines
to which they have moved.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

BAD = Path(__file__).parent / "bad_yaml"

_LINE = re.compile(r"\bin line (\d+)")


@dataclass(frozen=True)
class Mistake:
    """One file: the lines in which it differs from the good one, and what is told of it.

    Args:
        changes: ranges of the good file's lines, each with the lines in its place.
        expected: line, column and message; lines are counted within `lines`.
    """

    name: str
    lines: tuple[str, ...]
    changes: tuple[tuple[int, int, int, int], ...]
    expected: tuple[tuple[int, int, str], ...]


def _body(path: Path) -> tuple[int, list[str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    head = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return head, lines[head:]


GOOD = tuple(_body(BAD / "good.yaml")[1])


def mistake(path: Path) -> Mistake:
    """What one file of bad_yaml/ holds."""
    head, lines = _body(path)
    expected = []
    for line in path.read_text(encoding="utf-8").split("\n")[:head]:
        if line.startswith("# expect: "):
            row, column, message = line.removeprefix("# expect: ").split(":", 2)
            message = _LINE.sub(lambda found: f"in line {int(found[1]) - head}", message)
            expected.append((int(row) - head, int(column), message.strip()))
    matcher = difflib.SequenceMatcher(None, GOOD, lines, autojunk=False)
    changes = tuple(
        (i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"
    )
    return Mistake(path.stem, tuple(lines), changes, tuple(expected))


def both(one: Mistake, other: Mistake) -> tuple[str, set[tuple[int, int, str]]] | None:
    """A text that holds both mistakes, and what is to be told of it; None where they overlap."""
    for a in one.changes:
        for b in other.changes:
            if a[0] <= b[1] and b[0] <= a[1]:
                return None
    edits = sorted(
        [(change, one) for change in one.changes] + [(change, other) for change in other.changes],
        key=lambda edit: edit[0],
    )
    text: list[str] = []
    moved: dict[str, dict[int, int]] = {one.name: {}, other.name: {}}
    at = 0
    here = {one.name: 0, other.name: 0}  # lines of each file that have been passed

    def keep(until: int) -> None:
        nonlocal at
        while at < until:
            text.append(GOOD[at])
            for name in here:
                here[name] += 1
                moved[name][here[name]] = len(text)
            at += 1

    for (i1, i2, j1, j2), owner in edits:
        keep(i1)
        for line in owner.lines[j1:j2]:
            text.append(line)
            here[owner.name] += 1
            moved[owner.name][here[owner.name]] = len(text)
        rest = other.name if owner is one else one.name
        for _ in range(i1, i2):
            here[rest] += 1
            moved[rest][here[rest]] = len(text)
        at = i2
    keep(len(GOOD))
    expected = set()
    for each in (one, other):
        lines = moved[each.name]
        for row, column, words in each.expected:
            for line in _LINE.findall(words):
                words = words.replace(f"in line {line}", f"in line {lines[int(line)]}")
            expected.add((lines.get(row, row), column, words))
    return "\n".join(text), expected
