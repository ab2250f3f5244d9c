"""Names of what the operator's API adds: attempts, dead tasks, faults, and the one status and options of a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import LOCATION, OPERATION, PROJECT, QUEUE, TASK, QueueName, Shape, TaskName

ATTEMPT_NUMBER: Final = r"[1-9][0-9]{0,8}"
DEAD_TASK_ID: Final = r"[A-Za-z0-9_-]{1,600}"
FAULT_ID: Final = r"[A-Za-z0-9_-]{1,100}"


class AttemptName(str):
    """``projects/P/locations/L/queues/Q/tasks/T/attempts/N``."""

    __slots__ = ()

    @property
    def parent(self) -> TaskName:
        """The task."""
        return TaskName(self.rsplit("/", 2)[0])

    @property
    def number(self) -> int:
        """1 for the first attempt of the task."""
        return int(self.rsplit("/", 1)[1])


class _InQueue(str):
    __slots__ = ()

    @property
    def parent(self) -> QueueName:
        """The queue."""
        return QueueName("/".join(self.split("/")[:6]))


class DeadTaskName(_InQueue):
    """``projects/P/locations/L/queues/Q/deadTasks/ID``."""

    __slots__ = ()

    @property
    def dead_task(self) -> str:
        """Its ID."""
        return self.rsplit("/", 1)[1]


def dead_task_name(queue: QueueName, dead_id: int) -> DeadTaskName:
    """The name of a dead task."""
    return DeadTaskName(f"{queue}/deadTasks/{dead_id}")


class FaultName(_InQueue):
    """``projects/P/locations/L/queues/Q/faults/F``."""

    __slots__ = ()

    @property
    def fault(self) -> str:
        """Its ID."""
        return self.rsplit("/", 1)[1]


class QueueStatusName(_InQueue):
    """``projects/P/locations/L/queues/Q/status``."""

    __slots__ = ()


class QueueOptionsName(_InQueue):
    """``projects/P/locations/L/queues/Q/options``."""

    __slots__ = ()


class ServerName(str):
    """``-`` or nothing: the whole server."""

    __slots__ = ()


ATTEMPT: Final = Shape(f"{TASK.pattern}/attempts/*", AttemptName, ids={"attempts": ATTEMPT_NUMBER})
DEAD_TASK: Final = Shape(f"{QUEUE.pattern}/deadTasks/*", DeadTaskName, ids={"deadTasks": DEAD_TASK_ID})
FAULT: Final = Shape(f"{QUEUE.pattern}/faults/*", FaultName, ids={"faults": FAULT_ID})
QUEUE_STATUS: Final = Shape(f"{QUEUE.pattern}/status", QueueStatusName)
QUEUE_OPTIONS: Final = Shape(f"{QUEUE.pattern}/options", QueueOptionsName)
SERVER: Final = Shape("-", ServerName)

OPERATOR_SHAPES: Final[Mapping[str, Shape[Any]]] = {
    shape.pattern: shape
    for shape in (
        PROJECT,
        LOCATION,
        QUEUE,
        TASK,
        OPERATION,
        ATTEMPT,
        DEAD_TASK,
        FAULT,
        QUEUE_STATUS,
        QUEUE_OPTIONS,
        SERVER,
    )
}
"""The shapes by the patterns that HTTP rules write."""

_WRITTEN: Final = {
    "projects": "PROJECT_ID",
    "locations": "LOCATION_ID",
    "queues": "QUEUE_ID",
    "tasks": "TASK_ID",
    "operations": "OPERATION_ID",
    "attempts": "NUMBER",
    "deadTasks": "DEAD_TASK_ID",
    "faults": "FAULT_ID",
}
_SHOWN_MAX: Final = 200
"""Characters of a refused name that its error repeats."""


class OperatorGate(Struct, frozen=True):
    """The first check of an RPC: the name by which it is routed, taken apart.

    ``field`` is the request's field with the name, for the text; ``shapes`` are the forms that it may have.
    """

    field: str
    shapes: tuple[Shape[Any], ...]

    def __call__(self, name: str) -> Any:
        """The name, of the class of the first shape that it fits.

        Raises:
            InvalidArgument: It fits none, or is empty.
        """
        for shape in self.shapes:
            parsed = shape.parse(name)
            if parsed is not None:
                return parsed
        forms = " or ".join(f'"{written(shape)}"' for shape in self.shapes)
        shown = name if len(name) <= _SHOWN_MAX else name[:_SHOWN_MAX] + "…"
        raise InvalidArgument(f'{self.field} must be formatted {forms}, but is "{shown}".')


def written(shape: Shape[Any]) -> str:
    """A shape for readers: ``projects/<PROJECT_ID>/locations/<LOCATION_ID>``."""
    words = shape.words
    return "/".join(f"<{_WRITTEN[words[at - 1]]}>" if word == "*" else word for at, word in enumerate(words))
