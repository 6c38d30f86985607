"""Every load-time check of a procedure: of its names, of its table, and of its words.

`check` tells all problems at once. A check that could only repeat what another one said (a state
cannot be reached because the row that leads there is misspelt) holds back until that is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from returnflow.engine import rules_spec, scorecard_checks, words
from returnflow.engine.definition import RESERVED_KEYS
from returnflow.engine.draft import CERTAIN, Doubt
from returnflow.engine.hearing_checks import heard
from returnflow.engine.spec import (
    DefinitionSpec,
    RowSpec,
    StateSpec,
    Written,
    kind_of,
    rows_of,
)
from returnflow.engine.vocabulary import Vocabulary, event_name
from returnflow.engine.yamltext import Document, Path_, suggest

Found = Iterator[tuple[Path_, str]]


def check(
    spec: DefinitionSpec, document: Document, vocabulary: Vocabulary | None, doubt: Doubt = CERTAIN
) -> list[tuple[Path_, str]]:
    """Every problem of a procedure's names, table and words, each with its path.

    Args:
        vocabulary: None where it is not known; then only what needs none is checked.
        doubt: where something stands in for what is malformed.
    """
    misnamed = list(_own_names(spec))
    if vocabulary is None:
        found = [*misnamed, *rules_spec.own_names(spec)]
    else:
        misnamed += _words_of(spec, vocabulary)
        table = _Table(spec, document, vocabulary, [path for path, _ in misnamed], doubt)
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


# -- names ------------------------------------------------------------------------------------


def _own_names(spec: DefinitionSpec) -> Found:
    """Problems with names that the file itself gives, and with what excludes each other."""
    if spec.initial not in spec.states:
        yield ("initial",), _unknown("state", spec.initial, spec.states)
    elif spec.states[spec.initial].end is not None:
        yield ("initial",), f"{spec.initial!r} is an end; a call cannot begin there"
    for path, row in _rows(spec):
        yield from _row_names(spec, row, path)
    for name, state in spec.states.items():
        at: Path_ = ("states", name)
        kinds = [kind for kind in ("ask", "call", "end") if getattr(state, kind) is not None]
        if len(kinds) != 1:
            have = " and ".join(kinds) or "none"
            yield at, f"a state has exactly one of 'ask', 'call' and 'end'; this one has {have}"
        if state.step not in spec.steps:
            yield (*at, "step"), _unknown("step", state.step, spec.steps)
        if state.owes is not None and state.ask is None:
            yield (*at, "owes"), "only a state that asks can owe something; leave 'owes' out"
    for path, what, name in scorecard_checks.names(spec.scorecard):
        if what == "step" and name not in spec.steps:
            yield ("scorecard", *path), _unknown(what, name, spec.steps)


def _rows(spec: DefinitionSpec) -> Iterator[tuple[Path_, RowSpec]]:
    for i, row in enumerate(spec.anywhere):
        yield ("anywhere", i), row
    for name, state in spec.states.items():
        for i, row in enumerate(state.transitions):
            yield ("states", name, "transitions", i), row


def _words_of(spec: DefinitionSpec, vocabulary: Vocabulary) -> Found:
    """Problems with names that the vocabulary gives."""
    for path, row in _rows(spec):
        if row.event not in vocabulary.by_name:
            yield (*path, "event"), _unknown("event", row.event, vocabulary.by_name)
        for i, guard in enumerate(row.when):
            if guard not in vocabulary.guards:
                yield (*path, "when", i), _unknown("guard", guard, vocabulary.guards)
    for name, state in spec.states.items():
        at: Path_ = ("states", name)
        if state.call is not None and state.call not in vocabulary.operations:
            yield (*at, "call"), _unknown("operation", state.call, vocabulary.operations)
        if state.owes is not None and state.owes not in vocabulary.dues:
            yield (*at, "owes"), _unknown("kind of due", state.owes, vocabulary.dues)
        yield from _question_names(vocabulary, state, at)
    known = {
        "guard": vocabulary.guards,
        "notice": vocabulary.notices,
        "event": vocabulary.by_name,
    }
    for path, what, name in scorecard_checks.names(spec.scorecard):
        if what != "step" and name not in known[what]:
            yield ("scorecard", *path), _unknown(what, name, known[what])
    for key in spec.notices:
        if key not in vocabulary.notices:
            yield ("notices", key), _unknown("notice", key, vocabulary.notices)
    for key in vocabulary.notices:
        if key not in spec.notices:
            yield (
                ("notices",),
                f"the words of the notice {key!r} are missing; the vocabulary "
                f"{vocabulary.name!r} has it said, so add them under 'notices'",
            )


def _question_names(vocabulary: Vocabulary, state: StateSpec, path: Path_) -> Found:
    for i, question in enumerate(state.ask or ()):
        here = (*path, "ask", i)
        if question.event not in vocabulary.by_name:
            yield (*here, "event"), _unknown("event", question.event, vocabulary.by_name)
        known = _fields(vocabulary, question.event)
        for field, wanted in question.fields.items():
            if known and field not in known:
                where = f" in {question.event!r}"
                yield (*here, "fields", field), _unknown("field", field, known, where)
            if wanted.type not in vocabulary.field_types:
                yield (
                    (*here, "fields", field, "type"),
                    _unknown("field type", wanted.type, vocabulary.field_types),
                )


def _fields(vocabulary: Vocabulary, event: str) -> tuple[str, ...]:
    """What an answer may fill in of an event; when it happened is not asked for."""
    if event not in vocabulary.by_name:
        return ()
    own = vocabulary.by_name[event].__struct_fields__
    return tuple(name for name in own if name not in ("at", "inferred")) or ("",)


def _row_names(spec: DefinitionSpec, row: RowSpec, path: Path_) -> Found:
    for i, guard in enumerate(row.when):
        if guard in row.when[:i]:
            yield (*path, "when", i), f"the guard {guard!r} is given twice; once is enough"
    ways = [way for way in ("to", "stay", "refuse") if getattr(row, way) is not None]
    if len(ways) != 1:
        have = " and ".join(ways) or "none"
        yield path, f"a row has exactly one of 'to', 'stay' and 'refuse'; this one has {have}"
    if row.to is not None and row.to not in spec.states:
        yield (*path, "to"), _unknown("state", row.to, spec.states)
    for key in ("tell", "refuse"):
        name = getattr(row, key)
        if name is not None and name not in spec.words:
            yield (*path, key), _unknown("entry", name, spec.words, " in 'words'")
    if row.refuse is not None:
        for key in ("tell", "discard", "remark"):
            if getattr(row, key):
                yield (*path, key), f"a row that refuses keeps nothing; leave {key!r} out"


def _unknown(what: str, name: str, known: Iterable[str], where: str = "") -> str:
    names = [name for name in known if name]
    hint = suggest(name, names)
    if not hint:
        listed = ", ".join(names) if len(names) <= 12 else ""
        hint = f"; there are: {listed}" if listed else "; docs/sop-format.md lists them"
        hint = hint if names else "; there is none at all"
    return f"there is no {what} {name!r}{where}{hint}"


# -- the table --------------------------------------------------------------------------------


class _Table:
    """The checks of rows, states and ways.

    Args:
        misnamed: the paths of the problems with names, round which these checks hold back.
        doubt: where something stands in for what is malformed; they hold back round that, too.
    """

    def __init__(
        self,
        spec: DefinitionSpec,
        document: Document,
        vocabulary: Vocabulary,
        misnamed: list[Path_],
        doubt: Doubt,
    ) -> None:
        self._spec = spec
        self._document = document
        self._vocabulary = vocabulary
        self._misnamed = [*misnamed, *doubt.unsure]
        self._unsure = doubt.unsure
        self._rows = rows_of(spec, vocabulary)
        operations = vocabulary.operations.values()
        self._outcomes = {event for operation in operations for event in operation.outcomes}
        self._requests = {operation.request for operation in operations if operation.request}
        # What may happen in any state: somebody drives the call whatever the YAML says.
        self._always = {
            event_name(cls) for cls in (vocabulary.human, vocabulary.dropped, vocabulary.resumed)
        }

    def problems(self) -> Found:
        """Every problem of the table."""
        for name in self._spec.states:
            if not self._blurred(name):
                yield from self._state(name)
        for (state, _), group in self._rows.items():
            yield from self._order(group, certain=not self._blurred(state))
        kinds_known = not any(
            _kind(path) or (path[0] == "states" and len(path) <= 2) for path in self._unsure
        )
        for i, row in enumerate(self._spec.anywhere):
            if kinds_known and not any(
                written.path == ("anywhere", i) for g in self._rows.values() for written in g
            ):
                yield (
                    ("anywhere", i),
                    f"never used: every state has rows of its own for {row.event!r}; delete it",
                )
        if not any(map(_leads, self._misnamed)) and not any(map(_kind, self._unsure)):
            yield from self._ways()
        yield from self._unused()

    def _blurred(self, state: str) -> bool:
        """Whether it is unclear which events the state can meet and handles."""
        return any(
            path in (("states",), ("anywhere",))
            or (path[0] == "anywhere" and path[-1] == "event")
            or (
                path[:2] == ("states", state)
                and (path[-1] in ("event", *_MEETS) or path == ("states", state))
            )
            for path in self._misnamed
        )

    # -- one state ----------------------------------------------------------------------------

    def _state(self, name: str) -> Found:
        state = self._spec.states[name]
        path: Path_ = ("states", name)
        if kind_of(state) == "end":
            if state.transitions:
                yield (*path, "transitions"), "an end has no ways out; delete its transitions"
            return
        handled = {event for at, event in self._rows if at == name}
        if kind_of(state) == "call":
            yield from self._calling(state, path, handled)
        else:
            yield from self._asking(state, path, handled)
        resumed, dropped = map(event_name, (self._vocabulary.resumed, self._vocabulary.dropped))
        human = event_name(self._vocabulary.human)
        operation = self._vocabulary.operations.get(state.call or "")
        writes = operation is not None and operation.request is not None
        # The outcome of a write is awaited before the customer's wish (rules 4, 35, 36).
        for event in (resumed,) if writes else (human, dropped, resumed):
            if event not in handled:
                yield path, f"{event!r} can happen here; add a row for it, here or under 'anywhere'"

    def _calling(self, state: StateSpec, path: Path_, handled: set[str]) -> Found:
        operation = self._vocabulary.operations[state.call or ""]
        owed = [*operation.outcomes, *([operation.request] if operation.request else [])]
        for event in owed:
            if event not in handled:
                yield path, f"{operation.name!r} can lead to {event!r}; add a row for it"
        for i, row in enumerate(state.transitions):
            where = (*path, "transitions", i)
            if row.event not in {*owed, *self._always}:
                yield (
                    where,
                    f"{row.event!r} is no outcome of {operation.name!r} and cannot happen while it "
                    "is awaited; delete the row",
                )
            if row.remark:
                yield (*where, "remark"), "a remark belongs in a state that asks; leave it out"

    def _asking(self, state: StateSpec, path: Path_, handled: set[str]) -> Found:
        yield from self._questions(state, path)
        told = event_name(self._vocabulary.told)
        declared = {question.event for question in state.ask or ()}
        for event in sorted(declared - handled - self._outcomes - self._requests):
            yield path, f"a question of this state yields {event!r}; add a row for it"
        if state.owes in self._vocabulary.dues and told not in handled:
            yield path, f"this state owes something, so {told!r} can happen; add a row for it"
        early = set()
        for operation in self._early(state):
            early.update(operation.outcomes)
            for event in operation.outcomes:
                if event not in handled:
                    yield (
                        path,
                        f"look-ups by {operation.name!r} are accepted early here, and can lead to "
                        f"{event!r}; add a row for it",
                    )
        free = {*declared, *early, *self._always, *([told] if state.owes else [])}
        free |= {row.event for row in self._spec.anywhere}
        for i, row in enumerate(state.transitions):
            if row.event not in free:
                yield (
                    (*path, "transitions", i),
                    f"no question of this state yields {row.event!r}; add one or delete the row",
                )

    def _early(self, state: StateSpec) -> list[Any]:
        """The operations whose look-ups the state accepts ahead of their step."""
        remarked = {row.event for row in state.transitions if row.remark}
        operations = self._vocabulary.operations.values()
        return [
            operation
            for operation in operations
            if not operation.request
            and any(
                event in remarked
                and not any(event in other.outcomes for other in operations if other != operation)
                for event in operation.outcomes
            )
        ]

    def _questions(self, state: StateSpec, path: Path_) -> Found:
        keys: set[str] = set()
        typed = 0
        for i, question in enumerate(state.ask or ()):
            here: Path_ = (*path, "ask", i)
            if question.event in self._outcomes | self._requests:
                yield (
                    (*here, "event"),
                    f"{question.event!r} comes from the backend; no answer can yield it",
                )
                continue
            needed = [
                field.name
                for field in msgspec.structs.fields(self._vocabulary.by_name[question.event])
                if field.required and field.name not in question.fields
            ]
            if needed and all(
                field in _fields(self._vocabulary, question.event) for field in question.fields
            ):
                names = ", ".join(repr(name) for name in needed)
                yield here, f"{question.event!r} needs {names}; add it under 'fields'"
            if question.key is None:
                typed += 1
                if typed > 1:
                    yield here, "only one answer of a state can do without a 'key'; give it one"
            elif question.key in RESERVED_KEYS:
                yield (
                    (*here, "key"),
                    f"{question.key!r} means the same at every question; take another key",
                )
            elif question.key in keys:
                yield (
                    (*here, "key"),
                    f"the key {question.key!r} is given to two answers; take another",
                )
            keys.add(question.key or "")

    # -- the rows of one state and event ------------------------------------------------------

    def _order(self, group: list[Written], *, certain: bool) -> Found:
        """Args:
        certain: these are all the rows that the state has for the event.
        """
        group = [written for written in group if (*written.path, "event") not in self._unsure]
        seen: list[tuple[frozenset[str], int]] = []
        for written in group:
            guards = frozenset(written.row.when)
            line = next((line for earlier, line in seen if earlier <= guards), None)
            if line is not None:
                yield (
                    written.path,
                    f"never tried: the row for {written.row.event!r} in line {line} is taken "
                    "whenever this one could be; give that one the guard it lacks, or move this "
                    "one up or delete it",
                )
            seen.append((guards, self._document.place(written.path).line))
        if certain and group and group[-1].row.when:
            last = group[-1]
            yield (
                last.path,
                f"the last row for {last.row.event!r} has a guard; add a row without 'when' "
                "after it, which says what happens otherwise",
            )

    # -- the whole ----------------------------------------------------------------------------

    def _ways(self) -> Found:
        states = self._spec.states
        ways: dict[str, set[str]] = {name: set() for name in states}
        back: dict[str, set[str]] = {name: set() for name in states}
        for (name, _), group in self._rows.items():
            for written in group:
                if written.row.to is not None:
                    ways[name].add(written.row.to)
                    back[written.row.to].add(name)
        reached = _closure({self._spec.initial}, ways)
        ends = {name for name, state in states.items() if kind_of(state) == "end"}
        if not ends:
            yield ("states",), "no state is an end; add one with 'end'"
        ending = _closure(ends, back)
        for name in states:
            if name not in reached:
                yield (
                    ("states", name),
                    f"no way leads from {self._spec.initial!r} to {name!r}; add a row that does, "
                    "or delete the state",
                )
            if ends and name not in ending:
                yield ("states", name), f"no way leads from {name!r} to an end; add a row that does"

    def _unused(self) -> Found:
        rows_known = not any(
            path[-1] in ("transitions", "anywhere") or _is_whole(path) for path in self._unsure
        )
        if rows_known and not any(path[-1] in ("tell", "refuse") for path in self._misnamed):
            rows = [written.row for group in self._rows.values() for written in group]
            said = {name for row in rows for name in (row.tell, row.refuse) if name}
            for key in self._spec.words:
                if key not in said:
                    yield ("words", key), f"never said: no row names {key!r}; delete it"
        if not any(path[-1] == "step" or _is_whole(path) for path in self._misnamed):
            steps = {state.step for state in self._spec.states.values()}
            for key in self._spec.steps:
                if key not in steps:
                    yield ("steps", key), f"no state belongs to the step {key!r}; delete it"


_MEETS = ("ask", "call", "owes", "transitions")
"""The keys of a state from which it follows what it can meet, and what it handles."""


def _leads(path: Path_) -> bool:
    """Whether a problem is with where calls go: a target, a state, a row, or all rows of one."""
    return path[-1] in ("to", "initial", "transitions", "anywhere") or _is_whole(path)


def _kind(path: Path_) -> bool:
    """Whether it is unsure whether a state asks, calls or ends."""
    return path[0] == "states" and path[2:] in (("ask",), ("call",), ("end",))


def _is_whole(path: Path_) -> bool:
    """Whether a problem is with a whole state or row: of what kind it is, where it leads."""
    return (len(path) <= 2 and path[0] == "states") or (
        isinstance(path[-1], int) and path[-2] in ("transitions", "anywhere")
    )


def _closure(start: set[str], ways: dict[str, set[str]]) -> set[str]:
    reached, frontier = set(start), list(start)
    while frontier:
        for name in ways[frontier.pop()] - reached:
            reached.add(name)
            frontier.append(name)
    return reached


# -- words ------------------------------------------------------------------------------------


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
