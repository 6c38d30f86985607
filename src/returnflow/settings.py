"""The settings file: what an agent need not say at every call.

TOML in the user's config folder; with ``RETURNFLOW_HOME`` it is in that folder. What is said on
the command line or in the environment comes before it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

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
        UsageError: it cannot be read, or says what it must not; every mistake is told.
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
        text = raw.decode()
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings {path} are no TOML: {error}") from error
    problems = sorted(_Check(text).problems(table), key=lambda each: each[0])
    if problems:
        told = "".join(f"\n  {f'line {at}: ' if at else ''}{words}" for at, words in problems)
        raise UsageError(f"the settings {path} cannot be used:{told}\n  docs/wizard.md lists all")
    return msgspec.convert(table, Settings)


_ALLOWED = {
    "backend": "a text of 1 to 500 characters",
    "journal": "a text of 1 to 500 characters",
    "agent": "a text of 1 to 40 characters",
    "zone": "a text of 1 to 500 characters",
    "patience": "a number of seconds, from 0.1 to 3600",
    "timeout": "a number of seconds, from 0.1 to 3600",
    "plain": "true or false",
    "theme": '"colour" or "plain"',
    "mouse": "true or false",
    "veil": "true or false",
    "keys": "a table of keys, as [keys]",
}
"""By name, what a value must be."""


class _Check:
    """Finds every mistake of a file that is TOML, each with its line."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def problems(self, table: dict[str, Any]) -> Iterator[tuple[int, str]]:
        """Each mistake: its line, counted from 1, and what is wrong."""
        types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
        for name, value in table.items():
            line = self._line(name)
            if name not in types:
                yield line, f"{name!r} is not known{_meant(name, types)}"
                continue
            if name == "keys" and isinstance(value, dict):
                yield from self._keys(value)
                continue
            try:
                msgspec.convert(value, types[name])
            except msgspec.ValidationError:
                yield line, f"{name} is {_short(value)}; it must be {_ALLOWED[name]}"
                continue
            if name == "zone" and not _is_zone(value):
                yield line, f"zone is {_short(value)}, which is no time zone as 'Europe/Berlin' is"
            if name in ("backend", "journal") and not _URL.match(value):
                yield line, f"{name} is {_short(value)}; it must be a URL, as 'sqlite:////srv/FILE'"

    def _keys(self, table: dict[str, Any]) -> Iterator[tuple[int, str]]:
        good: dict[str, str] = {}
        for does, key in table.items():
            line = self._line(does, "keys")
            if does not in KEYS:
                yield line, f"keys.{does} is not known{_meant(does, KEYS)}; {_listed(KEYS)} are"
            elif key not in FREE_KEYS:
                yield line, f"keys.{does} is {_short(key)}; it must be one of {_listed(FREE_KEYS)}"
            else:
                good[does] = key
        holds = {**KEYS, **good}
        for does, key in good.items():
            other = next((o for o, k in holds.items() if k == key and o != does), None)
            if other is not None:
                yield (
                    self._line(does, "keys"),
                    f"keys.{does} is {key}, which does {other} already; give {other} another key",
                )

    def _line(self, name: str, table: str = "") -> int:
        """Where a name is given; else where its table begins; 0 where neither can be seen."""
        key = rf"""["']?{re.escape(name)}["']?"""
        given = re.compile(rf"\s*{key}\s*[.=]")
        dotted = re.compile(rf"\s*{re.escape(table)}\s*(?:\.\s*{key}\s*=|=.*[{{,\s]{key}\s*=)")
        within, begins, quoted = "", 0, False
        for number, line in enumerate(self._lines, 1):
            inside = quoted
            quoted ^= bool((line.count('"""') + line.count("'''")) % 2)
            if inside:
                continue
            if head := _HEAD.match(line):
                within = head[1]
                begins = begins or number * (within == (table or name))
                continue
            wanted = given if within == table else None if within else dotted
            if wanted is not None and wanted.match(line):
                return number
        return begins


_HEAD = re.compile(r"""\s*\[+\s*["']?([A-Za-z0-9_-]+)""")


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def _meant(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _short(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
