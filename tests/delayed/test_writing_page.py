"""docs/writing-an-sop.md is carried out, block by block and in its order; its tables are fresh.

Run as a script, writes the tables.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from returnflow.engine import definition
from returnflow.engine.vocabulary import Vocabulary, load_vocabulary
from returnflow.returns import VOCABULARY as RETURNS
from sop_reference import dues, events, facts, guards, notices, operations

PAGE = Path(__file__).parents[2] / "docs" / "writing-an-sop.md"
BLOCK = re.compile(r"(?:<!-- (file|add) (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
SLOT = re.compile(
    r"<!-- (events|guards|operations|dues|notices|facts) -->\n.*?<!-- end -->", re.DOTALL
)


def _own_events(vocabulary: Vocabulary) -> str:
    """The events that the vocabulary of returns does not have."""
    own = tuple(cls for cls in vocabulary.events if cls not in RETURNS.events)
    return events(_with(vocabulary, own))


def _with(vocabulary: Vocabulary, kept: tuple[Any, ...]) -> Vocabulary:
    from dataclasses import replace

    return replace(vocabulary, events=kept)


TABLES = {
    "events": _own_events,
    "guards": guards,
    "operations": operations,
    "dues": dues,
    "notices": notices,
    "facts": facts,
}


def fresh(page: str) -> str:
    """The page with its tables made anew."""
    vocabulary = load_vocabulary("delayed")
    return SLOT.sub(
        lambda slot: f"<!-- {slot[1]} -->\n{TABLES[slot[1]](vocabulary)}\n<!-- end -->", page
    )


def test_the_tables_are_those_of_the_vocabulary() -> None:
    """If not, run ``python tests/delayed/test_writing_page.py`` with tests on the path."""
    text = PAGE.read_text(encoding="utf-8")
    assert fresh(text) == text
    assert len(SLOT.findall(text)) == len(TABLES)
    vocabulary = load_vocabulary("delayed")
    assert all(cls.__doc__ for cls in vocabulary.events)
    assert all(guard.test.__doc__ for guard in vocabulary.guards.values())


def test_every_block_does_what_the_page_says(tmp_path: Path) -> None:
    """Files are written, commands run, what they should tell is in what they tell."""
    scripts = str(Path(sys.executable).parent)
    given = {"RETURNFLOW_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    environment = {**os.environ, **given, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    (tmp_path / "home").mkdir()
    told, ran, done = "", "", []
    for what, name, kind, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        done.append(kind)
        match kind:
            case "yaml":
                with (tmp_path / name).open("a" if what == "add" else "w") as file:
                    file.write(block)
            case "sh":
                ran = block
                run = subprocess.run(
                    ["sh", "-c", block],
                    cwd=tmp_path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                told = " ".join((run.stdout + run.stderr).split())
            case "text":
                for line in block.splitlines():
                    assert " ".join(line.split()) in told, f"after {ran}: {told}"
            case "python":
                names: dict[str, Any] = {}
                exec(block, names)  # noqa: S102 (the page's own)
                _serves(names["VOCABULARY"], tmp_path / "where.yaml")
    assert done.count("sh") == done.count("text") == 5
    assert {"yaml", "python", "toml"} <= set(done)


def _serves(vocabulary: Vocabulary, file: Path) -> None:
    """The page's own guard stands in a table, and answers as the page says."""
    guard = vocabulary.guards["paid"]
    case = vocabulary.new_case(None, "UTC")
    assert guard.test(case, None) is None
    found = definition.loads(file.read_text(encoding="utf-8"))
    order = vocabulary.by_name["order_found"]
    for status, answer in (("SUCCESS", True), ("PENDING", False)):
        body = {
            "event": "order_found",
            "order": {"order_id": "O", "customer_id": "C", "payment_status": status},
        }
        case.apply(msgspec.convert(body, order))
        assert guard.test(case, None) is answer
    assert found.vocabulary.name == "delayed"


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
