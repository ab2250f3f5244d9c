"""The list of queues, what needs a look, and finding one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from tidegate.console import charts
from tidegate.console.answer import Answer
from tidegate.console.hours import HOUR, spread
from tidegate.console.places import QUEUE_STATUS, snapshot_of
from tidegate.console.queue_rows import DEFAULT_ORDER, ORDERS, STATES, QueueRow, list_queues
from tidegate.console.states import queue_state
from tidegate.console.visit import Visit, if_built
from tidegate.core.access.permissions import QUEUES_CREATE
from tidegate.core.errors import ApiError
from tidegate.core.names import QUEUE, TASK
from tidegate.schema.operator import Metric, Operator
from tidegate.schema.v2beta3 import CloudTasks

PAGE_SIZE: Final = 50
AT_ONCE: Final = 500
"""Queues that are listed on the event loop; of more, in a thread."""
SPARK_STEP: Final = timedelta(minutes=2)
HEADINGS: Final = (
    ("name", "Queue", ""),
    ("", "State", ""),
    ("place", "Project · location", ""),
    ("tasks", "Tasks", "num"),
    ("", "Last hour", ""),
    ("due", "Next due", ""),
    ("flight", "In flight", "num"),
    ("done", "Done /min", "num"),
    ("failed", "Failed /min", "num"),
    ("", "Rate /s", "num"),
)


async def queues(visit: Visit) -> Answer:
    asked = visit.request.asked
    snapshot = await snapshot_of(visit)
    state, order = asked("state"), asked("sort", DEFAULT_ORDER)
    listing = partial(
        list_queues, snapshot.rows, asked("q"), state, order, PAGE_SIZE, after=asked("after"), before=asked("before")
    )
    # Thousands of queues take some tens of milliseconds, in which calls are answered on.
    listed = await asyncio.to_thread(listing) if len(snapshot.rows) > AT_ONCE else listing()
    page = listed.page

    def link(**changes: str) -> str:
        kept = {"q": asked("q"), "state": state, "sort": asked("sort")}
        fields = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"queues?{urlencode(fields)}" if fields else "queues"

    segments = [("All", link(state=""), listed.found, state not in STATES)]
    segments += [(each.capitalize(), link(state=each), count, state == each) for each, count in listed.counts.items()]
    return visit.page(
        "queues.html",
        title="Queues",
        section="queues",
        total=len(snapshot.rows),
        creates=may_create(visit),
        projects=listed.projects,
        troubled=[(row, _trouble(row)) for row in listed.troubled],
        segments=segments,
        headings=[(label, link(sort=key) if key else "", kind, key == order) for key, label, kind in HEADINGS],
        rows=await _details(visit, page.rows),
        page=page,
        query=asked("q"),
        asked={"state": state, "sort": asked("sort")},
        previous=None if page.previous is None else link(before=page.previous),
        next=None if page.next is None else link(after=page.next),
        order=order if order in ORDERS else DEFAULT_ORDER,
        taken_at=snapshot.taken_at,
    )


def may_create(visit: Visit) -> bool:
    """Whether there is a place where the visitor may make a queue."""
    return not visit.console.facts.read_only and bool(visit.allowed.where(QUEUES_CREATE))


def _trouble(row: QueueRow) -> tuple[str, str]:
    """An icon with its colour, and what is the matter."""
    return ("alert", "bad-text") if row.failing else ("clock", "warn-text") if row.behind else ("pause", "warn-text")


async def _details(visit: Visit, rows: Sequence[QueueRow]) -> list[dict[str, Any]]:
    """What the table shows of these rows beside their numbers: settings, and the last hour."""
    settings = await asyncio.gather(*(_settings(visit, row) for row in rows))
    hours = await last_hour(visit, rows)
    return [
        {
            "row": row,
            "state": queue_state(row.state, pull=row.pull),
            "queue": queue,
            "spark": charts.spark(hours.get(row.name, [])),
            "kind": "flat"
            if not any(hours.get(row.name, []))
            else "bad"
            if row.failing
            else "warn"
            if row.behind
            else "",
        }
        for row, queue in zip(rows, settings, strict=True)
    ]


async def _settings(visit: Visit, row: QueueRow) -> Any:
    try:
        return await visit.calls(CloudTasks.get_queue, name=row.name)
    except ApiError:  # deleted meanwhile
        return None


async def last_hour(visit: Visit, rows: Sequence[QueueRow]) -> dict[str, list[float]]:
    """By name the number of tasks of each queue over the last hour."""
    parents: dict[str, list[str]] = {}
    for row in rows:
        if visit.sees(QUEUE_STATUS, row.name.parent):
            parents.setdefault(row.name.parent, []).append(row.name)
    found: dict[str, list[float]] = {}
    for parent, names in parents.items():
        request = Operator.query_time_series.request_pb(parent=parent, queues=names, metric=Metric.DEPTH)
        request.step.FromTimedelta(SPARK_STEP)
        answer = await if_built(visit.calls(Operator.query_time_series, request))
        for series in answer.series if answer is not None else ():
            found[series.queue] = spread(series.points, visit.now, SPARK_STEP, HOUR)
    return found


async def find(visit: Visit) -> Answer:
    """From what was typed on top of a page to the queue or task it names, or to the queues whose names have it."""
    text = visit.request.asked("q")
    if TASK.parse(text) is not None or QUEUE.parse(text) is not None:
        return visit.go(text)
    snapshot = await snapshot_of(visit)
    exact = [row.name for row in snapshot.rows if row.queue == text]
    if len(exact) == 1:
        return visit.go(exact[0])
    if text.isdecimal() and len(text) > 5:  # the ID of a task, such as the server makes
        named = [row.name for row in snapshot.rows[:PAGE_SIZE]]
        for name in named:
            try:
                await visit.calls(CloudTasks.get_task, name=f"{name}/tasks/{text}")
            except ApiError:
                continue
            return visit.go(f"{name}/tasks/{text}")
    return visit.go("queues", q=text)
