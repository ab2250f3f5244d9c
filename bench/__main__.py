"""Measure this machine: ``python -m bench [NAME ...]``; without names, everything."""

from __future__ import annotations

import argparse

from bench import suite


def main() -> None:
    listed = "\n".join(f"  {name:10} {suite.about(name)}" for name in suite.NAMES)
    arguments = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_argument("names", nargs="*", metavar="NAME", help="which benchmarks")
    suite.add_options(arguments)
    options = arguments.parse_args()
    names = options.names or suite.NAMES
    for name in names:
        if name not in suite.NAMES:
            arguments.error(f"there is no benchmark {name!r}; there are {', '.join(suite.NAMES)}")
    plan = suite.planned(options)
    rows, broken = suite.run(names, plan)
    suite.report(rows, broken, names, plan, options.json)
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
