"""Requests, responses and the rows of the services.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence
from datetime import datetime

from google.api.httpbody_pb2 import HttpBody
from google.iam.v1.iam_policy_pb2 import (
    GetIamPolicyRequest,
    SetIamPolicyRequest,
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from google.iam.v1.policy_pb2 import Policy
from google.longrunning.operations_proto_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema import mixins, v2
from tidegate.schema.declare import INT32, STRING, Enum, Message, field, mapping, module, repeated
from tidegate.schema.rpc import RETRIED, LongRunning, Service
from tidegate.schema.v2beta3.cmek_config import CmekConfig
from tidegate.schema.v2beta3.queue import Queue
from tidegate.schema.v2beta3.task import Task

__protobuf__ = module(
    "tidegate.v2beta3",
    "ListQueuesRequest",
    "ListQueuesResponse",
    "GetQueueRequest",
    "CreateQueueRequest",
    "UpdateQueueRequest",
    "DeleteQueueRequest",
    "PurgeQueueRequest",
    "PauseQueueRequest",
    "ResumeQueueRequest",
    "ListTasksRequest",
    "ListTasksResponse",
    "GetTaskRequest",
    "CreateTaskRequest",
    "DeleteTaskRequest",
    "RunTaskRequest",
    "BufferTaskRequest",
    "BufferTaskResponse",
    "BatchCreateTasksRequest",
    "BatchCreateTasksResponse",
    "BatchCreateTasksMetadata",
    "BatchDeleteTasksRequest",
    "BatchDeleteTasksMetadata",
    "GetCmekConfigRequest",
    "UpdateCmekConfigRequest",
)


class ListQueuesRequest(Message):
    """Lists the queues of a location, a page at a time."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    page_size: int = field(INT32, 3)
    page_token: str = field(STRING, 4)
    read_mask: FieldMask = field(FieldMask, 5)
    """Which fields of the queues; absent: all but ``stats``."""


class ListQueuesResponse(Message):
    """A page of queues, by name."""

    queues: MutableSequence[Queue] = repeated(Queue, 1)
    next_page_token: str = field(STRING, 2)


class GetQueueRequest(Message):
    """Reads one queue."""

    name: str = field(STRING, 1)
    read_mask: FieldMask = field(FieldMask, 2)
    """Which fields of the queue; absent: all but ``stats``."""


class CreateQueueRequest(Message):
    """Creates a queue."""

    parent: str = field(STRING, 1)
    queue: Queue = field(Queue, 2)


class UpdateQueueRequest(Message):
    """Changes the settings of a queue; creates the queue when there is none."""

    queue: Queue = field(Queue, 1)
    update_mask: FieldMask = field(FieldMask, 2)


class DeleteQueueRequest(Message):
    """Deletes a queue and the tasks in it. Its name stays taken for some days."""

    name: str = field(STRING, 1)


class PurgeQueueRequest(Message):
    """Deletes all tasks that were created in a queue before now."""

    name: str = field(STRING, 1)


class PauseQueueRequest(Message):
    """Stops the dispatches of a queue until it is resumed."""

    name: str = field(STRING, 1)


class ResumeQueueRequest(Message):
    """Lets a queue dispatch again that was paused or disabled."""

    name: str = field(STRING, 1)


class ListTasksRequest(Message):
    """Lists the tasks of a queue, a page at a time."""

    parent: str = field(STRING, 1)
    response_view: Task.View = field(Task.View, 2)
    page_size: int = field(INT32, 3)
    page_token: str = field(STRING, 4)


class ListTasksResponse(Message):
    """A page of tasks, in any order."""

    tasks: MutableSequence[Task] = repeated(Task, 1)
    next_page_token: str = field(STRING, 2)


class GetTaskRequest(Message):
    """Reads one task."""

    name: str = field(STRING, 1)
    response_view: Task.View = field(Task.View, 2)


class CreateTaskRequest(Message):
    """Creates a task."""

    parent: str = field(STRING, 1)
    task: Task = field(Task, 2)
    response_view: Task.View = field(Task.View, 3)


class DeleteTaskRequest(Message):
    """Deletes a task. An attempt in flight goes on, without a retry."""

    name: str = field(STRING, 1)


class RunTaskRequest(Message):
    """Starts an attempt now, whatever the queue's state, its limits and the task's schedule are."""

    name: str = field(STRING, 1)
    response_view: Task.View = field(Task.View, 2)


class BufferTaskRequest(Message):
    """Creates a task from a payload alone: the queue's ``http_target`` has its URL. REST only."""

    queue: str = field(STRING, 1)
    task_id: str = field(STRING, 2)
    body: HttpBody = field(HttpBody, 3)


class BufferTaskResponse(Message):
    """The task that was made, in the BASIC view."""

    task: Task = field(Task, 1)


class BatchCreateTasksRequest(Message):
    """Creates many tasks in one queue; each succeeds or fails by itself."""

    parent: str = field(STRING, 1)
    requests: MutableSequence[CreateTaskRequest] = repeated(CreateTaskRequest, 2)
    request_id: str = field(STRING, 3)


class BatchCreateTasksResponse(Message):
    """The tasks that were made, in the order of the request; those that failed are left out."""

    tasks: MutableSequence[Task] = repeated(Task, 1)


class BatchCreateTasksMetadata(Message):
    """The progress and the errors of a BatchCreateTasks."""

    class State(Enum):
        """The state of the batch. The numbers differ from those of a batch of deletions."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        SUCCEEDED = 2
        FAILED = 3
        CANCELLED = 4
        PARTIALLY_SUCCEEDED = 5

    start_time: datetime | None = field(Timestamp, 1)
    end_time: datetime | None = field(Timestamp, 2)
    state: State = field(State, 3)
    failed_requests: MutableMapping[int, Status] = mapping(INT32, Status, 4)


class BatchDeleteTasksRequest(Message):
    """Deletes many tasks of one queue; each succeeds or fails by itself."""

    parent: str = field(STRING, 1)
    names: MutableSequence[str] = repeated(STRING, 2)
    request_id: str = field(STRING, 3)


class BatchDeleteTasksMetadata(Message):
    """The progress and the errors of a BatchDeleteTasks."""

    class State(Enum):
        """The state of the batch. The numbers differ from those of a batch of creations."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        SUCCEEDED = 2
        PARTIALLY_SUCCEEDED = 3
        FAILED = 4

    start_time: datetime | None = field(Timestamp, 1)
    end_time: datetime | None = field(Timestamp, 2)
    state: State = field(State, 3)
    failed_requests: MutableMapping[int, Status] = mapping(INT32, Status, 4)


class GetCmekConfigRequest(Message):
    """Reads the encryption key of a location."""

    name: str = field(STRING, 1)


class UpdateCmekConfigRequest(Message):
    """Sets or removes the encryption key of a location."""

    cmek_config: CmekConfig = field(CmekConfig, 1)
    update_mask: FieldMask = field(FieldMask, 2)


class CloudTasks(Service, name="google.cloud.tasks.v2beta3.CloudTasks"):
    """Queues and tasks; the rows not spelled out are those of v2."""

    list_queues = v2.CloudTasks.list_queues.at("v2beta3", ListQueuesRequest, ListQueuesResponse)
    get_queue = v2.CloudTasks.get_queue.at("v2beta3", GetQueueRequest, Queue)
    create_queue = v2.CloudTasks.create_queue.at("v2beta3", CreateQueueRequest, Queue)
    update_queue = v2.CloudTasks.update_queue.at("v2beta3", UpdateQueueRequest, Queue)
    delete_queue = v2.CloudTasks.delete_queue.at("v2beta3", DeleteQueueRequest, Empty)
    purge_queue = v2.CloudTasks.purge_queue.at("v2beta3", PurgeQueueRequest, Queue)
    pause_queue = v2.CloudTasks.pause_queue.at("v2beta3", PauseQueueRequest, Queue)
    resume_queue = v2.CloudTasks.resume_queue.at("v2beta3", ResumeQueueRequest, Queue)
    get_iam_policy = v2.CloudTasks.get_iam_policy.at("v2beta3", GetIamPolicyRequest, Policy)
    set_iam_policy = v2.CloudTasks.set_iam_policy.at("v2beta3", SetIamPolicyRequest, Policy)
    test_iam_permissions = v2.CloudTasks.test_iam_permissions.at(
        "v2beta3", TestIamPermissionsRequest, TestIamPermissionsResponse
    )
    list_tasks = v2.CloudTasks.list_tasks.at("v2beta3", ListTasksRequest, ListTasksResponse)
    get_task = v2.CloudTasks.get_task.at("v2beta3", GetTaskRequest, Task)
    create_task = v2.CloudTasks.create_task.at("v2beta3", CreateTaskRequest, Task)
    delete_task = v2.CloudTasks.delete_task.at("v2beta3", DeleteTaskRequest, Empty)
    run_task = v2.CloudTasks.run_task.at("v2beta3", RunTaskRequest, Task)
    buffer_task = v2.CloudTasks.buffer_task.at("v2beta3", BufferTaskRequest, BufferTaskResponse)
    batch_create_tasks = v2.CloudTasks.batch_create_tasks.at(
        "v2beta3",
        BatchCreateTasksRequest,
        Operation,
        long_running=LongRunning(BatchCreateTasksResponse, BatchCreateTasksMetadata),
    )
    batch_delete_tasks = v2.CloudTasks.batch_delete_tasks.at(
        "v2beta3",
        BatchDeleteTasksRequest,
        Operation,
        long_running=LongRunning(Empty, BatchDeleteTasksMetadata),
    )
    get_cmek_config = v2.CloudTasks.get_cmek_config.at("v2beta3", GetCmekConfigRequest, CmekConfig, default=RETRIED)
    update_cmek_config = v2.CloudTasks.update_cmek_config.at(
        "v2beta3", UpdateCmekConfigRequest, CmekConfig, default=RETRIED
    )


class Locations(Service, name=mixins.LOCATIONS):
    """The locations that can have queues."""

    list_locations = mixins.list_locations("v2beta3")
    get_location = mixins.get_location("v2beta3")


class Operations(Service, name=mixins.OPERATIONS):
    """The operations of batches."""

    get_operation = mixins.get_operation("v2beta3")
