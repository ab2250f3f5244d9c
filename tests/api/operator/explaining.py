"""Explanations of one queue and its tasks in short forms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.api.operator.living import QUEUE, Life

from tidegate.core.queue import Queue, RateLimits
from tidegate.engine.ports.events import AttemptStarted
from tidegate.schema.operator import Operator
from tidegate.schema.operator.explain import Explanation

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
CLOSE = timedelta(milliseconds=10)
Shown = Explanation.State
FAST = RateLimits(1000, 1000, 1000)


def queue(limits: RateLimits = FAST, **settings: Any) -> Queue:
    return Queue(name=QUEUE, rate_limits=limits, **settings)


async def explained(life: Life, task_id: str, *, probe: bool = False) -> Explanation:
    said: Explanation = await life.call(Operator.explain_task, name=f"{QUEUE}/tasks/{task_id}", probe=probe)
    assert said.name == f"{QUEUE}/tasks/{task_id}"
    assert all(reason.text.endswith(".") for reason in said.reasons)
    return said


async def of_queue(life: Life) -> Explanation:
    said: Explanation = await life.call(Operator.explain_queue, name=QUEUE)
    return said


def codes(said: Explanation) -> list[str]:
    return [reason.code.name for reason in said.reasons]


def span(said: Explanation) -> tuple[datetime, datetime]:
    """Since when and until when the decisive reason holds."""
    reason = said.reasons[0]
    assert reason.since is not None
    assert reason.until is not None
    return reason.since, reason.until


def started(life: Life, task_id: str) -> list[datetime]:
    return [
        event.at for event in life.notes.events if isinstance(event, AttemptStarted) and event.task.name.task == task_id
    ]


async def run_when_it_was_said(life: Life, said: Mapping[str, Explanation], asked: datetime) -> None:
    """Wait for the next attempt of each task, which starts within 10 ms of what was said when it was ``asked``."""
    for task_id, explanation in said.items():
        assert explanation.will_run_time is not None
        await asyncio.sleep(max(0.0, (explanation.will_run_time - life.clock.now()) / SECOND) + 0.05)
        (at,) = [each for each in started(life, task_id) if each >= asked]
        assert abs(at - explanation.will_run_time) <= CLOSE, task_id
