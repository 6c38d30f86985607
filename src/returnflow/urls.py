"""URLs of journals and shops, made fit to be shown and to be kept."""

from __future__ import annotations

import re

_SECRET = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


def without_password(url: str) -> str:
    """`url` without the password, and without parameters that are one.

    What stands between the first colon and the last ``@`` goes, whatever it looks like: a password
    may hold any character, and a URL that nobody can parse is shown in a message too. The user's
    name stays, so that what the journal keeps still leads to the shop. The path of a file is left
    as it is.
    """
    scheme, found, rest = url.partition("://")
    if not found or scheme.lower() == "sqlite":
        return url
    who, at, rest = rest.rpartition("@")
    place, _, query = rest.partition("?")
    kept = [each for each in query.split("&") if each and not _SECRET.search(each.split("=")[0])]
    user = who.partition(":")[0]
    return f"{scheme}://{user}{at}{place}" + (f"?{'&'.join(kept)}" if kept else "")
