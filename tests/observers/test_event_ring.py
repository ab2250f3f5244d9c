"""The last events, remembered and numbered, and those who watch."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import timedelta

import pytest
from tests.engine.worlds import START, HandClock

from tidegate.core.dead_letters import DeathReason
from tidegate.core.errors import InvalidArgument, ResourceExhausted
from tidegate.core.lifecycle import DELIVERED, Outcome, judge
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.ports.events import (
    AllDeleted,
    AttemptEnded,
    AttemptStarted,
    QueueChanged,
    QueueDeleted,
    TaskDied,
    TasksCreated,
    TasksDeleted,
)
from tidegate.observers.event_ring import FEW, UNREAD_MAX, WAKES_PER_SECOND, WATCHERS_MAX, EventRing
from tidegate.observers.happenings import EndedAttempt, EventKind, GivenUp, StartedAttempt, kind_of_entry

NAME = QueueName.of("p", "l", "q")
QUEUE = Queue(name=NAME)
SECOND = timedelta(seconds=1)


def task(task_id: str, **settings: object) -> Task:
    return Task(
        name=NAME.task(task_id),
        target=HttpRequest("https://handler.test/"),
        schedule_time=START,
        create_time=START,
        **settings,  # type: ignore[arg-type]
    )


class Ring(EventRing):
    """A ring that begins now, by a clock in the hands of the test."""

    def __init__(self, size: int = 10) -> None:
        self.clock = HandClock()
        super().__init__(self.clock.now, self.clock, "life", size)

    def create(self, *task_ids: str) -> None:
        self.emit(TasksCreated(QUEUE, [task(each, body=b"x") for each in task_ids], self.clock.now()))


def kinds(ring: EventRing, number: int = 0) -> list[EventKind]:
    return [each.kind for each in ring.after(number, 100)]


def test_every_task_that_is_created_or_deleted_is_an_event_of_its_own() -> None:
    ring = Ring()
    ring.create("a", "b")
    ring.emit(TasksDeleted(QUEUE, ["a"], START))
    found = ring.after(0, 100)
    assert [(each.number, each.kind, each.detail) for each in found] == [
        (1, EventKind.TASK_CREATED, NAME.task("a")),
        (2, EventKind.TASK_CREATED, NAME.task("b")),
        (3, EventKind.TASK_DELETED, NAME.task("a")),
    ]
    assert {each.queue for each in found} == {NAME}


def test_an_attempt_is_told_at_its_start_and_its_end_with_what_comes_of_it() -> None:
    ring = Ring()
    failing = task("t").dispatched(START)
    outcome = Outcome(http_status=503)
    judgement = judge(failing, QUEUE, outcome, START + SECOND)
    ring.emit(AttemptStarted(QUEUE, failing, START))
    ring.emit(AttemptEnded(QUEUE, failing, outcome, judgement, SECOND, START + SECOND))
    ring.emit(AttemptEnded(QUEUE, failing, Outcome(http_status=200), DELIVERED, SECOND, START + SECOND))
    ring.emit(AttemptEnded(QUEUE, failing, outcome, None, SECOND, START + SECOND))
    started, retried, delivered, ignored = [each.detail for each in ring.after(0, 100)]
    assert started == StartedAttempt(1, START, NAME, failing.name, 1, START)
    assert isinstance(retried, EndedAttempt)
    assert retried.retry_time == START + SECOND + timedelta(milliseconds=100)
    assert isinstance(delivered, EndedAttempt)
    assert (delivered.retry_time, delivered.counts) == (None, True)
    assert isinstance(ignored, EndedAttempt)
    assert not ignored.counts


def test_a_task_that_dies_is_told_with_the_reason() -> None:
    ring = Ring()
    ring.emit(TaskDied(NAME, NAME.task("t"), DeathReason.TTL, True, START))
    (dead,) = ring.after(0, 10)
    assert (dead.kind, dead.queue, dead.time) == (EventKind.TASK_DIED, NAME, START)
    assert dead.detail == GivenUp(NAME.task("t"), DeathReason.TTL, True)


def test_changes_of_queues_and_a_reset_are_told() -> None:
    ring = Ring()
    for event in (QueueChanged(NAME, "paused"), QueueDeleted(NAME), AllDeleted()):
        ring.emit(event)
    found = ring.after(0, 100)
    assert [(each.kind, each.queue, each.detail) for each in found] == [
        (EventKind.QUEUE_CHANGED, NAME, "paused"),
        (EventKind.QUEUE_DELETED, NAME, ""),
        (EventKind.RESET, None, ""),
    ]


def test_the_ring_forgets_the_oldest_and_keeps_as_many_as_it_is_large() -> None:
    ring = Ring(size=10)
    for number in range(20):
        ring.create(f"t{number}")
    found = ring.after(10, 100)
    assert [each.number for each in found] == list(range(11, 21))
    assert (ring.is_gone(9), ring.is_gone(10)) == (True, False)


def test_the_events_of_a_large_transaction_stay_together_until_others_fill_the_ring() -> None:
    ring = Ring(size=10)
    ring.create(*map(str, range(15)))
    assert len(ring.after(0, 100)) == 15
    ring.create(*map(str, range(9)))
    assert not ring.is_gone(0)
    ring.create("last")
    assert ring.is_gone(0)
    assert [each.number for each in ring.after(0, 100)] == list(range(16, 26))


def test_events_are_read_in_pieces_that_may_cut_a_transaction() -> None:
    ring = Ring(size=100)
    ring.create(*map(str, range(7)))
    ring.create(*map(str, range(5)))
    read: list[int] = []
    while page := ring.after(read[-1] if read else 0, 4):
        read += [each.number for each in page]
    assert read == list(range(1, 13))


def test_a_cursor_tells_its_number_and_one_of_another_life_nothing() -> None:
    ring = Ring()
    ring.create("a", "b")
    assert ring.read_cursor(ring.cursor(2)) == 2
    assert ring.read_cursor("another-2") is None


@pytest.mark.parametrize("cursor", ["life", "-1", "life-", "life-x", "life-3", "life-" + "9" * 400, "life-\u0663"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    ring = Ring()
    ring.create("a", "b")
    with pytest.raises(InvalidArgument, match="cursor"):
        ring.read_cursor(cursor)


def test_a_watcher_reads_what_happens_after_it_came() -> None:
    ring = Ring()
    ring.create("before")
    with ring.watch("") as watch:
        assert watch.read(10) == []
        ring.create("after")
        assert [each.number for each in watch.read(10)] == [2]
        assert watch.read(10) == []


def test_what_a_watcher_does_not_want_is_passed_by_and_not_kept_for_later() -> None:
    ring = Ring()
    with ring.watch("") as watch:
        ring.create("a", "b")
        assert watch.read(10, lambda entry: False) == []
        assert watch.unread == 0
        ring.emit(QueueChanged(NAME, "paused"))
        ring.create("c")
        found = watch.read(10, lambda entry: kind_of_entry(entry) is EventKind.QUEUE_CHANGED)
        assert [each.number for each in found] == [3]
        assert watch.unread == 0


@pytest.mark.parametrize("watchers", [FEW, 50])
async def test_many_watchers_are_woken_now_and_then_and_few_at_once(watchers: int) -> None:
    ring = Ring()
    with ExitStack() as stack:
        for _ in range(watchers):
            stack.enter_context(ring.watch(""))
        heard = []
        for name in ("a", "b"):
            waiting = asyncio.ensure_future(ring.wait(ring.last, 60))
            await asyncio.sleep(0)
            ring.create(name)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            heard.append(waiting.done())
        assert heard == [True, watchers == FEW]
        ring.clock.advance(timedelta(seconds=watchers / WAKES_PER_SECOND))
        assert await waiting


def test_a_watcher_goes_on_from_its_cursor() -> None:
    ring = Ring()
    ring.create("a", "b", "c")
    with ring.watch(ring.cursor(1)) as watch:
        assert [each.number for each in watch.read(10)] == [2, 3]


def test_a_cursor_older_than_the_ring_gives_a_gap_and_then_all_that_is_left() -> None:
    ring = Ring(size=3)
    for number in range(10):
        ring.create(str(number))
    with ring.watch(ring.cursor(2)) as watch:
        found = watch.read(10)
    assert [(each.number, each.kind) for each in found] == [
        (7, EventKind.GAP),
        (8, EventKind.TASK_CREATED),
        (9, EventKind.TASK_CREATED),
        (10, EventKind.TASK_CREATED),
    ]
    with ring.watch(ring.cursor(found[0].number)) as watch:  # the cursor of the GAP
        assert [each.number for each in watch.read(10)] == [8, 9, 10]


def test_a_cursor_of_an_earlier_life_gives_a_gap_even_when_nothing_happened_yet() -> None:
    ring = Ring()
    with ring.watch("before-1234") as watch:
        assert [each.kind for each in watch.read(10)] == [EventKind.GAP]
        ring.create("a")
        assert [each.kind for each in watch.read(10)] == [EventKind.TASK_CREATED]


def test_a_watcher_that_was_overtaken_hears_of_the_gap() -> None:
    ring = Ring(size=3)
    with ring.watch("") as watch:
        for number in range(10):
            ring.create(str(number))
        assert [each.kind for each in watch.read(10)] == [EventKind.GAP] + 3 * [EventKind.TASK_CREATED]


def test_a_watcher_that_does_not_read_is_cut_and_told_where_to_go_on() -> None:
    ring = Ring(size=5000)
    with ring.watch("") as watch:
        ring.create("first")
        watch.read(10)
        ring.create(*map(str, range(UNREAD_MAX + 1)))
        ring.clock.advance(timedelta(seconds=6))
        with pytest.raises(ResourceExhausted, match="cursor life-1"):
            watch.read(10)


def test_a_watcher_that_is_only_late_is_not_cut() -> None:
    ring = Ring(size=5000)
    with ring.watch("") as watch:
        ring.create(*map(str, range(2 * UNREAD_MAX)))  # in one transaction: nobody could have read between
        assert len(watch.read(5000)) == 2 * UNREAD_MAX
        ring.clock.advance(timedelta(seconds=60))
        ring.create("quiet until now")
        assert len(watch.read(10)) == 1


async def test_a_watcher_that_waits_is_woken_and_one_without_news_after_its_time() -> None:
    ring = Ring()
    with ring.watch("") as watch:
        waiting = asyncio.ensure_future(watch.wait(15))
        await asyncio.sleep(0)
        ring.create("a")
        assert await waiting
        assert len(watch.read(10)) == 1
        waiting = asyncio.ensure_future(watch.wait(15))
        await asyncio.sleep(0)
        ring.clock.advance(timedelta(seconds=15))
        assert not await waiting


def test_watchers_that_do_not_read_make_room_for_others() -> None:
    ring = Ring(size=5000)
    watches = [ring.watch("") for _ in range(WATCHERS_MAX)]
    entered = [each.__enter__() for each in watches]
    with pytest.raises(ResourceExhausted, match="200 callers"), ring.watch(""):
        pass
    ring.create(*map(str, range(UNREAD_MAX + 1)))
    ring.clock.advance(timedelta(seconds=6))
    with ring.watch("") as watch:
        ring.create("a")
        assert len(watch.read(10)) == 1
    with pytest.raises(ResourceExhausted, match="left unread"):
        entered[0].read(10)
