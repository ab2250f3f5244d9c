"""The rows of the operator's service.

The docstrings of the messages describe each call. Rows with ``dev`` are refused unless the server was started with
``dev``.
"""

from __future__ import annotations

from google.longrunning.operations_proto_pb2 import (
    CancelOperationRequest,
    GetOperationRequest,
    ListOperationsRequest,
    ListOperationsResponse,
    Operation,
)
from google.protobuf.empty_pb2 import Empty

from tidegate.schema.operator import (
    attempts,
    audit,
    bulk,
    clock,
    dead_letters,
    events,
    explain,
    faults,
    options,
    preview,
    queue_status,
    replay,
    series,
    server,
    state,
)
from tidegate.schema.operator.rows import (
    BULK,
    EVERYWHERE,
    LOCATION,
    PROJECT,
    QUEUE,
    TASK,
    WAITING,
    doing,
    path_of,
    posting,
    reading,
)
from tidegate.schema.rpc import RETRIED, UNTIMED, CallDefault, Service, delete, patch


class Operator(Service, name="tidegate.operator.v1.Operator"):
    """Methods for operators that Cloud Tasks does not have."""

    get_server = reading(server.GetServerRequest, server.Server, "server", "tidegate.server.get")
    drain = doing(server.DrainRequest, server.Server, posting("server:drain"), "tidegate.server.update", ("node",))
    undrain = doing(
        server.UndrainRequest, server.Server, posting("server:undrain"), "tidegate.server.update", ("node",)
    )
    reset_server = doing(server.ResetServerRequest, Empty, posting("server:reset"), "tidegate.server.reset", dev=True)
    list_nodes = reading(server.ListNodesRequest, server.ListNodesResponse, "nodes", "tidegate.server.get")
    get_queue_status = reading(
        queue_status.GetQueueStatusRequest,
        queue_status.QueueStatus,
        f"{{name={QUEUE}/status}}",
        "tidegate.queues.getStatus",
        ("name",),
    )
    list_queue_statuses = reading(
        queue_status.ListQueueStatusesRequest,
        queue_status.ListQueueStatusesResponse,
        f"{LOCATION}/queueStatuses",
        "tidegate.queues.getStatus",
        ("parent",),
    )
    get_queue_options = reading(
        options.GetQueueOptionsRequest,
        options.QueueOptions,
        f"{{name={QUEUE}/options}}",
        "cloudtasks.queues.get",
        ("name",),
    )
    update_queue_options = doing(
        options.UpdateQueueOptionsRequest,
        options.QueueOptions,
        patch(path_of(f"{{options.name={QUEUE}/options}}"), body="options"),
        "cloudtasks.queues.update",
        ("options", "update_mask"),
    )
    preview_retries = doing(
        preview.PreviewRetriesRequest,
        preview.PreviewRetriesResponse,
        posting(f"{{queue={QUEUE}}}:previewRetries"),
        "cloudtasks.queues.get",
        ("queue", "retry_config"),
        default=RETRIED,
    )
    query_time_series = reading(
        series.QueryTimeSeriesRequest,
        series.QueryTimeSeriesResponse,
        f"{LOCATION}/timeSeries",
        "tidegate.queues.getStatus",
        ("parent", "metric"),
    )
    explain_task = reading(
        explain.ExplainTaskRequest,
        explain.Explanation,
        f"{{name={TASK}}}:explain",
        "tidegate.tasks.explain",
        ("name",),
    )
    explain_queue = reading(
        explain.ExplainQueueRequest,
        explain.Explanation,
        f"{{name={QUEUE}}}:explain",
        "tidegate.tasks.explain",
        ("name",),
    )
    search_tasks = reading(
        bulk.SearchTasksRequest,
        bulk.SearchTasksResponse,
        f"{{parent={QUEUE}}}/tasks:search",
        "cloudtasks.tasks.list",
        ("parent", "filter"),
    )
    bulk_delete_tasks = doing(
        bulk.BulkDeleteTasksRequest,
        Operation,
        posting(f"{{parent={QUEUE}}}/tasks:bulkDelete"),
        "cloudtasks.tasks.delete",
        ("parent",),
        long_running=BULK,
    )
    bulk_run_tasks = doing(
        bulk.BulkRunTasksRequest,
        Operation,
        posting(f"{{parent={QUEUE}}}/tasks:bulkRun"),
        "cloudtasks.tasks.run",
        ("parent",),
        long_running=BULK,
    )
    bulk_reschedule_tasks = doing(
        bulk.BulkRescheduleTasksRequest,
        Operation,
        posting(f"{{parent={QUEUE}}}/tasks:bulkReschedule"),
        "tidegate.tasks.update",
        ("parent",),
        long_running=BULK,
    )
    list_operations = reading(
        ListOperationsRequest,
        ListOperationsResponse,
        "{name=projects/*/locations/*}/operations",
        "tidegate.operations.list",
        ("name",),
    )
    get_operation = reading(
        GetOperationRequest,
        Operation,
        "{name=projects/*/locations/*/operations/*}",
        "cloudtasks.operations.get",
        ("name",),
    )
    cancel_operation = doing(
        CancelOperationRequest,
        Empty,
        posting("{name=projects/*/locations/*/operations/*}:cancel"),
        "tidegate.operations.cancel",
        ("name",),
    )
    list_attempts = reading(
        attempts.ListAttemptsRequest,
        attempts.ListAttemptsResponse,
        f"{{parent={TASK}}}/attempts",
        "tidegate.attempts.list",
        ("parent",),
        also=(f"{{parent={QUEUE}}}/attempts",),
    )
    get_attempt = reading(
        attempts.GetAttemptRequest, attempts.Attempt, f"{{name={TASK}/attempts/*}}", "tidegate.attempts.get", ("name",)
    )
    render_request = reading(
        replay.RenderRequestRequest,
        replay.RenderRequestResponse,
        f"{{name={TASK}}}:render",
        "cloudtasks.tasks.fullView",
        ("name", "format"),
    )
    replay_task = doing(
        replay.ReplayTaskRequest,
        attempts.Attempt,
        posting(f"{{name={TASK}}}:replay"),
        "tidegate.tasks.replay",
        ("name", "url"),
        default=UNTIMED,
    )
    list_dead_tasks = reading(
        dead_letters.ListDeadTasksRequest,
        dead_letters.ListDeadTasksResponse,
        f"{{parent={QUEUE}}}/deadTasks",
        "tidegate.deadTasks.list",
        ("parent",),
    )
    get_dead_task = reading(
        dead_letters.GetDeadTaskRequest,
        dead_letters.DeadTask,
        f"{{name={QUEUE}/deadTasks/*}}",
        "tidegate.deadTasks.get",
        ("name",),
    )
    delete_dead_task = doing(
        dead_letters.DeleteDeadTaskRequest,
        Empty,
        delete(path_of(f"{{name={QUEUE}/deadTasks/*}}")),
        "tidegate.deadTasks.delete",
        ("name",),
        default=RETRIED,
    )
    group_dead_tasks = reading(
        dead_letters.GroupDeadTasksRequest,
        dead_letters.GroupDeadTasksResponse,
        f"{{parent={QUEUE}}}/deadTasks:group",
        "tidegate.deadTasks.list",
        ("parent",),
    )
    redrive_dead_tasks = doing(
        dead_letters.RedriveDeadTasksRequest,
        Operation,
        posting(f"{{parent={QUEUE}}}/deadTasks:redrive"),
        "tidegate.deadTasks.redrive",
        ("parent", "names"),
        long_running=BULK,
    )
    purge_dead_tasks = doing(
        dead_letters.PurgeDeadTasksRequest,
        Operation,
        posting(f"{{parent={QUEUE}}}/deadTasks:purge"),
        "tidegate.deadTasks.delete",
        ("parent",),
        long_running=BULK,
    )
    create_fault = doing(
        faults.CreateFaultRequest,
        faults.Fault,
        posting(f"{{parent={QUEUE}}}/faults", "fault"),
        "tidegate.faults.update",
        ("parent", "fault", "fault_id"),
        dev=True,
    )
    list_faults = reading(
        faults.ListFaultsRequest,
        faults.ListFaultsResponse,
        f"{{parent={QUEUE}}}/faults",
        "tidegate.faults.list",
        ("parent",),
        dev=True,
    )
    get_fault = reading(
        faults.GetFaultRequest, faults.Fault, f"{{name={QUEUE}/faults/*}}", "tidegate.faults.list", ("name",), dev=True
    )
    delete_fault = doing(
        faults.DeleteFaultRequest,
        Empty,
        delete(path_of(f"{{name={QUEUE}/faults/*}}")),
        "tidegate.faults.update",
        ("name",),
        default=RETRIED,
        dev=True,
    )
    clear_faults = doing(
        faults.ClearFaultsRequest,
        faults.ClearFaultsResponse,
        posting(f"{LOCATION}/faults:clear"),
        "tidegate.faults.update",
        ("parent",),
        dev=True,
    )
    get_clock = reading(clock.GetClockRequest, clock.Clock, "clock", "tidegate.clock.get")
    advance_clock = doing(
        clock.AdvanceClockRequest,
        clock.Clock,
        posting("clock:advance"),
        "tidegate.clock.update",
        ("duration",),
        dev=True,
    )
    freeze_clock = doing(
        clock.FreezeClockRequest, clock.Clock, posting("clock:freeze"), "tidegate.clock.update", dev=True
    )
    reset_clock = doing(clock.ResetClockRequest, clock.Clock, posting("clock:reset"), "tidegate.clock.update", dev=True)
    run_until_idle = doing(
        clock.RunUntilIdleRequest,
        clock.RunUntilIdleResponse,
        posting("clock:runUntilIdle"),
        "tidegate.clock.update",
        ("parents", "max_virtual"),
        default=WAITING,
        dev=True,
    )
    wait_idle = reading(
        events.WaitIdleRequest,
        events.WaitIdleResponse,
        f"{{parent={QUEUE}}}:waitIdle",
        "tidegate.queues.getStatus",
        ("parent",),
        also=(f"{PROJECT}:waitIdle",),
        default=WAITING,
    )
    watch_events = reading(
        events.WatchEventsRequest,
        events.Event,
        f"{LOCATION}/events:watch",
        "tidegate.events.watch",
        ("parent",),
        also=(f"{PROJECT}/events:watch", f"{EVERYWHERE}/events:watch"),
        default=UNTIMED,
        streams=True,
    )
    export_state = reading(
        state.ExportStateRequest,
        state.StateRecord,
        f"{LOCATION}/state:export",
        "tidegate.state.export",
        ("parent",),
        also=(f"{PROJECT}/state:export", f"{EVERYWHERE}/state:export"),
        default=UNTIMED,
        streams=True,
    )
    import_state = doing(
        state.ImportStateRequest,
        state.ImportStateResponse,
        posting(f"{LOCATION}/state:import"),
        "tidegate.state.import",
        ("parent", "records"),
        also=(posting(f"{PROJECT}/state:import"), posting(f"{EVERYWHERE}/state:import")),
        default=CallDefault(60.0, None),
    )
    list_audit_entries = reading(
        audit.ListAuditEntriesRequest,
        audit.ListAuditEntriesResponse,
        f"{LOCATION}/auditEntries",
        "tidegate.audit.list",
        ("parent",),
        also=(f"{PROJECT}/auditEntries", f"{EVERYWHERE}/auditEntries"),
    )
