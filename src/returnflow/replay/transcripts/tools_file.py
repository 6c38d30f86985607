"""The YAML file that maps tools to operations, as people write it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from returnflow.engine.yamltext import Path_, in_file_order, read_file, suggest
from returnflow.errors import DefinitionError
from returnflow.replay.transcripts.tools import ARGUMENTS, Tool, ToolMapping


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ToolSpec(_Spec):
    """A tool: the operation that it is, and its arguments' names with the operation's."""

    operation: str
    arguments: dict[str, str] = {}


class FileSpec(_Spec):
    """The whole file."""

    tools: dict[str, ToolSpec] = {}
    neutral: list[str] = []
    clocks: list[str] = []


def read_tools(path: Path, operations: Collection[str]) -> ToolMapping:
    """What the file says, without what is built in.

    Raises:
        DefinitionError: with everything that is wrong with it, each with its place.
    """
    document = read_file(path)
    try:
        spec = FileSpec.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        raise DefinitionError(in_file_order(document, _shape(error))) from None
    problems = list(_unknown(spec, operations))
    if problems:
        raise DefinitionError(in_file_order(document, problems))
    tools = {name: Tool(tool.operation, dict(tool.arguments)) for name, tool in spec.tools.items()}
    return ToolMapping(tools, frozenset(spec.neutral), frozenset(spec.clocks))


def _unknown(spec: FileSpec, operations: Collection[str]) -> Iterator[tuple[Path_, str]]:
    for name, tool in spec.tools.items():
        if tool.operation not in operations:
            yield (
                ("tools", name, "operation"),
                f"unknown operation {tool.operation!r}"
                + (suggest(tool.operation, operations) or _there(operations)),
            )
            continue
        ours = ARGUMENTS.get(tool.operation)
        for theirs, our in tool.arguments.items():
            if ours is not None and our not in ours:
                yield (
                    ("tools", name, "arguments", theirs),
                    f"{tool.operation} has no argument {our!r}{suggest(our, ours) or _there(ours)}",
                )
        if name in spec.neutral or name in spec.clocks:
            yield ("tools", name), f"{name!r} is an operation here and neutral below; take one out"


def _there(names: Collection[str]) -> str:
    return f"; there are {', '.join(names)}"


_KINDS = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
}


def _shape(error: ValidationError) -> Iterator[tuple[Path_, str]]:
    for found in error.errors(include_url=False):
        path: Path_ = found["loc"]
        key = path[-1] if path else "the file"
        match found["type"]:
            case "missing":
                yield path[:-1], f"the key {key!r} is missing"
            case "extra_forbidden":
                known: Any = FileSpec if len(path) == 1 else ToolSpec
                yield path, f"unknown key {key!r}{_or(str(key), tuple(known.model_fields))}"
            case kind if kind in _KINDS:
                yield path, f"{key!r} must be {_KINDS[kind]}"
            case _:
                yield path, f"{key!r}: {found['msg']}"


def _or(key: str, known: tuple[str, ...]) -> str:
    return suggest(key, known) or _there(known)
