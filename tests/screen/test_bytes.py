"""What goes to the terminal: little for a key, nothing for none."""

from __future__ import annotations

import pytest
from benchmarks.keys import shop

from screen.driver import DOWN, ENTER, ESC, F5, F6, PAGE_DOWN, SPACE, TAB, UP, play
from wizard.driver import Stage

MOST = 4096
"""Bytes that a key may send."""


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 20), (200, 60)])
def test_a_key_sends_less_than_four_kilobytes(stage: Stage, columns: int, rows: int) -> None:
    """A whole call on an order of 60 lines, of which all go back; every key of it counts."""
    script = [
        *"c@example.com",
        ENTER,
        "?",
        ESC,
        *"O-60",
        ENTER,
        *[DOWN] * 40,
        PAGE_DOWN,
        PAGE_DOWN,
        UP,
        SPACE,
        *"lamp",
        *["\x7f"] * 4,
        F5,
        PAGE_DOWN,
        ESC,
        "*",
        ENTER,
        F6,
        PAGE_DOWN,
        PAGE_DOWN,
        ESC,
        *"damaged for all",
        ENTER,
        "y",
        *[SPACE] * 3,
        TAB,
        ESC,
    ]
    played = play(stage, *script, columns=columns, rows=rows, shop=shop(), measures=True)
    assert played.state == "return_initiated"
    assert len(played.sent) == len(script)
    over = [(key, size) for key, size in zip(script, played.sent, strict=True) if size >= MOST]
    assert not over
    assert 0 < min(played.sent[4:10]) < 200
