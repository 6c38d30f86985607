"""What a change of a procedure changes: its states, its rows, its words, its rules, and what replay
makes of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from returnflow.engine.definition import Definition, Row, State
from returnflow.engine.yamltext import Path_, read_text

Sort = Literal["head", "state", "row", "question", "words", "rule", "hearing", "scorecard"]

_SORTS: tuple[Sort, ...] = (
    "head",
    "state",
    "row",
    "question",
    "words",
    "rule",
    "hearing",
    "scorecard",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Args:
        name: which.
        before, after: how it reads; "" where it is not there.
        line: where it stands in the second text, or else in the first; 0: all over it.
        where: of words, where they are said; else "".
        goes, says: whether calls may go another way by it, or hear something else.
    """

    sort: Sort
    name: str
    before: str
    after: str
    line: int
    where: str = ""
    goes: bool = False
    says: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing of a text: how it reads, and what of that decides where calls go."""

    text: str
    line: int = 0
    where: str = ""
    way: str = ""
    words: str = ""


_Items = Mapping[str, _Item]


def changes(one: Definition, other: Definition) -> list[Change]:
    """What differs between two texts, in the order of the second."""
    found = [
        change
        for sort, items in _ITEMS.items()
        for change in _pairs(sort, items(one), items(other))
    ]
    return sorted(found, key=lambda change: (_SORTS.index(change.sort), change.line))


def _pairs(sort: Sort, one: _Items, other: _Items) -> Iterator[Change]:
    nothing = _Item("")
    for name in {**one, **other}:
        before, after = one.get(name, nothing), other.get(name, nothing)
        if before.text != after.text:
            yield Change(
                sort,
                name,
                before.text,
                after.text,
                after.line or before.line,
                after.where or before.where,
                goes=before.way != after.way,
                says=before.words != after.words,
            )


def _head(definition: Definition) -> _Items:
    found = {name: _Item(str(getattr(definition, name)), 1) for name in ("sop", "version", "title")}
    found["initial"] = _Item(definition.initial, 1, way=definition.initial)
    for step, title in definition.steps.items():
        found[f"step {step}"] = _Item(title, 1)
    return found


def _states(definition: Definition) -> _Items:
    return {state.name: _state(state) for state in definition.states.values()}


def _state(state: State) -> _Item:
    what = f"calls {state.operation.name}" if state.operation else f"{state.kind}s"
    owes = f", owes {state.owes}" if state.owes else ""
    text = f"step {state.step}, {what}{owes}: {state.title}"
    return _Item(text, state.place.line, way=f"{what}{owes}", words=owes)


def _rows(definition: Definition) -> _Items:
    return {
        f"{state}/{event}": _Item(
            "; ".join(_row(row) for row in rows),
            rows[0].place.line,
            way="; ".join(_way(row) for row in rows),
            words="; ".join(definition.words.get(row.words or "", "") for row in rows),
        )
        for (state, event), rows in definition.rows.items()
    }


def _way(row: Row) -> str:
    when = " and ".join(guard.name for guard in row.guards) or "otherwise"
    return f"[{when}] → {row.to or 'refused'}" + (", its facts not kept" if row.discard else "")


def _row(row: Row) -> str:
    more = [
        f"tells {row.words}" if row.words and row.to else "",
        f"in the words {row.words}" if row.words and not row.to else "",
        f"remarked as {row.remark}" if row.remark else "",
    ]
    return _way(row) + "".join(f", {each}" for each in more if each)


def _questions(definition: Definition) -> _Items:
    found = {}
    for state in definition.states.values():
        for question in state.questions:
            key = f"key {question.key}" if question.key else "typed"
            fields = [f"{name}: {field.type}" for name, field in question.fields.items()]
            said = [
                text
                for field in question.fields.values()
                for text in (field.prompt, field.help)
                if text
            ]
            said += [f"confirmed: {question.confirm}"] if question.confirm else []
            found[f"{state.name}/{question.event}"] = _Item(
                ", ".join([question.label, key, *fields, *said]),
                state.place.line,
                way=", ".join([key, *fields, str(bool(question.confirm))]),
                words=", ".join([question.label, *said]),
            )
    return found


def _words(definition: Definition) -> _Items:
    document = read_text(definition.text, definition.name)

    def item(path: Path_, text: str, where: str = "") -> _Item:
        flat = " ".join(text.split())
        return _Item(flat, document.place(path).line, where, words=flat)

    told: dict[str, dict[str, None]] = {}
    for row in definition.all_rows():
        if row.words:
            at = "anywhere" if row.anywhere else row.state
            told.setdefault(row.words, {})[f"{at} after {row.event}"] = None
    found = {
        name: item(("words", name), text, f"said in {', '.join(told[name])}")
        for name, text in definition.words.items()
    }
    owing = ", ".join(state.name for state in definition.states.values() if state.owes)
    for name, text in definition.notices.items():
        found[f"notice {name}"] = item(("notices", name), text, f"said where it is due: {owing}")
    for state in definition.states.values():
        for kind in ("say", "do", "end"):
            text = getattr(state, kind)
            if text:
                found[f"{kind} in {state.name}"] = item(("states", state.name, kind), text)
    return found


def _rules(definition: Definition) -> _Items:
    return {
        name: _Item(f"{rule.template} {rule.first} {rule.then or ''}: {rule.says}", rule.line)
        for name, rule in definition.rules.items()
    }


def _hearing(definition: Definition) -> _Items:
    document = read_text(definition.text, definition.name)
    found = {
        f"term {name}": _Item("; ".join(phrases), document.place(("terms", name)).line)
        for name, phrases in definition.terms.items()
    }
    for name, wordings in definition.heard.items():
        text = "; ".join(msgspec.json.encode(each).decode() for each in wordings)
        found[f"notice {name}"] = _Item(text, document.place(("notices", name, "heard")).line)
    return found


def _scorecard(definition: Definition) -> _Items:
    document = read_text(definition.text, definition.name)
    return {
        name: _Item(msgspec.json.encode(value).decode(), document.place(("scorecard", name)).line)
        for name, value in msgspec.structs.asdict(definition.scorecard).items()
    }


_ITEMS: Mapping[Sort, Callable[[Definition], _Items]] = {
    "head": _head,
    "state": _states,
    "row": _rows,
    "question": _questions,
    "words": _words,
    "rule": _rules,
    "hearing": _hearing,
    "scorecard": _scorecard,
}
