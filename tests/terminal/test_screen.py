"""The full screen on a real pseudo-terminal, at three sizes, as a person would see it.

The files under `golden/` are for reading. ``RETURNFLOW_UPDATE_GOLDEN=1`` writes them anew; look at
the difference before you keep it. Ids that are made up at random stand there as X.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
import wcwidth

from faults.child import Spec
from returnflow.backends import demo
from returnflow.bundled import bundled
from returnflow.inert import inert
from terminal.pseudo import FullScreen, Start
from terminal.test_terminal import COLOUR

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("RETURNFLOW_UPDATE_GOLDEN") == "1"
SIZES = [(80, 24), (60, 20), (200, 60)]
DAY = date(2026, 11, 23)
F5, ESC = "\x1b[15~", "\x1b"

MADE_UP: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b(\d{8})-[0-9A-Z]{4}-[0-9A-Z]{4}\b"), r"\1-XXXX-XXXX"),
    # One may be cut off at the edge of a pane.
    (re.compile(r"\bRT-[0-9A-Z-]+"), lambda found: "RT-" + re.sub("[0-9A-Z]", "X", found[0][3:])),
)

Open = Callable[..., FullScreen]


@pytest.fixture
def opened(start: Start, home: Path) -> Open:
    """Opens the wizard on the demo shop of a fixed day, at a fixed moment."""

    def screen(columns: int, lines: int, sop: str = "", **env: str) -> FullScreen:
        if not demo.shop_file().exists():
            demo.connect(today=DAY).close()
        spec = Spec(
            arguments=[
                *("wizard", "--agent", "kim", "--backend", f"sqlite:///{demo.shop_file()}"),
                *(["--sop", sop] if sop else []),
            ],
            now=f"{DAY}T10:00:00+01:00",
        )
        return FullScreen(start(spec=spec, columns=columns, lines=lines, **env)).until("E-mail:")

    return screen


def golden(name: str, screen: FullScreen, columns: int, rows: int) -> None:
    """Compares a screen with its file, once all of it has been read."""
    path = GOLDEN / f"{name}_{columns}x{rows}.txt"
    if UPDATE:
        while not screen.terminal.silent(0.5):
            pass
        path.parent.mkdir(exist_ok=True)
        path.write_text(_kept(screen), encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    while _kept(screen) != expected and not screen.terminal.silent(2):
        pass
    assert _kept(screen) == expected


def _kept(screen: FullScreen) -> str:
    seen = screen.screen
    for pattern, stand_in in MADE_UP:
        seen = pattern.sub(stand_in, seen)
    return seen + "\n"


def lines_up(screen: FullScreen, columns: int) -> None:
    """Every row is as wide as the window, and the lines between the panes stand straight."""
    panes: set[tuple[int, ...]] = set()
    for row in screen.rows:
        # pyte keeps an empty cell behind a wide character; a terminal shows none.
        cells = [index for index, cell in enumerate(_cells(row)) if cell == "│"]
        if cells:
            panes.add(tuple(cells))
    assert len(panes) <= 1, f"{panes} in:\n{screen.screen}"


def _cells(row: str) -> Sequence[str]:
    found: list[str] = []
    for character in row:
        width = wcwidth.wcwidth(character)
        if width == 0 and found:
            found[-1] += character
        else:
            found += [character, *[""] * (width - 1)]
    return found


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_a_call_of_which_a_part_may_go_back(opened: Open, columns: int, rows: int) -> None:
    """The main steps: start, order, items, refusals, reasons, review, notices, wrap-up."""
    screen = opened(columns, rows)
    golden("1_start", screen, columns, rows)
    screen.keys("aoife.brennan@example.com\r", "Order id:")
    golden("2_identified", screen, columns, rows)
    screen.keys("/unknown\r", "Which order is it about?")
    golden("3_orders", screen, columns, rows)
    screen.keys("7303\r", "Which items would you like to return")
    screen.keys("headset ", "1 of 3 items chosen")
    screen.keys("\x7f" * 7 + "tips ", "2 of 3 items chosen")
    screen.keys("\x7f" * 4, "[1] Wireless headset", "[1] Ear tips", "[ ] Wall shelf")
    screen.keys("\x1b[F1", "3 of 3 items chosen")
    golden("4_items", screen, columns, rows)
    screen.keys("\r", "Space it is said")
    golden("5_refusals", screen, columns, rows)
    screen.keys("  ", "Reason:")
    screen.keys("1\r", "Shall I go ahead?")
    golden("6_review", screen, columns, rows)
    screen.keys("y", "tracking id")
    screen.keys(" ", "[✓]")
    golden("7_notices", screen, columns, rows)
    screen.keys("  ", "Is everything settled").keys("d\r", "Closed with a return")
    golden("8_wrap_up", screen, columns, rows)
    screen.terminal.send("q")
    assert screen.terminal.ended() == 0
    assert "Closed with a return" in screen.terminal.words


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_a_delayed_package(opened: Open, columns: int, rows: int) -> None:
    """The second procedure, with answers by their slash words; the drafted summary is edited."""
    screen = opened(columns, rows, sop="delayed-package")
    screen.keys("rui.nunes@example.com\r", "Which order are you")
    screen.keys("ORD-7506\r", "Which item are you")
    screen.keys("\r", "Space it is said")
    golden("delayed_1_told", screen, columns, rows)
    screen.keys("   ", "Is there anything else")
    screen.keys("importnt\r", "Did you mean /important?")
    screen.keys("\x15important\r", "nothing that I can offer")
    screen.keys("\x1bOS", "Why:").keys("not satisfied\r", "Is not satisfied.")
    golden("delayed_2_summary", screen, columns, rows)
    screen.keys(" Please call back.\r", "Transferred")
    screen.terminal.send("q")
    assert screen.terminal.ended() == 0


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_wide_and_hostile_texts(opened: Open, columns: int, rows: int) -> None:
    """Rule 37; CJK, emoji and combining characters take the cells that they take: the panes
    stand straight, and what would act is shown inert."""
    screen = opened(columns, rows)
    screen.keys("zoe.zolc@example.com\r", "Order id:")
    lines_up(screen, columns)
    golden("wide_1_customer", screen, columns, rows)
    screen.keys("ORD-7317\r", "Which items would you like to return")
    lines_up(screen, columns)
    golden("wide_2_items", screen, columns, rows)
    screen.keys("*", "[1]").keys("\r", "Step 4b")
    lines_up(screen, columns)
    golden("wide_3_checked", screen, columns, rows)
    with demo.connect() as shop:
        texts = [line.description for line in shop.get_order_details("ORD-7317").lines]
    hostile = [text for text in texts if inert(text) != text]
    assert hostile
    for text in hostile:
        assert text not in screen.terminal.raw
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x07\x9b]", screen.terminal.raw)


def test_the_window_is_resized_in_the_middle(opened: Open) -> None:
    """Panes fold and unfold as the window is made smaller and larger; the call stands."""
    screen = opened(200, 60)
    screen.keys("marta.lindqvist@example.com\r", "Order id:", "Identify the items")
    screen.terminal.resize(80, 24)
    screen.until("▸ 2  │").keys("ORD-73", "Order id: ORD-73")
    screen.terminal.resize(60, 20)
    screen.until("✓1 ▸2 ·3 ·4a ·4b ┊ ·5 ·6", "Order id: ORD-73")
    screen.terminal.resize(45, 12)
    screen.until("Please make the window larger: at least 50")
    screen.terminal.resize(110, 30)
    screen.until("Order id: ORD-73", "nothing sent yet").keys("01\r", "Electric kettle")


def test_no_colour_where_none_is_wanted(opened: Callable[..., FullScreen]) -> None:
    """NO_COLOR: no sequence that sets a colour is written; all the marks are there."""
    screen = opened(80, 24, NO_COLOR="1")
    screen.keys("nobody\r", "! “nobody” is not an e-mail address")
    assert not COLOUR.findall(screen.terminal.raw)


def test_the_terminal_is_given_back(opened: Open) -> None:
    """After leaving, the screen of the shell is there again, and how to go on."""
    screen = opened(80, 24)
    screen.keys("marta.lindqvist@example.com\r", "Order id:").keys("\x03", "Leave the call?")
    screen.terminal.send("y")
    assert screen.terminal.ended() == 3
    assert "\x1b[?1049l" in screen.terminal.raw
    assert "returnflow calls resume" in screen.terminal.words


def test_a_call_goes_on_full_screen(start: Start, home: Path) -> None:
    """`calls resume` opens the same screen where the call was left."""
    first = FullScreen(start("wizard", columns=80, lines=24)).until("E-mail:")
    first.keys("marta.lindqvist@example.com\r", "Order id:").keys("\x03", "Leave the call?")
    first.terminal.send("y")
    first.terminal.ended()
    found = re.search(r"returnflow calls resume (\S+)", first.terminal.words)
    assert found is not None
    again = FullScreen(start("calls", "resume", found[1], columns=80, lines=24))
    again.until("Going on where the call was left: Customer identified", "Order id:")
    again.keys("/hangup\r", "Is the customer gone?")
    again.keys("y", "lead the next call")
    again.keys("n", "E-mail:")
    assert "Going on where" not in again.screen
    # The desk is still at work, but not on the first call: that has ended and is not taken.
    ended = start("calls", "resume", found[1], columns=200)
    status = ended.ended()
    assert "The call has ended: " in ended.words
    assert status == 0
    again.keys("\x03", "Leave the call?")
    again.terminal.send("y")
    assert again.terminal.ended() == 3
    assert f"Case {found[1]}: " in again.terminal.words


def test_no_other_call_is_begun_by_a_procedure_that_may_have_changed(
    start: Start, home: Path, tmp_path: Path
) -> None:
    """Which file a call was led by is not journaled, so another cannot be begun by it."""
    ours = tmp_path / "ours.yaml"
    ours.write_text((bundled("states") / "handling_returns.yaml").read_text() + "\n# ours\n")
    arguments = ("wizard", "--sop", str(ours))
    first = FullScreen(start(*arguments, columns=80, lines=24)).until("E-mail:")
    first.keys("marta.lindqvist@example.com\r", "Order id:").keys("\x03", "Leave the call?")
    first.terminal.send("y")
    first.terminal.ended()
    found = re.search(r"returnflow calls resume (\S+)", first.terminal.words)
    assert found is not None
    again = FullScreen(start("calls", "resume", found[1], columns=80, lines=24)).until("Order id:")
    again.keys("/hangup\r", "Is the customer gone?").keys("y", "no further call")
    assert "lead the next call" not in again.screen


@pytest.mark.parametrize(
    ("arguments", "size", "env"),
    [
        (["--plain"], (80, 24), {}),
        ([], (49, 24), {}),
        ([], (80, 15), {}),
        ([], (80, 24), {"TERM": "dumb"}),
    ],
)
def test_where_the_lines_are_kept(
    start: Start, arguments: list[str], size: tuple[int, int], env: dict[str, str]
) -> None:
    """--plain, a window too small and a dumb terminal: the plain wizard."""
    terminal = start("wizard", *arguments, columns=size[0], lines=size[1], **env)
    terminal.expect("E-mail:")
    assert "\x1b[?1049h" not in terminal.raw
    assert "Type an answer and press Enter" in terminal.words


def test_an_option_takes_the_lines_back(start: Start) -> None:
    """--no-plain comes before the environment and the settings."""
    screen = FullScreen(start("wizard", "--no-plain", columns=80, lines=24, RETURNFLOW_PLAIN="1"))
    screen.until("E-mail:")
    assert "\x1b[?1049h" in screen.terminal.raw


def test_a_list_of_calls_fits_the_window(start: Start, home: Path) -> None:
    """Names and addresses are cut; a case id never is."""
    first = FullScreen(start("wizard", "--agent", "Nora " * 7, columns=80, lines=24))
    first.until("E-mail:").keys("marta.lindqvist@example.com\r", "Order id:")
    first.keys("\x03", "Leave the call?").terminal.send("y")
    first.terminal.ended()
    found = re.search(r"returnflow calls resume (\S+)", first.terminal.words)
    assert found is not None
    listed = start("calls", "list", columns=80, lines=24)
    assert listed.ended() == 0
    heads, row = (line for line in listed.display if line.strip())
    assert heads.split() == ["CASE", "BEGUN", "AGENT", "STATE", "E-MAIL"]
    assert row.startswith(found[1])
    assert row.count("…") == 2
    assert "identified (open)" in row


def test_an_idle_screen_sends_nothing(opened: Open) -> None:
    """Once a question stands there, not a byte follows until a key is pressed."""
    screen = opened(80, 24)
    screen.keys("x", "E-mail: x")
    # Longer than prompt_toolkit looks for a change of the window's size.
    assert screen.terminal.silent(1.2)


def test_a_click_works(opened: Open) -> None:
    """Nothing needs a mouse; a click on an answer takes it, on an item chooses it."""
    screen = opened(80, 24)
    screen.keys("marta.lindqvist@example.com\r", "Order id:")
    row = next(n for n, text in enumerate(screen.rows, 1) if "/unknown" in text)
    screen.keys(f"\x1b[<0;15;{row}M\x1b[<0;15;{row}m", "Which order is it about?")
