"""What is noticed when something is left out of the shipped procedure.

Each row, each guard of a row and each notice is left out, one at a time. A load-time check or a
rule that is no longer proved ought to notice it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from statistics import median
from time import perf_counter

from benchmarks.measure import Figure, Table, Target
from returnflow.bundled import bundled
from returnflow.engine.definition import Definition
from returnflow.errors import DefinitionError
from returnflow.sop.proof import Prover, reach
from returnflow.testing.sop_mutants import load_mutant, mutants

ABOUT = "what is noticed when a row, a guard or a notice is left out of the procedure"


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark: there are none."""


def measure(options: Namespace) -> list[Table]:
    """Runs the benchmark."""
    text = (bundled("states") / "handling_returns.yaml").read_text(encoding="utf-8")
    noticed: Counter[tuple[str, str]] = Counter()
    taken: list[float] = []
    for mutant in mutants(text):
        started = perf_counter()
        try:
            by = "a rule" if _open(load_mutant(mutant)) else "nothing"
        except DefinitionError:
            by = "a check"
        taken.append((perf_counter() - started) * 1000)
        noticed[mutant.what, by] += 1
        if by == "nothing":
            print(f"survives: {mutant.what}, {mutant.left_out}")
    figures = [
        Figure(f"{what} left out, noticed by {by}", None, float(count), None, len(taken))
        for (what, by), count in sorted(noticed.items())
    ]
    survivors = sum(count for (_, by), count in noticed.items() if by == "nothing")
    every = Figure("all", None, float(len(taken)), None, len(taken))
    times = Figure("one mutant, checked and proved", None, median(taken), None, len(taken))
    return [
        Table(
            "Left out of the procedure (measured: mutants)",
            "mutants",
            [every, *figures],
            "all",
            [Target("survivors", float(survivors), 0.0, "mutants")],
        ),
        Table("Time", "ms", [times], "", []),
    ]


def _open(definition: Definition) -> bool:
    """Whether a rule is not proved."""
    prover = Prover(definition)
    rules = sorted(definition.rules.values(), key=lambda r: (r.template != "absence", r.about))
    return any(
        not reach(definition, rule).surely
        if rule.template == "can_reach"
        else prover.prove(rule).way is not None
        for rule in rules
    )
