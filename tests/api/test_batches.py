"""Batches and the operations they answer (rpcs, Long-running operations)."""

import pytest
from tests.api.conftest import LOCATION, NOON, QUEUE, TASK

from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.schema import v2

HTTP = {"url": "https://example.com", "body": b"hello"}
URL = "type.googleapis.com/google.cloud.tasks.v2."
MISSING = "Requested entity was not found."


@pytest.fixture(autouse=True)
async def _queue(call) -> None:
    await call("create_queue", parent=LOCATION, queue={"name": QUEUE})


def entry(task=None, **fields):
    return {"parent": QUEUE, "task": {"http_request": HTTP} if task is None else task, **fields}


async def create(call, *entries, parent=QUEUE, **fields):
    return await call("batch_create_tasks", parent=parent, requests=entries, **fields)


async def delete(call, *names, **fields):
    return await call("batch_delete_tasks", parent=QUEUE, names=names, **fields)


def metadata(operation):
    name = operation.metadata.type_url.removeprefix(URL)
    kind = {"BatchCreateTasksMetadata": v2.BatchCreateTasksMetadata}.get(name, v2.BatchDeleteTasksMetadata)
    assert name == kind.__name__
    return kind.deserialize(operation.metadata.value)


def failures(operation):
    return {index: (each.code, each.message) for index, each in metadata(operation).failed_requests.items()}


def created(operation):
    assert operation.response.type_url == URL + "BatchCreateTasksResponse"
    return v2.BatchCreateTasksResponse.deserialize(operation.response.value).tasks


class TestCreating:
    async def test_the_tasks_come_in_the_order_of_the_request(self, call) -> None:
        operation = await create(call, entry(), entry(response_view="FULL"), request_id="mine")
        assert operation.name == f"{LOCATION}/operations/mine"
        assert operation.done
        assert metadata(operation).state.name == "SUCCEEDED"
        assert metadata(operation).start_time == NOON < metadata(operation).end_time
        first, second = created(operation)
        assert first.name < second.name
        assert (first.http_request.body, second.http_request.body) == (b"", b"hello")
        assert len((await call("list_tasks", parent=QUEUE)).tasks) == 2

    async def test_each_entry_fails_by_itself(self, call) -> None:
        await create(call, entry({"name": TASK, "http_request": HTTP}))
        operation = await create(call, entry({}), entry({"name": TASK, "http_request": HTTP}), entry())
        assert metadata(operation).state.name == "PARTIALLY_SUCCEEDED"
        assert failures(operation) == {
            0: (3, "Payload type must be set."),
            1: (6, "Requested entity already exists"),
        }
        assert len(created(operation)) == 1

    async def test_when_all_fail_there_is_neither_a_response_nor_an_error(self, call) -> None:
        operation = await create(call, entry({}), request_id="mine")
        assert metadata(operation).state.name == "FAILED"
        assert operation.done
        assert operation.WhichOneof("result") is None
        with pytest.raises(InvalidArgument, match="Duplicate operation id in the batch request: mine"):
            await create(call, entry(), request_id="mine")

    async def test_a_missing_queue_fails_every_entry(self, call) -> None:
        entries = [entry(parent=f"{QUEUE}x"), entry(parent=f"{QUEUE}x")]
        operation = await create(call, *entries, parent=f"{QUEUE}x")
        text = (
            "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
        )
        assert failures(operation) == {0: (5, text), 1: (5, text)}

    @pytest.mark.parametrize(
        ("entries", "text"),
        [
            ([], "Request must contain at least one task."),
            ([entry()] * 101, "A maximum of 100 tasks can be created in a single batch, but got 101 tasks."),
            (
                [entry(), entry(parent="")],
                "All tasks in a batch request must target the same queue. "
                f"Found task for queue  in batch request for queue {QUEUE}.",
            ),
            ([entry({"name": TASK})] * 2, f"Duplicate task name in the batch request: {TASK}"),
            ([entry(), entry({"name": "t"})], "Task name must be formatted"),
            ([entry(), entry({"name": f"{QUEUE}x/tasks/t"})], "The queue name from request"),
        ],
    )
    async def test_a_bad_batch_makes_nothing(self, call, entries, text) -> None:
        with pytest.raises(InvalidArgument) as refused:
            await create(call, *entries, request_id="mine")
        assert text in refused.value.message
        assert not (await call("list_tasks", parent=QUEUE)).tasks
        await create(call, entry(), request_id="mine")


class TestDeleting:
    async def test_all_are_deleted(self, call) -> None:
        tasks = created(await create(call, entry(), entry()))
        operation = await delete(call, *[task.name for task in tasks])
        assert metadata(operation).state.name == "SUCCEEDED"
        assert operation.response.type_url == "type.googleapis.com/google.protobuf.Empty"
        assert operation.response.value == b""
        assert not (await call("list_tasks", parent=QUEUE)).tasks

    async def test_each_name_fails_by_itself(self, call) -> None:
        (task,) = created(await create(call, entry()))
        names = [task.name, task.name, "", "t", f"{QUEUE}x/tasks/t", f"{QUEUE}/tasks/a.b", TASK, TASK]
        operation = await delete(call, *names)
        assert metadata(operation).state.name == "PARTIALLY_SUCCEEDED"
        assert operation.response.type_url == "type.googleapis.com/google.protobuf.Empty"
        found = failures(operation)
        assert set(found) == {2, 3, 4, 5, 6, 7}
        assert found[2][1].startswith("Invalid task name: Task name must be formatted")
        assert found[3][1].startswith("Invalid task name: Task name must be formatted")
        assert found[4][1].startswith("The queue name from request")
        assert found[5][1].startswith('Invalid task name: Task ID "a.b"')
        assert found[6] == found[7] == (5, MISSING)

    async def test_when_all_fail_the_operation_ends_with_an_error(self, call) -> None:
        operation = await delete(call, TASK)
        assert metadata(operation).state.name == "PARTIALLY_SUCCEEDED"
        assert operation.error.code == 10
        assert operation.error.message.startswith("None of the requests succeeded, refer to BatchDeleteTasksMetadata")

    async def test_a_missing_queue_fails_every_name(self, call) -> None:
        missing = f"{QUEUE}x"
        operation = await call("batch_delete_tasks", parent=missing, names=[f"{missing}/tasks/t"])
        assert failures(operation) == {0: (5, MISSING)}

    @pytest.mark.parametrize(
        ("names", "text"),
        [
            ([], "Request contains an invalid argument."),
            ([TASK] * 1001, "A maximum of 1000 tasks can be handled in a batch, but 1001 were requested."),
        ],
    )
    async def test_a_bad_batch_is_refused(self, call, names, text) -> None:
        with pytest.raises(InvalidArgument) as refused:
            await delete(call, *names)
        assert refused.value.message == text


class TestOperations:
    async def test_an_operation_can_be_got_for_a_day(self, call, clock) -> None:
        operation = await create(call, entry())
        assert await call("get_operation", name=operation.name) == operation
        clock.advance(hours=24)
        with pytest.raises(NotFound) as missing:
            await call("get_operation", name=operation.name)
        assert missing.value.message == MISSING

    async def test_an_id_is_used_once_by_creates_and_deletes_together(self, call) -> None:
        await create(call, entry(), request_id="mine")
        with pytest.raises(InvalidArgument, match="Duplicate operation id in the batch request: mine"):
            await delete(call, TASK, request_id="mine")
        assert len((await call("list_tasks", parent=QUEUE)).tasks) == 1


async def test_a_heavy_batch_is_stored_in_parts_and_told_as_one(call) -> None:
    heavy = {"http_request": {"url": "http://x", "body": bytes(700_000)}}
    entries = [entry(heavy, response_view=2) for _ in range(9)] + [entry({"http_request": {}})]
    operation = await create(call, *entries, request_id="heavy")
    assert metadata(operation).state == v2.BatchCreateTasksMetadata.State.PARTIALLY_SUCCEEDED
    assert list(failures(operation)) == [9]
    made = v2.BatchCreateTasksResponse.deserialize(operation.response.value).tasks
    assert len((await call("list_tasks", parent=QUEUE)).tasks) == len(made) == 9
    # Bodies of 4 MiB are shown; the view of each task says whether its own is.
    assert [task.view for task in made] == [2] * 5 + [1] * 4
    assert [len(task.http_request.body) for task in made] == [700_000] * 5 + [0] * 4
    assert await call("get_operation", name=f"{LOCATION}/operations/heavy") == operation
    with pytest.raises(InvalidArgument):
        await create(call, *entries, request_id="heavy")


async def test_a_heavy_batch_for_a_queue_that_is_not_there_fails_entry_by_entry(call) -> None:
    await call("delete_queue", name=QUEUE)
    heavy = {"http_request": {"url": "http://x", "body": bytes(900_000)}}
    operation = await create(call, *[entry(heavy)] * 3)
    assert metadata(operation).state == v2.BatchCreateTasksMetadata.State.FAILED
    assert len(failures(operation)) == 3


async def test_pages_of_tasks_end_by_bytes_and_go_on(call) -> None:
    heavy = {"http_request": {"url": "http://x", "body": bytes(900_000)}}
    for _ in range(3):
        await create(call, *[entry(heavy)] * 4)
    names, token = [], ""
    while (page := await call("list_tasks", parent=QUEUE, response_view=2, page_token=token)).tasks:
        assert len(page.tasks) <= 4
        names += [task.name for task in page.tasks]
        token = page.next_page_token
    assert len(names) == len(set(names)) == 12
    assert len((await call("list_tasks", parent=QUEUE)).tasks) == 12
