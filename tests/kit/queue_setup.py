"""A queue of whose limits and retries everything is said in the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

LIMITS_AND_RETRIES: Final[dict[str, Any]] = {
    "max_dispatches_per_second": 7.5,
    "max_concurrent_dispatches": 3,
    "max_attempts": -1,
    "max_retry_duration": timedelta(hours=1),
    "min_backoff": timedelta(milliseconds=250),
    "max_backoff": timedelta(seconds=10),
    "max_doublings": 4,
    "sampling_ratio": 0.5,
    "task_ttl": timedelta(days=20),
    "tombstone_ttl": timedelta(hours=2),
}
