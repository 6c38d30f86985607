"""A painting on prompt_toolkit's screen, row by row.

A window of prompt_toolkit copies every cell at every key. Most rows stay as they are from one key
to the next, so here each different row is made into cells once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from prompt_toolkit.layout import Container, Dimension
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.screen import Char, Screen, WritePosition
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType

from returnflow.wizard.screen.cells import Row
from returnflow.wizard.screen.paint import Painting

if TYPE_CHECKING:
    from prompt_toolkit.key_binding.key_bindings import NotImplementedOrNone

Cells = defaultdict[int, Char]

_NOTHING = Char("", "")
_SPACE = Char(" ", "")


@lru_cache(maxsize=4096)
def cells(row: Row) -> Cells:
    """A row as cells, by column. Spaces at its end are left out. Not to be changed."""
    found: Cells = defaultdict(lambda: _SPACE)
    column = 0
    for style, text in row:
        # Spaces that a line is not broken at have done their work; they would be marked.
        for character in text.replace("\u00a0", " "):
            cell = Char(character, style)
            if cell.width:
                found[column] = cell
                for behind in range(column + 1, column + cell.width):
                    found[behind] = _NOTHING
                column += cell.width
            elif column:
                # A combining character belongs to the one before it.
                at = column - 1 if found[column - 1].char else column - 2
                found[at] = Char(found[at].char + character, style)
    while found and found[column - 1].char == " " and not found[column - 1].style:
        column -= 1
        del found[column]
    return found


class Canvas(Container):
    """Shows a painting.

    Args:
        painting: makes it, for a window of so many columns and rows.
        clicked: what a click does, given the action of the place that was clicked.
    """

    def __init__(
        self,
        painting: Callable[[int, int], Painting],
        clicked: Callable[[Callable[[], object]], object],
    ) -> None:
        self._painting = painting
        self._clicked = clicked

    def reset(self) -> None:
        """See prompt_toolkit."""

    def preferred_width(self, max_available_width: int) -> Dimension:
        """See prompt_toolkit."""
        return Dimension()

    def preferred_height(self, width: int, max_available_height: int) -> Dimension:
        """See prompt_toolkit."""
        return Dimension()

    def get_children(self) -> Sequence[Container]:  # type: ignore[override]
        """See prompt_toolkit."""
        return []

    def write_to_screen(
        self,
        screen: Screen,
        mouse_handlers: MouseHandlers,
        write_position: WritePosition,
        parent_style: str,
        erase_bg: bool,
        z_index: int | None,
    ) -> None:
        """See prompt_toolkit."""
        width, height = write_position.width, write_position.height
        painting = self._painting(width, height)
        for number, row in enumerate(painting.rows):
            screen.data_buffer[number] = cells(row)
        if painting.line is not None:
            for number in range(painting.line.top, painting.line.top + painting.line.height):
                # The line is written over it.
                screen.data_buffer[number] = screen.data_buffer[number].copy()
        screen.width, screen.height = max(screen.width, width), max(screen.height, height)
        for hit in painting.hits:
            mouse_handlers.set_mouse_handler_for_range(
                hit.left, hit.right, hit.top, hit.top + 1, partial(self._mouse, hit.action)
            )

    def _mouse(self, action: Callable[[], object], event: MouseEvent) -> NotImplementedOrNone:
        if event.event_type == MouseEventType.MOUSE_UP:
            self._clicked(action)
        return None
