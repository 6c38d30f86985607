"""``python -m benchmarks``: lists the benchmarks; ``python -m benchmarks NAME`` runs one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from benchmarks import detection, keys, live, load, mutants, replay, startup
from benchmarks.measure import report

BENCHMARKS = {
    "live": live,
    "load": load,
    "startup": startup,
    "detection": detection,
    "keys": keys,
    "mutants": mutants,
    "replay": replay,
}


def main() -> int:
    """Runs the benchmark that is named; 0 where every target was reached, else 1."""
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="Measures returnflow. Each figure stands beside its floor in the same run.",
        formatter_class=RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="name", metavar="NAME", title="benchmarks")
    for name, module in BENCHMARKS.items():
        one = commands.add_parser(name, help=module.ABOUT, description=module.__doc__)
        one.add_argument("--json", action="store_true", help="print JSON instead of tables")
        module.arguments(one)
    options = parser.parse_args()
    if options.name is None:
        parser.print_help()
        return 0
    return 0 if report(BENCHMARKS[options.name].measure(options), as_json=options.json) else 1


if __name__ == "__main__":
    sys.exit(main())
