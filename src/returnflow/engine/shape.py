"""What is wrong with the shape of a procedure's YAML, in words that say how to mend it."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from inspect import isclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from returnflow.engine.compiled import Place
from returnflow.engine.spec import DefinitionSpec
from returnflow.engine.yamltext import Found, Path_, suggest

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "notice_type": "text, or a mapping with 'say' and 'heard'",
    "activity_type": "an event, or a mapping with 'event', 'in', 'to', 'when' and the like",
}


def problems_of(problems: Sequence[Any], places: Mapping[Path_, Place]) -> Found:
    """pydantic's errors in words, each with its path.

    Args:
        places: of everything that is in the file.
    """
    # A misspelt key is one mistake, not an unknown key and a missing one.
    meant = {
        (*path[:-1], key)
        for path in (found["loc"] for found in problems if found["type"] == "extra_forbidden")
        for key in keys_at(path[:-1])
        if f" {key!r}?" in suggest(str(path[-1]), keys_at(path[:-1]))
    }
    for found in problems:
        path: Path_ = found["loc"]
        if path and path[-1] == "[key]":
            path = path[:-1]
        if path[-1:] == ("say",) and path not in places and found["type"] != "missing":
            path = path[:-1]  # a notice that is its words alone
        if found["type"] == "missing":
            where = path[:-1]
            if path in meant:
                continue
            yield where, f"the key {path[-1]!r} is missing{_in(where)}"
        else:
            yield path, _message(found["type"], path, found["input"], found.get("ctx", {}))


def _in(path: Path_) -> str:
    return f" in {_shown(path[-1])}" if path else ""


def _message(kind: str, path: Path_, given: Any, context: dict[str, Any]) -> str:
    key = path[-1] if path else ""
    if kind in _KINDS:
        quote = ""
        if kind in ("string_type", "notice_type") and isinstance(given, int):
            quote = f'; put it in quotes: "{_value(given)}"'
        return f"{_shown(key)} must be {_KINDS[kind]}, not {_value(given)}{quote}"
    match kind:
        case "extra_forbidden":
            known = keys_at(path[:-1])
            return f"unknown key {key!r}{suggest(str(key), known) or f'; there are {_list(known)}'}"
        case "string_pattern_mismatch":
            also = " (hyphens, too)" if path == ("sop",) else ""
            return (
                f"{_value(given)} is no name: small letters, digits and underscores{also}, "
                "beginning with a letter"
            )
        case "literal_error":
            expected = "true" if key == "stay" else context.get("expected", "")
            return f"{_shown(key)} must be {expected}, not {_value(given)}"
        case "string_too_short":
            return f"{_shown(key)} is empty; write some words"
        case "string_too_long":
            return f"{_shown(key)} is longer than {context.get('max_length')} characters"
        case "too_short" if context.get("min_length", 1) > 1:
            return f"{_shown(key)} needs {context['min_length']} entries"
        case "too_long":
            return f"{_shown(key)} has more than {context.get('max_length')} entries"
        case "too_short":
            return f"{_shown(key)} is empty; it needs at least one entry"
        case "greater_than_equal":
            return f"{_shown(key)} must be at least {context.get('ge')}, not {_value(given)}"
        case "less_than_equal":
            return f"{_shown(key)} must be at most {context.get('le')}, not {_value(given)}"
        case _:
            return f"{_shown(key)} cannot be {_value(given)} ({kind})"


def _shown(key: str | int) -> str:
    return f"entry {key + 1}" if isinstance(key, int) else repr(key)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping of keys" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) < 50 else text[:47] + "..."


def keys_at(path: Path_) -> tuple[str, ...]:
    """The keys that are known in the mapping where `path` leads."""
    wanted = bare(wanted_at(path))
    if not (isclass(wanted) and issubclass(wanted, BaseModel)):
        return ()
    return tuple(field.alias or name for name, field in wanted.model_fields.items())


def wanted_at(path: Path_, model: Any = DefinitionSpec) -> Any:
    """The kind of what belongs where `path` leads, as it is annotated; None where nothing does."""
    wanted: Any = model
    for part in path:
        wanted = bare(wanted)
        origin = get_origin(wanted)
        if origin in (dict, list):
            wanted = get_args(wanted)[-1]
        elif isclass(wanted) and issubclass(wanted, BaseModel):
            named = {field.alias or name: field for name, field in wanted.model_fields.items()}
            if part not in named:
                return None
            field = named[str(part)]
            # pydantic takes what is annotated apart.
            wanted = Annotated[field.annotation, field] if field.metadata else field.annotation
        else:
            return None
    return wanted


def bare(wanted: Any) -> Any:
    """An annotation without what is said of it besides, and without None."""
    while get_origin(wanted) in (Annotated, Union, types.UnionType):
        wanted = next(each for each in get_args(wanted) if each is not type(None))
    return wanted
