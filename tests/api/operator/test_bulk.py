"""Bulk changes as callers ask for them, and the operations that tell of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.longrunning.operations_proto_pb2 import Operation
from tests.api.operator.place import PARENT, PULL, QUEUE, Place

from tidegate.api.long_running import write_operation
from tidegate.api.rpcs import Api
from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.core.task_filter import task_chooser
from tidegate.schema import v2
from tidegate.schema.names import unpack
from tidegate.schema.operator import BulkMetadata, DeadTask

State = BulkMetadata.State
ALL = "name:*"
KINDS = ["bulk_delete_tasks", "bulk_run_tasks", "bulk_reschedule_tasks"]


@pytest.fixture
async def at() -> Place:
    place = Place()
    await place.make()
    return place


async def done(at: Place, operation: Operation) -> Operation:
    """The operation once it has ended."""
    await at.settled()
    ended: Operation = await at.call("get_operation", name=operation.name)
    assert ended.done
    return ended


async def test_an_operation_is_begun_and_tells_of_its_progress_and_its_result(at: Place) -> None:
    await at.put("a1", "a2", "b1")
    begun = await at.call("bulk_delete_tasks", parent=QUEUE, filter="name:a1 OR name:a2")
    metadata = unpack(begun.metadata)
    assert begun.name.startswith(f"{PARENT}/operations/")
    assert (begun.done, metadata.state, metadata.verb) == (False, State.RUNNING, "BulkDeleteTasks")
    assert metadata.target == QUEUE
    ended = await done(at, begun)
    metadata, result = unpack(ended.metadata), unpack(ended.response)
    assert (metadata.state, metadata.progress_percent, metadata.matched) == (State.SUCCEEDED, 100, 2)
    assert (result.matched, result.changed, list(result.failures)) == (2, 2, [])
    assert await at.left() == ["b1"]


async def test_cloud_tasks_own_get_operation_shows_it_too(at: Place) -> None:
    await at.put("a")
    begun = await at.call("bulk_delete_tasks", parent=QUEUE, filter=ALL)
    await at.settled()
    row = next(row for service in v2.SERVICES for row in service.rpcs if row.name == "get_operation")
    shown = await Api(at.engine).method(row)(row.request_pb(name=begun.name))
    assert unpack(shown.response).changed == 1


async def test_failures_name_the_task_and_the_reason(at: Place) -> None:
    await at.put("a")
    names = [QUEUE.task("a"), QUEUE.task("none"), QUEUE.task("a")]
    ended = await done(at, await at.call("bulk_delete_tasks", parent=QUEUE, names=names))
    result = unpack(ended.response)
    assert unpack(ended.metadata).state == State.PARTIALLY_SUCCEEDED
    assert (result.matched, result.changed) == (2, 1)
    (failure,) = result.failures
    assert (failure.name, failure.status.code) == (QUEUE.task("none"), NotFound.code)


async def test_deleted_tasks_that_are_shelved_come_back_by_a_redrive(at: Place) -> None:
    await at.put("a", "b", "c")
    deleted = await done(at, await at.call("bulk_delete_tasks", parent=QUEUE, filter="task_id<c", shelve=True))
    assert unpack(deleted.response).changed == 2
    assert await at.left() == ["c"]
    dead = (await at.call("list_dead_tasks", parent=QUEUE)).dead_tasks
    assert [(each.task.name, each.reason) for each in dead] == [
        (QUEUE.task(name), DeadTask.Reason.DELETED_BY_OPERATOR) for name in ("b", "a")
    ]
    named = await done(at, await at.call("bulk_delete_tasks", parent=QUEUE, names=[QUEUE.task("c")], shelve=True))
    assert unpack(named.response).changed == 1
    await done(at, await at.call("redrive_dead_tasks", parent=QUEUE))
    assert await at.left() == ["a", "b", "c"]


@pytest.mark.parametrize("rpc", KINDS)
async def test_counting_first_changes_nothing(at: Place, rpc: str) -> None:
    await at.put("a", "b", "c")
    counted = await at.call(rpc, parent=QUEUE, filter="name:tasks/a OR name:tasks/b", validate_only=True)
    assert (counted.done, counted.name) == (True, "")
    assert (unpack(counted.response).matched, unpack(counted.response).changed) == (2, 0)
    await at.settled()
    assert await at.left() == ["a", "b", "c"]
    assert not (await at.call("list_operations", name=PARENT)).operations


async def test_tasks_are_rescheduled_to_the_time_that_is_asked_for(at: Place) -> None:
    await at.put("a")
    when = at.now() + timedelta(days=2)
    await done(at, await at.call("bulk_reschedule_tasks", parent=QUEUE, filter=ALL, at=when))
    (task,) = await at.engine.tasks.list(QUEUE, "", 10, body=False)
    assert task.schedule_time == when


async def test_tasks_are_run(at: Place) -> None:
    await at.put("a", "b")
    await done(at, await at.call("bulk_run_tasks", parent=QUEUE, names=[QUEUE.task("b")]))
    await at.settled()
    assert (await at.left(), len(at.network.calls)) == (["a"], 1)


@pytest.mark.parametrize("rpc", KINDS)
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Either names or filter must be set"),
        ({"filter": ALL, "names": [QUEUE.task("a")]}, "not both"),
        ({"filter": "nofield=1"}, "Field not found"),
        ({"filter": "name="}, "filter"),
        ({"names": ["a"]}, "must be formatted"),
        ({"names": [PULL.task("a")]}, "must be the same"),
        ({"parent": PARENT, "filter": ALL}, "parent must be formatted"),
    ],
)
async def test_bad_input_begins_nothing(at: Place, rpc: str, fields: Any, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        await at.call(rpc, **{"parent": QUEUE, **fields})
    assert not (await at.call("list_operations", name=PARENT)).operations


async def test_a_time_too_far_ahead_is_refused(at: Place) -> None:
    with pytest.raises(InvalidArgument, match="too far in the future"):
        await at.call("bulk_reschedule_tasks", parent=QUEUE, filter=ALL, at=at.now() + timedelta(days=31))


@pytest.mark.parametrize("rpc", KINDS)
async def test_a_queue_that_is_not_there_is_not_found(at: Place, rpc: str) -> None:
    for validate_only in (False, True):
        with pytest.raises(NotFound):
            await at.call(rpc, parent=PULL, filter=ALL, validate_only=validate_only)


async def test_operations_are_listed_filtered_and_in_pages(at: Place) -> None:
    await at.put("a", "b", "c")
    for task_id in "abc":
        await at.call("bulk_delete_tasks", parent=QUEUE, names=[QUEUE.task(task_id)])
    await at.settled()
    page = await at.call("list_operations", name=PARENT, page_size=2)
    rest = await at.call("list_operations", name=PARENT, page_size=2, page_token=page.next_page_token)
    assert (len(page.operations), len(rest.operations), rest.next_page_token) == (2, 1, "")
    chosen = await at.call(
        "list_operations", name=PARENT, filter="verb=BulkDeleteTasks AND state=SUCCEEDED AND done=true"
    )
    assert len(chosen.operations) == 3
    assert not (await at.call("list_operations", name=PARENT, filter="state=RUNNING")).operations


async def test_an_operation_is_stopped_and_says_so(at: Place) -> None:
    await at.put(*[f"t{number:04}" for number in range(600)])
    begun = await at.call("bulk_delete_tasks", parent=QUEUE, filter=ALL)
    await at.call("cancel_operation", name=begun.name)
    stopped = await at.call("get_operation", name=begun.name)
    assert (stopped.done, stopped.error.code) == (True, 1)
    assert unpack(stopped.metadata).state == State.CANCELLED
    await at.settled()
    assert write_operation(await at.engine.long_running.get(begun.name)) == stopped
    with pytest.raises(NotFound):
        await at.call("cancel_operation", name=f"{PARENT}/operations/none")


async def test_a_filter_sees_the_fields_of_a_task_and_the_host_of_its_url(at: Place) -> None:
    await at.put("mail", "audit")
    audit, mail = await at.engine.tasks.list(QUEUE, "", 10, body=False)
    chosen = {
        text: [task.name.task for task in (mail, audit) if task_chooser(text)(task)]
        for text in (
            'url_host="mail.handler.test"',
            "http_request.url:audit",
            "dispatch_count>0",
            'create_time>="2026-03-01T12:00:00Z" AND schedule_time<"2026-03-01T14:00:00Z"',
            "NOT name:mail",
        )
    }
    assert list(chosen.values()) == [["mail"], ["audit"], [], ["mail", "audit"], ["audit"]]
