"""The wizard on a real pseudo-terminal, as `returnflow wizard` is started by an agent.

pexpect types and reads, pyte is the screen. Nothing sleeps: every key follows a text that was
waited for.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from faults.child import Spec
from returnflow.backends import demo
from returnflow.inert import inert
from terminal.pseudo import Start, Terminal

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


def to_the_items(terminal: Terminal, email: str, order: str) -> None:
    """Answers the first two questions."""
    terminal.answer("E-mail:", f"{email}\r")
    terminal.answer("Order id:", f"{order}\r")


def leave(terminal: Terminal) -> int | None:
    terminal.send("/leave\r")
    terminal.answer("(yes / no):", "yes\r")
    return terminal.ended()


# -- calls ------------------------------------------------------------------------------------


def test_the_first_question_stands_on_the_screen(start: Start) -> None:
    """The start: the words to say, the question, the keys; Ctrl-D twice leaves nothing behind."""
    terminal = start("wizard", "--plain")
    terminal.answer("E-mail:")
    terminal.stands("Ctrl-D leaves")
    assert "What is the e-mail address that you are registered with, please?”" in terminal.words
    assert terminal.display[0].startswith("returnflow · demo: · agent ")
    terminal.send("\x04")
    terminal.answer("(yes / no):", "\x04")
    assert terminal.ended() == 3
    assert "Nothing was answered yet, so nothing is kept." in terminal.words


def test_a_whole_call_to_a_tracking_id(start: Start) -> None:
    """Rules 25, 31, 33: a return, from the e-mail to the three notices; it stands in the shop."""
    terminal = start("wizard", "--plain")
    to_the_items(terminal, "marta.lindqvist@example.com", "ORD-7301")
    terminal.answer("Items:", "1\r")
    terminal.answer("Reason for ", "damaged\r")
    terminal.answer("(yes / no / change):", "yes\r")
    for _ in range(3):
        terminal.answer("Said? [Enter]:", "\r")
    terminal.answer("Your choice:", "/done\r")
    assert terminal.ended() == 0
    with demo.connect() as shop:
        (opened,) = [found for found in shop.returns() if found.order_id == "ORD-7301"]
    assert f"has the tracking id {opened.tracking_id}." in terminal.words
    assert opened.reason == "DAMAGED"


RIGHT = "\x1b[C"
BACKSPACES = "\x7f" * len("thing")


def test_a_wrong_answer_is_told_in_place_and_mended(start: Start) -> None:
    """Rule 16: the reason stands below the line, which an arrow key keeps for mending; what is
    typed without one replaces it."""
    terminal = start("wizard", "--plain")
    terminal.answer("E-mail:", "nobody\r")
    terminal.expect("is not an e-mail address")
    terminal.send("nothing\r")
    terminal.expect("“nothing” is not an e-mail address")
    terminal.send(f"{RIGHT}{BACKSPACES}body@example.com\r")
    terminal.expect("I cannot find an account with the address")
    terminal.expect("E-mail:")
    assert "nobody@example.com" in terminal.words
    assert leave(terminal) == 3


def test_tab_completes(start: Start) -> None:
    """An item's id from its first letters, a slash word from its first."""
    terminal = start("wizard", "--plain")
    to_the_items(terminal, "marta.lindqvist@example.com", "ORD-7301")
    terminal.answer("Items:", "KET\t")
    terminal.expect("Items: KETTLE-17")
    terminal.send("\x15/fac\t")
    terminal.expect("Items: /facts")
    terminal.send("\r")
    terminal.expect("Decided under")
    assert leave(terminal) == 3


# -- interrupting -----------------------------------------------------------------------------


def test_ctrl_c_at_a_question_asks_whether_to_leave(start: Start) -> None:
    """No goes on with the same question, yes leaves the call, which can be resumed."""
    terminal = start("wizard", "--plain")
    terminal.answer("E-mail:", "marta.lindqvist@example.com\r")
    terminal.answer("Order id:", "ORD-\x03")
    terminal.answer("(yes / no):", "no\r")
    terminal.answer("Order id:", "\x03")
    terminal.expect("Leave the call?")
    terminal.answer("(yes / no):", "yes\r")
    assert terminal.ended() == 3
    found = re.search(r"returnflow calls resume (\S+)", terminal.words)
    assert found is not None
    again = start("calls", "resume", "--plain", found[1])
    again.expect("Order id:")
    assert "Marta Lindqvist" in again.words
    assert leave(again) == 3


def held(home: Path, fifo: Path, *, patience: float) -> Spec:
    """A wizard on the demo shop whose first look-up waits until the FIFO is written to."""
    os.mkfifo(fifo)
    demo.connect().close()
    shop = f"sqlite:///{demo.shop_file()}"
    arguments = ["wizard", "--plain", "--backend", shop, "--patience", str(patience)]
    return Spec(arguments=arguments, hold=str(fifo))


def test_ctrl_c_during_a_slow_look_up(start: Start, home: Path, tmp_path: Path) -> None:
    """The time is shown; Ctrl-C offers to wait on or to stop; stopped, the same is asked again."""
    fifo = tmp_path / "fifo"
    terminal = start(spec=held(home, fifo, patience=600))
    terminal.answer("E-mail:", "marta.lindqvist@example.com\r")
    terminal.expect("Looking up the customer: 1 s. Ctrl-C interrupts.")
    terminal.send("\x03")
    terminal.expect("No answer from the shop for")
    terminal.answer("Wait on? [Enter]:", "\r")
    terminal.expect("Ctrl-C interrupts.")
    terminal.send("\x03")
    terminal.answer("Wait on? [Enter]:", "/stop\r")
    terminal.expect("The look-up was stopped.")
    terminal.expect("E-mail:")
    assert leave(terminal) == 3


def test_a_slow_look_up_that_ends_after_all(start: Start, home: Path, tmp_path: Path) -> None:
    """Patience runs out and the agent is asked; the answer that came meanwhile is taken."""
    fifo = tmp_path / "fifo"
    terminal = start(spec=held(home, fifo, patience=0.3))
    terminal.answer("E-mail:", "marta.lindqvist@example.com\r")
    terminal.expect("No answer from the shop for")
    terminal.expect("Wait on? [Enter]:")
    fifo.write_text("go on\n")
    terminal.send("\r")
    terminal.expect("Order id:")
    assert "Marta Lindqvist" in terminal.words
    assert leave(terminal) == 3


def test_the_customer_hangs_up_during_a_look_up(start: Start, home: Path, tmp_path: Path) -> None:
    """Rule 36: a customer who is gone ends the call, though the shop still owes an answer."""
    fifo = tmp_path / "fifo"
    terminal = start(spec=held(home, fifo, patience=0.3))
    terminal.answer("E-mail:", "marta.lindqvist@example.com\r")
    terminal.answer("Wait on? [Enter]:", "/hangup\r")
    assert terminal.ended() == 0
    assert "── Customer hung up ──" in terminal.words


# -- the window -------------------------------------------------------------------------------


def test_the_window_is_made_narrow_in_the_middle(start: Start) -> None:
    """After a resize to 40 columns everything is wrapped to 40, and the call goes on."""
    terminal = start("wizard", "--plain")
    terminal.answer("E-mail:", "marta.lindqvist@example.com\r")
    terminal.expect("Order id:")
    terminal.resize(40, 50)
    terminal.send("ORD-7301\r")
    terminal.answer("Items:", "1\r")
    terminal.expect("Reason for ")
    # The line of keys may have been drawn for the wide window a last time before it was told.
    shown = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]", "", terminal.raw)
    rows = re.split(r"[\r\n]+", shown[shown.index("── Step 4a") :])
    assert len(rows) > 20
    assert not [row for row in rows if len(row.rstrip()) > 40]
    assert "── Step 4a · Identify the items ────────" in terminal.display
    terminal.send("\x03")
    terminal.answer("(yes / no):", "yes\r")
    assert terminal.ended() == 3


def test_forty_columns_from_the_start(start: Start) -> None:
    """A window of 40 columns: the keys are named in few words, and nothing is cut off."""
    terminal = start("wizard", "--plain", columns=40)
    to_the_items(terminal, "marta.lindqvist@example.com", "ORD-7301")
    terminal.expect("Items:")
    terminal.stands("Tab · /help · /back · Ctrl-D leaves")
    assert "Which items would you like to return, and how many of each?”" in terminal.words
    assert leave(terminal) == 3


def test_a_terminal_that_can_move_no_cursor(start: Start) -> None:
    """TERM=dumb: whole lines, and not one escape sequence."""
    terminal = start("wizard", "--plain", TERM="dumb")
    to_the_items(terminal, "marta.lindqvist@example.com", "ORD-7301")
    terminal.answer("Items:", "1\r")
    terminal.answer("Reason for ", "/leave\r")
    terminal.answer("(yes / no):", "yes\r")
    assert terminal.ended() == 3
    assert "\x1b" not in terminal.raw


def test_no_colour_where_none_is_wanted(start: Start) -> None:
    """NO_COLOR: no sequence that sets a colour is written."""
    terminal = start("wizard", "--plain", NO_COLOR="1")
    to_the_items(terminal, "marta.lindqvist@example.com", "ORD-7301")
    terminal.answer("Items:", "9\r")
    terminal.expect("No item of the list matches")
    terminal.send("\x15")
    assert leave(terminal) == 3
    assert "\x1b[" in terminal.raw
    assert not COLOUR.findall(terminal.raw)


# -- texts ------------------------------------------------------------------------------------


def test_hostile_texts_are_shown_inert(start: Start) -> None:
    """Rule 37: names and items with escape sequences and bidi overrides do nothing; stand-ins
    show where they were."""
    terminal = start("wizard", "--plain", lines=120)
    to_the_items(terminal, "zoe.zolc@example.com", "ORD-7317")
    terminal.expect("Items:")
    with demo.connect() as shop:
        customer = shop.get_customer_by_email("zoe.zolc@example.com")
        texts = [line.description for line in shop.get_order_details("ORD-7317").lines]
    texts += [customer.first_name, customer.last_name]
    hostile = [text for text in texts if inert(text) != text]
    assert len(hostile) >= 3
    for text in hostile:
        assert text not in terminal.raw
        # The program itself sets its colours back, with the sequence that one item holds too.
        sequences = set(re.findall(r"\x1b\[[0-?]*[@-~]|\x1b[^\[]", text)) - {"\x1b[0m"}
        assert not [sequence for sequence in sequences if sequence in terminal.raw]
        shown = re.findall(r"\S*·\S*", inert(text))
        assert shown
        assert all(word in terminal.words for word in shown), (shown, terminal.words)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x07\x9b]", terminal.raw)
    assert leave(terminal) == 3


def test_wide_characters_line_up(start: Start) -> None:
    """CJK and emoji take two columns: no row overflows, and details stand under their titles."""
    terminal = start("wizard", "--plain", lines=120)
    to_the_items(terminal, "zoe.zolc@example.com", "ORD-7317")
    terminal.expect("Items:")
    rows = terminal.display
    details = [row for row in rows if re.match(r"\s+(茶-急須|KITE-🪁) · ", row)]
    assert len(details) == 2
    assert {len(row) - len(row.lstrip()) for row in details} == {7}
    with demo.connect() as shop:
        titles = [line.description for line in shop.get_order_details("ORD-7317").lines]
    assert "".join(inert(titles[0]).split()) in "".join("".join(rows).split())
    # A row that is too long for the window would run on in the first column of the next.
    listed = rows[rows.index(next(row for row in rows if "Step 4a" in row)) + 1 :]
    listed = listed[: listed.index(next(row for row in listed if "/order" in row))]
    assert all(row.startswith("  ") for row in listed)
    assert leave(terminal) == 3
