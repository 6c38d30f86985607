"""Which rules of a procedure are proved, kept beside its compiled form.

Replay needs to know it: a call that the procedure takes whole keeps every proved rule, so only
the others are looked at in it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from returnflow import __version__
from returnflow.engine.definition import Definition, Keeper

if TYPE_CHECKING:
    from returnflow.engine.abstraction import Abstraction, Facts


PROOFS = 1
"""To be raised whenever the prover is mended, so that nothing is proved by what it was."""


def unproved(definition: Definition, keeper: Keeper | None = None) -> frozenset[str]:
    """The names of the rules that are not proved.

    Args:
        keeper: where the answer is kept; one that is kept there is not proved again.
    """
    if not definition.rules:
        return frozenset()
    key = _key(definition)
    if keeper is not None and (kept := keeper.get(key)) is not None:
        try:
            names = json.loads(kept)
        except ValueError:
            names = None
        if isinstance(names, list):
            return frozenset(str(each) for each in names)
    # Imported late: what is kept needs no prover.
    from returnflow.sop.proof import Prover, reach

    prover = Prover(definition)
    names = [
        rule.name
        for rule in definition.rules.values()
        if not (
            reach(definition, rule).surely
            if rule.template == "can_reach"
            else prover.prove(rule).way is None
        )
    ]
    if keeper is not None:
        keeper.put(key, json.dumps(names).encode())
    return frozenset(names)


def _key(definition: Definition) -> str:
    """What the proofs depend on: the text, the program, and what the vocabulary declares."""
    vocabulary = definition.vocabulary
    abstraction = vocabulary.abstraction() if vocabulary.abstraction else None
    parts = [__version__, str(PROOFS), definition.digest, *_declared(abstraction)]
    return hashlib.sha256("\0".join(["proofs", *parts]).encode()).hexdigest()


def _declared(abstraction: Abstraction | None) -> list[str]:
    if abstraction is None:
        return []
    said = [_facts(facts) for facts in abstraction.together.values()]
    events = [f"{kind.name} {sorted(kind.events)}" for kind in abstraction.kinds.values()]
    return [*said, *events, str(sorted(abstraction.free))]


def _facts(facts: Facts) -> str:
    return f"{list(facts.tests)} {facts.effects} {facts.guards} {facts.always}"
