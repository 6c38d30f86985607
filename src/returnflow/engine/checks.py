"""Every load-time check of a procedure: of its names, of its table, and of its words.

`check` tells all problems at once. A check that could only repeat what another one said (a state
cannot be reached because the row that leads there is misspelt) holds back until that is mended.
"""

from __future__ import annotations

from typing import Any

from returnflow.engine import rules_spec, words
from returnflow.engine.draft import CERTAIN, Doubt
from returnflow.engine.hearing_checks import heard
from returnflow.engine.name_checks import known_names, own_names
from returnflow.engine.spec import (
    DefinitionSpec,
)
from returnflow.engine.table_checks import TableChecks
from returnflow.engine.vocabulary import Vocabulary
from returnflow.engine.yamltext import Document, Found, Path_


def check(
    spec: DefinitionSpec, document: Document, vocabulary: Vocabulary | None, doubt: Doubt = CERTAIN
) -> list[tuple[Path_, str]]:
    """Every problem of a procedure's names, table and words, each with its path.

    Args:
        vocabulary: None where it is not known; then only what needs none is checked.
        doubt: where something stands in for what is malformed.
    """
    misnamed = list(own_names(spec))
    if vocabulary is None:
        found = [*misnamed, *rules_spec.own_names(spec)]
    else:
        misnamed += known_names(spec, vocabulary)
        table = TableChecks(spec, document, vocabulary, [path for path, _ in misnamed], doubt)
        found = [
            *misnamed,
            *table.problems(),
            *_words(spec, vocabulary),
            *heard(spec, vocabulary, vague=doubt.anywhere("notices")),
            *rules_spec.check(spec, vocabulary),
        ]
    return [
        (path, message)
        for path, message in found
        if _names_of(path) not in doubt.vague and not doubt.spoils(path)
    ]


def _names_of(path: Path_) -> str:
    """The part of the file whose names stand at `path`; "" where others or none do."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if path[0] == "scorecard":
        return "steps" if "steps" in path or key == "step" else ""
    if path[0] == "notices" and len(path) > 2:
        return {"all": "terms", "order": "terms", "unless": "terms", "like": "notices"}.get(key, "")
    if path[0] == "rules" and key in ("in", "to", "from"):
        return "states"
    named = {"to": "states", "initial": "states", "step": "steps", "tell": "words"}
    return {**named, "refuse": "words"}.get(key, "")


def _words(spec: DefinitionSpec, vocabulary: Vocabulary) -> Found:
    scope = vocabulary.sample_scope()
    rows = [*spec.anywhere, *(row for state in spec.states.values() for row in state.transitions)]
    told = {row.tell for row in rows}
    for key, text in spec.words.items():
        # Only a refusal has a reason; words that are told as well must do without.
        names = scope if key in told else {**scope, "why": "w"}
        yield from _template(("words", key), text, names)
    due = {**scope, "due": vocabulary.sample_due()}
    for key, notice in spec.notices.items():
        yield from _template(("notices", key, "say"), notice.say, due)
    for name, state in spec.states.items():
        path: Path_ = ("states", name)
        for member in ("say", "do", "end"):
            yield from _template((*path, member), getattr(state, member), scope)
        for i, question in enumerate(state.ask or ()):
            here: Path_ = (*path, "ask", i)
            yield from _template((*here, "label"), question.label, scope)
            yield from _template((*here, "confirm"), question.confirm, scope)
            for field, wanted in question.fields.items():
                yield from _template((*here, "fields", field, "prompt"), wanted.prompt, scope)
                yield from _template((*here, "fields", field, "help"), wanted.help, scope)


def _template(path: Path_, text: str | None, scope: dict[str, Any]) -> Found:
    for problem in words.problems(text, scope) if text else ():
        yield path, f"in these words: {problem}"
