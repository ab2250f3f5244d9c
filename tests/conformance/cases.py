"""For every RPC how it is answered and how it is refused. ``test_every_rpc`` walks the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from google.api.httpbody_pb2 import HttpBody
from tests.conformance.cloud import Cloud, Refusal, message_class

Case = Callable[[Cloud], None]

ANSWERED: defaultdict[str, list[Case]] = defaultdict(list)
REFUSED: defaultdict[str, list[Case]] = defaultdict(list)

QUEUE_MISSING = (
    "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
)
NOT_FOUND = "Requested entity was not found."
LIMITS = {"v2beta2": ("max_tasks_dispatched_per_second", "max_concurrent_tasks")}
"""The names of rate and concurrency where they are not the usual ones."""
HTTP = {"url": "https://example.com/a", "body": b"hello"}


def answered(*rpcs: str) -> Callable[[Case], Case]:
    def add(case: Case) -> Case:
        for rpc in rpcs:
            ANSWERED[rpc].append(case)
        return case

    return add


def refused(*rpcs: str) -> Callable[[Case], Case]:
    def add(case: Case) -> Case:
        for rpc in rpcs:
            REFUSED[rpc].append(case)
        return case

    return add


def ids(answer: Any) -> list[str]:
    """The last parts of the names in a page of queues or tasks."""
    listed = answer.queues if hasattr(answer, "queues") else answer.tasks
    return [each.name.rsplit("/", 1)[1] for each in listed]


# --- queues -----------------------------------------------------------------------------------------------------------


@answered("CreateQueue", "GetQueue")
def a_queue_is_created_with_the_defaults_filled_in(cloud: Cloud) -> None:
    created = cloud.create_queue()
    assert created.name == cloud.queue
    assert created.state == 1
    retry = created.retry_config
    rate, concurrency = LIMITS.get(cloud.version, ("max_dispatches_per_second", "max_concurrent_dispatches"))
    assert getattr(created.rate_limits, rate) == 500
    assert created.rate_limits.max_burst_size == 100
    assert getattr(created.rate_limits, concurrency) == 1000
    assert (retry.max_attempts, retry.max_doublings) == (100, 16)
    assert (retry.min_backoff.ToJsonString(), retry.max_backoff.ToJsonString()) == ("0.100s", "3600s")
    assert not retry.HasField("max_retry_duration")
    assert cloud("GetQueue", name=cloud.queue) == created


@refused("CreateQueue")
def a_queue_s_name_is_taken_once(cloud: Cloud) -> None:
    cloud.create_queue()
    refusal = cloud.refused("CreateQueue", parent=cloud.location, queue={"name": cloud.queue})
    assert refusal == ("ALREADY_EXISTS", "Queue already exists", [])


@refused("CreateQueue")
def a_deleted_queue_s_name_is_not_free_at_once(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("DeleteQueue", name=cloud.queue)
    for refusal in (
        cloud.refused("CreateQueue", parent=cloud.location, queue={"name": cloud.queue}),
        cloud.refused("UpdateQueue", queue={"name": cloud.queue}),
    ):
        assert refusal == (
            "FAILED_PRECONDITION",
            "The queue cannot be created because a queue with this name existed too recently.",
            [],
        )


@refused("CreateQueue")
def a_queue_s_name_has_a_form(cloud: Cloud) -> None:
    for name, code, text in (
        ("", "INVALID_ARGUMENT", "Queue name must be formatted"),
        ("q", "INVALID_ARGUMENT", "Queue name must be formatted"),
        (f"{cloud.location}/queues/a_b", "INVALID_ARGUMENT", 'Queue ID "a_b" can contain only letters'),
        ("projects/o/locations/l/queues/q", "INVALID_ARGUMENT", f"must begin with {cloud.location}."),
    ):
        refusal = cloud.refused("CreateQueue", parent=cloud.location, queue={"name": name})
        assert refusal.code == code
        assert text in refusal.message


@answered("ListQueues")
def queues_are_listed_by_name(cloud: Cloud) -> None:
    for queue in ("b", "a", "c"):
        cloud("CreateQueue", parent=cloud.location, queue={"name": f"{cloud.location}/queues/{queue}"})
    assert ids(cloud("ListQueues", parent=cloud.location)) == ["a", "b", "c"]
    first = cloud("ListQueues", parent=cloud.location, page_size=2)
    assert ids(first) == ["a", "b"]
    second = cloud("ListQueues", parent=cloud.location, page_size=2, page_token=first.next_page_token)
    assert ids(second) == ["c"]
    assert second.next_page_token
    last = cloud("ListQueues", parent=cloud.location, page_size=2, page_token=second.next_page_token)
    assert ids(last) == []
    assert not last.next_page_token


@answered("ListQueues")
def a_filter_chooses_queues(cloud: Cloud) -> None:
    for queue in ("a", "b", "c"):
        cloud("CreateQueue", parent=cloud.location, queue={"name": f"{cloud.location}/queues/{queue}"})
    cloud("PauseQueue", name=f"{cloud.location}/queues/b")
    for text, found in (
        ("state: PAUSED", ["b"]),
        ("state != PAUSED", ["a", "c"]),
        ("retryConfig.maxAttempts > 99 AND (state = RUNNING OR rate_limits.max_burst_size < 100)", ["a", "c"]),
        ("http_target: *", []),
    ):
        assert ids(cloud("ListQueues", parent=cloud.location, filter=text)) == found


@refused("ListQueues")
def a_filter_names_fields(cloud: Cloud) -> None:
    refusal = cloud.refused("ListQueues", parent=cloud.location, filter="bogus: 1")
    assert refusal == ("INVALID_ARGUMENT", "Field not found: 'bogus'.", [])


@refused("ListQueues", "ListTasks")
def a_token_belongs_to_its_list(cloud: Cloud) -> None:
    cloud.create_queue()
    token = cloud("ListQueues", parent=cloud.location).next_page_token
    invalid = Refusal("INVALID_ARGUMENT", "Invalid page_token", [])
    assert cloud.refused("ListQueues", parent=cloud.location, page_token=token, filter="q") == invalid
    assert cloud.refused("ListTasks", parent=cloud.queue, page_token=token) == invalid


@refused("ListQueues")
def a_page_has_no_negative_size(cloud: Cloud) -> None:
    refusal = cloud.refused("ListQueues", parent=cloud.location, page_size=-1)
    assert refusal == ("INVALID_ARGUMENT", "ListQueuesRequest.pageSize cannot be negative.", [])


@answered("UpdateQueue")
def a_mask_says_what_is_replaced(cloud: Cloud) -> None:
    cloud.create_queue(retry_config={"max_attempts": 3, "max_doublings": 4}, http_target={"http_method": "PUT"})
    cloud("PauseQueue", name=cloud.queue)
    updated = cloud(
        "UpdateQueue",
        queue={"name": cloud.queue, "retry_config": {"max_attempts": 5}},
        update_mask={"paths": ["retry_config.max_attempts", "http_target"]},
    )
    assert (updated.retry_config.max_attempts, updated.retry_config.max_doublings) == (5, 4)
    assert not updated.HasField("http_target")
    assert updated.state == 2
    assert cloud("GetQueue", name=cloud.queue) == updated


@answered("UpdateQueue")
def without_a_mask_everything_is_replaced(cloud: Cloud) -> None:
    cloud.create_queue(retry_config={"max_attempts": 3}, http_target={"http_method": "PUT"})
    updated = cloud("UpdateQueue", queue={"name": cloud.queue, "rate_limits": {"max_burst_size": 7}})
    assert updated.retry_config.max_attempts == 100
    assert updated.rate_limits.max_burst_size == (100 if cloud.version == "v2" else 7)
    assert not updated.HasField("http_target")


@answered("UpdateQueue")
def an_update_creates_what_is_missing(cloud: Cloud) -> None:
    updated = cloud("UpdateQueue", queue={"name": cloud.queue, "retry_config": {"max_attempts": 3}})
    assert updated.retry_config.max_attempts == 3
    assert cloud("GetQueue", name=cloud.queue) == updated


@answered("UpdateQueue")
def what_only_the_server_sets_is_accepted_and_ignored(cloud: Cloud) -> None:
    created = cloud.create_queue()
    paths = ["name", "state", "purge_time", *(["rate_limits.max_burst_size"] if cloud.version == "v2" else ["stats"])]
    queue = {"name": cloud.queue, "state": "PAUSED", "rate_limits": {"max_burst_size": 7}}
    assert cloud("UpdateQueue", queue=queue, update_mask={"paths": paths}) == created


@answered("UpdateQueue")
def a_leaf_of_a_token_is_replaced_alone(cloud: Cloud) -> None:
    token = {"service_account_email": "a@b.c", "audience": "me"}
    cloud.create_queue(http_target={"oidc_token": token})
    sent = {"name": cloud.queue, "http_target": {"oidc_token": {"service_account_email": "a@b.c", "audience": "you"}}}
    updated = cloud("UpdateQueue", queue=sent, update_mask={"paths": ["http_target.oidc_token.audience"]})
    assert updated.http_target.oidc_token.audience == "you"
    assert updated.http_target.oidc_token.service_account_email == "a@b.c"


@refused("UpdateQueue")
def a_mask_names_fields(cloud: Cloud) -> None:
    cloud.create_queue()
    refusal = cloud.refused("UpdateQueue", queue={"name": cloud.queue}, update_mask={"paths": ["bogus"]})
    assert refusal == ("INVALID_ARGUMENT", "Invalid mask: bogus", [])


@refused("UpdateQueue")
def what_an_update_leaves_is_checked(cloud: Cloud) -> None:
    cloud.create_queue(http_target={"uri_override": {"host": "example.com"}})
    refusal = cloud.refused(
        "UpdateQueue", queue={"name": cloud.queue}, update_mask={"paths": ["http_target.uri_override.host"]}
    )
    text = "Invalid uri_override."
    assert refusal.code == "INVALID_ARGUMENT"
    assert refusal.message == f"Error in parsing HttpTarget. {text}"
    (info,) = refusal.details
    assert info == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "INVALID_INPUT_ON_HTTP_TARGET_OVERRIDE",
        "domain": "cloudtasks.googleapis.com",
        "metadata": {"invalid_field": text},
    }


@answered("DeleteQueue")
def a_deleted_queue_is_gone(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("DeleteQueue", name=cloud.queue)
    assert ids(cloud("ListQueues", parent=cloud.location)) == []


@refused("DeleteQueue")
def a_missing_queue_cannot_be_deleted(cloud: Cloud) -> None:
    assert cloud.refused("DeleteQueue", name=cloud.queue) == ("NOT_FOUND", NOT_FOUND, [])


@answered("PauseQueue", "ResumeQueue")
def a_queue_is_paused_and_resumed(cloud: Cloud) -> None:
    cloud.create_queue()
    for rpc, state in (("PauseQueue", 2), ("PauseQueue", 2), ("ResumeQueue", 1), ("ResumeQueue", 1)):
        assert cloud(rpc, name=cloud.queue).state == state
        assert cloud("GetQueue", name=cloud.queue).state == state


@answered("PurgeQueue")
def a_purged_queue_is_empty(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    cloud.create_task()
    assert cloud("PurgeQueue", name=cloud.queue).HasField("purge_time")
    assert ids(cloud("ListTasks", parent=cloud.queue)) == []


@refused("GetQueue", "PauseQueue", "ResumeQueue", "PurgeQueue", "ListTasks", "CreateTask")
def a_missing_queue_is_said_to_be_missing(cloud: Cloud) -> None:
    for rpc in ("GetQueue", "PauseQueue", "ResumeQueue", "PurgeQueue"):
        assert cloud.refused(rpc, name=cloud.queue) == ("NOT_FOUND", QUEUE_MISSING, [])
    assert cloud.refused("ListTasks", parent=cloud.queue) == ("NOT_FOUND", QUEUE_MISSING, [])
    refusal = cloud.refused("CreateTask", parent=cloud.queue, task={"http_request": HTTP})
    assert refusal == ("NOT_FOUND", QUEUE_MISSING, [])


# --- policies ---------------------------------------------------------------------------------------------------------


@answered("GetIamPolicy", "SetIamPolicy")
def a_policy_is_kept(cloud: Cloud) -> None:
    cloud.create_queue()
    empty = cloud("GetIamPolicy", resource=cloud.queue)
    assert (empty.version, empty.etag, len(empty.bindings)) == (0, b"\x00\x20\x01", 0)
    bindings = [{"role": "roles/viewer", "members": ["allUsers"]}]
    stored = cloud("SetIamPolicy", resource=cloud.queue, policy={"bindings": bindings})
    assert (stored.version, len(stored.etag), stored.bindings[0].role) == (1, 8, "roles/viewer")
    assert cloud("GetIamPolicy", resource=cloud.queue) == stored


@answered("TestIamPermissions")
def whoever_asks_may_do_everything(cloud: Cloud) -> None:
    cloud.create_queue()
    asked = ["cloudtasks.tasks.run", "cloudtasks.queues.get"]
    tested = cloud("TestIamPermissions", resource=cloud.queue, permissions=asked)
    assert list(tested.permissions) == sorted(asked)


@refused("GetIamPolicy", "SetIamPolicy", "TestIamPermissions")
def a_missing_queue_has_no_policy(cloud: Cloud) -> None:
    for rpc in ("GetIamPolicy", "SetIamPolicy", "TestIamPermissions"):
        assert cloud.refused(rpc, resource=cloud.queue) == ("NOT_FOUND", QUEUE_MISSING, [])


@refused("SetIamPolicy")
def a_policy_that_changed_meanwhile_is_not_overwritten(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("SetIamPolicy", resource=cloud.queue, policy={})
    refusal = cloud.refused("SetIamPolicy", resource=cloud.queue, policy={"etag": b"\x00\x20\x01"})
    assert refusal.code == "ABORTED"
    assert r"The request's ETag '\000 \001' did not match" in refusal.message


# --- tasks ------------------------------------------------------------------------------------------------------------


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


# --- pull queues, v2beta2 ---------------------------------------------------------------------------------------------


def leased(cloud: Cloud) -> Any:
    """A task that a worker has just leased for a minute."""
    cloud.create_queue(pull_target={})
    message = {"payload": b"hello", "tag": "red"}
    cloud("CreateTask", parent=cloud.queue, task={"name": cloud.task, "pull_message": message})
    (task,) = cloud("LeaseTasks", parent=cloud.queue, lease_duration={"seconds": 60}, filter='tag="red"').tasks
    assert task.status.attempt_dispatch_count == 1
    return task


@answered("LeaseTasks", "AcknowledgeTask")
def a_worker_leases_a_task_and_is_done_with_it(cloud: Cloud) -> None:
    task = leased(cloud)
    assert task.pull_message.payload == b""
    assert ids(cloud("LeaseTasks", parent=cloud.queue, lease_duration={"seconds": 60})) == []
    cloud("AcknowledgeTask", name=task.name, schedule_time=task.schedule_time)
    assert ids(cloud("ListTasks", parent=cloud.queue)) == []


@answered("RenewLease", "CancelLease")
def a_worker_keeps_a_task_longer_and_gives_it_back(cloud: Cloud) -> None:
    task = leased(cloud)
    held = {"name": task.name, "schedule_time": task.schedule_time}
    renewed = cloud("RenewLease", **held, lease_duration={"seconds": 90})
    assert renewed.schedule_time.ToNanoseconds() > task.schedule_time.ToNanoseconds()
    cloud("CancelLease", name=task.name, schedule_time=renewed.schedule_time)
    full = cloud("LeaseTasks", parent=cloud.queue, lease_duration={"seconds": 60}, response_view="FULL")
    assert full.tasks[0].pull_message.payload == b"hello"


@refused("AcknowledgeTask", "RenewLease", "CancelLease")
def a_lease_of_another_worker_is_not_ours(cloud: Cloud) -> None:
    task = leased(cloud)
    other = {"name": task.name, "schedule_time": {"seconds": task.schedule_time.seconds + 1}}
    lost = Refusal("FAILED_PRECONDITION", "The task's lease has expired or is held by another worker.", [])
    assert cloud.refused("AcknowledgeTask", **other) == lost
    assert cloud.refused("RenewLease", **other, lease_duration={"seconds": 60}) == lost
    assert cloud.refused("CancelLease", **other) == lost


@refused("LeaseTasks")
def a_paused_queue_leases_nothing(cloud: Cloud) -> None:
    cloud.create_queue(pull_target={})
    cloud("PauseQueue", name=cloud.queue)
    refusal = cloud.refused("LeaseTasks", parent=cloud.queue, lease_duration={"seconds": 60})
    assert refusal.code == "FAILED_PRECONDITION"


@answered("UploadQueueYaml")
def a_file_makes_queues(cloud: Cloud) -> None:
    upload(cloud, b"queue:\n- name: mail\n  rate: 5/s\n- name: work\n  mode: pull\n")
    assert ids(cloud("ListQueues", parent=cloud.location)) == ["mail", "work"]


@refused("UploadQueueYaml")
def a_file_is_checked(cloud: Cloud) -> None:
    refusal = upload(cloud, b"queue:\n- name: mail\n", refused=True)
    assert refusal.code == "INVALID_ARGUMENT"
    assert refusal.message.startswith("Invalid queue configuration. ")
    assert ids(cloud("ListQueues", parent=cloud.location)) == []


def upload(cloud: Cloud, data: bytes, *, refused: bool = False) -> Any:
    project = cloud.location.split("/")[1]
    call = cloud.refused if refused else cloud
    return call("UploadQueueYaml", app_id=project, http_body=HttpBody(data=data))


# --- batches ----------------------------------------------------------------------------------------------------------


def unpacked(cloud: Cloud, packed: Any, name: str) -> Any:
    """What is in an Any, which must be of that type."""
    assert packed.type_url == f"type.googleapis.com/google.cloud.tasks.{cloud.version}.{name}"
    return message_class(cloud.version, name).deserialize(packed.value)


@answered("BatchCreateTasks", "GetOperation")
def a_batch_of_creates_is_an_operation_that_has_ended(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    entries = [
        {"parent": cloud.queue, "task": {"http_request": HTTP}, "response_view": "FULL"},
        {"parent": cloud.queue, "task": {}},
    ]
    operation = cloud("BatchCreateTasks", parent=cloud.queue, requests=entries, request_id="mine")
    assert operation.name == f"{cloud.location}/operations/mine"
    assert operation.done
    metadata = unpacked(cloud, operation.metadata, "BatchCreateTasksMetadata")
    assert metadata.state.name == "PARTIALLY_SUCCEEDED"
    assert metadata.start_time < metadata.end_time
    failed = {index: (each.code, each.message) for index, each in metadata.failed_requests.items()}
    assert failed == {1: (3, "Payload type must be set.")}
    (task,) = unpacked(cloud, operation.response, "BatchCreateTasksResponse").tasks
    assert task.http_request.body == b"hello"
    assert cloud("GetOperation", name=operation.name) == operation


@refused("BatchCreateTasks")
def a_batch_is_not_made_twice(cloud: Cloud) -> None:
    cloud.create_queue()
    batch = {"parent": cloud.queue, "requests": [{"parent": cloud.queue, "task": {}}], "request_id": "mine"}
    cloud("BatchCreateTasks", **batch)
    refusal = cloud.refused("BatchCreateTasks", **batch)
    assert refusal == ("INVALID_ARGUMENT", "Duplicate operation id in the batch request: mine", [])


@refused("BatchCreateTasks", "BatchDeleteTasks")
def a_batch_holds_something(cloud: Cloud) -> None:
    refusal = cloud.refused("BatchCreateTasks", parent=cloud.queue)
    assert refusal == ("INVALID_ARGUMENT", "Request must contain at least one task.", [])
    refusal = cloud.refused("BatchDeleteTasks", parent=cloud.queue)
    assert refusal == ("INVALID_ARGUMENT", "Request contains an invalid argument.", [])


@answered("BatchDeleteTasks")
def a_batch_of_deletes_is_an_operation_that_has_ended(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    cloud.create_task()
    operation = cloud("BatchDeleteTasks", parent=cloud.queue, names=[cloud.task, f"{cloud.queue}/tasks/none"])
    metadata = unpacked(cloud, operation.metadata, "BatchDeleteTasksMetadata")
    assert metadata.state.name == "PARTIALLY_SUCCEEDED"
    assert {index: each.message for index, each in metadata.failed_requests.items()} == {1: NOT_FOUND}
    assert operation.response.type_url == "type.googleapis.com/google.protobuf.Empty"
    assert ids(cloud("ListTasks", parent=cloud.queue)) == []


@refused("GetOperation")
def an_unknown_operation_is_not_found(cloud: Cloud) -> None:
    assert cloud.refused("GetOperation", name=f"{cloud.location}/operations/o") == ("NOT_FOUND", NOT_FOUND, [])


# --- keys and locations -----------------------------------------------------------------------------------------------


@answered("GetCmekConfig", "UpdateCmekConfig")
def a_location_has_a_key(cloud: Cloud) -> None:
    name = f"{cloud.location}/cmekConfig"
    assert cloud("GetCmekConfig", name=name).kms_key == ""
    key = "projects/k/locations/us-central1/keyRings/r/cryptoKeys/k"
    assert cloud("UpdateCmekConfig", cmek_config={"name": name, "kms_key": key}).kms_key == key
    assert cloud("GetCmekConfig", name=name).kms_key == key


@refused("UpdateCmekConfig")
def a_key_has_a_form(cloud: Cloud) -> None:
    refusal = cloud.refused("UpdateCmekConfig", cmek_config={"name": f"{cloud.location}/cmekConfig", "kms_key": "k"})
    assert refusal == (
        "INVALID_ARGUMENT",
        "Resource name [k] does not match any known resource name pattern.",
        [],
    )


@refused("GetCmekConfig")
def a_config_of_no_project_is_denied(cloud: Cloud) -> None:
    assert_no_project(cloud.refused("GetCmekConfig", name="projects/a_b/locations/l/cmekConfig"))


@refused("GetLocation", "ListLocations")
def a_location_of_no_project_is_denied(cloud: Cloud) -> None:
    assert_no_project(cloud.refused("GetLocation", name="projects/a_b/locations/l"))
    assert_no_project(cloud.refused("ListLocations", name="projects/a_b"))


def assert_no_project(refusal: Refusal) -> None:
    assert refusal.code == "PERMISSION_DENIED"
    assert refusal.message == "Permission denied on resource project a_b."
    kinds = [detail["@type"].rsplit(".", 1)[1] for detail in refusal.details]
    assert kinds == ["ErrorInfo", "LocalizedMessage", "Help"]


@answered("ListLocations", "GetLocation")
def a_location_is_where_queues_are(cloud: Cloud) -> None:
    cloud.create_queue()
    project = cloud.location.rsplit("/", 2)[0]
    (location,) = cloud("ListLocations", name=project).locations
    assert location.name == cloud.location
    assert location.location_id == location.display_name == "us-central1"
    assert dict(location.labels) == {"cloud.googleapis.com/region": "us-central1"}
    assert cloud("GetLocation", name=cloud.location) == location
