"""Errors about queues, tasks and operations that are missing, taken or in the wrong state.

Each text is written once, here. The functions return the error: ``raise queue_missing()``. Texts were recorded from the
service unless a docstring says that the text is ours.
"""

from __future__ import annotations

from tidegate.core.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.names import REFERENCE


def not_found() -> NotFound:
    """DeleteQueue of a missing queue; GetTask, DeleteTask and RunTask of an unknown task; an unknown operation."""
    return NotFound("Requested entity was not found.")


def invalid() -> InvalidArgument:
    """The general text for an invalid request, which names no field."""
    return InvalidArgument("Request contains an invalid argument.")


# --- queues -----------------------------------------------------------------------------------------------------------


def queue_missing() -> NotFound:
    """Any call on a missing queue. DeleteQueue, GetTask and DeleteTask raise ``not_found`` instead."""
    return NotFound(
        "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
    )


def queue_exists() -> AlreadyExists:
    return AlreadyExists("Queue already exists")


def queue_existed_recently() -> FailedPrecondition:
    """CreateQueue, and UpdateQueue that would create, while a deleted queue still holds the name."""
    return FailedPrecondition("The queue cannot be created because a queue with this name existed too recently.")


def listed_queue_existed_recently(queue: str) -> FailedPrecondition:
    """The same for a queue of a queue.yaml. The text is ours: it names the queue, for the file has several."""
    return FailedPrecondition(f"Queue '{queue}' cannot be created because a queue with this name existed too recently.")


def queue_not_running() -> FailedPrecondition:
    """LeaseTasks on a queue that is paused or disabled. The text is ours."""
    return FailedPrecondition("Tasks cannot be leased while the queue is paused or disabled.")


def queue_not_pull() -> InvalidArgument:
    """A lease call on a push queue. The text is ours."""
    return InvalidArgument("Tasks can be leased from pull queues only.")


def buffer_without_host() -> FailedPrecondition:
    """BufferTask on a queue whose routing has no host. The text is ours."""
    return FailedPrecondition("Queue.http_target.uri_override.host must be set to buffer tasks.")


def buffer_under_key() -> FailedPrecondition:
    """BufferTask in a location that has a key. The text is ours."""
    return FailedPrecondition("Tasks cannot be buffered in a location with CMEK enabled.")


# --- tasks ------------------------------------------------------------------------------------------------------------


def task_exists() -> AlreadyExists:
    """CreateTask with the ID of a living task."""
    return AlreadyExists("Requested entity already exists")


def task_existed_recently() -> AlreadyExists:
    """CreateTask with the ID of a task that finished or was deleted a short while ago."""
    return AlreadyExists(
        "The task cannot be created because a task with this name existed too recently. "
        "For more information about task de-duplication see "
        f"{REFERENCE}/projects.locations.queues.tasks/create#body.request_body.FIELDS.task."
    )


def task_gone() -> NotFound:
    """GetTask of a task that finished or was deleted a short while ago; other calls raise ``not_found``."""
    return NotFound(
        "The task no longer exists, though a task with this name existed recently. "
        "The task either successfully completed or was deleted."
    )


def task_too_large() -> InvalidArgument:
    return InvalidArgument("Task size too large")


def task_not_runnable() -> InvalidArgument:
    """RunTask of a pull task. The text is ours."""
    return InvalidArgument("Tasks in pull queues cannot be run; lease them.")


def other_queue_type() -> FailedPrecondition:
    """A dead task that is to go into a queue of the other type. The text is ours."""
    return FailedPrecondition("The task cannot go into a queue of another type: pull tasks go into pull queues only.")


def lease_lost() -> FailedPrecondition:
    """Acknowledge, renew or cancel with another schedule time than the task's, or too late. The text is ours."""
    return FailedPrecondition("The task's lease has expired or is held by another worker.")


# --- operations -------------------------------------------------------------------------------------------------------


def operation_exists(operation: str) -> InvalidArgument:
    """A batch whose ``request_id`` an earlier batch has used."""
    return InvalidArgument(f"Duplicate operation id in the batch request: {operation}")
