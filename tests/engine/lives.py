"""An engine, started, in virtual time, and networks whose answers are scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.engine.twice import TwiceStore
from tests.engine.worlds import SECOND, Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import START, VirtualClock, run

from tidegate.core.errors import NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Queue, RetryConfig, Token
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.world import World

DAY = timedelta(days=1)
QUEUE = QueueName.of("p", "l", "q")
HOUR = RetryConfig(min_backoff=Duration(3600), max_backoff=Duration(3600))


class Life:
    """An engine, started, in virtual time."""

    def __init__(self, network: Network, rules: OperatorRules) -> None:
        self.network = network
        self.clock = VirtualClock()
        self.store = TwiceStore()
        world = World(self.store, network, Mint(), self.clock, self.clock, CountingIds(), Notes())
        self.engine = Engine(world, rules)

    async def create(
        self,
        ahead: timedelta = timedelta(),
        url: str = "http://handler.test/",
        token: Token | None = None,
        **draft: object,
    ) -> TaskName:
        now = self.clock.now()
        due = now + ahead - START
        first = int(START.timestamp())
        sent = (first + due // SECOND, due % SECOND // timedelta(microseconds=1) * 1000)
        new = TaskDraft(target=HttpDraft(url, token=token), schedule_time=sent, **draft)  # type: ignore[arg-type]
        return (await self.engine.tasks.create(QUEUE, check_task(new, QUEUE, now))).name

    async def shown(self, name: TaskName) -> Task:
        return await self.engine.tasks.get(name, body=False)

    async def is_gone(self, name: TaskName) -> bool:
        try:
            await self.shown(name)
        except NotFound as error:
            return "existed recently" in error.message
        return False

    @property
    def attempts(self) -> int:
        return len(self.network.calls)


def answering(*outcomes: Outcome) -> Network:
    """A network that ends its calls like this; the last outcome stays."""
    left = list(outcomes)
    return Network(lambda _: left.pop(0) if len(left) > 1 else left[0])


class SlowNetwork(Network):
    """The call of each number takes the seconds that ``hold`` says and ends as ``outcome`` says."""

    def __init__(self, hold: Callable[[int], float], outcome: Callable[[int], Outcome]) -> None:
        super().__init__()
        self.hold = hold
        self.outcome = outcome

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        number = len(self.calls)
        self.calls.append((call, authorization))
        await asyncio.sleep(self.hold(number))
        return self.outcome(number)


UNTHROTTLED = OperatorRules(throttling=False)


def lived(
    network: Network, story: Callable[[Life], Awaitable[None]], rules: OperatorRules = UNTHROTTLED, **settings: object
) -> None:
    async def day() -> None:
        life = Life(network, rules)
        await life.engine.start()
        await life.engine.queues.create(Queue(name=QUEUE, **settings))  # type: ignore[arg-type]
        await story(life)
        await life.engine.stop()

    run(day())
