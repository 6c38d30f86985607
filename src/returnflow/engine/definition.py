"""A procedure's YAML, as an immutable Definition.

`load` reads the text, checks its shape with pydantic and its sense with `checks`, and reports
everything that is wrong at once, each with file:line:column. A Definition that exists is sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from returnflow.engine.vocabulary import Guard, Operation, Vocabulary, load_vocabulary
from returnflow.engine.yamltext import Document, Path_, Place, read_file, read_text
from returnflow.errors import DefinitionError, UsageError

Kind = Literal["ask", "call", "end"]

RESERVED_KEYS = (
    "back",
    "note",
    "transfer",
    "hangup",
    "help",
    "facts",
    "check",
    "leave",
)
"""Words that mean the same at every question; a question of the YAML cannot take them."""

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
    """One way of answering: the event it yields, its label, the key that chooses it."""

    event: _Name
    label: _Words
    key: _Name | None = None
    fields: dict[str, FieldSpec] = {}


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
    ask: list[QuestionSpec] | None = None
    call: _Name | None = None
    end: _Words | None = None
    owes: _Name | None = None
    transitions: list[RowSpec] = []


class DefinitionSpec(_Spec):
    """The whole file, as written."""

    sop: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
    version: Annotated[int, Field(ge=1)]
    title: _Words
    vocabulary: _Name
    initial: _Name
    steps: dict[str, _Words]
    words: dict[_Name, _Words] = {}
    notices: dict[_Name, _Words] = {}
    anywhere: list[RowSpec] = []
    states: Annotated[dict[_Name, StateSpec], Field(min_length=1)]


# -- what is made of it -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Row:
    """One row of the table, of one state.

    Args:
        number: its place among the rows of its (state, event), from 0.
        guards: all must answer True for the row to be taken.
        to: the state it leads to; None: the event is refused.
        words: the key of the words to tell (or, where refused, of the words that say why).
        discard: the event leads on, but its facts are not kept.
        remark: what replay remarks when the row is taken.
        anywhere: it was written once for many states.
        place: where it stands in the file.
    """

    state: str
    event: str
    number: int
    guards: tuple[Guard, ...]
    to: str | None
    words: str | None
    discard: bool
    remark: str | None
    anywhere: bool
    place: Place

    @property
    def id(self) -> str:
        """A name for the row: ``state/event/number``."""
        return f"{self.state}/{self.event}/{self.number}"

    def __str__(self) -> str:
        when = " and ".join(guard.name for guard in self.guards) or "otherwise"
        return f"{self.state} --{self.event} [{when}]--> {self.to or 'refused'}"


@dataclass(frozen=True, eq=False)
class State:
    """A state: what it waits for, what is said in it, and its ways of being answered."""

    name: str
    step: str
    title: str
    kind: Kind
    say: str | None
    do: str | None
    questions: tuple[QuestionSpec, ...]
    operation: Operation | None
    end: str | None
    owes: str | None
    place: Place

    @property
    def is_write(self) -> bool:
        """Whether it calls an operation that changes something."""
        return self.operation is not None and self.operation.request is not None


@dataclass(frozen=True, eq=False)
class Definition:
    """A procedure that passed every check.

    Args:
        rows: by (state, event), in the order in which they are tried.
        text, digest: the YAML itself and its SHA-256, by which a call remembers it.
    """

    name: str
    sop: str
    version: int
    title: str
    vocabulary: Vocabulary
    initial: str
    steps: Mapping[str, str]
    states: Mapping[str, State]
    rows: Mapping[tuple[str, str], tuple[Row, ...]]
    words: Mapping[str, str]
    notices: Mapping[str, str]
    text: str
    digest: str

    def all_rows(self) -> Iterator[Row]:
        """Every row, state by state, in the order in which they are tried."""
        for rows in self.rows.values():
            yield from rows

    def operations(self) -> set[str]:
        """The names of the backend operations that the procedure calls."""
        return {state.operation.name for state in self.states.values() if state.operation}

    def require(self, capabilities: frozenset[str], backend: str) -> None:
        """Checks that a backend can do all that the procedure calls.

        Raises:
            UsageError: it cannot; the message names what is missing.
        """
        missing = sorted(self.operations() - capabilities)
        if missing:
            raise UsageError(
                f"the procedure {self.sop} calls {', '.join(missing)}, which the backend "
                f"{backend} cannot do; choose another backend"
            )


def digest_of(text: str) -> str:
    """The SHA-256 of a procedure's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> Definition:
    """The definition in a file.

    Raises:
        DefinitionError: with every problem found.
    """
    return _build(read_file(path))


def loads(text: str, name: str = "<text>") -> Definition:
    """The definition in a text; raises as `load`."""
    return _build(read_text(text, name))


def suggest(word: str, known: object) -> str:
    """``; did you mean 'x'?`` where something known is close to `word`, else nothing."""
    names = [str(name) for name in known] if hasattr(known, "__iter__") else []
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _build(document: Document) -> Definition:
    from returnflow.engine import checks

    spec = _shape(document)
    try:
        vocabulary = load_vocabulary(spec.vocabulary)
    except UsageError as error:
        raise DefinitionError([document.problem(("vocabulary",), str(error))]) from None
    problems = checks.names(spec, document, vocabulary)
    if problems:
        raise DefinitionError(problems)
    definition = _assemble(spec, document, vocabulary)
    problems = checks.sense(definition, spec, document)
    if problems:
        raise DefinitionError(problems)
    return definition


# -- shape ------------------------------------------------------------------------------------


def _shape(document: Document) -> DefinitionSpec:
    if not isinstance(document.data, dict):
        raise DefinitionError([document.problem((), "a procedure is a mapping of keys; see docs")])
    try:
        return DefinitionSpec.model_validate(document.data)
    except ValidationError as error:
        raise DefinitionError(
            sort_problems(
                (document.place(path), document.problem(path, message))
                for path, message in _shape_problems(error)
            )
        ) from None


def sort_problems(found: Iterator[tuple[Place, str]]) -> list[str]:
    """Messages in the order of their places, each once."""
    return list(dict.fromkeys(message for _, message in sorted(found)))


def _shape_problems(error: ValidationError) -> Iterator[tuple[Path_, str]]:
    for found in error.errors(include_url=False):
        path: Path_ = tuple(part for part in found["loc"] if part != "[key]")
        key = path[-1] if path else ""
        match found["type"]:
            case "extra_forbidden":
                fields = _fields_at(path[:-1])
                yield path, f"unknown key {key!r}{suggest(str(key), fields)}"
            case "missing":
                yield path[:-1], f"the key {key!r} is missing"
            case "string_type" | "int_type" | "bool_type" | "list_type" | "dict_type":
                kind = {
                    "string_type": "text",
                    "int_type": "a whole number",
                    "bool_type": "true or false",
                    "list_type": "a list",
                    "dict_type": "a mapping of keys",
                }[found["type"]]
                yield path, f"{_shown(key)} must be {kind}, not {_value(found['input'])}"
            case "model_type" | "model_attributes_type":
                yield path, f"{_shown(key)} must be a mapping of keys"
            case "string_pattern_mismatch":
                yield (
                    path,
                    f"{_value(found['input'])} is no name: small letters, digits and underscores",
                )
            case "literal_error":
                expected = found.get("ctx", {}).get("expected", "")
                yield path, f"{_shown(key)} must be {expected}, not {_value(found['input'])}"
            case _:
                yield path, f"{_shown(key)}: {found['msg'].lower()}"


def _shown(key: str | int) -> str:
    return f"entry {key + 1}" if isinstance(key, int) else repr(key)


def _value(value: object) -> str:
    words = {True: "true", False: "false", None: "nothing"}
    if isinstance(value, bool) or value is None:
        return words[value]
    shown = repr(value)
    return shown if len(shown) < 50 else shown[:47] + "..."


def _fields_at(path: Path_) -> tuple[str, ...]:
    """The keys that are known where `path` leads, for suggestions."""
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
    return tuple(model.model_fields)


# -- assembly ---------------------------------------------------------------------------------


def _assemble(spec: DefinitionSpec, document: Document, vocabulary: Vocabulary) -> Definition:
    states: dict[str, State] = {}
    rows: dict[tuple[str, str], list[Row]] = {}
    for name, state in spec.states.items():
        operation = vocabulary.operations[state.call] if state.call else None
        kind: Kind = "ask" if state.ask is not None else "call" if operation else "end"
        states[name] = made = State(
            name=name,
            step=state.step,
            title=state.title,
            kind=kind,
            say=state.say,
            do=state.do,
            questions=tuple(state.ask or ()),
            operation=operation,
            end=state.end,
            owes=state.owes,
            place=document.place(("states", name)),
        )
        own = {row.event for row in state.transitions}
        shared = [] if kind == "end" or made.is_write else spec.anywhere
        written = [
            (row, ("states", name, "transitions", i), False)
            for i, row in enumerate(state.transitions)
        ] + [(row, ("anywhere", i), True) for i, row in enumerate(shared) if row.event not in own]
        for row, path, anywhere in written:
            group = rows.setdefault((name, row.event), [])
            group.append(
                Row(
                    state=name,
                    event=row.event,
                    number=len(group),
                    guards=tuple(vocabulary.guards[guard] for guard in row.when),
                    to=name if row.stay else row.to,
                    words=row.refuse or row.tell,
                    discard=row.discard,
                    remark=row.remark,
                    anywhere=anywhere,
                    place=document.place(path),
                )
            )
    return Definition(
        name=document.name,
        sop=spec.sop,
        version=spec.version,
        title=spec.title,
        vocabulary=vocabulary,
        initial=spec.initial,
        steps=dict(spec.steps),
        states=states,
        rows={key: tuple(group) for key, group in rows.items()},
        words=dict(spec.words),
        notices=dict(spec.notices),
        text=document.text,
        digest=digest_of(document.text),
    )
