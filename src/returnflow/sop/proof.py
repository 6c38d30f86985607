"""Whether a procedure keeps a rule in every call, whatever the customer and the shop answer.

The table is run together with the rule's automaton over the abstract facts (`domain`), with one
arbitrary subject where the rule is about one. What the facts do not decide is taken both ways.
If the automaton cannot break, the rule is proved: every real call is among those that were run.
If it can, the way there may be one that no real call takes. It is then tried with all declared
facts; if they exclude it, those that do are followed too, and the proof begins again
(counterexample-guided refinement: Clarke, Grumberg, Jha, Lu and Veith, 2000). If they do not,
the way is given back, for somebody to look for a real call along it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from returnflow.engine.abstraction import Abstraction, Facts
from returnflow.engine.definition import Definition, Row
from returnflow.engine.rules import AUTOMATA, BROKEN, Activity, Rule
from returnflow.engine.vocabulary import event_name
from returnflow.sop.domain import Domain, Mask

Held = Mapping[str, bool]
"""What guards are taken to answer; of the others nothing is assumed."""

MOST_FACTS = 16
"""Facts that are followed at once; more would take too long, and the answer is then open."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of an abstract call: an event, the row it takes or that refuses it, and why.

    Args:
        about: whether the event is about the rule's subject.
        notice: which notice was said; "" for another one, or for another event.
        held: what guards answered.
    """

    event: str
    about: bool
    notice: str
    row: Row
    held: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """An abstract call that would break a rule.

    Args:
        at_end: the rule is broken by the call's being over.
    """

    steps: tuple[Taken, ...]
    at_end: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a proof came to.

    Args:
        way: None: the rule is proved. Else a shortest way to break it, as far as the declared
            facts tell.
        facts: the facts that had to be followed.
        nodes: how many combinations of state, facts and automaton were reached.
    """

    way: Way | None
    facts: tuple[str, ...]
    nodes: int


_Edge = tuple[Taken, str, Mask, Mask]
"""A step, the state it leads to, the facts as its guards saw them, and the facts it leaves."""


class Graph:
    """The table over some facts, unfolded where it is asked for."""

    def __init__(
        self, definition: Definition, facts: Facts, about: frozenset[str], tracked: tuple[str, ...]
    ) -> None:
        self.domain = Domain(facts, tracked)
        self._about = about
        self._told = event_name(definition.vocabulary.told)
        self._notices = definition.vocabulary.notices
        self._rows: dict[str, list[tuple[str, tuple[Row, ...]]]] = {}
        for (state, event), rows in definition.rows.items():
            self._rows.setdefault(state, []).append((event, rows))
        self._edges: dict[tuple[str, Mask], list[_Edge]] = {}
        self._bound: dict[tuple[str, str], tuple[str, ...]] = {}
        self._outcomes: dict[Hashable, list[Taken]] = {}

    def edges(self, state: str, mask: Mask) -> list[_Edge]:
        """What can happen in a state with such facts."""
        known = self._edges.get((state, mask))
        if known is None:
            known = self._edges[state, mask] = list(self._unfold(state, mask))
        return known

    def _unfold(self, state: str, mask: Mask) -> Iterator[_Edge]:
        for event, rows in self._rows.get(state, ()):
            notices = (*self._notices, "") if event == self._told else ("",)
            for about in (False, True) if event in self._about else (True,):
                for notice in notices:
                    for after in self.domain.post(event, about, notice, mask):
                        for taken in self._taken(event, rows, about, notice, mask, after):
                            row = taken.row
                            kept = mask if row.discard or row.to is None else after
                            yield taken, row.to or state, after, kept

    def _taken(
        self,
        event: str,
        rows: tuple[Row, ...],
        about: bool,
        notice: str,
        before: Mask,
        after: Mask,
    ) -> list[Taken]:
        """The rows that may decide, each with what its guards and those before it answered."""
        state = rows[0].state
        bound = self._bound.get((state, event))
        if bound is None:
            guards = dict.fromkeys(guard.name for row in rows for guard in row.guards)
            bound = tuple(name for name in guards if not self.domain.free(name))
            self._bound[state, event] = bound
        answers = tuple(
            (
                self.domain.allows(name, True, about, before, after),
                self.domain.allows(name, False, about, before, after),
            )
            for name in bound
        )
        key = (state, event, about, notice, answers)
        known = self._outcomes.get(key)
        if known is None:
            possible = dict(zip(bound, answers, strict=True))
            known = self._outcomes[key] = [
                Taken(event, about, notice, row, tuple(held.items()))
                for row, held in _outcomes(rows, possible, 0, 0, {})
            ]
        return known


def _outcomes(
    rows: tuple[Row, ...],
    possible: Mapping[str, tuple[bool, bool]],
    i: int,
    j: int,
    held: dict[str, bool],
) -> Iterator[tuple[Row, Held]]:
    """What can come of trying the rows from the guard `j` of the row `i` on."""
    if i == len(rows):
        return
    guards = rows[i].guards
    if j == len(guards):
        yield rows[i], held
        return
    name = guards[j].name
    if name in held:
        onward = (i, j + 1) if held[name] else (i + 1, 0)
        yield from _outcomes(rows, possible, *onward, held)
        return
    may, may_not = possible.get(name, (True, True))
    if may:
        yield from _outcomes(rows, possible, i, j + 1, {**held, name: True})
    if may_not:
        yield from _outcomes(rows, possible, i + 1, 0, {**held, name: False})


class Prover:
    """Proves rules of one procedure; what was unfolded for one rule serves the next."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        vocabulary = definition.vocabulary
        none = Abstraction(Facts({}, {}, {}))
        self._abstraction = vocabulary.abstraction() if vocabulary.abstraction else none
        self._needed: dict[tuple[str, str], frozenset[str]] = {}
        self._graphs: dict[tuple[str, tuple[str, ...]], Graph] = {}

    def prove(self, rule: Rule) -> Outcome:
        """Whether every call keeps the rule. Not for `can_reach`: see `reach`."""
        facts = self._abstraction.together[rule.about]
        concerned = _concerned(facts, rule)
        # A rule of the same template most likely needs what another one has needed, but for what
        # is about one notice.
        alike = self._needed.get((rule.about, rule.template), frozenset())
        special = _of_notices(facts)
        start = alike - special | (concerned & special if alike else frozenset())
        tracked = tuple(name for name in facts.tests if name in start)
        while True:
            graph = self._graph(rule.about, tracked)
            way, nodes = _search(self._definition, graph, rule)
            if way is None:
                self._needed[rule.about, rule.template] = frozenset(tracked)
                return Outcome(None, tracked, nodes)
            more = _excluding(facts, tracked, way, concerned)
            if more is None or len(more) > MOST_FACTS or set(more) == set(tracked):
                return Outcome(way, tracked, nodes)
            tracked = more

    def _graph(self, about: str, tracked: tuple[str, ...]) -> Graph:
        key = (about, tracked)
        if key not in self._graphs:
            kinds = self._abstraction.kinds
            events = kinds[about].events if about else frozenset()
            facts = self._abstraction.together[about]
            self._graphs[key] = Graph(self._definition, facts, events, tracked)
        return self._graphs[key]


def _excluding(
    facts: Facts, tracked: tuple[str, ...], way: Way, first: frozenset[str]
) -> tuple[str, ...] | None:
    """A small set of facts, with those that are followed already, in which no call goes that way;
    None where it can be gone whatever facts are followed. Those in `first` are tried first."""
    every = tuple(facts.tests)
    if _possible(Domain(facts, every), way):
        return None
    others = sorted((name for name in every if name not in tracked), key=lambda n: n not in first)
    for count in (1, 2):
        for more in combinations(others, count):
            if not _possible(Domain(facts, (*tracked, *more)), way):
                return (*tracked, *more)
    needed = every
    for name in reversed(others):
        fewer = tuple(each for each in needed if each != name)
        if not _possible(Domain(facts, fewer), way):
            needed = fewer
    return needed


def _of_notices(facts: Facts) -> frozenset[str]:
    """The facts that are about one notice."""
    return frozenset(
        name
        for effects in facts.effects.values()
        for effect in effects
        if effect.notice
        for name in effect.changes
    )


def _concerned(facts: Facts, rule: Rule) -> frozenset[str]:
    """The facts that the events of a rule itself change; they most likely decide it."""
    return frozenset(
        name
        for activity in rule.activities()
        for event in activity.events
        for effect in facts.effects.get(event, ())
        if effect.about is not False and effect.notice in ("", activity.notice)
        for name in effect.changes
    )


def _possible(domain: Domain, way: Way) -> bool:
    """Whether the facts followed let a call go that way."""
    masks = {0}
    for step in way.steps:
        reached = set()
        for before in masks:
            for after in domain.post(step.event, step.about, step.notice, before):
                if all(
                    domain.allows(guard, held, step.about, before, after)
                    for guard, held in step.held
                ):
                    kept = step.row.discard or step.row.to is None
                    reached.add(before if kept else after)
        masks = reached
        if not masks:
            return False
    return True


# -- the product with the automaton -----------------------------------------------------------

_Node = tuple[str, Mask, int]
_Choice = tuple[bool, bool, bool, Taken]
"""Of a rule: whether it begins anew, the first activity, the second; and the step."""


def _search(definition: Definition, graph: Graph, rule: Rule) -> tuple[Way | None, int]:
    """A shortest way on which the automaton breaks, breadth first; and the nodes reached."""
    automaton, owing = AUTOMATA[rule.template]
    ends = {name for name, state in definition.states.items() if state.kind == "end"}
    relevant = _Relevant(rule)
    start: _Node = (definition.initial, 0, 0)
    before: dict[_Node, tuple[_Node, Taken] | None] = {start: None}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        state, mask, q = node
        idle = automaton(q, False, False)
        for taken, to, after, kept in graph.edges(state, mask):
            if not relevant(taken.event):
                # No activity of the rule, so it is where it was, but for the chain templates.
                following = (to, kept, idle)
                if following in before or taken.row.to is None:
                    continue
                if idle != BROKEN and not (to in ends and idle in owing):
                    before[following] = (node, taken)
                    queue.append(following)
                    continue
                choices: Iterator[_Choice] = iter(((False, False, False, taken),))
            else:
                choices = _choices(graph.domain, rule, taken, mask, after)
            for anew, a, b, sure in choices:
                if sure.row.to is None:
                    if a and automaton(q, a, b) == BROKEN:
                        return Way((*_path(before, node), sure), at_end=False), len(before)
                    continue
                reached = automaton(0 if anew else q, a, b)
                if reached == BROKEN:
                    return Way((*_path(before, node), sure), at_end=False), len(before)
                if to in ends and reached in owing:
                    return Way((*_path(before, node), sure), at_end=True), len(before)
                following = (to, kept, reached)
                if following not in before:
                    before[following] = (node, sure)
                    queue.append(following)
    return None, len(before)


def _path(before: dict[_Node, tuple[_Node, Taken] | None], node: _Node) -> tuple[Taken, ...]:
    steps: list[Taken] = []
    came = before[node]
    while came is not None:
        node, step = came
        steps.append(step)
        came = before[node]
    return tuple(reversed(steps))


class _Relevant:
    """Whether an event can be any activity of a rule."""

    def __init__(self, rule: Rule) -> None:
        activities = list(rule.activities())
        self._all = any(not each.events for each in activities)
        self._names = frozenset().union(*(each.events for each in activities))

    def __call__(self, event: str) -> bool:
        return self._all or event in self._names


def _choices(
    domain: Domain, rule: Rule, taken: Taken, before: Mask, after: Mask
) -> Iterator[_Choice]:
    """What of a rule a step may be: whether it begins anew, the first activity, the second; each
    with the step under what had to be assumed of guards that were not asked."""
    held = dict(taken.held)
    for a, one in _is(domain, rule.first, taken, held, before, after):
        for b, two in _is(domain, rule.then, taken, one, before, after):
            for anew, all_ in _any_is(domain, rule.anew, taken, two, before, after):
                sure = Taken(taken.event, taken.about, taken.notice, taken.row, tuple(all_.items()))
                yield anew, a, b, sure


def _any_is(
    domain: Domain,
    activities: tuple[Activity, ...],
    taken: Taken,
    held: dict[str, bool],
    before: Mask,
    after: Mask,
) -> Iterator[tuple[bool, dict[str, bool]]]:
    if not activities:
        yield False, held
        return
    for found, so_far in _is(domain, activities[0], taken, held, before, after):
        if found:
            yield True, so_far
        else:
            yield from _any_is(domain, activities[1:], taken, so_far, before, after)


def _is(
    domain: Domain,
    activity: Activity | None,
    taken: Taken,
    held: dict[str, bool],
    before: Mask,
    after: Mask,
) -> Iterator[tuple[bool, dict[str, bool]]]:
    """Whether a step is an activity; both, where guards that were not asked would decide it."""
    row = taken.row
    if (
        activity is None
        or (activity.events and taken.event not in activity.events)
        or activity.refused is not (row.to is None)
        or (activity.at and row.state not in activity.at)
        or (activity.to and (row.to or row.state) not in activity.to)
        or (activity.notice and activity.notice != taken.notice)
        or not taken.about
    ):
        yield False, held
        return
    for all_held, so_far in _all_hold(domain, activity.when, taken, held, before, after):
        if not all_held:
            yield False, so_far
        elif not activity.unless:
            yield True, so_far
        else:
            for kept, in_all in _all_hold(domain, activity.unless, taken, so_far, before, after):
                yield not kept, in_all


def _all_hold(
    domain: Domain,
    guards: tuple[str, ...],
    taken: Taken,
    held: dict[str, bool],
    before: Mask,
    after: Mask,
) -> Iterator[tuple[bool, dict[str, bool]]]:
    if not guards:
        yield True, held
        return
    name = guards[0]
    for answer in (held[name],) if name in held else (True, False):
        if name not in held and not domain.allows(name, answer, taken.about, before, after):
            continue
        so_far = held if name in held else {**held, name: answer}
        if answer:
            yield from _all_hold(domain, guards[1:], taken, so_far, before, after)
        else:
            yield False, so_far


# -- what can be reached ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether a state can be reached from others by what the agent alone decides.

    Args:
        surely: from all of them.
        barred: those from which no row leads there, whatever the guards say.
        open: those of which the declared facts do not tell.
    """

    surely: bool
    barred: tuple[str, ...]
    open: tuple[str, ...]


def reach(definition: Definition, rule: Rule) -> Reached:
    """Whether `rule`, a `can_reach`, holds.

    It surely holds of a state where some event leads on whatever the facts are: by a row whose
    guards the agent can make hold by the choice of the event, and behind none that could be
    taken instead. No outcome of the backend counts, since nobody can bring it about.
    """
    vocabulary = definition.vocabulary
    abstraction = vocabulary.abstraction() if vocabulary.abstraction else None
    free = abstraction.free if abstraction is not None else frozenset()
    given = {event for each in vocabulary.operations.values() for event in each.outcomes}
    given |= {each.request for each in vocabulary.operations.values() if each.request}
    goals = rule.first.to
    sure: dict[str, set[str]] = {}
    ways: dict[str, set[str]] = {}
    for (state, event), rows in definition.rows.items():
        ways.setdefault(state, set()).update(row.to for row in rows if row.to)
        row = rows[0]
        if event not in given and row.to and all(guard.name in free for guard in row.guards):
            sure.setdefault(state, set()).add(row.to)
    wanted = sorted(rule.first.at - goals)
    surely = _leading(goals, sure)
    perhaps = _leading(goals, ways)
    return Reached(
        surely=all(state in surely for state in wanted),
        barred=tuple(state for state in wanted if state not in perhaps),
        open=tuple(state for state in wanted if state in perhaps and state not in surely),
    )


def _leading(goals: frozenset[str], ways: Mapping[str, set[str]]) -> set[str]:
    found = set(goals)
    while True:
        more = {state for state, to in ways.items() if to & found} - found
        if not more:
            return found
        found |= more
