"""What writes to Tryton have in common: keys, text, refusals."""

from __future__ import annotations

import hashlib
import re

from returnflow.backends.refusals import refuse
from returnflow.backends.tokens import storable
from returnflow.backends.tryton_units import MARK

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
    return storable(text) and "\0" not in text


def check_text(*texts: str) -> None:
    """Refuses text that Tryton cannot keep (`bad_text`)."""
    if not all(map(sendable, texts)):
        refuse("bad_text", "the text holds a character that Tryton cannot keep; type it anew")
