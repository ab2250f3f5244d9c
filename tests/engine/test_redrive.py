"""Many dead tasks driven into a queue again, or deleted: step by step, each once, also over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.dead_letters import DeadTask, DeathReason, ErrorGroup
from tidegate.core.errors import Code, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Queue, RetryConfig, State
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.engine import Engine
from tidegate.engine.long_running import LongRunning
from tidegate.engine.ports.shelf import ShelfTally
from tidegate.engine.ports.store import StoredQueue, Transaction
from tidegate.engine.redrive import REDRIVEN_BYTES, DeadSelection

OTHER = QueueName.of("p", "us-central1", "other")
HOUR = timedelta(hours=1)
PAUSED = Queue(name=QUEUE, state=State.PAUSED)
GROUP = ErrorGroup("0", "HTTP 500 from handler.test")
ROOM = ShelfTally(100_000, 2**40)


def found(tx: Transaction, name: QueueName) -> StoredQueue:
    stored = tx.queue(name)
    assert stored is not None
    return stored


async def shelved(life: Life, count: int, body: bytes = b"", first: int = 0) -> None:
    """So many dead tasks on the shelf, with IDs that count from ``first``."""
    now = life.clock.now()
    dead = [
        DeadTask(
            task=Task(
                name=QUEUE.task(f"t{number}"),
                target=HttpRequest("http://handler.test/"),
                schedule_time=now,
                create_time=now,
                dispatch_count=3,
                body=body,
            ),
            death_time=now,
            reason=DeathReason.ATTEMPTS,
            expire_time=now + 24 * HOUR,
            error_group=GROUP,
        )
        for number in range(first, first + count)
    ]
    await life.store.write(lambda tx: tx.shelve(found(tx, QUEUE), dead, ROOM))
    await asyncio.sleep(0.001)


async def on_shelf(life: Life) -> Sequence[DeadTask]:
    return (await life.engine.dead_letters.list(QUEUE, None, 20_000)).chosen


async def in_queue(life: Life, queue: QueueName = QUEUE) -> list[Task]:
    return list(await life.engine.tasks.list(queue, "", 20_000, body=True))


async def begun(life: Life, selection: DeadSelection, kind: str = "RedriveDeadTasks") -> LongRunning:
    life.engine.serve_dead_tasks(lambda _: selection)
    return await life.engine.long_running.begin(kind, QUEUE, b"")


async def ended(life: Life, operation: LongRunning) -> LongRunning:
    while not operation.done:
        await asyncio.sleep(0.01)
        operation = await life.engine.long_running.get(OperationName(operation.name))
    return operation


async def some_are_driven(life: Life) -> None:
    while not await in_queue(life):  # noqa: ASYNC110 - in virtual time
        await asyncio.sleep(0.01)


async def driven(life: Life, selection: DeadSelection, kind: str = "RedriveDeadTasks") -> LongRunning:
    return await ended(life, await begun(life, selection, kind))


def test_ten_thousand_are_each_in_the_queue_once_and_none_is_left() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 10_000)
        done = await driven(life, DeadSelection())
        assert (done.progress.matched, done.progress.changed, done.progress.failed) == (10_000, 10_000, 0)
        assert len({task.name for task in await in_queue(life)}) == 10_000
        assert await on_shelf(life) == []

    lived(story, PAUSED)


def test_a_redrive_goes_on_after_a_restart_and_drives_nothing_twice() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 2000)
        operation = await begun(life, DeadSelection())
        await some_are_driven(life)
        await life.engine.stop()
        between = len(await in_queue(life))
        assert 0 < between < 2000
        assert between + len(await on_shelf(life)) == 2000
        life.engine = Engine(life.world)
        life.engine.serve_dead_tasks(lambda _: DeadSelection())
        await life.engine.start()
        done = await ended(life, operation)
        assert done.progress.changed == 2000
        assert len(await in_queue(life)) == 2000
        assert await on_shelf(life) == []

    lived(story, PAUSED)


def test_a_cancelled_redrive_leaves_the_rest_on_the_shelf() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 2000)
        operation = await begun(life, DeadSelection())
        await some_are_driven(life)
        await life.engine.long_running.cancel(OperationName(operation.name))
        await asyncio.sleep(1)
        assert 0 < len(await in_queue(life)) < 2000
        assert len(await in_queue(life)) + len(await on_shelf(life)) == 2000

    lived(story, PAUSED)


def test_they_are_spread_evenly_over_the_time_that_was_asked_for() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 600)
        at = life.clock.now() + HOUR
        await driven(life, DeadSelection(at=at, spread=timedelta(minutes=10)))
        due = sorted(task.schedule_time for task in await in_queue(life))
        assert due == [at + number * timedelta(seconds=1) for number in range(600)]

    lived(story, PAUSED)


def test_what_is_driven_at_once_is_sent_at_once() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 20)
        await driven(life, DeadSelection())
        await asyncio.sleep(1)
        assert len(life.sent) == 20
        assert await in_queue(life) == []

    lived(story)


def test_a_task_that_dies_again_is_not_driven_in_circles() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(http_status=500)
        await shelved(life, 300)
        done = await driven(life, DeadSelection())
        await asyncio.sleep(2)
        assert done.progress.changed == 300
        assert len(life.sent) == len(await on_shelf(life)) == 300

    lived(story, Queue(name=QUEUE, retry_config=RetryConfig(max_attempts=1)))


def test_named_ones_are_driven_and_those_that_are_not_there_are_told() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 3)
        dead = {each.task.name.task: each.id for each in await on_shelf(life)}
        done = await driven(life, DeadSelection([dead["t2"], 4711, dead["t0"]]))
        assert sorted(task.name.task for task in await in_queue(life)) == ["t0", "t2"]
        (failure,) = done.failures
        assert (failure.name, failure.code) == (f"{QUEUE}/deadTasks/4711", Code.NOT_FOUND)
        assert [each.task.name.task for each in await on_shelf(life)] == ["t1"]

    lived(story, PAUSED)


def test_what_a_filter_does_not_choose_stays() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 1000)
        done = await driven(life, DeadSelection(chooses=lambda dead: dead.task.name.task.endswith("7")))
        assert (done.progress.scanned, done.progress.changed) == (1000, 100)
        assert len(await on_shelf(life)) == 900

    lived(story, PAUSED)


def test_they_go_to_another_queue_that_must_be_there() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 10)
        with pytest.raises(NotFound):
            await begun(life, DeadSelection(to_queue=OTHER))
        await life.engine.queues.create(Queue(name=OTHER, state=State.PAUSED))
        await driven(life, DeadSelection(to_queue=OTHER))
        assert len(await in_queue(life, OTHER)) == 10
        assert not await in_queue(life)
        assert not await on_shelf(life)

    lived(story, PAUSED)


def test_a_step_reads_few_of_them_when_they_are_long() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 12, body=bytes(2**20))
        steps: list[int] = []
        write = life.store.write_once

        async def counting(work: Callable[[Transaction], object], **queues: Any) -> object:
            before = len(await on_shelf(life))
            answer = await write(work, **queues)
            steps.append(before - len(await on_shelf(life)))
            return answer

        life.store.write_once = counting  # type: ignore[method-assign, assignment]
        await driven(life, DeadSelection())
        assert sum(steps) == 12
        assert max(steps) * 2**20 <= REDRIVEN_BYTES
        assert all(len(task.body) == 2**20 for task in await in_queue(life))

    lived(story, PAUSED)


def test_a_purge_deletes_what_its_filter_chooses() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 1000)
        done = await driven(life, DeadSelection(chooses=lambda dead: dead.task.name.task < "t5"), "PurgeDeadTasks")
        assert done.progress.changed == sum(f"t{number}" < "t5" for number in range(1000))
        assert all(each.task.name.task >= "t5" for each in await on_shelf(life))
        await driven(life, DeadSelection(), "PurgeDeadTasks")
        assert not await on_shelf(life)
        assert not await in_queue(life)

    lived(story, PAUSED)


def test_only_counting_changes_nothing() -> None:
    async def story(life: Life) -> None:
        await shelved(life, 1000)
        life.engine.serve_dead_tasks(lambda _: DeadSelection())
        count = await life.engine.long_running.count("RedriveDeadTasks", QUEUE, b"")
        assert count.entries == len(await on_shelf(life)) == 1000

    lived(story, PAUSED)
