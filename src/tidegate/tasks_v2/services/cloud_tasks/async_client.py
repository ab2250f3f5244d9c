"""The asyncio client of Cloud Tasks v2. Written by ``make faces``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from tidegate.client.client import AsyncClient, Client
from tidegate.client.defaults import DEFAULT
from tidegate.client.paths import KeyPaths, Paths
from tidegate.schema.v2 import (
    BatchCreateTasksRequest,
    BatchDeleteTasksRequest,
    CloudTasks,
    CmekConfig,
    CreateQueueRequest,
    CreateTaskRequest,
    DeleteQueueRequest,
    DeleteTaskRequest,
    GetCmekConfigRequest,
    GetQueueRequest,
    GetTaskRequest,
    ListQueuesRequest,
    ListTasksRequest,
    Locations,
    Operations,
    PauseQueueRequest,
    PurgeQueueRequest,
    Queue,
    ResumeQueueRequest,
    RunTaskRequest,
    Task,
    UpdateCmekConfigRequest,
    UpdateQueueRequest,
)
from tidegate.tasks_v2.services.cloud_tasks.pagers import ListQueuesAsyncPager, ListTasksAsyncPager

if TYPE_CHECKING:
    from google.api_core.operation_async import AsyncOperation

    from tidegate.client.defaults import OptionalAsyncRetry, Timeout

__all__ = ["CloudTasksAsyncClient"]


class CloudTasksAsyncClient(AsyncClient, Paths, KeyPaths):
    __doc__ = Client.__doc__

    _transports = "tidegate.tasks_v2.services.cloud_tasks.transports"

    async def list_queues(
        self,
        request: ListQueuesRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListQueuesAsyncPager:
        """Lists the queues of a location, a page at a time.

        Args:
            request: a ListQueuesRequest, in place of these.
            parent: ``projects/P/locations/L``.
        """
        return await self._list(
            ListQueuesAsyncPager, CloudTasks.list_queues, request, {"parent": parent}, retry, timeout, metadata
        )

    async def get_queue(
        self,
        request: GetQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Reads one queue.

        Args:
            request: a GetQueueRequest, in place of these.
            name: The full name.
        """
        return await self._call(CloudTasks.get_queue, request, {"name": name}, retry, timeout, metadata)

    async def create_queue(
        self,
        request: CreateQueueRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        queue: Queue | dict[str, Any] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Creates a queue.

        Args:
            request: a CreateQueueRequest, in place of these.
            parent: ``projects/P/locations/L``, under which the queue's name must be.
            queue: With its name, which must not have been a queue's for some days.
        """
        return await self._call(
            CloudTasks.create_queue, request, {"parent": parent, "queue": queue}, retry, timeout, metadata
        )

    async def update_queue(
        self,
        request: UpdateQueueRequest | dict[str, Any] | None = None,
        *,
        queue: Queue | dict[str, Any] | None = None,
        update_mask: FieldMask | dict[str, Any] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Changes the settings of a queue; creates the queue when there is none.

        Args:
            request: an UpdateQueueRequest, in place of these.
            queue: Its name has the queue to change.
            update_mask: What to change, such as ``rate_limits.max_dispatches_per_second``. Absent:
                everything; empty: nothing.
        """
        return await self._call(
            CloudTasks.update_queue, request, {"queue": queue, "update_mask": update_mask}, retry, timeout, metadata
        )

    async def delete_queue(
        self,
        request: DeleteQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a queue and the tasks in it. Its name stays taken for some days.

        Args:
            request: a DeleteQueueRequest, in place of these.
            name: The full name.
        """
        await self._call(CloudTasks.delete_queue, request, {"name": name}, retry, timeout, metadata)

    async def purge_queue(
        self,
        request: PurgeQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Deletes all tasks that were created in a queue before now.

        Args:
            request: a PurgeQueueRequest, in place of these.
            name: The full name.
        """
        return await self._call(CloudTasks.purge_queue, request, {"name": name}, retry, timeout, metadata)

    async def pause_queue(
        self,
        request: PauseQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Stops the dispatches of a queue until it is resumed.

        Args:
            request: a PauseQueueRequest, in place of these.
            name: The full name.
        """
        return await self._call(CloudTasks.pause_queue, request, {"name": name}, retry, timeout, metadata)

    async def resume_queue(
        self,
        request: ResumeQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Lets a queue dispatch again that was paused or disabled.

        Args:
            request: a ResumeQueueRequest, in place of these.
            name: The full name.
        """
        return await self._call(CloudTasks.resume_queue, request, {"name": name}, retry, timeout, metadata)

    async def get_iam_policy(
        self,
        request: iam_policy_pb2.GetIamPolicyRequest | dict[str, Any] | None = None,
        *,
        resource: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> policy_pb2.Policy:
        """Who may do what with a queue.

        Args:
            request: a GetIamPolicyRequest, in place of these.
            resource: The full name of the queue.
        """
        return await self._call(CloudTasks.get_iam_policy, request, {"resource": resource}, retry, timeout, metadata)

    async def set_iam_policy(
        self,
        request: iam_policy_pb2.SetIamPolicyRequest | dict[str, Any] | None = None,
        *,
        resource: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> policy_pb2.Policy:
        """Another policy for a queue. The policy itself goes into ``request``.

        Args:
            request: a SetIamPolicyRequest, in place of these.
            resource: The full name of the queue.
        """
        return await self._call(CloudTasks.set_iam_policy, request, {"resource": resource}, retry, timeout, metadata)

    async def test_iam_permissions(
        self,
        request: iam_policy_pb2.TestIamPermissionsRequest | dict[str, Any] | None = None,
        *,
        resource: str | None = None,
        permissions: Sequence[str] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> iam_policy_pb2.TestIamPermissionsResponse:
        """Which of some permissions the caller has on a queue.

        Args:
            request: a TestIamPermissionsRequest, in place of these.
            resource: The full name of the queue.
            permissions: Such as ``cloudtasks.tasks.create``.
        """
        return await self._call(
            CloudTasks.test_iam_permissions,
            request,
            {"resource": resource, "permissions": permissions},
            retry,
            timeout,
            metadata,
        )

    async def list_tasks(
        self,
        request: ListTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListTasksAsyncPager:
        """Lists the tasks of a queue, a page at a time.

        Args:
            request: a ListTasksRequest, in place of these.
            parent: The queue.
        """
        return await self._list(
            ListTasksAsyncPager, CloudTasks.list_tasks, request, {"parent": parent}, retry, timeout, metadata
        )

    async def get_task(
        self,
        request: GetTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Reads one task.

        Args:
            request: a GetTaskRequest, in place of these.
            name: The full name.
        """
        return await self._call(CloudTasks.get_task, request, {"name": name}, retry, timeout, metadata)

    async def create_task(
        self,
        request: CreateTaskRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        task: Task | dict[str, Any] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Creates a task.

        Args:
            request: a CreateTaskRequest, in place of these.
            parent: The queue it goes to.
            task: At most 1 MiB; with a target, with or without a name.
        """
        return await self._call(
            CloudTasks.create_task, request, {"parent": parent, "task": task}, retry, timeout, metadata
        )

    async def delete_task(
        self,
        request: DeleteTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a task. An attempt in flight goes on, without a retry.

        Args:
            request: a DeleteTaskRequest, in place of these.
            name: The full name.
        """
        await self._call(CloudTasks.delete_task, request, {"name": name}, retry, timeout, metadata)

    async def run_task(
        self,
        request: RunTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Starts an attempt now, whatever the queue's state, its limits and the task's schedule are.

        Args:
            request: a RunTaskRequest, in place of these.
            name: The full name.
        """
        return await self._call(CloudTasks.run_task, request, {"name": name}, retry, timeout, metadata)

    async def batch_create_tasks(
        self,
        request: BatchCreateTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        requests: Sequence[CreateTaskRequest | dict[str, Any]] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Creates many tasks in one queue; each succeeds or fails by itself.

        The future's result is a BatchCreateTasksResponse, its metadata a BatchCreateTasksMetadata.

        Args:
            request: a BatchCreateTasksRequest, in place of these.
            parent: The queue of all of them.
            requests: 1 to 100, each with the same ``parent`` as the batch.
        """
        return await self._operate(
            CloudTasks.batch_create_tasks, request, {"parent": parent, "requests": requests}, retry, timeout, metadata
        )

    async def batch_delete_tasks(
        self,
        request: BatchDeleteTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        names: Sequence[str] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Deletes many tasks of one queue; each succeeds or fails by itself.

        The future's result is Empty, its metadata a BatchDeleteTasksMetadata.

        Args:
            request: a BatchDeleteTasksRequest, in place of these.
            parent: The queue of all of them.
            names: 1 to 1000 full names.
        """
        return await self._operate(
            CloudTasks.batch_delete_tasks, request, {"parent": parent, "names": names}, retry, timeout, metadata
        )

    async def get_cmek_config(
        self,
        request: GetCmekConfigRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> CmekConfig:
        """Reads the encryption key of a location.

        Args:
            request: a GetCmekConfigRequest, in place of these.
            name: ``projects/P/locations/L/cmekConfig``.
        """
        return await self._call(CloudTasks.get_cmek_config, request, {"name": name}, retry, timeout, metadata)

    async def update_cmek_config(
        self,
        request: UpdateCmekConfigRequest | dict[str, Any] | None = None,
        *,
        cmek_config: CmekConfig | dict[str, Any] | None = None,
        update_mask: FieldMask | dict[str, Any] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> CmekConfig:
        """Sets or removes the encryption key of a location.

        Args:
            request: an UpdateCmekConfigRequest, in place of these.
            cmek_config: Its name has the location.
            update_mask: Only ``kms_key`` has an effect; empty: all.
        """
        return await self._call(
            CloudTasks.update_cmek_config,
            request,
            {"cmek_config": cmek_config, "update_mask": update_mask},
            retry,
            timeout,
            metadata,
        )

    async def list_locations(
        self,
        request: locations_pb2.ListLocationsRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> locations_pb2.ListLocationsResponse:
        """Where queues can be: one response, no pager."""
        return await self._call_shared(Locations.list_locations, request, {}, retry, timeout, metadata)

    async def get_location(
        self,
        request: locations_pb2.GetLocationRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> locations_pb2.Location:
        """One place where queues can be."""
        return await self._call_shared(Locations.get_location, request, {}, retry, timeout, metadata)

    async def get_operation(
        self,
        request: operations_pb2.GetOperationRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> operations_pb2.Operation:
        """The latest state of a batch, as it came."""
        return await self._call_shared(Operations.get_operation, request, {}, retry, timeout, metadata)
