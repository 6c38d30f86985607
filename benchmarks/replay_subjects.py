"""What the replay benchmark measures: floors, peers, and the product's own path.

A subject is given a slice of the log, a file, and goes through all of it.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.peers import Peer, line_decoder
from returnflow.__main__ import COLLECT_EVERY
from returnflow.engine.definition import Definition
from returnflow.masking import Masker, MaskKey
from returnflow.replay import driver
from returnflow.replay.transcripts import reader
from returnflow.replay.work import Bench, Done, Form, Job, Procedure

READING = "reading the lines only"
MSGSPEC = "decoding only, msgspec, all fields"
ORJSON = "decoding only, orjson"
OURS = "returnflow replay"
OURS_JSON = "returnflow replay --json"


@dataclass(frozen=True)
class Subject:
    """Something that goes through a slice."""

    name: str
    run: Callable[[Path], object]


def job(definition: Definition, form: Form = "summary") -> Job:
    """What ``returnflow replay`` does unless told otherwise."""
    return Job(
        procedure=Procedure.of(definition),
        options=reader.Options(vocabulary=definition.vocabulary.name),
        masker=Masker(MaskKey(b"benchmark" * 4), dict(definition.vocabulary.personal)),
        form=form,
        title=f"{definition.sop}, version {definition.version}",
    )


def product(definition: Definition, name: str = OURS, form: Form = "summary") -> Subject:
    """The product's path in one process: `driver.run` without building the bench anew."""
    bench = Bench(job(definition, form))

    def run(path: Path) -> Done:
        found = Done()
        for part in driver.cut(reader.units([str(path)])):
            done = bench.work(part)
            found.tally.add(done.tally)
        return found

    return Subject(name, run)


def whole(definition: Definition, jobs: int) -> Callable[[Path], Done]:
    """The product's path from the file to the counts, with so many processes."""

    def run(path: Path) -> Done:
        found = Done()
        for done in driver.run(job(definition), reader.units([str(path)]), jobs):
            found.tally.add(done.tally)
        return found

    return run


def floors(definition: Definition) -> list[Subject]:
    """Reading alone, and decoding alone."""
    decode = line_decoder(definition.vocabulary.events).decode

    def reading(path: Path) -> None:
        with path.open("rb") as file:
            for _ in file:
                pass

    def typed(path: Path) -> None:
        with path.open("rb") as file:
            for line in file:
                decode(line)

    found = [Subject(READING, reading), Subject(MSGSPEC, typed)]
    try:
        import orjson
    except ModuleNotFoundError:
        return found

    def plain(path: Path) -> None:
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)

    return [*found, Subject(ORJSON, plain)]


def peer_subject(definition: Definition, peer: Peer) -> Subject:
    """A peer behind the same decoder."""
    decode = line_decoder(definition.vocabulary.events).decode
    accepts = peer.accepts

    def run(path: Path) -> None:
        with path.open("rb") as file:
            for line in file:
                call = decode(line)
                accepts(call.case.policy_date, call.case.zone, call.events)

    return Subject(peer.name, run)


def verdicts(definition: Definition, peer: Peer, lines: Sequence[bytes]) -> list[bool]:
    """Whether a peer accepts each call."""
    decode = line_decoder(definition.vocabulary.events).decode
    calls = (decode(line) for line in lines)
    return [peer.accepts(each.case.policy_date, each.case.zone, each.events) for each in calls]


class Judged(msgspec.Struct):
    """What is looked at of the product's own report."""

    verdict: str
    findings: list[Any]

    @property
    def clean(self) -> bool:
        """Nothing at all is said of the call."""
        return self.verdict == "conforms" and not self.findings


def reports(definition: Definition, path: Path) -> list[Judged]:
    """The product's reports on a log, in order."""
    bench = Bench(job(definition, "json"))
    decoder = msgspec.json.Decoder(Judged)
    found = []
    for part in driver.cut(reader.units([str(path)])):
        done = bench.work(part)
        assert not done.faults, done.faults
        found += [decoder.decode(line) for line in done.text.splitlines()]
    return found


# -- timing -----------------------------------------------------------------------------------


def quiet() -> None:
    """The collector as the program sets it, and what is there already out of its way."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)


def cpu(run: Callable[[], object]) -> float:
    """Seconds of this process's processor time. Other work on the machine is not in it."""
    gc.collect()
    started = time.process_time()
    run()
    return time.process_time() - started


def cpu_of_all(run: Callable[[], object]) -> float:
    """Seconds of processor time of this process and of those that it started and that ended."""
    gc.collect()
    before = _used()
    run()
    return _used() - before


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def wall(run: Callable[[], object]) -> float:
    """Seconds by the clock."""
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
