"""Remarks on recorded tool calls to which the machine has no objection.

The answers behind such calls are inferred in the agent's favour, so that a look-up made again
passes for one that was asked for, and a refusal for one that nobody waited for.
"""

from __future__ import annotations

from collections.abc import Sequence

from returnflow.engine.transcript import Transcription
from returnflow.engine.vocabulary import event_name
from returnflow.replay.findings import Finding
from returnflow.replay.namer import Namer, render, spaced
from returnflow.replay.trace import Trace


def repeated(
    namer: Namer, reading: Transcription, trace: Trace, found: Sequence[Finding]
) -> list[Finding]:
    """The findings, with a remark for every look-up of what had been looked up before."""
    seen: dict[tuple[str, str], int] = {}
    more: dict[int, Finding] = {}
    told = {each.index for each in found}
    resumed = event_name(namer.definition.vocabulary.resumed)
    for at, event in enumerate(trace.events):
        name = event_name(event)
        if name == resumed:
            seen.clear()  # the look-ups are to be made again
        subject = reading.subject(event) if name in namer.tracer.looked_up else None
        if subject is None or event.inferred:
            continue
        first = seen.setdefault(subject, trace.index[at])
        if first == trace.index[at]:
            continue
        if trace.index[at] not in told:
            more[trace.index[at]] = namer.finding(
                "repeated_lookup",
                index=trace.index[at],
                at=event.at,
                event=name,
                reason=f"{namer.called(name)} was made again",
            )
    return [*found, *more.values()]


def unexplained(namer: Namer, reading: Transcription, trace: Trace) -> list[Finding]:
    """Refusals that were looked for in the text of a call, and that nobody explained."""
    if not trace.spoken or trace.case is None:
        return []
    found = []
    places = {reading.subject(event): at for at, event in enumerate(trace.events)}
    by_id = {subject[1]: at for subject, at in places.items() if subject is not None}
    for due in reading.refused(trace.case):
        at = by_id.get(due.subject)
        if at is None:
            continue
        after = [turn for turn in trace.spoken if turn.index > trace.index[at]]
        if any(
            turn.redacted or namer.tracer.hearing.find(due.notice, turn.text, due.values)
            for turn in after
        ):
            continue
        scope = namer.definition.vocabulary.scope(trace.case)
        words = render(namer.definition.notices[due.notice], {**scope, "due": dict(due.values)})
        found.append(
            namer.finding(
                "notice_missing",
                heard=True,
                index=trace.index[at],
                event=event_name(trace.events[at]),
                notice=due.notice,
                reason=f"not said: {spaced(due.notice)} (for {due.subject})",
                repair=f"Say: “{words}”",
            )
        )
    return found
