"""Messages and enums, part of ``types``."""

from tidegate.schema.v2beta2.task import AttemptStatus, Task, TaskStatus

__all__ = ["AttemptStatus", "Task", "TaskStatus"]
