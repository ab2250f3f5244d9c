"""Which view answers which address."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias

from tidegate.console.answer import Answer
from tidegate.console.views import (
    actions,
    attempts,
    audit,
    create_queue,
    create_task,
    dead_letters,
    login,
    metrics,
    operations,
    permissions,
    queue,
    queue_options,
    queues,
    server,
    task,
    task_body,
)
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
    "login": login.form,
    "callback": login.come_back,
    "activity": attempts.activity,
    "failures": dead_letters.failures,
    "operations": operations.operations,
    "audit": audit.audit,
    "server": server.server,
}
WRITE: Final[dict[str, View]] = {
    "queues/new": create_queue.create,
    "queues/apply": create_queue.apply,
    "operations/stop": operations.stop,
    "login": login.log_in,
    "logout": login.log_out,
    "server/drain": server.drain,
    "server/undrain": server.undrain,
}
READ_QUEUE: Final[dict[str, View]] = {
    "": queue.tasks,
    "metrics": metrics.metrics,
    "logs": attempts.logs,
    "configuration": queue.configuration,
    "dead-letters": dead_letters.dead_letters,
    "dead-letters-file": dead_letters.saved,
    "bulk": operations.ask,
    "permissions": permissions.permissions,
    "create-task": create_task.form,
    "purge": actions.ask_purge,
    "delete": actions.ask_delete,
}
WRITE_QUEUE: Final[dict[str, View]] = {
    "configuration": queue.configure,
    "options": queue_options.save,
    "permissions": permissions.change,
    "dead-letters": dead_letters.change,
    "bulk": operations.begin,
    "create-task": create_task.create,
    "pause": actions.pause,
    "resume": actions.resume,
    "purge": actions.purge,
    "delete": actions.delete,
}
READ_TASK: Final[dict[str, View]] = {
    "": task.task,
    "body": task_body.body,
    "har": task.har,
}
WRITE_TASK: Final[dict[str, View]] = {
    "run": actions.run_task,
    "delete": actions.delete_task,
    "replay": task.replay,
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
