"""Messages and enums, part of ``types``."""

from tidegate.schema.v2.task import Attempt, Task

__all__ = ["Attempt", "Task"]
