"""The dialect of v2beta2: the oldest names, and the only version that leases."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tidegate.api.dialect import Messages
from tidegate.api.shared_messages import (
    read_http_target,
    read_retry,
    read_routing,
    write_attempt,
    write_http_target,
    write_routing,
    write_waits,
)
from tidegate.api.times import put_moment, put_span, read_duration
from tidegate.api.v2beta3 import V2beta3
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Kind, Queue, RateLimits, RetryConfig
from tidegate.core.task import PullMessage, Task
from tidegate.core.validation import check_attempts
from tidegate.schema import v2beta2


class V2beta2(V2beta3):
    messages = Messages(v2beta2)
    services = v2beta2.SERVICES
    relative_uri = "relative_url"
    app_engine_body = "payload"

    def read_queue(self, message: Any, base: Queue) -> Queue:
        limits = message.rate_limits
        queue = replace(
            base,
            rate_limits=RateLimits(
                limits.max_tasks_dispatched_per_second, limits.max_burst_size, limits.max_concurrent_tasks
            ),
            retry_config=self.read_retry_config(message.retry_config),
            task_ttl=read_duration(message.task_ttl).timedelta(),
            tombstone_ttl=read_duration(message.tombstone_ttl).timedelta(),
        )
        # A queue that was made in another version may have two targets. The one that this version cannot show stays.
        hidden = None if base.http_target is None else base.app_engine_routing
        member = message.WhichOneof("target_type")
        if member == "pull_target":
            return replace(queue, kind=Kind.PULL)
        if member == "http_target":
            target = read_http_target(message.http_target)
            return replace(queue, kind=Kind.PUSH, http_target=target, app_engine_routing=hidden)
        if member is None:
            return replace(queue, http_target=None, app_engine_routing=hidden)
        holder = message.app_engine_http_target
        routed = holder.HasField("app_engine_routing_override")
        routing = read_routing(holder.app_engine_routing_override) if routed else None
        return replace(queue, kind=Kind.PUSH, http_target=None, app_engine_routing=routing)

    def write_queue(self, queue: Queue, into: Any) -> Any:
        into.name = queue.name
        if queue.kind is Kind.PULL:
            into.pull_target.SetInParent()
        elif queue.http_target is not None:
            write_http_target(queue.http_target, into.http_target)
        else:
            into.app_engine_http_target.SetInParent()
            if queue.app_engine_routing is not None:
                write_routing(queue.app_engine_routing, into.app_engine_http_target.app_engine_routing_override)
        limits = into.rate_limits
        limits.max_tasks_dispatched_per_second = queue.rate_limits.max_dispatches_per_second
        limits.max_burst_size = queue.rate_limits.max_burst_size
        limits.max_concurrent_tasks = queue.rate_limits.max_concurrent_dispatches
        self.write_retry_config(queue.retry_config, into.retry_config)
        into.state = queue.state
        if queue.purge_time is not None:
            put_moment(into.purge_time, queue.purge_time)
        put_span(into.task_ttl, queue.task_ttl)
        put_span(into.tombstone_ttl, queue.tombstone_ttl)
        return into

    def read_retry_config(self, message: Any) -> RetryConfig:
        if message.HasField("max_attempts"):
            check_attempts(message.max_attempts)
        return read_retry(message, UNLIMITED_ATTEMPTS if message.unlimited_attempts else message.max_attempts)

    def write_retry_config(self, retry: RetryConfig, into: Any) -> None:
        if retry.max_attempts == UNLIMITED_ATTEMPTS:
            into.unlimited_attempts = True
        else:
            into.max_attempts = retry.max_attempts
        write_waits(retry, into)

    def read_deadline(self, message: Any) -> None:
        """None: this version has no dispatch deadline."""

    def write_attempts(self, task: Task, into: Any) -> None:
        status = into.status
        status.attempt_dispatch_count = task.dispatch_count
        if not isinstance(task.target, PullMessage):  # a leased task shows the count alone
            status.attempt_response_count = task.response_count
            if task.first_dispatch_time is not None:
                put_moment(status.first_attempt_status.dispatch_time, task.first_dispatch_time)
            newest = task.newest_attempt
            if newest is not None:
                write_attempt(newest, status.last_attempt_status)
