"""The panes beside the question: the rail of steps on the left, the facts on the right."""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.engine.front import Section
from returnflow.wizard.overview import NOT_SENT, SENT, Journey
from returnflow.wizard.screen import style
from returnflow.wizard.screen.cells import Row, cut, fit, row, steady, wrapped

MARKS = {"done": "✓", "now": "▸", "ahead": "·"}


def rail(journey: Journey, width: int, height: int) -> list[Row]:
    """The steps, one below the other, with the commit horizon as a line between them."""
    titled = width >= 16
    key = max(len(stop.key) for stop in journey.stops)
    rows: list[Row] = []
    for number, stop in enumerate(journey.stops):
        if number == journey.horizon:
            rows += _horizon(journey, width, titled=titled)
        look = style.LABEL if stop.mark == "now" else ""
        head = f"{MARKS[stop.mark]} {stop.key.ljust(key)}"
        if titled:
            lines = wrapped(f"{head}  {stop.title}", width, key + 4)
            rows += [row(fit(line, width), look) for line in lines]
        else:
            rows.append(row(fit(head, width), look))
    return rows[:height]


def _horizon(journey: Journey, width: int, *, titled: bool) -> list[Row]:
    line = "━" if journey.sent else "╌"
    if not titled:
        return [row(line * width, style.LINE)]
    words = cut(f" {SENT if journey.sent else NOT_SENT} ", width - 2)
    return [row(fit(f"{line * 2}{words}{line * width}"[:width], width), style.LINE)]


def strip(journey: Journey, width: int) -> Row:
    """The steps in one row, for narrow windows: ``✓1 ✓2 ▸3 ·4a ┃ ·5``."""
    parts = []
    for number, stop in enumerate(journey.stops):
        if number == journey.horizon:
            parts.append("┃" if journey.sent else "┊")
        parts.append(f"{MARKS[stop.mark]}{stop.key}")
    end = SENT if journey.sent else NOT_SENT
    return row(fit(f" {' '.join(parts)}   {end}", width), style.LABEL)


def facts(sections: Sequence[Section], width: int, height: int, key: str) -> list[Row]:
    """The facts, grouped; where there is too little room the last row tells how many are left,
    and by which key they are seen."""
    rows: list[Row] = []
    for section in sections:
        if rows:
            rows.append(row(" " * width))
        rows.append(row(fit(section.title, width), style.HEAD))
        for line in section.lines:
            for number, text in enumerate(line):
                indent = " " if not number else "   "
                look = style.LABEL if len(line) > 1 and not number else ""
                for part in wrapped(text, width - len(indent), 2):
                    rows.append(row(fit(indent + part, width), look))
    if len(rows) > height:
        left = len(rows) - height + 1
        rows = [*rows[: height - 1], row(fit(f"… {left} more rows: {key}", width), style.DIM)]
    return rows


def facts_text(sections: Sequence[Section]) -> list[str]:
    """The same as lines of text, for a panel that scrolls."""
    lines: list[str] = []
    for section in sections:
        lines.append(section.title)
        lines += [
            f"{'  ' if not number else '     '}{steady(text)}"
            for line in section.lines
            for number, text in enumerate(line)
        ]
        lines.append("")
    return lines
