"""What a queue keeps beyond Cloud Tasks: shown and changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tidegate.api import masks
from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_span, read_duration
from tidegate.core import refusals
from tidegate.core.names import QueueName
from tidegate.core.operator_names import QueueOptionsName
from tidegate.core.queue_options import (
    LONGEST_KEPT,
    AttemptOptions,
    DeadLetterOptions,
    Keep,
    QueueOptions,
)
from tidegate.core.validation.spans import checked_span
from tidegate.engine.options import ShownOptions
from tidegate.schema import operator
from tidegate.schema.rpc import raw

FIXED: Final = frozenset({("name",), ("etag",)})


async def get_queue_options(parts: Parts, request: Any, name: QueueOptionsName, call: Any) -> Any:
    """What the queue keeps, by what was set for it and by the settings."""
    return _shown(name.parent, await parts.engine.options.get(name.parent))


async def update_queue_options(parts: Parts, request: Any, name: QueueOptionsName, call: Any) -> Any:
    """The options as they are afterwards. A field that the mask names and the request leaves unset follows the settings
    again.
    """
    sent = request.options
    paths = [] if "*" in request.update_mask.paths else masks.parse(sent.DESCRIPTOR, request.update_mask.paths)

    def change(present: QueueOptions) -> QueueOptions:
        message = write_options(present)
        if paths:
            masks.merge(message, sent, paths, FIXED)
        else:
            masks.replace_all(message, sent, FIXED)
        return read_options(message)

    return _shown(name.parent, await parts.engine.options.update(name.parent, change, sent.etag))


def _shown(queue: QueueName, shown: ShownOptions) -> Any:
    """Every part settled."""
    keeping = shown.keeping
    message = write_options(
        QueueOptions(
            DeadLetterOptions(keeping.dead_for, keeping.dead_tasks, keeping.dead_bytes),
            AttemptOptions(keeping.attempts, keeping.attempts_of_a_task, keeping.attempts_for, keeping.bodies),
        )
    )
    message.name, message.etag = f"{queue}/options", shown.etag
    return message


def write_options(options: QueueOptions) -> Any:
    """Only what was set."""
    message = raw(operator.QueueOptions)()
    dead, attempts = options.dead_letters, options.attempts
    if dead.keep_for is not None:
        message.dead_letters.keep_for.SetInParent()
        put_span(message.dead_letters.keep_for, dead.keep_for)
    message.dead_letters.max_tasks = dead.max_tasks or 0
    message.dead_letters.max_bytes = dead.max_bytes or 0
    message.attempts.keep = attempts.keep or 0
    message.attempts.per_task = attempts.per_task or 0
    if attempts.keep_for is not None:
        message.attempts.keep_for.SetInParent()
        put_span(message.attempts.keep_for, attempts.keep_for)
    if attempts.bodies is not None:
        message.attempts.bodies = attempts.bodies
    return message


def read_options(message: Any) -> QueueOptions:
    dead, attempts = message.dead_letters, message.attempts
    return QueueOptions(
        DeadLetterOptions(_read_span(dead, "deadLetters"), dead.max_tasks or None, dead.max_bytes or None),
        AttemptOptions(
            _read_keep(attempts.keep),
            attempts.per_task or None,
            _read_span(attempts, "attempts"),
            attempts.bodies if attempts.HasField("bodies") else None,
        ),
    )


def _read_span(message: Any, field: str) -> timedelta | None:
    if not message.HasField("keep_for"):
        return None
    return checked_span(read_duration(message.keep_for), f"QueueOptions.{field}.keepFor", LONGEST_KEPT)


def _read_keep(sent: int) -> Keep | None:
    if not sent:
        return None
    try:
        return Keep(sent)
    except ValueError:
        raise refusals.invalid() from None
