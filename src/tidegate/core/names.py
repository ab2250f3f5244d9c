"""Resource names: their grammar, and names inside messages.

Names are plain strings that know their parts. Projects, locations and IDs are told apart by case, as at the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from tidegate.core.errors import (
    Help,
    InvalidArgument,
)

REFERENCE: Final = "https://cloud.google.com/tasks/docs/reference/rest/v2"

PROJECT_ID: Final = r"[A-Za-z0-9:.-]+"
LOCATION_ID: Final = r"[a-z0-9-]{1,63}"
QUEUE_ID: Final = r"[A-Za-z0-9-]{1,100}"
TASK_ID: Final = r"[A-Za-z0-9_-]{1,500}"
OPERATION_ID: Final = r"[A-Za-z0-9_-]{1,100}"

DEFAULT_LOCATION: Final = "us-central1"

CACHED_NAMES: Final = 4096
CACHED_LENGTH: Final = 300  # a project ID has no longest length, and a very long one must not stay in memory


class ProjectName(str):
    """``projects/P``."""

    __slots__ = ()

    @property
    def project(self) -> str:
        """The project's ID or number."""
        return self.split("/")[1]


class _Located(str):
    """A name that begins with ``projects/P/locations/L``."""

    __slots__ = ()

    @property
    def project(self) -> str:
        """The project's ID or number."""
        return self.split("/")[1]

    @property
    def location(self) -> str:
        """The location's ID, such as ``us-central1``."""
        return self.split("/")[3]


class LocationName(_Located):
    """``projects/P/locations/L``."""

    __slots__ = ()


class QueueName(_Located):
    """``projects/P/locations/L/queues/Q``."""

    __slots__ = ()

    @classmethod
    def of(cls, project: str, location: str, queue: str) -> QueueName:
        return cls(f"projects/{project}/locations/{location}/queues/{queue}")

    @property
    def parent(self) -> str:
        """``projects/P/locations/L``."""
        return self.rsplit("/", 2)[0]

    @property
    def queue(self) -> str:
        """The queue ID."""
        return self.rsplit("/", 1)[1]

    def task(self, task: str) -> TaskName:
        return TaskName(self + "/tasks/" + task)  # twice as fast as formatting it

    def tasks(self, tasks: Iterable[str]) -> list[TaskName]:
        parent = self + "/tasks/"
        return [TaskName(parent + task) for task in tasks]


class TaskName(str):
    """``projects/P/locations/L/queues/Q/tasks/T``."""

    __slots__ = ()

    @property
    def parent(self) -> QueueName:
        """The queue it belongs to."""
        return QueueName(self.rsplit("/", 2)[0])

    @property
    def task(self) -> str:
        """The task ID."""
        return self[self.rindex("/") + 1 :]


class OperationName(str):
    """``projects/P/locations/L/operations/O``."""

    __slots__ = ()

    @property
    def parent(self) -> str:
        """``projects/P/locations/L``."""
        return self.rsplit("/", 2)[0]

    @property
    def operation(self) -> str:
        """The operation ID."""
        return self.rsplit("/", 1)[1]


class CmekName(_Located):
    """``projects/P/locations/L/cmekConfig``."""

    __slots__ = ()

    @property
    def parent(self) -> str:
        """``projects/P/locations/L``."""
        return self.rsplit("/", 1)[0]


Name = TypeVar("Name", bound=str)


class Shape(Generic[Name]):
    """A form of resource name: the segments it has, and the class of a name that fits. ``ids`` are regular expressions
    for the IDs after words that are not known here.
    """

    __slots__ = ("grammar", "known", "name", "pattern", "words")

    def __init__(
        self, pattern: str, name: type[Name], *, remembers: bool = False, ids: Mapping[str, str] | None = None
    ) -> None:
        grammars = {
            "projects": PROJECT_ID,
            "locations": LOCATION_ID,
            "queues": QUEUE_ID,
            "tasks": TASK_ID,
            "operations": r"[^/]+",  # an ID that no operation can have is answered with NOT_FOUND
            **(ids or {}),
        }
        self.pattern = pattern
        self.name = name
        self.words = pattern.split("/")
        whole = "/".join(
            grammars[self.words[at - 1]] if word == "*" else re.escape(word) for at, word in enumerate(self.words)
        )
        self.grammar = re.compile(whole)
        self.known: dict[str, Name] | None = {} if remembers else None

    def parse(self, text: str) -> Name | None:
        """The name, or None when the text is not one of this shape."""
        known = self.known
        if known is None:
            return self.name(text) if self.grammar.fullmatch(text) else None
        found = known.get(text)
        if found is None and self.grammar.fullmatch(text):
            found = self.name(text)
            if len(text) <= CACHED_LENGTH:
                if len(known) >= CACHED_NAMES:
                    known.clear()
                known[text] = found
        return found

    def fits(self, text: str) -> bool:
        """Whether the text has the right segments and none is empty. Their characters are not checked."""
        segments = text.split("/")
        return len(segments) == len(self.words) and all(
            segment == word or (word == "*" and segment) for segment, word in zip(segments, self.words, strict=True)
        )


PROJECT: Final = Shape("projects/*", ProjectName)
LOCATION: Final = Shape("projects/*/locations/*", LocationName)
QUEUE: Final = Shape("projects/*/locations/*/queues/*", QueueName, remembers=True)
TASK: Final = Shape("projects/*/locations/*/queues/*/tasks/*", TaskName)
OPERATION: Final = Shape("projects/*/locations/*/operations/*", OperationName)
CMEK: Final = Shape("projects/*/locations/*/cmekConfig", CmekName)

SHAPES: Final[Mapping[str, Shape[Any]]] = {
    shape.pattern: shape for shape in (PROJECT, LOCATION, QUEUE, TASK, OPERATION, CMEK)
}
"""The shapes by the patterns that HTTP rules write, such as ``projects/*/locations/*``."""


_QUEUE_NAME_HELP: Final = f"{REFERENCE}/projects.locations.queues#Queue.FIELDS.name"
_TASK_NAME_HELP: Final = f"{REFERENCE}/projects.locations.queues.tasks#Task.FIELDS.name"


def check_queue_name(name: str, parent: str) -> QueueName:
    """``queue.name`` of CreateQueue; empty when the queue is missing.

    Raises:
        InvalidArgument: It is no queue's name, its ID is ill-formed, or it is not under ``parent``.
    """
    parsed = QUEUE.parse(name)
    if parsed is None:
        if not QUEUE.fits(name):
            raise InvalidArgument(
                'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".',
                Help("Definition of queue name", _QUEUE_NAME_HELP),
            )
        check_ids(name.split("/"))
    if parsed is None or parsed.parent != parent:
        raise InvalidArgument(f"{name} must begin with {parent}.")
    return parsed


def check_task_name(name: str, queue: QueueName) -> TaskName:
    """``task.name`` of a task that is to go into ``queue``.

    Raises:
        InvalidArgument: It is no task's name, an ID in it is ill-formed, or it belongs to another queue.
    """
    parsed = parse_task_name(name)
    end = len(queue)
    if name[:end] != queue or name[end : end + 1] != "/":
        raise InvalidArgument(
            f"The queue name from request ('{queue}') must be the same as the queue name in the named task "
            f"('{parsed.parent}')."
        )
    return parsed


def parse_task_name(name: str) -> TaskName:
    """A task's name wherever it belongs. InvalidArgument with the text of what is wrong."""
    parsed = TASK.parse(name)
    if parsed is None:
        if not TASK.fits(name):
            raise InvalidArgument(
                "Task name must be formatted: "
                '"projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>".',
                Help("Definition of task name", _TASK_NAME_HELP),
            )
        check_ids(name.split("/"))
        parsed = TaskName(name)  # only its project or location is ill-formed, so it belongs to another queue
    return parsed


def check_ids(segments: list[str]) -> None:
    """Refuse ill-formed queue and task IDs among the segments of a name."""
    ids = dict(zip(segments[::2], segments[1::2], strict=False))
    queue, task = ids.get("queues"), ids.get("tasks")
    if queue is not None and not re.fullmatch(QUEUE_ID, queue):
        raise InvalidArgument(
            f'Queue ID "{queue}" can contain only letters ([A-Za-z]), numbers ([0-9]), or hyphens (-). '
            "Queue ID must be between 1 and 100 characters.",
            Help("Definition of queue ID", _QUEUE_NAME_HELP),
        )
    if task is not None and not re.fullmatch(TASK_ID, task):
        raise InvalidArgument(
            f'Task ID "{task}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). '
            "Task ID must between 1 and 500 characters.",
            Help("Definition of task ID", _TASK_NAME_HELP),
        )
