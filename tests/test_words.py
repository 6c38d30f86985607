"""The words of a procedure can name facts and do nothing else, checked or not (rule 39)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from returnflow.engine import definition, words
from returnflow.engine.definition import Definition
from returnflow.engine.words import WordsError, problems, render
from returnflow.returns import VOCABULARY

SHIPPED = Path(__file__).parent.parent / "states" / "handling_returns.yaml"


class Tripwire:
    """An object that a template must not get hold of: whatever touches it is written down."""

    touched: list[str] = []  # noqa: RUF012 (shared on purpose)
    secret = "s3cret"

    def __call__(self, *args: object) -> str:
        self.touched.append("called")
        return self.secret

    def method(self) -> str:
        """Would tell the secret."""
        self.touched.append("method")
        return self.secret

    @property
    def attribute(self) -> str:
        """Would tell the secret, too."""
        self.touched.append("attribute")
        return self.secret


SCOPE: dict[str, Any] = {
    "email": "ann@example.com",
    "count": 3,
    "flag": True,
    "customer": {"first_name": "Ann", "_secret": "s3cret", "items": "two"},
    "orders": [{"order_id": "O-1", "lines": ["a", "b"]}],
    "reasons": ["x", "y"],
}
"""What the words of these tests may name."""

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ email.__class__.__base__ }}",
    "{{ email['__class__'] }}",
    "{{ email|attr('__class__') }}",
    "{{ email|attr('_' ~ '_class__') }}",
    "{{ ()|attr('__class__') }}",
    "{{ orders|map(attribute='__class__')|list }}",
    "{{ orders|join(', ', '__class__') }}",
    "{{ orders|join(attribute='__class__') }}",
    "{{ orders|groupby('__class__') }}",
    "{{ reasons|sort(attribute='__len__') }}",
    "{{ reasons|first }}",
    "{{ email|safe }}",
    "{{ self }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ super() }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ kwargs }}",
    "{{ cycler }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner() }}",
    "{{ namespace() }}",
    "{% set ns = namespace() %}",
    "{{ lipsum() }}",
    "{{ lipsum.__globals__ }}",
    "{{ range(10) }}",
    "{% for i in range(999999999) %}x{% endfor %}",
    "{{ dict() }}",
    "{{ request.application.__globals__ }}",
    "{{ config }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for }}",
    "{{ __import__('os') }}",
    "{{ _ }}",
    "{{ '%s' % email }}",
    "{{ '{0.__class__}'.format(email) }}",
    "{{ '{0.__class__}'|format(email) }}",
    "{{ email.format_map }}",
    "{{ email.upper() }}",
    "{{ email.upper }}",
    "{{ customer.keys() }}",
    "{{ customer.keys }}",
    "{{ customer.get('first_name') }}",
    "{{ customer['first_name'] }}",
    "{{ customer._secret }}",
    "{{ orders[0] }}",
    "{{ orders[:1] }}",
    "{{ orders.append }}",
    "{{ orders.0 }}",
    "{{ 'x' * 999999999 }}",
    "{{ 9 ** 99999 }}",
    "{{ count + 1 }}",
    "{{ -count }}",
    "{{ [email] }}",
    "{{ {'a': email} }}",
    "{{ (email, email) }}",
    "{{ email is defined }}",
    "{{ email is filter('upper') }}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% include 'x' %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% macro m() %}{% endmacro %}{{ m() }}",
    "{% call m() %}{% endcall %}",
    "{% set x = email %}",
    "{% set x %}y{% endset %}",
    "{% with x = email %}{{ x }}{% endwith %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape false %}x{% endautoescape %}",
    "{% do orders.append(1) %}",
    "{% debug %}",
    "{% trans %}x{% endtrans %}",
    "{% for a in orders recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in reasons %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for a in reasons %}{{ loop.cycle }}{% endfor %}",
    "{% for a in reasons %}{{ loop._iterator }}{% endfor %}",
    "{% for a in reasons %}{{ loop.__class__ }}{% endfor %}",
    "{% for a, b in reasons %}x{% endfor %}",
    "{% for loop in reasons %}x{% endfor %}",
    "{% for _a in reasons %}x{% endfor %}",
    "{% for a in reasons if loop.first %}x{% endfor %}",
    "{% for a in reasons %}{% break %}{% endfor %}",
    "{% for a in orders %}{% for b in orders %}{% for c in orders %}{% for d in orders %}x"
    "{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
    "{{ " + "(" * 5000 + "email" + ")" * 5000 + " }}",
    "{{ " + "not " * 5000 + "email }}",
    "{{ " + "not " * 300 + "email }}",
    "{{ " + "email and " * 300 + "email }}",
    "{% if flag %}" * 30 + "x" + "{% endif %}" * 30,
    "{{ " + "9" * 5000 + " }}",
]
"""Ways out of a sandbox, out of memory and out of the stack, as they are passed around."""


@pytest.mark.parametrize("text", ESCAPES, ids=[text[:48] for text in ESCAPES])
def test_known_ways_out_are_closed_at_the_check_and_at_the_rendering(text: str) -> None:
    """Rule 39: the check names the attempt; words that were never checked come to nothing too."""
    assert problems(text, SCOPE)
    with pytest.raises(WordsError):
        render(text, SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "{{ trap() }}",
        "{{ trap.method() }}",
        "{{ trap.method }}",
        "{{ trap.attribute }}",
        "{{ trap.secret }}",
        "{{ group.trap.attribute }}",
        "{{ trap | join(', ', 'attribute') }}",
        "{{ list | join(', ', 'attribute') }}",
        "{% for one in list %}{{ one.attribute }}{% endfor %}",
        "{% for one in list %}{{ one() }}{% endfor %}",
        "{% if trap.attribute %}x{% endif %}",
        "{{ trap.attribute | default('x') | upper | attr('method') }}",
    ],
)
def test_an_object_in_the_scope_is_neither_called_nor_looked_into(text: str) -> None:
    """Rule 39: words reach members of mappings only, even where a scope holds more by mistake."""
    Tripwire.touched.clear()
    trap = Tripwire()
    with pytest.raises(WordsError):
        render(text, {"trap": trap, "group": {"trap": trap}, "list": [trap]})
    assert Tripwire.touched == []


def test_a_member_is_a_fact_before_it_is_anything_of_python() -> None:
    """`items` of a mapping is the fact of that name, not the method of every dict."""
    assert render("{{ customer.items }}", SCOPE) == "two"
    assert problems("{{ customer.items }}", SCOPE) == []


@pytest.mark.parametrize(
    "value",
    [
        "{{ 7 * 7 }}",
        "{% for a in orders %}x{% endfor %}",
        "{{ ''.__class__ }}",
        "{# a comment #}",
        "{% raw %}",
        "}} %} #}",
        "{{",
    ],
)
def test_a_template_within_a_fact_stays_text(value: str) -> None:
    """Rule 39: what a customer or a shop wrote is put in as it is."""
    scope = {"email": value, "orders": [{"name": value}]}
    assert render("You said: {{ email }}.", scope) == f"You said: {value}."
    looped = render("{% for o in orders %}{{ o.name }}{% endfor %}", scope)
    assert looped == value
    assert render("{{ email | lower }}", {"email": value}) == value.lower()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No facts at all.", "No facts at all."),
        ("{{ email }}", "ann@example.com"),
        ("{{ customer.first_name | upper }}, {{ count }}", "ANN, 3"),
        ("{{ customer.first_name or 'you' }}", "Ann"),
        ("{{ 'yes' if flag else 'no' }}", "yes"),
        ("{{ 'a' ~ count }}", "a3"),
        ("{{ reasons | join('; ') }}", "x; y"),
        ("{{ reasons | length }}", "2"),
        ("{% if count > 2 and not flag %}a{% elif flag %}b{% else %}c{% endif %}", "b"),
        ("{% if 'x' in reasons %}in{% endif %}", "in"),
        (
            "{% for r in reasons %}{{ loop.index }}{{ r }}"
            "{% if not loop.last %},{% endif %}{% endfor %}",
            "1x,2y",
        ),
        (
            "{% for o in orders %}{{ o.order_id }}:"
            "{% for l in o.lines %}{{ l }}{% endfor %}{% endfor %}",
            "O-1:ab",
        ),
        ("{% for o in reasons if o == 'y' %}{{ o }}{% else %}none{% endfor %}", "y"),
        ("{% raw %}{{ email }}{% endraw %}{# not said #}", "{{ email }}"),
        ("  one\n  line \n\n\n second   line\n", "one line\nsecond line"),
        ("price {5} }}", "price {5} }}"),
    ],
)
def test_what_words_can_do(text: str, expected: str) -> None:
    """Naming, choosing, repeating; paragraphs are kept and other white space is not."""
    assert problems(text, SCOPE) == []
    assert render(text, SCOPE) == expected


def test_every_problem_of_a_template_is_named_once() -> None:
    """Several mistakes of one text come in one answer."""
    assert problems("{{ emial }} {{ emial }} {% if x %}{{ reasons }}{% endif %}", SCOPE) == [
        "there is no fact 'emial' here; did you mean 'email'?",
        "there is no fact 'x' here; docs/sop-format.md lists them",
        "'reasons' is a list, which cannot be said; go through it with for, or join it",
    ]


def test_words_without_a_fact_say_so_and_not_nothing() -> None:
    """A name that has no value is an error, never an empty place in a sentence."""
    with pytest.raises(WordsError, match="cannot be filled in: 'email' is undefined"):
        render("{{ email }}", {})
    with pytest.raises(WordsError, match="cannot be filled in"):
        render("{% if email > 1 %}x{% endif %}", SCOPE)


# -- the words of the shipped procedure --------------------------------------------------------


def texts(whole: Definition) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text of a definition, with what it may name besides the scope."""
    for text in whole.words.values():
        yield text, {"why": "w"}
    for text in whole.notices.values():
        yield text, {"due": VOCABULARY.sample_due()}
    for state in whole.states.values():
        yield from ((text, {}) for text in (state.say, state.do, state.end) if text)
        for question in state.questions:
            yield question.label, {}
            yield question.confirm or "", {}
            for field in question.fields.values():
                yield field.prompt, {}
                yield field.help or "", {}


def emptied(value: Any) -> Any:
    """The same facts with nothing in them: what a call that has just begun knows."""
    if isinstance(value, dict):
        return {key: emptied(inner) for key, inner in value.items()}
    return type(value)()


def test_every_text_of_the_shipped_procedure_can_be_filled_in() -> None:
    """With the sample, with every fact empty, and with the facts of a call that has just begun:
    words that pass the check never fail in a call."""
    whole = definition.load(SHIPPED)
    sample = VOCABULARY.sample_scope()
    fresh = VOCABULARY.scope(VOCABULARY.new_case(date(2024, 5, 6), "UTC"))
    filled = 0
    for text, more in texts(whole):
        for scope in (sample, emptied(sample), fresh):
            made = render(text, {**scope, **more})
            assert "{{" not in made
            assert "{%" not in made
            filled += 1
    assert filled > 300


def test_the_sample_scope_has_the_kinds_of_the_real_one() -> None:
    """The check is only as good as the sample: it names the same facts, of the same kinds."""
    sample = VOCABULARY.sample_scope()
    fresh = VOCABULARY.scope(VOCABULARY.new_case(date(2024, 5, 6), "UTC"))

    def kinds(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kinds(inner) for key, inner in value.items()}
        return type(value).__name__

    assert kinds(fresh) == kinds(sample)


def test_only_a_few_filters_are_left() -> None:
    """Rule 39: no filter takes the name of an attribute, or makes more of what it is given."""
    assert set(words.FILTERS) == {"capitalize", "default", "join", "length", "lower", "upper"}
