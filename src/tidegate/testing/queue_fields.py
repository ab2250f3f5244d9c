"""A queue as tests write it down: fields of the message, and those of its parts by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

RETRIES = frozenset({"max_attempts", "max_retry_duration", "min_backoff", "max_backoff", "max_doublings"})
RATES = frozenset({"max_dispatches_per_second", "max_concurrent_dispatches"})
SPANS = frozenset({"max_retry_duration", "min_backoff", "max_backoff"})


def queue_fields(settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of a ``Queue``: ``max_attempts=3`` stands in its ``retry_config``; spans are in seconds."""
    made: dict[str, Any] = {}
    for key, value in settings.items():
        given = timedelta(seconds=value) if key in SPANS and isinstance(value, int | float) else value
        if key in RETRIES:
            made.setdefault("retry_config", {})[key] = given
        elif key in RATES:
            made.setdefault("rate_limits", {})[key] = given
        else:
            made[key] = given
    return made
