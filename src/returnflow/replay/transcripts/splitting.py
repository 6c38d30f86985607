"""A stream of bytes cut into lines, or into JSON values, within bounded memory (rule 40).

What is longer than the limit is passed over and named, and what follows it is still read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from returnflow.engine.event_log import MAX_LINE

MAX_VALUE = 64 * 1024 * 1024
"""The longest JSON value, in bytes, that is no line and no entry of a list."""

_BLANK = b" \t\r\n\x0b\x0c\0"


class Piece(msgspec.Struct, frozen=True):
    """A line or a value.

    Args:
        number: of the line, or of the value in the stream, from 1.
        problem: why it was not read; `data` is then empty.
    """

    number: int
    data: bytes
    problem: str = ""


def lines(
    chunks: Iterable[bytes], limit: int = MAX_LINE, *, as_is: bool = False
) -> Iterator[Piece]:
    """The lines that are not blank, without their ends; LF and CR LF end a line.

    Args:
        as_is: blank lines, too, and the space round the others.
    """
    number = 0
    kept: list[bytes] = []
    length = 0
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            number += 1
            length += end - start
            if length > limit:
                yield Piece(number, b"", _too_long("line", length, limit))
            else:
                line = chunk[start:end]
                if kept:
                    line = b"".join((*kept, line))
                line = line.removesuffix(b"\r") if as_is else line.strip(_BLANK)
                if line or as_is:
                    yield Piece(number, line)
            kept, length, start = [], 0, end + 1
        length += len(chunk) - start
        if length > limit:
            kept = []
        elif start < len(chunk):
            kept.append(chunk[start:])
    if length > limit:
        yield Piece(number + 1, b"", _too_long("line", length, limit))
    elif line := b"".join(kept) if as_is else b"".join(kept).strip(_BLANK):
        yield Piece(number + 1, line)


def _too_long(what: str, length: int, limit: int) -> str:
    return f"the {what} has {length} bytes; at most {limit} are read"


# -- JSON that is not one value a line --------------------------------------------------------


def one_value_a_line(head: bytes) -> bool:
    """Whether text that begins so is JSON Lines, and not one JSON text over many lines."""
    first, end, rest = head.lstrip(_BLANK).partition(b"\n")
    first = first.rstrip(_BLANK)
    if not end or not rest.strip(_BLANK):
        return False
    if (first[:1], first[-1:]) in ((b"{", b"}"), (b"[", b"]")):
        return True
    # The first line may be broken; then the second tells, since JSON that is laid out over
    # several lines is indented, or has a comma or an open bracket at the end of the line before.
    return first[-1:] not in b",[{:" and rest.lstrip(_BLANK)[:2] in (b'{"', b"[{", b"[[")


def values(chunks: Iterable[bytes], is_entry: Callable[[bytes], bool]) -> Iterator[Piece]:
    """The JSON values of a text, one after the other; of a list its entries, one by one.

    Only brackets and strings are looked at, so what is cut out need not be valid JSON.

    Args:
        is_entry: whether an object that begins so is a part of the list that it stands first
            in. Such a list is one value and is not taken apart.
    """
    cutter = _Cutter(is_entry)
    for chunk in chunks:
        yield from cutter.feed(chunk)
    yield from cutter.end()


def top_keys(beginning: bytes) -> Iterator[bytes]:
    """The keys of an object as far as its beginning shows them, without those inside it."""
    depth = 0
    for match in _OUTSIDE.finditer(beginning):
        mark = match[0]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0:
                return
        elif depth == 1 and _COLON.match(beginning, match.end()):
            yield mark[1:-1]


_OUTSIDE = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|["\[\]{}]', re.DOTALL)
_INSIDE = re.compile(rb'["\\\n]')
_COLON = re.compile(rb"\s*:")
_AHEAD = 64 * 1024
_MAX_AHEAD = 1024 * 1024


class _Cutter:
    """Where a value begins and ends, chunk by chunk.

    Attributes:
        _listed: a list is being taken apart; its entries are what is cut out.
        _strayed: something that is no value was passed over.
        _undecided: a list has begun, and what its first entry is was not seen yet.
        _carried: the beginning of a list of whose first entry too little was seen.
    """

    def __init__(self, is_entry: Callable[[bytes], bool]) -> None:
        self._is_entry = is_entry
        self._depth = 0
        self._in_string = self._escaped = False
        self._number = 0
        self._listed = self._undecided = self._strayed = False
        self._carried = b""
        self._kept: list[bytes] = []
        self._length = 0

    @property
    def _base(self) -> int:
        return 1 if self._listed else 0

    def feed(self, chunk: bytes, final: bool = False) -> Iterator[Piece]:
        """The values that end in this chunk."""
        if self._carried:
            chunk, self._carried = self._carried + chunk, b""
        position = start = 0
        while True:
            if self._in_string:
                position = self._leave_string(chunk, position)
                if self._in_string:
                    break
            match = _OUTSIDE.search(chunk, position)
            if match is None:
                break
            position = match.end()
            mark = match[0]
            if mark in b"{[":
                if self._undecided:
                    if not final and len(chunk) - match.start() < _AHEAD:
                        break
                    start = self._decide(chunk, start, match.start())
                elif self._depth == self._base:
                    yield from self._stray(chunk[start : match.start()])
                    start = match.start()
                    self._undecided = mark == b"[" and not self._listed
                self._depth += 1
            elif mark in b"}]":
                if self._depth > 0:
                    self._depth -= 1
                    if self._depth < self._base:  # the list that was taken apart ends
                        self._listed, start = False, position
                    elif self._depth == self._base:
                        self._keep(chunk[start:position])
                        start, self._undecided = position, False
                        yield self._cut()
            elif mark == b'"':
                self._in_string = True
        if self._undecided and not final and not self._kept and len(chunk) - start < _MAX_AHEAD:
            self._carried = chunk[start:]
            self._depth = 0
            self._undecided = self._in_string = self._escaped = False
        elif self._depth > self._base:
            self._keep(chunk[start:])
        elif chunk[start:].strip(_BLANK + b","):
            self._strayed = True

    def _decide(self, chunk: bytes, start: int, at: int) -> int:
        """What the first entry of a list says about the list; where the value then begins."""
        self._undecided = False
        if chunk[at : at + 1] == b"{" and self._is_entry(chunk[at : at + _AHEAD]):
            return start
        self._listed = True
        self._kept, self._length = [], 0
        return at

    def _leave_string(self, chunk: bytes, position: int) -> int:
        if self._escaped:
            if not chunk:
                return position
            self._escaped = False
            position += 1
        while match := _INSIDE.search(chunk, position):
            position = match.end()
            if match[0] != b"\\":
                # No string of JSON holds a line's end: it was never closed.
                self._in_string = False
                return position
            if position >= len(chunk):
                self._escaped = True
                return position
            position += 1
        return len(chunk)

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._limit:
            self._kept = []
        elif part:
            self._kept.append(part)

    @property
    def _limit(self) -> int:
        return MAX_LINE if self._listed else MAX_VALUE

    def _cut(self) -> Piece:
        self._number += 1
        data, length = b"".join(self._kept), self._length
        self._kept, self._length = [], 0
        if length > self._limit:
            return Piece(self._number, b"", _too_long("record", length, self._limit))
        return Piece(self._number, data)

    def _stray(self, between: bytes) -> Iterator[Piece]:
        """What stands between two values and is neither blank nor a comma."""
        if self._strayed or between.strip(_BLANK + b","):
            self._strayed = False
            self._number += 1
            yield Piece(self._number, b"", "no JSON object or list stands here")

    def end(self) -> Iterator[Piece]:
        """What was begun and not ended."""
        yield from self.feed(b"", final=True)
        if self._depth == self._base and not self._in_string:
            yield from self._stray(b"")
        if self._depth or self._in_string:
            self._number += 1
            yield Piece(self._number, b"", "the JSON text is cut off, or a bracket is missing")
