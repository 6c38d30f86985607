"""The screen on a terminal, through prompt_toolkit: keys in, painted rows out.

One application lives for as long as the screen does. It runs on an event loop of its own, which
turns only while the desk waits for somebody: for the agent, or for the shop. Between two
questions keys are held back, so that what is typed ahead reaches the question that comes next,
and after a write it reaches none (rule 28).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress, KeyProcessor
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Float,
    FloatContainer,
    Layout,
    Window,
)
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from returnflow.wizard.answers import MAX_NOTE
from returnflow.wizard.console import LEAST_COLUMNS, LEAST_ROWS
from returnflow.wizard.screen.canvas import Canvas
from returnflow.wizard.screen.editing import WordWrap, move_by_rows
from returnflow.wizard.screen.entry import Action, Entry
from returnflow.wizard.screen.keys import NAMED, TYPED
from returnflow.wizard.screen.paint import Painting, Place, blank, paint
from returnflow.wizard.screen.scene import Scene
from returnflow.wizard.screen.style import THEMES

T = TypeVar("T")

_NOWHERE = Place(0, 0, 1, 1)


class Closed(Exception):  # noqa: N818 (the terminal is gone: nobody's fault)
    """The terminal is gone, or its input came to an end."""


class Terminal:
    """See the module.

    Args:
        scene: what is to be seen; called before every painting. None: nothing yet.
        everywhere: keys that work whatever is asked; an entry's own keys come before them.
        source, sink: other than the process's own terminal.
        theme: see `THEMES`; ``NO_COLOR`` comes before it.
        mouse: whether clicks are taken.
    """

    def __init__(
        self,
        scene: Callable[[], Scene | None],
        everywhere: Callable[[], Mapping[str, Action]],
        *,
        source: Input | None = None,
        sink: Output | None = None,
        theme: str = "colour",
        mouse: bool = True,
    ) -> None:
        self._scene = scene
        self._everywhere = everywhere
        self._entry: Entry | None = None
        self._result: asyncio.Future[Any] | None = None
        self._painting = Painting((), None, ())
        self._seen_entry: Entry | None = None
        self._fault: BaseException | None = None
        self._buffer = Buffer(multiline=False, history=DummyHistory())
        self._buffer.on_text_changed += lambda _: self._typed()
        line = Window(
            BufferControl(self._buffer, input_processors=[WordWrap(self._tall)]),
            wrap_lines=Condition(self._tall),
            dont_extend_height=True,
        )
        placed = ConditionalContainer(line, Condition(lambda: self._painting.line is not None))
        self._float = Float(placed, left=0, top=0, width=1, height=1)
        layout = Layout(FloatContainer(Canvas(self.painting, self._clicked), [self._float]), line)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._failed)
        no_colour = bool(os.environ.get("NO_COLOR"))
        self.app: Application[None] = Application(
            layout=layout,
            key_bindings=self._bindings(),
            style=Style.from_dict(THEMES["plain" if no_colour else theme]),
            full_screen=True,
            mouse_support=mouse,
            input=source,
            output=sink,
            include_default_pygments_style=False,
            paste_mode=False,
        )
        self.app.ttimeoutlen = 0.05
        self.app.timeoutlen = 0.05
        self._keys = HeldKeys(
            self.app.key_processor, lambda: self._result is not None, self._visible
        )
        self.app.key_processor = self._keys
        self._running: asyncio.Task[None] | None = None

    # -- for the desk ---------------------------------------------------------------------

    def turn(self, work: Coroutine[Any, Any, T]) -> T:
        """Turns the event loop until `work` is done; the screen is alive meanwhile.

        Raises:
            Closed: the terminal is gone.
        """
        if self._running is None:
            self._running = self._loop.create_task(self.app.run_async(set_exception_handler=False))
        task = self._loop.create_task(work)
        try:
            self._loop.run_until_complete(
                asyncio.wait([task, self._running], return_when=asyncio.FIRST_COMPLETED)
            )
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            if task.done():
                return task.result()
            self._over()
            raise Closed
        finally:
            if not task.done():
                task.cancel()
                self._loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

    async def ask(self, entry: Entry) -> Any:
        """What the agent answers in `entry`."""
        self._open(entry, entry.default)
        result: asyncio.Future[Any] = self._loop.create_future()
        self._result = result
        self._loop.call_soon(self._go_on)
        self.asked(entry)
        try:
            return await result
        finally:
            self._result = None

    def asked(self, entry: Entry) -> None:
        """An entry takes keys from now on."""

    @property
    def entry(self) -> Entry | None:
        """What takes the keys, or took the last of them."""
        return self._entry

    def drop_keys(self) -> None:
        """Forgets what was typed while nothing was asked."""
        self._keys.held.clear()

    def repaint(self) -> None:
        """What is to be seen has changed."""
        self.app.invalidate()

    async def pause(self, seconds: float) -> None:
        """Lets some time pass."""
        await asyncio.sleep(seconds)

    def call_soon(self, action: Action) -> None:
        """Calls `action` on the loop; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)

    def write(self, sequence: str) -> None:
        """Sends a sequence to the terminal that moves nothing on it."""
        self.app.output.write_raw(sequence)
        self.app.output.flush()

    def close(self) -> None:
        """Gives the terminal back as it was found."""
        if self._running is not None and not self._running.done():
            if self.app.is_running:
                self.app.exit()
            self._loop.run_until_complete(asyncio.wait([self._running]))
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    # -- pieces ---------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """Of the line; see `returnflow.wizard.screen.entry.Line`."""
        return self._buffer.text

    def set(self, text: str) -> None:
        """See `returnflow.wizard.screen.entry.Line`."""
        self._buffer.set_document(Document(text, len(text)), bypass_readonly=True)

    def _tall(self) -> bool:
        return bool(self._entry and self._entry.tall)

    @property
    def _label(self) -> str:
        return self._entry.label if self._entry is not None else ""

    def _open(self, entry: Entry, text: str) -> None:
        self._entry = None
        entry.line = self
        self.set(text)
        self._entry = entry
        entry.finish = self._finish
        self.app.invalidate()

    def _go_on(self) -> None:
        """Processes what was typed ahead, as the application itself would."""
        if self.app.context is not None:
            self.app.context.copy().run(self._keys.go_on)

    def _finish(self, result: object) -> None:
        if self._result is not None and not self._result.done():
            future, self._result = self._result, None
            future.set_result(result)

    def _typed(self) -> None:
        text = self._buffer.text
        if len(text) > MAX_NOTE + 1000:
            # More than any answer takes; the rest of a huge paste is not kept in the line.
            self.set(text[: MAX_NOTE + 1000])
        elif self._entry is not None:
            self._entry.typed()

    def _over(self) -> None:
        """Raises what ended the application, where it was no end of the input."""
        assert self._running is not None  # noqa: S101 (it has just ended)
        error = self._running.exception()
        if error is not None and not isinstance(error, EOFError):
            raise error

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A fault in a callback ends the waiting; it is raised there."""
        self._fault = context.get("exception") or RuntimeError(context["message"])
        if self._running is not None:
            self._running.cancel()

    # -- painting -------------------------------------------------------------------------

    def painting(self, columns: int, rows: int) -> Painting:
        """The scene, painted for the window; the line is put into its place."""
        scene = self._scene()
        self._seen_entry = scene.entry if scene is not None else None
        self._painting = paint(scene, columns, rows) if scene is not None else blank(columns, rows)
        place = self._painting.line or _NOWHERE
        self._float.left, self._float.top = place.left, place.top
        self._float.width, self._float.height = place.width, place.height
        return self._painting

    def _visible(self) -> bool:
        size = self.app.output.get_size()
        return size.columns >= LEAST_COLUMNS and size.rows >= LEAST_ROWS

    def _clicked(self, action: Action) -> None:
        # What is seen may be of something that was asked before, until the next painting.
        if self._result is not None and self._visible() and self._seen_entry is self._entry:
            action()

    # -- keys -----------------------------------------------------------------------------

    def _actions(self) -> Mapping[str, Action]:
        if self._entry is None or self._result is None:
            return {}
        own = self._entry.keys()
        found = {**self._everywhere(), **own}
        if self._label and self._buffer.text and "?" not in own:
            # Within a text it is a character like others.
            found.pop("?", None)
        return found

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()

        def bind(name: str, key: Keys | str) -> None:
            @bindings.add(key, filter=Condition(lambda: name in self._actions()))
            def _(event: KeyPressEvent) -> None:
                self._actions()[name]()

        for name, key in NAMED.items():
            bind(name, key)
        for character in TYPED:
            bind(character, character)

        @bindings.add(Keys.Any, filter=Condition(lambda: not self._label))
        def _(event: KeyPressEvent) -> None:
            """Where no text is typed, a character does nothing."""

        for key, by in ((Keys.Up, -1), (Keys.Down, 1)):

            @bindings.add(key, filter=Condition(self._tall))
            def _(event: KeyPressEvent, by: int = by) -> None:
                place = self._painting.line
                move_by_rows(self._buffer, place.width if place else 1, by)

        @bindings.add(Keys.BracketedPaste)
        def _(event: KeyPressEvent) -> None:
            if self._label:
                pasted = " ".join(event.data[: 2 * MAX_NOTE].split())
                self._buffer.insert_text(pasted)

        # Whatever else a terminal sends does nothing; a line would take it for text.
        for key in IGNORED:

            @bindings.add(key)
            def _(event: KeyPressEvent) -> None:
                """Nothing."""

        return bindings


IGNORED = (Keys.ControlSquareClose, Keys.ControlUnderscore, Keys.ControlBackslash)


class HeldKeys(KeyProcessor):
    """Processes keys one by one for as long as something is asked, and holds the others.

    What is typed where the window is too small to show what it would do is dropped.
    """

    def __init__(
        self, inner: KeyProcessor, asks: Callable[[], bool], visible: Callable[[], bool]
    ) -> None:
        super().__init__(inner._bindings)
        self._asks = asks
        self._visible = visible
        self.held: deque[KeyPress] = deque()

    def process_keys(self) -> None:
        """See prompt_toolkit."""
        if not self._visible():
            self.input_queue.clear()
            return
        self.held.extend(self.input_queue)
        self.input_queue.clear()
        self.go_on()

    def go_on(self) -> None:
        """Processes what was held, until nothing is asked any more."""
        while self.held and self._asks():
            self.input_queue.append(self.held.popleft())
            super().process_keys()
