"""What Tryton does not know about returns, from a TOML file of the shop.

Tryton has no return window and no eligibility. They stand in the file by product, by category and
as a default; besides them, how the shop's records are to be read. ``docs/tryton.md`` explains each
key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from returnflow.errors import UsageError
from returnflow.inert import fold
from returnflow.records import ReturnPolicy
from returnflow.returns.eligibility import UNLIMITED, window_days
from returnflow.returns.events import REASONS

MOST_BYTES = 1024 * 1024
"""The longest file that is read (rule 40)."""

EXAMPLE = """\
[default]
eligible = true
window = "30 days"
"""

_COMPLAINT_TYPES = {
    "DAMAGED": "Damaged",
    "DEFECTIVE": "Defective",
    "WRONG_ITEM": "Wrong item",
    "ORDERED_BY_MISTAKE": "Ordered by mistake",
    "OTHER": "Other",
}


def _as_text(value: Any) -> Any:
    """A window of 30 means the same as "30"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Table):
    """An eligibility block; what is left out is taken from the next wider rule."""

    eligible: bool | None = None
    window: Annotated[str | None, BeforeValidator(_as_text)] = None


class Orders(_Table):
    """Which orders are listed for a customer: all, or those of the last `listed_days` days."""

    listed_days: Annotated[int, Field(ge=1, le=36500)] | None = None


class Prices(_Table):
    """Whether what the customer paid, and is refunded, is the price with or without taxes."""

    taxes: Literal["included", "excluded"] = "included"


class Customers(_Table):
    """The party category by which the shop marks a suspicion of fraud (rule 15)."""

    fraud_category: str | None = None


class Transfers(_Table):
    """How a call is handed over: the complaint type, and the party that stands for a caller
    whom nobody has identified (its code)."""

    complaint_type: str = "Call back"
    unidentified: str | None = None


class Policy(_Table):
    """The whole file."""

    zone: str | None = None
    default: Rule | None = None
    categories: dict[str, Rule] = {}
    products: dict[str, Rule] = {}
    complaint_types: dict[str, str] = {}
    orders: Orders = Orders()
    prices: Prices = Prices()
    customers: Customers = Customers()
    transfers: Transfers = Transfers()

    def complaint_type(self, reason: str) -> str:
        """The name of the complaint type that stands for one of the five reasons."""
        return self.complaint_types.get(reason, _COMPLAINT_TYPES[reason])

    def of(self, code: str, categories: Sequence[Category]) -> ReturnPolicy | None:
        """The eligibility block of a product; None where no rule speaks of it (rule 10).

        Each member is decided by itself: the product's rule, else those of its categories, else
        the default. Of several categories the strictest counts.
        """
        rules = [rule for rule in [self.products.get(code)] if rule is not None]
        rules += _strictest(self._of_category(each) for each in categories)
        rules += [self.default] if self.default is not None else []
        if not rules:
            return None
        eligible = next((rule.eligible for rule in rules if rule.eligible is not None), None)
        window = next((rule.window for rule in rules if rule.window is not None), None)
        return ReturnPolicy(return_eligible=eligible, return_window=window)

    def _of_category(self, category: Category) -> list[Rule]:
        """The rules of a category, the nearest first: its own, then those of its parents."""
        named = {fold(name): rule for name, rule in self.categories.items()}
        return [named[fold(name)] for name in category.line if fold(name) in named]


@dataclass(frozen=True, slots=True)
class Category:
    """A product category: its name, then its parents', the nearest first."""

    line: tuple[str, ...]


def _strictest(found: Iterable[list[Rule]]) -> list[Rule]:
    """One rule out of those of several categories: not eligible before eligible, short windows
    before long ones, and a window that nobody can read before all."""
    eligible, windows = [], []
    for rules in found:
        eligible += [rule.eligible for rule in rules if rule.eligible is not None][:1]
        windows += [rule.window for rule in rules if rule.window is not None][:1]
    if not eligible and not windows:
        return []
    return [
        Rule(
            eligible=all(eligible) if eligible else None,
            window=min(windows, key=_length, default=None),
        )
    ]


def _length(window: str) -> float:
    days = window_days(window)
    if days is None:
        return -1
    return float("inf") if days == UNLIMITED else days


def load(path: Path) -> Policy:
    """The policy in a file.

    Raises:
        UsageError: the file cannot be used; every problem is named.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"the policy file {path} is longer than {MOST_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"there is no policy file {path}. Tryton knows no return windows, so returnflow reads "
            f"them from there. A file for “everything within 30 days” reads:\n\n{EXAMPLE}\n"
            "docs/tryton.md has more."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the policy file {path} cannot be read: {error}") from error
    try:
        policy = Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the policy file {path} is no TOML: {error}") from error
    except ValidationError as error:
        found = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_url=False)
        ]
    else:
        found = list(_problems(policy))
    if found:
        raise UsageError("\n".join([f"the policy file {path} cannot be used:", *found]))
    return policy


def _problems(policy: Policy) -> Iterator[str]:
    """What is well-formed and still wrong."""
    named = [("default", policy.default or Rule())]
    named += [(f"categories.{name}", rule) for name, rule in policy.categories.items()]
    named += [(f"products.{code}", rule) for code, rule in policy.products.items()]
    for place, rule in named:
        if rule.window is not None and window_days(rule.window) is None:
            yield (
                f"{place}.window: “{rule.window}” is no window; write a number of days, "
                '"30 days", "P30D" or "unlimited"'
            )
    for reason in policy.complaint_types:
        if reason not in REASONS:
            yield f"complaint_types.{reason}: the reasons are {', '.join(REASONS)}"
    if policy.zone is not None:
        try:
            ZoneInfo(policy.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"zone: there is no time zone {policy.zone!r}; write one such as Europe/Berlin"
