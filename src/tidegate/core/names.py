"""Resource names and the gate every call passes first (behaviour §1)."""

from __future__ import annotations


class QueueName(str):
    """``projects/P/locations/L/queues/Q``; a plain string that knows its parts."""

    __slots__ = ()

    @classmethod
    def of(cls, project: str, location: str, queue: str) -> QueueName:
        return cls(f"projects/{project}/locations/{location}/queues/{queue}")

    @property
    def project(self) -> str:
        return self.split("/")[1]

    @property
    def location(self) -> str:
        return self.split("/")[3]

    @property
    def parent(self) -> str:
        """``projects/P/locations/L``."""
        return self.rsplit("/", 2)[0]

    @property
    def queue(self) -> str:
        """The queue ID."""
        return self.rsplit("/", 1)[1]

    def task(self, task: str) -> TaskName:
        return TaskName(f"{self}/tasks/{task}")


class TaskName(str):
    """``projects/P/locations/L/queues/Q/tasks/T``; a plain string that knows its parts."""

    __slots__ = ()

    @property
    def parent(self) -> QueueName:
        """The queue it belongs to."""
        return QueueName(self.rsplit("/", 2)[0])

    @property
    def task(self) -> str:
        """The task ID."""
        return self.rsplit("/", 1)[1]
