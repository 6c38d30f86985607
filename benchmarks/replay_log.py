"""The log that the replay benchmark runs on: made up from fixed seeds, the same on every machine.

Making a call up takes tens of milliseconds, so a few thousand distinct ones are made, once, and
kept in a cache folder under the digest of the code that makes them. A log of any length is those
calls again and again, each time with ids, addresses, keys and tracking ids of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import platformdirs

import returnflow
from returnflow.bundled import bundled
from returnflow.engine.definition import Definition, load
from returnflow.engine.event_log import export_case
from returnflow.engine.journal import Entry, Header
from returnflow.engine.machine import propose
from returnflow.engine.vocabulary import Event
from returnflow.engine.words import render
from returnflow.returns.events import ReturnOpened, Told
from returnflow.testing import generate_shop, mutate, random_call

SHORTEST, LONGEST = 8, 30
"""Events of a call, at least and at most."""

DEVIATING = 10
"""One call of so many deviates: the procedure's table refuses an event of it."""

DISTINCT = 2000
"""So many legal calls are made up, and as many that deviate: a slip in each of them."""

TO_A_RETURN = (
    "identified",
    "order_selected",
    "eligibility_checked",
    "initiating_return",
    "return_initiated",
    "closed",
)
"""The states that every second call makes for. It opens a return; what is drawn seldom does."""

_HOLE = b"\0"
_ID = re.compile(r"\S*[\d@]\S*")
_NAMES_AN_ID = re.compile(r"_id$|^email$|^key$|^subject$|^reference$|^active_orders$")


class Template(msgspec.Struct, frozen=True):
    """A call as a line of the log, with a hole behind every id in it.

    Args:
        legal: the table takes every event.
        rows: for each event the number of the row that the table takes, of those of its state
            and name; -1 from the first on that is refused.
    """

    line: bytes
    legal: bool
    rows: list[int]

    def filled(self, number: int) -> bytes:
        """The line of the call of that number."""
        return self.line.replace(_HOLE, b"-%06d" % number)

    @property
    def events(self) -> int:
        """How many there are."""
        return len(self.rows)


@dataclass(frozen=True)
class Templates:
    """The distinct calls."""

    legal: Sequence[Template]
    deviating: Sequence[Template]


@cache
def procedure() -> Definition:
    """The procedure that comes with the program."""
    return load(bundled("states") / "handling_returns.yaml")


def templates(distinct: int, folder: Path | None = None) -> Templates:
    """So many legal calls and as many deviating ones; made where they are not in the cache.

    Args:
        folder: of the cache; None: the user's cache folder.
    """
    place = folder or platformdirs.user_cache_path("returnflow-benchmarks", False)
    path = place / f"calls-{distinct}-{_digest()}.msgpack"
    if path.exists():
        found = msgspec.msgpack.decode(path.read_bytes(), type=list[Template])
    else:
        found = list(_made(distinct))
        place.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_bytes(msgspec.msgpack.encode(found))
        new.replace(path)
    return Templates([each for each in found if each.legal], [x for x in found if not x.legal])


def calls(known: Templates, wanted: int, seed: int = 1) -> Iterator[tuple[Template, int]]:
    """The templates of a log of so many calls, in its order, and the number of each."""
    rng = Random(seed)
    legal, deviating = _again(known.legal, rng), _again(known.deviating, rng)
    slips: set[int] = set()
    for number in range(wanted):
        if number % DEVIATING == 0:
            slips = {number + rng.randrange(DEVIATING)}
        yield next(deviating if number in slips else legal), number


def write(path: Path, chosen: Iterable[tuple[Template, int]]) -> int:
    """Writes a log; how many events it holds."""
    events = 0
    with path.open("wb") as file:
        for template, number in chosen:
            file.write(template.filled(number) + b"\n")
            events += template.events
    return events


def _again(known: Sequence[Template], rng: Random) -> Iterator[Template]:
    """All of them in some order, then all of them in another, and so on."""
    while True:
        yield from rng.sample(known, len(known))


# -- making calls up --------------------------------------------------------------------------


def _made(distinct: int) -> Iterator[Template]:
    """The calls of the first seeds that give one of the right length."""
    print(f"Making up {distinct} calls and as many with a slip …", file=sys.stderr, flush=True)
    told = time.monotonic()
    with ProcessPoolExecutor(_cores()) as pool:
        seeds = count(1)
        done = 0
        while done < distinct:
            wave = list(islice(seeds, min(64, distinct - done)))
            for pair in pool.map(of_seed, wave, chunksize=4):
                if pair and done < distinct:
                    done += 1
                    yield from pair
            if time.monotonic() - told > 5:
                told = time.monotonic()
                print(f"  {done} of {distinct}", file=sys.stderr, flush=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def of_seed(seed: int) -> list[Template]:
    """A legal call and the same one with a slip, of a seed; nothing where none was found."""
    definition = procedure()
    rng = Random(seed)
    towards = TO_A_RETURN if seed % 2 else ()
    for _ in range(100):
        shop = generate_shop(rng)
        events = random_call(definition, rng, shop, rng.randint(SHORTEST + 2, LONGEST), towards)
        opened = any(isinstance(event, ReturnOpened) for event in events)
        if len(events) >= SHORTEST and (opened or not towards):
            break
    else:
        return []
    told = _with_words(definition, events, shop.today, shop.zone)
    begun = partial(_template, definition, shop.today, shop.zone)
    legal = begun(told)
    assert legal.legal, f"seed {seed}: a call that was made up is refused"
    for _ in range(200):
        slipped = mutate(told, rng, definition.vocabulary, shop=shop).events
        if SHORTEST <= len(slipped) <= LONGEST:
            found = begun(slipped)
            if not found.legal:
                return [legal, found]
    return []


def _with_words(
    definition: Definition, events: Sequence[Event], day: Any, zone: str
) -> list[Event]:
    """The events, with the procedure's words in those that record something as said."""
    vocabulary = definition.vocabulary
    case = vocabulary.new_case(day, zone)
    found: list[Event] = []
    state = definition.initial
    for event in events:
        if isinstance(event, Told):
            dues = (due for make in vocabulary.dues.values() for due in make(case))
            for due in dues:
                if (due.notice, due.subject) == (event.notice, event.subject):
                    scope = {**vocabulary.scope(case), "due": dict(due.values)}
                    words = render(definition.notices[due.notice], scope)
                    event = msgspec.structs.replace(event, words=words)
                    break
        found.append(event)
        state, case, _ = _step(definition, state, case, event)
    return found


def _step(
    definition: Definition, state: str, case: Any, event: Event
) -> tuple[str, Any, int | None]:
    """State and facts after an event, and the number of the row that takes it."""
    candidate = case.copy()
    candidate.apply(event)
    step = propose(definition.rows, state, event, candidate)
    if step.row is None or step.row.to is None:
        return state, case, None
    return step.target, case if step.row.discard else candidate, step.row.number


def _template(definition: Definition, day: Any, zone: str, events: Sequence[Event]) -> Template:
    case = definition.vocabulary.new_case(day, zone)
    state, legal = definition.initial, True
    entries, rows = [], []
    for seq, event in enumerate(events, 1):
        state, case, row = _step(definition, state, case, event)
        legal = legal and row is not None
        rows.append(row if legal and row is not None else -1)
        assert event.at is not None
        end = definition.states[state].kind == "end" and seq == len(events)
        entries.append(
            Entry(seq=seq, kind="event", at=event.at, state=state, ended=end, event=event)
        )
    header = Header(
        case_id="CALL1",
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent="agent.7",
        policy_date=day,
        zone=zone,
        backend="benchmark:",
        started_at=entries[0].at,
    )
    line = export_case(header, entries, mask=None).decode()
    return Template(_holed(line, events), legal, rows)


def _holed(line: str, events: Sequence[Event]) -> bytes:
    """The line with a hole behind every id in it, wherever it stands and however it is spelled."""
    known = {"call1"}
    for event in events:
        _collect(msgspec.to_builtins(event), "", known)
    # The longest first: an id may begin as another does.
    either = "|".join(re.escape(each) for each in sorted(known, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w@.-])(?:{either})(?![\w@-])", re.IGNORECASE)
    assert _HOLE.decode() not in line
    return pattern.sub(_hole, line).encode()


def _hole(match: re.Match[str]) -> str:
    name, at, rest = match[0].partition("@")
    return f"{name}{_HOLE.decode()}{at}{rest}"


def _collect(value: Any, field: str, known: set[str]) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            _collect(each, name, known)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(each, field, known)
    elif isinstance(value, str) and _NAMES_AN_ID.search(field) and _ID.fullmatch(value.strip()):
        known.add(value.strip().casefold())


def _digest() -> str:
    """Of all code and data that the calls depend on, in short."""
    found = hashlib.sha256()
    root = Path(returnflow.__file__).parent
    ours: Callable[[str], list[Path]] = lambda name: sorted((root / name).glob("*.py"))  # noqa: E731
    files = [*ours("engine"), *ours("returns"), *ours("testing"), root / "records.py"]
    for path in [*files, Path(__file__), bundled("states") / "handling_returns.yaml"]:
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
