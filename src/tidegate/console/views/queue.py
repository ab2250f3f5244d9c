"""A queue: its tasks, its configuration, its permissions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from tidegate.console.answer import Answer
from tidegate.console.hours import QueueHour, hour_of
from tidegate.console.options_form import KEPT, LABELS
from tidegate.console.queue_form import queue_from_form, retry_from_form
from tidegate.console.queue_head import Head, head_of
from tidegate.console.tasks_table import SEGMENTS, filter_of, task_row
from tidegate.console.visit import Visit, if_built
from tidegate.core.errors import ApiError, Unimplemented
from tidegate.core.names import QueueName
from tidegate.schema.operator import Operator
from tidegate.schema.v2beta3 import CloudTasks

PAGE_SIZE: Final = 50
BACK_MAX: Final = 20
"""Pages that "Previous" leads back to; a page's address holds the way."""


async def tasks(visit: Visit, name: QueueName) -> Answer:
    head = await head_of(visit, name, "")
    asked = visit.request.asked
    text, segment, token = asked("q"), asked("state"), asked("after")
    page = await _search(visit, name, filter_of(text, segment, visit.now), token)
    way = [each for each in asked("way").split(",") if each]

    def link(**fields: str) -> str:
        kept = {name: value for name, value in fields.items() if value}
        return f"{name.queue}?{urlencode(kept)}" if kept else name.queue

    following = link(q=text, state=segment, after=page.next_page_token, way=",".join([*way, token or "-"][-BACK_MAX:]))
    before = (
        link(
            q=text,
            state=segment,
            after=way[-1].replace("-", "", 1) if way[-1] == "-" else way[-1],
            way=",".join(way[:-1]),
        )
        if way
        else None
    )
    rows = [task_row(task, visit.now) for task in page.tasks]
    return visit.page(
        "queue.html",
        title=name.queue,
        section="queues",
        head=head,
        hour=await _hour(visit, head),
        rows=rows,
        query=text,
        state=segment if segment in SEGMENTS else "",
        segments=[(link(q=text), "All", not segment, head.row.depth), *_segments(head, text, segment, link)],
        scanned=getattr(page, "scanned", 0),
        previous=before,
        next=following if page.next_page_token and (rows or getattr(page, "scanned", 0)) else None,
        undo_queue=name,
    )


def _segments(head: Head, text: str, segment: str, link: Any) -> list[tuple[str, str, bool, int | None]]:
    counts = {"due": head.row.due, "scheduled": head.status.scheduled, "in-flight": head.row.in_flight}
    return [
        (link(q=text, state=each), each.replace("-", " ").capitalize(), segment == each, counts.get(each))
        for each in SEGMENTS
        if each != "in-flight"
    ]


async def _search(visit: Visit, name: QueueName, wanted: str, token: str) -> Any:
    """A page of tasks by schedule time. Without a search on this server: by ID, and only all of them."""
    try:
        return await visit.calls(
            Operator.search_tasks, parent=name, filter=wanted, page_size=PAGE_SIZE, page_token=token
        )
    except Unimplemented:
        return await visit.calls(CloudTasks.list_tasks, parent=name, page_size=PAGE_SIZE, page_token=token)


async def _hour(visit: Visit, head: Head) -> QueueHour | None:
    return await hour_of(visit, head.name)


async def configuration(visit: Visit, name: QueueName, trouble: str = "", sent: Any = None) -> Answer:
    head = await head_of(visit, name, "configuration")
    queue = sent or head.queue
    preview = await _preview(visit, name, queue) if not trouble else None
    return visit.page(
        "configuration.html",
        code=400 if trouble else 200,
        title=f"{name.queue}: configuration",
        section="queues",
        head=head,
        queue=queue,
        trouble=trouble,
        preview=preview,
        unsaved=sent is not None and not trouble,
        backoffs=_backoffs(preview) if preview is not None else [],
        options=await if_built(visit.calls(Operator.get_queue_options, name=f"{name}/options")),
        kept=KEPT,
        labels=LABELS,
    )


async def _preview(visit: Visit, name: QueueName, queue: Any) -> Any:
    request = Operator.preview_retries.request_pb(
        queue=name, retry_config=queue.retry_config, rate_limits=queue.rate_limits
    )
    try:
        return await if_built(visit.calls(Operator.preview_retries, request))
    except ApiError:
        return None


def _backoffs(preview: Any) -> list[tuple[int, timedelta]]:
    """Number and time after the first attempt, of the first dozen."""
    return [(each.number, each.at.ToTimedelta()) for each in preview.attempts[:12]]


async def configure(visit: Visit, name: QueueName) -> Answer:
    """Show what the settings would mean, or save them."""
    visit.need("cloudtasks.queues.update", name)
    stored = await visit.calls(CloudTasks.get_queue, name=name)
    try:
        wanted, paths = queue_from_form(visit.request, stored)
        if visit.request.sent("do") == "preview":
            return await configuration(visit, name, sent=wanted)
        request = CloudTasks.update_queue.request_pb(queue=wanted)
        request.update_mask.paths.extend(paths)
        await visit.calls(CloudTasks.update_queue, request)
    except ApiError as error:
        return await configuration(visit, name, trouble=error.message, sent=retry_from_form(visit.request, stored))
    return visit.go(f"{name}/configuration", notice="saved")
