"""A world in which the real engine lives: virtual time, a scripted network, an operator, crashes. A run is a function
of its seed.

The store is the real one, in memory, and survives a crash as a disk does. What happens is written into a history;
``check`` reads it and finds every promise that was broken.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.backoff import backoff, gives_up
from tidegate.core.errors import ApiError
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits, RetryConfig, State, Token, burst_for
from tidegate.core.target import HttpCall
from tidegate.core.times import EPOCH, SECOND, Duration
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine import ports
from tidegate.engine.engine import Engine
from tidegate.storage.sqlite import MemoryStore

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Created:
    at: datetime
    task: str
    due: datetime


@dataclass(frozen=True)
class Started:
    at: datetime
    queue: QueueName
    task: str
    attempt: int


@dataclass(frozen=True)
class Finished:
    at: datetime
    queue: QueueName
    task: str
    attempt: int
    status: int


@dataclass(frozen=True)
class Set:
    """New settings of a queue, from this moment on."""

    at: datetime
    queue: Queue


@dataclass(frozen=True)
class Crashed:
    at: datetime


@dataclass
class History:
    """What happened, in order."""

    created: dict[str, Created] = field(default_factory=dict)
    attempts: dict[str, list[Started]] = field(default_factory=lambda: defaultdict(list))
    finished: dict[tuple[str, int], Finished] = field(default_factory=dict)
    starts: dict[QueueName, list[Started]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[QueueName, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    settings: dict[QueueName, list[Set]] = field(default_factory=lambda: defaultdict(list))
    crashes: list[datetime] = field(default_factory=list)


class ScriptedNetwork:
    """``ports.Sender``: each call takes a while and ends as the dice say."""

    def __init__(self, dice: random.Random, clock: VirtualClock, history: History) -> None:
        self._dice = dice
        self._clock = clock
        self._history = history

    async def send(self, call: HttpCall, authorization: str | None) -> Outcome:
        headers = dict(call.headers)
        task = headers["X-CloudTasks-TaskName"]
        attempt = int(headers["X-CloudTasks-TaskRetryCount"]) + 1
        queue = QueueName.of("p", "l", headers["X-CloudTasks-QueueName"])
        started = Started(self._clock.now(), queue, task, attempt)
        self._history.attempts[task].append(started)
        self._history.starts[queue].append(started)
        try:
            await asyncio.sleep(self._dice.choice([0.001, 0.02, 0.3, 2.0]) * self._dice.random())
            outcome = self._answer()
            self._history.finished[task, attempt] = Finished(
                self._clock.now(), queue, task, attempt, outcome.http_status
            )
            return outcome
        finally:
            self._history.ends[queue].append(self._clock.now())

    def _answer(self) -> Outcome:
        kind = self._dice.random()
        if kind < 0.75:
            return Outcome(http_status=200)
        if kind < 0.95:
            return Outcome(http_status=self._dice.choice([404, 429, 500, 503, 302]))
        return Outcome(timed_out=kind < 0.97, reason="no answer")

    async def close(self) -> None: ...


class NoMint:
    async def authorization(self, token: Token) -> str:
        raise NotImplementedError


class CountingIds:
    def __init__(self) -> None:
        self._last = 0

    def task_id(self, now: datetime) -> str:
        self._last += 1
        return f"{self._last:020}"

    def etag(self) -> bytes:
        return b"etagetag"

    def operation_id(self) -> str:
        return "operation"


class Silence:
    def emit(self, event: ports.Event) -> None: ...


class World:
    """One seeded run: some queues, a client that creates tasks in bursts, an operator who changes things, crashes."""

    def __init__(self, seed: int, *, tasks: int = 60, crashes: bool = True) -> None:
        self._dice = random.Random(seed)
        self._tasks = tasks
        self._crashing = crashes
        self.history = History()
        self._clock = VirtualClock()
        self._store = MemoryStore()
        self._ids = CountingIds()
        self._queues = [QueueName.of("p", "l", f"q{n}") for n in range(self._dice.randint(1, 3))]

    def run(self) -> World:
        run(self._live())
        return self

    async def _live(self) -> None:
        await self._boot()
        for name in self._queues:
            await self._set(Queue(name=name, rate_limits=self._limits(), retry_config=self._retry()))
        pending = self._tasks
        while pending:
            await asyncio.sleep(self._dice.choice([0.0, 0.01, 1.0, 20.0]) * self._dice.random())
            event = self._dice.random()
            if event < 0.7:
                burst = min(pending, self._dice.randint(1, 20))
                pending -= burst
                await asyncio.gather(*[self._create() for _ in range(burst)])
            elif event < 0.9:
                await self._change()
            elif self._crashing:
                await self._crash()
        for name in self._queues:
            queue = await self._engine.queues.resume(name)
            self.history.settings[name].append(Set(self._clock.now(), queue))
        while any([await self._busy(name) for name in self._queues]):  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(5)
        await self._engine.stop()

    async def _busy(self, name: QueueName) -> bool:
        stored = await self._store.read(lambda tx: tx.queue(name))
        return stored is not None and await self._store.read(lambda tx: tx.has_tasks(stored))

    async def _boot(self) -> None:
        network = ScriptedNetwork(self._dice, self._clock, self.history)
        self._engine = Engine(ports.World(self._store, network, NoMint(), self._clock, self._ids, Silence()))
        await self._engine.start()

    async def _crash(self) -> None:
        """Everything but the store is gone in an instant."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self.history.crashes.append(self._clock.now())
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
        try:
            task = await self._engine.tasks.create(queue, new)
        except ApiError as error:
            raise AssertionError(error.message) from error
        self.history.created[task.name.task] = Created(now, task.name.task, due)

    async def _change(self) -> None:
        name = self._dice.choice(self._queues)
        queue = await self._engine.queues.get(name)
        match self._dice.randrange(3):
            case 0:
                if queue.state is State.RUNNING:
                    queue = await self._engine.queues.pause(name)
                else:
                    queue = await self._engine.queues.resume(name)
                self.history.settings[name].append(Set(self._clock.now(), queue))
            case 1:
                await self._set(replace(queue, rate_limits=self._limits()))
            case 2:
                await self._set(replace(queue, retry_config=self._retry()))

    async def _set(self, queue: Queue) -> None:
        changed = await self._engine.queues.update(queue.name, lambda _: queue)
        self.history.settings[queue.name].append(Set(self._clock.now(), changed))

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

    def check(self) -> None:
        """Raise AssertionError for the first broken promise."""
        for name in self._queues:
            self._check_rate(name)
            self._check_concurrency(name)
            self._check_pauses(name)
        for task, created in self.history.created.items():
            self._check_task(task, created)

    def _in_force(self, name: QueueName, start: datetime, end: datetime) -> list[Queue]:
        """All settings the queue had between two moments, both included."""
        changes = self.history.settings[name]
        before = [each.queue for each in changes if each.at < start][-1:]
        return before + [each.queue for each in changes if start <= each.at <= end] or [changes[0].queue]

    def _check_rate(self, name: QueueName) -> None:
        starts = [each.at for each in self.history.starts[name]]
        for first, begin in enumerate(starts):
            for last in range(first, len(starts)):
                limits = [queue.rate_limits for queue in self._in_force(name, begin, starts[last])]
                rate = max(each.max_dispatches_per_second for each in limits)
                # A bucket that shrank keeps what it held until it is next filled: the largest of before counts.
                burst = max(each.queue.rate_limits.max_burst_size for each in self.history.settings[name])
                most = burst + rate * (starts[last] - begin) / SECOND + 1
                count = last - first + 1
                assert count <= most, f"{name}: {count} dispatches from {begin} to {starts[last]}, {most:.1f} allowed"

    def _check_concurrency(self, name: QueueName) -> None:
        changes = [(each.at, 1) for each in self.history.starts[name]] + [(at, -1) for at in self.history.ends[name]]
        under_way = 0
        for at, change in sorted(changes, key=lambda each: (each[0], each[1])):
            under_way += change
            if change > 0:
                caps = [q.rate_limits.max_concurrent_dispatches for q in self._in_force(name, at - SECOND, at)]
                assert under_way <= max(caps), f"{name}: {under_way} under way at {at}, {max(caps)} allowed"

    def _check_pauses(self, name: QueueName) -> None:
        changes = self.history.settings[name]
        for each, following in zip(changes, [*changes[1:], None], strict=True):
            if each.queue.state is State.PAUSED:
                end = following.at if following else None
                for start in self.history.starts[name]:
                    late = start.at > each.at and (end is None or start.at < end)
                    assert not late, f"{start.task} started at {start.at}, paused since {each.at}"

    def _check_task(self, task: str, created: Created) -> None:
        attempts = self.history.attempts[task]
        assert attempts, f"{task} was never dispatched"
        assert attempts[0].at >= created.due, f"{task} was early: due {created.due}, started {attempts[0].at}"
        crashes = self.history.crashes
        for one, following in itertools.pairwise(attempts):
            ended = self.history.finished.get((task, one.attempt))
            crashed = any(one.at <= crash <= following.at for crash in crashes)
            assert ended is not None or crashed, f"{task}: attempt {one.attempt} neither ended nor crashed"
            if ended is None or crashed:
                continue
            assert not 200 <= ended.status <= 299, f"{task} was delivered and dispatched again"
            retries = [queue.retry_config for queue in self._in_force(one.queue, ended.at, ended.at)]
            wait = min(backoff(one.attempt, retry) for retry in retries)
            assert following.at >= ended.at + wait, f"{task}: attempt {following.attempt} came too early"
        last = self.history.finished.get((task, attempts[-1].attempt))
        assert last is not None, f"{task} vanished in its attempt {attempts[-1].attempt}"
        if not 200 <= last.status <= 299:
            retries = [queue.retry_config for queue in self._in_force(last.queue, last.at, last.at)]
            since = last.at - attempts[0].at
            gave_up = any(gives_up(last.attempt, since + MICROSECOND, retry) for retry in retries)
            assert gave_up, f"{task} was given up after {last.attempt} attempts"
