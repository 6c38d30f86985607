"""What writes to Tryton have in common: keys, text, refusals."""

from __future__ import annotations

import hashlib
import re
from typing import NoReturn

from returnflow.backends.tryton_units import MARK
from returnflow.errors import RefusedByBackendError

_PLAIN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")


def reference_of(key: str) -> str:
    """What a complaint's reference holds for a key. An unusual key is stood for by its digest.

    Raises:
        RefusedByBackendError: it is no key (`bad_key`).
    """
    if not key or not sendable(key):
        refuse("bad_key", "a write needs an idempotency key")
    if _PLAIN_KEY.fullmatch(key):
        return MARK + key
    return f"{MARK}sha256={hashlib.sha256(key.encode()).hexdigest()}"


def sendable(text: str) -> bool:
    """Whether Tryton takes and keeps the text: no NUL, and no half of a character."""
    return not any("\ud800" <= char <= "\udfff" or char == "\0" for char in text)


def refuse(code: str, message: str) -> NoReturn:
    """Raises a refusal."""
    raise RefusedByBackendError(message, code=code)
