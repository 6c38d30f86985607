"""The machine as a drawing: its states, grouped by step, and the ways between them.

The ways are read back from the running `transitions.Machine`, so the drawing cannot differ from
what runs. Rows that refuse are no ways. What holds in every state that asks or looks something up
is drawn once, from a node of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from returnflow.engine.definition import Definition, Row, State
from returnflow.engine.machine import LiveMachine, compile_table

ANYWHERE = "anywhere"
"""The node from which what holds in many states is drawn."""


@dataclass
class Traffic:
    """What calls did: how often each row was taken.

    Args:
        rows: by id of the row.
        calls: how many calls they were.
    """

    rows: dict[str, int] = field(default_factory=dict)
    calls: int = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Takes a call in, by the rows that it took."""
        self.calls += 1
        for row in rows:
            self.rows[row.id] = self.rows.get(row.id, 0) + 1


@dataclass
class Edge:
    """The ways from one state to another.

    Args:
        events: the events that lead there, in the order of the table.
        taken: how often calls went there; None where no calls are drawn.
    """

    source: str
    target: str
    events: list[str] = field(default_factory=list)
    taken: int | None = None


@dataclass
class Drawing:
    """What is drawn.

    Args:
        groups: the states of each step, by its name and title.
        visited: states in which a drawn call was; None where no calls are drawn.
    """

    title: str
    initial: str
    groups: list[tuple[str, str, list[State]]]
    edges: list[Edge]
    anywhere: bool
    visited: frozenset[str] | None = None


def drawing(definition: Definition, traffic: Traffic | None = None) -> Drawing:
    """The drawing of a procedure, with what calls did where that is given."""
    table = compile_table(LiveMachine(definition).machine)
    edges: dict[tuple[str, str], Edge] = {}
    visited = {definition.initial}
    for row in (row for rows in table.values() for row in rows):
        if row.to is None:
            continue
        taken = traffic.rows.get(row.id, 0) if traffic is not None else 0
        if taken:
            visited |= {row.state, row.to}
        # Staying where it is, whatever the state, would only be a loop at every one of them.
        if row.anywhere and row.to == row.state:
            continue
        # A call's own way is drawn from the state in which it was.
        source = ANYWHERE if row.anywhere and not taken else row.state
        edge = edges.setdefault((source, row.to), Edge(source, row.to))
        if row.event not in edge.events:
            edge.events.append(row.event)
        if traffic is not None:
            edge.taken = (edge.taken or 0) + taken
    groups = [
        (step, title, [state for state in definition.states.values() if state.step == step])
        for step, title in definition.steps.items()
    ]
    return Drawing(
        title=f"{definition.title}, version {definition.version}",
        initial=definition.initial,
        groups=groups,
        edges=list(edges.values()),
        anywhere=any(edge.source == ANYWHERE for edge in edges.values()),
        visited=frozenset(visited) if traffic is not None else None,
    )


def _label(edge: Edge, line_end: str) -> str:
    words = line_end.join(event.replace("_", " ") for event in edge.events)
    return f"{words} ({edge.taken}x)" if edge.taken else words


def _step(step: str, title: str) -> str:
    return f"{step} {title}" if step[:1].isdigit() else title


# -- Mermaid ----------------------------------------------------------------------------------


def mermaid(drawn: Drawing) -> str:
    """The drawing as a Mermaid flowchart, which GitHub and many editors show."""
    return "\n".join(_mermaid(drawn)) + "\n"


def _mermaid(drawn: Drawing) -> Iterator[str]:
    yield "---"
    yield f'title: "{_quoted(drawn.title)}"'
    yield "---"
    yield "flowchart TD"
    yield f"  start(( )) --> {drawn.initial}"
    for number, (step, title, states) in enumerate(drawn.groups):
        yield f'  subgraph step{number}["{_quoted(_step(step, title))}"]'
        for state in states:
            left, right = _MERMAID[state.kind]
            yield f'    {state.name}{left}"{_quoted(state.title)}"{right}'
        yield "  end"
    if drawn.anywhere:
        yield f'  {ANYWHERE}>"From every state that asks or looks up"]'
    for edge in drawn.edges:
        yield f'  {edge.source} -->|"{_quoted(_label(edge, "<br>"))}"| {edge.target}'
    if drawn.visited is not None:
        yield "  classDef visited fill:#cfe8cf,stroke:#2a7d2a,stroke-width:2px"
        yield f"  class {','.join(sorted(drawn.visited))} visited"
        # The line from the beginning is the first.
        taken = [str(i + 1) for i, edge in enumerate(drawn.edges) if edge.taken]
        if taken:
            yield f"  linkStyle {','.join(taken)} stroke:#2a7d2a,stroke-width:3px"


_MERMAID: Mapping[str, tuple[str, str]] = {
    "ask": ("[", "]"),
    "call": ("[[", "]]"),
    "end": ("([", "])"),
}


def _quoted(text: str) -> str:
    return text.replace('"', "'").replace("\n", " ")


# -- Graphviz ---------------------------------------------------------------------------------


def dot(drawn: Drawing) -> str:
    """The drawing in the DOT language of Graphviz."""
    return "\n".join(_dot(drawn)) + "\n"


def _dot(drawn: Drawing) -> Iterator[str]:
    yield f"digraph {_string(drawn.title)} {{"
    yield f'  graph [label={_string(drawn.title)}, labelloc=t, fontname="Helvetica", fontsize=18,'
    yield "         rankdir=TB, nodesep=0.35, ranksep=0.5, compound=true, bgcolor=white, pad=0.3]"
    yield '  node [fontname="Helvetica", fontsize=11, style=filled, fillcolor=white,'
    yield '        margin="0.12,0.06"]'
    yield '  edge [fontname="Helvetica", fontsize=9, color="#555555", fontcolor="#333333"]'
    yield '  start [shape=circle, width=0.15, label="", fillcolor=black]'
    yield f"  start -> {_string(drawn.initial)}"
    for number, (step, title, states) in enumerate(drawn.groups):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_string(_step(step, title))}"
        yield '    labeljust=l; style="filled,rounded"; fillcolor="#f4f6f8"; color="#c4ccd4"'
        for state in states:
            seen = drawn.visited is not None and state.name in drawn.visited
            fill = ', fillcolor="#cfe8cf", color="#2a7d2a", penwidth=2' if seen else ""
            yield (
                f"    {_string(state.name)} [label={_string(state.title)}, "
                f"{_DOT[state.kind]}, tooltip={_string(state.name)}{fill}]"
            )
        yield "  }"
    if drawn.anywhere:
        yield (
            f'  {ANYWHERE} [label="From every state\\nthat asks or looks up", shape=note, '
            'fillcolor="#fff8dc"]'
        )
    order = [state.name for _, _, some in drawn.groups for state in some]
    place = {name: i for i, name in enumerate(order)}
    for edge in drawn.edges:
        more = ', color="#2a7d2a", penwidth=2.5' if edge.taken else ""
        ends = edge.source, edge.target
        # A way back is laid out as a way on, so that the steps stand in their order.
        if place.get(edge.source, -1) > place[edge.target]:
            ends, more = (edge.target, edge.source), f"{more}, dir=back"
        yield (
            f"  {_string(ends[0])} -> {_string(ends[1])} "
            f"[label={_string(_label(edge, chr(10)))}{more}]"
        )
    yield "}"


_DOT: Mapping[str, str] = {
    "ask": "shape=box",
    "call": "shape=box, peripheries=2",
    "end": 'shape=box, style="filled,rounded", fillcolor="#e8e8e8"',
}


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


# -- the table --------------------------------------------------------------------------------


def table(definition: Definition) -> str:
    """The machine as a table in Markdown: by state and event the rows, in the order tried."""
    return "\n".join(_table(definition)) + "\n"


_KINDS: Mapping[str, str] = {"ask": "asks", "call": "looks up", "end": "ends"}


def _table(definition: Definition) -> Iterator[str]:
    rows = compile_table(LiveMachine(definition).machine)
    for step, title in definition.steps.items():
        yield f"## {_step(step, title)}"
        yield ""
        for state in (each for each in definition.states.values() if each.step == step):
            kind = "sends" if state.is_write else _KINDS[state.kind]
            what = f"{kind} ({state.operation.name})" if state.operation else kind
            yield f"### {state.name}: {state.title}; {what}"
            yield ""
            mine = [(event, group) for (name, event), group in rows.items() if name == state.name]
            if mine:
                yield "| event | when | leads to |"
                yield "| --- | --- | --- |"
                for event, group in mine:
                    for row in group:
                        yield f"| {event if not row.number else ''} | {_when(row)} | {_to(row)} |"
                yield ""


def _when(row: Row) -> str:
    return " and ".join(guard.name for guard in row.guards) or ("otherwise" if row.number else "")


def _to(row: Row) -> str:
    if row.to is None:
        return f"refused ({row.words})" if row.words else "refused"
    words = "stays" if row.to == row.state else row.to
    more = [
        f"tells {row.words}" if row.words else "",
        "facts not kept" if row.discard else "",
        "early" if row.remark else "",
        "anywhere" if row.anywhere else "",
    ]
    notes = "; ".join(each for each in more if each)
    return f"{words} ({notes})" if notes else words
