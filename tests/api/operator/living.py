"""The operator's API over an engine that lives in virtual time, with a clock that can be moved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.api.operator import OperatorApi, Parts
from tidegate.core.explain.values import Reason
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.delivery.faults import FaultySender
from tidegate.engine.engine import Engine
from tidegate.engine.faults import Faults
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.world import Sender, World
from tidegate.observers.listeners import Listeners
from tidegate.schema.rpc import Rpc

QUEUE = QueueName.of("p", "us-central1", "q")


class TimedNetwork(Network):
    """A call takes ``seconds`` of machine time."""

    seconds = 0.001

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        await asyncio.sleep(self.seconds)
        return await super().send(call, authorization)


class ScriptedProber:
    """``ports.Prober`` that finds what it is told: what is known at once, and what a probe shows."""

    def __init__(self) -> None:
        self.known: Reason | None = None
        self.shown: Reason | None = None

    async def look(self, call: HttpCall) -> Reason | None:
        return self.known

    async def probe(self, call: HttpCall) -> Reason | None:
        return self.known or self.shown


class Life:
    """A started engine behind the operator's API, with one queue."""

    def __init__(self, *, dev: bool = True, rules: OperatorRules | None = None, mint: Any = None) -> None:
        self.store, self.network, self.notes = TwiceStore(), TimedNetwork(), Notes()
        self.machine = VirtualClock()
        self.clock = MovableClock(self.machine) if dev else self.machine
        self.prober = ScriptedProber()
        faults = Faults(self.clock) if dev else None
        sender: Sender = self.network if faults is None else FaultySender(self.network, faults, self.machine)
        self.world = World(
            self.store,
            sender,
            mint or Mint(),
            self.clock,
            self.machine,
            CountingIds(),
            Listeners(self.notes, *([] if faults is None else [faults])),
            prober=self.prober,
        )
        self.engine = Engine(self.world, rules or OperatorRules())
        self.api = OperatorApi(Parts(engine=self.engine, dev=dev, faults=faults))

    async def call(self, row: Rpc[Any, Any], **fields: Any) -> Any:
        """The answer of a method as Python clients see it."""
        request = row.request.pb(row.request(**fields)) if hasattr(row.request, "pb") else row.request(**fields)
        answer = await self.api.method(row)(request)
        return row.response.wrap(answer) if hasattr(row.response, "wrap") else answer

    async def create(
        self, task_id: str, ahead: timedelta = timedelta(), queue: QueueName = QUEUE, target: Any = None
    ) -> str:
        name, now = queue.task(task_id), self.clock.now()
        new = check_task(TaskDraft(name=name, target=target or HttpDraft("http://handler.test/")), queue, now)
        await self.engine.tasks.create(queue, replace(new, schedule_time=now + ahead))
        return name

    @property
    def sent(self) -> list[str]:
        return [dict(call.headers)["X-CloudTasks-TaskName"] for call, _ in self.network.calls]


def lived(
    story: Callable[[Life], Awaitable[None]], queue: Queue | None = None, *, dev: bool = True, **more: Any
) -> None:
    """Have a life with this queue, or a usual one, in virtual time."""

    async def day() -> None:
        life = Life(dev=dev, **more)
        await life.engine.start()
        await life.engine.queues.create(queue or Queue(name=QUEUE))
        await asyncio.sleep(1)
        await story(life)
        await life.engine.stop()

    run(day())
