"""Those that see the names of events alone, pm4py and xstate; and alignments, ours and pm4py's."""

from __future__ import annotations

import tempfile
import warnings
from argparse import Namespace
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmarks.measure import Figure, Table, Target
from benchmarks.peers import missing, xstate
from benchmarks.replay_log import Template
from benchmarks.replay_subjects import cpu
from returnflow.engine.definition import Definition
from returnflow.replay.alignment import ControlFlow

FASTER = 20.0
"""Times that our alignments have to be faster than pm4py's."""

BY_DEFAULT = 25
"""Sequences that pm4py aligns with its default search, which takes several times as long."""

OURS = "returnflow, each sequence with nothing remembered"
EXACT = "pm4py, its cheapest exact search"
A_STAR = "pm4py, its default search"


def tables(
    definition: Definition,
    log: Path,
    chosen: Sequence[tuple[Template, int]],
    options: Namespace,
) -> list[Table]:
    """The tables of those that were asked for."""
    found = []
    wanted = [name for name in options.peers if name in ("pm4py-replay", "pm4py-alignments")]
    if wanted:
        try:
            with warnings.catch_warnings():
                # What other people's packages warn of is their affair.
                warnings.simplefilter("ignore")
                found += _pm4py(definition, log, chosen, options.sequences, wanted)
        except ModuleNotFoundError as error:
            raise missing("pm4py", error) from error
    if "xstate" in options.peers:
        found.append(_xstate(definition, log, chosen))
    return found


def _pm4py(
    definition: Definition,
    log: Path,
    chosen: Sequence[tuple[Template, int]],
    sequences: int,
    wanted: Sequence[str],
) -> list[Table]:
    from benchmarks.peers import pm4py_log

    net = pm4py_log.net_of(definition)
    with log.open("rb") as file:
        lines = list(islice(file, sequences))
    events = sum(template.events for template, _ in chosen[:sequences])
    found = []
    if "pm4py-replay" in wanted:
        pm4py_log.replayed(net, pm4py_log.names_of(lines[:2]))  # warms up
        fits: list[bool] = []
        names: list[tuple[str, ...]] = []
        spent = cpu(lambda: names.extend(pm4py_log.names_of(lines)))
        spent += cpu(lambda: fits.extend(pm4py_log.replayed(net, names)))
        pairs = list(zip(fits, (template.legal for template, _ in chosen), strict=False))
        missed = sum(fit and not legal for fit, legal in pairs)
        accused = sum(legal and not fit for fit, legal in pairs)
        slips = sum(not legal for _, legal in pairs)
        found.append(
            Table(
                f"pm4py's token-based replay of the names in {len(lines):,} calls: misses {missed} "
                f"of {slips} that deviate, and finds fault with {accused} that are legal",
                "µs per event",
                [Figure("pm4py, token-based replay", None, spent * 1e6 / events, None, 1)],
                "",
                digits=2,
            )
        )
    if "pm4py-alignments" in wanted:
        found.append(_alignments(definition, pm4py_log.names_of(lines), events))
    return found


def _alignments(definition: Definition, names: Sequence[tuple[str, ...]], events: int) -> Table:
    """Ours and pm4py's of each distinct sequence.

    Raises:
        SystemExit: the costs are not the same.
    """
    from benchmarks.peers import pm4py_log

    net = pm4py_log.net_of(definition)
    distinct = list(dict.fromkeys(names))
    few = distinct[:BY_DEFAULT]
    net.cost(distinct[0])  # warms up
    theirs: dict[Sequence[str], int] = {}
    default: dict[Sequence[str], int] = {}
    ours: dict[Sequence[str], int] = {}
    flows = [ControlFlow(definition.rows, definition.initial) for _ in distinct]
    spent = {
        OURS: cpu(lambda: ours.update(zip(distinct, _costs(flows, distinct), strict=True))),
        EXACT: cpu(lambda: theirs.update(pm4py_log.aligned(net, distinct))),
    }
    by_default = cpu(lambda: default.update(pm4py_log.aligned_by_default(net, few)))
    for sequence in distinct:
        if ours[sequence] != theirs[sequence] or ours[sequence] != default.get(
            sequence, ours[sequence]
        ):
            raise SystemExit(f"the alignments of {sequence} do not cost the same")
    per = {name: seconds * 1000 / len(distinct) for name, seconds in spent.items()}
    figures = [Figure(name, None, time, None, len(distinct)) for name, time in per.items()]
    figures.append(Figure(A_STAR, None, by_default * 1000 / len(few), None, len(few)))
    return Table(
        f"Optimal alignments of {len(distinct):,} distinct sequences, the costs the same; "
        f"pm4py: {spent[EXACT] * 1e6 / events:.0f} µs per event of {len(names):,} calls",
        "ms",
        figures,
        OURS,
        [Target(f"{EXACT} ÷ {OURS}", per[EXACT] / per[OURS], FASTER, "times", least=True)],
        digits=3,
    )


def _costs(flows: Sequence[ControlFlow], distinct: Sequence[Sequence[str]]) -> list[int]:
    # Each with an automaton of its own, so that no sequence profits from another.
    return [flow.cost(each) for flow, each in zip(flows, distinct, strict=True)]


def _xstate(definition: Definition, log: Path, chosen: Sequence[tuple[Template, int]]) -> Table:
    title = "xstate on node: control flow alone, told which row the guards chose, µs per event"
    why = xstate.why_not()
    if why:
        return Table(f"{title}: not measured, {why}", "µs", [], "")
    with tempfile.TemporaryDirectory() as folder:
        ran = xstate.replay(definition, log, [each.rows for each, _ in chosen], Path(folder))
    legal = sum(template.legal for template, _ in chosen)
    if ran.accepted != legal:
        raise SystemExit(f"xstate accepts {ran.accepted} calls, and {legal} are legal")
    events = sum(template.events for template, _ in chosen)
    figures = [Figure("xstate (processor)", None, ran.cpu * 1e6 / events, None, 1)]
    figures.append(Figure("xstate (clock)", None, ran.seconds * 1e6 / events, None, 1))
    return Table(title, "µs", figures, "", digits=2)
