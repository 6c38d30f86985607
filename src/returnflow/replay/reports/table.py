"""Lines for a terminal: tables and paragraphs that fit the width, wide characters included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import wcwidth

from returnflow.inert import inert

WIDTH = 80
MIN_NAME = 12


def clip(text: str, width: int) -> str:
    """`text` in at most `width` columns; ``…`` stands for what was cut off."""
    text = inert(text)
    if wcwidth.wcswidth(text) <= width:
        return text
    return wcwidth.clip(text, 0, width - 1).rstrip() + "…"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> Iterator[str]:
    """A table: the first column to the left and cut where needed, the rest to the right."""
    columns = range(1, len(heads))
    widths = [max(wcwidth.wcswidth(row[i]) for row in [heads, *rows]) for i in columns]
    room = max(MIN_NAME, width - sum(widths) - 2 * len(widths))
    first = [clip(row[0], room) for row in [heads, *rows]]
    name = max(wcwidth.wcswidth(text) for text in first)
    for text, row in zip(first, [heads, *rows], strict=True):
        cells = [
            wcwidth.rjust(cell, wide) for cell, wide in zip(list(row)[1:], widths, strict=True)
        ]
        yield "  ".join([wcwidth.ljust(text, name), *cells]).rstrip()


def paragraph(text: str, label: str = "", indent: int = 0, width: int = WIDTH) -> Iterator[str]:
    """`text` wrapped, with `label` before its first line and the rest beneath the text."""
    lead = " " * indent + label
    yield from wcwidth.wrap(
        inert(text),
        width,
        initial_indent=lead,
        subsequent_indent=" " * wcwidth.wcswidth(lead),
        break_on_hyphens=False,
    ) or [lead.rstrip()]
