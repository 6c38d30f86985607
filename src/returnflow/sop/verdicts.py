"""What is known of each rule of a procedure: proved, refuted by a call, or not to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from returnflow.engine.definition import Definition
from returnflow.engine.rules import Rule
from returnflow.sop.proof import Prover, Way, reach

if TYPE_CHECKING:
    from returnflow.sop.search import Counterexample

Answer = Literal["proved", "refuted", "cannot tell"]


@dataclass(frozen=True)
class RuleVerdict:
    """What is known of one rule.

    Args:
        facts: the declared facts that the proof followed.
        call: a real call that breaks it, run on the machine; where it is refuted.
        way: where it cannot be told, the way that the declared facts leave open.
        reason: the answer in a sentence, where it is not proved.
    """

    rule: Rule
    answer: Answer
    facts: tuple[str, ...] = ()
    call: Counterexample | None = None
    way: Way | None = None
    reason: str = ""


def verdicts(
    definition: Definition, *, searching: Callable[[Rule], None] | None = None
) -> Iterator[RuleVerdict]:
    """What is known of each rule, in the order of the file.

    Args:
        searching: told of each rule for which a call that breaks it is looked for, which can
            take some seconds.
    """
    prover = Prover(definition)
    for rule in definition.rules.values():
        if rule.template == "can_reach":
            yield _reach(definition, rule)
            continue
        outcome = prover.prove(rule)
        if outcome.way is None:
            yield RuleVerdict(rule, "proved", outcome.facts)
            continue
        if searching is not None:
            searching(rule)
        call = _searched(definition, rule, outcome.way)
        if call is not None:
            about = f", about {call.subject}" if call.subject else ""
            reason = f"this call breaks it{about}"
            yield RuleVerdict(rule, "refuted", outcome.facts, call=call, reason=reason)
            continue
        reason = (
            "the facts that the vocabulary declares leave this way open, and no call was found "
            "that breaks the rule"
        )
        yield RuleVerdict(rule, "cannot tell", outcome.facts, way=outcome.way, reason=reason)


def _searched(
    definition: Definition, rule: Rule, way: Way | None, states: frozenset[str] = frozenset()
) -> Counterexample | None:
    # Imported late: where all is proved, no shop is needed to look for a call in.
    from returnflow.sop.search import counterexample

    return counterexample(definition, rule, way, states)


def _reach(definition: Definition, rule: Rule) -> RuleVerdict:
    found = reach(definition, rule)
    if found.surely:
        return RuleVerdict(rule, "proved")
    goal = " or ".join(sorted(rule.first.to))
    if found.barred:
        call = _searched(definition, rule, None, frozenset(found.barred))
        reason = f"no row leads from {', '.join(found.barred)} to {goal}"
        if call is not None:
            reason += "; this call gets there"
        return RuleVerdict(rule, "refuted", call=call, reason=reason)
    reason = (
        f"whether a call can get from {', '.join(found.open)} to {goal} depends on facts, or on "
        "what the shop answers"
    )
    return RuleVerdict(rule, "cannot tell", reason=reason)
