"""A procedure as an immutable Definition.

A text is read, its shape (`spec`) and its sense (`checks`) are checked, and everything that is
wrong is reported with file:line:column (`loading`). A Definition that exists is sound. The
compiled form of a text that has passed can be kept, so that the next start need not repeat that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from returnflow import __version__
from returnflow.engine.compiled import (
    FORM,
    MAX_BYTES,
    Compiled,
    Field,
    Kind,
    Place,
    Question,
    Wording,
    from_bytes,
    known,
    to_bytes,
)
from returnflow.engine.rules import Rule
from returnflow.engine.scorecard import Scorecard
from returnflow.engine.vocabulary import Guard, Operation, Vocabulary, load_vocabulary
from returnflow.errors import DefinitionError, EngineError, UsageError

__all__ = [
    "RESERVED_KEYS",
    "Definition",
    "Field",
    "Keeper",
    "Kind",
    "Place",
    "Question",
    "Row",
    "State",
    "digest_of",
    "load",
    "loads",
]

RESERVED_KEYS = (
    "back",
    "note",
    "transfer",
    "hangup",
    "help",
    "facts",
    "story",
    "copy",
    "check",
    "leave",
)
"""Words that mean the same at every question; a question of the YAML cannot take them."""


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
    questions: tuple[Question, ...]
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
        terms: phrases by the name of what they mean, for `heard`.
        notices: the templates, by notice.
        heard: how replay recognises a notice in text; one that cannot be is missing.
        scorecard: how replay weighs what it finds.
        rules: what holds of whole calls, by name.
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
    terms: Mapping[str, tuple[str, ...]]
    notices: Mapping[str, str]
    heard: Mapping[str, tuple[Wording, ...]]
    scorecard: Scorecard
    rules: Mapping[str, Rule]
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


class Keeper(Protocol):
    """Keeps the compiled form of texts that have passed every check."""

    def get(self, key: str) -> bytes | None:
        """What is kept under a key; None where nothing is."""

    def put(self, key: str, data: bytes) -> None:
        """Keeps it, if it can."""


def load(path: Path, keeper: Keeper | None = None) -> Definition:
    """The definition in a file.

    Args:
        keeper: a text whose compiled form is kept there is not read and checked again; that of
            any other is put there when it has passed.

    Raises:
        DefinitionError: with every problem found, in file order. Only what is no YAML at all, and
            cannot be read to its end, hides what comes after it.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DefinitionError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    return loads(raw, str(path), keeper)


def loads(raw: bytes | str, name: str = "<text>", keeper: Keeper | None = None) -> Definition:
    """The definition in a text; raises as `load`."""
    key = ""
    if keeper is not None and len(raw) <= MAX_BYTES:
        key = _key(raw)
        if (kept := keeper.get(key)) and (definition := _kept(kept, name)) is not None:
            return definition
    # Imported late: a text that is known to be sound needs no parser to load.
    from returnflow.engine.loading import compile_text

    compiled = compile_text(raw, name)
    if keeper is not None:
        keeper.put(key, to_bytes(compiled))
    return bound(compiled, load_vocabulary(compiled.vocabulary), name)


def _key(raw: bytes | str) -> str:
    """What the compiled form depends on, but for the words of the vocabulary."""
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    return hashlib.sha256(f"{__version__}\0{FORM}\0".encode() + data).hexdigest()


def _kept(data: bytes, name: str) -> Definition | None:
    """The definition from its kept form; None where that is of no use any more."""
    try:
        compiled = from_bytes(data)
        vocabulary = load_vocabulary(compiled.vocabulary)
    except (EngineError, UsageError):
        return None  # it is compiled again, and what is wrong is told then
    if compiled.known != known(vocabulary):
        return None
    return bound(compiled, vocabulary, name)


def bound(compiled: Compiled, vocabulary: Vocabulary, name: str) -> Definition:
    """The definition from its compiled form and the vocabulary by which it was checked."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in compiled.rows:
        rows.setdefault((row.state, row.event), []).append(
            Row(
                state=row.state,
                event=row.event,
                number=row.number,
                guards=tuple(vocabulary.guards[guard] for guard in row.guards),
                to=row.to,
                words=row.words,
                discard=row.discard,
                remark=row.remark,
                anywhere=row.anywhere,
                place=row.place,
            )
        )
    states = {
        state.name: State(
            name=state.name,
            step=state.step,
            title=state.title,
            kind=state.kind,
            say=state.say,
            do=state.do,
            questions=state.questions,
            operation=vocabulary.operations[state.call] if state.call else None,
            end=state.end,
            owes=state.owes,
            place=state.place,
        )
        for state in compiled.states
    }
    return Definition(
        name=name,
        sop=compiled.sop,
        version=compiled.version,
        title=compiled.title,
        vocabulary=vocabulary,
        initial=compiled.initial,
        steps=compiled.steps,
        states=states,
        rows={key: tuple(group) for key, group in rows.items()},
        words=compiled.words,
        terms=compiled.terms,
        notices=compiled.notices,
        heard=compiled.heard,
        scorecard=compiled.scorecard,
        rules=compiled.rules,
        text=compiled.text,
        digest=digest_of(compiled.text),
    )
