"""Rules about whole calls: what each template means, on recorded and on made-up calls."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import msgspec
import pytest

from returnflow.bundled import bundled
from returnflow.engine.definition import load
from returnflow.engine.rules import (
    AUTOMATA,
    BINARY,
    NEEDS,
    Activity,
    Marks,
    Monitor,
    Rule,
    Seen,
    matches,
)
from returnflow.replay.activities import Activities, Happened, Record


def rule(template: str, *, anew: str = "", first: str = "a", then: str = "b") -> Rule:
    """A rule about the events named by single letters."""
    return Rule(
        name="r",
        says="A rule.",
        step="1",
        template=template,  # type: ignore[arg-type]  # one of the templates
        first=Activity(events=frozenset(first)),
        then=Activity(events=frozenset(then)) if template in BINARY else None,
        about="",
        anew=(Activity(events=frozenset(anew)),) if anew else (),
        severity="major",
        line=1,
        column=1,
    )


def seen(name: str, **more: object) -> Seen:
    """An event without any more to it."""
    whole = {"notice": "", "state": "s", "target": "s", "accepted": True, "holds": lambda _: True}
    return Seen(name=name, **{**whole, **more})  # type: ignore[arg-type]


def kept(made: Rule, call: str) -> bool:
    """Whether a call, a letter for each event, keeps a rule."""
    monitor = Monitor(made)
    broken = [monitor.see(seen(name)) for name in call]
    return not any(broken) and not monitor.end()


# The meaning of each template over whole calls, written down without any automaton.
MEANING: dict[str, Callable[[str], bool]] = {
    "existence": lambda call: "a" in call,
    "absence": lambda call: "a" not in call,
    "at_most_once": lambda call: call.count("a") <= 1,
    "init": lambda call: not call or call[0] == "a",
    "precedence": lambda call: all("a" in call[:i] for i, e in enumerate(call) if e == "b"),
    "alternate_precedence": lambda call: all(
        "a" in call[:i].rpartition("b")[2] for i, e in enumerate(call) if e == "b"
    ),
    "chain_precedence": lambda call: all(
        i and call[i - 1] == "a" for i, e in enumerate(call) if e == "b"
    ),
    "response": lambda call: all("b" in call[i:] for i, e in enumerate(call) if e == "a"),
    "alternate_response": lambda call: all(
        "b" in call[i + 1 :].partition("a")[0] for i, e in enumerate(call) if e == "a"
    ),
    "chain_response": lambda call: all(
        call[i + 1 : i + 2] == "b" for i, e in enumerate(call) if e == "a"
    ),
    "not_succession": lambda call: (
        not any("b" in call[i + 1 :] for i, e in enumerate(call) if e == "a")
    ),
    "not_chain_succession": lambda call: "ab" not in call,
    "not_coexistence": lambda call: not ("a" in call and "b" in call),
    "responded_existence": lambda call: "a" not in call or "b" in call,
}


@pytest.mark.parametrize("template", AUTOMATA)
def test_each_template_means_what_it_says(template: str) -> None:
    """On every call of up to six events the automaton agrees with the meaning."""
    made = rule(template)
    for length in range(7):
        for letters in product("abc", repeat=length):
            call = "".join(letters)
            assert kept(made, call) == MEANING[template](call), call


def test_what_begins_anew_is_as_though_nothing_had_happened() -> None:
    """After an event under `anew`, what came before counts for nothing."""
    assert kept(rule("precedence", anew="x"), "ab")
    assert not kept(rule("precedence", anew="x"), "axb")
    assert kept(rule("response", anew="x"), "ax")


@pytest.mark.parametrize("template", AUTOMATA)
def test_what_was_not_seen_is_held_against_nobody(template: str) -> None:
    """Broken means: broken however the record is filled in. For every call with parts hidden, a
    rule is found broken only if every way of filling them in breaks it, and always then."""
    made = rule(template)
    hidden = ["", *"abc", *("".join(two) for two in product("abc", repeat=2)), "aba", "bab"]
    for letters in product("abc?", repeat=3):
        monitor = Monitor(made)
        broken = False
        for name in letters:
            if name == "?":
                monitor.miss({"a", "b"})
            else:
                broken = monitor.see(seen(name)) or broken
        broken = monitor.end() or broken
        ways = product(*(hidden if each == "?" else [each] for each in letters))
        certain = not any(MEANING[template]("".join(way)) for way in ways)
        assert broken == certain, letters


@pytest.mark.parametrize("template", AUTOMATA)
@pytest.mark.parametrize("ended", [False, True], ids=["open", "ended"])
def test_a_rule_is_broken_only_where_what_that_takes_was_surely_seen(
    template: str, ended: bool
) -> None:
    """Whatever the record hides or leaves open. Replay looks for that first, and at nothing else
    of a rule where it is missing."""
    needs = NEEDS[template, ended]
    made = rule(template, anew="x")
    answers = (True, False, None)
    needed = 0
    for call in product(product(answers, repeat=2), repeat=3):
        monitor = Monitor(made)
        monitor.miss({"a", "b"} if call[0][0] is None else {})
        broken = any(monitor.take(Marks(first, then, False)) for first, then in call)
        broken = broken or (ended and monitor.end())
        surely = [any(marks[place] is True for marks in call) for place in (0, 1)]
        if broken:
            assert needs is not None
            assert surely[0] or not needs.first, call
            assert surely[1] or not needs.then, call
            needed += 1
    assert (needed > 0) == (needs is not None)


def test_an_activity_is_an_event_in_its_place_under_its_conditions() -> None:
    """Each member of an activity narrows it; what cannot be told makes the answer open."""
    answers = {"yes": True, "no": False, "open": None}

    def is_it(activity: Activity, **more: object) -> object:
        return matches(activity, seen("e", holds=answers.get, **more))

    assert is_it(Activity(events=frozenset("e")))
    assert is_it(Activity(events=frozenset("f"))) is False
    assert is_it(Activity(at=frozenset({"t"}))) is False
    assert is_it(Activity(to=frozenset({"t"})), target="") is None
    assert is_it(Activity(notice="n")) is False
    assert is_it(Activity(notice="n"), notice="n")
    assert is_it(Activity(when=("yes",)))
    assert is_it(Activity(when=("yes", "open"))) is None
    assert is_it(Activity(when=("open", "no"))) is False
    assert is_it(Activity(unless=("yes",))) is False
    assert is_it(Activity(unless=("yes", "no")))
    assert is_it(Activity(unless=("yes", "open"))) is None
    assert is_it(Activity(refused=True)) is False
    assert is_it(Activity(refused=True), accepted=False)


def test_what_a_record_cannot_tell_stays_open_and_a_gap_is_kept() -> None:
    """A condition that nobody can tell makes no event an activity for sure, and an event behind a
    gap is looked at though it means nothing to the rule: anything may have come before it."""
    made = msgspec.structs.replace(
        rule("precedence"), first=Activity(events=frozenset("a"), when=("open",))
    )
    definition = load(bundled("states") / "handling_returns.yaml")
    answers: dict[str, bool | None] = {"open": None}
    events = [
        Happened(at, None, None, None, seen(name, holds=answers.get))  # type: ignore[arg-type]
        for at, name in enumerate("acbc")
    ]
    record = Record(events, Activities(definition, [made]), frozenset({1}))
    assert [(each.at, marked) for each, marked in record.marked(made)] == [
        (0, Marks(None, False, False)),
        (1, Marks(False, False, False)),
        (2, Marks(False, True, False)),
    ]
