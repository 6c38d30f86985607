"""The `rules` of a procedure's YAML as they are written, their checks, and the rules they give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from returnflow.engine.rules import AUTOMATA, BINARY, Activity, Rule
from returnflow.engine.yamltext import Document, Found, Path_, suggest

if TYPE_CHECKING:
    from returnflow.engine.spec import DefinitionSpec
    from returnflow.engine.vocabulary import Vocabulary


_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
_Words = Annotated[str, Field(min_length=1, max_length=1000)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ActivitySpec(_Spec):
    """What a rule speaks of, as written; an event's name alone is such an event, taken anywhere.

    `in` and `to` are states, `when` and `unless` guards, `notice` one of those that are told;
    `refused`: events that the state refuses.
    """

    event: list[_Name] = []
    in_: Annotated[list[_Name], Field(alias="in")] = []
    to: list[_Name] = []
    when: list[_Name] = []
    unless: list[_Name] = []
    notice: _Name | None = None
    refused: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"event": [data]}
        if not isinstance(data, dict):
            raise PydanticCustomError("activity_type", "neither an event nor a mapping")
        # One name stands for a list of one.
        listed = ("event", "in", "to", "when", "unless")
        return {
            key: [value] if key in listed and isinstance(value, str) else value
            for key, value in data.items()
        }


_Pair = Annotated[list[ActivitySpec], Field(min_length=2, max_length=2)]


class ReachSpec(_Spec):
    """From each state of `from` (`asking`: from every state that asks), the agent can come to
    `to` whatever the customer and the shop have answered so far."""

    from_: Annotated[list[_Name], Field(alias="from", min_length=1)]
    to: Annotated[list[_Name], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: [value] if isinstance(value, str) else value for key, value in data.items()}


class RuleSpec(_Spec):
    """A rule about whole calls, as written: what it says, and exactly one template."""

    says: _Words
    step: str
    for_: Annotated[_Name | None, Field(alias="for")] = None
    severity: Literal["critical", "major", "minor", "remark"] = "major"
    existence: ActivitySpec | None = None
    absence: ActivitySpec | None = None
    at_most_once: ActivitySpec | None = None
    init: ActivitySpec | None = None
    precedence: _Pair | None = None
    alternate_precedence: _Pair | None = None
    chain_precedence: _Pair | None = None
    response: _Pair | None = None
    alternate_response: _Pair | None = None
    chain_response: _Pair | None = None
    not_succession: _Pair | None = None
    not_chain_succession: _Pair | None = None
    not_coexistence: _Pair | None = None
    responded_existence: _Pair | None = None
    can_reach: ReachSpec | None = None
    anew: list[ActivitySpec] = []


ASKING = "asking"
"""In `from`: every state that asks."""

TEMPLATES = (*AUTOMATA, "can_reach")


def templates_of(spec: RuleSpec) -> list[str]:
    """The templates that a rule has; a sound one has one."""
    return [name for name in TEMPLATES if getattr(spec, name) is not None]


# -- checks -----------------------------------------------------------------------------------


def check(spec: DefinitionSpec, vocabulary: Vocabulary) -> Found:
    """Everything that is wrong with the rules' names and shapes."""
    yield from own_names(spec)
    abstraction = vocabulary.abstraction() if vocabulary.abstraction else None
    kinds = tuple(abstraction.kinds) if abstraction is not None else ()
    for name, rule in spec.rules.items():
        if rule.for_ is not None and rule.for_ not in kinds:
            yield ("rules", name, "for"), _unknown("kind of subject", rule.for_, kinds)
        for path, activity in _activities(rule, ("rules", name)):
            known: tuple[tuple[str, str, list[str], Iterable[str]], ...] = (
                ("event", "event", activity.event, vocabulary.by_name),
                ("when", "guard", activity.when, vocabulary.guards),
                ("unless", "guard", activity.unless, vocabulary.guards),
            )
            yield from _unknown_names(known, path)
            if activity.notice is not None and activity.notice not in vocabulary.notices:
                unknown = _unknown("notice", activity.notice, vocabulary.notices)
                yield (*path, "notice"), unknown


def own_names(spec: DefinitionSpec) -> Found:
    """What is wrong with the rules but for names that a vocabulary gives."""
    for name, rule in spec.rules.items():
        path: Path_ = ("rules", name)
        if rule.step not in spec.steps:
            yield (*path, "step"), _unknown("step", rule.step, spec.steps)
        have = templates_of(rule)
        if len(have) != 1:
            found = " and ".join(have) or "none"
            yield path, f"a rule has exactly one template; this one has {found}"
        for template in have:
            yield from _template(spec, rule, template, (*path, template))
        for i, activity in enumerate(rule.anew):
            if activity.refused:
                yield (*path, "anew", i, "refused"), "nothing begins anew by what was refused"
        for at, activity in _activities(rule, path):
            yield from _activity(spec, activity, at)


def _activities(rule: RuleSpec, path: Path_) -> Iterator[tuple[Path_, ActivitySpec]]:
    """What a rule speaks of, each with its path."""
    for template in templates_of(rule):
        written = getattr(rule, template)
        if isinstance(written, ActivitySpec):
            yield (*path, template), written
        elif not isinstance(written, ReachSpec):
            for i, each in enumerate(written):
                yield (*path, template, i), each
    for i, each in enumerate(rule.anew):
        yield (*path, "anew", i), each


def _template(spec: DefinitionSpec, rule: RuleSpec, template: str, path: Path_) -> Found:
    written = getattr(rule, template)
    if isinstance(written, ReachSpec):
        for key, names in (("from", written.from_), ("to", written.to)):
            for i, name in enumerate(names):
                if name not in spec.states and not (key == "from" and name == ASKING):
                    yield (*path, key, i), _unknown("state", name, spec.states)
        for unused in ("for", "anew"):
            if getattr(rule, "for_" if unused == "for" else unused):
                yield (*path[:-1], unused), f"{unused!r} has no meaning with 'can_reach'"
        return
    only = "only 'absence' can be about what is refused; leave it out"
    if isinstance(written, ActivitySpec):
        if written.refused and template != "absence":
            yield (*path, "refused"), only
        return
    for i, activity in enumerate(written):
        if activity.refused:
            yield (*path, i, "refused"), only


def _activity(spec: DefinitionSpec, activity: ActivitySpec, path: Path_) -> Found:
    if not (activity.event or activity.in_ or activity.to or activity.when or activity.unless):
        yield path, "this is every event; say which: 'event', 'in', 'to', 'when' or 'unless'"
    known = (("in", "state", activity.in_, spec.states), ("to", "state", activity.to, spec.states))
    yield from _unknown_names(known, path)


def _unknown_names(
    known: Iterable[tuple[str, str, list[str], Iterable[str]]], path: Path_
) -> Found:
    for key, what, names, there in known:
        for i, name in enumerate(names):
            if name not in there:
                # Written as a name alone or as a list, its place is the nearest that is known.
                yield (*path, key, i), _unknown(what, name, there)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    hint = suggest(name, names) or f"; there are: {', '.join(names) or 'none'}"
    return f"there is no {what} {name!r}{hint}"


# -- the rules they give ----------------------------------------------------------------------


def rules(spec: DefinitionSpec, document: Document) -> dict[str, Rule]:
    """The rules, once checked."""
    return {name: _rule(name, each, spec, document) for name, each in spec.rules.items()}


def _rule(name: str, spec: RuleSpec, whole: DefinitionSpec, document: Document) -> Rule:
    template: Any = templates_of(spec)[0]
    written = getattr(spec, template)
    then = None
    place = document.place(("rules", name))
    if isinstance(written, ReachSpec):
        asking = [state for state, each in whole.states.items() if each.ask is not None]
        at = [state for each in written.from_ for state in (asking if each == ASKING else [each])]
        first = Activity(at=frozenset(at), to=frozenset(written.to))
    elif template in BINARY:
        first, then = (_made(each) for each in written)
    else:
        first = _made(written)
    return Rule(
        name=name,
        says=" ".join(spec.says.split()),
        step=spec.step,
        template=template,
        first=first,
        then=then,
        about=spec.for_ or "",
        anew=tuple(_made(each) for each in spec.anew),
        severity=spec.severity,
        line=place.line,
        column=place.column,
    )


def _made(spec: ActivitySpec) -> Activity:
    return Activity(
        events=frozenset(spec.event),
        at=frozenset(spec.in_),
        to=frozenset(spec.to),
        when=tuple(spec.when),
        unless=tuple(spec.unless),
        notice=spec.notice or "",
        refused=bool(spec.refused),
    )
