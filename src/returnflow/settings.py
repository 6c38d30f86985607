"""The settings file: what an agent need not say at every call.

TOML in the user's config folder; with ``RETURNFLOW_HOME`` it is in that folder. What is said on
the command line or in the environment comes before it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from returnflow.errors import UsageError
from returnflow.home import HOME_VARIABLE

FILE_NAME = "settings.toml"
MAX_BYTES = 64_000

KEYS = {
    "note": "f2",
    "check": "f3",
    "transfer": "f4",
    "facts": "f5",
    "story": "f6",
    "back": "f7",
    "hangup": "f8",
    "unveil": "f9",
    "copy": "f12",
}
"""By what it does, the key of the full screen; F1, F10 and F11 belong to terminals."""

FREE_KEYS = tuple(f"f{number}" for number in (*range(2, 10), 12))

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.1, le=3600)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file may hold; None: nothing is said.

    Args:
        backend, journal, agent, zone, patience, timeout, plain: as the options of that name.
        theme: ``colour``, or ``plain`` for weight and reversal alone.
        mouse: whether clicks work; without it the terminal's own marking does.
        veil: whether the customer's name, address and number are veiled until asked for.
        keys: by what it does, another key.
    """

    backend: _Text | None = None
    journal: _Text | None = None
    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    zone: _Text | None = None
    patience: _Seconds | None = None
    timeout: _Seconds | None = None
    plain: bool | None = None
    theme: Literal["colour", "plain"] = "colour"
    mouse: bool = True
    veil: bool = True
    keys: dict[str, str] = {}

    def options(self, *names: str) -> dict[str, object]:
        """Those of the options that are said, by name."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def all_keys(self) -> dict[str, str]:
        """By what it does, the key that holds."""
        return {**KEYS, **self.keys}


def settings_file() -> Path:
    """Where the file is, or would be."""
    moved = os.environ.get(HOME_VARIABLE, "")
    if moved:
        return Path(moved).expanduser().absolute() / FILE_NAME
    from platformdirs import user_config_path

    return user_config_path("returnflow", appauthor=False) / FILE_NAME


def load() -> Settings:
    """What the file says; without a file nothing is said.

    Raises:
        UsageError: it cannot be read, or says what it must not.
    """
    path = settings_file()
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except OSError as error:
        raise UsageError(f"the settings {path} cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"the settings {path} are longer than {MAX_BYTES} bytes")
    import tomllib

    try:
        found = msgspec.convert(tomllib.loads(raw.decode()), Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings {path} are no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise UsageError(f"the settings {path}: {error}; see docs/wizard.md") from error
    _check_keys(found, path)
    return found


def _check_keys(found: Settings, path: Path) -> None:
    unknown = sorted(set(found.keys) - set(KEYS))
    if unknown:
        raise UsageError(f"the settings {path}: keys has {', '.join(unknown)}; known are "
                         f"{', '.join(KEYS)}")  # fmt: skip
    bad = sorted(key for key in found.keys.values() if key not in FREE_KEYS)
    if bad:
        raise UsageError(f"the settings {path}: {', '.join(bad)} cannot be used as keys; "
                         f"{', '.join(FREE_KEYS)} can")  # fmt: skip
    holds = list(found.all_keys().values())
    twice = sorted({key for key in holds if holds.count(key) > 1})
    if twice:
        raise UsageError(f"the settings {path}: {', '.join(twice)} would do two things; give the "
                         "other one another key")  # fmt: skip
