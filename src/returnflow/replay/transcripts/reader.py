"""What a reader of transcripts is, which are installed, and how files go through them.

Reading has two halves. The cheap one opens, decompresses and cuts files into units (`units`);
it runs in one process. The dear one makes transcripts of a unit (`read`); it can run in many.

What cannot be read is not an exception: it comes out as a transcript with `damage`, so that it
is named with its file and line and the rest goes on (rule 40).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from returnflow.engine.transcript import Damage, Transcript
from returnflow.errors import UsageError
from returnflow.plugins import installed
from returnflow.replay.transcripts import sources
from returnflow.replay.transcripts.sources import Found, Progress, Stream

GROUP = "returnflow.transcripts"
"""The entry-point group in which readers are found."""

_FIRST = ("native", "contact-lens", "chat", "csv")
"""The order in which formats are tried; what is not named here comes last, by name."""


class Unit(msgspec.Struct, frozen=True):
    """A piece of a file that can be read by itself: small enough to be sent to a worker.

    Args:
        source: the file's name as given; ``-`` for standard input.
        line: the line, or the number of the record, from 1; None where there is none.
        format: the reader's name; empty where the format is not known.
        problem: why there is nothing to read here; `data` is then empty.
    """

    source: str
    line: int | None
    data: bytes
    format: str
    problem: str = ""


class Options(msgspec.Struct, frozen=True):
    """What somebody says about the transcripts, beside what stands in them. Can be pickled.

    Args:
        vocabulary: the name of the procedure's vocabulary.
        sop: the name of the procedure; empty: not to be compared.
        date: the policy date of transcripts that do not record one.
        zone: the policy zone, an IANA name, of transcripts that do not record one.
        tools: a YAML file that maps tools to operations (`docs/transcripts.md`).
        calls: a log of the backend's calls that belongs to transcripts without any.
    """

    vocabulary: str = "returns"
    sop: str = ""
    date: date | None = None
    zone: str | None = None
    tools: str | None = None
    calls: str | None = None


class Reader(Protocol):
    """A format of transcripts.

    Attributes:
        name: as in ``--format``.
        about: one line about the format, for a list of formats.
        suffixes: endings of the names of such files, for folders.
    """

    name: str
    about: str
    suffixes: tuple[str, ...]

    def recognises(self, head: bytes, filename: str) -> bool:
        """Whether a file that begins so is in this format. Never raises."""

    def units(self, stream: Iterable[bytes], source: str) -> Iterator[Unit]:
        """The file cut into units, within bounded memory.

        Raises:
            UsageError: the file is not in this format at all.
        """

    def read(self, unit: Unit, options: Options) -> Iterator[Transcript]:
        """The transcripts of a unit. What is wrong with it becomes `damage`.

        Raises:
            UsageError: what the options name cannot be used.
        """


# -- which are installed ----------------------------------------------------------------------


@cache
def reader(name: str) -> Reader:
    """The reader installed under `name`.

    Raises:
        UsageError: there is none; the message lists those that are installed.
    """
    found = _installed()
    if name not in found:
        raise UsageError(f"no format named {name!r} is known; installed: {', '.join(found)}")
    made: Reader = found[name].load()()
    return made


def formats() -> list[str]:
    """The names of the formats that can be read, in the order in which they are tried."""
    return list(_installed())


@cache
def _installed() -> dict[str, Any]:
    found = {entry.name: entry for entry in installed(GROUP)}
    later = sorted(name for name in found if name not in _FIRST)
    return {name: found[name] for name in (*_FIRST, *later) if name in found}


def _suffixes(format: str | None) -> sources.Suffixes:
    def suffixes() -> tuple[str, ...]:
        names = formats() if format is None else [format]
        return tuple(sorted({suffix for name in names for suffix in reader(name).suffixes}))

    return suffixes


# -- from files to units ----------------------------------------------------------------------


def total_size(paths: Iterable[str], format: str | None = None) -> int | None:
    """Bytes that `units` will read, as stored; None where that is not known beforehand.

    Raises:
        UsageError: as `units`.
    """
    suffixes = _suffixes(format)
    return sources.size(sources.files(sources.find(paths, suffixes), suffixes))


def units(
    paths: Iterable[str], format: str | None = None, *, progress: Progress | None = None
) -> Iterator[Unit]:
    """The units of files, folders, patterns and standard input (``-``), in their order.

    A file that was found in a folder or by a pattern and is in no known format is named in a
    unit of its own; one that was named is an error.

    Args:
        format: the name of the reader for all of them; None: each is recognised.
        progress: is told how far reading has come.

    Raises:
        UsageError: a path or the format is not there (at once); a file cannot be read, or its
            format is not recognised (when its turn comes).
    """
    if format is not None:
        reader(format)
    suffixes = _suffixes(format)
    found = sources.find(paths, suffixes)
    return _units(sources.files(found, suffixes), format, progress)


def _units(found: Iterable[Found], format: str | None, progress: Progress | None) -> Iterator[Unit]:
    for each in found:
        if progress is not None:
            progress.source = each.name
        try:
            yield from _units_of(each.name, format, progress)
        except UsageError as error:
            if each.named:
                raise
            yield Unit(each.name, None, b"", format or "", str(error))


def _units_of(name: str, format: str | None, progress: Progress | None) -> Iterator[Unit]:
    raw = sources.open_raw(name)
    try:
        stream = Stream(name, raw, progress)
        if not stream.head and not stream.problem:
            yield Unit(name, None, b"", format or "", "the file is empty")
            return
        anything = False
        if stream.head:
            by = reader(format) if format is not None else _recognised(stream)
            for unit in by.units(stream, name):
                anything = True
                yield unit
        if stream.problem:
            yield Unit(name, None, b"", format or "", stream.problem)
        elif not anything:
            yield Unit(name, None, b"", format or "", "there is no transcript in this file")
    finally:
        if name != sources.STDIN:
            raw.close()


def _recognised(stream: Stream) -> Reader:
    names = formats()
    for name in names:
        if reader(name).recognises(stream.head, stream.name):
            return reader(name)
    where = "standard input" if stream.name == sources.STDIN else stream.name
    raise UsageError(
        f"{where}: the format is not recognised{_guess(stream.head)}; name it with --format "
        f"({', '.join(names)})"
    )


def _guess(head: bytes) -> str:
    return " (these are no text)" if b"\0" in head[:4096] else ""


# -- from units to transcripts ----------------------------------------------------------------


def read(unit: Unit, options: Options) -> Iterator[Transcript]:
    """The transcripts of a unit; never fails for what stands in it.

    Raises:
        UsageError: what the options name cannot be used; `check` says so beforehand.
    """
    if unit.problem:
        yield unreadable(unit, unit.problem)
        return
    yield from reader(unit.format).read(unit, options)


def check(options: Options) -> list[Unit]:
    """Tries whether the options can be used, before anything is read.

    Returns:
        Units that stand for lines of the call log that cannot be read; to be read like others.

    Raises:
        UsageError: the zone, the mapping of tools or the call log cannot be used.
    """
    if options.zone is not None:
        valid_zone(options.zone)
    if options.tools is not None:
        from returnflow.replay.transcripts.tools import mapping_for

        mapping_for(options.tools)
    if options.calls is None:
        return []
    from returnflow.replay.transcripts.sidecar import call_log

    return [
        Unit(options.calls, line, b"", "", problem)
        for line, problem in call_log(options.calls, options.tools).problems
    ]


def valid_zone(name: str) -> str:
    """The name, if it is one of a time zone.

    Raises:
        UsageError: it is not.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from error
    return name


def unreadable(unit: Unit, reason: str) -> Transcript:
    """A transcript that stands for something that could not be read."""
    return Transcript(
        case_id=default_id(unit),
        format=unit.format,
        source=unit.source,
        line=unit.line,
        damage=[Damage(reason=reason)],
    )


def default_id(unit: Unit) -> str:
    """A case id made of the file's name and the place in it: ``file#3``."""
    name = "stdin" if unit.source == sources.STDIN else Path(unit.source).name
    stem = Path(sources.uncompressed(name)).stem
    return stem if unit.line is None else f"{stem}#{unit.line}"
