"""Which of the procedure's operations a recorded tool is, and what its arguments are called there.

The procedure's own names are known. Others come from a YAML file, which adds to them:

    tools:
      fetch_order: {operation: get_order_details, arguments: {order_number: order_id}}
    neutral: [play_music]
    clocks: [now]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from returnflow.errors import DefinitionError, UsageError
from returnflow.replay.transcripts.shared import vocabulary

ARGUMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "get_customer_by_email": {"email": ("email_address", "customer_email")},
    "summarize_orders": {"order_ids": ("orders", "order_numbers", "active_orders")},
    "get_order_details": {"order_id": ("order_number", "order")},
    "get_item_details": {"item_id": ("item_number", "item")},
    "get_package_details": {"package_id": ("package_number", "package")},
    "initiate_return": {
        "order_id": ("order_number", "order"),
        "item_id": ("item_number", "item"),
        "quantity": ("qty", "item_qty", "item_quantity"),
        "return_reason": ("reason",),
        "note": ("notes", "comment"),
    },
    "issue_gift_card": {
        "customer_id": ("customer_number", "customer"),
        "package_id": ("package_number", "package"),
        "amount": ("value", "gift_card_amount"),
        "currency": (),
    },
    "transfer_to_human_representative": {
        "customer_id": ("customer_number", "customer"),
        "summary_of_issues": ("summary", "issue_summary"),
    },
}
"""By operation, its arguments, and what else they are called in the wild."""

CLOCKS = frozenset({"get_current_date_and_time"})
"""Tools that tell the date of the call."""

NEUTRAL = frozenset({"calculate_date_difference", "think", *CLOCKS})
"""Tools that belong to no procedure and are never held against anyone."""

NEUTRAL_AFTER: Mapping[str, str] = {"get_customer_by_id": "get_customer_by_email"}
"""Tools that are neutral once that operation has been answered in the call."""


@dataclass(frozen=True)
class Tool:
    """A tool that is an operation; `arguments` maps its own names to the operation's."""

    operation: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolMapping:
    """What is known about the tools of a log.

    Args:
        tools: those that are an operation of the procedure.
        neutral: those that belong to no procedure.
        clocks: those of the neutral ones that tell the date.
    """

    tools: Mapping[str, Tool]
    neutral: frozenset[str]
    clocks: frozenset[str]

    def operation(
        self, tool: str, arguments: Mapping[str, Any]
    ) -> tuple[str | None, dict[str, Any]]:
        """The operation, or None, and the arguments by the operation's names."""
        known = self.tools.get(tool)
        if known is None:
            return None, dict(arguments)
        renamed = {known.arguments.get(name, name): value for name, value in arguments.items()}
        for ours, others in ARGUMENTS.get(known.operation, {}).items():
            for other in others:
                if other in renamed and ours not in renamed:
                    renamed[ours] = renamed.pop(other)
        return known.operation, renamed

    def is_neutral(self, tool: str, answered: Mapping[str, int]) -> bool:
        """Whether it is neutral, after operations have been answered so many times."""
        before = NEUTRAL_AFTER.get(tool)
        return tool in self.neutral or (
            tool not in self.tools and before is not None and answered.get(before, 0) > 0
        )


@lru_cache(maxsize=16)
def mapping_for(path: str | None, words: str = "returns") -> ToolMapping:
    """The built-in mapping with what a YAML file adds to it or puts in its place.

    Args:
        path: the file; None: nothing is added.
        words: the name of the vocabulary whose operations there are.

    Raises:
        UsageError: the file cannot be used; says where.
    """
    operations = vocabulary(words).operations
    tools = {name: Tool(name) for name in operations}
    neutral, clocks = set(NEUTRAL), set(CLOCKS)
    if path is not None:
        from returnflow.replay.transcripts.tools_file import read_tools

        try:
            added = read_tools(Path(path), operations)
        except DefinitionError as error:
            raise UsageError(f"the mapping of tools cannot be used:\n{error}") from None
        tools |= added.tools
        for name in added.neutral | added.clocks:
            tools.pop(name, None)
        neutral |= added.neutral | added.clocks
        clocks |= added.clocks
    return ToolMapping(tools, frozenset(neutral - tools.keys()), frozenset(clocks))
