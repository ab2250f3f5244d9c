"""The queues that the settings name: those of a queue.yaml, and those set up one by one.

They are made before the first call is answered. A file that was applied before is not applied again: since then an
operator may have paused a queue, changed a rate or made another queue, and a restart must not undo that.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from tidegate.api.queue_files import apply_queue_file, plain_project, read_queue_file
from tidegate.core.errors import ApiError
from tidegate.core.names import PROJECT_ID, LocationName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig, State, burst_for
from tidegate.core.times import Duration
from tidegate.core.validation import Ceilings, check_queue, settle_queue
from tidegate.engine.engine import Engine
from tidegate.operator_errors import OperatorError
from tidegate.settings import QueueSetup, Settings

logger = logging.getLogger("tidegate")


async def make_queues(engine: Engine, settings: Settings) -> None:
    """Apply the queue.yaml, then make or change each queue that is set up by itself.

    Raises OperatorError when the file cannot be read, or when a queue cannot be as the settings want it.
    """
    if settings.queues is not None:
        await _apply_file(engine, settings, settings.queues)
    for setup in settings.queue:
        try:
            await engine.queues.update(setup.name, partial(set_up, setup, engine.operator_rules.ceilings))
        except ApiError as error:
            raise OperatorError(f"cannot have the queue {setup.name}: {error.message}") from error


async def _apply_file(engine: Engine, settings: Settings, path: str) -> None:
    """Apply the queue.yaml at ``path``, unless the last file that was applied to its location says the same.

    Uploads count too. A line of the log says what was done. Queues that are set up one by one may be
    left out of the file.
    """
    try:
        data = await asyncio.to_thread(Path(path).read_bytes)
        read = await read_queue_file(data, engine.operator_rules.ceilings)
        project = settings.project or plain_project(read.file.application)
        if not re.fullmatch(PROJECT_ID, project):
            raise OperatorError(f"{path} names no application; say with --project whose its queues are")
        location = LocationName(f"projects/{project}/locations/{settings.location}")
        spared = {setup.name for setup in settings.queue}
        changed = await apply_queue_file(engine, location, read, spared, only_if_new=True)
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}; check the path after --queues") from error
    except ApiError as error:
        raise OperatorError(f"{path}: {error.message}") from error
    logger.info("%s", _told(path, location, changed))


def _told(path: str, location: LocationName, changed: Sequence[Queue] | None) -> str:
    """What became of the file, in a line."""
    if changed is None:
        return (
            f"{path} is what was last applied to {location}: the queues are left as they are"
            f" ('tidegate queues apply {path}' applies it again)"
        )
    disabled = [queue.name.queue for queue in changed if queue.state is State.DISABLED]
    others = [queue.name.queue for queue in changed if queue.state is not State.DISABLED]
    parts = [f"{what}: {', '.join(names)}" for what, names in (("set", others), ("disabled", disabled)) if names]
    return f"applied {path} to {location}; {'; '.join(parts) or 'the queues were so already'}"


def set_up(setup: QueueSetup, ceilings: Ceilings, stored: Queue | None) -> Queue:
    """The queue as the settings want it. What they leave out stays as it is ``stored``, or gets its default.

    Raises InvalidArgument as the API does.
    """
    kind = Kind[setup.type.upper()] if setup.type else Kind.PUSH
    sent = _applied(setup, Queue(name=setup.name, kind=kind, rate_limits=RateLimits(0, 0, 0)))
    check_queue(sent, ceilings)
    if stored is None:
        return settle_queue(sent, ceilings)
    wanted = replace(_applied(setup, stored), kind=kind if setup.type else stored.kind)
    return settle_queue(wanted, ceilings, old=stored)


def _applied(setup: QueueSetup, queue: Queue) -> Queue:
    """``queue`` with what ``setup`` says, except its type. A new rate brings its own burst unless one is given."""
    given = {field: value for field, value in asdict(setup).items() if value is not None}
    limits = {field: given[field] for field in RateLimits.__struct_fields__ if field in given}
    if "max_dispatches_per_second" in limits:
        limits.setdefault("max_burst_size", burst_for(limits["max_dispatches_per_second"]))
    retry = {field: _to_the_nanosecond(given[field]) for field in RetryConfig.__struct_fields__ if field in given}
    rest = {field: given[field] for field in ("sampling_ratio", "task_ttl", "tombstone_ttl") if field in given}
    return replace(
        queue,
        rate_limits=replace(queue.rate_limits, **limits),
        retry_config=replace(queue.retry_config, **retry),
        **rest,
    )


def _to_the_nanosecond(value: Any) -> Any:
    return Duration.of(value) if isinstance(value, timedelta) else value
