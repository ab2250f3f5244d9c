"""The benchmarks in their order: run some, and say what came of it."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from math import isfinite
from pathlib import Path
from typing import Any

from bench import machine
from bench.marks import MARKS, Mark
from bench.plan import FULL, QUICK, Plan
from bench.rows import Row, number
from bench.table import table, verdict
from bench.tools import CannotMeasure

NAMES = (
    "floor",
    "create",
    "batch",
    "read",
    "delete",
    "rest",
    "dispatch",
    "attempts",
    "shelf",
    "watchers",
    "traces",
    "live",
    "lateness",
    "lease",
    "idle",
    "scrape",
    "stats",
    "console",
    "startup",
    "backlog",
    "postgres",
    "nodes",
    "client",
)


def about(name: str) -> str:
    """The first line of what a benchmark says of itself."""
    return (importlib.import_module(f"bench.{name}").__doc__ or "").splitlines()[0]


def run(names: Iterable[str], plan: Plan) -> tuple[list[Row], list[str]]:
    """The rows of these benchmarks, and which of them broke off. Says on stderr how it goes."""
    end_on_sigterm()
    rows: list[Row] = []
    broken: list[str] = []
    for name in names:
        _say(f"{name}: {about(name)}")
        try:
            for row in importlib.import_module(f"bench.{name}").measure(plan):
                assert row.what.split()[0] == name, f"{row.what!r} is no row of {name}"
                rows.append(row)
                _say(f"  {row.what}: {number(row.figure)} {row.unit}")
        except CannotMeasure as cause:
            _say(f"  {cause}")
            broken.append(name)
        except Exception:  # the others are worth having
            traceback.print_exc()
            broken.append(name)
    return rows, broken


def document(rows: Sequence[Row], plan: Plan, broken: Sequence[str] = ()) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "plan": asdict(plan),
        "rows": [_row(row) for row in rows],
        "broken": list(broken),
    }


def report(rows: Sequence[Row], broken: Sequence[str], names: Sequence[str], plan: Plan, file: Path | None) -> None:
    """Print the table and the JSON, on one line or into ``file``."""
    print(table(rows, MARKS))
    if missing := unmeasured(rows, names):
        print("not measured:", *missing, sep="\n  ")
    if broken:
        print("broke off:", ", ".join(broken))
    write(document(rows, plan, broken), file)


def write(result: Mapping[str, Any], file: Path | None) -> None:
    """As JSON, on a line of its own or into the file."""
    text = json.dumps(result)
    if file:
        file.write_text(text + "\n")
    else:
        print(text)


def unmeasured(rows: Iterable[Row], names: Iterable[str]) -> list[str]:
    """The marks of these benchmarks for which there is no row: a quick run takes smaller numbers, say."""
    seen, ran = {row.what for row in rows}, set(names)
    return [what for what in MARKS if what not in seen and what.split()[0] in ran]


def alone(name: str, measure: Callable[[Plan], Iterable[Row]]) -> None:
    """``python -m bench.NAME``: one benchmark, which prints one JSON line."""
    arguments = argparse.ArgumentParser(prog=f"python -m bench.{name}", epilog=f"python -m bench {name} prints a table")
    add_options(arguments)
    options = arguments.parse_args()
    plan = planned(options)
    end_on_sigterm()
    try:
        write({"bench": name, **document(list(measure(plan)), plan)}, options.json)
    except CannotMeasure as cause:
        raise SystemExit(str(cause)) from None


def add_options(arguments: argparse.ArgumentParser) -> None:
    """What every run can be told."""
    arguments.add_argument("--quick", action="store_true", help="fewer, shorter and smaller: two minutes, coarse")
    arguments.add_argument("--rounds", type=int, help="how often each side has its turn")
    arguments.add_argument("--seconds", type=float, help="how long a turn may take")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="where the JSON goes; else it is the last line")


def planned(options: argparse.Namespace) -> Plan:
    plan = QUICK if options.quick else FULL
    return replace(plan, rounds=options.rounds or plan.rounds, seconds=options.seconds or plan.seconds)


def end_on_sigterm() -> None:
    """Leave by the way on which servers are stopped and scratch folders removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _row(row: Row) -> dict[str, Any]:
    mark = MARKS.get(row.what)
    return {
        **asdict(row),
        "details": dict(row.details),
        "mark": mark and _mark(mark),
        "holds": mark and mark.holds(row),
        "verdict": verdict(row, mark),
    }


def _mark(mark: Mark) -> dict[str, Any]:
    """Bounds that are there; infinities are not JSON."""
    bounds = {"least": mark.least, "most": mark.most}
    return {**{name: bound for name, bound in bounds.items() if isfinite(bound)}, "by_floor": mark.by_floor}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
