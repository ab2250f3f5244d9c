"""Pull queues, which v2 does not know: for its callers they are not there (schema, Translate at the edge)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from tidegate.api.dialect import Dialect
from tidegate.core import refusals
from tidegate.core.errors import NotFound
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind
from tidegate.engine.engine import Engine

Handler: TypeAlias = Callable[[Engine, Dialect, Any, Any], Awaitable[Any]]
"""Engine, dialect, request, and the name the call is routed by, which has passed the gate."""

# The calls that must know before they do anything. What shows a queue or a task finds out when it writes the answer,
# UpdateQueue when it reads what is stored; those that list, make and delete tasks check what they were sent before they
# look for the queue, and leave it to the engine.
MISSING: Mapping[str, Callable[[], NotFound]] = {
    "pause_queue": refusals.queue_missing,
    "resume_queue": refusals.queue_missing,
    "purge_queue": refusals.queue_missing,
    "delete_queue": refusals.not_found,
    "get_iam_policy": refusals.queue_missing,
    "set_iam_policy": refusals.queue_missing,
    "test_iam_permissions": refusals.queue_missing,
    "run_task": refusals.queue_missing,
}
"""What each call says about a queue that is not there."""


def hiding_pull_queues(rpc: str, handler: Handler) -> Handler:
    """The handler of an RPC, for a version in which nobody can name a pull queue."""
    missing = MISSING.get(rpc)
    if missing is None:
        return handler

    async def hiding(engine: Engine, dialect: Dialect, request: Any, name: QueueName | TaskName) -> Any:
        if await _is_pull(engine, name if isinstance(name, QueueName) else name.parent):
            raise missing()
        return await handler(engine, dialect, request, name)

    return hiding


async def _is_pull(engine: Engine, queue: QueueName) -> bool:
    try:
        return (await engine.queues.get(queue)).kind is Kind.PULL
    except NotFound:
        return False  # the handler has its own words for that
