"""What the engine knows of a task or a queue at one moment, handed to the rules that explain it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from tidegate.core.explain.holds import Hold, Longest
from tidegate.core.explain.queue import QueueSituation, explain_queue
from tidegate.core.explain.task import (
    MOST_AHEAD,
    Situation,
    died,
    explain_task,
    finished_or_deleted,
    never_existed,
)
from tidegate.core.explain.values import Code, Explanation, Reason
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind, Queue
from tidegate.core.target import HttpCall, compose
from tidegate.core.task import Task
from tidegate.engine.dispatcher import NO_TOKEN_OVER_HTTP
from tidegate.engine.held_by import HoldCode
from tidegate.engine.lookup import found
from tidegate.engine.node_board import NodeBoard
from tidegate.engine.ports.store import Reader, StoredQueue
from tidegate.engine.ports.world import MintError, World
from tidegate.engine.scheduler import Scheduler
from tidegate.engine.under_way import UnderWay

MOST_LONGEST: Final = 5
"""Attempts that a full queue names."""

TOKEN_PATIENCE: Final = timedelta(seconds=5)
"""How long an explanation waits for a token."""

STORE_FAILS: Final = "The store could not commit the last claim."

HOLDS: Final[Mapping[HoldCode, Hold]] = {
    HoldCode.DUE_NOW: Hold(Code.DUE_NOW),
    HoldCode.NOTHING_DUE: Hold(Code.DUE_NOW),
    HoldCode.PULL_QUEUE: Hold(Code.DUE_NOW),
    HoldCode.OTHER_NODE: Hold(Code.DUE_NOW),
    HoldCode.QUEUE_PAUSED: Hold(Code.QUEUE_PAUSED),
    HoldCode.QUEUE_DISABLED: Hold(Code.QUEUE_DISABLED),
    HoldCode.RATE_LIMITED: Hold(Code.RATE_LIMITED),
    HoldCode.THROTTLED: Hold(Code.THROTTLED),
    HoldCode.RAMPING_UP: Hold(Code.RAMPING_UP),
    HoldCode.CONCURRENCY_FULL: Hold(Code.CONCURRENCY_FULL),
    HoldCode.BODIES_FULL: Hold(Code.SERVER_FULL, note="The queue's next task is a long one."),
    HoldCode.OPENING_CONNECTIONS: Hold(Code.OPENING_CONNECTIONS),
    HoldCode.SERVER_FULL: Hold(Code.SERVER_FULL),
    HoldCode.DISK_FULL: Hold(Code.DISK_FULL),
    HoldCode.STORE_FAILING: Hold(Code.DISK_FULL, note=STORE_FAILS),
    HoldCode.DRAINING: Hold(Code.DRAINING),
}
"""The API's words for what holds a queue."""


class _Seen(Struct, frozen=True):
    """A task in its queue, and those before it."""

    stored: StoredQueue
    task: Task
    ahead: list[datetime]


class Explaining:
    """Explains tasks and queues. ``board`` is set where there are other nodes."""

    board: NodeBoard | None = None

    def __init__(
        self,
        world: World,
        scheduler: Scheduler,
        under_way: UnderWay,
        app_engine: Mapping[str, str],
        *,
        https_tokens: bool,
    ) -> None:
        """``app_engine`` and ``https_tokens`` are the operator's policy."""
        self._store = world.store
        self._clock = world.clock
        self._mint = world.mint
        self._prober = world.prober
        self._scheduler = scheduler
        self._under_way = under_way
        self._app_engine = app_engine
        self._https_tokens = https_tokens

    async def task(self, name: TaskName, *, probe: bool = False) -> Explanation:
        """Why the task does not run, or when it will, or what became of it. With ``probe`` its host is asked for, and
        connected to. Raises NotFound without the queue.
        """
        now = self._clock.now()

        def look(reader: Reader) -> _Seen | Explanation:
            stored = found(reader.queue(name.parent))
            task = reader.task(stored, name.task, body=True)
            if task is None:
                return _gone(reader, stored, name.task, now)
            waits = task.dispatched_at is None and stored.queue.kind is Kind.PUSH
            return _Seen(stored, task, reader.waiting_before(stored, task, MOST_AHEAD) if waits else [])

        seen = await self._store.read(look)
        if isinstance(seen, Explanation):
            return seen
        queue, task = seen.stored.queue, seen.task
        waits = task.dispatched_at is None and queue.kind is Kind.PUSH
        troubles = await self._troubles(task.dispatched(now), queue, probe=probe) if waits else []
        now = self._clock.now()
        return explain_task(
            Situation(
                time=now,
                queue=queue,
                flow=seen.stored.flow,
                task=task,
                ahead=seen.ahead,
                hold=self.hold(queue),
                longest=self._longest(queue.name),
                troubles=troubles,
            )
        )

    async def queue(self, name: QueueName) -> Explanation:
        """What keeps the queue from starting its next task. Raises NotFound."""

        def look(reader: Reader) -> tuple[StoredQueue, int, datetime | None]:
            stored = found(reader.queue(name))
            (tally,) = reader.tallies([stored])
            return stored, tally.tasks, tally.next_due

        stored, tasks, next_due = await self._store.read(look)
        return explain_queue(
            QueueSituation(
                time=self._clock.now(),
                queue=stored.queue,
                flow=stored.flow,
                tasks=tasks,
                next_due=next_due,
                hold=self.hold(stored.queue),
                longest=self._longest(name),
            )
        )

    @property
    def draining(self) -> bool:
        """Whether this node starts nothing any more, or for now."""
        return self._scheduler.draining

    def hold(self, queue: Queue) -> Hold:
        """What keeps the queue from starting more, as far as this process knows; DUE_NOW for nothing. A node that is
        drained says so only if it is alone: OWNED_BY_NOBODY when all nodes that live are.
        """
        held_by = self._scheduler.view(queue.name)
        hold = HOLDS[held_by.code]
        if queue.dispatches and hold.code in (Code.QUEUE_PAUSED, Code.QUEUE_DISABLED):  # it was resumed just now
            return Hold(Code.DUE_NOW)
        if hold.code is Code.DRAINING and self.board is not None:  # other nodes start what this one does not
            return Hold(Code.DUE_NOW) if self.board.others_serve else Hold(Code.OWNED_BY_NOBODY, held_by.since)
        return Hold(hold.code, held_by.since, held_by.until, hold.note)

    def _longest(self, queue: QueueName) -> list[Longest]:
        tasks = self._under_way.longest(queue, MOST_LONGEST)
        return [Longest(task.name, task.dispatched_at) for task in tasks if task.dispatched_at is not None]

    async def _troubles(self, task: Task, queue: Queue, *, probe: bool) -> list[Reason]:
        """What the next attempt of a task would meet: it is composed, and not sent."""
        call = compose(task, queue, self._app_engine)
        if not isinstance(call, HttpCall):
            return [Reason(Code.UNSENDABLE, f"The next attempt cannot be sent: {call.reason}.")]
        troubles = []
        if self._prober is not None:
            trouble = await (self._prober.probe(call) if probe else self._prober.look(call))
            troubles += [] if trouble is None else [trouble]
        if call.token is not None:
            trouble = await self._token_trouble(call)
            troubles += [] if trouble is None else [trouble]
        return troubles

    async def _token_trouble(self, call: HttpCall) -> Reason | None:
        assert call.token is not None  # noqa: S101 - asked for only then
        if self._https_tokens and not call.url.startswith("https://"):
            return Reason(Code.UNSENDABLE, f"The next attempt cannot be sent: {NO_TOKEN_OVER_HTTP.reason}.")
        try:
            async with asyncio.timeout(TOKEN_PATIENCE.total_seconds()):
                await self._mint.authorization(call.token)
        except MintError as error:
            return Reason(Code.TOKEN_SOURCE_FAILS, f"The next attempt gets no token: {error}.")
        except TimeoutError:
            patience = f"{TOKEN_PATIENCE.total_seconds():g} s"
            return Reason(Code.TOKEN_SOURCE_FAILS, f"The source of tokens did not answer within {patience}.")
        return None


def _gone(reader: Reader, stored: StoredQueue, task_id: str, now: datetime) -> Explanation:
    """What became of a task that is not there."""
    for dead in reader.dead_tasks_of(stored, task_id, 1):
        return died(dead)
    if not reader.entombed(stored, [task_id], now):
        return never_existed()
    kept = reader.attempts(stored, task_id, None, 1)
    return finished_or_deleted(kept[0].record if kept else None)
