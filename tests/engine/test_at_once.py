"""Tasks that are due start as they are stored, without a claim, where none may be due before them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.errors import Unavailable
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Queue, RateLimits, State
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.validation import HttpDraft, NewTask, TaskDraft, check_task
from tidegate.engine.claims import Claim
from tidegate.engine.connection_budget import SLICE
from tidegate.engine.engine import Engine
from tidegate.engine.operations import Recorded
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.store import Transaction
from tidegate.engine.ports.world import World

T = TypeVar("T")
QUEUE = QueueName.of("p", "l", "q")
OTHER = QueueName.of("p", "l", "other")
FAST = RateLimits(1000, 1000, 1000)
LONG = b"x" * 1025


class WatchedStore(TwiceStore):
    """Counts transactions, and the tasks that claims gave."""

    def __init__(self) -> None:
        super().__init__()
        self.written = self.claimed = 0

    async def write(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        await asyncio.sleep(0.001)  # as a disk would
        self.written += 1
        answer = await super().write(work, **queues)
        if isinstance(answer, list) and answer and isinstance(answer[0], Claim):
            self.claimed += sum(len(each.tasks) for each in answer)
        return answer


class Life:
    """A started engine in virtual time, with one queue."""

    def __init__(self) -> None:
        self.store, self.network, self.clock = WatchedStore(), Network(), VirtualClock()
        world = World(self.store, self.network, Mint(), self.clock, self.clock, CountingIds(), Notes())
        self.engine = Engine(world, OperatorRules(throttling=False))

    def new(self, ahead: float = 0.0, body: bytes = b"", url: str = "http://handler.test/") -> NewTask:
        now = self.clock.now()
        new = check_task(TaskDraft(target=HttpDraft(url, body=body)), QUEUE, now)
        return replace(new, schedule_time=now + timedelta(seconds=ahead)) if ahead else new

    async def create(self, **new: Any) -> Task:
        return await self.engine.tasks.create(QUEUE, self.new(**new))

    async def create_batch(self, count: int) -> None:
        name = OperationName(f"{QUEUE.parent}/operations/{self.engine.ids.operation_id()}")
        await self.engine.tasks.create_batch(QUEUE, lambda: [self.new()] * count, 0, Recorded(name, lambda _: b""))

    @property
    def sent(self) -> list[str]:
        """The IDs of tasks in the order of their attempts."""
        return [dict(call.headers)["X-CloudTasks-TaskName"] for call, _ in self.network.calls]


def day(play: Callable[[Life], Awaitable[None]], limits: RateLimits = FAST, state: State = State.RUNNING) -> None:
    async def whole() -> None:
        life = Life()
        await life.engine.start()
        await life.engine.queues.create(Queue(name=QUEUE, rate_limits=limits, state=state))
        await asyncio.sleep(1)
        await play(life)
        await life.engine.stop(timedelta(seconds=10))

    run(whole())


def test_a_task_that_is_due_needs_no_claim() -> None:
    async def play(life: Life) -> None:
        created = await life.create(body=b"hello")
        await asyncio.sleep(1)
        ((call, _),) = life.network.calls
        assert (call.body, life.store.claimed) == (b"hello", 0)
        assert (created.dispatch_count, created.first_dispatch_time) == (
            0,
            None,
        )  # what the caller is told of a new one
        assert not await life.engine.tasks.list(QUEUE, "", 10, body=False)

    day(play)


def test_while_its_attempt_is_under_way_the_task_shows_it() -> None:
    async def play(life: Life) -> None:
        life.network.answer = lambda _: Outcome(http_status=500)
        created = await life.create()
        started = created.schedule_time  # when it was handed to the store
        await asyncio.sleep(0)
        shown = await life.engine.tasks.get(created.name, body=False)
        assert (shown.dispatch_count, shown.dispatched_at, shown.first_dispatch_time) == (1, started, started)
        await asyncio.sleep(10)
        assert len(life.sent) > 1  # and is tried again like any other
        assert dict(life.network.calls[1][0].headers)["X-CloudTasks-TaskRetryCount"] == "1"

    day(play)


def test_a_batch_starts_as_far_as_connections_may_be_opened_and_the_rest_is_claimed() -> None:
    async def play(life: Life) -> None:
        await life.create_batch(50)
        await asyncio.sleep(1)
        assert sorted(life.sent) == life.sent
        assert (len(life.sent), life.store.claimed) == (50, 50 - SLICE)
        await life.create_batch(50)  # over connections that the first left, too
        await asyncio.sleep(1)
        assert len(life.sent) == 100
        assert life.store.claimed < 2 * (50 - SLICE)

    day(play)


def test_no_task_overtakes_those_that_were_due_before_it() -> None:
    async def play(life: Life) -> None:
        made = [(await life.create()).name.task for _ in range(3)]  # more than the rate lets start
        for _ in range(30):
            await asyncio.sleep(0.11)
            made.append((await life.create()).name.task)
        await asyncio.sleep(60)
        assert life.sent == made

    day(play, RateLimits(2, 1, 10))


def test_no_task_overtakes_those_that_the_next_claim_will_take() -> None:
    async def play(life: Life) -> None:
        await life.create_batch(90)
        for _ in range(40):
            await life.create()
            await asyncio.sleep(0.0005)
        await asyncio.sleep(1)
        assert len(life.sent) == 130
        assert life.sent == sorted(life.sent)  # as they were created

    day(play)


def test_no_task_overtakes_those_for_which_there_was_no_connection() -> None:
    async def play(life: Life) -> None:
        await life.create_batch(90)
        while not life.store.claimed:  # noqa: ASYNC110 - a claim takes some of them, and the next one is yet to come
            await asyncio.sleep(0.0005)
        assert life.store.claimed < 90 - SLICE
        await life.create()
        await asyncio.sleep(1)
        assert len(life.sent) == 91
        assert life.sent == sorted(life.sent)

    day(play)


def test_no_task_overtakes_those_that_wait_for_another_queues_claim_to_end() -> None:
    async def play(life: Life) -> None:
        await life.engine.queues.create(Queue(name=OTHER))
        await asyncio.sleep(1)
        long = asyncio.ensure_future(life.engine.tasks.create(OTHER, life.new(body=LONG)))
        await asyncio.sleep(0.0005)
        batch = asyncio.ensure_future(life.create_batch(90))
        await asyncio.sleep(0.0011)  # the claim of the long one is under way, and what of the batch waits is due
        assert (long.done(), batch.done(), life.store.claimed) == (True, True, 0)
        await life.create()
        await asyncio.sleep(1)
        sent = [name for name in life.sent if name != long.result().name.task]
        assert len(sent) == 91
        assert sent == sorted(sent)

    day(play)


def test_rate_and_concurrency_hold_for_those_that_start_at_once() -> None:
    async def play(life: Life) -> None:
        await asyncio.gather(*[life.create() for _ in range(9)])
        await asyncio.sleep(0.1)
        assert len(life.sent) == 2  # the burst
        await asyncio.sleep(1)
        assert len(life.sent) == 3

    day(play, RateLimits(1, 2, 5))

    async def hanging(life: Life) -> None:
        go = asyncio.Event()

        async def send(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
            life.network.calls.append((call, authorization))
            await go.wait()
            return Outcome(http_status=200)

        life.network.send = send  # type: ignore[method-assign]
        await asyncio.gather(*[life.create() for _ in range(9)])
        await asyncio.sleep(5)
        assert len(life.sent) == 4
        go.set()
        await asyncio.sleep(1)
        assert len(life.sent) == 9

    day(hanging, RateLimits(1000, 1000, 4))


@pytest.mark.parametrize(
    ("new", "claimed"),
    [
        ({"ahead": 30.0}, 1),
        ({"body": LONG}, 1),
        ({"url": "http://handler.test/" + "x" * 2000, "body": LONG}, 1),
        ({"body": LONG[1:]}, 0),
    ],
    ids=["due later", "a long body", "a long body and target", "not yet a long body"],
)
def test_what_is_due_later_or_weighs_something_is_claimed(new: dict[str, Any], claimed: int) -> None:
    async def play(life: Life) -> None:
        await life.create(**new)
        await asyncio.sleep(60)
        assert (len(life.sent), life.store.claimed) == (1, claimed)

    day(play)


def test_a_paused_queue_starts_nothing() -> None:
    async def play(life: Life) -> None:
        before = life.store.written
        await life.create()
        await asyncio.sleep(0.1)
        assert life.store.written == before + 1  # nor is it looked at
        await asyncio.sleep(60)
        assert life.sent == []
        await life.engine.queues.resume(QUEUE)
        await asyncio.sleep(1)
        assert len(life.sent) == 1

    day(play, state=State.PAUSED)


def test_several_batches_at_once_open_no_more_connections_than_one() -> None:
    async def play(life: Life) -> None:
        batches = asyncio.gather(*[life.create_batch(SLICE) for _ in range(8)])
        await asyncio.sleep(0.0015)  # the first is stored
        assert len(life.sent) <= 2 * SLICE
        await batches
        await asyncio.sleep(1)
        assert len(life.sent) == 8 * SLICE

    day(play)


def test_an_engine_that_stops_starts_nothing_more() -> None:
    async def play(life: Life) -> None:
        stopping = asyncio.ensure_future(life.engine.stop(timedelta(seconds=10)))
        await asyncio.sleep(0)
        name = (await life.create()).name
        await stopping
        assert life.sent == []
        assert (await life.engine.tasks.get(name, body=False)).dispatch_count == 0
        await life.engine.start()  # for the end of the day to stop

    day(play)


def test_a_task_whose_run_was_asked_for_as_the_engine_stopped_is_delivered_and_recorded_before_it_ends() -> None:
    async def play(life: Life) -> None:
        task = await life.create(ahead=3600)
        running = asyncio.ensure_future(life.engine.tasks.run(task.name))
        await asyncio.sleep(0)  # it is with the store, and nothing is under way
        assert await life.engine.stop(timedelta(seconds=10)) == 0
        assert running.done()
        assert (len(life.sent), await life.engine.tasks.list(QUEUE, "", 10, body=False)) == (1, [])
        await life.engine.start()  # for the end of the day to stop

    day(play)


def test_no_task_is_run_once_the_last_attempts_have_ended() -> None:
    async def play(life: Life) -> None:
        task = await life.create(ahead=3600)
        await life.engine.stop(timedelta(seconds=10))
        with pytest.raises(Unavailable, match=r"^The server is shutting down\.$"):
            await life.engine.tasks.run(task.name)
        assert life.sent == []
        await life.engine.start()  # for the end of the day to stop

    day(play)
