"""What an engine does when other nodes were faster: a task's name is taken, a queue is held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.engine.worlds import Hands, hands

from tidegate.core.errors import AlreadyExists
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.core.validation import HttpDraft, NewTask, TaskDraft, check_task
from tidegate.engine.body_budget import BodyBudget
from tidegate.engine.claims import claim
from tidegate.engine.held_by import HoldCode
from tidegate.engine.moments import Moments
from tidegate.engine.ports.events import TasksCreated
from tidegate.engine.ports.store import Added, StoredQueue
from tidegate.storage.transaction import StoreTransaction

QUEUE = QueueName.of("p", "l", "q")


def new(at: Hands, task_id: str) -> NewTask:
    draft = TaskDraft(target=HttpDraft("http://handler.test/"), name=QUEUE.task(task_id))
    return check_task(draft, QUEUE, at.clock.now())


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """IDs that another node takes between our look and our insert."""
    taken: set[str] = set()
    add_tasks, add_dispatched = StoreTransaction.add_tasks, StoreTransaction.add_dispatched

    def left(tasks: Sequence[Task]) -> list[Task]:
        return [task for task in tasks if task.name.task not in taken]

    def adds(self: StoreTransaction, queue: StoredQueue, tasks: Sequence[Task]) -> Any:
        add_tasks(self, queue, left(tasks))
        return taken & {task.name.task for task in tasks}

    def starts(self: StoreTransaction, queue: StoredQueue, tasks: Sequence[Task], now: Any) -> Added:
        added = add_dispatched(self, queue, left(tasks), now)
        return Added(added.tasks, taken & {task.name.task for task in tasks})

    monkeypatch.setattr(StoreTransaction, "add_tasks", adds)
    monkeypatch.setattr(StoreTransaction, "add_dispatched", starts)
    return taken


@pytest.mark.parametrize("held", [True, False], ids=["started as they are stored", "left to a claim"])
async def test_a_task_whose_name_another_node_takes_meanwhile_exists(
    held: bool, taken: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    at.engine.scheduler.forget()
    at.engine.scheduler._moments = Moments()
    monkeypatch.setattr(StoreTransaction, "held", lambda self, queue: held)
    taken.add("b")
    created = await asyncio.gather(
        *[at.engine.tasks.create(QUEUE, new(at, each)) for each in "abc"], return_exceptions=True
    )
    assert isinstance(created[1], AlreadyExists)
    assert [each.name.task for each in created if isinstance(each, Task)] == ["a", "c"]
    (told,) = [event for event in at.notes.events if isinstance(event, TasksCreated)]
    assert [task.name.task for task in told.tasks] == ["a", "c"]
    stored = await at.store.read(lambda tx: tx.queue(QUEUE))
    assert stored is not None
    started = 2 if held else 0
    assert stored.flow.bucket.tokens == stored.queue.rate_limits.max_burst_size - started
    assert len(at.network.calls) == started


async def test_a_queue_that_another_node_holds_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    await at.engine.tasks.create(QUEUE, new(at, "a"))
    monkeypatch.setattr(StoreTransaction, "held", lambda self, queue: False)
    now = at.clock.now()
    (given,) = await at.store.write(lambda tx: claim(tx, {QUEUE: 1}, now, BodyBudget(), ramp_up=False))
    assert (given.tasks, given.held_by.code) == ([], HoldCode.OTHER_NODE)
