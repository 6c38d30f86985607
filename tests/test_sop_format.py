"""docs/sop-format.md says what the loader does: its tables, its keys and its example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from returnflow.engine import definition
from returnflow.engine.rules_spec import ActivitySpec, ReachSpec, RuleSpec
from returnflow.engine.spec import (
    AutoFailSpec,
    DefinitionSpec,
    FieldSpec,
    NoticeSpec,
    QuestionSpec,
    RowSpec,
    ScorecardSpec,
    StateSpec,
    WordingSpec,
)
from returnflow.engine.vocabulary import load_vocabulary
from sop_reference import PAGE, SLOTS, fresh

TEXT = PAGE.read_text(encoding="utf-8")
HERE = Path(__file__).parent


def test_the_tables_are_those_of_the_vocabulary() -> None:
    """The page is fresh; if not, run ``python tests/sop_reference.py``."""
    assert fresh(TEXT) == TEXT
    assert set(re.findall(r"<!-- (\w+) -->", TEXT)) == {*SLOTS, "end"}


def test_everything_of_the_vocabulary_has_words() -> None:
    """No event, guard, due or field type is listed without saying what it means."""
    vocabulary = load_vocabulary("returns")
    assert all(cls.__doc__ for cls in vocabulary.events)
    assert all(guard.test.__doc__ for guard in vocabulary.guards.values())
    assert all(due.__doc__ for due in vocabulary.dues.values())
    assert all(field.doc for field in vocabulary.field_types.values())
    assert "|  |" not in TEXT


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        (DefinitionSpec, "### At the top"),
        (StateSpec, "### A state"),
        (QuestionSpec, "### A question"),
        (RowSpec, "### A row"),
        (NoticeSpec, "### A notice"),
        (WordingSpec, "### A wording"),
        (ScorecardSpec, "### A scorecard"),
        (AutoFailSpec, "### A rule of `auto_fail`"),
        (RuleSpec, "### A rule\n"),
        (ActivitySpec, "### An activity"),
        (ReachSpec, "### What can be reached"),
    ],
)
def test_every_key_is_explained_and_no_other(model: type[BaseModel], heading: str) -> None:
    """The first column of each table is exactly what the loader knows."""
    section = TEXT.split(heading, 1)[1].split("\n#", 1)[0]
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == keys


def test_the_keys_of_a_field_are_named() -> None:
    """A field's keys are explained in a sentence."""
    (sentence,) = re.findall(r"^A field has .*$", TEXT, re.MULTILINE)
    assert re.findall(r"`(\w+)`", sentence) == list(FieldSpec.model_fields)


def test_the_example_loads() -> None:
    """What a reader copies from the page is a procedure."""
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    loaded = definition.loads(example)
    assert list(loaded.states) == ["started", "finding", "closed"]
