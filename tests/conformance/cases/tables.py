"""For every RPC the cases that say how it is answered and how it is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.conformance.cloud import Cloud

Case = Callable[[Cloud], None]

ANSWERED: defaultdict[str, list[Case]] = defaultdict(list)
REFUSED: defaultdict[str, list[Case]] = defaultdict(list)

QUEUE_MISSING = (
    "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
)
NOT_FOUND = "Requested entity was not found."
HTTP = {"url": "https://example.com/a", "body": b"hello"}


def answered(*rpcs: str) -> Callable[[Case], Case]:
    def add(case: Case) -> Case:
        for rpc in rpcs:
            ANSWERED[rpc].append(case)
        return case

    return add


def refused(*rpcs: str) -> Callable[[Case], Case]:
    def add(case: Case) -> Case:
        for rpc in rpcs:
            REFUSED[rpc].append(case)
        return case

    return add


def ids(answer: Any) -> list[str]:
    """The last parts of the names in a page of queues or tasks."""
    listed = answer.queues if hasattr(answer, "queues") else answer.tasks
    return [each.name.rsplit("/", 1)[1] for each in listed]
