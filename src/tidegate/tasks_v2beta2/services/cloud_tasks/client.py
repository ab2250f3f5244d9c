"""The client of Cloud Tasks v2beta2. Written by ``make faces``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.client.client import Client, SyncClient
from tidegate.client.defaults import DEFAULT
from tidegate.client.paths import Paths
from tidegate.schema.v2beta2 import (
    AcknowledgeTaskRequest,
    CancelLeaseRequest,
    CloudTasks,
    CreateQueueRequest,
    CreateTaskRequest,
    DeleteQueueRequest,
    DeleteTaskRequest,
    GetQueueRequest,
    GetTaskRequest,
    LeaseTasksRequest,
    LeaseTasksResponse,
    ListQueuesRequest,
    ListTasksRequest,
    Locations,
    PauseQueueRequest,
    PurgeQueueRequest,
    Queue,
    RenewLeaseRequest,
    ResumeQueueRequest,
    RunTaskRequest,
    Task,
    UpdateQueueRequest,
    UploadQueueYamlRequest,
)
from tidegate.tasks_v2beta2.services.cloud_tasks.pagers import ListQueuesPager, ListTasksPager

if TYPE_CHECKING:
    from tidegate.client.defaults import OptionalRetry, Timeout

__all__ = ["CloudTasksClient"]


class CloudTasksClient(SyncClient, Paths):
    __doc__ = Client.__doc__

    _transports = "tidegate.tasks_v2beta2.services.cloud_tasks.transports"

    def list_queues(
        self,
        request: ListQueuesRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListQueuesPager:
        """Lists the queues of a location, a page at a time.

        Args:
            request: a ListQueuesRequest, in place of these.
            parent: ``projects/P/locations/L``.
        """
        return self._list(
            ListQueuesPager, CloudTasks.list_queues, request, {"parent": parent}, retry, timeout, metadata
        )

    def get_queue(
        self,
        request: GetQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Reads one queue.

        Args:
            request: a GetQueueRequest, in place of these.
            name: The full name.
        """
        return self._call(CloudTasks.get_queue, request, {"name": name}, retry, timeout, metadata)

    def create_queue(
        self,
        request: CreateQueueRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        queue: Queue | dict[str, Any] | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Creates a queue.

        Args:
            request: a CreateQueueRequest, in place of these.
            parent: ``projects/P/locations/L``, under which the queue's name must be.
            queue: With its name, which must not have been a queue's for some days.
        """
        return self._call(
            CloudTasks.create_queue, request, {"parent": parent, "queue": queue}, retry, timeout, metadata
        )

    def update_queue(
        self,
        request: UpdateQueueRequest | dict[str, Any] | None = None,
        *,
        queue: Queue | dict[str, Any] | None = None,
        update_mask: FieldMask | dict[str, Any] | None = None,
        retry: OptionalRetry = DEFAULT,
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
        return self._call(
            CloudTasks.update_queue, request, {"queue": queue, "update_mask": update_mask}, retry, timeout, metadata
        )

    def delete_queue(
        self,
        request: DeleteQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a queue and the tasks in it. Its name stays taken for some days.

        Args:
            request: a DeleteQueueRequest, in place of these.
            name: The full name.
        """
        self._call(CloudTasks.delete_queue, request, {"name": name}, retry, timeout, metadata)

    def purge_queue(
        self,
        request: PurgeQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Deletes all tasks that were created in a queue before now.

        Args:
            request: a PurgeQueueRequest, in place of these.
            name: The full name.
        """
        return self._call(CloudTasks.purge_queue, request, {"name": name}, retry, timeout, metadata)

    def pause_queue(
        self,
        request: PauseQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Stops the dispatches of a queue until it is resumed.

        Args:
            request: a PauseQueueRequest, in place of these.
            name: The full name.
        """
        return self._call(CloudTasks.pause_queue, request, {"name": name}, retry, timeout, metadata)

    def resume_queue(
        self,
        request: ResumeQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Queue:
        """Lets a queue dispatch again that was paused or disabled.

        Args:
            request: a ResumeQueueRequest, in place of these.
            name: The full name.
        """
        return self._call(CloudTasks.resume_queue, request, {"name": name}, retry, timeout, metadata)

    def upload_queue_yaml(
        self,
        request: UploadQueueYamlRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Sets all queues of an application from a queue.yaml. Push queues that it does not name become DISABLED."""
        self._call(CloudTasks.upload_queue_yaml, request, {}, retry, timeout, metadata)

    def get_iam_policy(
        self,
        request: iam_policy_pb2.GetIamPolicyRequest | dict[str, Any] | None = None,
        *,
        resource: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> policy_pb2.Policy:
        """Who may do what with a queue.

        Args:
            request: a GetIamPolicyRequest, in place of these.
            resource: The full name of the queue.
        """
        return self._call(CloudTasks.get_iam_policy, request, {"resource": resource}, retry, timeout, metadata)

    def set_iam_policy(
        self,
        request: iam_policy_pb2.SetIamPolicyRequest | dict[str, Any] | None = None,
        *,
        resource: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> policy_pb2.Policy:
        """Another policy for a queue. The policy itself goes into ``request``.

        Args:
            request: a SetIamPolicyRequest, in place of these.
            resource: The full name of the queue.
        """
        return self._call(CloudTasks.set_iam_policy, request, {"resource": resource}, retry, timeout, metadata)

    def test_iam_permissions(
        self,
        request: iam_policy_pb2.TestIamPermissionsRequest | dict[str, Any] | None = None,
        *,
        resource: str | None = None,
        permissions: Sequence[str] | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> iam_policy_pb2.TestIamPermissionsResponse:
        """Which of some permissions the caller has on a queue.

        Args:
            request: a TestIamPermissionsRequest, in place of these.
            resource: The full name of the queue.
            permissions: Such as ``cloudtasks.tasks.create``.
        """
        return self._call(
            CloudTasks.test_iam_permissions,
            request,
            {"resource": resource, "permissions": permissions},
            retry,
            timeout,
            metadata,
        )

    def list_tasks(
        self,
        request: ListTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListTasksPager:
        """Lists the tasks of a queue, a page at a time.

        Args:
            request: a ListTasksRequest, in place of these.
            parent: The queue.
        """
        return self._list(ListTasksPager, CloudTasks.list_tasks, request, {"parent": parent}, retry, timeout, metadata)

    def get_task(
        self,
        request: GetTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Reads one task.

        Args:
            request: a GetTaskRequest, in place of these.
            name: The full name.
        """
        return self._call(CloudTasks.get_task, request, {"name": name}, retry, timeout, metadata)

    def create_task(
        self,
        request: CreateTaskRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        task: Task | dict[str, Any] | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Creates a task.

        Args:
            request: a CreateTaskRequest, in place of these.
            parent: The queue it goes to.
            task: At most 1 MiB; with a target, with or without a name.
        """
        return self._call(CloudTasks.create_task, request, {"parent": parent, "task": task}, retry, timeout, metadata)

    def delete_task(
        self,
        request: DeleteTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a task. An attempt in flight goes on, without a retry.

        Args:
            request: a DeleteTaskRequest, in place of these.
            name: The full name.
        """
        self._call(CloudTasks.delete_task, request, {"name": name}, retry, timeout, metadata)

    def lease_tasks(
        self,
        request: LeaseTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        lease_duration: timedelta | Duration | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> LeaseTasksResponse:
        """Leases tasks to a worker. Other workers do not get them until the lease ends.

        Args:
            request: a LeaseTasksRequest, in place of these.
            parent: A pull queue.
            lease_duration: How long the tasks stay hidden: a second to a week, in whole seconds.
        """
        return self._call(
            CloudTasks.lease_tasks,
            request,
            {"parent": parent, "lease_duration": lease_duration},
            retry,
            timeout,
            metadata,
        )

    def acknowledge_task(
        self,
        request: AcknowledgeTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        schedule_time: datetime | Timestamp | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a leased task whose work is done.

        Args:
            request: an AcknowledgeTaskRequest, in place of these.
            name: The full name.
            schedule_time: The task's ``schedule_time`` from the lease: shows that the caller still has the
                lease.
        """
        self._call(
            CloudTasks.acknowledge_task,
            request,
            {"name": name, "schedule_time": schedule_time},
            retry,
            timeout,
            metadata,
        )

    def renew_lease(
        self,
        request: RenewLeaseRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        schedule_time: datetime | Timestamp | None = None,
        lease_duration: timedelta | Duration | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Extends the lease of a task.

        Args:
            request: a RenewLeaseRequest, in place of these.
            name: The full name.
            schedule_time: The task's ``schedule_time`` from the lease: shows that the caller still has the
                lease.
            lease_duration: From now: a second to a week, in whole seconds.
        """
        return self._call(
            CloudTasks.renew_lease,
            request,
            {"name": name, "schedule_time": schedule_time, "lease_duration": lease_duration},
            retry,
            timeout,
            metadata,
        )

    def cancel_lease(
        self,
        request: CancelLeaseRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        schedule_time: datetime | Timestamp | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Ends a lease early, so that the task can be leased again at once.

        Args:
            request: a CancelLeaseRequest, in place of these.
            name: The full name.
            schedule_time: The task's ``schedule_time`` from the lease: shows that the caller still has the
                lease.
        """
        return self._call(
            CloudTasks.cancel_lease, request, {"name": name, "schedule_time": schedule_time}, retry, timeout, metadata
        )

    def run_task(
        self,
        request: RunTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Task:
        """Starts an attempt now, whatever the queue's state, its limits and the task's schedule are.

        Args:
            request: a RunTaskRequest, in place of these.
            name: The full name.
        """
        return self._call(CloudTasks.run_task, request, {"name": name}, retry, timeout, metadata)

    def list_locations(
        self,
        request: locations_pb2.ListLocationsRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> locations_pb2.ListLocationsResponse:
        """Where queues can be: one response, no pager."""
        return self._call_shared(Locations.list_locations, request, {}, retry, timeout, metadata)

    def get_location(
        self,
        request: locations_pb2.GetLocationRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> locations_pb2.Location:
        """One place where queues can be."""
        return self._call_shared(Locations.get_location, request, {}, retry, timeout, metadata)
