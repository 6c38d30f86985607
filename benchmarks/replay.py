"""Replay of a long log, beside other state machines and beside decoding alone.

The log is made up from fixed seeds: calls of the shipped procedure of 8 to 30 events, with the
words of the notices, one in ten with a slip. It is cut into as many slices as there are rounds;
in a round everything goes through the same slice, in an order that turns. Times are of the
processor, so that what else the machine does counts little; only where processes run side by side
it is the clock's. Decoding is inside the time, importing and building are not.

The peers that check guards use the guards and facts of the product itself, and all must come to
the same verdict on every call.
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import zstandard

from benchmarks import peers, replay_memory, replay_names, replay_profile
from benchmarks.measure import Figure, Table, Target, figure, positive
from benchmarks.replay_log import (
    DISTINCT,
    Template,
    Templates,
    calls,
    procedure,
    templates,
    write,
)
from benchmarks.replay_subjects import (
    MSGSPEC,
    ORJSON,
    OURS,
    OURS_JSON,
    Subject,
    cpu,
    cpu_of_all,
    floors,
    peer_subject,
    product,
    quiet,
    reports,
    verdicts,
    wall,
    whole,
)
from returnflow.engine.definition import Definition
from returnflow.testing import agreement

ABOUT = "replay of 20,000 calls, beside other state machines and beside decoding"

PEERS = (*peers.GUARDED, *peers.NAMES_ONLY)

FASTER = 10.0
"""Times that replay has to be faster than transitions, which does less."""

OF_DECODING = 2.0
"""Times decoding alone that replay may take."""

TWO_PROCESSES = 1.6
"""Times that two processes have to be faster than one."""

COMPRESSED = 0.6
"""The rate of a plain log that a compressed one has to keep."""

CHECKED = 1_000_000
"""Events on which the live session and replay have to agree in the check mode."""

WHOLE_ROUNDS = 5
"""Rounds at most of those that take the whole log each time."""

PROFILED = 3
"""Times that the whole log is replayed to see where the time goes."""


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--calls", type=positive, default=20_000, help="calls (default: 20000)")
    parser.add_argument(
        "--large", type=_whole, default=200_000, help="calls of the long log, whose peak of memory "
        "is measured; 0 for none (default: 200000)"
    )  # fmt: skip
    parser.add_argument("--rounds", type=positive, default=9, help="slices (default: 9)")
    parser.add_argument("--distinct", type=positive, default=DISTINCT, help=(
        f"distinct legal calls, and as many deviating ones (default: {DISTINCT})"
    ))  # fmt: skip
    parser.add_argument("--sequences", type=positive, default=400, help=(
        "calls at the beginning of the log that pm4py aligns (default: 400)"
    ))  # fmt: skip
    parser.add_argument(
        "--peers",
        type=_peers,
        default=list(PEERS),
        help=f"which, with commas between; none for none (default: {','.join(PEERS)})",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder for the calls made up (default: the user's cache folder)"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"measure nothing; check that session and replay agree on {CHECKED:,} mutated events, "
        "and all peers on the whole log",
    )


def _whole(text: str) -> int:
    return 0 if text == "0" else positive(text)


def _peers(text: str) -> list[str]:
    names = [] if text == "none" else text.split(",")
    for name in names:
        if name not in PEERS:
            raise ArgumentTypeError(f"there is no peer {name!r}; there are {', '.join(PEERS)}")
    return names


@dataclass
class Setting:
    """What all parts of the benchmark share.

    Attributes:
        chosen: the calls of the log, in order, with their numbers.
        guarded: the peers that check guards, by their names.
    """

    options: Namespace
    folder: Path
    definition: Definition
    known: Templates
    chosen: list[tuple[Template, int]] = field(init=False)
    log: Path = field(init=False)
    guarded: dict[str, peers.Peer] = field(init=False)

    def __post_init__(self) -> None:
        self.chosen = list(calls(self.known, self.options.calls))
        self.log = self.folder / "log.jsonl"
        write(self.log, self.chosen)
        names = [name for name in self.options.peers if name in peers.GUARDED]
        self.guarded = {name: peers.guarded(name, self.definition) for name in names}

    @property
    def events(self) -> int:
        """How many there are in the log."""
        return sum(template.events for template, _ in self.chosen)


def measure(options: Namespace) -> list[Table]:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        known = templates(options.distinct, options.cache)
        setting = Setting(options, Path(folder), procedure(), known)
        _describe(setting)
        if options.check:
            check(setting, CHECKED)
            return []
        agree(setting, setting.chosen[: -(-len(setting.chosen) // options.rounds)])
        quiet()
        tables = [
            *_compared(setting),
            _processes(setting),
            replay_profile.table_of(
                f"Where the time of {OURS} goes",
                lambda: product(setting.definition).run(setting.log),
                setting.events,
                PROFILED,
            ),
            *replay_names.tables(setting.definition, setting.log, setting.chosen, options),
            _memory(setting),
        ]
    return [table for table in tables if table is not None]


def _describe(setting: Setting) -> None:
    size = setting.log.stat().st_size
    deviating = sum(not template.legal for template, _ in setting.chosen)
    distinct = len({id(template) for template, _ in setting.chosen})
    _say(
        f"{len(setting.chosen):,} calls ({distinct:,} distinct ones), {setting.events:,} events, "
        f"{size / setting.events:.0f} bytes each, {deviating:,} calls deviate"
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


# -- the same verdicts ------------------------------------------------------------------------


def agree(setting: Setting, chosen: Sequence[tuple[Template, int]]) -> None:
    """That all who can check guards come to the same verdict on every call.

    Raises:
        SystemExit: one does not; says on which call.
    """
    lines = [template.filled(number) for template, number in chosen]
    expected = [template.legal for template, _ in chosen]
    for name, peer in setting.guarded.items():
        found = verdicts(setting.definition, peer, lines)
        for line, one, other in zip(lines, expected, found, strict=True):
            if one != other:
                raise SystemExit(f"{name} answers {other}, and not {one}, on {line.decode()}")
    path = setting.folder / "agree.jsonl"
    write(path, chosen)
    ours = reports(setting.definition, path)
    for line, legal, report in zip(lines, expected, ours, strict=True):
        # A legal call may be remarked upon, or be left unfinished; a refused one is never clean.
        graver = [each for each in report.findings if each["severity"] != "remark"]
        kinds = {each["kind"] for each in graver}
        if (legal and not kinds <= {"unfinished", "notice_missing"}) or (
            not legal and report.clean
        ):
            raise SystemExit(f"{OURS} answers {report.verdict}, {kinds} on {line.decode()}")
    who = ", ".join((*setting.guarded, OURS))
    _say(f"The same verdict on each of {len(lines):,} calls: {who}")


def check(setting: Setting, events: int) -> None:
    """The check mode.

    Raises:
        SystemExit: somebody does not agree.
    """
    agree(setting, setting.chosen)
    try:
        found = agreement.check(setting.definition, events, tell=_say)
    except AssertionError as error:
        raise SystemExit(str(error)) from error
    _say(
        f"The live session and the table agree on {found.events:,} events of {found.calls:,} "
        f"calls, {found.refused:,} of them refused, {found.doubtful:,} in doubt"
    )


# -- the rounds -------------------------------------------------------------------------------


def _compared(setting: Setting) -> list[Table]:
    """Everything by slices: all calls, then the conforming and the deviating ones apart."""
    ours = product(setting.definition)
    subjects = [
        *floors(setting.definition),
        ours,
        product(setting.definition, OURS_JSON, "json"),
        *(peer_subject(setting.definition, peer) for peer in setting.guarded.values()),
    ]
    apart = [subject for subject in subjects if subject.name in (MSGSPEC, OURS)]
    slices = _slices(setting.chosen, setting.options.rounds)
    taken = _rounds(setting, "all", slices, subjects)
    mixed = _table(
        setting,
        f"Replay of {len(setting.chosen):,} calls, µs of processor per event",
        taken,
    )
    tables = [mixed]
    for name, legal in (("conforming", True), ("deviating", False)):
        some = [(template, n) for template, n in setting.chosen if template.legal == legal]
        if len(some) >= setting.options.rounds:
            taken = _rounds(setting, name, _slices(some, setting.options.rounds), apart)
            title = f"The {len(some):,} {name} calls alone, µs of processor per event"
            tables.append(_table(setting, title, taken, targets=False))
    return tables


def _slices(
    chosen: Sequence[tuple[Template, int]], wanted: int
) -> list[Sequence[tuple[Template, int]]]:
    edges = [len(chosen) * number // wanted for number in range(wanted + 1)]
    return [chosen[one:other] for one, other in pairwise(edges) if other > one]


def _rounds(
    setting: Setting,
    name: str,
    slices: Sequence[Sequence[tuple[Template, int]]],
    subjects: Sequence[Subject],
) -> dict[str, list[float]]:
    """By subject, what each slice took, in µs per event."""
    path = setting.folder / "slice.jsonl"
    # A tenth of a slice that is not counted warms everything up.
    write(path, slices[0][: max(1, len(slices[0]) // 10)])
    for subject in subjects:
        subject.run(path)
    taken: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    for number, part in enumerate(slices):
        events = write(path, part)
        turn = number % len(subjects)
        for subject in (*subjects[turn:], *subjects[:turn]):
            taken[subject.name].append(cpu(partial(subject.run, path)) * 1e6 / events)
        _say(f"  {name}: round {number + 1} of {len(slices)}")
    return taken


def _table(
    setting: Setting, title: str, taken: dict[str, list[float]], *, targets: bool = True
) -> Table:
    figures = [figure(name, times) for name, times in taken.items()]
    also = {"÷ orjson": ORJSON} if ORJSON in taken else {}
    wanted: list[Target] = []
    first = setting.guarded.get("transitions")
    if first is not None and first.name in taken:
        also["÷ transitions"] = first.name
        faster = _ratio(taken[first.name], taken[OURS])
        wanted.append(Target(f"{first.name} ÷ {OURS}", faster, FASTER, "times", least=True))
    cost = _ratio(taken[OURS], taken[MSGSPEC])
    wanted.append(Target(f"{OURS} ÷ {MSGSPEC}", cost, OF_DECODING, "times"))
    return Table(title, "µs", figures, MSGSPEC, wanted if targets else (), also, digits=2)


def _ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median of the ratios in each round: a slow moment meets both alike."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


# -- whole logs -------------------------------------------------------------------------------


def _processes(setting: Setting) -> Table:
    """One process and two, by the clock, and compressed logs."""
    packed = {"gzip": setting.folder / "log.jsonl.gz", "zstd": setting.folder / "log.jsonl.zst"}
    data = setting.log.read_bytes()
    packed["gzip"].write_bytes(gzip.compress(data, 6))
    packed["zstd"].write_bytes(zstandard.ZstdCompressor().compress(data))
    del data
    one, two = whole(setting.definition, 1), whole(setting.definition, 2)
    runs: dict[str, tuple[Callable[[Callable[[], object]], float], Callable[[], object]]] = {
        "one process": (wall, lambda: one(setting.log)),
        "two processes": (wall, lambda: two(setting.log)),
        "one process, processor": (cpu_of_all, lambda: one(setting.log)),
        "two processes, processor of all": (cpu_of_all, lambda: two(setting.log)),
        "gzip, processor": (cpu_of_all, lambda: one(packed["gzip"])),
        "zstd, processor": (cpu_of_all, lambda: one(packed["zstd"])),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(min(setting.options.rounds, WHOLE_ROUNDS)):
        for name, (clock, run) in runs.items():
            taken[name].append(clock(run) * 1e6 / setting.events)
        _say(f"  whole log: round {number + 1}")
    targets = [
        Target(
            "one process ÷ two processes",
            _ratio(taken["one process"], taken["two processes"]),
            TWO_PROCESSES,
            "times",
            least=True,
        )
    ]
    for name in packed:
        rate = _ratio(taken["one process, processor"], taken[f"{name}, processor"])
        targets.append(Target(f"the rate of {name} ÷ plain", rate, COMPRESSED, "times", least=True))
    figures: list[Figure] = [figure(name, times) for name, times in taken.items()]
    return Table("The whole log, µs per event", "µs", figures, "one process", targets, digits=2)


def _memory(setting: Setting) -> Table | None:
    if not setting.options.large:
        return None
    _say("  memory")
    long = setting.folder / "long.jsonl"
    write(long, calls(setting.known, setting.options.large))
    return replay_memory.table_of({len(setting.chosen): setting.log, setting.options.large: long})
