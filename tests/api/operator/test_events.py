"""Watching what happens, and waiting until nothing is left."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.place import PARENT, PULL, QUEUE, Place, later, taken

from tidegate.core.errors import Aborted, InvalidArgument, NotFound, ResourceExhausted
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import RetryConfig
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.schema.operator import Attempt, Event

OTHER = QueueName.of("p", "elsewhere", "q")
FOREIGN = QueueName.of("foreign", "l", "q")
Kind = Event.Kind


@pytest.fixture
def at() -> Place:
    return Place()


def kinds(events: list[Any]) -> list[Event.Kind]:
    return [Kind(each.kind) for each in events]


async def test_a_watcher_hears_what_happens_from_then_on(at: Place) -> None:
    await at.make()
    stream = await at.stream("watch_events", parent="-")
    event = await later(stream, lambda: at.put("t"))
    assert (event.kind, event.queue, event.task) == (Kind.TASK_CREATED, QUEUE, QUEUE.task("t"))
    assert event.cursor == "life-2"
    assert event.time.ToDatetime().isoformat() == "2026-03-01T12:00:00"
    await stream.aclose()


async def test_an_attempt_is_told_with_its_outcome_and_when_the_next_is_due(at: Place) -> None:
    at.network.answer = lambda _: Outcome(http_status=503)
    await at.engine.start()
    await at.make(retry_config=RetryConfig(max_attempts=2))
    stream = await at.stream("watch_events", parent=PARENT)
    coming = asyncio.ensure_future(taken(stream, 6))
    await at.settled()
    await at.put("t", after=timedelta())
    await at.settled()
    at.clock.advance(timedelta(seconds=1))
    await at.settled()
    created, started, ended, again, final, died = await coming
    assert kinds([created, started, ended, again, final, died]) == [
        Kind.TASK_CREATED,
        Kind.ATTEMPT_STARTED,
        Kind.ATTEMPT_ENDED,
        Kind.ATTEMPT_STARTED,
        Kind.ATTEMPT_ENDED,
        Kind.TASK_DIED,
    ]
    assert started.attempt.name == f"{QUEUE.task('t')}/attempts/1"
    assert (ended.attempt.outcome, ended.attempt.http_status) == (Attempt.Outcome.FAILED, 503)
    assert (ended.attempt.final, final.attempt.final) == (False, True)
    assert ended.attempt.HasField("retry_time")
    assert ended.attempt.rpc_status.message == "UNAVAILABLE(14): HTTP status code 503"
    assert ended.text == "Attempt 1 failed with 503 after 0s; the next is due at 2026-03-01T12:00:00.100Z."
    assert (
        died.text == "The task was given up, after all the attempts that it may have; it is on the shelf of its queue."
    )
    await stream.aclose()
    await at.engine.stop()


async def test_a_watcher_of_a_place_hears_nothing_of_others(at: Place) -> None:
    streams = [await at.stream("watch_events", parent=parent, replay_last=10) for parent in (PARENT, "projects/p", "-")]
    for queue in (QUEUE, OTHER, FOREIGN):
        await at.make(queue)
    heard = [await taken(stream, count) for stream, count in zip(streams, (1, 2, 3), strict=True)]
    assert [[each.queue for each in events] for events in heard] == [[QUEUE], [QUEUE, OTHER], [QUEUE, OTHER, FOREIGN]]
    await at.make(QueueName.of("foreign", "l", "q2"))
    await at.engine.reset()
    assert (await anext(streams[0])).kind == Kind.RESET


async def test_a_watcher_hears_only_of_the_kinds_and_what_its_filter_chooses(at: Place) -> None:
    await at.make()
    await at.put("a", "b")
    deleted = await at.stream("watch_events", parent="-", replay_last=10, kinds=[Kind.TASK_DELETED])
    named = await at.stream("watch_events", parent="-", replay_last=10, filter=f'task="{QUEUE.task("b")}"')
    await at.engine.tasks.delete(QUEUE.task("a"))
    await at.engine.tasks.delete(QUEUE.task("b"))
    assert [each.task for each in await taken(deleted, 2)] == [QUEUE.task("a"), QUEUE.task("b")]
    assert kinds(await taken(named, 2)) == [Kind.TASK_CREATED, Kind.TASK_DELETED]


async def test_the_last_events_are_replayed_as_many_as_are_wanted_of_those_that_count(at: Place) -> None:
    await at.make()
    await at.put("a", "b", "c", "d")
    stream = await at.stream("watch_events", parent="-", replay_last=2, filter="kind=TASK_CREATED AND task:tasks")
    assert [each.task[-1] for each in await taken(stream, 2)] == ["c", "d"]
    await at.make(OTHER)
    event = await later(stream, lambda: at.put("e"))
    assert event.task == QUEUE.task("e")


async def test_a_watcher_goes_on_behind_its_cursor_and_misses_nothing(at: Place) -> None:
    await at.make()
    await at.put("a", "b", "c")
    first = await at.stream("watch_events", parent="-", replay_last=3)
    cursor = (await taken(first, 2))[-1].cursor
    second = await at.stream("watch_events", parent="-", cursor=cursor, replay_last=3)
    assert (await anext(second)).task == QUEUE.task("c")


async def test_a_cursor_of_an_earlier_life_begins_with_a_gap(at: Place) -> None:
    await at.make()
    stream = await at.stream("watch_events", parent="-", cursor="before-77", kinds=[Kind.QUEUE_CHANGED])
    assert kinds(await taken(stream, 2)) == [Kind.GAP, Kind.QUEUE_CHANGED]


async def test_a_watcher_that_does_not_read_is_cut_with_the_cursor_of_its_last_event(at: Place) -> None:
    await at.make()
    stream = await at.stream("watch_events", parent="-")
    await later(stream, lambda: at.put("a"))
    for number in range(1100):
        await at.put(f"t{number}")
    with pytest.raises(ResourceExhausted, match="cursor life-2"):
        await anext(stream)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"cursor": "nonsense"}, "cursor"),
        ({"replay_last": -1}, "replay_last"),
        ({"kinds": [99]}, "kinds has 99"),
        ({"filter": "nofield=1"}, "Field not found"),
        ({"parent": "projects/p/queues/q"}, "parent must be formatted"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_streamed(at: Place, fields: Any, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        await at.stream("watch_events", **{"parent": "-", **fields})


async def test_of_a_task_only_its_url_is_told_without_secrets_when_an_attempt_has_ended(at: Place) -> None:
    await at.engine.start()
    await at.make()
    stream = await at.stream("watch_events", parent="-", replay_last=10)
    url = "http://ann:pw@handler.test/work?a=b&token=canary"
    draft = TaskDraft(QUEUE.task("t"), HttpDraft(url, headers={"X-Canary": "canary"}, body=b"canary"))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.now()))
    await at.settled()
    events = await taken(stream, 4)
    assert kinds(events)[-1] == Kind.ATTEMPT_ENDED
    assert [event.attempt.request.url for event in events[-2:]] == ["", "http://***@handler.test/work?a=b&token=***"]
    assert not any("canary" in str(event).lower() for event in events)
    await at.engine.stop()


async def test_a_secret_in_a_long_url_is_not_told_either(at: Place) -> None:
    await at.engine.start()
    await at.make()
    stream = await at.stream("watch_events", parent="-", kinds=[Kind.ATTEMPT_ENDED], replay_last=10)
    url = f"http://ann:{'s3cret' * 100}@handler.test/{'x' * 900}"
    await at.engine.tasks.create(QUEUE, check_task(TaskDraft(QUEUE.task("t"), HttpDraft(url)), QUEUE, at.now()))
    await at.settled()
    (event,) = await taken(stream, 1)
    assert event.attempt.request.url == f"http://***@handler.test/{'x' * 900}"[:500]
    await at.engine.stop()


async def test_a_queue_is_idle_once_its_tasks_are_done(at: Place) -> None:
    await at.engine.start()
    await at.make()
    waiting = await at.call("wait_idle", parent=QUEUE, timeout=timedelta(seconds=60))
    assert waiting.idle
    await at.put("t", after=timedelta(seconds=30))
    coming = asyncio.ensure_future(at.call("wait_idle", parent=QUEUE))
    await at.settled()
    assert not coming.done()
    at.clock.advance(timedelta(seconds=30))
    assert (await coming).idle
    await at.engine.stop()


async def test_a_project_is_idle_once_all_its_queues_are(at: Place) -> None:
    for queue in (QUEUE, OTHER, FOREIGN):
        await at.make(queue)
    await at.put("a", queue=OTHER)
    await at.put("b", queue=FOREIGN)
    busy = await at.call("wait_idle", parent="projects/p", timeout=timedelta())
    assert (busy.idle, busy.tasks) == (False, 1)
    await at.engine.tasks.delete(OTHER.task("a"))
    assert (await at.call("wait_idle", parent="projects/p", timeout=timedelta())).idle


async def test_waiting_ends_after_its_time_with_what_is_left(at: Place) -> None:
    await at.make()
    await at.put("a", "b")
    coming = asyncio.ensure_future(at.call("wait_idle", parent=QUEUE, timeout=timedelta(seconds=5)))
    await at.settled()
    assert not coming.done()
    at.clock.advance(timedelta(seconds=5))
    answer = await coming
    assert (answer.idle, answer.tasks) == (False, 2)


async def test_nobody_waits_for_queues_that_keep_their_tasks(at: Place) -> None:
    await at.make()
    await at.make(PULL)
    await at.put("a")
    await at.engine.queues.pause(QUEUE)
    for parent in (QUEUE, "projects/p"):
        with pytest.raises(Aborted, match="is PAUSED and will keep the tasks"):
            await at.call("wait_idle", parent=parent)
    await at.put("b", queue=PULL)  # whose workers may acknowledge it
    assert not (await at.call("wait_idle", parent="projects/p", timeout=timedelta())).idle


async def test_waiting_for_what_is_not_there_or_too_long_is_refused(at: Place) -> None:
    with pytest.raises(NotFound):
        await at.call("wait_idle", parent=QUEUE)
    with pytest.raises(InvalidArgument, match="between 0s and 60s"):
        await at.call("wait_idle", parent=QUEUE, timeout=timedelta(seconds=61))
