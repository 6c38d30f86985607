"""A prescribed sentence, recognised word for word.

Most logs that hold words hold the very words of the script. To see that needs no reading of the
sentence: the template is its own pattern, with a gap for each value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_VALUE = re.compile(r"\{\{\s*(?:due\.([a-z][a-z0-9_]*))?[^{}]*\}\}")
# Within one sentence: whatever fills a gap cannot add a statement of its own.
_GAP = r"(?:(?![.!?;](?:\s|$))[^\n]){0,200}?"


@dataclass(frozen=True, slots=True)
class Script:
    """The pattern of a script; a gap that stands for a value of the due bears its name."""

    pattern: re.Pattern[str]

    def says(self, text: str, values: Mapping[str, Any], needs: Collection[str]) -> bool:
        """Whether a text is the script, with those values of the due that matter."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return False
        filled = found.groupdict()
        return all(name in filled and filled[name] == str(values.get(name)) for name in needs)


def as_pattern(template: str) -> Script | None:
    """A template as a pattern; None where it has more in it than values.

    >>> as_pattern("Your number is {{ due.id }}.").says("Your number is 7.", {"id": 7}, ["id"])
    True
    """
    text = " ".join(template.split())
    if "{%" in text or "{#" in text:
        return None
    parts: list[str] = []
    end = 0
    seen: set[str] = set()
    for match in _VALUE.finditer(text):
        parts.append(re.escape(text[end : match.start()]))
        name = match[1]
        plain = name and name not in seen and match[0].strip("{} ") == f"due.{name}"
        parts.append(f"(?P<{name}>{_GAP})" if plain else _GAP)
        seen.add(name or "")
        end = match.end()
    parts.append(re.escape(text[end:]))
    return Script(re.compile(r"\s*" + "".join(parts) + r"\s*"))
