"""A text of one line that is edited in several rows: wrapped at words, the cursor moved by rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from returnflow.wizard.screen.cells import cells_of, word_rows


class WordWrap(Processor):
    """Pads each row to the full width, so that the window, which wraps by characters, goes on
    with the next word in the next row.

    Args:
        applies: whether the line takes several rows now.
    """

    def __init__(self, applies: Callable[[], bool]) -> None:
        self._applies = applies

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """See prompt_toolkit."""
        fragments = explode_text_fragments(transformation_input.fragments)
        width = transformation_input.width
        if not self._applies() or width < 1:
            return Transformation(fragments)
        text = "".join(fragment[1] for fragment in fragments)
        starts = word_rows(text, width)
        shown: StyleAndTextTuples = []
        shifts = []
        for number, start in enumerate(starts):
            shifts.append(len(shown) - start)
            end = starts[number + 1] if number + 1 < len(starts) else len(text)
            shown += fragments[start:end]
            if number + 1 < len(starts):
                used = sum(cells_of(char) for char in text[start:end])
                shown.append(("", " " * (width - used)))
                shown = list(explode_text_fragments(shown))

        def to_display(at: int) -> int:
            return at + shifts[bisect_right(starts, at) - 1]

        def to_source(at: int) -> int:
            for number in range(len(starts) - 1, -1, -1):
                if at >= starts[number] + shifts[number]:
                    last = starts[number + 1] - 1 if number + 1 < len(starts) else len(text)
                    return min(at - shifts[number], last)
            return 0

        return Transformation(shown, to_display, to_source)


def move_by_rows(buffer: Buffer, width: int, by: int) -> None:
    """Moves the cursor to the row above or below, as near to its column as that has one."""
    text, at = buffer.text, buffer.cursor_position
    starts = word_rows(text, max(1, width))
    here = bisect_right(starts, at) - 1
    there = here + by
    if not 0 <= there < len(starts):
        buffer.cursor_position = 0 if by < 0 else len(text)
        return
    column = sum(cells_of(char) for char in text[starts[here] : at])
    last = starts[there + 1] - 1 if there + 1 < len(starts) else len(text)
    position = starts[there]
    while position < last and column > 0:
        column -= cells_of(text[position])
        position += 1
    buffer.cursor_position = position
