"""Queues: list, get, create, update, delete, purge, pause, resume."""

from __future__ import annotations

from typing import Any

from google.protobuf.empty_pb2 import Empty
from msgspec.structs import replace

from tidegate.api import masks
from tidegate.api.dialect import Dialect
from tidegate.api.door import May
from tidegate.api.fields import schema_of
from tidegate.api.pace import Pace
from tidegate.core.access.permissions import QUEUES_CREATE
from tidegate.core.cmek import check_queue_under_key, has_overrides
from tidegate.core.listing import compile_filter, page_token, plain, read_page_token
from tidegate.core.names import LocationName, QueueName, check_queue_name
from tidegate.core.queue import Queue, RateLimits, RetryConfig
from tidegate.core.validation import PAGE_BYTES_MAX, check_queue, queues_page_size, settle_queue
from tidegate.engine.engine import Engine

STATS = "stats"
BURST = ("rate_limits", "max_burst_size")
STEP = 200
"""Queues read at a time: some milliseconds of the reading thread, which all callers share."""


async def list_queues(engine: Engine, dialect: Dialect, request: Any, parent: LocationName) -> Any:
    size = queues_page_size(request.page_size)
    now = engine.clock.now()
    after = read_page_token(request.page_token, parent, request.filter, now)
    chooses = compile_filter(request.filter, schema_of(dialect.messages.Queue.DESCRIPTOR))
    paths = _read_mask(dialect, request)
    counted = _asks_for_stats(dialect, paths) or (dialect.masks_answers and STATS in plain(request.filter))
    response = dialect.messages.ListQueuesResponse()
    pace, left = Pace(), PAGE_BYTES_MAX
    more = True
    while more:
        step = STEP if request.filter else min(size - len(response.queues), STEP)
        page = await engine.queues.list(parent, after, step, push_only=dialect.push_only)
        more = len(page) == step
        stats = await engine.queues.stats([queue.name for queue in page]) if counted else {}
        for queue in page:
            if pace.due:
                await pace.step()
            after = queue.name.queue
            message = dialect.write_queue(queue, dialect.messages.Queue())
            if queue.name in stats:
                dialect.write_stats(stats[queue.name], message.stats)
            if chooses(message):
                shown = _shown(message, paths)
                left -= shown.ByteSize()
                response.queues.append(shown)
                if len(response.queues) == size or left <= 0:
                    more = False
                    break
    if response.queues:  # every page with an entry has a token, even the last one
        response.next_page_token = page_token(after, parent, request.filter, now)
    return response


async def get_queue(engine: Engine, dialect: Dialect, request: Any, name: QueueName) -> Any:
    shown = _read_mask(dialect, request)
    queue = await engine.queues.get(name, push_only=dialect.push_only)
    message = dialect.write_queue(queue, dialect.messages.Queue())
    if _asks_for_stats(dialect, shown):
        for stats in (await engine.queues.stats([name])).values():
            dialect.write_stats(stats, message.stats)
    return _shown(message, shown)


async def create_queue(engine: Engine, dialect: Dialect, request: Any, parent: LocationName, may: May) -> Any:
    name = check_queue_name(request.queue.name, parent)
    sent = dialect.read_queue(request.queue, unset_queue(name))
    check_queue(sent, engine.operator_rules.ceilings)
    queue = settle_queue(sent, engine.operator_rules.ceilings)
    _check_account(queue, None, may)
    if has_overrides(queue) and await engine.keys.get(parent):
        check_queue_under_key(queue)
    return dialect.write_queue(await engine.queues.create(queue), dialect.messages.Queue())


async def update_queue(engine: Engine, dialect: Dialect, request: Any, name: QueueName, may: May) -> Any:
    """Merge the request into the stored queue by its mask, or create the queue."""
    ceilings = engine.operator_rules.ceilings
    sent = dialect.read_queue(request.queue, unset_queue(name))
    check_queue(sent, ceilings)
    # An absent mask names everything, an empty one nothing.
    paths = (
        masks.parse(dialect.messages.Queue.DESCRIPTOR, request.update_mask.paths)
        if request.HasField("update_mask")
        else None
    )
    encrypted = has_overrides(sent) and bool(await engine.keys.get(name.parent))

    def change(stored: Queue | None) -> Queue:
        if stored is None:
            may(QUEUES_CREATE, name)
        base = stored or unset_queue(name)
        message = dialect.write_queue(base, dialect.messages.Queue())
        if paths is None:
            masks.replace_all(message, request.queue, dialect.fixed)
        else:
            masks.merge(message, request.queue, paths, dialect.fixed)
        merged = dialect.read_queue(message, base)
        if merged.kind is not sent.kind:  # the mask left the kind out, and the check went by the wrong one
            check_queue(replace(sent, kind=merged.kind), ceilings)
        queue = settle_queue(merged, ceilings, old=stored, unnamed=_unnamed(dialect, paths))
        _check_account(queue, stored, may)
        if encrypted:
            check_queue_under_key(queue)
        return queue

    queue = await engine.queues.update(name, change, push_only=dialect.push_only)
    return dialect.write_queue(queue, dialect.messages.Queue())


async def delete_queue(engine: Engine, dialect: Dialect, request: Any, name: QueueName) -> Any:
    await engine.queues.delete(name, push_only=dialect.push_only)
    return Empty()


async def purge_queue(engine: Engine, dialect: Dialect, request: Any, name: QueueName) -> Any:
    queue = await engine.queues.purge(name, push_only=dialect.push_only)
    return dialect.write_queue(queue, dialect.messages.Queue())


async def pause_queue(engine: Engine, dialect: Dialect, request: Any, name: QueueName) -> Any:
    queue = await engine.queues.pause(name, push_only=dialect.push_only)
    return dialect.write_queue(queue, dialect.messages.Queue())


async def resume_queue(engine: Engine, dialect: Dialect, request: Any, name: QueueName) -> Any:
    queue = await engine.queues.resume(name, push_only=dialect.push_only)
    return dialect.write_queue(queue, dialect.messages.Queue())


def _check_account(queue: Queue, stored: Queue | None, may: May) -> None:
    """Raise PermissionDenied when the queue's tokens are to be issued for another account than before, and the caller
    may not have that.
    """
    email = _account(queue)
    if email and email != _account(stored):
        may.act_as(email)


def _account(queue: Queue | None) -> str:
    target = None if queue is None else queue.http_target
    return "" if target is None or target.token is None else target.token.service_account_email


def _read_mask(dialect: Dialect, request: Any) -> list[masks.Steps] | None:
    """The paths that the answer shows of a queue, always with the name. None shows everything."""
    if not dialect.masks_answers or not request.read_mask.paths:
        return None
    return [("name",), *masks.parse(dialect.messages.Queue.DESCRIPTOR, request.read_mask.paths)]


def _asks_for_stats(dialect: Dialect, paths: list[masks.Steps] | None) -> bool:
    return dialect.masks_answers and paths is not None and any(path[0] == STATS for path in paths)


def _shown(message: Any, paths: list[masks.Steps] | None) -> Any:
    if paths is not None:
        return masks.select(message, paths)
    if STATS in message.DESCRIPTOR.fields_by_name:  # only the filter needed them
        message.ClearField(STATS)
    return message


def unset_queue(name: QueueName) -> Queue:
    """A queue without settings. Unset limits get their defaults when it is settled."""
    return Queue(name=name, rate_limits=RateLimits(0, 0, 0))


def _unnamed(dialect: Dialect, paths: list[masks.Steps] | None) -> set[str]:
    """The fields of a queue's limits and retry settings that an update does not name."""
    if paths is None:
        left = set()
    else:
        settings = {BURST, *(("retry_config", field) for field in RetryConfig.__struct_fields__)}
        left = {path for path in settings if path not in paths and path[:1] not in paths}
    return {field for _, field in left | ({BURST} & dialect.fixed)}
