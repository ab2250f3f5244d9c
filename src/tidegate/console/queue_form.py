"""The settings of a queue as a form: its fields, and the queue that is made of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from tidegate.console.request import Request
from tidegate.core.errors import InvalidArgument
from tidegate.schema.v2beta3 import CloudTasks, Queue

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", re.IGNORECASE)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}

LONGEST: Final = timedelta(days=3650)
"""The longest span that a form reads: more than any setting or schedule time may be, which the API checks."""
SHOWN_MAX: Final = 100
"""Characters of what was typed that an error repeats."""

PATHS: Final = (
    "rate_limits.max_dispatches_per_second",
    "rate_limits.max_concurrent_dispatches",
    "retry_config.max_attempts",
    "retry_config.max_retry_duration",
    "retry_config.min_backoff",
    "retry_config.max_backoff",
    "retry_config.max_doublings",
    "stackdriver_logging_config.sampling_ratio",
)
SPANS: Final = frozenset({"max_retry_duration", "min_backoff", "max_backoff"})
DECIMALS: Final = frozenset({"max_dispatches_per_second", "sampling_ratio"})


def read_span(text: str, field: str) -> timedelta:
    """``90``, ``90s``, ``1.5 h`` or ``1 h 30 m`` as a span. Raises InvalidArgument."""
    text = text.strip()
    parts = _SPAN.findall(text)
    if not text or _SPAN.sub("", text).strip():
        raise InvalidArgument(f"{field}: {text[:SHOWN_MAX]!r} is no time span; write 90s, 1.5h or 1h 30m.")
    seconds = sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)
    if seconds > LONGEST.total_seconds():
        raise InvalidArgument(f"{field}: {text[:SHOWN_MAX]!r} is longer than any time span of a queue.")
    return timedelta(seconds=seconds)


def queue_from_form(request: Request, stored: Any) -> tuple[Any, list[str]]:
    """The queue that the form describes, and the paths of the fields that it has. Raises InvalidArgument."""
    queue = type(stored)()
    queue.CopyFrom(stored)
    paths = [path for path in PATHS if path in request.form]
    for path in paths:
        group, field = path.split(".")
        text = request.sent(path).strip()
        holder = getattr(queue, group)
        if field in SPANS:
            getattr(holder, field).FromTimedelta(read_span(text, field))
            continue
        try:
            setattr(holder, field, float(text) if field in DECIMALS else int(text))
        except ValueError:
            raise InvalidArgument(f"{field}: {text!r} is no number.") from None
    return queue, paths


def retry_from_form(request: Request, stored: Any) -> Any:
    """What can be read of the form, so that a page with an error shows what was typed where it can."""
    try:
        return queue_from_form(request, stored)[0]
    except ApiErrors:
        return stored


ApiErrors: Final = (InvalidArgument, ValueError, OverflowError)


def new_queue(request: Request) -> Any:
    """The CreateQueueRequest of the form. Raises InvalidArgument."""
    project, location = request.sent("project").strip(), request.sent("location").strip()
    parent = f"projects/{project}/locations/{location}"
    queue = Queue.pb()(name=f"{parent}/queues/{request.sent('queue').strip()}")
    if request.sent("type") == "pull":
        queue.type_ = Queue.Type.PULL
    for path in PATHS:
        if request.sent(path).strip():
            one = Request(request.scope, {path: [request.sent(path)]})
            queue, _ = queue_from_form(one, queue)
    return CloudTasks.create_queue.request_pb(parent=parent, queue=queue)
