"""Dead tasks: listed, looked at, grouped, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.empty_pb2 import Empty

from tidegate.api.fields import schema_of
from tidegate.api.operator.attempt_messages import write_attempt_record
from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_moment
from tidegate.api.v2beta3 import V2beta3
from tidegate.api.views import BASIC, FULL
from tidegate.core import refusals
from tidegate.core.attempt_record import AttemptRecord, SentReason, kind_of_attempt
from tidegate.core.dead_letters import DeadTask
from tidegate.core.listing import compile_filter, page_token, read_page_token
from tidegate.core.names import QueueName
from tidegate.core.operator_names import DeadTaskName, dead_task_name
from tidegate.core.validation.paging import PAGE_BYTES_MAX, dead_tasks_page_size
from tidegate.schema import operator
from tidegate.schema.rpc import raw

_DIALECT: Final = V2beta3()


async def list_dead_tasks(parts: Parts, request: Any, parent: QueueName, call: Any) -> Any:
    """Newest first, without bodies."""
    size, now = dead_tasks_page_size(request.page_size), parts.engine.clock.now()
    begin = read_page_token(request.page_token, parent, request.filter, now)
    before = int(begin) if begin else None
    found = await parts.engine.dead_letters.list(parent, before, size, dead_task_chooser(request.filter))
    response = raw(operator.ListDeadTasksResponse)()
    left, last = PAGE_BYTES_MAX, found.go_on
    for each in found.chosen:
        message = write_dead_task(each, BASIC)
        left -= message.ByteSize()
        if left < 0 and response.dead_tasks:
            last = int(response.dead_tasks[-1].name.rsplit("/", 1)[1])
            break
        response.dead_tasks.append(message)
    if last is not None:
        response.next_page_token = page_token(str(last), parent, request.filter, now)
    return response


async def get_dead_task(parts: Parts, request: Any, name: DeadTaskName, call: Any) -> Any:
    """The dead task, whole."""
    return write_dead_task(await parts.engine.dead_letters.get(name.parent, read_dead_id(name)), FULL)


async def delete_dead_task(parts: Parts, request: Any, name: DeadTaskName, call: Any) -> Any:
    await parts.engine.dead_letters.delete(name.parent, read_dead_id(name))
    return Empty()


async def group_dead_tasks(parts: Parts, request: Any, parent: QueueName, call: Any) -> Any:
    """The groups, the largest first."""
    response = raw(operator.GroupDeadTasksResponse)()
    for group in await parts.engine.dead_letters.group(parent, dead_task_chooser(request.filter)):
        message = response.groups.add()
        message.error_group, message.text = group.error_group.id, group.error_group.text
        message.count = group.count
        put_moment(message.first_time, group.first_time)
        put_moment(message.last_time, group.last_time)
        message.sample = dead_task_name(parent, group.sample)
    return response


def dead_task_chooser(text: str) -> Callable[[DeadTask], bool] | None:
    """What the filter chooses; None for all."""
    chooses = compile_filter(text, schema_of(raw(operator.DeadTask).DESCRIPTOR))
    return (lambda dead: chooses(write_dead_task(dead, BASIC))) if text.strip() else None


def write_dead_task(dead: DeadTask, view: int, into: Any = None) -> Any:
    """Fill a DeadTask, a fresh one unless it is given."""
    message = raw(operator.DeadTask)() if into is None else into
    task = dead.task
    message.name = dead_task_name(task.name.parent, dead.id)
    _DIALECT.write_task(task, view, message.task)
    put_moment(message.death_time, dead.death_time)
    message.reason = dead.reason
    put_moment(message.expire_time, dead.expire_time)
    message.error_group = dead.error_group.id
    last = dead.attempts[-1] if dead.attempts else _last_attempt(dead)
    if last is not None:
        write_attempt_record(task.name, last, message.last_attempt)
    return message


def _last_attempt(dead: DeadTask) -> AttemptRecord | None:
    """What the task itself says of its last attempt, where attempts are not kept."""
    last, number = dead.task.last_attempt, dead.task.dispatch_count
    if last is None or last.dispatch_time is None or last.response_time is None:
        return None
    return AttemptRecord(
        number,
        SentReason.RETRY if number > 1 else SentReason.SCHEDULED,
        last.schedule_time,
        last.dispatch_time,
        last.response_time,
        kind_of_attempt(last),
        last.http_status,
        last.status,
    )


def read_dead_id(name: DeadTaskName) -> int:
    """The place on the shelf. NotFound for an ID that is none."""
    text = name.dead_task
    if not (text.isascii() and text.isdigit() and len(text) < 19 and str(int(text)) == text):
        raise refusals.not_found()
    return int(text)
