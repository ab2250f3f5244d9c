"""The list of all queues as of a moment ago."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.console.snapshot import Snapshots
from tidegate.core.errors import NotFound, PermissionDenied
from tidegate.core.names import QueueName
from tidegate.schema.operator import ListQueueStatusesResponse, QueueStatus
from tidegate.schema.v2beta3 import Queue

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
Q = "projects/p/locations/l/queues/"


class Answers:
    """Calls that are answered with these queues, once ``open`` is set."""

    def __init__(self, *queues: str) -> None:
        self.queues = list(queues)
        self.asked = 0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, row: Any, **fields: Any) -> Any:
        self.asked += 1
        await self.open.wait()
        if self.error is not None:
            raise self.error
        states = {queue: QueueStatus(name=f"{Q}{queue}/status", state=Queue.State.RUNNING) for queue in self.queues}
        if "name" in fields:
            queue = fields["name"].split("/")[5]
            if queue not in states:
                raise NotFound("gone")
            return QueueStatus.pb(states[queue])
        return ListQueueStatusesResponse.pb(ListQueueStatusesResponse(statuses=list(states.values())))


async def names(snapshots: Snapshots, answers: Any) -> list[str]:
    return sorted(row.queue for row in (await snapshots.get(answers, lambda: NOON)).rows)


async def test_those_who_ask_at_the_same_time_share_one() -> None:
    answers, snapshots = Answers("a"), Snapshots()
    assert await asyncio.gather(*(names(snapshots, answers) for _ in range(5))) == [["a"]] * 5
    assert answers.asked == 1


async def test_while_the_next_is_made_the_last_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.console.snapshot.KEPT_FOR", 0.0)
    monkeypatch.setattr("tidegate.console.snapshot.KEPT_FACTOR", 0.0)
    monkeypatch.setattr("tidegate.console.snapshot.WAITED_FOR", 0.0)
    answers, snapshots = Answers("a"), Snapshots()
    assert await names(snapshots, answers) == ["a"]
    answers.queues = ["a", "b"]
    answers.open.clear()
    assert await names(snapshots, answers) == ["a"]
    assert await names(snapshots, answers) == ["a"]
    assert answers.asked == 2
    answers.open.set()
    await snapshots.settled()
    answers.open.clear()
    assert await names(snapshots, answers) == ["a", "b"]
    answers.open.set()


async def test_a_refusal_is_raised_and_nothing_old_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.console.snapshot.KEPT_FOR", 0.0)
    monkeypatch.setattr("tidegate.console.snapshot.KEPT_FACTOR", 0.0)
    answers, snapshots = Answers("a"), Snapshots()
    assert await names(snapshots, answers) == ["a"]
    answers.error = PermissionDenied("no more")
    for _ in range(2):
        with pytest.raises(PermissionDenied):
            await names(snapshots, answers)


async def test_a_queue_that_was_changed_here_is_brought_up_to_date() -> None:
    answers, snapshots = Answers("a"), Snapshots()
    await names(snapshots, answers)
    answers.queues = ["a", "b"]
    calls: Any = answers
    await snapshots.look_again(calls, QueueName(Q + "b"))
    assert await names(snapshots, answers) == ["a", "b"]
    answers.queues = ["a"]
    await snapshots.look_again(calls, QueueName(Q + "b"))
    assert await names(snapshots, answers) == ["a"]
