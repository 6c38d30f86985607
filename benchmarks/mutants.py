"""What is noticed when something is left out of the shipped procedures.

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
    tables = []
    taken: list[float] = []
    for name in ("handling_returns", "delayed_package"):
        text = (bundled("states") / f"{name}.yaml").read_text(encoding="utf-8")
        tables.append(_left_out(name, text, taken))
    times = Figure("one mutant, checked and proved", None, median(taken), None, len(taken))
    return [*tables, Table("Time", "ms", [times], "", [])]


def _left_out(name: str, text: str, taken: list[float]) -> Table:
    """What is noticed of one procedure.

    Args:
        taken: the times in ms are put here.
    """
    noticed: Counter[tuple[str, str]] = Counter()
    for mutant in mutants(text):
        started = perf_counter()
        try:
            by = "a rule" if _open(load_mutant(mutant)) else "nothing"
        except DefinitionError:
            by = "a check"
        taken.append((perf_counter() - started) * 1000)
        noticed[mutant.what, by] += 1
        if by == "nothing":
            print(f"survives in {name}: {mutant.what}, {mutant.left_out}")
    count = sum(noticed.values())
    figures = [
        Figure(f"{what} left out, noticed by {by}", None, float(each), None, count)
        for (what, by), each in sorted(noticed.items())
    ]
    survivors = sum(each for (_, by), each in noticed.items() if by == "nothing")
    every = Figure("all", None, float(count), None, count)
    return Table(
        f"Left out of {name}.yaml (measured: mutants)",
        "mutants",
        [every, *figures],
        "all",
        [Target(f"survivors in {name}", float(survivors), 0.0, "mutants")],
    )


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
