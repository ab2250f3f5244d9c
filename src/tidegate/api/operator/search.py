"""Tasks that a filter chooses, found by looking at one after the other, by their IDs or by their schedule times."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

from tidegate.api.operator.parts import Parts
from tidegate.api.pace import Pace
from tidegate.api.v2beta3 import V2beta3
from tidegate.api.views import BASIC, FULL, read_view
from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.core.listing import page_token, plain, read_page_token
from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.core.task_filter import id_range, schedule_range, task_chooser
from tidegate.core.times import micros
from tidegate.core.validation.paging import PAGE_BYTES_MAX, found_page_size
from tidegate.engine.ports.store import PlaceInLine
from tidegate.schema.operator import SearchTasksResponse

SCANNED_MAX: Final = 20_000
"""Tasks that one call looks at: about a second. A page then ends, and its token goes on from there."""
STEP: Final = 128
"""Tasks that are read at a time."""

_TASKS: Final = V2beta3()
_PLACE: Final = re.compile(r"(-?\d{1,18})\.(\d{1,18})")
_SHOWN_MAX: Final = 200


async def search_tasks(parts: Parts, request: Any, queue: QueueName, call: Any) -> Any:
    """A page of the tasks. Bodies are read of those alone that are shown whole."""
    size, now = found_page_size(request.page_size), parts.engine.clock.now()
    chooses, latest_first = task_chooser(request.filter), _latest_first(request.order_by)
    view = read_view(request.response_view) or BASIC
    same = request.filter if latest_first is None else f"{request.filter}\n{latest_first}"
    behind = read_page_token(request.page_token, queue, same, now)
    looked_at = (
        _by_id(parts, queue, behind, request.filter)
        if latest_first is None
        else _by_schedule_time(parts, queue, _place(behind), request.filter, latest_first=latest_first)
    )
    response = SearchTasksResponse.pb()()
    pace, left = Pace(), PAGE_BYTES_MAX
    async for task, behind in looked_at:
        await pace.step()
        response.scanned += 1
        if chooses(task):
            left -= await _show(parts, task, view, response)
        if len(response.tasks) == size or left <= 0 or response.scanned == SCANNED_MAX:
            response.next_page_token = page_token(behind, queue, same, now)
            break
    return response


async def _by_id(parts: Parts, queue: QueueName, behind: str, text: str) -> AsyncIterator[tuple[Task, str]]:
    """Tasks and the places behind them; of those alone that the filter can choose by their IDs."""
    within = id_range(text)
    behind = max(behind, within.after)
    while page := await parts.engine.tasks.list(queue, behind, STEP, body=False):
        for task in page:
            behind = task.name.task
            if within.before and behind >= within.before:
                return
            yield task, behind


async def _by_schedule_time(
    parts: Parts, queue: QueueName, behind: PlaceInLine | None, text: str, *, latest_first: bool
) -> AsyncIterator[tuple[Task, str]]:
    """Tasks and the places behind them; of those alone that the filter can choose by their schedule times. A task
    stands at its schedule time, or later at a moment that has passed.
    """
    within, now = schedule_range(text), micros(parts.engine.clock.now())
    end = None if within.latest is None or latest_first else max(within.latest, now)
    if behind is None and within.earliest is not None and not latest_first:
        behind = PlaceInLine(within.earliest, -1)
    while page := await parts.engine.tasks.in_line(queue, behind, STEP, latest_first=latest_first):
        for task, place in page:
            if end is not None and place.at > end:
                return
            yield task, f"{place.at}.{place.number}"
        behind = place


def _latest_first(order_by: str) -> bool | None:
    """What ``order_by`` says of the schedule times; None: by ID. Raises InvalidArgument."""
    field, *direction = order_by.split() or ["name"]
    way = direction[0].lower() if direction else "asc"
    if len(direction) <= 1 and way in {"asc", "desc"}:
        if plain(field) == "scheduletime":
            return way == "desc"
        if plain(field) == "name" and way == "asc":
            return None
    raise InvalidArgument(
        f'order_by must be "name", "schedule_time" or "schedule_time desc", but is "{order_by[:_SHOWN_MAX]}".'
    )


def _place(behind: str) -> PlaceInLine | None:
    """The place that a token names, None at the beginning."""
    if not behind:
        return None
    found = _PLACE.fullmatch(behind)
    if found is None:
        raise InvalidArgument("Invalid page_token")
    return PlaceInLine(int(found[1]), int(found[2]))


async def _show(parts: Parts, task: Task, view: int, response: Any) -> int:
    """Add a task to the response; return how many bytes it takes."""
    if view == FULL:
        try:
            task = await parts.engine.tasks.get(task.name, body=True)
        except NotFound:  # it ended since it was found
            return 0
    shown: int = _TASKS.write_task(task, view, response.tasks.add()).ByteSize()
    return shown
