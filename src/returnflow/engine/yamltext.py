"""YAML read with the place of everything in it, and with YAML's traps closed (rule 40).

Only mappings, sequences and plain scalars are read. A key given twice, an anchor, an alias, a
tag and too deep a nesting are errors; ``yes``, ``on`` and ``010`` are text, as they look. All
such errors of a text are reported at once, but for the first thing that is no YAML at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from returnflow.engine.compiled import MAX_BYTES, Place
from returnflow.errors import DefinitionError

MAX_DEPTH = 40
MAX_PROBLEMS = 100

Path_ = tuple[str | int, ...]
"""Where a value is: the keys and indices that lead to it."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_NULL = {"", "~", "null"}
# What YAML calls printable, and so allows; a lone surrogate could not even be saved as UTF-8.
_UNPRINTABLE = re.compile("[^\\t\\n\\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


def suggest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where something known is close to `word`, else nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def in_file_order(document: Document, found: Iterable[tuple[Path_, str]]) -> list[str]:
    """Messages with their places, in the order of the places, each once."""
    placed = sorted((document.place(path), message) for path, message in found)
    return list(dict.fromkeys(at(document.name, place, message) for place, message in placed))


def read_file(path: Path, name: str | None = None) -> Document:
    """Reads a YAML file.

    Raises:
        DefinitionError: it cannot be read, is too large, not UTF-8, or not such YAML.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
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
    text = raw.removeprefix("\ufeff") if isinstance(raw, str) else _decoded(raw, name)
    if strange := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, strange.start()) + 1
        column = strange.start() - text.rfind("\n", 0, strange.start())
        code = f"U+{ord(strange[0]):04X}"
        message = f"the character {code} is not allowed in YAML; remove it"
        raise DefinitionError([at(name, Place(line, column), message)])
    return _Reader(name, text).read()


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With utf-8-sig the offsets of an error count from behind the byte-order mark.
        before = raw.removeprefix(b"\xef\xbb\xbf")[: error.start].split(b"\n")
        place = Place(len(before), len(before[-1].decode()) + 1)
        raise DefinitionError([at(name, place, "not UTF-8 text; save it as UTF-8")]) from None


def _yaml_problem(name: str, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if mark is not None and text.split("\n")[mark.line : mark.line + 1]:
        line = text.split("\n")[mark.line]
        if line[mark.column : mark.column + 1] == "\t":
            return at(name, place, "not YAML: a tab cannot stand here; indent with spaces")
    if "nesting depth" in problem:
        # The parser reads ahead, and newer ones stop by themselves before we come to count.
        return at(name, place, f"nested deeper than {MAX_DEPTH} levels")
    if context := getattr(error, "context", None):
        problem = f"{problem} ({context})"
    return at(name, place, f"not YAML: {problem}")


class _TooManyError(Exception):
    """Reading stops: what follows would only repeat itself, or nest without end."""


class _Reader:
    """Builds plain data from the parser's events, without recursion into aliases."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._places: dict[Path_, Place] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._depth = 0
        self._problems: list[str] = []

    def read(self) -> Document:
        data: Any = None
        try:
            data = self._read()
        except _TooManyError:
            pass
        except yaml.YAMLError as error:
            self._problems.append(_yaml_problem(self._name, self._text, error))
        if self._problems:
            raise DefinitionError(self._problems)
        return Document(self._name, self._text, data, self._places)

    def _read(self) -> Any:
        data: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fatal(event, "a second document begins; a file holds one")
                data = self._value(next(self._events), ())
        return data

    def _value(self, event: Any, path: Path_) -> Any:
        self._places.setdefault(path, _place(event))
        if isinstance(event, yaml.AliasEvent):
            self._fail(event, f"aliases (*{event.anchor}) are not read; write it out")
            return None
        if event.anchor:
            self._fail(event, f"anchors (&{event.anchor}) are not read; write it out")
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fail(event, f"tags ({tag}) are not read; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fatal(event, f"nested deeper than {MAX_DEPTH} levels")
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
                self._fatal(event, "a key must be a word")
            key = event.value
            if key == "<<":
                self._fail(event, "merge keys (<<) are not read; write it out")
            if key in found:
                first = self._places[(*path, key)].line
                self._fail(event, f"the key {key!r} is given twice (first in line {first})")
            if event.anchor or event.tag:
                self._fail(event, "a key has no anchor and no tag; leave it out")
            self._places[(*path, key)] = _place(event)
            found[key] = self._value(next(self._events), (*path, key))
        return found

    def _sequence(self, path: Path_) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _fail(self, event: Any, message: str) -> None:
        self._problems.append(at(self._name, _place(event), message))
        if len(self._problems) >= MAX_PROBLEMS:
            self._problems.append(f"{self._name}: and more; reading stopped here")
            raise _TooManyError

    def _fatal(self, event: Any, message: str) -> None:
        self._problems.append(at(self._name, _place(event), message))
        raise _TooManyError


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
