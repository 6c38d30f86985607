"""Load-time checks of a procedure's table: its rows, its states, and the ways through it."""

from __future__ import annotations

from typing import Any

import msgspec

from returnflow.engine.definition import RESERVED_KEYS
from returnflow.engine.draft import Doubt
from returnflow.engine.name_checks import fields_of
from returnflow.engine.spec import DefinitionSpec, StateSpec, Written, kind_of, rows_of
from returnflow.engine.vocabulary import Vocabulary, event_name
from returnflow.engine.yamltext import Document, Found, Path_


class TableChecks:
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
                field in fields_of(self._vocabulary, question.event) for field in question.fields
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
