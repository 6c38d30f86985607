"""The JSON Schema by which editors complete and underline a procedure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from returnflow.bundled import bundled
from returnflow.engine.vocabulary import load_vocabulary
from returnflow.sop.schema import schema

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sop.schema.json"
SHIPPED = bundled("states") / "handling_returns.yaml"
BAD = ROOT / "tests" / "bad_yaml"


PAGES = {
    "handling_returns": ("returns", PAGE),
    "delayed_package": ("delayed", ROOT / "docs" / "sop-delayed.schema.json"),
}


def problems(data: Any, page: Path = PAGE) -> list[str]:
    """Where the schema finds a fault."""
    validator = jsonschema.Draft202012Validator(json.loads(page.read_text(encoding="utf-8")))
    return [error.json_path for error in validator.iter_errors(data)]


@pytest.mark.parametrize(("vocabulary", "page"), PAGES.values(), ids=PAGES)
def test_the_schema_is_fresh_and_sound(vocabulary: str, page: Path) -> None:
    """If not, run ``returnflow sop schema --vocabulary NAME > docs/….schema.json``."""
    made = schema(load_vocabulary(vocabulary))
    assert json.loads(page.read_text(encoding="utf-8")) == json.loads(json.dumps(made))
    jsonschema.Draft202012Validator.check_schema(made)


@pytest.mark.parametrize("name", PAGES)
def test_each_shipped_procedure_names_its_schema_and_fits(name: str) -> None:
    """An editor that opens the file finds the schema, and nothing to complain of."""
    text = (bundled("states") / f"{name}.yaml").read_text(encoding="utf-8")
    _, page = PAGES[name]
    first = text.split("\n")[0]
    assert first == f"# yaml-language-server: $schema=../docs/{page.name}"
    assert (ROOT / "states" / first.partition("=")[2]).resolve() == page.resolve()
    assert problems(yaml.safe_load(text), page) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("name_event_row", "$.states.started.transitions[0].event"),
        ("name_guard", "$.states.started.transitions[1].when[0]"),
        ("name_field_type", "$.states.started.ask[0].fields.email.type"),
        ("rule_event", "$.rules.first.absence"),
    ],
)
def test_a_name_that_does_not_exist_is_underlined(name: str, path: str) -> None:
    """The names of the vocabulary are in the schema, each where it belongs."""
    data = yaml.safe_load((BAD / f"{name}.yaml").read_text(encoding="utf-8"))
    assert path in problems(data)


def test_an_unknown_key_is_underlined() -> None:
    """At every level."""
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    data["states"]["started"]["tilte"] = "Call started"
    assert problems(data) == ["$.states.started"]
