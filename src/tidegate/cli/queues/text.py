"""Changes of queues as lines to read."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tidegate.cli.colours import GREEN, RED, YELLOW, paint
from tidegate.core.queue_changes import QueueChange

COLOURS = {"+": GREEN, "~": YELLOW, "-": RED}


def records(changes: Sequence[QueueChange]) -> list[dict[str, Any]]:
    """The changes as JSON has them: ``{"queue": …, "change": "update", "fields": [{"field", "before", "after"}]}``."""
    return [
        {
            "queue": str(change.queue),
            "change": _kind(change)[1],
            "fields": [{"field": each.field, "before": each.before, "after": each.after} for each in change.fields],
        }
        for change in changes
    ]


def lines(changes: Sequence[QueueChange]) -> Iterator[str]:
    """A line for each queue and one for each field that changes; then the number of queues by kind of change."""
    for change in changes:
        sign, verb = _kind(change)
        yield paint(f"{sign} {change.queue.queue} ({verb})", COLOURS[sign], sys.stdout)
        width = max(len(each.field) for each in change.fields)
        for each in change.fields:
            became = each.after if change.created else f"{each.before or 'unset'} -> {each.after or 'unset'}"
            yield f"    {each.field:{width}}  {became}"
    verbs = [_kind(change)[1] for change in changes]
    yield ", ".join(f"{verbs.count(verb)} {verb}" for verb in ("create", "update", "disable") if verb in verbs) + "."


def _kind(change: QueueChange) -> tuple[str, str]:
    if change.created:
        return "+", "create"
    return ("-", "disable") if change.disabled else ("~", "update")
