"""A monkey at the keys: a seeded stream of keys, pastes and resizes, now and then a sensible one.

Pure noise never gets past the first question, so a part of what it types is what an agent might:
an address of the shop, an order, a reason. The rest is noise, in bursts.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from prompt_toolkit.data_structures import Size

from screen.driver import (
    BACKSPACE,
    CTRL_A,
    CTRL_C,
    CTRL_D,
    CTRL_U,
    DOWN,
    END,
    ENTER,
    ESC,
    F2,
    F3,
    F4,
    F5,
    F6,
    F7,
    F8,
    F9,
    HOME,
    LEFT,
    PAGE_DOWN,
    PAGE_UP,
    RIGHT,
    SHIFT_TAB,
    SPACE,
    TAB,
    UP,
    Keys,
    Played,
    clicked,
    pasted,
)

NAMED = [ENTER, TAB, SPACE, ESC, UP, DOWN, LEFT, RIGHT, HOME, END, PAGE_UP, PAGE_DOWN, SHIFT_TAB]
NAMED += [BACKSPACE, CTRL_A, CTRL_U, F2, F3, F5, F6, F7, F9, "?", "/", "*", "+", "-"]
RARE = [CTRL_C, CTRL_D, F4, F8, "\x00", "\x1b[3~", "\x1b[999~", "\x1bx", "\x1f", "\x1c"]
TEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;@_%&()“é急🪁\u0301\u202e"
WORDS = ["/back", "/note x", "/facts", "/story", "/help", "/check 1", "/orders", "/close", "/items"]
WORDS += [
    "/order",
    "/unknown",
    "/none",
    "/another",
    "/done",
    "/again",
    "/open",
    "/email",
    "/nothing",
]
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "a\r\nb\r\nc",
    "x" * 9000,
    "\u202egnp\u2066",
    "\x9b2J",
    "٣ x ２",
    "",
]


class Monkey:
    """See the module.

    Args:
        keys: how many it presses before it stops; a paste counts as one, a resize too.
        known: addresses and order ids that the shop knows.
    """

    def __init__(self, seed: int, keys: int, known: list[tuple[str, str]]) -> None:
        self._rng = Random(seed)
        self._left = self._all = keys
        self._known = known

    @property
    def pressed(self) -> int:
        """How many keys it has pressed."""
        return self._all - self._left

    def script(self) -> Iterator[Keys]:
        """What it does, until it is tired of it."""
        while self._left > 0:
            dice = self._rng.random()
            if dice < 0.02:
                self._left -= 1
                yield self._resize
            elif dice < 0.45:
                yield self._sensible
            else:
                yield self._burst()

    def _burst(self) -> str:
        burst = ""
        for _ in range(self._rng.randint(1, 40)):
            dice = self._rng.random()
            if dice < 0.5:
                burst += self._rng.choice(NAMED)
            elif dice < 0.505:
                burst += self._rng.choice(RARE)
            elif dice < 0.52:
                text = self._rng.choice([*HOSTILE, *WORDS, *self._rng.choice(self._known)])
                burst += pasted(text)
            elif dice < 0.53:
                burst += clicked(self._rng.randrange(200), self._rng.randrange(60))
            else:
                burst += self._rng.choice(TEXT)
            self._left -= 1
        return burst

    def _resize(self, played: Played) -> None:
        columns, rows = self._rng.choice([(80, 24), (60, 20), (200, 60), (30, 5), (110, 30)])
        if self._rng.random() < 0.3:
            columns, rows = self._rng.randint(1, 220), self._rng.randint(1, 70)
        if Size(rows=rows, columns=columns) != played.size:
            played.resize(columns, rows)

    def _sensible(self, played: Played) -> str | None:
        """What an agent might do: get the question back where something stands before it, then
        what fits the state that the call is in."""
        assert played.run is not None
        shown = played.screen
        if "make the window larger" in shown:
            self._left -= 1
            played.resize(80, 24)
            return None
        if "Esc close" in shown or "Esc leave it" in shown:
            self._left -= 1
            return ESC
        email, order = self._rng.choice(self._known)
        case = played.run.session.case
        if case.customer is not None:
            order = dict(self._known).get(case.customer.email, order)
        reason = self._rng.choice("12345")
        keys = {
            "started": f"{CTRL_U}{email}{ENTER}",
            "identified": f"{CTRL_U}{order}{ENTER}",
            "orders_listed": f"{CTRL_U}{ENTER}",
            "order_selected": f"{CTRL_U}{self._rng.choice(['*', '1', SPACE])}{ENTER}",
            "eligibility_checked": f"{CTRL_U}{reason} for all{ENTER}",
            "nothing_eligible": f"{CTRL_U}{SPACE}{SPACE}{TAB}",
            "return_initiated": f"{CTRL_U}{SPACE}{SPACE}{SPACE}{DOWN}{ENTER}",
        }.get(played.run.session.state.name, CTRL_U + self._rng.choice("ynoscq") + ENTER)
        if played.run.session.state.kind == "end":
            keys = f"{CTRL_U}n"  # the next call
        if played.run.session.dues():
            # What a burst left in the line is dropped first.
            keys = CTRL_U + SPACE
        if self._rng.random() < 0.3:
            keys = self._rng.choice(["y", ESC, ENTER, "n"])
        self._left -= len(keys)
        return keys
