"""A procedure's YAML, as an immutable Definition.

`load` reads the text, checks its shape (`spec`) and its sense (`checks`), and reports everything
that is wrong, each with file:line:column. A Definition that exists is sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from returnflow import __version__
from returnflow.engine.hearing_checks import wordings
from returnflow.engine.scorecard import ScorecardSpec
from returnflow.engine.spec import (
    RESERVED_KEYS,
    DefinitionSpec,
    FieldSpec,
    Kind,
    QuestionSpec,
    kind_of,
    rows_of,
    shape,
)
from returnflow.engine.statements import Wording
from returnflow.engine.vocabulary import Guard, Operation, Vocabulary, load_vocabulary
from returnflow.engine.yamltext import Document, Place, read_file, read_text
from returnflow.errors import DefinitionError, UsageError

__all__ = [
    "RESERVED_KEYS",
    "Checked",
    "Definition",
    "FieldSpec",
    "Kind",
    "QuestionSpec",
    "Row",
    "State",
    "digest_of",
    "load",
    "loads",
]


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
        terms: phrases by the name of what they mean, for `heard`.
        notices: the templates, by notice.
        heard: how replay recognises a notice in text; one that cannot be is missing.
        scorecard: how replay weighs what it finds.
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
    scorecard: ScorecardSpec
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


class Checked(Protocol):
    """Remembers which texts have passed every check, so that a start need not repeat them."""

    def __contains__(self, key: str) -> bool:
        """Whether the text of that key has passed."""

    def add(self, key: str) -> None:
        """Remembers that it has."""


def load(path: Path, checked: Checked | None = None) -> Definition:
    """The definition in a file.

    Args:
        checked: where a text is in it, its names, table and words are not checked again; a text
            that passes is put in.

    Raises:
        DefinitionError: with every problem found, in file order. What is wrong with the YAML
            itself hides the rest, and so does what is wrong with the shape.
    """
    return _build(read_file(path), checked)


def loads(text: str, name: str = "<text>") -> Definition:
    """The definition in a text; raises as `load`."""
    return _build(read_text(text, name))


def _build(document: Document, checked: Checked | None = None) -> Definition:
    spec = shape(document)
    try:
        vocabulary = load_vocabulary(spec.vocabulary)
    except UsageError as error:
        raise DefinitionError([document.problem(("vocabulary",), str(error))]) from None
    key = _key(document, vocabulary)
    if checked is None or key not in checked:
        # Imported late: a text that is known to be sound needs no parser of templates to load.
        from returnflow.engine import checks

        if problems := checks.check(spec, document, vocabulary):
            raise DefinitionError(problems)
        if checked is not None:
            checked.add(key)
    return _assemble(spec, document, vocabulary)


def _key(document: Document, vocabulary: Vocabulary) -> str:
    """What a check depends on: the text, this version, and the words of the vocabulary."""
    words = [*vocabulary.by_name, *vocabulary.guards, *vocabulary.operations, *vocabulary.notices]
    parts = (__version__, vocabulary.name, ",".join(sorted(words)), document.text)
    return digest_of("\0".join(parts))


def _assemble(spec: DefinitionSpec, document: Document, vocabulary: Vocabulary) -> Definition:
    states = {
        name: State(
            name=name,
            step=state.step,
            title=state.title,
            kind=kind_of(state),
            say=state.say,
            do=state.do,
            questions=tuple(state.ask or ()),
            operation=vocabulary.operations[state.call] if state.call else None,
            end=state.end,
            owes=state.owes,
            place=document.place(("states", name)),
        )
        for name, state in spec.states.items()
    }
    rows = {
        (name, event): tuple(
            Row(
                state=name,
                event=event,
                number=number,
                guards=tuple(vocabulary.guards[guard] for guard in written.row.when),
                to=name if written.row.stay else written.row.to,
                words=written.row.refuse or written.row.tell,
                discard=written.row.discard,
                remark=written.row.remark,
                anywhere=written.anywhere,
                place=document.place(written.path),
            )
            for number, written in enumerate(group)
        )
        for (name, event), group in rows_of(spec, vocabulary).items()
    }
    return Definition(
        name=document.name,
        sop=spec.sop,
        version=spec.version,
        title=spec.title,
        vocabulary=vocabulary,
        initial=spec.initial,
        steps=dict(spec.steps),
        states=states,
        rows=rows,
        words=dict(spec.words),
        terms={term: tuple(phrases) for term, phrases in spec.terms.items()},
        notices={name: notice.say for name, notice in spec.notices.items()},
        heard=wordings(spec),
        scorecard=spec.scorecard,
        text=document.text,
        digest=digest_of(document.text),
    )
