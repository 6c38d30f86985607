"""The words of a procedure: templates that can name facts and do nothing else (rule 39).

A template may use ``{{ name.member }}``, ``{% for %}``, ``{% if %}`` and a few filters. It can
call nothing, import nothing, compute nothing, and reach no name that starts with an underscore.
The grammar is held whenever a template is used, checked before or not; behind it stands a
sandbox that sees members of mappings and nothing of any object. `problems` looks at every
branch with the kinds of a sample scope, so that words which pass it can be filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from returnflow.engine.yamltext import suggest
from returnflow.errors import ReturnflowError

FILTERS: Final = {"capitalize": 0, "default": 2, "join": 1, "length": 0, "lower": 0, "upper": 0}
"""The filters that words may use, and how many arguments each takes at most."""

LOOP: Final = ("first", "index", "index0", "last", "length", "revindex", "revindex0")
"""The members of ``loop`` that words may use within a ``{% for %}``."""

MAX_BLOCKS: Final = 10
"""How deep ``{% for %}`` and ``{% if %}`` may nest in one another."""

MAX_LOOPS: Final = 3
"""How deep ``{% for %}`` may nest in ``{% for %}``; each level multiplies the work."""

MAX_DEPTH: Final = 40
"""How deep a template may nest in all, so that nobody's stack overflows."""

_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Const,
    nodes.If,
    nodes.For,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Compare,
    nodes.Operand,
    nodes.Filter,
    nodes.CondExpr,
    nodes.Concat,
)
_NAMED: Final = (
    (nodes.Call, "a call"),
    (nodes.Getitem, "[ ]"),
    ((nodes.Import, nodes.FromImport), "import"),
    (nodes.Include, "include"),
    (nodes.Extends, "extends"),
    (nodes.Macro, "a macro"),
    ((nodes.Assign, nodes.AssignBlock), "set"),
    ((nodes.BinExpr, nodes.UnaryExpr), "arithmetic"),
    (nodes.Test, "a test with 'is'"),
    ((nodes.List, nodes.Tuple, nodes.Dict), "a list or mapping of its own"),
    (nodes.Keyword, "a named argument"),
)
# Names to which the template engine gives a meaning of its own.
_ENGINE_NAMES: Final = frozenset({"self", "super", "caller", "varargs", "kwargs"})


class WordsError(ReturnflowError):
    """Words cannot be filled in: they are no template, use what is not allowed, or lack a fact."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Members of mappings and of ``loop`` can be named; everything else is undefined."""

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj and not attribute.startswith("_"):
            return obj[attribute]
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self.undefined(obj=obj, name=argument)


def _environment() -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, autoescape=False, cache_size=0)
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tests = {}
    made.globals = {}
    return made


_ENVIRONMENT = _environment()


# -- grammar ----------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _parsed(text: str) -> nodes.Template | str:
    """The tree of a template, or the text itself where nothing is to be filled in.

    Raises:
        WordsError: it is not a template, or uses something that is not allowed.
    """
    if "{" not in text:
        return text
    try:
        tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise WordsError(f"not a template: {_plain(error)}") from None
    except (RecursionError, ValueError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise WordsError(f"not a template: {why}") from None
    _grammar(tree)
    return tree


@lru_cache(maxsize=512)
def _compiled(text: str) -> Template | None:
    """The template ready to be filled in; None where there is nothing to fill in."""
    tree = _parsed(text)
    if isinstance(tree, str):
        return None
    try:
        return _ENVIRONMENT.from_string(tree)
    except TemplateError as error:
        raise WordsError(f"not a template: {_plain(error)}") from None


def _grammar(node: nodes.Node, depth: int = 0, blocks: int = 0, loops: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise WordsError(f"nested deeper than {MAX_DEPTH} levels; make it flatter")
    if not isinstance(node, _ALLOWED):
        raise WordsError(
            f"{_named(node)} is not allowed in words: they can name facts, choose with if, "
            "repeat with for, and nothing else"
        )
    name = getattr(node, "attr", None) or getattr(node, "name", None)
    if isinstance(name, str) and name.startswith("_"):
        raise WordsError(f"{name!r} starts with an underscore, which words cannot reach")
    if isinstance(node, nodes.Name) and node.name in _ENGINE_NAMES:
        raise WordsError(f"{node.name!r} is no fact")
    if isinstance(node, nodes.Filter):
        _filter_grammar(node)
    if isinstance(node, nodes.For):
        loops += 1
        if node.recursive:
            raise WordsError("a recursive for is not allowed in words")
        if loops > MAX_LOOPS:
            raise WordsError(f"for nests deeper than {MAX_LOOPS} levels; make it flatter")
        if isinstance(node.target, nodes.Name) and node.target.name == "loop":
            raise WordsError("'loop' has a meaning of its own within for; take another name")
    if isinstance(node, nodes.For | nodes.If):
        blocks += 1
        if blocks > MAX_BLOCKS:
            raise WordsError(f"for and if nest deeper than {MAX_BLOCKS} levels; make it flatter")
    for child in node.iter_child_nodes():
        _grammar(child, depth + 1, blocks, loops)


def _filter_grammar(node: nodes.Filter) -> None:
    if node.name not in FILTERS:
        known = ", ".join(FILTERS)
        raise WordsError(
            f"there is no filter {node.name!r}{suggest(node.name, FILTERS)} (there are {known})"
        )
    if len(node.args) > FILTERS[node.name]:
        raise WordsError(
            f"the filter {node.name!r} takes no more than {FILTERS[node.name]} values in its ( )"
        )


def _named(node: nodes.Node) -> str:
    for kind, words in _NAMED:
        if isinstance(node, kind):
            return words
    return repr(type(node).__name__.lower())


def _plain(error: TemplateError) -> str:
    text = str(error.message or error).removesuffix(".")
    return text[:1].lower() + text[1:]


# -- names ------------------------------------------------------------------------------------


def problems(text: str, scope: Mapping[str, Any]) -> list[str]:
    """What keeps a template from being filled in, whatever the facts are; empty if nothing.

    Args:
        scope: a scope in which nothing is missing or empty. Its values show of what kind each
            fact is: text, a number, true or false, a list, or a mapping with members.
    """
    try:
        tree = _parsed(text)
    except WordsError as error:
        return [str(error)]
    if isinstance(tree, str):
        return []
    checker = _Checker()
    checker.body(tree.body, dict(scope))
    return list(dict.fromkeys(checker.found))


_UNKNOWN: Final = object()
"""The value of something that is not known; nothing is said against it."""


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int):
        return "a number"
    if isinstance(value, Mapping):
        return "a group of facts"
    if isinstance(value, Sequence):
        return "a list"
    return "nothing" if value is None else "unknown"


class _Checker:
    """Goes through every branch of a template with sample values in place of facts."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def body(self, body: Sequence[nodes.Node], names: Mapping[str, Any]) -> None:
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    self._said(part, names)
            elif isinstance(node, nodes.If):
                self._value(node.test, names)
                self.body(node.body, names)
                self.body(node.elif_, names)
                self.body(node.else_, names)
            elif isinstance(node, nodes.For):
                self._for(node, names)

    def _for(self, node: nodes.For, names: Mapping[str, Any]) -> None:
        several = self._value(node.iter, names)
        one: Any = _UNKNOWN
        if _kind(several) == "a list":
            one = next(iter(several), _UNKNOWN)
        elif several is not _UNKNOWN:
            self.found.append(f"for needs a list; {_source(node.iter)} is {_kind(several)}")
        target = node.target.name if isinstance(node.target, nodes.Name) else ""
        inner = {**names, target: one}
        if node.test is not None:
            self._value(node.test, {name: inner[name] for name in inner if name != "loop"})
        loop: dict[str, Any] = {
            **dict.fromkeys(LOOP, 1),
            "first": True,
            "last": True,
        }
        self.body(node.body, {**inner, "loop": loop})
        self.body(node.else_, names)

    def _said(self, node: nodes.Node, names: Mapping[str, Any]) -> None:
        value = self._value(node, names)
        kind = _kind(value)
        if value is _UNKNOWN or kind in ("text", "a number"):
            return
        how = {
            "yes or no": "use it with if",
            "a list": "go through it with for, or join it",
            "a group of facts": "name one of its members",
        }.get(kind, "say something")
        self.found.append(f"{_source(node)} is {kind}, which cannot be said; {how}")

    def _value(self, node: nodes.Node, names: Mapping[str, Any]) -> Any:
        if isinstance(node, nodes.TemplateData):
            return node.data
        if isinstance(node, nodes.Const):
            return node.value
        if isinstance(node, nodes.Name):
            return self._name(node, names)
        if isinstance(node, nodes.Getattr):
            return self._member(node, names)
        if isinstance(node, nodes.Filter):
            return self._filtered(node, names)
        if isinstance(node, nodes.Compare):
            return self._compared(node, names)
        if isinstance(node, nodes.CondExpr):
            self._value(node.test, names)
            if node.expr2 is None:
                self.found.append('an if in {{ }} needs an else; add: else ""')
                return self._value(node.expr1, names)
            return _either(self._value(node.expr1, names), self._value(node.expr2, names))
        if isinstance(node, nodes.And | nodes.Or):
            return _either(self._value(node.left, names), self._value(node.right, names))
        if isinstance(node, nodes.Concat):
            for part in node.nodes:
                self._said(part, names)
            return "x"
        if isinstance(node, nodes.Not):
            self._value(node.node, names)
            return True
        return _UNKNOWN

    def _name(self, node: nodes.Name, names: Mapping[str, Any]) -> Any:
        if node.name in names:
            return names[node.name]
        if node.name == "loop":
            self.found.append("'loop' has a meaning only within for")
        else:
            hint = suggest(node.name, names) or "; docs/sop-format.md lists them"
            self.found.append(f"there is no fact {node.name!r} here{hint}")
        return _UNKNOWN

    def _member(self, node: nodes.Getattr, names: Mapping[str, Any]) -> Any:
        group = self._value(node.node, names)
        if group is _UNKNOWN:
            return _UNKNOWN
        if not isinstance(group, Mapping):
            self.found.append(
                f"{_source(node.node)} is {_kind(group)} and has no member {node.attr!r}"
            )
        elif node.attr not in group:
            hint = suggest(node.attr, group) or f"; there are: {', '.join(group)}"
            self.found.append(f"{_source(node.node)} has no member {node.attr!r}{hint}")
        else:
            return group[node.attr]
        return _UNKNOWN

    def _filtered(self, node: nodes.Filter, names: Mapping[str, Any]) -> Any:
        base: Any = self._value(node.node, names) if node.node is not None else _UNKNOWN
        arguments = [self._value(argument, names) for argument in node.args]
        if node.name == "default":
            return _either(base, arguments[0] if arguments else "")
        if node.name == "join":
            if base is not _UNKNOWN and _kind(base) != "a list":
                self.found.append(f"join needs a list; {_source(node.node)} is {_kind(base)}")
            elif base is not _UNKNOWN and any(
                _kind(one) not in ("text", "a number") for one in base
            ):
                self.found.append(f"join needs a list of texts; {_source(node.node)} is none")
            return "x"
        if node.name == "length":
            if base is not _UNKNOWN and _kind(base) not in ("text", "a list"):
                self.found.append(f"length needs a list; {_source(node.node)} is {_kind(base)}")
            return 1
        if base is not _UNKNOWN and _kind(base) not in ("text", "a number"):
            self.found.append(f"{node.name} needs a text; {_source(node.node)} is {_kind(base)}")
        return "x"

    def _compared(self, node: nodes.Compare, names: Mapping[str, Any]) -> bool:
        left, left_node = self._value(node.expr, names), node.expr
        for operand in node.ops:
            right = self._value(operand.expr, names)
            if _UNKNOWN not in (left, right):
                if operand.op in ("lt", "lteq", "gt", "gteq"):
                    for value, side in ((left, left_node), (right, operand.expr)):
                        if _kind(value) != "a number":
                            self.found.append(
                                f"only numbers are greater or less; {_source(side)} is "
                                f"{_kind(value)}"
                            )
                elif operand.op in ("in", "notin") and _kind(right) not in ("text", "a list"):
                    self.found.append(
                        f"in needs a text or a list; {_source(operand.expr)} is {_kind(right)}"
                    )
            left, left_node = right, operand.expr
        return True


def _either(one: Any, other: Any) -> Any:
    """A value of the kind that both have; unknown where they differ."""
    return one if _kind(one) == _kind(other) else _UNKNOWN


def _source(node: nodes.Node | None) -> str:
    """A name, dotted, as the template spells it; else 'this'."""
    parts: list[str] = []
    while isinstance(node, nodes.Getattr):
        parts.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name):
        return "this"
    return repr(".".join([node.name, *reversed(parts)]))


# -- filling in -------------------------------------------------------------------------------


def render(text: str, scope: Mapping[str, Any]) -> str:
    """The words with the facts filled in: paragraphs between blank lines, each on one line.

    Facts are put in as they are; a template within a fact stays text.

    Raises:
        WordsError: the text is no such template, or a name has no value; cannot happen with
            words in which `problems` finds nothing, and a scope like the sample.
    """
    template = _compiled(text)
    try:
        filled = text if template is None else template.render(scope)
    except (TemplateError, TypeError) as error:
        raise WordsError(f"these words cannot be filled in: {error}") from None
    return "\n".join(_paragraphs(filled))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.strip():
            yield " ".join(paragraph.split())
