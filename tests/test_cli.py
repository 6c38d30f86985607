"""The command line as people and scripts use it: what it prints, and the status it exits with."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import runpy
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest

from returnflow import __version__
from returnflow.backends import demo
from returnflow.backends.sql import SqlShop
from returnflow.bundled import bundled
from returnflow.cli import opening, run
from returnflow.cli.status import EPILOG
from returnflow.records import Customer

ROOT = Path(__file__).parent.parent
MAKE: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "make.py"))
COMMANDS: list[tuple[str, click.Command]] = list(MAKE["commands"]())

ONE_ITEM = demo.scenarios()[0].script.email
"""The customer of the demo shop with one eligible item."""


@dataclass
class Done:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def case_id(self) -> str:
        """The id of the case that was begun."""
        return self.out.split("case ", 1)[1].split()[0]


class Cli:
    """Runs commands in this process, through the function that the program's door calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str | Path, typed: tuple[str, ...] = ()) -> Done:
        """Runs `returnflow ARGUMENTS` with these lines on its input."""
        lines = "".join(f"{line}\n" for line in typed)
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        status = run([str(argument) for argument in arguments])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in out + err
        return Done(status, out, err)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own; nothing in the environment changes a default."""
    for name in [name for name in os.environ if name.startswith("RETURNFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RETURNFLOW_AGENT", "kim")
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


def refused(done: Done, status: int, *words: str) -> None:
    """The command failed with one clear line, and said all these words."""
    assert done.status == status, (done.out, done.err)
    message = done.err.strip().split("\n")[-1]
    assert message
    for word in words:
        assert word in done.err


# -- help and its page ------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS])
def test_every_command_explains_itself(cli: Cli, path: str) -> None:
    """With every option of it, and the exit statuses where a call is led."""
    command = dict(COMMANDS)[path]
    done = cli(*path.split()[1:], "--help")
    assert done.status == 0
    shown = " ".join(done.out.split())
    for param in command.params:
        if isinstance(param, click.Option):
            assert all(name in shown for name in param.opts)
            assert param.help, param.opts
        else:
            assert param.human_readable_name.upper() in shown
    assert command.help
    leads = path in ("returnflow wizard", "returnflow calls resume")
    assert (EPILOG in shown) is leads


def test_the_page_of_the_command_line_is_fresh() -> None:
    """docs/cli.md is what ``python docs/make.py`` writes now."""
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == MAKE["cli_page"]()


def test_the_page_has_every_command_and_option() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for path, command in COMMANDS:
        section = page.split(f"## {path}\n", 1)[1].split("\n## ", 1)[0]
        for param in command.params:
            names = param.opts if isinstance(param, click.Option) else [param.human_readable_name]
            assert all(name in section for name in names), (path, names)


def test_every_command_that_the_readme_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = [
        line.split("|")[1].strip(" `") for line in readme.split("\n") if "| `returnflow" in line
    ]
    known = {path for path, _ in COMMANDS}
    assert len(table) >= 7
    for words in table:
        plain = " ".join(word for word in words.split() if word.islower())
        assert plain in known, words
    named = {" ".join(word for word in words.split() if word.islower()) for words in table}
    leaves = {path for path, command in COMMANDS if not isinstance(command, click.Group)}
    assert leaves <= named


def test_the_version(cli: Cli) -> None:
    assert cli("--version").out == f"returnflow {__version__}\n"


# -- what cannot be started -------------------------------------------------------------------


def test_an_unknown_command(cli: Cli) -> None:
    refused(cli("wizzard"), 2, "There is no command 'wizzard'. Did you mean 'wizard'?")
    refused(cli("calls", "lst"), 2, "lst")
    refused(cli("wizard", "--jurnal", "x"), 2, "--jurnal")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backend", "mongodb://x"], ["mongodb:", "installed: demo:"]),
        (["--backend", "nonsense"], ["nonsense"]),
        (["--backend", "sqlite:///{tmp}/none.db"], ["none.db"]),
        (["--backend", "sqlite:///{tmp}/text"], ["text"]),
        (["--backend", "demo:x"], ["demo:"]),
        (["--journal", "sqlite:///{tmp}"], ["{tmp}"]),
        (["--journal", "sqlite:///{tmp}/text"], ["text"]),
        (["--journal", "sqlite:///{tmp}/missing/j.db"], ["missing"]),
        (["--journal", "{tmp}/j.db"], ["sqlite:///"]),
        (["--journal", "postgresql://h/j"], ["postgresql"]),
        (["--zone", "Mars/Olympus"], ["Mars/Olympus", "Europe/Berlin"]),
        (["--zone", "../../etc/passwd"], ["IANA"]),
        (["--sop", "{tmp}/none.yaml"], ["none.yaml"]),
        (["--sop", "{tmp}/text"], ["text"]),
        (["--sop", "{tmp}"], ["{tmp}"]),
        (["--patience", "0"], ["--patience"]),
        (["--patience", "soon"], ["soon"]),
    ],
)
def test_what_cannot_be_used_is_told_in_a_line(
    cli: Cli, tmp_path: Path, options: list[str], words: list[str]
) -> None:
    """Status 2, nothing was begun, and the thing that is wrong has its name in the message."""
    (tmp_path / "text").write_text("this is no database, and no procedure: [\n")
    done = cli("wizard", *(option.format(tmp=tmp_path) for option in options))
    refused(done, 2, *(word.format(tmp=tmp_path) for word in words))
    assert cli("calls", "list").err == "No calls.\n"


def test_a_data_folder_that_is_none(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "file"))
    refused(cli("wizard"), 2, "RETURNFLOW_HOME", str(tmp_path / "file"))


def test_a_database_that_is_no_journal_is_left_as_it_is(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.commit()
    before = path.read_bytes()
    refused(cli("calls", "list", "--journal", f"sqlite:///{path}"), 2, "no journal", "recipes")
    assert path.read_bytes() == before


# -- calls ------------------------------------------------------------------------------------


def whole_call(cli: Cli, *options: str) -> Done:
    """A return from the address to the end."""
    script = ("/unknown", "1", "1 x 1", "damaged", "yes", "", "", "", "/done")
    return cli("wizard", *options, typed=(ONE_ITEM, *script))


def test_a_call_from_a_pipe_ends_with_status_0(cli: Cli, home: Path) -> None:
    done = whole_call(cli)
    assert done.status == 0, done.out
    assert "has the tracking id" in " ".join(done.out.split())
    with closing(sqlite3.connect(home / "demo-shop.sqlite3")) as shop:
        tables = [name for (name,) in shop.execute("SELECT name FROM sqlite_master")]
    assert any("return" in name for name in tables)


def test_a_call_that_is_left_has_status_3_and_is_resumed(cli: Cli) -> None:
    left = cli("wizard", typed=(ONE_ITEM,))
    assert left.status == 3
    assert f"returnflow calls resume {left.case_id}" in " ".join(left.out.split())
    again = cli("calls", "resume", left.case_id.lower(), typed=("/close",))
    assert again.status == 0
    assert "Closed without a return" in again.out


def test_nothing_answered_leaves_nothing_behind(cli: Cli) -> None:
    done = cli("wizard")
    assert done.status == 3
    assert "nothing is kept" in done.out
    assert cli("calls", "list").err == "No calls.\n"


def test_calls_are_listed_and_filtered(cli: Cli) -> None:
    """By state, agent, day, and whether they can be resumed."""
    ended = whole_call(cli, "--agent", "ann").case_id
    left = cli("wizard", "--agent", "bea", typed=(ONE_ITEM, "/unknown")).case_id

    def listed(*options: str) -> list[str]:
        lines = cli("calls", "list", *options).out.split("\n")[1:-1]
        return [line.split()[0] for line in lines]

    assert listed() == [ended, left]
    assert listed("--open") == [left]
    assert listed("--ended") == [ended]
    assert listed("--state", "closed") == [ended]
    assert listed("--state", "orders_listed") == [left]
    assert listed("--agent", "bea") == [left]
    assert listed("--agent", "nobody") == []
    assert listed("--since", "2020-01-01", "--until", "2999-01-01") == [ended, left]
    assert listed("--until", "2020-01-01") == []
    assert listed("--since", "2999-01-01") == []
    refused(cli("calls", "list", "--since", "yesterday"), 2, "--since", "as 2026-03-01")
    refused(cli("calls", "list", "--until", "2026-02-30"), 2, "'2026-02-30' is not a day")
    refused(cli("calls", "list", "--until", "2026-W09-7"), 2, "write year, month and day")
    refused(cli("calls", "list", "--until", "9999-12-31"), 2, "1971 to 2999")
    assert cli("calls", "list", "--state", "transferred").err == "No calls.\n"
    refused(cli("calls", "list", "--state", "orders_lsited"), 2, "did you mean 'orders_listed'?")
    refused(cli("calls", "list", "--open", "--ended"), 2, "--open or --ended, not both")
    backwards = ("--since", "2026-03-02", "--until", "2026-03-01")
    refused(cli("calls", "list", *backwards), 2, "2026-03-02 is after --until 2026-03-01")
    heads, first, second = cli("calls", "list").out.strip().split("\n")
    assert heads.split() == ["CASE", "BEGUN", "AGENT", "STATE", "E-MAIL"]
    assert "closed" in first
    assert "orders_listed (open)" in second


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of this machine stands in New York."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_a_day_of_the_list_is_whole_and_a_day_of_this_clock(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first second to its last, whatever day it is elsewhere."""
    begun = {}
    for moment in ("02-28 23:59:59", "03-01 00:00:00", "03-31 23:59:59", "04-01 00:00:00"):
        local = datetime.fromisoformat(f"2026-{moment}").astimezone()
        monkeypatch.setattr(opening, "now", lambda local=local: local)
        begun[moment] = cli("wizard", typed=(ONE_ITEM,)).case_id

    def listed(*options: str) -> list[str]:
        lines = cli("calls", "list", *options).out.split("\n")[1:-1]
        return [moment for line in lines for moment, case in begun.items() if case in line]

    _, first, last, _ = begun
    assert listed("--since", "2026-03-01", "--until", "2026-03-31") == [first, last]
    assert listed("--since", "2026-03-01", "--until", "2026-03-01") == [first]
    assert listed("--since", "2026-03-31", "--until", "2026-03-31") == [last]


def test_filters_that_contradict_each_other_make_nothing(cli: Cli, home: Path) -> None:
    for command in ("list", "export"):
        refused(cli("calls", command, "--open", "--ended"), 2, "not both")
    assert not home.exists()


def test_a_story_tells_moments_to_the_minute(cli: Cli) -> None:
    """As people read them, in the zone in which the shop wrote them."""
    story = cli("calls", "show", whole_call(cli).case_id).out
    (order,) = [line for line in story.split("\n") if " Order ORD-7301 of " in line]
    assert re.search(r" of \d{4}-\d\d-\d\d \d\d:\d\d\+0[12]:00: 1 × Electric kettle", order)
    assert not re.search(r"\d\d-\d\dT\d\d:", story)


def test_addresses_are_masked_unless_asked_for(cli: Cli) -> None:
    """Rule 38: in the list, the story and the export; equal ones stay equal."""
    case_id = whole_call(cli).case_id
    for command in (["calls", "list"], ["calls", "show", case_id], ["calls", "export", case_id]):
        masked, plain = cli(*command).out, cli(*command, "--unmask").out
        assert ONE_ITEM not in masked
        assert "@masked.invalid" in masked
        assert ONE_ITEM in plain
        assert "@masked.invalid" not in plain
    assert cli("calls", "list").out == cli("calls", "list").out


def test_a_call_is_exported_as_json_lines(cli: Cli, tmp_path: Path) -> None:
    one = whole_call(cli).case_id
    two = cli("wizard", typed=(ONE_ITEM,)).case_id
    single = cli("calls", "export", one).out
    assert single.count("\n") == 1
    assert json.loads(single)["events"][0]["event"] == "email_given"
    everything = tmp_path / "all.jsonl"
    assert cli("calls", "export", "--all", "-o", everything).status == 0
    lines = everything.read_text(encoding="utf-8").split("\n")
    assert lines[0] + "\n" == single
    assert two in lines[1]
    assert len(lines) == 3
    refused(cli("calls", "export", "--all", "-o", everything), 2, "exists already")
    refused(cli("calls", "export", one, "-o", tmp_path / "none" / "x"), 2, "none")
    refused(cli("calls", "export", "nothing", "-o", tmp_path / "new"), 1, "nothing")
    assert cli("calls", "export", one, "-o", tmp_path / "new").status == 0
    if os.name == "posix":
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    refused(cli("calls", "export"), 2, "--all")
    refused(cli("calls", "export", one, "--all"), 2, f"Give {one} or", "--all, not both")


def test_the_calls_to_export_are_chosen_as_they_are_listed(cli: Cli, tmp_path: Path) -> None:
    """For replay: the calls of a month that are at an end, without naming each."""
    ended = whole_call(cli, "--agent", "ann").case_id
    left = cli("wizard", "--agent", "bea", typed=(ONE_ITEM, "/unknown")).case_id

    def exported(*options: str) -> list[str]:
        lines = cli("calls", "export", *options).out.split("\n")[:-1]
        return [json.loads(line)["case"]["case_id"] for line in lines]

    assert exported("--all") == [ended, left]
    assert exported("--ended") == exported("--all", "--ended") == [ended]
    assert exported("--open") == [left]
    assert exported("--agent", "bea") == [left]
    assert exported("--state", "closed") == [ended]
    assert exported("--since", "2020-01-01", "--until", "2999-01-01") == [ended, left]
    none = cli("calls", "export", "--since", "2999-01-01", "-o", tmp_path / "none.jsonl")
    assert (none.status, none.err) == (0, "No calls.\n")
    assert (tmp_path / "none.jsonl").read_bytes() == b""
    mistyped = cli("calls", "export", "--state", "clsoed", "-o", tmp_path / "new.jsonl")
    refused(mistyped, 2, "did you mean 'closed'?")
    assert not (tmp_path / "new.jsonl").exists()
    assert exported("--until", "2999-01-01") == [ended, left]
    for filters in (["--ended"], ["--agent", ""], ["--state", "closed"], ["--until", "2999-01-01"]):
        refused(cli("calls", "export", ended, *filters), 2, f"Give {ended} or", "not both")
    refused(cli("calls", "export", "--open", "--ended"), 2, "--open or --ended, not both")


# -- resuming ---------------------------------------------------------------------------------


def test_a_call_that_is_not_there(cli: Cli) -> None:
    refused(cli("calls", "resume", "20260101-AAAA-AAAA"), 2, "20260101-AAAA-AAAA", "calls list")
    refused(cli("calls", "show", "20260101-AAAA-AAAA"), 1, "20260101-AAAA-AAAA")
    refused(cli("calls", "export", "20260101-AAAA-AAAA"), 1, "20260101-AAAA-AAAA")


def test_a_call_that_has_ended_is_not_resumed(cli: Cli) -> None:
    case_id = whole_call(cli).case_id
    done = cli("calls", "resume", case_id, typed=("/another",))
    assert done.status == 0
    assert "The call has ended: Closed with a return." in done.out
    assert "Resumed" not in cli("calls", "show", case_id).out


def other_text(home: Path) -> Path:
    """A procedure with a text of its own."""
    path = home / "other.yaml"
    text = (bundled("states") / "handling_returns.yaml").read_text(encoding="utf-8")
    path.write_text(f"{text}# another\n", encoding="utf-8")
    return path


def test_a_call_goes_on_in_the_shop_with_which_it_was_begun(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 28: a key protects a pending write in its own shop; the environment moves no call."""
    left = cli("wizard", typed=(ONE_ITEM,))
    other = home / "other.sqlite3"
    other.write_bytes((home / "demo-shop.sqlite3").read_bytes())
    monkeypatch.setenv("RETURNFLOW_BACKEND", f"sqlite:///{other}")
    assert "returnflow · demo: ·" in cli("calls", "resume", left.case_id).out
    said = cli("calls", "resume", left.case_id, "--backend", f"sqlite:///{other}").out
    assert str(other) in said
    assert str(other) in cli("wizard", typed=(ONE_ITEM,)).out


def damage(home: Path, change: str) -> None:
    """Changes the journal in spite of its triggers."""
    with closing(sqlite3.connect(home / "journal.sqlite3")) as journal:
        triggers = journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            journal.execute(f"DROP TRIGGER {name}")
        journal.execute(change)
        journal.commit()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE entries SET payload = '{oops' WHERE seq = 2", "row 2"),
        ("UPDATE entries SET state = 'closed' WHERE seq = 2", "its last row says closed"),
        ("DELETE FROM entries WHERE seq = 1", "row 1 is missing"),
        ("UPDATE sop_texts SET text = text || '#'", "was changed"),
    ],
)
def test_a_damaged_call_is_named_and_left_alone(
    cli: Cli, home: Path, change: str, words: str
) -> None:
    """Rule 40: with its place; nothing is guessed, and it could not start. The rest goes on."""
    case_id = cli("wizard", typed=(ONE_ITEM,)).case_id
    damage(home, change)
    refused(cli("calls", "resume", case_id, typed=("/close",)), 2, case_id, words)
    whole = cli("wizard", "--sop", other_text(home), typed=(ONE_ITEM,)).case_id
    exported = cli("calls", "export", "--all")
    assert whole in exported.out
    if "last row" not in words:  # only the procedure can tell that
        assert (exported.status, case_id in exported.out) == (1, False)
        assert case_id in exported.err


def test_a_call_goes_on_under_the_text_with_which_it_was_begun(cli: Cli, tmp_path: Path) -> None:
    """The words of the edited procedure come back, although its file is gone."""
    text = (bundled("states") / "handling_returns.yaml").read_text(encoding="utf-8")
    assert "Do you have" in text
    edited = tmp_path / "edited.yaml"
    edited.write_text(text.replace("Thank you{% if", "Many thanks{% if"), encoding="utf-8")
    left = cli("wizard", "--sop", edited, typed=(ONE_ITEM,))
    assert "Many thanks," in left.out
    edited.unlink()
    again = cli("calls", "resume", left.case_id, typed=("/close",))
    assert again.status == 0
    assert "Many thanks," in again.out
    assert "Thank you, " not in again.out
    assert "Thank you, " in cli("wizard", typed=(ONE_ITEM,)).out


def test_a_procedure_with_faults_is_refused_with_all_of_them(cli: Cli, tmp_path: Path) -> None:
    """Rule 40: file, line and column, and each problem."""
    text = (bundled("states") / "handling_returns.yaml").read_text(encoding="utf-8")
    edited = tmp_path / "edited.yaml"
    broken = text.replace("{event: told,", "{evnt: told,")
    edited.write_text(broken, encoding="utf-8")
    done = cli("wizard", "--sop", edited)
    refused(done, 2, "edited.yaml:", "evnt")
    assert done.err.count("edited.yaml:") >= broken.count("evnt:") > 1


def test_what_an_agent_is_called_is_kept(cli: Cli) -> None:
    case_id = cli("wizard", "--agent", "A\x1b[31mnn", typed=(ONE_ITEM,)).case_id
    cli("calls", "resume", case_id, "--agent", "Bea", typed=("/close",))
    shown = cli("calls", "show", case_id).out
    assert "\x1b" not in shown + cli("calls", "list").out
    assert "Note: Resumed by Bea." in shown


# -- the demo shop ----------------------------------------------------------------------------


def test_the_demo_lists_whom_to_try(cli: Cli, home: Path) -> None:
    done = cli("demo")
    assert done.status == 0
    for scenario in demo.scenarios():
        assert scenario.script.email in done.out
    assert str(home / "demo-shop.sqlite3") in done.out
    assert "\x1b" not in done.out
    assert max(len(line) for line in done.out.split("\n")) < 120


def test_the_demo_is_made_new(cli: Cli) -> None:
    """What was returned can be returned once more, and the calls stay."""
    case_id = whole_call(cli).case_id
    again = whole_call(cli)
    assert again.status == 3, "the only unit is in a return already"
    assert cli("demo", "reset").status == 0
    assert whole_call(cli).status == 0
    assert case_id in cli("calls", "list").out


# -- as a program -----------------------------------------------------------------------------


def program(command: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A shell command in which ``returnflow`` is the program."""
    around = {**os.environ, "RETURNFLOW_HOME": str(home), "PY": sys.executable, **env}
    return subprocess.run(
        ["bash", "-c", command.replace("returnflow", '"$PY" -m returnflow', 1)],
        env=around,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_reader_that_stops_early_is_no_fault(home: Path) -> None:
    done = program("set -o pipefail; returnflow demo | head -n 1", home)
    assert done.stdout.startswith("The demo shop: ")
    assert done.stderr == ""


def test_a_scripted_call_as_a_program(home: Path) -> None:
    """Statuses 0 and 3 reach the shell; 40 columns and no color are kept to."""
    script = "\\n".join([ONE_ITEM, "/unknown", "1", "1 x 1", "1", "yes", "", "", "", "/done"])
    done = program(f"printf '{script}\\n' | returnflow wizard", home, COLUMNS="40", NO_COLOR="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Closed with a return" in done.stdout
    assert "\x1b" not in done.stdout
    asked = [row for row in done.stdout.split("\n") if not row.startswith("returnflow · ")]
    assert max(len(row) for row in asked if "Type an answer" not in row) <= 40
    left = program(f"printf '{ONE_ITEM}\\n' | returnflow wizard", home)
    assert left.returncode == 3
    assert program("returnflow --version", home).stdout == f"returnflow {__version__}\n"


def test_input_that_is_no_text_is_passed_over(home: Path) -> None:
    """Rule 40: the line is named, and the call goes on."""
    done = program(f"printf '\\xff\\xfe\\n{ONE_ITEM}\\n/close\\n' | returnflow wizard", home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_line_of_any_length_is_passed_over_quickly(home: Path) -> None:
    """Rule 40: input has limits; what is too long is named and the next line is read."""
    done = subprocess.run(
        [sys.executable, "-m", "returnflow", "wizard"],
        input="x" * 3_000_000 + f"\n{ONE_ITEM}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "RETURNFLOW_HOME": str(home)},
    )
    assert "more than 10000 characters was passed over" in done.stdout
    assert "Marta Lindqvist" in done.stdout
    assert len(done.stdout) < 10_000


def test_an_export_that_breaks_off_leaves_no_file(cli: Cli, home: Path, tmp_path: Path) -> None:
    """The system's own limit on the size of files stands for a disk that takes no more. What was
    found damaged until then is told all the same."""
    damaged = cli("wizard", typed=(ONE_ITEM,)).case_id
    damage(home, "UPDATE entries SET payload = '{oops' WHERE seq = 2")
    notes = (f"/note {'x' * 3900}",) * 12
    assert cli("wizard", typed=(ONE_ITEM, *notes)).status == 3
    log = tmp_path / "log.jsonl"
    # Room for what SQLite keeps beside a journal to read it, and not for the log.
    done = program(f"ulimit -f 40; returnflow calls export --all -o {log}", home)
    assert done.returncode == 1
    first, last = done.stderr.strip().split("\n")
    assert damaged in first
    assert last == "returnflow: the output cannot be written: File too large"
    assert not log.exists()
    assert program(f"returnflow calls export --all -o {log}", home).returncode == 1
    assert log.stat().st_size > 40 * 1024


def test_a_terminal_shows_how_far_an_export_is(cli: Cli, home: Path, tmp_path: Path) -> None:
    """Where it goes into a file; into a pipe it may be shown by a program on the same terminal."""
    assert cli("wizard", typed=(ONE_ITEM,)).status == 3

    def shown(command: str) -> str:
        leader, follower = pty.openpty()
        around = {**os.environ, "RETURNFLOW_HOME": str(home)}
        run_it = [sys.executable, "-m", "returnflow", *shlex.split(command)]
        subprocess.run(run_it, stdout=subprocess.PIPE, stderr=follower, env=around, check=True)
        os.write(follower, b"end")
        os.close(follower)
        text = os.read(leader, 65536).decode()
        os.close(leader)
        return text

    assert "100%" in shown(f"calls export --all -o {tmp_path / 'log.jsonl'}")
    assert shown("calls export --all") == "end"


def test_an_export_that_is_interrupted_leaves_no_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    assert cli("wizard", typed=(ONE_ITEM,)).status == 3
    monkeypatch.setattr("returnflow.cli.calls_export.export_case", interrupted)
    assert cli("calls", "export", "--all", "-o", tmp_path / "log.jsonl").status == 1
    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.parametrize("command", ["demo", "calls list --unmask", "wizard < /dev/null"])
def test_output_that_cannot_be_written_is_told_in_a_line(home: Path, command: str) -> None:
    """Rule 40: a full disk under the output is no fault of the program."""
    program(f"returnflow wizard <<< {ONE_ITEM}", home)
    done = program(f"returnflow {command} > /dev/full", home)
    assert done.returncode == 1
    assert done.stderr == "returnflow: the output cannot be written: No space left on device\n"
    assert list(home.glob("fault-*")) == []


def test_an_agents_name_has_its_room(cli: Cli) -> None:
    refused(cli("wizard", "--agent", "x" * 41), 2, "1 to 40 characters")


def test_a_password_in_a_url_is_never_shown(cli: Cli) -> None:
    """Rule 38: not in an error either."""
    for option in ("--journal", "--backend"):
        done = cli("wizard", option, "postgresql://kim:s3cret@db.example.com/calls")
        assert done.status == 2
        assert "s3cret" not in done.out + done.err


def test_a_shop_by_a_relative_path_is_found_again_from_elsewhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with demo.connect() as shop:
        Path(shop.name).rename(tmp_path / "shop.db")
    monkeypatch.chdir(tmp_path)
    begun = cli("wizard", "--backend", "sqlite:///shop.db", typed=(ONE_ITEM,))
    assert begun.status == 3, begun.err
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    resumed = cli("calls", "resume", begun.case_id, typed=("ORD-7301",))
    assert resumed.status == 3, resumed.err
    assert "KETTLE-17" in resumed.out


def test_the_way_back_names_the_journal_and_can_be_copied(cli: Cli, tmp_path: Path) -> None:
    journal = f"sqlite:///{tmp_path / 'a folder with quite a long name, and spaces'}.sqlite3"
    begun = cli("wizard", "--journal", journal, typed=(ONE_ITEM,))
    (line,) = [row.strip() for row in begun.out.splitlines() if "calls resume" in row]
    again = cli(*shlex.split(line)[1:], typed=("ORD-7301",))
    assert again.status == 3, again.err
    assert "KETTLE-17" in again.out


def test_a_fault_is_told_in_a_line_and_keeps_no_personal_data(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules 38, 40: an adapter that raises what it must not; the call up to there is kept."""

    def broken(self: SqlShop, email: str) -> Customer:
        raise RuntimeError(f"no idea about {email}")

    monkeypatch.setattr(SqlShop, "get_customer_by_email", broken)
    done = cli("wizard", typed=(ONE_ITEM,))
    assert done.status == 1
    assert done.err.startswith("returnflow: a fault in the program: RuntimeError: no idea about m-")
    (report,) = home.glob("fault-*.txt")
    assert "Traceback" in report.read_text()
    assert ONE_ITEM not in report.read_text() + done.err
    assert "finding_customer (open)" in cli("calls", "list", "--open").out
