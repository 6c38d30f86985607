"""JSON as strangers write it: read with exact decimals, and with its oddities named (rule 40).

A key given twice, ``NaN``, half of a surrogate pair: the text can still be read, so it is, and
what is odd is said beside it. What cannot be read at all is a `ValueError` with words.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

MAX_DEPTH = 200
"""How deep values may be nested."""

MAX_DIGITS = 400
"""The longest number that is read, in digits."""


def decode(text: bytes | str) -> tuple[Any, list[str]]:
    """The value, with floating-point numbers as `Decimal`, and what is odd about the text.

    Raises:
        ValueError: it is no JSON, not UTF-8, or nested too deeply; says which, and where.
    """
    odd: dict[str, None] = {}

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(found)
        if len(value) < len(found):
            seen: set[str] = set()
            for key, _ in found:
                if key in seen:
                    odd[f"the key {_short(key)} is given twice; the last one is taken"] = None
                seen.add(key)
        return value

    def constant(name: str) -> None:
        odd[f"{name} is no JSON value; it is taken as not recorded"] = None

    def number(digits: str) -> Any:
        if len(digits) > MAX_DIGITS:
            odd[f"a number of {len(digits)} digits is taken as not recorded"] = None
            return None
        return int(digits) if digits.lstrip("-").isdigit() else Decimal(digits)

    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8 text (byte {error.start + 1})") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=constant,
            parse_float=number,
            parse_int=number,
        )
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} (character {error.pos + 1})") from None
    if _deep(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if "\\u" in text and _has_halves(value):
        odd["half of a surrogate pair is no character; it is shown as \ufffd"] = None
        value = _whole(value)
    return value, list(odd)


def _short(key: str) -> str:
    return repr(key if len(key) <= 40 else key[:39] + "…")


def _deep(value: Any, limit: int) -> bool:
    """Whether it is nested deeper than `limit`, without going deeper than that."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _has_halves(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return value
