"""When a waiting task starts: the looks that the scheduler takes at its queue, played in advance."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from tidegate.core.bucket import LONGEST_WAIT, Flow
from tidegate.core.queue import RateLimits
from tidegate.core.times import later

MOST_LOOKS: Final = 1000
"""Looks that are played one by one, some 10 ms of work; what is left then goes by the rate that holds by then."""


def start_time(flow: Flow, limits: RateLimits, schedule_times: Sequence[datetime], first_look: datetime) -> datetime:
    """When the last of these tasks starts, which wait in this order, if nothing but the queue's rate holds them back.

    ``schedule_times`` are sorted; ``first_look`` is when the scheduler looks at the queue next.
    """
    look, started, last = max(first_look, schedule_times[0]), 0, len(schedule_times)
    for _ in range(MOST_LOOKS):
        due = bisect_right(schedule_times, look, lo=started) - started
        held_to = flow.limits(limits, look)
        granted, bucket = flow.bucket.take(due, held_to, look)
        started += granted
        if started == last:
            return look
        flow = replace(flow, bucket=bucket).started(granted, look)
        # Held by its rate, or by the schedule time of the next task.
        look = bucket.look_again(held_to, look) if granted < due else schedule_times[started]
    rate = flow.limits(limits, look).max_dispatches_per_second
    return max(later(look, timedelta(seconds=min((last - started) / rate, LONGEST_WAIT))), schedule_times[-1])
