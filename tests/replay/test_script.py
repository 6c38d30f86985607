"""The prescribed words are recognised word for word, and only where they are those words."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from returnflow.engine.definition import Definition, load
from returnflow.engine.script import Script, as_pattern
from returnflow.engine.vocabulary import Due
from returnflow.engine.words import render
from returnflow.testing import random_call, sampler_for

STATES = Path(__file__).parents[2] / "states"

SEEDS = range(60)

CONDITION = """{{ due.name }}: {{ due.reasons | join("; ") }}.
  {% if due.granted %}I can take back {{ due.granted }}.
  {% else %}I am sorry, so it cannot be returned.{% endif %}"""


@cache
def procedure(name: str) -> Definition:
    return load(STATES / f"{name}.yaml")


def dues(definition: Definition) -> list[tuple[Due, str]]:
    """What falls due in made-up calls, each with its words as the wizard has them."""
    vocabulary = definition.vocabulary
    sampler = sampler_for(vocabulary.name)
    found = []
    for seed in SEEDS:
        rng = Random(seed)
        shop = sampler.generate(rng)
        day, zone = sampler.beginning(shop)
        case = vocabulary.new_case(day, zone)
        for event in random_call(definition, rng, shop):
            case.apply(event)
            for make in vocabulary.dues.values():
                for due in make(case):
                    scope = {**vocabulary.scope(case), "due": dict(due.values)}
                    found.append((due, render(definition.notices[due.notice], scope)))
    return found


def script(definition: Definition, notice: str) -> Script:
    made = as_pattern(definition.notices[notice])
    assert made is not None, notice
    return made


def test_what_the_wizard_says_is_the_script_of_its_notice_and_of_no_other() -> None:
    """All words of all notices of made-up calls, conditions and lists of reasons among them."""
    definition = procedure("handling_returns")
    seen = set()
    for due, words in dues(definition):
        says = [
            notice
            for notice in definition.notices
            if script(definition, notice).says(words, due.values, ())
        ]
        assert says == [due.notice], words
        seen.add((due.notice, bool(due.values.get("granted"))))
    assert {notice for notice, _ in seen} == set(definition.notices)
    assert ("offer_transfer", True) in seen
    assert ("offer_transfer", False) in seen


def test_reasons_that_are_not_those_of_the_due_are_not_the_script() -> None:
    """What fills a list could say anything, also the contrary of the notice."""
    definition = procedure("handling_returns")
    tried = 0
    for due, words in dues(definition):
        said = script(definition, due.notice)
        for reason in due.values.get("reasons", ()):
            for other in ("you can return it all the same", f"{reason}; or perhaps it may", ""):
                changed = words.replace(reason, other, 1)
                assert not said.says(changed, due.values, ()), changed
                tried += 1
        if due.values.get("reasons"):
            assert not said.says(words, {}, ())
    assert tried > 100


@pytest.mark.parametrize(
    "words",
    [
        "Lamp: it is too late. I am sorry, so it cannot be returned. But I take it back.",
        "Lamp: it is too late. I take it. I am sorry, so it cannot be returned.",
        "Lamp: it is too late. I can take back it all! And more.",
        "Lamp. It can be returned: it is too late. I am sorry, so it cannot be returned.",
        "Lamp: it is too late.",
        "Lamp: \x00reasons\x00. I am sorry, so it cannot be returned.",
        "",
    ],
)
def test_a_sentence_more_or_less_is_not_the_script(words: str) -> None:
    said = as_pattern(CONDITION)
    assert said is not None
    values: dict[str, Any] = {"reasons": ["it is too late"]}
    assert said.says("Lamp: it is too late. I am sorry, so it cannot be returned.", values, ())
    assert said.says(" Lamp: it is too late.  I can take back 2.", values, ())
    assert not said.says(words, values, ())


def test_a_figure_that_is_not_the_dues_is_not_the_script() -> None:
    said = as_pattern(CONDITION)
    assert said is not None
    words = "Lamp: it is too late. I can take back 3."
    values: dict[str, Any] = {"name": "Lamp", "reasons": ["it is too late"], "granted": 3}
    assert said.says(words, values, ())
    for name, other in (("granted", 0), ("name", "Desk"), ("reasons", ["no"]), ("reasons", 7)):
        assert not said.says(words, {**values, name: other}, ())


@pytest.mark.parametrize("where", ["before", "within", "behind"])
def test_a_long_text_is_no_script_and_takes_no_time(where: str) -> None:
    """The pattern is not even asked: it could be matched in more ways than anybody would wait."""
    made = as_pattern(CONDITION)
    assert made is not None
    values: dict[str, Any] = {"reasons": ["it is too late"]}
    pattern, asked = made.pattern, []

    class Pattern:
        def fullmatch(self, text: str) -> Any:
            asked.append(len(text))
            return pattern.fullmatch(text)

    said = Script(Pattern(), made.longest, made.lists)  # type: ignore[arg-type]
    begin, end = "Lamp: it is too late. ", "I am sorry, so it cannot be returned."
    room = " " * 100_000
    text = {
        "before": f"x{room}{begin}{end}",
        "within": f"{begin}{room}{end}x",
        "behind": f"{begin}{end}{room}x",
    }[where]
    assert not said.says(text, values, ())
    assert said.says(f"{room}{begin}{end}{room}", values, ())
    assert len(asked) == 1
    assert asked[0] < 200


@pytest.mark.parametrize(
    "template",
    [
        "{% for one in due.all %}{{ one }}{% endfor %}",
        "{% if due.a %}{% if due.b %}x{% endif %}{% endif %}",
        "{% if due.a %}x{% elif due.b %}y{% endif %}",
        "{% if due.a %}x",
        "x {% endif %}",
        "x {# a note #}",
        "{% if due.a %}Hello.{% else %}{% endif %}",
        "{% if due.a %}A {{ due.r | join('; ') }}.{% else %}B {{ due.r | join('; ') }}.{% endif %}",
    ],
)
def test_a_template_with_more_than_plain_conditions_is_read_and_not_compared(
    template: str,
) -> None:
    assert as_pattern(template) is None
