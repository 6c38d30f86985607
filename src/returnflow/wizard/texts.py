"""The sentences that both front ends show round the procedure's own words."""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.engine.run import Run
from returnflow.engine.vocabulary import event_name
from returnflow.wizard.turn import Turn

GONE = "Is the customer gone? This ends the call."
WHY = "Why"
WHY_ABOUT = "Enter: the customer asks; or: not satisfied; or your words"
SUMMARY_ABOUT = "Summary for the next person; edit it or press Enter:"
SUMMARY_EMPTY = "A transfer needs a summary for the next person."
HAND_OVER = "Transfer the customer to a human representative?"
HANDED_OVER = "The customer has been handed to a human representative."
HAND_OVER_AGAIN = "Resume the call again to try it once more."
YES_OR_NO = "Please answer yes or no."
NOTHING_MOVED = "Nothing has moved: the call stands where it stood before this answer."
WRITE_AGAIN = "Try to write it again?"
WILL_BE_SENT = "This will be sent to the shop, and cannot be undone from here:"
CUSTOMERS_ANSWER = "The customer's answer"
REVIEW_ANSWERS = {
    "yes": "the customer agrees and it is sent",
    "no": "it is not sent",
    "change": "choose anew",
}
"""What can be answered once a return is shown as it would be sent, and what it means."""

OTHER_REASON = "What is the reason, in a few words"
NOTE = "Note"
SUMMARY = "Summary"
NOTE_KEPT = "The note is kept."
KEPT = "The call is kept. Go on with it:"
NOT_KEPT = "Nothing was answered yet, so nothing is kept."
SAY_FIRST = "Say it to the customer, then press Enter (or type a /word)."
WAIT_ON = "Wait on?"
SAY_HERE = "Say it to the customer, then press Space; Tab leads to the other answers."
CHOOSE_ITEMS = "Nothing is chosen yet: Space chooses the item, a digit says how many."
CHOOSE_ONE = "Choose with ↑ and ↓, or type the beginning of a word."
SEARCH = "Search"
WORD = "Word"
NO_SUCH_WORD = "there is none"
FACTS = "Everything known in this call"
STORY = "The call so far"
MENU = "What can be done now"
UNVEIL = "show the customer's name, address and number in full, or hide them"
KEYS_ABOUT = (
    "In every line the words with a slash work as well. Tab leads to the other answers, Escape "
    "goes back. With the mouse: click a row; hold Shift to mark text for copying."
)
NEXT_CALL = {
    "next": "lead the next call",
    "note": "keep a note with this call",
    "story": "the call as it is written down",
    "quit": "no further call",
}
"""What can be done once a call is over."""


def too_small(columns: int, rows: int) -> str:
    """The window has been made smaller than the screen can be shown in."""
    return f"Please make the window larger: at least {columns} columns and {rows} rows."


def yes_no(question: str) -> str:
    """A question of yes or no, as a prompt."""
    return f"{question} (yes / no)"


def leaving(kept: bool) -> str:
    """Whether to leave the call; `kept`: something was answered or noted in it."""
    what = "It is kept and can be resumed." if kept else "Nothing is answered yet."
    return f"Leave the call? {what}"


NOTHING_FOUND = "Nothing matches what is searched for; Backspace takes it back."


def items_chosen(count: int, total: int, unseen: Sequence[str] = ()) -> str:
    """How many items are chosen; those that a search does not show are named."""
    how_many = f"{count} of {total} item{'' if total == 1 else 's'} chosen"
    return f"{how_many}, not shown: {', '.join(unseen)}" if unseen else how_many


def copied(text: str, *, done: bool) -> str:
    """What was sent to the clipboard; or, where there is none, what to copy by hand."""
    return f"Copied: {text}" if done else f"To be copied: {text}"


def left_out(what: str) -> str:
    """What could go back and will not be sent."""
    return f"Left out, though it may go back: {what}"


def nothing_sent(turn: Turn) -> str:
    """What a no of the customer leads to."""
    close = next((o for o in turn.options if o.event == "return_declined"), None)
    return "Nothing was sent. Choose what the customer wants instead" + (
        f"; /{close.key} ends the call without this return." if close else "."
    )


def not_handed_over(why: str) -> str:
    """A transfer of a call that cannot be continued failed."""
    return f"The transfer did not work: {why}"


def no_answer(seconds: float, operation: str) -> str:
    """The shop is slow."""
    return f"No answer from the shop for {seconds:.0f} s ({operation})."


def no_way_back(run: Run) -> str:
    """Why no answer can be taken back, with the commit horizon by its name (rule 32)."""
    fence = run.horizon
    if fence is None:
        return "There is no answer to take back yet."
    if isinstance(fence, run.session.definition.vocabulary.resumed):
        return "/back ends here: the call was taken up again under another day."
    what = event_name(fence).replace("_", " ")
    return f"/back ends here: what was sent to the shop stays ({what})."
