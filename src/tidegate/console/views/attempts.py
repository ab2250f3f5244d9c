"""Attempts of a queue, and of all queues as they happen."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any, Final
from urllib.parse import urlencode

from tidegate.console.answer import Answer
from tidegate.console.attempt_rows import attempt_row
from tidegate.console.queue_head import head_of
from tidegate.console.snapshot import moment
from tidegate.console.states import IN_FLIGHT, State
from tidegate.console.visit import Visit, if_built
from tidegate.core.errors import Unimplemented
from tidegate.core.names import QUEUE, TASK, QueueName
from tidegate.schema.operator import Event, Operator

PAGE_SIZE: Final = 50
SHOWN: Final = 100
"""Events on the page of what happens."""
QUIET: Final = 0.25
"""Seconds without an event after which none is remembered."""
PATIENCE: Final = 5.0
"""Seconds after which the events that were read by then are shown."""

Kind = Event.Kind
KINDS: Final = {
    Kind.TASK_CREATED: State("Created", "accent"),
    Kind.TASK_DELETED: State("Deleted"),
    Kind.ATTEMPT_STARTED: IN_FLIGHT,
    Kind.ATTEMPT_ENDED: State("Attempt", "ok"),
    Kind.TASK_DIED: State("Given up", "bad"),
    Kind.QUEUE_CHANGED: State("Queue changed"),
    Kind.QUEUE_DELETED: State("Queue deleted"),
    Kind.RESET: State("Reset", "warn"),
    Kind.GAP: State("Events missing", "warn"),
}
FILTERS: Final = {
    "": ("Attempts", (Kind.ATTEMPT_ENDED, Kind.TASK_DIED)),
    "failed": ("Failed", (Kind.ATTEMPT_ENDED, Kind.TASK_DIED)),
    "all": ("Everything", ()),
}


async def logs(visit: Visit, name: QueueName) -> Answer:
    """The kept attempts of a queue, newest first."""
    head = await head_of(visit, name, "logs")
    chosen = visit.request.asked("filter")
    page = await if_built(
        visit.calls(
            Operator.list_attempts,
            parent=name,
            page_size=PAGE_SIZE,
            page_token=visit.request.asked("after"),
            filter=chosen,
        )
    )
    following = None
    if page is not None and page.next_page_token and page.attempts:
        following = "logs?" + urlencode({"filter": chosen, "after": page.next_page_token})
    return visit.page(
        "logs.html",
        title=f"{name.queue}: logs",
        section="queues",
        head=head,
        built=page is not None,
        rows=[attempt_row(each) for each in page.attempts] if page is not None else [],
        query=chosen,
        next=following,
        previous="logs" if visit.request.asked("after") else None,
    )


async def activity(visit: Visit) -> Answer:
    """What happened last in all queues, newest first."""
    chosen = visit.request.asked("show")
    if chosen not in FILTERS:
        chosen = ""
    wanted = visit.request.asked("queue")
    built, many = True, 5 * SHOWN if wanted or chosen == "failed" else SHOWN
    try:
        events = await _last(visit, FILTERS[chosen][1], many)
    except Unimplemented:
        events, built = [], False
    rows = [_row(event) for event in reversed(events)]
    if chosen == "failed":
        rows = [row for row in rows if not row["good"]]
    if wanted:
        rows = [row for row in rows if wanted in row["queue"]]
    return visit.page(
        "activity.html",
        title="Activity",
        section="activity",
        rows=rows[:SHOWN],
        built=built,
        wanted=wanted,
        segments=[(key, label, key == chosen) for key, (label, _) in FILTERS.items()],
        chosen=chosen,
    )


async def _last(visit: Visit, kinds: Any, many: int) -> list[Any]:
    """The last events, oldest first. Raises Unimplemented."""
    newest = await _replayed(visit, kinds, 1)
    return await _replayed(visit, kinds, many, newest[0].cursor) if newest else []


async def _replayed(visit: Visit, kinds: Any, many: int, newest: str = "") -> list[Any]:
    """The last events up to the one with the cursor ``newest``. The stream of events has no end: without that cursor
    it has ended when nothing comes, which a busy server may be late with.
    """
    request = Operator.watch_events.request_pb(parent="-", kinds=kinds, replay_last=many)
    found: list[Any] = []
    async with aclosing(await visit.calls.stream(Operator.watch_events, request)) as stream:
        with suppress(TimeoutError, StopAsyncIteration):
            async with asyncio.timeout(PATIENCE if newest else QUIET):
                while len(found) < many and (not found or found[-1].cursor != newest):
                    event = await anext(stream)
                    if event.kind:
                        found.append(event)
    return found


def _row(event: Any) -> dict[str, Any]:
    attempt = attempt_row(event.attempt) if event.HasField("attempt") else None
    kind = KINDS.get(event.kind, State(event.text))
    if event.kind == Kind.ATTEMPT_ENDED and attempt is not None:
        kind = State("Delivered", "ok") if attempt.good else State("Failed", "bad")
    return {
        "time": moment(event, "time"),
        "kind": kind,
        "queue": QUEUE.parse(event.queue) or QueueName(event.queue) if event.queue else "",
        "task": TASK.parse(event.task) if event.task else None,
        "attempt": attempt,
        "text": event.text,
        "good": event.kind != Kind.TASK_DIED and (attempt is None or attempt.good),
    }
