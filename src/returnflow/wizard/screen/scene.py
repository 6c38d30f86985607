"""What is on the screen at one moment, before it is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from returnflow.engine.front import Fact, Section
from returnflow.wizard.overview import Journey
from returnflow.wizard.screen.entry import Entry, Hint


@dataclass(slots=True)
class Scene:
    """See the module.

    Args:
        bar: of the top row: what the call is.
        journey: the way of the call.
        heading: the step.
        say: the words to read aloud, or "".
        do: an instruction for the agent, or "".
        known: what matters now; shown in the middle where there is no room for all facts.
        trouble: after a failure, what is known and what is not; always in the middle.
        sections: all facts.
        entry: the way of answering.
        facts_key: the key that shows all facts.
        hints: keys that work at every question.
    """

    bar: Sequence[str]
    journey: Journey
    heading: str
    entry: Entry
    say: str = ""
    do: str = ""
    known: Sequence[Fact] = ()
    trouble: Sequence[Fact] = ()
    sections: Sequence[Section] = ()
    facts_key: str = "F5"
    hints: Sequence[Hint] = field(default=())
