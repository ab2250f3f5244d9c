"""The asyncio client of the operator's API. Written by ``make faces``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from google.longrunning import operations_proto_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from tidegate.client.defaults import DEFAULT
from tidegate.client.operator import OperatorAsync, OperatorBase
from tidegate.client.paths import Paths
from tidegate.operator_v1.pagers import (
    ListAttemptsAsyncPager,
    ListAuditEntriesAsyncPager,
    ListDeadTasksAsyncPager,
    ListFaultsAsyncPager,
    ListQueueStatusesAsyncPager,
    SearchTasksAsyncPager,
)
from tidegate.schema.operator import (
    AdvanceClockRequest,
    Attempt,
    BulkDeleteTasksRequest,
    BulkRescheduleTasksRequest,
    BulkRunTasksRequest,
    ClearFaultsRequest,
    ClearFaultsResponse,
    Clock,
    CreateFaultRequest,
    DeadTask,
    DeleteDeadTaskRequest,
    DeleteFaultRequest,
    DrainRequest,
    Event,
    ExplainQueueRequest,
    ExplainTaskRequest,
    Explanation,
    ExportStateRequest,
    Fault,
    FreezeClockRequest,
    GetAttemptRequest,
    GetClockRequest,
    GetDeadTaskRequest,
    GetFaultRequest,
    GetQueueOptionsRequest,
    GetQueueStatusRequest,
    GetServerRequest,
    GroupDeadTasksRequest,
    GroupDeadTasksResponse,
    ImportStateRequest,
    ImportStateResponse,
    ListAttemptsRequest,
    ListAuditEntriesRequest,
    ListDeadTasksRequest,
    ListFaultsRequest,
    ListNodesRequest,
    ListNodesResponse,
    ListQueueStatusesRequest,
    Metric,
    Operator,
    PreviewRetriesRequest,
    PreviewRetriesResponse,
    PurgeDeadTasksRequest,
    QueryTimeSeriesRequest,
    QueryTimeSeriesResponse,
    QueueOptions,
    QueueStatus,
    RedriveDeadTasksRequest,
    RenderRequestRequest,
    RenderRequestResponse,
    ReplayTaskRequest,
    ResetClockRequest,
    ResetServerRequest,
    RunUntilIdleRequest,
    RunUntilIdleResponse,
    SearchTasksRequest,
    Server,
    StateRecord,
    UndrainRequest,
    UpdateQueueOptionsRequest,
    WaitIdleRequest,
    WaitIdleResponse,
    WatchEventsRequest,
)
from tidegate.schema.v2beta3 import RetryConfig

if TYPE_CHECKING:
    from google.api_core.operation_async import AsyncOperation

    from tidegate.client.defaults import OptionalAsyncRetry, Timeout

__all__ = ["OperatorAsyncClient"]


class OperatorAsyncClient(OperatorAsync, Paths):
    __doc__ = OperatorBase.__doc__

    async def get_server(
        self,
        request: GetServerRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Server:
        """Reads what the server is and may do."""
        return await self._call(Operator.get_server, request, {}, retry, timeout, metadata)

    async def drain(
        self,
        request: DrainRequest | dict[str, Any] | None = None,
        *,
        node: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Server:
        """Lets a node start no more attempts; it still answers calls. Another node than the one asked does so in 2 s.

        Args:
            request: a DrainRequest, in place of these.
            node: Its name, as ListNodes has it; empty for the one that answers.
        """
        return await self._call(Operator.drain, request, {"node": node}, retry, timeout, metadata)

    async def undrain(
        self,
        request: UndrainRequest | dict[str, Any] | None = None,
        *,
        node: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Server:
        """Lets a node start attempts again.

        Args:
            request: an UndrainRequest, in place of these.
            node: Its name; empty for the one that answers.
        """
        return await self._call(Operator.undrain, request, {"node": node}, retry, timeout, metadata)

    async def reset_server(
        self,
        request: ResetServerRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes everything and makes the queues of the settings again. Only with ``dev``."""
        await self._call(Operator.reset_server, request, {}, retry, timeout, metadata)

    async def list_nodes(
        self,
        request: ListNodesRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListNodesResponse:
        """Lists all nodes."""
        return await self._call(Operator.list_nodes, request, {}, retry, timeout, metadata)

    async def get_queue_status(
        self,
        request: GetQueueStatusRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> QueueStatus:
        """Reads the status of one queue.

        Args:
            request: a GetQueueStatusRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.get_queue_status, request, {"name": name}, retry, timeout, metadata)

    async def list_queue_statuses(
        self,
        request: ListQueueStatusesRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListQueueStatusesAsyncPager:
        """Lists the status of the queues of a location.

        Args:
            request: a ListQueueStatusesRequest, in place of these.
            parent: ``projects/P/locations/L``; ``projects/-/locations/-`` stands for all locations of all
                projects.
        """
        return await self._list(
            ListQueueStatusesAsyncPager,
            Operator.list_queue_statuses,
            request,
            {"parent": parent},
            retry,
            timeout,
            metadata,
        )

    async def get_queue_options(
        self,
        request: GetQueueOptionsRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> QueueOptions:
        """Reads the options of a queue.

        Args:
            request: a GetQueueOptionsRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.get_queue_options, request, {"name": name}, retry, timeout, metadata)

    async def update_queue_options(
        self,
        request: UpdateQueueOptionsRequest | dict[str, Any] | None = None,
        *,
        options: QueueOptions | dict[str, Any] | None = None,
        update_mask: FieldMask | dict[str, Any] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> QueueOptions:
        """Changes the options of a queue.

        Args:
            request: an UpdateQueueOptionsRequest, in place of these.
            options: Options.
            update_mask: Which fields to replace; absent: all.
        """
        return await self._call(
            Operator.update_queue_options,
            request,
            {"options": options, "update_mask": update_mask},
            retry,
            timeout,
            metadata,
        )

    async def preview_retries(
        self,
        request: PreviewRetriesRequest | dict[str, Any] | None = None,
        *,
        queue: str | None = None,
        retry_config: RetryConfig | dict[str, Any] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> PreviewRetriesResponse:
        """Settings to try for a queue. Settings that are unset are taken from the queue.

        Args:
            request: a PreviewRetriesRequest, in place of these.
            queue: Queue.
            retry_config: Retry config.
        """
        return await self._call(
            Operator.preview_retries, request, {"queue": queue, "retry_config": retry_config}, retry, timeout, metadata
        )

    async def query_time_series(
        self,
        request: QueryTimeSeriesRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        metric: Metric | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> QueryTimeSeriesResponse:
        """Reads a metric of queues of a location.

        Args:
            request: a QueryTimeSeriesRequest, in place of these.
            parent: The full name of what holds them.
            metric: Metric.
        """
        return await self._call(
            Operator.query_time_series, request, {"parent": parent, "metric": metric}, retry, timeout, metadata
        )

    async def explain_task(
        self,
        request: ExplainTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Explanation:
        """A task.

        Args:
            request: an ExplainTaskRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.explain_task, request, {"name": name}, retry, timeout, metadata)

    async def explain_queue(
        self,
        request: ExplainQueueRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Explanation:
        """A queue.

        Args:
            request: an ExplainQueueRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.explain_queue, request, {"name": name}, retry, timeout, metadata)

    async def search_tasks(
        self,
        request: SearchTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        filter: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> SearchTasksAsyncPager:
        """Lists the tasks of a queue that match a filter.

        Args:
            request: a SearchTasksRequest, in place of these.
            parent: The full name of what holds them.
            filter: In the language of ListQueues, over the fields of Task, and ``task_id``, ``url``,
                ``url_host``, ``last_status`` (UNAVAILABLE …), ``last_http_status``, ``tag``. With
                ``task_id>="a" task_id<"b"`` only those between are looked at.
        """
        return await self._list(
            SearchTasksAsyncPager,
            Operator.search_tasks,
            request,
            {"parent": parent, "filter": filter},
            retry,
            timeout,
            metadata,
        )

    async def bulk_delete_tasks(
        self,
        request: BulkDeleteTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Deletes the named tasks, or those that match the filter. ``names`` or ``filter`` is required.

        Args:
            request: a BulkDeleteTasksRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._operate(Operator.bulk_delete_tasks, request, {"parent": parent}, retry, timeout, metadata)

    async def bulk_run_tasks(
        self,
        request: BulkRunTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Runs the named tasks now, or those that match the filter. ``names`` or ``filter`` is required.

        Args:
            request: a BulkRunTasksRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._operate(Operator.bulk_run_tasks, request, {"parent": parent}, retry, timeout, metadata)

    async def bulk_reschedule_tasks(
        self,
        request: BulkRescheduleTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Changes the schedule time of the named tasks, or of those that match. ``names`` or ``filter`` is required.

        Args:
            request: a BulkRescheduleTasksRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._operate(
            Operator.bulk_reschedule_tasks, request, {"parent": parent}, retry, timeout, metadata
        )

    async def list_operations(
        self,
        request: operations_proto_pb2.ListOperationsRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> operations_proto_pb2.ListOperationsResponse:
        """Lists the operations of a location, one page.

        Args:
            request: a ListOperationsRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.list_operations, request, {"name": name}, retry, timeout, metadata)

    async def get_operation(
        self,
        request: operations_proto_pb2.GetOperationRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> operations_proto_pb2.Operation:
        """Reads the latest state of an operation.

        Args:
            request: a GetOperationRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.get_operation, request, {"name": name}, retry, timeout, metadata)

    async def cancel_operation(
        self,
        request: operations_proto_pb2.CancelOperationRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Cancels an operation. What it has done stays done.

        Args:
            request: a CancelOperationRequest, in place of these.
            name: The full name.
        """
        await self._call(Operator.cancel_operation, request, {"name": name}, retry, timeout, metadata)

    async def list_attempts(
        self,
        request: ListAttemptsRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListAttemptsAsyncPager:
        """Lists the stored attempts of a task or of a queue, newest first.

        Args:
            request: a ListAttemptsRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._list(
            ListAttemptsAsyncPager, Operator.list_attempts, request, {"parent": parent}, retry, timeout, metadata
        )

    async def get_attempt(
        self,
        request: GetAttemptRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Attempt:
        """Reads one attempt.

        Args:
            request: a GetAttemptRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.get_attempt, request, {"name": name}, retry, timeout, metadata)

    async def render_request(
        self,
        request: RenderRequestRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        format: RenderRequestRequest.Format | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> RenderRequestResponse:
        """Renders the request of a task's attempt as text. Secret values in it are ``***``.

        Args:
            request: a RenderRequestRequest, in place of these.
            name: The full name.
            format: Format.
        """
        return await self._call(
            Operator.render_request, request, {"name": name, "format": format}, retry, timeout, metadata
        )

    async def replay_task(
        self,
        request: ReplayTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        url: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Attempt:
        """Sends a task once more. The task does not change, and the response is not stored.

        Args:
            request: a ReplayTaskRequest, in place of these.
            name: The full name.
            url: The URL; empty for the task's own. Another origin gets no token, cookies and other secrets.
        """
        return await self._call(Operator.replay_task, request, {"name": name, "url": url}, retry, timeout, metadata)

    async def list_dead_tasks(
        self,
        request: ListDeadTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListDeadTasksAsyncPager:
        """Lists the dead tasks of a queue, newest first.

        Args:
            request: a ListDeadTasksRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._list(
            ListDeadTasksAsyncPager, Operator.list_dead_tasks, request, {"parent": parent}, retry, timeout, metadata
        )

    async def get_dead_task(
        self,
        request: GetDeadTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> DeadTask:
        """Reads one dead task.

        Args:
            request: a GetDeadTaskRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.get_dead_task, request, {"name": name}, retry, timeout, metadata)

    async def delete_dead_task(
        self,
        request: DeleteDeadTaskRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a dead task.

        Args:
            request: a DeleteDeadTaskRequest, in place of these.
            name: The full name.
        """
        await self._call(Operator.delete_dead_task, request, {"name": name}, retry, timeout, metadata)

    async def group_dead_tasks(
        self,
        request: GroupDeadTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> GroupDeadTasksResponse:
        """Groups the dead tasks of a queue by the reason of their failure.

        Args:
            request: a GroupDeadTasksRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._call(Operator.group_dead_tasks, request, {"parent": parent}, retry, timeout, metadata)

    async def redrive_dead_tasks(
        self,
        request: RedriveDeadTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        names: Sequence[str] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Moves dead tasks back into a queue. Without ``names`` and ``filter``: all of the queue.

        Needs ``cloudtasks.tasks.create`` on the target queue, besides the permission of the method.

        Args:
            request: a RedriveDeadTasksRequest, in place of these.
            parent: The full name of what holds them.
            names: Names.
        """
        return await self._operate(
            Operator.redrive_dead_tasks, request, {"parent": parent, "names": names}, retry, timeout, metadata
        )

    async def purge_dead_tasks(
        self,
        request: PurgeDeadTasksRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncOperation:
        """Deletes the dead tasks that match the filter; without a filter, all of the queue.

        Args:
            request: a PurgeDeadTasksRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._operate(Operator.purge_dead_tasks, request, {"parent": parent}, retry, timeout, metadata)

    async def create_fault(
        self,
        request: CreateFaultRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        fault: Fault | dict[str, Any] | None = None,
        fault_id: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Fault:
        """Creates a fault.

        Args:
            request: a CreateFaultRequest, in place of these.
            parent: The full name of what holds them.
            fault: Fault.
            fault_id: The last part of its name; empty for a generated one.
        """
        return await self._call(
            Operator.create_fault,
            request,
            {"parent": parent, "fault": fault, "fault_id": fault_id},
            retry,
            timeout,
            metadata,
        )

    async def list_faults(
        self,
        request: ListFaultsRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListFaultsAsyncPager:
        """Lists the faults of a queue.

        Args:
            request: a ListFaultsRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._list(
            ListFaultsAsyncPager, Operator.list_faults, request, {"parent": parent}, retry, timeout, metadata
        )

    async def get_fault(
        self,
        request: GetFaultRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Fault:
        """Reads one fault.

        Args:
            request: a GetFaultRequest, in place of these.
            name: The full name.
        """
        return await self._call(Operator.get_fault, request, {"name": name}, retry, timeout, metadata)

    async def delete_fault(
        self,
        request: DeleteFaultRequest | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Deletes a fault.

        Args:
            request: a DeleteFaultRequest, in place of these.
            name: The full name.
        """
        await self._call(Operator.delete_fault, request, {"name": name}, retry, timeout, metadata)

    async def clear_faults(
        self,
        request: ClearFaultsRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ClearFaultsResponse:
        """Deletes all faults of a location.

        Args:
            request: a ClearFaultsRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._call(Operator.clear_faults, request, {"parent": parent}, retry, timeout, metadata)

    async def get_clock(
        self,
        request: GetClockRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Clock:
        """Reads the clock."""
        return await self._call(Operator.get_clock, request, {}, retry, timeout, metadata)

    async def advance_clock(
        self,
        request: AdvanceClockRequest | dict[str, Any] | None = None,
        *,
        duration: timedelta | Duration | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Clock:
        """Moves the clock forward, by 10 years at most.

        Args:
            request: an AdvanceClockRequest, in place of these.
            duration: Duration.
        """
        return await self._call(Operator.advance_clock, request, {"duration": duration}, retry, timeout, metadata)

    async def freeze_clock(
        self,
        request: FreezeClockRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Clock:
        """Stops the clock until it is reset."""
        return await self._call(Operator.freeze_clock, request, {}, retry, timeout, metadata)

    async def reset_clock(
        self,
        request: ResetClockRequest | dict[str, Any] | None = None,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Clock:
        """Starts a stopped clock again. The clock does not go back."""
        return await self._call(Operator.reset_clock, request, {}, retry, timeout, metadata)

    async def run_until_idle(
        self,
        request: RunUntilIdleRequest | dict[str, Any] | None = None,
        *,
        parents: Sequence[str] | None = None,
        max_virtual: timedelta | Duration | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> RunUntilIdleResponse:
        """Delivers all tasks, skipping the time between them.

        Args:
            request: a RunUntilIdleRequest, in place of these.
            parents: Queues or projects; empty for all.
            max_virtual: The most time to skip.
        """
        return await self._call(
            Operator.run_until_idle, request, {"parents": parents, "max_virtual": max_virtual}, retry, timeout, metadata
        )

    async def wait_idle(
        self,
        request: WaitIdleRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> WaitIdleResponse:
        """Waits until no task is left in a queue, or in the dispatching queues of a project.

        Args:
            request: a WaitIdleRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._call(Operator.wait_idle, request, {"parent": parent}, retry, timeout, metadata)

    def watch_events(
        self,
        request: WatchEventsRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncIterator[Event]:
        """Streams the events of a location, a project or (``-``) of the whole server.

        Args:
            request: a WatchEventsRequest, in place of these.
            parent: The full name of what holds them.
        """
        return self._stream(Operator.watch_events, request, {"parent": parent}, timeout, metadata)

    def export_state(
        self,
        request: ExportStateRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> AsyncIterator[StateRecord]:
        """Exports a location, a project or (``-``) the whole server.

        Args:
            request: an ExportStateRequest, in place of these.
            parent: The full name of what holds them.
        """
        return self._stream(Operator.export_state, request, {"parent": parent}, timeout, metadata)

    async def import_state(
        self,
        request: ImportStateRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        records: Sequence[StateRecord | dict[str, Any]] | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ImportStateResponse:
        """Imports records of an export, a part at a time and in their order.

        Args:
            request: an ImportStateRequest, in place of these.
            parent: The full name of what holds them.
            records: At most 100, and 16 MiB.
        """
        return await self._call(
            Operator.import_state, request, {"parent": parent, "records": records}, retry, timeout, metadata
        )

    async def list_audit_entries(
        self,
        request: ListAuditEntriesRequest | dict[str, Any] | None = None,
        *,
        parent: str | None = None,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> ListAuditEntriesAsyncPager:
        """Lists the entries of a location, newest first.

        Args:
            request: a ListAuditEntriesRequest, in place of these.
            parent: The full name of what holds them.
        """
        return await self._list(
            ListAuditEntriesAsyncPager,
            Operator.list_audit_entries,
            request,
            {"parent": parent},
            retry,
            timeout,
            metadata,
        )
