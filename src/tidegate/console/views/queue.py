"""A queue: its tasks, its configuration, its permissions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from tidegate.console.answer import Answer
from tidegate.console.hours import QueueHour, hour_of
from tidegate.console.options_form import KEPT, LABELS
from tidegate.console.queue_form import queue_from_form, retry_from_form
from tidegate.console.queue_head import Head, head_of
from tidegate.console.tasks_table import LATEST, SEGMENTS, filter_of, order_of, task_row
from tidegate.console.visit import Visit, if_built
from tidegate.console.words import iso
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName
from tidegate.schema.operator import Operator
from tidegate.schema.v2beta3 import CloudTasks

PAGE_SIZE: Final = 50
FIRST: Final = "-"
"""Stands for the first page, which has no token."""
BACK_MAX: Final = 20
"""Pages that "Previous" leads back to; a page's address holds the way."""


async def tasks(visit: Visit, name: QueueName) -> Answer:
    head = await head_of(visit, name, "")
    asked = visit.request.asked
    text, segment, token, sort = asked("q"), asked("state"), asked("after"), asked("sort")
    segment, sort = segment if segment in SEGMENTS else "", LATEST if sort == LATEST else ""
    # What is due depends on the moment, and a token goes on with the same question.
    at = _moment(asked("at"), visit.now) if token else visit.now
    page = await _search(visit, head, filter_of(text, segment, at), token, order_of(text, sort), segment)
    way = [each for each in asked("way").split(",") if each]

    def link(**fields: str) -> str:
        kept = {field: value for field, value in {"q": text, "state": segment, "sort": sort, **fields}.items() if value}
        return f"{name.queue}?{urlencode(kept)}" if kept else name.queue

    following = link(after=page.next_page_token, at=iso(at), way=",".join([*way, token or FIRST][-BACK_MAX:]))
    before = None
    if way:
        before = link(after="" if way[-1] == FIRST else way[-1], at=iso(at), way=",".join(way[:-1]))
    rows = [task_row(task, visit.now) for task in page.tasks]
    return visit.page(
        "queue.html",
        title=name.queue,
        section="queues",
        head=head,
        hour=await _hour(visit, head),
        rows=rows,
        query=text,
        state=segment,
        sort=sort,
        by_id=order_of(text, sort) == "name",
        turned=link(sort="" if sort else LATEST),
        segments=[(link(state=""), "All", not segment, head.row.depth), *_segments(head, segment, link)],
        scanned=page.scanned,
        previous=before,
        next=following if page.next_page_token and (rows or page.scanned) else None,
        undo_queue=name,
    )


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if found.tzinfo else otherwise


def _segments(head: Head, segment: str, link: Any) -> list[tuple[str, str, bool, int | None]]:
    counts = {"due": head.row.due, "scheduled": head.status.scheduled, "in-flight": head.row.in_flight}
    return [
        (link(state=each), each.replace("-", " ").capitalize(), segment == each, counts.get(each))
        for each in SEGMENTS
        if each != "in-flight" or not head.row.pull
    ]


async def _search(visit: Visit, head: Head, wanted: str, token: str, order: str, segment: str) -> Any:
    """A page of tasks. One of those in flight ends with the last that there is, and looks at no others then."""
    many = head.row.in_flight if segment == "in-flight" else PAGE_SIZE
    if not many and not token:
        return Operator.search_tasks.response_pb()
    return await visit.calls(
        Operator.search_tasks,
        parent=head.name,
        filter=wanted,
        page_size=min(many, PAGE_SIZE) or PAGE_SIZE,
        page_token=token,
        order_by=order,
    )


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
