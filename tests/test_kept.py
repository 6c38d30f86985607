"""The compiled form of a procedure that passed every check is kept; any other text is checked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from returnflow.bundled import bundled
from returnflow.engine import checks, definition
from returnflow.engine.definition import Definition
from returnflow.engine.spec import DefinitionSpec
from returnflow.engine.vocabulary import load_vocabulary
from returnflow.engine.yamltext import Path_
from returnflow.errors import DefinitionError
from returnflow.home import KEPT_FOLDER, MOST_KEPT, KeptProcedures

SHIPPED = bundled("states") / "handling_returns.yaml"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the procedures that were checked."""
    seen: list[str] = []
    check = checks.check

    def counting(spec: DefinitionSpec, *more: object) -> list[tuple[Path_, str]]:
        seen.append(spec.sop)
        return check(spec, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(checks, "check", counting)
    return seen


def plain(loaded: Definition) -> dict[str, Any]:
    """All of a definition, to be compared."""
    made: dict[str, Any] = {}
    for field in fields(loaded):
        value = getattr(loaded, field.name)
        if field.name == "rows":
            value = {key: [asdict(row) for row in rows] for key, rows in value.items()}
        elif field.name == "states":
            value = {name: _state(state) for name, state in value.items()}
        made[field.name] = value
    return made


def _state(state: definition.State) -> dict[str, Any]:
    made = {field.name: getattr(state, field.name) for field in fields(state)}
    return {**made, "questions": [repr(question) for question in state.questions]}


def test_a_text_that_passed_is_not_checked_again(tmp_path: Path, counted: list[str]) -> None:
    """And what is loaded is the same, to the last row and in the same order."""
    first = definition.load(SHIPPED, KeptProcedures(tmp_path))
    again = definition.load(SHIPPED, KeptProcedures(tmp_path))
    assert counted == ["handling-returns"]
    assert plain(again) == plain(first)
    assert list(again.rows) == list(first.rows)
    assert list(again.states) == list(first.states)


def test_another_text_is_checked(tmp_path: Path, counted: list[str]) -> None:
    """One changed letter is another text; one that fails is not kept."""
    definition.load(SHIPPED, KeptProcedures(tmp_path))
    text = SHIPPED.read_text(encoding="utf-8")
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("to: finding_customer", "to: findign_customer", 1))
    for _ in range(2):
        with pytest.raises(DefinitionError, match="findign_customer"):
            definition.load(broken, KeptProcedures(tmp_path))
    assert len(counted) == 3


@pytest.mark.parametrize("damage", [b"", b"{", b'{"sop": 1}', b"\xff\xfe"])
def test_a_damaged_form_is_made_anew(tmp_path: Path, counted: list[str], damage: bytes) -> None:
    """A file that was cut off, or that somebody wrote into, is replaced."""
    whole = definition.load(SHIPPED, KeptProcedures(tmp_path))
    (kept,) = (tmp_path / KEPT_FOLDER).iterdir()
    kept.write_bytes(damage)
    assert plain(definition.load(SHIPPED, KeptProcedures(tmp_path))) == plain(whole)
    assert len(counted) == 2
    definition.load(SHIPPED, KeptProcedures(tmp_path))
    assert len(counted) == 2


def test_a_letter_that_flipped_is_noticed(tmp_path: Path, counted: list[str]) -> None:
    """A form that still reads, and is not what was written, is not used."""
    whole = definition.load(SHIPPED, KeptProcedures(tmp_path))
    (kept,) = (tmp_path / KEPT_FOLDER).iterdir()
    kept.write_bytes(kept.read_bytes().replace(b'"own_order"', b'"ownXorder"'))
    assert plain(definition.load(SHIPPED, KeptProcedures(tmp_path))) == plain(whole)
    assert len(counted) == 2


def test_an_operation_with_another_outcome_is_checked_again(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table must handle it; the names alone are the same."""
    definition.load(SHIPPED, KeptProcedures(tmp_path))
    vocabulary = load_vocabulary("returns")
    found = dict(vocabulary.operations)
    one = found["get_customer_by_email"]
    found[one.name] = replace(one, outcomes=(*one.outcomes, "item_found"))
    monkeypatch.setitem(vars(vocabulary), "operations", found)
    with pytest.raises(DefinitionError, match="can lead to 'item_found'"):
        definition.load(SHIPPED, KeptProcedures(tmp_path))
    assert len(counted) == 2


def test_a_vocabulary_with_other_words_is_checked_again(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passed may name a guard that has gone since; then that is told."""
    definition.load(SHIPPED, KeptProcedures(tmp_path))
    vocabulary = load_vocabulary("returns")
    fewer = {name: guard for name, guard in vocabulary.guards.items() if name != "items_pending"}
    monkeypatch.setitem(vars(vocabulary), "guards", fewer)
    with pytest.raises(DefinitionError, match="items_pending"):
        definition.load(SHIPPED, KeptProcedures(tmp_path))
    assert len(counted) == 2


def test_a_folder_that_cannot_be_used_costs_nothing_but_time(
    tmp_path: Path, counted: list[str]
) -> None:
    """Where nothing can be kept, everything is checked."""
    (tmp_path / KEPT_FOLDER).write_text("a file stands in its place")
    for _ in range(2):
        definition.load(SHIPPED, KeptProcedures(tmp_path))
    assert len(counted) == 2


def test_not_more_than_so_many_are_kept(tmp_path: Path) -> None:
    kept = KeptProcedures(tmp_path)
    for number in range(MOST_KEPT + 20):
        kept.put(f"{number:064}", b"-")
    assert len(list((tmp_path / KEPT_FOLDER).iterdir())) == MOST_KEPT
    assert kept.get(f"{MOST_KEPT + 19:064}") == b"-"


def test_a_kept_procedure_needs_no_parser(tmp_path: Path) -> None:
    """The point of keeping it: neither YAML nor templates nor models are imported."""
    program = (
        "import sys, pathlib\n"
        "from returnflow.engine import definition\n"
        "from returnflow.home import KeptProcedures\n"
        "keeper = KeptProcedures(pathlib.Path(sys.argv[2]))\n"
        "definition.load(pathlib.Path(sys.argv[1]), keeper)\n"
        "print([name for name in ('yaml', 'jinja2', 'pydantic') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", program, str(SHIPPED), str(tmp_path)]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert said == ["['yaml', 'jinja2', 'pydantic']\n", "[]\n"]
