"""Words that a log has beside what it names as said: they have to say it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from returnflow.bundled import bundled
from returnflow.engine.definition import load
from returnflow.engine.hearing import Hearing
from returnflow.engine.script import as_pattern
from returnflow.replay.findings import Finding, Report
from returnflow.replay.judge import Judge
from returnflow.replay.transcripts.reader import Options, Unit, read

LAMP = Path(__file__).parents[2] / "fixtures" / "transcripts" / "native" / "lamp-returned.jsonl"
TRACKING, SHIPPING, APPROVAL = "tracking_id", "shipping_not_refunded", "approval_before_pickup"


@cache
def judge() -> Judge:
    return Judge(load(bundled("states") / "handling_returns.yaml"))


def call(**words: str) -> dict[str, Any]:
    """The lamp's return, with the words that were said for notices."""
    made: dict[str, Any] = json.loads(LAMP.read_text(encoding="utf-8"))
    for event in made["events"]:
        if event["event"] == "told" and event["notice"] in words:
            event["words"] = words[event["notice"]]
    return made


def judged(given: dict[str, Any]) -> Report:
    (transcript,) = read(Unit("x", 1, json.dumps(given).encode(), "native"), Options("returns"))
    return judge().judge(transcript)


def only(report: Report) -> Finding:
    (found,) = report.findings
    return found


def tracking() -> str:
    (event,) = [each for each in call()["events"] if each["event"] == "return_opened"]
    return str(event["receipt"]["tracking_id"])


@pytest.mark.parametrize(
    "words",
    [
        "For 1 × Desk lamp you get back the price, 49.90 EUR. Shipping fees are not refunded.",
        "You get the price of the lamp back, but the delivery charge is not part of that.",
        "What you paid for [PII] is not refunded.",
        "",
    ],
)
def test_words_that_say_it_and_words_nobody_can_see(words: str) -> None:
    """The script itself, another wording, a redaction, and a log without words."""
    assert judged(call(**{SHIPPING: words})).findings == ()


@pytest.mark.parametrize(
    "words",
    [
        "Shipping fees will be refunded, too.",
        "Have a nice day.",
        "For 1 × lamp. Shipping fees are refunded! you get back the price, 5. Shipping is on us.",
    ],
)
def test_words_that_do_not_say_it(words: str) -> None:
    """Whatever the log calls it; with the words as evidence."""
    report = judged(call(**{SHIPPING: words}))
    found = only(report)
    assert (report.verdict, found.kind, found.severity) == ("violates", "notice_missing", "major")
    assert (found.notice, found.event) == (SHIPPING, "told")
    assert found.quote is not None
    assert found.quote.text == words
    assert found.quote.turn == found.index


def test_the_tracking_id_is_that_of_the_return() -> None:
    script = "Your return of 1 × Desk lamp has the tracking id {}. Please note it down."
    assert judged(call(**{TRACKING: script.format(tracking())})).findings == ()
    found = only(judged(call(**{TRACKING: script.format("RT-999999")})))
    assert (found.kind, found.notice) == ("notice_missing", TRACKING)


def test_words_are_looked_at_behind_a_slip_as_well() -> None:
    """Along the way that was found for the rest of the call, and once."""
    given = call(**{APPROVAL: "Somebody comes by tomorrow."})
    given["events"] = [each for each in given["events"] if each["event"] != "package_found"]
    kinds = [(each.kind, each.notice) for each in judged(given).findings]
    assert kinds == [("skipped_step", ""), ("notice_missing", APPROVAL)]


def test_a_script_is_its_own_pattern() -> None:
    """Each gap within one sentence, and with the value that is due."""
    script = as_pattern("It is {{ due.name }}, {{ due.price | upper }}.\n Note {{ due.id }}.")
    assert script is not None
    values = {"name": "a lamp", "id": 7}
    assert script.says("It is a lamp, 5.00 EUR. Note 7.", values, ["id"])
    assert not script.says("It is a lamp, 5.00 EUR. Note 8.", values, ["id"])
    assert not script.says("It is a lamp. It is free, so take it. Note 7.", values, ["id"])
    assert not script.says("It is a lamp, 5.00 EUR. Note 7. Or not.", values, ["id"])
    assert not script.says("It is a lamp, 5.00 EUR. Note 7.", values, ["name", "price", "missing"])
    assert as_pattern("{% if due.name %}It is {{ due.name }}.{% endif %}") is None
    either = as_pattern("{% if due.name %}It is {{ due.name }}.{% else %}Nobody knows.{% endif %}")
    assert either is not None
    assert either.says("It is a lamp.", values, ["name"])
    assert either.says("Nobody knows.", values, ())
    assert not either.says("", values, ())


def test_the_scripts_of_the_procedure_need_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the three notices is recognised by its own pattern."""
    definition = judge().definition
    hearing = Hearing.of(definition)
    monkeypatch.setattr(hearing, "_said", None)
    for notice in (TRACKING, SHIPPING, APPROVAL):
        text = " ".join(definition.notices[notice].split())
        for name in ("quantity", "description", "refund", "tracking_id"):
            text = text.replace("{{ due." + name + " }}", "RT-1")
        assert hearing.find(notice, text, {"tracking_id": "RT-1"}) == (0, len(text))
