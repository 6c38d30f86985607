"""What a vocabulary is: the words that a procedure's YAML may use, and what they mean.

The YAML owns the control flow; a vocabulary owns events, facts, guards and operations. The
engine reads a vocabulary and never the other way round. Vocabularies are found by name through
the entry-point group ``returnflow.vocabularies``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self, Union

import msgspec

from returnflow.errors import UsageError
from returnflow.plugins import installed

if TYPE_CHECKING:
    from returnflow.engine.abstraction import Abstraction
    from returnflow.engine.front import Front
    from returnflow.engine.transcript import Transcription

Verdict = bool | None
"""What a guard answers: True, False, or None where the facts at hand cannot tell."""


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """True where one is, else None where one cannot be told, else False."""
    found: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            found = None
    return found


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """False where one is, else None where one cannot be told, else True."""
    found: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            found = None
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event", tag=_snake
):
    """A fact in the past tense; the unit of the event log.

    Args:
        at: when it happened, with a zone; None where a log has no times.
        inferred: it was concluded from other events, not observed.
    """

    at: datetime | None = None
    inferred: bool = False


class Case(Protocol):
    """The facts of one call, computed from its events and nothing else."""

    policy_date: date
    zone: str

    def copy(self) -> Self:
        """An independent copy: applying events to it leaves this one as it is."""

    def apply(self, event: Any) -> None:
        """Takes the facts of `event` in. Depends on facts and event only, never on a state."""

    def outline(self) -> tuple[Any, ...]:
        """A small hashable summary; calls with equal outlines have the same ways on."""

    def alike(self, other: Self) -> bool:
        """Whether the outlines are equal; most often that shows without making them."""


def about_nothing(case: Any, event: Any) -> frozenset[str]:
    """The subjects of a guard that is about the call as a whole."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition on the candidate facts (the case as it would be after the event).

    Args:
        test: pure; answers True, False or None.
        explain: one sentence that an agent can use about why it does not hold, with figures
            and what would have passed. Called only when words are wanted.
        finding: the kind of finding that replay makes of it where it does not hold.
        about: what it fails for: items, returns, orders. In replay a later failure about the
            same is a consequence of the first, and not told again. Called as `explain` is.
        repair: what the agent should have done; empty: it follows from the table.
    """

    name: str
    test: Callable[[Any, Any], Verdict]
    explain: Callable[[Any, Any], str]
    finding: str = "guard_failed"
    about: Callable[[Any, Any], frozenset[str]] = about_nothing
    repair: str = ""


class Guards(dict[str, Guard]):
    """Guards by their names, put in by decorating their tests."""

    def guard(
        self,
        explain: Callable[[Any, Any], str] | str,
        *,
        finding: str = "guard_failed",
        about: Callable[[Any, Any], frozenset[str]] = about_nothing,
        repair: str = "",
    ) -> Callable[[Callable[[Any, Any], Verdict]], Guard]:
        """Makes a guard of a test, under the test's name; see `Guard` for the rest.

        Args:
            explain: may be a text, where it is always the same.
        """

        def register(test: Callable[[Any, Any], Verdict]) -> Guard:
            words = (lambda _case, _event: explain) if isinstance(explain, str) else explain
            guard = Guard(test.__name__, test, words, finding, about, repair)
            self[guard.name] = guard
            return guard

        return register


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a backend operation that a session waits for.

    Args:
        operation: its name, as the backend spells it.
        arguments: by name, ready to be sent.
        request: for a write that is not yet journaled, the name of the event that must be
            journaled before it is sent; None for look-ups and for a write already requested.
        key: the idempotency key of a write already requested.
        resent: an earlier sending of this write was cut off, so nobody knows what it did; that
            this one surely does nothing is then not known of the write (rule 29).
    """

    operation: str
    arguments: Mapping[str, Any]
    request: str | None = None
    key: str | None = None
    resent: bool = False

    @property
    def write(self) -> bool:
        """Whether it changes something in the shop."""
        return self.request is not None or self.key is not None


@dataclass(frozen=True, slots=True)
class Operation:
    """A backend operation as the machine sees it.

    Args:
        outcomes: the events it can lead to; a state that calls it handles each of them.
        pending: the calls that the facts still owe, the suggested next one first. A look-up
            state accepts the outcome of any of them.
        request: for a write, the event that is journaled before it is sent.
        build_request: makes that event from a pending call and a fresh idempotency key.
    """

    name: str
    outcomes: tuple[str, ...]
    pending: Callable[[Any], Sequence[Call]]
    request: str | None = None
    build_request: Callable[[Call, str], Event] | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Something that must be said before the call goes on.

    Args:
        notice: the key of its words in the YAML's `notices`.
        subject: what it is about: an item id, a tracking id.
        values: what its words may name, beside the vocabulary's scope, as `due`.
    """

    notice: str
    subject: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldType:
    """A kind of input that a question in the YAML may ask for; `doc` says what is typed."""

    name: str
    doc: str


@dataclass(frozen=True)
class Vocabulary:
    """All that a procedure's YAML may name.

    Args:
        events: the union of events, each a subclass of `Event`.
        new_case: makes the facts of a call in which nothing has happened, from the policy
            date (None only where a recorded call does not show it) and the policy zone (an
            IANA name).
        scope: plain data that the YAML's words may name; no callables in it.
        sample_scope: a scope in which nothing is missing or empty, for trying words at load.
        dues: by name, what a state that `owes` it must have said.
        sample_due: values of a due in which nothing is missing.
        field_types: by name.
        notices: the keys of everything that a due can ask to be said.
        told, build_told: the event that records a due as said, and how it is made.
        resumed, build_resumed: the event that begins a later policy date.
        dropped: the event of a caller who is gone.
        human, build_human: the event that asks for a person, made from reason and summary.
        build_failed: the event of a backend that gave no usable answer, made from the
            operation, ``known``, ``unknown`` or ``cancelled``, and a message.
        draft_summary: a summary of the call so far for a transfer; never empty (rule 34).
        personal: names of event and record fields that hold e-mail addresses or phone
            numbers, mapped to ``"email"`` or ``"phone"`` (rule 38).
        owed_at_end: the kinds of dues that no call may leave owing when its record ends.
        stands_for: by notice, the notices in whose place it is accepted with a remark.
        transcription: makes the reading of recorded tool calls; called when replay needs it.
            None: only logs of events can be replayed.
        abstraction: what events and guards imply about a few facts; called when rules about
            whole calls are read or proved. None: rules are about no subject, and are proved
            from the table alone.
        front: makes what front ends show beside the procedure's own words; called when a call is
            led. None: nothing.
        sentences: by event, a sentence that tells it in a story, from its members as plain data.
    """

    name: str
    events: tuple[type[Event], ...]
    guards: Mapping[str, Guard]
    operations: Mapping[str, Operation]
    new_case: Callable[[date | None, str], Any]
    scope: Callable[[Any], dict[str, Any]]
    sample_scope: Callable[[], dict[str, Any]]
    dues: Mapping[str, Callable[[Any], Sequence[Due]]]
    sample_due: Callable[[], dict[str, Any]]
    field_types: Mapping[str, FieldType]
    notices: tuple[str, ...]
    told: type[Event]
    build_told: Callable[[Due], Event]
    resumed: type[Event]
    build_resumed: Callable[[date], Event]
    dropped: type[Event]
    human: type[Event]
    build_human: Callable[[str, str], Event]
    build_failed: Callable[[str, str, str], Event]
    draft_summary: Callable[[Any, str], str]
    personal: Mapping[str, str] = field(default_factory=dict)
    owed_at_end: tuple[str, ...] = ()
    stands_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transcription: Callable[[], Transcription] | None = None
    abstraction: Callable[[], Abstraction] | None = None
    front: Callable[[], Front] | None = None
    sentences: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, type[Event]]:
        """The event classes by their names on the wire."""
        return {event_name(cls): cls for cls in self.events}

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes one event from JSON; raises `msgspec.ValidationError`."""
        return msgspec.json.Decoder(Union[self.events])  # noqa: UP007 (a run-time union)


def event_name(event: Event | type[Event]) -> str:
    """The name of an event, or of a class of events, as the YAML and the log spell it."""
    return str(event.__struct_config__.tag)


def load_vocabulary(name: str) -> Vocabulary:
    """The vocabulary installed under `name`.

    Raises:
        UsageError: there is none; the message lists those that are installed.
    """
    found = {entry.name: entry for entry in installed("returnflow.vocabularies")}
    if name not in found:
        have = ", ".join(sorted(found)) or "none"
        raise UsageError(f"no vocabulary named {name!r} is installed (installed: {have})")
    vocabulary = found[name].load()
    if not isinstance(vocabulary, Vocabulary):
        raise UsageError(f"the entry point {name!r} does not name a Vocabulary")
    return vocabulary


_NAMED = re.compile(r"""^vocabulary:[ ]*["']?([^\s"'#]+)""", re.MULTILINE)


def vocabulary_of(text: str) -> Vocabulary | None:
    """The vocabulary that a procedure's text names, whether or not the rest is understood.

    Returns:
        None where it names none, or one that is not installed.
    """
    named = _NAMED.search(text)
    try:
        return load_vocabulary(named[1]) if named else None
    except UsageError:
        return None


def vocabulary_names() -> list[str]:
    """The names of the vocabularies that are installed, sorted."""
    return sorted({entry.name for entry in installed("returnflow.vocabularies")})


def installed_vocabularies() -> list[Vocabulary]:
    """Every vocabulary that is installed, in the order of their names."""
    return [load_vocabulary(name) for name in vocabulary_names()]
