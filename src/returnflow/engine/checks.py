"""Every load-time check of a procedure: first its names, then its sense.

Both functions return all problems found, each as ``file:line:column: message``, in file order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from returnflow.engine import words
from returnflow.engine.vocabulary import Vocabulary, event_name
from returnflow.engine.yamltext import Document, Path_, Place

if TYPE_CHECKING:
    from returnflow.engine.definition import Definition, DefinitionSpec, RowSpec, StateSpec

Found = Iterator[tuple[Path_, str]]


def names(spec: DefinitionSpec, document: Document, vocabulary: Vocabulary) -> list[str]:
    """Whether everything that is named exists."""
    return _sorted(document, _names(spec, vocabulary))


def sense(definition: Definition, spec: DefinitionSpec, document: Document) -> list[str]:
    """Whether the table is total and goes somewhere, and the words can be filled in."""
    return _sorted(document, _sense(definition, spec, document))


def _sorted(document: Document, found: Found) -> list[str]:
    from returnflow.engine.definition import sort_problems

    return sort_problems((document.place(p), document.problem(p, m)) for p, m in found)


# -- names ------------------------------------------------------------------------------------


def _names(spec: DefinitionSpec, vocabulary: Vocabulary) -> Found:
    if spec.initial not in spec.states:
        yield ("initial",), _unknown("state", spec.initial, spec.states)
    elif spec.states[spec.initial].end is not None:
        yield ("initial",), f"{spec.initial!r} is an end; a call cannot begin there"
    for i, row in enumerate(spec.anywhere):
        yield from _row_names(spec, vocabulary, row, ("anywhere", i))
    for name, state in spec.states.items():
        yield from _state_names(spec, vocabulary, state, ("states", name))
    for key in spec.notices:
        if key not in vocabulary.notices:
            yield ("notices", key), _unknown("notice", key, vocabulary.notices)
    for key in vocabulary.notices:
        if key not in spec.notices:
            yield (
                ("notices",),
                f"the words of the notice {key!r} are missing: the vocabulary owes it",
            )


def _state_names(
    spec: DefinitionSpec, vocabulary: Vocabulary, state: StateSpec, path: Path_
) -> Found:
    kinds = [kind for kind in ("ask", "call", "end") if getattr(state, kind) is not None]
    if len(kinds) != 1:
        have = " and ".join(kinds) or "none"
        yield path, f"a state has exactly one of 'ask', 'call' and 'end'; this one has {have}"
    if state.step not in spec.steps:
        yield (*path, "step"), _unknown("step", state.step, spec.steps)
    if state.call is not None and state.call not in vocabulary.operations:
        yield (*path, "call"), _unknown("operation", state.call, vocabulary.operations)
    if state.owes is not None and state.owes not in vocabulary.dues:
        yield (*path, "owes"), _unknown("kind of due", state.owes, vocabulary.dues)
    for i, row in enumerate(state.transitions):
        yield from _row_names(spec, vocabulary, row, (*path, "transitions", i))
    for i, question in enumerate(state.ask or ()):
        here = (*path, "ask", i)
        if question.event not in vocabulary.by_name:
            yield (*here, "event"), _unknown("event", question.event, vocabulary.by_name)
            continue
        known = vocabulary.by_name[question.event].__struct_fields__
        for field, wanted in question.fields.items():
            if field not in known:
                yield (*here, "fields", field), _unknown(f"field of {question.event}", field, known)
            if wanted.type not in vocabulary.field_types:
                yield (
                    (*here, "fields", field, "type"),
                    _unknown("field type", wanted.type, vocabulary.field_types),
                )


def _row_names(spec: DefinitionSpec, vocabulary: Vocabulary, row: RowSpec, path: Path_) -> Found:
    if row.event not in vocabulary.by_name:
        yield (*path, "event"), _unknown("event", row.event, vocabulary.by_name)
    for i, guard in enumerate(row.when):
        if guard not in vocabulary.guards:
            yield (*path, "when", i), _unknown("guard", guard, vocabulary.guards)
    ways = [way for way in ("to", "stay", "refuse") if getattr(row, way) is not None]
    if len(ways) != 1:
        have = " and ".join(ways) or "none"
        yield path, f"a row has exactly one of 'to', 'stay' and 'refuse'; this one has {have}"
    if row.to is not None and row.to not in spec.states:
        yield (*path, "to"), _unknown("state", row.to, spec.states)
    for key in ("tell", "refuse"):
        name = getattr(row, key)
        if name is not None and name not in spec.words:
            yield (*path, key), _unknown("words", name, spec.words)
    if row.refuse is not None and (row.tell is not None or row.discard or row.remark):
        yield path, "a row that refuses keeps nothing: no 'tell', 'discard' or 'remark' with it"


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    from returnflow.engine.definition import suggest

    return f"there is no {what} {name!r}{suggest(name, known)}"


# -- sense ------------------------------------------------------------------------------------


def _sense(definition: Definition, spec: DefinitionSpec, document: Document) -> Found:
    for name in spec.states:
        yield from _state_sense(definition, spec, name)
    yield from _rows_sense(definition, document)
    yield from _graph(definition)
    yield from _words(definition, spec)
    used = {row.words for row in definition.all_rows()}
    for key in spec.words:
        if key not in used:
            yield ("words", key), f"these words are never said: no row names {key!r}"


def _state_sense(definition: Definition, spec: DefinitionSpec, name: str) -> Found:
    path: Path_ = ("states", name)
    state = definition.states[name]
    handled = {event for at, event in definition.rows if at == name}
    if state.kind == "end":
        if handled:
            yield (*path, "transitions"), "an end has no ways out"
        return
    vocabulary = definition.vocabulary
    outcomes = {event for op in vocabulary.operations.values() for event in op.outcomes}
    requests = {op.request for op in vocabulary.operations.values() if op.request}
    told = event_name(vocabulary.told)
    own = {row.event: ("transitions", i) for i, row in enumerate(spec.states[name].transitions)}
    if state.operation is not None:
        owed = [*state.operation.outcomes]
        if state.operation.request:
            owed.append(state.operation.request)
        for event in owed:
            if event not in handled:
                yield path, f"{state.operation.name} can lead to {event!r}; no row handles it"
        for event, where in own.items():
            if event in (outcomes | requests) - set(owed):
                yield (*path, *where), f"{event!r} is no outcome of {state.operation.name}"
        return
    yield from _questions(definition, spec, name)
    declared = {question.event for question in state.questions}
    if state.owes:
        declared.add(told)
    for event in sorted(declared - handled):
        yield path, f"the question can yield {event!r}; no row handles it"
    remarked = {row.event for row in definition.all_rows() if row.state == name and row.remark}
    free = declared | remarked | {event_name(vocabulary.resumed)}
    anywhere = {row.event for row in spec.anywhere}
    for event, where in own.items():
        if event not in free | anywhere and not (remarked and event == "backend_failed"):
            yield (*path, *where), f"no question of this state yields {event!r}"


def _questions(definition: Definition, spec: DefinitionSpec, name: str) -> Found:
    from returnflow.engine.definition import RESERVED_KEYS

    keys: set[str] = set()
    typed = 0
    for i, question in enumerate(definition.states[name].questions):
        here: Path_ = ("states", name, "ask", i)
        event = definition.vocabulary.by_name[question.event]
        needed = [
            field.name
            for field in msgspec.structs.fields(event)
            if field.required and field.name not in question.fields
        ]
        if needed:
            yield here, f"{question.event!r} needs {', '.join(needed)}: give it a field"
        if question.key is None:
            typed += 1
            if typed > 1:
                yield here, "only one answer of a state can be without a 'key'"
        elif question.key in RESERVED_KEYS:
            yield (*here, "key"), f"{question.key!r} means the same at every question; take another"
        elif question.key in keys:
            yield (*here, "key"), f"the key {question.key!r} is given to two answers"
        keys.add(question.key or "")


def _rows_sense(definition: Definition, document: Document) -> Found:
    for (state, event), rows in definition.rows.items():
        for row in rows[:-1]:
            if not row.guards:
                yield (
                    _path(document, row.place),
                    f"every {event!r} in {state!r} is taken here; the rows after it are dead",
                )
        seen: set[frozenset[str]] = set()
        for row in rows:
            guards = frozenset(guard.name for guard in row.guards)
            if guards and any(earlier <= guards for earlier in seen):
                yield (
                    _path(document, row.place),
                    "an earlier row is taken whenever this one could be: it is dead",
                )
            seen.add(guards)
        if rows[-1].guards:
            yield (
                _path(document, rows[-1].place),
                f"the last row of {event!r} in {state!r} has a guard; add one without, "
                "so that the table says what happens otherwise",
            )


def _path(document: Document, place: Place) -> Path_:
    return next((path for path, here in document.places.items() if here == place), ())


def _graph(definition: Definition) -> Found:
    ways: dict[str, set[str]] = {name: set() for name in definition.states}
    back: dict[str, set[str]] = {name: set() for name in definition.states}
    for row in definition.all_rows():
        if row.to is not None:
            ways[row.state].add(row.to)
            back[row.to].add(row.state)
    reached = _closure({definition.initial}, ways)
    ends = {name for name, state in definition.states.items() if state.kind == "end"}
    if not ends:
        yield ("states",), "no state is an end"
    ending = _closure(ends, back)
    for name in definition.states:
        if name not in reached:
            yield ("states", name), f"no way leads from {definition.initial!r} to {name!r}"
        if ends and name not in ending:
            yield ("states", name), f"no way leads from {name!r} to an end"


def _closure(start: set[str], ways: dict[str, set[str]]) -> set[str]:
    reached, frontier = set(start), list(start)
    while frontier:
        for name in ways[frontier.pop()] - reached:
            reached.add(name)
            frontier.append(name)
    return reached


def _words(definition: Definition, spec: DefinitionSpec) -> Found:
    vocabulary = definition.vocabulary
    scope = vocabulary.sample_scope()
    refusals = {row.words for row in definition.all_rows() if row.to is None}
    texts: list[tuple[Path_, str, dict[str, Any]]] = []
    for key, text in spec.words.items():
        texts.append((("words", key), text, {**scope, "why": "w"} if key in refusals else scope))
    for key, text in spec.notices.items():
        texts.append((("notices", key), text, {**scope, "due": vocabulary.sample_due()}))
    for name, state in spec.states.items():
        for member in ("say", "do", "end"):
            if value := getattr(state, member):
                texts.append((("states", name, member), value, scope))
        for i, question in enumerate(state.ask or ()):
            texts.append((("states", name, "ask", i, "label"), question.label, scope))
            for field, wanted in question.fields.items():
                here: Path_ = ("states", name, "ask", i, "fields", field)
                texts.append(((*here, "prompt"), wanted.prompt, scope))
                if wanted.help:
                    texts.append(((*here, "help"), wanted.help, scope))
    for path, text, values in texts:
        try:
            words.check(text, values)
        except words.WordsError as error:
            yield path, f"in these words: {error}"
