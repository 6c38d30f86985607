"""Lines for a terminal: tables and paragraphs that fit the width, wide characters included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from returnflow.inert import inert

WIDTH = 80
MIN_NAME = 12


def columns(text: str) -> int:
    """The columns that a text takes up on a terminal."""
    if text.isascii():
        return len(text)
    # Imported late: a small log of plain names is told without it.
    import wcwidth

    return max(0, wcwidth.wcswidth(text))


def padded(text: str, width: int) -> str:
    """A text with blanks behind it, up to a width."""
    return text + " " * (width - columns(text))


def clip(text: str, width: int) -> str:
    """`text` in at most `width` columns; ``…`` stands for what was cut off."""
    text = inert(text)
    if columns(text) <= width:
        return text
    import wcwidth

    return wcwidth.clip(text, 0, width - 1).rstrip() + "…"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> Iterator[str]:
    """A table: the first column to the left and cut where needed, the rest to the right."""
    widths = [max(columns(row[i]) for row in [heads, *rows]) for i in range(1, len(heads))]
    room = max(MIN_NAME, width - sum(widths) - 2 * len(widths))
    first = [clip(row[0], room) for row in [heads, *rows]]
    name = max(columns(text) for text in first)
    for text, row in zip(first, [heads, *rows], strict=True):
        cells = [
            " " * (wide - columns(cell)) + cell
            for cell, wide in zip(list(row)[1:], widths, strict=True)
        ]
        yield "  ".join([padded(text, name), *cells]).rstrip()


def paragraph(text: str, label: str = "", indent: int = 0, width: int = WIDTH) -> Iterator[str]:
    """`text` wrapped, with `label` before its first line and the rest beneath the text."""
    import wcwidth

    lead = " " * indent + label
    yield from wcwidth.wrap(
        inert(text),
        width,
        initial_indent=lead,
        subsequent_indent=" " * columns(lead),
        break_on_hyphens=False,
    ) or [lead.rstrip()]
