"""Procedures with one thing left out: a row, a guard of a row, a notice.

Whoever writes a procedure forgets things. Each of these ought to be noticed: by a load-time check,
or by a rule that is no longer proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from returnflow.engine.definition import Definition, bound
from returnflow.engine.loading import compile_document
from returnflow.engine.vocabulary import load_vocabulary
from returnflow.engine.yamltext import Document, Path_, read_text

__all__ = ["Mutant", "load_mutant", "mutants"]


@dataclass(frozen=True)
class Mutant:
    """A procedure's text with one thing left out.

    Args:
        what: ``row``, ``guard`` or ``notice``.
        left_out: in words, with the line.
        document: what is left.
    """

    what: str
    left_out: str
    document: Document


def mutants(text: str, name: str = "<mutant>") -> Iterator[Mutant]:
    """Every mutant of a sound procedure, in the order of the file's kinds."""
    document = read_text(text, name)
    data = document.data
    places: list[tuple[Path_, list[dict[str, Any]]]] = [
        (("anywhere",), data.get("anywhere", [])),
        *(
            (("states", state, "transitions"), each.get("transitions", []))
            for state, each in data["states"].items()
        ),
    ]
    for path, rows in places:
        for i, row in enumerate(rows):
            line = document.place((*path, i)).line
            where = f"line {line}: {row['event']} in {path[1] if len(path) > 1 else 'anywhere'}"
            yield Mutant("row", where, _without(document, (*path, i)))
            for j, guard in enumerate(row.get("when", [])):
                left = _without(document, (*path, i, "when", j))
                yield Mutant("guard", f"{where}: {guard}", left)
    for notice in data.get("notices", {}):
        line = document.place(("notices", notice)).line
        yield Mutant("notice", f"line {line}: {notice}", _without(document, ("notices", notice)))


def load_mutant(mutant: Mutant) -> Definition:
    """The mutant's definition.

    Raises:
        DefinitionError: a load-time check notices what was left out.
    """
    compiled = compile_document(mutant.document)
    return bound(compiled, load_vocabulary(compiled.vocabulary), mutant.document.name)


def _without(document: Document, path: Path_) -> Document:
    """The document with one entry deleted; all that is not on the way there is shared."""

    def copied(value: Any, rest: Path_) -> Any:
        key = rest[0]
        if isinstance(value, list):
            new: Any = list(value)
        else:
            new = dict(value)
        if len(rest) == 1:
            del new[key]
        else:
            new[key] = copied(value[key], rest[1:])
        return new

    return replace(document, data=copied(document.data, path))
