"""Reports as JSON Lines: one object for each call.

The members are those of `Report`; the schema is ``docs/replay-report.schema.json``, which
`report_schema` makes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from returnflow.replay.findings import Report

# What a terminal would obey or reorder (rule 37), where JSON itself does not escape it: the
# same characters as in `inert`, without C0.
_ACTING = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def line(value: Any) -> bytes:
    """A report, or any struct of ours, as one line of JSON with its end.

    It is UTF-8 whatever the texts hold: a lone surrogate, which UTF-8 has no form for, becomes
    U+FFFD. What would act on a terminal is written as an escape, so nothing is lost of it.
    """
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))
    if not data.isascii() or b"\x7f" in data:
        data = _ACTING.sub(_escape, data.decode()).encode()
    return data + b"\n"


def _escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {key: _without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(each) for each in value]
    return value


def report_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line."""
    # Through JSON once, so that it equals what a file of it is read as.
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Report)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:returnflow:replay-report:1",
        "title": "What returnflow's replay says about one call",
        "description": "One line of `returnflow replay --json`; docs/replay.md says more.",
        **schema,
    }
