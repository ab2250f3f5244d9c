"""Long bodies of attempts under way fit into memory, whatever waits and however long handlers take."""

from __future__ import annotations

import asyncio

import pytest
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits
from tidegate.core.target import HttpCall
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine import body_budget
from tidegate.engine.body_budget import BodyBudget
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import World

HOGS = [QueueName.of("p", "l", f"hog{n}") for n in range(3)]
OTHER = QueueName.of("p", "l", "other")
LIMIT = 256 * 1024
BODY = 10_000


class Handlers:
    """``ports.Sender`` whose calls hang until they are let go; knows how much body they hold."""

    connections_kept_for = 4.0

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.holding = 0
        self.most = 0
        self.arrived: list[str] = []

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        queue = dict(call.headers)["X-CloudTasks-QueueName"]
        self.arrived.append(queue)
        self.holding += len(call.body)
        self.most = max(self.most, self.holding)
        if queue != OTHER.queue:
            await self.go.wait()
        self.holding -= len(call.body)
        return Outcome(http_status=200)

    async def close(self) -> None: ...


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_budget, "BULK_LIMIT", LIMIT)


async def engine(handlers: Handlers, *queues: QueueName, limits: RateLimits) -> Engine:
    world = World(TwiceStore(), handlers, Mint(), VirtualClock(), VirtualClock(), CountingIds(), Notes())
    engine = Engine(world)
    await engine.start()
    for name in queues:
        await engine.queues.create(Queue(name=name, rate_limits=limits))
    return engine


async def fill(engine: Engine, name: QueueName, count: int, body: bytes) -> None:
    draft = TaskDraft(target=HttpDraft("http://handler.test/", body=body))
    new = check_task(draft, name, engine.clock.now())
    await asyncio.gather(*[engine.tasks.create(name, new) for _ in range(count)])


def test_hanging_handlers_hold_no_more_than_fits_and_leave_room_for_others() -> None:
    async def day() -> None:
        handlers = Handlers()
        world = await engine(handlers, *HOGS, OTHER, limits=RateLimits(500, 500, 5000))
        for name in HOGS:
            await fill(world, name, 200, b"x" * BODY)
        await asyncio.sleep(60)
        hanging = len(handlers.arrived)
        assert 0 < hanging < 30

        await fill(world, OTHER, 50, b"y" * BODY)
        await asyncio.sleep(60)
        assert handlers.arrived.count(OTHER.queue) == 50

        await fill(world, HOGS[0], 1, b"short")  # behind the long ones of its queue, in its place
        handlers.go.set()
        await asyncio.sleep(60)
        assert [handlers.arrived.count(name.queue) for name in HOGS] == [201, 200, 200]
        assert handlers.most <= LIMIT
        assert world.under_way.bodies.room(OTHER) == LIMIT // 2
        await world.stop()

    run(day())


def test_what_waits_for_room_starts_at_its_queues_rate() -> None:
    async def day() -> None:
        handlers = Handlers()
        world = await engine(handlers, HOGS[0], limits=RateLimits(1, 2, 1000))
        await fill(world, HOGS[0], 60, b"x" * BODY)
        await asyncio.sleep(1000)  # room for thirteen; the rate alone would have started all
        assert len(handlers.arrived) == LIMIT // 2 // BODY
        before = len(handlers.arrived)
        handlers.go.set()
        await asyncio.sleep(0.5)
        assert len(handlers.arrived) - before <= 2
        await asyncio.sleep(100)
        assert len(handlers.arrived) == 60
        await world.stop()

    run(day())


def test_a_queue_alone_may_hold_half_and_each_further_one_half_of_what_is_left() -> None:
    room = BodyBudget()
    taken = []
    for name in HOGS:
        taken.append(room.room(name))
        room.hold(name, taken[-1])
        assert room.room(name) <= 1
    assert taken == [LIMIT // 2, LIMIT // 4, LIMIT // 8]
    for name, size in zip(HOGS, taken, strict=True):
        room.release(name, size)
    assert room.room(OTHER) == LIMIT // 2


def test_forced_attempts_are_not_refused_but_their_bodies_count() -> None:
    async def day() -> None:
        handlers = Handlers()
        world = await engine(handlers, *HOGS[:2], limits=RateLimits(500, 500, 5000))
        await world.queues.pause(HOGS[0])
        await fill(world, HOGS[0], 1, b"x" * (LIMIT // 2))
        (task,) = await world.tasks.list(HOGS[0], "", 1, body=False)
        for _ in range(3):
            await world.tasks.run(task.name)
        await fill(world, HOGS[1], 1, b"y" * BODY)
        await asyncio.sleep(60)
        assert handlers.arrived == [HOGS[0].queue] * 3
        handlers.go.set()
        await asyncio.sleep(60)
        assert handlers.arrived == [HOGS[0].queue] * 3 + [HOGS[1].queue]
        assert world.under_way.bodies.room(OTHER) == LIMIT // 2
        await world.stop()

    run(day())
