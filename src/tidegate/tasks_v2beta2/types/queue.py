"""Messages and enums, part of ``types``."""

from tidegate.schema.v2beta2.queue import Queue, QueueStats, RateLimits, RetryConfig

__all__ = ["Queue", "QueueStats", "RateLimits", "RetryConfig"]
