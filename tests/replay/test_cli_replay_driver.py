"""Several processes judge a log as one does, whatever happens to them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from replay.report_samples import NOTICE, report
from returnflow.engine.transcript import Damage, Transcript
from returnflow.errors import ReturnflowError, UsageError
from returnflow.replay import driver, pool
from returnflow.replay.findings import Finding, Report
from returnflow.replay.transcripts.reader import Options, Unit
from returnflow.replay.work import Done, Job, Judging, Procedure

Act = Callable[[Transcript], Report]


class Acting:
    """Judges by a function."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def judge(self, transcript: Transcript) -> Report:
        if transcript.damage:
            reason = transcript.damage[0].reason
            finding = Finding(kind="unreadable", severity="remark", reason=reason)
            return report(transcript.case_id, finding, line=transcript.line)
        return self._act(transcript)


def read(unit: Unit, options: Options) -> Iterator[Transcript]:
    """A call for each unit; its id is what stands in it."""
    damage = [Damage(reason=unit.problem)] if unit.problem else []
    yield Transcript(
        case_id=unit.data.decode().strip() or f"line {unit.line}",
        format="made",
        source=unit.source,
        line=unit.line,
        damage=damage,
    )


def ordinary(transcript: Transcript) -> Report:
    """Every third call violates."""
    findings = (NOTICE,) if transcript.line and transcript.line % 3 == 0 else ()
    made = report(transcript.case_id, *findings, line=transcript.line)
    return replace(made, agent=f"agent {(transcript.line or 0) % 7}")


def log(number: int) -> list[Unit]:
    return [Unit("log", n, f"C-{n}".encode(), "made") for n in range(1, number + 1)]


def job(act: Act = ordinary, **of: Any) -> Job:
    def judging(procedure: Procedure, zone: str, day: date | None) -> Judging:
        return Acting(act)

    made = {"judging": judging, "reading": read, "form": "json", **of}
    return Job(Procedure("p", ""), Options(), **made)


def together(parts: Iterator[Done]) -> Done:
    whole = Done()
    for each in parts:
        whole.add(each)
    return whole


@pytest.fixture(autouse=True)
def _no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forked ones, so that a test can say in a function what they do."""
    forking = multiprocessing.get_context("fork")
    monkeypatch.setattr(multiprocessing, "get_context", lambda: forking)
    yield
    assert multiprocessing.active_children() == []


def test_any_number_of_processes_gives_the_same() -> None:
    """In the order of the log; also what is written."""
    units = log(5000)
    alone = together(driver.run(job(), units, 1))
    assert alone.units == alone.tally.calls == 5000
    assert alone.text.count(b"\n") == 5000
    for jobs in (2, 3, 5):
        assert together(driver.run(job(), units, jobs)) == alone


def test_a_small_log_is_judged_here() -> None:
    """Starting a process takes longer than a small log; a larger one is worth it."""

    def by_process(transcript: Transcript) -> Report:
        return report(transcript.case_id, agent=str(os.getpid()))

    here = str(os.getpid())
    small = together(driver.run(job(by_process), log(driver.SMALL * driver.PART_UNITS), 4))
    assert set(small.tally.agents) == {here}
    large = together(driver.run(job(by_process), log(4000), 2))
    assert here not in large.tally.agents
    assert 1 <= len(large.tally.agents) <= 2


def test_parts_are_cut_by_bytes_and_by_units() -> None:
    parts = list(driver.cut(log(1000)))
    assert [len(each) for each in parts] == [256, 256, 256, 232]
    big = [Unit("log", n, b"x" * (driver.PART_BYTES // 2), "made") for n in range(5)]
    assert [len(each) for each in driver.cut(big)] == [2, 2, 1]


def test_only_a_few_parts_are_read_ahead() -> None:
    """Memory does not depend on the log: whoever is slow to take results slows the reading."""
    read_so_far = 0

    def endless() -> Iterator[Unit]:
        nonlocal read_so_far
        for n in range(1, 10**9):
            read_so_far = n
            yield Unit("log", n, b"C-%d" % n, "made")

    parts = driver.run(job(), endless(), 2)
    taken = 0
    for _ in range(20):
        taken += next(parts).units
    parts.close()
    assert read_so_far - taken <= (2 * pool.AHEAD + 3) * driver.PART_UNITS


def test_a_call_that_kills_its_process_is_named_and_the_rest_is_judged() -> None:
    def deadly(transcript: Transcript) -> Report:
        if transcript.case_id in ("C-700", "C-1900"):
            os.kill(os.getpid(), signal.SIGKILL)
        return ordinary(transcript)

    told: list[str] = []
    done = together(driver.run(job(deadly), log(3000), 2, told.append))
    assert done.tally.calls == done.text.count(b"\n") == 3000
    assert [each.id for each in done.tally.unreadable] == ["line 700", "line 1900"]
    assert all("SIGKILL" in each.reason for each in done.tally.unreadable)
    assert done.text.split(b"\n")[699].startswith(b'{"id":"line 700"')
    assert any("SIGKILL at log:513-768" in words for words in told), told


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    """What it was at is judged again."""
    flag = tmp_path / "died"

    def once(transcript: Transcript) -> Report:
        if transcript.case_id == "C-700" and not flag.exists():
            flag.touch()
            os._exit(3)
        return ordinary(transcript)

    told: list[str] = []
    done = together(driver.run(job(once), log(3000), 2, told.append))
    assert done == together(driver.run(job(), log(3000), 1))
    assert len(told) == 1
    assert "ended with status 3" in told[0]


def test_processes_that_always_die_end_the_run() -> None:
    def deadly(transcript: Transcript) -> Report:
        os._exit(1)

    with pytest.raises(ReturnflowError, match=r"again and again.*--jobs"):
        together(driver.run(job(deadly), log(3000), 2))


def test_an_exception_keeps_only_its_own_call_from_being_judged() -> None:
    def faulty(transcript: Transcript) -> Report:
        if transcript.case_id in ("C-5", "C-2000"):
            raise KeyError("lost")
        return ordinary(transcript)

    for jobs in (1, 2):
        done = together(driver.run(job(faulty), log(3000), jobs))
        assert [(each.case, each.place) for each in done.faults] == [
            ("C-5", "log:5"),
            ("C-2000", "log:2000"),
        ]
        assert "KeyError: 'lost'" in done.faults[0].details
        assert done.tally.calls == 3000
        assert [each.id for each in done.tally.unreadable] == ["C-5", "C-2000"]


def test_an_exception_of_a_reader_keeps_only_its_own_unit_from_being_read() -> None:
    def faulty(unit: Unit, options: Options) -> Iterator[Transcript]:
        yield from read(unit, options)
        if unit.line == 7:
            raise ValueError("of a stranger's reader")

    done = together(driver.run(job(reading=faulty), log(10), 1))
    assert [each.place for each in done.faults] == ["log:7"]
    assert done.tally.calls == 11
    assert done.tally.outcomes["unreadable"] == 1


def test_a_strict_run_stops_at_the_first_that_cannot_be_read() -> None:
    units = log(4000)
    units[1500] = replace(units[1500], data=b"", problem="a brace is missing")
    for jobs in (1, 3):
        done = together(driver.run(job(strict=True), iter(units), jobs))
        assert done.stopped == "march.jsonl:1501: a brace is missing"
        assert done.tally.calls == 1501


def test_closing_it_ends_the_processes() -> None:
    def slow(transcript: Transcript) -> Report:
        if transcript.line and transcript.line > 2000:
            signal.pause()  # for ever
        return ordinary(transcript)

    parts = driver.run(job(slow), log(4000), 2)
    assert next(parts).units == driver.PART_UNITS
    parts.close()


def test_what_cannot_be_set_up_ends_the_run() -> None:
    """An error of ours is told as it is; a fault stays a fault, with its traceback."""
    here = os.getpid()

    def refusing(procedure: Procedure, zone: str, day: date | None) -> Judging:
        raise UsageError("the shop is closed")

    def faulty(procedure: Procedure, zone: str, day: date | None) -> Judging:
        raise KeyError(f"in {'here' if os.getpid() == here else 'a worker'}")

    with pytest.raises(UsageError, match="the shop is closed"):
        together(driver.run(job(judging=refusing), log(3000), 2))
    with pytest.raises(RuntimeError, match="KeyError: 'in a worker'"):
        together(driver.run(job(judging=faulty), log(3000), 2))


def test_units_that_cannot_be_read_end_the_run_as_they_would_here() -> None:
    def broken() -> Iterator[Unit]:
        yield from log(3000)
        raise UsageError("b.jsonl cannot be read")

    for jobs in (1, 2):
        with pytest.raises(UsageError, match=r"b\.jsonl"):
            together(driver.run(job(), broken(), jobs))
