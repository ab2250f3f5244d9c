"""Queues in numbers: one, or those of a location that a filter chooses, in an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from tidegate.api.fields import schema_of
from tidegate.api.operator.explain import write_reason
from tidegate.api.operator.ordering import read_order
from tidegate.api.operator.parts import Parts
from tidegate.api.pace import Pace
from tidegate.api.times import put_moment, put_span
from tidegate.core.errors import InvalidArgument
from tidegate.core.explain.holds import of_the_state, reason_of
from tidegate.core.explain.values import Code, Reason
from tidegate.core.listing import compile_filter, page_token, read_page_token
from tidegate.core.names import LocationName, QueueName
from tidegate.core.operator_names import QueueStatusName
from tidegate.core.queue import Kind
from tidegate.core.queue_numbers import QueueNumbers, pace
from tidegate.core.validation.paging import statuses_page_size
from tidegate.observers.series import FINE, Metric, Series
from tidegate.schema.operator import ListQueueStatusesResponse, QueueStatus

STEP: Final = 1000
"""Queues read at a time, if that takes no longer than a reader may be kept."""
MINUTE: Final = 60
EVERYWHERE: Final = "projects/-/locations/-"
"""The parent that stands for all locations of all projects."""

_NEW: Final = QueueStatus.pb()


async def get_queue_status(parts: Parts, request: Any, name: QueueStatusName, call: Any) -> Any:
    return _status(parts, await parts.engine.numbers.of(name.parent))


async def list_queue_statuses(parts: Parts, request: Any, parent: LocationName, call: Any) -> Any:
    """A page by name is read from where it begins. Any other order needs all of the location first."""
    size = statuses_page_size(request.page_size)
    now = parts.engine.clock.now()
    chooses = compile_filter(request.filter, schema_of(_NEW.DESCRIPTOR)) if request.filter else None
    order = read_order(request.order_by, _NEW.DESCRIPTOR)
    asked = f"{request.order_by}\n{request.filter}"
    after = read_page_token(request.page_token, parent, asked, now)
    if order is None:
        found = await _read(parts, parent, after, chooses, size)
        last = _place_of(parent, found[-1]) if found else ""
    else:
        everything = sorted(await _read(parts, parent, "", chooses, None), key=order)
        begin = _place(after)
        found = everything[begin : begin + size]
        last = str(begin + len(found)) if begin + len(found) < len(everything) else ""
    response = ListQueueStatusesResponse.pb()(statuses=found)
    if last and (order is not None or len(found) == size):
        response.next_page_token = page_token(last, parent, asked, now)
    return response


async def _read(
    parts: Parts, parent: str, after: str, chooses: Callable[[Any], bool] | None, limit: int | None
) -> Sequence[Any]:
    """The statuses that are chosen, by name: ``limit`` of them, or all."""
    found: list[Any] = []
    work = Pace()
    while True:
        many = STEP if limit is None or chooses else min(limit - len(found), STEP)
        numbers = await _step(parts, parent, after, many)
        for each in numbers:
            if work.due:
                await work.step()
            status = _status(parts, each)
            if chooses is None or chooses(status):
                found.append(status)
                if len(found) == limit:
                    return found
        if not numbers:
            return found
        last = numbers[-1].queue.name
        after = last if parent == EVERYWHERE else last.queue


async def _step(parts: Parts, parent: str, after: str, many: int) -> Sequence[QueueNumbers]:
    if parent == EVERYWHERE:
        return await parts.engine.numbers.everywhere(after, many)
    return await parts.engine.numbers.listed(parent, after, many)


def _blocked_by(parts: Parts, numbers: QueueNumbers, now: datetime) -> Reason | None:
    """What keeps the queue from dispatching; None while nothing is due that it could dispatch."""
    queue, explaining = numbers.queue, parts.engine.explaining
    if not numbers.waiting.due and queue.dispatches and not explaining.draining:  # most of ten thousand
        return None
    hold = explaining.hold(queue)
    stopped = of_the_state(queue, hold)
    if stopped is not None or queue.kind is Kind.PULL:
        return stopped
    if hold.code is Code.DUE_NOW or not (numbers.waiting.due or hold.code in (Code.DRAINING, Code.OWNED_BY_NOBODY)):
        return None
    return reason_of(hold, queue, numbers.flow, (), now)


def _put_rates(series: Series, queue: QueueName, now: datetime, rates: Any) -> None:
    """What happened in the last minute, as far as it was sampled; nothing for a queue that was not active."""
    if not series.keeps(queue):
        return
    end = now.timestamp()
    for metric in (Metric.CREATED, Metric.SUCCEEDED, Metric.FAILED):
        read = series.read(queue, metric, int(end) - MINUTE, int(end), FINE)
        if read is not None:
            setattr(rates, metric.name.lower(), sum(value for _, value in read.points))


def _place_of(parent: str, status: Any) -> str:
    """Where to go on after this status: its queue's ID, or among all locations its name."""
    name: str = status.name.removesuffix("/status")
    return name if parent == EVERYWHERE else name.rpartition("/")[2]


def _place(after: str) -> int:
    if after and not after.isdecimal():
        raise InvalidArgument("Invalid page_token")
    return int(after or 0)


def _status(parts: Parts, numbers: QueueNumbers) -> Any:
    engine, queue, flow = parts.engine, numbers.queue, numbers.flow
    now = engine.clock.now()
    status = _NEW(
        name=f"{queue.name}/status",
        state=queue.state,
        type_=queue.kind,
        depth=numbers.tasks,
        due=numbers.waiting.due,
        scheduled=numbers.waiting.later,
        leased=numbers.waiting.leased,
        in_flight=flow.in_flight,
        dead=numbers.dead,
    )
    if parts.series is not None:
        _put_rates(parts.series, queue.name, now, status.rates)
    if numbers.next_due is not None:
        put_moment(status.next_due_time, numbers.next_due)
        if numbers.next_due <= now:
            put_span(status.oldest_due_age, now - numbers.next_due)
    blocked_by = _blocked_by(parts, numbers, now)
    if blocked_by is not None:
        write_reason(blocked_by, status.blocked_by)
    if queue.kind is Kind.PUSH:
        allowed = pace(queue, flow, now)
        status.tokens = allowed.tokens
        status.throttle_factor = allowed.throttle_factor
        status.ramp_limit = allowed.ramp_limit
        if allowed.full_at is not None:
            put_moment(status.tokens_full_time, allowed.full_at)
    return status
