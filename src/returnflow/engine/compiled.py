"""A checked procedure as plain data, with names where a vocabulary's objects will stand.

Between the YAML and the definition, so that a text which has passed its checks can be kept in
this form: a start then needs neither the YAML's parser nor the models of its shape.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from returnflow.engine.rules import Rule
from returnflow.engine.scorecard import Scorecard
from returnflow.engine.vocabulary import Vocabulary
from returnflow.errors import EngineError

Kind = Literal["ask", "call", "end"]

FORM: Final = 2
"""To be raised whenever what is kept would mean something else to a newer program."""

MAX_BYTES: Final = 1_000_000
"""The longest YAML that is read, in bytes."""

MAX_PROBLEMS: Final = 100
"""How many things that are wrong with one text are told."""

VALUE: Final = re.compile(r"\{\{ *due\.([a-z][a-z0-9_]*) *\}\}")
"""How a wording asks for a value of what is due."""


class Place(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A line and a column, both counted from 1, in a file."""

    line: int
    column: int


class Field(msgspec.Struct, frozen=True):
    """A field of a question: its type, and the prompt shown before the cursor."""

    type: str
    prompt: str
    help: str | None = None


class Question(msgspec.Struct, frozen=True, eq=False):
    """One way of answering: the event it yields, its label, the key that chooses it.

    `confirm` is said before an answer that sends something, and answered with yes or no.
    """

    event: str
    label: str
    key: str | None
    fields: Mapping[str, Field]
    confirm: str | None


class Wording(msgspec.Struct, frozen=True):
    """One way of saying a notice, as the YAML has it.

    Args:
        parts: terms, or values such as ``{{ due.tracking_id }}``; all must be there.
        ordered: in this order; else in any.
        denied: the statement is denied: "is not refunded".
        sentences: over how many sentences it may stretch; None: it is within one clause.
        unless: terms that must not be there as well.
    """

    parts: tuple[str, ...]
    ordered: bool = False
    denied: bool = False
    sentences: int | None = None
    unless: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the values that it asks for."""
        return tuple(m[1] for part in self.parts if (m := VALUE.fullmatch(part)))

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that it asks for."""
        return tuple(part for part in self.parts if not VALUE.fullmatch(part))


class CompiledState(msgspec.Struct, frozen=True):
    """A state; `call` names its operation."""

    name: str
    step: str
    title: str
    kind: Kind
    say: str | None
    do: str | None
    questions: tuple[Question, ...]
    call: str | None
    end: str | None
    owes: str | None
    place: Place


class CompiledRow(msgspec.Struct, frozen=True):
    """A row of one state; `guards` are named."""

    state: str
    event: str
    number: int
    guards: tuple[str, ...]
    to: str | None
    words: str | None
    discard: bool
    remark: str | None
    anywhere: bool
    place: Place


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A procedure that passed every check.

    Args:
        known: the names of the vocabulary by which it was checked.
        rows: in the order in which they are tried.
    """

    sop: str
    version: int
    title: str
    vocabulary: str
    known: tuple[str, ...]
    initial: str
    steps: dict[str, str]
    states: tuple[CompiledState, ...]
    rows: tuple[CompiledRow, ...]
    words: dict[str, str]
    terms: dict[str, tuple[str, ...]]
    notices: dict[str, str]
    heard: dict[str, tuple[Wording, ...]]
    scorecard: Scorecard
    rules: dict[str, Rule]
    text: str


def known(vocabulary: Vocabulary) -> tuple[str, ...]:
    """All of a vocabulary that the checks of a procedure look at, in one order, to tell whether
    it is still the same."""
    found = [f"notice {name}" for name in vocabulary.notices]
    found += [f"due {name}" for name in vocabulary.dues]
    found += [f"field {name}" for name in vocabulary.field_types]
    found += [f"guard {guard.name} {guard.finding}" for guard in vocabulary.guards.values()]
    for name, event in vocabulary.by_name.items():
        found += [f"event {name} {key}" for key in event.__struct_fields__]
    for operation in vocabulary.operations.values():
        come = " ".join(operation.outcomes)
        found.append(f"operation {operation.name} {operation.request} {come}")
    return tuple(sorted(found))


def to_bytes(compiled: Compiled) -> bytes:
    """The form in which it is kept."""
    data = msgspec.json.encode(compiled)
    return _sum(data) + data


def from_bytes(kept: bytes) -> Compiled:
    """What was kept.

    Raises:
        EngineError: it is damaged, or in the form of another version.
    """
    size = len(_sum(b""))
    data = kept[size:]
    if kept[:size] != _sum(data):
        raise EngineError("a kept procedure cannot be used: it is not what was written")
    try:
        return msgspec.json.decode(data, type=Compiled)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(f"a kept procedure cannot be used: {error}") from None


def _sum(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
