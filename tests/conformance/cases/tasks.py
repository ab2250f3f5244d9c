"""Tasks: created, shown, listed, deleted, run, buffered."""

from __future__ import annotations

from google.api.httpbody_pb2 import HttpBody
from tests.conformance.cases.tables import HTTP, NOT_FOUND, answered, refused
from tests.conformance.cloud import Cloud


@answered("CreateTask", "GetTask", "ListTasks")
def a_task_is_created_and_shown_as_asked(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    headers = {"X-A": "b", "Host": "dropped"}
    created = cloud.create_task(http_request={**HTTP, "headers": headers})
    assert created.name == cloud.task
    assert created.view == 1
    assert created.http_request.http_method == 1
    assert dict(created.http_request.headers) == {"X-A": "b", "User-Agent": "Google-Cloud-Tasks"}
    if cloud.version != "v2beta2":
        assert created.dispatch_deadline.ToJsonString() == "600s"
    assert created.create_time.nanos == 0
    assert created.schedule_time.nanos % 1000 == 0
    assert created.http_request.body == b""
    assert cloud("GetTask", name=cloud.task) == created
    assert list(cloud("ListTasks", parent=cloud.queue).tasks) == [created]
    full = cloud("GetTask", name=cloud.task, response_view="FULL")
    assert (full.view, full.http_request.body) == (2, b"hello")
    assert list(cloud("ListTasks", parent=cloud.queue, response_view="FULL").tasks) == [full]


@refused("CreateTask")
def a_task_needs_somewhere_to_go(cloud: Cloud) -> None:
    cloud.create_queue()
    for task, text in (
        ({}, "Task.payload_type is not set."),
        ({"http_request": {}}, "HttpRequest.url is required."),
        ({"http_request": {"url": "example.com"}}, "HttpTarget.url must start with 'http://' or 'https://'."),
    ):
        refusal = cloud.refused("CreateTask", parent=cloud.queue, task=task)
        assert refusal == ("INVALID_ARGUMENT", text, [])


@refused("CreateTask")
def a_task_s_name_is_taken_once(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    cloud.create_task()
    again = {"parent": cloud.queue, "task": {"name": cloud.task, "http_request": HTTP}}
    assert cloud.refused("CreateTask", **again) == ("ALREADY_EXISTS", "Requested entity already exists", [])
    cloud("DeleteTask", name=cloud.task)
    refusal = cloud.refused("CreateTask", **again)
    assert refusal.code == "ALREADY_EXISTS"
    assert refusal.message.startswith(
        "The task cannot be created because a task with this name existed too recently. For more information about "
        "task de-duplication see https://"
    )


@refused("ListTasks")
def a_page_of_tasks_has_no_negative_size(cloud: Cloud) -> None:
    cloud.create_queue()
    refusal = cloud.refused("ListTasks", parent=cloud.queue, page_size=-1)
    assert refusal == ("INVALID_ARGUMENT", "ListTasksRequest.pageSize cannot be negative.", [])


@answered("ListTasks")
def tasks_are_listed_a_page_at_a_time(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    names = {cloud.create_task(name=f"{cloud.queue}/tasks/{task}").name for task in "edcba"}
    seen, token = [], ""
    while True:
        page = cloud("ListTasks", parent=cloud.queue, page_size=2, page_token=token)
        seen += [task.name for task in page.tasks]
        token = page.next_page_token
        assert bool(token) is bool(page.tasks)
        if not token:
            break
    assert len(seen) == 5
    assert set(seen) == names


@answered("DeleteTask")
@refused("GetTask", "DeleteTask", "RunTask")
def a_deleted_task_is_remembered_by_get_alone(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    for rpc in ("GetTask", "DeleteTask", "RunTask"):
        assert cloud.refused(rpc, name=cloud.task) == ("NOT_FOUND", NOT_FOUND, [])
    cloud.create_task()
    cloud("DeleteTask", name=cloud.task)
    gone = (
        "The task no longer exists, though a task with this name existed recently. "
        "The task either successfully completed or was deleted."
    )
    assert cloud.refused("GetTask", name=cloud.task) == ("NOT_FOUND", gone, [])
    for rpc in ("DeleteTask", "RunTask"):
        assert cloud.refused(rpc, name=cloud.task) == ("NOT_FOUND", NOT_FOUND, [])


@answered("RunTask")
def a_task_is_run_before_its_time(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    created = cloud.create_task(http_request={"url": "http://127.0.0.1:1/"})
    ran = cloud("RunTask", name=cloud.task)
    assert ran.schedule_time == created.schedule_time
    if cloud.version == "v2beta2":
        count, first = ran.status.attempt_dispatch_count, ran.status.HasField("first_attempt_status")
        last = ran.status.last_attempt_status
    else:
        count, first, last = ran.dispatch_count, ran.HasField("first_attempt"), ran.last_attempt
    assert count == 1
    assert not first
    assert last.schedule_time == created.schedule_time
    assert not last.HasField("dispatch_time")


@answered("BufferTask")
def a_payload_becomes_a_task(cloud: Cloud) -> None:
    cloud.create_queue(http_target={"uri_override": {"host": "example.com", "path_override": {"path": "/a"}}})
    cloud("PauseQueue", name=cloud.queue)
    body = HttpBody(content_type="text/plain", data=b"hello")
    task = cloud("BufferTask", queue=cloud.queue, task_id="t", body=body).task
    assert (task.name, task.view) == (cloud.task, 1)
    assert task.http_request.url == "https://example.com/a"
    assert task.http_request.headers["Content-Type"] == "text/plain"
    assert cloud("GetTask", name=cloud.task, response_view="FULL").http_request.body == b"hello"


@refused("BufferTask")
def a_payload_goes_nowhere_without_a_host(cloud: Cloud) -> None:
    cloud.create_queue()
    refusal = cloud.refused("BufferTask", queue=cloud.queue, task_id="t")
    assert refusal.code == "FAILED_PRECONDITION"
