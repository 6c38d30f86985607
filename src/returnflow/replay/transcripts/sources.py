"""Where transcripts come from: files, folders, patterns and standard input, compressed or not.

Compression is told by the first bytes and not by the name. Everything is streamed: of a file
that is opened no more than a few chunks are in memory, however far they expand (rule 40).
"""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from returnflow.errors import UsageError

CHUNK = 256 * 1024
"""Bytes read at a time."""

HEAD = 256 * 1024
"""Bytes, after decompression, that a format is recognised by."""

STDIN = "-"

# A block of zstd takes 4 bytes at least and holds 128 KiB at most, so this much input gives at
# most 16 MiB of output; a decompressor cannot be told to stop earlier.
_ZSTD_SLICE = 512

_GZIP = b"\x1f\x8b"
# A frame of zstd, or one to be skipped before it.
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Progress:
    """How far reading has come, to be looked at while it goes on.

    Attributes:
        consumed: bytes read so far, as stored, compressed or not.
        source: the file that is being read.
    """

    def __init__(self) -> None:
        self.consumed = 0
        self.source = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be read.

    Args:
        name: as given, or as found; ``-`` for standard input.
        named: it was named by somebody; False: found in a folder or by a pattern.
    """

    name: str
    named: bool


Suffixes = Callable[[], tuple[str, ...]]
"""The endings, in lower case, of the files that are looked for in folders."""


def find(paths: Iterable[str], suffixes: Suffixes) -> list[Found | Path]:
    """What the paths name: files, and folders that are still to be walked.

    Raises:
        UsageError: one of them is not there, matches nothing, or holds nothing to read.
    """
    found: list[Found | Path] = []
    for name in paths:
        path = Path(name)
        if name == STDIN:
            found.append(Found(name, True))
        elif path.is_dir():
            if next(walk(path, suffixes()), None) is None:
                raise UsageError(
                    f"the folder {name} holds no transcripts: no file that ends in "
                    f"{', '.join(suffixes())} (or that and {', '.join(_COMPRESSED)})"
                )
            found.append(path)
        elif path.exists():
            found.append(Found(name, True))
        elif glob.has_magic(name):
            # A pattern may begin with a drive or a root, which Path.glob does not take.
            matches = sorted(filter(_file, glob.glob(name, recursive=True)))  # noqa: PTH207
            if not matches:
                raise UsageError(f"no file matches {name}")
            found.extend(Found(each, False) for each in matches)
        else:
            raise UsageError(f"{name}: no such file; check the name")
    return found


def _file(name: str) -> bool:
    return Path(name).is_file()


def walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Found]:
    """The files of a folder and of those in it, in the order of their names.

    Raises:
        UsageError: a folder cannot be read.
    """

    def unreadable(error: OSError) -> None:
        raise UsageError(f"the folder {error.filename} cannot be read: {error.strerror}") from error

    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            bare = uncompressed(name.lower())
            if bare.endswith(suffixes) and not name.startswith("."):
                yield Found(str(Path(here, name)), False)


def uncompressed(name: str) -> str:
    """A file's name without the ending that says how it is compressed."""
    for ending in _COMPRESSED:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def files(found: Iterable[Found | Path], suffixes: Suffixes) -> Iterator[Found]:
    """The files, folders walked."""
    for each in found:
        if isinstance(each, Found):
            yield each
        else:
            yield from walk(each, suffixes())


def size(found: Iterable[Found]) -> int | None:
    """Bytes of the files as stored; None where one of them has no size, as standard input."""
    total = 0
    for each in found:
        if each.name == STDIN:
            return None
        try:
            status = Path(each.name).stat()
        except OSError:
            continue  # it is named when it comes to be read
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return total


class Stream:
    """The bytes of one file, decompressed, in chunks.

    Iterating gives what was not looked at yet. A file that breaks off, or breaks, ends there:
    what came before is used, and `problem` says what is the matter.

    Attributes:
        name: the file's name as given.
        head: the first bytes, to recognise a format by.
        problem: empty while nothing is wrong.
    """

    def __init__(self, name: str, raw: BinaryIO, progress: Progress | None = None) -> None:
        self.name = name
        self.problem = ""
        self._chunks = self._decoded(_chunks(raw, progress))
        self._ahead: list[bytes] = []
        have = 0
        while have < HEAD and (chunk := next(self._chunks, b"")):
            self._ahead.append(chunk)
            have += len(chunk)
        self.head = b"".join(self._ahead)[:HEAD]

    def __iter__(self) -> Iterator[bytes]:
        while self._ahead:
            yield self._ahead.pop(0)
        yield from self._chunks

    def _decoded(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        first = b""
        try:
            while len(first) < 4 and (chunk := next(raw, b"")):
                first += chunk
            whole = _before(first, raw)
            if first.startswith(_GZIP):
                whole = self._gunzipped(whole)
            elif _ZSTD.match(first):
                whole = self._unzstd(whole)
            yield from self._as_utf8(whole)
        except OSError as error:
            self.problem = f"reading stopped: {error.strerror or error}"

    def _gunzipped(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        fresh = True
        for chunk in raw:
            rest = chunk
            while rest:
                if fresh and not rest.strip(b"\0"):
                    break  # padding behind the last member
                try:
                    out = member.decompress(rest, CHUNK)
                except zlib.error as error:
                    self.problem = f"the gzip data are damaged ({error}); what came before is used"
                    return
                fresh = False
                if out:
                    yield out
                rest = member.unconsumed_tail
                if member.eof:
                    rest = member.unused_data
                    member, fresh = zlib.decompressobj(wbits=31), True
        while not fresh and (out := member.decompress(member.unconsumed_tail, CHUNK)):
            yield out
        if not fresh and not member.eof:
            self.problem = "the gzip file is cut off; what came before is used"

    def _unzstd(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        import zstandard

        frames = zstandard.ZstdDecompressor()
        frame = frames.decompressobj()
        fresh = True
        for chunk in raw:
            rest = memoryview(chunk)
            while rest:
                part, rest = bytes(rest[:_ZSTD_SLICE]), rest[_ZSTD_SLICE:]
                while part:
                    try:
                        out = frame.decompress(part)
                    except zstandard.ZstdError as error:
                        self.problem = (
                            f"the zstd data are damaged ({error}); what came before is used"
                        )
                        return
                    fresh = False
                    if out:
                        yield out
                    part = b""
                    if frame.eof:
                        part = frame.unused_data
                        frame, fresh = frames.decompressobj(), True
        if not fresh:
            self.problem = "the zstd file is cut off; what came before is used"

    def _as_utf8(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        first = next(chunks, b"")
        for bom, encoding in _BOMS:
            if first.startswith(bom):
                yield from _recoded(_before(first, chunks), encoding)
                return
        yield from _before(first.removeprefix(b"\xef\xbb\xbf"), chunks)


def _before(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _recoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _chunks(raw: BinaryIO, progress: Progress | None) -> Iterator[bytes]:
    while chunk := raw.read(CHUNK):
        if progress is not None:
            progress.consumed += len(chunk)
        yield chunk


def open_raw(name: str) -> BinaryIO:
    """The file as it is stored, or standard input.

    Raises:
        UsageError: it cannot be opened.
    """
    if name == STDIN:
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
