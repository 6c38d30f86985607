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

from returnflow.engine.compiled import MAX_BYTES, MAX_PROBLEMS, Place
from returnflow.errors import DefinitionError

MAX_DEPTH = 40

Path_ = tuple[str | int, ...]
"""Where a value is: the keys and indices that lead to it."""

Found = Iterator[tuple[Path_, str]]
"""Problems of a procedure: where each is, and what is wrong and how to mend it."""

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
        problems: what is wrong with the YAML and did not stop the reading; none but from
            `read_all`.
        unsure: the paths at which `data` may not be what was meant, because of those.
    """

    name: str
    text: str
    data: Any
    places: dict[Path_, Place]
    problems: tuple[tuple[Place, str], ...] = ()
    unsure: frozenset[Path_] = frozenset()

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
    return placed(document.name, ((document.place(path), message) for path, message in found))


def placed(name: str, found: Iterable[tuple[Place, str]]) -> list[str]:
    """Messages in the order of their places, each once; no more of them than people can use."""
    every = list(dict.fromkeys(at(name, place, message) for place, message in sorted(found)))
    if len(every) > MAX_PROBLEMS:
        every = [*every[:MAX_PROBLEMS], f"{name}: and more; the first {MAX_PROBLEMS} are told"]
    return every


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
    document = read_all(raw, name)
    if document.problems:
        raise DefinitionError(placed(name, document.problems))
    return document


def read_all(raw: bytes | str, name: str) -> Document:
    """Reads YAML text as far as it can be read, and keeps what is wrong with it.

    Raises:
        DefinitionError: it cannot be read to its end.
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


_NO_WORD = "a key must be a word; put text that begins with { or [ in quotes"


def _yaml_problem(text: str, error: yaml.YAMLError) -> tuple[Place, str]:
    mark = getattr(error, "problem_mark", None)
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if mark is not None and text.split("\n")[mark.line : mark.line + 1]:
        line = text.split("\n")[mark.line]
        if line[mark.column : mark.column + 1] == "\t":
            return (place, "not YAML: a tab cannot stand here; indent with spaces")
    if "nesting depth" in problem:
        # The parser reads ahead, and newer ones stop by themselves before we come to count.
        return (place, f"nested deeper than {MAX_DEPTH} levels")
    if context := getattr(error, "context", None):
        problem = f"{problem} ({context})"
    return (place, f"not YAML: {problem}")


class _StoppedError(Exception):
    """Reading stops: what follows would only repeat itself, or nest without end."""


class _Reader:
    """Builds plain data from the parser's events, without recursion into aliases."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._places: dict[Path_, Place] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._depth = 0
        self._problems: list[tuple[Place, str]] = []
        self._unsure: set[Path_] = set()

    def read(self) -> Document:
        try:
            data = self._read()
        except _StoppedError:
            raise DefinitionError(placed(self._name, self._problems)) from None
        except yaml.YAMLError as error:
            self._problems.append(_yaml_problem(self._text, error))
            raise DefinitionError(placed(self._name, self._problems)) from None
        return Document(
            self._name,
            self._text,
            data,
            self._places,
            tuple(self._problems),
            frozenset(self._unsure),
        )

    def _read(self) -> Any:
        data: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fail(event, "a second document begins; a file holds one")
                    break
                data = self._value(next(self._events), ())
        return data

    def _value(self, event: Any, path: Path_) -> Any:
        self._places.setdefault(path, _place(event))
        if isinstance(event, yaml.AliasEvent):
            self._fail(event, f"aliases (*{event.anchor}) are not read; write it out", path)
            return None
        if event.anchor:
            self._fail(event, f"anchors (&{event.anchor}) are not read; write it out")
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fail(event, f"tags ({tag}) are not read; leave it out", path)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._problems.append((_place(event), f"nested deeper than {MAX_DEPTH} levels"))
            raise _StoppedError
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
                # What is written as {{ fact }}, without quotes, is this in YAML.
                self._fail(event, _NO_WORD, path)
                self._skip(event)
                self._skip(next(self._events))
                continue
            key = event.value
            here = (*path, key)
            if key == "<<":
                self._fail(event, "merge keys (<<) are not read; write it out", here)
            if key in found:
                first = self._places[here].line
                self._fail(event, f"the key {key!r} is given twice (first in line {first})", here)
            if event.anchor or event.tag:
                self._fail(event, "a key has no anchor and no tag; leave it out")
            self._places[here] = _place(event)
            value = self._value(next(self._events), here)
            if key != "<<":
                found[key] = value
        return found

    def _sequence(self, path: Path_) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _skip(self, event: Any) -> None:
        """Reads over what begins with this event."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                self._problems.append((_place(event), f"nested deeper than {MAX_DEPTH} levels"))
                raise _StoppedError
            if depth == 0:
                return
            event = next(self._events)

    def _fail(self, event: Any, message: str, unsure: Path_ | None = None) -> None:
        self._problems.append((_place(event), message))
        if unsure is not None:
            self._unsure.add(unsure)
        if len(self._problems) > MAX_PROBLEMS:
            raise _StoppedError


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
