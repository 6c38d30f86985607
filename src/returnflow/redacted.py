"""What a record or a text does not show: redacted by somebody, or never recorded (rule 41).

A value in square brackets and capitals, such as ``[PII]``, ``[EMAIL]`` or ``[NOT RECORDED]``,
means: there was one, but it cannot be seen here. It is told from empty text, which means that
there was none.
"""

from __future__ import annotations

import re

NOT_RECORDED = "[NOT RECORDED]"
"""Put by a reader where its format does not show a value."""

NOT_RECORDED_UNITS = -(2**31)
"""Put by a reader where its format does not show how many units there are; no shop has it."""

_WHOLE = re.compile(r"\[[A-Z][A-Z0-9 _-]*\]")


def hidden(text: str) -> bool:
    """Whether the whole value is a redaction: given, but not observable.

    >>> hidden("[EMAIL]"), hidden(" [NOT RECORDED] "), hidden(""), hidden("see [PII]")
    (True, True, False, False)
    """
    return "[" in text and _WHOLE.fullmatch(text.strip()) is not None


def redacted(text: str) -> bool:
    """Whether any part of the text is a redaction."""
    return "[" in text and _WHOLE.search(text) is not None
