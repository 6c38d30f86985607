"""Keys that work everywhere: the menu, panels, notes, veiling, the clipboard, settings."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from returnflow.engine.case_log import StoredCaseLog
from returnflow.errors import JournalError
from returnflow.returns import events as ev
from returnflow.settings import Settings
from returnflow.wizard.commands import COMMANDS
from returnflow.wizard.screen.keys import NAMED
from returnflow.wizard.screen.letters import Answers
from returnflow.wizard.texts import NEXT_CALL
from screen.driver import (
    CTRL_C,
    CTRL_U,
    DOWN,
    END,
    ENTER,
    ESC,
    F2,
    F4,
    F5,
    F6,
    F7,
    F8,
    F9,
    HOME,
    PAGE_DOWN,
    PAGE_UP,
    SPACE,
    TAB,
    UP,
    Keys,
    clicked,
    lacks,
    pasted,
    play,
    shows,
    typed,
)
from wizard.driver import Stage

ANN = typed("ann@example.com", "O-ANN")
F12 = "\x1b[24~"


def test_no_key_that_terminals_keep() -> None:
    """Ctrl-S, Ctrl-Q, Ctrl-Z, Ctrl-B, F1, F10 and F11 do nothing here."""
    assert not {"c-s", "c-q", "c-z", "c-b", "f1", "f10", "f11"} & set(NAMED.values())


def test_the_menu_lists_every_command_and_does_it(stage: Stage) -> None:
    """`?` at a question; Enter does what is chosen, a key of the list as well, Escape nothing."""
    listed = [f"(/{word})" for word in COMMANDS if word not in ("help", "check")]
    played = play(
        stage,
        *ANN,
        "?",
        shows("What can be done now", "/order", *listed),
        ESC,
        shows("[ ] Reading lamp"),
        "?",
        ENTER,
        shows("What can be done now"),
        DOWN * 3 + UP + DOWN + ENTER,
        shows("Closed without a return"),
        "q",
        columns=110,
        rows=40,
    )
    assert played.state == "closed_without_return"
    again = play(stage, *ANN, ESC, F7, shows("Order id:"))
    assert again.state == "identified"


def test_a_word_typed_in_the_menu_is_done_and_nothing_else(stage: Stage) -> None:
    """No row is chosen beforehand; letters choose the one that they begin."""
    played = play(
        stage,
        ANN[0],
        "?",
        "/zz",
        shows("What can be done now: /zz (there is none)"),
        ENTER,
        "\x7f\x7fc" + ENTER,
        shows("What can be done now: /c"),
        "/transfer",
        shows("▸ F4"),
        ENTER,
        shows("Why:"),
    )
    assert played.state == "identified"


def test_escape_clears_a_search_before_it_opens_the_menu(stage: Stage) -> None:
    play(
        stage,
        *ANN,
        "xyz",
        shows("Search: xyz"),
        ESC,
        shows("[ ] Woollen rug"),
        lacks("What can be done now"),
        ESC,
        shows("What can be done now"),
    )


def test_a_question_mark_in_a_text_is_one(stage: Stage) -> None:
    """In an empty line it opens the menu; behind a character it is typed."""
    play(stage, "a?", shows("E-mail: a?"), CTRL_U, "?", shows("What can be done now"))


def test_slash_words_work_in_every_line(stage: Stage) -> None:
    """As in the plain wizard: /help, /facts, /story, /note, /back, and one that is none."""
    played = play(
        stage,
        ANN[0],
        f"/facts{ENTER}",
        shows("Everything known in this call"),
        ESC,
        f"/story{ENTER}",
        shows("The call so far"),
        ESC,
        f"/help{ENTER}",
        shows("What can be done now"),
        ESC,
        f"/note calls again{ENTER}",
        shows("The note is kept."),
        f"/bakc{ENTER}",
        shows("! There is no /bakc here; /help lists. Did you mean /back?"),
        CTRL_U,
        f"/back{ENTER}",
        shows("E-mail:"),
    )
    assert [entry.text for entry in played.entries if entry.kind == "noted"] == ["calls again"]


REVIEWED: list[Keys] = [*ANN, SPACE + ENTER, f"1{ENTER}", shows("Shall I go ahead?")]
SETTLED: list[Keys] = [*REVIEWED, "y", SPACE * 3, shows("Is everything settled")]


def test_a_slash_word_typed_at_the_review_sends_nothing(stage: Stage) -> None:
    """The y of /story is no yes, the n of /note no no, and what follows a slash stays a word."""
    played = play(
        stage,
        *REVIEWED,
        "/story",
        shows("Word: /story"),
        ENTER,
        shows("The call so far"),
        ESC,
        shows("Shall I go ahead?"),
        f"/nyn{ENTER}",
        shows("! There is no /nyn here"),
        ESC,
        lacks("Word:"),
        f"/note sure?{ENTER}",
        shows("The note is kept."),
    )
    assert "return_confirmed" not in played.names
    assert [entry.text for entry in played.entries if entry.kind == "noted"] == ["sure?"]
    said = play(stage, *REVIEWED, f"/yes{ENTER}", shows("tracking id"))
    assert "return_confirmed" in said.names


def test_a_word_typed_where_an_answer_is_chosen_is_that_answer(stage: Stage) -> None:
    """What was typed goes before the answer under the cursor; what is no answer is none."""
    played = play(
        stage,
        *SETTLED,
        f"anothr{ENTER}",
        shows("! There is no /anothr here; /help lists. Did you mean /another?"),
        CTRL_U,
        lacks("Word:"),
        f"another{ENTER}",
        shows("Order id:"),
    )
    assert played.names[-1] == "another_return"


def test_the_beginning_of_a_word_is_enough_where_it_is_the_only_one(stage: Stage) -> None:
    """The c of /close, /copy and /check is not; the d of /done is."""
    played = play(
        stage,
        *SETTLED,
        f"h{ENTER}",
        shows("! There is no /h here"),
        CTRL_U + f"not Customer Called BOB{ENTER}",
        shows("The note is kept."),
        f"d{ENTER}",
        shows("Closed with a return"),
    )
    assert played.names[-1] == "satisfied"
    noted = [entry.text for entry in played.entries if entry.kind == "noted"]
    assert noted == ["Customer Called BOB"]


def test_no_answer_is_chosen_beforehand(stage: Stage) -> None:
    """One of them ends the call, so a second Enter takes none."""
    played = play(
        stage,
        *SETTLED,
        ENTER,
        shows("! Choose with ↑ and ↓"),
        "x",
        ESC,
        ENTER,
        shows("! Choose with ↑ and ↓"),
        DOWN,
        shows("▸ /done"),
        ENTER,
    )
    assert played.names[-1] == "satisfied"


def test_a_word_typed_at_the_checklist_ticks_nothing(stage: Stage) -> None:
    """Within a word a space is a space; a letter begins one."""
    played = play(
        stage,
        *REVIEWED,
        "y",
        CTRL_C,
        shows("Leave the call?", "has the tracking id"),
        lacks("Is everything settled"),
        "n",
        "in a moment",
        shows("Word: /in a moment"),
        ENTER,
        shows("! There is no /in here"),
        ESC,
        lacks("[✓]"),
        f"/note wants it by post{ENTER}",
        shows("The note is kept.", "[ ]"),
        lacks("[✓]"),
    )
    noted = [entry.text for entry in played.entries if entry.kind == "noted"]
    assert noted == ["wants it by post"]


def test_after_the_end_only_its_own_words_are_taken(stage: Stage) -> None:
    played = play(
        stage,
        ANN[0],
        f"/close{ENTER}",
        shows("Closed without a return"),
        f"/transfer{ENTER}",
        shows("! Please choose: n (next)"),
        CTRL_U,
        f"/quit{ENTER}",
    )
    assert played.state == "closed_without_return"


def test_a_long_summary_is_wrapped_at_words(stage: Stage) -> None:
    """The cursor finds every character, and the arrows move by rows."""
    words = "one two 三四五六 seven " * 8
    played = play(
        stage,
        F4,
        ENTER,
        CTRL_U + words.strip(),
        whole_words,
        UP + "X" + DOWN + "Y" + HOME + "A" + UP + "B" + END + "Z",
        whole_words,
        DOWN * 9 + "!" + UP * 9 + "?",
        ENTER,
        "q",
    )
    (wanted,) = [event for event in played.events if isinstance(event, ev.HumanRequested)]
    typed_in = wanted.summary
    assert re.sub("[XYZAB!?]", "", typed_in) == words.strip()
    assert typed_in.startswith("?")
    assert typed_in.endswith("!")


def whole_words(played: Any) -> None:
    """Every row of the text holds whole words, and the terminal's cursor stands in it."""
    rows = [row.split("│")[1].strip() for row in played.rows[1:-2]]
    first = rows.index("Summary:") + 1
    text = rows[first : rows.index("", first)]
    assert len(text) > 3
    for row in text:
        assert set(re.sub("[XYZAB]", "", row).split()) <= {"one", "two", "三四五六", "seven"}


def test_after_the_end_there_is_no_call_to_be_left(stage: Stage) -> None:
    """Ctrl-C at the wrap-up ends the program without a question."""
    played = play(stage, ANN[0], f"/close{ENTER}", shows("Closed without a return"), CTRL_C)
    assert played.state == "closed_without_return"
    assert "Leave the call?" not in played.screen
    assert played.desk is not None
    assert not played.desk.left


def test_panels_scroll_and_keep_what_was_typed(stage: Stage) -> None:
    """F5 and F6 open and close; what stands in the line is there afterwards."""
    play(
        stage,
        ANN[0],
        "O-A",
        F5,
        shows("Everything known", "Customer"),
        PAGE_DOWN + PAGE_UP + END + HOME + DOWN + UP + SPACE,
        F5,
        shows("Order id: O-A"),
        F6,
        shows("The customer gave the address a•••@e•••.com."),
        "q",
        shows("Order id: O-A"),
        F6,
        CTRL_C,
        shows("Order id: O-A"),
        columns=60,
        rows=20,
    )


def test_the_customer_is_veiled_until_asked_for(stage: Stage) -> None:
    """Rule 38: F9 shows name, address and number, and hides them again; the next call begins
    veiled."""
    play(
        stage,
        ANN[0],
        shows("a•••@e•••.com"),
        lacks("ann@example.com"),
        F9,
        shows("ann@example.com"),
        F6,
        shows("The customer gave the address ann@example.com."),
        ESC,
        F9,
        lacks("ann@example.com"),
    )


def test_a_note_and_its_limits(stage: Stage) -> None:
    """F2; Escape drops it, one that is too long is turned down, an empty one is none."""
    played = play(
        stage,
        F2,
        "half a note",
        ESC,
        shows("E-mail:"),
        F2,
        pasted("x" * 4500) + ENTER,
        shows("at most 4000 are taken"),
        CTRL_U + ENTER,
        shows("E-mail:"),
        F2,
        pasted("two\r\nlines") + ENTER,
        shows("The note is kept."),
    )
    assert [entry.text for entry in played.entries] == ["two lines"]


def test_one_command_instead_of_another(stage: Stage) -> None:
    """Within a transfer the hang-up is asked for, and a note; the other commands end it."""
    played = play(stage, *ANN, F4, F8, shows("Is the customer gone?"), ESC, shows("Reading lamp"))
    assert played.state == "order_selected"
    noted = play(stage, *ANN, F4, f"/note x{ENTER}", shows("The note is kept."))
    assert noted.entries[-1].text == "x"


def test_an_empty_summary_is_turned_down(stage: Stage) -> None:
    """Rule 34: a transfer is never without a summary."""
    played = play(
        stage,
        F4,
        ENTER,
        shows("Asks for a human."),
        CTRL_U + ENTER,
        shows("! A transfer needs a summary"),
        f"Please help.{ENTER}",
        "q",
    )
    (wanted,) = [event for event in played.events if isinstance(event, ev.HumanRequested)]
    assert wanted.summary == "Please help."


def test_a_paste_never_presses_a_key(stage: Stage) -> None:
    """Line ends, escape sequences and a huge text that are pasted are text, and made inert."""
    played = play(
        stage,
        pasted("ann@example.com\r\n"),
        shows("E-mail: ann@example.com"),
        CTRL_U,
        pasted("a\x1b[31mb\x07\u202e") + ENTER,
        shows("! “"),
        CTRL_U,
        pasted("x" * 50_000),
        ENTER,
        shows("characters long"),
    )
    assert not played.entries
    assert "\x1b[31mb" not in played.raw.getvalue()


def test_a_paste_where_nothing_is_typed(stage: Stage) -> None:
    """In the review a pasted yes is no answer."""
    played = play(stage, *ANN, SPACE + ENTER, f"1{ENTER}", pasted("y"), shows("Shall I go ahead?"))
    assert played.names[-1] != "return_confirmed"


def test_a_click_chooses(stage: Stage) -> None:
    """On an item twice: the cursor, then the choice; on another answer at once."""

    def at(words: str, times: int = 1) -> Any:
        def click(played: Any) -> str:
            row = next(n for n, text in enumerate(played.rows) if words in text)
            return clicked(12, row) * times

        return click

    play(stage, *ANN, at("Woollen rug", 2), shows("[1] Woollen rug"), at("/close"), shows("Closed"))


def test_a_click_on_what_is_gone_does_nothing(stage: Stage) -> None:
    """A menu that was closed may stand there for a moment still."""

    def closed_and_clicked(played: Any) -> str:
        row = next(n for n, text in enumerate(played.rows) if "/close" in text)
        return "?" + clicked(12, row)

    played = play(
        stage,
        *ANN,
        "?",
        shows("What can be done now"),
        closed_and_clicked,
        shows("[ ] Woollen rug"),
        lacks("Closed without"),
    )
    assert played.state == "order_selected"


# -- settings ---------------------------------------------------------------------------------


def test_the_clipboard(stage: Stage) -> None:
    """F12 or /copy sends the tracking ids, before there are any the case id, as OSC 52."""
    played = play(
        stage,
        *ANN,
        F12,
        shows("Copied: 20260330-"),
        SPACE + ENTER,
        f"1{ENTER}",
        "y",
        SPACE * 3,
        f"{F12}",
        shows("Copied: RT-0001"),
    )
    sent = re.findall(r"\x1b\]52;c;([^\x07]*)\x07", played.raw.getvalue())
    texts = [base64.b64decode(each).decode() for each in sent]
    assert texts == [played.case_id, "RT-0001"]


def test_keys_and_veil_of_the_settings(stage: Stage) -> None:
    """Another key for a note, and a customer who is shown at once."""
    settings = Settings(veil=False, keys={"note": "f4", "transfer": "f2"}, mouse=False)
    played = play(
        stage,
        ANN[0],
        shows("ann@example.com", "F2 transfer", "F4 note"),
        F4,
        f"by F4{ENTER}",
        shows("The note is kept."),
        settings=settings,
    )
    assert played.entries[-1].text == "by F4"
    assert "\x1b[?1000h" not in played.raw.getvalue()
    assert "\x1b[?1000h" in play(stage, TAB).raw.getvalue()


# -- the journal ------------------------------------------------------------------------------


def test_a_journal_that_takes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has moved; written again once the agent says so."""
    append, failures = StoredCaseLog.append, [JournalError("the disk is full")]

    def failing(log: StoredCaseLog, *given: Any, **named: Any) -> Any:
        if failures:
            raise failures.pop()
        return append(log, *given, **named)

    monkeypatch.setattr(StoredCaseLog, "append", failing)
    played = play(
        stage,
        ANN[0],
        shows("! the disk is full", "Nothing has moved", "Try to write it again?"),
        F2,
        F4,
        shows("Try to write it again?"),
        "y",
        shows("Order id:"),
    )
    assert played.names == ["email_given", "customer_found"]


def test_a_note_that_the_journal_does_not_take(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a question and after the call: the agent is asked, and the note is written again."""
    note, failures = StoredCaseLog.note, [JournalError("busy"), JournalError("busy")]

    def failing(log: StoredCaseLog, *given: Any, **named: Any) -> Any:
        if failures:
            raise failures.pop()
        return note(log, *given, **named)

    monkeypatch.setattr(StoredCaseLog, "note", failing)
    again = shows("! busy", "Try to write it again?")
    told = shows("The note is kept.")
    first = play(stage, ANN[0], f"/note one{ENTER}", again, "y", again, "y", told)
    assert [entry.text for entry in first.entries if entry.kind == "noted"] == ["one"]
    failures.append(JournalError("busy"))
    last = play(stage, *ANN, f"/close{ENTER}", "o", f"two{ENTER}", again, "y", told, "q")
    assert [entry.text for entry in last.entries if entry.kind == "noted"] == ["two"]


def test_a_space_in_a_search_chooses_nothing_that_was_not_looked_at(stage: Stage) -> None:
    """It begins another word while several items are found; one that is left it chooses."""
    play(
        stage,
        *ANN,
        "e",
        " ",
        lacks("items chosen"),
        "c",
        shows("Search: e c"),
        CTRL_U,
        "zzz",
        shows("Nothing matches what is searched for"),
        CTRL_U,
        "e",
        DOWN,
        " ",
        shows("1 of 3 items chosen"),
    )


def test_a_letter_means_the_same_where_a_word_is_missing() -> None:
    """After a resumed call there is no next one; a note is kept with the same letter."""
    fewer = {word: about for word, about in NEXT_CALL.items() if word != "next"}
    assert dict(Answers(NEXT_CALL).hints())["o"] == "note"
    assert dict(Answers(fewer, among=NEXT_CALL).hints()) == {"o": "note", "s": "story", "q": "quit"}


def test_the_rail_ticks_nothing_that_lies_ahead_again(stage: Stage) -> None:
    """An order id that was wrong leads back; what comes after it is still to come."""
    play(stage, ANN[0], f"O-404{ENTER}", lacks("✓ 3"), ANN[1], shows("✓ 3"))
