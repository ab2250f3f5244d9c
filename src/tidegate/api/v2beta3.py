"""The dialect of v2beta3: v2 with pull queues, a burst and lifetimes that can be set, and App Engine in a message."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tidegate.api.dialect import Messages
from tidegate.api.times import put_moment, put_span, read_duration
from tidegate.api.v2 import V2
from tidegate.core import refusals
from tidegate.core.queue import Kind, Queue
from tidegate.core.stats import QueueStats
from tidegate.schema import v2beta3
from tidegate.schema.rpc import Service


class V2beta3(V2):
    messages = Messages(v2beta3)
    services: tuple[type[Service], ...] = v2beta3.SERVICES
    fixed = frozenset({("name",), ("state",), ("purge_time",), ("stats",)})
    push_only = False
    masks_answers = True
    target_oneof = "payload_type"

    def read_queue(self, message: Any, base: Queue) -> Queue:
        plain = super().read_queue(message, base)
        return replace(
            plain,
            kind=_read_kind(message.type_, base.kind),
            rate_limits=replace(plain.rate_limits, max_burst_size=message.rate_limits.max_burst_size),
            task_ttl=read_duration(message.task_ttl).timedelta(),
            tombstone_ttl=read_duration(message.tombstone_ttl).timedelta(),
        )

    def write_queue(self, queue: Queue, into: Any) -> Any:
        super().write_queue(queue, into)
        into.type_ = queue.kind
        put_span(into.task_ttl, queue.task_ttl)
        put_span(into.tombstone_ttl, queue.tombstone_ttl)
        return into

    def write_stats(self, stats: QueueStats, into: Any) -> None:
        into.tasks_count = stats.tasks
        if stats.next_due is not None:
            put_moment(into.oldest_estimated_arrival_time, stats.next_due)
        into.executed_last_minute_count = stats.executed_last_minute
        into.concurrent_dispatches_count = stats.in_flight
        into.effective_execution_rate = stats.effective_rate

    def routing_holder(self, message: Any) -> Any:
        return message.app_engine_http_queue


def _read_kind(sent: int, unset: Kind) -> Kind:
    """The kind of queue by its number; 0 leaves it as it is."""
    if not sent:
        return unset
    try:
        return Kind(sent)
    except ValueError:
        raise refusals.invalid() from None
