"""The words of a procedure: templates that can name facts and do nothing else (rule 39).

A template may use ``{{ name.member }}``, ``{% for %}``, ``{% if %}`` and a few filters. It can
call nothing, import nothing, compute nothing, and reach no name that starts with an underscore.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from returnflow.errors import ReturnflowError

FILTERS = ("capitalize", "default", "first", "join", "last", "length", "lower", "upper")

_ALLOWED: tuple[type[nodes.Node], ...] = (
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


class WordsError(ReturnflowError):
    """A template cannot be used; `line` counts from 1 within its text."""

    def __init__(self, message: str, line: int = 1) -> None:
        self.line = line
        super().__init__(message)


class _Sandbox(ImmutableSandboxedEnvironment):
    def is_safe_callable(self, obj: Any) -> bool:
        return False


def _environment() -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, autoescape=False, cache_size=0)
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tests = {}
    made.globals = {}
    return made


_ENVIRONMENT = _environment()


@lru_cache(maxsize=512)
def _compiled(text: str) -> Any:
    return _ENVIRONMENT.from_string(text)


def check(text: str, scope: Mapping[str, Any]) -> None:
    """Checks a template against a scope in which nothing is missing.

    Raises:
        WordsError: it is not a template, uses something that is not allowed, or names
            something that is not in `scope`.
    """
    try:
        tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise WordsError(str(error.message or error), error.lineno) from None
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            raise WordsError(
                f"{type(node).__name__.lower()} is not allowed in words: they can name facts, "
                "choose with if, repeat with for, and nothing else",
                node.lineno,
            )
        name = getattr(node, "attr", None) or getattr(node, "name", None)
        if isinstance(name, str) and name.startswith("_"):
            raise WordsError(f"{name!r} starts with an underscore, which words cannot reach")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise WordsError(
                f"no filter named {node.name!r}; there are {', '.join(FILTERS)}", node.lineno
            )
    try:
        _compiled(text).render(scope)
    except UndefinedError as error:
        raise WordsError(str(error)) from None
    except (TemplateError, TypeError, ValueError) as error:
        raise WordsError(f"cannot be filled in: {error}") from None


def render(text: str, scope: Mapping[str, Any]) -> str:
    """The words with the facts filled in: paragraphs between blank lines, each on one line.

    Raises:
        WordsError: a name has no value; cannot happen with words that passed `check`.
    """
    try:
        filled = str(_compiled(text).render(scope))
    except TemplateError as error:
        raise WordsError(f"these words cannot be filled in: {error}") from None
    paragraphs = re.split(r"\n\s*\n", filled.strip())
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip())


def _walk(node: nodes.Node) -> list[nodes.Node]:
    found = [node]
    for child in node.iter_child_nodes():
        found.extend(_walk(child))
    return found
