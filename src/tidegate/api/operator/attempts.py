"""Attempts that were kept: listed and looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tidegate.api.fields import schema_of
from tidegate.api.operator.attempt_messages import write_attempt_record
from tidegate.api.operator.parts import Parts
from tidegate.core.errors import InvalidArgument
from tidegate.core.listing import compile_filter, page_token, read_page_token
from tidegate.core.names import QueueName, TaskName
from tidegate.core.operator_names import AttemptName
from tidegate.core.validation.paging import PAGE_BYTES_MAX, attempts_page_size
from tidegate.engine.attempt_walk import AttemptPlace
from tidegate.engine.ports.shelf import StoredAttempt
from tidegate.schema.operator import Attempt, ListAttemptsResponse
from tidegate.schema.rpc import raw

_PLACE: Final = re.compile(r"(\d{0,18})\.(\d{0,18})\.(\d{1,9})")


async def list_attempts(parts: Parts, request: Any, parent: TaskName | QueueName, call: Any) -> Any:
    """Those of a task, or of all tasks of a queue; newest first."""
    size, now = attempts_page_size(request.page_size), parts.engine.clock.now()
    begin = read_page_token(request.page_token, parent, request.filter, now)
    response = raw(ListAttemptsResponse)()
    chooses = compile_filter(request.filter, schema_of(raw(Attempt).DESCRIPTOR))
    if isinstance(parent, TaskName):
        every = [_message(parent, each) for each in await parts.engine.attempts.list(parent)]
        chosen = [message for message in every if chooses(message)]
        start = int(begin or 0)
        end = start + _fill(response.attempts, chosen[start : start + size])
        last = str(end) if end < len(chosen) else ""
    else:
        queue = parent

        def takes(each: StoredAttempt) -> bool:
            return chooses(_message(queue.task(each.task_id), each))

        place = _read_place(begin)
        found = await parts.engine.attempts.list_all(queue, place, size, takes if request.filter else None)
        shown = _fill(response.attempts, [_message(queue.task(each.task_id), each) for each, _ in found.attempts])
        go_on = found.go_on if shown == len(found.attempts) else found.attempts[shown - 1][1]
        last = "" if go_on is None else _write_place(go_on)
    if last:
        response.next_page_token = page_token(last, parent, request.filter, now)
    return response


async def get_attempt(parts: Parts, request: Any, name: AttemptName, call: Any) -> Any:
    return _message(name.parent, await parts.engine.attempts.get(name.parent, name.number))


def _write_place(place: AttemptPlace) -> str:
    """Where a list goes on, for a token."""
    return ".".join("" if each is None else str(each) for each in (place.kept, place.dead, place.shown))


def _read_place(text: str) -> AttemptPlace:
    """The place of a token; the beginning without one. Raises InvalidArgument."""
    if not text:
        return AttemptPlace()
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InvalidArgument("Invalid page_token")
    kept, dead, shown = (int(each) if each else None for each in found.groups())
    return AttemptPlace(kept, dead, shown or 0)


def _fill(page: Any, messages: Sequence[Any]) -> int:
    """Put so many messages on the page as it may have bytes, one at least; return how many."""
    left = PAGE_BYTES_MAX
    for count, message in enumerate(messages):
        left -= message.ByteSize()
        if left < 0 and count:
            return count
        page.append(message)
    return len(messages)


def _message(task: TaskName, attempt: StoredAttempt) -> Any:
    return write_attempt_record(task, attempt.record, raw(Attempt)())
