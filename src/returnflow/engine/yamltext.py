"""YAML read with the place of everything in it, and with YAML's traps closed.

Only mappings, sequences and plain scalars are read. A key given twice, an anchor, an alias, a
tag and too deep a nesting are errors; ``yes``, ``on`` and ``010`` are text, as they look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from returnflow.errors import DefinitionError

MAX_BYTES = 1_000_000
MAX_DEPTH = 40

Path_ = tuple[str | int, ...]
"""Where a value is: the keys and indices that lead to it."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_NULL = {"", "~", "null"}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column, both counted from 1, in a file."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A YAML text as plain data, with places.

    Args:
        name: how to name the file in messages.
        places: for every path the place of its value, or of its key where it has one.
    """

    name: str
    text: str
    data: Any
    places: dict[Path_, Place]

    def place(self, path: Path_) -> Place:
        """The place of `path`, or of the nearest thing round it."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))

    def problem(self, path: Path_, message: str) -> str:
        """A message as ``file:line:column: message``."""
        return at(self.name, self.place(path), message)


def at(name: str, place: Place, message: str) -> str:
    """A message with its place, in the form that editors and compilers share."""
    return f"{name}:{place.line}:{place.column}: {message}"


def read_file(path: Path, name: str | None = None) -> Document:
    """Reads a YAML file.

    Raises:
        DefinitionError: it cannot be read, is too large, not UTF-8, or not such YAML.
    """
    name = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DefinitionError([f"{name}: cannot be read: {error.strerror or error}"]) from None
    return read_text(raw, name)


def read_text(raw: bytes | str, name: str) -> Document:
    """Reads YAML text; `name` stands for the file in messages.

    Raises:
        DefinitionError: as `read_file`.
    """
    if len(raw) > MAX_BYTES:
        raise DefinitionError([f"{name}:1:1: larger than {MAX_BYTES} bytes; not read"])
    if isinstance(raw, bytes):
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise DefinitionError([f"{name}:{line}:1: not UTF-8 text; save it as UTF-8"]) from None
    else:
        text = raw
    try:
        return _Reader(name, text).read()
    except yaml.YAMLError as error:
        raise DefinitionError([_yaml_problem(name, error)]) from None


def _yaml_problem(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return at(name, place, f"not YAML: {problem}")


class _Reader:
    """Builds plain data from the parser's events, without recursion into aliases."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._places: dict[Path_, Place] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._depth = 0

    def read(self) -> Document:
        data: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fail(event, "a second document begins; a file holds one")
                data = self._value(next(self._events), ())
        return Document(self._name, self._text, data, self._places)

    def _value(self, event: Any, path: Path_) -> Any:
        self._places.setdefault(path, _place(event))
        if isinstance(event, yaml.AliasEvent):
            self._fail(event, f"aliases (*{event.anchor}) are not read; write it out")
        if event.anchor:
            self._fail(event, f"anchors (&{event.anchor}) are not read; write it out")
        if event.tag is not None and event.tag != "!":
            self._fail(event, f"tags ({event.tag}) are not read; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(event, f"nested deeper than {MAX_DEPTH} levels")
        value = (
            self._mapping(path)
            if isinstance(event, yaml.MappingStartEvent)
            else self._sequence(path)
        )
        self._depth -= 1
        return value

    def _mapping(self, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._fail(event, "a key must be a word")
            key = event.value
            if key == "<<":
                self._fail(event, "merge keys (<<) are not read; write it out")
            if key in found:
                first = self._places[(*path, key)].line
                self._fail(event, f"the key {key!r} is given twice (first in line {first})")
            self._places[(*path, key)] = _place(event)
            found[key] = self._value(next(self._events), (*path, key))
        return found

    def _sequence(self, path: Path_) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _fail(self, event: Any, message: str) -> None:
        raise DefinitionError([at(self._name, _place(event), message)])


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.style not in (None, ""):
        return text
    if text in _NULL:
        return None
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _INT.fullmatch(text) and len(text) < 20 else text
