"""Load-time checks of a procedure's names: its own, and those of its vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from returnflow.engine import scorecard_checks
from returnflow.engine.spec import DefinitionSpec, RowSpec, StateSpec
from returnflow.engine.vocabulary import Vocabulary
from returnflow.engine.yamltext import Found, Path_, suggest


def own_names(spec: DefinitionSpec) -> Found:
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


def known_names(spec: DefinitionSpec, vocabulary: Vocabulary) -> Found:
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
        known = fields_of(vocabulary, question.event)
        for field, wanted in question.fields.items():
            if known and field not in known:
                where = f" in {question.event!r}"
                yield (*here, "fields", field), _unknown("field", field, known, where)
            if wanted.type not in vocabulary.field_types:
                yield (
                    (*here, "fields", field, "type"),
                    _unknown("field type", wanted.type, vocabulary.field_types),
                )


def fields_of(vocabulary: Vocabulary, event: str) -> tuple[str, ...]:
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
