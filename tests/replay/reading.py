"""Files of transcripts written and read, for the tests of reading."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from returnflow.engine.transcript import Transcript
from returnflow.replay.transcripts import reader
from returnflow.replay.transcripts.reader import Options

EMAIL = {"event": "email_given", "at": "2025-03-01T22:30:00Z", "email": "ann@example.com"}


def native(case_id: str = "A1", **changes: Any) -> bytes:
    """A line of the event log; a member that is None is left out."""
    case = {
        "case_id": case_id,
        "sop": "handling-returns",
        "version": 1,
        "digest": "0" * 64,
        "agent": "bea",
        "policy_date": "2025-03-02",
        "zone": "Europe/Berlin",
        "backend": "demo:",
        "started_at": "2025-03-01T22:29:00Z",
    }
    line = {"returnflow": 1, "masked": False, "case": case, "events": [EMAIL], "states": ["x"]}
    line.update(changes)
    return json.dumps({key: value for key, value in line.items() if value is not None}).encode()


def transcripts(
    *paths: Path | str, format: str | None = None, options: Options | None = None
) -> list[Transcript]:
    """Everything in those files."""
    units = reader.units([str(path) for path in paths], format)
    return [each for unit in units for each in reader.read(unit, options or Options())]


def written(path: Path, *lines: bytes) -> Path:
    """A file of those lines."""
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def ids(found: Iterable[Transcript]) -> list[str]:
    """The case ids."""
    return [each.case_id for each in found]
