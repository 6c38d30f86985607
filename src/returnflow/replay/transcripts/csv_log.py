"""Event logs as tables, with the columns that process mining uses.

A row is an event: of which case, what, when, by whom, and other columns as data. The rows of a
case may stand anywhere in the file, so they are brought together on disk, not in memory.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from returnflow.engine.transcript import Transcript
from returnflow.errors import UsageError
from returnflow.replay.transcripts.csv_rows import Row, Rows
from returnflow.replay.transcripts.reader import Options, Unit
from returnflow.replay.transcripts.shared import MAX_ID, MAX_MEMBERS, answers, day_of, too_many
from returnflow.replay.transcripts.splitting import lines
from returnflow.replay.transcripts.tools import mapping_for

CASE = ("case:concept:name", "case_id", "case id", "caseid", "case")
ACTIVITY = ("concept:name", "activity", "event", "event_name", "event name")
TIME = ("time:timestamp", "timestamp", "time", "at", "complete timestamp", "start_time")
RESOURCE = ("org:resource", "resource", "agent", "user")
LIFECYCLE = ("lifecycle:transition", "lifecycle")

_SEPARATORS = (",", ";", "\t", "|")
MAX_CELL = 1024 * 1024
"""The longest cell that is read, in characters (rule 40)."""

_MAX_NAMES = 1000
_BATCH = 500


class _Columns:
    """The columns of a file, by what they are for."""

    def __init__(self, header: list[str]) -> None:
        self.header = [name.strip() for name in header]
        plain = [name.lower() for name in self.header]
        self.case, self.activity, self.time, self.resource, self.lifecycle = (
            next((plain.index(name) for name in names if name in plain), None)
            for names in (CASE, ACTIVITY, TIME, RESOURCE, LIFECYCLE)
        )
        special = (self.case, self.activity, self.time, self.resource, self.lifecycle)
        self.data = [
            (index, name) for index, name in enumerate(self.header) if index not in special and name
        ]


class _Body(msgspec.Struct):
    """What a unit holds: the rows of one case, and the activities of the whole file."""

    case: str
    names: list[str]
    total: int
    rows: list[Row]


class CsvReader:
    """Reads event logs as tables."""

    name = "csv"
    about = "event logs as CSV, with the columns of process mining"
    suffixes = (".csv", ".tsv")

    def recognises(self, head: bytes, filename: str) -> bool:
        """By a first line that names a column of cases and one of activities."""
        first = head.lstrip(b"\r\n").partition(b"\n")[0]
        if first.lstrip()[:1] in (b"{", b"["):
            return False
        columns = _columns(first)
        return columns is not None and columns.case is not None and columns.activity is not None

    def units(self, stream: Iterable[bytes], source: str) -> Iterator[Unit]:
        """A unit for each case, in the order in which the cases begin.

        Raises:
            UsageError: there is no column of cases, or none of activities.
        """
        with (
            TemporaryDirectory(prefix="returnflow-") as folder,
            closing(_Store(Path(folder, "rows.sqlite"))) as store,
        ):
            for number, problem in self._fill(store, stream, source):
                yield Unit(source, number, b"", self.name, problem)
            for case, first, total, rows in store.cases():
                body = _Body(case, store.names, total, rows)
                yield Unit(source, first, msgspec.json.encode(body), self.name)

    def _fill(
        self, store: _Store, stream: Iterable[bytes], source: str
    ) -> Iterator[tuple[int, str]]:
        """Puts the rows into the store; gives those that cannot be read, with their lines."""
        text = _Text(stream)
        first = next(text, "")
        columns = _columns(first.encode())
        if columns is None or columns.case is None or columns.activity is None:
            raise UsageError(
                f"{source}: no column names the case ({', '.join(CASE[:2])}), or none the "
                f"activity ({', '.join(ACTIVITY[:2])}); the first line must name the columns"
            )
        csv.field_size_limit(MAX_CELL)
        rows = csv.reader(text, delimiter=_separator(first), strict=True)
        while True:
            before = text.number
            try:
                cells = next(rows, None)
            except csv.Error as error:
                yield text.number, f"not CSV: {error}"
                continue
            yield from text.problems()
            if cells is None:
                return
            if not any(cell.strip() for cell in cells):
                continue
            problem = store.add(columns, cells, before + 1)
            if problem:
                yield before + 1, problem

    def read(self, unit: Unit, options: Options) -> Iterator[Transcript]:
        """The transcript of a case."""
        body = msgspec.json.decode(unit.data, type=_Body)
        rows = Rows(mapping_for(options.tools, options.vocabulary), options)
        for row in rows.ordered(body.rows):
            rows.add(row)
        unseen = answers(options.vocabulary) | rows.said
        yield Transcript(
            case_id=body.case[:MAX_ID],
            format=self.name,
            source=unit.source,
            line=unit.line,
            agent=rows.agent,
            policy_date=options.date
            or (None if rows.first_at is None else day_of(rows.first_at, options.zone)),
            zone=options.zone,
            members=rows.members,
            unobservable=unseen - set(body.names),
            damage=[*too_many(body.total), *rows.damage],
        )


def _columns(first: bytes) -> _Columns | None:
    text = first.decode("utf-8", "replace").strip("\r\n")
    try:
        header = next(csv.reader([text], delimiter=_separator(text)), [])
    except csv.Error:
        return None
    return _Columns(header)


def _separator(first: str) -> str:
    """The separator that the first line holds most of, outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", first)
    return max(_SEPARATORS, key=bare.count)


class _Text:
    """The lines of a stream as text, counted, with what is wrong with them set aside."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self.number = 0
        self._pieces = lines(stream, as_is=True)
        self._problems: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            piece = next(self._pieces)
            self.number = piece.number
            if piece.problem:
                self._problems.append((piece.number, piece.problem))
                continue
            try:
                return piece.data.decode("utf-8") + "\n"
            except UnicodeDecodeError as error:
                words = f"not UTF-8 text (byte {error.start + 1} of the line); the rest is read"
                self._problems.append((piece.number, words))
                return piece.data.decode("utf-8", "replace") + "\n"

    def problems(self) -> list[tuple[int, str]]:
        """What was wrong since the last time."""
        found, self._problems = self._problems, []
        return found


class _Store:
    """The rows of a file, in a database that is thrown away afterwards."""

    def __init__(self, path: Path) -> None:
        import sqlite3

        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA cache_size = -8192")
        self._connection.execute(
            "CREATE TABLE rows (case_id TEXT, number INTEGER PRIMARY KEY, started INTEGER,"
            " line INTEGER, row BLOB)"
        )
        self._connection.execute("BEGIN")
        self._waiting: list[tuple[str, int, int, bytes]] = []
        self._names: dict[str, None] = {}
        self._completes = False

    @property
    def names(self) -> list[str]:
        """The activities of the file, the first thousand of them."""
        return list(self._names)

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()

    def add(self, columns: _Columns, cells: list[str], line: int) -> str:
        """Takes a row in; what is wrong with it, or nothing."""

        def cell(index: int | None) -> str:
            return cells[index].strip() if index is not None and index < len(cells) else ""

        case, activity = cell(columns.case), cell(columns.activity)
        if not case or not activity:
            return f"the row names no {'activity' if case else 'case'}"
        if len(cells) > len(columns.header):
            return f"the row has {len(cells)} cells, but there are {len(columns.header)} columns"
        step = cell(columns.lifecycle).lower()
        self._completes = self._completes or step == "complete"
        if len(self._names) < _MAX_NAMES:
            self._names[activity] = None
        row = Row(
            activity=activity,
            time=cell(columns.time),
            resource=cell(columns.resource),
            cells={
                name: cells[index]
                for index, name in columns.data
                if index < len(cells) and cells[index].strip()
            },
        )
        self._waiting.append((case, step == "start", line, msgspec.json.encode(row)))
        if len(self._waiting) >= _BATCH:
            self._flush()
        return ""

    def _flush(self) -> None:
        self._connection.executemany(
            "INSERT INTO rows (case_id, started, line, row) VALUES (?, ?, ?, ?)", self._waiting
        )
        self._waiting = []

    def cases(self) -> Iterator[tuple[str, int, int, list[Row]]]:
        """Each case, the line on which it begins, how many rows it has, and its rows.

        Where the file records when an activity began and when it was complete, the beginnings
        are left out: one activity is one event.
        """
        self._flush()
        self._connection.execute("CREATE INDEX by_case ON rows (case_id, number)")
        kept = "WHERE NOT started" if self._completes else ""
        cases = self._connection.execute(
            f"SELECT case_id, min(line), count(*) FROM rows {kept}"  # noqa: S608 (no input)
            " GROUP BY case_id ORDER BY min(number)"
        )
        and_kept = "AND NOT started" if self._completes else ""
        for case, line, total in cases:
            found: list[Any] = self._connection.execute(
                f"SELECT row FROM rows WHERE case_id = ? {and_kept}"  # noqa: S608 (no input)
                " ORDER BY number LIMIT ?",
                (case, MAX_MEMBERS),
            ).fetchall()
            yield case, line, total, [msgspec.json.decode(row, type=Row) for (row,) in found]
