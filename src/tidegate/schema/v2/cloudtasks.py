"""Requests, responses and the rows of the services."""

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

from tidegate.schema import mixins
from tidegate.schema.declare import INT32, STRING, Enum, Message, field, mapping, module, repeated
from tidegate.schema.rpc import RETRIED, TIMED, UNTIMED, HttpRule, LongRunning, Rpc, Service, delete, get, patch, post
from tidegate.schema.v2.cmek_config import CmekConfig
from tidegate.schema.v2.queue import Queue
from tidegate.schema.v2.task import Task

__protobuf__ = module(
    "tidegate.v2",
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
    """``projects/P/locations/L``."""
    filter: str = field(STRING, 2)
    """Which queues, such as ``state: PAUSED``; a part of AIP-160."""
    page_size: int = field(INT32, 3)
    """At most 9800, which 0 stands for; an answer may hold fewer though more exist."""
    page_token: str = field(STRING, 4)
    """``next_page_token`` of the answer before, with everything else but the size unchanged."""


class ListQueuesResponse(Message):
    """A page of queues, by name."""

    queues: MutableSequence[Queue] = repeated(Queue, 1)
    next_page_token: str = field(STRING, 2)
    """Asks for the next page; empty only after an empty page. Good for two hours."""


class GetQueueRequest(Message):
    """Reads one queue."""

    name: str = field(STRING, 1)


class CreateQueueRequest(Message):
    """Creates a queue."""

    parent: str = field(STRING, 1)
    """``projects/P/locations/L``, under which the queue's name must be."""
    queue: Queue = field(Queue, 2)
    """With its name, which must not have been a queue's for some days."""


class UpdateQueueRequest(Message):
    """Changes the settings of a queue; creates the queue when there is none."""

    queue: Queue = field(Queue, 1)
    """Its name has the queue to change."""
    update_mask: FieldMask = field(FieldMask, 2)
    """What to change, such as ``rate_limits.max_dispatches_per_second``. Absent: everything; empty: nothing."""


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
    """The queue."""
    response_view: Task.View = field(Task.View, 2)
    page_size: int = field(INT32, 3)
    """At most 1000, which 0 stands for; an answer may hold fewer though more exist."""
    page_token: str = field(STRING, 4)
    """``next_page_token`` of the answer before, with everything else but the size unchanged."""


class ListTasksResponse(Message):
    """A page of tasks, in any order."""

    tasks: MutableSequence[Task] = repeated(Task, 1)
    next_page_token: str = field(STRING, 2)
    """Asks for the next page; empty only after an empty page. Good for two hours."""


class GetTaskRequest(Message):
    """Reads one task."""

    name: str = field(STRING, 1)
    response_view: Task.View = field(Task.View, 2)


class CreateTaskRequest(Message):
    """Creates a task."""

    parent: str = field(STRING, 1)
    """The queue it goes to."""
    task: Task = field(Task, 2)
    """At most 1 MiB; with a target, with or without a name."""
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
    """Optional; the server makes one."""
    body: HttpBody = field(HttpBody, 3)
    """The task's body and its content type."""


class BufferTaskResponse(Message):
    """The task that was made, in the BASIC view."""

    task: Task = field(Task, 1)


class BatchCreateTasksRequest(Message):
    """Creates many tasks in one queue; each succeeds or fails by itself."""

    parent: str = field(STRING, 1)
    """The queue of all of them."""
    requests: MutableSequence[CreateTaskRequest] = repeated(CreateTaskRequest, 2)
    """1 to 100, each with the same ``parent`` as the batch."""
    request_id: str = field(STRING, 3)
    """Becomes the ID of the operation; one used before is refused. The server makes one when it is empty."""


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
        """Every request failed."""
        CANCELLED = 4
        PARTIALLY_SUCCEEDED = 5

    start_time: datetime | None = field(Timestamp, 1)
    end_time: datetime | None = field(Timestamp, 2)
    state: State = field(State, 3)
    failed_requests: MutableMapping[int, Status] = mapping(INT32, Status, 4)
    """The errors, by position in ``requests``."""


class BatchDeleteTasksRequest(Message):
    """Deletes many tasks of one queue; each succeeds or fails by itself."""

    parent: str = field(STRING, 1)
    """The queue of all of them."""
    names: MutableSequence[str] = repeated(STRING, 2)
    """1 to 1000 full names."""
    request_id: str = field(STRING, 3)
    """Becomes the ID of the operation; one used before is refused. The server makes one when it is empty."""


class BatchDeleteTasksMetadata(Message):
    """The progress and the errors of a BatchDeleteTasks."""

    class State(Enum):
        """The state of the batch. The numbers differ from those of a batch of creations."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        SUCCEEDED = 2
        PARTIALLY_SUCCEEDED = 3
        """Also when every name failed; the operation then ends with an error."""
        FAILED = 4

    start_time: datetime | None = field(Timestamp, 1)
    end_time: datetime | None = field(Timestamp, 2)
    state: State = field(State, 3)
    failed_requests: MutableMapping[int, Status] = mapping(INT32, Status, 4)
    """The errors, by position in ``names``."""


class GetCmekConfigRequest(Message):
    """Reads the encryption key of a location."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/cmekConfig``."""


class UpdateCmekConfigRequest(Message):
    """Sets or removes the encryption key of a location."""

    cmek_config: CmekConfig = field(CmekConfig, 1)
    """Its name has the location."""
    update_mask: FieldMask = field(FieldMask, 2)
    """Only ``kms_key`` has an effect; empty: all."""


class CloudTasks(Service, name="google.cloud.tasks.v2.CloudTasks"):
    """Queues and tasks."""

    list_queues = Rpc(
        ListQueuesRequest,
        ListQueuesResponse,
        get("/v2/{parent=projects/*/locations/*}/queues"),
        fields=("parent",),
        default=RETRIED,
        permission="cloudtasks.queues.list",
    )
    get_queue = Rpc(
        GetQueueRequest,
        Queue,
        get("/v2/{name=projects/*/locations/*/queues/*}"),
        fields=("name",),
        default=RETRIED,
        permission="cloudtasks.queues.get",
    )
    create_queue = Rpc(
        CreateQueueRequest,
        Queue,
        post("/v2/{parent=projects/*/locations/*}/queues", body="queue"),
        fields=("parent", "queue"),
        default=TIMED,
        permission="cloudtasks.queues.create",
    )
    update_queue = Rpc(
        UpdateQueueRequest,
        Queue,
        patch("/v2/{queue.name=projects/*/locations/*/queues/*}", body="queue"),
        fields=("queue", "update_mask"),
        default=TIMED,
        permission="cloudtasks.queues.update",
    )
    delete_queue = Rpc(
        DeleteQueueRequest,
        Empty,
        delete("/v2/{name=projects/*/locations/*/queues/*}"),
        fields=("name",),
        default=RETRIED,
        permission="cloudtasks.queues.delete",
    )
    purge_queue = Rpc(
        PurgeQueueRequest,
        Queue,
        post("/v2/{name=projects/*/locations/*/queues/*}:purge"),
        fields=("name",),
        default=TIMED,
        permission="cloudtasks.queues.purge",
    )
    pause_queue = Rpc(
        PauseQueueRequest,
        Queue,
        post("/v2/{name=projects/*/locations/*/queues/*}:pause"),
        fields=("name",),
        default=TIMED,
        permission="cloudtasks.queues.pause",
    )
    resume_queue = Rpc(
        ResumeQueueRequest,
        Queue,
        post("/v2/{name=projects/*/locations/*/queues/*}:resume"),
        fields=("name",),
        default=TIMED,
        permission="cloudtasks.queues.resume",
    )
    get_iam_policy = Rpc(
        GetIamPolicyRequest,
        Policy,
        post("/v2/{resource=projects/*/locations/*/queues/*}:getIamPolicy"),
        fields=("resource",),
        default=RETRIED,
        permission="cloudtasks.queues.getIamPolicy",
    )
    set_iam_policy = Rpc(
        SetIamPolicyRequest,
        Policy,
        post("/v2/{resource=projects/*/locations/*/queues/*}:setIamPolicy"),
        fields=("resource",),
        default=TIMED,
        permission="cloudtasks.queues.setIamPolicy",
    )
    test_iam_permissions = Rpc(
        TestIamPermissionsRequest,
        TestIamPermissionsResponse,
        post("/v2/{resource=projects/*/locations/*/queues/*}:testIamPermissions"),
        fields=("resource", "permissions"),
        default=RETRIED,
    )
    list_tasks = Rpc(
        ListTasksRequest,
        ListTasksResponse,
        get("/v2/{parent=projects/*/locations/*/queues/*}/tasks"),
        fields=("parent",),
        default=RETRIED,
        permission="cloudtasks.tasks.list",
    )
    get_task = Rpc(
        GetTaskRequest,
        Task,
        get("/v2/{name=projects/*/locations/*/queues/*/tasks/*}"),
        fields=("name",),
        default=RETRIED,
        permission="cloudtasks.tasks.get",
    )
    create_task = Rpc(
        CreateTaskRequest,
        Task,
        post("/v2/{parent=projects/*/locations/*/queues/*}/tasks"),
        fields=("parent", "task"),
        default=TIMED,
        permission="cloudtasks.tasks.create",
    )
    delete_task = Rpc(
        DeleteTaskRequest,
        Empty,
        delete("/v2/{name=projects/*/locations/*/queues/*/tasks/*}"),
        fields=("name",),
        default=RETRIED,
        permission="cloudtasks.tasks.delete",
    )
    run_task = Rpc(
        RunTaskRequest,
        Task,
        post("/v2/{name=projects/*/locations/*/queues/*/tasks/*}:run"),
        fields=("name",),
        default=TIMED,
        permission="cloudtasks.tasks.run",
    )
    buffer_task = Rpc(
        BufferTaskRequest,
        BufferTaskResponse,
        HttpRule("POST", "/v2/{queue=projects/*/locations/*/queues/*}/tasks/{task_id}:buffer", "*", any_verb=True),
        also=(HttpRule("POST", "/v2/{queue=projects/*/locations/*/queues/*}/tasks:buffer", "*", any_verb=True),),
        fields=("queue", "task_id", "body"),
        default=UNTIMED,
        permission="cloudtasks.tasks.create",
        grpc=False,
    )
    batch_create_tasks = Rpc(
        BatchCreateTasksRequest,
        Operation,
        post("/v2/{parent=projects/*/locations/*/queues/*}/tasks:batchCreate"),
        fields=("parent", "requests"),
        default=UNTIMED,
        permission="cloudtasks.tasks.create",
        long_running=LongRunning(BatchCreateTasksResponse, BatchCreateTasksMetadata),
    )
    batch_delete_tasks = Rpc(
        BatchDeleteTasksRequest,
        Operation,
        post("/v2/{parent=projects/*/locations/*/queues/*}/tasks:batchDelete"),
        fields=("parent", "names"),
        default=UNTIMED,
        permission="cloudtasks.tasks.delete",
        long_running=LongRunning(Empty, BatchDeleteTasksMetadata),
    )
    get_cmek_config = Rpc(
        GetCmekConfigRequest,
        CmekConfig,
        get("/v2/{name=projects/*/locations/*/cmekConfig}"),
        fields=("name",),
        default=TIMED,
        permission="cloudtasks.cmekConfig.get",
    )
    update_cmek_config = Rpc(
        UpdateCmekConfigRequest,
        CmekConfig,
        patch("/v2/{cmek_config.name=projects/*/locations/*/cmekConfig}", body="cmek_config"),
        fields=("cmek_config", "update_mask"),
        default=TIMED,
        permission="cloudtasks.cmekConfig.update",
    )


class Locations(Service, name=mixins.LOCATIONS):
    """The locations that can have queues."""

    list_locations = mixins.list_locations("v2")
    get_location = mixins.get_location("v2")


class Operations(Service, name=mixins.OPERATIONS):
    """The operations of batches."""

    get_operation = mixins.get_operation("v2")
