"""Writes RELIABILITY.md anew: ``python -m tests.promises.reliability`` runs the long suites and puts down what they
counted. ``--from FILE …`` takes the figures that earlier runs noted (``FIGURES=FILE make simulate``) instead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.kit.figures import total

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "RELIABILITY.md"


@dataclass(frozen=True)
class Suite:
    """A row of the figures: the name under which a suite notes what it counts, what it does, how it is run."""

    name: str
    does: str
    target: str
    tests: str
    sizes: tuple[str, ...]


SUITES = (
    Suite(
        "days",
        "Days of an engine in virtual time: rates, waits, throttling, crashes, clocks",
        "make simulate SEEDS=10000",
        "tests/simulation/test_promises.py",
        ("SEEDS=10000",),
    ),
    Suite(
        "clients",
        "Days of several clients of the whole API in virtual time, with lost answers, crashes, full and slow disks",
        "make simulate SEEDS=10000",
        "tests/promises/test_cluster.py",
        ("SEEDS=10000",),
    ),
    Suite(
        "nodes",
        "Days of several nodes on one store in virtual time: killed, stopped, cut off, with clocks that differ",
        "make simulate SEEDS=10000",
        "tests/promises/test_nodes.py",
        ("SEEDS=10000",),
    ),
    Suite(
        "store cuts",
        "Power cuts at each write and sync of a store",
        "make power CUTS=2000",
        "tests/power/test_power_cuts.py",
        ("CUTS=2000",),
    ),
    Suite(
        "engine cuts",
        "Power cuts at each write and sync under an engine at work",
        "make power CUTS=2000",
        "tests/power/test_engine_cuts.py",
        ("CUTS=2000",),
    ),
    Suite(
        "kills",
        "`kill -9` of the real server at random moments under load",
        "make crash KILLS=200",
        "tests/crash/test_kill.py",
        ("KILLS=200",),
    ),
    Suite(
        "syscalls",
        "`kill -9` of the real server in the midst of its n-th sync or write",
        "make faults KILLS=200",
        "tests/faults/test_syscalls.py",
        ("KILLS=200",),
    ),
)

PROMISES = (
    ("An acknowledged task is delivered, listed, removed on purpose or exhausted", "all of them"),
    ("What was deleted, purged, acknowledged or delivered does not come back", "all of them"),
    ("No name is given twice before its tombstone ends", "clients, kills"),
    ("Rate and concurrency are ceilings, over crashes too", "days, clients, engine cuts, tests/crash/test_survival.py"),
    ("Nothing is early: schedule times and backoffs", "days, clients, kills"),
    (
        "An attempt is on disk, with its number, before it is sent; outcomes of old attempts do not count",
        "clients, engine cuts, kills",
    ),
    ("Once, but for crashes: no attempt follows a success, none overlaps another", "days, clients, kills"),
    ("No attempt starts in a paused queue", "days, clients"),
    ("Lists show what is there all the while exactly once", "clients"),
    ("Two workers never hold one task", "clients, engine cuts, tests/crash/test_workers.py"),
    ("An error has no effect or the full effect; a refusal has none", "clients, tests/power/test_full_disk.py"),
    ("A full disk refuses what is new; reads, removals and deliveries go on", "clients, tests/power/test_full_disk.py"),
    ("A slow disk lets nobody wait in vain: new tasks are refused in time", "clients, tests/faults"),
    ("A machine that slept, a clock that was moved: late, never lost, never early", "days, clients, tests/faults"),
    ("One slow or hanging handler delays no other queue", "tests/endtoend/test_hostile.py"),
    ("A stop repeats nothing and forgets nothing", "clients, tests/crash/test_stop.py"),
    ("No request, however small or large, holds up other callers, nor does a flood of frames", "tests/hostile"),
    ("A silent name server delays no other queue", "tests/delivery/test_own_network.py"),
    ("A store file that is removed or opened twice ends the server, not the tasks", "tests/faults, tests/storage"),
    ("A client that leaves changes nothing for others, and has its call done whole or not at all", "tests/endtoend"),
)

ATTACKS = (
    ("many and long in every field of every method, up to a megabyte; batches of 12 MiB", "52 ms"),
    ("60 tasks of a megabyte listed in the FULL view", "30 ms"),
    ("200 words of filter over 1,500 queues", "41 ms"),
    ("four uploads of 100 MiB held open", "14 ms"),
    ("20,000 resets, SETTINGS, PING, empty DATA, CONTINUATION or WINDOW_UPDATE frames", "11 ms"),
    ("two clients with all the streams they may have", "20 ms"),
    ("1,000 connections that say nothing; 200 heads byte by byte", "63 ms"),
)
"""What `tests/hostile` printed on 2026-11-30, on two cores: its longest stalls."""

BROKEN = (
    ("commits that are not synced", "tests/power (both), tests/promises"),
    ("attempt numbers that nobody checks", "tests/promises"),
    ("tokens that are not kept", "tests/power/test_engine_cuts.py, tests/promises"),
    (
        "answers before the sync, attempts forgotten at a crash, names free at once, deletes that miss one, counts of "
        "those under way that forget some, early surrender, retries without backoff, purges and pauses without effect, "
        "overlapping pages, shared leases",
        "tests/promises",
    ),
    ("attempts of dead nodes that nobody releases, places they keep, places of others uncounted", "tests/promises"),
)


def run(suite: Suite, figures: Path) -> None:
    """Run a suite; it notes its own figures. Those that print a line of JSON instead are read from there."""
    environment = {**os.environ, "FIGURES": str(figures), **dict(size.split("=") for size in suite.sizes)}
    command = [sys.executable, "-m", "pytest", "-q", "-s", "--timeout", "3600", suite.tests]
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    take_printed(ended.stdout, figures)
    if ended.returncode:
        sys.exit(f"{suite.target} failed:\n{ended.stdout[-4000:]}")
    if suite.name not in total(figures):  # it notes nothing, but passed
        seeds = environment.get("SEEDS", "0")
        note_line(figures, {"suite": suite.name, "seeds": int(seeds), "violations": 0})


def take_printed(output: str, figures: Path) -> None:
    for line in output.splitlines():
        start = line.find('{"seed"')
        if start >= 0 and '"kills"' in line:
            said = json.loads(line[start:])
            wanted = ("kills", "acknowledged", "deliveries", "lost", "returned")
            violations = said["lost"] + said["returned"]
            note_line(figures, {"suite": "kills", **{name: said[name] for name in wanted}, "violations": violations})


def note_line(figures: Path, line: dict[str, object]) -> None:
    with figures.open("a") as file:
        file.write(json.dumps(line) + "\n")


def text(totals: dict[str, dict[str, float]]) -> str:
    """RELIABILITY.md for what the suites counted."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [
        "# What Tidegate promises, and how that is tried",
        "",
        "Written by `make reliability` from what the suites counted; the last run was on " + when + ".",
        "",
        "## The last figures",
        "",
        "| suite | what is done | run by | counted | violations |",
        "|---|---|---|---|--:|",
    ]
    for suite in SUITES:
        counts = dict(totals.get(suite.name, {}))
        violations = f"{counts.pop('violations', 0):.0f}" if counts else "not run"
        counted = ", ".join(f"{count:,.0f} {name.replace('_', ' ')}" for name, count in counts.items())
        lines.append(f"| {suite.name} | {suite.does} | `{suite.target}` | {counted} | {violations} |")
    lines += [
        "",
        "`make test` runs a short form of each. A failing seed plays the same day again and tells its story.",
        "",
        "## The promises",
        "",
        "| promise | tried by |",
        "|---|---|",
        *[f"| {promise} | {suites} |" for promise, suites in PROMISES],
        "",
        "## What attacks cost others",
        "",
        "The longest that one call of another caller took meanwhile, in `tests/hostile` on two cores (2026-11-30):",
        "",
        "| attack | longest call of others |",
        "|---|--:|",
        *[f"| {attack} | {longest} |" for attack, longest in ATTACKS],
        "",
        "## Tests of the tests",
        "",
        "Each of these is planted, and must be caught:",
        "",
        "| broken on purpose | caught by |",
        "|---|---|",
        *[f"| {broken} | {suites} |" for broken, suites in BROKEN],
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="files", nargs="+", type=Path, help="figures, or output, of earlier runs")
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        figures.touch()
        for file in files or ():
            for line in file.read_text().splitlines():
                if line.startswith('{"suite"'):
                    note_line(figures, json.loads(line))
                else:
                    take_printed(line, figures)
        if files is None:
            for suite in SUITES:
                run(suite, figures)
        TARGET.write_text(text(total(figures)))


if __name__ == "__main__":
    main()
