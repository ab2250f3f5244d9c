"""What a queue keeps, as a form: its fields, and the change that it asks for."""

from __future__ import annotations

from typing import Any, Final

from tidegate.console.queue_form import read_span
from tidegate.console.request import Request
from tidegate.core.errors import InvalidArgument
from tidegate.schema.operator import AttemptOptions, Operator

MIB: Final = 2**20
KEPT: Final = (("NONE", "none"), ("FAILED", "failed"), ("ALL", "all"))
"""Values of ``attempts.keep``, and what the form calls them."""
LABELS: Final = {
    "dead_letters.keep_for": "Dead letters stay for",
    "dead_letters.max_tasks": "At most, tasks",
    "dead_letters.max_bytes": "At most, MiB",
    "attempts.keep": "Attempts",
    "attempts.per_task": "Of each task",
    "attempts.keep_for": "Of finished tasks for",
    "attempts.bodies": "Start of the response",
}
"""The fields by their paths in QueueOptions, with their names in the form."""


def options_request(request: Request, stored: Any) -> Any:
    """The UpdateQueueOptionsRequest for those fields of the form that are not as ``stored``; None when all are. A field
    that stays follows the server's settings as before. Raises InvalidArgument.
    """
    wanted = type(stored)()
    wanted.CopyFrom(stored)
    for path in LABELS:
        if path in request.form or path == "attempts.bodies":
            _read(request, path, wanted)
    changed = [path for path in LABELS if _value(wanted, path) != _value(stored, path)]
    if not changed:
        return None
    wanted.etag = request.sent("etag") or stored.etag
    update = Operator.update_queue_options.request_pb(options=wanted)
    update.update_mask.paths.extend(changed)
    return update


def follow_settings(name: str) -> Any:
    """The UpdateQueueOptionsRequest after which the queue has no options of its own."""
    update = Operator.update_queue_options.request_pb()
    update.options.name = name
    update.update_mask.paths.extend(["dead_letters", "attempts"])
    return update


def _read(request: Request, path: str, into: Any) -> None:
    group, field = path.split(".")
    holder, text = getattr(into, group), request.sent(path).strip()
    if field == "bodies":
        holder.bodies = bool(text)
    elif field == "keep":
        if text not in dict(KEPT):
            raise InvalidArgument(f"{LABELS[path]}: {text!r} is none of none, failed, all.")
        holder.keep = AttemptOptions.Keep[text]
    elif field == "keep_for":
        holder.keep_for.FromTimedelta(read_span(text, LABELS[path]))
    else:
        try:
            setattr(holder, field, int(float(text) * MIB) if field == "max_bytes" else int(text))
        except (ValueError, OverflowError):
            raise InvalidArgument(f"{LABELS[path]}: {text!r} is no number.") from None


def _value(options: Any, path: str) -> Any:
    group, field = path.split(".")
    return getattr(getattr(options, group), field)
