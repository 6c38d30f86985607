"""The replay benchmark in small: its log, and that all who check guards agree. Nothing is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from benchmarks import peers, replay
from benchmarks.replay_log import (
    DEVIATING,
    LONGEST,
    SHORTEST,
    Templates,
    calls,
    of_seed,
    procedure,
    templates,
)

from returnflow.engine.event_log import import_case
from returnflow.returns.events import Told

ROOT = Path(__file__).parents[2]
DISTINCT = 24
CALLS = 200


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def known(cache: Path) -> Templates:
    return templates(DISTINCT, cache)


@pytest.fixture
def setting(known: Templates, tmp_path: Path) -> replay.Setting:
    options = Namespace(calls=CALLS, peers=list(peers.GUARDED), rounds=1)
    return replay.Setting(options, tmp_path, procedure(), known)


def events_of(line: bytes) -> list[Any]:
    _, entries = import_case(line, procedure().vocabulary.events)
    return [each.event for each in entries]


# -- the log ----------------------------------------------------------------------------------


def test_the_log_is_the_same_at_every_making(known: Templates, cache: Path) -> None:
    seeds = islice(made_anew(), 3)
    assert [list(pair) for pair in seeds] == [
        [legal, slipped]
        for legal, slipped in zip(known.legal[:3], known.deviating[:3], strict=True)
    ]
    assert templates(DISTINCT, cache) == known, "what is kept is what was made"
    assert list(calls(known, 50)) == list(calls(known, 50))


def made_anew() -> Iterator[Any]:
    return (pair for seed in range(1, 1000) if (pair := of_seed(seed)))


def test_calls_have_8_to_30_events_and_one_in_ten_deviates(known: Templates) -> None:
    assert (len(known.legal), len(known.deviating)) == (DISTINCT, DISTINCT)
    chosen = list(calls(known, 200))
    assert sum(not template.legal for template, _ in chosen) == 200 // DEVIATING
    assert {template.legal for template, _ in chosen[: DEVIATING * 2]} == {True, False}
    for template, number in chosen:
        events = events_of(template.filled(number))
        assert SHORTEST <= len(events) == template.events <= LONGEST


def test_every_call_has_ids_and_addresses_of_its_own(known: Templates) -> None:
    fields = ("email", "order_id", "customer_id", "item_id", "package_id", "tracking_id", "key")
    for template in (*known.legal, *known.deviating):
        one, other = (values(template.filled(number), fields) for number in (1, 2))
        assert one, template.line
        assert not {each for each in one & other if any(c.isdigit() for c in each)}


def values(line: bytes, fields: tuple[str, ...]) -> set[str]:
    """The texts under fields of those names, anywhere."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.update(value[name] for name in fields if isinstance(value.get(name), str))
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(msgspec.json.decode(line)["events"])
    return found - {""}


def test_what_was_told_stands_there_in_words(known: Templates) -> None:
    told = [
        event
        for template in known.legal
        for event in events_of(template.filled(7))
        if isinstance(event, Told)
    ]
    assert told
    assert all(each.words for each in told)
    tracking = [each for each in told if each.notice == "tracking_id"]
    assert tracking
    assert all(each.subject in each.words for each in tracking)


# -- the peers --------------------------------------------------------------------------------


def test_all_who_check_guards_agree_on_every_call(
    setting: replay.Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    """transitions, Automat, python-statemachine, sismic, the table alone, and replay itself."""
    replay.agree(setting, setting.chosen)
    said = capsys.readouterr().err
    assert f"each of {CALLS} calls" in said
    assert all(name in said for name in peers.GUARDED)


@pytest.mark.parametrize("answer", [True, False])
def test_a_peer_that_does_not_agree_is_named(setting: replay.Setting, answer: bool) -> None:
    class Wrong:
        name = about = "wrong"

        def accepts(self, *_: object) -> bool:
            return answer

    setting.guarded = {"wrong": Wrong()}
    with pytest.raises(SystemExit, match=f"wrong answers {answer}, and not {not answer}"):
        replay.agree(setting, setting.chosen)


def test_the_benchmark_runs(cache: Path, known: Templates) -> None:
    """The command itself, on few calls; what it measures there is not looked at."""
    options = (
        f"--cache {cache} --distinct {DISTINCT} --calls 60 --rounds 2 --large 80 --sequences 12"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "replay", "--json", *options.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stderr
    tables = json.loads(ran.stdout)["tables"]
    names = {each["name"] for table in tables for each in table["figures"]}
    assert {"transitions, one shared machine", "Automat", "sismic", "returnflow replay"} <= names
    assert {"pm4py, token-based replay", "pm4py, its default search", "two processes"} <= names
    targets = [each["name"] for table in tables for each in table["targets"]]
    assert "transitions, one shared machine ÷ returnflow replay" in targets
    assert "--jobs 2, 80 calls ÷ 60 calls" in targets
