"""A procedure's YAML as it is written: its keys, their kinds, and the rows it stands for.

pydantic checks the shape; `shape` turns its errors into words. Whether names exist and the table
makes sense is the business of `checks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from returnflow.engine.compiled import Kind
from returnflow.engine.rules_spec import RuleSpec
from returnflow.engine.scorecard import Kind as Finding
from returnflow.engine.scorecard import Severity
from returnflow.engine.vocabulary import Vocabulary
from returnflow.engine.yamltext import Path_

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
