"""The dialect of v2: push queues only, every setting under its plain name."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tidegate.api.dialect import Dialect, Messages
from tidegate.api.shared_messages import (
    read_headers,
    read_http_request,
    read_http_target,
    read_retry,
    read_routing,
    write_attempt,
    write_http_request,
    write_http_target,
    write_routing,
    write_waits,
)
from tidegate.api.task_bytes import TaskBytes
from tidegate.api.times import put_moment, put_span, read_duration
from tidegate.api.views import FULL
from tidegate.core.queue import Queue, RateLimits, RetryConfig
from tidegate.core.stats import QueueStats
from tidegate.core.task import AppEngineRequest, HttpRequest, Task
from tidegate.core.times import Duration
from tidegate.core.validation import AppEngineDraft, HttpDraft, PullDraft, TaskDraft
from tidegate.schema import v2
from tidegate.schema.rpc import Service


class V2(Dialect):
    messages = Messages(v2)
    services: tuple[type[Service], ...] = v2.SERVICES
    fixed = frozenset({("name",), ("state",), ("purge_time",), ("rate_limits", "max_burst_size")})
    push_only = True
    masks_answers = False
    target_oneof = "message_type"
    relative_uri = "relative_uri"
    app_engine_body = "body"

    def __init__(self) -> None:
        self.task_bytes = TaskBytes(self.messages.Task, self.write_task)

    def read_queue(self, message: Any, base: Queue) -> Queue:
        limits = message.rate_limits
        # A caller of v2 cannot set the burst. One that came from a queue.yaml is replaced by that of the new rate.
        burst = 0 if base.from_yaml else base.rate_limits.max_burst_size
        holder = self.routing_holder(message)
        routed = holder.HasField("app_engine_routing_override")
        return replace(
            base,
            rate_limits=RateLimits(limits.max_dispatches_per_second, burst, limits.max_concurrent_dispatches),
            retry_config=self.read_retry_config(message.retry_config),
            http_target=read_http_target(message.http_target) if message.HasField("http_target") else None,
            app_engine_routing=read_routing(holder.app_engine_routing_override) if routed else None,
            sampling_ratio=message.stackdriver_logging_config.sampling_ratio,
        )

    def write_queue(self, queue: Queue, into: Any) -> Any:
        into.name = queue.name
        if queue.app_engine_routing is not None:
            write_routing(queue.app_engine_routing, self.routing_holder(into).app_engine_routing_override)
        limits = into.rate_limits
        limits.max_dispatches_per_second = queue.rate_limits.max_dispatches_per_second
        limits.max_burst_size = queue.rate_limits.max_burst_size
        limits.max_concurrent_dispatches = queue.rate_limits.max_concurrent_dispatches
        self.write_retry_config(queue.retry_config, into.retry_config)
        into.state = queue.state
        if queue.purge_time is not None:
            put_moment(into.purge_time, queue.purge_time)
        if queue.sampling_ratio:
            into.stackdriver_logging_config.sampling_ratio = queue.sampling_ratio
        if queue.http_target is not None:
            write_http_target(queue.http_target, into.http_target)
        return into

    def write_stats(self, stats: QueueStats, into: Any) -> None:
        """Nothing: this version has no statistics."""

    def routing_holder(self, message: Any) -> Any:
        """The message in which a queue has its ``app_engine_routing_override``."""
        return message

    def read_retry_config(self, message: Any) -> RetryConfig:
        return read_retry(message, message.max_attempts)

    def write_retry_config(self, retry: RetryConfig, into: Any) -> None:
        into.max_attempts = retry.max_attempts
        write_waits(retry, into)

    def read_task(self, message: Any) -> TaskDraft:
        due = message.schedule_time if message.HasField("schedule_time") else None
        return TaskDraft(
            message.name,
            self.read_target(message),
            None if due is None else (due.seconds, due.nanos),
            self.read_deadline(message),
            self.read_retry_config(message.retry_config) if message.HasField("retry_config") else None,
        )

    def read_deadline(self, message: Any) -> Duration | None:
        return read_duration(message.dispatch_deadline) if message.HasField("dispatch_deadline") else None

    def read_target(self, message: Any) -> HttpDraft | AppEngineDraft | PullDraft | None:
        member = message.WhichOneof(self.target_oneof)
        if member == "http_request":
            return read_http_request(message.http_request)
        if member == "app_engine_http_request":
            return self.read_app_engine_request(message.app_engine_http_request)
        return None if member is None else PullDraft(message.pull_message.payload, message.pull_message.tag)

    def write_task(self, task: Task, view: int, into: Any) -> Any:
        into.name = task.name
        self.write_target(task, task.body if view == FULL else b"", into)
        put_moment(into.schedule_time, task.schedule_time)
        put_moment(into.create_time, task.create_time)
        self.write_attempts(task, into)
        into.view = view
        if task.retry_config is not None:
            self.write_retry_config(task.retry_config, into.retry_config)
        return into

    def write_attempts(self, task: Task, into: Any) -> None:
        """Fill the dispatch deadline, and what is known of the attempts so far."""
        if task.dispatch_deadline is not None:
            put_span(into.dispatch_deadline, task.dispatch_deadline)
        into.dispatch_count = task.dispatch_count
        into.response_count = task.response_count
        if task.first_dispatch_time is not None:
            put_moment(into.first_attempt.dispatch_time, task.first_dispatch_time)
        newest = task.newest_attempt
        if newest is not None:
            write_attempt(newest, into.last_attempt)

    def write_target(self, task: Task, body: bytes, into: Any) -> None:
        """Fill the target of a task's message; ``body`` is empty where it is not to be shown."""
        target = task.target
        if isinstance(target, HttpRequest):
            write_http_request(target, body, into.http_request)
        elif isinstance(target, AppEngineRequest):
            self.write_app_engine_request(target, body, into.app_engine_http_request)
        else:
            into.pull_message.tag = target.tag
            if body:
                into.pull_message.payload = body

    def read_app_engine_request(self, message: Any) -> AppEngineDraft:
        return AppEngineDraft(
            getattr(message, self.relative_uri),
            message.http_method,
            read_headers(message.headers),
            getattr(message, self.app_engine_body),
            read_routing(message.app_engine_routing) if message.HasField("app_engine_routing") else None,
        )

    def write_app_engine_request(self, request: AppEngineRequest, body: bytes, into: Any) -> None:
        into.http_method = request.http_method
        write_routing(request.routing, into.app_engine_routing)
        setattr(into, self.relative_uri, request.relative_uri)
        into.headers.update(request.headers)
        if body:
            setattr(into, self.app_engine_body, body)
