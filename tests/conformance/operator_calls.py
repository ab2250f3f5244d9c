"""The table of the operator's calls: each method with a success, a failure and bad input, the same in three ways.

``CALLS`` are made in their order, each over gRPC, REST and the client. A call that changes something must leave the
same, however often it is made, or be about something that each way has for itself: ``WAY`` stands for its number. There
are dead tasks, faults and an operation that has ended. ``STREAMS`` are those of methods that answer more than once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc

LOCATION = "projects/p/locations/us-central1"
QUEUE = f"{LOCATION}/queues/q"
OTHER = f"{LOCATION}/queues/other"
TASK = f"{QUEUE}/tasks/waiting"
NONE = f"{LOCATION}/queues/none"
DYING = f"{LOCATION}/queues/dying"
"""Its tasks are given up after an attempt that found nobody."""
WAY = "WAY"
OPERATION = f"{LOCATION}/operations/ENDED"
"""Stands for the name of an operation that has ended."""


class Call(NamedTuple):
    """A call and the name of the code that it must get."""

    row: Rpc[Any, Any]
    fields: dict[str, Any]
    code: str = "OK"


def call(row: Rpc[Any, Any], code: str = "OK", **fields: Any) -> Call:
    return Call(row, fields, code)


O = Operator  # noqa: E741 - it stands in every line
BAD = "INVALID_ARGUMENT"
CALLS = [
    call(O.get_server),
    call(O.drain),
    call(O.drain, BAD, node="other:1"),
    call(O.undrain),
    call(O.undrain, BAD, node="other:1"),
    call(O.list_nodes),
    call(O.get_queue_status, name=f"{QUEUE}/status"),
    call(O.get_queue_status, "NOT_FOUND", name=f"{NONE}/status"),
    call(O.get_queue_status, BAD, name=f"{QUEUE}/status".replace("queues", "things")),
    call(O.list_queue_statuses, parent=LOCATION, order_by="depth desc, name", page_size=1),
    call(O.list_queue_statuses, parent=LOCATION, filter="depth>0 state=RUNNING"),
    call(O.list_queue_statuses, BAD, parent=LOCATION, order_by="nothing"),
    call(O.list_queue_statuses, BAD, parent=LOCATION, page_size=-1),
    call(O.get_queue_options, name=f"{QUEUE}/options"),
    call(O.get_queue_options, "NOT_FOUND", name=f"{NONE}/options"),
    call(
        O.update_queue_options,
        options={"name": f"{OTHER}/options", "attempts": {"keep": "ALL", "per_task": 5}},
        update_mask="attempts.keep,attempts.perTask",
    ),
    call(O.update_queue_options, "NOT_FOUND", options={"name": f"{NONE}/options"}),
    call(O.update_queue_options, BAD, options={"name": f"{QUEUE}/options"}, update_mask="nothing"),
    call(O.preview_retries, queue=QUEUE, retry_config={"max_attempts": 3, "min_backoff": "10s"}, backlog=100),
    call(O.preview_retries, "NOT_FOUND", queue=NONE),
    call(O.preview_retries, BAD, queue=QUEUE, backlog=-1),
    call(O.query_time_series, parent=LOCATION, queues=[QUEUE], metric="DEPTH"),
    call(O.query_time_series, BAD, parent=LOCATION),
    call(O.search_tasks, parent=QUEUE, filter='task_id>="a"', page_size=1),
    call(O.search_tasks, parent=QUEUE, filter="url_host=handler.test", response_view="FULL"),
    call(O.search_tasks, "NOT_FOUND", parent=NONE),
    call(O.search_tasks, BAD, parent=QUEUE, filter="nothing=1"),
    call(O.bulk_delete_tasks, parent=QUEUE, filter="task_id:none", validate_only=True),
    call(O.bulk_delete_tasks, BAD, parent=QUEUE),
    call(O.bulk_run_tasks, parent=QUEUE, filter="task_id:none", validate_only=True),
    call(O.bulk_run_tasks, BAD, parent=QUEUE),
    call(O.bulk_reschedule_tasks, parent=QUEUE, filter="task_id:none", validate_only=True),
    call(O.bulk_reschedule_tasks, BAD, parent=QUEUE),
    call(O.list_attempts, parent=TASK),
    call(O.list_attempts, parent=QUEUE),
    call(O.list_attempts, "NOT_FOUND", parent=NONE),
    call(O.list_attempts, BAD, parent=QUEUE, filter="nothing=1"),
    call(O.list_attempts, parent=DYING, filter="outcome=NO_ANSWER", page_size=2),
    call(O.get_attempt, name=f"{DYING}/tasks/d1/attempts/1"),
    call(O.get_attempt, "NOT_FOUND", name=f"{TASK}/attempts/7"),
    call(O.get_attempt, BAD, name=f"{TASK}/attempts/x"),
    call(O.render_request, name=TASK, format="HTTP"),
    call(O.render_request, "NOT_FOUND", name=f"{QUEUE}/tasks/none"),
    call(O.render_request, BAD, name=TASK, attempt=-1),
    call(O.render_request, name=TASK, format="CURL"),
    call(O.replay_task, name=TASK, url="http://127.0.0.1:1/"),
    call(O.replay_task, "NOT_FOUND", name=f"{QUEUE}/tasks/none"),
    call(O.replay_task, BAD, name=TASK, body_limit=-1),
    call(O.list_dead_tasks, parent=QUEUE),
    call(O.list_dead_tasks, "NOT_FOUND", parent=NONE),
    call(O.list_dead_tasks, parent=DYING, filter="reason=ATTEMPTS"),
    call(O.list_dead_tasks, BAD, parent=DYING, filter="nothing=1"),
    call(O.get_dead_task, name=f"{DYING}/deadTasks/1"),
    call(O.get_dead_task, "NOT_FOUND", name=f"{QUEUE}/deadTasks/1"),
    call(O.get_dead_task, BAD, name="nothing"),
    call(O.redrive_dead_tasks, "NOT_FOUND", parent=NONE, filter="name:*"),
    call(O.redrive_dead_tasks, parent=DYING, to_queue=QUEUE, validate_only=True),
    call(O.group_dead_tasks, parent=DYING),
    call(O.group_dead_tasks, "NOT_FOUND", parent=NONE),
    call(O.delete_dead_task, name=f"{DYING}/deadTasks/{WAY}"),
    call(O.delete_dead_task, "NOT_FOUND", name=f"{QUEUE}/deadTasks/1"),
    call(O.delete_dead_task, BAD, name="nothing"),
    call(O.group_dead_tasks, parent=QUEUE),
    call(O.group_dead_tasks, BAD, parent=QUEUE, filter="nothing=1"),
    call(O.redrive_dead_tasks, parent=QUEUE, validate_only=True),
    call(O.redrive_dead_tasks, BAD, parent=QUEUE, to_queue="nowhere"),
    call(O.purge_dead_tasks, parent=QUEUE, validate_only=True),
    call(O.purge_dead_tasks, "NOT_FOUND", parent=NONE, filter="name:*"),
    call(O.purge_dead_tasks, BAD, parent=QUEUE, filter="nothing=1"),
    call(O.get_clock),
    call(O.freeze_clock),
    call(O.advance_clock, BAD),
    call(O.advance_clock, duration="0s"),
    call(O.advance_clock, "FAILED_PRECONDITION", to_next_due=True),
    call(O.run_until_idle, parents=[OTHER], timeout="5s"),
    call(O.run_until_idle, "NOT_FOUND", parents=[NONE]),
    call(O.run_until_idle, BAD, timeout="61s"),
    call(O.explain_task, name=TASK),
    call(O.explain_task, name=f"{QUEUE}/tasks/never"),
    call(O.explain_task, "NOT_FOUND", name=f"{NONE}/tasks/never"),
    call(O.explain_task, BAD, name=QUEUE),
    call(O.explain_queue, name=QUEUE),
    call(O.explain_queue, "NOT_FOUND", name=NONE),
    call(O.create_fault, BAD, parent=OTHER, fault={}),
    call(O.create_fault, "NOT_FOUND", parent=NONE, fault={"hang": {}}),
    call(O.get_fault, name=f"{OTHER}/faults/f{WAY}"),
    call(O.delete_fault, name=f"{OTHER}/faults/f{WAY}"),
    call(O.get_fault, BAD, name="nothing"),
    call(O.delete_fault, BAD, name="nothing"),
    call(O.get_fault, "NOT_FOUND", name=f"{OTHER}/faults/none"),
    call(O.delete_fault, "NOT_FOUND", name=f"{OTHER}/faults/none"),
    call(O.clear_faults, parent=LOCATION),
    call(O.list_faults, parent=OTHER),
    call(O.list_faults, "NOT_FOUND", parent=NONE),
    call(O.list_faults, BAD, parent=OTHER, page_size=-1),
    call(O.reset_clock),
    call(O.run_until_idle, BAD, parents=["nothing"]),
    call(O.wait_idle, parent=OTHER, timeout="1s"),
    call(O.wait_idle, "NOT_FOUND", parent=NONE),
    call(O.wait_idle, BAD, parent=OTHER, timeout="3600s"),
    call(O.import_state, parent=LOCATION, records=[]),
    call(O.import_state, BAD, parent="nothing", records=[]),
    call(O.get_operation, name=OPERATION),
    call(O.cancel_operation, name=OPERATION),
    call(O.get_operation, BAD, name="nothing"),
    call(O.bulk_delete_tasks, "NOT_FOUND", parent=NONE, filter="name:*"),
    call(O.bulk_run_tasks, "NOT_FOUND", parent=NONE, filter="name:*"),
    call(O.bulk_reschedule_tasks, "NOT_FOUND", parent=NONE, filter="name:*"),
    call(O.search_tasks, parent=QUEUE, order_by="schedule_time desc"),
    call(O.search_tasks, BAD, parent=QUEUE, order_by="nothing"),
    call(O.get_operation, "NOT_FOUND", name=f"{LOCATION}/operations/none"),
    call(O.list_operations, name=LOCATION),
    call(O.list_operations, BAD, name=LOCATION, filter="nothing=1"),
    call(O.cancel_operation, "NOT_FOUND", name=f"{LOCATION}/operations/none"),
    call(O.cancel_operation, BAD, name="nothing"),
    call(O.list_audit_entries, "FAILED_PRECONDITION", parent=LOCATION),
    call(O.list_audit_entries, BAD, parent="nothing"),
    call(O.create_fault, parent=OTHER, fault={"match": {"task_prefix": "none"}, "delay": {"duration": "1s"}}),
    call(O.create_fault, BAD, parent=OTHER, fault={"status": {"code": 99}}),
    call(O.clear_faults, BAD, parent="nothing"),
    call(O.get_queue_options, BAD, name="nothing"),
    call(O.explain_queue, BAD, name="nothing"),
    call(O.list_queue_statuses, parent=LOCATION, filter="name:none"),
    call(O.query_time_series, parent=LOCATION, queues=[NONE], metric="DEPTH"),
    call(O.query_time_series, BAD, parent=LOCATION, queues=["projects/other/locations/l/queues/q"], metric="DEPTH"),
    call(O.import_state, parent=LOCATION, records=[{"task": {"name": f"{NONE}/tasks/t"}}]),
    call(O.list_operations, name="projects/p/locations/nowhere"),
]
STREAMS = [
    call(O.watch_events, parent="-", replay_last=1),
    call(O.watch_events, BAD, parent="-", replay_last=-1),
    call(O.watch_events, BAD, parent="-", cursor="nothing"),
    call(O.export_state, parent=LOCATION),
    call(O.export_state, BAD, parent="nothing"),
    call(O.export_state, "NOT_FOUND", parent=LOCATION, queues=[NONE]),
    call(O.watch_events, BAD, parent="nothing"),
]
WITHOUT_DEV = [
    call(row, "FAILED_PRECONDITION", **fields)
    for row, fields in (
        (O.advance_clock, {"duration": "1s"}),
        (O.freeze_clock, {}),
        (O.reset_clock, {}),
        (O.run_until_idle, {"parents": [OTHER]}),
        (O.reset_server, {}),
        (O.create_fault, {"parent": OTHER, "fault": {"hang": {}}}),
        (O.list_faults, {"parent": OTHER}),
        (O.get_fault, {"name": f"{OTHER}/faults/f"}),
        (O.delete_fault, {"name": f"{OTHER}/faults/f"}),
        (O.clear_faults, {"parent": LOCATION}),
    )
]
"""Of a server that was not started with ``dev``."""
LAST = [call(O.reset_server)]
"""After it there is no task, so it is made when all others were."""
