"""What an agent types, as values: by example, and for any text at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from returnflow.engine.front import Choice
from returnflow.returns.events import REASONS, Pick, ReturnLine
from returnflow.wizard import answers
from returnflow.wizard.answers import BadAnswer

CHOICES = (
    Choice("SKU-1", "Reading lamp, brass", 2),
    Choice("SKU-2", "Cable x large, 2 m", 1),
    Choice("3", "Lampshade", 4),
    Choice("SKU-4", "Tea cosy", 0),
    Choice("ｓｋｕ-5", "Théière 急須", 7),
)

# Text as it comes: letters and signs of all kinds, and pieces that mean something here.
PIECES = ["1", "2 ", "x", " x ", "×", ",", ";", ":", "all", "lamp", "0", "-1", "２", "1e3", "/"]
PIECES += [" for all", "damaged", "other", "sku-1", "@", ".", "\u200b", "\x1b[2J", "\u202e", "\n"]
pieces = st.sampled_from([*PIECES, "\ud800"])
anything = st.one_of(st.text(), st.lists(pieces, max_size=8).map("".join))


def complaint(parse: Callable[[str], object], text: str) -> str:
    """What is wrong with a text; where nothing is, something just as long."""
    try:
        parse(text)
    except BadAnswer as error:
        return str(error)
    return "nothing is wrong"


@settings(max_examples=400)
@given(anything)
@example("9" * 5000)
@example("²")
@example("0019")
@example("٣ damaged")
def test_no_text_raises_anything_but_bad_answer(text: str) -> None:
    """Rule 16: whatever is typed is a value, or is turned down with words."""
    for parse in (
        answers.text,
        answers.email,
        answers.order_id,
        answers.quantity,
        answers.reason,
        lambda typed: answers.choose(typed, CHOICES, "item"),
        lambda typed: answers.choose(typed, (), "item"),
        lambda typed: answers.listed_order(typed, CHOICES),
        lambda typed: answers.picks(typed, CHOICES),
        lambda typed: answers.shares(typed, "SKU-1", 3),
        answers.yes,
        lambda typed: answers.nearest(typed, ["note", "back"]),
    ):
        assert 10 < len(complaint(parse, text)) < 1000


@settings(max_examples=300)
@given(anything)
def test_what_is_picked_is_something_of_the_list(text: str) -> None:
    """Rules 16, 19: ids of the list, each once, whole units from 1 up."""
    try:
        picks = answers.picks(text, CHOICES)
    except BadAnswer:
        return
    ids = [pick.item_id for pick in picks]
    assert picks
    assert set(ids) <= {choice.ident for choice in CHOICES}
    assert len(ids) == len(set(ids))
    assert all(pick.quantity >= 1 for pick in picks)


@settings(max_examples=300)
@given(anything, st.integers(1, 5))
def test_shares_are_never_more_than_may_go_back(text: str, granted: int) -> None:
    """Rules 17, 26: one of the five reasons each, and together no more than granted."""
    try:
        lines = answers.shares(text, "SKU-1", granted)
    except BadAnswer:
        return
    assert sum(line.quantity for line in lines) <= granted
    assert all(line.quantity >= 1 and line.reason in REASONS for line in lines)


NOT_QUANTITIES = ["0", "-1", "1.5", "２", "1e3", "", " ", "1 ", "+1", "0x1", "1_0", "١", "²", "one"]
NOT_QUANTITIES += ["00", "1000001", str(10**30), "1" * 6000]


@given(st.integers(1, answers.MAX_QUANTITY))
def test_a_quantity_is_its_digits(count: int) -> None:
    assert answers.quantity(str(count)) == count


@pytest.mark.parametrize("typed", NOT_QUANTITIES)
def test_what_is_no_quantity(typed: str) -> None:
    """Rule 16."""
    with pytest.raises(BadAnswer, match="quantity"):
        answers.quantity(typed)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (" Ann@Example.COM ", "Ann@Example.COM"),
        ("a.b+c@d-e.example.com", "a.b+c@d-e.example.com"),
        ("jürgen@müller.example", "jürgen@müller.example"),
        ("ann@exa\u200bmple.com", "ann@example.com"),
        ("\u202aann@example.com\u202c", "ann@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
    ],
)
def test_an_address(typed: str, value: str) -> None:
    """Rules 20, 37: trimmed, otherwise as typed, without what cannot be seen."""
    assert answers.email(typed) == value


@pytest.mark.parametrize(
    "typed", ["", "ann", "@", "ann@", "a@b", "a@b.", "a@.b", "a b@c.d", "a@b@c.d", "a@b..c"]
)
def test_no_address(typed: str) -> None:
    """Rule 20: the reason comes with an example."""
    with pytest.raises(BadAnswer, match=r"ann@example\.com"):
        answers.email(typed)


@pytest.mark.parametrize(
    ("typed", "ident"),
    [
        ("1", "SKU-1"),
        ("3", "3"),
        (" sku-2 ", "SKU-2"),
        ("shade", "3"),
        ("brass READING", "SKU-1"),
        ("THÉIÈRE", "ｓｋｕ-5"),
        ("The\u0301ie\u0300re", "ｓｋｕ-5"),
        ("急須", "ｓｋｕ-5"),
    ],
)
def test_a_choice_by_number_id_or_words(typed: str, ident: str) -> None:
    assert answers.choose(typed, CHOICES, "item").ident == ident


def test_a_number_of_the_list_comes_before_an_id() -> None:
    """The list on the screen is what the agent reads out from."""
    assert answers.choose("3", CHOICES, "item").ident == "3"
    assert answers.choose("2", (Choice("2", "b"), Choice("1", "a")), "item").ident == "1"


def test_an_ambiguous_choice_names_the_candidates() -> None:
    with pytest.raises(BadAnswer, match=r"matches several: 1 \(Reading lamp.*3 \(Lampshade\)"):
        answers.choose("lamp", CHOICES, "item")
    many = tuple(Choice(f"K{n}", f"Kettle {n}") for n in range(9))
    with pytest.raises(BadAnswer, match=r"and 4 more\. Type a number\."):
        answers.choose("kettle", many, "item")


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        ("1", {"SKU-1": 2}),
        ("1 x 1", {"SKU-1": 1}),
        ("brass*1; tea cosy × 2", {"SKU-1": 1, "SKU-4": 2}),
        ("1 x 1, 1 x 1", {"SKU-1": 2}),
        ("cable x large", {"SKU-2": 1}),
        ("cable x large x 3", {"SKU-2": 3}),
        ("ALL", {"SKU-1": 2, "SKU-2": 1, "3": 4, "ｓｋｕ-5": 7}),
        (" , 1 x 1 ,, ", {"SKU-1": 1}),
    ],
)
def test_picks(typed: str, picked: dict[str, int]) -> None:
    """Rules 18, 19: what is named twice adds up; without a quantity it is all that is left."""
    assert answers.picks(typed, CHOICES) == tuple(Pick(i, n) for i, n in picked.items())


@pytest.mark.parametrize("typed", ["-1", "- 1", "+1", ".5", "1.5", "２", "0"])
@pytest.mark.parametrize("sign", ["x", "×", "*"])
def test_no_part_of_a_name_is_taken_for_a_wrong_quantity(typed: str, sign: str) -> None:
    """Rule 16: ``1 x -1`` is no unit of the item that has ``-1`` in its id."""
    kettle = Choice("KETTLE-17", "Kettle - 1.5 l, ２ sieves, +1 year", 3)
    with pytest.raises(BadAnswer, match=r"quantity|returns nothing|whole number"):
        answers.picks(f"1 {sign} {typed}", (kettle,))


def test_all_of_nothing() -> None:
    with pytest.raises(BadAnswer, match="in a return already"):
        answers.picks("all", (Choice("A", "a", 0),))


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("damaged", [(3, "DAMAGED", "")]),
        ("4", [(3, "ORDERED_BY_MISTAKE", "")]),
        ("wrong", [(3, "WRONG_ITEM", "")]),
        ("ORDERED_BY_MISTAKE", [(3, "ORDERED_BY_MISTAKE", "")]),
        ("other: too loud, too hot", [(3, "OTHER", "too loud, too hot")]),
        (
            "1 x damaged: cracked, badly, 2 x other",
            [(1, "DAMAGED", "cracked, badly"), (2, "OTHER", "")],
        ),
        ("1 x damaged, 1 x defective", [(1, "DAMAGED", ""), (1, "DEFECTIVE", "")]),
        ("2x defective", [(2, "DEFECTIVE", "")]),
        ("0", []),
    ],
)
def test_shares(typed: str, lines: list[tuple[int, str, str]]) -> None:
    """Rules 19, 26: units divide into reasons, each with a note if there is one."""
    found = answers.shares(typed, "SKU-1", 3)
    assert found == tuple(ReturnLine("SKU-1", *line) for line in lines)


def test_a_reason_of_a_single_unit_may_be_copied_from_the_list() -> None:
    """Rule 26: of several units the number could be a quantity, so there it is turned down."""
    assert answers.shares("2 defective", "SKU-1", 1) == (ReturnLine("SKU-1", 1, "DEFECTIVE"),)
    with pytest.raises(BadAnswer, match="two ways"):
        answers.shares("1 1", "SKU-1", 1)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "reason"),
        ("d", "not one of the reasons"),
        ("6", "1 damaged, 2 defective"),
        ("2 x damaged, 2 x other", "That is 4 units, but 3 units may go back"),
        ("2 5", "two ways"),
        ("1 defective", "“1 x defective”"),
        ("2 defective", "“defective” for all units, or “2 x defective”"),
        ("1 x damaged, other", "each needs a quantity"),
        ("0 x damaged", "0 returns nothing"),
        ("1.5 x damaged", "whole number"),
        ("２ x damaged", "whole number"),
        ("x" * 501, "501 characters"),
    ],
)
def test_shares_that_are_turned_down(typed: str, words: str) -> None:
    """Rules 16, 17, 26."""
    with pytest.raises(BadAnswer, match=words):
        answers.shares(typed, "SKU-1", 3)


@pytest.mark.parametrize(
    ("typed", "found"),
    [("1", "SKU-1"), ("ord-77", "ord-77"), ("ORD/2024/9", "ORD/2024/9"), ("tea", "SKU-4")],
)
def test_an_order_of_the_list_or_an_id_beside_it(typed: str, found: str) -> None:
    """Rule 22: an id that is not listed is taken as it is, for the shop to know."""
    assert answers.listed_order(typed, CHOICES) == found


@pytest.mark.parametrize("typed", ["", "99", "lamp", "no such thing", "x" * 101])
def test_no_order_of_the_list(typed: str) -> None:
    with pytest.raises(BadAnswer):
        answers.listed_order(typed, CHOICES)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("y", True), (" YES ", True), ("n", False), ("No", False), ("", None), ("yep", None)],
)
def test_yes_and_no(typed: str, meant: bool | None) -> None:
    """Rule 25: nothing but a yes is a yes."""
    assert answers.yes(typed) is meant
