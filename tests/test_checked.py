"""A procedure that passed every check is not checked again; any other is."""

from __future__ import annotations

from pathlib import Path

import pytest

from returnflow.bundled import bundled
from returnflow.engine import checks, definition
from returnflow.engine.spec import DefinitionSpec
from returnflow.errors import DefinitionError
from returnflow.home import MOST_CHECKED, CheckedTexts

SHIPPED = bundled("states") / "handling_returns.yaml"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the procedures that were checked."""
    seen: list[str] = []
    check = checks.check

    def counting(spec: DefinitionSpec, *more: object) -> list[str]:
        seen.append(spec.sop)
        return check(spec, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(checks, "check", counting)
    return seen


def test_a_text_that_passed_is_not_checked_again(tmp_path: Path, counted: list[str]) -> None:
    """And what is loaded is the same."""
    first = definition.load(SHIPPED, CheckedTexts(tmp_path))
    again = definition.load(SHIPPED, CheckedTexts(tmp_path))
    assert counted == ["handling-returns"]
    assert (again.digest, list(again.states), len(list(again.all_rows()))) == (
        first.digest,
        list(first.states),
        len(list(first.all_rows())),
    )


def test_another_text_is_checked(tmp_path: Path, counted: list[str]) -> None:
    """One changed letter is another text; one that fails is not remembered as sound."""
    definition.load(SHIPPED, CheckedTexts(tmp_path))
    text = SHIPPED.read_text(encoding="utf-8")
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("to: finding_customer", "to: findign_customer", 1))
    for _ in range(2):
        with pytest.raises(DefinitionError, match="findign_customer"):
            definition.load(broken, CheckedTexts(tmp_path))
    assert len(counted) == 3


def test_a_folder_that_cannot_be_used_costs_nothing_but_time(
    tmp_path: Path, counted: list[str]
) -> None:
    """Where nothing can be remembered, everything is checked."""
    (tmp_path / "checked").write_text("a file stands in its place")
    for _ in range(2):
        definition.load(SHIPPED, CheckedTexts(tmp_path))
    assert len(counted) == 2


def test_not_more_than_so_many_are_remembered(tmp_path: Path) -> None:
    texts = CheckedTexts(tmp_path)
    for number in range(MOST_CHECKED + 20):
        texts.add(f"{number:064}")
    assert len(list((tmp_path / "checked").iterdir())) <= MOST_CHECKED + 1
    assert f"{MOST_CHECKED + 19:064}" in texts
