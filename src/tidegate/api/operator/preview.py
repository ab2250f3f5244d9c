"""What settings would mean for a queue."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from tidegate.api.handlers.queues import unset_queue
from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_duration
from tidegate.api.v2beta3 import V2beta3
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.preview import drain_time, preview_retries
from tidegate.core.queue import Kind
from tidegate.core.validation import check_queue, settle_queue
from tidegate.schema.operator import PreviewRetriesResponse

_DIALECT: Final = V2beta3()


async def preview_retries_of(parts: Parts, request: Any, name: QueueName, call: Any) -> Any:
    """The queue's own settings, with those of the request in their place, checked as UpdateQueue checks them."""
    if request.backlog < 0:
        raise InvalidArgument(f"PreviewRetriesRequest.backlog must not be negative, but is {request.backlog}.")
    engine = parts.engine
    stored = await engine.queues.get(name)
    message = _DIALECT.messages.Queue(retry_config=request.retry_config, rate_limits=request.rate_limits)
    sent = replace(_DIALECT.read_queue(message, unset_queue(name)), kind=stored.kind)
    check_queue(sent, engine.operator_rules.ceilings)
    tried = settle_queue(sent, engine.operator_rules.ceilings)
    retry = tried.retry_config if request.HasField("retry_config") else stored.retry_config
    limits = tried.rate_limits if request.HasField("rate_limits") else stored.rate_limits
    response = PreviewRetriesResponse.pb()()
    preview = preview_retries(retry)
    for number, at in enumerate(preview.attempts, start=1):
        put_duration(response.attempts.add(number=number).at, at)
    if preview.gives_up_at is not None:
        put_duration(response.gives_up_at, preview.gives_up_at)
    response.backlog = request.backlog
    if not request.backlog:
        for stats in (await engine.queues.stats([name])).values():
            response.backlog = stats.tasks
    drained = drain_time(response.backlog, limits) if stored.kind is Kind.PUSH else None
    if drained is not None:
        put_duration(response.drain_time, drained)
    return response
