"""A server in virtual time: the real API over the real engine, and what stands around it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

from tests.ids import CountingIds
from tests.invariants.history import Crashed, History, Replied, Requested, Started
from tests.promises.disk import SyncedStore, Trouble
from tests.simulation.beginnings import Beginnings
from tests.simulation.virtual_time import START, VirtualClock

from tidegate.api.rpcs import Api
from tidegate.core.errors import ApiError
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Token
from tidegate.core.target import HttpCall
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.world import World
from tidegate.engine.promise import Promise
from tidegate.schema import v2, v2beta2
from tidegate.schema.rpc import Rpc
from tidegate.storage.sqlite import MemoryStore

LOCATION = "projects/p/locations/l"
ROWS = {
    (schema.__name__.rsplit(".", 1)[1], row.name): row
    for schema in (v2, v2beta2)
    for service in schema.SERVICES
    for row in service.rpcs
}


class Reply(NamedTuple):
    code: str
    answer: Any = None
    message: str = ""


def row_and_request(version: str, method: str, fields: dict[str, Any]) -> tuple[Rpc[Any, Any], Any]:
    """The RPC of a method, and its request as servers get it."""
    row = ROWS[version, method]
    request = row.request(**fields)
    return row, request if row.request is row.request_pb else row.request.pb(request)


async def reply_of(work: asyncio.Future[Any], method: str, patience: float) -> Reply:
    """What a call came to; UNAVAILABLE when its server crashes, DEADLINE_EXCEEDED after ``patience`` seconds."""
    await asyncio.wait([work], timeout=patience)
    if not work.done():
        work.cancel()  # as the real server does at a call's deadline
        return Reply("DEADLINE_EXCEEDED")
    if work.cancelled():
        return Reply("UNAVAILABLE")
    error = work.exception()
    if error is None:
        return Reply("OK", work.result())
    if isinstance(error, ApiError):
        return Reply(error.code.name, message=error.message)
    raise AssertionError(f"{method} failed with no API error") from error


class Handlers:
    """``ports.Sender``: each call takes a while and ends as the dice say."""

    connections_kept_for = 4.0

    def __init__(self, dice: random.Random, clock: VirtualClock, history: History) -> None:
        self.patience = 2.0
        """Seconds that an answer takes at most."""
        self.failing = 0.25
        """The part of answers that are none, or not good."""
        self.beginnings = Beginnings(clock)
        self.under_way: Counter[str] = Counter()
        """Tasks that a handler is busy with."""
        self.node: Callable[[], int] = lambda: 0
        """The life of the node that sends."""
        self._dice = dice
        self._clock = clock
        self._history = history
        self._numbers = itertools.count()

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        headers = dict(call.headers)
        queue = headers["X-CloudTasks-QueueName"]
        task = f"{queue}/{headers['X-CloudTasks-TaskName']}"
        attempt = int(headers["X-CloudTasks-TaskRetryCount"]) + 1
        number = next(self._numbers)
        now = self._clock.monotonic()
        begun = self.beginnings.take(task, attempt)
        self._history.add(Requested(now, number, queue, task, attempt, *begun, node=self.node()))
        self.under_way[task] += 1
        try:
            await asyncio.sleep(self._dice.choice([0.001, 0.02, 0.3, 1.0]) * self._dice.random() * self.patience)
        finally:
            self.under_way -= Counter([task])
        outcome = self._answer()
        self._history.add(Replied(self._clock.monotonic(), number, outcome.http_status))
        return outcome

    def _answer(self) -> Outcome:
        kind = self._dice.random() / max(self.failing, 1e-9)
        if kind > 1:
            return Outcome(http_status=self._dice.choice([200, 200, 201, 299]))
        if kind > 0.2:
            return Outcome(http_status=self._dice.choice([404, 429, 500, 503, 302]))
        return Outcome(timed_out=kind < 0.1, reason="no answer")

    async def close(self) -> None: ...


class NoMint:
    async def authorization(self, token: Token) -> str:
        raise NotImplementedError


Network = Callable[[str, str, Any], Awaitable[Reply]]


class Server:
    """One life after the other over the same memory. Callers get the answers that they would get over a network."""

    def __init__(self, dice: random.Random, history: History, *, outside: set[asyncio.Task[Any]]) -> None:
        """``outside`` are the tasks that are no part of the server and survive it."""
        self.clock = VirtualClock()
        self.trouble = Trouble()
        self.memory = MemoryStore()
        self.memory._transaction.has_room = lambda: not self.trouble.full
        self.handlers = Handlers(dice, self.clock, history)
        self.up = False
        self._dice = dice
        self._history = history
        self._outside = outside
        self._ids = CountingIds()
        self._engine: Engine | None = None
        self._api: Api | None = None

    async def start(self) -> None:
        store = SyncedStore(self.memory, self._dice, self.trouble)
        world = World(store, self.handlers, NoMint(), self.clock, self.clock, self._ids, self.handlers.beginnings)
        self._engine = Engine(world, OperatorRules(queue_name_reuse_after=timedelta(seconds=1)))
        await self._engine.start()
        self._api = Api(self._engine)
        self.up = True
        self._history.add(Started(self.clock.monotonic()))

    async def crash(self) -> None:
        """Everything but the memory is gone in an instant."""
        self.up = False
        self._history.add(Crashed(self.clock.monotonic()))
        while others := asyncio.all_tasks() - self._outside:
            for task in sorted(others, key=lambda each: int(each.get_name().removeprefix("Task-"))):
                task.cancel()
                waits_for = getattr(task, "_fut_waiter", None)
                if isinstance(waits_for, Promise):  # which nobody in the server could cancel
                    asyncio.Future.cancel(waits_for)
            await asyncio.gather(*others, return_exceptions=True)

    async def stop(self) -> int:
        """SIGTERM; how many attempts were cut off."""
        assert self._engine is not None
        self.up = False
        return await self._engine.stop(timedelta(seconds=30))

    async def answer(self, version: str, method: str, fields: dict[str, Any], patience: float) -> Reply:
        """The answer; UNAVAILABLE when the server crashes meanwhile, DEADLINE_EXCEEDED after ``patience`` seconds."""
        if not self.up or self._api is None:
            return Reply("UNAVAILABLE")
        row, raw = row_and_request(version, method, fields)
        work = asyncio.ensure_future(self._api.method(row)(raw))
        return await reply_of(work, method, patience)

    def wall(self) -> float:
        """The wall clock in seconds since the start."""
        return (self.clock.now() - START).total_seconds()
