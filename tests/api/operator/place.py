"""The operator's API over a real engine in memory that was started, with all that listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.engine.test_long_running import QuickClock
from tests.engine.worlds import Mint, Network
from tests.ids import CountingIds

from tidegate.api.operator import OperatorApi, Parts
from tidegate.api.operator.bulk import read_selection
from tidegate.api.operator.redrive import read_dead_selection
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.validation import Ceilings, HttpDraft, PullDraft, TaskDraft, check_task, settle_queue
from tidegate.engine.engine import Engine
from tidegate.engine.ports.events import Event
from tidegate.engine.ports.world import World
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import IdleWaits
from tidegate.observers.metrics.counts import Counts
from tidegate.observers.series import Series
from tidegate.schema.operator import Operator
from tidegate.storage.sqlite import MemoryStore

PARENT = "projects/p/locations/l"
QUEUE = QueueName.of("p", "l", "q")
PULL = QueueName.of("p", "l", "pull")
ROWS = {row.name: row for row in Operator.rpcs}


class Everyone:
    """Tells those who listen."""

    def __init__(self, *listeners: Any) -> None:
        self._listeners = listeners

    def emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener.emit(event)


@dataclass
class Place:
    """Where a test calls the operator's API."""

    clock: QuickClock = field(default_factory=QuickClock)
    network: Network = field(default_factory=Network)
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.ring = EventRing(self.clock.now, self.clock, "life")
        self.store = MemoryStore()
        ids, told = CountingIds(), Everyone(self.ring, self.counts)
        self.engine = Engine(World(self.store, self.network, Mint(), self.clock, self.clock, ids, told))
        self.engine.serve_bulk(read_selection)
        self.engine.serve_dead_tasks(read_dead_selection)
        self.series = Series(self.counts, self.engine.queues.stats, self.clock, self.clock)
        idle = IdleWaits(self.engine.numbers, self.ring, self.clock)
        self.api = OperatorApi(Parts(engine=self.engine, dev=True, events=self.ring, series=self.series, idle=idle))

    async def call(self, rpc: str, **fields: Any) -> Any:
        """Call an RPC by its name with the fields of its request."""
        row = ROWS[rpc]
        request = row.request(**fields)
        return await self.api.method(row)(request if row.request is row.request_pb else row.request.pb(request))

    async def stream(self, rpc: str, **fields: Any) -> AsyncGenerator[Any, None]:
        """The same of an RPC that streams."""
        row = ROWS[rpc]
        return await self.api.stream(row)(row.request.pb(row.request(**fields)))

    async def make(self, name: QueueName = QUEUE, **settings: Any) -> None:
        queue = Queue(name=name, kind=Kind.PULL if name == PULL else Kind.PUSH, **settings)
        await self.engine.queues.create(settle_queue(queue, Ceilings(), old=queue, unnamed={"max_doublings"}))

    async def put(self, *task_ids: str, queue: QueueName = QUEUE, after: timedelta = timedelta(hours=1)) -> None:
        """Create tasks, due after so long; then a second passes."""
        for task_id in task_ids:
            target = PullDraft(b"x", "") if queue == PULL else HttpDraft(f"https://{task_id}.handler.test/")
            due = self.clock.now() + after
            draft = TaskDraft(queue.task(task_id), target, (int(due.timestamp()), 0))
            await self.engine.tasks.create(queue, check_task(draft, queue, self.clock.now()))
        self.clock.advance(timedelta(seconds=1))

    async def left(self, queue: QueueName = QUEUE) -> list[str]:
        return [task.name.task for task in await self.engine.tasks.list(queue, "", 1000, body=False)]

    async def settled(self) -> None:
        """Let everything run that can."""
        for _ in range(300):
            await asyncio.sleep(0)

    def now(self) -> datetime:
        return self.clock.now()


async def taken(stream: AsyncGenerator[Any, None], count: int) -> list[Any]:
    """The next so many responses."""
    return [await anext(stream) for _ in range(count)]


async def later(stream: AsyncGenerator[Any, None], act: Callable[[], Any]) -> Any:
    """The next response of a stream that waits until ``act`` makes it happen."""
    coming = asyncio.ensure_future(anext(stream))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not coming.done()
    done = act()
    if asyncio.iscoroutine(done):
        await done
    return await coming
