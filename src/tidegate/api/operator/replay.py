"""A task sent once more, without touching it."""

from __future__ import annotations

from typing import Any

from tidegate.api.operator.attempt_messages import write_attempt_record
from tidegate.api.operator.parts import Parts
from tidegate.core.attempt_record import BODY_KEPT
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import TaskName
from tidegate.schema.operator import Attempt


async def replay_task(parts: Parts, request: Any, name: TaskName, call: Any) -> Any:
    """What came of it, as an attempt that is kept nowhere."""
    limit = request.body_limit
    if not 0 <= limit <= BODY_KEPT:
        raise InvalidArgument(f"ReplayTaskRequest.bodyLimit must be between 0 and {BODY_KEPT}, but is {limit}.")
    record = await parts.engine.replays.send(name, request.url)
    attempt = write_attempt_record(name, record, Attempt.pb()())
    if limit and attempt.response.body_start:
        attempt.response.body_start = attempt.response.body_start[:limit]
    return attempt
