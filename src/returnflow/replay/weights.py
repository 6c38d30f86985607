"""What a slip weighs where the ways of a call are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from returnflow.engine.scorecard import Scorecard, Severity, severity_of
from returnflow.replay.moves import Absent, Failed, Issue

SLIP = 1000
"""What a slip weighs where ways are compared."""

DISPLACED = 300
"""What the second half of a displacement weighs: a step that is missing at one place and stands at
another is one slip, not two."""

HARMLESS = 10
"""What a look-up out of its turn weighs that is only a remark."""

REMARK = 400
"""What a condition weighs that is only a remark where it fails."""

GRAVITY: Mapping[Severity, int] = {"critical": 3, "major": 2, "minor": 1, "remark": 0}
"""How grave slips are: of ways that are alike in all else the least grave is assumed."""


class Weigher:
    """Weighs issues, by one scorecard.

    Attributes:
        absent: what the lightest of the ways weighs in which an event can be mended.
    """

    def __init__(self, card: Scorecard) -> None:
        self._card = card
        self.absent, _, _ = self.weigh([Absent("")], frozenset())

    def weigh(
        self, issues: Sequence[Issue], blamed: frozenset[str]
    ) -> tuple[int, int, frozenset[str]]:
        """What issues weigh, and how grave they are. A condition that fails about what was blamed
        already is no slip."""
        weight = total = 0
        for issue in issues:
            about: frozenset[str] = frozenset()
            if isinstance(issue, Failed):
                about = issue.guard.about(issue.case, issue.event)
            if not about or not about <= blamed:
                gravity = self._gravity(issue)
                weight += SLIP if gravity else REMARK
                total += gravity
                blamed |= about
        return weight, total, blamed

    def _gravity(self, issue: Issue) -> int:
        if not isinstance(issue, Failed):
            return GRAVITY[severity_of(self._card, "skipped_step")]
        kind: Any = issue.guard.finding
        return GRAVITY[severity_of(self._card, kind, guard=issue.guard.name)]
