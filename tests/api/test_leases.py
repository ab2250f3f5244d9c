"""Pull queues and the lease calls of v2beta2."""

from datetime import timedelta
from typing import Any

import pytest
from tests.api.conftest import LOCATION, NOON, QUEUE, QUEUE_MISSING, TASK

from tidegate.core.errors import ApiError, Code, FailedPrecondition, InvalidArgument, NotFound

MINUTE = timedelta(minutes=1)
LOST = "The task's lease has expired or is held by another worker."


@pytest.fixture(autouse=True)
async def _queue(call2) -> None:
    await call2("create_queue", parent=LOCATION, queue={"name": QUEUE, "pull_target": {}})


async def put(call2, *tasks, tag="", **fields):
    for task in tasks:
        message = {"payload": b"hello", "tag": tag}
        await call2(
            "create_task", parent=QUEUE, task={"name": f"{QUEUE}/tasks/{task}", "pull_message": message, **fields}
        )


async def lease(call2, **fields):
    request = {"parent": QUEUE, "lease_duration": MINUTE, **fields}
    return list((await call2("lease_tasks", **request)).tasks)


def ids(tasks):
    return [task.name.rsplit("/", 1)[1] for task in tasks]


async def test_a_leased_task_is_hidden_until_its_lease_ends(call2, clock) -> None:
    await put(call2, "t")
    (task,) = await lease(call2)
    assert task.schedule_time.ToDatetime(NOON.tzinfo) == NOON + MINUTE
    assert task.status.attempt_dispatch_count == 1
    assert (task.view, task.pull_message.payload) == (1, b"")
    assert await lease(call2) == []
    clock.advance(minutes=1)
    (again,) = await lease(call2, response_view="FULL")
    assert again.status.attempt_dispatch_count == 2
    assert again.pull_message.payload == b"hello"


async def test_as_many_are_leased_as_were_asked_for_the_longest_due_first(call2, clock) -> None:
    await put(call2, "c")
    clock.advance(seconds=1)
    await put(call2, "a", "b")
    assert ids(await lease(call2, max_tasks=2)) == ["c", "a"]
    assert ids(await lease(call2)) == ["b"]


async def test_a_tag_chooses(call2) -> None:
    await put(call2, "a", tag="x")
    await put(call2, "b", tag="y")
    await put(call2, "c", tag="x")
    assert ids(await lease(call2, filter="tag=y")) == ["b"]
    assert ids(await lease(call2, filter="tag_function=oldest_tag()")) == ["a", "c"]


async def test_who_holds_a_task_ends_it(call2) -> None:
    await put(call2, "t")
    (task,) = await lease(call2)
    assert (await call2("acknowledge_task", name=task.name, schedule_time=NOON + MINUTE)).ByteSize() == 0
    for rpc in ("acknowledge_task", "cancel_lease"):
        with pytest.raises(NotFound):
            await call2(rpc, name=task.name, schedule_time=NOON + MINUTE)


async def test_who_holds_a_task_may_keep_it_longer(call2, clock) -> None:
    await put(call2, "t")
    (task,) = await lease(call2)
    clock.advance(seconds=30)
    renewed = await call2(
        "renew_lease", name=task.name, schedule_time=NOON + MINUTE, lease_duration=MINUTE, response_view="FULL"
    )
    assert renewed.schedule_time.ToDatetime(NOON.tzinfo) == NOON + timedelta(seconds=90)
    assert renewed.pull_message.payload == b"hello"
    clock.advance(seconds=59)
    assert await lease(call2) == []


async def test_who_holds_a_task_may_give_it_back(call2, clock) -> None:
    await put(call2, "t")
    (task,) = await lease(call2)
    clock.advance(seconds=30)
    cancelled = await call2("cancel_lease", name=task.name, schedule_time=NOON + MINUTE)
    assert cancelled.schedule_time.ToDatetime(NOON.tzinfo) == NOON + timedelta(seconds=30)
    assert ids(await lease(call2)) == ["t"]


@pytest.mark.parametrize("rpc", ["acknowledge_task", "renew_lease", "cancel_lease"])
async def test_a_lease_that_is_lost_is_lost(call2, clock, rpc) -> None:
    await put(call2, "t")
    await lease(call2)
    more = {"lease_duration": MINUTE} if rpc == "renew_lease" else {}
    with pytest.raises(FailedPrecondition) as refused:
        await call2(rpc, name=TASK, schedule_time=NOON + timedelta(seconds=61), **more)
    assert refused.value.message == LOST
    with pytest.raises(InvalidArgument, match=r"scheduleTime is required\."):
        await call2(rpc, name=TASK, **more)
    clock.advance(minutes=1)
    with pytest.raises(FailedPrecondition) as refused:
        await call2(rpc, name=TASK, schedule_time=NOON + MINUTE, **more)
    assert refused.value.message == LOST


@pytest.mark.parametrize(
    "request_",
    [
        {"lease_duration": None},
        {"lease_duration": timedelta(milliseconds=999)},
        {"lease_duration": timedelta(days=7, seconds=1)},
        {"max_tasks": 1001},
        {"max_tasks": -1},
        {"filter": "colour=red"},
    ],
)
async def test_a_lease_has_its_limits(call2, request_) -> None:
    with pytest.raises(InvalidArgument):
        await lease(call2, **request_)


async def test_tasks_are_leased_from_running_pull_queues(call2) -> None:
    await call2("pause_queue", name=QUEUE)
    with pytest.raises(FailedPrecondition):
        await lease(call2)
    with pytest.raises(NotFound) as refused:
        await lease(call2, parent=f"{QUEUE}x")
    assert refused.value.message == QUEUE_MISSING
    await call2("create_queue", parent=LOCATION, queue={"name": f"{QUEUE}x"})
    with pytest.raises(InvalidArgument):
        await lease(call2, parent=f"{QUEUE}x")


async def test_a_queue_takes_tasks_of_its_own_kind(call2) -> None:
    with pytest.raises(InvalidArgument, match="pull_message must be set"):
        await call2("create_task", parent=QUEUE, task={"http_request": {"url": "https://a.b"}})
    await call2("create_queue", parent=LOCATION, queue={"name": f"{QUEUE}x"})
    with pytest.raises(InvalidArgument, match="pull_message can only be set"):
        await call2("create_task", parent=f"{QUEUE}x", task={"pull_message": {}})


async def test_a_queue_keeps_its_kind(call2, call3) -> None:
    targets: list[Any] = [{"http_target": {"http_method": "PUT"}}, {"app_engine_http_target": {}}]
    for target in targets:
        with pytest.raises(InvalidArgument, match="type cannot be changed"):
            await call2("update_queue", queue={"name": QUEUE, **target})
    with pytest.raises(InvalidArgument, match="type cannot be changed"):
        await call3("update_queue", queue={"name": QUEUE, "type_": "PUSH"}, update_mask={"paths": ["type"]})
    kept = await call3("update_queue", queue={"name": QUEUE, "retry_config": {"max_attempts": 3}})
    assert (kept.type_, kept.retry_config.max_attempts) == (1, 3)


async def test_a_pull_queue_shows_no_limit_of_concurrency(call2, call3) -> None:
    assert (await call2("get_queue", name=QUEUE)).rate_limits.max_concurrent_tasks == -1
    assert (await call3("get_queue", name=QUEUE)).type_ == 1


async def test_running_a_pull_task_is_refused(call2) -> None:
    await put(call2, "t")
    with pytest.raises(InvalidArgument):
        await call2("run_task", name=TASK)


class TestV2:
    async def test_pull_queues_are_not_listed(self, call, call2) -> None:
        await call2("create_queue", parent=LOCATION, queue={"name": f"{QUEUE}x"})
        assert ids((await call("list_queues", parent=LOCATION, page_size=1)).queues) == ["qx"]

    @pytest.mark.parametrize(
        "rpc", ["get_queue", "pause_queue", "resume_queue", "purge_queue", "delete_queue", "list_tasks", "update_queue"]
    )
    async def test_a_pull_queue_is_not_found(self, call, call2, rpc) -> None:
        request = {"parent": QUEUE} if rpc == "list_tasks" else {"name": QUEUE}
        with pytest.raises(NotFound):
            await call(rpc, **({"queue": request} if rpc == "update_queue" else request))
        assert (await call2("get_queue", name=QUEUE)).state == 1

    @pytest.mark.parametrize("wrong", [{"page_size": -1}, {"page_token": "wrong"}, {}])
    async def test_a_list_is_refused_as_that_of_a_missing_queue(self, call, wrong) -> None:
        answers = set()
        for queue in (QUEUE, f"{LOCATION}/queues/missing"):
            with pytest.raises(ApiError) as refused:
                await call("list_tasks", parent=queue, **wrong)
            answers.add((refused.value.code, refused.value.message))
        assert len(answers) == 1

    @pytest.mark.parametrize("rpc", ["get_task", "delete_task"])
    async def test_a_pull_task_is_not_found(self, call, call2, rpc) -> None:
        await put(call2, "t")
        with pytest.raises(NotFound, match="Requested entity"):
            await call(rpc, name=TASK)
        await call2("get_task", name=TASK)

    async def test_calls_that_look_for_the_queue_first_say_that_it_is_missing(self, call, call2) -> None:
        await put(call2, "t")
        for rpc, request in (
            ("run_task", {"name": TASK}),
            ("create_task", {"parent": QUEUE, "task": {"name": TASK, "http_request": {"url": "https://a"}}}),
            ("buffer_task", {"queue": QUEUE}),
        ):
            with pytest.raises(NotFound) as refused:
                await call(rpc, **request)
            assert refused.value.message == QUEUE_MISSING

    async def test_batches_fail_as_on_a_missing_queue(self, call, call2) -> None:
        await put(call2, "t")
        entry = {"parent": QUEUE, "task": {"http_request": {"url": "https://a"}}}
        created = await call("batch_create_tasks", parent=QUEUE, requests=[entry])
        deleted = await call("batch_delete_tasks", parent=QUEUE, names=[TASK])
        assert not created.HasField("response")
        assert QUEUE_MISSING.encode() in created.metadata.value
        assert deleted.error.code == Code.ABORTED
        await call2("get_task", name=TASK)
