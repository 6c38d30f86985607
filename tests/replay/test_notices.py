"""Replay hears a notice in what was said, in words for which nobody wrote a pattern.

Each table of notices/ holds sentences of agents, and whether a notice is in them. Those under
`blind` were written while the patterns were frozen; those that failed at first led to the patterns
as they are now.
"""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from returnflow.engine import definition, statements, words
from returnflow.engine.compiled import Wording
from returnflow.engine.definition import Definition
from returnflow.engine.hearing import Hearing
from returnflow.engine.spoken import Utterance, fold
from returnflow.returns import VOCABULARY

HERE = Path(__file__).parent
SHIPPED = HERE.parent.parent / "states" / "handling_returns.yaml"


class Case(NamedTuple):
    """A sentence, and whether a notice is in it."""

    notice: str
    text: str
    values: dict[str, str]
    said: bool
    blind: bool


def cases() -> Iterator[Case]:
    """Every sentence of the tables."""
    for path in sorted((HERE / "notices").glob("*.yaml")):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        for blind, group in ((False, table), (True, table.get("blind", {}))):
            for said in (True, False):
                for text in group.get("said" if said else "not_said", []):
                    notice = table.get("notice", path.stem)
                    yield Case(notice, text, table.get("values", {}), said, blind)


CASES = list(cases())
NOTICES = {"tracking_id", "shipping_not_refunded", "approval_before_pickup"}


@cache
def shipped() -> Definition:
    """The procedure that the program ships."""
    return definition.load(SHIPPED)


@cache
def hearing() -> Hearing:
    """What it listens for."""
    return Hearing.of(shipped())


# -- the tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.notice}: {c.text[:70]!r}")
def test_a_sentence_is_heard_or_not(case: Case) -> None:
    """Each sentence of the tables, as it stands there."""
    found = hearing().find(case.notice, case.text, case.values)
    assert (found is not None) == case.said


@pytest.mark.parametrize("case", [case for case in CASES if case.said], ids=lambda c: c.text[:70])
def test_how_it_is_written_down_does_not_matter(case: Case) -> None:
    """Capitals, typographic signs, line breaks and emphasis change nothing, and the place of what
    was said is that in the text as it was given."""
    curly = case.text.replace("'", "’").replace(" - ", " – ")
    loud = case.text.upper()
    broken = case.text.replace(", ", ",\n") if "|" not in case.text else case.text
    for text in (curly, loud, broken, f"Okay.\n\n{case.text}\n\nIs there anything else?"):
        assert hearing().find(case.notice, text, case.values), text
    long = f"Ünd ﬁne – ça va. {case.text}"
    start, end = hearing().find(case.notice, long, case.values) or (0, 0)
    assert 0 <= start < end <= len(long)


def test_the_tables_are_large_enough() -> None:
    """At least 60 sentences for each notice, 15 of them blind, and 25 for each advice; about as
    many that hold it as that do not."""
    total = Counter(case.notice for case in CASES)
    said = Counter(case.notice for case in CASES if case.said)
    blind = Counter(case.notice for case in CASES if case.blind)
    assert total.keys() == set(VOCABULARY.notices)
    for notice, number in total.items():
        assert number >= (60 if notice in NOTICES else 25), notice
        assert 0.35 <= said[notice] / number <= 0.65, notice
    assert all(blind[notice] >= 15 for notice in NOTICES)
    assert len({(case.notice, case.text) for case in CASES}) == len(CASES)


# -- the contrary ------------------------------------------------------------------------------

CONTRARY = [
    (notice, text, kind == "opposite")
    for notice, kinds in yaml.safe_load(
        (HERE / "notices" / "contrary" / "sentences.yaml").read_text(encoding="utf-8")
    ).items()
    for kind, listed in kinds.items()
    for text in listed
]


@pytest.mark.parametrize(("notice", "text", "opposite"), CONTRARY)
def test_the_contrary_is_told_from_silence(notice: str, text: str, opposite: bool) -> None:
    """Each sentence of the table, as it stands there, and with others round it."""
    around = f"Okay.\n\n{text}\n\nIs there anything else?"
    for spoken in (text, text.upper(), around):
        assert (hearing().opposite(notice, spoken) is not None) == opposite, spoken


@pytest.mark.parametrize("case", [case for case in CASES if case.said], ids=lambda c: c.text[:70])
def test_what_is_said_is_not_its_contrary(case: Case) -> None:
    """No text has both a notice and its contrary."""
    assert hearing().opposite(case.notice, case.text) is None


def test_the_contrary_is_quoted() -> None:
    """What says otherwise is quoted with its sentence; a value has no contrary."""
    text = "Fine. You’ll get the postage back as well! Your tracking id isn't RT-9."
    start, end = hearing().opposite("shipping_not_refunded", text) or (0, 0)
    assert text[start:end] == "You’ll get the postage back as well"
    two = "Good. No approval is needed. We pick it up tomorrow. Bye."
    start, end = hearing().opposite("approval_before_pickup", two) or (0, 0)
    assert two[start:end] == "No approval is needed. We pick it up tomorrow"
    assert hearing().opposite("tracking_id", text) is None
    assert hearing().opposite("nothing of the kind", text) is None


# -- every pattern is needed ------------------------------------------------------------------


def missed(terms: dict[str, tuple[str, ...]], heard: dict[str, tuple[Wording, ...]]) -> bool:
    """Whether a sentence of the tables comes out differently."""
    changed = Hearing(terms, heard)
    return any(
        (changed.find(case.notice, case.text, case.values) is not None) != case.said
        for case in CASES
    )


@pytest.mark.parametrize("term", shipped().terms)
def test_every_phrase_is_needed(term: str) -> None:
    """Without any one phrase of the procedure, some sentence would be misheard."""
    terms = dict(shipped().terms)
    for phrase in terms[term]:
        fewer = tuple(other for other in terms[term] if other != phrase)
        assert missed({**terms, term: fewer}, dict(shipped().heard)), phrase


def test_every_wording_is_needed() -> None:
    """Without any one wording, or any one term of its `unless`, some sentence would be misheard."""
    heard = shipped().heard
    for wording in {wording for listed in heard.values() for wording in listed}:
        without = {
            notice: tuple(other for other in listed if other != wording)
            for notice, listed in heard.items()
        }
        assert missed(dict(shipped().terms), without), wording
        for term in wording.unless:
            looser = replace(wording, unless=tuple(t for t in wording.unless if t != term))
            swapped = {
                notice: tuple(looser if other == wording else other for other in listed)
                for notice, listed in heard.items()
            }
            assert missed(dict(shipped().terms), swapped), (wording, term)


# -- the machine's own words ------------------------------------------------------------------

REFUSAL = {"item_id": "I-1", "description": "Kettle", "wanted": 2, "closes": "14 October 2026"}
LINE = {"quantity": 1, "description": "Desk lamp", "tracking_id": "RT-9", "refund": "24.99 EUR"}
REASONS = [
    ["ordered 42 days ago; the window of 30 days closed on 14 October 2026"],
    ["1 on its way", "the shop excludes this item from returns"],
    ["the shop does not say whether this item may be returned"],
]


@pytest.mark.parametrize("notice", VOCABULARY.notices)
@pytest.mark.parametrize("granted", [0, 1])
@pytest.mark.parametrize("reasons", REASONS)
def test_the_scripts_themselves_are_heard(notice: str, granted: int, reasons: list[str]) -> None:
    """What the wizard has an agent say is heard in replay, of a part and of the whole."""
    due = {**REFUSAL, "granted": granted, "reasons": reasons, **LINE}
    text = words.render(shipped().notices[notice], {**VOCABULARY.sample_scope(), "due": due})
    found = hearing().find(notice, text, {"tracking_id": "RT-9"})
    assert found is not None, text


# -- values -----------------------------------------------------------------------------------


def test_what_a_notice_needs() -> None:
    """The tracking id is the only value that a notice of the procedure has to name."""
    needed = {notice: hearing().needs(notice) for notice in hearing().notices}
    assert needed.pop("tracking_id") == ("tracking_id",)
    assert set(needed.values()) == {()}
    assert hearing().needs("nothing of the kind") == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your tracking id is RT-2026-00042.", "RT-2026-00042"),
        ("your tracking id is r t twenty twenty six double zero zero forty two", "RT-2026-00042"),
        ("it is one z nine nine nine double a", "1Z999AA"),
        ("Die Nummer ist ÄB-77.", "äb77"),
        ("Your tracking id is 7.", "7"),
    ],
)
def test_values_however_they_are_spelled(text: str, value: str) -> None:
    """Letters and digits count, not the signs between them nor how the digits are read out."""
    found = hearing().find("tracking_id", text, {"tracking_id": value})
    assert found is not None
    assert text[slice(*found)].rstrip(".") == text.rstrip(".")


@pytest.mark.parametrize("value", [None, "", "-", "x" * 5000, 7, {}])
def test_a_value_that_is_none(value: Any) -> None:
    """A due without a usable value is not heard, and nothing fails."""
    assert (
        hearing().find("tracking_id", "Your tracking id is RT-9.", {"tracking_id": value}) is None
    )
    assert hearing().find("tracking_id", "Your tracking id is RT-9.", {}) is None


def test_leaving_values_aside() -> None:
    """`spans` takes any id beside its name, a redacted one too, and no id on its own."""
    assert "tracking_id" in hearing().spans("Your tracking id is RT-9.")
    assert "tracking_id" in hearing().spans("Your tracking id is [PII].")
    assert "tracking_id" not in hearing().spans("Your tracking id comes by e-mail.")
    assert "tracking_id" not in hearing().spans("Order O-77 has three items.")


# -- where, and what not ----------------------------------------------------------------------


def test_the_sentence_is_quoted() -> None:
    """The evidence is the sentence that was said, without its neighbours."""
    text = "Thank you, Ann.  **Shipping   fees** aren’t refunded!  Anything else?"
    start, end = hearing().spans(text)["shipping_not_refunded"]
    assert text[start:end] == "Shipping   fees** aren’t refunded"
    two = "Good. The return must be approved first. Only then will it be picked up. Bye."
    start, end = hearing().spans(two)["approval_before_pickup"]
    assert two[start:end] == "The return must be approved first. Only then will it be picked up"
    steps_listed = "Now this.\n1. It is approved.\n2. We pick it up.\n3. Shipping isn't refunded."
    found = hearing().spans(steps_listed)
    start, end = found["approval_before_pickup"]
    assert steps_listed[start:end] == "It is approved.\n2. We pick it up"
    start, end = found["shipping_not_refunded"]
    assert steps_listed[start:end] == "Shipping isn't refunded"


def test_several_notices_in_one_turn() -> None:
    """One text can hold all that is owed."""
    text = """Your return is set up.

    - **Tracking ID:** RT-9
    - **Refund:** 24.99 EUR. Shipping fees are *not* refunded.
    - Your return has to be approved; then we pick it up."""
    assert hearing().spans(text).keys() == NOTICES


def test_a_notice_without_patterns_is_never_heard() -> None:
    """A procedure need not say how a notice is heard; then it is not looked for."""
    text = SHIPPED.read_text(encoding="utf-8")
    plain = definition.load(HERE.parent / "bad_yaml" / "good.yaml")
    assert Hearing.of(plain).notices == ()
    assert Hearing.of(plain).find("final", "It cannot be returned.", {}) is None
    assert set(definition.loads(text).heard) == set(VOCABULARY.notices)


def test_it_can_be_sent_to_another_process() -> None:
    """A compiled hearing is picklable and hears the same."""
    copy = pickle.loads(pickle.dumps(hearing()))  # noqa: S301 (our own)
    assert copy.spans("We don't refund postage.") == {"shipping_not_refunded": (0, 23)}


# -- any text ---------------------------------------------------------------------------------

STRANGE = (
    "shipping refund not n't isn't only price approved once until pick up, then. ? but — : \n- RT-9"
    " R T four [PII] tracking id if it ' ’ é ﬁ ß \u200d \ud800 \x00 ² double no nor return"
)
PIECES = st.sampled_from(STRANGE.split(" "))


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(), st.lists(PIECES).map(" ".join), st.lists(PIECES).map("".join)))
def test_no_text_is_too_strange(text: str) -> None:
    """Whatever the text: an answer, a place within it, and the same answer again."""
    for notice in hearing().notices:
        found = hearing().find(notice, text, {"tracking_id": "RT-9"})
        if found is not None:
            assert 0 <= found[0] < found[1] <= len(text)
        assert hearing().find(notice, text, {"tracking_id": "RT-9"}) == found
        contrary = hearing().opposite(notice, text)
        if contrary is not None:
            assert 0 <= contrary[0] < contrary[1] <= len(text)


HOSTILE = [
    "shipping refund ",
    "not shipping refund not ",
    "if shipping not refund ",
    "shipping refund, but it isn't, ",
    "it isn't. shipping. ",
    "only price refund. shipping denied; until approved pickup then ",
    "once approved pickup ",
    "get ",
    "a'",
    "\n \n",
    "no nor neither ",
    "r t four two ",
    "[PII] tracking number ",
    "will you refund shipping? ",
    "é—",
    "and we, ",
    "pickup approval no ",
    "no approval is needed pickup ",
    "pickup before approval maybe ",
]


def steps(text: str) -> int:
    """How many lines of the package run while a text is heard: work counted, not timed."""
    count = 0
    package = str(Path(definition.__file__).parent)

    def each(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(package):
            return None
        count += event == "line"
        return each

    fresh = Hearing.of(shipped())
    before = sys.gettrace()
    sys.settrace(each)
    try:
        fresh.spans(text)
        fresh.find("tracking_id", text, {"tracking_id": "RT-42"})
        for notice in fresh.notices:
            fresh.opposite(notice, text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_work_grows_with_the_length_and_no_faster(piece: str) -> None:
    """Four times the text is at most about four times the work, whatever the text."""
    small, large = (steps((piece * size)[:size]) for size in (4_000, 16_000))
    assert large <= 4.4 * small + 500


@pytest.mark.parametrize("piece", HOSTILE[:6])
def test_a_megabyte_is_heard(piece: str) -> None:
    """A turn of a megabyte is read to its end; what is quoted stays short."""
    text = (piece * 100_000)[:1_000_000]
    for start, end in hearing().spans(text).values():
        assert end - start < 1_000


def test_most_turns_are_not_read_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no word of a wording occurs, a text is not even cut into words; and one that was read
    is not read again."""
    read: list[str] = []

    class Counted(Utterance):
        __slots__ = ()

        def __init__(self, folded: str, places: list[int] | None) -> None:
            read.append(folded)
            super().__init__(folded, places)

    monkeypatch.setattr(statements, "Utterance", Counted)
    fresh = Hearing.of(shipped())
    fresh.spans("Good day. What is the e-mail address that you are registered with, please?")
    fresh.spans("I see 3 open orders; I will go through them with you. Which order is it about?")
    assert read == []
    for _ in range(3):
        assert fresh.find("shipping_not_refunded", "We don't refund postage.", {})
        assert fresh.find("tracking_id", "It is RT-9.", {"tracking_id": "RT-9"})
    assert read == ["we don't refund postage.", "it is rt-9."]


def test_folding_keeps_places() -> None:
    """Signs that fold into several letters, or into none, do not shift what follows."""
    text = "ﬁﬁ e\u0301\u00ad x"
    folded, places = fold(text)
    assert folded == "fifi e x"
    assert places is not None
    assert text[places[folded.index("x")]] == "x"
