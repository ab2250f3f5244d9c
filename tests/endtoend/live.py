"""A running engine in the test's own process, with the real sender, the real clock and a store in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.endtoend.waiting import PATIENCE

from tidegate.clock import SystemClock
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.task import Task
from tidegate.core.times import Duration
from tidegate.core.validation import TaskDraft, check_task
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.signing_keys import SigningKeys
from tidegate.delivery.token_mint import Mint
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import Event
from tidegate.engine.ports.store import Store
from tidegate.engine.ports.world import World
from tidegate.ids import RandomIds
from tidegate.storage.sqlite import MemoryStore, SqliteStore

QUEUE = QueueName.of("p", "us-central1", "q")
AT_ONCE = RetryConfig(min_backoff=Duration(0, 1_000_000), max_backoff=Duration(0, 1_000_000))
"""A millisecond of backoff: retries come as fast as the machine can."""


class Silence:
    def emit(self, event: Event) -> None: ...


@dataclass
class Live:
    engine: Engine
    keys: SigningKeys

    async def queue(self, **settings: Any) -> Queue:
        return await self.engine.queues.create(Queue(name=QUEUE, **{"retry_config": AT_ONCE, **settings}))

    async def create(self, draft: TaskDraft) -> TaskName:
        task = await self.engine.tasks.create(QUEUE, check_task(draft, QUEUE, self.engine.clock.now()))
        return task.name

    async def shown(self, name: TaskName) -> Task | None:
        """The task as the API would show it, None once it is gone."""
        try:
            return await self.engine.tasks.get(name, body=False)
        except ApiError:
            return None

    async def until(self, what: str, name: TaskName, holds: Callable[[Task | None], bool]) -> Task | None:
        """The task as soon as something holds for it; fails with ``what`` when that does not happen in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds(task := await self.shown(name)):  # noqa: ASYNC110 - the store tells nobody
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise AssertionError(f"waited in vain: {what}") from None
        return task

    async def gone(self, name: TaskName) -> None:
        """Wait until the task was delivered or given up."""
        await self.until("the task is gone", name, lambda task: task is None)

    async def failed(self, name: TaskName) -> Task:
        """The task once an attempt of it has failed and none is under way."""
        task = await self.until(
            "an attempt fails", name, lambda task: task is None or bool(task.last_attempt and not task.dispatched_at)
        )
        assert task is not None, "the task is gone"
        return task


@asynccontextmanager
async def live(app_engine: Mapping[str, str] | None = None, *, on_disk: bool = False) -> AsyncIterator[Live]:
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        store: Store = await SqliteStore.open(Path(folder) / "tidegate.db") if on_disk else MemoryStore()
        keys = SigningKeys(None)
        mint = Mint(clock, keys, "http://issuer.test")
        sender = HttpSender(clock)
        engine = Engine(
            World(store, sender, mint, clock, clock, RandomIds(), Silence()), OperatorRules(app_engine=app_engine or {})
        )
        await engine.start()
        try:
            yield Live(engine, keys)
        finally:
            await engine.stop()
            await sender.close()
            await store.close()
