"""Batches of creates and deletes: what fails the call, and how single entries fail (rpcs, Long-running operations)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from tidegate.core.errors import Aborted, InvalidArgument
from tidegate.core.names import OPERATION_ID, QueueName, TaskName, check_task_name, parse_task_name
from tidegate.core.refusals import invalid

BATCH_CREATE_MAX: Final = 100  # https://cloud.google.com/tasks/docs/quotas
BATCH_DELETE_MAX: Final = 1000


class NoDeleteSucceeded(Aborted):
    """The error of the operation when every name of a batch of deletes failed."""

    def __init__(self) -> None:
        super().__init__(
            "None of the requests succeeded, refer to BatchDeleteTasksMetadata.failed_requests for individual error "
            "details"
        )


def too_many_creates(count: int | str) -> InvalidArgument:
    """The error for a batch of that many creates."""
    return InvalidArgument(
        f"A maximum of {BATCH_CREATE_MAX} tasks can be created in a single batch, but got {count} tasks."
    )


def too_many_deletes(count: int | str) -> InvalidArgument:
    """The error for a batch of that many deletes."""
    return InvalidArgument(
        f"A maximum of {BATCH_DELETE_MAX} tasks can be handled in a batch, but {count} were requested."
    )


def check_create_count(count: int) -> None:
    """Check how many tasks a batch has, before any of them is read."""
    if not count:
        raise InvalidArgument("Request must contain at least one task.")
    if count > BATCH_CREATE_MAX:
        raise too_many_creates(count)


def check_create_batch(queue: QueueName, parents: Sequence[str], names: Iterable[str], request_id: str) -> None:
    """Check a batch of creates as a whole: the parent and the task name of each entry, empty for a generated one."""
    check_create_count(len(parents))
    _check_request_id(request_id)
    for parent in parents:
        if parent != queue:
            raise InvalidArgument(
                "All tasks in a batch request must target the same queue. "
                f"Found task for queue {parent} in batch request for queue {queue}."
            )
    named = [name for name in names if name]
    for name in named:
        check_task_name(name, queue)
    _check_distinct(named)


def check_delete_batch(names: Sequence[str], request_id: str) -> None:
    """Check a batch of deletes as a whole. A bad name fails only its own entry, in ``check_deleted_name``."""
    if not names:
        raise invalid()
    if len(names) > BATCH_DELETE_MAX:
        raise too_many_deletes(len(names))
    _check_request_id(request_id)


def check_deleted_name(name: str, queue: QueueName) -> TaskName:
    """The task that one name of a batch of deletes means. Its InvalidArgument fails that entry, not the call."""
    try:
        parse_task_name(name)
    except InvalidArgument as error:
        raise InvalidArgument(f"Invalid task name: {error.message}") from None
    return check_task_name(name, queue)


def _check_distinct(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidArgument(f"Duplicate task name in the batch request: {name}")
        seen.add(name)


def _check_request_id(request_id: str) -> None:
    if request_id and not re.fullmatch(OPERATION_ID, request_id):
        raise InvalidArgument(
            "request_id can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). "
            "It must be between 1 and 100 characters."
        )
