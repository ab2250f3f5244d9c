"""Work on many tasks at once: beginning it, and how far it is."""

from __future__ import annotations

from typing import Any, Final

from google.longrunning.operations_proto_pb2 import Operation

from tidegate.console.answer import Answer
from tidegate.console.places import from_each, locations
from tidegate.console.queue_head import head_of
from tidegate.console.snapshot import moment
from tidegate.console.tasks_table import filter_of
from tidegate.console.views.create_task import read_moment
from tidegate.console.visit import Visit
from tidegate.core.errors import FailedPrecondition, InvalidArgument, Unimplemented
from tidegate.core.names import QUEUE, QueueName
from tidegate.schema.operator import BulkMetadata, BulkResult, Operator
from tidegate.schema.rpc import Rpc

EVERY_TASK: Final = "name:*"
PAGE_SIZE: Final = 100
VERBS: Final = {
    "BulkDeleteTasks": "Delete tasks",
    "BulkRunTasks": "Run tasks",
    "BulkRescheduleTasks": "Reschedule tasks",
    "RedriveDeadTasks": "Redrive dead letters",
    "PurgeDeadTasks": "Purge dead letters",
}
ROWS: Final[dict[str, Rpc[Any, Any]]] = {
    "delete": Operator.bulk_delete_tasks,
    "run": Operator.bulk_run_tasks,
    "reschedule": Operator.bulk_reschedule_tasks,
}


async def ask(visit: Visit, name: QueueName) -> Answer:
    """How many tasks the filter of the list chooses, and what may be done with them."""
    visit.need("cloudtasks.tasks.delete", name)
    asked = visit.request.asked
    chosen = filter_of(asked("q"), asked("state"), visit.now) or EVERY_TASK
    counted = await visit.calls(Operator.bulk_delete_tasks, parent=name, filter=chosen, validate_only=True)
    return visit.page(
        "bulk.html",
        title=f"Many tasks of {name.queue}",
        section="queues",
        head=await head_of(visit, name, ""),
        query=asked("q"),
        state=asked("state"),
        chosen=chosen,
        matched=_result(counted).matched,
    )


async def begin(visit: Visit, name: QueueName) -> Answer:
    """Begin the work with the tasks that are selected, or that the filter chooses."""
    sent = visit.request.sent
    row = ROWS.get(sent("do"))
    if row is None:
        raise InvalidArgument("Only run, delete and reschedule are known here.")
    names = list(visit.request.form.get("name", ()))
    if not names and not sent("filter"):
        raise FailedPrecondition("Nothing was changed: no task was selected.")
    request = row.request_pb(parent=name, names=names, filter="" if names else sent("filter"))
    if sent("do") == "reschedule" and sent("at").strip():
        request.at.FromDatetime(read_moment(sent("at").strip(), visit.now))
    await visit.calls(row, request)
    if names:
        return visit.go(name, notice="started")
    return visit.go("operations", notice="started")


async def operations(visit: Visit) -> Answer:
    built = True
    try:
        places = [each for each in await locations(visit) if visit.sees("tidegate.operations.list", each)]
        answers = await from_each(visit, Operator.list_operations, places, field="name", page_size=PAGE_SIZE)
    except Unimplemented:
        answers, built = [], False
    rows = [_row(operation) for _, answer in answers for operation in answer.operations]
    rows.sort(key=lambda row: (row["done"], -(row["start"].timestamp() if row["start"] else 0.0)))
    return visit.page("operations.html", title="Operations", section="operations", rows=rows[:PAGE_SIZE], built=built)


async def stop(visit: Visit) -> Answer:
    await visit.calls(Operator.cancel_operation, name=visit.request.sent("name"))
    return visit.go("operations", notice="stopped")


def _row(operation: Any) -> dict[str, Any]:
    about = BulkMetadata.pb()()
    about.MergeFromString(operation.metadata.value)
    state = BulkMetadata.State(about.state).name.lower().replace("_", " ")
    kind = {"running": "busy", "succeeded": "ok", "failed": "bad", "partially succeeded": "warn"}.get(state, "")
    return {
        "name": operation.name,
        "verb": VERBS.get(about.verb.rpartition(".")[2], about.verb),
        "queue": QUEUE.parse(about.target),
        "target": about.target,
        "state": state.capitalize(),
        "kind": kind,
        "done": operation.done,
        "start": moment(about, "start_time"),
        "end": moment(about, "end_time"),
        "matched": about.matched,
        "changed": about.changed,
        "failed": about.failed,
        "percent": about.progress_percent,
        "error": operation.error.message if operation.WhichOneof("result") == "error" else "",
    }


def _result(operation: Operation) -> Any:
    result = BulkResult.pb()()
    result.MergeFromString(operation.response.value)
    return result
