"""Many tasks at once: deleted, run, given another schedule time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.test_long_running import QuickClock
from tests.engine.twice import TwiceStore
from tests.engine.worlds import MINUTE, SECOND, Hands, Mint, Network, Notes
from tests.ids import CountingIds

from tidegate.core.errors import NotFound
from tidegate.core.lease import LeaseFilter
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.engine.bulk import Selection
from tidegate.engine.engine import Engine
from tidegate.engine.long_running import LongRunning
from tidegate.engine.ports.events import QueueChanged, TasksDeleted
from tidegate.engine.ports.world import World
from tidegate.storage.sqlite import SqliteStore

QUEUE = QueueName.of("p", "l", "q")
PULL = QueueName.of("p", "l", "pull")
HOUR = timedelta(hours=1)


class Bulk(Hands):
    """An engine of which operations select tasks as the test says."""

    selection = Selection(chooses=lambda _: True)

    async def put(self, *task_ids: str, queue: QueueName = QUEUE, after: timedelta = HOUR) -> None:
        for task_id in task_ids:
            due = self.clock.now() + after
            target = PullDraft(b"x", "") if queue == PULL else HttpDraft("https://handler.test/")
            draft = TaskDraft(queue.task(task_id), target, (int(due.timestamp()), 0))
            await self.engine.tasks.create(queue, check_task(draft, queue, self.clock.now()))
        self.clock.advance(SECOND)  # an operation leaves alone what is created later

    async def do(self, kind: str, queue: QueueName = QUEUE) -> LongRunning:
        begun = await self.engine.long_running.begin(kind, queue, b"")
        for _ in range(10_000):
            if self.engine.long_running.idle:
                break
            await asyncio.sleep(0)
        return await self.engine.long_running.get(OperationName(begun.name))

    async def tasks(self, queue: QueueName = QUEUE) -> list[Task]:
        return list(await self.engine.tasks.list(queue, "", 1000, body=False))

    async def left(self) -> list[str]:
        return [task.name.task for task in await self.tasks()]


async def begun() -> Bulk:
    clock, network, notes, store = QuickClock(), Network(), Notes(), TwiceStore()
    world = World(store, network, Mint(), clock, clock, CountingIds(), notes)
    at = Bulk(Engine(world), clock, network, notes, store)
    at.engine.serve_bulk(lambda _: at.selection)
    await at.engine.queues.create(Queue(name=QUEUE))
    await at.engine.queues.create(Queue(name=PULL, kind=Kind.PULL))
    return at


@pytest.fixture
async def at() -> Bulk:
    return await begun()


def ends_with(letter: str) -> Selection:
    return Selection(chooses=lambda task: task.name.endswith(letter))


async def test_the_tasks_that_a_filter_chooses_are_deleted_and_told(at: Bulk) -> None:
    await at.put("1a", "2b", "3a", "4b")
    at.selection = ends_with("a")
    done = await at.do("BulkDeleteTasks")
    assert await at.left() == ["2b", "4b"]
    assert (done.progress.total, done.progress.scanned, done.progress.matched, done.progress.changed) == (4, 4, 2, 2)
    (deleted,) = [event for event in at.notes.events if isinstance(event, TasksDeleted)]
    assert deleted.task_ids == ["1a", "3a"]


async def test_a_deleted_task_leaves_its_name_taken(at: Bulk) -> None:
    await at.put("a")
    await at.do("BulkDeleteTasks")
    with pytest.raises(Exception, match="existed too recently"):
        await at.put("a")


async def test_thousands_of_tasks_go_step_by_step(at: Bulk) -> None:
    await at.put(*[f"t{number:04}" for number in range(1200)])
    done = await at.do("BulkDeleteTasks")
    assert (await at.left(), done.progress.changed) == ([], 1200)


async def test_named_tasks_are_deleted_and_those_that_are_not_there_are_failures(at: Bulk) -> None:
    await at.put("a", "b")
    at.selection = Selection(task_ids=["b", "gone", "a"])
    done = await at.do("BulkDeleteTasks")
    assert await at.left() == []
    assert [(each.name, each.code) for each in done.failures] == [(QUEUE.task("gone"), 5)]
    assert (done.progress.matched, done.progress.changed, done.progress.failed) == (3, 2, 1)


async def test_what_is_created_after_the_begin_is_left_alone(at: Bulk) -> None:
    await at.put("a")
    operation = await at.engine.long_running.begin("BulkDeleteTasks", QUEUE, b"")
    at.clock.advance(MINUTE)
    await at.put("b")
    for _ in range(1000):
        await asyncio.sleep(0)
    assert await at.left() == ["b"]
    assert (await at.engine.long_running.get(OperationName(operation.name))).done


async def test_a_queue_that_is_not_there_cannot_be_changed(at: Bulk) -> None:
    with pytest.raises(NotFound):
        await at.do("BulkDeleteTasks", QueueName.of("p", "l", "none"))


async def test_an_operation_ends_with_an_error_when_its_queue_is_deleted(at: Bulk) -> None:
    await at.put(*[f"t{number:04}" for number in range(600)])
    next_step = asyncio.Event()

    async def sleep(_: float) -> None:
        await next_step.wait()

    at.clock.sleep = sleep  # type: ignore[method-assign,assignment]
    operation = await at.engine.long_running.begin("BulkRescheduleTasks", QUEUE, b"")
    await at.engine.queues.delete(QUEUE)
    next_step.set()
    for _ in range(1000):
        await asyncio.sleep(0)
    ended = await at.engine.long_running.get(OperationName(operation.name))
    assert ended.error is not None
    assert ended.error.code == NotFound.code


async def test_tasks_are_run_at_once_even_when_their_queue_is_paused(at: Bulk) -> None:
    await at.engine.start()
    await at.engine.queues.pause(QUEUE)
    await at.put(*[f"t{number:03}" for number in range(100)])
    done = await at.do("BulkRunTasks")
    for _ in range(1000):
        await asyncio.sleep(0)
    assert (done.progress.changed, len(at.network.calls), await at.left()) == (100, 100, [])
    (stats,) = (await at.engine.queues.stats([QUEUE])).values()
    assert stats.in_flight == 0
    await at.engine.stop()


async def test_a_filter_runs_no_task_whose_attempt_is_under_way_but_a_name_does(at: Bulk) -> None:
    held: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    sent: list[HttpCall] = []

    async def hold(call: HttpCall, *_: object) -> Outcome:
        sent.append(call)
        return await held

    at.network.send = hold  # type: ignore[method-assign,assignment]
    await at.put("a")
    await at.do("BulkRunTasks")
    await at.do("BulkRunTasks")
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(sent) == 1
    at.selection = Selection(task_ids=["a"])
    await at.do("BulkRunTasks")
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(sent) == 2
    held.set_result(Outcome(http_status=200))


async def test_pull_tasks_cannot_be_run(at: Bulk) -> None:
    await at.put("a", queue=PULL)
    done = await at.do("BulkRunTasks", PULL)
    assert (done.progress.changed, done.progress.failed) == (0, 1)


async def test_tasks_get_another_schedule_time_and_are_dispatched_then(at: Bulk) -> None:
    await at.engine.start()
    await at.put("a", "b")
    at.selection = Selection(chooses=lambda _: True, at=at.clock.now() + MINUTE)
    await at.do("BulkRescheduleTasks")
    assert {task.schedule_time for task in await at.tasks()} == {at.clock.now() + MINUTE}
    assert QueueChanged(QUEUE, "2 tasks rescheduled") in at.notes.events
    at.clock.advance(MINUTE)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(at.network.calls) == 2
    await at.engine.stop()


async def test_without_a_time_tasks_are_due_at_once(at: Bulk) -> None:
    await at.put("a")
    await at.do("BulkRescheduleTasks")
    assert [task.schedule_time for task in await at.tasks()] == [at.clock.now()]


async def test_a_task_under_way_and_a_leased_one_keep_their_times(at: Bulk) -> None:
    at.network.answer = lambda _: Outcome(http_status=500)
    await at.put("a")
    held: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def hold(*_: object) -> Outcome:
        return await held

    at.network.send = hold  # type: ignore[method-assign,assignment]
    await at.engine.tasks.run(QUEUE.task("a"))
    done = await at.do("BulkRescheduleTasks")
    assert [each.message for each in done.failures] == ["An attempt of the task is under way."]
    held.set_result(Outcome(http_status=200))
    await at.put("b", queue=PULL, after=timedelta())
    await at.engine.leases.lease(PULL, LeaseFilter(), 10, MINUTE)
    done = await at.do("BulkRescheduleTasks", PULL)
    assert [each.message for each in done.failures] == ["The task is leased."]


async def test_an_operation_that_its_server_left_is_finished_by_the_next_one(tmp_path: Path) -> None:
    async def server(clock: QuickClock) -> tuple[Engine, SqliteStore]:
        store = await SqliteStore.open(tmp_path / "tidegate.db")
        engine = Engine(World(store, Network(), Mint(), clock, clock, CountingIds(), Notes()))
        engine.serve_bulk(lambda _: Selection(chooses=lambda _: True))
        return engine, store

    clock = StoppingClock()
    engine, store = await server(clock)
    await engine.queues.create(Queue(name=QUEUE))
    at = Bulk(engine, clock, Network(), Notes(), store)  # type: ignore[arg-type]
    await at.put(*[f"t{number:04}" for number in range(600)])
    operation = await engine.long_running.begin("BulkDeleteTasks", QUEUE, b"")
    await clock.stopped.wait()  # after the first step
    await engine.long_running.stop()
    left = len(await at.left())
    assert 0 < left < 600
    await store.close()

    engine, store = await server(QuickClock())
    await engine.start()
    at = Bulk(engine, clock, Network(), Notes(), store)  # type: ignore[arg-type]
    while not engine.long_running.idle:  # noqa: ASYNC110 - the store's threads work
        await asyncio.sleep(0.001)
    done = await engine.long_running.get(OperationName(operation.name))
    assert (await at.left(), done.progress.changed, done.error) == ([], 600, None)
    await engine.stop()
    await store.close()


class StoppingClock(QuickClock):
    """Whoever sleeps does not wake up."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.stopped.set()
        await asyncio.Event().wait()
