"""pm4py on the names of events: token-based replay, and optimal alignments.

Neither knows facts or guards, so neither is asked for a verdict. Both look at each distinct
sequence of names once, as pm4py does itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from pm4py.algo.conformance.tokenreplay import algorithm as token_replay
from pm4py.objects.log.obj import Event, EventLog, Trace

from benchmarks.peers.pm4py_net import A_STAR, Net
from returnflow.engine.definition import Definition


class _Event(msgspec.Struct):
    event: str


class _Line(msgspec.Struct):
    events: list[_Event]


_DECODER = msgspec.json.Decoder(_Line)


def names_of(lines: Iterable[bytes]) -> list[tuple[str, ...]]:
    """The names of the events of each call."""
    return [tuple(each.event for each in _DECODER.decode(line).events) for line in lines]


def net_of(definition: Definition) -> Net:
    """The control flow of a procedure, with nothing silent."""
    edges = {(row.state, row.event, row.to) for row in definition.all_rows() if row.to is not None}
    return Net(edges, definition.initial, frozenset())


def replayed(net: Net, sequences: Iterable[Sequence[str]]) -> list[bool]:
    """Whether each sequence fits, by token-based replay."""
    log = EventLog([Trace([Event({"concept:name": name}) for name in each]) for each in sequences])
    parameters: dict[Any, Any] = {"show_progress_bar": False}
    found = token_replay.apply(log, net.net, net.begin, net.end, parameters=parameters)
    return [bool(each["trace_is_fit"]) for each in found]


def aligned(net: Net, sequences: Iterable[Sequence[str]]) -> dict[Sequence[str], int]:
    """The cost of an optimal alignment of each distinct sequence, with pm4py's cheapest exact
    search."""
    return {each: net.cost(each) for each in dict.fromkeys(sequences)}


def aligned_by_default(net: Net, sequences: Iterable[Sequence[str]]) -> dict[Sequence[str], int]:
    """As `aligned`, with the search that pm4py uses unless told otherwise."""
    return {each: net.cost(each, A_STAR) for each in dict.fromkeys(sequences)}
