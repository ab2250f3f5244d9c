"""A world in which the real engine lives: virtual time, a scripted network, an operator, crashes. A run is a function
of its seed.

The store is the real one, in memory, and survives a crash as a disk does. Nothing takes time but what the day's history
tells, so the history is exact: it also shows whether an attempt came late.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace
from tests.ids import CountingIds
from tests.invariants.history import (
    Answered,
    Called,
    Crashed,
    History,
    Limits,
    Replied,
    Requested,
    Settled,
    Started,
)
from tests.simulation.beginnings import Beginnings, short
from tests.simulation.virtual_time import START, VirtualClock, run

from tidegate.core.errors import ApiError
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Queue, RateLimits, RetryConfig, State, Token, burst_for
from tidegate.core.target import HttpCall
from tidegate.core.times import EPOCH, SECOND, Duration, moment
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.world import World
from tidegate.engine.redrive import DeadSelection
from tidegate.storage.sqlite import MemoryStore

T = TypeVar("T")

MICROSECOND = timedelta(microseconds=1)
PATIENCE = timedelta(days=3)
"""After this nobody waits any longer for the last tasks: the longest that Retry-After, a backoff and a slowed queue
keep sixty tasks waiting is far below.
"""


class ScriptedNetwork:
    """``ports.Sender``: each call takes a while and ends as the dice say."""

    connections_kept_for = 4.0

    def __init__(
        self,
        dice: random.Random,
        clock: VirtualClock,
        history: History,
        beginnings: Beginnings,
        factor: Callable[[QueueName], float],
        kindness: float,
    ) -> None:
        """``factor`` says how far a queue is slowed now; ``kindness`` how many of the calls succeed."""
        self._dice = dice
        self._clock = clock
        self._history = history
        self._beginnings = beginnings
        self._factor = factor
        self._kindness = kindness

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        headers = dict(call.headers)
        queue = headers["X-CloudTasks-QueueName"]
        task = f"{queue}/{headers['X-CloudTasks-TaskName']}"
        attempt = int(headers["X-CloudTasks-TaskRetryCount"]) + 1
        due = moment(int(Decimal(headers["X-CloudTasks-TaskETA"]) * 1_000_000))
        factor = self._factor(QueueName.of("p", "l", queue))
        number, (_, begun) = len(self._history.entries), self._beginnings.take(task, attempt)
        requested = Requested(
            seconds(self._clock.now()), number, queue, task, attempt, begun, begun, seconds(due), factor
        )
        self._history.add(requested)
        await asyncio.sleep(self._dice.choice([0.001, 0.02, 0.3, 2.0]) * self._dice.random())
        outcome = self._answer()
        wait = outcome.retry_after.total_seconds() if outcome.retry_after else 0.0
        self._history.add(Replied(seconds(self._clock.now()), number, outcome.http_status, wait))
        return outcome

    def _answer(self) -> Outcome:
        if self._dice.random() < self._kindness:
            return Outcome(http_status=200)
        kind = self._dice.random()
        if kind < 0.2:
            return Outcome(timed_out=kind < 0.1, reason="no answer")
        status = self._dice.choice([404, 429, 500, 503, 302, 500, 404])
        wait = self._dice.choice([None, None, 0, 0.05, 7.25, 7200])
        return Outcome(http_status=status, retry_after=None if wait is None else timedelta(seconds=wait))

    async def close(self) -> None: ...


def seconds(at: datetime) -> float:
    """A moment as histories have it, in whole microseconds."""
    return (at - START).total_seconds()


def limits_of(queue: Queue) -> Limits:
    rate, retry = queue.rate_limits, queue.retry_config
    return Limits(
        rate=rate.max_dispatches_per_second,
        burst=rate.max_burst_size,
        concurrency=rate.max_concurrent_dispatches,
        max_attempts=retry.max_attempts,
        max_retry_duration=retry.max_retry_duration.total_nanos / 1e9,
        min_backoff=retry.min_backoff.total_nanos / 1e9,
        max_backoff=retry.max_backoff.total_nanos / 1e9,
        max_doublings=retry.max_doublings,
    )


def at_once(read: Coroutine[Any, Any, T]) -> T:
    """What the store in memory answers; it waits for nothing."""
    try:
        read.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("the store waited for something")


class NoMint:
    async def authorization(self, token: Token) -> str:
        raise NotImplementedError


class Day:
    """One seeded run: some queues, a client that creates tasks in bursts, an operator who changes things, crashes."""

    def __init__(self, seed: int, *, tasks: int = 60, crashes: bool = True) -> None:
        self._dice = random.Random(seed)
        self._tasks = tasks
        self._calls = itertools.count()
        self._crashing = crashes
        self.history = History(exact=True)
        self._clock = VirtualClock()
        self._beginnings = Beginnings(self._clock)
        self._store = MemoryStore()
        self._ids = CountingIds()
        self._queues = [QueueName.of("p", "l", f"q{n}") for n in range(self._dice.randint(1, 3))]
        self._again = QueueName.of("p", "l", "again")
        """Where dead tasks are driven to."""
        self._rules = OperatorRules(throttling=self._dice.random() < 0.5)
        self.history.throttling = self._rules.throttling
        self._kindness = self._dice.choice([0.4, 0.75, 0.95])

    def run(self) -> Day:
        run(self._live())
        return self

    async def _live(self) -> None:
        await self._boot()
        for name in (*self._queues, self._again):
            await self._set(Queue(name=name, rate_limits=self._limits(), retry_config=self._retry()))
        pending = self._tasks
        while pending:
            await asyncio.sleep(self._dice.choice([0.0, 0.01, 1.0, 20.0]) * self._dice.random())
            event = self._dice.random()
            if event < 0.7:
                burst = min(pending, self._dice.randint(1, 20))
                pending -= burst
                await asyncio.gather(*[self._create() for _ in range(burst)])
            elif event < 0.88:
                await self._change()
            elif event < 0.92:
                await self._redrive(self._dice.choice(self._queues))
            elif self._crashing:
                await self._crash()
        for name in self._queues:
            await self._resume(name)
        patience, pause = self._clock.now() + PATIENCE, 5.0
        while any([await self._busy(name) for name in (*self._queues, self._again)]) and self._clock.now() < patience:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 3600.0)
        # What nobody has taken up by now is lost.
        shelved = [f"{name.queue}/{each}" for name in (*self._queues, self._again) for each in await self._shelf(name)]
        self.history.add(
            Settled(seconds(self._clock.now()), {name.queue: frozenset() for name in self._queues}, tuple(shelved))
        )
        await self._engine.stop()

    async def _busy(self, name: QueueName) -> bool:
        stored = await self._store.read(lambda tx: tx.queue(name))
        return stored is not None and await self._store.read(lambda tx: tx.has_tasks(stored))

    async def _boot(self) -> None:
        network = ScriptedNetwork(self._dice, self._clock, self.history, self._beginnings, self._factor, self._kindness)
        world = World(self._store, network, NoMint(), self._clock, self._clock, self._ids, self._beginnings)
        self._engine = Engine(world, self._rules)
        await self._engine.start()
        self.history.add(Started(seconds(self._clock.now())))

    def _factor(self, name: QueueName) -> float:
        """How far the queue is slowed now, as the store has it."""
        stored = at_once(self._store.read(lambda tx: tx.queue(name)))
        assert stored is not None
        return stored.flow.throttle.factor_at(self._clock.now())

    async def _crash(self) -> None:
        """Everything but the store is gone in an instant."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self.history.add(Crashed(seconds(self._clock.now())))
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(self._dice.random() * 3)
        await self._boot()

    async def _create(self) -> None:
        now = self._clock.now()
        due = now + timedelta(seconds=self._dice.choice([0, 0, 0.5, 15]) * self._dice.random())
        since = due - EPOCH
        sent = (since // SECOND, since % SECOND // MICROSECOND * 1000)
        queue = self._dice.choice(self._queues)
        new = check_task(TaskDraft(target=HttpDraft("http://handler.test/"), schedule_time=sent), queue, now)
        number = self._ask("create_task", queue, due=seconds(due))
        try:
            task = await self._engine.tasks.create(queue, new)
        except ApiError as error:
            raise AssertionError(error.message) from error
        self._answer(number, tasks=(short(task.name),))

    async def _shelf(self, name: QueueName) -> list[str]:
        """The IDs of the queue's dead tasks."""
        return [dead.task.name.task for dead in (await self._engine.dead_letters.list(name, None, 1000)).chosen]

    async def _redrive(self, name: QueueName) -> None:
        """Drive all that lie on the shelf into another queue. No time passes."""
        before = await self._waiting(self._again)
        self._engine.serve_dead_tasks(lambda _: DeadSelection(to_queue=self._again))
        number = self._ask("redrive_dead_tasks", name, due=seconds(self._clock.now()))
        operation = await self._engine.long_running.begin("RedriveDeadTasks", name, b"")
        while not operation.done:
            await asyncio.sleep(0)
            operation = await self._engine.long_running.get(OperationName(operation.name))
        driven = sorted(await self._waiting(self._again) - before)
        self._answer(number, tasks=tuple(f"{self._again.queue}/{each}" for each in driven))

    async def _waiting(self, name: QueueName) -> set[str]:
        return {task.name.task for task in await self._engine.tasks.list(name, "", 1000, body=False)}

    async def _change(self) -> None:
        name = self._dice.choice(self._queues)
        queue = await self._engine.queues.get(name)
        match self._dice.randrange(3):
            case 0:
                await (self._pause(name) if queue.state is State.RUNNING else self._resume(name))
            case 1:
                await self._set(replace(queue, rate_limits=self._limits()))
            case 2:
                await self._set(replace(queue, retry_config=self._retry()))

    async def _set(self, queue: Queue) -> None:
        limits = limits_of(queue)
        number = self._ask("update_queue", queue.name, limits=limits)
        await self._engine.queues.update(queue.name, lambda _: queue)
        self._answer(number, limits=limits)

    async def _pause(self, name: QueueName) -> None:
        number = self._ask("pause_queue", name)
        await self._engine.queues.pause(name)
        self._answer(number)

    async def _resume(self, name: QueueName) -> None:
        number = self._ask("resume_queue", name)
        await self._engine.queues.resume(name)
        self._answer(number)

    def _ask(self, method: str, queue: QueueName, **about: Any) -> int:
        """Note that a call is made; its number."""
        number = next(self._calls)
        self.history.add(Called(seconds(self._clock.now()), number, "client", method, queue.queue, **about))
        return number

    def _answer(self, number: int, **told: Any) -> None:
        self.history.add(Answered(seconds(self._clock.now()), number, "OK", **told))

    def _limits(self) -> RateLimits:
        rate = self._dice.choice([0.5, 1, 3, 20, 500])
        return RateLimits(rate, burst_for(rate), self._dice.choice([1, 2, 10, 1000]))

    def _retry(self) -> RetryConfig:
        return RetryConfig(
            max_attempts=self._dice.choice([1, 3, 100, -1]),
            max_retry_duration=Duration(self._dice.choice([0, 0, 5])),
            min_backoff=Duration(0, self._dice.choice([1, 100_000_000])),
            max_backoff=Duration(self._dice.choice([1, 30])),
            max_doublings=self._dice.choice([1, 3, 16]),
        )
