"""The policy file: what it decides, and what is said about one with mistakes. Needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from returnflow.backends.tryton_policy import Category, Policy, load
from returnflow.errors import UsageError
from returnflow.records import ReturnPolicy

FULL = """\
zone = "Europe/Berlin"
[default]
eligible = true
window = "30 days"
[categories.Cosmetics]
eligible = false
[categories."Christmas sale"]
window = 60
[categories.Bargains]
window = "14"
[categories.Odds]
window = "P7D"
[products.KET-17]
window = "unlimited"
[complaint_types]
DAMAGED = "Transport damage"
[orders]
listed_days = 730
[prices]
taxes = "excluded"
[customers]
fraud_category = "Suspected fraud"
[transfers]
complaint_type = "Please call"
unidentified = "9999"
"""


def policy(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "tryton.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        policy(tmp_path, text)
    return str(caught.value)


def line(*names: str) -> Category:
    return Category(names)


@pytest.mark.parametrize(
    ("code", "categories", "eligible", "window"),
    [
        ("LAMP", [], True, "30 days"),
        ("KET-17", [], True, "unlimited"),
        ("KET-17", [line("Cosmetics")], False, "unlimited"),
        ("SOAP", [line("Cosmetics")], False, "30 days"),
        ("SOAP", [line("Soaps", "Cosmetics")], False, "30 days"),
        ("SOAP", [line("cosmetics")], False, "30 days"),
        ("STAR", [line("Christmas sale")], True, "60"),
        ("STAR", [line("Christmas sale"), line("Bargains")], True, "14"),
        ("STAR", [line("Christmas sale"), line("Odds"), line("Cosmetics")], False, "P7D"),
        ("STAR", [line("Bargains", "Christmas sale")], True, "14"),
        ("STAR", [line("Nothing said")], True, "30 days"),
    ],
)
def test_the_nearest_rule_decides_each_member(
    tmp_path: Path, code: str, categories: list[Category], eligible: bool, window: str
) -> None:
    """Rules 5, 6, 10: the product, its categories, the default; the strictest of several."""
    found = policy(tmp_path, FULL).of(code, categories)
    assert found == ReturnPolicy(return_eligible=eligible, return_window=window)


def test_what_no_rule_speaks_of_is_unknown(tmp_path: Path) -> None:
    """Rule 10."""
    rules = policy(tmp_path, "[products.KET-17]\neligible = true\n")
    assert rules.of("LAMP", []) is None
    assert rules.of("KET-17", []) == ReturnPolicy(return_eligible=True)


def test_the_types_of_complaint_have_names_of_the_shop(tmp_path: Path) -> None:
    """Rule 26: named ones, and the usual ones for the rest."""
    rules = policy(tmp_path, FULL)
    assert rules.complaint_type("DAMAGED") == "Transport damage"
    assert rules.complaint_type("ORDERED_BY_MISTAKE") == "Ordered by mistake"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[default", "is no TOML"),
        ("[defaults]\neligible = true", "defaults: Extra inputs are not permitted"),
        ('[default]\neligible = "maybe"', "default.eligible: Input should be a valid boolean"),
        ('[default]\nwindow = "a month"', "default.window: “a month” is no window"),
        ("[default]\nwindow = -3", "default.window: “-3” is no window"),
        ("[default]\nwindow = true", "default.window: Input should be a valid string"),
        ('[products.A]\nwindow = ""', "products.A.window: “” is no window"),
        ('[complaint_types]\nBORED = "x"', "complaint_types.BORED: the reasons are DAMAGED"),
        ('zone = "Mars/Phobos"', "there is no time zone 'Mars/Phobos'"),
        ('zone = "../etc/passwd"', "there is no time zone"),
        ("[orders]\nlisted_days = 0", "orders.listed_days: Input should be greater"),
        ('[prices]\ntaxes = "some"', "prices.taxes: Input should be 'included' or 'excluded'"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """Rule 40."""
    said = complaint(tmp_path, text)
    assert words in said
    assert str(tmp_path / "tryton.toml") in said


def test_every_mistake_is_named(tmp_path: Path) -> None:
    """Rule 40: whoever mends the file mends it once."""
    said = complaint(tmp_path, 'zone = "x/y"\n[default]\nwindow = "soon"\n')
    assert "zone" in said
    assert "default.window" in said


def test_without_a_file_it_is_said_what_to_write(tmp_path: Path) -> None:
    """Rule 40: the example in the message is itself a policy."""
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "none.toml")
    example = str(caught.value).split("\n\n")[1]
    assert policy(tmp_path, example).of("LAMP", []) == ReturnPolicy(
        return_eligible=True, return_window="30 days"
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Rule 40: a folder, bytes that are no text, a file without end."""
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "bytes")
    (tmp_path / "long").write_text("#" * 2_000_000)
    with pytest.raises(UsageError, match="longer than"):
        load(tmp_path / "long")


def test_the_file_in_the_documentation_is_a_policy(tmp_path: Path) -> None:
    """docs/tryton.md shows each key once, and none that there is not."""
    page = Path(__file__).parents[2] / "docs" / "tryton.md"
    text = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    rules = policy(tmp_path, text)
    assert rules.model_fields_set == set(Policy.model_fields)
    assert rules.of("KET-17", [line("Cosmetics")]) == ReturnPolicy(
        return_eligible=False, return_window="unlimited"
    )
