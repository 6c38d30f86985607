"""All that is wrong with the text of a procedure, each with its place and the line it is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from returnflow.engine import definition
from returnflow.engine.compiled import MAX_BYTES
from returnflow.engine.definition import Definition
from returnflow.errors import DefinitionError, UsageError

SUFFIXES = (".yaml", ".yml")

_PLACED = re.compile(r"(\d+):(\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        file: as it was named.
        line, column: counted from 1; None where it is about the whole file.
        message: what is wrong, and how to mend it.
        source: the line of the file; "" where there is none.
    """

    file: str
    line: int | None
    column: int | None
    message: str
    source: str = ""


def files(named: Iterable[Path]) -> Iterator[Path]:
    """The files that are named, and the procedures in the folders that are.

    Raises:
        UsageError: one does not exist, or a folder holds no YAML.
    """
    for path in named:
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
            if not found:
                raise UsageError(f"{path} holds no .yaml file")
            yield from found
        elif path.exists():
            yield path
        else:
            raise UsageError(f"there is no file or folder {path}")


def read(path: Path) -> Definition | list[Problem]:
    """The procedure in a file, or everything that is wrong with it, in file order."""
    try:
        return definition.load(path)
    except DefinitionError as error:
        lines = _lines(path)
        return [problem(str(path), each, lines) for each in error.problems]


def problem(file: str, text: str, lines: list[str]) -> Problem:
    """A message of the loader (``file:line:column: words``), taken apart."""
    rest = text.removeprefix(f"{file}:")
    placed = _PLACED.fullmatch(rest)
    if placed is None:
        return Problem(file, None, None, rest.strip())
    line, column = int(placed[1]), int(placed[2])
    source = lines[line - 1] if line <= len(lines) else ""
    return Problem(file, line, column, placed[3], source)


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.read(MAX_BYTES).split("\n")
    except OSError:
        return []


def shown(found: Problem, width: int = 100) -> str:
    """A problem as people read it: its place, what is wrong, and the line with a mark under it."""
    if found.line is None or found.column is None:
        return f"{found.file}: {found.message}"
    head = f"{found.file}:{found.line}:{found.column}: {found.message}"
    if not found.source.strip():
        return head
    number = str(found.line)
    # A long line is cut so that the place stays in sight.
    cut = max(0, found.column - width + min(20, width // 2))
    text = ("…" if cut else "") + found.source[cut : cut + width].rstrip("\r")
    at = found.column - 1 - cut + (1 if cut else 0)
    margin = " " * len(number)
    before = "".join(" " * _width(letter) for letter in text[:at])
    return f"{head}\n  {number} | {text.expandtabs(1)}\n  {margin} | {before}^"


def _width(letter: str) -> int:
    import wcwidth

    # A control character is shown as something that can be seen.
    wide = wcwidth.wcwidth(letter)
    return wide if wide >= 0 else 1
