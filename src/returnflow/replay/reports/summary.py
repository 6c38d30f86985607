"""The summary of a replay, to be read in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from returnflow.inert import inert
from returnflow.replay.findings import SEVERITIES
from returnflow.replay.reports.table import columns, padded, paragraph, table
from returnflow.replay.reports.tally import MAX_LISTED, OUTCOMES, About, Listed, Tally

MAX_ROWS = 20
"""So many rows of a table are shown."""


def summary(tally: Tally, title: str, steps: Mapping[str, str]) -> Iterator[str]:
    """The lines of the summary.

    Args:
        tally: its names and reasons are masked already.
        title: what the calls were judged by.
        steps: the titles of the procedure's steps, by number.
    """
    yield f"{tally.calls:,} {'call' if tally.calls == 1 else 'calls'} judged by {inert(title)}."
    if not tally.calls:
        return
    yield ""
    yield from _outcomes(tally)
    yield from _agents(tally)
    yield from _steps(tally, steps)
    yield from _findings(tally)
    yield from _calls("Worst calls", tally.worst, tally.outcomes["violates"], scores=True)
    yield from _calls("Inconclusive", tally.inconclusive, tally.outcomes["inconclusive"])
    unread = tally.outcomes["unreadable"] + tally.partly
    yield from _calls("Unreadable, in whole or in part", tally.unreadable, unread)


def _outcomes(tally: Tally) -> Iterator[str]:
    for each in OUTCOMES:
        number = tally.outcomes[each]
        if number or each != "unreadable":
            yield f"  {each:<12}  {number:>12,}  {100 * number / tally.calls:5.1f} %"
    if tally.seen:
        yield ""
        yield (
            f"Average score {tally.score / tally.seen:.1f}; {tally.passed:,} of {tally.seen:,} "
            f"pass. Average fitness {tally.fitness / tally.seen:.3f}. {tally.events:,} events."
        )
    unseen = tally.calls - tally.outcomes["unreadable"] - tally.seen
    if unseen:
        yield ""
        yield from paragraph(
            f"Of {unseen:,} {'call' if unseen == 1 else 'calls'} the record shows nothing that was "
            "looked up or done, so there is no score. Where the shop's calls were logged by "
            "themselves, --calls reads that log."
        )


def _agents(tally: Tally) -> Iterator[str]:
    if not any(tally.agents):
        return  # no log names an agent
    lines = sorted(tally.agents.items(), key=lambda entry: (-entry[1].violates, entry[0]))
    rows = [
        (
            agent or "(not recorded)",
            f"{line.calls:,}",
            f"{line.violates:,}",
            f"{line.inconclusive:,}",
            f"{line.unreadable:,}",
            f"{line.passed:,}",
            f"{line.score / line.seen:.1f}" if line.seen else "-",
        )
        for agent, line in lines
    ]
    heads = ("AGENT", "CALLS", "VIOLATE", "INCONCLUSIVE", "UNREADABLE", "PASS", "SCORE")
    yield from _table(heads, rows, "agents")


def _steps(tally: Tally, titles: Mapping[str, str]) -> Iterator[str]:
    order = {step: place for place, step in enumerate(titles)}
    lines = sorted(
        tally.steps.items(), key=lambda entry: (order.get(entry[0], len(order)), entry[0])
    )
    width = max((columns(inert(step)) for step in tally.steps), default=0)
    rows = [
        (
            f"{padded(inert(step), width)}  {titles.get(step, '')}" if step else "(of no step)",
            f"{count.findings:,}",
            f"{count.calls:,}",
        )
        for step, count in lines
    ]
    yield from _table(("STEP", "FINDINGS", "CALLS"), rows, "steps")


def _findings(tally: Tally) -> Iterator[str]:
    lines = sorted(
        tally.findings.items(),
        key=lambda entry: (
            SEVERITIES.index(entry[0].severity),
            -entry[1].calls,
            entry[0].kind,
            entry[0].name,
        ),
    )
    rows = [
        (_named(about), about.severity, f"{count.findings:,}", f"{count.calls:,}")
        for about, count in lines
    ]
    yield from _table(("FINDING", "SEVERITY", "FINDINGS", "CALLS"), rows, "kinds of findings")


def _named(about: About) -> str:
    return about.kind + (f": {about.name}" if about.name else "")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield from table(heads, rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        yield f"and {len(rows) - MAX_ROWS:,} more {what}"


def _calls(title: str, calls: Sequence[Listed], number: int, scores: bool = False) -> Iterator[str]:
    """Calls by name: one line, and beneath it the reason."""
    if not calls:
        return
    yield ""
    yield title
    for call in calls[:MAX_LISTED]:
        score = f" · score {call.score}" if scores else ""
        yield from paragraph(f"{call.id} · {call.place}{score}", indent=2)
        if call.reason:
            yield from paragraph(call.reason, indent=4)
    if number > len(calls):
        yield f"  and {number - len(calls):,} more"
