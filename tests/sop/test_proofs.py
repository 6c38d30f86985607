"""Rules are proved, or refuted by a call, or left open; never proved where a call breaks them."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from returnflow.bundled import bundled
from returnflow.engine import definition
from returnflow.engine.abstraction import Kind
from returnflow.engine.definition import Definition
from returnflow.engine.rules import Rule
from returnflow.engine.session import Session
from returnflow.errors import DefinitionError
from returnflow.returns.abstraction import ABSTRACTION
from returnflow.sop.kept import unproved
from returnflow.sop.proof import Prover, reach
from returnflow.sop.search import Happened, breaks, seen
from returnflow.sop.verdicts import verdicts
from returnflow.testing import candidates, generate_shop, walk
from returnflow.testing.sop_mutants import Mutant, load_mutant, mutants

PATH = bundled("states") / "handling_returns.yaml"
TEXT = PATH.read_text(encoding="utf-8")
SHIPPED = definition.load(PATH)
MUTANTS = list(mutants(TEXT))
SECOND = definition.load(bundled("states") / "delayed_package.yaml")
SECOND_MUTANTS = list(mutants(SECOND.text))


def noticed(mutant: Mutant) -> str:
    """What notices that something was left out: a load-time check, a rule, or nothing."""
    try:
        loaded = load_mutant(mutant)
    except DefinitionError:
        return "check"
    prover = Prover(loaded)
    # The cheapest first; which one notices it makes no difference.
    for rule in sorted(loaded.rules.values(), key=lambda r: (r.template != "absence", r.about)):
        if rule.template == "can_reach":
            if not reach(loaded, rule).surely:
                return "rule"
        elif prover.prove(rule).way is not None:
            return "rule"
    return "nothing"


@pytest.mark.parametrize("shipped", [SHIPPED, SECOND], ids=lambda each: each.sop)
def test_every_rule_of_a_shipped_procedure_is_proved(shipped: Definition) -> None:
    """All of them, and each step of the procedure is covered by one."""
    assert {each.rule.name for each in verdicts(shipped) if each.answer != "proved"} == set()
    assert len(shipped.rules) >= 15
    assert {rule.step for rule in shipped.rules.values()} | {"end"} == set(shipped.steps)


@pytest.mark.parametrize("part", range(4))
def test_whatever_is_left_out_of_the_procedure_is_noticed(part: int) -> None:
    """Without any one row, guard or notice, a load-time check or a rule fails."""
    by = {each.left_out + each.what: (each.what, noticed(each)) for each in MUTANTS[part::4]}
    found = Counter(by.values())
    assert not [left_out for left_out, (_, what) in by.items() if what == "nothing"]
    assert sum(found.values()) > 60
    assert found["row", "rule"]
    assert found["guard", "rule"]


def test_whatever_is_left_out_of_the_second_procedure_is_noticed() -> None:
    """As of the first."""
    by = {each.left_out + each.what: noticed(each) for each in SECOND_MUTANTS}
    assert not [left_out for left_out, what in by.items() if what == "nothing"]
    assert len(by) == len(SECOND_MUTANTS) > 150


@pytest.mark.parametrize(
    ("shipped", "left"), [(SHIPPED, MUTANTS), (SECOND, SECOND_MUTANTS)], ids=["first", "second"]
)
def test_every_kind_of_thing_is_left_out(shipped: Definition, left: list[Mutant]) -> None:
    """Every row as it is written, every guard of it, every notice."""
    rows = {row.place for row in shipped.all_rows()}
    guards = {(row.place, guard.name) for row in shipped.all_rows() for guard in row.guards}
    have = Counter(each.what for each in left)
    assert have == {"row": len(rows), "guard": len(guards), "notice": len(shipped.notices)}


# -- never proved where a call breaks it ------------------------------------------------------


def broken_by(loaded: Definition, seed: int) -> set[str]:
    """The rules that a generated call breaks, with all that was tried and refused on its way."""
    rng = Random(seed)
    shop = generate_shop(rng)
    events, _ = walk(loaded, Random(seed), shop, 40)
    session = Session(loaded, shop.today, shop.zone)
    call: list[Happened] = []
    found = set()
    for event in events:
        for other in [*candidates(session, shop.copy(), rng), event]:
            after = session.case.copy()
            after.apply(other)
            step = session.propose(other)
            tried = [*call, Happened(session.case, other, after, step)]
            for rule in loaded.rules.values():
                if rule.name in found or not _may_break(rule, tried[-1], loaded):
                    continue
                kind = ABSTRACTION.kinds.get(rule.about)
                if breaks(loaded, rule, kind, tried)[0]:
                    found.add(rule.name)
        session.accept(step)
        call = tried
    return found


def _may_break(rule: Rule, last: Happened, loaded: Definition) -> bool:
    """Whether the last event can have broken the rule; saves looking at the whole call."""
    if rule.template == "can_reach" or rule.first.refused is last.step.accepted:
        return False
    if loaded.states[last.step.target].kind == "end":
        return True
    broken_by_it = rule.first if rule.then is None else rule.then
    return not broken_by_it.events or seen(last, loaded).name in broken_by_it.events


@pytest.mark.parametrize("seed", range(6))
def test_no_generated_call_breaks_a_proved_rule(seed: int) -> None:
    """Of the shipped procedure, of which every rule is proved."""
    assert broken_by(SHIPPED, seed) == set()


@pytest.mark.parametrize("seed", range(30))
def test_no_call_of_a_worse_procedure_breaks_what_is_proved_of_it(seed: int) -> None:
    """Procedures with something left out load and break rules; never one that is proved."""
    rng = Random(seed)
    mutant = rng.choice([each for each in MUTANTS if each.what != "notice"])
    try:
        loaded = load_mutant(mutant)
    except DefinitionError:
        return  # nothing can be proved of it, since it does not load
    open_ = unproved(loaded)
    broken = set().union(*(broken_by(loaded, rng.randrange(10_000)) for _ in range(3)))
    assert broken <= open_, mutant.left_out


# -- refuted ----------------------------------------------------------------------------------


def test_a_rule_that_does_not_hold_is_refuted_by_a_call_that_was_run() -> None:
    """Whoever lets the call close before the notices were given sees the call that does it."""
    bad = TEXT.replace(
        "- {event: satisfied, when: [notices_given], to: closed}",
        "- {event: satisfied, to: closed}",
    ).replace("      - {event: satisfied, refuse: notices_owed}\n", "")
    loaded = definition.loads(bad)
    found = {each.rule.name: each for each in verdicts(loaded) if each.answer != "proved"}
    assert set(found) == {"tracking_id_told", "shipping_told", "approval_told"}
    for each in found.values():
        assert each.answer == "refuted"
        assert each.call is not None
        session = Session.folded(
            loaded, each.call.shop.today, each.call.shop.zone, each.call.events
        )
        assert session.state.name == "closed"
        assert session.case.owed_notices()
        assert each.call.subject == f"return {session.case.opened[0].tracking_id}"
        # No call gets there with fewer: an address, an order, an item, a yes, and their answers.
        assert len(each.call.events) == 11


def test_a_way_that_no_call_was_found_to_go_is_told_and_not_called_proved() -> None:
    """Of what the declared facts do not tell the answer is open, with the way they leave."""
    rule = (
        "  never_unavailable:\n    says: A choice is never too large.\n    step: '4a'\n"
        "    absence: {event: items_picked, when: [choice_explained], unless: [choice_explained]}\n"
        "  fraud:\n    says: Who has open orders has one that loads.\n    step: '2'\n"
        "    not_succession: [{event: order_id_unknown, when: [no_open_orders]},"
        " {event: order_id_unknown, unless: [no_open_orders]}]\n    anew: [email_given]\n"
    )
    loaded = definition.loads(TEXT.replace("rules:\n", f"rules:\n{rule}", 1))
    found = {each.rule.name: each for each in verdicts(loaded)}
    assert found["never_unavailable"].answer == "proved"
    assert found["fraud"].answer == "cannot tell"
    assert found["fraud"].way is not None
    assert [step.event for step in found["fraud"].way.steps][-2:] == ["order_id_unknown"] * 2
    assert unproved(loaded) == {"fraud"}


def test_a_state_without_a_way_to_a_person_is_found() -> None:
    """`can_reach` is refuted with a call to the state from which nothing leads there."""
    bad = TEXT.replace(
        "- {event: human_requested, when: [summary_given], to: transferring}",
        "- {event: human_requested, when: [summary_given], to: abandoned}",
    )
    with pytest.raises(DefinitionError, match="transferring"):
        definition.loads(bad)
    less = TEXT.replace(
        "      - {event: told, stay: true}\n      - {event: satisfied, when",
        "      - {event: told, stay: true}\n      - {event: human_requested, stay: true}\n"
        "      - {event: satisfied, when",
    ).replace(
        "{event: another_return, when: [notices_given], to: identified}",
        "{event: another_return, when: [notices_given], to: closed}",
    )
    found = {each.rule.name: each for each in verdicts(definition.loads(less))}
    reached = found["transfer_within_reach"]
    assert reached.answer == "refuted"
    assert reached.reason.startswith("no row leads from return_initiated to transferring")
    assert reached.call is not None


def test_a_rule_about_each_subject_is_about_one_at_a_time() -> None:
    """Two returns with a notice each are two returns that lack two notices each."""
    kind: Kind = ABSTRACTION.kinds["return"]
    assert kind.events == {"return_opened", "told"}
