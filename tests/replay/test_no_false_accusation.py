"""Not one false accusation: a legal call never violates, however little of it a log shows.

The calls are made up, legal by construction, and told in every format; then facts are taken away,
one by one and by the handful. A failure names the seed. Calls that went on upon a later day are
told only where the format can show that.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from replay import rendering
from replay.rendering import ABSENT, Telling, Tool
from returnflow.engine.definition import Definition, load
from returnflow.replay.findings import Finding, Report
from returnflow.replay.judge import Judge
from returnflow.testing import generate_shop, random_call

SEEDS = range(240)
FEW = range(24)
SHARE = 0.25
"""Of the facts of a chat, those that are taken away one by one; drawn anew for each call."""
REDACTIONS = ("[PII]", "[REDACTED]", "[EMAIL]", "[NOT RECORDED]")


@cache
def definition() -> Definition:
    return load(Path(__file__).parents[2] / "states" / "handling_returns.yaml")


@cache
def judge() -> Judge:
    return Judge(definition())


@cache
def telling(seed: int) -> Telling:
    shop = generate_shop(Random(seed))
    events = random_call(definition(), Random(f"call {seed}"), shop, max_events=40)
    return rendering.told(
        definition(), events, shop.today, shop.zone, f"call-{seed}", Random(f"told {seed}")
    )


def told(seeds: range) -> list[Telling]:
    """The calls of one day."""
    return [each for seed in seeds if not (each := telling(seed)).resumed]


def judged(format: str, data: bytes | str, **known: Any) -> Report:
    (transcript,) = rendering.read(format, data, **known)
    return judge().judge(transcript)


def accusations(report: Report) -> list[Finding]:
    return [each for each in report.findings if each.severity != "remark"]


def open_at_the_end(call: Telling) -> bool:
    """Whether the call broke off with something owed: a log that shows no end shows just that."""
    case = call.case
    return bool(case.owed_notices()) or case.sent is not None or case.transfer is not None


def innocent(report: Report, call: Telling | None = None) -> bool:
    """Whether nothing is held against the agent, but for an end that was left open."""
    broken_off = call is not None and open_at_the_end(call)
    return report.verdict != "violates" or (
        broken_off
        and all(each.kind in ("unfinished", "notice_missing") for each in accusations(report))
    )


def said(label: str, report: Report) -> str:
    return f"{label}: {[(f.kind, f.index, f.state, f.reason) for f in accusations(report)]}"


# -- whole calls in every format --------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_our_own_log_of_a_legal_call_conforms(seed: int) -> None:
    report = judged("native", rendering.native(telling(seed), definition()))
    assert report.verdict == "conforms", said(f"seed {seed}", report)
    assert report.fitness == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_legal_call_told_as_a_chat_does_not_violate(seed: int) -> None:
    call = telling(seed)
    if call.resumed:
        call = copy.copy(call)
        call.day = None  # it has two days, and the format can show one
    report = judged("chat", rendering.dumps(rendering.chat(call)))
    assert innocent(report, call), said(f"seed {seed}", report)


@pytest.mark.parametrize("voice", [True, False])
def test_a_legal_call_told_by_a_contact_centre_does_not_violate(
    tmp_path: Path, voice: bool
) -> None:
    for call in told(SEEDS):
        contact, calls = rendering.contact(call, voice=voice)
        path = tmp_path / f"{call.case_id}.jsonl"
        path.write_text("".join(f"{rendering.dumps(each)}\n" for each in calls) or "\n")
        data = rendering.dumps(contact)
        report = judged("contact-lens", data, calls=path, day=call.day, zone=call.zone)
        assert innocent(report, call), said(call.case_id, report)
        alone = judged("contact-lens", data, day=call.day, zone=call.zone)
        assert alone.verdict != "violates", said(f"{call.case_id} without its calls", alone)


def test_a_table_of_the_calls_of_a_legal_call_does_not_violate() -> None:
    for call in told(SEEDS):
        if any(isinstance(part, Tool) for part in call.parts):
            data = rendering.table_of_calls(call)
            report = judged("csv", data, day=call.day, zone=call.zone)
            assert innocent(report, call), said(call.case_id, report)


@pytest.mark.parametrize("said_too", [True, False])
@pytest.mark.parametrize("bare", [True, False])
def test_a_table_of_the_events_of_a_legal_call_does_not_violate(bare: bool, said_too: bool) -> None:
    for seed in SEEDS:
        call = telling(seed)
        data = rendering.table_of_events(call, bare=bare, said=said_too)
        report = judged("csv", data, day=call.day, zone=call.zone)
        assert innocent(report, call), said(f"seed {seed}", report)


# -- cut off ----------------------------------------------------------------------------------


def test_a_call_cut_off_anywhere_lacks_at_most_what_is_owed_at_its_end() -> None:
    for call in told(FEW):
        chat = rendering.chat(call)
        messages = chat["messages"]
        for end in range(1, len(messages)):
            report = judged("chat", rendering.dumps({**chat, "messages": messages[:end]}))
            found = accusations(report)
            kinds = {each.kind for each in found}
            assert kinds <= {"unfinished", "notice_missing"}, said(f"{call.case_id}:{end}", report)
            # The reply to a call is no member of its own, so the end may be told one earlier.
            ends = {end - 1, end}
            assert {each.index for each in found} <= ends, said(f"{call.case_id}:{end}", report)
        line = json.loads(rendering.native(call, definition()))
        for end in range(1, len(line["events"])):
            part = {"events": line["events"][:end], "states": line["states"][:end]}
            report = judged("native", json.dumps({**line, **part, "ended": False}) + "\n")
            kinds = {each.kind for each in accusations(report)}
            assert kinds <= {"unfinished", "notice_missing"}, said(f"{call.case_id}:{end}", report)


# -- facts taken away -------------------------------------------------------------------------

Path_ = tuple[str | int, ...]


def texts(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where there is text."""
    for place, each in _inner(value):
        yield from texts(each, (*path, place))
    if isinstance(value, str):
        yield path


def members(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where there are members of objects."""
    for place, each in _inner(value):
        if isinstance(place, str):
            yield (*path, place)
        yield from members(each, (*path, place))


def _inner(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def changed(value: Any, path: Path_, to: Any) -> Any:
    """A copy with something else at a place; `ABSENT`: with nothing."""
    twin = copy.copy(value)
    at = twin
    for place in path[:-1]:
        at[place] = copy.copy(at[place])
        at = at[place]
    if to is ABSENT:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return twin


def redacted_events(call: Telling) -> Iterator[tuple[str, str]]:
    """Our own log with one text redacted, text by text."""
    line = json.loads(rendering.native(call, definition()))
    for number, event in enumerate(line["events"]):
        for path in texts(event):
            if path[-1] not in ("event", "at", "policy_date", "outcome"):
                twin = changed(line, ("events", number, *path), "[PII]")
                yield f"{event['event']} {path}", json.dumps(twin) + "\n"
    undated = changed(line, ("case", "policy_date"), ABSENT)
    undated["events"] = [changed(event, ("at",), ABSENT) for event in line["events"]]
    yield "no date", json.dumps(undated) + "\n"


def test_one_redacted_text_makes_no_violation() -> None:
    for call in told(FEW):
        for label, data in redacted_events(call):
            report = judged("native", data)
            assert report.verdict != "violates", said(f"{call.case_id}, {label}", report)


def less_of_a_chat(call: Telling) -> Iterator[tuple[str, Any]]:
    """A chat with one fact missing or redacted, fact by fact."""
    chat = json.loads(rendering.dumps(rendering.chat(call)))
    yield "no date", changed(chat, ("date",), ABSENT)
    for number, message in enumerate(chat["messages"]):
        here: Path_ = ("messages", number)
        if message["role"] == "assistant" and message["content"]:
            yield f"{number} redacted", changed(chat, (*here, "content"), "[PII]")
        for called in message.get("tool_calls") or ():
            text: Path_ = (*here, "tool_calls", 0, "function", "arguments")
            for label, less in _less(json.loads(called["function"]["arguments"])):
                yield f"{number} arguments {label}", changed(chat, text, json.dumps(less))
        if message["role"] == "tool":
            for content in (None, "[REDACTED]"):
                yield f"{number} result {content}", changed(chat, (*here, "content"), content)
            if message["content"].startswith("{"):
                for label, less in _less(json.loads(message["content"])):
                    twin = changed(chat, (*here, "content"), json.dumps(less))
                    yield f"{number} result {label}", twin


def _less(value: Any) -> Iterator[tuple[str, Any]]:
    for path in members(value):
        yield f"without {path}", changed(value, path, ABSENT)
        yield f"redacted {path}", changed(value, path, "[PII]")


def test_one_fact_that_a_chat_does_not_show_makes_no_violation() -> None:
    for call in told(FEW):
        rng = Random(call.case_id)
        for label, chat in less_of_a_chat(call):
            if rng.random() > SHARE:
                continue
            report = judged("chat", json.dumps(chat))
            assert innocent(report, call), said(f"{call.case_id}, {label}", report)


def thinned(value: Any, rng: Random, share: float) -> Any:
    """Data with about that share of its members missing or redacted."""
    if isinstance(value, list):
        return [thinned(each, rng, share) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, each in value.items():
        kind = rng.random() / share
        if kind < 0.5:
            continue
        found[key] = rng.choice(REDACTIONS) if kind < 1 else thinned(each, rng, share)
    return found


def thinned_chat(call: Telling, rng: Random, share: float) -> dict[str, Any]:
    """A chat with about that share of everything missing or redacted."""
    chat: dict[str, Any] = json.loads(rendering.dumps(rendering.chat(call)))
    if rng.random() < share:
        del chat["date"]
    for message in chat["messages"]:
        hidden = rng.random() < share
        if message["role"] == "tool":
            if hidden and rng.random() < 0.3:
                message["content"] = rng.choice((None, *REDACTIONS))
            elif message["content"].startswith("{"):
                less = thinned(json.loads(message["content"]), rng, share)
                message["content"] = json.dumps(less)
        elif message.get("tool_calls"):
            function = message["tool_calls"][0]["function"]
            if hidden:
                less = thinned(json.loads(function["arguments"]), rng, share)
                function["arguments"] = json.dumps(less)
        elif hidden:
            words = message["content"].split(" ")
            words[rng.randrange(len(words))] = rng.choice(REDACTIONS)
            message["content"] = " ".join(words) if rng.random() < 0.5 else rng.choice(REDACTIONS)
    return chat


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.7])
def test_facts_missing_at_random_make_no_violation(share: float) -> None:
    for call in told(SEEDS):
        rng = Random(f"{call.case_id} {share}")
        report = judged("chat", json.dumps(thinned_chat(call, rng, share)))
        assert innocent(report, call), said(call.case_id, report)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.7])
def test_texts_redacted_at_random_make_no_violation(share: float) -> None:
    for call in told(SEEDS):
        rng = Random(f"{call.case_id} {share}")
        line = json.loads(rendering.native(call, definition()))
        for number, event in enumerate(line["events"]):
            for path in texts(event):
                kept = path[-1] in ("event", "at", "policy_date", "outcome")
                if not kept and rng.random() < share:
                    line = changed(line, ("events", number, *path), rng.choice(REDACTIONS))
        report = judged("native", json.dumps(line) + "\n")
        assert report.verdict != "violates", said(call.case_id, report)
