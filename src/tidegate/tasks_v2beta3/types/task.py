"""Messages and enums, part of ``types``."""

from tidegate.schema.v2beta3.task import Attempt, Task

__all__ = ["Attempt", "Task"]
