"""Replay names the rules that a recorded call broke: beside what it found, never twice, and never
for what the record does not show."""

from __future__ import annotations

from random import Random

import pytest

from returnflow.bundled import bundled
from returnflow.engine import definition
from returnflow.engine.rules import Activity, never
from returnflow.engine.transcript import Transcript
from returnflow.engine.vocabulary import Event, event_name
from returnflow.replay.judge import Judge
from returnflow.sop.proof import Prover
from returnflow.sop.search import counterexample
from returnflow.testing import curated_shop, generate_shop, random_call

TEXT = (bundled("states") / "handling_returns.yaml").read_text(encoding="utf-8")
SHIPPED = definition.loads(TEXT)
JUDGE = Judge(SHIPPED)


def transcript(events: list[Event], **more: object) -> Transcript:
    """A recorded call of these events, on the day of the fixed shop."""
    shop = curated_shop()
    made = Transcript(
        case_id="C",
        source="made up",
        format="native",
        policy_date=shop.today,
        zone=shop.zone,
        events=events,
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def closed_call() -> list[Event]:
    """A shortest call that is closed after a return: it breaks the rule that none is."""
    closes = never(Activity(events=frozenset({"satisfied"}), to=frozenset({"closed"})))
    found = counterexample(SHIPPED, closes, Prover(SHIPPED).prove(closes).way)
    assert found is not None
    return list(found.events)


CLOSED = closed_call()


def test_a_call_that_is_in_order_breaks_no_rule() -> None:
    """Nothing is found, and no rule named."""
    report = JUDGE.judge(transcript(CLOSED))
    assert (report.verdict, report.findings) == ("conforms", ())


@pytest.mark.parametrize(
    ("missing", "rules"),
    [
        ("item_found", {"item_looked_up", "items_all_looked_up"}),
        ("package_found", {"package_looked_up"}),
        ("customer_found", {"identified_first"}),
        ("return_confirmed", {"agreed_first"}),
        ("return_requested", {"outcome_of_a_request"}),
    ],
)
def test_what_was_left_out_is_one_finding_with_its_rule(missing: str, rules: set[str]) -> None:
    """The rule stands beside the finding, and the count of findings is that without rules."""
    events = [event for event in CLOSED if event_name(event) != missing]
    report = JUDGE.judge(transcript(events))
    without = Judge(
        definition.loads(TEXT[: TEXT.index("rules:\n")] + TEXT[TEXT.index("anywhere:\n") :])
    )
    bare = without.judge(transcript(events))
    assert [each.kind for each in report.findings] == [each.kind for each in bare.findings]
    assert report.score == bare.score
    named = {rule for each in report.findings for rule in each.rules}
    assert rules <= named


def test_a_notice_that_was_not_given_breaks_its_rule_alone() -> None:
    """Closed without one of the three: the rule of that one, and no other."""
    events = [e for e in CLOSED if getattr(e, "notice", "") != "shipping_not_refunded"]
    report = JUDGE.judge(transcript(events))
    named = [each.rules for each in report.findings if each.notice == "shipping_not_refunded"]
    assert named == [("shipping_told",)]
    assert {rule for each in report.findings for rule in each.rules} == {"shipping_told"}


def test_what_the_format_cannot_show_breaks_no_rule() -> None:
    """A log without what was told, without the customer's answers, or cut in the middle."""
    answers = {"email_given", "order_id_given", "items_picked", "return_confirmed", "told"}
    events = [event for event in CLOSED if event_name(event) not in answers]
    report = JUDGE.judge(transcript(events, unobservable=frozenset(answers)))
    assert not [each.rules for each in report.findings if each.rules]


@pytest.mark.parametrize("seed", range(8))
def test_no_legal_call_breaks_a_rule(seed: int) -> None:
    """Whatever the customer and the shop say; looked at even where all is proved."""
    rng = Random(seed)
    shop = generate_shop(rng)
    every = Judge(SHIPPED, unproved=list(SHIPPED.rules))
    made = transcript(random_call(SHIPPED, rng, shop), policy_date=shop.today, zone=shop.zone)
    report = every.judge(made)
    assert not [each for each in report.findings if each.rules or each.kind == "rule_broken"]


def test_a_rule_that_is_not_proved_can_be_broken_by_a_call_that_fits() -> None:
    """It is then a finding of its own, as grave as the rule says."""
    rule = (
        "rules:\n  lamps_stay:\n    says: Nothing is damaged on a Monday.\n    step: '5'\n"
        "    severity: minor\n    for: item\n    not_succession: [items_picked, return_opened]\n"
    )
    loaded = definition.loads(TEXT.replace("rules:\n", rule, 1))
    report = Judge(loaded, unproved={"lamps_stay"}).judge(transcript(CLOSED))
    (found,) = report.findings
    assert (found.kind, found.severity, found.step) == ("rule_broken", "minor", "5")
    assert found.rules == ("lamps_stay",)
    assert found.reason.startswith("Nothing is damaged on a Monday. It was broken about item LAMP")
    assert found.index == [event_name(event) for event in CLOSED].index("return_opened")
    assert report.verdict == "violates"
    assert Judge(loaded).judge(transcript(CLOSED)).findings == ()
