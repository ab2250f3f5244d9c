"""Work that takes longer than a call: its steps, its end, and what a restart makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from tests.engine.twice import TwiceStore
from tests.engine.worlds import HandClock, Mint, Network, Notes
from tests.ids import CountingIds

from tidegate.core.errors import ApiError, FailedPrecondition, NotFound, ResourceExhausted
from tidegate.core.names import OperationName, QueueName
from tidegate.engine.long_running import FAILURES_KEPT, Changed, Failure, Found, LongRunning, Progress
from tidegate.engine.operation_runner import UNFINISHED_MAX, OperationRunner
from tidegate.engine.ports.store import Reader, StoreError, Transaction
from tidegate.engine.ports.world import World

QUEUE = QueueName.of("p", "l", "q")
DAY = timedelta(days=1)


class QuickClock(HandClock):
    """Stands still, but whoever sleeps wakes up at once."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Counting:
    """Counts to ``total``: entry 3 is ``"3"``. Those of ``refused`` fail; ``stop_at`` ends the operation there."""

    total_: int
    step: int = 10
    refused: Sequence[str] = ()
    stop_at: int | None = None
    rooms: list[int] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def room(self, operation: LongRunning) -> int:
        return self.rooms.pop(0) if self.rooms else self.step

    def total(self, reader: Reader, operation: LongRunning) -> int | None:
        if not self.total_:
            raise NotFound("Nothing is here.")
        return self.total_

    def changes(self, operation: LongRunning) -> Sequence[QueueName]:
        return ()

    def look(self, reader: Reader, operation: LongRunning, position: str, limit: int) -> Found:
        begin = int(position or 0)
        if self.stop_at is not None and begin >= self.stop_at:
            raise FailedPrecondition("No further.")
        end = min(begin + limit, self.total_)
        return Found([str(each) for each in range(begin, end)], end - begin, str(end), end == self.total_)

    def change(self, tx: Transaction, operation: LongRunning, entries: Sequence[str], now: datetime) -> Changed:
        for entry in entries:  # the transaction tells whether an entry is done twice
            assert tx.document("entry", f"{operation.name}/{entry}", now) is None
            tx.put_document("entry", f"{operation.name}/{entry}", b"1")
        failures = [Failure(entry, 5, "gone") for entry in entries if entry in self.refused]
        return Changed(len(entries) - len(failures), failures, told=list(entries))

    def committed(self, operation: LongRunning, changed: Changed) -> None:
        self.done += changed.told or ()


@dataclass
class Place:
    store: TwiceStore
    clock: QuickClock
    ids: CountingIds

    def runner(self, worker: Counting) -> OperationRunner:
        world = World(self.store, Network(), Mint(), self.clock, self.clock, self.ids, Notes())
        runner = OperationRunner(world, self.store)
        runner.add_workers({"count": worker})
        return runner

    async def begin(self, runner: OperationRunner) -> None:
        """As the engine does at its start."""
        now = self.clock.now()
        runner.start(await self.store.write(lambda tx: runner.take_over(tx, now)))


@pytest.fixture
def place() -> Place:
    return Place(TwiceStore(), QuickClock(), CountingIds())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - no time passes
        await asyncio.sleep(0)


async def ended(runner: OperationRunner, name: str) -> LongRunning:
    await until(lambda: runner.idle)
    return await runner.get(OperationName(name))


async def test_an_operation_goes_to_its_end_in_steps(place: Place) -> None:
    worker = Counting(25)
    runner = place.runner(worker)
    begun = await runner.begin("count", QUEUE, b"request")
    assert (begun.done, begun.progress) == (False, Progress(total=25))
    done = await ended(runner, begun.name)
    assert done.progress == Progress(total=25, scanned=25, matched=25, changed=25)
    assert (done.end_time, done.error) == (place.clock.now(), None)
    assert worker.done == [str(each) for each in range(25)]


async def test_what_could_not_be_changed_is_listed_and_beyond_a_hundred_counted(place: Place) -> None:
    refused = [str(each) for each in range(FAILURES_KEPT + 20)]
    runner = place.runner(Counting(200, refused=refused))
    done = await ended(runner, (await runner.begin("count", QUEUE, b"")).name)
    assert (done.progress.changed, done.progress.failed) == (80, 120)
    assert [each.name for each in done.failures] == refused[:FAILURES_KEPT]


async def test_a_stopped_operation_goes_on_at_the_next_start_and_does_nothing_twice(place: Place) -> None:
    old = Counting(95)
    first = place.runner(old)
    begun = await first.begin("count", QUEUE, b"")
    await until(lambda: len(old.done) >= 30)
    await first.stop()
    worker = Counting(95)
    second = place.runner(worker)
    await place.begin(second)
    done = await ended(second, begun.name)
    assert done.progress == Progress(total=95, scanned=95, matched=95, changed=95)
    assert worker.done[-1] == "94"


async def test_only_the_process_that_took_an_operation_over_goes_on_with_it(place: Place) -> None:
    old = Counting(95)
    first = place.runner(old)
    begun = await first.begin("count", QUEUE, b"")
    new = Counting(95)
    second = place.runner(new)
    await place.begin(second)
    done = await ended(second, begun.name)
    await until(lambda: first.idle)
    assert done.progress.changed == 95
    assert sorted(old.done + new.done, key=int) == [str(each) for each in range(95)]


async def test_a_cancelled_operation_stops_where_it_is(place: Place) -> None:
    worker = Counting(1000)
    runner = place.runner(worker)
    begun = await runner.begin("count", QUEUE, b"")
    await until(lambda: bool(worker.done))
    cancelled = await runner.cancel(OperationName(begun.name))
    assert cancelled.done
    assert cancelled.error is not None
    assert cancelled.error.code == 1
    after = await ended(runner, begun.name)
    assert after == cancelled
    assert len(worker.done) == after.progress.changed < 1000


async def test_cancelling_what_has_ended_changes_nothing(place: Place) -> None:
    runner = place.runner(Counting(5))
    done = await ended(runner, (await runner.begin("count", QUEUE, b"")).name)
    assert await runner.cancel(OperationName(done.name)) == done


async def test_an_error_of_its_own_ends_an_operation_and_is_shown(place: Place) -> None:
    runner = place.runner(Counting(50, stop_at=20))
    done = await ended(runner, (await runner.begin("count", QUEUE, b"")).name)
    assert done.done
    assert done.error is not None
    assert (done.error.code, done.error.message, done.progress.changed) == (9, "No further.", 20)


async def test_an_unexpected_error_ends_an_operation_without_its_text(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Counting(50)
    worker.look = lambda *args, **kwargs: 1 / 0  # type: ignore[assignment,method-assign]
    runner = place.runner(worker)
    done = await ended(runner, (await runner.begin("count", QUEUE, b"")).name)
    assert done.error is not None
    assert done.error.code == 13
    assert "division" not in done.error.message
    assert "division" in caplog.text


async def test_a_store_that_fails_for_a_while_only_delays_an_operation(place: Place) -> None:
    runner = place.runner(Counting(25))
    begun = await runner.begin("count", QUEUE, b"")
    write = place.store.write
    failed: list[object] = []

    async def fail_twice(work: object, **queues: object) -> object:
        if len(failed) < 2:
            failed.append(work)
            raise StoreError("the disk is away")
        return await write(work, **queues)  # type: ignore[arg-type]

    place.store.write = fail_twice  # type: ignore[method-assign,assignment]
    assert (await ended(runner, begun.name)).progress.changed == 25
    assert len(failed) == 2


async def test_an_operation_waits_until_there_is_room(place: Place) -> None:
    worker = Counting(5, rooms=[0, 0, 2, 0, 3])
    runner = place.runner(worker)
    assert (await ended(runner, (await runner.begin("count", QUEUE, b"")).name)).progress.changed == 5
    assert worker.rooms == []


async def test_an_operation_that_cannot_begin_leaves_nothing_behind(place: Place) -> None:
    runner = place.runner(Counting(0))
    with pytest.raises(NotFound, match="Nothing is here"):
        await runner.begin("count", QUEUE, b"")
    assert await runner.list(QUEUE.parent, "", 10) == []


async def test_no_more_than_so_many_are_under_way(place: Place) -> None:
    worker = Counting(5, rooms=[0] * 100_000)
    runner = place.runner(worker)
    for _ in range(UNFINISHED_MAX):
        await runner.begin("count", QUEUE, b"")
    with pytest.raises(ResourceExhausted, match="100 operations"):
        await runner.begin("count", QUEUE, b"")
    await runner.stop()


async def test_counting_changes_nothing_and_stops_at_ten_thousand(place: Place) -> None:
    few, many, exact = Counting(25), Counting(100_000, step=250), Counting(10_000)
    runner = place.runner(few)
    runner.add_workers({"many": many, "exact": exact})
    counts = [await runner.count(kind, QUEUE, b"") for kind in ("count", "many", "exact")]
    assert [(each.entries, each.more) for each in counts] == [(25, False), (10_000, True), (10_000, False)]
    assert await runner.list(QUEUE.parent, "", 10) == []


async def test_operations_are_listed_by_parent_and_forgotten_a_day_after_their_end(place: Place) -> None:
    runner = place.runner(Counting(5))
    names = [(await runner.begin("count", QUEUE, b"")).name for _ in range(3)]
    await runner.begin("count", QueueName.of("p", "other", "q"), b"")
    await ended(runner, names[0])
    listed = [each.name for each in await runner.list(QUEUE.parent, "", 10)]
    assert listed == sorted(names)
    after = OperationName(listed[0]).operation
    assert [each.name for each in await runner.list(QUEUE.parent, after, 1)] == listed[1:2]
    place.clock.advance(DAY)
    assert await runner.list(QUEUE.parent, "", 10) == []
    with pytest.raises(ApiError):
        await runner.get(OperationName(names[0]))


async def test_a_reset_ends_an_operation_without_a_trace(place: Place) -> None:
    runner = place.runner(Counting(1000))
    begun = await runner.begin("count", QUEUE, b"")
    await place.store.write(lambda tx: tx.reset())
    await until(lambda: runner.idle)
    with pytest.raises(NotFound):
        await runner.get(OperationName(begun.name))
