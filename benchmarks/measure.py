"""What the benchmarks share: figures, tables, and what is said of the machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured of one subject.

    Args:
        best, median, p99: in the unit of the table; of a single run only the median. The best
            is what other work on the machine disturbed least.
        count: how many measurements they are of.
    """

    name: str
    best: float | None
    median: float
    p99: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that has to be reached.

    Args:
        value: what was measured; reached when it is at most `limit`.
        least: it is reached when it is at least `limit`.
    """

    name: str
    value: float
    limit: float
    unit: str
    least: bool = False

    @property
    def reached(self) -> bool:
        """Whether it was."""
        return self.value >= self.limit if self.least else self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison.

    Args:
        unit: of all figures.
        base: the name of the figure that the ratios are of; "" for none.
        also: further figures that ratios are of, by the head of their columns.
        digits: behind the point.
    """

    title: str
    unit: str
    figures: Sequence[Figure]
    base: str
    targets: Sequence[Target] = field(default=())
    also: Mapping[str, str] = field(default_factory=dict)
    digits: int = 1


def figure(name: str, measured: Sequence[float]) -> Figure:
    """The least, the median and the 99th percentile (by nearest rank) of what was measured."""
    ranked = sorted(measured)
    rank = -(-99 * len(ranked) // 100)
    return Figure(name, ranked[0], statistics.median(ranked), ranked[rank - 1], len(ranked))


def positive(text: str) -> int:
    """A whole number above zero, as an option's value.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def machine() -> dict[str, Any]:
    """What matters of this machine; nothing that tells whose it is."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": usable,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "processor": platform.machine(),
    }


def report(tables: Sequence[Table], *, as_json: bool) -> bool:
    """Prints tables and says whether every target was reached."""
    if as_json:
        print(json.dumps({"machine": machine(), "tables": [_plain(each) for each in tables]}))
    else:
        about = machine()
        print(
            f"{about['cores']} cores, {about['implementation']} {about['python']}, "
            f"{about['system']} {about['processor']}"
        )
        for table in tables:
            _print(table)
    return all(target.reached for table in tables for target in table.targets)


def _plain(table: Table) -> dict[str, Any]:
    shown = asdict(table)
    for target, plain in zip(table.targets, shown["targets"], strict=True):
        plain["reached"] = target.reached
    for each, ratio in zip(shown["figures"], _ratios(table), strict=True):
        each["ratio"] = ratio
    for head, name in table.also.items():
        for each, ratio in zip(shown["figures"], _ratios(table, name), strict=True):
            each[head] = ratio
    return shown


def _ratios(table: Table, base: str | None = None) -> list[float | None]:
    name = table.base if base is None else base
    one = next((each.median for each in table.figures if each.name == name), None)
    return [each.median / one if one else None for each in table.figures]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _print(table: Table) -> None:
    heads = (
        "",
        f"best {table.unit}",
        f"median {table.unit}",
        f"p99 {table.unit}",
        "ratio",
        *table.also,
        "measured",
    )
    ratios = [_ratios(table), *(_ratios(table, name) for name in table.also.values())]
    rows = [
        (
            each.name,
            _number(each.best, table.digits),
            _number(each.median, table.digits),
            _number(each.p99, table.digits),
            *(_number(of, 2) for of in each_ratios),
            str(each.count),
        )
        for each, *each_ratios in zip(table.figures, *ratios, strict=True)
    ]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    print(f"\n{table.title}")
    for row in [heads, *rows]:
        name, *numbers = row
        cells = [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *cells]).rstrip())
    for target in table.targets:
        said = "reached" if target.reached else "MISSED"
        most = "least" if target.least else "most"
        value = f"{target.value:.{table.digits}f}"
        print(f"{target.name}: {value} of at {most} {target.limit:g} {target.unit}: {said}")
    sys.stdout.flush()
