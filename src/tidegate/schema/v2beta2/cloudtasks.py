"""Requests, responses and the rows of the services.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence
from datetime import datetime, timedelta

from google.api.httpbody_pb2 import HttpBody
from google.iam.v1.iam_policy_pb2 import (
    GetIamPolicyRequest,
    SetIamPolicyRequest,
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from google.iam.v1.policy_pb2 import Policy
from google.longrunning.operations_proto_pb2 import Operation
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema import mixins, v2
from tidegate.schema.declare import INT32, STRING, Enum, Message, field, mapping, module, repeated
from tidegate.schema.rpc import TIMED, LongRunning, Rpc, Service, post
from tidegate.schema.v2beta2.cmek_config import CmekConfig
from tidegate.schema.v2beta2.queue import Queue
from tidegate.schema.v2beta2.task import Task

__protobuf__ = module(
    "tidegate.v2beta2",
    "ListQueuesRequest",
    "ListQueuesResponse",
    "GetQueueRequest",
    "CreateQueueRequest",
    "UpdateQueueRequest",
    "DeleteQueueRequest",
    "PurgeQueueRequest",
    "PauseQueueRequest",
    "ResumeQueueRequest",
    "UploadQueueYamlRequest",
    "ListTasksRequest",
    "ListTasksResponse",
    "GetTaskRequest",
    "CreateTaskRequest",
    "DeleteTaskRequest",
    "LeaseTasksRequest",
    "LeaseTasksResponse",
    "AcknowledgeTaskRequest",
    "RenewLeaseRequest",
    "CancelLeaseRequest",
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


class UploadQueueYamlRequest(Message):
    """Sets all queues of an application from a queue.yaml. Push queues that it does not name become DISABLED."""

    app_id: str = field(STRING, 1)
    """The application, which is the project."""
    http_body: HttpBody = field(HttpBody, 2, optional=True)
    """The file."""


class ListTasksRequest(Message):
    """Lists the tasks of a queue, a page at a time."""

    parent: str = field(STRING, 1)
    response_view: Task.View = field(Task.View, 2)
    page_size: int = field(INT32, 4)
    page_token: str = field(STRING, 5)


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


class LeaseTasksRequest(Message):
    """Leases tasks to a worker. Other workers do not get them until the lease ends."""

    parent: str = field(STRING, 1)
    """A pull queue."""
    max_tasks: int = field(INT32, 2)
    """At most 1000, which 0 stands for."""
    lease_duration: timedelta = field(Duration, 3)
    """How long the tasks stay hidden: a second to a week, in whole seconds."""
    response_view: Task.View = field(Task.View, 4)
    """FULL shows the payloads."""
    filter: str = field(STRING, 5)
    """``tag=NAME`` or ``tag_function=oldest_tag()``; empty: any task."""


class LeaseTasksResponse(Message):
    """The leased tasks, at most 32 MB together, the longest due first."""

    tasks: MutableSequence[Task] = repeated(Task, 1)


class AcknowledgeTaskRequest(Message):
    """Deletes a leased task whose work is done."""

    name: str = field(STRING, 1)
    schedule_time: datetime | None = field(Timestamp, 2)
    """The task's ``schedule_time`` from the lease: shows that the caller still has the lease."""


class RenewLeaseRequest(Message):
    """Extends the lease of a task."""

    name: str = field(STRING, 1)
    schedule_time: datetime | None = field(Timestamp, 2)
    """The task's ``schedule_time`` from the lease: shows that the caller still has the lease."""
    lease_duration: timedelta = field(Duration, 3)
    """From now: a second to a week, in whole seconds."""
    response_view: Task.View = field(Task.View, 4)


class CancelLeaseRequest(Message):
    """Ends a lease early, so that the task can be leased again at once."""

    name: str = field(STRING, 1)
    schedule_time: datetime | None = field(Timestamp, 2)
    """The task's ``schedule_time`` from the lease: shows that the caller still has the lease."""
    response_view: Task.View = field(Task.View, 3)


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


class CloudTasks(Service, name="google.cloud.tasks.v2beta2.CloudTasks"):
    """Queues and tasks, pull queues too; the rows not spelled out are those of v2."""

    list_queues = v2.CloudTasks.list_queues.at("v2beta2", ListQueuesRequest, ListQueuesResponse)
    get_queue = v2.CloudTasks.get_queue.at("v2beta2", GetQueueRequest, Queue)
    create_queue = v2.CloudTasks.create_queue.at("v2beta2", CreateQueueRequest, Queue)
    update_queue = v2.CloudTasks.update_queue.at("v2beta2", UpdateQueueRequest, Queue)
    delete_queue = v2.CloudTasks.delete_queue.at("v2beta2", DeleteQueueRequest, Empty)
    purge_queue = v2.CloudTasks.purge_queue.at("v2beta2", PurgeQueueRequest, Queue)
    pause_queue = v2.CloudTasks.pause_queue.at("v2beta2", PauseQueueRequest, Queue)
    resume_queue = v2.CloudTasks.resume_queue.at("v2beta2", ResumeQueueRequest, Queue)
    upload_queue_yaml = Rpc(
        UploadQueueYamlRequest,
        Empty,
        post("/api/queue/update", body="http_body"),
        default=TIMED,
        permission="cloudtasks.queues.update",
        more_permissions=("cloudtasks.queues.create", "cloudtasks.queues.pause", "cloudtasks.queues.resume"),
    )
    get_iam_policy = v2.CloudTasks.get_iam_policy.at("v2beta2", GetIamPolicyRequest, Policy)
    set_iam_policy = v2.CloudTasks.set_iam_policy.at("v2beta2", SetIamPolicyRequest, Policy)
    test_iam_permissions = v2.CloudTasks.test_iam_permissions.at(
        "v2beta2", TestIamPermissionsRequest, TestIamPermissionsResponse
    )
    list_tasks = v2.CloudTasks.list_tasks.at("v2beta2", ListTasksRequest, ListTasksResponse)
    get_task = v2.CloudTasks.get_task.at("v2beta2", GetTaskRequest, Task)
    create_task = v2.CloudTasks.create_task.at("v2beta2", CreateTaskRequest, Task)
    delete_task = v2.CloudTasks.delete_task.at("v2beta2", DeleteTaskRequest, Empty)
    lease_tasks = Rpc(
        LeaseTasksRequest,
        LeaseTasksResponse,
        post("/v2beta2/{parent=projects/*/locations/*/queues/*}/tasks:lease"),
        fields=("parent", "lease_duration"),
        default=TIMED,
        permission="cloudtasks.tasks.run",
    )
    acknowledge_task = Rpc(
        AcknowledgeTaskRequest,
        Empty,
        post("/v2beta2/{name=projects/*/locations/*/queues/*/tasks/*}:acknowledge"),
        fields=("name", "schedule_time"),
        default=TIMED,
        permission="cloudtasks.tasks.delete",
    )
    renew_lease = Rpc(
        RenewLeaseRequest,
        Task,
        post("/v2beta2/{name=projects/*/locations/*/queues/*/tasks/*}:renewLease"),
        fields=("name", "schedule_time", "lease_duration"),
        default=TIMED,
        permission="cloudtasks.tasks.run",
    )
    cancel_lease = Rpc(
        CancelLeaseRequest,
        Task,
        post("/v2beta2/{name=projects/*/locations/*/queues/*/tasks/*}:cancelLease"),
        fields=("name", "schedule_time"),
        default=TIMED,
        permission="cloudtasks.tasks.run",
    )
    run_task = v2.CloudTasks.run_task.at("v2beta2", RunTaskRequest, Task)
    buffer_task = v2.CloudTasks.buffer_task.at("v2beta2", BufferTaskRequest, BufferTaskResponse)
    batch_create_tasks = v2.CloudTasks.batch_create_tasks.at(
        "v2beta2",
        BatchCreateTasksRequest,
        Operation,
        long_running=LongRunning(BatchCreateTasksResponse, BatchCreateTasksMetadata),
        grpc=False,
    )
    batch_delete_tasks = v2.CloudTasks.batch_delete_tasks.at(
        "v2beta2",
        BatchDeleteTasksRequest,
        Operation,
        long_running=LongRunning(Empty, BatchDeleteTasksMetadata),
        grpc=False,
    )
    get_cmek_config = v2.CloudTasks.get_cmek_config.at("v2beta2", GetCmekConfigRequest, CmekConfig, grpc=False)
    update_cmek_config = v2.CloudTasks.update_cmek_config.at("v2beta2", UpdateCmekConfigRequest, CmekConfig, grpc=False)


class Locations(Service, name=mixins.LOCATIONS):
    """The locations that can have queues."""

    list_locations = mixins.list_locations("v2beta2")
    get_location = mixins.get_location("v2beta2")


class Operations(Service, name=mixins.OPERATIONS):
    """The operations of batches; over REST only."""

    get_operation = mixins.get_operation("v2beta2", grpc=False)
