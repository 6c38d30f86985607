"""``returnflow replay`` as people and scripts use it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any
from xml.etree import ElementTree

import jsonschema
import pytest
import wcwidth

from replay import logs
from replay.report_samples import HOSTILE
from returnflow.bundled import bundled
from returnflow.cli import run
from returnflow.cli.status import REPLAY_EPILOG
from returnflow.engine.transcript import Transcript
from returnflow.replay.findings import Report
from returnflow.replay.judge import Judge

SCHEMA = Path(__file__).parents[2] / "docs" / "replay-report.schema.json"


@dataclass
class Done:
    """What the command came to."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What it wrote as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Replay:
    """Runs ``returnflow replay`` in this process, on logs that it writes."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[bytes]) -> None:
        self.folder = folder
        self._capsys = capsys

    def log(self, *lines: bytes, name: str = "log.jsonl") -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(lines))
        return path

    def __call__(self, *arguments: str | Path) -> Done:
        status = run(["replay", *(str(each) for each in arguments)])
        out, err = self._capsys.readouterr()
        done = Done(status, out.decode("utf-8"), err.decode("utf-8"))
        assert "Traceback" not in done.out + done.err
        return done


@pytest.fixture
def home(tmp_path: Path, used_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own; nothing in the environment changes a default."""
    for name in [name for name in os.environ if name.startswith("RETURNFLOW_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    shutil.copytree(used_home, home)
    monkeypatch.setenv("RETURNFLOW_HOME", str(home))
    return home


@pytest.fixture
def replay(home: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Replay:
    return Replay(tmp_path, capsysbinary)


def test_the_first_replay_keeps_what_the_next_ones_need(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a data folder that is made for it; what is kept changes no verdict."""
    fresh = tmp_path / "fresh"
    monkeypatch.setenv("RETURNFLOW_HOME", str(fresh))
    log = replay.log(logs.conforming("C-1"), logs.violating())
    first = replay(log, "--json", "--unmask")
    kept = {path.name: path.read_bytes() for path in (fresh / "procedures").iterdir()}
    assert len(kept) == 2  # the compiled form and the proofs
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
    again = replay(log, "--json", "--unmask")
    assert (first.status, first.out) == (again.status, again.out)
    assert {path.name: path.read_bytes() for path in (fresh / "procedures").iterdir()} == kept


# -- the exit status --------------------------------------------------------------------------


def test_calls_that_conform(replay: Replay) -> None:
    done = replay(replay.log(logs.conforming("C-1"), logs.conforming("C-2")))
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("2 calls judged by handling-returns, version 1.\n")
    assert re.search(r"^  conforms +2 +100\.0 %$", done.out, re.MULTILINE)


def test_a_call_that_violates(replay: Replay) -> None:
    done = replay(replay.log(logs.conforming(), logs.violating()))
    assert done.status == 1
    assert "渡辺 久美子" in done.out
    assert "C-bad" in done.out.partition("Worst calls")[2]
    assert "log.jsonl:2" in "".join(done.out.split())
    assert all(0 <= wcwidth.wcswidth(line) <= 80 for line in done.out.splitlines())


def test_an_inconclusive_call_is_listed_and_fails_where_that_is_wanted(replay: Replay) -> None:
    log = replay.log(logs.conforming(), logs.inconclusive())
    done = replay(log)
    assert done.status == 0
    assert "C-dim" in done.out.partition("Inconclusive")[2]
    assert replay(log, "--fail-on", "inconclusive").status == 1
    assert replay(log, "--fail-on", "violates").status == 0


def test_a_line_that_cannot_be_read_is_named_and_the_rest_goes_on(replay: Replay) -> None:
    """Rule 40."""
    done = replay(replay.log(logs.conforming(), logs.UNREADABLE + b"\n", logs.conforming("C-2")))
    assert done.status == 1
    assert "3 calls" in done.out
    assert "log.jsonl:2" in "".join(done.out.partition("Unreadable")[2].split())
    assert re.search(r"^  conforms +2 ", done.out, re.MULTILINE)


def test_strict_stops_at_the_first_line_that_cannot_be_read(replay: Replay) -> None:
    log = replay.log(logs.conforming(), logs.UNREADABLE + b"\n", logs.violating())
    done = replay(log, "--strict", "--json")
    assert done.status == 1
    assert f"{log}:2" in done.err
    assert "--strict" in done.err
    assert [each["verdict"] for each in done.objects] == ["conforms", "inconclusive"]
    assert replay(replay.log(logs.conforming()), "--strict").status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["{tmp}/none.jsonl"], ["none.jsonl"]),
        (["{log}", "{tmp}/none.jsonl"], ["none.jsonl"]),
        ([], ["LOG"]),
        (["{log}", "--format", "xls"], ["xls", "native"]),
        (["{log}", "--zone", "Mars/Olympus"], ["Mars/Olympus"]),
        (["{log}", "--date", "tomorrow"], ["'tomorrow' is not a day", "2026-03-01"]),
        (["{log}", "--sop", "{tmp}/none.yaml"], ["none.yaml"]),
        (["{log}", "--compare", "{log}"], ["log.jsonl"]),
        (["{log}", "--tools", "{tmp}/none.yaml"], ["none.yaml"]),
        (["{log}", "--calls", "{tmp}/none.jsonl"], ["none.jsonl"]),
        (["{log}", "--backend", "mongodb://x"], ["mongodb:"]),
        (["{log}", "--backend", "sqlite:///{tmp}/none.db"], ["none.db"]),
        (["{log}", "--json", "--csv"], ["--json and --csv"]),
        (["{log}", "--compare", "{log}", "--junit"], ["--compare", "--junit"]),
        (["{log}", "--jobs", "0"], ["--jobs"]),
        (["{log}", "--fail-on", "conforms"], ["conforms"]),
        (["{log}", "-o", "{log}"], ["log.jsonl exists already"]),
        (["{log}", "-o", "{tmp}/none/out"], ["cannot be written"]),
        (["{log}", "--case", "C-none"], ["no call C-none is in the log"]),
    ],
)
def test_what_cannot_be_run_is_told_in_a_line(
    replay: Replay, tmp_path: Path, options: list[str], words: list[str]
) -> None:
    log = replay.log(logs.conforming())
    done = replay(*(each.format(tmp=tmp_path, log=log) for each in options))
    assert (done.status, done.out) == (2, "")
    for word in words:
        assert word in done.err


def test_the_exit_statuses_are_in_the_help(replay: Replay) -> None:
    assert REPLAY_EPILOG in " ".join(replay("--help").out.split())


# -- forms for machines -----------------------------------------------------------------------

MIXED = (
    logs.conforming("C-1"),
    logs.violating("C-2"),
    logs.inconclusive("C-3"),
    logs.UNREADABLE + b"\n",
    logs.conforming("C-5"),
)


def test_json(replay: Replay) -> None:
    """One object for each call, as the published schema says, and nothing else."""
    done = replay(replay.log(*MIXED), "--json")
    assert (done.status, done.err) == (1, "")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for each in done.objects:
        validator.validate(each)
        assert set(each) == set(Report.__struct_fields__)
    assert [(each["line"], each["verdict"]) for each in done.objects] == [
        (1, "conforms"),
        (2, "violates"),
        (3, "inconclusive"),
        (4, "inconclusive"),
        (5, "conforms"),
    ]
    assert done.objects[1]["findings"][0]["kind"] == "skipped_step"
    assert done.objects[2]["unobservable"]


def test_csv(replay: Replay) -> None:
    done = replay(replay.log(*MIXED), "--csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert (done.status, done.err) == (1, "")
    came_to = dict.fromkeys((row["line"], row["verdict"]) for row in rows)
    assert [verdict for _, verdict in came_to] == [
        "conforms",
        "violates",
        "inconclusive",
        "unreadable",
        "conforms",
    ]


def test_junit(replay: Replay) -> None:
    """A suite for each file."""
    logs_of = [replay.log(*MIXED), replay.log(logs.conforming(), name="other.jsonl")]
    done = replay(*logs_of, "--junit")
    root = ElementTree.fromstring(done.out)  # noqa: S314 (made here)
    assert (done.status, done.err) == (1, "")
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [str(each) for each in logs_of]
    names = ("tests", "failures", "errors", "skipped")
    counts = [[suite.get(name) for name in names] for suite in suites]
    assert counts == [["5", "1", "1", "1"], ["1", "0", "0", "0"]]


@pytest.mark.parametrize("form", ["--json", "--csv", "--junit"])
def test_a_file_for_the_machine_and_a_summary_for_people(
    replay: Replay, tmp_path: Path, form: str
) -> None:
    """What customers said is in the file, so only its owner may read it."""
    log = replay.log(*MIXED)
    alone = replay(log, form).out
    done = replay(log, form, "-o", tmp_path / "result")
    assert (tmp_path / "result").read_text(encoding="utf-8") == alone
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o600
    assert done.out == replay(log).out
    quiet = replay(log, form, "-o", tmp_path / "again", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (1, "", "")


def test_a_summary_in_a_file(replay: Replay, tmp_path: Path) -> None:
    log = replay.log(*MIXED)
    done = replay(log, "-o", tmp_path / "result")
    assert (done.status, done.out) == (1, "")
    assert (tmp_path / "result").read_text(encoding="utf-8") == replay(log).out


def test_the_screen_of_the_page_is_what_is_shown(replay: Replay) -> None:
    page = (SCHEMA.parent / "replay.md").read_text(encoding="utf-8")
    screen = page.partition("```text\n")[2].partition("```")[0]
    three = (
        logs.conforming("C-1041", "kim"),
        logs.violating("C-1042", "dana"),
        logs.inconclusive("C-1043", "kim"),
    )
    assert replay(replay.log(*three)).out.startswith(screen)


def test_a_call_is_found_by_its_id_as_it_is_shown(replay: Replay) -> None:
    """Whoever sees masked ids only can ask for a call all the same."""
    log = replay.log(logs.conforming("ann.b@example.com", "kim"))
    (shown,) = json.loads(f"[{replay(log, '--json').out}]")
    assert "ann.b" not in shown["id"]
    for case in (shown["id"], "ann.b@example.com"):
        told = replay(log, "--case", case)
        assert (told.status, told.out.splitlines()[0]) == (0, f"Case {shown['id']}")


def test_quiet_leaves_the_exit_status(replay: Replay) -> None:
    done = replay(replay.log(*MIXED), "--quiet")
    assert (done.status, done.out, done.err) == (1, "", "")


@pytest.mark.parametrize("form", ["--json", "--csv", "--junit", "--no-progress"])
def test_the_number_of_processes_changes_nothing(replay: Replay, form: str) -> None:
    log = replay.log(logs.many(700))
    one = replay(log, form, "--jobs", "1")
    assert one == replay(log, form, "--jobs", "2")
    assert one.status == 1
    assert one.out


def test_processes_that_share_nothing_do_the_same(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where processes cannot be forked, they are started afresh."""
    import multiprocessing

    log = replay.log(logs.many(700))
    one = replay(log, "--json", "--jobs", "1")
    fresh = multiprocessing.get_context("spawn")
    monkeypatch.setattr(multiprocessing, "get_context", lambda: fresh)
    assert replay(log, "--json", "--jobs", "2") == one


def test_standard_input(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(logs.violating())))
    done = replay("-", "--json")
    assert done.status == 1
    assert [each["source"] for each in done.objects] == ["-"]


def test_progress_goes_to_standard_error_alone(replay: Replay) -> None:
    log = replay.log(logs.conforming())
    done = replay(log, "--progress", "--json")
    assert "1 calls" in done.err
    assert done.err.endswith("\r")
    assert done.out == replay(log, "--json").out
    assert replay(log).err == ""


# -- one call in full -------------------------------------------------------------------------


def test_a_call_told_in_full(replay: Replay) -> None:
    done = replay(replay.log(*MIXED), "--case", "C-2")
    assert done.status == 1
    assert done.out.startswith("Case C-2\n")
    assert "skipped_step" in done.out
    assert "return opened" in done.out
    assert "C-1" not in done.out
    assert all(0 <= wcwidth.wcswidth(line) <= 80 for line in done.out.splitlines())


def test_every_call_of_that_id_is_told(replay: Replay) -> None:
    done = replay(replay.log(logs.conforming("C"), logs.violating("C")), "--case", "C")
    assert done.out.count("Case C\n") == 2


def test_a_call_for_a_machine(replay: Replay) -> None:
    done = replay(replay.log(*MIXED), "--case", "C-2", "--json")
    assert [each["id"] for each in done.objects] == ["C-2"]


def test_a_call_that_is_not_there(replay: Replay, tmp_path: Path) -> None:
    """What it may have been is named, and no file is left."""
    log = replay.log(logs.conforming("CALL-2041"), logs.conforming("CALL-2042"))
    done = replay(log, "--case", "CALL-2O41", "-o", tmp_path / "out")
    assert (done.status, done.out) == (2, "")
    assert "did you mean CALL-2041" in done.err
    assert not (tmp_path / "out").exists()


# -- personal data and hostile text -----------------------------------------------------------


@pytest.mark.parametrize("form", [["--json"], ["--csv"], ["--junit"], [], ["--case", "{id}"]])
def test_personal_data_are_masked_in_every_output(replay: Replay, form: list[str]) -> None:
    """Rule 38: in what was said, in ids, names of agents and of files; and never in equal ways."""
    mail = logs.email()
    line = logs.violating("bo@example.com", "ann@example.com, +49 30 1234567")
    log = replay.log(line, name="for-eve@example.com.jsonl")
    options = [each.format(id="bo@example.com") for each in form]
    done = replay(log, *options)
    for secret in (mail, "bo@example.com", "ann@example.com", "eve@example.com", "1234567"):
        assert secret not in done.out + done.err
    assert "@masked.invalid" in done.out
    shown = replay(log, *options, "--unmask").out
    assert "bo@example.com" in shown
    assert "ann@example.com" in shown


def test_an_id_that_looks_like_a_number_stays(replay: Replay) -> None:
    line = logs.violating("C-1").replace(b"O-", b"1234567890").replace(b"I-", b"1234567891")
    assert "tel-" not in replay(replay.log(line), "--json").out


@pytest.mark.parametrize("form", [["--json"], ["--csv"], ["--junit"], [], ["--case", "C"]])
def test_nothing_in_a_log_acts_on_a_terminal(replay: Replay, form: list[str]) -> None:
    """Rule 37; and what is written is UTF-8 that its readers take, whatever stood in the log."""
    hostile = HOSTILE.replace("\ud800", "")
    agent = json.dumps(hostile).encode()
    line = logs.violating("C").replace(
        json.dumps("渡辺 久美子", ensure_ascii=False).encode(), agent
    )
    assert agent in line
    half = logs.violating("C").replace(b"C-bad", b"\\ud800")
    done = replay(replay.log(line, half), *form)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.out)
    assert "Kettle" in done.out
    if form == ["--json"]:
        assert done.objects[0]["agent"] == hostile
    if form == ["--junit"]:
        ElementTree.fromstring(done.out)  # noqa: S314 (made here)


# -- what goes wrong --------------------------------------------------------------------------


@contextmanager
def judging(monkeypatch: pytest.MonkeyPatch, act: Any) -> Iterator[None]:
    """The judge does this first, in any process."""
    whole = Judge.judge

    def judge(self: Judge, transcript: Transcript) -> Report:
        act(transcript)
        return whole(self, transcript)

    with monkeypatch.context() as changed:
        changed.setattr(Judge, "judge", judge)
        yield


def test_a_fault_of_ours_is_told_and_kept_and_the_rest_goes_on(
    replay: Replay, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 38 for the line and for the file, too."""

    def fail(transcript: Transcript) -> None:
        if transcript.case_id == "of ann@example.com":
            raise KeyError(logs.email())

    log = replay.log(logs.conforming("C-1"), logs.conforming("of ann@example.com"))
    with judging(monkeypatch, fail):
        done = replay(log)
    assert done.status == 1
    assert "KeyError" in done.err
    assert "2, case of m-" in done.err
    assert "2 calls" in done.out
    assert re.search(r"^  conforms +1 ", done.out, re.MULTILINE)
    [kept] = home.glob("fault-*.txt")
    assert str(kept) in done.err
    details = kept.read_text(encoding="utf-8")
    assert "Traceback" in details
    for secret in (logs.email(), "ann@example.com"):
        assert secret not in details + done.out + done.err


def test_a_process_that_is_killed_costs_one_call(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(transcript: Transcript) -> None:
        if transcript.case_id == "C-400" and not transcript.damage:
            os.kill(os.getpid(), signal.SIGKILL)

    log = replay.log(*(logs.conforming(f"C-{n}") for n in range(700)))
    with judging(monkeypatch, kill):
        done = replay(log, "--jobs", "2", "--json")
    assert done.status == 1
    assert "SIGKILL" in done.err
    assert len(done.objects) == 700
    [lost] = [each for each in done.objects if each["verdict"] != "conforms"]
    assert lost["line"] == 401
    assert "SIGKILL" in lost["findings"][0]["reason"]


def started(*arguments: str | Path, home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "returnflow", "replay", *(str(each) for each in arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "RETURNFLOW_HOME": str(home)},
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_reader_that_leaves_is_no_fault(replay: Replay, home: Path, jobs: str) -> None:
    """As `head` does."""
    log = replay.log(logs.many(3000))
    process = started(log, "--json", "--jobs", jobs, home=home)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def fed(pipe: IO[bytes], data: bytes) -> None:
    """Writes until nobody reads any more."""
    with suppress(BrokenPipeError):
        pipe.write(data)
        pipe.flush()


@pytest.mark.parametrize("form", ["--json", "--junit"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_it_with_what_was_judged(home: Path, jobs: str, form: str) -> None:
    """While more is to come on standard input; the document is whole and the status is 130."""
    process = started("-", form, "--jobs", jobs, home=home)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        feeding = Thread(target=fed, args=(process.stdin, logs.many(1500)))
        feeding.start()
        # The first part is out; the input has no end, so that it does not end by itself.
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        said = process.stderr.read().decode()
        feeding.join()
    assert process.returncode == 130, said
    assert re.search(r"stopped after [\d,]+ calls", said)
    assert "Traceback" not in said
    if form == "--json":
        for line in (first + rest).splitlines():
            json.loads(line)
    else:
        ElementTree.fromstring(first + rest)  # noqa: S314 (made here)


# -- comparing, and the second opinion --------------------------------------------------------


def milder(tmp_path: Path) -> Path:
    """A text by which a skipped step is no more than a remark."""
    text = (bundled("states") / "handling_returns.yaml").read_text(encoding="utf-8")
    changed = text.replace("scorecard:\n", "scorecard:\n  severities: {skipped_step: remark}\n")
    assert changed != text
    path = tmp_path / "milder.yaml"
    path.write_text(changed, encoding="utf-8")
    return path


def test_two_texts_are_compared_by_the_verdicts_that_flip(replay: Replay, tmp_path: Path) -> None:
    log = replay.log(*MIXED)
    done = replay(log, "--compare", milder(tmp_path))
    assert done.status == 1
    assert "C-2" in done.out
    assert "violates → conforms" in " ".join(done.out.split())
    assert "skipped_step" in done.out
    assert "1 of 5 calls flips" in done.out
    assert "milder.yaml" in done.out
    assert "C-1" not in done.out
    [flip] = replay(log, "--compare", milder(tmp_path), "--json").objects
    assert (flip["id"], flip["before"], flip["after"]) == ("C-2", "violates", "conforms")
    assert [each["kind"] for each in flip["gone"]] == ["skipped_step"]


def test_the_same_text_flips_nothing(replay: Replay) -> None:
    same = bundled("states") / "handling_returns.yaml"
    done = replay(replay.log(logs.conforming(), logs.violating()), "--compare", same)
    assert done.status == 0
    assert "0 of 2 calls flip" in done.out


def test_a_second_opinion_is_listed_and_changes_no_verdict(replay: Replay) -> None:
    """The demo shop knows nothing of these orders."""
    log = replay.log(logs.conforming())
    done = replay(log, "--backend", "demo:")
    assert done.status == 0
    assert done.out.startswith(replay(log).out)
    assert "Second opinion" in done.out
    assert "unknown to it" in done.out
    aside = replay(log, "--backend", "demo:", "--json")
    assert aside.out == replay(log, "--json").out
    assert "Second opinion" in aside.err
