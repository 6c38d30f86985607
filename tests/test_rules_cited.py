"""Every rule of docs/rules.md is held by a test that cites it, and no rule is invented.

A citation counts where a reader of the test finds it: in the docstring of a test function that
asserts something. A contract suite shipped in `returnflow.testing` counts where a class under
tests/ subclasses it, since only then does it run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RULES = ROOT / "docs" / "rules.md"
HIGHEST = 50
# The only rule that no live call can exercise.
DEFERRED = frozenset({41})

_NUMBERED = re.compile(r"^(\d+)\. ", re.MULTILINE)
_RANGE = r"\d+(?:\s*(?:-|–|to)\s*\d+)?"
_CITATION = re.compile(
    rf"\brules\s+({_RANGE}(?:(?:\s*,\s*and\s+|\s*,\s*|\s+and\s+){_RANGE})*)|\brule\s+(\d+)",
    re.IGNORECASE,
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def rules() -> dict[int, str]:
    """The rules by number, each with its whole text."""
    text = RULES.read_text(encoding="utf-8")
    starts = list(_NUMBERED.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {
        int(match[1]): text[match.end() : end].split("\n## ")[0].strip()
        for match, end in zip(starts, ends, strict=True)
    }


def cited(text: str) -> set[int]:
    """The numbers that `text` cites: ``rule 17``, ``rules 5, 10 and 12``, ``rules 1 to 4``."""
    found: set[int] = set()
    for match in _CITATION.finditer(text):
        for part in re.findall(_RANGE, match[1] or match[2]):
            ends = [int(number) for number in re.findall(r"\d+", part)]
            found.update(range(ends[0], ends[-1] + 1))
    return found


def checks_something(function: Function) -> bool:
    """Whether the body has an ``assert`` or expects an error with ``raises``."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("pytest.raises", "raises"):
            return True
    return False


def named_tests(tree: ast.AST) -> Iterator[Function]:
    """The functions of `tree` that pytest collects by their name."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.name.startswith("test_"):
            yield node


def _bases(trees: Iterable[ast.AST]) -> dict[str, set[str]]:
    """By the name of each class, the names of those that it is made of."""
    return {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


def contract_suites(trees: dict[Path, ast.Module]) -> Iterator[tuple[Path, ast.ClassDef]]:
    """The classes of `returnflow.testing` that some class among `trees` subclasses, and those
    that these are made of."""
    package = ROOT / "src" / "returnflow"
    shipped = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted([*package.glob("testing.py"), *package.glob("testing/**/*.py")])
    }
    made_of = _bases(shipped.values())
    wanted = {base for bases in _bases(trees.values()).values() for base in bases}
    while more := {base for name in wanted for base in made_of.get(name, set())} - wanted:
        wanted |= more
    for path, tree in shipped.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in wanted:
                yield path, node


def all_tests() -> Iterator[tuple[str, Function]]:
    """Every test function that runs here, with the name of the place where it stands."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "tests").rglob("*.py"))
    }
    places: list[tuple[Path, ast.AST]] = [*trees.items(), *contract_suites(trees)]
    for path, tree in places:
        for function in named_tests(tree):
            yield f"{path.relative_to(ROOT).as_posix()}:{function.lineno}", function


def test_the_rules_are_numbered_without_gaps() -> None:
    """docs/rules.md holds every number once, in order, and each has words."""
    numbers = [int(number) for number in _NUMBERED.findall(RULES.read_text(encoding="utf-8"))]
    assert numbers == list(range(1, HIGHEST + 1))
    assert all(rules().values())


def test_what_is_put_off_says_so() -> None:
    """The rules without a test here are those that docs/rules.md says come with replay."""
    begin = {number for number, text in rules().items() if text.startswith("(comes with replay)")}
    assert begin == DEFERRED


def test_every_rule_in_scope_is_held_by_a_test() -> None:
    """Each rule but those put off is cited by at least one test that asserts something."""
    held = {
        number
        for _, function in all_tests()
        if checks_something(function)
        for number in cited(ast.get_docstring(function) or "")
    }
    missing = [
        f"{number}. {' '.join(text.split())[:90]}"
        for number, text in sorted(rules().items())
        if number not in held | DEFERRED
    ]
    assert not missing, "no test's docstring cites:\n" + "\n".join(missing)


def test_no_test_cites_a_rule_that_does_not_exist() -> None:
    """A number that is cited stands in docs/rules.md."""
    known = set(rules())
    unknown = [
        f"{place} {function.name}: {sorted(numbers - known)}"
        for place, function in all_tests()
        if (numbers := cited(ast.get_docstring(function) or "")) - known
    ]
    assert not unknown, "rules cited that do not exist:\n" + "\n".join(unknown)


def test_no_source_cites_a_rule_that_does_not_exist() -> None:
    """The same for the docstrings, comments and words of the program and its procedures."""
    known = set(rules())
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "states").rglob("*.yaml")]
    assert files
    unknown = {
        path.relative_to(ROOT).as_posix(): sorted(numbers - known)
        for path in files
        if (numbers := cited(path.read_text(encoding="utf-8"))) - known
    }
    assert not unknown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See rule 17.", {17}),
        ("Rule 3; rule\n    4", {3, 4}),
        ("rules 5, 10", {5, 10}),
        ("Rules 5, 10 and 12: words", {5, 10, 12}),
        ("rules 5, 10, and 12", {5, 10, 12}),
        ("rules 1-3 and 7", {1, 2, 3, 7}),
        ("rules 1 to 3", {1, 2, 3}),
        ("rule 17, 30 days", {17}),
        ("the rule of 30 days", set()),
        ("overrule 4", set()),
    ],
)
def test_how_citations_are_read(text: str, expected: set[int]) -> None:
    """The forms that docstrings may use, and some that are no citation."""
    assert cited(text) == expected
