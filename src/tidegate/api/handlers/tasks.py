"""Tasks: list, get, create, delete, run."""

from __future__ import annotations

from typing import Any

from tidegate.api.dialect import Dialect
from tidegate.api.task_bytes import EMPTY, block, tag
from tidegate.api.views import BASIC, FULL, read_view
from tidegate.core.listing import page_token, read_page_token
from tidegate.core.names import QueueName, TaskName
from tidegate.core.validation import check_task, tasks_page_size
from tidegate.engine.engine import Engine


async def create_task(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    new = check_task(dialect.read_task(request.task), parent, engine.clock.now())
    view = read_view(request.response_view)
    del request  # it is read, and need not stay in the processor's cache while the store works (see servers/grpc.py)
    return dialect.task_bytes(await engine.tasks.create(parent, new, push_only=dialect.push_only), view)


async def list_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    size = tasks_page_size(request.page_size)
    now = engine.clock.now()
    after = read_page_token(request.page_token, parent, "", now)
    view = read_view(request.response_view) or BASIC
    page = await engine.tasks.list(parent, after, size, body=view == FULL, push_only=dialect.push_only)
    fields = dialect.messages.ListTasksResponse.DESCRIPTOR.fields_by_name
    tasks = tag(fields["tasks"].number)
    response = dialect.task_bytes.repeated(tasks, [(task, view) for task in page])
    if page:  # every page with an entry has a token, even the last one
        token = page_token(page[-1].name.task, parent, "", now)
        response += block(tag(fields["next_page_token"].number), token.encode())
    return response


async def get_task(engine: Engine, dialect: Dialect, request: Any, name: TaskName) -> Any:
    view = read_view(request.response_view)
    return dialect.task_bytes(await engine.tasks.get(name, body=view == FULL, push_only=dialect.push_only), view)


async def delete_task(engine: Engine, dialect: Dialect, request: Any, name: TaskName) -> Any:
    await engine.tasks.delete(name, push_only=dialect.push_only)
    return EMPTY


async def run_task(engine: Engine, dialect: Dialect, request: Any, name: TaskName) -> Any:
    task = await engine.tasks.run(name, push_only=dialect.push_only)
    return dialect.write_task(task, read_view(request.response_view), dialect.messages.Task())
