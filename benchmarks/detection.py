"""What replay finds of slips put into legal calls, by kind of slip. Counts, not times.

Legal calls are made up from seeds, each is changed at every place in every way, and replayed. A
change that leaves a call a live session would accept as it is cannot be told by anyone; those are
counted apart. `unsure`: of those found, the calls of which it is only said that it cannot be told.
`once`: the slip is told by one finding at the most. `near`: a finding stands at its place, or up to
three from it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from benchmarks.measure import Table, positive
from returnflow.bundled import bundled
from returnflow.engine.definition import load
from returnflow.testing.detection import ENDING, Tally, outcomes
from returnflow.testing.mutations import KINDS

ABOUT = "what replay finds of slips put into legal calls (counts, not times)"


def arguments(parser: ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--seeds", type=positive, default=100, help="calls changed (default: 100)")
    parser.add_argument(
        "--each", type=positive, default=6, help="changes of a kind tried in a call (default: 6)"
    )


def measure(options: Namespace) -> list[Table]:
    """Prints the table; there is nothing to time."""
    tally = Tally()
    missed, accused = [], []
    definition = load(bundled("states") / "handling_returns.yaml")
    for outcome in outcomes(definition, range(options.seeds), each=options.each):
        tally.add(outcome)
        about = f"seed {outcome.seed}: {outcome.mutation.about} (at {outcome.mutation.index})"
        if not outcome.legal and not outcome.found:
            missed.append(about)
        if outcome.legal and any(each.kind not in ENDING for each in outcome.violations):
            accused.append(about)
    heads = ("tried", "legal", "to find", "found", "unsure", "once", "near")
    print(f"{'slip':10} " + " ".join(f"{head:>7}" for head in heads))
    for kind in KINDS:
        to_find = tally.total[kind] - tally.legal[kind]
        counts = (tally.total, tally.legal, {kind: to_find}, tally.found, tally.inconclusive)
        shares = [100 * count[kind] / max(1, to_find) for count in (tally.once, tally.near)]
        print(
            f"{kind:10} "
            + " ".join(f"{count[kind]:7}" for count in counts)
            + " ".join(f"{share:7.1f}%" for share in shares)
        )
    for heading, rows in (("missed", missed), ("legal, and accused", accused)):
        print(f"{heading}: {len(rows)}")
        for row in rows[:20]:
            print(f"  {row}")
    return []
