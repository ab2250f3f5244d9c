"""What differs between two sets of queues, in the API's own words."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from tidegate.core.names import QueueName
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Kind, Queue
from tidegate.core.times import Duration

PULL_FIELDS = ("type", "state", "retryConfig.maxAttempts", "taskTtl", "tombstoneTtl")
"""The fields that mean something on a pull queue."""


class FieldChange(Struct, frozen=True):
    """A field of a queue, ``rateLimits.maxDispatchesPerSecond``, and its values as text; empty is unset."""

    field: str
    before: str
    after: str


class QueueChange(Struct, frozen=True):
    """How a queue becomes another. ``created`` when there was none before, ``deleted`` when there is none after."""

    queue: QueueName
    fields: tuple[FieldChange, ...]
    created: bool = False
    deleted: bool = False

    @property
    def disabled(self) -> bool:
        """Whether the queue is disabled and nothing else about it changes."""
        return [(each.field, each.after) for each in self.fields] == [("state", "DISABLED")]


def changes(before: Iterable[Queue], after: Iterable[Queue]) -> list[QueueChange]:
    """The changes from ``before`` to ``after`` in the order of the queues' names, without queues that do not change.

    Only what a queue.yaml can set is compared: kind, state, limits, retries, App Engine routing and lifetimes.
    """
    old = {queue.name: queue for queue in before}
    new = {queue.name: queue for queue in after}
    found = (_change(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))
    return [change for change in found if change.fields]


def settings_of(queue: Queue) -> dict[str, str]:
    """The settings that are compared, as texts by their fields. Unset ones are left out."""
    limits, retry, routing = queue.rate_limits, queue.retry_config, queue.app_engine_routing
    target = "" if routing is None else ".".join(filter(None, (routing.version, routing.service)))
    attempts = retry.max_attempts
    settings = {
        "type": queue.kind.name,
        "state": queue.state.name,
        "rateLimits.maxDispatchesPerSecond": f"{limits.max_dispatches_per_second:.15g}",
        "rateLimits.maxBurstSize": str(limits.max_burst_size),
        "rateLimits.maxConcurrentDispatches": str(limits.max_concurrent_dispatches),
        "retryConfig.maxAttempts": "unlimited" if attempts == UNLIMITED_ATTEMPTS else str(attempts),
        "retryConfig.maxRetryDuration": _seconds(retry.max_retry_duration),
        "retryConfig.minBackoff": _seconds(retry.min_backoff),
        "retryConfig.maxBackoff": _seconds(retry.max_backoff),
        "retryConfig.maxDoublings": str(retry.max_doublings),
        "appEngineRoutingOverride": target,
        "taskTtl": _seconds(Duration.of(queue.task_ttl)),
        "tombstoneTtl": _seconds(Duration.of(queue.tombstone_ttl)),
    }
    shown = PULL_FIELDS if queue.kind is Kind.PULL else settings
    return {field: settings[field] for field in shown if settings[field]}


def _change(name: QueueName, old: Queue | None, new: Queue | None) -> QueueChange:
    was = {} if old is None else settings_of(old)
    becomes = {} if new is None else settings_of(new)
    fields = tuple(
        FieldChange(field, was.get(field, ""), becomes.get(field, ""))
        for field in was | becomes
        if was.get(field, "") != becomes.get(field, "")
    )
    return QueueChange(name, fields, created=old is None, deleted=new is None)


def _seconds(span: Duration) -> str:
    """``0.1s``; empty for none."""
    fraction = f".{span.nanos:09d}".rstrip("0.") if span.nanos else ""
    return f"{span.seconds}{fraction}s" if span.total_nanos else ""
