"""The settings file: where it is, what holds, and what is wrong with it."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from returnflow import settings
from returnflow.cli import run
from returnflow.errors import UsageError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings are, in a data folder of their own."""
    for name in ("BACKEND", "JOURNAL", "AGENT", "TIMEOUT", "PLAIN"):
        monkeypatch.delenv(f"RETURNFLOW_{name}", raising=False)
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    return tmp_path / settings.FILE_NAME


def test_without_a_file_everything_is_as_it_comes(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["settings"]) == 0
    shown = capsys.readouterr().out
    assert f"Settings: {file} (not there" in shown
    assert "  backend " in shown
    assert "demo:  (default)" in shown
    assert "keys.note      f2  (default)" in shown
    assert "veil           yes  (default)" in shown


def test_what_holds_and_why(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment comes before the file, the file before the default; no password is shown."""
    file.write_text(
        'agent = "kim"\nbackend = "postgresql://kim:s3cret@db.example.com/shop"\nveil = false\n'
        'theme = "plain"\n[keys]\nnote = "f9"\nunveil = "f2"\n'
    )
    monkeypatch.setenv("RETURNFLOW_AGENT", "bea")
    assert run(["settings"]) == 0
    shown = capsys.readouterr().out
    assert "bea  (RETURNFLOW_AGENT)" in shown
    assert "postgresql://kim@db.example.com/shop  (the file)" in shown
    assert "s3cret" not in shown
    assert "veil           no  (the file)" in shown
    assert "keys.note      f9  (the file)" in shown


def test_a_call_is_led_by_them(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent of the file leads the call; an option comes before it; `calls` uses the journal."""
    journal = file.parent / "other.sqlite3"
    file.write_text(f'agent = "kim"\njournal = "sqlite:///{journal}"\nplain = true\n')
    for arguments, agent in (([], "kim"), (["--agent", "bea"], "bea")):
        monkeypatch.setattr(sys, "stdin", io.StringIO("/note x\n"))
        assert run(["wizard", *arguments]) == 3
        assert f"agent {agent} " in capsys.readouterr().out
    assert journal.exists()
    assert run(["calls", "list"]) == 0
    assert {"kim", "bea"} <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("agent = ", "are no TOML"),
        ("# mine\nagnet = 'kim'", "line 2: 'agnet' is not known; did you mean 'agent'?"),
        ("patience = 'long'", "line 1: patience is 'long'; it must be a number of seconds"),
        ("patience = 0", "patience is 0; it must be a number of seconds, from 0.1 to 3600"),
        ("agent = ''", "agent is ''; it must be a text of 1 to 40 characters"),
        ("theme = 'neon'", 'theme is \'neon\'; it must be "colour" or "plain"'),
        ("[keys]\nnote = 'c-s'", "line 2: keys.note is 'c-s'; it must be one of f2, f3"),
        ("[keys]\nnote = 'f11'", "keys.note is 'f11'; it must be one of"),
        ("[keys]\nnote = 'f4'", "keys.note is f4, which does transfer already"),
        ("[keys]\nnotes = 'f2'", "keys.notes is not known; did you mean 'note'?"),
        ("zone = 'Europe/Nowhere'", "zone is 'Europe/Nowhere', which is no time zone"),
        ("zone = '/etc/passwd'", "which is no time zone"),
        ("backend = 'foo'", "backend is 'foo'; it must be a URL"),
        ("journal = '/srv/calls'", "journal is '/srv/calls'; it must be a URL"),
        ("keys = 'f2'", "keys is 'f2'; it must be a table of keys"),
        ("agent = 'kim'\nkeys.note = 'f10'", "line 2: keys.note is 'f10'"),
        ("agent = 'kim'\nkeys = { note = 'f11' }", "line 2: keys.note is 'f11'"),
        ("patience = 5\n[keys]\npatience = 'f2'", "line 3: keys.patience is not known"),
        ('zone = """\nagent = 3\n"""\nagent = 4', "line 4: agent is 4"),
        ("[[keys]]\nnote = 'f2'", "line 1: keys is"),
        ("# " + "x" * 70_000, "longer than 64000 bytes"),
    ],
)
def test_a_mistake_is_named(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    """Each with the file and what is wrong; no call begins on half of it."""
    file.write_text(text)
    with pytest.raises(UsageError):
        settings.load()
    for command in (["settings"], ["wizard"], ["calls", "list"]):
        assert run(command) == 2
        error = capsys.readouterr().err
        assert str(file) in error
        assert told in error


def test_every_mistake_is_told_at_once(file: Path) -> None:
    file.write_text("agnet = 'kim'\npatience = 0\n\n[keys]\nnote = 'f11'\nfacts = 'f2'\n")
    with pytest.raises(UsageError) as error:
        settings.load()
    assert re.findall(r"line (\d+): (\S+)", str(error.value)) == [
        ("1", "'agnet'"),
        ("2", "patience"),
        ("5", "keys.note"),
        ("6", "keys.facts"),
    ]


def test_bytes_that_are_no_text(file: Path) -> None:
    file.write_bytes(b"agent = '\xff'")
    with pytest.raises(UsageError, match="are no TOML"):
        settings.load()


def test_no_key_belongs_to_a_terminal() -> None:
    """F1, F10 and F11 are taken by common terminals; every key does one thing."""
    assert not {"f1", "f10", "f11"} & set(settings.FREE_KEYS)
    assert sorted(settings.KEYS.values()) == sorted(set(settings.KEYS.values()))
    assert set(settings.KEYS.values()) == set(settings.FREE_KEYS)
