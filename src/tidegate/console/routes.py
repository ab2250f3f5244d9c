"""Which view answers which address."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias

from tidegate.console.answer import Answer
from tidegate.console.views import actions, create_queue, create_task, queue, queues, server, task, task_body
from tidegate.console.visit import Visit
from tidegate.core.names import QUEUE, TASK
from tidegate.servers.mounts import READING

View: TypeAlias = Callable[..., Awaitable[Answer]]

_QUEUE: Final = re.compile(r"(projects/[^/]+/locations/[^/]+/queues/[^/]+)(?:/([a-z-]+))?")
_TASK: Final = re.compile(r"(projects/[^/]+/locations/[^/]+/queues/[^/]+/tasks/[^/]+)(?:/([a-z-]+))?")

READ: Final[dict[str, View]] = {
    "queues": queues.queues,
    "queues/new": create_queue.form,
    "queues/apply": create_queue.yaml_form,
    "find": queues.find,
    "server": server.server,
}
WRITE: Final[dict[str, View]] = {
    "queues/new": create_queue.create,
    "queues/apply": create_queue.apply,
}
READ_QUEUE: Final[dict[str, View]] = {
    "": queue.tasks,
    "configuration": queue.configuration,
    "permissions": queue.permissions,
    "create-task": create_task.form,
    "purge": actions.ask_purge,
    "delete": actions.ask_delete,
}
WRITE_QUEUE: Final[dict[str, View]] = {
    "configuration": queue.configure,
    "create-task": create_task.create,
    "pause": actions.pause,
    "resume": actions.resume,
    "purge": actions.purge,
    "delete": actions.delete,
}
READ_TASK: Final[dict[str, View]] = {
    "": task.task,
    "body": task_body.body,
}
WRITE_TASK: Final[dict[str, View]] = {
    "run": actions.run_task,
    "delete": actions.delete_task,
}


def find(method: str, path: str) -> Callable[[Visit], Awaitable[Any]] | None:
    """The view of an address relative to the console; None when there is none."""
    reads = method in READING
    plain = (READ if reads else WRITE).get(path)
    if plain is not None:
        return plain
    match = _TASK.fullmatch(path)
    if match is not None and (name := TASK.parse(match[1])) is not None:
        view = (READ_TASK if reads else WRITE_TASK).get(match[2] or "")
        return view and partial(view, name=name)
    match = _QUEUE.fullmatch(path)
    if match is not None and (queue_name := QUEUE.parse(match[1])) is not None:
        view = (READ_QUEUE if reads else WRITE_QUEUE).get(match[2] or "")
        return view and partial(view, name=queue_name)
    return None
