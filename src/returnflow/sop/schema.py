"""The JSON Schema of a procedure's YAML, from which editors complete and underline.

It is made from the same models as the loader's checks, with the names of a vocabulary put in.
What it cannot know (which states a file has, whether the table makes sense) `sop check` tells.
"""

from __future__ import annotations

from typing import Any

from returnflow.engine.spec import DefinitionSpec
from returnflow.engine.vocabulary import Vocabulary

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The schema of procedures that speak this vocabulary."""
    made = DefinitionSpec.model_json_schema()
    kinds = made["$defs"]
    events = _one_of(vocabulary.by_name)
    guards = _one_of(vocabulary.guards)
    kinds["RowSpec"]["properties"]["event"] = events
    kinds["RowSpec"]["properties"]["when"]["items"] = guards
    kinds["QuestionSpec"]["properties"]["event"] = events
    kinds["FieldSpec"]["properties"]["type"] = _one_of(vocabulary.field_types)
    kinds["StateSpec"]["properties"]["call"] = _one_of(vocabulary.operations)
    kinds["StateSpec"]["properties"]["owes"] = _one_of(vocabulary.dues)
    activity = kinds["ActivitySpec"]["properties"]
    for member, names in (("event", events), ("when", guards), ("unless", guards)):
        activity[member] = _one_or_more(names)
    for kind, members in (("ActivitySpec", ("in", "to")), ("ReachSpec", ("from", "to"))):
        for member in members:
            properties = kinds[kind]["properties"]
            properties[member] = _one_or_more(properties[member]["items"])
    activity["notice"] = _one_of(vocabulary.notices)
    # An event's name alone is an activity, too; the loader makes a mapping of it first.
    kinds["Activity"] = {"anyOf": [events, {"$ref": "#/$defs/ActivitySpec"}]}
    _named(kinds["RuleSpec"], "#/$defs/ActivitySpec", "#/$defs/Activity")
    made["properties"]["vocabulary"] = _one_of([vocabulary.name])
    notices = made["properties"]["notices"]
    # A notice may be its words alone; the loader turns them into a mapping first.
    alone = [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/NoticeSpec"}]
    notices["additionalProperties"] = False
    notices["properties"] = {name: {"anyOf": alone} for name in vocabulary.notices}
    for key in ("propertyNames", "patternProperties"):
        notices.pop(key, None)
    _tidy(made)
    title = f"A procedure of returnflow, vocabulary {vocabulary.name}"
    return {"$schema": DIALECT, **made, "title": title}


def _one_of(names: Any) -> dict[str, Any]:
    return {"enum": list(names)}


def _one_or_more(one: dict[str, Any]) -> dict[str, Any]:
    """One, or a list of them: the loader makes a list of one."""
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _named(node: Any, old: str, new: str) -> None:
    """Names another definition wherever one is named."""
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _named(each, old, new)
    if isinstance(node, dict) and node.get("$ref") == old:
        node["$ref"] = new


def _tidy(node: Any) -> None:
    """Takes out what only fills the screen of an editor: titles made from names, empty defaults,
    and None, which no key of the YAML can be."""
    if isinstance(node, list):
        for each in node:
            _tidy(each)
        return
    if not isinstance(node, dict):
        return
    choices = node.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        choices.remove({"type": "null"})
        if len(choices) == 1:
            node.pop("anyOf")
            node.update(choices[0])
    if node.get("default", 0) in (None, [], {}):
        node.pop("default", None)
    if isinstance(node.get("title"), str):
        node.pop("title")
    if isinstance(node.get("description"), str):
        node["description"] = " ".join(node["description"].split()).replace("`", "")
    properties = node.get("properties")
    for key, each in node.items():
        if key == "properties" and isinstance(properties, dict):
            for inner in properties.values():
                _tidy(inner)
        else:
            _tidy(each)
