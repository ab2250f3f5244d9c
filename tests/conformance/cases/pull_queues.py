"""What v2beta2 has alone: leases and queue.yaml."""

from __future__ import annotations

from typing import Any

from google.api.httpbody_pb2 import HttpBody
from tests.conformance.cases.tables import answered, ids, refused
from tests.conformance.cloud import Cloud, Refusal


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
