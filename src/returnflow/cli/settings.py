"""``returnflow settings``: where the settings are, and what holds."""

from __future__ import annotations

import os

import click

from returnflow.inert import inert

DEFAULTS = {
    "backend": "demo:",
    "journal": "in your data folder",
    "agent": "your user name",
    "zone": "the shop's",
    "patience": "20.0",
    "timeout": "as in wizard --help",
    "plain": "no",
}


@click.command("settings")
def command() -> None:
    """Show where the settings file is, and what holds and why.

    The file is TOML, for example: agent = "kim". An option comes before the environment, the
    environment before the file, the file before the default.
    """
    from returnflow import settings
    from returnflow.urls import without_password

    path = settings.settings_file()
    there = "" if path.exists() else " (not there; everything below is as it comes)"
    click.echo(f"Settings: {path}{there}")
    found = settings.load()
    rows = []
    for name, default in DEFAULTS.items():
        variable = f"RETURNFLOW_{name.upper()}"
        value, source = getattr(found, name), "the file"
        if name in ("backend", "journal", "agent", "timeout", "plain") and variable in os.environ:
            value, source = os.environ[variable], variable
        elif value is None:
            value, source = default, "default"
        shown = without_password(str(value)) if name in ("backend", "journal") else _plain(value)
        rows.append((name, shown, source))
    plain = settings.Settings()
    for name in ("theme", "mouse", "veil"):
        value = getattr(found, name)
        source = "default" if value == getattr(plain, name) else "the file"
        rows.append((name, _plain(value), source))
    for does, key in found.all_keys().items():
        rows.append((f"keys.{does}", key, "the file" if does in found.keys else "default"))
    width = max(len(name) for name, _, _ in rows)
    for name, shown, source in rows:
        click.echo(f"  {name.ljust(width)}  {inert(shown)}  ({source})")


def _plain(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
