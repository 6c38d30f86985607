"""A procedure's YAML as it is written: its keys, their kinds, and the rows it stands for.

pydantic checks the shape; its errors are turned into words that say where and how to mend.
Whether names exist and the table makes sense is the business of `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from returnflow.engine.compiled import Kind
from returnflow.engine.rules import AUTOMATA
from returnflow.engine.rules_spec import ActivitySpec, ReachSpec, RuleSpec
from returnflow.engine.scorecard import Kind as Finding
from returnflow.engine.scorecard import Severity
from returnflow.engine.vocabulary import Vocabulary
from returnflow.engine.yamltext import Document, Path_, in_file_order, suggest
from returnflow.errors import DefinitionError

# -- the shape of the YAML --------------------------------------------------------------------

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
_Words = Annotated[str, Field(min_length=1, max_length=4000)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FieldSpec(_Spec):
    """A field of a question: its type, and the prompt shown before the cursor."""

    type: _Name
    prompt: _Words
    help: _Words | None = None


class QuestionSpec(_Spec):
    """One way of answering: the event it yields, its label, the key that chooses it.

    `confirm` is said before an answer that sends something, and answered with yes or no.
    """

    event: _Name
    label: _Words
    key: _Name | None = None
    fields: dict[str, FieldSpec] = {}
    confirm: _Words | None = None


class RowSpec(_Spec):
    """One row of the table, as written."""

    event: _Name
    when: list[_Name] = []
    to: _Name | None = None
    stay: Literal[True] | None = None
    refuse: _Name | None = None
    tell: _Name | None = None
    discard: bool = False
    remark: Literal["early_lookup"] | None = None


class StateSpec(_Spec):
    """A state, as written: it asks, calls or ends."""

    step: str
    title: _Words
    say: _Words | None = None
    do: _Words | None = None
    ask: Annotated[list[QuestionSpec], Field(min_length=1)] | None = None
    call: _Name | None = None
    end: _Words | None = None
    owes: _Name | None = None
    transitions: list[RowSpec] = []


class WordingSpec(_Spec):
    """One way of saying a notice, as written: terms and values that belong together."""

    all: Annotated[list[str], Field(min_length=1)] | None = None
    order: Annotated[list[str], Field(min_length=1)] | None = None
    like: _Name | None = None
    denied: bool = False
    sentences: Annotated[int, Field(ge=1, le=3)] | None = None
    unless: list[_Name] = []


class NoticeSpec(_Spec):
    """A notice: its words, and how replay recognises that it was said; or its words alone."""

    say: _Words
    heard: list[WordingSpec] = []

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"say": data}
        if not isinstance(data, dict):
            raise PydanticCustomError("notice_type", "neither text nor a mapping")
        return data


class AutoFailSpec(_Spec):
    """A rule of the scorecard, as written."""

    label: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Finding | None = None
    guard: _Name | None = None
    notice: _Name | None = None
    event: _Name | None = None
    severity: Severity | None = None
    step: str | None = None


class ScorecardSpec(_Spec):
    """The `scorecard` block, as written; what it leaves out has these defaults."""

    pass_mark: Annotated[int, Field(ge=0, le=100)] = 80
    severities: dict[Finding, Severity] = {}
    guards: dict[_Name, Severity] = {}
    notices: dict[_Name, Severity] = {}
    presenting: Severity = "remark"
    weights: dict[Finding, Annotated[int, Field(ge=0, le=100)]] = {}
    steps: dict[str, Annotated[float, Field(ge=0, le=100, strict=False)]] = {}
    auto_fail: list[AutoFailSpec] = []


class DefinitionSpec(_Spec):
    """The whole file, as written."""

    sop: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
    version: Annotated[int, Field(ge=1)]
    title: _Words
    vocabulary: _Name
    initial: _Name
    steps: dict[str, _Words]
    words: dict[_Name, _Words] = {}
    terms: dict[_Name, Annotated[list[str], Field(min_length=1)]] = {}
    notices: dict[_Name, NoticeSpec] = {}
    scorecard: ScorecardSpec = ScorecardSpec()
    anywhere: list[RowSpec] = []
    rules: dict[_Name, RuleSpec] = {}
    states: Annotated[dict[_Name, StateSpec], Field(min_length=1)]


# -- the rows it stands for -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A row of one state: as written, where, and whether it was written under `anywhere`."""

    row: RowSpec
    path: Path_
    anywhere: bool


def kind_of(state: StateSpec) -> Kind:
    """What a state does; of several kinds, which is an error, the first."""
    return "ask" if state.ask is not None else "call" if state.call is not None else "end"


def rows_of(spec: DefinitionSpec, vocabulary: Vocabulary) -> dict[tuple[str, str], list[Written]]:
    """The rows of every (state, event), in the order in which they are tried.

    The rows under `anywhere` hold in every state that asks or looks something up; a state's
    own rows about an event replace them. A write's outcome is awaited first, so they do not
    hold there.
    """
    rows: dict[tuple[str, str], list[Written]] = {}
    for name, state in spec.states.items():
        own = {row.event for row in state.transitions}
        for i, row in enumerate(state.transitions):
            written = Written(row, ("states", name, "transitions", i), False)
            rows.setdefault((name, row.event), []).append(written)
        operation = vocabulary.operations.get(state.call or "")
        if kind_of(state) == "end" or (operation is not None and operation.request):
            continue
        for i, row in enumerate(spec.anywhere):
            if row.event not in own:
                written = Written(row, ("anywhere", i), True)
                rows.setdefault((name, row.event), []).append(written)
    return rows


# -- shape ------------------------------------------------------------------------------------


def shape(document: Document) -> DefinitionSpec:
    """The document as a procedure.

    Raises:
        DefinitionError: with everything about its shape that is wrong.
    """
    if not isinstance(document.data, dict):
        held = "is empty" if document.data is None else f"holds {_value(document.data)}"
        raise DefinitionError(
            [document.problem((), f"a procedure begins with keys such as 'sop:'; this {held}")]
        )
    try:
        return DefinitionSpec.model_validate(document.data)
    except ValidationError as error:
        raise DefinitionError(in_file_order(document, _shape_problems(error, document))) from None


_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "notice_type": "text, or a mapping with 'say' and 'heard'",
    "activity_type": "an event, or a mapping with 'event', 'in', 'to', 'when' and the like",
}


def _shape_problems(error: ValidationError, document: Document) -> Iterator[tuple[Path_, str]]:
    problems = error.errors(include_url=False)
    # A misspelt key is one mistake, not an unknown key and a missing one.
    meant = {
        (*path[:-1], key)
        for path in (found["loc"] for found in problems if found["type"] == "extra_forbidden")
        for key in _keys_at(path[:-1])
        if f" {key!r}?" in suggest(str(path[-1]), _keys_at(path[:-1]))
    }
    for found in problems:
        path: Path_ = found["loc"]
        if path and path[-1] == "[key]":
            path = path[:-1]
        if path[-1:] == ("say",) and path not in document.places and found["type"] != "missing":
            path = path[:-1]  # a notice that is its words alone
        if found["type"] == "missing":
            where = path[:-1]
            if path in meant:
                continue
            yield where, f"the key {path[-1]!r} is missing{_in(where)}"
        else:
            yield path, _shape_message(found["type"], path, found["input"], found.get("ctx", {}))


def _in(path: Path_) -> str:
    return f" in {_shown(path[-1])}" if path else ""


def _shape_message(kind: str, path: Path_, given: Any, context: dict[str, Any]) -> str:
    key = path[-1] if path else ""
    if kind in _KINDS:
        quote = ""
        if kind in ("string_type", "notice_type") and isinstance(given, int):
            quote = f'; put it in quotes: "{_value(given)}"'
        return f"{_shown(key)} must be {_KINDS[kind]}, not {_value(given)}{quote}"
    match kind:
        case "extra_forbidden":
            known = _keys_at(path[:-1])
            return f"unknown key {key!r}{suggest(str(key), known) or f'; there are {_list(known)}'}"
        case "string_pattern_mismatch":
            also = " (hyphens, too)" if path == ("sop",) else ""
            return (
                f"{_value(given)} is no name: small letters, digits and underscores{also}, "
                "beginning with a letter"
            )
        case "literal_error":
            expected = "true" if key == "stay" else context.get("expected", "")
            return f"{_shown(key)} must be {expected}, not {_value(given)}"
        case "string_too_short":
            return f"{_shown(key)} is empty; write some words"
        case "string_too_long":
            return f"{_shown(key)} is longer than {context.get('max_length')} characters"
        case "too_short" if context.get("min_length", 1) > 1:
            return f"{_shown(key)} needs {context['min_length']} entries"
        case "too_long":
            return f"{_shown(key)} has more than {context.get('max_length')} entries"
        case "too_short":
            return f"{_shown(key)} is empty; it needs at least one entry"
        case "greater_than_equal":
            return f"{_shown(key)} must be at least {context.get('ge')}, not {_value(given)}"
        case "less_than_equal":
            return f"{_shown(key)} must be at most {context.get('le')}, not {_value(given)}"
        case _:
            return f"{_shown(key)} cannot be {_value(given)} ({kind})"


def _shown(key: str | int) -> str:
    return f"entry {key + 1}" if isinstance(key, int) else repr(key)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping of keys" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) < 50 else text[:47] + "..."


def _keys_at(path: Path_) -> tuple[str, ...]:
    """The keys that are known where `path` leads."""
    model: type[BaseModel] = DefinitionSpec
    for part in path:
        if part == "states":
            model = StateSpec
        elif part in ("transitions", "anywhere"):
            model = RowSpec
        elif part == "ask":
            model = QuestionSpec
        elif part == "fields":
            model = FieldSpec
        elif part == "notices" and model is DefinitionSpec:
            model = NoticeSpec
        elif part == "heard":
            model = WordingSpec
        elif part == "scorecard":
            model = ScorecardSpec
        elif part == "auto_fail":
            model = AutoFailSpec
        elif part == "rules" and model is DefinitionSpec:
            model = RuleSpec
        elif part == "can_reach":
            model = ReachSpec
        elif part == "anew" or part in AUTOMATA:
            model = ActivitySpec
    return tuple(field.alias or name for name, field in model.model_fields.items())
