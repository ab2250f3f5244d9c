"""What differs between the API versions.

The engine knows one queue and one task. A dialect reads them from the messages of its version and writes them into
those. The rest of an RPC is the same for all versions and is in ``handlers``. All messages here are raw protobuf
messages: a proto-plus wrapper costs more than the rest of a call.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from tidegate.api.masks import Steps
from tidegate.api.task_bytes import TaskBytes
from tidegate.core.queue import Queue
from tidegate.core.stats import QueueStats
from tidegate.core.task import Task
from tidegate.core.validation import TaskDraft
from tidegate.schema.rpc import Service, raw


class Messages:
    """The raw classes of a version's messages, by their names: ``messages.Task()``."""

    def __init__(self, schema: ModuleType) -> None:
        for name in schema.__all__:
            message = getattr(schema, name)
            if hasattr(message, "pb"):
                setattr(self, name, raw(message))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Dialect(Protocol):
    """One API version."""

    services: tuple[type[Service], ...]
    """The services whose rows this version serves."""
    messages: Messages
    fixed: frozenset[Steps]
    """Paths of a queue that a mask may name without effect: what only the server sets."""
    push_only: bool
    """Whether this version knows no pull queues. The engine is told with each call and answers as if none existed."""
    masks_answers: bool
    """Whether requests say by a ``read_mask`` what they want to see of a queue."""

    def read_queue(self, message: Any, base: Queue) -> Queue:
        """``base`` with all that this version can set, as it was sent: what is unset there is 0, empty or None."""

    def write_queue(self, queue: Queue, into: Any) -> Any:
        """Fill a fresh message and return it."""

    def write_stats(self, stats: QueueStats, into: Any) -> None:
        """Fill a QueueStats; only of a version that ``masks_answers``."""

    def read_task(self, message: Any) -> TaskDraft:
        """A task as it was sent."""

    def write_task(self, task: Task, view: int, into: Any) -> Any:
        """Fill a fresh message and return it; the body only in the FULL view."""

    task_bytes: TaskBytes
    """Writes the serialised message of a task. Fast for tasks without an attempt."""
