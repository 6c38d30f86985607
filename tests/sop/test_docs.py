"""docs/sop-check.md and the diagram beside it say what is true."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from returnflow.bundled import bundled
from returnflow.engine import definition
from returnflow.sop.drawing import dot, drawing
from returnflow.sop.svg import svg
from returnflow.sop.verdicts import verdicts
from sop_reference import PROOFS, fresh

TEXT = PROOFS.read_text(encoding="utf-8")
DIAGRAM = PROOFS.with_name("handling-returns.svg")
SHIPPED = bundled("states") / "handling_returns.yaml"


def written(text: str) -> Counter[str]:
    """All words of an SVG, and the names of what it draws, wherever they stand."""
    root = ET.fromstring(text)  # noqa: S314 (our own)
    names = ("{http://www.w3.org/2000/svg}text", "{http://www.w3.org/2000/svg}title")
    return Counter(each.text or "" for name in names for each in root.iter(name))


def test_the_diagram_is_fresh() -> None:
    """If not, run ``returnflow sop show -o docs/handling-returns.svg``. Where a newer program
    lays it out otherwise, that is no difference."""
    fresh_one = svg(dot(drawing(definition.load(SHIPPED))))
    assert written(DIAGRAM.read_text(encoding="utf-8")) == written(fresh_one)


def test_the_table_of_facts_is_that_of_the_vocabulary() -> None:
    """If not, run ``python tests/sop_reference.py``."""
    assert fresh(TEXT) == TEXT


def test_the_rule_that_is_shown_is_one_of_the_shipped_procedure() -> None:
    """Word for word."""
    (rule,) = re.findall(r"```yaml\nrules:\n(.*?)```", TEXT, re.DOTALL)
    assert rule in SHIPPED.read_text(encoding="utf-8")


def test_the_refutation_that_is_shown_is_what_is_told() -> None:
    """The rule, its place, and the call, step by step."""
    from returnflow.engine.story import sentence

    text = SHIPPED.read_text(encoding="utf-8")
    text = text.replace("[notices_given], to: closed}", "[], to: closed}", 1)
    text = text.replace("      - {event: satisfied, refuse: notices_owed}\n", "")
    loaded = definition.loads(text)
    refuted = next(each for each in verdicts(loaded) if each.answer == "refuted")
    (shown,) = re.findall(r"```text\nsop\.yaml:(\d+:3: the rule .*?)```", TEXT, re.DOTALL)
    assert refuted.call is not None
    # In which line the rule stands is that of the day on which the page was written.
    assert shown.partition(":")[2].startswith(f"3: the rule {refuted.rule.name} is refuted")
    for number, event in enumerate(refuted.call.events, 1):
        assert f"    {number:>2}  {sentence(event, loaded.vocabulary.sentences)}\n" in shown


def test_every_command_is_in_the_table() -> None:
    """And no other."""
    from returnflow.cli.sop import command

    assert set(re.findall(r"^\| `returnflow sop (\w+)", TEXT, re.MULTILINE)) == set(
        command.commands
    )


def test_the_hook_of_pre_commit_runs_the_check() -> None:
    """Its id is the one that the page names."""
    import yaml

    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    assert f"`{hook['id']}`" in TEXT
    assert hook["entry"] == "returnflow sop check"
