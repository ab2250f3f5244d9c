"""What the buttons do: one call each, then back to a page that shows what became of it."""

from __future__ import annotations

from tidegate.console.answer import Answer
from tidegate.console.places import snapshots
from tidegate.console.visit import Visit
from tidegate.core.errors import FailedPrecondition
from tidegate.core.names import QueueName, TaskName
from tidegate.schema.operator import Operator
from tidegate.schema.v2beta3 import CloudTasks


async def pause(visit: Visit, name: QueueName) -> Answer:
    await visit.calls(CloudTasks.pause_queue, name=name)
    return await _back(visit, name, "paused")


async def resume(visit: Visit, name: QueueName) -> Answer:
    await visit.calls(CloudTasks.resume_queue, name=name)
    return await _back(visit, name, "resumed")


async def _back(visit: Visit, name: QueueName, notice: str) -> Answer:
    """To the list when the button stood there, else to the queue."""
    await snapshots(visit).look_again(visit.calls, name)
    if visit.request.sent("back") == "queues":
        return visit.go("queues", notice=notice, queue=name)
    return visit.go(name, notice=notice)


async def ask_purge(visit: Visit, name: QueueName) -> Answer:
    return await _ask(visit, name, "purge")


async def ask_delete(visit: Visit, name: QueueName) -> Answer:
    return await _ask(visit, name, "delete")


async def _ask(visit: Visit, name: QueueName, action: str) -> Answer:
    visit.need(f"cloudtasks.queues.{action}", name)
    status = await visit.calls(Operator.get_queue_status, name=f"{name}/status")
    return visit.page(
        "sure.html",
        title=f"{action.capitalize()} {name.queue}?",
        section="queues",
        name=name,
        action=action,
        status=status,
    )


async def purge(visit: Visit, name: QueueName) -> Answer:
    _check_typed(visit, name)
    await visit.calls(CloudTasks.purge_queue, name=name)
    return await _back(visit, name, "purged")


async def delete(visit: Visit, name: QueueName) -> Answer:
    _check_typed(visit, name)
    await visit.calls(CloudTasks.delete_queue, name=name)
    await snapshots(visit).look_again(visit.calls, name)
    return visit.go("queues", notice="deleted")


def _check_typed(visit: Visit, name: QueueName) -> None:
    if visit.request.sent("typed").strip() != name.queue:
        raise FailedPrecondition(f"Nothing was changed: what was typed is not {name.queue}.")


async def run_task(visit: Visit, name: TaskName) -> Answer:
    await visit.calls(CloudTasks.run_task, name=name)
    return visit.go(name, notice="ran")


async def delete_task(visit: Visit, name: TaskName) -> Answer:
    await visit.calls(CloudTasks.delete_task, name=name)
    return visit.go(name.parent, notice="deleted")
