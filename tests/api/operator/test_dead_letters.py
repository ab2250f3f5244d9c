"""Dead tasks, kept attempts and a queue's options over the operator's API."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.errors import Aborted, InvalidArgument, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue, RetryConfig
from tidegate.schema.operator import Attempt, DeadTask, Operator, QueueOptions

DAY = timedelta(days=1)
ONCE = Queue(name=QUEUE, retry_config=RetryConfig(max_attempts=1))
TWICE = Queue(name=QUEUE, retry_config=RetryConfig(max_attempts=2))


async def died(life: Life, *task_ids: str, status: int = 503) -> None:
    life.network.answer = lambda _: Outcome(http_status=status)
    for task_id in task_ids:
        await life.create(task_id)
        await asyncio.sleep(1)


async def shelf(life: Life, **fields: Any) -> Any:
    return await life.call(Operator.list_dead_tasks, parent=QUEUE, **fields)


def ids(dead: Any) -> list[str]:
    return [each.task.name.rsplit("/", 1)[1] for each in dead]


def test_a_dead_task_is_shown_with_its_reason_its_end_and_its_last_attempt() -> None:
    async def story(life: Life) -> None:
        await died(life, "a")
        (dead,) = (await shelf(life)).dead_tasks
        assert dead.reason == DeadTask.Reason.ATTEMPTS
        assert dead.expire_time == dead.death_time + 7 * DAY
        last = dead.last_attempt
        assert last.name == f"{QUEUE}/tasks/a/attempts/2"
        assert (last.number, last.reason_sent, last.outcome) == (2, Attempt.Reason.RETRY, Attempt.Outcome.FAILED)
        assert (last.http_status, last.rpc_status.code, last.final) == (503, 14, True)
        assert (last.request.method, last.request.url) == ("POST", "http://handler.test/")
        assert last.timing.total
        whole = await life.call(Operator.get_dead_task, name=dead.name)
        assert (whole.name, whole.task.name, whole.task.dispatch_count) == (dead.name, f"{QUEUE}/tasks/a", 2)

    lived(story, TWICE)


def test_dead_tasks_are_filtered_and_come_in_pages() -> None:
    async def story(life: Life) -> None:
        await died(life, "a", "b", "c")
        await died(life, "d", status=500)
        first = await shelf(life, page_size=3)
        assert ids(first.dead_tasks) == ["d", "c", "b"]
        assert ids((await shelf(life, page_size=3, page_token=first.next_page_token)).dead_tasks) == ["a"]
        assert ids((await shelf(life, filter="last_attempt.http_status=500")).dead_tasks) == ["d"]
        assert ids((await shelf(life, filter='task.name:"tasks/b" reason=ATTEMPTS')).dead_tasks) == ["b"]
        group = (await shelf(life)).dead_tasks[0].error_group
        assert ids((await shelf(life, filter=f"error_group={group}")).dead_tasks) == ["d"]
        headers = "last_attempt.request.headers.name=X-CloudTasks-TaskName"
        assert len((await shelf(life, filter=headers)).dead_tasks) == 4
        for wrong in ("nosuch=1", "death_time=yesterday"):
            with pytest.raises(InvalidArgument):
                await shelf(life, filter=wrong)
        with pytest.raises(InvalidArgument):
            await shelf(life, page_token=first.next_page_token, filter="reason=TTL")

    lived(story, ONCE)


def test_groups_say_how_many_failed_alike() -> None:
    async def story(life: Life) -> None:
        await died(life, "a", "b")
        await died(life, "c", status=404)
        groups = (await life.call(Operator.group_dead_tasks, parent=QUEUE)).groups
        assert [(each.text, each.count) for each in groups] == [
            ("HTTP 503 from handler.test", 2),
            ("HTTP 404 from handler.test", 1),
        ]
        assert groups[0].first_time < groups[0].last_time
        sample = await life.call(Operator.get_dead_task, name=groups[0].sample)
        assert sample.error_group == groups[0].error_group
        only = await life.call(Operator.group_dead_tasks, parent=QUEUE, filter="last_attempt.http_status=404")
        assert [each.count for each in only.groups] == [1]

    lived(story, ONCE)


def test_a_deleted_dead_task_is_gone() -> None:
    async def story(life: Life) -> None:
        await died(life, "a")
        (dead,) = (await shelf(life)).dead_tasks
        await life.call(Operator.delete_dead_task, name=dead.name)
        assert not (await shelf(life)).dead_tasks
        for name in (dead.name, f"{QUEUE}/deadTasks/007", f"{QUEUE}/deadTasks/x", f"{QUEUE}/deadTasks/{'9' * 40}"):
            with pytest.raises(NotFound):
                await life.call(Operator.delete_dead_task, name=name)
            with pytest.raises(NotFound):
                await life.call(Operator.get_dead_task, name=name)

    lived(story, ONCE)


def test_attempts_are_listed_for_a_task_and_for_a_queue_newest_first() -> None:
    async def story(life: Life) -> None:
        await died(life, "a")
        life.network.answer = lambda _: Outcome(reason="connection refused")
        await life.create("b")
        await asyncio.sleep(0.05)
        of_dead = await life.call(Operator.list_attempts, parent=f"{QUEUE}/tasks/a")
        assert [each.number for each in of_dead.attempts] == [2, 1]
        first = await life.call(Operator.list_attempts, parent=f"{QUEUE}/tasks/a", page_size=1)
        rest = await life.call(
            Operator.list_attempts, parent=f"{QUEUE}/tasks/a", page_size=1, page_token=first.next_page_token
        )
        assert [each.number for each in (*first.attempts, *rest.attempts)] == [2, 1]
        assert not rest.next_page_token
        living, *dead = (await life.call(Operator.list_attempts, parent=QUEUE)).attempts
        assert dead == of_dead.attempts
        assert (living.name, living.error) == (f"{QUEUE}/tasks/b/attempts/1", "connection refused")
        assert living.outcome == Attempt.Outcome.NO_ANSWER
        assert living.retry_time
        none = await life.call(Operator.list_attempts, parent=QUEUE, filter="outcome=TIMED_OUT")
        assert not none.attempts
        assert await life.call(Operator.get_attempt, name=living.name) == living
        for name in (f"{QUEUE}/tasks/b/attempts/7", f"{QUEUE}/tasks/never/attempts/1"):
            with pytest.raises(NotFound):
                await life.call(Operator.get_attempt, name=name)

    lived(story, TWICE)


def test_options_follow_the_settings_until_they_are_set_and_again_once_they_are_cleared() -> None:
    async def story(life: Life) -> None:
        name = f"{QUEUE}/options"
        before = await life.call(Operator.get_queue_options, name=name)
        assert (before.dead_letters.keep_for, before.dead_letters.max_tasks) == (7 * DAY, 10_000)
        assert (before.attempts.keep, before.attempts.per_task) == (2, 20)
        changed = await life.call(
            Operator.update_queue_options,
            options={"name": name, "dead_letters": {"max_tasks": 5}, "attempts": {"keep": 3, "bodies": False}},
            update_mask={"paths": ["dead_letters.max_tasks", "attempts"]},
        )
        assert changed == await life.call(Operator.get_queue_options, name=name)
        assert (changed.dead_letters.keep_for, changed.dead_letters.max_tasks) == (7 * DAY, 5)
        assert (changed.attempts.keep, changed.attempts.bodies, changed.attempts.per_task) == (3, False, 20)
        assert changed.etag != before.etag
        again = await life.call(Operator.update_queue_options, options={"name": name}, update_mask={"paths": ["*"]})
        assert again == before

    lived(story)


def test_options_survive_a_change_of_the_queue() -> None:
    async def story(life: Life) -> None:
        name = f"{QUEUE}/options"
        await life.call(Operator.update_queue_options, options={"name": name, "dead_letters": {"max_tasks": 5}})
        await life.engine.queues.update(QUEUE, lambda _: Queue(name=QUEUE))
        await life.engine.queues.pause(QUEUE)
        assert (await life.call(Operator.get_queue_options, name=name)).dead_letters.max_tasks == 5

    lived(story)


@pytest.mark.parametrize(
    "options",
    [
        {"dead_letters": {"keep_for": timedelta(days=366)}},
        {"dead_letters": {"max_tasks": -1}},
        {"dead_letters": {"max_bytes": 2**60}},
        {"attempts": {"per_task": 101}},
        {"attempts": {"keep": 9}},
        {"attempts": {"keep_for": timedelta(seconds=-1)}},
    ],
)
def test_options_out_of_range_are_refused_and_change_nothing(options: dict[str, Any]) -> None:
    async def story(life: Life) -> None:
        name = f"{QUEUE}/options"
        before = await life.call(Operator.get_queue_options, name=name)
        with pytest.raises(InvalidArgument):
            await life.call(Operator.update_queue_options, options={"name": name, **options})
        assert await life.call(Operator.get_queue_options, name=name) == before

    lived(story)


def test_options_that_were_changed_meanwhile_are_not_overwritten() -> None:
    async def story(life: Life) -> None:
        name = f"{QUEUE}/options"
        seen = await life.call(Operator.get_queue_options, name=name)
        options = QueueOptions(name=name, etag=seen.etag, dead_letters={"max_tasks": 7})
        await life.call(Operator.update_queue_options, options=options)
        with pytest.raises(Aborted):
            await life.call(Operator.update_queue_options, options=options)
        with pytest.raises(InvalidArgument):
            await life.call(Operator.update_queue_options, options={"name": name}, update_mask={"paths": ["nosuch"]})
        with pytest.raises(NotFound):
            await life.call(Operator.get_queue_options, name=f"{QUEUE}x/options")

    lived(story)


def test_the_attempts_of_a_queue_come_in_pages_those_of_each_dead_task_together() -> None:
    async def story(life: Life) -> None:
        await died(life, *[f"d{number}" for number in range(12)])  # more than are read in one step
        await asyncio.sleep(600)
        await life.engine.queues.pause(QUEUE)
        await life.create("alive")
        await life.engine.tasks.run(QUEUE.task("alive"))
        await asyncio.sleep(1)
        dead = ids((await shelf(life)).dead_tasks)
        assert len(dead) == 12
        expected = ["alive/attempts/1", *(f"{each}/attempts/{number}" for each in dead for number in (2, 1))]
        for size in (1, 3, 100):
            names: list[str] = []
            token = ""
            while True:
                page = await life.call(Operator.list_attempts, parent=QUEUE, page_size=size, page_token=token)
                names += [each.name.split("/tasks/")[1] for each in page.attempts]
                token = page.next_page_token
                if not token:
                    break
            assert names == expected
        (found,) = (await life.call(Operator.list_attempts, parent=QUEUE, filter="name:tasks/d3/ number=1")).attempts
        assert (found.number, found.final) == (1, False)
        with pytest.raises(InvalidArgument):
            await life.call(Operator.list_attempts, parent=QUEUE, filter="number=1", page_token="AAAA")

    lived(story, TWICE)
