"""How often a store committed, how much went into each commit, and how long its sync took."""

from __future__ import annotations

from typing import Final

from tidegate.core.histogram import Histogram

JOBS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
"""Upper ends of buckets of jobs in a commit."""

SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Upper ends of buckets of a commit's seconds: from a disk with a battery to one that is failing."""


class CommitCounts:
    """Written by the thread that commits, read by others: a page may miss the last one."""

    __slots__ = ("failed", "jobs", "seconds")

    def __init__(self) -> None:
        self.jobs = Histogram(JOBS)  # in each commit
        self.seconds = Histogram(SECONDS)  # of each commit, with its sync
        self.failed = 0  # transactions that could not be committed

    def add(self, jobs: int, seconds: float) -> None:
        """A transaction with so many jobs was committed; its commit took so long."""
        self.jobs.add(jobs)
        self.seconds.add(seconds)
