"""The tables of docs/sop-format.md and docs/sop-check.md, made from the vocabulary; run as a
script, writes them there.

The tables stand between ``<!-- NAME -->`` and ``<!-- end -->``; everything else of the page is
written by hand. A test holds that the page is fresh.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from returnflow.engine import words
from returnflow.engine.definition import RESERVED_KEYS
from returnflow.engine.vocabulary import Vocabulary, load_vocabulary

PAGE = Path(__file__).parent.parent / "docs" / "sop-format.md"
PROOFS = PAGE.with_name("sop-check.md")
_SLOT = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _doc(thing: object) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", inspect.getdoc(thing) or "")


def events(vocabulary: Vocabulary) -> str:
    """Every event, what it says, and what an answer that yields it must and may fill in."""
    rows = []
    for name, cls in vocabulary.by_name.items():
        fields = [f for f in msgspec.structs.fields(cls) if f.name not in ("at", "inferred")]
        must = _code(field.name for field in fields if field.required)
        may = _code(field.name for field in fields if not field.required)
        rows.append([f"`{name}`", _doc(cls), must or "–", may or "–"])
    return table(["event", "what it says", "must have", "may have"], rows)


def guards(vocabulary: Vocabulary) -> str:
    """Every guard and what it means."""
    rows = [[f"`{guard.name}`", _doc(guard.test)] for guard in vocabulary.guards.values()]
    return table(["guard", "holds when"], rows)


def operations(vocabulary: Vocabulary) -> str:
    """Every operation, and the events that a state which calls it must handle."""
    rows = [
        [
            f"`{operation.name}`",
            "changes something" if operation.request else "looks up",
            _code([operation.request] if operation.request else []) or "–",
            _code(operation.outcomes),
        ]
        for operation in vocabulary.operations.values()
    ]
    return table(["operation", "kind", "before it is sent", "outcomes"], rows)


def notices(vocabulary: Vocabulary) -> str:
    """The keys under `notices`, and the facts that `due` has in them."""
    rows = [[f"`{key}`"] for key in vocabulary.notices]
    return table(["notice"], rows) + (
        f"\n\nWithin `due` there are {_code(vocabulary.sample_due())}."
    )


def dues(vocabulary: Vocabulary) -> str:
    """What a state may owe."""
    rows = [[f"`{name}`", _doc(due)] for name, due in vocabulary.dues.items()]
    return table(["owes", "what is said first"], rows)


def fields(vocabulary: Vocabulary) -> str:
    """The types of a field."""
    rows = [[f"`{field.name}`", field.doc] for field in vocabulary.field_types.values()]
    return table(["type", "what is typed"], rows)


def facts(vocabulary: Vocabulary) -> str:
    """Everything that words may name, and of what kind it is."""
    rows = [[f"`{name}`", _kind(value)] for name, value in vocabulary.sample_scope().items()]
    return table(["fact", "kind"], rows)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int):
        return "a number"
    if isinstance(value, list):
        return f"a list; each is {_kind(value[0])}"
    if isinstance(value, Mapping):
        members = (
            f"`{key}`" + ("" if isinstance(inner, str) else f" ({_kind(inner)})")
            for key, inner in value.items()
        )
        return "a group: " + ", ".join(members)
    return "text"


def kinds(vocabulary: Vocabulary) -> str:
    """The kinds of subjects that a rule can be about, and the events that are about each."""
    abstraction = vocabulary.abstraction() if vocabulary.abstraction else None
    rows = [
        [f"`{kind.name}`", kind.doc, _code(sorted(kind.events))]
        for kind in (abstraction.kinds.values() if abstraction is not None else ())
    ]
    return table(["kind", "one of them is", "events about some of them and not about others"], rows)


def declared(vocabulary: Vocabulary) -> str:
    """What each guard implies about the facts that proofs follow."""
    abstraction = vocabulary.abstraction() if vocabulary.abstraction else None
    if abstraction is None:
        return ""
    parts = [("the call", abstraction.facts)]
    parts += [(f"one {kind.name}", kind.facts) for kind in abstraction.kinds.values()]
    facts_of = [[of, _code(facts.tests)] for of, facts in parts]
    rows = [
        [f"`{guard}`", of, _code(implied.held) or "–", _code(implied.otherwise) or "–"]
        for of, facts in parts
        for guard, implied in facts.guards.items()
    ]
    head = ["guard", "facts of", "where it holds", "where it does not"]
    return f"{table(['facts of', 'which'], facts_of)}\n\n{table(head, rows)}"


def reserved(_: Vocabulary) -> str:
    """The keys that no question can take."""
    return f"{_code(RESERVED_KEYS)}"


def filters(_: Vocabulary) -> str:
    """The filters of the words."""
    return f"{_code(words.FILTERS)}"


SLOTS: dict[str, Callable[[Vocabulary], str]] = {
    made.__name__: made
    for made in (events, guards, operations, notices, dues, fields, facts, kinds, reserved, filters)
}


def fresh(page: str) -> str:
    """The page with its tables made anew."""
    vocabulary = load_vocabulary("returns")
    slots = {**SLOTS, "declared": declared}

    def fill(slot: re.Match[str]) -> str:
        return f"<!-- {slot[1]} -->\n{slots[slot[1]](vocabulary)}\n<!-- end -->"

    return _SLOT.sub(fill, page)


if __name__ == "__main__":
    for path in (PAGE, PROOFS):
        path.write_text(fresh(path.read_text(encoding="utf-8")), encoding="utf-8")
