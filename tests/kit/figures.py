"""What a suite counted, for RELIABILITY.md: a line of JSON in the file that ``FIGURES`` names, if it names one."""

from __future__ import annotations

import json
import os
from pathlib import Path


def note(suite: str, **counts: float) -> None:
    """Add the counts of one test. Counts of one suite are added up; of those that begin with ``most`` the largest
    stays.
    """
    path = os.environ.get("FIGURES")
    if path:
        with Path(path).open("a") as file:
            file.write(json.dumps({"suite": suite, **counts}) + "\n")


def total(path: Path) -> dict[str, dict[str, float]]:
    """The counts of all suites that noted some in a file."""
    totals: dict[str, dict[str, float]] = {}
    for line in path.read_text().splitlines():
        counts = json.loads(line)
        known = totals.setdefault(counts.pop("suite"), {})
        for name, count in counts.items():
            more = max if name.startswith("most") else float.__add__
            known[name] = more(float(known.get(name, 0)), float(count))
    return totals
