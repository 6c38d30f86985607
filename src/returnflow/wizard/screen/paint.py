"""A scene as rows of cells for a window of so many columns and rows. Pure: it draws nothing.

Three folds. From 110 columns on there are three panes. From 80 the rail shows the numbers of the
steps alone. Below that the rail is one row and the facts that matter now stand below the words to
say; all of them are a key away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from returnflow.engine.front import Fact
from returnflow.wizard.console import LEAST_COLUMNS, LEAST_ROWS
from returnflow.wizard.screen import panes, style
from returnflow.wizard.screen.cells import (
    Row,
    cut,
    filled,
    fit,
    row,
    steady,
    wide,
    word_rows,
    wrapped,
)
from returnflow.wizard.screen.entry import Entry, Part, Ways
from returnflow.wizard.screen.panel import Menu, Scroll
from returnflow.wizard.screen.scene import Scene
from returnflow.wizard.texts import too_small

WIDE, MIDDLE = 110, 80
"""Columns from which there are three panes, and from which the rail is a pane."""

MOST_KNOWN = 4
"""Rows of facts in the middle, where the pane for them is folded."""

MOST_SPOKEN, MOST_LISTED, MOST_FACTS, MOST_OVER = 700, 1300, 450, 1600
"""Cells of the words to say, of a list, of the facts, and of a panel: a key that changes all of
them has to stay under 4 KB on its way to the terminal, also through ssh."""

MOST_SAY = 84
"""Columns of the words to say: longer lines are hard to read aloud."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the terminal puts the line that is typed in."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A part of the screen that does something when it is clicked."""

    top: int
    left: int
    right: int
    action: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Painting:
    """A painted scene: exactly so many rows, each exactly so many columns."""

    rows: tuple[Row, ...]
    line: Place | None
    hits: tuple[Hit, ...]


def paint(scene: Scene, columns: int, rows: int) -> Painting:
    """Paints a scene."""
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        return _small(columns, rows)
    foot = _foot(scene, columns)
    top: list[Row] = [_bar(scene.bar, columns)]
    if columns < MIDDLE:
        top.append(panes.strip(scene.journey, columns))
    height = rows - len(top) - len(foot)
    left, right = _widths(columns)
    if isinstance(scene.entry, Scroll | Menu) and columns < WIDE:
        # A panel has the room of the facts as well.
        right = 0
    middle = columns - left - right
    centre = _Centre(scene, middle - 2, height, folded=columns < MIDDLE)
    body: list[Row] = []
    rail = panes.rail(scene.journey, left - 3, height) if left else []
    facts = _facts_pane(scene, right - 2, height) if right else []
    for number in range(height):
        cells: list[tuple[str, str]] = []
        if left:
            cells += [("", " "), *_at(rail, number, left - 3), (style.LINE, " │")]
        cells += [("", " "), *_at(centre.rows, number, middle - 2), ("", " ")]
        if right:
            cells += [(style.LINE, "│"), ("", " "), *_at(facts, number, right - 2)]
        body.append(tuple(cells))
    over = left + 1, len(top)
    return Painting(
        rows=(*top, *body, *foot),
        line=_moved(centre.line, *over),
        hits=tuple(
            Hit(over[1] + at, over[0], over[0] + middle - 2, action) for at, action in centre.hits
        ),
    )


def blank(columns: int, rows: int) -> Painting:
    """Nothing at all."""
    return Painting((row(" " * columns),) * rows, None, ())


def _widths(columns: int) -> tuple[int, int]:
    """Of the rail and of the facts, with the lines beside them; 0 where they are folded."""
    if columns >= WIDE:
        return min(34, 25 + (columns - WIDE) // 8), min(64, columns * 32 // 100)
    if columns >= MIDDLE:
        return 7, max(27, columns * 34 // 100)
    return 0, 0


def _facts_pane(scene: Scene, width: int, height: int) -> list[Row]:
    """The facts: all that there is room for, and that may be written at one key."""
    rows = panes.facts(scene.sections, width, height, scene.facts_key)
    cells = accumulate(wide("".join(text for _, text in each).rstrip()) for each in rows)
    seen = sum(total <= MOST_FACTS for total in cells)
    return rows if seen == len(rows) else panes.facts(scene.sections, width, seen, scene.facts_key)


def _at(rows: Sequence[Row], number: int, width: int) -> Row:
    return filled(rows[number], width) if number < len(rows) else (("", " " * width),)


def _moved(place: Place | None, left: int, top: int) -> Place | None:
    if place is None:
        return None
    return Place(place.left + left, place.top + top, place.width, place.height)


def _bar(words: Sequence[str], columns: int) -> Row:
    *most, last = words
    end = f" {steady(last)} "
    start = fit(f" {'  ·  '.join(most)}", max(0, columns - wide(end)))
    return row(cut(start + end, columns), style.TITLE)


def _foot(scene: Scene, columns: int) -> list[Row]:
    """The keys that work now, in one row; those that always work stand last and are kept."""
    last = [("?", "keys")] if not isinstance(scene.entry, Scroll | Menu) else []
    room = columns - 2 - sum(wide(key) + wide(what) + 4 for key, what in last)
    shown: list[tuple[str, str]] = []
    always = () if isinstance(scene.entry, Scroll | Menu) else scene.hints
    for key, what in [*scene.entry.hints(), *always]:
        takes = wide(key) + wide(what) + 4
        if takes > room:
            break
        room -= takes
        shown.append((key, what))
    cells: list[tuple[str, str]] = [(style.KEYS, " ")]
    for number, (key, what) in enumerate([*shown, *last]):
        cells += [(style.KEYS, " · " if number else ""), (style.KEY, key), (style.KEYS, f" {what}")]
    return [row("─" * columns, style.LINE), filled(tuple(cells), columns)]


def _small(columns: int, rows: int) -> Painting:
    words = wrapped(too_small(LEAST_COLUMNS, LEAST_ROWS), max(1, columns))
    painted = [row(fit(line, columns)) for line in words[:rows]]
    painted += [row(" " * columns)] * (rows - len(painted))
    return Painting(tuple(painted), None, ())


class _Centre:
    """The middle: the words to say, the entry below them, its line, and the other answers."""

    def __init__(self, scene: Scene, width: int, height: int, *, folded: bool) -> None:
        self.rows: list[Row] = []
        self.hits: list[tuple[int, Callable[[], object]]] = []
        self.line: Place | None = None
        entry = scene.entry
        if isinstance(entry, Scroll | Menu):
            across = min(width, MOST_SAY)
            self._add(entry.parts(across, min(height, MOST_OVER // across)))
            return
        ways = entry.ways(width) if isinstance(entry, Ways) else []
        label = steady(entry.label)
        field = _field_rows(entry, width) if label else 0
        wrong = [row(line, style.WRONG) for line in wrapped(f"! {entry.error}", width, 2)]
        wrong = wrong[:4] if entry.error else []
        told = [row(line) for line in wrapped(entry.info, width, 2)] if entry.info else []
        say = entry.say() or scene.say
        spoken = _spoken(say, min(width, MOST_SAY))
        notes = [row(line, style.NOTE) for line in wrapped(scene.do, width)] if scene.do else []
        known = _facts(scene.known if folded else scene.trouble, width)
        wanted = entry.wanted(width)
        fixed = 1 + len(ways) + field + len(wrong) + len(told)
        # What is said comes first; the list below it scrolls, and keeps three rows at least.
        room = height - fixed
        most = MOST_LISTED // width
        room -= (least := min(wanted, entry.least(width), max(most, 3)))
        spoken = _cut(
            spoken, scene.facts_key, max(2, min(room, MOST_SPOKEN // min(width, MOST_SAY)))
        )
        room -= len(spoken)
        notes = _cut(notes, scene.facts_key, room)
        room -= len(notes)
        known = _cut(known, scene.facts_key, min(room, MOST_KNOWN) if folded else room)
        room -= len(known)
        listed = min(wanted, max(least, min(least + max(0, room), most)))
        room -= listed - least
        gap = iter([1] * max(0, room))

        def blank() -> None:
            if next(gap, 0):
                self.rows.append(row(""))

        self.rows.append(row(fit(scene.heading, width), style.HEAD))
        if spoken:
            blank()
            self.rows += spoken
        if notes or known:
            blank()
            self.rows += [*notes, *known]
        if listed:
            blank()
            self._add(entry.parts(width, listed)[:listed])
        if label:
            blank()
            self._field(entry, label, width, field)
        self.rows += [*wrong, *told]
        if ways:
            blank()
            self._add(ways)

    def _add(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if part.click is not None:
                self.hits.append((len(self.rows), part.click))
            self.rows.append(part.cells)

    def _field(self, entry: Entry, label: str, width: int, height: int) -> None:
        shown = cut(f"{label}:", width)
        if height > 1:
            self.rows.append(row(shown, style.LABEL))
            self.line = Place(0, len(self.rows), width, height - 1)
            self.rows += [row("")] * (height - 1)
            return
        self.line = Place(wide(shown) + 1, len(self.rows), width - wide(shown) - 1, 1)
        self.rows.append(row(shown, style.LABEL))


def _field_rows(entry: Entry, width: int) -> int:
    """The rows of a line with its label, which stands above where it would leave little room."""
    if not entry.tall:
        return 1 if wide(steady(entry.label)) <= width // 2 else 2
    # The cursor stands behind the last character.
    return 1 + max(2, min(7, len(word_rows(f"{entry.line.text}_", width))))


def _spoken(words: str, width: int) -> list[Row]:
    """Words to be read aloud, with a bar at their side that nothing else has."""
    if not words:
        return []
    return [
        ((style.BAR, "┃ "), (style.SAY, line)) for line in wrapped(f"“{words}”", max(1, width - 2))
    ]


def _facts(facts: Sequence[Fact], width: int) -> list[Row]:
    return [row(line) for label, text in facts for line in wrapped(f"{label}: {text}", width, 2)]


def _cut(rows: list[Row], key: str, room: int) -> list[Row]:
    if len(rows) <= room:
        return rows
    if room < 1:
        return []
    *kept, _ = rows[:room]
    return [*kept, row(f"… ({key} shows all of it)", style.DIM)]
