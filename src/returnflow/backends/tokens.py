"""New ids and times for stores of our own."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def token(length: int) -> str:
    """Random characters that are easy to read out: Crockford's, without I, L, O and U."""
    return "".join(secrets.choice(_CROCKFORD) for _ in range(length))


def tracking_id() -> str:
    """A new tracking id: 60 random bits, not to be guessed, and no second alike."""
    return f"RT-{token(6)}-{token(6)}"


def now() -> str:
    """The present moment, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat()


def storable(text: str) -> bool:
    """Whether the text can be encoded: half a surrogate pair cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
