"""Tasks that a filter chooses, found by looking at one after the other."""

from __future__ import annotations

from typing import Any, Final

from tidegate.api.operator.parts import Parts
from tidegate.api.pace import Pace
from tidegate.api.v2beta3 import V2beta3
from tidegate.api.views import BASIC, FULL, read_view
from tidegate.core.errors import NotFound
from tidegate.core.listing import page_token, read_page_token
from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.core.task_filter import id_range, task_chooser
from tidegate.core.validation.paging import PAGE_BYTES_MAX, found_page_size
from tidegate.schema.operator import SearchTasksResponse

SCANNED_MAX: Final = 20_000
"""Tasks that one call looks at: about a second. A page then ends, and its token goes on from there."""
STEP: Final = 128
"""Tasks that are read at a time."""

_TASKS: Final = V2beta3()


async def search_tasks(parts: Parts, request: Any, queue: QueueName, call: Any) -> Any:
    """A page of the tasks, by their IDs. Bodies are read of those alone that are shown whole."""
    size, now = found_page_size(request.page_size), parts.engine.clock.now()
    chooses, within = task_chooser(request.filter), id_range(request.filter)
    after = max(read_page_token(request.page_token, queue, request.filter, now), within.after)
    view = read_view(request.response_view) or BASIC
    response = SearchTasksResponse.pb()()
    pace, left = Pace(), PAGE_BYTES_MAX
    while response.scanned < SCANNED_MAX:
        page = await parts.engine.tasks.list(queue, after, STEP, body=False)
        for task in page:
            await pace.step()
            if within.before and task.name.task >= within.before:
                return response
            response.scanned += 1
            after = task.name.task
            if not chooses(task):
                continue
            left -= await _show(parts, task, view, response)
            if len(response.tasks) == size or left <= 0:
                response.next_page_token = page_token(after, queue, request.filter, now)
                return response
        if not page:
            return response
    response.next_page_token = page_token(after, queue, request.filter, now)
    return response


async def _show(parts: Parts, task: Task, view: int, response: Any) -> int:
    """Add a task to the response; return how many bytes it takes."""
    if view == FULL:
        try:
            task = await parts.engine.tasks.get(task.name, body=True)
        except NotFound:  # it ended since it was found
            return 0
    shown: int = _TASKS.write_task(task, view, response.tasks.add()).ByteSize()
    return shown
