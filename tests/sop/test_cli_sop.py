"""``returnflow sop`` as people and scripts use it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from returnflow.backends.sql import SqlShop
from returnflow.bundled import bundled
from returnflow.cli import run
from returnflow.engine import definition
from returnflow.sop.checking import Problem, shown
from returnflow.sop.coverage import goals

SHIPPED = bundled("states") / "handling_returns.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")
ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "bad_yaml"
LOGS = ROOT / "fixtures" / "transcripts"

BEFORE = "      - {event: satisfied, when: [notices_given], to: closed}\n"
REFUSED = "      - {event: satisfied, refuse: notices_owed}\n"
CLOSES_EARLY = TEXT.replace(BEFORE + REFUSED, "      - {event: satisfied, to: closed}\n")
"""The shipped procedure, but for the notices: they are not needed before the call is closed."""


@dataclass
class Done:
    """What a command came to."""

    status: int
    out: str
    err: str


Sop = Callable[..., Done]


@pytest.fixture
def sop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Sop:
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))

    def command(*arguments: str | Path) -> Done:
        status = run(["sop", *map(str, arguments)])
        out, err = capsys.readouterr()
        return Done(status, out, err)

    return command


def written(tmp_path: Path, text: str, name: str = "sop.yaml") -> Path:
    """A file that holds a text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# -- check ------------------------------------------------------------------------------------


def test_the_shipped_procedure_loads_and_all_is_proved(sop: Sop) -> None:
    """Without a path it is the one that comes with the program."""
    done = sop("check", "--rules")
    assert done.status == 0
    assert f"{SHIPPED}: handling-returns, version 1, loads; " in done.out
    count = len(definition.load(SHIPPED).rules)
    assert f"{count} of {count} rules proved." in done.out
    assert "proved       package_looked_up: No return is initiated of an item" in done.out


def test_each_problem_is_told_with_its_line_and_a_mark(sop: Sop, tmp_path: Path) -> None:
    """All of them, in file order, with what is meant; the mark stands under the place."""
    text = (BAD / "good.yaml").read_text(encoding="utf-8")
    text = text.replace("to: finding}", "to: findign}").replace("[something_opened]", "[opened]")
    path = written(tmp_path, text)
    done = sop("check", path)
    assert done.status == 1
    places = [line for line in done.out.split("\n") if line.startswith(f"{path}:")]
    assert len(places) == 3
    assert "there is no state 'findign'; did you mean 'finding'?" in places[0]
    lines = done.out.split("\n")
    at = lines.index(places[0])
    source, mark = lines[at + 1], lines[at + 2]
    assert source[mark.index("^") :].startswith("to: findign")
    assert places[2] == f"{path}: 2 problems."


@pytest.mark.parametrize("width", [20, 40, 71, 200])
def test_a_long_line_is_cut_so_that_its_place_stays_in_sight(width: int) -> None:
    """However narrow the terminal, the mark stands under what is meant, on the same line."""
    source = (
        "    absence: {event: [one, two, three, four, five, six], to: somewhere, when: [misspelt]}"
    )
    at = source.index("misspelt")
    _, text, mark = shown(Problem("f.yaml", 7, at + 1, "no such", source), width).split("\n")
    assert text[mark.index("^") :].startswith("misspelt"[: max(1, len(text) - mark.index("^"))])
    assert len(text) <= width + len("  7 | …")


def test_a_folder_is_checked_whole(sop: Sop, tmp_path: Path) -> None:
    """Every YAML file in it, and the status says that one is wrong."""
    written(tmp_path, TEXT, "one.yaml")
    written(tmp_path, "sop: [", "two.yml")
    written(tmp_path, "nothing", "three.txt")
    done = sop("check", "--no-proofs", tmp_path)
    assert done.status == 1
    assert "one.yaml: handling-returns, version 1, loads; no rule was proved." in done.out
    assert "two.yml: 1 problem." in done.out
    assert "three" not in done.out


def test_what_is_not_there_cannot_be_checked(sop: Sop, tmp_path: Path) -> None:
    """Status 2, and words that name it."""
    (tmp_path / "empty").mkdir()
    for path, words in (
        (tmp_path / "no.yaml", "there is no file"),
        (tmp_path / "empty", "no .yaml"),
    ):
        done = sop("check", path)
        assert done.status == 2
        assert words in done.err


def test_a_rule_that_does_not_hold_is_told_with_a_call(sop: Sop, tmp_path: Path) -> None:
    """Which rule, where, what it says, and the call in words."""
    path = written(tmp_path, CLOSES_EARLY)
    done = sop("check", path)
    assert done.status == 1
    line = CLOSES_EARLY[: CLOSES_EARLY.index("  tracking_id_told:")].count("\n") + 1
    assert f"{path}:{line}:3: the rule tracking_id_told is refuted" in done.out
    assert "This call breaks it, about return RT-0001." in done.out
    assert "     1  The customer gave the address ann@example.com.\n" in done.out
    assert "    11  The customer is satisfied.\n" in done.out
    assert done.out.endswith(" 3 refuted.\n")


def test_json_and_workflow_commands_say_the_same(sop: Sop, tmp_path: Path) -> None:
    """For machines: the places, the messages, the answers and the call."""
    path = written(tmp_path, CLOSES_EARLY)
    done = sop("check", "--json", path, BAD / "name_guard.yaml")
    assert done.status == 1
    first, second = json.loads(done.out)
    refuted = [each for each in first["rules"] if each["answer"] == "refuted"]
    assert len(refuted) == 3
    assert refuted[0]["call"][-1]["event"] == "satisfied"
    assert not first["sound"]
    (problem,) = second["problems"]
    assert problem["message"].startswith("there is no guard 'something_opend'")
    assert problem["source"].strip().startswith("- {event: satisfied")
    github = sop("check", "--github", path, BAD / "name_guard.yaml")
    assert github.status == 1
    place = f"line={problem['line']},col={problem['column']}"
    assert f"::error file={BAD / 'name_guard.yaml'},{place}::there is no guard" in github.out
    assert github.out.count("::error") == 4
    both = sop("check", "--json", "--github")
    assert both.status == 2


# -- show -------------------------------------------------------------------------------------


def test_the_table_holds_every_row(sop: Sop) -> None:
    """By step and state, in the order in which the rows are tried."""
    table = sop("show").out
    loaded = definition.load(SHIPPED)
    rows = [line for line in table.split("\n") if line.startswith("| ") and "---" not in line]
    heads = sum(state.kind != "end" for state in loaded.states.values())
    assert len(rows) - heads == len(list(loaded.all_rows()))
    assert all(f"### {state.name}: {state.title}" in table for state in loaded.states.values())


def test_the_drawings_hold_every_state_and_way(sop: Sop, tmp_path: Path) -> None:
    """In each language the states are grouped by step, and each way is a line."""
    loaded = definition.load(SHIPPED)
    mermaid = sop("show", "--format", "mermaid").out
    dot = sop("show", "--format", "dot").out
    for state in loaded.states.values():
        assert f'"{state.title}"' in mermaid
        assert f'label="{state.title}"' in dot
    ways = {
        ("anywhere" if row.anywhere else row.state, row.to)
        for row in loaded.all_rows()
        if row.to and not (row.anywhere and row.to == row.state)
    }
    assert mermaid.count("-->") == len(ways) + 1
    assert dot.count("->") == len(ways) + 1
    assert mermaid.count("subgraph") == dot.count("subgraph") == len(loaded.steps)
    output = tmp_path / "sop.svg"
    assert sop("show", "-o", output).status == 0
    drawn = ET.parse(output).getroot()  # noqa: S314 (made a line ago)
    texts = {each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {state.title for state in loaded.states.values()} <= texts


def test_the_way_of_a_call_and_the_traffic_of_many_are_drawn(sop: Sop) -> None:
    """The ways that calls took are marked, with how often."""
    one = sop("show", "--format", "dot", "--log", LOGS / "native", "--case", "lamp-returned").out
    assert 'started" -> "finding_customer" [label="email given (1x)"' in one
    many = sop("show", "--format", "mermaid", "--log", LOGS / "chat").out
    assert "linkStyle" in many
    assert "(1x)" in many
    unknown = sop("show", "--format", "dot", "--log", LOGS / "native", "--case", "nobody")
    assert unknown.status == 2
    assert "the call nobody" in unknown.err


def test_a_call_of_the_journal_is_drawn(sop: Sop, tmp_path: Path) -> None:
    """By its id, under the text with which it was begun."""
    journal = f"sqlite:///{tmp_path / 'calls.db'}"
    import io

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO("nobody@example.com\n/leave\n"))
        assert run(["wizard", "--journal", journal]) == 3
    sop("schema")  # takes what was printed away
    from returnflow.engine.journal_sql import open_journal

    with open_journal(journal) as opened:
        (case,) = opened.cases()
    done = sop("show", "--format", "dot", "--case", case.header.case_id, "--journal", journal)
    assert done.status == 0
    assert 'label="customer missing\\ncustomer ambiguous\\nbackend failed (1x)"' in done.out


def test_a_file_that_asks_for_another_form_is_not_written(sop: Sop, tmp_path: Path) -> None:
    """The forms that there are, are named; with --format the name does not matter."""
    output = tmp_path / "sop.png"
    done = sop("show", "-o", output)
    assert done.status == 2
    assert "nothing is drawn as .png" in done.err
    assert ".svg (svg)" in done.err
    assert not output.exists()
    assert sop("show", "--format", "dot", "-o", output).status == 0
    assert output.read_text(encoding="utf-8").startswith("digraph")


def test_a_table_draws_no_calls(sop: Sop) -> None:
    """It says what to give instead."""
    done = sop("show", "--log", LOGS / "native")
    assert done.status == 2
    assert "--format" in done.err


# -- walk and cover ---------------------------------------------------------------------------


def test_a_walk_covers_everything_and_is_judged_as_legal(sop: Sop, tmp_path: Path) -> None:
    """Every state, row and answer of a guard; its calls are what replay reads, its shop what the
    wizard opens; and `cover` comes to the same."""
    folder = tmp_path / "walk"
    done = sop("walk", "-o", folder)
    every = goals(definition.load(SHIPPED))
    assert done.status == 0
    assert f"cover {len(every)} of {len(every)} places" in done.out
    plan = json.loads((folder / "walk.json").read_text(encoding="utf-8"))
    lengths = [len(call["events"]) for call in plan]
    assert lengths == sorted(lengths)
    covered = sop("cover", "--json", folder)
    assert json.loads(covered.out)["uncovered"] == []
    from returnflow.backends import sql

    with sql.connect(f"sqlite:///{folder / 'shop.sqlite3'}") as shop:
        assert isinstance(shop, SqlShop)
        assert shop.get_customer_by_email("ann@example.com").customer_id == "ANN"
    again = sop("walk", "-o", folder)
    assert again.status == 2
    assert "not empty" in again.err


def test_cover_names_what_a_month_of_calls_never_did(sop: Sop) -> None:
    """With file and line; and --fail-under turns it into a status."""
    done = sop("cover", LOGS / "native", "--fail-under", "90")
    assert done.status == 1
    loaded = definition.load(SHIPPED)
    (row,) = (row for row in loaded.rows["finding_customer", "customer_ambiguous"])
    assert f"{SHIPPED}:{row.place.line}: row {row}" in done.out
    (row,) = (row for row in loaded.rows["finding_customer", "customer_found"])
    assert f"row {row}" not in done.out
    assert sop("cover", LOGS / "native", "--fail-under", "5").status == 0


# -- diff -------------------------------------------------------------------------------------


def test_two_texts_that_mean_the_same(sop: Sop, tmp_path: Path) -> None:
    """Comments and places are no difference."""
    path = written(tmp_path, "# Another comment.\n" + TEXT)
    done = sop("diff", SHIPPED, path)
    assert done.status == 0
    assert done.out.endswith("mean the same.\n")


def test_what_a_change_changes_is_told_with_a_call(sop: Sop, tmp_path: Path) -> None:
    """The row that differs, and a shortest call on which it shows."""
    path = written(tmp_path, CLOSES_EARLY)
    done = sop("diff", SHIPPED, path)
    assert done.status == 1
    assert "    - [notices_given] → closed; [otherwise] → refused" in done.out
    assert "    + [otherwise] → closed\n" in done.out
    assert "A shortest call that goes two ways:" in done.out
    assert f"{SHIPPED}: refused" in done.out
    assert f"{path}: → closed, Closed with a return" in done.out
    data = json.loads(sop("diff", "--json", SHIPPED, path).out)
    assert [each["name"] for each in data["changes"]] == ["return_initiated/satisfied"]
    assert [way["accepted"] for way in data["call"]["ways"]] == [False, True]


def test_other_words_are_heard_by_a_call(sop: Sop, tmp_path: Path) -> None:
    """Where only what is said differs, the call that hears it is told."""
    path = written(tmp_path, TEXT.replace("say: Thank you. I am opening the order.", "say: Aha."))
    done = sop("diff", SHIPPED, path)
    assert done.status == 1
    assert "say in fetching_order" in done.out
    assert "A shortest call that hears other words:" in done.out
    assert "The customer named order" in done.out
    assert "      say:\n        - Thank you. I am opening the order.\n        + Aha.\n" in done.out
    data = json.loads(sop("diff", "--json", SHIPPED, path).out)
    assert data["call"] is None
    heard = [(each["what"], each["after"]) for each in data["words"]["heard"]]
    assert heard == [("say", "Aha.")]


def test_words_are_told_where_they_are_said(sop: Sop, tmp_path: Path) -> None:
    """Old and new, the row that tells them or the states that owe them; and the call that hears
    them is one in which they are said, with the facts filled in."""
    text = TEXT.replace("  several_accounts: >\n", "  several_accounts: >\n    Hm.\n")
    done = sop("diff", SHIPPED, written(tmp_path, text))
    line = TEXT[: TEXT.index("  several_accounts:")].count("\n") + 1
    said = f"several_accounts (line {line}), said in finding_customer after customer_ambiguous"
    assert said in done.out
    assert "   2  2 accounts have that address.\n      told:\n        - There are 2 acc" in done.out
    assert "        + Hm. There are 2 accounts with the address twins@example.com" in done.out
    assert "two ways" not in done.out
    text = TEXT.replace("has to be approved first", "must be approved first")
    assert text != TEXT
    done = sop("diff", SHIPPED, written(tmp_path, text))
    assert "notice approval_before_pickup" in done.out
    assert "The shop opened return RT-0001.\n      notice approval_before_pickup:" in done.out


def test_words_at_the_beginning_and_texts_that_only_replay_reads(sop: Sop, tmp_path: Path) -> None:
    """What is said before anything happens needs no call; what no call hears is told as such."""
    text = TEXT.replace("label: The customer's registered e-mail address", "label: The address")
    done = sop("diff", SHIPPED, written(tmp_path, text))
    assert "      As soon as the call begins.\n      label of email_given:" in done.out
    text = TEXT.replace("pass_mark: 80", "pass_mark: 70")
    assert text != TEXT
    done = sop("diff", SHIPPED, written(tmp_path, text))
    assert done.status == 1
    assert "How replay weighs what it finds:\n  pass_mark" in done.out
    assert done.out.endswith("Calls go the same way and hear the same words.\n")
