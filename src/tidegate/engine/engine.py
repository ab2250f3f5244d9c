"""The engine: its parts put together, started, drained."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.names import QueueName
from tidegate.core.queue import DEFAULT_NAME_REUSE_AFTER
from tidegate.core.validation import Ceilings
from tidegate.engine.accounts import Accounts
from tidegate.engine.cmek import Keys
from tidegate.engine.creation import Rules
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.executions import Executions
from tidegate.engine.janitor import Janitor
from tidegate.engine.leases import Leases
from tidegate.engine.operations import Operations
from tidegate.engine.policies import Policies
from tidegate.engine.ports.events import AllDeleted
from tidegate.engine.ports.world import World
from tidegate.engine.queues import Queues
from tidegate.engine.records import Recorder
from tidegate.engine.scheduler import Scheduler
from tidegate.engine.store_errors import AnsweringStore
from tidegate.engine.tasks import Tasks
from tidegate.engine.under_way import UnderWay

logger = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = 1.0
"""Seconds until a part that runs by itself goes on after an error that it did not expect."""


class Policy(Struct, frozen=True):
    """What an operator may set about the rules: how much a queue may ask for, whether only ``https`` URLs may carry
    tokens, where App Engine services answer (``SERVICE`` or ``VERSION.SERVICE`` to a URL), whether failing handlers
    slow their queue down, whether queues ramp up, how long a deleted queue's name stays taken.
    """

    ceilings: Ceilings = Ceilings()
    https_tokens: bool = False
    app_engine: Mapping[str, str] = {}
    throttling: bool = True
    ramp_up: bool = False
    queue_name_reuse_after: timedelta = DEFAULT_NAME_REUSE_AFTER


class Engine:
    """A task queue at work: ``queues`` and ``tasks`` are what callers use, the rest runs by itself."""

    def __init__(self, world: World, policy: Policy = Policy()) -> None:  # noqa: B008 - a frozen value
        inner, world = world, replace(world, store=AnsweringStore(world.store))
        self.store = world.store
        self.clock = world.clock
        self._machine = world.machine
        self.ids = world.ids
        self._events = world.events
        self.policy = policy
        self.under_way = UnderWay(world.sender.connections_kept_for)
        self._executions = Executions()
        self._recorder = Recorder(
            inner, self.under_way, self._executions, self._recorded, self._roomier, throttling=policy.throttling
        )
        self.dispatcher = Dispatcher(
            inner, self.under_way, self._recorder, policy.app_engine, https_tokens=policy.https_tokens
        )
        self.scheduler = Scheduler(inner, self.under_way, self.dispatcher.dispatch, ramp_up=policy.ramp_up)
        self.queues = Queues(world, self.scheduler, self._executions, policy.queue_name_reuse_after)
        self.tasks = Tasks(world, self.scheduler, self.dispatcher, Rules(policy.https_tokens, policy.ramp_up))
        self.leases = Leases(world)
        self.policies = Policies(world)
        self.accounts = Accounts(world)
        self.operations = Operations(world)
        self.keys = Keys(world)
        self._janitor = Janitor(inner)
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up the work where the last process left it: attempts that ended with it are due again at once."""
        now = self.clock.now()
        await self.store.write(lambda tx: tx.release(now))
        await self.scheduler.start()
        loop = asyncio.get_running_loop()
        self._running = [
            loop.create_task(self._keep_going("scheduler", self.scheduler.run)),
            loop.create_task(self._keep_going("janitor", self._janitor.run)),
        ]

    async def stop(self, patience: timedelta = timedelta()) -> int:
        """Claim no more, give attempts under way ``patience`` to end, record them; return how many were cut off."""
        self.scheduler.stop()
        _, sweeping = self._running
        sweeping.cancel()
        await asyncio.wait(self._running)  # however they end
        return await self.dispatcher.drain(patience)

    async def reset(self) -> None:
        """Begin again with nothing, as on the first start. Attempts under way end without effect."""
        await self.store.write(lambda tx: tx.reset())
        self._executions.clear()
        self.scheduler.forget()
        self._events.emit(AllDeleted())

    def next_moment(self) -> datetime | None:
        """When the engine has something to do next by itself, by its wall clock: a task is due, or a queue's next token
        is there. None when only a call or the end of an attempt can bring something. Paused queues do not count.
        """
        return self.scheduler.next_moment()

    def quiet(self) -> bool:
        """Whether nothing is under way and nothing is due: no attempt, no outcome to be recorded, no claim. Calls that
        are not answered yet do not count.
        """
        return not self.under_way.attempts and self._recorder.idle and self.scheduler.quiet()

    async def _keep_going(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part to its end. What it did not expect is logged, and it goes on: its transactions are undone, and a
        server that takes calls must not stand still behind them.
        """
        while True:
            try:
                return await run()
            except Exception:
                logger.exception("the %s failed; it goes on in %g s", name, PAUSE_AFTER_ERROR)
                await self._machine.sleep(PAUSE_AFTER_ERROR)

    def _recorded(self, queue: QueueName, retry_at: datetime | None) -> None:
        if retry_at is not None:
            self.scheduler.wake(queue, retry_at)
        self.scheduler.ended(queue)

    def _roomier(self) -> None:
        self.scheduler.roomier()
